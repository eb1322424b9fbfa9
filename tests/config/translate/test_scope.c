/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/config/translate/test_scope.c - what a proxy sees through its Sidecar
 * (ISTIO.md 1.8).
 */
#include "tests/config/translate/fixture.h"

#define SIDECAR(name, namespace, spec)                                          \
    "apiVersion: networking.istio.io/v1\nkind: Sidecar\nmetadata: {name: " name \
    ", namespace: " namespace "}\nspec: {" spec "}\n---\n"
#define SERVICE_IN(name, namespace)                                                          \
    "apiVersion: v1\nkind: Service\nmetadata: {name: " name                                  \
    ", namespace: " namespace "}\n"                                                          \
                              "spec: {ports: [{name: http, port: 80}, {name: http-b, port: " \
                              "81}]}\n---\n"
#define WORLD SERVICE_IN("a", "default") SERVICE_IN("b", "default") SERVICE_IN("a", "other")

/* The outbound clusters, "PORT name.namespace" each, as they stand. */
static struct str seen(struct fixture *fixture)
{
    struct str out = STR("");

    for (uint32_t i = 0; i < fixture->snapshot->cluster_count; i++) {
        const struct cluster *cluster = &fixture->snapshot->clusters[i];
        if (cluster->service_host.len == 0 || cluster->is_inbound)
            continue;
        out = arena_format(&fixture->arena, "%.*s%s%u %.*s.%.*s", STR_FMT(out),
                           out.len > 0 ? ", " : "", cluster->service_port,
                           STR_FMT(cluster->service_name), STR_FMT(cluster->service_namespace));
    }
    return out;
}

