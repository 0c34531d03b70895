/* ELF cores for tests, built from notes and segments.
 *
 *   struct core_builder *b = core_builder_create();
 *   core_builder_prstatus(b, 100, SIGSEGV, regs);
 *   core_builder_load(b, 0x1000, 0x2000, PF_R | PF_W, bytes, 0x1000);
 *   int fd = core_builder_fd(b);       // anonymous file; may be patched by pwrite
 *   core_builder_destroy(b);
 *
 * Nothing is checked, because many tests need an invalid core. A failed system call or allocation
 * aborts the test program. Needs libc only. */
#ifndef TEST_CORE_BUILDER_H
#define TEST_CORE_BUILDER_H

#include <stddef.h>
#include <stdint.h>

struct core_builder;

/* Word size of the processes of builders created from now on: 8 (x86-64), or 4 (i386). For i386,
 * values are truncated, and only the registers that it has are written. */
extern unsigned core_builder_word;

/* Order of pr_reg in NT_PRSTATUS. */
enum core_builder_reg {
	CB_R15,
	CB_R14,
	CB_R13,
	CB_R12,
	CB_RBP,
	CB_RBX,
	CB_R11,
	CB_R10,
	CB_R9,
	CB_R8,
	CB_RAX,
	CB_RCX,
	CB_RDX,
	CB_RSI,
	CB_RDI,
	CB_ORIG_RAX,
	CB_RIP,
	CB_CS,
	CB_EFLAGS,
	CB_RSP,
	CB_SS,
	CB_FS_BASE,
	CB_GS_BASE,
	CB_DS,
	CB_ES,
	CB_FS,
	CB_GS,
	CB_REGS
};

struct core_builder *core_builder_create(void);
void core_builder_destroy(struct core_builder *b);

/* Add a note. Notes are written in the order in which they were added. */
void core_builder_note(struct core_builder *b, const char *name, uint32_t type, const void *desc, size_t n);
void core_builder_prstatus(struct core_builder *b, int id, int cursig, const uint64_t regs[CB_REGS]);
void core_builder_prpsinfo(struct core_builder *b, int pid, const char *fname, const char *psargs);
/* The same with the first thread's state letter, which is R above. */
void core_builder_prpsinfo_of(
    struct core_builder *b, char state, int pid, const char *fname, const char *psargs);
/* field: si_addr, or pid | uid << 32. */
void core_builder_siginfo(struct core_builder *b, int signo, int code, uint64_t field);
/* NT_386_TLS of the thread whose prstatus was added last: one segment descriptor. */
void core_builder_tls(struct core_builder *b, uint32_t entry, uint32_t base);
/* pairs: n times type, value; AT_NULL is added. */
void core_builder_auxv(struct core_builder *b, const uint64_t (*pairs)[2], size_t n);
/* Put the notes added so far into a PT_NOTE of their own, before that of the later ones. */
void core_builder_cut_notes(struct core_builder *b);
/* Entries of the one NT_FILE, which core_builder_files writes, with offsets in units of
 * page_size. */
void core_builder_map(
    struct core_builder *b, uint64_t start, uint64_t end, uint64_t offset, const char *path);
void core_builder_files(struct core_builder *b, uint64_t page_size);

/* Add a PT_LOAD of memsz bytes at va, the first filesz of them in the file: `bytes`, which are
 * copied, or a hole if it is NULL. */
void core_builder_load(
    struct core_builder *b, uint64_t va, uint64_t memsz, uint32_t flags, const void *bytes, uint64_t filesz);

/* The core as an anonymous regular file (memfd), which the caller must close. Layout: ELF header,
 * program headers (PT_NOTE first), notes, segments at page boundaries in the order in which they
 * were added. If there are more than 65534 headers, their number is not written, as in a core
 * truncated before its section header. */
int core_builder_fd(const struct core_builder *b);
/* The same at path (O_CREAT|O_TRUNC, mode 0600). */
void core_builder_save(const struct core_builder *b, const char *path);

#endif
