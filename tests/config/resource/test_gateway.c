/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/config/resource/test_gateway.c - Gateways and DestinationRules: what
 * they say and what they cannot say (ISTIO.md 9.4, 9.5).
 */
#include "tests/config/resource/reading.h"

#define GATEWAY "apiVersion: networking.istio.io/v1\nkind: Gateway\nmetadata: {name: g}\nspec:\n"
#define RULE \
    "apiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: {name: d}\nspec:\n"
#define PORT "port: {number: 80, name: http, protocol: HTTP}"

static void test_wrong_objects_are_named_with_their_line(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum diag_id id;
        uint32_t line;
    } rows[] = {
        {GATEWAY "  selector: {}\n", DIAG_GATEWAY_NO_SERVERS, 5},
        {GATEWAY "  servers:\n  - " PORT "\n", DIAG_GATEWAY_NO_HOSTS, 6},
        {GATEWAY "  servers:\n  - hosts: ['*']\n", DIAG_GATEWAY_PORT_MISSING, 6},
        {GATEWAY "  servers:\n  - " PORT "\n    hosts: [short]\n", DIAG_GATEWAY_HOST_SHORT, 7},
        {GATEWAY "  servers:\n  - " PORT "\n    hosts: ['*x.com']\n", DIAG_GATEWAY_HOST_PARTIAL, 7},
        {GATEWAY "  servers:\n  - " PORT "\n    hosts: [ns/]\n", DIAG_GATEWAY_HOST_HALF, 7},
        {GATEWAY "  servers:\n  - port: {number: 80, name: a, protocol: SPDY}\n    hosts: ['*']\n",
         DIAG_GATEWAY_PROTOCOL, 6},
        {GATEWAY
         "  servers:\n  - port: {number: 443, name: a, protocol: HTTPS}\n    hosts: ['*']\n",
         DIAG_GATEWAY_TLS_MISSING, 6},
        {GATEWAY "  servers:\n  - port: {number: 443, name: a, protocol: HTTPS}\n    hosts: ['*']\n"
                 "    tls: {mode: SIMPLE, credentialName: a}\n",
         DIAG_NOT_ACTED_ON, 0},
        {GATEWAY "  servers:\n  - " PORT "\n    hosts: ['*']\n    tls: {mode: SIMPLE}\n",
         DIAG_GATEWAY_TLS_PLAIN, 8},
        {GATEWAY "  servers:\n  - " PORT "\n    hosts: ['*']\n    bind: here\n", DIAG_GATEWAY_BIND,
         8},
        {RULE "  host: ''\n", DIAG_DOMAIN_EMPTY, 5},
        {RULE "  host: a\n  trafficPolicy: {}\n", DIAG_DR_POLICY_EMPTY, 6},
        {RULE "  host: a\n  subsets: [{name: v1}, {name: v1}]\n", DIAG_DR_SUBSET_TWICE, 6},
        {RULE "  host: a\n  subsets: [{name: v_1}]\n", DIAG_NAME_BAD, 6},
        {RULE "  host: a\n  trafficPolicy:\n    connectionPool: {}\n", DIAG_DR_POOL_EMPTY, 7},
        {RULE "  host: a\n  trafficPolicy:\n    tls: {mode: SIMPLE}\n", DIAG_NOT_ACTED_ON, 0},
        {RULE "  host: a\n  trafficPolicy:\n    connectionPool: {http: {http2KeepAlive: {}}}\n",
         DIAG_NOT_ACTED_ON, 0},
        {RULE "  host: a\n  trafficPolicy:\n    connectionPool: {tcp: {connectTimeout: 1us}}\n",
         DIAG_DURATION_SHORT, 7},
        {RULE "  host: a\n  trafficPolicy:\n    portLevelSettings: [{loadBalancer: {}}]\n",
         DIAG_DR_PORT_MISSING, 7},
        {RULE "  host: a\n  trafficPolicy: {loadBalancer: {simple: FASTEST}}\n", DIAG_BAD_CHOICE,
         6},
        {RULE "  host: a\n  subsets: [{name: v1, labels: {version: 'v 1'}}]\n", DIAG_LABEL_VALUE,
         6},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct mesh_reading reading;
        mesh_reading_init(&reading, rows[i].text);
        assert_said(&reading, rows[i].id, rows[i].line);
        mesh_reading_fini(&reading);
    }
}

static void test_hosts_are_split_into_namespace_and_name(void **state)
{
    (void)state;
    static const struct {
        const char *host;
        const char *want_namespace, *want_host;
    } rows[] = {
        {"a.com", "", "a.com"},
        {"ns/a.com", "ns", "a.com"},
        {"./a.com", "default", "a.com"},
        {"*/a.com", "", "a.com"},
        {"*/*", "", "*"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct mesh_reading reading;
        mesh_reading_init(
            &reading,
            mesh_text(GATEWAY "  servers:\n  - " PORT "\n    hosts: ['%s']\n", rows[i].host));
        assert_int_equal(reading.diags.error_count, 0);
        const struct gateway_host *got = &reading.mesh->gateways[0].servers[0].hosts[0];
        assert_true(str_eq(got->namespace, str_of(rows[i].want_namespace)));
        assert_true(str_eq(got->host, str_of(rows[i].want_host)));
        mesh_reading_fini(&reading);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wrong_objects_are_named_with_their_line),
        cmocka_unit_test(test_hosts_are_split_into_namespace_and_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
