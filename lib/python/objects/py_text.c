/* Text objects in the target.
 *
 *   compact ascii       head length hash state [wstr] | bytes
 *   compact             head length hash state [wstr] utf8_length utf8 [wstr_length] | 1, 2 or 4
 *                       bytes each
 *   not compact         the same, then a pointer to the data (subclasses of str; from old C APIs)
 *   not ready (≤ 3.11)  kind 0: wchar_t (4 bytes) at wstr, wstr_length of them
 *   3.0 to 3.2          head length data hash: Py_UNICODE (2 or 4 bytes, by build) at data
 *   2.x                 head length hash state | bytes of unknown encoding
 *
 * One read of FIRST_READ bytes gets the head of an object, and the whole of most names. */
#include "python/objects/py_text.h"

#include <stdlib.h>

#include "base/owned.h"
#include "python/objects/py_type.h"
#include "python/py_memory.h"

enum { FIRST_READ = 256, KIND_WCHAR = 4 };

static bool is_str_type(struct ps_prochandle *P, struct py_runtime *rt, uint64_t type)
{
	uint64_t flags;

	if (type != 0 && type == rt->str_type)
		return true;
	if (rt->layout.str_flag == 0)
		return py_type_is(P, &rt->layout, type, "str", &rt->str_type);
	if (!py_pointer_sane(type, rt->layout.word) ||
	    !py_read_word(P, &rt->layout, type, rt->layout.type.flags, &flags) ||
	    (flags >> rt->layout.str_flag & 1) == 0)
		return false;
	rt->str_type = type;
	return true;
}

static bool locate_text(
    const struct py_layout *l, const struct py_view *head, uint64_t addr, struct py_text_chars *out)
{
	uint32_t state = (uint32_t)py_view_i32(head, l->str.state);
	unsigned kind = state >> l->kind_shift & 7;
	bool compact = (state >> (l->kind_shift + 3) & 1) != 0;

	out->pairs = false;
	out->ascii = (state >> (l->kind_shift + 4) & 1) != 0;
	out->length = py_view_word(head, l->str.length);
	out->width = kind;
	if (l->texts == PY_TEXT_UNICODE) {
		out->at = py_view_word(head, l->str.wstr);
		out->width = l->char_width;
		out->pairs = l->char_width == 2;
	} else if (kind == 0 && l->str.wstr != 0) {
		out->at = py_view_word(head, l->str.wstr);
		out->length = py_view_word(head, l->str.wstr_length);
		out->width = KIND_WCHAR;
		out->ascii = false;
	} else if (kind != 1 && kind != 2 && kind != 4) {
		return false;
	} else if (compact) {
		out->at = addr + (out->ascii ? l->str.ascii : l->str.compact) - 1;
	} else {
		out->at = py_view_word(head, l->str.compact);
	}
	return out->at != 0 && (!out->ascii || out->width == 1) && out->length < (uint64_t)1 << 40;
}

static uint32_t unit_at(const uint8_t *bytes, size_t i, unsigned width)
{
	uint16_t two;
	uint32_t four;

	if (width == 1)
		return bytes[i];
	if (width == 2) {
		memcpy(&two, bytes + 2 * i, sizeof(two));
		return two;
	}
	memcpy(&four, bytes + 4 * i, sizeof(four));
	return four;
}

/* The character at *i, which is moved past it. */
static uint32_t char_at(const uint8_t *bytes, size_t n, const struct py_text_chars *data, size_t *i)
{
	uint32_t c = unit_at(bytes, (*i)++, data->width), low;

	if (!data->pairs || c < 0xd800 || c > 0xdbff || *i >= n)
		return c;
	low = unit_at(bytes, *i, data->width);
	if (low < 0xdc00 || low > 0xdfff)
		return c;
	(*i)++;
	return 0x10000 + ((c - 0xd800) << 10 | (low - 0xdc00));
}

