/* Frames that were formatted before: threads of a pool wait in the same place. */
#ifndef REPORT_TEXT_CACHE_H
#define REPORT_TEXT_CACHE_H

#include "base/addrmap.h"
#include "base/strbuf.h"
#include "report/record.h"

/* All zeros at the start. Belongs to one renderer, one style, one symbolizer and one process. */
struct text_cache {
	VEC(uint32_t) by_name;           /* id of a symbol_name → index in lines + 1; 0: none */
	struct addrmap by_place;         /* code_id and line → index in lines */
	VEC(struct record_string) lines; /* owned */
	size_t bytes;
};
void text_cache_free(struct text_cache *c);

/* Append the text of the native frame with this symbol_name.id, or of the Python frame `item`.
 * False: it is not cached. */
bool text_cache_name(const struct text_cache *c, uint32_t id, struct strbuf *out);
bool text_cache_place(const struct text_cache *c, const struct record_item *item, struct strbuf *out);

/* Cache what out has from `from` on as that text, if there is room. */
void text_cache_add_name(struct text_cache *c, uint32_t id, const struct strbuf *out, size_t from);
void text_cache_add_place(
    struct text_cache *c, const struct record_item *item, const struct strbuf *out, size_t from);

#endif
