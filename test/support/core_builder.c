/* Cores made to order: note bytes gathered in one buffer, segments in an array; core_builder_fd lays
 * them out. */
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
	struct buffer notes;
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

void core_builder_prstatus(struct core_builder *b, int id, int cursig, const uint64_t regs[CB_REGS])
{
	uint8_t desc[336] = { 0 };
	int16_t sig = (int16_t)cursig;
	int32_t pid = id, signo = cursig;

	memcpy(desc, &signo, sizeof(signo));
	memcpy(desc + 12, &sig, sizeof(sig));
	memcpy(desc + 32, &pid, sizeof(pid));
	memcpy(desc + 112, regs, CB_REGS * sizeof(regs[0]));
	core_builder_note(b, "CORE", NT_PRSTATUS, desc, sizeof(desc));
}

void core_builder_prpsinfo(struct core_builder *b, int pid, const char *fname, const char *psargs)
{
	uint8_t desc[136] = { 0 };
	int32_t id = pid;

	desc[1] = 'R';
	memcpy(desc + 24, &id, sizeof(id));
	memcpy(desc + 40, fname, strnlen(fname, 15));
	memcpy(desc + 56, psargs, strnlen(psargs, 80));
	core_builder_note(b, "CORE", NT_PRPSINFO, desc, sizeof(desc));
}

void core_builder_siginfo(struct core_builder *b, int signo, int code, uint64_t field)
{
	uint8_t desc[128] = { 0 };
	int32_t head[3] = { signo, 0, code };

	memcpy(desc, head, sizeof(head));
	memcpy(desc + 16, &field, sizeof(field));
	core_builder_note(b, "CORE", NT_SIGINFO, desc, sizeof(desc));
}

void core_builder_auxv(struct core_builder *b, const uint64_t (*pairs)[2], size_t n)
{
	static const uint64_t end[2];
	struct buffer desc = { .at = NULL };

	put(&desc, pairs, n * sizeof(pairs[0]));
	put(&desc, end, sizeof(end));
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
	uint64_t head[2] = { b->entry_n, page_size };

	put(&desc, head, sizeof(head));
	for (size_t i = 0; i < b->entry_n; i++) {
		uint64_t row[3] = { b->entries[i].start, b->entries[i].end,
			b->entries[i].offset / page_size };

		put(&desc, row, sizeof(row));
	}
	for (size_t i = 0; i < b->entry_n; i++)
		put(&desc, b->entries[i].path, strlen(b->entries[i].path) + 1);
	core_builder_note(b, "CORE", NT_FILE, desc.at, desc.n);
	free(desc.at);
}

void core_builder_load(
    struct core_builder *b, uint64_t va, uint64_t memsz, uint32_t flags, const void *bytes, uint64_t filesz)
{
	b->segments = grown(b->segments, (b->segment_n + 1) * sizeof(*b->segments));
	b->segments[b->segment_n++] = (struct segment){ va, memsz, filesz, flags,
		bytes == NULL ? NULL : copied(bytes, (size_t)filesz) };
}

static void write_at(int fd, const void *bytes, size_t n, uint64_t off)
{
	if (n > 0 && pwrite(fd, bytes, n, (off_t)off) != (ssize_t)n)
		abort();
}

static void lay_out(const struct core_builder *b, int fd)
{
	Elf64_Ehdr eh = {
		.e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT },
		.e_type = ET_CORE,
		.e_machine = EM_X86_64,
		.e_version = EV_CURRENT,
		.e_phoff = sizeof(eh),
		.e_ehsize = sizeof(eh),
		.e_phentsize = sizeof(Elf64_Phdr),
		.e_phnum = (Elf64_Half)(b->segment_n + 1),
	};
	uint64_t at = sizeof(eh) + (b->segment_n + 1) * sizeof(Elf64_Phdr);
	Elf64_Phdr ph = { .p_type = PT_NOTE, .p_offset = at, .p_filesz = b->notes.n, .p_align = 4 };

	write_at(fd, &eh, sizeof(eh), 0);
	write_at(fd, &ph, sizeof(ph), sizeof(eh));
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
		write_at(fd, &ph, sizeof(ph), sizeof(eh) + (i + 1) * sizeof(ph));
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
