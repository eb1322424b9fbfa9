/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/core/route_index.c - building and walking.
 */
#include "proxy/core/route_index.h"

#include "base/check.h"

/* The slot of this length, taken if it is new; false when there is no room. */
static bool note_length(struct route_index *index, uint32_t length)
{
    for (uint32_t i = 0; i < index->length_count; i++)
        if (index->lengths[i] == length)
            return true;
    if (index->length_count == ROUTE_INDEX_LENGTHS_MAX)
        return false;
    index->lengths[index->length_count++] = length;
    return true;
}

/* Routes are added last to first, so each list is in order. */
static void add_to(struct map *map, struct route_index *index, struct str path, uint32_t route)
{
    index->next[route] = map_get(map, path);
    map_set(map, path, route);
}

void route_index_init(struct route_index *index, const struct virtual_host *host,
                      struct arena *arena)
{
    *index = (struct route_index){.host = host, .rest = MAP_NONE};
    map_init(&index->exact, arena);
    map_init(&index->prefix, arena);
    index->next = ARENA_ARRAY(arena, uint32_t, host->route_count);
    for (uint32_t route = host->route_count; route-- > 0;) {
        const struct path_matcher *path = &host->routes[route].match.path;
        ASSERT(path->value.len < UINT32_MAX);
        if (path->kind == PATH_EXACT && !path->is_ignoring_case) {
            add_to(&index->exact, index, path->value, route);
        } else if (path->kind == PATH_PREFIX && !path->is_ignoring_case &&
                   note_length(index, (uint32_t)path->value.len)) {
            add_to(&index->prefix, index, path->value, route);
        } else {
            index->next[route] = index->rest;
            index->rest = route;
        }
    }
}

static void add_head(struct route_walk *walk, uint32_t route)
{
    if (route != MAP_NONE)
        walk->heads[walk->count++] = route;
}

void route_walk_init(struct route_walk *walk, const struct route_index *index, struct str path)
{
    walk->index = index;
    walk->count = 0;
    add_head(walk, index->rest);
    add_head(walk, map_get(&index->exact, path));
    for (uint32_t i = 0; i < index->length_count; i++)
        if (index->lengths[i] <= path.len)
            add_head(walk, map_get(&index->prefix, str_slice(path, 0, index->lengths[i])));
}

uint32_t route_walk_next(struct route_walk *walk)
{
    if (walk->count == 0)
        return MAP_NONE;
    uint32_t best = 0;
    for (uint32_t i = 1; i < walk->count; i++)
        if (walk->heads[i] < walk->heads[best])
            best = i;
    uint32_t route = walk->heads[best];
    uint32_t next = walk->index->next[route];
    if (next != MAP_NONE)
        walk->heads[best] = next;
    else
        walk->heads[best] = walk->heads[--walk->count];
    return route;
}
