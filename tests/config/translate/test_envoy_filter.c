/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/config/translate/test_envoy_filter.c - which patches of EnvoyFilters a proxy
 * is told that it misses: those that a real istiod would have applied to it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/config/translate/fixture.h"

#define MESH                                                                                     \
    "apiVersion: v1\nkind: Service\nmetadata: {name: web}\n"                                     \
    "spec: {selector: {app: client}, ports: [{name: http, port: 80, targetPort: 8080}]}\n"       \
    "---\napiVersion: v1\nkind: Pod\nmetadata: {name: client-0, labels: {app: client}}\n"        \
    "spec: {containers: []}\nstatus: {podIP: 127.9.9.9}\n"                                       \
    "---\napiVersion: v1\nkind: Service\n"                                                       \
    "metadata: {name: gateway, namespace: istio-system}\n"                                       \
    "spec: {selector: {istio: ingressgateway}, ports: [{name: a, port: 80, targetPort: "         \
    "8080}]}\n---\napiVersion: v1\nkind: Pod\n"                                                  \
    "metadata: {name: gateway-0, namespace: istio-system, labels: {istio: "                      \
    "ingressgateway}}\nspec: {containers: []}\nstatus: {podIP: 127.9.9.8}\n"                     \
    "---\n" GATEWAY(                                                                             \
        "gw") "  servers: [{port: {number: 80, name: http, protocol: HTTP}, "                    \
              "hosts: ['*']}]\n---\napiVersion: networking.istio.io/v1\nkind: VirtualService\n"  \
              "metadata: {name: a}\nspec:\n  hosts: [a.test]\n  gateways: [mesh, gw]\n  http:\n" \
              "  - {name: one, match: [{uri: {prefix: /r}}], redirect: {uri: /x}}\n"             \
              "  - route: [{destination: {host: web}}]\n---\n"
#define FILTER_OF(namespace)                                                  \
    "apiVersion: networking.istio.io/v1alpha3\nkind: EnvoyFilter\nmetadata: " \
    "{name: a, namespace: " namespace "}\nspec:\n"
#define FILTER FILTER_OF("istio-system") "  configPatches:\n  - "
#define HTTP_BEFORE(name)                                                              \
    "{applyTo: HTTP_FILTER, match: {listener: {filterChain: {filter: {name: "          \
    "envoy.filters.network.http_connection_manager, subFilter: {name: " name "}}}}}, " \
    "patch: {operation: INSERT_BEFORE, value: {name: lua}}}\n"

struct row {
    const char *text;
    bool is_sidecars, is_gateways;
};

static const struct row ROWS[] = {
    /* whom the filter is for */
    {FILTER "{applyTo: CLUSTER, patch: {operation: MERGE}}\n", true, true},
    {FILTER_OF("default") "  configPatches: [{applyTo: CLUSTER, patch: {operation: MERGE}}]\n",
     true, false},
    {FILTER_OF("other") "  configPatches: [{applyTo: CLUSTER, patch: {operation: MERGE}}]\n", false,
     false},
    {FILTER_OF("istio-system") "  workloadSelector: {labels: {app: client}}\n"
                               "  configPatches: [{applyTo: CLUSTER, patch: {operation: MERGE}}]\n",
     true, false},
    {FILTER_OF("istio-system") "  targetRefs: [{kind: Gateway, name: x}]\n"
                               "  configPatches: [{applyTo: CLUSTER, patch: {operation: MERGE}}]\n",
     false, false},
    {FILTER "{applyTo: CLUSTER}\n", false, false},
    {FILTER "{applyTo: CLUSTER, match: {proxy: {proxyVersion: '^1\\.31'}}, patch: {operation: "
            "MERGE}}\n",
     true, true},
    {FILTER "{applyTo: CLUSTER, match: {proxy: {proxyVersion: '^1\\.2'}}, patch: {operation: "
            "MERGE}}\n",
     false, false},
    {FILTER "{applyTo: CLUSTER, match: {proxy: {metadata: {NAMESPACE: default}}}, patch: "
            "{operation: MERGE}}\n",
     true, false},
    /* context */
    {FILTER "{applyTo: CLUSTER, match: {context: GATEWAY}, patch: {operation: ADD}}\n", false,
     true},
    {FILTER "{applyTo: LISTENER, match: {context: SIDECAR_INBOUND}, patch: {operation: MERGE}}\n",
     true, false},
    /* listeners, chains, filters */
    {FILTER "{applyTo: LISTENER, match: {listener: {portNumber: 8080}}, patch: {operation: "
            "MERGE}}\n",
     false, true},
    {FILTER "{applyTo: NETWORK_FILTER, match: {listener: {portNumber: 8080}}, patch: {operation: "
            "ADD}}\n",
     true, true},
    {FILTER "{applyTo: FILTER_CHAIN, match: {listener: {filterChain: {sni: a.test}}}, patch: "
            "{operation: MERGE}}\n",
     false, false},
    {FILTER "{applyTo: FILTER_CHAIN, match: {listener: {filterChain: {transportProtocol: tls}}}, "
            "patch: {operation: REMOVE}}\n",
     true, false},
    {FILTER HTTP_BEFORE("envoy.filters.http.router"), true, true},
    {FILTER HTTP_BEFORE("envoy.filters.http.grpc_stats"), true, true},
    {FILTER HTTP_BEFORE("envoy.filters.http.jwt_authn"), false, false},
    {FILTER HTTP_BEFORE("lua"), false, false},
    {FILTER "{applyTo: HTTP_FILTER, patch: {operation: REMOVE}}\n", false, false},
    {FILTER "{applyTo: LISTENER_FILTER, match: {listener: {listenerFilter: "
            "envoy.filters.listener.original_dst}}, patch: {operation: REMOVE}}\n",
     true, false},
    /* routes: a gateway's port is the Service's */
    {FILTER "{applyTo: ROUTE_CONFIGURATION, match: {routeConfiguration: {portNumber: 80}}, patch: "
            "{operation: MERGE}}\n",
     true, true},
    {FILTER "{applyTo: ROUTE_CONFIGURATION, match: {routeConfiguration: {portNumber: 8080}}, "
            "patch: {operation: MERGE}}\n",
     true, false},
    {FILTER "{applyTo: ROUTE_CONFIGURATION, patch: {operation: ADD}}\n", false, false},
    {FILTER "{applyTo: VIRTUAL_HOST, match: {context: SIDECAR_INBOUND, routeConfiguration: "
            "{vhost: {name: 'inbound|http|80'}}}, patch: {operation: MERGE}}\n",
     true, false},
    {FILTER "{applyTo: VIRTUAL_HOST, match: {routeConfiguration: {vhost: {domainName: web}}}, "
            "patch: {operation: REMOVE}}\n",
     true, false},
    {FILTER "{applyTo: HTTP_ROUTE, match: {context: GATEWAY, routeConfiguration: {vhost: {route: "
            "{action: REDIRECT}}}}, patch: {operation: INSERT_FIRST}}\n",
     false, true},
    {FILTER "{applyTo: HTTP_ROUTE, match: {routeConfiguration: {vhost: {route: {name: two}}}}, "
            "patch: {operation: MERGE}}\n",
     false, false},
    /* clusters */
    {FILTER "{applyTo: CLUSTER, match: {cluster: {name: 'outbound|80||web.default.svc.cluster."
            "local'}}, patch: {operation: REMOVE}}\n",
     true, true},
    {FILTER "{applyTo: CLUSTER, match: {context: SIDECAR_INBOUND, cluster: {service: "
            "web.default.svc.cluster.local}}, patch: {operation: MERGE}}\n",
     true, false},
    {FILTER "{applyTo: CLUSTER, match: {cluster: {subset: v1}}, patch: {operation: MERGE}}\n",
     false, false},
    {FILTER "{applyTo: BOOTSTRAP, patch: {operation: MERGE}}\n", true, true},
};

