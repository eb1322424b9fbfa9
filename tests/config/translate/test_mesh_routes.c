/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/config/translate/test_mesh_routes.c - HTTPRoutes whose parent is a
 * Service: whose word counts, seen from the namespace default.
 */
#include "tests/config/translate/fixture.h"

#define ROUTE(name, namespace, service, path)                                            \
    "apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\n"                        \
    "metadata: {name: " name                                                             \
    ", namespace: " namespace "}\n"                                                      \
                              "spec: {parentRefs: [{kind: Service, group: '', name: s, " \
                              "namespace: " service "}],\n"                              \
                              "  rules: [{matches: [{path: {value: " path "}}],"         \
                              " backendRefs: [{name: s, namespace: " service             \
                              ", port: 80}]}]}\n---\n"
#define FAR                                                                \
    "apiVersion: v1\nkind: Service\nmetadata: {name: s, namespace: far}\n" \
    "spec: {ports: [{name: http, port: 80}]}\n---\n"

#define OWN_ONLY                                                                          \
    "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: istio, namespace: istio-system}\n" \
    "data: {mesh: 'defaultVirtualServiceExportTo: [\".\"]'}\n---\n"                       \
    "apiVersion: networking.istio.io/v1\nkind: VirtualService\n"                          \
    "metadata: {name: a, creationTimestamp: '2001-01-01T00:00:00Z'}\n"                    \
    "spec:\n  hosts: [s.far.svc.cluster.local]\n"                                         \
    "  http: [{match: [{uri: {prefix: /older}}], route: [{destination: {host: "           \
    "s.far.svc.cluster.local}}]}]\n---\n"

/* The first route's path for the service s of `namespace`. */
static struct str first_path(const struct fixture *fixture, const char *name)
{
    const struct snapshot *snapshot = fixture->snapshot;

    for (uint32_t i = 0; i < snapshot->route_config_count; i++) {
        const struct route_config *config = &snapshot->route_configs[i];
        for (uint32_t k = 0; k < config->virtual_host_count; k++) {
            if (str_eq(config->virtual_hosts[k].name, str_of(name)))
                return config->virtual_hosts[k].routes[0].match.path.value;
        }
    }
    return STR_EMPTY;
}

static void test_whose_route_counts(void **state)
{
    (void)state;
    static const struct {
        const char *text, *want;
    } rows[] = {
        {FAR ROUTE("a", "third", "far", "/third"), "/"},
        {FAR ROUTE("a", "third", "far", "/third") ROUTE("b", "far", "far", "/producer"),
         "/producer"},
        {FAR ROUTE("a", "far", "far", "/producer") ROUTE("b", "default", "far", "/consumer"),
         "/consumer"},
        /* An older VirtualService of the same namespace, where both are its own alone. */
        {FAR OWN_ONLY ROUTE("b", "default", "far", "/consumer"), "/consumer"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct fixture fixture;
        fixture_sidecar(&fixture, rows[i].text);
        struct str path = first_path(&fixture, "s.far.svc.cluster.local:80");
        if (!str_eq(path, str_of(rows[i].want)))
            fail_msg("row %zu: \"%.*s\" is not \"%s\"", i, STR_FMT(path), rows[i].want);
        fixture_fini(&fixture);
    }
}

/* A host that VirtualServices name is also at port 80; a route's service is not. */
static void test_only_ports_of_the_service_have_the_route(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_sidecar(&fixture, "apiVersion: v1\nkind: Service\nmetadata: {name: s}\n"
                              "spec: {ports: [{name: http, port: 8080}]}\n---\n"
                              "apiVersion: v1\nkind: Service\nmetadata: {name: other}\n"
                              "spec: {ports: [{name: http, port: 80}]}\n---\n" ROUTE(
                                  "a", "default", "default", "/a"));
    assert_int_equal(first_path(&fixture, "s.default.svc.cluster.local:80").len, 0);
    assert_text(&fixture, first_path(&fixture, "s.default.svc.cluster.local:8080"), "/a");
    fixture_fini(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whose_route_counts),
        cmocka_unit_test(test_only_ports_of_the_service_have_the_route),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
