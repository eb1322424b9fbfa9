/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/core/stats_item.c - sums get their names, for people and for Prometheus.
 */
#include "base/check.h"
#include "base/sort.h"
#include "proxy/core/stats_totals.h"

static const struct str LISTENER_NAMES[] = {
#define LISTENER(name) STR_INIT(#name),
#define TCP(name)
#define ENDPOINT(name)
#include "proxy/core/engine_stats.def"
#undef LISTENER
#undef TCP
#undef ENDPOINT
};

static const struct str TCP_NAMES[] = {
#define LISTENER(name)
#define TCP(name) STR_INIT(#name),
#define ENDPOINT(name)
#include "proxy/core/engine_stats.def"
#undef LISTENER
#undef TCP
#undef ENDPOINT
};

/* stats_still.def: one list for each scope. */
#define CLUSTER(name)
#define HTTP(name)
#define LISTENER(name)
#define TCP(name)
#undef CLUSTER
#define CLUSTER(name) STR_INIT(#name),
static const struct str CLUSTER_STILL[] = {
#include "proxy/core/stats_still.def"
};
#undef CLUSTER
#define CLUSTER(name)
#undef HTTP
#define HTTP(name) STR_INIT(#name),
static const struct str HTTP_STILL[] = {
#include "proxy/core/stats_still.def"
};
#undef HTTP
#define HTTP(name)
#undef LISTENER
#define LISTENER(name) STR_INIT(#name),
static const struct str LISTENER_STILL[] = {
#include "proxy/core/stats_still.def"
};
#undef LISTENER
#define LISTENER(name)
#undef TCP
#define TCP(name) STR_INIT(#name),
static const struct str TCP_STILL[] = {
#include "proxy/core/stats_still.def"
};

/* --- names -------------------------------------------------------------------- */

/* Where an item belongs: "cluster." NAME ".", its label and its family. */
struct scope {
    struct str prefix; /* cluster.NAME. */
    struct str family; /* cluster_ */
    struct stat_label labels[STAT_LABELS_MAX];
    uint32_t label_count;
};

static struct scope scope_of(struct stats_list *list, const char *what, const char *label,
                             struct str value)
{
    return (struct scope){
        .prefix = arena_format(list->arena, "%s.%.*s.", what, STR_FMT(value)),
        .family = arena_format(list->arena, "%s_", what),
        .labels = {{str_of(label), value}},
        .label_count = 1,
    };
}

/* upstream_rq_503 is upstream_rq with a code; ..._5xx is ..._xx with a class. */
static struct str cut_code(struct str name, struct stat_label *label)
{
    if (name.len < 7)
        return name;
    struct str tail = str_from(name, name.len - 3);
    bool is_rq = str_has_suffix(str_slice(name, 0, name.len - 3), STR("_rq_"));
    uint64_t code;
    if (!is_rq)
        return name;
    if (str_has_suffix(tail, STR("xx")) && str_to_u64(str_slice(tail, 0, 1), 9, &code)) {
        *label = (struct stat_label){STR("envoy_response_code_class"), str_slice(tail, 0, 1)};
        return name; /* the digit is left out when the family is written */
    }
    if (!str_to_u64(tail, 999, &code))
        return name;
    *label = (struct stat_label){STR("envoy_response_code"), tail};
    return str_slice(name, 0, name.len - 4);
}

static struct str family_of(struct stats_list *list, struct str family, struct str name)
{
    struct str whole = arena_concat(list->arena, family, name);
    char *bytes = arena_alloc(list->arena, whole.len);
    size_t size = 0;
    bool is_class = str_has_suffix(whole, STR("xx")) && whole.len > 4 &&
                    whole.ptr[whole.len - 4] == '_' && whole.ptr[whole.len - 3] <= '9';
    for (size_t i = 0; i < whole.len; i++) {
        char c = whole.ptr[i];
        bool is_word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (is_class && i == whole.len - 3)
            continue;
        bytes[size++] = is_word ? c : '_';
    }
    return (struct str){bytes, size};
}

