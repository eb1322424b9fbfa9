/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/core/lb_refresh.c - what a balancer works out when endpoints come, go,
 * fall ill or get well: shares of priorities, lists, schedules, hash tables.
 */
#include "base/check.h"
#include "base/ns.h"
#include "proxy/core/lb.h"
#include "proxy/core/lb_weight.h"

#define OVERPROVISIONING 1.4

static bool is_same_locality(const struct locality *a, const struct locality *b)
{
    return str_eq(a->region, b->region) && str_eq(a->zone, b->zone) &&
           str_eq(a->subzone, b->subzone);
}

/* Envoy reads a percentage of its configuration as a whole number. */
static uint32_t panic_percent(const struct cluster *cluster)
{
    if (cluster->has_panic_threshold_zero)
        return 0;
    if (cluster->panic_threshold_percent > 0)
        return (uint32_t)(cluster->panic_threshold_percent + 0.5);
    return PRIORITY_PANIC_PERCENT;
}

static bool has_turns(const struct cluster *cluster)
{
    return cluster->lb == LB_ROUND_ROBIN || cluster->lb == LB_LEAST_REQUEST;
}

static uint32_t priority_capacity(const struct lb *lb, uint32_t index)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < lb->cluster->endpoint_count; i++)
        count += lb->cluster->endpoints[i].priority == index;
    return count;
}

/* --- once ------------------------------------------------------------------- */

static void init_list(const struct lb *lb, struct lb_list *list, uint32_t capacity,
                      struct arena *arena)
{
    list->endpoints = ARENA_ARRAY(arena, uint32_t, capacity);
    list->next = lb->seed;
    if (has_turns(lb->cluster))
        edf_init(&list->schedule, capacity, arena);
}

static uint32_t find_locality(struct lb_priority *priority, const struct locality *name)
{
    uint32_t i = 0;
    while (i < priority->locality_count && !is_same_locality(&priority->localities[i].name, name))
        i++;
    return i;
}

/* Weights are as they were said, or the sum of the endpoints' weights. */
static void init_localities(struct lb *lb, uint32_t index, uint32_t capacity, struct arena *arena)
{
    struct lb_priority *priority = &lb->priorities[index];
    priority->localities = ARENA_ARRAY(arena, struct lb_locality, capacity);
    priority->eligible = ARENA_ARRAY(arena, uint32_t, capacity);
    for (uint32_t i = 0; i < lb->cluster->endpoint_count; i++) {
        const struct endpoint *endpoint = &lb->cluster->endpoints[i];
        if (endpoint->priority != index)
            continue;
        uint32_t found = find_locality(priority, &endpoint->locality);
        struct lb_locality *locality = &priority->localities[found];
        if (found == priority->locality_count) {
            priority->locality_count++;
            locality->name = endpoint->locality;
            locality->weight = endpoint->locality_weight;
        }
        lb->hosts[i].locality = found;
        if (endpoint->locality_weight == 0)
            locality->weight += endpoint->weight;
        locality->counted++; /* its capacity, until the first refresh */
    }
    for (uint32_t i = 0; i < priority->locality_count; i++)
        init_list(lb, &priority->localities[i].healthy, priority->localities[i].counted, arena);
    edf_init(&priority->locality_schedule, priority->locality_count, arena);
}

static struct str hash_key(const struct endpoint *endpoint, struct arena *arena)
{
    bool is_v6 = str_find(endpoint->address, ':') != STR_NONE;
    return arena_format(arena, is_v6 ? "[%.*s]:%u" : "%.*s:%u", STR_FMT(endpoint->address),
                        endpoint->port);
}

/* May it be picked where nobody panics? As the lists have it. */
static bool is_healthy(const struct lb *lb, uint32_t endpoint_index)
{
    ASSERT(endpoint_index < lb->cluster->endpoint_count);
    const struct lb_host *host = &lb->hosts[endpoint_index];
    return !host->is_ejected && !host->is_absent &&
           lb->cluster->endpoints[endpoint_index].health == ENDPOINT_HEALTHY;
}

/* --- hash tables ------------------------------------------------------------ */

/* May it be picked? When its priority panics health does not matter. */
static bool is_usable(const struct lb *lb, uint32_t endpoint_index, bool is_panicking)
{
    const struct endpoint *endpoint = &lb->cluster->endpoints[endpoint_index];
    return endpoint->weight > 0 && !lb->hosts[endpoint_index].is_absent &&
           (is_panicking || is_healthy(lb, endpoint_index));
}

