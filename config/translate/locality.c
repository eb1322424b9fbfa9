/* SPDX-License-Identifier: Apache-2.0
 *
 * config/translate/locality.c - see locality.h.
 */
#include "config/translate/locality.h"

#include "config/resource/label.h"
#include "config/translate/cluster_policy.h"

#define PRIORITIES_BY_PLACE 5u  /* same place, zone, region; elsewhere; no failover to there */
#define PRIORITIES_BY_REGION 3u /* same region, where failover leads, elsewhere */

struct arranging {
    struct translation *t;
    const struct locality_setting *setting;
    struct locality here; /* the proxy's */
    struct str here_text;
    const struct locality_member *members;
    uint32_t *order; /* indexes of members */
    uint32_t member_count;
    struct locality_endpoints *groups;
    uint32_t group_count;
};

/* As its machine says it; "r1/z1/". */
static struct str locality_of_topology(struct translation *t, const struct label *labels,
                                       uint32_t label_count)
{
    static const struct str NAMES[] = {STR_INIT("topology.kubernetes.io/region"),
                                       STR_INIT("topology.kubernetes.io/zone"),
                                       STR_INIT("topology.istio.io/subzone")};
    struct str parts[COUNT_OF(NAMES)] = {STR_EMPTY, STR_EMPTY, STR_EMPTY};

    for (size_t i = 0; i < COUNT_OF(NAMES); i++) {
        const struct str *value = label_find(labels, label_count, NAMES[i]);
        if (value != NULL)
            parts[i] = *value;
    }
    if (parts[0].len == 0 && parts[1].len == 0 && parts[2].len == 0)
        return STR_EMPTY;
    return arena_format(&t->scratch, "%.*s/%.*s/%.*s", STR_FMT(parts[0]), STR_FMT(parts[1]),
                        STR_FMT(parts[2]));
}

struct str locality_of_labels(struct translation *t, const struct label *labels,
                              uint32_t label_count)
{
    const struct str *word = label_find(labels, label_count, STR("istio-locality"));

    if (word == NULL)
        return locality_of_topology(t, labels, label_count);
    if (str_find(*word, '/') != STR_NONE)
        return *word;
    struct str rest = *word, out = STR_EMPTY;
    while (rest.ptr != NULL) {
        struct str part = str_cut(&rest, '.');
        out = out.len == 0 ? part
                           : arena_format(&t->scratch, "%.*s/%.*s", STR_FMT(out), STR_FMT(part));
    }
    return out;
}

struct locality locality_parse(struct translation *t, struct str text)
{
    struct str rest = text;
    struct locality out = {.region = str_cut(&rest, '/')};

    if (rest.ptr != NULL)
        out.zone = str_cut(&rest, '/');
    if (rest.ptr != NULL)
        out.subzone = rest;
    return (struct locality){.region = context_keep(t, out.region),
                             .zone = context_keep(t, out.zone),
                             .subzone = context_keep(t, out.subzone)};
}

struct str locality_label(struct translation *t, const struct label *labels, uint32_t label_count,
                          struct str locality, struct str name)
{
    struct locality parts = locality_parse(t, locality);
    const struct {
        struct str name, value;
    } topology[] = {
        {STR("topology.kubernetes.io/region"), parts.region},
        {STR("topology.kubernetes.io/zone"), parts.zone},
        {STR("topology.istio.io/subzone"), parts.subzone},
        {STR("topology.istio.io/cluster"), STR("Kubernetes")},
    };

    for (size_t i = 0; i < COUNT_OF(topology); i++) {
        if (str_eq(topology[i].name, name) && topology[i].value.len > 0)
            return topology[i].value;
    }
    const struct str *value = label_find(labels, label_count, name);
    return value != NULL ? *value : STR_EMPTY;
}

/* By the text of the locality; members of one keep their order. */
static void sort_members(struct arranging *work)
{
    for (uint32_t i = 0; i < work->member_count; i++) {
        uint32_t place = i;
        for (; place > 0 && str_order(work->members[work->order[place - 1]].locality,
                                      work->members[i].locality) > 0;
             place--)
            work->order[place] = work->order[place - 1];
        work->order[place] = i;
    }
}