static struct stat_item *add_item(struct stats_list *list, const struct scope *scope,
                                  struct str name, enum stat_kind kind)
{
    struct stat_item *item = ARENA_PUSH(list->arena, list->items, list->count, list->capacity);
    struct stat_label code = {0};
    struct str family = cut_code(name, &code);
    item->name = arena_concat(list->arena, scope->prefix, name);
    item->family = family_of(list, scope->family, family);
    item->kind = kind;
    if (code.name.len > 0)
        item->labels[item->label_count++] = code;
    for (uint32_t i = 0; i < scope->label_count; i++)
        item->labels[item->label_count++] = scope->labels[i];
    return item;
}

static void add_number(struct stats_list *list, const struct scope *scope, struct str name,
                       uint64_t value)
{
    enum stat_kind kind = stat_is_gauge(name) ? STAT_GAUGE : STAT_COUNTER;
    struct stat_item *item = add_item(list, scope, name, kind);
    item->value = value;
    item->is_used = value != 0;
}

static void add_histogram(struct stats_list *list, const struct scope *scope, struct str name,
                          struct histogram *histogram)
{
    histogram_tick(histogram, list->totals->now_ns);
    struct stat_item *item = add_item(list, scope, name, STAT_HISTOGRAM);
    item->histogram = histogram;
    item->is_used = histogram->counts[SPAN_EVER] > 0;
}

static void add_still(struct stats_list *list, const struct scope *scope, const struct str *names,
                      size_t count)
{
    for (size_t i = 0; i < count; i++)
        add_number(list, scope, names[i], 0);
}

void stats_list_put(struct stats_list *list, struct str name, enum stat_kind kind, uint64_t value)
{
    struct scope none = {0};
    struct stat_item *item = add_item(list, &none, name, kind);
    item->value = value;
    item->is_used = value != 0;
}

/* --- items -------------------------------------------------------------------- */

/* upstream_rq_<code> and upstream_rq_<n>xx, of those that moved. */
static void add_statuses(struct stats_list *list, const struct scope *scope, const char *before,
                         const uint32_t *statuses)
{
    for (uint32_t class = 1; statuses != NULL && class <= 5; class ++) {
        uint64_t sum = 0;
        for (uint32_t status = class * 100; status < class * 100 + 100; status++) {
            uint64_t count = statuses[status - STAT_STATUS_MIN];
            sum += count;
            if (count > 0)
                add_number(list, scope,
                           arena_format(list->arena, "%supstream_rq_%u", before, status), count);
        }
        if (sum > 0)
            add_number(list, scope, arena_format(list->arena, "%supstream_rq_%uxx", before, class),
                       sum);
    }
}

static void add_membership(struct stats_list *list, const struct scope *scope,
                           const struct cluster *cluster, const struct total_cluster *total)
{
    uint64_t count = 0, healthy = 0, weight_max = 0, changes = cluster->endpoint_count > 0;
    for (uint32_t i = 0; i < cluster->endpoint_count; i++) {
        bool is_absent = total->shared != NULL && shared_is_absent(total->shared, i);
        count += !is_absent;
        healthy += !is_absent && cluster->endpoints[i].health == ENDPOINT_HEALTHY &&
                   !total->endpoints[i].health.is_ejected;
        if (cluster->endpoints[i].weight > weight_max)
            weight_max = cluster->endpoints[i].weight;
    }
    if (total->shared != NULL)
        changes = atomic_load_explicit(&total->shared->change_count, memory_order_relaxed);
    add_number(list, scope, STR("membership_total"), count);
    add_number(list, scope, STR("membership_healthy"), healthy);
    add_number(list, scope, STR("membership_degraded"), 0);
    add_number(list, scope, STR("membership_excluded"), 0);
    add_number(list, scope, STR("membership_change"), changes);
    add_number(list, scope, STR("max_host_weight"), weight_max);
}

