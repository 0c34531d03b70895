/* Where the values of a probe's arguments are when it is met, as the BPF program is told. Included
 * by probe_abi.h, and so by BPF C: fixed-width types only. */
#ifndef PROBE_PROBE_VALUE_ABI_H
#define PROBE_PROBE_VALUE_ABI_H

enum {
	PROBE_VALUES = 24,       /* arguments of an event */
	PROBE_VALUE_NO_REG = 31, /* no register; others are words of struct pt_regs */
	PROBE_VALUE_LISTS = 256, /* different lists at a time */
};

enum probe_value_form {
	PROBE_VALUE_UNKNOWN,  /* its place is not understood */
	PROBE_VALUE_CONSTANT, /* `offset` itself */
	PROBE_VALUE_REGISTER, /* reg, from bit `shift` */
	PROBE_VALUE_MEMORY,   /* of the process, at reg + index × scale + offset */
	PROBE_VALUE_FIELD,    /* of the tracepoint's record, at offset */
	PROBE_VALUE_BYTES,    /* `size` bytes of text there */
	PROBE_VALUE_DATA_LOC, /* text whose u32 is there: offset in the record, in the high half bytes */
	PROBE_VALUE_REL_LOC,  /* the same, with an offset from the end of the u32 */
};

struct probe_value {
	uint8_t form;  /* enum probe_value_form */
	uint8_t bytes; /* of a number: 1, 2, 4, 8 */
	uint8_t is_signed;
	uint8_t reg, index; /* words of struct pt_regs, or PROBE_VALUE_NO_REG */
	uint8_t shift;      /* bits */
	uint8_t scale;
	uint8_t padding;
	uint32_t size; /* BYTES */
	uint32_t padding2;
	int64_t offset;
};

struct probe_value_list {
	uint32_t n;
	uint32_t texts; /* bit i: the i-th one is a text, or the address of one */
	struct probe_value at[PROBE_VALUES];
};

#endif
