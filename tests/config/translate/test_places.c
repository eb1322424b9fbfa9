/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/config/translate/test_places.c - where a proxy listens and whom it means:
 * IPv6 and both families, Unix domain sockets, the mesh's own ports, egressProxy,
 * endpoints of WorkloadEntries, services of one host in several namespaces.
 */
#include "tests/config/translate/fixture.h"

#define SIDECAR(spec)                                                                            \
    "apiVersion: networking.istio.io/v1\nkind: Sidecar\nmetadata: {name: default}\nspec:\n" spec \
    "---\n"
#define ENTRY(name, namespace, spec)                                                 \
    "apiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata: {name: " name \
    ", namespace: " namespace "}\nspec: {" spec "}\n---\n"
#define MESH(text)                                                         \
    "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: istio, namespace: " \
    "istio-system}\ndata:\n  mesh: |\n    " text "\n---\n"

static void fixture_of_address(struct fixture *out, const char *text, const char *address)
{
    const struct proxy_identity client = {
        .type = PROXY_SIDECAR,
        .name = STR("client-0"),
        .namespace = STR("default"),
        .address = str_of(address),
        .service_account = STR("default"),
    };
    fixture_init(out, text, &client, "istio-latest");
}

/* "ADDRESS ADDRESS": the names of all listeners, in order. */
static struct str listeners_of(struct fixture *fixture)
{
    struct str out = STR("");

    for (uint32_t i = 0; i < fixture->snapshot->listener_count; i++) {
        const struct listener *listener = &fixture->snapshot->listeners[i];
        out = arena_format(&fixture->arena, "%.*s%s%.*s:%u", STR_FMT(out), i > 0 ? " " : "",
                           STR_FMT(listener->address), listener->port);
    }
    return out;
}

static struct str endpoints_of(struct fixture *fixture, const char *cluster_name)
{
    const struct cluster *cluster = snapshot_cluster(fixture->snapshot, str_of(cluster_name));
    struct str out = STR("");

    assert_non_null(cluster);
    for (uint32_t i = 0; i < cluster->endpoint_count; i++)
        out = arena_format(&fixture->arena, "%.*s%s%.*s:%u", STR_FMT(out), i > 0 ? " " : "",
                           STR_FMT(cluster->endpoints[i].address), cluster->endpoints[i].port);
    return out;
}

#define BOTH(addresses)                                                                  \
    "apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {clusterIPs: [" addresses \
    "], selector: {app: a}, ports: [{name: http, port: 80}, {name: tcp, port: 81}]}\n---\n"

/* Of both families a proxy knows its own; where there is none of it, the address is
 * listened at, but nobody can say it. */
