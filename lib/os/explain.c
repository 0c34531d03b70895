/* The type of a file, by its mode and its first bytes. */
#include "os/explain.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "arch/arch.h"
#include "elf/elf_compat.h"

const char *explain_mode(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFDIR:
		return "a directory";
	case S_IFIFO:
		return "a FIFO";
	case S_IFSOCK:
		return "a socket";
	case S_IFCHR:
	case S_IFBLK:
		return "a device";
	default:
		return "not a regular file";
	}
}

static const char *kind_of_compression(const unsigned char *at, size_t n)
{
	static const struct {
		const char *magic;
		size_t n;
		const char *what;
	} rows[] = {
		{ "\x1f\x8b", 2, "compressed (gzip); uncompress it first" },
		{ "\xfd"
		  "7zXZ",
		    5, "compressed (xz); uncompress it first" },
		{ "\x28\xb5\x2f\xfd", 4, "compressed (zstd); uncompress it first" },
		{ "\x04\x22\x4d\x18", 4, "compressed (lz4); uncompress it first" },
		{ "BZh", 3, "compressed (bzip2); uncompress it first" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (n >= rows[i].n && memcmp(at, rows[i].magic, rows[i].n) == 0)
			return rows[i].what;
	return NULL;
}

static bool is_text(const unsigned char *at, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (at[i] < 0x20 && strchr("\t\n\r\f\b\033", at[i]) == NULL)
			return false;
	return n > 0;
}

static void explain_elf(const unsigned char *at, size_t n, char *buf, size_t size)
{
	uint16_t type = 0, machine = 0;
	unsigned elf_class;
	const char *name;
	bool is_64bit;

	if (n < 20) {
		(void)snprintf(buf, size, "it is a truncated ELF file; %s", EXPLAIN_ONLY_THIS);
		return;
	}
	is_64bit = at[EI_CLASS] == ELFCLASS64;
	elf_class = is_64bit ? ELFCLASS64 : ELFCLASS32;
	memcpy(&type, at + 16, sizeof(type));
	memcpy(&machine, at + 18, sizeof(machine));
	name = arch_machine_name(machine, elf_class);
	if (at[EI_DATA] != ELFDATA2LSB || arch_of_elf(machine, elf_class) == NULL)
		(void)snprintf(buf, size, "it is %s ELF file of %s%s; only " ARCH_SUPPORTED " are supported",
		    is_64bit ? "a 64-bit" : "a 32-bit",
		    at[EI_DATA] != ELFDATA2LSB ? "a big-endian machine"
		    : name != NULL             ? name
					       : "another machine",
		    type == ET_CORE ? " (a core)" : "");
	else if (type == ET_EXEC || type == ET_DYN)
		(void)snprintf(
		    buf, size, "it is an ELF executable or library, not a core; %s", EXPLAIN_ONLY_THIS);
	else if (type == ET_CORE && n < (is_64bit ? sizeof(Elf64_Ehdr) : sizeof(Elf32_Ehdr)))
		(void)snprintf(buf, size, "it is a truncated ELF file, a core without most of its header");
	else if (type != ET_CORE)
		(void)snprintf(buf, size, "it is an ELF file, but not a core; %s", EXPLAIN_ONLY_THIS);
}

void explain_bytes(const unsigned char *at, size_t n, char *buf, size_t size)
{
	const char *packed = kind_of_compression(at, n);

	if (packed != NULL)
		(void)snprintf(buf, size, "it is %s", packed);
	else if (n == 0)
		(void)snprintf(buf, size, "it is empty; %s", EXPLAIN_ONLY_THIS);
	else if (n >= 4 && memcmp(at, ELFMAG, SELFMAG) == 0)
		explain_elf(at, n, buf, size);
	else if (n >= 2 && memcmp(at, "#!", 2) == 0)
		(void)snprintf(buf, size, "it is a script; %s", EXPLAIN_ONLY_THIS);
	else if (is_text(at, n))
		(void)snprintf(buf, size, "it is text; %s", EXPLAIN_ONLY_THIS);
	else
		(void)snprintf(buf, size, "it is not ELF; %s", EXPLAIN_ONLY_THIS);
}
