/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/config/translate/test_service_entry.c - hosts that are no Kubernetes
 * Service, their endpoints, and where endpoints are (ISTIO.md 1.7, 3.6, 7.1).
 */
#include "tests/config/translate/fixture.h"

#include "proxy/model/print_parts.h"

#define ENTRY(name, spec)                                                                        \
    "apiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata: {name: " name "}\nspec: " \
    "{" spec "}\n---\n"
#define WORKLOAD_ENTRY(name, spec)                                                          \
    "apiVersion: networking.istio.io/v1\nkind: WorkloadEntry\nmetadata: {name: " name "}\n" \
    "spec: {" spec "}\n---\n"
#define HTTP_80 "ports: [{number: 80, name: http, protocol: HTTP}]"

/* "address:port*weight" of each endpoint, sorted as they stand. */
static struct str endpoints_of(struct fixture *fixture, const char *name)
{
    const struct cluster *cluster = snapshot_cluster(fixture->snapshot, str_of(name));
    struct str out = STR("");

    if (cluster == NULL)
        return STR("no cluster");
    for (uint32_t i = 0; i < cluster->endpoint_count; i++) {
        const struct endpoint *endpoint = &cluster->endpoints[i];
        out = arena_format(&fixture->arena, "%.*s%s%.*s:%u*%u%s", STR_FMT(out), i > 0 ? " " : "",
                           STR_FMT(endpoint->address), endpoint->port, endpoint->weight,
                           endpoint->is_tls_mode_istio ? "+tls" : "");
    }
    return out;
}

