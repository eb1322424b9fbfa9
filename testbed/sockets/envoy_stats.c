/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/sockets/envoy_stats.c - see envoy_stats.h.
 */
#include "testbed/sockets/envoy_stats.h"

#include "testbed/sockets/envoy.h"
#include "testbed/sockets/envoy_inside.h"

#define ARENA_BYTES 65536u

/* "NAME: VALUE" */
static void take_line(struct envoy_stats *stats, struct str line)
{
    size_t end = str_find_str(line, STR(": "));
    uint64_t value;
    if (end == STR_NONE || !str_to_u64(str_trim(str_from(line, end + 2)), UINT64_MAX, &value))
        return; /* a histogram */
    struct str name = str_slice(line, 0, end);
    map_set(&stats->by_name, name, stats->count);
    *ARENA_PUSH(&stats->arena, stats->items, stats->count, stats->capacity) =
        (struct envoy_stat_line){name, value};
}

void envoy_stats_keep(struct envoy_stats *stats, struct str admin, uint64_t moment)
{
    struct str rest = STR_EMPTY;
    if (stats->moment == moment)
        return;
    envoy_stats_fini(stats);
    arena_init(&stats->arena, ARENA_BYTES, 0);
    map_init(&stats->by_name, &stats->arena);
    stats->moment = moment;
    (void)envoy_ask(admin, STR("/stats"), ENVOY_PATIENCE_MS, &stats->arena, &rest);
    while (rest.len > 0)
        take_line(stats, str_cut(&rest, '\n'));
}

/* "http.PREFIX.COUNTER" of a connection manager that is no part of Envoy itself,
 * "listener.ADDRESS.COUNTER", "tcp.PREFIX.COUNTER" of a TCP proxy or "tcp.COUNTER" of its
 * filters. */
static bool is_of_all(struct str key, struct str owner, struct str name)
{
    size_t tail = name.len + 1;
    if (key.len <= tail || key.ptr[key.len - tail] != '.' || !str_has_suffix(key, name) ||
        !str_has_prefix(key, owner) || key.ptr[owner.len] != '.')
        return false;
    struct str whose = str_slice(key, 0, key.len - tail);
    bool is_whole = whose.len > owner.len || str_eq(owner, STR("tcp"));
    return is_whole && !str_eq(whose, STR("http.admin")) &&
           !str_eq(whose, STR("http.async-client")) && !str_eq(whose, STR("listener.admin"));
}

static bool sum_all(const struct envoy_stats *stats, struct str owner, struct str name,
                    uint64_t *value)
{
    bool is_known = false;
    for (uint32_t i = 0; i < stats->count; i++) {
        if (!is_of_all(stats->items[i].name, owner, name))
            continue;
        is_known = true;
        *value += stats->items[i].value;
    }
    return is_known;
}

bool envoy_stats_find(struct envoy_stats *stats, struct str owner, struct str name, uint64_t *value)
{
    *value = 0;
    if (stats->moment == 0)
        return false;
    if (str_eq(owner, STR("http")) || str_eq(owner, STR("tcp")) || str_eq(owner, STR("listener")))
        return sum_all(stats, owner, name, value);
    uint32_t index = map_get(&stats->by_name, arena_format(&stats->arena, "cluster.%.*s.%.*s",
                                                           STR_FMT(owner), STR_FMT(name)));
    if (index != MAP_NONE)
        *value = stats->items[index].value;
    return index != MAP_NONE;
}

void envoy_stats_fini(struct envoy_stats *stats)
{
    if (stats->moment != 0)
        arena_fini(&stats->arena);
    *stats = (struct envoy_stats){0};
}
