/* SPDX-License-Identifier: Apache-2.0
 *
 * config/resource/connection_pool.c - connectionPool of a policy.
 *
 * Source: ISTIO.md 3.4, 9.4.
 */
#include "config/resource/destination_rule.h"
#include "config/resource/syntax.h"

static const struct field_row POOL_ROWS[] = {{"tcp", FIELD_USED}, {"http", FIELD_USED}};
static const struct field_row TCP_ROWS[] = {
    {"maxConnections", FIELD_USED},        {"connectTimeout", FIELD_USED},
    {"tcpKeepalive", FIELD_USED},          {"idleTimeout", FIELD_USED},
    {"maxConnectionDuration", FIELD_USED},
};
static const struct field_row HTTP_ROWS[] = {
    {"http1MaxPendingRequests", FIELD_USED},
    {"http2MaxRequests", FIELD_USED},
    {"maxRequestsPerConnection", FIELD_USED},
    {"maxRetries", FIELD_USED},
    {"idleTimeout", FIELD_USED},
    {"h2UpgradePolicy", FIELD_USED},
    {"useClientProtocol", FIELD_USED},
    {"maxConcurrentStreams", FIELD_USED},
    {"http2KeepAlive", FIELD_USED},
};

static const struct field_row KEEPALIVE_ROWS[] = {
    {"probes", FIELD_USED}, {"time", FIELD_USED}, {"interval", FIELD_USED}};
static const struct field_row H2_KEEPALIVE_ROWS[] = {{"interval", FIELD_USED},
                                                     {"timeout", FIELD_USED}};

struct keepalive_rule keepalive_rule_read(const struct view *parent)
{
    struct keepalive_rule out = {0};
    struct view view = view_map(parent, STR("tcpKeepalive"));

    if (!view_is_present(&view))
        return out;
    view_check_fields(&view, KEEPALIVE_ROWS, COUNT_OF(KEEPALIVE_ROWS));
    struct view time = view_field(&view, STR("time"));
    struct view interval = view_field(&view, STR("interval"));
    out.is_set = true;
    out.probes = syntax_count(&view, STR("probes"));
    out.has_time = view_is_present(&time);
    out.time_ns = view_duration_ns(&view, STR("time"), 0);
    out.has_interval = view_is_present(&interval);
    out.interval_ns = view_duration_ns(&view, STR("interval"), 0);
    return out;
}

static void read_tcp(const struct view *pool, struct connection_pool *out)
{
    struct view tcp = view_map(pool, STR("tcp"));

    if (!view_is_present(&tcp))
        return;
    view_check_fields(&tcp, TCP_ROWS, COUNT_OF(TCP_ROWS));
    out->max_connections = syntax_count(&tcp, STR("maxConnections"));
    out->connect_timeout_ns = syntax_duration_ns(&tcp, STR("connectTimeout"));
    out->tcp_idle_timeout_ns = view_duration_ns(&tcp, STR("idleTimeout"), 0);
    out->max_connection_duration_ns = syntax_duration_ns(&tcp, STR("maxConnectionDuration"));
    out->tcp_keepalive = keepalive_rule_read(&tcp);
}

static enum h2_upgrade read_upgrade(const struct view *http)
{
    static const char *const NAMES[] = {"DEFAULT", "DO_NOT_UPGRADE", "UPGRADE", NULL};
    static const enum h2_upgrade MEANINGS[] = {H2_UPGRADE_UNSET, H2_UPGRADE_OFF, H2_UPGRADE_ON};
    return MEANINGS[view_choice(http, STR("h2UpgradePolicy"), NAMES, 0)];
}

static void read_h2_keepalive(const struct view *http, struct connection_pool *out)
{
    struct view keepalive = view_map(http, STR("http2KeepAlive"));

    if (!view_is_present(&keepalive))
        return;
    view_check_fields(&keepalive, H2_KEEPALIVE_ROWS, COUNT_OF(H2_KEEPALIVE_ROWS));
    out->has_h2_keepalive = true;
    out->h2_keepalive_interval_ns = view_duration_ns(&keepalive, STR("interval"), 0);
    out->h2_keepalive_timeout_ns = view_duration_ns(&keepalive, STR("timeout"), 0);
}

static void read_http(const struct view *pool, struct connection_pool *out)
{
    struct view http = view_map(pool, STR("http"));

    if (!view_is_present(&http))
        return;
    view_check_fields(&http, HTTP_ROWS, COUNT_OF(HTTP_ROWS));
    out->http1_pending_max = syntax_count(&http, STR("http1MaxPendingRequests"));
    out->http2_requests_max = syntax_count(&http, STR("http2MaxRequests"));
    out->requests_per_connection_max = syntax_count(&http, STR("maxRequestsPerConnection"));
    out->retries_max = syntax_count(&http, STR("maxRetries"));
    out->http_idle_timeout_ns = syntax_duration_ns(&http, STR("idleTimeout"));
    out->h2_upgrade = read_upgrade(&http);
    out->is_using_client_protocol = view_bool(&http, STR("useClientProtocol"), false);
    out->streams_max = syntax_count(&http, STR("maxConcurrentStreams"));
    read_h2_keepalive(&http, out);
}

const struct connection_pool *connection_pool_of(const struct view *pool)
{
    struct connection_pool *out = ARENA_NEW(pool->reading->arena, struct connection_pool);

    view_check_fields(pool, POOL_ROWS, COUNT_OF(POOL_ROWS));
    if (pool->node->count == 0)
        view_complain(pool, DIAG_DR_POOL_EMPTY, STR_EMPTY, STR_EMPTY);
    out->origin = view_origin(pool);
    read_tcp(pool, out);
    read_http(pool, out);
    return out;
}

const struct connection_pool *connection_pool_read(const struct view *policy)
{
    struct view pool = view_map(policy, STR("connectionPool"));

    return view_is_present(&pool) ? connection_pool_of(&pool) : NULL;
}
