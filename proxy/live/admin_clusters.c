/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/live/admin_clusters.c - /clusters, /listeners and /config_dump.
 */
#include "base/check.h"
#include "base/json.h"
#include "base/ns.h"
#include "base/regex.h"
#include "proxy/core/clock_text.h"
#include "proxy/core/stats_list.h"
#include "proxy/live/admin_query.h"
#include "proxy/model/config_dump.h"

struct host_stat {
    const char *name;
    uint64_t value;
    bool is_gauge;
};

#define HOST_STATS 9u

/* In the order of Envoy's text; in its JSON the counters go first. */
static void host_stats(const struct stats_endpoint *from, struct host_stat stats[HOST_STATS])
{
    const uint64_t *counters = from->counters;
    const struct host_stat all[HOST_STATS] = {
        {"cx_active", from->gauges.connections, true},
        {"cx_connect_fail", counters[STAT_ENDPOINT_cx_connect_fail], false},
        {"cx_total", counters[STAT_ENDPOINT_cx_total], false},
        {"rq_active", from->gauges.busy, true},
        {"rq_error", counters[STAT_ENDPOINT_rq_error], false},
        {"rq_pending_active", from->gauges.waiters, true},
        {"rq_success", counters[STAT_ENDPOINT_rq_success], false},
        {"rq_timeout", counters[STAT_ENDPOINT_rq_timeout], false},
        {"rq_total", counters[STAT_ENDPOINT_rq_total], false},
    };
    for (uint32_t i = 0; i < HOST_STATS; i++)
        stats[i] = all[i];
}

static const char *health_flags(const struct endpoint *endpoint, bool is_ejected)
{
    switch (endpoint->health) {
    case ENDPOINT_HEALTHY:
        return is_ejected ? "/failed_outlier_check" : "healthy";
    case ENDPOINT_UNHEALTHY:
        return is_ejected ? "/failed_outlier_check/failed_eds_health" : "/failed_eds_health";
    case ENDPOINT_DRAINING:
        return is_ejected ? "/failed_outlier_check/eds_status_draining" : "/eds_status_draining";
    }
    UNREACHABLE("endpoint_health");
}

/* --- text -------------------------------------------------------------------- */

static void text_breakers(struct admin_page *page, struct str cluster, const char *priority,
                          struct breaker_limits limits)
{
    const struct {
        const char *name;
        uint32_t value;
    } all[] = {{"max_connections", limits.max_connections},
               {"max_pending_requests", limits.max_pending_requests},
               {"max_requests", limits.max_requests},
               {"max_retries", limits.max_retries}};
    for (size_t i = 0; i < COUNT_OF(all); i++)
        admin_format(page, "%.*s::%s_priority::%s::%u\n", STR_FMT(cluster), priority, all[i].name,
                     all[i].value);
}

static void text_host(struct admin_ask *ask, const struct cluster *cluster,
                      const struct endpoint *endpoint, const struct stats_endpoint *numbers)
{
    struct admin_page *page = ask->page;
    struct host_stat stats[HOST_STATS];
    struct str start = arena_format(ask->arena, "%.*s::%.*s:%u", STR_FMT(cluster->name),
                                    STR_FMT(endpoint->address), endpoint->port);
    host_stats(numbers, stats);
    for (uint32_t i = 0; i < HOST_STATS; i++)
        admin_format(page, "%.*s::%s::%llu\n", STR_FMT(start), stats[i].name,
                     (unsigned long long)stats[i].value);
    admin_format(page, "%.*s::hostname::\n", STR_FMT(start));
    admin_format(page, "%.*s::health_flags::%s\n", STR_FMT(start),
                 health_flags(endpoint, numbers->health.is_ejected));
    admin_format(page, "%.*s::weight::%u\n", STR_FMT(start), endpoint->weight);
    admin_format(page, "%.*s::region::%.*s\n", STR_FMT(start), STR_FMT(endpoint->locality.region));
    admin_format(page, "%.*s::zone::%.*s\n", STR_FMT(start), STR_FMT(endpoint->locality.zone));
    admin_format(page, "%.*s::sub_zone::%.*s\n", STR_FMT(start),
                 STR_FMT(endpoint->locality.subzone));
    admin_format(page, "%.*s::canary::false\n", STR_FMT(start));
    admin_format(page, "%.*s::priority::%u\n", STR_FMT(start), endpoint->priority);
    admin_format(page, "%.*s::success_rate::%g\n", STR_FMT(start),
                 numbers->health.success_rates[ORIGIN_EXTERNAL]);
    admin_format(page, "%.*s::local_origin_success_rate::%g\n", STR_FMT(start),
                 numbers->health.success_rates[ORIGIN_LOCAL]);
}

