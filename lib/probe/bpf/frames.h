/* PRIVATE to the BPF program: Python frames and their code objects. */
#ifndef PROBE_BPF_FRAMES_H
#define PROBE_BPF_FRAMES_H

#include "probe/bpf/states.h"

/* ob_shash of a bytes object whose hash nobody has asked for. */
static const uint64_t NO_HASH = ~0ull;

/* Copy what names the code object in s->code, unless user space has it. A global function, as
 * emit_piece. */
__noinline int emit_names(struct scratch *s, const struct py_offsets *p, uint64_t hash)
{
	uint64_t at, n;

	if (!s || !p || bpf_map_lookup_elem(&codes, &hash))
		return 0;
	for (int i = 0; i < PY_OFFSETS_TEXTS; i++) {
		at = CODE(s, p, p->code_texts[i]);
		if (at != 0)
			emit_piece(s, at, i == 0 ? FILE_NAME : NAME, PROBE_MEMORY_NAME, hash);
		/* Its characters may be elsewhere. */
		if (at != 0 && p->text_data != 0 &&
		    bpf_probe_read_user(&n, 8, (const void *)(at + p->text_data - 1)) == 0)
			emit_piece(s, n & p->word_mask, CHARACTERS, PROBE_MEMORY_NAME, hash);
	}
	n = 0;
	at = CODE(s, p, p->code_table);
	if (at != 0 && bpf_probe_read_user(&n, 8, (const void *)(at + p->bytes_size - 1)) == 0)
		n = (n & p->size_mask) + BYTES_HEAD;
	for (uint32_t k = 0; k < TABLES && n != 0; k++) {
		uint32_t part = n > TABLE ? TABLE : (uint32_t)n;

		emit_piece(s, at, part, PROBE_MEMORY_NAME, hash);
		at += part;
		n -= part;
	}
	at = p->code_bytecode != 0 ? CODE(s, p, p->code_bytecode) : 0;
	if (at != 0)
		emit_piece(s, at, BYTES_HEAD, PROBE_MEMORY_NAME, hash);
	return 0;
}

/* Mix the two words after the head of the object that a member of the code object points to: for
 * a str, its length (or where its characters are) and its hash. */
static __always_inline uint64_t mix_object(
    struct scratch *s, const struct py_offsets *p, uint64_t hash, uint64_t at)
{
	if (at == 0)
		return hash;
	if (bpf_probe_read_user(s->content, 2 * p->word & 31, (const void *)(at + p->text_words - 1)) != 0)
		s->lost = PROBE_LOST_FRAMES + 1;
	return mix_word(mix_word(hash, s->content[0]), s->content[1]);
}

/* The same of the name of the file, which is often that of the frame before. */
static __always_inline uint64_t mix_file(
    struct scratch *s, const struct py_offsets *p, uint64_t hash, uint64_t at)
{
	if (at == 0)
		return hash;
	if (s->file_at != at || s->file_event != s->events) {
		if (bpf_probe_read_user(s->file, 2 * p->word & 31, (const void *)(at + p->text_words - 1)) !=
		    0)
			s->lost = PROBE_LOST_FRAMES + 1;
		s->file_at = at;
		s->file_event = s->events;
	}
	return mix_word(mix_word(hash, s->file[0]), s->file[1]);
}

/* Hash the next part of a line table into s->table_hash. A multiplication waits for the one before
 * it in its chain, so there are two chains. */
static long table_step(uint32_t i, struct scratch **at)
{
	struct scratch *s = *at;
	uint64_t a = s->table_hash, b = 2;
	uint32_t n = s->table_n < PART ? s->table_n : PART;

	(void)i;
	if (n == 0)
		return 1;
	/* The last group is mixed whole. */
	for (uint32_t k = 0; k < TABLE_GROUP; k++)
		s->words[n / 8 + k] = 0;
	if (bpf_probe_read_user(s->words, n, (const void *)s->table_at) != 0) {
		s->lost = PROBE_LOST_FRAMES + 1;
		return 1;
	}
#pragma clang loop unroll(disable)
	for (uint32_t k = 0; k < PART / 8; k += TABLE_GROUP) {
		if (8 * k >= n)
			break;
		a = mix_word(a, s->words[k]);
		b = mix_word(b, s->words[k + 1]);
	}
	s->table_hash = mix_word(a, b);
	s->table_at += n;
	s->table_n -= n;
	return 0;
}

