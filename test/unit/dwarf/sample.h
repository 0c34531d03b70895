/* Structures whose members are looked for: once in this program, where the compiler says where they
 * are, and once as the source of a library whose debug information has to say the same. */
#ifndef UNIT_DWARF_SAMPLE_H
#define UNIT_DWARF_SAMPLE_H

#define TWICE(...)  \
	__VA_ARGS__ \
	static const char sample_text[] = #__VA_ARGS__;

/* clang-format off */
TWICE(
struct inner { char pad; struct { long deep; } nest; unsigned low : 3; unsigned mid : 5; unsigned high : 9; };
typedef struct { short first; struct inner in; char tail[7]; } sample_typedef;
struct sample_tag { char c; union { int either; double neither; }; struct { long long hidden; }; const struct inner *p; void (*f)(int); };
typedef struct sample_tag sample_alias;
typedef const volatile sample_alias sample_qualified;
struct sample_only_declared;
union sample_union { char small; long large; };
typedef unsigned short sample_number;
struct sample_bits { unsigned a : 1; unsigned b : 2; unsigned kind : 3; unsigned one : 1; unsigned long long wide : 40; };)
/* clang-format on */

#endif
