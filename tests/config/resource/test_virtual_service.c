/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/config/resource/test_virtual_service.c - what a VirtualService says,
 * and what cannot be said in one (ISTIO.md 9.3).
 */
#include "tests/config/resource/reading.h"

#define HEAD \
    "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: v}\nspec:\n"
/* Lines 1 to 4 are HEAD, rules begin in line 7. */
#define RULES HEAD "  hosts: [reviews]\n  http:\n"

struct complaint_row {
    const char *text;
    enum diag_id id;
    uint32_t line;
};

static void assert_rows(const struct complaint_row *rows, size_t row_count)
{
    for (size_t i = 0; i < row_count; i++) {
        struct mesh_reading reading;
        mesh_reading_init(&reading, rows[i].text);
        assert_said(&reading, rows[i].id, rows[i].line);
        mesh_reading_fini(&reading);
    }
}

#define ROUTE "route: [{destination: {host: r}}]"

static void test_wrong_rules_are_named_with_their_line(void **state)
{
    (void)state;
    static const struct complaint_row rows[] = {
        {RULES "  - {}\n", DIAG_RULE_NO_ACTION, 7},
        {RULES "  - null\n", DIAG_RULE_NULL, 7},
        {RULES "  - redirect: {uri: /x}\n    " ROUTE "\n", DIAG_RULE_EXCLUDES, 7},
        {RULES "  - directResponse: {status: 200}\n    rewrite: {uri: /}\n", DIAG_RULE_EXCLUDES, 7},
        {RULES "  - redirect: {}\n", DIAG_REDIRECT_EMPTY, 7},
        {RULES "  - redirect: {uri: /x, redirectCode: 200}\n", DIAG_REDIRECT_CODE, 7},
        {RULES "  - redirect: {uri: /x, scheme: ftp}\n", DIAG_REDIRECT_SCHEME, 7},
        {RULES "  - redirect: {uri: /x, prefixRewrite: /y}\n", DIAG_REDIRECT_PATH_TWICE, 7},
        {RULES "  - match: [{uri: {exact: /}}]\n    redirect: {prefixRewrite: /y}\n",
         DIAG_REDIRECT_PREFIX_MATCH, 7},
        {RULES "  - directResponse: {status: 100}\n", DIAG_DIRECT_STATUS, 7},
        {RULES "  - rewrite: {}\n    " ROUTE "\n", DIAG_REWRITE_EMPTY, 7},
        {RULES "  - timeout: 100us\n    " ROUTE "\n", DIAG_DURATION_SHORT, 7},
        {RULES "  - match: [{uri: {regex: '('}}]\n    " ROUTE "\n", DIAG_REGEX_BAD, 7},
        {RULES "  - match: [{headers: {a: {prefix: ''}}}]\n    " ROUTE "\n", DIAG_PREFIX_EMPTY, 7},
        {RULES "  - match: [{headers: {a: null}}]\n    " ROUTE "\n", DIAG_HEADER_MATCH_NULL, 7},
        {RULES "  - match: [{headers: {'@request.auth.claims.sub': {}}}]\n    " ROUTE "\n",
         DIAG_CLAIM_ANY, 7},
        {RULES "  - match: [{headers: {'a b': {exact: c}}}]\n    " ROUTE "\n", DIAG_HEADER_NAME_BAD,
         7},
        {RULES "  - match: [{uri: {exact: /, prefix: /}}]\n    " ROUTE "\n", DIAG_MATCH_ONE_KIND,
         7},
        {RULES "  - match: [{port: 70000}]\n    " ROUTE "\n", DIAG_PORT_RANGE, 7},
        {RULES "  - route:\n    - destination: {host: a}\n    - destination: {host: b}\n",
         DIAG_WEIGHT_SUM_ZERO, 8},
        {RULES "  - route:\n    - weight: 1\n", DIAG_DESTINATION_MISSING, 8},
        {RULES "  - route: [{destination: {host: '*'}}]\n", DIAG_DESTINATION_STAR, 7},
        {RULES "  - route: [{destination: {host: a, port: {number: 0}}}]\n", DIAG_PORT_RANGE, 7},
        {RULES "  - headers: {request: {set: {':path': x}}}\n    " ROUTE "\n",
         DIAG_HEADER_OPERATION_PSEUDO, 7},
        {RULES "  - headers: {response: {set: {host: x}}}\n    " ROUTE "\n",
         DIAG_HEADER_OPERATION_HOST, 7},
        {RULES "  - headers: {request: {set: {x: '50%'}}}\n    " ROUTE "\n",
         DIAG_HEADER_VALUE_PERCENT, 7},
        {RULES "  - rewrite: {authority: a}\n    headers: {request: {set: {host: b}}}\n    " ROUTE
               "\n",
         DIAG_AUTHORITY_TWICE, 7},
        {RULES "  - fault: {}\n    " ROUTE "\n", DIAG_FAULT_EMPTY, 7},
        {RULES "  - fault: {abort: {httpStatus: 99}}\n    " ROUTE "\n", DIAG_FAULT_STATUS, 7},
        {RULES "  - retries: {attempts: 0, retryOn: 5xx}\n    " ROUTE "\n",
         DIAG_RETRIES_OFF_BUT_SAID, 7},
        {RULES "  - retries: {attempts: 1, retryOn: '5xx, reset'}\n    " ROUTE "\n", DIAG_RETRY_ON,
         7},
        {RULES "  - " ROUTE "\n  - " ROUTE "\n", DIAG_RULE_UNREACHABLE, 8},
    };
    assert_rows(rows, COUNT_OF(rows));
}

