/* Images of generated files and of this program: opening, and access by offset and by address. */
#include <check.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "elf/image.h"
#include "support/elf_builder.h"
#include "support/run_suite.h"

/* A program of three segments: r-- at 0, then r-x and rw-, which share pages of the file. */
struct sample {
	struct elf_builder b;
	uint64_t text, data;
};

static const uint8_t build_id[20] = { 0xde, 0xad, 0xbe, 0xef, 5, 6, 7, 8, 9, 10 };

static void sample_make(struct sample *s)
{
	size_t note_n;
	uint64_t note;

	elf_builder_start(&s->b, ET_DYN);
	note = elf_builder_build_id(&s->b, build_id, sizeof(build_id), &note_n);
	(void)elf_builder_add(&s->b, NULL, 0x1800 - s->b.n, 1);
	s->text = elf_builder_add(&s->b, "text bytes", 10, 1);
	(void)elf_builder_add(&s->b, NULL, 0x2900 - s->b.n, 1);
	s->data = elf_builder_add(&s->b, "data bytes", 10, 1);
	elf_builder_segment(&s->b, PT_LOAD, PF_R, 0, 0, 0x1800, 0x1000);
	elf_builder_segment(&s->b, PT_LOAD, PF_R | PF_X, s->text, 0x2800, 0x1000, 0x1000);
	elf_builder_segment(&s->b, PT_LOAD, PF_R | PF_W, s->data, 0x4900, 10, 0x1000);
	elf_builder_segment(&s->b, PT_NOTE, PF_R, note, note, note_n, 4);
	(void)elf_builder_section(&s->b, ".text", SHT_PROGBITS, 0x2800, s->text, 10);
	(void)elf_builder_section(&s->b, ".bss", SHT_NOBITS, 0x5000, s->data, 0x100000);
	(void)elf_builder_section(&s->b, ".lost", SHT_PROGBITS, 0, 0x100000, 10);
}

static enum res open_bytes(const struct elf_builder *b, size_t n, struct elf_image **out, struct fault *f)
{
	int fd = elf_builder_fd(b, n);
	enum res res = elf_image_open(fd, out, f);

	(void)close(fd);
	return res;
}

static struct elf_image *sample_open(struct sample *s)
{
	struct elf_image *img = NULL;
	struct fault f = { .text = "" };

	sample_make(s);
	elf_builder_finish(&s->b);
	ck_assert_msg(open_bytes(&s->b, s->b.n, &img, &f) == RES_OK, "%s", f.text);
	return img;
}

START_TEST(headers_are_read)
{
	struct sample s;
	struct elf_image *img = sample_open(&s);

	ck_assert_int_eq(elf_image_ehdr(img)->e_type, ET_DYN);
	ck_assert_uint_eq(elf_image_phnum(img), 4);
	ck_assert_uint_eq(elf_image_phdrs(img)[1].p_vaddr, 0x2800);
	ck_assert_uint_eq(elf_image_size(img), s.b.n);
	ck_assert_uint_eq(elf_image_base(img), 0);
	ck_assert_uint_eq(elf_image_phdr(img, PT_NOTE)->p_type, PT_NOTE);
	ck_assert_ptr_null(elf_image_phdr(img, PT_DYNAMIC));
	ck_assert_ptr_nonnull(elf_image_elf(img));
	ck_assert_int_eq(elf_kind(elf_image_elf(img)), ELF_K_ELF);
	elf_image_close(img);
	elf_builder_free(&s.b);
}
END_TEST