static void test_hosts_let_services_in(void **state)
{
    (void)state;
    static const struct {
        const char *sidecars, *want;
    } rows[] = {
        {"", "80 a.default, 81 a.default, 80 a.other, 81 a.other, 80 b.default, 81 b.default"},
        {SIDECAR("s", "default", "egress: [{hosts: ['./*']}]"),
         "80 a.default, 81 a.default, 80 b.default, 81 b.default"},
        {SIDECAR("s", "default", "egress: [{hosts: ['other/a.other.svc.cluster.local']}]"),
         "80 a.other, 81 a.other"},
        {SIDECAR("s", "default", "egress: [{hosts: ['*/*', '~other/*']}]"),
         "80 a.default, 81 a.default, 80 b.default, 81 b.default"},
        {SIDECAR("s", "default", "egress: [{hosts: ['*/b.default.svc.cluster.local']}]"),
         "80 b.default, 81 b.default"},
        {SIDECAR("s", "default", "egress: [{port: {number: 80}, hosts: ['other/*']}]"),
         "80 a.other"},
        /* Who is chosen by its labels, then the namespace's, then the root's. */
        {SIDECAR("a", "default", "egress: [{hosts: ['./*']}]")
             SIDECAR("z", "default",
                     "workloadSelector: {labels: {app: client}}, egress: [{hosts: ['other/*']}]"),
         "80 a.other, 81 a.other"},
        {SIDECAR("z", "default",
                 "workloadSelector: {labels: {app: no}}, egress: [{hosts: ['other/*']}]")
             SIDECAR("a", "istio-system", "egress: [{hosts: ['*/b.default.svc.cluster.local']}]"),
         "80 b.default, 81 b.default"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct fixture fixture;
        fixture_sidecar(&fixture, mesh_text(WORLD "%s", rows[i].sidecars));
        assert_text(&fixture, seen(&fixture), rows[i].want);
        fixture_fini(&fixture);
    }
}

/* With the ports that are named; a route table has its own listener's hosts only. */
static void test_virtual_services_bring_their_destinations(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_sidecar(
        &fixture,
        WORLD SIDECAR("s", "default", "egress: [{hosts: ['./b.default.svc.cluster.local']}]")
            VIRTUAL_SERVICE("v") "  hosts: [b]\n  http: [{route: [{destination: {host: "
                                 "a.other.svc.cluster.local, port: {number: 81}}}]}]\n");
    assert_text(&fixture, seen(&fixture), "80 b.default, 81 b.default, 81 a.other");
    assert_non_null(fixture_host(&fixture, "80", "b.default.svc.cluster.local:80"));
    assert_null(fixture_host(&fixture, "81", "a.other.svc.cluster.local:81"));
    fixture_fini(&fixture);
}

static void test_a_sidecar_may_say_what_becomes_of_unknown_hosts(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_sidecar(&fixture, WORLD SIDECAR("s", "default",
                                            "egress: [{hosts: ['*/*']}], outboundTrafficPolicy: "
                                            "{mode: REGISTRY_ONLY}"));
    assert_non_null(fixture_host(&fixture, "80", "block_all"));
    fixture_fini(&fixture);
}

/* The ports of its own that a Sidecar names replace those of Services. */
static void test_ingress_ports_replace_the_services(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_sidecar(
        &fixture,
        "apiVersion: v1\nkind: Service\nmetadata: {name: me}\n"
        "spec: {selector: {app: client}, ports: [{name: http, port: 80}]}\n---\n" SIDECAR(
            "s", "default",
            "ingress: [{port: {number: 90, protocol: HTTP, name: web}, defaultEndpoint: "
            "'127.0.0.1:8080', connectionPool: {tcp: {maxConnections: 3}}}, {port: {number: 91, "
            "protocol: TCP, name: s}, defaultEndpoint: 'unix:///s.sock'}, {port: {number: 92, "
            "protocol: TCP, name: t}}], inboundConnectionPool: {tcp: {maxConnections: 4}}"));
    static const struct {
        const char *name;
        enum cluster_type type;
        const char *address;
        uint32_t port, max_connections;
    } rows[] = {
        {"inbound|90||", CLUSTER_STATIC, "127.0.0.1", 8080, 3},
        {"inbound|91||", CLUSTER_STATIC, "unix:///s.sock", 0, 4},
        {"inbound|92||", CLUSTER_ORIGINAL_DST, "", 0, 4},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const struct cluster *cluster = snapshot_cluster(fixture.snapshot, str_of(rows[i].name));
        assert_non_null(cluster);
        assert_int_equal(cluster->type, rows[i].type);
        assert_int_equal(cluster->breakers.max_connections, rows[i].max_connections);
        if (rows[i].type == CLUSTER_STATIC) {
            assert_text(&fixture, cluster->endpoints[0].address, rows[i].address);
            assert_int_equal(cluster->endpoints[0].port, rows[i].port);
        }
    }
    assert_null(snapshot_cluster(fixture.snapshot, STR("inbound|80||")));
    fixture_fini(&fixture);
}

/* Exported to nobody, and yet a route of its own namespace leads to it: there is a cluster, and
 * nothing in it. */
static void test_of_what_nobody_sees_there_are_no_endpoints(void **state)
{
    (void)state;
    static const struct {
        const char *export_to;
        uint32_t endpoint_count, name_count;
    } rows[] = {{"'~'", 0, 0}, {"'.'", 1, 1}};
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct fixture fixture;
        fixture_sidecar(
            &fixture,
            mesh_text(
                "apiVersion: v1\nkind: Service\nmetadata: {name: a, annotations: "
                "{networking.istio.io/exportTo: %s}}\n"
                "spec: {selector: {app: a}, ports: [{name: http, port: 80}]}\n---\n" POD("a-1", "a")
                    VIRTUAL_SERVICE("v") "  hosts: [b.com]\n  http: [{route: "
                                         "[{destination: {host: a}}]}]\n---\n"
                                         "apiVersion: networking.istio.io/v1\nkind: "
                                         "Sidecar\nmetadata: {name: s}\n"
                                         "spec: {egress: [{hosts: ['./*']}]}\n",
                rows[i].export_to));
        const struct cluster *cluster =
            snapshot_cluster(fixture.snapshot, STR("outbound|80||a.default.svc.cluster.local"));
        assert_non_null(cluster);
        assert_int_equal(cluster->endpoint_count, rows[i].endpoint_count);
        assert_int_equal(cluster->tls->name_count, rows[i].name_count);
        fixture_fini(&fixture);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hosts_let_services_in),
        cmocka_unit_test(test_virtual_services_bring_their_destinations),
        cmocka_unit_test(test_a_sidecar_may_say_what_becomes_of_unknown_hosts),
        cmocka_unit_test(test_of_what_nobody_sees_there_are_no_endpoints),
        cmocka_unit_test(test_ingress_ports_replace_the_services),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
