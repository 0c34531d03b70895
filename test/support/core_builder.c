/* Cores for tests. Note bytes are gathered in one buffer, segments in an array; core_builder_fd
 * writes them out. */
#include "core_builder.h"

#include <elf.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct segment {
	uint64_t va, memsz, filesz;
	uint32_t flags;
	void *bytes; /* NULL: a hole */
};

struct entry {
	uint64_t start, end, offset;
	char *path;
};

struct buffer {
	uint8_t *at;
	size_t n, cap;
};

struct core_builder {
	struct buffer notes, old; /* old: of the first of two PT_NOTEs */
	struct segment *segments;
	size_t segment_n;
	struct entry *entries;
	size_t entry_n;
};

static void *grown(void *old, size_t n)
{
	void *mem = realloc(old, n == 0 ? 1 : n);

	if (mem == NULL)
		abort();
	return mem;
}

static void *copied(const void *bytes, size_t n)
{
	void *mem = grown(NULL, n);

	memcpy(mem, bytes, n);
	return mem;
}

static void put(struct buffer *b, const void *bytes, size_t n)
{
	if (b->at == NULL || b->n + n > b->cap) {
		b->cap = 2 * (b->n + n);
		b->at = grown(b->at, b->cap);
	}
	if (n > 0)
		memcpy(b->at + b->n, bytes, n);
	b->n += n;
}

unsigned core_builder_word = 8;

static void put_word(struct buffer *b, uint64_t word)
{
	put(b, &word, core_builder_word);
}

struct core_builder *core_builder_create(void)
{
	struct core_builder *b = grown(NULL, sizeof(*b));

	memset(b, 0, sizeof(*b));
	return b;
}

void core_builder_destroy(struct core_builder *b)
{
	for (size_t i = 0; i < b->segment_n; i++)
		free(b->segments[i].bytes);
	for (size_t i = 0; i < b->entry_n; i++)
		free(b->entries[i].path);
	free(b->segments);
	free(b->entries);
	free(b->notes.at);
	free(b->old.at);
	free(b);
}

void core_builder_note(struct core_builder *b, const char *name, uint32_t type, const void *desc, size_t n)
{
	static const uint8_t zeros[4];
	size_t name_n = strlen(name) + 1;
	uint32_t head[3] = { (uint32_t)name_n, (uint32_t)n, type };

	put(&b->notes, head, sizeof(head));
	put(&b->notes, name, name_n);
	put(&b->notes, zeros, -name_n & 3);
	put(&b->notes, desc, n);
	put(&b->notes, zeros, -n & 3);
}

void core_builder_cut_notes(struct core_builder *b)
{
	free(b->old.at);
	b->old = b->notes;
	b->notes = (struct buffer){ .at = NULL };
}

void core_builder_prstatus(struct core_builder *b, int id, int cursig, const uint64_t regs[CB_REGS])
{
	static const uint8_t order_32[] = { CB_RBX, CB_RCX, CB_RDX, CB_RSI, CB_RDI, CB_RBP, CB_RAX, CB_DS,
		CB_ES, CB_FS, CB_GS, CB_ORIG_RAX, CB_RIP, CB_CS, CB_EFLAGS, CB_RSP, CB_SS };
	int is_64bit = core_builder_word == 8;
	uint8_t desc[336] = { 0 };
	int16_t sig = (int16_t)cursig;
	int32_t pid = id, signo = cursig;

	memcpy(desc, &signo, sizeof(signo));
	memcpy(desc + 12, &sig, sizeof(sig));
	memcpy(desc + (is_64bit ? 32 : 24), &pid, sizeof(pid));
	if (is_64bit)
		memcpy(desc + 112, regs, CB_REGS * sizeof(regs[0]));
	for (size_t i = 0; !is_64bit && i < sizeof(order_32); i++)
		memcpy(desc + 72 + 4 * i, &regs[order_32[i]], 4);
	core_builder_note(b, "CORE", NT_PRSTATUS, desc, is_64bit ? sizeof(desc) : 144);
}

