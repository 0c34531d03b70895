/* A made-up CPython in a function, and all that lib/python reads of it. */
#ifndef UNIT_PYTHON_PY_IMAGE_READ_H
#define UNIT_PYTHON_PY_IMAGE_READ_H

#include "python/find/py_scan.h"
#include "unit/python/py_image.h"

/* An interpreter with `room` bytes of memory and one thread, whose `frames` frames are of f. */
static inline void image_draw(struct image *m, const struct spec *is, size_t room, unsigned frames)
{
	uint64_t older = 0, code;

	image_init(m, is, room);
	code = image_code(m, "f.py", "f", 1, "\x80\0\xdf\0\0", 5, 32);
	if (is->ts_base >= 0)
		older = m->base_frame;
	if (is->hex >= 0x030c0000)
		older = image_entry(m, older);
	while (frames-- > 0)
		older = image_frame(m, code, frames == 0 ? 4 : 2, older);
	image_start(m, older);
}

/* Read everything. The results may be anything, but each call must return. */
static inline void image_read(struct image *m)
{
	struct py_process *py;
	py_threads threads = VEC_EMPTY;

	if (py_process_create(m->P, &py, NULL) != RES_OK)
		return;
	(void)py_threads_read(py, &threads, NULL);
	for (size_t i = 0; i < threads.n && i < 4; i++) {
		struct py_stack s;

		if (py_stack_read(py, &threads.at[i], &s, NULL) != RES_OK)
			continue;
		py_stack_finish(py, &s);
		py_stack_free(&s);
	}
	vec_free(&threads);
	py_process_destroy(py);
}

#endif