/* Usable ones of a priority (and locality), whose weights make `share` together. */
struct hash_group {
    uint32_t priority, locality;
    bool has_locality; /* else all localities */
    bool is_panicking;
    double share;
};

static bool is_in_group(const struct lb *lb, const struct hash_group *group, uint32_t i)
{
    return lb->cluster->endpoints[i].priority == group->priority &&
           (!group->has_locality || lb->hosts[i].locality == group->locality) &&
           is_usable(lb, i, group->is_panicking);
}

static uint32_t add_hash_hosts(struct lb *lb, const struct hash_group *group, uint32_t count)
{
    const struct cluster *cluster = lb->cluster;
    uint64_t sum = 0;
    for (uint32_t i = 0; i < cluster->endpoint_count; i++)
        sum += is_in_group(lb, group, i) ? cluster->endpoints[i].weight : 0;
    for (uint32_t i = 0; i < cluster->endpoint_count; i++) {
        if (!is_in_group(lb, group, i))
            continue;
        lb->hash_hosts[count++] =
            (struct hash_host){.key = lb->hash_keys[i],
                               .weight = cluster->endpoints[i].weight * group->share / (double)sum,
                               .endpoint = i};
    }
    return count;
}

/* A locality's share is as said, whatever its health. */
static void build_table(struct lb *lb, uint32_t index)
{
    struct lb_priority *priority = &lb->priorities[index];
    struct hash_group group = {
        .priority = index, .is_panicking = lb->shares[index].is_panicking, .share = 1};
    uint32_t count = 0;
    if (lb->cluster->has_locality_weights) {
        uint64_t sum = 0;
        for (uint32_t i = 0; i < priority->locality_count; i++)
            sum += priority->localities[i].weight;
        group.has_locality = true;
        for (uint32_t i = 0; i < priority->locality_count; i++) {
            group.locality = i;
            group.share = priority->localities[i].weight / (double)sum;
            if (group.share > 0)
                count = add_hash_hosts(lb, &group, count);
        }
    } else {
        count = add_hash_hosts(lb, &group, 0);
    }
    if (lb->cluster->lb == LB_RING_HASH)
        ring_build(&priority->ring, lb->hash_hosts, count);
    else
        maglev_build(&priority->maglev, lb->hash_hosts, count);
}

/* No endpoint's share of the table is ever less. */
static double least_share(const struct lb *lb, uint32_t index)
{
    const struct lb_priority *priority = &lb->priorities[index];
    uint64_t least = UINT32_MAX, sum = 0, locality_least = UINT32_MAX, locality_sum = 0;
    for (uint32_t i = 0; i < lb->cluster->endpoint_count; i++) {
        const struct endpoint *endpoint = &lb->cluster->endpoints[i];
        if (endpoint->priority != index || endpoint->weight == 0)
            continue;
        sum += endpoint->weight;
        least = endpoint->weight < least ? endpoint->weight : least;
    }
    for (uint32_t i = 0; i < priority->locality_count; i++) {
        uint64_t weight = priority->localities[i].weight;
        locality_sum += weight;
        locality_least = weight > 0 && weight < locality_least ? weight : locality_least;
    }
    double share = sum > 0 ? (double)least / (double)sum : 1;
    if (lb->cluster->has_locality_weights && locality_sum > 0)
        share *= (double)locality_least / (double)locality_sum;
    return share;
}

static void init_table(struct lb *lb, uint32_t index, struct arena *arena)
{
    struct lb_priority *priority = &lb->priorities[index];
    const struct cluster *cluster = lb->cluster;
    if (cluster->lb == LB_RING_HASH)
        ring_init(&priority->ring, least_share(lb, index),
                  cluster->ring_size_min != 0 ? cluster->ring_size_min : RING_SIZE_MIN, arena);
    else
        maglev_init(&priority->maglev,
                    cluster->maglev_table_size != 0 ? cluster->maglev_table_size
                                                    : MAGLEV_TABLE_SIZE,
                    priority_capacity(lb, index), arena);
}