START_TEST(bytes_end_with_the_file)
{
	struct sample s;
	struct elf_image *img = sample_open(&s);
	uint64_t size = elf_image_size(img);
	size_t avail;

	ck_assert_mem_eq(elf_image_bytes(img, s.text, 10), "text bytes", 10);
	ck_assert_ptr_nonnull(elf_image_bytes(img, size - 1, 1));
	ck_assert_ptr_null(elf_image_bytes(img, size - 1, 2));
	ck_assert_ptr_null(elf_image_bytes(img, UINT64_MAX, 2));
	ck_assert_ptr_null(elf_image_bytes(img, 1, SIZE_MAX));
	ck_assert_ptr_nonnull(elf_image_prefix(img, size - 3, 100, &avail));
	ck_assert_uint_eq(avail, 3);
	ck_assert_ptr_null(elf_image_prefix(img, size, 100, &avail));
	ck_assert_uint_eq(avail, 0);
	elf_image_close(img);
	elf_builder_free(&s.b);
}
END_TEST

START_TEST(addresses_lead_to_file_bytes)
{
	struct sample s;
	struct elf_image *img = sample_open(&s);
	struct span out;
	bool writable = true;

	ck_assert_int_eq(elf_image_at(img, 0x2805, &out, &writable), RES_OK);
	ck_assert_mem_eq(out.at, "bytes", 5);
	ck_assert_uint_eq(span_left(&out), 0x1000 - 5);
	ck_assert(!writable);
	ck_assert_int_eq(elf_image_at(img, 0x4900, &out, &writable), RES_OK);
	ck_assert_uint_eq(span_left(&out), 10);
	ck_assert(writable);
	ck_assert_int_eq(elf_image_at(img, 0x490a, &out, NULL), RES_NONE);
	ck_assert_int_eq(elf_image_at(img, 0x27ff, &out, NULL), RES_NONE);
	ck_assert_int_eq(elf_image_at(img, 0x1800, &out, NULL), RES_NONE);
	ck_assert_int_eq(elf_image_at(img, UINT64_MAX, &out, NULL), RES_NONE);
	elf_image_close(img);
	elf_builder_free(&s.b);
}
END_TEST

START_TEST(shared_pages_are_told_apart_by_permission)
{
	struct sample s;
	struct elf_image *img = sample_open(&s);
	uint64_t vaddr = 0;

	/* File page 1 is the end of r-- and the start of r-x; page 2 the end of r-x and the start
	 * of rw-. */
	ck_assert_int_eq(elf_image_vaddr_of_offset(img, 0, false, &vaddr), RES_OK);
	ck_assert_uint_eq(vaddr, 0);
	ck_assert_int_eq(elf_image_vaddr_of_offset(img, 0x1000, true, &vaddr), RES_OK);
	ck_assert_uint_eq(vaddr, 0x2000);
	ck_assert_int_eq(elf_image_vaddr_of_offset(img, 0x2000, true, &vaddr), RES_OK);
	ck_assert_uint_eq(vaddr, 0x3000);
	ck_assert_int_eq(elf_image_vaddr_of_offset(img, 0x2000, false, &vaddr), RES_OK);
	ck_assert_uint_eq(vaddr, 0x4000);
	/* Only one segment contains it, with the other permission. */
	ck_assert_int_eq(elf_image_vaddr_of_offset(img, 0, true, &vaddr), RES_OK);
	ck_assert_uint_eq(vaddr, 0);
	ck_assert_int_eq(elf_image_vaddr_of_offset(img, 0x3000, false, &vaddr), RES_NONE);
	ck_assert_uint_eq(vaddr, 0);
	elf_image_close(img);
	elf_builder_free(&s.b);
}
END_TEST

START_TEST(of_two_equal_segments_the_one_that_starts_there)
{
	struct elf_builder b;
	struct elf_image *img = NULL;
	uint64_t vaddr = 0;

	elf_builder_start(&b, ET_DYN);
	(void)elf_builder_add(&b, NULL, 0x2000 - b.n, 1);
	elf_builder_segment(&b, PT_LOAD, PF_R, 0, 0, 0x1800, 0x1000);
	elf_builder_segment(&b, PT_LOAD, PF_R | PF_W, 0x1900, 0x3900, 0x100, 0x1000);
	elf_builder_finish(&b);
	ck_assert_int_eq(open_bytes(&b, b.n, &img, NULL), RES_OK);
	ck_assert_int_eq(elf_image_vaddr_of_offset(img, 0x1000, false, &vaddr), RES_OK);
	ck_assert_uint_eq(vaddr, 0x3000);
	elf_image_close(img);
	elf_builder_free(&b);
}
END_TEST

