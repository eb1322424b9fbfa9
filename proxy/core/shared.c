/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/core/shared.c - see shared.h.
 */
#include "proxy/core/shared.h"

#include "base/buf.h"
#include "base/check.h"
#include "base/json.h"
#include "proxy/core/lb_inherit.h"
#include "proxy/model/print_parts.h"

#define SHARED_BLOCK_BYTES 4096u
#define CLUSTER_TEXT_BYTES_MAX (1024u * 1024)
#define STATE_BLOCK_BYTES 512u /* a breaker's, and not much more */

/* What stays as long as some snapshot has the cluster. */
struct shared_state {
    struct arena arena;
    atomic_uint holders;
    struct breaker breaker;
    struct outlier *outlier; /* NULL: it ejects nobody */
};

struct shared {
    struct arena arena;
    atomic_uint holders;
    struct snapshot *snapshot;
    struct shared_cluster *clusters;
    struct shared_changes changes;
};

static struct shared_state *state_new(const struct cluster *cluster, uint64_t seed, int64_t now_ns)
{
    struct arena arena;
    arena_init(&arena, STATE_BLOCK_BYTES, 0);
    struct shared_state *state = ARENA_NEW(&arena, struct shared_state);
    if (cluster->outlier != NULL)
        state->outlier = ARENA_NEW(&arena, struct outlier);
    atomic_init(&state->holders, 1);
    breaker_init(&state->breaker, &cluster->breakers, cluster->is_tracking_remaining);
    if (cluster->retry_budget != NULL)
        breaker_set_retry_budget(&state->breaker, cluster->retry_budget, &arena);
    state->arena = arena;
    if (state->outlier != NULL)
        outlier_init(state->outlier, cluster, seed, now_ns);
    return state;
}

static void state_drop(struct shared_state *state)
{
    if (atomic_fetch_sub_explicit(&state->holders, 1, memory_order_acq_rel) > 1)
        return;
    if (state->outlier != NULL)
        outlier_fini(state->outlier);
    struct arena arena = state->arena;
    arena_fini(&arena);
}

static struct str print(const struct cluster *cluster, struct buf *out)
{
    struct json json;
    json_init(&json, out, 0);
    print_cluster(&json, cluster);
    ASSERT(!json_is_full(&json));
    return buf_str(out);
}

/* As Envoy compares them: by what CDS says. */
static bool is_same(const struct cluster *a, const struct cluster *b)
{
    struct buf texts[2];
    for (size_t i = 0; i < COUNT_OF(texts); i++)
        buf_init(&texts[i], CLUSTER_TEXT_BYTES_MAX);
    bool is_same = str_eq(print(a, &texts[0]), print(b, &texts[1]));
    for (size_t i = 0; i < COUNT_OF(texts); i++)
        buf_fini(&texts[i]);
    return is_same;
}

/* The state that the cluster goes on with, held; NULL: none. */
static struct shared_state *take_over(const struct shared *before, const struct cluster *cluster,
                                      const struct shared_cluster **old, bool *is_kept)
{
    uint32_t index =
        before != NULL ? map_get(&before->snapshot->cluster_by_name, cluster->name) : MAP_NONE;
    if (index == MAP_NONE)
        return NULL;
    *old = &before->clusters[index];
    struct shared_state *state = (*old)->state;
    *is_kept = is_same(&before->snapshot->clusters[index], cluster);
    if (!*is_kept)
        return NULL;
    atomic_fetch_add_explicit(&state->holders, 1, memory_order_relaxed);
    return state;
}

static void set_hosts(struct shared *shared, uint32_t index, int64_t now_ns)
{
    const struct cluster *cluster = &shared->snapshot->clusters[index];
    struct shared_cluster *own = &shared->clusters[index];
    uint32_t count = cluster->endpoint_count;
    struct health *health = ARENA_NEW(&shared->arena, struct health);
    const atomic_bool **flags =
        (const atomic_bool **)ARENA_ARRAY(&shared->arena, atomic_bool *, count);
    own->outlier = own->state->outlier;
    own->hosts = ARENA_ARRAY(&shared->arena, struct outlier_host *, count);
    outlier_set_hosts(own->outlier, cluster, now_ns, own->hosts);
    for (uint32_t i = 0; i < count; i++)
        flags[i] = &own->hosts[i]->is_told_ejected;
    *health = (struct health){.version = &own->outlier->told_version, .is_ejected = flags};
    own->health = health;
}