static void init_priority(struct lb *lb, uint32_t index, struct arena *arena)
{
    struct lb_priority *priority = &lb->priorities[index];
    uint32_t capacity = priority_capacity(lb, index);
    priority->is_stale = true;
    init_list(lb, &priority->healthy, capacity, arena);
    if (panic_percent(lb->cluster) > 0)
        init_list(lb, &priority->all, capacity, arena);
    if (lb->cluster->has_locality_weights)
        init_localities(lb, index, capacity, arena);
    if (lb_is_hashing(lb->cluster))
        init_table(lb, index, arena);
}

/* --- each time -------------------------------------------------------------- */

static void count_endpoints(struct lb *lb)
{
    for (uint32_t i = 0; i < lb->priority_count; i++)
        lb->counts[i] = (struct priority_count){0};
    for (uint32_t i = 0; i < lb->cluster->endpoint_count; i++) {
        const struct endpoint *endpoint = &lb->cluster->endpoints[i];
        struct priority_count *count = &lb->counts[endpoint->priority];
        if (lb->hosts[i].is_absent)
            continue;
        count->all++;
        count->counted += endpoint->health != ENDPOINT_DRAINING;
        count->healthy += is_healthy(lb, i);
    }
    priority_shares(lb->counts, lb->priority_count, panic_percent(lb->cluster), lb->shares);
}

/* Until when does one of them warm up? */
static void find_warm(struct lb *lb, int64_t now_ns)
{
    const struct slow_start *slow_start = lb->cluster->slow_start;
    if (slow_start == NULL)
        return;
    for (uint32_t i = 0; i < lb->cluster->endpoint_count; i++) {
        int64_t warm_ns = ns_add(lb->hosts[i].since_ns, slow_start->window_ns);
        if (is_usable(lb, i, false) && warm_ns > now_ns && warm_ns > lb->warm_ns)
            lb->warm_ns = warm_ns;
    }
}

/* Turns by weight, where weights differ or somebody warms up. */
static void start_schedule(struct lb *lb, struct lb_list *list, int64_t now_ns)
{
    const struct endpoint *endpoints = lb->cluster->endpoints;
    list->has_schedule = false;
    if (!has_turns(lb->cluster) || list->count < 2)
        return;
    bool is_needed = lb_weight_is_warming(lb, now_ns);
    for (uint32_t i = 0; i < list->count; i++) {
        lb->weights[i] = lb_weight(lb, list->endpoints[i], now_ns);
        is_needed = is_needed ||
                    endpoints[list->endpoints[i]].weight != endpoints[list->endpoints[0]].weight;
    }
    if (is_needed)
        edf_start(&list->schedule, lb->weights, list->count, lb->seed);
    list->has_schedule = is_needed;
}

static void refresh_localities(struct lb *lb, struct lb_priority *priority, int64_t now_ns)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < priority->locality_count; i++)
        start_schedule(lb, &priority->localities[i].healthy, now_ns);
    for (uint32_t i = 0; i < priority->locality_count; i++) {
        struct lb_locality *locality = &priority->localities[i];
        if (locality->healthy.count == 0 || locality->weight == 0)
            continue;
        double ratio = OVERPROVISIONING * locality->healthy.count / locality->counted;
        locality->effective_weight = locality->weight * (ratio < 1 ? ratio : 1);
        lb->weights[count] = locality->effective_weight;
        priority->eligible[count++] = i;
    }
    edf_start(&priority->locality_schedule, lb->weights, count, lb->seed);
}

static void empty_lists(struct lb_priority *priority)
{
    priority->healthy.count = priority->all.count = 0;
    for (uint32_t i = 0; i < priority->locality_count; i++)
        priority->localities[i].healthy.count = priority->localities[i].counted = 0;
}

static void fill_lists(struct lb *lb, uint32_t index)
{
    struct lb_priority *priority = &lb->priorities[index];
    bool may_panic = panic_percent(lb->cluster) > 0;
    empty_lists(priority);
    for (uint32_t i = 0; i < lb->cluster->endpoint_count; i++) {
        const struct endpoint *endpoint = &lb->cluster->endpoints[i];
        if (endpoint->priority != index || !is_usable(lb, i, true))
            continue;
        struct lb_locality *locality =
            lb->cluster->has_locality_weights ? &priority->localities[lb->hosts[i].locality] : NULL;
        if (may_panic)
            priority->all.endpoints[priority->all.count++] = i;
        if (locality != NULL)
            locality->counted += endpoint->health != ENDPOINT_DRAINING;
        if (!is_healthy(lb, i))
            continue;
        priority->healthy.endpoints[priority->healthy.count++] = i;
        if (locality != NULL)
            locality->healthy.endpoints[locality->healthy.count++] = i;
    }
}