static size_t put_utf8(char *out, uint32_t c)
{
	uint8_t b[4];
	size_t n;

	if (c < 0x80) {
		b[0] = (uint8_t)c;
		n = 1;
	} else if (c < 0x800) {
		b[0] = (uint8_t)(0xc0 | c >> 6);
		n = 2;
	} else if (c < 0x10000) {
		b[0] = (uint8_t)(0xe0 | c >> 12);
		n = 3;
	} else {
		b[0] = (uint8_t)(0xf0 | c >> 18);
		n = 4;
	}
	for (size_t i = 1; i < n; i++)
		b[i] = (uint8_t)(0x80 | (c >> 6 * (n - 1 - i) & 0x3f));
	memcpy(out, b, n);
	return n;
}

/* Convert the characters of data, whose copy is at `bytes`. RES_FAIL: out of memory, or one is
 * beyond U+10FFFF. */
static enum res to_utf8(
    const uint8_t *bytes, const struct py_text_chars *data, struct py_string *out, struct fault *f)
{
	size_t longest = data->width == 1 ? 2 : data->width == 2 ? 3 : 4, n = (size_t)data->length, at = 0;
	char *text = malloc(n * longest + 1);

	if (text == NULL)
		return fault_memory(f);
	for (size_t i = 0; i < n;) {
		uint32_t c = char_at(bytes, n, data, &i);

		if (c > 0x10ffff) {
			free(text);
			return fault_set(f, 0, 0, 0, "a string holds no characters");
		}
		at += put_utf8(text + at, c);
	}
	text[at] = '\0';
	*out = (struct py_string){ text, at };
	return RES_OK;
}

/* The start of an object: a copy of the memory from addr on. */
struct head {
	uint64_t addr;
	struct py_view view;
};

/* size bytes at va: from the head if it has them all, else read into *mem. NULL: unreadable, or out
 * of memory. */
static const uint8_t *get_bytes(
    struct ps_prochandle *P, const struct head *head, uint64_t va, size_t size, uint8_t **mem)
{
	uint64_t addr = head->addr;

	if (head->view.at != NULL && va >= addr && va - addr <= head->view.n &&
	    size <= head->view.n - (size_t)(va - addr))
		return head->view.at + (va - addr);
	*mem = calloc(1, size + 1);
	if (*mem == NULL || (size != 0 && !py_read(P, *mem, size, va)))
		return NULL;
	return *mem;
}

/* A str of 2.x: its bytes, unchanged. */
static enum res read_byte_text(
    struct ps_prochandle *P, struct py_runtime *rt, uint64_t addr, struct py_string *out, struct fault *f)
{
	uint64_t type, start, size;
	char *text;

	if (!py_read_word(P, &rt->layout, addr, rt->layout.object.type, &type) || !is_str_type(P, rt, type) ||
	    py_bytes_where(P, &rt->layout, addr, &start, &size) != RES_OK)
		return fault_set(f, 0, 0, addr, "a name is not a string");
	if (size > PY_TEXT_MAX)
		size = PY_TEXT_MAX;
	text = malloc((size_t)size + 1);
	if (text == NULL)
		return fault_memory(f);
	if (size != 0 && !py_read(P, text, (size_t)size, start)) {
		free(text);
		return fault_set(f, 0, 0, start, "a string cannot be read");
	}
	text[size] = '\0';
	*out = (struct py_string){ text, (size_t)size };
	return RES_OK;
}

enum res py_text_read(
    struct ps_prochandle *P, struct py_runtime *rt, uint64_t addr, struct py_string *out, struct fault *f)
{
	const struct py_layout *l = &rt->layout;
	uint8_t first[FIRST_READ];
	OWNED(mem_release) uint8_t *mem = NULL;
	struct head head = { addr, { first, 0, l->word } };
	struct py_text_chars data;
	const uint8_t *bytes;
	ssize_t got;

