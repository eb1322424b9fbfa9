/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/config/translate/test_corners.c - what few meshes meet: a row for each
 * rule that made-up meshes, given to a real istiod, have shown.
 */
#include "tests/config/translate/fixture.h"

static const struct listener *listener_of(const struct fixture *fixture, const char *name)
{
    for (uint32_t i = 0; i < fixture->snapshot->listener_count; i++) {
        if (str_eq(fixture->snapshot->listeners[i].name, str_of(name)))
            return &fixture->snapshot->listeners[i];
    }
    fail_msg("no listener %s", name);
    return NULL;
}

static const struct cluster *cluster_of(const struct fixture *fixture, const char *name)
{
    return snapshot_cluster(fixture->snapshot, str_of(name));
}

/* TLS to a service without an address is known by all of its names. */
static void test_aliases_are_server_names(void **state)
{
    (void)state;
    static const char *const text =
        "apiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata: {name: e}\n"
        "spec: {hosts: [x.test], resolution: DNS, ports: [{number: 443, name: tls, protocol: "
        "TLS}]}\n---\n"
        "apiVersion: v1\nkind: Service\nmetadata: {name: a}\n"
        "spec: {type: ExternalName, externalName: x.test, ports: [{name: tls, port: 443}]}\n";
    static const char *const want[] = {"a",
                                       "a.default",
                                       "a.default.svc",
                                       "a.default.svc.cluster.local",
                                       "a.default.svc.cluster.local.",
                                       "x.test"};
    struct fixture fixture;
    fixture_sidecar(&fixture, text);
    const struct filter_chain *chain = &listener_of(&fixture, "0.0.0.0_443")->chains[0];
    assert_int_equal(chain->server_name_count, COUNT_OF(want));
    for (uint32_t i = 0; i < COUNT_OF(want); i++)
        assert_text(&fixture, chain->server_names[i], want[i]);
    fixture_fini(&fixture);
}

/* Endpoints of a namesake's other ports take no listener away; and what has a name
 * for an address is no endpoint that a gateway is told of. */
static void test_endpoints_are_of_a_port(void **state)
{
    (void)state;
    static const char *const text =
        "apiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata: {name: a}\n"
        "spec: {hosts: [x.test], resolution: NONE, ports: [{number: 90, name: tcp, protocol: TCP}, "
        "{number: 80, name: http, protocol: HTTP}]}\n---\n"
        "apiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata: {name: b}\n"
        "spec: {hosts: [x.test], resolution: DNS, ports: [{number: 80, name: http, protocol: "
        "HTTP}]}\n";
    struct fixture fixture;
    fixture_sidecar(&fixture, text);
    assert_text(&fixture, listener_of(&fixture, "0.0.0.0_90")->chains[0].tcp.cluster,
                "outbound|90||x.test");
    fixture_fini(&fixture);
    fixture_gateway(&fixture, text);
    assert_int_equal(cluster_of(&fixture, "outbound|80||x.test")->type, CLUSTER_EDS);
    assert_int_equal(cluster_of(&fixture, "outbound|80||x.test")->endpoint_count, 0);
    fixture_fini(&fixture);
}

/* A container's port has a protocol as well as a name. */
static void test_named_ports_are_of_their_protocol(void **state)
{
    (void)state;
    static const char *const text =
        "apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec:\n  selector: {app: a}\n"
        "  ports: [{name: dns, port: 53, protocol: UDP, targetPort: named}, {name: http, port: 80, "
        "targetPort: named}]\n---\n"
        "apiVersion: v1\nkind: Pod\nmetadata: {name: a-1, labels: {app: a}}\nspec:\n"
        "  containers: [{ports: [{name: named, containerPort: 5353, protocol: UDP}, {name: named, "
        "containerPort: 8080}]}]\nstatus: {podIP: 127.9.9.9}\n";
    struct fixture fixture;
    fixture_sidecar(&fixture, text);
    const struct cluster *a = cluster_of(&fixture, "outbound|80||a.default.svc.cluster.local");
    assert_int_equal(a->endpoint_count, 1);
    assert_int_equal(a->endpoints[0].port, 8080);
    assert_non_null(cluster_of(&fixture, "inbound|8080||"));
    fixture_fini(&fixture);
}

/* The subset's own word for PASSTHROUGH counts even where its port has another. */
static void test_passthrough_of_a_subset_outlives_its_port(void **state)
{
    (void)state;
    static const char *const text =
        "apiVersion: v1\nkind: Service\nmetadata: {name: a}\n"
        "spec: {selector: {app: a}, ports: [{name: http, port: 80}]}\n---\n"
        "apiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: {name: a}\n"
        "spec:\n  host: a\n  subsets:\n  - name: v1\n    labels: {version: v1}\n"
        "    trafficPolicy: {loadBalancer: {simple: PASSTHROUGH}, portLevelSettings: "
        "[{port: {number: 80}, loadBalancer: {simple: RANDOM}}]}\n";
    struct fixture fixture;
    fixture_sidecar(&fixture, text);
    assert_int_equal(cluster_of(&fixture, "outbound|80|v1|a.default.svc.cluster.local")->type,
                     CLUSTER_ORIGINAL_DST);
    fixture_fini(&fixture);
}