static void test_resolutions_are_kinds_of_clusters(void **state)
{
    (void)state;
    static const struct {
        const char *spec;
        enum cluster_type type, gateway_type;
        const char *endpoints;
    } rows[] = {
        {"resolution: NONE", CLUSTER_ORIGINAL_DST, CLUSTER_EDS, ""},
        {"resolution: STATIC, endpoints: [{address: 10.0.0.1, weight: 2}, {address: 10.0.0.2, "
         "ports: {http: 8080}, serviceAccount: vm}]",
         CLUSTER_EDS, CLUSTER_EDS, "10.0.0.1:80*2 10.0.0.2:8080*1+tls"},
        {"resolution: STATIC, endpoints: [{address: 'unix:///a.sock'}]", CLUSTER_EDS, CLUSTER_EDS,
         "unix:///a.sock:0*1"},
        {"resolution: DNS", CLUSTER_STRICT_DNS, CLUSTER_STRICT_DNS, "x.test:80*1"},
        {"resolution: DNS, endpoints: [{address: a.test}, {address: b.test}]", CLUSTER_STRICT_DNS,
         CLUSTER_STRICT_DNS, "a.test:80*1 b.test:80*1"},
        {"resolution: DNS_ROUND_ROBIN, endpoints: [{address: a.test}]", CLUSTER_LOGICAL_DNS,
         CLUSTER_LOGICAL_DNS, "a.test:80*1"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct fixture fixture;
        const char *text = mesh_text(
            ENTRY("e", "hosts: [x.test], location: MESH_INTERNAL, " HTTP_80 ", %s"), rows[i].spec);
        fixture_sidecar(&fixture, text);
        const struct cluster *cluster =
            snapshot_cluster(fixture.snapshot, STR("outbound|80||x.test"));
        assert_non_null(cluster);
        assert_int_equal(cluster->type, rows[i].type);
        assert_text(&fixture, endpoints_of(&fixture, "outbound|80||x.test"), rows[i].endpoints);
        fixture_fini(&fixture);
        fixture_gateway(&fixture, text);
        cluster = snapshot_cluster(fixture.snapshot, STR("outbound|80||x.test"));
        assert_int_equal(cluster->type, rows[i].gateway_type);
        fixture_fini(&fixture);
    }
}

static void test_workload_entries_and_pods_are_selected_alike(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_sidecar(
        &fixture,
        ENTRY("e",
              "hosts: [x.test], location: MESH_INTERNAL, resolution: STATIC, workloadSelector: "
              "{labels: {app: vm}}, ports: [{number: 80, name: http, protocol: HTTP, "
              "targetPort: 81}]") SERVICE("vm", "http",
                                          "80") WORKLOAD_ENTRY("w", "address: 10.0.0.1, labels: "
                                                                    "{app: vm}, ports: {http: 90}")
            WORKLOAD_ENTRY("n", "address: a.name, labels: {app: vm}") WORKLOAD_ENTRY(
                "o",
                "address: 10.0.0.2, labels: {app: other}") "apiVersion: v1\nkind: Pod\nmetadata: "
                                                           "{name: p, labels: {app: vm}}\n"
                                                           "spec: {}\nstatus: {podIP: 10.0.0.9}\n");
    assert_text(&fixture, endpoints_of(&fixture, "outbound|80||x.test"),
                "10.0.0.9:81*1+tls 10.0.0.1:90*1");
    assert_text(&fixture, endpoints_of(&fixture, "outbound|80||vm.default.svc.cluster.local"),
                "10.0.0.9:80*1+tls 10.0.0.1:90*1");
    fixture_fini(&fixture);
}

/* Each address has its own listener; the endpoints are counted for each, and a network
 * is a domain as an address is. */
static void test_several_addresses_of_a_host(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_sidecar(&fixture,
                    ENTRY("e", "hosts: [x.test], location: MESH_INTERNAL, resolution: STATIC, "
                               "addresses: [240.0.0.1, 240.0.0.2], " HTTP_80
                               ", endpoints: [{address: 10.0.0.1}, {address: 10.0.0.2}]")
                        ENTRY("n", "hosts: [n.test], resolution: NONE, "
                                   "addresses: [10.1.0.0/16], " HTTP_80));
    assert_text(&fixture, endpoints_of(&fixture, "outbound|80||x.test"),
                "10.0.0.1:80*1 10.0.0.2:80*1 10.0.0.1:80*1 10.0.0.2:80*1");
    assert_text(&fixture, fixture_domains(&fixture, fixture_host(&fixture, "80", "n.test:80")),
                "n.test,n.test.,10.1.0.0/16");
    fixture_fini(&fixture);
}

/* A workload of a ServiceEntry answers at its ports, whatever Services there are. */
static void test_entries_of_the_proxy_are_inbound(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_sidecar(&fixture,
                    ENTRY("e", "hosts: [x.test, y.test], location: MESH_INTERNAL, "
                               "resolution: STATIC, " HTTP_80
                               ", endpoints: [{address: 127.9.9.9, ports: {http: 8080}}]")
                        ENTRY("o", "hosts: [o.test], resolution: STATIC, ports: [{number: "
                                   "90, name: http, protocol: HTTP}], "
                                   "endpoints: [{address: 10.0.0.1}]"));
    assert_non_null(snapshot_cluster(fixture.snapshot, STR("inbound|8080||")));
    assert_null(snapshot_cluster(fixture.snapshot, STR("inbound|90||")));
    fixture_fini(&fixture);
}

/* What is hidden from the caller is there where a VirtualService leads to it. */
static void test_streams_lead_to_hidden_hosts(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_sidecar(
        &fixture,
        ENTRY("e", "hosts: [x.test], resolution: NONE, ports: [{number: 9000, name: tcp, "
                   "protocol: TCP}], exportTo: [other]")
            SERVICE(
                "a", "tcp",
                "9000") "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: "
                        "{name: v}\n"
                        "spec: {hosts: [a], tcp: [{route: [{destination: {host: x.test}}]}]}\n");
    assert_text(&fixture, endpoints_of(&fixture, "outbound|9000||x.test"), "");
    fixture_fini(&fixture);
}

/* A Service's host is the Service's, and the endpoints are one set. */
static void test_one_host_of_several_objects(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_sidecar(&fixture,
                    ENTRY("shadow", "hosts: [a.default.svc.cluster.local], location: "
                                    "MESH_INTERNAL, resolution: STATIC, ports: [{number: 80, name: "
                                    "http, protocol: HTTP}, {number: 81, name: tls, protocol: "
                                    "TLS}], endpoints: [{address: 10.0.0.1}]")
                        SERVICE("a", "http", "80") POD("a-1", "a")
                            ENTRY("one", "hosts: [x.test], resolution: DNS, " HTTP_80)
                                ENTRY("two", "hosts: [x.test], resolution: DNS, ports: [{number: "
                                             "81, name: other, protocol: HTTP}]")
                                    ENTRY("three", "hosts: [x.test], resolution: NONE, ports: "
                                                   "[{number: 82, name: none, protocol: HTTP}]"));
    const struct cluster *a =
        snapshot_cluster(fixture.snapshot, STR("outbound|80||a.default.svc.cluster.local"));
    assert_int_equal(a->endpoint_count, 2);
    assert_null(
        snapshot_cluster(fixture.snapshot, STR("outbound|81||a.default.svc.cluster.local")));
    assert_text(&fixture, endpoints_of(&fixture, "outbound|80||x.test"), "x.test:80*1");
    assert_text(&fixture, endpoints_of(&fixture, "outbound|81||x.test"), "x.test:81*1");
    assert_text(&fixture, endpoints_of(&fixture, "outbound|82||x.test"), "no cluster");
    fixture_fini(&fixture);
}

/* One name for a port of DNS_ROUND_ROBIN, and only where nobody came first; a
 * LOGICAL_DNS cluster has the names of others too. */
static void test_round_robin_comes_once_for_each_port(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_sidecar(&fixture,
                    ENTRY("a", "hosts: [x.test], resolution: DNS_ROUND_ROBIN, addresses: "
                               "[240.0.0.1, 240.0.0.2], " HTTP_80)
                        ENTRY("b", "hosts: [x.test], resolution: DNS, " HTTP_80)
                            ENTRY("c", "hosts: [y.test], resolution: DNS, " HTTP_80)
                                ENTRY("d", "hosts: [y.test], resolution: DNS_ROUND_ROBIN, " HTTP_80)
                                    ENTRY("e", "hosts: [z.test], resolution: DNS, ports: "
                                               "[{number: 80, name: one, protocol: HTTP}]")
                                        ENTRY("f", "hosts: [z.test], resolution: DNS, " HTTP_80));
    assert_text(&fixture, endpoints_of(&fixture, "outbound|80||x.test"), "x.test:80*1 x.test:80*1");
    assert_text(&fixture, endpoints_of(&fixture, "outbound|80||y.test"), "y.test:80*1");
    /* Names of ports do not count here. */
    assert_text(&fixture, endpoints_of(&fixture, "outbound|80||z.test"), "z.test:80*1 z.test:80*1");
    fixture_fini(&fixture);
}

/* Clients are told the names that the last object of a host says. */
static void test_the_last_one_names_the_host(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_sidecar(&fixture,
                    ENTRY("a", "hosts: [x.test, y.test], location: MESH_INTERNAL, resolution: DNS, "
                               "subjectAltNames: [one], " HTTP_80)
                        ENTRY("b", "hosts: [x.test], resolution: DNS, " HTTP_80) DESTINATION_RULE(
                            "x") "  host: y.test\n  trafficPolicy: {tls: {mode: SIMPLE}}\n");
    const struct cluster *x = snapshot_cluster(fixture.snapshot, STR("outbound|80||x.test"));
    const struct cluster *y = snapshot_cluster(fixture.snapshot, STR("outbound|80||y.test"));
    assert_int_equal(x->security, UPSTREAM_TLS_BY_ENDPOINT);
    assert_int_equal(x->tls->name_count, 0);
    assert_int_equal(y->tls->name_count, 1);
    assert_text(&fixture, y->tls->names[0], "one");
    fixture_fini(&fixture);
}

static void test_hosts_are_names_without_short_forms(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_sidecar(&fixture, ENTRY("e", "hosts: [x.test], addresses: [240.0.0.1/32], "
                                         "resolution: STATIC, " HTTP_80));
    assert_text(&fixture, fixture_domains(&fixture, fixture_host(&fixture, "80", "x.test:80")),
                "x.test,x.test.,240.0.0.1");
    fixture_fini(&fixture);
}

/* Where streams to a ServiceEntry are caught. */
static void test_addresses_are_listeners_and_networks_are_matches(void **state)
{
    (void)state;
    static const struct {
        const char *addresses, *listener;
        bool has_subnet;
    } rows[] = {
        {"", "0.0.0.0_90", false},
        {"addresses: [240.0.0.1], ", "240.0.0.1_90", false},
        {"addresses: [10.9.0.0/16], ", "0.0.0.0_90", true},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct fixture fixture;
        fixture_sidecar(
            &fixture,
            mesh_text(ENTRY("e",
                            "hosts: [x.test], %sresolution: NONE, ports: [{number: 90, name: tcp, "
                            "protocol: TCP}]"),
                      rows[i].addresses));
        const struct listener *found = NULL;
        for (uint32_t k = 0; k < fixture.snapshot->listener_count; k++) {
            if (str_eq(fixture.snapshot->listeners[k].name, str_of(rows[i].listener)))
                found = &fixture.snapshot->listeners[k];
        }
        assert_non_null(found);
        assert_int_equal(found->default_chain != NULL, rows[i].has_subnet);
        fixture_fini(&fixture);
    }
}

#define AT(number, place)                                                                     \
    "apiVersion: v1\nkind: Pod\nmetadata: {name: p" number ", labels: {app: a, "              \
    "istio-locality: " place ", version: v" number "}}\nspec: {}\nstatus: {podIP: 10." number \
    ".0.1}\n---\n"

/* The client is in eu.a.x. "region/zone/subzone p PRIORITY w WEIGHT (ENDPOINTS)" */
static void test_localities_get_shares_or_priorities(void **state)
{
    (void)state;
    static const struct {
        const char *policy, *want;
    } rows[] = {
        {"{loadBalancer: {simple: RANDOM}}",
         "eu/a/x p0 w1 1, eu/a/y p0 w1 1, eu/b/ p0 w1 1, us/a/ p0 w2 2"},
        {"{outlierDetection: {interval: 1s}}",
         "eu/a/x p0 w1 1, eu/a/y p1 w1 1, eu/b/ p2 w1 1, us/a/ p3 w2 2"},
        {"{outlierDetection: {interval: 1s}, loadBalancer: {localityLbSetting: {enabled: false}}}",
         "eu/a/x p0 w1 1, eu/a/y p0 w1 1, eu/b/ p0 w1 1, us/a/ p0 w2 2"},
        {"{loadBalancer: {localityLbSetting: {distribute: [{from: 'eu/a/*', to: {'eu/a/*': 70, "
         "us: 30}}]}}}",
         "eu/a/x p0 w35 1, eu/a/y p0 w35 1, eu/b/ p0 w1 0, us/a/ p0 w30 2"},
        {"{outlierDetection: {interval: 1s}, loadBalancer: {localityLbSetting: "
         "{failoverPriority: ['topology.kubernetes.io/region', 'version=v5']}}}",
         /* No workload is version 5: the others differ in the last label. */
         "eu/a/x p0 w1 1, eu/a/y p0 w1 1, eu/b/ p0 w1 1, us/a/ p1 w2 2"},
    };
    static const struct label labels[] = {{STR_INIT("app"), STR_INIT("client")},
                                          {STR_INIT("istio-locality"), STR_INIT("eu.a.x")}};
    static const struct proxy_identity client = {.type = PROXY_SIDECAR,
                                                 .name = STR_INIT("client-0"),
                                                 .namespace = STR_INIT("default"),
                                                 .labels = labels,
                                                 .label_count = 2,
                                                 .address = STR_INIT("127.9.9.9"),
                                                 .service_account = STR_INIT("default")};
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct fixture fixture;
        fixture_init(&fixture,
                     mesh_text(SERVICE("a", "http", "80") AT("4", "us.a") AT("1", "eu.a.x")
                                   AT("2", "eu.a.y") AT("3", "eu.b") AT("6", "us.a")
                                       DESTINATION_RULE("a") "  host: a\n  trafficPolicy: %s\n",
                               rows[i].policy),
                     &client, "istio-latest");
        const struct cluster *cluster =
            snapshot_cluster(fixture.snapshot, STR("outbound|80||a.default.svc.cluster.local"));
        struct str got = STR("");
        for (uint32_t k = 0; k < cluster->locality_count; k++) {
            const struct locality_endpoints *group = &cluster->localities[k];
            got = arena_format(&fixture.arena, "%.*s%s%.*s/%.*s/%.*s p%u w%u %u", STR_FMT(got),
                               k > 0 ? ", " : "", STR_FMT(group->locality.region),
                               STR_FMT(group->locality.zone), STR_FMT(group->locality.subzone),
                               group->priority, group->weight, group->count);
        }
        assert_text(&fixture, got, rows[i].want);
        fixture_fini(&fixture);
    }
}

