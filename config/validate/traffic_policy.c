/* SPDX-License-Identifier: Apache-2.0
 *
 * config/validate/traffic_policy.c - see traffic_policy.h.
 */
#include "config/validate/traffic_policy.h"

#include "base/check.h"
#include "config/validate/field.h"
#include "config/validate/load_balancer.h"
#include "config/validate/tls.h"
#include "config/validate/word.h"

/* What a policy may consist of; one of them must be there. */
static const struct str PARTS[] = {
    STR_INIT("outlierDetection"),  STR_INIT("connectionPool"),
    STR_INIT("loadBalancer"),      STR_INIT("tls"),
    STR_INIT("portLevelSettings"), STR_INIT("tunnel"),
    STR_INIT("proxyProtocol"),     STR_INIT("retryBudget"),
};
#define PORT_PART_COUNT 4u /* the first ones are a port's, too */

static const struct {
    struct str name;
    enum diag_id id;
} HTTP_COUNTS[] = {
    {STR_INIT("http1MaxPendingRequests"), DIAG_V_POOL_HTTP1_PENDING},
    {STR_INIT("http2MaxRequests"), DIAG_V_POOL_HTTP2_REQUESTS},
    {STR_INIT("maxRequestsPerConnection"), DIAG_V_POOL_PER_CONNECTION},
    {STR_INIT("maxRetries"), DIAG_V_POOL_RETRIES},
    {STR_INIT("maxConcurrentStreams"), DIAG_V_POOL_STREAMS},
};

static bool has_any(const struct view *policy, size_t part_count)
{
    for (size_t i = 0; i < part_count; i++) {
        struct view part = view_field(policy, PARTS[i]);
        bool is_empty_list =
            view_is_present(&part) && part.node->kind == NODE_LIST && view_count(&part) == 0;
        if (view_is_present(&part) && !is_empty_list)
            return true;
    }
    return false;
}

static void check_keepalive(const struct view *keepalive)
{
    if (!view_is_present(keepalive))
        return;
    if (!field_has(keepalive, STR("interval")))
        say(keepalive, DIAG_V_KEEPALIVE_INTERVAL);
    word_check_duration(keepalive, STR("interval"));
    if (!field_has(keepalive, STR("timeout")))
        say(keepalive, DIAG_V_KEEPALIVE_TIMEOUT);
    word_check_duration(keepalive, STR("timeout"));
}

static void check_http_pool(const struct view *http)
{
    if (!view_is_present(http))
        return;
    for (size_t i = 0; i < COUNT_OF(HTTP_COUNTS); i++) {
        struct view field = view_field(http, HTTP_COUNTS[i].name);
        if (field_own_number(&field) < 0)
            say(&field, HTTP_COUNTS[i].id);
    }
    word_check_duration(http, STR("idleTimeout"));
    struct str upgrade =
        field_choice(http, STR("h2UpgradePolicy"),
                     SCHEMA_ENUM_CONNECTION_POOL_SETTINGS_HTTP_SETTINGS_H2_UPGRADE_POLICY);
    if (str_eq(upgrade, STR("UPGRADE")) && field_is_true(http, STR("useClientProtocol")))
        say(http, DIAG_V_POOL_UPGRADE);
    struct view keepalive = view_field(http, STR("http2KeepAlive"));
    check_keepalive(&keepalive);
}

static void check_tcp_pool(const struct view *tcp)
{
    struct view connections = view_field(tcp, STR("maxConnections"));
    struct view keepalive = view_field(tcp, STR("tcpKeepalive"));

    if (field_own_number(&connections) < 0)
        say(&connections, DIAG_V_POOL_CONNECTIONS);
    word_check_duration(tcp, STR("connectTimeout"));
    word_check_duration(tcp, STR("maxConnectionDuration"));
    /* 0s: no timeout at all. */
    int64_t idle_ns = word_duration_ns(tcp, STR("idleTimeout"));
    if (idle_ns / 1000000 != 0)
        word_check_duration(tcp, STR("idleTimeout"));
    word_check_duration(&keepalive, STR("time"));
    word_check_duration(&keepalive, STR("interval"));
}

