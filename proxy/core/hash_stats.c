/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/core/hash_stats.c - see hash_stats.h.
 */
#include "proxy/core/hash_stats.h"

#include "base/check.h"
#include "proxy/core/engine_state.h"

#define SCRATCH_BLOCK_BYTES (64u * 1024)

/* A balancer as a worker has it now. */
static void build(const struct engine *engine, uint32_t cluster_index, struct lb *lb,
                  struct arena *arena)
{
    const struct shared_cluster *shared = shared_cluster(engine->shared, cluster_index);
    struct rng rng = rng_seeded(0, STR("gauges")); /* where turns begin does not matter */
    engine_init_lb(engine, cluster_index, lb, &rng, arena);
    for (uint32_t i = 0; i < lb->cluster->endpoint_count; i++)
        lb_set_absent(lb, i, shared_is_absent(shared, i), 0);
    (void)lb_counts(lb, 0);
}

uint32_t hash_gauges(const struct engine *engine, uint32_t cluster_index, struct arena *arena,
                     struct hash_gauge out[HASH_GAUGES_MAX])
{
    const struct cluster *cluster = &engine->snapshot->clusters[cluster_index];
    struct lb lb;
    if (!lb_is_hashing(cluster))
        return 0;
    build(engine, cluster_index, &lb, arena);
    uint32_t last = 0;
    for (uint32_t i = 0; i < lb.priority_count; i++)
        last = lb.counts[i].all > 0 ? i : last;
    const struct lb_priority *priority = &lb.priorities[last];
    if (cluster->lb == LB_MAGLEV) {
        struct str scope = STR("maglev_lb.");
        out[0] =
            (struct hash_gauge){scope, STR("max_entries_per_host"), priority->maglev.entries_max};
        out[1] =
            (struct hash_gauge){scope, STR("min_entries_per_host"), priority->maglev.entries_min};
        return 2;
    }
    struct str scope = STR("ring_hash_lb.");
    out[0] = (struct hash_gauge){scope, STR("max_hashes_per_host"), priority->ring.points_max};
    out[1] = (struct hash_gauge){scope, STR("min_hashes_per_host"), priority->ring.points_min};
    out[2] = (struct hash_gauge){scope, STR("size"), priority->ring.count};
    return 3;
}

bool hash_gauge_read(const struct engine *engine, uint32_t cluster_index, struct str name,
                     uint64_t *value)
{
    struct hash_gauge all[HASH_GAUGES_MAX];
    struct arena scratch;
    bool is_found = false;
    if (!str_has_prefix(name, STR("ring_hash_lb.")) && !str_has_prefix(name, STR("maglev_lb.")))
        return false;
    arena_init(&scratch, SCRATCH_BLOCK_BYTES, 0);
    uint32_t count = hash_gauges(engine, cluster_index, &scratch, all);
    for (uint32_t i = 0; i < count && !is_found; i++) {
        is_found = str_has_prefix(name, all[i].scope) &&
                   str_eq(str_from(name, all[i].scope.len), all[i].name);
        *value = all[i].value;
    }
    arena_fini(&scratch);
    return is_found;
}
