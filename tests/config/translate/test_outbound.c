/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/config/translate/test_outbound.c - a sidecar's listeners for streams:
 * chains by SNI and by address, and who has a place that several want
 * (ISTIO.md 2.19, 5.2).
 */
#include "tests/config/translate/fixture.h"

#define ADDRESSED(name, address, port_name, port)                 \
    "apiVersion: v1\nkind: Service\nmetadata: {name: " name "}\n" \
    "spec: {clusterIP: " address ", ports: [{name: " port_name ", port: " port "}]}\n---\n"

/* "tcp[a.com]10.0.0.0/8=CLUSTER default=CLUSTER": the chains of a listener. */
static struct str chains_of(struct fixture *fixture, const char *listener_name)
{
    const struct snapshot *snapshot = fixture->snapshot;
    struct arena *arena = &fixture->arena;
    struct str out = STR("");

    for (uint32_t i = 0; i < snapshot->listener_count; i++) {
        const struct listener *listener = &snapshot->listeners[i];
        if (!str_eq(listener->name, str_of(listener_name)))
            continue;
        for (uint32_t k = 0; k < listener->chain_count; k++) {
            const struct filter_chain *chain = &listener->chains[k];
            out = arena_format(arena, "%.*s%s%s", STR_FMT(out), out.len > 0 ? " " : "",
                               chain->kind == CHAIN_HTTP ? "http" : "tcp");
            if (chain->server_name_count > 0)
                out = arena_format(arena, "%.*s[%.*s]", STR_FMT(out),
                                   STR_FMT(chain->server_names[0]));
            if (chain->destination_count > 0)
                out = arena_format(arena, "%.*s%.*s/%u", STR_FMT(out),
                                   STR_FMT(chain->destinations[0].address),
                                   chain->destinations[0].bits);
            if (chain->kind == CHAIN_TCP)
                out = arena_format(arena, "%.*s=%.*s", STR_FMT(out), STR_FMT(chain->tcp.cluster));
        }
        if (listener->default_chain != NULL)
            out = arena_format(arena, "%.*s default=%.*s", STR_FMT(out),
                               STR_FMT(listener->default_chain->tcp.cluster));
        return out;
    }
    return STR("no such listener");
}

#define CLUSTER(host) "outbound|81||" host ".default.svc.cluster.local"

static void test_tcp_rules_lead_streams(void **state)
{
    (void)state;
    static const struct {
        const char *rules, *want;
    } rows[] = {
        {"  - route: [{destination: {host: b}}]\n", "tcp=" CLUSTER("b")},
        {"  - match: [{port: 82}]\n    route: [{destination: {host: b}}]\n", "tcp=" CLUSTER("a")},
        {"  - match: [{sourceLabels: {app: other}}]\n    route: [{destination: {host: b}}]\n",
         "tcp=" CLUSTER("a")},
        {"  - match: [{sourceLabels: {app: client}}]\n    route: [{destination: {host: b}}]\n",
         "tcp=" CLUSTER("b")},
        {"  - match: [{gateways: [other]}]\n    route: [{destination: {host: b}}]\n",
         "tcp=" CLUSTER("a")},
        {"  - match: [{destinationSubnets: [10.0.0.0/8]}]\n    route: [{destination: {host: b}}]\n",
         "tcp10.0.0.0/8=" CLUSTER("b") " default=" CLUSTER("a")},
        {"  - match: [{destinationSubnets: [10.0.0.1]}]\n    route: [{destination: {host: b}}]\n"
         "  - route: [{destination: {host: c}}]\n",
         "tcp10.0.0.1/32=" CLUSTER("b") " default=" CLUSTER("c")},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct fixture fixture;
        fixture_sidecar(&fixture, mesh_text(ADDRESSED("a", "10.0.0.1", "tcp", "81")
                                                SERVICE("b", "tcp", "81") SERVICE("c", "tcp", "81")
                                                    VIRTUAL_SERVICE("v") "  hosts: [a]\n"
                                                                         "  tcp:\n%s",
                                            rows[i].rules));
        assert_text(&fixture, chains_of(&fixture, "10.0.0.1_81"), rows[i].want);
        fixture_fini(&fixture);
    }
}