/* A scope of its own, and what is in it. */
static void add_scoped(struct stats_list *list, const struct scope *scope, struct str inner,
                       struct str name, uint64_t value)
{
    enum stat_kind kind = stat_is_gauge(name) ? STAT_GAUGE : STAT_COUNTER;
    struct stat_item *item = add_item(list, scope, arena_concat(list->arena, inner, name), kind);
    item->value = value;
    item->is_used = value != 0;
}

static void add_shared(struct stats_list *list, const struct scope *scope,
                       const struct total_cluster *total)
{
    if (total->shared == NULL)
        return;
    for (uint32_t i = 0; breaker_gauge_name(i).len > 0; i++) {
        struct str whole = breaker_gauge_name(i);
        size_t dot = whole.len;
        while (whole.ptr[dot - 1] != '.')
            dot--;
        uint64_t value;
        if (breaker_gauge(total->shared->breaker, whole, &value))
            add_scoped(list, scope, str_slice(whole, 0, dot), str_from(whole, dot), value);
    }
    for (uint32_t i = 0; total->shared->outlier != NULL && outlier_stat_name(i).len > 0; i++)
        add_scoped(list, scope, STR("outlier_detection."), outlier_stat_name(i),
                   outlier_stat_value(&total->outlier, i));
    for (uint32_t i = 0; i < total->hash_gauge_count; i++)
        add_scoped(list, scope, total->hash_gauges[i].scope, total->hash_gauges[i].name,
                   total->hash_gauges[i].value);
}

static void add_ssl(struct stats_list *list, const struct scope *scope,
                    const struct ssl_stats *stats, bool is_listener)
{
    struct scope own = *scope;
    own.prefix = arena_concat(list->arena, scope->prefix, STR("ssl."));
    own.family = arena_concat(list->arena, scope->family, STR("ssl_"));
    for (uint32_t i = 0; ssl_stat_name(i).len > 0; i++)
        add_number(list, &own, ssl_stat_name(i), ssl_stat_value(stats, i));
    for (uint32_t i = 0; stats != NULL && i < stats->name_count; i++) {
        const struct ssl_name *named = &stats->names[i];
        struct stat_item *item = add_item(list, &own, ssl_scope_name(named->scope), STAT_COUNTER);
        item->name =
            arena_format(list->arena, "%.*s.%.*s", STR_FMT(item->name), STR_FMT(named->name));
        item->labels[item->label_count] = item->labels[0];
        item->labels[0] =
            (struct stat_label){ssl_scope_label(named->scope, is_listener), named->name};
        item->label_count++;
        item->value = named->count;
        item->is_used = named->count != 0;
    }
}

static bool is_secured(const struct listener *listener)
{
    for (uint32_t i = 0; i < listener->chain_count; i++) {
        if (listener->chains[i].tls != NULL)
            return true;
    }
    return listener->default_chain != NULL && listener->default_chain->tls != NULL;
}

static void add_cluster(struct stats_list *list, uint32_t index)
{
    const struct cluster *cluster = &list->snapshot->clusters[index];
    struct total_cluster *total = &list->totals->clusters[index];
    struct scope scope = scope_of(list, "cluster", "envoy_cluster_name", cluster->name);
    for (uint32_t i = 0; i < STAT_CLUSTER_COUNT; i++) {
        uint64_t value = total->stats.counters[i];
        pool_gauges_add(&total->gauges, stat_cluster_name(i), &value);
        add_number(list, &scope, stat_cluster_name(i), value);
    }
    add_statuses(list, &scope, "", total->stats.statuses);
    uint64_t completed = total->stats.counters[STAT_CLUSTER_upstream_rq_completed];
    if (completed > 0) {
        add_statuses(list, &scope, "external.", total->stats.statuses);
        add_number(list, &scope, STR("external.upstream_rq_completed"), completed);
    }
    if (total->stats.retried_completed > 0) {
        add_statuses(list, &scope, "retry.", total->stats.retried_statuses);
        add_number(list, &scope, STR("retry.upstream_rq_completed"),
                   total->stats.retried_completed);
    }
    add_membership(list, &scope, cluster, total);
    add_shared(list, &scope, total);
    if (cluster->tls != NULL)
        add_ssl(list, &scope, total->stats.ssl, false);
    add_still(list, &scope, CLUSTER_STILL, COUNT_OF(CLUSTER_STILL));
    add_histogram(list, &scope, STR("upstream_cx_connect_ms"), &total->stats.connect_ms);
    add_histogram(list, &scope, STR("upstream_cx_length_ms"), &total->stats.length_ms);
    if (total->stats.rq_time.counts[SPAN_EVER] > 0) {
        add_histogram(list, &scope, STR("upstream_rq_time"), &total->stats.rq_time);
        add_histogram(list, &scope, STR("external.upstream_rq_time"), &total->stats.rq_time);
    }
}

