/* Values of keys in dicts. */
#include "python/objects/py_dict.h"
#include "python/values/value.h"

enum { SEARCHED_MAX = 1 << 14 }; /* entries of a dict in which a key is searched for */

bool value_find(struct py_values *v, uint64_t dict, const char *key, uint64_t *known, uint64_t *value)
{
	struct py_dict d;
	struct py_dict_entry entry;

	if (dict == 0 || !value_charge(v, 128) || !py_dict_open(v->P, v->rt, dict, &d) ||
	    d.count > SEARCHED_MAX || !value_charge(v, (uint64_t)d.count * 64) ||
	    !py_dict_find(&d, key, known, &entry))
		return false;
	*value = entry.value;
	return true;
}