/* A Sidecar's scope has the destinations of rules that may be for its namespace. */
static void test_destinations_of_other_namespaces_rules_are_not_known(void **state)
{
    (void)state;
    static const char *const text =
        "apiVersion: v1\nkind: Service\nmetadata: {name: a, namespace: other}\n"
        "spec: {ports: [{name: http, port: 80}]}\n---\n"
        "apiVersion: v1\nkind: Service\nmetadata: {name: b, namespace: other}\n"
        "spec: {ports: [{name: http, port: 80}]}\n---\n"
        "apiVersion: networking.istio.io/v1\nkind: Sidecar\nmetadata: {name: s}\n"
        "spec: {egress: [{hosts: ['*/x.test']}]}\n---\n"
        "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: v}\n"
        "spec:\n  hosts: [x.test]\n  http:\n"
        "  - match: [{sourceNamespace: other}, {uri: {prefix: /}}]\n"
        "    route: [{destination: {host: a.other.svc.cluster.local}}]\n"
        "  - match: [{sourceNamespace: other}, {sourceNamespace: default}]\n"
        "    route: [{destination: {host: b.other.svc.cluster.local}}]\n";
    struct fixture fixture;
    fixture_sidecar(&fixture, text);
    assert_null(cluster_of(&fixture, "outbound|80||a.other.svc.cluster.local"));
    assert_non_null(cluster_of(&fixture, "outbound|80||b.other.svc.cluster.local"));
    fixture_fini(&fixture);
}

/* An ExternalName whose port is UDP stands for nothing on that port. */
static void test_an_alias_without_the_port_stays_itself(void **state)
{
    (void)state;
    static const char *const text =
        "apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {type: ExternalName, "
        "externalName: x.test, ports: [{name: dns, port: 80, protocol: UDP}]}\n---\n"
        "apiVersion: v1\nkind: Service\nmetadata: {name: b}\nspec: {type: ExternalName, "
        "externalName: x.test, ports: [{name: http, port: 80}]}\n---\n"
        "apiVersion: v1\nkind: Service\nmetadata: {name: c}\n"
        "spec: {ports: [{name: http, port: 80}]}\n---\n"
        "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: v}\n"
        "spec:\n  hosts: [c]\n  http:\n"
        "  - {match: [{uri: {prefix: /a}}], route: [{destination: {host: a}}]}\n"
        "  - {route: [{destination: {host: b}}]}\n";
    struct fixture fixture;
    fixture_sidecar(&fixture, text);
    assert_text(&fixture, fixture_routes(&fixture, "80", "c.default.svc.cluster.local:80"),
                "outbound|80||a.default.svc.cluster.local,outbound|80||x.test");
    fixture_fini(&fixture);
}

/* The HTTP and HTTP2 servers of a port are two places once another address came
 * between them: they share the last one's table. */
static void test_places_of_one_port_share_a_table(void **state)
{
    (void)state;
    static const char *const text =
        "apiVersion: networking.istio.io/v1\nkind: Gateway\nmetadata: {name: g}\nspec:\n"
        "  selector: {istio: ingressgateway}\n  servers:\n"
        "  - {port: {number: 80, name: a, protocol: HTTP2}, hosts: [a.test]}\n"
        "  - {port: {number: 80, name: b, protocol: HTTP}, hosts: [b.test], bind: 127.0.0.9}\n"
        "  - {port: {number: 80, name: c, protocol: HTTP}, hosts: [c.test], tls: {httpsRedirect: "
        "true}}\n";
    struct fixture fixture;
    fixture_gateway(&fixture, text);
    const struct listener *all = listener_of(&fixture, "0.0.0.0_80");
    assert_int_equal(all->chain_count, 2);
    assert_ptr_equal(all->chains[0].http.routes, all->chains[1].http.routes);
    assert_int_equal(fixture.snapshot->route_config_count, 2);
    assert_non_null(fixture_host(&fixture, "http.80", "c.test:80"));
    assert_null(fixture_host(&fixture, "http.80", "a.test:80"));
    fixture_fini(&fixture);
}

/* Of one host's ServiceEntries in several namespaces a gateway takes the oldest;
 * a sidecar those of its own namespace. */
