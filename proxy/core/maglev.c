/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/core/maglev.c - see maglev.h.
 */
#include "proxy/core/maglev.h"

#include "base/check.h"
#include "base/xxhash.h"

void maglev_init(struct maglev *maglev, uint64_t size, uint32_t host_count_max, struct arena *arena)
{
    ASSERT(size >= 2);
    *maglev = (struct maglev){.table = ARENA_ARRAY(arena, uint32_t, size),
                              .size = size,
                              .is_empty = true,
                              .turns = ARENA_ARRAY(arena, struct maglev_turn, host_count_max)};
}

/* By key; there are few, and they come nearly sorted. */
static void sort(struct hash_host *hosts, uint32_t count)
{
    for (uint32_t i = 1; i < count; i++) {
        struct hash_host moved = hosts[i];
        uint32_t k = i;
        for (; k > 0 && str_order(hosts[k - 1].key, moved.key) > 0; k--)
            hosts[k] = hosts[k - 1];
        hosts[k] = moved;
    }
}

static void start_turns(struct maglev *maglev, const struct hash_host *hosts, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        maglev->turns[i] =
            (struct maglev_turn){.offset = xxhash64(hosts[i].key, 0) % maglev->size,
                                 .skip = xxhash64(hosts[i].key, 1) % (maglev->size - 1) + 1,
                                 .weight = hosts[i].weight,
                                 .endpoint = hosts[i].endpoint};
}

/* The next place of its permutation that nobody has taken. */
static void take_place(struct maglev *maglev, struct maglev_turn *turn)
{
    uint64_t place = (turn->offset + turn->skip * turn->next) % maglev->size;
    while (maglev->table[place] != UINT32_MAX) {
        turn->next++;
        place = (turn->offset + turn->skip * turn->next) % maglev->size;
    }
    maglev->table[place] = turn->endpoint;
    turn->next++;
    turn->count++;
}

static void count_entries(struct maglev *maglev, uint32_t count)
{
    maglev->entries_min = maglev->size;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t entries = maglev->turns[i].count;
        maglev->entries_min = entries < maglev->entries_min ? entries : maglev->entries_min;
        maglev->entries_max = entries > maglev->entries_max ? entries : maglev->entries_max;
    }
}

void maglev_build(struct maglev *maglev, struct hash_host *hosts, uint32_t count)
{
    double weight_max = 0;
    maglev->is_empty = count == 0;
    maglev->entries_min = maglev->entries_max = 0;
    if (count == 0)
        return;
    sort(hosts, count);
    start_turns(maglev, hosts, count);
    for (uint32_t i = 0; i < count; i++)
        weight_max = hosts[i].weight > weight_max ? hosts[i].weight : weight_max;
    for (uint64_t i = 0; i < maglev->size; i++)
        maglev->table[i] = UINT32_MAX;
    uint64_t filled = 0;
    for (uint64_t turn = 1; filled < maglev->size; turn++) {
        for (uint32_t i = 0; i < count && filled < maglev->size; i++) {
            struct maglev_turn *host = &maglev->turns[i];
            /* A host of a third of the greatest weight takes every third turn. */
            if ((double)turn * host->weight < host->target)
                continue;
            host->target += weight_max;
            take_place(maglev, host);
            filled++;
        }
    }
    count_entries(maglev, count);
}

uint32_t maglev_find(const struct maglev *maglev, uint64_t hash, uint32_t again)
{
    if (maglev->is_empty)
        return UINT32_MAX;
    /* Envoy changes most bits, so that not all go to one other host. */
    if (again > 0)
        hash ^= UINT64_MAX - again + 1;
    return maglev->table[hash % maglev->size];
}