void core_builder_tls(struct core_builder *b, uint32_t entry, uint32_t base)
{
	const uint32_t desc[4] = { entry, base, 0xfffff, 0x51 };

	core_builder_note(b, "LINUX", NT_386_TLS, desc, sizeof(desc));
}

void core_builder_prpsinfo(struct core_builder *b, int pid, const char *fname, const char *psargs)
{
	core_builder_prpsinfo_of(b, 'R', pid, fname, psargs);
}

void core_builder_prpsinfo_of(
    struct core_builder *b, char state, int pid, const char *fname, const char *psargs)
{
	size_t cut = core_builder_word == 8 ? 0 : 12;
	uint8_t desc[136] = { 0 };
	int32_t id = pid;

	desc[1] = (uint8_t)state;
	memcpy(desc + 24 - cut, &id, sizeof(id));
	memcpy(desc + 40 - cut, fname, strnlen(fname, 15));
	memcpy(desc + 56 - cut, psargs, strnlen(psargs, 80));
	core_builder_note(b, "CORE", NT_PRPSINFO, desc, sizeof(desc) - cut);
}

void core_builder_siginfo(struct core_builder *b, int signo, int code, uint64_t field)
{
	uint8_t desc[128] = { 0 };
	int32_t head[3] = { signo, 0, code };

	memcpy(desc, head, sizeof(head));
	memcpy(desc + 8 + core_builder_word, &field, sizeof(field));
	core_builder_note(b, "CORE", NT_SIGINFO, desc, sizeof(desc));
}

void core_builder_auxv(struct core_builder *b, const uint64_t (*pairs)[2], size_t n)
{
	struct buffer desc = { .at = NULL };

	for (size_t i = 0; i <= n; i++) {
		put_word(&desc, i < n ? pairs[i][0] : 0);
		put_word(&desc, i < n ? pairs[i][1] : 0);
	}
	core_builder_note(b, "CORE", NT_AUXV, desc.at, desc.n);
	free(desc.at);
}

void core_builder_map(struct core_builder *b, uint64_t start, uint64_t end, uint64_t offset, const char *path)
{
	b->entries = grown(b->entries, (b->entry_n + 1) * sizeof(*b->entries));
	b->entries[b->entry_n++] = (struct entry){ start, end, offset, copied(path, strlen(path) + 1) };
}

void core_builder_files(struct core_builder *b, uint64_t page_size)
{
	struct buffer desc = { .at = NULL };

	put_word(&desc, b->entry_n);
	put_word(&desc, page_size);
	for (size_t i = 0; i < b->entry_n; i++) {
		put_word(&desc, b->entries[i].start);
		put_word(&desc, b->entries[i].end);
		put_word(&desc, b->entries[i].offset / page_size);
	}
	for (size_t i = 0; i < b->entry_n; i++)
		put(&desc, b->entries[i].path, strlen(b->entries[i].path) + 1);
	core_builder_note(b, "CORE", NT_FILE, desc.at, desc.n);
	free(desc.at);
}

void core_builder_load(
    struct core_builder *b, uint64_t va, uint64_t memsz, uint32_t flags, const void *bytes, uint64_t filesz)
{
	/* By doubling: there may be many. */
	if ((b->segment_n & (b->segment_n - 1)) == 0)
		b->segments =
		    grown(b->segments, (b->segment_n == 0 ? 1 : 2 * b->segment_n) * sizeof(*b->segments));
	b->segments[b->segment_n++] = (struct segment){ va, memsz, filesz, flags,
		bytes == NULL ? NULL : copied(bytes, (size_t)filesz) };
}

static void write_at(int fd, const void *bytes, size_t n, uint64_t off)
{
	if (n > 0 && pwrite(fd, bytes, n, (off_t)off) != (ssize_t)n)
		abort();
}

