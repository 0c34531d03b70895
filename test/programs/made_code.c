/* Functions that are made at run time and registered for debuggers, each by an ELF file in memory:
 *
 *   main -> made_outer -> made_inner -> rest -> pause
 *
 * Both change sp by an amount that only their unwind tables can tell past. made_outer has a
 * relocatable file, as LLVM's are: its symbol is relative to its section, and the .eh_frame that is
 * loaded is not that of the file. made_inner's has addresses. With "coarse" the function is made_coarse, called
 * from enter, and described as a part of that. With "spins" it never rests. With another argument made_outer is not
 * in the list, which is "endless", or has a file that is "unreadable" or "huge". Writes a byte before it rests. */
#include <elf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct entry {
	struct entry *next, *previous;
	const void *file;
	uint64_t size;
};

struct descriptor {
	uint32_t version, action;
	struct entry *relevant, *first;
};

extern struct descriptor __jit_debug_descriptor;
struct descriptor __jit_debug_descriptor = { .version = 1 };

/* push %rbp; push %rbx; mov %rsp,%rbx; sub %rsi,%rsp; xor %ebp,%ebp; call *%rdi; mov %rbx,%rsp;
 * pop %rbx; pop %rbp; ret. */
static const unsigned char code[] = { 0x55, 0x53, 0x48, 0x89, 0xe3, 0x48, 0x29, 0xf4, 0x31, 0xed, 0xff, 0xd7,
	0x48, 0x89, 0xdc, 0x5b, 0x5d, 0xc3 };

/* sub $8,%rsp; call *%rdi; add $8,%rsp; ret */
static const unsigned char coarse_code[] = { 0x48, 0x83, 0xec, 0x08, 0xff, 0xd7, 0x48, 0x83, 0xc4, 0x08,
	0xc3 };

struct __attribute__((packed)) eh_frame {
	uint32_t common_size, common_id;
	unsigned char common[16];
	uint32_t size, back;
	uint64_t start, length;
	unsigned char augmentation, program[15];
	uint32_t end;
};

static struct eh_frame eh_frame(uint64_t at)
{
	return (struct eh_frame){
		.common_size = offsetof(struct eh_frame, size) - sizeof(uint32_t),
		/* Version 1, "zR", factors 1 and -8, return address in 16, absolute pointers; the CFA is
		 * rsp + 8. */
		.common = { 1, 'z', 'R', 0, 1, 0x78, 16, 1, 0x00, 0x0c, 7, 8, 0x90, 1 },
		.size = offsetof(struct eh_frame, end) - offsetof(struct eh_frame, back),
		.back = offsetof(struct eh_frame, back),
		.start = at,
		.length = sizeof(code),
		/* After the pushes rbp is at CFA - 16, rbx at CFA - 24; after the move the CFA is
		 * rbx + 24. */
		.program = { 0x41, 0x0e, 16, 0x86, 2, 0x41, 0x0e, 24, 0x83, 3, 0x43, 0x0c, 3, 24 },
	};
}

/* That of a caller with a frame pointer: the CFA is rbp + 16, and rbp at CFA - 16. */
static struct eh_frame coarse_frame(uint64_t at)
{
	static const unsigned char common[] = { 1, 'z', 'R', 0, 1, 0x78, 16, 1, 0x00, 0x0c, 6, 16, 0x86, 2,
		0x90, 1 };
	struct eh_frame made = eh_frame(at);

	memcpy(made.common, common, sizeof(common));
	memset(made.program, 0, sizeof(made.program));
	return made;
}

enum { NONE, TEXT, FRAME, SYMBOLS, STRINGS, SECTIONS };

struct file {
	Elf64_Ehdr header;
	Elf64_Shdr sections[SECTIONS];
	Elf64_Sym symbols[2];
	char strings[64];
	struct eh_frame frame;
};

static struct file files[2];
static struct entry entries[2];

