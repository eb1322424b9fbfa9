/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/config/translate/test_dynamic_dns.c - names that are looked up when a
 * request comes: of a ServiceEntry's wildcard, and of hosts that nobody knows
 * (ISTIO.md 2.4, 4.2).
 */
#include "tests/config/translate/fixture.h"

#include "base/buf.h"
#include "base/json.h"
#include "proxy/model/print.h"

#define MESH(policy)                                                       \
    "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: istio, namespace: " \
    "istio-system}\ndata:\n  mesh: |\n    outboundTrafficPolicy: {" policy "}\n---\n"
#define LOOKING_UP "mode: ALLOW_ANY_DYNAMIC_DNS"
#define WILD(number, name, protocol)                                                          \
    "apiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata: {name: wild}\nspec:\n" \
    "  hosts: ['*.wild.com']\n  resolution: DYNAMIC_DNS\n"                                    \
    "  ports: [{number: " number ", name: " name ", protocol: " protocol "}]\n---\n"

static const struct listener *listener_named(const struct fixture *fixture, const char *name)
{
    for (uint32_t i = 0; i < fixture->snapshot->listener_count; i++) {
        if (str_eq(fixture->snapshot->listeners[i].name, str_of(name)))
            return &fixture->snapshot->listeners[i];
    }
    return NULL;
}

static const struct cluster *cluster_named(const struct fixture *fixture, const char *name)
{
    for (uint32_t i = 0; i < fixture->snapshot->cluster_count; i++) {
        if (str_eq(fixture->snapshot->clusters[i].name, str_of(name)))
            return &fixture->snapshot->clusters[i];
    }
    return NULL;
}

/* "first,second": the caches of a connection manager. */
static struct str caches_of(struct fixture *fixture, const struct http_connection_manager *http)
{
    struct str out = STR("");

    for (uint32_t i = 0; i < http->dns_cache_count; i++)
        out = arena_format(&fixture->arena, "%.*s%s%.*s", STR_FMT(out), i > 0 ? "," : "",
                           STR_FMT(http->dns_caches[i].name));
    return out;
}

static void test_unknown_http_is_led_by_its_host(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_sidecar(&fixture, MESH(LOOKING_UP) SERVICE("a", "http", "80"));
    assert_text(&fixture, fixture_routes(&fixture, "80", "allow_any_dynamic_dns"),
                "AllowAnyDynamicDNSCluster");
    const struct listener *last = listener_named(&fixture, "virtualOutbound");
    assert_int_equal(last->chain_count, 3);
    assert_true(last->http_inspector.is_there);
    const struct filter_chain *http = &last->chains[1];
    assert_text(&fixture, http->name, "virtualOutbound-catchall-tcp-http");
    assert_true(http->http.has_inline_routes);
    assert_text(&fixture, http->http.routes->virtual_hosts[0].routes[0].forward.cluster,
                "AllowAnyDynamicDNSCluster");
    assert_text(&fixture, caches_of(&fixture, &http->http), "allow_any_dfp_dns_cache");
    /* What is no HTTP passes through. */
    assert_text(&fixture, last->chains[2].tcp.cluster, "PassthroughCluster");
    const struct listener *port = listener_named(&fixture, "0.0.0.0_80");
    assert_text(&fixture, caches_of(&fixture, &port->chains[0].http), "allow_any_dfp_dns_cache");
    assert_text(&fixture, port->default_chain->tcp.cluster, "PassthroughCluster");
    /* The server's side looks nothing up. */
    const struct listener *inbound = listener_named(&fixture, "virtualInbound");
    for (uint32_t i = 0; i < inbound->chain_count; i++)
        assert_int_equal(inbound->chains[i].http.dns_cache_count, 0);
    fixture_fini(&fixture);
}

static void test_only_sidecars_look_unknown_hosts_up(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_gateway(&fixture,
                    MESH(LOOKING_UP)
                        GATEWAY("web") "  servers:\n  - port: {number: 80, name: http, protocol: "
                                       "HTTP}\n    hosts: ['*']\n");
    assert_int_equal(listener_named(&fixture, "0.0.0.0_80")->chains[0].http.dns_cache_count, 0);
    assert_null(cluster_named(&fixture, "AllowAnyDynamicDNSCluster"));
    fixture_fini(&fixture);
    fixture_sidecar(&fixture, MESH("mode: ALLOW_ANY"));
    assert_null(cluster_named(&fixture, "AllowAnyDynamicDNSCluster"));
    assert_int_equal(listener_named(&fixture, "virtualOutbound")->chain_count, 2);
    fixture_fini(&fixture);
}