static void test_a_proxy_knows_addresses_of_its_family(void **state)
{
    (void)state;
    static const struct {
        const char *addresses, *proxy, *listeners, *domain;
    } rows[] = {
        {"10.0.0.1, 'fd00::1'", "127.9.9.9", "0.0.0.0:80 10.0.0.1:81 0.0.0.0:15001 0.0.0.0:15006",
         "10.0.0.1"},
        {"'fd00::1', 10.0.0.1", "127.9.9.9", "0.0.0.0:80 10.0.0.1:81 0.0.0.0:15001 0.0.0.0:15006",
         "10.0.0.1"},
        {"'fd00::1'", "127.9.9.9", "0.0.0.0:80 fd00::1:81 0.0.0.0:15001 0.0.0.0:15006", NULL},
        {"10.0.0.1, 'fd00::1'", "fd00::9", ":::80 fd00::1:81 :::15001 :::15006", "[fd00::1]"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct fixture fixture;
        fixture_of_address(&fixture, mesh_text(BOTH("%s"), rows[i].addresses), rows[i].proxy);
        assert_text(&fixture, listeners_of(&fixture), rows[i].listeners);
        const struct virtual_host *host =
            fixture_host(&fixture, "80", "a.default.svc.cluster.local:80");
        struct str last = host->domains[host->domain_count - 1];
        assert_text(&fixture, last, rows[i].domain != NULL ? rows[i].domain : "a.default");
        fixture_fini(&fixture);
    }
}

static void test_names_are_looked_up_in_the_family_of_the_proxy(void **state)
{
    (void)state;
    static const char *const text =
        ENTRY("e", "default",
              "hosts: [x.test], resolution: DNS, ports: [{number: 80, name: http, protocol: "
              "HTTP}]");
    struct fixture fixture;
    fixture_of_address(&fixture, text, "fd00::9");
    assert_true(snapshot_cluster(fixture.snapshot, STR("outbound|80||x.test"))->is_dns_ipv6);
    fixture_fini(&fixture);
    fixture_of_address(&fixture, text, "127.9.9.9");
    assert_false(snapshot_cluster(fixture.snapshot, STR("outbound|80||x.test"))->is_dns_ipv6);
    fixture_fini(&fixture);
}

/* One listener for all ports of the services that are let in, with a table of its name. */
static void test_an_egress_listener_may_be_a_socket_file(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_sidecar(&fixture, SERVICE("a", "http", "80") SERVICE("b", "http", "81") SIDECAR(
                                  "  egress:\n"
                                  "  - {bind: 'unix:///a.sock', port: {number: 0, protocol: HTTP, "
                                  "name: a}, hosts: ['./*']}\n"
                                  "  - {bind: 'unix:///b.sock', port: {number: 0, protocol: HTTP, "
                                  "name: b}, hosts: ['./b.default.svc.cluster.local']}\n"));
    assert_text(&fixture, listeners_of(&fixture),
                "unix:///a.sock:0 unix:///b.sock:0 0.0.0.0:15001 0.0.0.0:15006");
    assert_true(fixture.snapshot->listeners[0].is_bound);
    assert_text(&fixture,
                fixture_routes(&fixture, "unix:///a.sock", "a.default.svc.cluster.local:80"),
                "outbound|80||a.default.svc.cluster.local");
    assert_non_null(fixture_host(&fixture, "unix:///b.sock", "b.default.svc.cluster.local:81"));
    assert_null(fixture_host(&fixture, "unix:///b.sock", "a.default.svc.cluster.local:80"));
    fixture_fini(&fixture);
}

static void test_the_unknown_may_go_to_a_proxy(void **state)
{
    (void)state;
    static const struct {
        const char *proxy, *cluster;
    } rows[] = {
        {"{mode: ALLOW_ANY}", "PassthroughCluster"},
        {"{mode: ALLOW_ANY, egressProxy: {host: e.test, port: {number: 80}}}",
         "outbound|80||e.test"},
        {"{mode: ALLOW_ANY, egressProxy: {host: e.test, subset: v1}}", "outbound|0|v1|e.test"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct fixture fixture;
        fixture_sidecar(&fixture, mesh_text(SERVICE("a", "http", "80")
                                                SIDECAR("  outboundTrafficPolicy: %s\n"),
                                            rows[i].proxy));
        assert_text(&fixture, fixture_routes(&fixture, "80", "allow_any"), rows[i].cluster);
        const struct listener *last = &fixture.snapshot->listeners[1];
        assert_text(&fixture, last->chains[last->chain_count - 1].tcp.cluster, rows[i].cluster);
        fixture_fini(&fixture);
    }
}

static void test_the_mesh_says_ports_and_headers(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_sidecar(&fixture,
                    SERVICE("a", "http", "80")
                        MESH("{proxyListenPort: 15011, proxyInboundListenPort: 15016, "
                             "defaultConfig: {proxyHeaders: {server: {value: me}, attemptCount: "
                             "{disabled: true}}, gatewayTopology: {numTrustedProxies: 2}}}"));
    assert_text(&fixture, listeners_of(&fixture), "0.0.0.0:80 0.0.0.0:15011 0.0.0.0:15016");
    const struct filter_chain *chain = &fixture.snapshot->listeners[0].chains[0];
    assert_text(&fixture, chain->http.server_name, "me");
    assert_int_equal(chain->http.xff_trusted_hops, 0);
    assert_false(fixture_host(&fixture, "80", "a.default.svc.cluster.local:80")->has_attempt_count);
    fixture_fini(&fixture);
}

#define VM(ports)                                                                          \
    "apiVersion: networking.istio.io/v1\nkind: WorkloadEntry\nmetadata: {name: w}\nspec: " \
    "{address: 10.0.0.1, labels: {app: a}, ports: {" ports "}}\n---\n"
#define LED(more)                                                                                \
    "apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {selector: {app: a}, " more "}\n" \
    "---\n"

/* A Service's named target is a port that the entry names; a number is the entry's own
 * of the Service's port, else itself. Headless Services have pods only. */
static void test_services_lead_to_workload_entries(void **state)
{
    (void)state;
    static const struct {
        const char *service, *vm, *want;
    } rows[] = {
        {LED("ports: [{name: http, port: 80, targetPort: 8080}]"), VM(""), "10.0.0.1:8080"},
        {LED("ports: [{name: http, port: 80, targetPort: 8080}]"), VM("http: 90"), "10.0.0.1:90"},
        {LED("ports: [{name: http, port: 80, targetPort: main}]"), VM("main: 91"), "10.0.0.1:91"},
        {LED("ports: [{name: http, port: 80, targetPort: main}]"), VM("http: 92"), ""},
        {LED("clusterIP: None, ports: [{name: http, port: 80}]"), VM(""), ""},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct fixture fixture;
        fixture_gateway(&fixture, mesh_text("%s%s", rows[i].service, rows[i].vm));
        assert_text(&fixture, endpoints_of(&fixture, "outbound|80||a.default.svc.cluster.local"),
                    rows[i].want);
        fixture_fini(&fixture);
    }
}

#define X(name, namespace, more)                                        \
    ENTRY(name, namespace,                                              \
          "hosts: [x.test], resolution: STATIC, endpoints: [{address: " \
          "10.0.0.1}], ports: [" more "]")

/* The port of a destination without one is the only one of a service: at a gateway, of
 * the VirtualService's namespace's before others'. */
static void test_a_gateway_takes_services_of_the_rule_s_namespace(void **state)
{
    (void)state;
    static const char *const text = X("a", "other", "{number: 81, name: http, protocol: HTTP}")
        X("b", "default", "{number: 82, name: http, protocol: HTTP}") GATEWAY(
            "g") "  servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: ['*']}]\n"
                 "---\n" VIRTUAL_SERVICE(
                     "v") "  hosts: [x.test]\n  gateways: [g]\n"
                          "  http: [{route: [{destination: {host: x.test}}]}]\n";
    struct fixture fixture;
    fixture_gateway(&fixture, text);
    assert_text(&fixture, fixture_routes(&fixture, "http.80", "x.test:80"), "outbound|82||x.test");
    fixture_fini(&fixture);
}

/* The endpoint of one entry is no target of another entry of the host. */
static void test_lent_endpoints_are_no_targets(void **state)
{
    (void)state;
    static const char *const text =
        "apiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata: {name: young, "
        "creationTimestamp: '2024-01-01T00:00:00Z'}\nspec: {hosts: [y.test, 'a.test'], "
        "resolution: STATIC, endpoints: [{address: 127.9.9.9}], "
        "ports: [{number: 80, name: http, protocol: HTTP}]}\n---\n"
        "apiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata: {name: old, "
        "creationTimestamp: '2020-01-01T00:00:00Z'}\nspec: {hosts: [y.test], resolution: STATIC, "
        "ports: [{number: 80, name: http, protocol: HTTP}]}\n";
    struct fixture fixture;
    fixture_sidecar(&fixture, text);
    const struct listener *inbound =
        &fixture.snapshot->listeners[fixture.snapshot->listener_count - 1];
    const struct filter_chain *chain = &inbound->chains[inbound->chain_count - 1];
    assert_text(&fixture, chain->http.routes->virtual_hosts[0].routes[0].decorator, "a.test:80/*");
    fixture_fini(&fixture);
}

/* Clusters go by the ports' names, listeners by what the youngest namesake knows of the
 * port's number. */
static void test_namesakes_have_one_set_of_listeners(void **state)
{
    (void)state;
    static const struct {
        const char *port, *want;
    } rows[] = {
        /* The entry's number is another one: nobody knows of an endpoint. */
        {"{number: 444, name: tls, protocol: TLS}", "0.0.0.0:443"},
        {"{number: 443, name: other, protocol: TLS}", "10.0.0.1:443"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct fixture fixture;
        fixture_sidecar(&fixture,
                        mesh_text(ENTRY("a", "default",
                                        "hosts: [x.test], resolution: NONE, ports: [{number: 443, "
                                        "name: tls, protocol: TLS}]")
                                      ENTRY("b", "default",
                                            "hosts: [x.test], resolution: STATIC, addresses: "
                                            "[240.0.0.1], endpoints: [{address: 10.0.0.1}], "
                                            "ports: [%s]"),
                                  rows[i].port));
        assert_text(&fixture,
                    arena_format(&fixture.arena, "%.*s:%u",
                                 STR_FMT(fixture.snapshot->listeners[0].address),
                                 fixture.snapshot->listeners[0].port),
                    rows[i].want);
        fixture_fini(&fixture);
    }
}

#define RULE(name, more)                                                                        \
    DESTINATION_RULE(name)                                                                      \
    "  host: a.default.svc.cluster.local\n  subsets: [{name: " name ", labels: {v: x}}]\n" more \
    "---\n"

/* A rule is told with each that it may be told with; the last one says whether it stays
 * one of its own, and of several the last counts. */
static void test_rules_of_one_host_meet_one_by_one(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_sidecar(&fixture, SERVICE("a", "http", "80") RULE("r1", "")
                                  RULE("r2", "  exportTo: [.]\n") RULE("r3", ""));
    assert_non_null(
        snapshot_cluster(fixture.snapshot, STR("outbound|80|r3|a.default.svc.cluster.local")));
    assert_null(
        snapshot_cluster(fixture.snapshot, STR("outbound|80|r1|a.default.svc.cluster.local")));
    assert_null(
        snapshot_cluster(fixture.snapshot, STR("outbound|80|r2|a.default.svc.cluster.local")));
    fixture_fini(&fixture);
}

/* Two servers may listen on one port: the routes are those of the first that has some. */
static void test_servers_of_one_port_share_routes(void **state)
{
    (void)state;
    static const char *const text =
        "apiVersion: v1\nkind: Service\nmetadata: {name: gw, namespace: istio-system}\n"
        "spec: {selector: {istio: ingressgateway}, ports: [{name: http, port: 80, targetPort: "
        "8080}]}\n---\n"
        "apiVersion: v1\nkind: Pod\nmetadata: {name: gateway-0, namespace: istio-system, labels: "
        "{istio: ingressgateway}}\nspec: {}\nstatus: {podIP: 127.9.9.8}\n---\n" SERVICE(
            "a", "http", "80") GATEWAY("g") "  servers:\n  - {port: {number: 8080, name: a, "
                                            "protocol: HTTP}, hosts: [x.test]}\n"
                                            "  - {port: {number: 80, name: b, protocol: HTTP}, "
                                            "hosts: [x.test]}\n---\n" VIRTUAL_SERVICE(
                                                "v") "  hosts: [x.test]\n  gateways: [g]\n"
                                                     "  http: [{match: [{port: 80}], route: "
                                                     "[{destination: {host: a}}]}]\n";
    struct fixture fixture;
    fixture_gateway(&fixture, text);
    assert_text(&fixture, fixture_routes(&fixture, "http.8080", "x.test:80"),
                "outbound|80||a.default.svc.cluster.local");
    fixture_fini(&fixture);
}

static void test_the_mesh_has_defaults_for_tls(void **state)
{
    (void)state;
    static const char *const text = SERVICE("a", "http", "80")
        DESTINATION_RULE("a") "  host: a\n  trafficPolicy: {tls: {mode: SIMPLE}}\n---\n" MESH(
            "{tlsDefaults: {cipherSuites: [ONE], ecdhCurves: [P-256]}, meshMTLS: "
            "{ecdhCurves: [P-384]}}");
    struct fixture fixture;
    fixture_sidecar(&fixture, text);
    const struct upstream_tls *tls =
        snapshot_cluster(fixture.snapshot, STR("outbound|80||a.default.svc.cluster.local"))->tls;
    assert_int_equal(tls->cipher_count, 1);
    assert_text(&fixture, tls->ciphers[0], "ONE");
    assert_text(&fixture, tls->curves[0], "P-256");
    const struct listener *inbound =
        &fixture.snapshot->listeners[fixture.snapshot->listener_count - 1];
    for (uint32_t i = 0; i < inbound->chain_count; i++) {
        if (inbound->chains[i].tls != NULL)
            assert_text(&fixture, inbound->chains[i].tls->curves[0], "P-384");
    }
    fixture_fini(&fixture);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_proxy_knows_addresses_of_its_family),
        cmocka_unit_test(test_names_are_looked_up_in_the_family_of_the_proxy),
        cmocka_unit_test(test_an_egress_listener_may_be_a_socket_file),
        cmocka_unit_test(test_the_unknown_may_go_to_a_proxy),
        cmocka_unit_test(test_the_mesh_says_ports_and_headers),
        cmocka_unit_test(test_services_lead_to_workload_entries),
        cmocka_unit_test(test_a_gateway_takes_services_of_the_rule_s_namespace),
        cmocka_unit_test(test_lent_endpoints_are_no_targets),
        cmocka_unit_test(test_namesakes_have_one_set_of_listeners),
        cmocka_unit_test(test_rules_of_one_host_meet_one_by_one),
        cmocka_unit_test(test_servers_of_one_port_share_routes),
        cmocka_unit_test(test_the_mesh_has_defaults_for_tls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