static void describe(struct file *f, uint16_t type, const char *name, uint64_t at, struct eh_frame *loaded)
{
	static const char names[] = "\0.text\0.eh_frame\0.symtab\0.strtab\0";
	const uint64_t start = (uintptr_t)f;

	memcpy(f->header.e_ident, ELFMAG "\2\1\1", 7);
	f->header.e_type = type;
	f->header.e_machine = EM_X86_64;
	f->header.e_version = EV_CURRENT;
	f->header.e_ehsize = sizeof(f->header);
	f->header.e_shoff = (uintptr_t)f->sections - start;
	f->header.e_shentsize = sizeof(Elf64_Shdr);
	f->header.e_shnum = SECTIONS;
	f->header.e_shstrndx = STRINGS;
	memcpy(f->strings, names, sizeof(names));
	strcpy(f->strings + sizeof(names), name);
	f->sections[TEXT] = (Elf64_Shdr){ .sh_name = 1,
		.sh_type = SHT_NOBITS,
		.sh_addr = at,
		.sh_flags = SHF_ALLOC | SHF_EXECINSTR,
		.sh_size = sizeof(code) };
	f->sections[FRAME] = (Elf64_Shdr){ .sh_name = 7,
		.sh_type = SHT_PROGBITS,
		.sh_flags = SHF_ALLOC,
		.sh_addr = (uintptr_t)loaded,
		.sh_offset = (uintptr_t)&f->frame - start,
		.sh_size = sizeof(f->frame) };
	f->sections[SYMBOLS] = (Elf64_Shdr){ .sh_name = 17,
		.sh_type = SHT_SYMTAB,
		.sh_link = STRINGS,
		.sh_offset = (uintptr_t)f->symbols - start,
		.sh_size = sizeof(f->symbols),
		.sh_entsize = sizeof(Elf64_Sym),
		.sh_info = 1 };
	f->sections[STRINGS] = (Elf64_Shdr){ .sh_name = 25,
		.sh_type = SHT_STRTAB,
		.sh_offset = (uintptr_t)f->strings - start,
		.sh_size = sizeof(f->strings) };
	f->symbols[1] = (Elf64_Sym){ .st_name = sizeof(names),
		.st_shndx = TEXT,
		.st_size = sizeof(code),
		.st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC),
		.st_value = type == ET_REL ? 0 : at };
	*loaded = eh_frame(at);
}

static void enlist(struct entry *e, const void *file, uint64_t size)
{
	*e = (struct entry){ __jit_debug_descriptor.first, NULL, file, size };
	if (e->next != NULL)
		e->next->previous = e;
	__jit_debug_descriptor.first = __jit_debug_descriptor.relevant = e;
}

static volatile bool spins;

static void (*made[2])(void (*f)(void), long bytes);

/* clang has no such attribute; it keeps these frame pointers only without an optimizer. */
#ifdef __clang__
#define WITH_FRAME_POINTER
#else
#define WITH_FRAME_POINTER __attribute__((optimize("no-omit-frame-pointer")))
#endif

/* Where it rests its frame is found by the frame pointer only, which is not known of a blocked thread. */
WITH_FRAME_POINTER static void rest(void)
{
	const char ready = 'r';

	if (write(STDOUT_FILENO, &ready, 1) == 1)
		for (;;) {
			if (!spins)
				(void)pause();
		}
}

WITH_FRAME_POINTER static void enter(void)
{
	made[0](rest, 0);
}

static void inner(void)
{
	made[1](rest, 0x1230);
}

int main(int argc, char **argv)
{
	static struct eh_frame loaded;
	unsigned char *at = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	const char *wrong = argc > 1 ? argv[1] : "";

	spins = strcmp(wrong, "spins") == 0;
	if (at == MAP_FAILED)
		return 1;
	if (strcmp(wrong, "coarse") == 0)
		memcpy(at, coarse_code, sizeof(coarse_code));
	else
		memcpy(at, code, sizeof(code));
	memcpy(at + 64, code, sizeof(code));
	if (mprotect(at, 4096, PROT_READ | PROT_EXEC) != 0)
		return 1;
	describe(&files[0], ET_REL, "made_outer", (uintptr_t)at, &loaded);
	describe(&files[1], ET_DYN, "made_inner", (uintptr_t)at + 64, &files[1].frame);
	if (strcmp(wrong, "coarse") == 0) {
		describe(&files[0], ET_DYN, "made_coarse", (uintptr_t)at, &files[0].frame);
		files[0].frame = coarse_frame((uintptr_t)at);
		enlist(&entries[0], &files[0], sizeof(files[0]));
		made[0] = (void (*)(void (*)(void), long))(void *)at;
		enter();
	}
	if (wrong[0] == '\0' || spins)
		enlist(&entries[0], &files[0], sizeof(files[0]));
	else if (strcmp(wrong, "unreadable") == 0)
		enlist(&entries[0], (const void *)4096, 4096);
	else if (strcmp(wrong, "huge") == 0)
		enlist(&entries[0], &files[0], UINT64_MAX);
	enlist(&entries[1], &files[1], sizeof(files[1]));
	if (strcmp(wrong, "endless") == 0)
		entries[1].next = &entries[1];
	made[0] = (void (*)(void (*)(void), long))(void *)at;
	made[1] = (void (*)(void (*)(void), long))(void *)(at + 64);
	made[0](inner, 0x4560);
	return 1;
}