static void text_outlier(struct admin_page *page, struct str cluster,
                         const struct outlier_view *outlier)
{
    if (outlier == NULL)
        return;
    const struct {
        const char *name;
        double value;
    } all[] = {{"success_rate_average", outlier->averages[ORIGIN_EXTERNAL]},
               {"success_rate_ejection_threshold", outlier->thresholds[ORIGIN_EXTERNAL]},
               {"local_origin_success_rate_average", outlier->averages[ORIGIN_LOCAL]},
               {"local_origin_success_rate_ejection_threshold", outlier->thresholds[ORIGIN_LOCAL]}};
    for (size_t i = 0; i < COUNT_OF(all); i++)
        admin_format(page, "%.*s::outlier::%s::%g\n", STR_FMT(cluster), all[i].name, all[i].value);
}

static const struct breaker_limits ENVOYS_DEFAULTS = {1024, 1024, 1024, 3};

static void text_cluster(struct admin_ask *ask, const struct stats_list *list, uint32_t index)
{
    const struct cluster *cluster = &list->snapshot->clusters[index];
    struct str name = cluster->name;
    admin_format(ask->page, "%.*s::observability_name::%.*s\n", STR_FMT(name), STR_FMT(name));
    text_outlier(ask->page, name, stats_list_outlier(list, index));
    text_breakers(ask->page, name, "default", cluster->breakers);
    text_breakers(ask->page, name, "high", ENVOYS_DEFAULTS);
    admin_format(ask->page, "%.*s::added_via_api::true\n", STR_FMT(name));
    if (cluster->type == CLUSTER_EDS)
        admin_format(ask->page, "%.*s::eds_service_name::%.*s\n", STR_FMT(name), STR_FMT(name));
    for (uint32_t i = 0; i < cluster->endpoint_count; i++)
        text_host(ask, cluster, &cluster->endpoints[i], stats_list_endpoint(list, index, i));
}

/* --- JSON -------------------------------------------------------------------- */

static void json_address(struct json *json, struct str address, uint32_t port)
{
    json_begin_object(json);
    json_key(json, STR("socket_address"));
    json_begin_object(json);
    json_key_str(json, STR("address"), address);
    json_key_i64(json, STR("port_value"), port);
    json_end_object(json);
    json_end_object(json);
}

/* As proto JSON has it: what is zero is left out, and so is the type of a
 * counter. */
static void json_host_stats(struct admin_ask *ask, struct json *json,
                            const struct stats_endpoint *numbers, bool is_gauge)
{
    struct host_stat stats[HOST_STATS];
    host_stats(numbers, stats);
    for (uint32_t i = 0; i < HOST_STATS; i++) {
        if (stats[i].is_gauge != is_gauge)
            continue;
        json_begin_object(json);
        if (is_gauge)
            json_key_str(json, STR("type"), STR("GAUGE"));
        if (stats[i].value != 0)
            json_key_str(json, STR("value"),
                         arena_format(ask->arena, "%llu", (unsigned long long)stats[i].value));
        json_key_str(json, STR("name"), str_of(stats[i].name));
        json_end_object(json);
    }
}