START_TEST(sections_by_name)
{
	struct sample s;
	struct elf_image *img = sample_open(&s);
	struct span bytes = span_of("x", 1);
	GElf_Shdr sh;

	ck_assert_int_eq(elf_image_section(img, ".text", &sh, &bytes), RES_OK);
	ck_assert_uint_eq(sh.sh_addr, 0x2800);
	ck_assert_uint_eq(span_left(&bytes), 10);
	ck_assert_mem_eq(bytes.at, "text bytes", 10);
	ck_assert_int_eq(elf_image_section(img, ".bss", &sh, &bytes), RES_OK);
	ck_assert_uint_eq(span_left(&bytes), 0);
	ck_assert_uint_eq(sh.sh_size, 0x100000);
	ck_assert_int_eq(elf_image_section(img, ".lost", NULL, &bytes), RES_FAIL);
	ck_assert_int_eq(elf_image_section(img, ".lost", &sh, NULL), RES_OK);
	ck_assert_int_eq(elf_image_section(img, ".tex", NULL, &bytes), RES_NONE);
	ck_assert_int_eq(elf_image_section(img, ".text2", NULL, &bytes), RES_NONE);
	elf_image_close(img);
	elf_builder_free(&s.b);
}
END_TEST

static void add_compressed(struct elf_builder *b, const char *name, uint64_t claimed, uint32_t type)
{
	static const char plain[4000] = "all the same, all the same";
	uint8_t packed[4096];
	uLongf n = sizeof(packed);
	const Elf64_Chdr header_64 = { .ch_type = type, .ch_size = claimed, .ch_addralign = 1 };
	const Elf32_Chdr header_32 = { .ch_type = type, .ch_size = (Elf32_Word)claimed, .ch_addralign = 1 };
	bool is_64bit = elf_builder_class == ELFCLASS64;
	size_t index, head_n = is_64bit ? sizeof(header_64) : sizeof(header_32);
	uint64_t off;

	ck_assert_int_eq(compress(packed, &n, (const Bytef *)plain, sizeof(plain)), Z_OK);
	off = elf_builder_add(b, is_64bit ? (const void *)&header_64 : &header_32, head_n, 1);
	(void)elf_builder_add(b, packed, n, 1);
	index = elf_builder_section(b, name, SHT_PROGBITS, 0, off, head_n + n);
	b->shdrs[index].sh_flags = SHF_COMPRESSED;
}

START_TEST(compressed_sections_are_inflated_once)
{
	struct sample s;
	struct elf_image *img = NULL;
	struct span bytes, again;

	sample_make(&s);
	add_compressed(&s.b, ".good", 4000, ELFCOMPRESS_ZLIB);
	add_compressed(&s.b, ".short", 5000, ELFCOMPRESS_ZLIB);
	add_compressed(&s.b, ".bomb", (1ULL << 40) + UINT32_MAX, ELFCOMPRESS_ZLIB);
	add_compressed(&s.b, ".ratio", 1ULL << 28, ELFCOMPRESS_ZLIB);
	add_compressed(&s.b, ".other", 4000, 77);
	elf_builder_finish(&s.b);
	ck_assert_int_eq(open_bytes(&s.b, s.b.n, &img, NULL), RES_OK);
	ck_assert_int_eq(elf_image_section(img, ".good", NULL, &bytes), RES_OK);
	ck_assert_uint_eq(span_left(&bytes), 4000);
	ck_assert_str_eq((const char *)bytes.at, "all the same, all the same");
	ck_assert_int_eq(elf_image_section(img, ".good", NULL, &again), RES_OK);
	ck_assert_ptr_eq(again.at, bytes.at);
	ck_assert_int_eq(elf_image_section(img, ".short", NULL, &bytes), RES_FAIL);
	ck_assert_int_eq(elf_image_section(img, ".bomb", NULL, &bytes), RES_FAIL);
	ck_assert_int_eq(elf_image_section(img, ".ratio", NULL, &bytes), RES_FAIL);
	ck_assert_int_eq(elf_image_section(img, ".other", NULL, &bytes), RES_FAIL);
	elf_image_close(img);
	elf_builder_free(&s.b);
}
END_TEST