#define CAPTURE                                                                                  \
    "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: istio, namespace: istio-system}\ndata:\n" \
    "  mesh: |\n    defaultConfig: {proxyMetadata: {ISTIO_META_DNS_CAPTURE: 'true'}}\n---\n"
#define TCP_90 "ports: [{number: 90, name: tcp, protocol: TCP}]"
#define DNS_90(name, host, meta, more)                                                    \
    "apiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata: {name: " name meta \
    "}\nspec: {hosts: [" host "], resolution: DNS, " TCP_90 "}\n" more "---\n"

/* "ADDRESS" of each listener of port 90. */
static struct str addresses_of_90(struct fixture *fixture)
{
    struct str out = STR("");
    for (uint32_t i = 0; i < fixture->snapshot->listener_count; i++) {
        const struct listener *listener = &fixture->snapshot->listeners[i];
        if (listener->port == 90)
            out = arena_format(&fixture->arena, "%.*s%s%.*s", STR_FMT(out), out.len > 0 ? " " : "",
                               STR_FMT(listener->address));
    }
    return out;
}

static void test_proxies_that_answer_dns_have_addresses_of_their_own(void **state)
{
    (void)state;
    static const struct {
        const char *text, *want;
    } rows[] = {
        {DNS_90("a", "a.test", "", ""), "0.0.0.0"},
        {CAPTURE DNS_90("a", "a.test", "", ""), "240.240.0.1"},
        {CAPTURE DNS_90("b", "b.test", "", "") DNS_90("a", "a.test", "", ""),
         "240.240.0.1 240.240.0.2"},
        {CAPTURE DNS_90("a", "a.test", "",
                        "status: {addresses: [{host: a.test, value: 'fd00::1'}, {host: a.test, "
                        "value: 240.240.7.7}]}\n"),
         "240.240.7.7"},
        {CAPTURE DNS_90("a", "a.test", "", "") DNS_90(
             "b", "b.test", "", "status: {addresses: [{host: b.test, value: 240.240.0.1}]}\n"),
         "240.240.0.2 240.240.0.1"},
        {CAPTURE DNS_90("a", "a.test",
                        ", labels: {networking.istio.io/enable-autoallocate-ip: 'False'}", ""),
         "0.0.0.0"},
        {CAPTURE ENTRY("a", "hosts: [a.test], resolution: NONE, " TCP_90), "0.0.0.0"},
        {CAPTURE ENTRY("a", "hosts: [a.test], addresses: [10.9.9.9], resolution: DNS, " TCP_90),
         "10.9.9.9"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct fixture fixture;
        fixture_sidecar(&fixture, rows[i].text);
        assert_text(&fixture, addresses_of_90(&fixture), rows[i].want);
        fixture_fini(&fixture);
    }
}

static void test_an_address_of_their_own_is_a_domain(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_sidecar(&fixture, CAPTURE ENTRY("a", "hosts: [a.test], resolution: DNS, " HTTP_80));
    const struct virtual_host *host = fixture_host(&fixture, "80", "a.test:80");
    assert_non_null(host);
    assert_text(&fixture, fixture_domains(&fixture, host), "a.test,a.test.,240.240.0.1");
    fixture_fini(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_resolutions_are_kinds_of_clusters),
        cmocka_unit_test(test_workload_entries_and_pods_are_selected_alike),
        cmocka_unit_test(test_several_addresses_of_a_host),
        cmocka_unit_test(test_entries_of_the_proxy_are_inbound),
        cmocka_unit_test(test_streams_lead_to_hidden_hosts),
        cmocka_unit_test(test_one_host_of_several_objects),
        cmocka_unit_test(test_round_robin_comes_once_for_each_port),
        cmocka_unit_test(test_the_last_one_names_the_host),
        cmocka_unit_test(test_hosts_are_names_without_short_forms),
        cmocka_unit_test(test_addresses_are_listeners_and_networks_are_matches),
        cmocka_unit_test(test_localities_get_shares_or_priorities),
        cmocka_unit_test(test_proxies_that_answer_dns_have_addresses_of_their_own),
        cmocka_unit_test(test_an_address_of_their_own_is_a_domain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