	if (!py_pointer_sane(addr, l->word))
		return fault_set(f, 0, 0, addr, "a name is not an object");
	if (l->texts == PY_TEXT_BYTES)
		return read_byte_text(P, rt, addr, out, f);
	got = Pread(P, first, sizeof(first), (uintptr_t)addr);
	if (got < (ssize_t)l->str.ascii || got < (ssize_t)l->str.wstr + l->word)
		return fault_set(f, 0, 0, addr, "a string cannot be read");
	head.view.n = (size_t)got;
	if (!is_str_type(P, rt, py_view_word(&head.view, l->object.type)) ||
	    !locate_text(l, &head.view, addr, &data))
		return fault_set(f, 0, 0, addr, "a name is not a string");
	if (data.length > PY_TEXT_MAX)
		data.length = PY_TEXT_MAX;
	bytes = get_bytes(P, &head, data.at, (size_t)data.length * data.width, &mem);
	if (bytes == NULL)
		return fault_set(f, 0, 0, data.at, "a string cannot be read");
	return to_utf8(bytes, &data, out, f);
}

bool py_text_locate(
    struct ps_prochandle *P, const struct py_layout *l, uint64_t addr, struct py_text_chars *out)
{
	enum { HEAD = 128 };
	uint8_t bytes[HEAD];
	struct head head = { addr, { bytes, 0, l->word } };
	ssize_t got;

	if (!py_pointer_sane(addr, l->word) || l->texts == PY_TEXT_BYTES)
		return false;
	got = Pread(P, bytes, sizeof(bytes), (uintptr_t)addr);
	if (got < (ssize_t)l->str.ascii || got < (ssize_t)l->str.wstr + l->word)
		return false;
	head.view.n = (size_t)got;
	return locate_text(l, &head.view, addr, out);
}

enum res py_text_read_chars(
    struct ps_prochandle *P, const struct py_text_chars *chars, struct py_string *out, struct fault *f)
{
	OWNED(mem_release) uint8_t *mem = NULL;
	struct head none = { 0, { NULL, 0, 0 } };
	const uint8_t *bytes;

	bytes = get_bytes(P, &none, chars->at, (size_t)chars->length * chars->width, &mem);
	if (bytes == NULL)
		return fault_set(f, 0, 0, chars->at, "a string cannot be read");
	return to_utf8(bytes, chars, out, f);
}

enum res py_bytes_where(
    struct ps_prochandle *P, const struct py_layout *l, uint64_t addr, uint64_t *start, uint64_t *len)
{
	uint64_t size = 0;

	if (!py_pointer_sane(addr, l->word) || !py_read(P, &size, l->size_width, addr + l->bytes.size - 1))
		return RES_FAIL;
	*start = addr + l->bytes.data - 1;
	*len = size;
	return RES_OK;
}

enum res py_bytes_read(
    struct ps_prochandle *P, const struct py_layout *l, uint64_t addr, size_t most, struct py_bytes *out)
{
	uint8_t first[FIRST_READ];
	OWNED(mem_release) uint8_t *mem = NULL;
	struct head head = { addr, { first, 0, l->word } };
	const uint8_t *bytes;
	uint64_t size;
	ssize_t got;

	if (!py_pointer_sane(addr, l->word))
		return RES_FAIL;
	got = Pread(P, first, sizeof(first), (uintptr_t)addr);
	if (got < (ssize_t)l->bytes.data - 1)
		return RES_FAIL;
	head.view.n = (size_t)got;
	size = py_view_size(&head.view, l, l->bytes.size);
	if (size > most)
		return RES_NONE;
	bytes = get_bytes(P, &head, addr + l->bytes.data - 1, (size_t)size, &mem);
	if (bytes == NULL)
		return RES_FAIL;
	if (mem == NULL) {
		mem = malloc(size == 0 ? 1 : (size_t)size);
		if (mem == NULL)
			return RES_FAIL;
		memcpy(mem, bytes, (size_t)size);
	}
	*out = (struct py_bytes){ mem_keep(&mem), (size_t)size };
	return RES_OK;
}