/* By that text too: "eu/a", of a label, and "eu/a/", of a node, are two to istiod. */
static void find_groups(struct arranging *work)
{
    uint32_t kept = 0;
    struct str text = STR_EMPTY;

    work->groups = ARENA_ARRAY(work->t->arena, struct locality_endpoints, work->member_count);
    for (uint32_t i = 0; i < work->member_count; i++) {
        const struct locality_member *member = &work->members[work->order[i]];
        const struct endpoint *endpoint = &member->endpoint;
        struct locality_endpoints *last =
            work->group_count > 0 ? &work->groups[work->group_count - 1] : NULL;
        if (last == NULL || !str_eq(text, member->locality)) {
            text = member->locality;
            last = &work->groups[work->group_count++];
            *last = (struct locality_endpoints){.locality = endpoint->locality, .from = kept};
        }
        if (member->is_left_out)
            continue;
        work->order[kept++] = work->order[i];
        last->count++;
        last->weight += endpoint->weight;
    }
}

static bool part_matches(struct str rule, struct str part, bool may_be_empty)
{
    return str_eq(rule, STR("*")) || (may_be_empty && rule.len == 0) || str_eq(rule, part);
}

static bool place_matches(struct translation *t, const struct locality *place, struct str rule)
{
    struct locality want = locality_parse(t, rule);

    return part_matches(want.region, place->region, false) &&
           part_matches(want.zone, place->zone, true) &&
           part_matches(want.subzone, place->subzone, true);
}

/* One destination's share among the localities it means, rounded up. */
static void give_share(struct arranging *work, const struct locality_share *share, bool *is_served)
{
    uint64_t total = 0;
    bool *is_meant = ARENA_ARRAY(&work->t->scratch, bool, work->group_count);

    for (uint32_t i = 0; i < work->group_count; i++) {
        is_meant[i] = !is_served[i] && place_matches(work->t, &work->groups[i].locality, share->to);
        if (!is_meant[i])
            continue;
        is_served[i] = true;
        total += work->groups[i].weight;
    }
    for (uint32_t i = 0; i < work->group_count; i++) {
        uint64_t part = (uint64_t)work->groups[i].weight * share->percent;
        if (is_meant[i] && part > 0)
            work->groups[i].weight = (uint32_t)((part + total - 1) / total);
    }
}

/* Localities without a share lose their endpoints, and stay. */
static void distribute(struct arranging *work)
{
    bool *is_served = ARENA_ARRAY(&work->t->scratch, bool, work->group_count);

    for (uint32_t i = 0; i < work->setting->distribute_count; i++) {
        const struct locality_distribute *rule = &work->setting->distribute[i];
        if (!place_matches(work->t, &work->here, rule->from))
            continue;
        for (uint32_t k = 0; k < rule->share_count; k++)
            give_share(work, &rule->shares[k], is_served);
        for (uint32_t k = 0; k < work->group_count; k++) {
            if (!is_served[k])
                work->groups[k].count = 0;
        }
        return;
    }
}

static uint32_t distance(const struct arranging *work, const struct locality *place)
{
    if (!str_eq(work->here.region, place->region)) {
        for (uint32_t i = 0; i < work->setting->failover_count; i++) {
            const struct locality_failover *rule = &work->setting->failover[i];
            if (str_eq(rule->from, work->here.region))
                return str_eq(rule->to, place->region) ? 3 : 4;
        }
        return 3;
    }
    if (!str_eq(work->here.zone, place->zone))
        return 2;
    return str_eq(work->here.subzone, place->subzone) ? 0 : 1;
}

/* Priorities without holes: 0, 1, 2, ... */
static void close_ranks(struct arranging *work)
{
    for (uint32_t rank = 0;; rank++) {
        uint32_t next = UINT32_MAX;
        for (uint32_t i = 0; i < work->group_count; i++) {
            uint32_t priority = work->groups[i].priority;
            if (priority >= rank && priority < next)
                next = priority;
        }
        if (next == UINT32_MAX)
            return;
        for (uint32_t i = 0; i < work->group_count; i++) {
            if (work->groups[i].priority == next)
                work->groups[i].priority = rank;
        }
    }
}

static void fail_over_by_place(struct arranging *work)
{
    for (uint32_t i = 0; i < work->group_count; i++) {
        struct locality_endpoints *group = &work->groups[i];
        group->priority = group->priority * PRIORITIES_BY_PLACE + distance(work, &group->locality);
    }
    close_ranks(work);
}

/* Zone aware: whole regions, so that Envoy could choose among their zones. */
static void fail_over_by_region(struct arranging *work)
{
    for (uint32_t i = 0; i < work->group_count; i++) {
        struct locality_endpoints *group = &work->groups[i];
        uint32_t far = distance(work, &group->locality);
        uint32_t priority = 0;
        if (!str_eq(work->here.region, group->locality.region))
            priority = far == 3 && work->setting->failover_count > 0 ? 1 : 2;
        group->priority = group->priority * PRIORITIES_BY_REGION + priority;
    }
    close_ranks(work);
}