static void test_gateways_take_the_first_namesake(void **state)
{
    (void)state;
    static const char *const text =
        "apiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata: {name: a, namespace: "
        "istio-system}\nspec: {hosts: [x.test], ports: [{number: 80, name: http, protocol: "
        "HTTP}]}\n---\n"
        "apiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata: {name: b, namespace: "
        "default, creationTimestamp: '2020-01-01T00:00:00Z'}\nspec: {hosts: [x.test], ports: "
        "[{number: 81, name: http, protocol: HTTP}]}\n";
    struct fixture fixture;
    fixture_gateway(&fixture, text);
    assert_null(cluster_of(&fixture, "outbound|80||x.test"));
    assert_non_null(cluster_of(&fixture, "outbound|81||x.test"));
    fixture_fini(&fixture);
}

/* Of ServiceEntries without resolution that are one the first one's ports may lead
 * elsewhere; and a host of two addresses lends its endpoints for each of them. */
static void test_namesakes_are_one_service(void **state)
{
    (void)state;
    static const char *const text =
        "apiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata: {name: a}\n"
        "spec: {hosts: [x.test], ports: [{number: 80, name: http, protocol: HTTP, targetPort: "
        "8080}]}\n---\n"
        "apiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata: {name: b}\n"
        "spec: {hosts: [x.test], ports: [{number: 81, name: more, protocol: HTTP, targetPort: "
        "8081}]}\n---\n"
        "apiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata: {name: c}\n"
        "spec: {hosts: [x.test], addresses: [240.0.0.1, 240.0.0.2], resolution: STATIC, ports: "
        "[{number: 80, name: http, protocol: HTTP}], endpoints: [{address: 10.0.0.1}]}\n";
    struct fixture fixture;
    fixture_sidecar(&fixture, text);
    assert_int_equal(cluster_of(&fixture, "outbound|80||x.test")->original_port_override, 8080);
    assert_int_equal(cluster_of(&fixture, "outbound|81||x.test")->original_port_override, 0);
    fixture_fini(&fixture);
    fixture_gateway(&fixture, text);
    assert_int_equal(cluster_of(&fixture, "outbound|80||x.test")->endpoint_count, 2);
    fixture_fini(&fixture);
}

/* A delegate's own block of headers stands for the root's, even if it is empty. */
static void test_empty_headers_of_a_delegate_stay(void **state)
{
    (void)state;
    static const char *const text =
        "apiVersion: v1\nkind: Service\nmetadata: {name: a}\n"
        "spec: {ports: [{name: http, port: 80}]}\n---\n"
        "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: v}\nspec:\n"
        "  hosts: [a]\n  http:\n  - delegate: {name: d}\n"
        "    headers: {request: {remove: [x-gone]}}\n---\n"
        "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: d}\nspec:\n"
        "  http:\n  - {match: [{uri: {exact: /a}}], route: [{destination: {host: a}}], headers: "
        "{request: {}}}\n"
        "  - {route: [{destination: {host: a}}]}\n";
    struct fixture fixture;
    fixture_sidecar(&fixture, text);
    const struct virtual_host *host =
        fixture_host(&fixture, "80", "a.default.svc.cluster.local:80");
    assert_int_equal(host->route_count, 2);
    assert_int_equal(host->routes[0].request_headers.remove_count, 0);
    assert_int_equal(host->routes[1].request_headers.remove_count, 1);
    fixture_fini(&fixture);
}

/* A match's subnets hold for those after it: the two chains are one to Envoy, and
 * istiod tells of both. */
static void test_a_service_alone_keeps_chains_that_are_alike(void **state)
{
    (void)state;
    static const char *const text =
        "apiVersion: v1\nkind: Service\nmetadata: {name: a}\n"
        "spec: {clusterIP: 10.1.1.1, ports: [{name: https, port: 443}]}\n---\n"
        "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: v}\nspec:\n"
        "  hosts: [a]\n  tls:\n  - match:\n"
        "    - {sniHosts: [a], destinationSubnets: [10.0.0.0/8]}\n    - {sniHosts: [a]}\n"
        "    route: [{destination: {host: a}}]\n";
    struct fixture fixture;
    fixture_sidecar(&fixture, text);
    assert_int_equal(listener_of(&fixture, "10.1.1.1_443")->chain_count, 2);
    fixture_fini(&fixture);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_aliases_are_server_names),
        cmocka_unit_test(test_endpoints_are_of_a_port),
        cmocka_unit_test(test_named_ports_are_of_their_protocol),
        cmocka_unit_test(test_passthrough_of_a_subset_outlives_its_port),
        cmocka_unit_test(test_destinations_of_other_namespaces_rules_are_not_known),
        cmocka_unit_test(test_an_alias_without_the_port_stays_itself),
        cmocka_unit_test(test_places_of_one_port_share_a_table),
        cmocka_unit_test(test_gateways_take_the_first_namesake),
        cmocka_unit_test(test_namesakes_are_one_service),
        cmocka_unit_test(test_empty_headers_of_a_delegate_stay),
        cmocka_unit_test(test_a_service_alone_keeps_chains_that_are_alike),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
