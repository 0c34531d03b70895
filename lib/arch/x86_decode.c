/* See x86_decode.h. */
#include "arch/x86_decode.h"

#include <string.h>

/* What follows the opcode, besides what the operations themselves decide: m a ModRM byte, b a byte,
 * z a word of the operand's size (4 bytes at most), v the same up to 8, w two bytes, e three, o an
 * address, . nothing, x not there in 64-bit code. M and Z: ModRM and a byte, ModRM and a word. */
static const char one_byte[] = "mmmmbzxxmmmmbzx."   /* 00 */
			       "mmmmbzxxmmmmbzxx"   /* 10 */
			       "mmmmbz.xmmmmbz.x"   /* 20 */
			       "mmmmbz.xmmmmbz.x"   /* 30 */
			       "................"   /* 40 */
			       "................"   /* 50 */
			       "xx.m....zZbM...."   /* 60 */
			       "bbbbbbbbbbbbbbbb"   /* 70 */
			       "MZxMmmmmmmmmmmmm"   /* 80 */
			       "..........x....."   /* 90 */
			       "oooo....bz......"   /* a0 */
			       "bbbbbbbbvvvvvvvv"   /* b0 */
			       "MMw...MZe.w..bx."   /* c0 */
			       "mmmmxxx.mmmmmmmm"   /* d0 */
			       "bbbbbbbbzzxb...."   /* e0 */
			       "......mm......mm";  /* f0 */
static const char two_bytes[] = "mmmmx.....x.xm.x"  /* 0f 00 */
				"mmmmmmmmmmmmmmmm"  /* 10 */
				"mmmmxxxxmmmmmmmm"  /* 20 */
				"........x.xxxxxx"  /* 30 */
				"mmmmmmmmmmmmmmmm"  /* 40 */
				"mmmmmmmmmmmmmmmm"  /* 50 */
				"mmmmmmmmmmmmmmmm"  /* 60 */
				"MMMMmmm.mmmmmmmm"  /* 70 */
				"zzzzzzzzzzzzzzzz"  /* 80 */
				"mmmmmmmmmmmmmmmm"  /* 90 */
				"...mMmxx...mMmmm"  /* a0 */
				"mmmmmmmmmmMmmmmm"  /* b0 */
				"mmMmMMMm........"  /* c0 */
				"mmmmmmmmmmmmmmmm"  /* d0 */
				"mmmmmmmmmmmmmmmm"  /* e0 */
				"mmmmmmmmmmmmmmmm"; /* f0 */

struct cursor {
	const uint8_t *at;
	size_t left;
};

static bool take_bytes(struct cursor *c, size_t n, uint8_t *out)
{
	if (c->left < n)
		return false;
	memcpy(out, c->at, n);
	c->at += n;
	c->left -= n;
	return true;
}

/* A little-endian number of n bytes with its sign. */
static bool take_signed(struct cursor *c, size_t n, int64_t *out)
{
	uint8_t b[8] = { 0 };
	uint64_t value;

	if (!take_bytes(c, n, b))
		return false;
	memcpy(&value, b, sizeof(value));
	if (n < 8 && n > 0 && (b[n - 1] & 0x80) != 0)
		value |= ~(uint64_t)0 << 8 * n;
	*out = (int64_t)value;
	return true;
}

/* The bits that extend register numbers, from whatever prefix has them. */
struct extended {
	uint8_t reg, index, base;
};

/* Everything before the opcode. seg: FS or GS; moff: addresses of 32 bits. */
static bool take_prefixes(struct cursor *c, struct x86 *x, struct extended *ext, bool *seg, bool *short_addr)
{
	uint8_t b;

	for (;;) {
		if (!take_bytes(c, 1, &b))
			return false;
		if (b == 0x66)
			x->is_16bit = true;
		else if (b == 0x67)
			*short_addr = true;
		else if (b == 0xf3)
			x->repeat = true;
		else if (b == 0x64 || b == 0x65)
			*seg = true;
		else if (b != 0xf2 && b != 0xf0 && b != 0x2e && b != 0x36 && b != 0x3e && b != 0x26)
			break;
	}
	if ((b & 0xf0) == 0x40) {
		x->is_64bit = (b & 8) != 0;
		*ext =
		    (struct extended){ (uint8_t)(b << 1 & 8), (uint8_t)(b << 2 & 8), (uint8_t)(b << 3 & 8) };
		if (!take_bytes(c, 1, &b))
			return false;
	}
	x->op = b;
	return true;
}

