/* SPDX-License-Identifier: Apache-2.0
 *
 * base/xxhash.h - xxHash64 (Yann Collet; public specification), the hash that
 * Envoy's consistent hashing is made of.
 */
#pragma once

#include <stdint.h>

#include "base/str.h"

uint64_t xxhash64(struct str bytes, uint64_t seed);
