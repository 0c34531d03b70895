/* The dynamic symbol table, found by section headers or, without these, by PT_DYNAMIC, as the
 * run-time linker does; and its GNU hash table:
 *
 *     nbuckets, first, bloom_n, shift | bloom_n × address | nbuckets × 32 bit | chains × 32 bit
 *
 * A bucket holds the index of its first symbol; chain[index − first] is that symbol's hash with
 * bit 0 set on the last of the bucket. Undefined symbols all precede `first` and are not in it.
 * (Layout: glibc elf/dl-lookup.c and the output of the common linkers.) */
#include <string.h>

#include "elf/symbols_impl.h"

/* Most entries of a dynamic section that are read; real ones have about 30. */
enum { DYNAMIC_MAX = 1024 };

static uint32_t hash_word_at(const struct span *words, size_t index)
{
	uint32_t w;

	memcpy(&w, words->at + index * sizeof(w), sizeof(w));
	return w;
}

static size_t hash_words_in(const struct span *words)
{
	return span_left(words) / sizeof(uint32_t);
}

static bool hash_parse(const struct elf_image *img, struct span bytes, struct symbol_hash *out)
{
	struct symbol_hash h = { .there = true };
	uint32_t nbuckets, nbloom;

	if (!span_u32(&bytes, &nbuckets) || !span_u32(&bytes, &h.first) || !span_u32(&bytes, &nbloom) ||
	    !span_u32(&bytes, &h.shift) || nbuckets == 0 || nbloom == 0 || (nbloom & (nbloom - 1)) != 0 ||
	    h.shift >= 32)
		return false;
	if (!span_cut(&bytes, (size_t)nbloom * elf_image_class(img)->word, &h.bloom) ||
	    !span_cut(&bytes, (size_t)nbuckets * 4, &h.buckets))
		return false;
	h.chains = bytes;
	*out = h;
	return true;
}

static uint32_t gnu_hash(const char *name, size_t n)
{
	uint32_t h = 5381;

	for (size_t i = 0; i < n; i++)
		h = h * 33 + (uint8_t)name[i];
	return h;
}

bool symbol_hash_find(const struct elf_symbols *syms, const struct symbol_key *key, size_t *index)
{
	const struct symbol_hash *h = &syms->hash;
	const struct symbol_table *t = &syms->tables[TABLE_DYNSYM];
	uint32_t hash = gnu_hash(key->name, key->n);
	size_t word = elf_image_class(syms->img)->word, bloom_n = span_left(&h->bloom) / word;
	uint32_t width = (uint32_t)word * 8, i;
	uint64_t filter = 0, bits = (1ULL << (hash % width)) | (1ULL << ((hash >> h->shift) % width));

	memcpy(&filter, h->bloom.at + (hash / width) % bloom_n * word, word);
	if ((filter & bits) != bits)
		return false;
	i = hash_word_at(&h->buckets, hash % hash_words_in(&h->buckets));
	if (i < h->first)
		return false;
	for (; i - h->first < hash_words_in(&h->chains) && i < t->n; i++) {
		uint32_t link = hash_word_at(&h->chains, i - h->first);
		GElf_Sym sym;
		const char *own;

		if ((link | 1) == (hash | 1) && symbol_read(t, i, &sym) && sym.st_shndx != SHN_UNDEF) {
			own = symbol_name(t, &sym);
			if (own != NULL && symbol_name_len(own) == key->n &&
			    memcmp(own, key->name, key->n) == 0) {
				*index = i;
				return true;
			}
		}
		if ((link & 1) != 0)
			break;
	}
	return false;
}

/* The number of symbols that a GNU hash covers: up to the end of the chain that starts last. 0: the
 * table is damaged. */
static size_t hash_count(const struct symbol_hash *h)
{
	uint32_t last = 0;
	size_t chain;

	for (size_t i = 0; i < hash_words_in(&h->buckets); i++) {
		uint32_t start = hash_word_at(&h->buckets, i);

		if (start > last)
			last = start;
	}
	if (last < h->first)
		return h->first;
	for (chain = last - h->first; chain < hash_words_in(&h->chains); chain++) {
		if ((hash_word_at(&h->chains, chain) & 1) != 0)
			return h->first + chain + 1;
	}
	return 0;
}

