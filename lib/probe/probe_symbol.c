/* See probe_symbol.h. */
#include "probe/probe_symbol.h"

#include <errno.h>
#include <string.h>

#include "arch/code.h"
#include "base/fileio.h"
#include "base/owned.h"
#include "elf/image.h"
#include "elf/symbols.h"
#include "os/images.h"
#include "probe/probe_near.h"
#include "probe/probe_text.h"

/* The offset in the file of a link-time address in a segment that can be executed. */
static bool offset_of(const struct elf_image *img, uint64_t vaddr, uint64_t *out)
{
	const GElf_Phdr *phdrs = elf_image_phdrs(img);

	for (size_t i = 0; i < elf_image_phnum(img); i++) {
		if (phdrs[i].p_type == PT_LOAD && (phdrs[i].p_flags & PF_X) != 0 &&
		    vaddr - phdrs[i].p_vaddr < phdrs[i].p_filesz) {
			*out = vaddr - phdrs[i].p_vaddr + phdrs[i].p_offset;
			return true;
		}
	}
	return false;
}

/* Does an instruction start `offset` bytes after the function that is at `start` in the file? A
 * breakpoint anywhere else becomes a part of another instruction, and may kill the process. */
static bool starts_instruction(int fd, uint64_t start, uint64_t offset)
{
	const struct arch_code *code = arch_of_host(false)->code;
	uint8_t bytes[ARCH_INSN_BYTES];
	struct arch_insn insn;
	uint64_t at = 0;

	while (at < offset) {
		ssize_t n = fileio_pread(fd, bytes, sizeof(bytes), start + at);

		if (code == NULL || n <= 0 || !code->decode(bytes, (size_t)n, &insn))
			return false;
		at += insn.len;
	}
	return at == offset;
}

static bool is_function(const struct elf_symbol *symbol)
{
	unsigned type = GELF_ST_TYPE(symbol->sym.st_info);

	return symbol->sym.st_shndx != SHN_UNDEF && type != STT_TLS && type != STT_OBJECT &&
	       type != STT_FILE && type != STT_SECTION;
}

static bool add_near(void *data, const struct elf_symbol *symbol)
{
	if (is_function(symbol) && strchr(symbol->name, '@') == NULL)
		probe_near_add(data, symbol->name);
	return true;
}

/* There is no such function: name the nearest ones. */
static enum res refuse_symbol(struct elf_symbols *syms, const char *symbol, struct fault *f)
{
	struct strbuf ask = STRBUF_EMPTY;
	struct probe_near near;
	enum res res;

	probe_near_start(&near, symbol);
	elf_symbols_each(syms, add_near, &near);
	probe_near_ask(&near, &ask);
	res = fault_set(f, 0, 0, 0, "it has no function of this name%s", strbuf_text(&ask));
	strbuf_free(&ask);
	return res;
}

static enum res find_place(
    struct elf_image *img, int fd, const char *symbol, uint64_t offset, uint64_t *out, struct fault *f)
{
	struct elf_symbols *syms = elf_symbols_create(img);
	struct elf_symbol found;
	enum res res;

	if (syms == NULL)
		return fault_memory(f);
	res = elf_symbols_by_name(syms, symbol, &found);
	if (res == RES_OK && !is_function(&found))
		res = RES_NONE;
	if (res == RES_NONE)
		res = refuse_symbol(syms, symbol, f);
	else if (res == RES_OK && found.sym.st_size != 0 && offset >= found.sym.st_size)
		res = fault_set(
		    f, 0, 0, 0, "the function has only %llu bytes", (unsigned long long)found.sym.st_size);
	else if (res == RES_OK && !offset_of(img, found.sym.st_value + offset, out))
		res = fault_set(f, 0, 0, 0, "the symbol is not in its code");
	else if (res == RES_OK && !starts_instruction(fd, *out - offset, offset))
		res = fault_set(f, 0, 0, 0, "no instruction starts at this offset");
	elf_symbols_destroy(syms);
	return res;
}

enum res probe_symbol_place(
    const char *path, const char *symbol, uint64_t offset, uint64_t *out, struct fault *f)
{
	OWNED(fd_release) int fd = os_open_regular(path);
	struct elf_image *img;
	struct fault inner = { 0 };
	enum res res;

	if (fd < 0)
		return probe_text_refuse(f, path, fileio_open_error(errno), "");
	res = elf_image_open(fd, &img, &inner);
	if (res == RES_OK) {
		res = find_place(img, fd, symbol, offset, out, &inner);
		elf_image_close(img);
	}
	return res == RES_OK ? RES_OK : probe_text_refuse(f, path, inner.text, "");
}