static void json_locality(struct json *json, const struct locality *locality)
{
    json_key(json, STR("locality"));
    json_begin_object(json);
    if (locality->region.len > 0)
        json_key_str(json, STR("region"), locality->region);
    if (locality->zone.len > 0)
        json_key_str(json, STR("zone"), locality->zone);
    if (locality->subzone.len > 0)
        json_key_str(json, STR("sub_zone"), locality->subzone);
    json_end_object(json);
}

static void json_host(struct admin_ask *ask, struct json *json, const struct endpoint *endpoint,
                      const struct stats_endpoint *numbers)
{
    json_begin_object(json);
    json_key(json, STR("address"));
    json_address(json, endpoint->address, endpoint->port);
    json_key(json, STR("stats"));
    json_begin_array(json);
    json_host_stats(ask, json, numbers, false);
    json_host_stats(ask, json, numbers, true);
    json_end_array(json);
    json_key(json, STR("health_status"));
    json_begin_object(json);
    if (numbers->health.is_ejected)
        json_key_bool(json, STR("failed_outlier_check"), true);
    json_key_str(json, STR("eds_health_status"), endpoint_health_name(endpoint->health));
    json_end_object(json);
    json_key_i64(json, STR("weight"), endpoint->weight);
    json_locality(json, &endpoint->locality);
    if (endpoint->priority != 0)
        json_key_i64(json, STR("priority"), endpoint->priority);
    json_end_object(json);
}

static void json_threshold(struct json *json, const char *priority, struct breaker_limits limits)
{
    json_begin_object(json);
    if (priority != NULL)
        json_key_str(json, STR("priority"), str_of(priority));
    json_key_i64(json, STR("max_connections"), limits.max_connections);
    json_key_i64(json, STR("max_pending_requests"), limits.max_pending_requests);
    json_key_i64(json, STR("max_requests"), limits.max_requests);
    json_key_i64(json, STR("max_retries"), limits.max_retries);
    json_end_object(json);
}

static void json_cluster(struct admin_ask *ask, struct json *json, const struct stats_list *list,
                         uint32_t index)
{
    const struct cluster *cluster = &list->snapshot->clusters[index];
    json_begin_object(json);
    json_key_str(json, STR("name"), cluster->name);
    json_key_bool(json, STR("added_via_api"), true);
    if (cluster->endpoint_count > 0) {
        json_key(json, STR("host_statuses"));
        json_begin_array(json);
        for (uint32_t i = 0; i < cluster->endpoint_count; i++)
            json_host(ask, json, &cluster->endpoints[i], stats_list_endpoint(list, index, i));
        json_end_array(json);
    }
    json_key(json, STR("circuit_breakers"));
    json_begin_object(json);
    json_key(json, STR("thresholds"));
    json_begin_array(json);
    json_threshold(json, NULL, cluster->breakers);
    json_threshold(json, "HIGH", ENVOYS_DEFAULTS);
    json_end_array(json);
    json_end_object(json);
    json_key_str(json, STR("observability_name"), cluster->name);
    if (cluster->type == CLUSTER_EDS)
        json_key_str(json, STR("eds_service_name"), cluster->name);
    json_end_object(json);
}

static bool is_json_wanted(const struct admin_ask *ask)
{
    struct str format;
    return admin_param(ask, "format", &format) && str_eq(format, STR("json"));
}

static void show_clusters(struct admin_ask *ask, const struct stats_list *list,
                          const struct regex *regex)
{
    const struct snapshot *snapshot = list->snapshot;
    bool is_json = is_json_wanted(ask);
    struct json json;
    json_init(&json, &ask->page->body, 1);
    if (is_json) {
        admin_set_json(ask->page);
        json_begin_object(&json);
        json_key(&json, STR("cluster_statuses"));
        json_begin_array(&json);
    }
    for (uint32_t i = 0; i < snapshot->cluster_count; i++) {
        if (regex != NULL && !regex_matches_part(regex, snapshot->clusters[i].name))
            continue;
        if (is_json)
            json_cluster(ask, &json, list, i);
        else
            text_cluster(ask, list, i);
    }
    if (!is_json)
        return;
    json_end_array(&json);
    json_end_object(&json);
    admin_put(ask->page, STR("\n"));
}

