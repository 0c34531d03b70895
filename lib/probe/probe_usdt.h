/* Static probes of programs (USDT): the notes that <sys/sdt.h> leaves in an ELF file. Source:
 * SystemTap's UserSpaceProbeImplementation, and sdt.h of version 3 of the notes. */
#ifndef PROBE_PROBE_USDT_H
#define PROBE_PROBE_USDT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arch/arch.h"
#include "base/fault.h"
#include "base/vec.h"
#include "elf/image.h"
#include "probe/probe_spec.h"

enum {
	PROBE_USDT_ARGS = 12,      /* arguments of a probe */
	PROBE_USDT_TEXT_MAX = 511, /* bytes of their text */
	PROBE_USDT_MAX = 65536,    /* probes of a file that are read */
};

enum probe_usdt_form {
	PROBE_USDT_UNKNOWN,  /* a symbol, a floating-point register, or damaged */
	PROBE_USDT_CONSTANT, /* value */
	PROBE_USDT_REGISTER, /* reg, from bit `shift` */
	PROBE_USDT_MEMORY,   /* at reg + index × scale + value */
};

/* Where the value of an argument is when the probe is hit: `bytes` of it, to be extended. */
struct probe_usdt_arg {
	enum probe_usdt_form form;
	bool is_signed;
	uint8_t bytes;      /* 1, 2, 4, 8 */
	uint8_t reg, index; /* DWARF numbers (arch/arch.h); ARCH_NO_REG: none */
	uint8_t shift;      /* 0 or 8 */
	uint8_t scale;      /* 1, 2, 4, 8 */
	int64_t value;
};

struct probe_usdt {
	char provider[PROBE_NAME_MAX + 1]; /* with __, never with - */
	char name[PROBE_NAME_MAX + 1];
	uint64_t pc;               /* link-time address of the instruction */
	uint64_t offset;           /* of the instruction in the file */
	uint64_t semaphore;        /* link-time address of the u16 that counts tracers; 0: none */
	uint64_t semaphore_offset; /* of it in the file */
	uint8_t n_args;
	struct probe_usdt_arg args[PROBE_USDT_ARGS];
	char text[PROBE_USDT_TEXT_MAX + 1]; /* the arguments as in the note, unescaped */
};

struct probe_usdt_list {
	VEC(struct probe_usdt) probes; /* in the file's order; a probe has an entry for each place */
	size_t skipped;                /* notes that are damaged, or describe no code of the file */
};

/* Read the probes of a file. RES_NONE: it has none. RES_FAIL: its notes cannot be read. The caller
 * frees *out. */
enum res probe_usdt_read(struct elf_image *img, struct probe_usdt_list *out, struct fault *f);
/* The same of the file at `path`, which is the user's. */
enum res probe_usdt_read_file(const char *path, struct probe_usdt_list *out, struct fault *f);
void probe_usdt_free(struct probe_usdt_list *list);

/* The places of a probe one by one: the first entry of that name, and with `after`, the next one;
 * NULL: there are no more. */
const struct probe_usdt *probe_usdt_find(const struct probe_usdt_list *list, const char *provider,
    const char *name, const struct probe_usdt *after);

/* Fill *f for a probe that `file` does not have: the nearest names, or the first
 * ones, or that it has none of this provider. `list` may be NULL. Returns RES_FAIL. */
enum res probe_usdt_refuse(const struct probe_usdt_list *list, const char *file, const char *provider,
    const char *name, struct fault *f);

/* Parse the text of the arguments. Returns their number, of which at most PROBE_USDT_ARGS are
 * written. One that is not understood is UNKNOWN. */
size_t probe_usdt_parse_args(
    const struct arch *arch, const char *text, struct probe_usdt_arg args[PROBE_USDT_ARGS]);

#endif