static void test_tls_rules_lead_by_sni(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_sidecar(
        &fixture, ADDRESSED("a", "10.0.0.1", "tls", "81") SERVICE("b", "tls", "81") VIRTUAL_SERVICE(
                      "v") "  hosts: [a]\n  tls:\n"
                           "  - match: [{sniHosts: [b.com, a.com]}, {sniHosts: [b.com, a.com]}]\n"
                           "    route: [{destination: {host: b}}]\n");
    assert_text(&fixture, chains_of(&fixture, "10.0.0.1_81"),
                "tcp[a.com]=" CLUSTER("b") " default=PassthroughCluster");
    const struct listener *listener = &fixture.snapshot->listeners[0];
    assert_true(listener->tls_inspector.is_there);
    assert_false(listener->http_inspector.is_there);
    assert_text(&fixture, listener->chains[0].config,
                "/apis/networking.istio.io/v1/namespaces/default/virtual-service/v");
    fixture_fini(&fixture);
}

static void test_who_came_first_has_an_address(void **state)
{
    (void)state;
    static const struct {
        const char *text, *want;
    } rows[] = {
        {ADDRESSED("a", "10.0.0.1", "tcp", "81") ADDRESSED("b", "10.0.0.1", "tcp", "81"),
         "tcp=" CLUSTER("a")},
        {ADDRESSED("a", "10.0.0.1", "tcp", "81") ADDRESSED("b", "10.0.0.1", "odd", "81"),
         "http default=" CLUSTER("a")},
        {ADDRESSED("a", "10.0.0.1", "odd", "81") ADDRESSED("b", "10.0.0.1", "tcp", "81"),
         "http default=" CLUSTER("a")},
        {ADDRESSED("a", "10.0.0.1", "mongo", "81") ADDRESSED("b", "10.0.0.1", "odd", "81"),
         "tcp=" CLUSTER("a")},
        {ADDRESSED("a", "10.0.0.1", "odd", "81") ADDRESSED("b", "10.0.0.1", "mysql", "81"),
         "http default=" CLUSTER("a")},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct fixture fixture;
        fixture_sidecar(&fixture, rows[i].text);
        assert_text(&fixture, chains_of(&fixture, "10.0.0.1_81"), rows[i].want);
        fixture_fini(&fixture);
    }
}

static void test_a_stream_has_the_times_of_its_rule(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_sidecar(
        &fixture,
        ADDRESSED("a", "10.0.0.1", "mongo", "81") DESTINATION_RULE(
            "a") "  host: a\n  trafficPolicy:\n"
                 "    connectionPool: {tcp: {idleTimeout: 5s, maxConnectionDuration: 1h}}\n"
                 "    loadBalancer: {consistentHash: {useSourceIp: true}}\n");
    const struct filter_chain *chain = &fixture.snapshot->listeners[0].chains[0];
    assert_true(chain->has_mongo);
    assert_true(chain->tcp.idle_timeout_ns == INT64_C(5000000000));
    assert_true(chain->tcp.max_connection_duration_ns == INT64_C(3600000000000));
    assert_true(chain->tcp.is_hashing_source_ip);
    fixture_fini(&fixture);
}

#define ENTRY(name, host, more)                                                      \
    "apiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata: {name: " name \
    "}\nspec: {hosts: [" host "], " more "}\n---\n"