/* --- by PT_DYNAMIC --- */

struct dynamic {
	uint64_t symtab, strtab, strsz, hash, gnu_hash;
};

static bool dynamic_read(struct elf_image *img, struct dynamic *d)
{
	const GElf_Phdr *ph = elf_image_phdr(img, PT_DYNAMIC);
	const struct elf_class *c = elf_image_class(img);
	struct span bytes, one;
	GElf_Dyn dyn;

	memset(d, 0, sizeof(*d));
	if (ph == NULL || elf_image_at(img, ph->p_vaddr, &bytes, NULL) != RES_OK)
		return false;
	for (size_t i = 0; i < DYNAMIC_MAX && span_cut(&bytes, c->dyn, &one); i++) {
		elf_class_dyn(c, one.at, &dyn);
		if (dyn.d_tag == DT_NULL)
			break;
		if (dyn.d_tag == DT_SYMTAB)
			d->symtab = dyn.d_un.d_ptr;
		else if (dyn.d_tag == DT_STRTAB)
			d->strtab = dyn.d_un.d_ptr;
		else if (dyn.d_tag == DT_STRSZ)
			d->strsz = dyn.d_un.d_val;
		else if (dyn.d_tag == DT_HASH)
			d->hash = dyn.d_un.d_ptr;
		else if (dyn.d_tag == DT_GNU_HASH)
			d->gnu_hash = dyn.d_un.d_ptr;
	}
	return d->symtab != 0 && d->strtab != 0;
}

/* The bytes at an address in the dynamic section. In a process glibc's linker has relocated these
 * addresses; those of the vdso and with musl are as in the file. */
static bool dynamic_bytes(struct elf_image *img, uint64_t addr, struct span *out)
{
	uint64_t bias = elf_image_bias(img);

	if (addr == 0)
		return false;
	if (bias != 0 && elf_image_at(img, addr - bias, out, NULL) == RES_OK)
		return true;
	return elf_image_at(img, addr, out, NULL) == RES_OK;
}

static void load_by_dynamic(struct elf_symbols *syms)
{
	size_t n = 0, size = elf_image_class(syms->img)->sym;
	struct dynamic d;
	struct span table, names, hash;
	uint32_t words[2];

	if (!dynamic_read(syms->img, &d) || !dynamic_bytes(syms->img, d.symtab, &table) ||
	    !dynamic_bytes(syms->img, d.strtab, &names))
		return;
	if (d.strsz != 0 && d.strsz < span_left(&names))
		names.end = names.at + d.strsz;
	if (dynamic_bytes(syms->img, d.gnu_hash, &hash) && hash_parse(syms->img, hash, &syms->hash))
		n = hash_count(&syms->hash);
	/* DT_HASH has one chain word per symbol, and their number. */
	if (dynamic_bytes(syms->img, d.hash, &hash) && span_take(&hash, words, sizeof(words)) && words[1] > n)
		n = words[1];
	if (n > span_left(&table) / size)
		n = span_left(&table) / size;
	table.end = table.at + n * size;
	symbol_table_set(&syms->tables[TABLE_DYNSYM], elf_image_class(syms->img), ELF_DYNSYM, table, names);
}

void symbols_load_dynamic(struct elf_symbols *syms)
{
	struct elf_image *img = syms->img;
	struct span table, names, hash;
	GElf_Shdr sh, hash_sh;
	size_t index, hash_index;

	if (!elf_image_shdr_of_type(img, SHT_DYNSYM, &sh, &index) ||
	    elf_image_section_bytes(img, index, &table) != RES_OK ||
	    elf_image_section_bytes(img, sh.sh_link, &names) != RES_OK) {
		load_by_dynamic(syms);
		return;
	}
	symbol_table_set(&syms->tables[TABLE_DYNSYM], elf_image_class(img), ELF_DYNSYM, table, names);
	if (elf_image_shdr_of_type(img, SHT_GNU_HASH, &hash_sh, &hash_index) && hash_sh.sh_link == index &&
	    elf_image_section_bytes(img, hash_index, &hash) == RES_OK)
		(void)hash_parse(img, hash, &syms->hash);
}