/* The first label in which the workload differs from the proxy (or from what
 * the list says instead) decides. */
static uint32_t label_priority(const struct arranging *work, const struct locality_member *member)
{
    const struct text_list *list = &work->setting->failover_priority;
    const struct proxy_identity *proxy = work->t->proxy;

    for (uint32_t i = 0; i < list->count; i++) {
        struct str want = list->items[i];
        struct str name = str_cut(&want, '=');
        if (want.ptr == NULL)
            want =
                locality_label(work->t, proxy->labels, proxy->label_count, work->here_text, name);
        struct str got =
            locality_label(work->t, member->labels, member->label_count, member->locality, name);
        if (!str_eq(want, got))
            return list->count - i;
    }
    return 0;
}

/* Splits each locality by its members' priorities, the nearest first. */
static void fail_over_by_labels(struct arranging *work)
{
    const uint32_t *before = work->order;
    const struct locality_endpoints *old = work->groups;
    uint32_t old_count = work->group_count, filled = 0;
    uint32_t lowest = work->setting->failover_priority.count;

    if (work->t->proxy->label_count == 0)
        return;
    work->order = ARENA_ARRAY(&work->t->scratch, uint32_t, work->member_count);
    work->groups = ARENA_ARRAY(work->t->arena, struct locality_endpoints, work->member_count);
    work->group_count = 0;
    for (uint32_t g = 0; g < old_count; g++) {
        for (uint32_t priority = 0; priority <= lowest; priority++) {
            struct locality_endpoints group = {
                .locality = old[g].locality, .priority = priority, .from = filled};
            for (uint32_t i = old[g].from; i < old[g].from + old[g].count; i++) {
                if (label_priority(work, &work->members[before[i]]) != priority)
                    continue;
                work->order[filled++] = before[i];
                group.weight += work->members[before[i]].endpoint.weight;
                group.count++;
            }
            if (group.count > 0)
                work->groups[work->group_count++] = group;
        }
    }
    close_ranks(work);
}

/* Without outlier detection Envoy would never leave the first priority. */
static void apply_setting(struct arranging *work, bool has_outlier)
{
    const struct locality_setting *setting = work->setting;

    if (setting == NULL || setting->is_off)
        return;
    if (setting->distribute_count > 0) {
        distribute(work);
        return;
    }
    if (!has_outlier && !setting->is_forced)
        return;
    if (setting->is_zone_aware) {
        if (setting->failover_priority.count > 0)
            fail_over_by_labels(work);
        fail_over_by_region(work);
        return;
    }
    if (setting->failover_priority.count == 0) {
        fail_over_by_place(work);
        return;
    }
    fail_over_by_labels(work);
    if (setting->failover_count > 0)
        fail_over_by_place(work);
}

/* Writes the endpoints down as they stand now. */
static void write_back(struct arranging *work, struct endpoint *items, struct cluster *out)
{
    uint32_t count = 0;

    for (uint32_t g = 0; g < work->group_count; g++) {
        struct locality_endpoints *group = &work->groups[g];
        uint32_t from = group->from;
        group->from = count;
        for (uint32_t i = 0; i < group->count; i++) {
            items[count] = work->members[work->order[from + i]].endpoint;
            items[count].priority = group->priority;
            items[count++].locality_weight = group->weight;
        }
    }
    out->endpoint_count = count;
    out->localities = work->groups;
    out->locality_count = work->group_count;
}

void locality_arrange(struct translation *t, const struct policy_parts *parts,
                      const struct service *service, const struct locality_member *members,
                      struct endpoint *items, struct cluster *out)
{
    struct str here = locality_of_labels(t, t->proxy->labels, t->proxy->label_count);
    struct arranging work = {
        .t = t,
        .setting = cluster_policy_locality(t, &parts->lb, service),
        .here = locality_parse(t, here),
        .here_text = here,
        .members = members,
        .order = ARENA_ARRAY(&t->scratch, uint32_t, out->endpoint_count),
        .member_count = out->endpoint_count,
    };
    /* What the mesh says of ejection does not count here. */
    bool has_outlier = parts->outlier != NULL && parts->outlier != t->mesh->config.outlier;

    sort_members(&work);
    find_groups(&work);
    apply_setting(&work, has_outlier);
    write_back(&work, items, out);
}