/* The ELF header; how many bytes. */
static size_t write_ehdr(int fd, size_t segment_n)
{
	Elf64_Ehdr eh = {
		.e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT },
		.e_type = ET_CORE,
		.e_machine = EM_X86_64,
		.e_version = EV_CURRENT,
		.e_phoff = sizeof(eh),
		.e_ehsize = sizeof(eh),
		.e_phentsize = sizeof(Elf64_Phdr),
		.e_phnum = segment_n < PN_XNUM ? (Elf64_Half)segment_n : PN_XNUM,
	};
	Elf32_Ehdr header_32 = {
		.e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS32, ELFDATA2LSB, EV_CURRENT },
		.e_type = ET_CORE,
		.e_machine = EM_386,
		.e_version = EV_CURRENT,
		.e_phoff = sizeof(header_32),
		.e_ehsize = sizeof(header_32),
		.e_phentsize = sizeof(Elf32_Phdr),
		.e_phnum = (Elf32_Half)segment_n,
	};

	if (core_builder_word == 4)
		write_at(fd, &header_32, sizeof(header_32), 0);
	else
		write_at(fd, &eh, sizeof(eh), 0);
	return core_builder_word == 4 ? sizeof(header_32) : sizeof(eh);
}

/* Program header i, in a file whose ELF header has `start` bytes. */
static void write_phdr(int fd, size_t start, size_t i, const Elf64_Phdr *ph)
{
	Elf32_Phdr header_32 = { ph->p_type, (Elf32_Off)ph->p_offset, (Elf32_Addr)ph->p_vaddr, 0,
		(Elf32_Word)ph->p_filesz, (Elf32_Word)ph->p_memsz, ph->p_flags, (Elf32_Word)ph->p_align };

	if (core_builder_word == 4)
		write_at(fd, &header_32, sizeof(header_32), start + i * sizeof(header_32));
	else
		write_at(fd, ph, sizeof(*ph), start + i * sizeof(*ph));
}

static void lay_out(const struct core_builder *b, int fd)
{
	size_t notes = b->old.n > 0 ? 2 : 1, start = write_ehdr(fd, b->segment_n + notes);
	uint64_t at = start + (b->segment_n + notes) *
				  (core_builder_word == 4 ? sizeof(Elf32_Phdr) : sizeof(Elf64_Phdr));
	Elf64_Phdr ph = { .p_type = PT_NOTE, .p_offset = at, .p_filesz = b->old.n, .p_align = 4 };

	if (b->old.n > 0) {
		write_phdr(fd, start, 0, &ph);
		write_at(fd, b->old.at, b->old.n, at);
		at += b->old.n;
		ph.p_offset = at;
	}
	ph.p_filesz = b->notes.n;
	write_phdr(fd, start, notes - 1, &ph);
	write_at(fd, b->notes.at, b->notes.n, at);
	at += b->notes.n;
	for (size_t i = 0; i < b->segment_n; i++) {
		const struct segment *s = &b->segments[i];

		at = (at + 4095) & ~UINT64_C(4095);
		ph = (Elf64_Phdr){
			.p_type = PT_LOAD,
			.p_offset = at,
			.p_vaddr = s->va,
			.p_memsz = s->memsz,
			.p_filesz = s->filesz,
			.p_flags = s->flags,
			.p_align = 4096,
		};
		write_phdr(fd, start, i + notes, &ph);
		if (s->bytes != NULL)
			write_at(fd, s->bytes, (size_t)s->filesz, at);
		at += s->filesz;
	}
	if (ftruncate(fd, (off_t)at) != 0)
		abort();
}

int core_builder_fd(const struct core_builder *b)
{
	int fd = memfd_create("core", MFD_CLOEXEC);

	if (fd < 0)
		abort();
	lay_out(b, fd);
	return fd;
}

void core_builder_save(const struct core_builder *b, const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0)
		abort();
	lay_out(b, fd);
	if (close(fd) != 0)
		abort();
}