static void refresh_priority(struct lb *lb, uint32_t index, int64_t now_ns)
{
    struct lb_priority *priority = &lb->priorities[index];
    fill_lists(lb, index);
    start_schedule(lb, &priority->healthy, now_ns);
    start_schedule(lb, &priority->all, now_ns);
    if (lb->cluster->has_locality_weights)
        refresh_localities(lb, priority, now_ns);
    priority->is_stale = false;
}

/* Whose health has changed? Their priorities are to be looked at. */
static void read_health(struct lb *lb)
{
    lb->health_version = health_version(lb->health);
    for (uint32_t i = 0; i < lb->cluster->endpoint_count; i++) {
        bool is_ejected = health_is_ejected(lb->health, i);
        if (is_ejected == lb->hosts[i].is_ejected)
            continue;
        lb->hosts[i].is_ejected = is_ejected;
        lb->priorities[lb->cluster->endpoints[i].priority].is_stale = true;
    }
}

/* --- doors ------------------------------------------------------------------ */

void lb_init(struct lb *lb, const struct cluster *cluster, const struct health *health,
             struct rng *rng, struct arena *arena)
{
    uint32_t count = cluster->endpoint_count;
    *lb = (struct lb){
        .cluster = cluster, .health = health, .priority_count = 1, .seed = rng_next(rng)};
    for (uint32_t i = 0; i < count; i++)
        if (cluster->endpoints[i].priority >= lb->priority_count)
            lb->priority_count = cluster->endpoints[i].priority + 1;
    lb->priorities = ARENA_ARRAY(arena, struct lb_priority, lb->priority_count);
    lb->shares = ARENA_ARRAY(arena, struct priority_share, lb->priority_count);
    lb->counts = ARENA_ARRAY(arena, struct priority_count, lb->priority_count);
    lb->active = ARENA_ARRAY(arena, uint32_t, count);
    lb->hosts = ARENA_ARRAY(arena, struct lb_host, count);
    lb->weights = ARENA_ARRAY(arena, double, count);
    for (uint32_t i = 0; i < count; i++)
        lb->hosts[i].is_absent = cluster->endpoints[i].is_absent;
    if (lb_is_hashing(cluster)) {
        lb->hash_hosts = ARENA_ARRAY(arena, struct hash_host, count);
        lb->hash_keys = ARENA_ARRAY(arena, struct str, count);
        for (uint32_t i = 0; i < count; i++)
            lb->hash_keys[i] = hash_key(&cluster->endpoints[i], arena);
    }
    for (uint32_t i = 0; i < lb->priority_count; i++)
        init_priority(lb, i, arena);
    lb->is_stale = true;
}

void lb_set_since(struct lb *lb, int64_t since_ns)
{
    for (uint32_t i = 0; i < lb->cluster->endpoint_count; i++)
        lb->hosts[i].since_ns = since_ns;
}

void lb_set_absent(struct lb *lb, uint32_t endpoint_index, bool is_absent, int64_t now_ns)
{
    ASSERT(endpoint_index < lb->cluster->endpoint_count);
    struct lb_host *host = &lb->hosts[endpoint_index];
    if (host->is_absent == is_absent)
        return;
    if (!is_absent)
        host->since_ns = now_ns;
    host->is_absent = is_absent;
    lb->priorities[lb->cluster->endpoints[endpoint_index].priority].is_stale = true;
    lb->is_stale = true;
}

/* Panic depends on all priorities, and a table on its own priority's panic. */
void lb_refresh(struct lb *lb, int64_t now_ns)
{
    read_health(lb);
    count_endpoints(lb);
    find_warm(lb, now_ns);
    for (uint32_t i = 0; i < lb->priority_count; i++)
        if (lb->priorities[i].is_stale)
            refresh_priority(lb, i, now_ns);
    for (uint32_t i = 0; lb_is_hashing(lb->cluster) && i < lb->priority_count; i++)
        build_table(lb, i);
    lb->is_stale = false;
}
