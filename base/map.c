/* SPDX-License-Identifier: Apache-2.0
 *
 * base/map.c - linear probing in a table that is at most three quarters full.
 */
#include "base/map.h"

#include <string.h>

#include "base/check.h"

#define FIRST_CAPACITY 16u

struct map_slot {
    struct str key;
    uint32_t hash;
    uint32_t value;
    bool is_used;
};

/* Eight bytes at a time; of this file only, as nobody sees the order of slots. */
static uint32_t hash_of(struct str key)
{
    const uint64_t factor = UINT64_C(0x9e3779b97f4a7c15);
    uint64_t hash = key.len * factor, word;
    const char *at = key.ptr;
    size_t left = key.len;
    for (; left >= sizeof(word); at += sizeof(word), left -= sizeof(word)) {
        memcpy(&word, at, sizeof(word));
        hash = (hash ^ word) * factor;
        hash ^= hash >> 32;
    }
    word = 0;
    if (left > 0)
        memcpy(&word, at, left);
    hash = (hash ^ word) * factor;
    return (uint32_t)(hash >> 32);
}

/* The slot of `key`, or the free one where it would stand. */
static struct map_slot *slot_of(const struct map *map, struct str key, uint32_t hash)
{
    uint32_t mask = map->capacity - 1;
    for (uint32_t i = hash & mask;; i = (i + 1) & mask) {
        struct map_slot *slot = &map->slots[i];
        if (!slot->is_used || (slot->hash == hash && str_eq(slot->key, key)))
            return slot;
    }
}

static void grow(struct map *map)
{
    struct map old = *map;
    ASSERT(old.capacity <= UINT32_MAX / 2);
    map->capacity = old.capacity == 0 ? FIRST_CAPACITY : old.capacity * 2;
    map->slots = ARENA_ARRAY(map->arena, struct map_slot, map->capacity);
    for (uint32_t i = 0; i < old.capacity; i++)
        if (old.slots[i].is_used)
            *slot_of(map, old.slots[i].key, old.slots[i].hash) = old.slots[i];
}

void map_init(struct map *map, struct arena *arena)
{
    *map = (struct map){.arena = arena};
}

uint32_t map_get(const struct map *map, struct str key)
{
    if (map->count == 0)
        return MAP_NONE;
    const struct map_slot *slot = slot_of(map, key, hash_of(key));
    return slot->is_used ? slot->value : MAP_NONE;
}

uint32_t map_set(struct map *map, struct str key, uint32_t value)
{
    ASSERT(value != MAP_NONE);
    if (map->count >= map->capacity / 4 * 3)
        grow(map);
    uint32_t hash = hash_of(key);
    struct map_slot *slot = slot_of(map, key, hash);
    uint32_t before = slot->is_used ? slot->value : MAP_NONE;
    if (!slot->is_used)
        map->count++;
    *slot = (struct map_slot){.key = key, .hash = hash, .value = value, .is_used = true};
    return before;
}