static void set_absent(struct shared *shared, uint32_t index)
{
    const struct cluster *cluster = &shared->snapshot->clusters[index];
    struct shared_cluster *own = &shared->clusters[index];
    own->are_absent = ARENA_ARRAY(&shared->arena, atomic_bool, cluster->endpoint_count);
    for (uint32_t i = 0; i < cluster->endpoint_count; i++)
        atomic_init(&own->are_absent[i], cluster->endpoints[i].is_absent);
}

static bool is_among(const struct cluster *cluster, const struct endpoint *endpoint, uint32_t guess)
{
    return lb_find_host(cluster, endpoint, guess) != LB_NONE;
}

/* Has an endpoint come or gone? */
static bool is_changed(const struct cluster *before, const struct cluster *now)
{
    bool is_same = before->endpoint_count == now->endpoint_count;
    for (uint32_t i = 0; is_same && i < now->endpoint_count; i++)
        is_same =
            is_among(before, &now->endpoints[i], i) && is_among(now, &before->endpoints[i], i);
    return !is_same;
}

static bool is_told_alike(const struct endpoint *a, const struct endpoint *b)
{
    return a->weight == b->weight && a->health == b->health && a->priority == b->priority &&
           a->locality_weight == b->locality_weight &&
           a->is_tls_mode_istio == b->is_tls_mode_istio && str_eq(a->workload, b->workload);
}

/* The same endpoints: are any of them told of otherwise? */
static bool is_retold(const struct cluster *before, const struct cluster *now)
{
    for (uint32_t i = 0; i < now->endpoint_count; i++) {
        uint32_t place = lb_find_host(before, &now->endpoints[i], i);
        if (!is_told_alike(&now->endpoints[i], &before->endpoints[place]))
            return true;
    }
    return false;
}

static void count_change(struct shared_changes *changes, const struct shared_cluster *own,
                         const struct shared_cluster *old)
{
    if (old == NULL)
        changes->added++;
    else if (!own->is_kept)
        changes->modified++;
    else if (is_changed(old->cluster, own->cluster) || is_retold(old->cluster, own->cluster))
        changes->updated++;
}

static void count_removed(struct shared_changes *changes, const struct snapshot *before,
                          const struct snapshot *now)
{
    for (uint32_t i = 0; i < before->cluster_count; i++)
        changes->removed += map_get(&now->cluster_by_name, before->clusters[i].name) == MAP_NONE;
}

/* membership_change goes on with the name, as Envoy's counters do. A cluster that is another
 * one hears of its endpoints as a new one does. */
static void set_changes(struct shared_cluster *own, const struct shared_cluster *old)
{
    unsigned count = 0;
    if (old != NULL)
        count = atomic_load_explicit(&old->change_count, memory_order_relaxed);
    count +=
        own->is_kept ? is_changed(old->cluster, own->cluster) : own->cluster->endpoint_count > 0;
    atomic_init(&own->change_count, count);
}