void admin_clusters(struct admin_ask *ask)
{
    struct regex_set set = {0};
    const struct regex *regex = NULL;
    struct str pattern;
    bool is_filtered = admin_param(ask, "filter", &pattern);
    if (is_filtered)
        regex = admin_regex(ask, &set, pattern);
    if (!is_filtered || regex != NULL) {
        struct snapshot *snapshot = ask->proxy->snapshot(ask->proxy->user);
        show_clusters(ask, admin_gather(ask, snapshot), regex);
        snapshot_drop(snapshot);
    }
    regex_set_free(&set);
}

/* --- /listeners ------------------------------------------------------------------ */

static void place_of(const struct admin_ask *ask, const struct listener *listener,
                     struct str *address, uint32_t *port)
{
    const struct admin_proxy *proxy = ask->proxy;
    *address = listener->address;
    *port = listener->port;
    if (proxy->place != NULL)
        (void)proxy->place(proxy->user, listener, address, port);
}

void admin_listeners(struct admin_ask *ask)
{
    struct snapshot *snapshot = ask->proxy->snapshot(ask->proxy->user);
    bool is_json = is_json_wanted(ask);
    struct json json;
    json_init(&json, &ask->page->body, 1);
    if (is_json) {
        admin_set_json(ask->page);
        json_begin_object(&json);
        json_key(&json, STR("listener_statuses"));
        json_begin_array(&json);
    }
    for (uint32_t i = 0; i < snapshot->listener_count; i++) {
        const struct listener *listener = &snapshot->listeners[i];
        struct str address;
        uint32_t port;
        place_of(ask, listener, &address, &port);
        if (!is_json) {
            admin_format(ask->page, "%.*s::%.*s:%u\n", STR_FMT(listener->name), STR_FMT(address),
                         port);
            continue;
        }
        json_begin_object(&json);
        json_key_str(&json, STR("name"), listener->name);
        json_key(&json, STR("local_address"));
        json_address(&json, address, port);
        json_end_object(&json);
    }
    if (is_json) {
        json_end_array(&json);
        json_end_object(&json);
        admin_put(ask->page, STR("\n"));
    }
    snapshot_drop(snapshot);
}

/* --- /config_dump ---------------------------------------------------------------- */

void admin_config_dump(struct admin_ask *ask)
{
    struct regex_set set = {0};
    struct str value;
    char moment[64];
    int64_t started_ns = ask->state->epoch_seconds * NS_SECOND + ask->state->started_ns;
    struct config_dump dump = {.version = ask->state->version};
    dump.last_updated =
        (struct str){moment, clock_text(CLOCK_TEXT_DEFAULT, started_ns, moment, sizeof(moment))};
    dump.has_endpoints = admin_param(ask, "include_eds", &value);
    (void)admin_param(ask, "resource", &dump.resource);
    if (admin_param(ask, "mask", &value)) {
        admin_say(ask->page, 400, STR("mask is not supported; resource and name_regex are\n"));
        return;
    }
    bool is_filtered = admin_param(ask, "name_regex", &value);
    if (is_filtered)
        dump.name_regex = admin_regex(ask, &set, value);
    if (!is_filtered || dump.name_regex != NULL) {
        struct snapshot *snapshot = ask->proxy->snapshot(ask->proxy->user);
        dump.snapshot = snapshot;
        admin_set_json(ask->page);
        if (!config_dump_print(&dump, &ask->page->body))
            admin_say(
                ask->page, 404,
                arena_format(ask->arena, "%.*s not found in config dump", STR_FMT(dump.resource)));
        else
            admin_put(ask->page, STR("\n"));
        snapshot_drop(snapshot);
    }
    regex_set_free(&set);
}
