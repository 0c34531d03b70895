/* ELF files: headers, sections, notes, symbols, static probes; the debug file that a link leads to
 * or that is inside; and the image that is made of a process's memory. Bytes 0 and 1: where the
 * debug file begins, in units of 64 bytes. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "elf/debugfile.h"
#include "elf/image.h"
#include "elf/symbols.h"
#include "parsers.h"
#include "probe/probe_usdt.h"

enum { HEAD = 2, UNIT = 64, BASE = 0x400000, MANY = 64 };

struct bytes {
	const uint8_t *at;
	size_t n;
};

/* elf_disk.open_path: each path leads to the debug file. */
static int open_debug(void *data, const char *path)
{
	const struct bytes *debug = data;
	int fd;

	fuzz_must(path[0] == '/');
	if (debug->n == 0)
		return -1;
	fd = memfd_create("debug", MFD_CLOEXEC);
	fuzz_must(fd >= 0 && write(fd, debug->at, debug->n) == (ssize_t)debug->n);
	return fd;
}

/* elf_read_fn: the file is in memory at BASE. */
static ssize_t read_memory(void *data, void *buf, size_t n, uint64_t va)
{
	const struct bytes *file = data;

	if (va < BASE || va - BASE >= file->n)
		return 0;
	if (n > file->n - (va - BASE))
		n = file->n - (va - BASE);
	memcpy(buf, file->at + (va - BASE), n);
	return (ssize_t)n;
}

static void ask_sections(struct elf_image *img)
{
	static const char *const names[] = { ".text", ".eh_frame", ".gnu_debugdata", ".debug_info",
		".symtab" };
	struct span bytes;
	GElf_Shdr shdr;
	bool writable;

	for (size_t i = 0; i < elf_image_shnum(img) && i < MANY; i++) {
		(void)elf_image_shdr(img, i, &shdr);
		(void)elf_image_section_bytes(img, i, &bytes);
	}
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		(void)elf_image_section(img, names[i], &shdr, &bytes);
	(void)elf_image_build_id(img, &bytes);
	for (size_t i = 0; i < elf_image_phnum(img) && i < MANY; i++) {
		const GElf_Phdr *phdr = &elf_image_phdrs(img)[i];
		uint64_t va;

		(void)elf_image_at(img, phdr->p_vaddr, &bytes, &writable);
		(void)elf_image_vaddr_of_offset(img, phdr->p_offset, true, &va);
	}
}

static void ask_symbols(struct elf_image *img, struct bytes *debug)
{
	static const char *const names[] = { "main", "_PyEval_EvalFrameDefault", "_PyRuntime", "" };
	const struct elf_disk disk = { open_debug, debug };
	struct elf_symbols *symbols = elf_symbols_create(img);
	struct elf_symbol symbol;
	struct elf_image *more = NULL;
	struct fault f;

	fuzz_must(symbols != NULL);
	if (!elf_symbols_has_symtab(symbols) &&
	    (elf_debugfile_open(img, "/usr/bin/x", &disk, &more, &f) == RES_OK ||
		elf_minidebug_open(img, &more, &f) == RES_OK))
		elf_symbols_attach_debug(symbols, more);
	for (uint64_t i = 0; i < MANY; i++)
		(void)elf_symbols_by_addr(symbols, 0x1000 + i * 0x11, &symbol);
	(void)elf_symbols_by_addr(symbols, UINT64_MAX, &symbol);
	(void)elf_symbols_by_addr(symbols, elf_image_ehdr(img)->e_entry, &symbol);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		(void)elf_symbols_by_name(symbols, names[i], &symbol);
		(void)elf_symbols_exports(symbols, names[i]);
		(void)elf_symbols_imports(symbols, names[i]);
	}
	elf_symbols_destroy(symbols);
}

static void ask(struct elf_image *img, struct bytes *debug)
{
	struct probe_usdt_list probes;
	struct fault f;

	ask_sections(img);
	ask_symbols(img, debug);
	if (probe_usdt_read(img, &probes, &f) == RES_OK)
		probe_usdt_free(&probes);
	elf_image_close(img);
}

void fuzz_elf(const uint8_t *data, size_t n)
{
	struct bytes file, debug;
	struct elf_memory memory = { read_memory, &file, BASE, 1 << 20 };
	struct elf_image *img;
	uint16_t units;
	struct fault f;

	if (n < HEAD)
		return;
	memcpy(&units, data, sizeof(units));
	file = (struct bytes){ data + HEAD, (size_t)units * UNIT };
	if (units == 0 || file.n > n - HEAD)
		file.n = n - HEAD;
	debug = (struct bytes){ file.at + file.n, n - HEAD - file.n };
	if (elf_image_from_bytes(fuzz_copy(file.at, file.n), file.n, &img, &f) == RES_OK)
		ask(img, &debug);
	if (elf_image_from_memory(&memory, &img, &f) == RES_OK)
		ask(img, &debug);
}