/* Mix the length and the content of the line table. Between them is the hash of the bytes object,
 * which it has if the compiler of this process made it. Without that what is not read at once is
 * left to mix_table_rest. */
static __always_inline uint64_t mix_table(
    struct scratch *s, const struct py_offsets *p, uint64_t hash, uint64_t at)
{
	uint64_t from = at + p->bytes_size - 1, got = sizeof(s->content), n;
	uint32_t gap = p->bytes_data - p->bytes_size, i = 0;

	if (at == 0)
		return hash;
	if (bpf_probe_read_user(s->content, sizeof(s->content), (const void *)from) != 0) {
		/* It may end with its page. */
		got = PAGE - (from & (PAGE - 1));
		if (got > sizeof(s->content) ||
		    bpf_probe_read_user(s->content, (uint32_t)got, (const void *)from) != 0)
			s->lost = PROBE_LOST_FRAMES + 1;
	}
	n = s->content[0] & p->size_mask;
	hash = mix_word(hash, n);
	n = gap % 8 + (n < CONTENT ? n : CONTENT); /* what is before the first word counts too (2.x) */
	gap = gap / 8 & 3;
	if (8 * gap + n > got)
		s->lost = PROBE_LOST_FRAMES + 1;
	for (; i < CONTENT / 8 && 8 * i + 8 <= n; i++)
		hash = mix_word(hash, s->content[gap + i]);
	if (n % 8 != 0)
		hash = mix_word(hash, s->content[gap + i] << (64 - n % 8 * 8));
	n = s->content[0] & p->size_mask;
	if (n <= CONTENT)
		return hash;
	if (p->word == 8 && gap >= 2 && s->content[1] != NO_HASH)
		return mix_word(hash, s->content[1]);
	s->table_at = at + p->bytes_data - 1 + CONTENT;
	s->table_n = (uint32_t)(n < TABLE * TABLES ? n : TABLE * TABLES) - CONTENT;
	return hash;
}

/* Mix what mix_table has left out. A global function, as emit_piece. */
__noinline uint64_t mix_table_rest(struct scratch *s, uint64_t hash)
{
	if (!s || s->table_n == 0)
		return hash;
	s->table_hash = hash;
	bpf_loop(TABLE * TABLES / PART, table_step, &s, 0);
	return s->table_hash;
}

/* Hash the content of s->code, at `code`. Its address and pointers are not enough: a new one may
 * have them all (exec of changing code), so some of what they point to is hashed as well. */
static uint64_t hash_code(struct scratch *s, const struct py_offsets *p, uint64_t code)
{
	uint64_t hash = mix_word(1, code);

	for (int i = 0; i < PY_OFFSETS_WORDS; i++)
		hash = mix_word(hash, CODE(s, p, p->code_words[i]));
	hash = mix_file(s, p, hash, CODE(s, p, p->code_texts[0]));
	hash = mix_object(s, p, hash, CODE(s, p, p->code_texts[1]));
	return mix_table(s, p, hash, CODE(s, p, p->code_table));
}

/* Set s->version to what tells the code object of the frame from others that have been at its
 * address; 0: nothing. */
static __always_inline void take_version(struct scratch *s, const struct py_offsets *p)
{
	uint64_t at = FRAME(s, p, versioned) & p->word_mask & ~(uint64_t)p->tag_mask;

	if (p->version != 0 && s->is_main)
		(void)bpf_probe_read_user(
		    &s->version, sizeof(s->version), (const void *)(at + p->version - 1));
}

/* Does the known code object need to be read again? It was met in this event, or has its version
 * still, unless it is another, or is to be sent. Else s->version is set. */
static __always_inline int is_changed(struct walk *w, const struct known_code *known, uint64_t code)
{
	struct scratch *s = w->s;

	if (!s->emit && known->code == code && known->event == s->events)
		return 0;
	s->version = 0;
	/* One that has none is not asked each time: a function gets its number late. */
	if (known->code != code || known->version != 0 || s->events % 16 == 0)
		take_version(s, w->p);
	return s->emit || s->version == 0 || known->code != code || known->version != s->version ||
	       known->process != s->process || known->restart != s->restart;
}