static void test_tls_to_unknown_hosts_checks_who_answers(void **state)
{
    (void)state;
    static const struct {
        const char *policy;
        bool is_insecure, has_auto_sni, has_auto_san;
        enum upstream_security security;
    } rows[] = {
        {MESH(LOOKING_UP), true, false, false, UPSTREAM_PLAINTEXT},
        {MESH(LOOKING_UP ", tls: {mode: DISABLE}"), true, false, false, UPSTREAM_PLAINTEXT},
        {MESH(LOOKING_UP ", tls: {mode: SIMPLE}"), false, true, true, UPSTREAM_TLS},
        {MESH(LOOKING_UP ", tls: {mode: SIMPLE, sni: a.b}"), true, false, true, UPSTREAM_TLS},
        {MESH(LOOKING_UP ", tls: {mode: SIMPLE, insecureSkipVerify: true}"), true, true, false,
         UPSTREAM_TLS},
        {MESH(LOOKING_UP ", tls: {mode: ISTIO_MUTUAL}"), false, true, true, UPSTREAM_TLS},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct fixture fixture;
        fixture_sidecar(&fixture, rows[i].policy);
        const struct cluster *cluster = cluster_named(&fixture, "AllowAnyDynamicDNSCluster");
        assert_int_equal(cluster->type, CLUSTER_DYNAMIC_DNS);
        assert_int_equal(cluster->dns_cache.host_count_max, 1024);
        assert_int_equal(cluster->has_insecure_options, rows[i].is_insecure);
        assert_int_equal(cluster->has_auto_sni, rows[i].has_auto_sni);
        assert_int_equal(cluster->has_auto_san_validation, rows[i].has_auto_san);
        assert_int_equal(cluster->security, rows[i].security);
        fixture_fini(&fixture);
    }
}

static void test_hosts_of_a_wildcard_have_a_cache_of_their_own(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_sidecar(&fixture, MESH(LOOKING_UP) WILD("80", "http", "HTTP") SERVICE("a", "http", "80")
                                  DESTINATION_RULE("wild") "  host: '*.wild.com'\n"
                                                           "  subsets: [{name: v1}]\n");
    const struct listener *listener = listener_named(&fixture, "0.0.0.0_80");
    assert_text(&fixture, caches_of(&fixture, &listener->chains[0].http),
                "*.wild.com_dfp_dns_cache,allow_any_dfp_dns_cache");
    const struct cluster *cluster = cluster_named(&fixture, "outbound|80||*.wild.com");
    assert_text(&fixture, cluster->dns_cache.name, "*.wild.com_dfp_dns_cache");
    assert_false(cluster->has_panic_threshold_zero);
    assert_null(cluster_named(&fixture, "outbound|80|v1|*.wild.com"));
    struct buf out;
    struct json json;
    buf_init(&out, 1u << 22);
    json_init(&json, &out, 0);
    print_listeners(fixture.snapshot, &json);
    struct str text = buf_str(&out);
    size_t first = str_find_str(
        text, STR("\"dnsCacheConfig\":{\"name\":\"*.wild.com_dfp_dns_cache\",\"dnsLookupFamily\":"
                  "\"V4_ONLY\"}"));
    size_t second = str_find_str(
        text, STR("\"dnsCacheConfig\":{\"name\":\"allow_any_dfp_dns_cache\",\"dnsLookupFamily\":"
                  "\"V4_ONLY\",\"maxHosts\":1024}"));
    assert_true(first < second && second != STR_NONE);
    buf_fini(&out);
    fixture_fini(&fixture);
}

static void test_tls_to_a_wildcard_is_led_by_its_server_name(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_sidecar(&fixture, WILD("443", "tls", "TLS"));
    const struct filter_chain *chain = &listener_named(&fixture, "0.0.0.0_443")->chains[0];
    assert_text(&fixture, chain->tcp.sni_cache.name, "*.wild.com_dfp_dns_cache");
    assert_int_equal(chain->tcp.sni_port, 443);
    fixture_fini(&fixture);
}

/* Where bytes are led by their SNI, who may come in is asked, too; nowhere else. */
static void test_streams_that_are_looked_up_meet_policies(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_sidecar(
        &fixture,
        WILD("443", "tls", "TLS") SERVICE(
            "b", "tcp",
            "90") "apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\n"
                  "metadata: {name: p}\nspec: {action: DENY, rules: [{to: [{operation: {ports: "
                  "['1']}}]}]}\n");
    const struct listener *wild = listener_named(&fixture, "0.0.0.0_443");
    assert_non_null(wild->chains[0].security);
    assert_null(wild->default_chain->security);
    uint32_t other = fixture.snapshot->listeners[0].port == 443 ? 1 : 0;
    const struct listener *plain = &fixture.snapshot->listeners[other];
    assert_int_equal(plain->port, 90);
    assert_null(plain->chains[0].security);
    fixture_fini(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_unknown_http_is_led_by_its_host),
        cmocka_unit_test(test_only_sidecars_look_unknown_hosts_up),
        cmocka_unit_test(test_tls_to_unknown_hosts_checks_who_answers),
        cmocka_unit_test(test_hosts_of_a_wildcard_have_a_cache_of_their_own),
        cmocka_unit_test(test_tls_to_a_wildcard_is_led_by_its_server_name),
        cmocka_unit_test(test_streams_that_are_looked_up_meet_policies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