static void test_wrong_hosts_and_gateways_are_named(void **state)
{
    (void)state;
    static const struct complaint_row rows[] = {
        {HEAD "  hosts: ['*']\n  http: [{" ROUTE "}]\n", DIAG_VS_STAR_IN_MESH, 5},
        {HEAD "  hosts: [a.b, '*.b']\n  http: [{" ROUTE "}]\n", DIAG_VS_HOSTS_OVERLAP, 5},
        {HEAD "  hosts: [a_b]\n  http: [{" ROUTE "}]\n", DIAG_DOMAIN_LABEL, 5},
        {HEAD "  hosts: [a]\n", DIAG_VS_EMPTY, 5},
        {HEAD "  hosts: [a]\n  gateways: [/g]\n  http: [{" ROUTE "}]\n", DIAG_VS_GATEWAY_HALF, 6},
        {HEAD "  hosts: [a]\n  gateways: [g.ns]\n  http: [{" ROUTE "}]\n", DIAG_VS_GATEWAY_LEGACY,
         6},
        {HEAD "  hosts: [a]\n  exportTo: ['*', .]\n  http: [{" ROUTE "}]\n", DIAG_EXPORT_TO_MIXED,
         6},
    };
    assert_rows(rows, COUNT_OF(rows));
}

static void test_what_has_no_effect_yet_is_a_warning(void **state)
{
    (void)state;
    static const struct complaint_row rows[] = {
        {RULES "  - " ROUTE "\n    retries: {attempts: 3, retryRemoteLocalities: true}\n",
         DIAG_NOT_ACTED_ON, 0},
        {RULES "  - " ROUTE "\n    mirror: {host: a}\n", DIAG_NOT_ACTED_ON, 0},
        {HEAD "  hosts: [a]\n  tls: [{match: [{sniHosts: [a]}], " ROUTE "}]\n", DIAG_NOT_ACTED_ON,
         0},
        {HEAD "  hosts: [a]\n  tcp: [{match: [{sniHosts: [a]}], " ROUTE "}]\n",
         DIAG_UNKNOWN_FIELD_IGNORED, 6},
        {RULES "  - " ROUTE "\n    retries: {attempts: 3}\n", DIAG_NOT_ACTED_ON, 0},
        {RULES "  - " ROUTE "\n    timout: 1s\n", DIAG_UNKNOWN_FIELD_IGNORED, 8},
    };
    assert_rows(rows, COUNT_OF(rows));
}