START_TEST(build_id_from_segment_or_section)
{
	struct sample s;
	struct elf_image *img = sample_open(&s);
	struct elf_builder b;
	struct span id;
	size_t n;
	uint64_t off;

	ck_assert_int_eq(elf_image_build_id(img, &id), RES_OK);
	ck_assert_uint_eq(span_left(&id), sizeof(build_id));
	ck_assert_mem_eq(id.at, build_id, sizeof(build_id));
	elf_image_close(img);
	elf_builder_free(&s.b);

	elf_builder_start(&b, ET_DYN);
	off = elf_builder_build_id(&b, build_id, 8, &n);
	(void)elf_builder_section(&b, ".note.gnu.build-id", SHT_NOTE, 0, off, n);
	elf_builder_finish(&b);
	ck_assert_int_eq(open_bytes(&b, b.n, &img, NULL), RES_OK);
	ck_assert_int_eq(elf_image_build_id(img, &id), RES_OK);
	ck_assert_uint_eq(span_left(&id), 8);
	elf_image_close(img);
	elf_builder_free(&b);

	elf_builder_start(&b, ET_DYN);
	elf_builder_finish(&b);
	ck_assert_int_eq(open_bytes(&b, b.n, &img, NULL), RES_OK);
	ck_assert_int_eq(elf_image_build_id(img, &id), RES_NONE);
	elf_image_close(img);
	elf_builder_free(&b);
}
END_TEST

static void refused(struct sample *s, size_t n, int code, const char *text)
{
	struct elf_image *img = (struct elf_image *)s;
	struct fault f = { .text = "" };

	ck_assert_int_eq(open_bytes(&s->b, n, &img, &f), RES_FAIL);
	ck_assert_int_eq(f.code, code);
	ck_assert_msg(strstr(f.text, text) != NULL, "%s", f.text);
	ck_assert_ptr_eq(img, (struct elf_image *)s);
}

START_TEST(what_is_no_elf_is_refused_by_name)
{
	struct sample s;
	int fd, pair[2];
	struct elf_image *img = NULL;
	struct fault f;

	sample_make(&s);
	elf_builder_finish(&s.b);
	refused(&s, 0, ELF_FAULT_FORMAT, "empty");
	refused(&s, 10, ELF_FAULT_FORMAT, "not an ELF");
	refused(&s, s.b.eh.e_ehsize - 1U, ELF_FAULT_FORMAT, "truncated");
	refused(&s, s.b.eh.e_ehsize, ELF_FAULT_FORMAT, "no program headers");
	s.b.bytes[EI_MAG1] = 'X';
	refused(&s, s.b.n, ELF_FAULT_FORMAT, "not an ELF");
	elf_builder_free(&s.b);

	fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_eq(elf_image_open(fd, &img, &f), RES_FAIL);
	ck_assert_int_eq(f.code, ELF_FAULT_FORMAT);
	(void)close(fd);
	ck_assert_int_eq(pipe(pair), 0);
	ck_assert_int_eq(elf_image_open(pair[0], &img, &f), RES_FAIL);
	ck_assert_str_eq(f.text, "not a regular file");
	(void)close(pair[0]);
	(void)close(pair[1]);
	ck_assert_int_eq(elf_image_open(-1, &img, &f), RES_FAIL);
}
END_TEST