static void add_http(struct stats_list *list, struct total_http *http)
{
    struct scope scope = scope_of(list, "http", "envoy_http_conn_manager_prefix", http->prefix);
    for (uint32_t i = 0; i < STAT_HTTP_COUNT; i++)
        add_number(list, &scope, stat_http_name(i), http->stats.counters[i]);
    add_still(list, &scope, HTTP_STILL, COUNT_OF(HTTP_STILL));
    add_histogram(list, &scope, STR("downstream_cx_length_ms"), &http->stats.length_ms);
    add_histogram(list, &scope, STR("downstream_rq_time"), &http->stats.rq_time);
}

/* The listener's own copy of its connection manager's answers. */
static void add_listener_http(struct stats_list *list, const struct total_listener *listener)
{
    static const enum http_stat copied[] = {
        STAT_HTTP_downstream_rq_completed, STAT_HTTP_downstream_rq_1xx, STAT_HTTP_downstream_rq_2xx,
        STAT_HTTP_downstream_rq_3xx,       STAT_HTTP_downstream_rq_4xx, STAT_HTTP_downstream_rq_5xx,
    };
    struct scope scope = {
        .prefix = arena_format(list->arena, "listener.%.*s.http.%.*s.",
                               STR_FMT(listener->stats.name), STR_FMT(listener->http_prefix)),
        .family = STR("listener_http_"),
        .labels = {{STR("envoy_http_conn_manager_prefix"), listener->http_prefix},
                   {STR("envoy_listener_address"), listener->stats.name}},
        .label_count = 2,
    };
    for (uint32_t i = 0; i < list->totals->http_count; i++) {
        const struct total_http *http = &list->totals->https[i];
        if (!str_eq(http->prefix, listener->http_prefix))
            continue;
        for (size_t k = 0; k < COUNT_OF(copied); k++)
            add_number(list, &scope, stat_http_name(copied[k]), http->stats.counters[copied[k]]);
    }
}

static void add_listener(struct stats_list *list, uint32_t index)
{
    struct total_listener *listener = &list->totals->listeners[index];
    struct scope scope = scope_of(list, "listener", "envoy_listener_address", listener->stats.name);
    for (uint32_t i = 0; i < STAT_LISTENER_COUNT; i++)
        add_number(list, &scope, LISTENER_NAMES[i], listener->stats.counters[i]);
    if (is_secured(&list->snapshot->listeners[index]))
        add_ssl(list, &scope, listener->stats.ssl, true);
    add_still(list, &scope, LISTENER_STILL, COUNT_OF(LISTENER_STILL));
    add_histogram(list, &scope, STR("downstream_cx_length_ms"), &listener->stats.length_ms);
    for (uint32_t i = 0; i < list->worker_count; i++) {
        struct str worker = arena_format(list->arena, "%u", i);
        struct scope own = {
            .prefix = arena_format(list->arena, "listener.%.*s.worker_%u.",
                                   STR_FMT(listener->stats.name), i),
            .family = STR("listener_worker_"),
            .labels = {{STR("envoy_worker_id"), worker},
                       {STR("envoy_listener_address"), listener->stats.name}},
            .label_count = 2,
        };
        add_number(list, &own, STR("downstream_cx_total"), listener->workers[i].total);
        add_number(list, &own, STR("downstream_cx_active"), listener->workers[i].active);
    }
    if (listener->http_prefix.len > 0)
        add_listener_http(list, listener);
}

