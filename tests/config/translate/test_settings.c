/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/config/translate/test_settings.c - MeshConfig's defaultConfig, the kind
 * ProxyConfig and a pod's annotation: who has the last word, and what it changes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "base/ns.h"
#include "tests/config/translate/fixture.h"

#define MESH                                                                                    \
    "apiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata: {name: e}\n"             \
    "spec: {hosts: [e.test], ports: [{number: 80, name: t, protocol: TCP}], resolution: DNS}\n" \
    "---\n"
#undef POD
#define POD(annotation)                                                                 \
    "apiVersion: v1\nkind: Pod\nmetadata: {name: client-0, labels: {app: client}, "     \
    "annotations: {proxy.istio.io/config: '" annotation "'}}\nspec: {containers: []}\n" \
    "status: {podIP: 127.9.9.9}\n---\n"
#define CAPTURE(word) "proxyMetadata: {ISTIO_META_DNS_CAPTURE: \"" word "\"}"
#define PROXY_CONFIG(name, namespace, selector, word)                                    \
    "apiVersion: networking.istio.io/v1beta1\nkind: ProxyConfig\nmetadata: {name: " name \
    ", namespace: " namespace "}\nspec: {" selector                                      \
                              "environmentVariables: {ISTIO_META_DNS_CAPTURE: '" word "'}}\n---\n"
#define MESH_CONFIG(text)                                                                 \
    "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: istio, namespace: istio-system}\n" \
    "data:\n  mesh: |\n    defaultConfig: {" text "}\n---\n"

static bool has_listener(const struct fixture *fixture, const char *name)
{
    for (uint32_t i = 0; i < fixture->snapshot->listener_count; i++) {
        if (str_eq(fixture->snapshot->listeners[i].name, str_of(name)))
            return true;
    }
    return false;
}

static void test_who_has_the_last_word(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool is_capturing;
    } rows[] = {
        {MESH, false},
        {MESH MESH_CONFIG(CAPTURE("true")), true},
        {MESH MESH_CONFIG(CAPTURE("1")), true},
        {MESH MESH_CONFIG(CAPTURE("yes")), false},
        {MESH POD(CAPTURE("true")), true},
        {MESH POD("{\"proxyMetadata\": {\"ISTIO_META_DNS_CAPTURE\": \"true\"}}"), true},
        {MESH MESH_CONFIG(CAPTURE("true")) POD(CAPTURE("false")), false},
        {MESH PROXY_CONFIG("a", "istio-system", "", "true"), true},
        {MESH PROXY_CONFIG("a", "other", "", "true"), false},
        {MESH PROXY_CONFIG("a", "istio-system", "", "true")
             PROXY_CONFIG("b", "default", "", "false"),
         false},
        {MESH PROXY_CONFIG("a", "default", "", "false") POD(CAPTURE("true")), true},
        {MESH PROXY_CONFIG("a", "default", "selector: {matchLabels: {app: client}}, ", "false")
             POD(CAPTURE("true")),
         false},
        {MESH PROXY_CONFIG("a", "default", "selector: {matchLabels: {app: other}}, ", "true"),
         false},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct fixture fixture;
        fixture_sidecar(&fixture, rows[i].text);
        if (has_listener(&fixture, "240.240.0.1_80") != rows[i].is_capturing)
            fail_msg("%s", rows[i].text);
        fixture_fini(&fixture);
    }
}

static const struct filter_chain *first_chain(const struct fixture *fixture)
{
    return &fixture->snapshot->listeners[0].chains[0];
}

static void test_what_it_changes(void **state)
{
    (void)state;
    struct fixture fixture;

    fixture_sidecar(&fixture, MESH POD("proxyMetadata: {ISTIO_META_IDLE_TIMEOUT: 5s}"));
    assert_int_equal(first_chain(&fixture)->tcp.idle_timeout_ns, 5 * NS_SECOND);
    fixture_fini(&fixture);
    fixture_sidecar(&fixture, MESH POD("proxyMetadata: {ISTIO_META_IDLE_TIMEOUT: 0s}"));
    assert_int_equal(first_chain(&fixture)->tcp.idle_timeout_ns, NS_NEVER);
    fixture_fini(&fixture);
    fixture_gateway(&fixture,
                    GATEWAY("g") "  servers: [{port: {number: 80, name: h, protocol: HTTP}, hosts: "
                                 "['*']}]\n---\n" MESH_CONFIG(
                                     "gatewayTopology: {numTrustedProxies: 2}, proxyMetadata: "
                                     "{ISTIO_META_HTTP10: \"1\"}"));
    assert_int_equal(first_chain(&fixture)->http.xff_trusted_hops, 2);
    assert_true(first_chain(&fixture)->http.is_accepting_http10);
    fixture_fini(&fixture);
}

static void test_what_is_not_acted_on_is_said(void **state)
{
    (void)state;
    struct fixture fixture;

    fixture_sidecar(&fixture, MESH POD("proxyHeaders: {server: {disabled: true}}"));
    bool is_said = false;
    for (uint32_t i = 0; i < fixture.diags.count; i++)
        is_said |= fixture.diags.items[i].id == DIAG_PROXY_CONFIG;
    assert_true(is_said);
    fixture_fini(&fixture);
    fixture_sidecar(&fixture, MESH_CONFIG("proxyHeaders: {server: {disabled: true}}"));
    assert_int_equal(fixture.diags.count, 1);
    assert_int_equal(fixture.diags.items[0].id, DIAG_NO_EFFECT);
    fixture_fini(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who_has_the_last_word),
        cmocka_unit_test(test_what_it_changes),
        cmocka_unit_test(test_what_is_not_acted_on_is_said),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