START_TEST(other_machines_are_refused_by_name)
{
	struct sample s;

	sample_make(&s);
	s.b.eh.e_machine = EM_AARCH64;
	elf_builder_finish(&s.b);
	refused(&s, s.b.n, ELF_FAULT_MACHINE, "(aarch64)");
	s.b.bytes[EI_CLASS] = ELFCLASS64;
	s.b.bytes[offsetof(Elf64_Ehdr, e_machine)] = EM_386;
	refused(&s, s.b.n, ELF_FAULT_MACHINE, "64-bit (i386)");
	s.b.bytes[offsetof(Elf64_Ehdr, e_machine)] = EM_X86_64;
	s.b.bytes[EI_CLASS] = ELFCLASS32;
	refused(&s, s.b.n, ELF_FAULT_MACHINE, "32-bit (x32) ELF file: only x86-64 and i386 are supported");
	s.b.bytes[EI_CLASS] = 3;
	refused(&s, s.b.n, ELF_FAULT_FORMAT, "unknown ELF class 3");
	s.b.bytes[EI_CLASS] = ELFCLASS64;
	s.b.bytes[EI_DATA] = ELFDATA2MSB;
	refused(&s, s.b.n, ELF_FAULT_MACHINE, "big-endian");
	elf_builder_free(&s.b);

	sample_make(&s);
	s.b.eh.e_phentsize = 40;
	elf_builder_finish(&s.b);
	refused(&s, s.b.n, ELF_FAULT_FORMAT, "program headers of 40 bytes");
	elf_builder_free(&s.b);
}
END_TEST

START_TEST(truncated_core_gives_what_is_there)
{
	struct sample s;
	struct elf_image *img = NULL;
	struct span out;

	sample_make(&s);
	s.b.eh.e_type = ET_CORE;
	elf_builder_finish(&s.b);
	ck_assert_int_eq(open_bytes(&s.b, (size_t)s.text + 4, &img, NULL), RES_OK);
	ck_assert_int_eq(elf_image_at(img, 0x2800, &out, NULL), RES_OK);
	ck_assert_uint_eq(span_left(&out), 4);
	ck_assert_int_eq(elf_image_at(img, 0x2804, &out, NULL), RES_NONE);
	ck_assert_int_eq(elf_image_at(img, 0x4900, &out, NULL), RES_NONE);
	ck_assert_uint_eq(elf_image_shnum(img), 0);
	ck_assert_int_eq(elf_image_section(img, ".text", NULL, &out), RES_NONE);
	elf_image_close(img);
	elf_builder_free(&s.b);
}
END_TEST

START_TEST(program_headers_are_capped_to_the_file)
{
	struct sample s;
	struct elf_image *img = NULL;

	sample_make(&s);
	s.b.eh.e_phnum = 60000;
	elf_builder_finish(&s.b);
	ck_assert_int_eq(open_bytes(&s.b, s.b.n, &img, NULL), RES_OK);
	ck_assert_uint_eq(elf_image_phnum(img), (s.b.n - s.b.eh.e_phoff) / elf_builder_phdr(&s.b));
	elf_image_close(img);
	ck_assert_int_eq(
	    open_bytes(&s.b, s.b.eh.e_phoff + elf_builder_phdr(&s.b) * 4 - 1, &img, NULL), RES_OK);
	ck_assert_uint_eq(elf_image_phnum(img), 3);
	elf_image_close(img);
	elf_builder_free(&s.b);
}
END_TEST