/* Hash the code object of the frame that is looked at, and copy it. */
static void take_code(struct walk *w)
{
	struct scratch *s = w->s;
	const struct py_offsets *p = w->p;
	uint64_t code = FRAME(s, p, code) & p->word_mask & ~(uint64_t)p->tag_mask;
	struct known_code *known = &s->known[(code >> 5 ^ code >> 15) & (KNOWN_CODES - 1)];

	s->hash = mix_word(s->hash, code);
	if (is_changed(w, known, code)) {
		if (bpf_probe_read_user(
			s->code, p->code_size & (PY_OFFSETS_CODE_MAX - 1), (const void *)code) != 0)
			s->lost = PROBE_LOST_FRAMES + 1;
		s->table_n = 0;
		known->hash = mix_table_rest(s, hash_code(s, p, code));
		known->code = s->lost ? 0 : code;
		known->process = s->process;
		known->version = s->version;
		known->restart = s->restart;
	}
	known->event = s->events;
	s->hash = mix_word(s->hash, known->hash);
	if (!s->emit) {
		if (!s->outermost) {
			s->begin.code = code;
			s->begin.innermost = known->hash;
			s->n_innermost++;
			s->outermost = 1;
		}
		return;
	}
	emit_piece(s, code, p->code_size, PROBE_MEMORY_CODE, known->hash);
	emit_names(s, p, known->hash);
}

/* Have the frame at `at` in s->frames. A read takes as long for many bytes as for few; so if the
 * one before lay close above, what is below on its page is read with it. False: it cannot be
 * read. */
static __always_inline int find_frame(struct walk *w, uint64_t at)
{
	struct scratch *s = w->s;
	uint32_t n = w->p->frame_size & (PY_OFFSETS_FRAME_MAX - 1), more = at & (PAGE - 1);
	uint64_t below = s->last_at - at;

	if (at - s->stack_lo >= s->stack_hi - s->stack_lo) /* entry frames lie on the C stack */
		s->last_at = at;
	if (at - s->frames_at < s->frames_n) {
		s->frame = (uint32_t)(at - s->frames_at);
		return 1;
	}
	more = more < FRAMES - PY_OFFSETS_FRAME_MAX ? more : FRAMES - PY_OFFSETS_FRAME_MAX;
	s->frame = below < FRAMES ? more : FRAMES;
	if (below < FRAMES) {
		s->frames_at = at - more;
		s->frames_n = more; /* beginnings of frames */
		return bpf_probe_read_user(s->frames, more + n, (const void *)(at - more)) == 0;
	}
	return bpf_probe_read_user(s->frames + FRAMES, n, (const void *)at) == 0;
}

static long frame_step(uint32_t i, struct walk *w)
{
	struct scratch *s = w->s;
	const struct py_offsets *p = w->p;
	uint64_t at = s->at, object;
	uint8_t owner;

	(void)i;
	if (at == 0 || at == w->s->stop)
		return 1;
	if (!find_frame(w, at)) {
		s->lost = PROBE_LOST_FRAMES + 1;
		return 1;
	}
	if (w->s->emit && !on_stack(w, at))
		emit_memory(s, at, p->frame_size);
	s->at = FRAME(s, p, previous) & p->word_mask;
	owner = (uint8_t)FRAME(s, p, owner);
	if (p->cstack_owner != 0 && owner >= p->cstack_owner) {
		s->hash = mix_word(s->hash, 5);
		return 0;
	}
	/* Frames that an activation runs in a row have the same native stack below the first as if
	 * each had been called by C code: which is first counts. */
	s->hash = mix_word(s->hash,
	    (FRAME(s, p, instr) & p->word_mask) ^ (uint64_t)owner << 56 ^ (FRAME(s, p, entry) & 1) << 48);
	if (p->own_frames) {
		s->hash = mix_word(s->hash, (uint32_t)FRAME(s, p, lasti) | FRAME(s, p, lineno) << 32);
		s->hash =
		    mix_word(s->hash, (uint8_t)FRAME(s, p, state) | (FRAME(s, p, trace) & p->word_mask) << 8);
	}
	object = FRAME(s, p, object) & p->word_mask;
	if (p->object_size != 0 && object != 0) {
		if (bpf_probe_read_user(
			s->small, p->object_size & (PY_OFFSETS_OBJECT_MAX - 1), (const void *)object) == 0)
			s->hash = mix_word(s->hash, (uint32_t)SMALL(s, p->object_lineno));
		if (w->s->emit)
			emit_memory(s, object, p->object_size);
	}
	take_code(w);
	return s->lost != 0;
}