/* VEX (c4, c5) and EVEX (62): their registers' bits are inverted. */
static bool take_vex(struct cursor *c, struct x86 *x, struct extended *ext)
{
	uint8_t b[3] = { 0 }, first = x->op, inv;
	size_t n = first == 0xc5 ? 1 : first == 0xc4 ? 2 : 3;

	if (!take_bytes(c, n, b) || !take_bytes(c, 1, &x->op))
		return false;
	inv = (uint8_t)~b[0];
	x->vex = true;
	ext->reg = inv >> 4 & 8;
	x->map = X86_0F;
	if (first != 0xc5) {
		ext->index = inv >> 3 & 8;
		ext->base = inv >> 2 & 8;
		x->map = first == 0xc4 ? b[0] & 0x1f : b[0] & 7;
		x->is_64bit = (b[1] & 0x80) != 0;
	}
	x->vvvv = (uint8_t)~b[first == 0xc5 ? 0 : 1] >> 3 & 15;
	return x->map >= X86_0F && x->map <= X86_0F3A;
}

static bool take_operand(struct cursor *c, struct x86 *x, const struct extended *ext)
{
	uint8_t modrm, sib, mod;
	int64_t disp = 0;

	if (!take_bytes(c, 1, &modrm))
		return false;
	mod = modrm >> 6;
	x->modrm = true;
	x->reg = (modrm >> 3 & 7) | ext->reg;
	x->rm = (modrm & 7) | ext->base;
	x->memory = mod != 3;
	if (!x->memory)
		return true;
	if ((modrm & 7) == 4) {
		if (!take_bytes(c, 1, &sib))
			return false;
		x->indexed = ((sib >> 3 & 7) | ext->index) != 4;
		x->rm = (sib & 7) | ext->base;
		if ((sib & 7) == 5 && mod == 0) {
			x->rm = X86_NONE;
			mod = 2;
		}
	} else if ((modrm & 7) == 5 && mod == 0) {
		x->rm = X86_NONE;
		x->of_pc = true;
		mod = 2;
	}
	if (mod != 0 && !take_signed(c, mod == 1 ? 1 : 4, &disp))
		return false;
	x->disp = (int32_t)disp;
	return true;
}

/* What follows the opcode, as a letter of the tables. */
static char operand_shape(const struct x86 *x)
{
	bool byte;

	switch (x->map) {
	case X86_ONE_BYTE:
		return one_byte[x->op];
	case X86_0F38:
		return 'm';
	case X86_0F3A:
		return 'M';
	default:
		break;
	}
	if (!x->vex)
		return two_bytes[x->op];
	byte = (x->op >= 0x70 && x->op <= 0x73) || x->op == 0xc2 || (x->op >= 0xc4 && x->op <= 0xc6);
	return x->op == 0x77 ? '.' : byte ? 'M' : 'm';
}

/* Bytes of the number at the end. */
static size_t number_size(const struct x86 *x, char shape, bool short_addr)
{
	bool jump = x->map == X86_ONE_BYTE ? x->op == 0xe8 || x->op == 0xe9 : x->op >= 0x80 && x->op <= 0x8f;
	size_t full = x->is_16bit && !jump ? 2 : 4;

	switch (shape) {
	case 'b':
	case 'M':
		return 1;
	case 'w':
		return 2;
	case 'e':
		return 3;
	case 'z':
	case 'Z':
		return full;
	case 'v':
		return x->is_64bit ? 8 : full;
	case 'o':
		return short_addr ? 4 : 8;
	default:
		break;
	}
	if (x->map == X86_ONE_BYTE && (x->op & 0xfe) == 0xf6 && (x->reg & 6) == 0)
		return x->op == 0xf6 ? 1 : full;
	return 0;
}

bool x86_decode(const uint8_t *code, size_t n, struct x86 *out)
{
	struct cursor c = { code, n < X86_LENGTH_MAX ? n : X86_LENGTH_MAX };
	struct x86 x = { .rm = X86_NONE, .reg = X86_NONE, .vvvv = X86_NONE };
	struct extended ext = { 0, 0, 0 };
	bool seg = false, short_addr = false;
	size_t size;
	char shape;

	if (!take_prefixes(&c, &x, &ext, &seg, &short_addr))
		return false;
	if (x.op == 0xc4 || x.op == 0xc5 || x.op == 0x62) {
		if (!take_vex(&c, &x, &ext))
			return false;
	} else if (x.op == 0x0f) {
		x.map = X86_0F;
		if (!take_bytes(&c, 1, &x.op))
			return false;
		if (x.op == 0x38 || x.op == 0x3a) {
			x.map = x.op == 0x38 ? X86_0F38 : X86_0F3A;
			if (!take_bytes(&c, 1, &x.op))
				return false;
		}
	}
	shape = operand_shape(&x);
	if (shape == 'x' || (strchr("mMZ", shape) != NULL && !take_operand(&c, &x, &ext)))
		return false;
	x.indexed = x.indexed || (seg && x.memory);
	if (!x.modrm)
		x.rm = (x.op & 7) | ext.base; /* where the opcode names a register */
	size = number_size(&x, shape, short_addr);
	if (size != 0 && !take_signed(&c, size, &x.imm))
		return false;
	x.len = (uint8_t)((n < X86_LENGTH_MAX ? n : X86_LENGTH_MAX) - c.left);
	*out = x;
	return true;
}
