/* SPDX-License-Identifier: Apache-2.0
 *
 * base/hash.h - hashes with a name: FNV-1a, for addresses, tables and traces.
 */
#pragma once

#include <stdint.h>

#include "base/str.h"

#define HASH_FNV64_START UINT64_C(14695981039346656037)

uint32_t hash_fnv32(struct str bytes);
uint64_t hash_fnv64(struct str bytes);
/* Continues a running FNV-1a-64. */
uint64_t hash_fnv64_add(uint64_t hash, struct str bytes);
uint64_t hash_fnv64_add_u64(uint64_t hash, uint64_t value);

/* The same idea a word at a time, for running hashes of what happens often. The same
 * on every machine. */
static inline uint64_t hash_words_add(uint64_t hash, uint64_t value)
{
    hash = (hash ^ value) * UINT64_C(0x9e3779b97f4a7c15);
    return hash ^ hash >> 32;
}
uint64_t hash_words_add_str(uint64_t hash, struct str bytes);