/* The markers of 3.10 and 3.11 (3.12 has them, but for another purpose). */
static long cframe_step(uint32_t i, struct walk *w)
{
	struct scratch *s = w->s;
	const struct py_offsets *p = w->p;
	uint64_t at = s->at;

	(void)i;
	if (at == 0 || at == w->s->stop)
		return 1;
	if (bpf_probe_read_user(s->small, p->cframe_size & (PY_OFFSETS_OBJECT_MAX - 1), (const void *)at) !=
	    0)
		return 1;
	if (w->s->emit && !on_stack(w, at))
		emit_memory(s, at, p->cframe_size);
	s->at = SMALL(s, p->cframe_previous) & p->word_mask;
	return 0;
}

/* Heads of the pieces of the data stack: { previous, size, top }. */
static long chunk_step(uint32_t i, struct walk *w)
{
	struct scratch *s = w->s;
	uint64_t at = s->at;

	(void)i;
	if (at == 0)
		return 1;
	emit_memory(s, at, 3 * w->p->word);
	return read_word(w->p, at, 1, &s->at) != 0;
}

/* The newest frame of a C frame; 0: it cannot be read. */
static __always_inline uint64_t cframe_frame(struct scratch *s, const struct py_offsets *p, uint64_t cframe)
{
	(void)bpf_probe_read_user(s->small, p->word & 15, (const void *)(cframe + p->cframe_frame - 1));
	return *(const uint64_t *)s->small & p->word_mask;
}

static void take_frames(struct walk *w, uint64_t tstate)
{
	struct scratch *s = w->s;
	const struct py_offsets *p = w->p;
	uint64_t cframe, frame;

	if (!load_tstate(w, tstate)) {
		s->lost = PROBE_LOST_STATES + 1;
		return;
	}
	if (w->s->emit)
		emit_memory(s, tstate, p->tstate_size);
	frame = TSTATE(s, p, frame);
	cframe = TSTATE(s, p, cframe);
	if (p->tstate_cframe != 0) {
		if (p->frame_instr != 0) /* 3.11, 3.12 */
			frame = cframe_frame(s, p, cframe);
		if (w->s->emit) {
			s->at = cframe;
			w->s->stop = 0;
			if (p->tstate_root_cframe != 0) {
				w->s->stop = tstate + p->tstate_root_cframe - 1;
				emit_memory(s, w->s->stop, p->cframe_size);
			}
			bpf_loop(CFRAMES_MAX, cframe_step, w, 0);
			if (p->tstate_chunk != 0) {
				s->at = TSTATE(s, p, chunk);
				bpf_loop(DATA_CHUNKS_MAX, chunk_step, w, 0);
			}
		}
	}
	w->s->stop = TSTATE(s, p, base_frame);
	s->at = frame;
	s->last_at = UINT64_MAX;
	s->frames_n = 0;
	bpf_loop(FRAMES_MAX, frame_step, w, 0);
	if (s->at != 0 && s->at != w->s->stop && !s->lost)
		s->lost = PROBE_LOST_DEPTH + 1;
}

static void take_states(struct walk *w)
{
	struct scratch *s = w->s;

	for (uint32_t i = 0; i < PROBE_STATES; i++) {
		uint32_t python;

		if (i >= s->begin.n_states || s->lost)
			break;
		python = s->begin.states[i].python;
		if (python >= PROBE_PYTHONS)
			break;
		w->p = &w->t->pythons[python];
		s->outermost = 0;
		s->is_main = s->begin.states[i].is_main;
		s->hash = mix_word(s->hash, 7 + python);
		take_frames(w, s->begin.states[i].tstate);
	}
}

#endif