struct shared *shared_new(struct snapshot *snapshot, const struct shared *before, uint64_t seed,
                          int64_t now_ns)
{
    struct arena arena;
    arena_init(&arena, SHARED_BLOCK_BYTES, 0);
    struct shared *shared = ARENA_NEW(&arena, struct shared);
    shared->arena = arena;
    atomic_init(&shared->holders, 1);
    snapshot_hold(snapshot);
    shared->snapshot = snapshot;
    if (before != NULL) {
        shared->changes = before->changes;
        count_removed(&shared->changes, before->snapshot, snapshot);
    }
    shared->clusters = ARENA_ARRAY(&shared->arena, struct shared_cluster, snapshot->cluster_count);
    for (uint32_t i = 0; i < snapshot->cluster_count; i++) {
        struct shared_cluster *own = &shared->clusters[i];
        const struct shared_cluster *old = NULL;
        own->cluster = &snapshot->clusters[i];
        own->state = take_over(before, &snapshot->clusters[i], &old, &own->is_kept);
        bool is_new = own->state == NULL;
        if (is_new)
            own->state = state_new(&snapshot->clusters[i], seed, now_ns);
        own->breaker = &own->state->breaker;
        set_absent(shared, i);
        set_changes(own, old);
        count_change(&shared->changes, own, old);
        if (own->state->outlier == NULL)
            continue;
        set_hosts(shared, i, now_ns);
        if (is_new && old != NULL && old->outlier != NULL) {
            struct outlier_view view = outlier_view(old->outlier);
            outlier_add_counters(own->outlier, &view);
        }
    }
    return shared;
}

void shared_set_alone(struct shared *shared)
{
    for (uint32_t i = 0; i < shared->snapshot->cluster_count; i++)
        shared->clusters[i].breaker->is_alone = true;
}

void shared_hold(struct shared *shared)
{
    unsigned before = atomic_fetch_add_explicit(&shared->holders, 1, memory_order_relaxed);
    ASSERT(before >= 1);
}

void shared_drop(struct shared *shared)
{
    if (shared == NULL || atomic_fetch_sub_explicit(&shared->holders, 1, memory_order_acq_rel) > 1)
        return;
    for (uint32_t i = 0; i < shared->snapshot->cluster_count; i++)
        state_drop(shared->clusters[i].state);
    snapshot_drop(shared->snapshot);
    struct arena arena = shared->arena;
    arena_fini(&arena);
}

struct snapshot *shared_snapshot(const struct shared *shared)
{
    return shared->snapshot;
}

struct shared_changes shared_changes(const struct shared *shared)
{
    return shared->changes;
}

const struct shared_cluster *shared_cluster(const struct shared *shared, uint32_t cluster_index)
{
    ASSERT(cluster_index < shared->snapshot->cluster_count);
    return &shared->clusters[cluster_index];
}

void shared_set_absent(struct shared *shared, uint32_t cluster_index, uint32_t endpoint_index,
                       bool is_absent, int64_t now_ns)
{
    ASSERT(cluster_index < shared->snapshot->cluster_count);
    struct shared_cluster *own = &shared->clusters[cluster_index];
    if (atomic_exchange_explicit(&own->are_absent[endpoint_index], is_absent,
                                 memory_order_relaxed) == is_absent)
        return;
    atomic_fetch_add_explicit(&own->change_count, 1, memory_order_relaxed);
    if (own->outlier != NULL)
        outlier_set_absent(own->outlier, own->hosts[endpoint_index], is_absent, now_ns);
}

bool shared_is_absent(const struct shared_cluster *own, uint32_t endpoint_index)
{
    return atomic_load_explicit(&own->are_absent[endpoint_index], memory_order_relaxed);
}

uint32_t shared_member_count(const struct shared *shared, uint32_t cluster_index)
{
    const struct shared_cluster *own = shared_cluster(shared, cluster_index);
    uint32_t count = 0;
    for (uint32_t i = 0; i < shared->snapshot->clusters[cluster_index].endpoint_count; i++)
        count += !shared_is_absent(own, i);
    return count;
}

uint32_t shared_healthy_count(const struct shared *shared, uint32_t cluster_index)
{
    const struct cluster *cluster = &shared->snapshot->clusters[cluster_index];
    const struct shared_cluster *own = shared_cluster(shared, cluster_index);
    uint32_t count = 0;
    for (uint32_t i = 0; i < cluster->endpoint_count; i++)
        count +=
            !shared_is_absent(own, i) && cluster->endpoints[i].health == ENDPOINT_HEALTHY &&
            (own->outlier == NULL || !outlier_host_view(own->outlier, own->hosts[i]).is_ejected);
    return count;
}
