/* SPDX-License-Identifier: Apache-2.0
 *
 * base/map.h - names to numbers: an open-addressing table inside an arena.
 *
 * Keys are borrowed slices that must outlive the map; values are indexes or
 * whatever a uint32_t says. It can be filled and asked, and on purpose not
 * iterated: order comes from arrays, never from a hash.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"

#define MAP_NONE UINT32_MAX

struct map_slot;

struct map {
    struct arena *arena;
    struct map_slot *slots;
    uint32_t count, capacity; /* capacity is 0 or a power of two */
};

void map_init(struct map *map, struct arena *arena);
/* The value of `key`, or MAP_NONE. */
uint32_t map_get(const struct map *map, struct str key);
/* Sets; returns the value that stood there before, or MAP_NONE. */
uint32_t map_set(struct map *map, struct str key, uint32_t value);