static void add_tcp(struct stats_list *list, const struct tcp_stats *tcp)
{
    struct scope scope = scope_of(list, "tcp", "envoy_tcp_prefix", tcp->prefix);
    for (uint32_t i = 0; i < STAT_TCP_COUNT; i++)
        add_number(list, &scope, TCP_NAMES[i], tcp->counters[i]);
    add_still(list, &scope, TCP_STILL, COUNT_OF(TCP_STILL));
}

/* Envoy's labels leave nothing of "tcp." and "rbac." to the family. */
static void add_rbacs(struct stats_list *list)
{
    struct scope scope = {
        .prefix = STR("tcp.rbac."),
        .labels = {{STR("envoy_rbac_prefix"), STR("tcp")}, {STR("envoy_tcp_prefix"), STR("rbac")}},
        .label_count = 2,
    };
    for (uint32_t i = 0; i < STAT_RBAC_COUNT; i++)
        add_number(list, &scope, stat_rbac_name(i), list->totals->rbacs[i]);
}

bool tcp_stats_read(const struct tcp_stats *stats, struct str name, uint64_t *value)
{
    for (uint32_t i = 0; i < STAT_TCP_COUNT; i++) {
        if (!str_eq(name, TCP_NAMES[i]))
            continue;
        *value = stats->counters[i];
        return true;
    }
    return false;
}

/* What follows from the configuration. */
static void put_managers(struct stats_list *list)
{
    const struct snapshot *snapshot = list->snapshot;
    uint64_t connections = 0;
    for (uint32_t i = 0; i < snapshot->listener_count; i++)
        connections +=
            list->totals->listeners[i].stats.counters[STAT_LISTENER_downstream_cx_active];
    stats_list_put(list, STR("server.total_connections"), STAT_GAUGE, connections);
    stats_list_put(list, STR("cluster_manager.active_clusters"), STAT_GAUGE,
                   snapshot->cluster_count);
    const struct shared_changes *changes = &list->totals->changes;
    stats_list_put(list, STR("cluster_manager.cluster_added"), STAT_COUNTER, changes->added);
    stats_list_put(list, STR("cluster_manager.cluster_modified"), STAT_COUNTER, changes->modified);
    stats_list_put(list, STR("cluster_manager.cluster_removed"), STAT_COUNTER, changes->removed);
    stats_list_put(list, STR("cluster_manager.cluster_updated"), STAT_COUNTER, changes->updated);
    stats_list_put(list, STR("cluster_manager.warming_clusters"), STAT_GAUGE, 0);
    stats_list_put(list, STR("listener_manager.total_listeners_active"), STAT_GAUGE,
                   snapshot->listener_count);
    stats_list_put(list, STR("listener_manager.total_listeners_warming"), STAT_GAUGE, 0);
}

static int name_order(const void *a, const void *b)
{
    const struct stat_item *left = a, *right = b;
    return str_order(left->name, right->name);
}

void stats_list_finish(struct stats_list *list)
{
    struct stats_totals *totals = list->totals;
    for (uint32_t i = 0; i < list->snapshot->cluster_count; i++)
        add_cluster(list, i);
    for (uint32_t i = 0; i < totals->http_count; i++)
        add_http(list, &totals->https[i]);
    for (uint32_t i = 0; i < list->snapshot->listener_count; i++)
        add_listener(list, i);
    for (uint32_t i = 0; i < totals->tcp_count; i++)
        add_tcp(list, &totals->tcps[i]);
    if (totals->has_rbacs)
        add_rbacs(list);
    put_managers(list);
    sort_items(list->arena, list->items, list->count, sizeof(*list->items), name_order);
}

bool stats_filter_takes(const struct stats_filter *filter, const struct stat_item *item)
{
    if (filter->is_used_only && !item->is_used)
        return false;
    if (filter->has_kind && filter->kind != item->kind)
        return false;
    return filter->regex == NULL ||
           regex_matches_part(filter->regex, item->name) != filter->is_inverted;
}