static void test_entries_listen_where_they_are(void **state)
{
    (void)state;
    static const struct {
        const char *text, *listener, *want;
    } rows[] = {
        {ENTRY("a", "a.com", "resolution: DNS, ports: [{number: 81, name: tcp, protocol: TCP}]"),
         "0.0.0.0_81", "tcp=outbound|81||a.com"},
        {ENTRY("a", "a.com",
               "addresses: [10.9.9.9], resolution: DNS, "
               "ports: [{number: 81, name: tcp, protocol: TCP}]"),
         "10.9.9.9_81", "tcp=outbound|81||a.com"},
        {ENTRY("a", "a.com",
               "addresses: [10.9.0.0/16], ports: [{number: 81, name: tcp, protocol: TCP}]"),
         "0.0.0.0_81", "tcp10.9.0.0/16=outbound|81||a.com default=PassthroughCluster"},
        {ENTRY("a", "a.com", "ports: [{number: 81, name: tls, protocol: TLS}]")
             ENTRY("b", "b.com", "ports: [{number: 81, name: tls, protocol: TLS}]"),
         "0.0.0.0_81",
         "tcp[a.com]=outbound|81||a.com tcp[b.com]=outbound|81||b.com default=PassthroughCluster"},
        {ENTRY("a", "a.com", "ports: [{number: 81, name: tcp, protocol: TCP}]")
             ENTRY("b", "b.com", "ports: [{number: 81, name: http, protocol: HTTP}]"),
         "0.0.0.0_81", "http default=outbound|81||a.com"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct fixture fixture;
        fixture_sidecar(&fixture, rows[i].text);
        assert_text(&fixture, chains_of(&fixture, rows[i].listener), rows[i].want);
        fixture_fini(&fixture);
    }
}

static void test_egress_listeners_say_where_and_for_whom(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_sidecar(
        &fixture,
        SERVICE("a", "http", "80") SERVICE("b", "http", "80")
            SERVICE("c", "tcp", "81") "apiVersion: networking.istio.io/v1\nkind: Sidecar\n"
                                      "metadata: {name: default}\nspec:\n  egress:\n"
                                      "  - {port: {number: 80, protocol: HTTP, name: h}, "
                                      "bind: 127.0.0.2, hosts: ['./a.default.svc.cluster.local']}\n"
                                      "  - {port: {number: 81, protocol: TCP, name: t}, "
                                      "captureMode: NONE, "
                                      "hosts: ['./c.default.svc.cluster.local']}\n"
                                      "  - hosts: ['./b.default.svc.cluster.local']\n");
    assert_text(&fixture, chains_of(&fixture, "127.0.0.2_80"), "http");
    assert_text(&fixture, chains_of(&fixture, "127.0.0.1_81"), "tcp=" CLUSTER("c"));
    assert_text(&fixture, chains_of(&fixture, "0.0.0.0_80"), "http default=PassthroughCluster");
    assert_false(fixture.snapshot->listeners[0].is_bound);
    assert_true(fixture.snapshot->listeners[1].is_bound);
    fixture_fini(&fixture);
}

static void test_ranges_are_one_whatever_stands_behind_their_prefix(void **state)
{
    (void)state;
#define RANGE(name, range)                                                                 \
    "apiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata: {name: " name "}\n" \
    "spec:\n  hosts: [" name ".com]\n  addresses: ['" range "']\n  resolution: NONE\n"     \
    "  ports: [{number: 81, name: tcp, protocol: TCP}]\n---\n"
    static const struct {
        const char *text, *want;
    } rows[] = {
        {RANGE("a", "10.1.2.3/8") RANGE("b", "10.9.9.9/8"),
         "tcp10.1.2.3/8=outbound|81||a.com default=PassthroughCluster"},
        {RANGE("a", "10.1.2.3/8") RANGE("b", "10.1.2.3/9"),
         "tcp10.1.2.3/8=outbound|81||a.com tcp10.1.2.3/9=outbound|81||b.com "
         "default=PassthroughCluster"},
        {RANGE("a", "1234:01F1:0:0::1/32") RANGE("b", "1234:1f1::/32"),
         "tcp1234:1f1::1/32=outbound|81||a.com default=PassthroughCluster"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct fixture fixture;
        fixture_sidecar(&fixture, rows[i].text);
        assert_text(&fixture, chains_of(&fixture, "0.0.0.0_81"), rows[i].want);
        fixture_fini(&fixture);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tcp_rules_lead_streams),
        cmocka_unit_test(test_tls_rules_lead_by_sni),
        cmocka_unit_test(test_who_came_first_has_an_address),
        cmocka_unit_test(test_a_stream_has_the_times_of_its_rule),
        cmocka_unit_test(test_entries_listen_where_they_are),
        cmocka_unit_test(test_egress_listeners_say_where_and_for_whom),
        cmocka_unit_test(test_ranges_are_one_whatever_stands_behind_their_prefix),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
