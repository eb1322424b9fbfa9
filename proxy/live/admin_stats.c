/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/live/admin_stats.c - /stats, /stats/prometheus and /server_info.
 */
#include <uv.h>

#include "base/check.h"
#include "base/json.h"
#include "base/ns.h"
#include "base/regex.h"
#include "proxy/core/stats_list.h"
#include "proxy/live/admin_query.h"

static void gather_one(struct engine *engine, uint32_t worker, int64_t now_ns, void *arg)
{
    stats_list_gather(arg, engine, worker, now_ns);
}

struct stats_list *admin_gather(const struct admin_ask *ask, const struct snapshot *snapshot)
{
    const struct admin_proxy *proxy = ask->proxy;
    struct stats_list *list = stats_list_new(snapshot, proxy->worker_count, ask->arena);
    proxy->visit(proxy->user, gather_one, list);
    return list;
}

const struct regex *admin_regex(struct admin_ask *ask, struct regex_set *set, struct str pattern)
{
    struct str why;
    const struct regex *regex = regex_new(set, pattern, ask->arena, &why);
    if (regex == NULL)
        admin_say(ask->page, 400,
                  arena_format(ask->arena, "Invalid re2 regex: %.*s\n", STR_FMT(why)));
    return regex;
}

static bool is_draining(const struct admin_proxy *proxy)
{
    return proxy->is_draining != NULL && proxy->is_draining(proxy->user);
}

static int64_t uptime_seconds(const struct admin_ask *ask)
{
    return (ask->state->now_ns - ask->state->started_ns) / NS_SECOND;
}

static void put_server(const struct admin_ask *ask, struct stats_list *list)
{
    size_t bytes = 0;
    (void)uv_resident_set_memory(&bytes);
    bool is_live = !is_draining(ask->proxy);
    stats_list_put(list, STR("server.uptime"), STAT_GAUGE, (uint64_t)uptime_seconds(ask));
    stats_list_put(list, STR("server.live"), STAT_GAUGE, is_live);
    stats_list_put(list, STR("server.state"), STAT_GAUGE, !is_live);
    stats_list_put(list, STR("server.concurrency"), STAT_GAUGE, ask->proxy->worker_count);
    stats_list_put(list, STR("server.memory_physical_size"), STAT_GAUGE, bytes);
    stats_list_put(list, STR("server.hot_restart_epoch"), STAT_GAUGE, 0);
    stats_list_put(list, STR("server.parent_connections"), STAT_GAUGE, 0);
    stats_list_put(list, STR("listener_manager.workers_started"), STAT_GAUGE, 1);
}

/* False: the page says what is wrong with the query. */
static bool read_filter(struct admin_ask *ask, struct regex_set *set, struct stats_filter *filter)
{
    static const struct {
        const char *name;
        bool has_kind;
        enum stat_kind kind;
    } kinds[] = {
        {"All", false, STAT_COUNTER},
        {"Counters", true, STAT_COUNTER},
        {"Gauges", true, STAT_GAUGE},
        {"Histograms", true, STAT_HISTOGRAM},
    };
    struct str value;
    *filter = (struct stats_filter){.is_used_only = admin_param(ask, "usedonly", &value),
                                    .is_inverted = admin_param(ask, "invert_filter", &value)};
    if (admin_param(ask, "type", &value)) {
        size_t i = 0;
        while (i < COUNT_OF(kinds) && !str_eq(value, str_of(kinds[i].name)))
            i++;
        if (i == COUNT_OF(kinds)) {
            admin_say(ask->page, 400, STR("invalid &type= param"));
            return false;
        }
        filter->has_kind = kinds[i].has_kind;
        filter->kind = kinds[i].kind;
    }
    if (!admin_param(ask, "filter", &value))
        return true;
    filter->regex = admin_regex(ask, set, value);
    return filter->regex != NULL;
}

typedef void print_stats(const struct stats_list *list, const struct stats_filter *filter,
                         struct buf *out);

static void answer(struct admin_ask *ask, print_stats *print)
{
    struct regex_set set = {0};
    struct stats_filter filter;
    struct str value;
    bool has_no_text = admin_param(ask, "type", &value) && str_eq(value, STR("TextReadouts"));
    if (!has_no_text && read_filter(ask, &set, &filter)) {
        struct snapshot *snapshot = ask->proxy->snapshot(ask->proxy->user);
        struct stats_list *list = admin_gather(ask, snapshot);
        put_server(ask, list);
        stats_list_finish(list);
        print(list, &filter, &ask->page->body);
        snapshot_drop(snapshot);
    }
    regex_set_free(&set);
}

void admin_stats_prometheus(struct admin_ask *ask)
{
    answer(ask, stats_list_prometheus);
}

void admin_stats(struct admin_ask *ask)
{
    struct str format = STR("text");
    (void)admin_param(ask, "format", &format);
    if (str_eq(format, STR("prometheus"))) {
        answer(ask, stats_list_prometheus);
    } else if (str_eq(format, STR("json"))) {
        admin_set_json(ask->page);
        answer(ask, stats_list_json);
    } else if (str_eq(format, STR("text"))) {
        answer(ask, stats_list_text);
    } else {
        admin_say(ask->page, 400, STR("usage: /stats?format=(json|prometheus|text)\n\n"));
    }
}

void admin_server_info(struct admin_ask *ask)
{
    const struct admin_proxy *proxy = ask->proxy;
    struct snapshot *snapshot = proxy->snapshot(proxy->user);
    struct str uptime = arena_format(ask->arena, "%llds", (long long)uptime_seconds(ask));
    struct json json;
    admin_set_json(ask->page);
    json_init(&json, &ask->page->body, 1);
    json_begin_object(&json);
    json_key_str(&json, STR("version"),
                 arena_format(ask->arena, "pocketmesh/%.*s", STR_FMT(ask->state->version)));
    json_key_str(&json, STR("state"), is_draining(proxy) ? STR("DRAINING") : STR("LIVE"));
    json_key_str(&json, STR("uptime_current_epoch"), uptime);
    json_key_str(&json, STR("uptime_all_epochs"), uptime);
    json_key_str(&json, STR("hot_restart_version"), STR("disabled"));
    json_key(&json, STR("command_line_options"));
    json_begin_object(&json);
    json_key_i64(&json, STR("concurrency"), proxy->worker_count);
    json_key_bool(&json, STR("disable_hot_restart"), true);
    json_key_str(&json, STR("mode"), STR("Serve"));
    json_end_object(&json);
    json_key(&json, STR("node"));
    json_begin_object(&json);
    json_key_str(&json, STR("id"),
                 arena_format(ask->arena, "%s~%.*s.%.*s",
                              snapshot->proxy_type == PROXY_SIDECAR ? "sidecar" : "router",
                              STR_FMT(snapshot->proxy_name), STR_FMT(snapshot->proxy_namespace)));
    json_key_str(&json, STR("cluster"), snapshot->proxy_name);
    json_end_object(&json);
    json_end_object(&json);
    admin_put(ask->page, STR("\n"));
    snapshot_drop(snapshot);
}
