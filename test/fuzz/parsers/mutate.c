/* See mutate.h. */
#include "mutate.h"

#include <elf.h>
#include <stdbool.h>
#include <string.h>

/* A value at which a bound may be missed, for a field that has `old` in a file of n bytes. */
static uint64_t edge(uint64_t old, size_t n, unsigned seed)
{
	const uint64_t near[] = { old + 1, old - 1, old * 2, old + 8, old ^ 1 };
	const uint64_t fixed[] = { 0, 1, 2, 4, 7, 8, 0xff, 0xffff, INT32_MAX, UINT32_MAX, INT64_MAX,
		UINT64_MAX, n, n - 1, n + 1, n / 2, 4096, 4095 };

	switch (seed % 4) {
	case 0:
		return near[seed / 4 % (sizeof(near) / sizeof(near[0]))];
	case 1:
		return (uint64_t)1 << (seed / 4 % 64);
	case 2:
		return seed / 4 % (n + 1);
	default:
		return fixed[seed / 4 % (sizeof(fixed) / sizeof(fixed[0]))];
	}
}

static void change(uint8_t *data, size_t n, size_t at, size_t size, unsigned seed)
{
	uint64_t value = 0;

	if (size > sizeof(value) || at > n || size > n - at)
		return;
	memcpy(&value, data + at, size);
	value = edge(value, n, seed);
	memcpy(data + at, &value, size);
}

/* The sizes of the fields of a structure; 0 ends them. */
static const uint8_t file_header[] = { 2, 2, 4, 8, 8, 8, 4, 2, 2, 2, 2, 2, 2, 0 };
static const uint8_t segment[] = { 4, 4, 8, 8, 8, 8, 8, 8, 0 };
static const uint8_t section[] = { 4, 4, 8, 8, 8, 8, 4, 4, 8, 8, 0 };
static const uint8_t file_header32[] = { 2, 2, 4, 4, 4, 4, 4, 2, 2, 2, 2, 2, 2, 0 };
static const uint8_t segment32[] = { 4, 4, 4, 4, 4, 4, 4, 4, 0 };
static const uint8_t section32[] = { 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 0 };

static void change_field(uint8_t *data, size_t n, size_t at, const uint8_t *fields, unsigned seed)
{
	const unsigned count = (unsigned)strlen((const char *)fields), which = seed % count;

	for (unsigned i = 0; i < which; i++)
		at += fields[i];
	change(data, n, at, fields[which], seed / count);
}

/* Where the headers are, as the file says. */
struct tables {
	uint64_t segments, sections;
	uint16_t segment_n, section_n, segment_size, section_size;
	bool is_32bit;
};

static void find(const uint8_t *data, struct tables *t)
{
	Elf64_Ehdr whole;
	Elf32_Ehdr half;

	memcpy(&whole, data, sizeof(whole));
	memcpy(&half, data, sizeof(half));
	t->is_32bit = data[EI_CLASS] == ELFCLASS32;
	t->segments = t->is_32bit ? half.e_phoff : whole.e_phoff;
	t->sections = t->is_32bit ? half.e_shoff : whole.e_shoff;
	t->segment_n = t->is_32bit ? half.e_phnum : whole.e_phnum;
	t->section_n = t->is_32bit ? half.e_shnum : whole.e_shnum;
	t->segment_size = t->is_32bit ? sizeof(Elf32_Phdr) : sizeof(Elf64_Phdr);
	t->section_size = t->is_32bit ? sizeof(Elf32_Shdr) : sizeof(Elf64_Shdr);
}

/* A word of the first notes, by which they are found, or of what they hold. */
static void change_note(uint8_t *data, size_t n, const struct tables *t, unsigned seed)
{
	for (unsigned i = 0; i < t->segment_n && i < 64; i++) {
		const uint64_t at = t->segments + (uint64_t)i * t->segment_size;
		const size_t place = t->is_32bit ? 4 : 8;
		uint32_t type;
		uint64_t offset = 0;

		if (at > n || n - at < t->segment_size)
			return;
		memcpy(&type, data + at, sizeof(type));
		memcpy(&offset, data + at + place, place);
		if (type == PT_NOTE && offset < n)
			change(data, n, offset + 4 * (seed / 8 % 512), seed % 8 == 0 ? 8 : 4, seed / 4096);
	}
}

void mutate_elf(uint8_t *data, size_t n, unsigned seed)
{
	struct tables t;

	if (n < sizeof(Elf64_Ehdr))
		return;
	find(data, &t);
	switch (seed % 4) {
	case 0:
		change_field(data, n, EI_NIDENT, t.is_32bit ? file_header32 : file_header, seed / 4);
		break;
	case 1:
		if (t.segment_n != 0)
			change_field(data, n, t.segments + seed / 4 % t.segment_n * (uint64_t)t.segment_size,
			    t.is_32bit ? segment32 : segment, seed / 64);
		break;
	case 2:
		if (t.section_n != 0)
			change_field(data, n, t.sections + seed / 4 % t.section_n * (uint64_t)t.section_size,
			    t.is_32bit ? section32 : section, seed / 64);
		break;
	default:
		change_note(data, n, &t, seed / 4);
	}
}

void mutate_records(uint8_t *data, size_t n, size_t from, size_t record, unsigned seed)
{
	const size_t records = n < from ? 0 : (n - from) / record;
	size_t at;

	if (records == 0)
		return;
	at = from + seed % records * record;
	switch (seed / 256 % 3) {
	case 0: /* a place in words, an address of the image */
		data[at] = (uint8_t)(seed >> 10 & 0xf8);
		data[at + 2] = 1;
		break;
	case 1:
		data[at + 2] = (uint8_t)(seed >> 12);
		break;
	default:
		change(data, n, at + 3, record - 3, seed >> 10);
	}
}