START_TEST(many_program_headers_are_counted_by_section_0)
{
	struct sample s;
	struct elf_image *img = NULL;

	sample_make(&s);
	s.b.eh.e_phnum = PN_XNUM;
	s.b.eh.e_type = ET_CORE;
	s.b.shdrs[0].sh_info = 4;
	elf_builder_finish(&s.b);
	ck_assert_int_eq(open_bytes(&s.b, s.b.n, &img, NULL), RES_OK);
	ck_assert_uint_eq(elf_image_phnum(img), 4);
	elf_image_close(img);
	/* Without section 0, and with the notes as the first segment: the headers end where the
	 * notes start. */
	{
		uint64_t first = s.b.eh.e_phoff, size = elf_builder_phdr(&s.b);
		Elf64_Phdr notes = { .p_type = PT_NOTE, .p_offset = first + size * 7 };

		(void)elf_builder_put_phdr(&s.b, &notes, s.b.bytes + first);
	}
	ck_assert_int_eq(open_bytes(&s.b, s.b.n - 2000, &img, NULL), RES_OK);
	ck_assert_uint_eq(elf_image_phnum(img), 7);
	elf_image_close(img);
	elf_builder_free(&s.b);
}
END_TEST

START_TEST(segments_out_of_order_and_overlapping)
{
	struct elf_builder b;
	struct elf_image *img = NULL;
	struct span out;
	uint64_t off;

	elf_builder_start(&b, ET_CORE);
	off = elf_builder_add(&b, "0123456789", 10, 1);
	elf_builder_segment(&b, PT_LOAD, PF_R, off + 5, 0x9000, 5, 1);
	elf_builder_segment(&b, PT_LOAD, PF_R, off, 0x1000, 5, 1);
	elf_builder_segment(&b, PT_LOAD, PF_R, UINT64_MAX - 2, 0x3000, UINT64_MAX, 1);
	elf_builder_segment(&b, PT_LOAD, PF_R, off, 0x9002, 8, 1);
	elf_builder_finish(&b);
	ck_assert_int_eq(open_bytes(&b, b.n, &img, NULL), RES_OK);
	ck_assert_int_eq(elf_image_at(img, 0x1001, &out, NULL), RES_OK);
	ck_assert_mem_eq(out.at, "1234", 4);
	ck_assert_int_eq(elf_image_at(img, 0x9001, &out, NULL), RES_OK);
	ck_assert_mem_eq(out.at, "6789", 4);
	ck_assert_int_eq(elf_image_at(img, 0x3000, &out, NULL), RES_NONE);
	ck_assert_int_eq(elf_image_at(img, 0x3005, &out, NULL), RES_NONE);
	ck_assert_uint_eq(elf_image_base(img), 0x1000);
	elf_image_close(img);
	elf_builder_free(&b);
}
END_TEST

START_TEST(many_segments_are_searched)
{
	struct elf_builder b;
	struct elf_image *img = NULL;
	struct span out;
	uint64_t off;

	elf_builder_start(&b, ET_CORE);
	off = elf_builder_add(&b, "0123456789ABCDEFGHIJ", 20, 1);
	for (uint64_t i = 0; i < 20; i++)
		elf_builder_segment(&b, PT_LOAD, PF_R, off + i, 0x1000 + i * 0x1000, i % 3 == 2 ? 0 : 1, 1);
	elf_builder_finish(&b);
	ck_assert_int_eq(open_bytes(&b, b.n, &img, NULL), RES_OK);
	for (uint64_t i = 0; i < 20; i++) {
		enum res res = elf_image_at(img, 0x1000 + i * 0x1000, &out, NULL);

		ck_assert_int_eq(res, i % 3 == 2 ? RES_NONE : RES_OK);
		ck_assert(res == RES_NONE || out.at[0] == "0123456789ABCDEFGHIJ"[i]);
		ck_assert_int_eq(elf_image_at(img, 0x1001 + i * 0x1000, &out, NULL), RES_NONE);
	}
	elf_image_close(img);
	elf_builder_free(&b);
}
END_TEST

