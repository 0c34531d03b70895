/* Bytes at published places. */
#include "illumos_core_builder.h"

#include <string.h>

enum {
	NOTE_PSTATUS = 10,
	NOTE_PSINFO = 13,
	NOTE_LWPSTATUS = 16,
	NOTE_LWPSINFO = 17,
	NOTE_LWPNAME = 25,
	NOTE_AUXV = 6
};

static int is_64bit(void)
{
	return core_builder_word == 8;
}

static void put(uint8_t *desc, size_t at, const void *value, size_t n)
{
	memcpy(desc + at, value, n);
}

static void put_int(uint8_t *desc, size_t at, int32_t value)
{
	put(desc, at, &value, sizeof(value));
}

void illumos_psinfo(struct core_builder *b, int pid, const char *fname, const char *psargs)
{
	uint8_t desc[416] = { 0 };

	put_int(desc, 8, pid);
	put_int(desc, 12, 1);
	put_int(desc, 24, 101);
	put(desc, is_64bit() ? 136 : 88, fname, strnlen(fname, 15));
	put(desc, is_64bit() ? 152 : 104, psargs, strnlen(psargs, 80));
	desc[is_64bit() ? 256 : 200] = is_64bit() ? 2 : 1;
	core_builder_note(b, "CORE", NOTE_PSINFO, desc, is_64bit() ? 416 : 336);
}

static void put_lwp(uint8_t *desc, const struct illumos_lwp *lwp)
{
	int16_t cursig = (int16_t)lwp->cursig;
	size_t n = is_64bit() ? ILLUMOS_REGS : 19;

	put_int(desc, 0, 0x10);
	put_int(desc, 4, lwp->id);
	put(desc, 12, &cursig, sizeof(cursig));
	put_int(desc, 16, lwp->cursig);
	put_int(desc, 20, lwp->code);
	put(desc, is_64bit() ? 32 : 28, &lwp->field, 8);
	for (size_t i = 0; i < n; i++)
		put(desc, (is_64bit() ? 544 : 344) + i * core_builder_word, &lwp->regs[i], core_builder_word);
}

void illumos_pstatus(struct core_builder *b, int pid, const struct illumos_lwp *dumping)
{
	uint8_t desc[1680] = { 0 };

	put_int(desc, 8, pid);
	desc[is_64bit() ? 304 : 256] = is_64bit() ? 2 : 1;
	put_lwp(desc + (is_64bit() ? 384 : 336), dumping);
	core_builder_note(b, "CORE", NOTE_PSTATUS, desc, is_64bit() ? 1680 : 1136);
}

void illumos_lwpsinfo(struct core_builder *b, int id, char sname)
{
	uint8_t desc[128] = { 0 };

	put_int(desc, 4, id);
	desc[is_64bit() ? 26 : 18] = (uint8_t)sname;
	core_builder_note(b, "CORE", NOTE_LWPSINFO, desc, is_64bit() ? 128 : 104);
}

void illumos_lwpstatus(struct core_builder *b, const struct illumos_lwp *lwp)
{
	uint8_t desc[1296] = { 0 };

	put_lwp(desc, lwp);
	core_builder_note(b, "CORE", NOTE_LWPSTATUS, desc, is_64bit() ? 1296 : 800);
}

void illumos_lwpname(struct core_builder *b, int id, const char *name)
{
	uint8_t desc[40] = { 0 };

	put_int(desc, 0, id);
	put(desc, 8, name, strnlen(name, 31));
	core_builder_note(b, "CORE", NOTE_LWPNAME, desc, sizeof(desc));
}

void illumos_auxv(struct core_builder *b, const uint64_t (*pairs)[2], size_t n)
{
	uint8_t desc[64 * 16] = { 0 };
	size_t at = 0;

	for (size_t i = 0; i < n && i < 63; i++) {
		put_int(desc, at, (int32_t)pairs[i][0]);
		/* The padding between the two may have any value. */
		if (is_64bit())
			put_int(desc, at + 4, -1);
		put(desc, at + core_builder_word, &pairs[i][1], core_builder_word);
		at += 2U * core_builder_word;
	}
	core_builder_note(b, "CORE", NOTE_AUXV, desc, at + 2U * core_builder_word);
}
