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
    {"maxConnections", FIELD_USED},
    {"connectTimeout", FIELD_USED},
    {"tcpKeepalive", FIELD_NO_EFFECT},
    {"idleTimeout", FIELD_USED},
    {"maxConnectionDuration", FIELD_NO_EFFECT},
};
static const struct field_row HTTP_ROWS[] = {
    {"http1MaxPendingRequests", FIELD_USED},
    {"http2MaxRequests", FIELD_USED},
    {"maxRequestsPerConnection", FIELD_USED},
    {"maxRetries", FIELD_USED},
    {"idleTimeout", FIELD_USED},
    {"h2UpgradePolicy", FIELD_NO_EFFECT},
    {"useClientProtocol", FIELD_NO_EFFECT},
    {"maxConcurrentStreams", FIELD_NO_EFFECT},
    {"http2KeepAlive", FIELD_NO_EFFECT},
};

static uint32_t count_field(const struct view *view, struct str name)
{
    return (uint32_t)view_i64(view, name, 0, INT32_MAX, 0);
}

static int64_t checked_duration(const struct view *view, struct str name)
{
    struct view field = view_field(view, name);

    if (!view_is_present(&field))
        return 0;
    int64_t ns = view_own_duration_ns(&field, 0);
    syntax_check_duration(&field, ns);
    return ns;
}

static void read_tcp(const struct view *pool, struct connection_pool *out)
{
    struct view tcp = view_map(pool, STR("tcp"));

    if (!view_is_present(&tcp))
        return;
    view_check_fields(&tcp, TCP_ROWS, COUNT_OF(TCP_ROWS));
    out->max_connections = count_field(&tcp, STR("maxConnections"));
    out->connect_timeout_ns = checked_duration(&tcp, STR("connectTimeout"));
    out->tcp_idle_timeout_ns = view_duration_ns(&tcp, STR("idleTimeout"), 0);
}

static void read_http(const struct view *pool, struct connection_pool *out)
{
    struct view http = view_map(pool, STR("http"));

    if (!view_is_present(&http))
        return;
    view_check_fields(&http, HTTP_ROWS, COUNT_OF(HTTP_ROWS));
    out->http1_pending_max = count_field(&http, STR("http1MaxPendingRequests"));
    out->http2_requests_max = count_field(&http, STR("http2MaxRequests"));
    out->requests_per_connection_max = count_field(&http, STR("maxRequestsPerConnection"));
    out->retries_max = count_field(&http, STR("maxRetries"));
    out->http_idle_timeout_ns = checked_duration(&http, STR("idleTimeout"));
}

const struct connection_pool *connection_pool_read(const struct view *policy)
{
    struct view pool = view_map(policy, STR("connectionPool"));

    if (!view_is_present(&pool))
        return NULL;
    view_check_fields(&pool, POOL_ROWS, COUNT_OF(POOL_ROWS));
    if (pool.node->count == 0)
        view_complain(&pool, DIAG_DR_POOL_EMPTY, STR_EMPTY, STR_EMPTY);
    struct connection_pool *out = ARENA_NEW(policy->reading->arena, struct connection_pool);
    out->origin = view_origin(&pool);
    read_tcp(&pool, out);
    read_http(&pool, out);
    return out;
}
