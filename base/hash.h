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