START_TEST(our_own_file_opens)
{
	struct elf_image *img = NULL;
	struct fault f = { .text = "" };
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	struct span bytes;
	GElf_Shdr sh;
	uint64_t vaddr;

	ck_assert_msg(elf_image_open(fd, &img, &f) == RES_OK, "%s", f.text);
	(void)close(fd);
	ck_assert_int_eq(elf_image_section(img, ".text", &sh, &bytes), RES_OK);
	ck_assert_int_eq(elf_image_vaddr_of_offset(img, sh.sh_offset & ~4095ULL, true, &vaddr), RES_OK);
	ck_assert_uint_eq(vaddr, sh.sh_addr - sh.sh_offset % 4096);
	ck_assert_int_eq(elf_image_at(img, sh.sh_addr, &bytes, NULL), RES_OK);
	ck_assert_ptr_eq(bytes.at, elf_image_bytes(img, sh.sh_offset, 1));
	elf_image_close(img);
	elf_image_close(NULL);
}
END_TEST

/* Each byte of the headers set to extreme values: no crash, no read out of bounds (with ASan). */
START_TEST(damaged_headers_never_crash)
{
	static const uint8_t evil[] = { 0x00, 0x01, 0x7f, 0x80, 0xff };
	struct sample s;
	size_t first;

	sample_make(&s);
	elf_builder_finish(&s.b);
	first = (size_t)s.b.eh.e_phoff + 4 * elf_builder_phdr(&s.b);
	for (size_t i = 0; i < first + 5 * elf_builder_shdr(&s.b); i++) {
		size_t at = i < first ? i : (size_t)s.b.eh.e_shoff + i - first;
		uint8_t was = s.b.bytes[at];

		for (size_t e = 0; e < sizeof(evil); e++) {
			struct elf_image *img = NULL;
			struct span out;
			uint64_t vaddr;

			s.b.bytes[at] = evil[e];
			if (open_bytes(&s.b, s.b.n, &img, NULL) != RES_OK)
				continue;
			(void)elf_image_build_id(img, &out);
			(void)elf_image_section(img, ".lost", NULL, &out);
			(void)elf_image_vaddr_of_offset(img, 0x2000, true, &vaddr);
			if (elf_image_at(img, 0x2800, &out, NULL) == RES_OK)
				ck_assert_uint_le(span_left(&out), s.b.n);
			elf_image_close(img);
		}
		s.b.bytes[at] = was;
	}
	elf_builder_free(&s.b);
}
END_TEST

/* Every test runs with files of either class. */
static TCase *tests(const char *name, void (*start)(void))
{
	TCase *tc = tcase_create(name);

	tcase_add_checked_fixture(tc, start, NULL);
	tcase_add_test(tc, headers_are_read);
	tcase_add_test(tc, bytes_end_with_the_file);
	tcase_add_test(tc, addresses_lead_to_file_bytes);
	tcase_add_test(tc, shared_pages_are_told_apart_by_permission);
	tcase_add_test(tc, of_two_equal_segments_the_one_that_starts_there);
	tcase_add_test(tc, sections_by_name);
	tcase_add_test(tc, compressed_sections_are_inflated_once);
	tcase_add_test(tc, build_id_from_segment_or_section);
	tcase_add_test(tc, what_is_no_elf_is_refused_by_name);
	tcase_add_test(tc, other_machines_are_refused_by_name);
	tcase_add_test(tc, truncated_core_gives_what_is_there);
	tcase_add_test(tc, program_headers_are_capped_to_the_file);
	tcase_add_test(tc, many_program_headers_are_counted_by_section_0);
	tcase_add_test(tc, segments_out_of_order_and_overlapping);
	tcase_add_test(tc, many_segments_are_searched);
	tcase_add_test(tc, our_own_file_opens);
	tcase_add_test(tc, damaged_headers_never_crash);
	return tc;
}

static void use_64bit(void)
{
	elf_builder_class = ELFCLASS64;
}

static void use_32bit(void)
{
	elf_builder_class = ELFCLASS32;
}

int main(void)
{
	Suite *suite = suite_create("elf/image");

	suite_add_tcase(suite, tests("64-bit", use_64bit));
	suite_add_tcase(suite, tests("32-bit", use_32bit));
	return run_made_suite(suite);
}