static uint32_t said_count(const struct fixture *fixture)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < fixture->diags.count; i++)
        count += fixture->diags.items[i].id == DIAG_ENVOY_FILTER_PATCH;
    return count;
}

static void test_patches_that_would_have_matched_are_said(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(ROWS); i++) {
        struct fixture fixture;
        char text[8192];
        (void)snprintf(text, sizeof(text), "%s%s", MESH, ROWS[i].text);
        fixture_sidecar(&fixture, text);
        if (said_count(&fixture) != (uint32_t)ROWS[i].is_sidecars)
            fail_msg("a sidecar: %s", ROWS[i].text);
        fixture_fini(&fixture);
        fixture_gateway(&fixture, text);
        if (said_count(&fixture) != (uint32_t)ROWS[i].is_gateways)
            fail_msg("a gateway: %s", ROWS[i].text);
        fixture_fini(&fixture);
    }
}

/* Next to a filter that another patch puts there. */
static void test_patches_may_meet_each_other(void **state)
{
    (void)state;
    struct fixture fixture;

    fixture_sidecar(&fixture,
                    MESH FILTER HTTP_BEFORE("envoy.filters.http.router") "  - " HTTP_BEFORE("lua"));
    assert_int_equal(said_count(&fixture), 2);
    fixture_fini(&fixture);
}

static void test_each_patch_is_named_at_its_line(void **state)
{
    (void)state;
    static const struct {
        const char *text, *what;
        uint32_t line;
    } rows[] = {
        {FILTER "{applyTo: CLUSTER, patch: {operation: MERGE}}\n",
         "EnvoyFilters are not applied: MERGE of CLUSTER (context ANY) is left out", 6},
        {FILTER "applyTo: HTTP_FILTER\n"
                "    match: {context: SIDECAR_INBOUND}\n"
                "    patch: {operation: INSERT_BEFORE, value: {name: envoy.filters.http.lua}}\n",
         "EnvoyFilters are not applied: INSERT_BEFORE of HTTP_FILTER envoy.filters.http.lua "
         "(context SIDECAR_INBOUND) is left out",
         6},
        {FILTER "{applyTo: LISTENER, match: {listener: {name: virtualInbound}}, patch: {operation: "
                "MERGE}}\n",
         "EnvoyFilters are not applied: MERGE of LISTENER virtualInbound (context ANY) is left out",
         6},
        {FILTER_OF("default") "  configPatches: []\n",
         "this EnvoyFilter has no configPatches, so it changes nothing", 5},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct fixture fixture;
        fixture_sidecar(&fixture, rows[i].text);
        assert_int_equal(fixture.diags.count, 1);
        const struct diag *diag = &fixture.diags.items[0];
        struct str text = diag_text(diag, &fixture.arena);
        if (!str_eq(text, str_of(rows[i].what)))
            fail_msg("\"%.*s\" is not \"%s\"", STR_FMT(text), rows[i].what);
        assert_int_equal(diag->origin.line, rows[i].line);
        fixture_fini(&fixture);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_patches_that_would_have_matched_are_said),
        cmocka_unit_test(test_patches_may_meet_each_other),
        cmocka_unit_test(test_each_patch_is_named_at_its_line),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
