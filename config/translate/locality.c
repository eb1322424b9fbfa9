/* SPDX-License-Identifier: Apache-2.0
 *
 * config/translate/locality.c - see locality.h.
 */
#include "config/translate/locality.h"

#include "config/resource/label.h"

#define LOCALITY_LABEL "istio-locality"

struct locality locality_of(struct str text)
{
    struct locality out = {.region = str_cut(&text, '/')};

    if (text.ptr != NULL)
        out.zone = str_cut(&text, '/');
    if (text.ptr != NULL)
        out.subzone = text;
    return out;
}

struct locality locality_of_labels(struct translation *t, const struct label *labels,
                                   uint32_t label_count)
{
    const struct str *said = label_find(labels, label_count, STR(LOCALITY_LABEL));

    if (said == NULL || said->len == 0)
        return (struct locality){0};
    char *text = arena_alloc(&t->scratch, said->len);
    for (size_t i = 0; i < said->len; i++)
        text[i] = said->ptr[i] == '.' ? '/' : said->ptr[i];
    return locality_of(context_keep(t, (struct str){text, said->len}));
}

static int order(const struct locality *a, const struct locality *b)
{
    int by = str_order(a->region, b->region);

    if (by == 0)
        by = str_order(a->zone, b->zone);
    return by != 0 ? by : str_order(a->subzone, b->subzone);
}

/* By locality, then by priority. */
static int order_of_endpoints(const struct endpoint *a, const struct endpoint *b)
{
    int by = order(&a->locality, &b->locality);

    return by != 0 ? by : (a->priority > b->priority) - (a->priority < b->priority);
}

void locality_sort(struct endpoint *endpoints, uint32_t count)
{
    for (uint32_t i = 1; i < count; i++) {
        struct endpoint moved = endpoints[i];
        uint32_t k = i;
        for (; k > 0 && order_of_endpoints(&endpoints[k - 1], &moved) > 0; k--)
            endpoints[k] = endpoints[k - 1];
        endpoints[k] = moved;
    }
}

static bool is_part(struct str part, struct str pattern, bool may_be_missing)
{
    return str_eq(pattern, STR("*")) || (may_be_missing && pattern.len == 0) ||
           str_eq(part, pattern);
}

static bool is_match(const struct locality *locality, struct str pattern)
{
    struct locality wanted = locality_of(pattern);

    return is_part(locality->region, wanted.region, false) &&
           is_part(locality->zone, wanted.zone, true) &&
           is_part(locality->subzone, wanted.subzone, true);
}

/* The end of the locality that begins at `from`. */
static uint32_t end_of(const struct endpoint *endpoints, uint32_t from, uint32_t count)
{
    uint32_t to = from + 1;

    while (to < count && order(&endpoints[from].locality, &endpoints[to].locality) == 0)
        to++;
    return to;
}

static uint32_t weight_of(const struct endpoint *endpoints, uint32_t from, uint32_t to)
{
    uint32_t weight = 0;

    for (uint32_t i = from; i < to; i++)
        weight += endpoints[i].weight;
    return weight;
}

/* The share is spread over the localities that match, by their weights, each
 * rounded up. Those with a share already keep it. */
static void give_share(const struct locality_share *share, struct endpoint *endpoints,
                       uint32_t count)
{
    uint64_t total = 0;

    for (uint32_t i = 0; i < count; i++) {
        if (endpoints[i].locality_weight == 0 && is_match(&endpoints[i].locality, share->to))
            total += endpoints[i].weight;
    }
    for (uint32_t from = 0, to; from < count; from = to) {
        to = end_of(endpoints, from, count);
        if (endpoints[from].locality_weight != 0 || !is_match(&endpoints[from].locality, share->to))
            continue;
        uint64_t part = (uint64_t)weight_of(endpoints, from, to) * share->percent;
        for (uint32_t i = from; i < to && total > 0; i++)
            endpoints[i].locality_weight = (uint32_t)((part + total - 1) / total);
    }
}

/* Endpoints without a share are nobody's. */
static void distribute(const struct locality_setting *setting, const struct locality *own,
                       struct endpoint *endpoints, struct cluster *cluster)
{
    uint32_t i = 0, kept = 0;

