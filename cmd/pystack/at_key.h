/* Keys of stacks at probes, as keys of an addrmap. */
#ifndef PYSTACK_AT_KEY_H
#define PYSTACK_AT_KEY_H

#include <stdint.h>

#include "base/hash.h"
#include "probe/probe_abi.h"

/* A hash of all that tells keys apart. */
static inline uint64_t at_key_hash(const struct probe_key *key)
{
	return hash_word(hash_word(key->hash, key->process), key->spec);
}

#endif
