/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/core/lb_inherit.c - see lb_inherit.h.
 */
#include "proxy/core/lb_inherit.h"

#include <string.h>

#include "base/check.h"

static bool is_host(const struct endpoint *a, const struct endpoint *b)
{
    return a->port == b->port && str_eq(a->address, b->address) &&
           str_eq(a->locality.region, b->locality.region) &&
           str_eq(a->locality.zone, b->locality.zone) &&
           str_eq(a->locality.subzone, b->locality.subzone);
}

uint32_t lb_find_host(const struct cluster *cluster, const struct endpoint *endpoint,
                      uint32_t guess)
{
    if (guess < cluster->endpoint_count && is_host(&cluster->endpoints[guess], endpoint))
        return guess;
    for (uint32_t i = 0; i < cluster->endpoint_count; i++)
        if (is_host(&cluster->endpoints[i], endpoint))
            return i;
    return LB_NONE;
}

static void inherit_hosts(struct lb *heir, const struct lb *old, int64_t now_ns)
{
    for (uint32_t i = 0; i < heir->cluster->endpoint_count; i++) {
        uint32_t before = lb_find_host(old->cluster, &heir->cluster->endpoints[i], i);
        bool is_new = before == LB_NONE || old->hosts[before].is_absent;
        heir->hosts[i].since_ns = is_new ? now_ns : old->hosts[before].since_ns;
        heir->active[i] = before != LB_NONE ? old->active[before] : 0;
    }
}

/* A schedule goes on where nothing has changed that it is made of. */
static bool is_alike(const struct lb *heir, const struct lb *old)
{
    const struct cluster *a = heir->cluster, *b = old->cluster;
    if (a->endpoint_count != b->endpoint_count)
        return false;
    for (uint32_t i = 0; i < a->endpoint_count; i++) {
        const struct endpoint *one = &a->endpoints[i], *other = &b->endpoints[i];
        if (!is_host(one, other) || one->weight != other->weight ||
            one->priority != other->priority || one->health != other->health ||
            one->locality_weight != other->locality_weight)
            return false;
    }
    return true;
}

static void inherit_schedule(struct edf *heir, const struct edf *old)
{
    if (heir->count != old->count || old->count == 0)
        return;
    memcpy(heir->heap, old->heap, old->count * sizeof(*old->heap));
    heir->now = old->now;
    heir->next_order = old->next_order;
}

static void inherit_list(struct lb_list *heir, const struct lb_list *old, bool is_alike)
{
    heir->next = old->next;
    if (!is_alike || heir->has_schedule != old->has_schedule || heir->count != old->count ||
        !heir->has_schedule ||
        memcmp(heir->endpoints, old->endpoints, old->count * sizeof(*old->endpoints)) != 0)
        return;
    inherit_schedule(&heir->schedule, &old->schedule);
}

static void inherit_priority(struct lb_priority *heir, const struct lb_priority *old, bool is_alike)
{
    inherit_list(&heir->healthy, &old->healthy, is_alike);
    inherit_list(&heir->all, &old->all, is_alike);
    for (uint32_t i = 0; i < heir->locality_count && i < old->locality_count; i++)
        inherit_list(&heir->localities[i].healthy, &old->localities[i].healthy, is_alike);
    if (is_alike)
        inherit_schedule(&heir->locality_schedule, &old->locality_schedule);
}

void lb_inherit(struct lb *heir, const struct lb *old, int64_t now_ns)
{
    ASSERT(heir->is_stale);
    inherit_hosts(heir, old, now_ns);
    heir->seed = old->seed;
    lb_refresh(heir, now_ns);
    bool alike = is_alike(heir, old) && !old->is_stale;
    for (uint32_t i = 0; i < heir->priority_count && i < old->priority_count; i++)
        inherit_priority(&heir->priorities[i], &old->priorities[i], alike);
}