static void test_cors_is_checked(void **state)
{
    (void)state;
#define CORS RULES "  - " ROUTE "\n    corsPolicy: {"
    static const struct complaint_row rows[] = {
        {CORS "}\n", DIAG_NO_EFFECT, 0},
        {CORS "allowOrigins: [{exact: 'http://a'}, {regex: 'h.*'}], allowMethods: ['*', GET],"
              " allowHeaders: [x-a], maxAge: 24h, unmatchedPreflights: IGNORE}\n",
         DIAG_CORS_METHOD, 0},
        {CORS "allowOrigins: [{}]}\n", DIAG_CORS_ORIGIN_EMPTY, 8},
        {CORS "allowOrigins: [{prefix: ''}]}\n", DIAG_CORS_ORIGIN_EMPTY, 8},
        {CORS "allowOrigins: [{regex: '['}]}\n", DIAG_REGEX_BAD, 8},
        {CORS "allowMethods: [get]}\n", DIAG_CORS_METHOD, 8},
        {CORS "allowHeaders: ['x a']}\n", DIAG_HEADER_NAME_BAD, 8},
        {CORS "exposeHeaders: ['']}\n", DIAG_HEADER_NAME_EMPTY, 8},
        {CORS "maxAge: 1500ms}\n", DIAG_CORS_MAX_AGE, 8},
        {CORS "maxAge: 0s}\n", DIAG_DURATION_SHORT, 8},
        {CORS "allowOrigns: []}\n", DIAG_UNKNOWN_FIELD_IGNORED, 8},
    };
#undef CORS
    assert_rows(rows, COUNT_OF(rows));
}

static void test_all_mistakes_are_told_at_once(void **state)
{
    (void)state;
    struct mesh_reading reading;
    mesh_reading_init(&reading, RULES "  - redirect: {}\n    timeout: 1us\n"
                                      "    match: [{uri: {regex: '['}}]\n");
    assert_int_equal(reading.diags.error_count, 3);
    mesh_reading_fini(&reading);
}

static void test_names_are_completed_and_rules_keep_their_places(void **state)
{
    (void)state;
    struct mesh_reading reading;
    mesh_reading_init(
        &reading, "apiVersion: networking.istio.io/v1alpha3\nkind: VirtualService\n"
                  "metadata: {name: v, namespace: shop}\nspec:\n"
                  "  hosts: [Reviews, a.example.com]\n"
                  "  gateways: [mesh, web, other/web, ./own]\n"
                  "  http:\n"
                  "  - match: [{uri: {prefix: /a}, headers: {x: {}, y: {regex: .+}}}]\n"
                  "    timeout: 1500ms\n"
                  "    route: [{destination: {host: ratings, subset: v1, port: {number: 80}}}]\n");
    assert_int_equal(reading.mesh->virtual_services_count, 1);
    const struct virtual_service *got = &reading.mesh->virtual_services[0];
    assert_true(str_eq(got->hosts.items[0], STR("reviews.shop.svc.cluster.local")));
    assert_true(str_eq(got->hosts.items[1], STR("a.example.com")));
    assert_true(str_eq(got->gateways.items[0], STR("mesh")));
    assert_true(str_eq(got->gateways.items[1], STR("shop/web")));
    assert_true(str_eq(got->gateways.items[2], STR("other/web")));
    assert_true(str_eq(got->gateways.items[3], STR("shop/own")));
    const struct http_rule *rule = &got->rules[0];
    assert_int_equal(rule->origin.line, 8);
    assert_int_equal(rule->timeout_ns, 1500 * 1000000);
    assert_int_equal(rule->timeout_origin.line, 9);
    assert_int_equal(rule->matches[0].headers.items[0].match.kind, TEXT_ABSENT);
    assert_int_equal(rule->matches[0].headers.items[1].match.kind, TEXT_REGEX);
    const struct destination *destination = &rule->routes[0].destination;
    assert_true(str_eq(destination->host, STR("ratings.shop.svc.cluster.local")));
    assert_int_equal(destination->port, 80);
    assert_int_equal(destination->origin.line, 10);
    mesh_reading_fini(&reading);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wrong_rules_are_named_with_their_line),
        cmocka_unit_test(test_wrong_hosts_and_gateways_are_named),
        cmocka_unit_test(test_what_has_no_effect_yet_is_a_warning),
        cmocka_unit_test(test_cors_is_checked),
        cmocka_unit_test(test_all_mistakes_are_told_at_once),
        cmocka_unit_test(test_names_are_completed_and_rules_keep_their_places),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