    while (i < setting->distribute_count && !is_match(own, setting->distribute[i].from))
        i++;
    if (i == setting->distribute_count)
        return;
    for (uint32_t k = 0; k < setting->distribute[i].share_count; k++)
        give_share(&setting->distribute[i].shares[k], endpoints, cluster->endpoint_count);
    for (uint32_t k = 0; k < cluster->endpoint_count; k++) {
        if (endpoints[k].locality_weight != 0)
            endpoints[kept++] = endpoints[k];
    }
    cluster->endpoint_count = kept;
}

/* 0 the same place, 1 the zone, 2 the region, 3 elsewhere; 4 not where failover
 * leads. */
static uint32_t distance(const struct locality_setting *setting, const struct locality *own,
                         const struct locality *there)
{
    if (str_eq(own->region, there->region)) {
        if (!str_eq(own->zone, there->zone))
            return 2;
        return str_eq(own->subzone, there->subzone) ? 0 : 1;
    }
    for (uint32_t i = 0; i < setting->failover_count; i++) {
        if (str_eq(setting->failover[i].from, own->region))
            return str_eq(setting->failover[i].to, there->region) ? 3 : 4;
    }
    return 3;
}

/* A label of an endpoint or proxy; places are labels, too. */
static struct str label_of(const struct label *labels, uint32_t label_count,
                           const struct locality *locality, struct str name)
{
    if (str_eq(name, STR("topology.kubernetes.io/region")))
        return locality->region;
    if (str_eq(name, STR("topology.kubernetes.io/zone")))
        return locality->zone;
    if (str_eq(name, STR("topology.istio.io/subzone")))
        return locality->subzone;
    const struct str *value = label_find(labels, label_count, name);
    return value != NULL ? *value : STR_EMPTY;
}

static const struct pod *pod_of(const struct translation *t, const struct endpoint *endpoint)
{
    size_t dot = str_find_last(endpoint->pod, '.');

    if (dot == STR_NONE)
        return NULL;
    return mesh_pod_find(t->mesh, str_from(endpoint->pod, dot + 1),
                         str_slice(endpoint->pod, 0, dot));
}

/* The earlier a label differs from the proxy's (or from the value that is asked
 * for), the lower the priority. */
static uint32_t difference(const struct translation *t, const struct text_list *wanted,
                           const struct locality *own, const struct endpoint *endpoint)
{
    const struct pod *pod = pod_of(t, endpoint);

    for (uint32_t i = 0; i < wanted->count; i++) {
        struct str value = wanted->items[i];
        struct str name = str_cut(&value, '=');
        if (value.ptr == NULL)
            value = label_of(t->proxy->labels, t->proxy->label_count, own, name);
        struct str its =
            label_of(pod != NULL ? pod->meta.labels : NULL, pod != NULL ? pod->meta.label_count : 0,
                     &endpoint->locality, name);
        if (!str_eq(its, value))
            return wanted->count - i;
    }
    return 0;
}

/* Priorities without gaps. */
static void compact(struct endpoint *endpoints, uint32_t count)
{
    uint32_t next = 0;

    for (;;) {
        uint32_t least = UINT32_MAX;
        for (uint32_t i = 0; i < count; i++) {
            if (endpoints[i].priority >= next && endpoints[i].priority < least)
                least = endpoints[i].priority;
        }
        if (least == UINT32_MAX)
            return;
        for (uint32_t i = 0; i < count; i++) {
            if (endpoints[i].priority == least)
                endpoints[i].priority = next;
        }
        next++;
    }
}

void locality_apply(struct translation *t, const struct locality_setting *setting,
                    struct cluster *cluster)
{
    uint32_t count = cluster->endpoint_count;
    struct locality own = locality_of_labels(t, t->proxy->labels, t->proxy->label_count);
    bool has_distribute = setting != NULL && setting->distribute_count > 0;

    if (setting == NULL || own.region.len == 0 || count == 0)
        return;
    if (!has_distribute && cluster->outlier == NULL)
        return;
    struct endpoint *endpoints = ARENA_ARRAY(t->arena, struct endpoint, count);
    for (uint32_t i = 0; i < count; i++)
        endpoints[i] = cluster->endpoints[i];
    cluster->endpoints = endpoints;
    if (has_distribute) {
        distribute(setting, &own, endpoints, cluster);
        return;
    }
    for (uint32_t i = 0; i < count; i++) {
        endpoints[i].priority =
            setting->failover_priority.count > 0
                ? difference(t, &setting->failover_priority, &own, &endpoints[i])
                : distance(setting, &own, &endpoints[i].locality);
    }
    compact(endpoints, count);
    locality_sort(endpoints, count);
}