static void check_outlier(const struct view *outlier)
{
    struct view errors = view_field(outlier, STR("consecutiveErrors"));
    struct view local = view_field(outlier, STR("consecutiveLocalOriginFailures"));

    if (!view_is_present(outlier))
        return;
    word_check_duration(outlier, STR("baseEjectionTime"));
    if (field_own_number(&errors) != 0)
        say(&errors, DIAG_V_OUTLIER_ERRORS);
    if (field_own_number(&local) > 0 &&
        !field_is_true(outlier, STR("splitExternalLocalOriginErrors")))
        say(&local, DIAG_V_OUTLIER_LOCAL);
    word_check_duration(outlier, STR("interval"));
    word_check_percent(outlier, STR("maxEjectionPercent"));
    word_check_percent(outlier, STR("minHealthPercent"));
}

/* What a policy and a port's policy have in common. */
static void check_parts(const struct view *policy, struct str namespace)
{
    struct view outlier = view_field(policy, STR("outlierDetection"));
    struct view pool = view_field(policy, STR("connectionPool"));
    struct view balancer = view_field(policy, STR("loadBalancer"));
    struct view tls = view_field(policy, STR("tls"));

    check_outlier(&outlier);
    traffic_policy_check_pool(&pool);
    load_balancer_check(&balancer, view_is_present(&outlier));
    tls_check_client(&tls, namespace);
}

static void check_port_policy(const struct view *policy, struct str namespace)
{
    if (!view_is_present(policy)) {
        say(policy, DIAG_V_PORT_POLICY_NULL);
        return;
    }
    if (!field_has(policy, STR("port")))
        say(policy, DIAG_V_PORT_POLICY_PORT);
    if (!has_any(policy, PORT_PART_COUNT))
        say(policy, DIAG_V_PORT_POLICY_EMPTY);
    else
        check_parts(policy, namespace);
}

static void check_tunnel(const struct view *tunnel)
{
    struct str protocol = field_text(tunnel, STR("protocol"));
    struct view host = view_field(tunnel, STR("targetHost"));
    struct view port = view_field(tunnel, STR("targetPort"));
    struct arena *arena = tunnel->reading->arena;

    if (!view_is_present(tunnel))
        return;
    if (protocol.len > 0 && !str_eq(protocol, STR("CONNECT")) && !str_eq(protocol, STR("POST")))
        say(tunnel, DIAG_V_TUNNEL_PROTOCOL);
    struct word_fault fqdn = word_fqdn(field_own_text(&host));
    struct word_fault ip = word_ip(field_own_text(&host));
    if (!word_is_fine(fqdn) && !word_is_fine(ip))
        view_complain(&host, DIAG_V_TUNNEL_HOST, word_text(fqdn, arena), word_text(ip, arena));
    if (!word_is_port(field_own_number(&port)))
        say_number(&port, DIAG_V_TUNNEL_PORT, field_own_number(&port));
}

void traffic_policy_check_pool(const struct view *pool)
{
    struct view http = view_field(pool, STR("http"));
    struct view tcp = view_field(pool, STR("tcp"));

    if (!view_is_present(pool))
        return;
    if (!view_is_present(&http) && !view_is_present(&tcp)) {
        say(pool, DIAG_V_POOL_EMPTY);
        return;
    }
    check_http_pool(&http);
    check_tcp_pool(&tcp);
}

void traffic_policy_check(const struct view *policy, struct str namespace)
{
    struct view ports = view_field(policy, STR("portLevelSettings"));
    struct view tunnel = view_field(policy, STR("tunnel"));
    struct view proxy = view_field(policy, STR("proxyProtocol"));

    if (!view_is_present(policy))
        return;
    if (!has_any(policy, COUNT_OF(PARTS))) {
        say(policy, DIAG_V_POLICY_EMPTY);
        return;
    }
    if (view_is_present(&tunnel) && view_is_present(&proxy)) {
        say(policy, DIAG_V_TUNNEL_AND_PROXY);
        return;
    }
    check_parts(policy, namespace);
    for (uint32_t i = 0; i < view_count(&ports); i++) {
        struct view item = view_item(&ports, i);
        uint32_t first = policy->reading->diags->count;
        check_port_policy(&item, namespace);
        field_lose_warnings(policy, first);
    }
    check_tunnel(&tunnel);
    struct view version = view_field(&proxy, STR("version"));
    if (version.node != NULL && version.node->kind == NODE_INT &&
        (version.node->integer < 0 || version.node->integer > 1))
        say_number(&version, DIAG_V_PROXY_VERSION, version.node->integer);
}
