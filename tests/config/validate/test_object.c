/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/config/validate/test_object.c - what Istio's webhook and CRDs say of an
 * object, with its line and path (ISTIO.md 9.2 - 9.8).
 */
#include <stdio.h>

#include "base/check.h"
#include "tests/config/validate/judging.h"

#define OBJECT(group, kind) "apiVersion: " group "/v1\nkind: " kind "\nmetadata: {name: x}\nspec:\n"
#define VS OBJECT("networking.istio.io", "VirtualService") "  hosts: [a]\n  http:\n"
#define VS_TCP OBJECT("networking.istio.io", "VirtualService") "  hosts: [a]\n  tcp:\n"
#define DR OBJECT("networking.istio.io", "DestinationRule") "  host: a\n"
#define GW OBJECT("networking.istio.io", "Gateway") "  servers:\n"
#define SE OBJECT("networking.istio.io", "ServiceEntry")
#define SC OBJECT("networking.istio.io", "Sidecar")
#define AP OBJECT("security.istio.io", "AuthorizationPolicy")
#define ROUTE "    route: [{destination: {host: b}}]\n"

struct row {
    const char *text;
    enum diag_id id;
    uint32_t line;
    const char *path, *words;
};

static void assert_rows(const struct row *rows, size_t row_count)
{
    for (size_t i = 0; i < row_count; i++) {
        struct judging judging;
        judging_init(&judging, rows[i].text);
        const struct diag *diag = judging_find(&judging, rows[i].id);
        if (diag == NULL)
            fail_msg("row %zu: not said: %s", i, rows[i].words);
        struct str words = diag_text(diag, &judging.arena);
        assert_string_equal(arena_str(&judging.arena, words).ptr, rows[i].words);
        assert_int_equal(diag->origin.line, rows[i].line);
        assert_string_equal(arena_str(&judging.arena, diag->path).ptr, rows[i].path);
        judging_fini(&judging);
    }
}

static void test_errors_have_istios_words_and_our_place(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {VS "  - {}\n", DIAG_V_ROUTE_REQUIRED, 7, "spec.http[0]",
         "HTTP route, redirect or direct_response is required"},
        {VS "  - retries: {attempts: 1, retryOn: '5xx, reset'}\n" ROUTE, DIAG_V_RETRY_ON, 7,
         "spec.http[0].retries.retryOn", "\" reset\" is not a valid retryOn policy"},
        {VS "  - match: [{uri: {regex: '('}}]\n" ROUTE, DIAG_V_REGEX_BAD, 7,
         "spec.http[0].match[0].uri.regex",
         "\"uri\": error parsing regexp: missing closing ): `(`; Istio uses RE2 style regex-based "
         "match (https://github.com/google/re2/wiki/Syntax)"},
        {VS "  - headers: {request: {set: {a: '%'}}}\n" ROUTE, DIAG_V_FORMAT_LONE, 7,
         "spec.http[0].headers.request.set.a",
         "header value configuration: invalid header configuration. Un-escaped %"},
        {DR "  trafficPolicy: {}\n", DIAG_V_POLICY_EMPTY, 6, "spec.trafficPolicy",
         "traffic policy must have at least one field"},
        {GW "  - {hosts: [short], port: {number: 80, name: p, protocol: HTTP}}\n",
         DIAG_V_SHORT_NAME, 6, "spec.servers[0].hosts[0]",
         "short names (non FQDN) are not allowed"},
        {SE "  hosts: [a.b]\n  resolution: DNS\n  addresses: [10.0.0.0/8]\n", DIAG_V_ENTRY_CIDR, 7,
         "spec.addresses", "CIDR addresses are allowed only for NONE/STATIC resolution types"},
        {SC "  egress: [{hosts: [a]}]\n", DIAG_V_SCOPED_HOST, 5, "spec.egress[0].hosts[0]",
         "host must be of form namespace/dnsName"},
        {AP "  rules: [{from: [{source: {}}]}]\n", DIAG_V_AP_SOURCE_EMPTY, 5,
         "spec.rules[0].from[0].source",
         "invalid policy x.default: `from.source` must not be empty, found at rule 0"},
        {AP "  action: DENY\n  rules: [{from: [{source: {namespaces: []}}]}]\n",
         DIAG_V_AP_DENY_HTTP, 6, "spec.rules[0]",
         "configured AuthorizationPolicy will deny all traffic to TCP ports under its scope due to "
         "the use of only HTTP attributes in a DENY rule; it is recommended to explicitly specify "
         "the port"},
        {DR "  trafficPolicy: {portLevelSettings: []}\n", DIAG_V_POLICY_EMPTY, 6,
         "spec.trafficPolicy", "traffic policy must have at least one field"},
        {DR "  trafficPolicy: {tls: {mode: SIMPLE, credentialName: 'configmap://a'}}\n",
         DIAG_V_TLS_CONFIGMAP, 6, "spec.trafficPolicy.tls.credentialName",
         "invalid configmap:// credentialName: invalid resource name \"configmap://a\". Expected "
         "namespace and name"},
        {DR "  trafficPolicy: {tls: {mode: SIMPLE, credentialName: 'configmap:///a'}}\n",
         DIAG_V_TLS_CONFIGMAP, 6, "spec.trafficPolicy.tls.credentialName",
         "invalid configmap:// credentialName: invalid resource name \"configmap:///a\". Expected "
         "namespace"},
        {DR "  trafficPolicy: {tls: {mode: SIMPLE, credentialName: 'configmap://a/'}}\n",
         DIAG_V_TLS_CONFIGMAP, 6, "spec.trafficPolicy.tls.credentialName",
         "invalid configmap:// credentialName: invalid resource name \"configmap://a/\". Expected "
         "name"},
    };

    assert_rows(rows, COUNT_OF(rows));
}

static void test_shapes_are_refused_as_istiods_reader_does(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {VS "  - match: [{prefix: /}]\n" ROUTE, DIAG_V_UNKNOWN_FIELD, 7,
         "spec.http[0].match[0].prefix",
         "cannot parse proto message: unknown field \"prefix\" in "
         "istio.networking.v1alpha3.HTTPMatchRequest"},
        {VS "  - {timeout: 1x}\n", DIAG_V_BAD_DURATION, 7, "spec.http[0].timeout",
         "cannot parse proto message: bad Duration: time: unknown unit \"x\" in duration \"1x\""},
        {DR "  exportTo: a\n", DIAG_V_CANNOT_UNMARSHAL, 6, "spec.exportTo",
         "cannot parse proto message: json: cannot unmarshal string into Go value of type "
         "[]json.RawMessage"},
    };

    assert_rows(rows, COUNT_OF(rows));
}

static void test_crds_say_what_the_api_server_would(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {VS "  - match: [{uri: {exact: /, prefix: /}}]\n" ROUTE, DIAG_V_CRD_ONE_OF, 7,
         "spec.http[0].match[0].uri",
         "spec.http[0].match[0].uri: only one of exact, prefix, regex can be set"},
        {DR "  subsets: [null]\n", DIAG_V_CRD_NULL, 6, "spec.subsets[0]",
         "spec.subsets[0]: Invalid value: \"null\": must not be null here"},
        {SE "  ports: []\n", DIAG_V_CRD_REQUIRED, 5, "spec.hosts", "spec.hosts: Required value"},
    };

    assert_rows(rows, COUNT_OF(rows));
}

static void test_a_covered_prefix_and_a_second_catch_all_are_told(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {VS "  - match: [{uri: {prefix: /}}]\n" ROUTE "  - match: [{uri: {prefix: /a}}]\n" ROUTE,
         DIAG_V_MATCH_UNUSED, 9, "spec.http[1].match[0]",
         "virtualService rule #1 match #0 of prefix /a is not used (duplicate/overlapping match in "
         "rule #0 of prefix / on #0)"},
        {VS "  -\n" ROUTE "  -\n" ROUTE, DIAG_V_RULE_UNUSED, 10, "spec.http[1]",
         "virtualService rule #1 not used (only the last rule can have no matches)"},
    };

    assert_rows(rows, COUNT_OF(rows));
}

static void test_all_errors_are_said_at_once(void **state)
{
    (void)state;
    struct judging judging;

    judging_init(&judging, VS "  - {timeout: 0s, retries: {attempts: -1}}\n  - {}\n");
    assert_non_null(judging_find(&judging, DIAG_V_DURATION_SHORT));
    assert_non_null(judging_find(&judging, DIAG_V_ATTEMPTS_NEGATIVE));
    assert_non_null(judging_find(&judging, DIAG_V_ROUTE_REQUIRED));
    judging_fini(&judging);
}

/* In the words of Go's netip (asked of istiod's validation). */
static void test_a_range_of_addresses_is_read_as_go_does(void **state)
{
    (void)state;
    static const struct {
        const char *range, *words; /* empty: it is one */
    } ROWS[] = {
        {"10.0.0.0/33", "prefix length out of range"},
        {"10.0.0/8", "ParseAddr(\"10.0.0\"): IPv4 address too short"},
        {"10.0.0.256/8", "ParseAddr(\"10.0.0.256\"): IPv4 field has value >255"},
        {"10.0.0.0/x", "bad bits after slash: \"x\""},
        {"10.0.0.0/08", "bad bits after slash: \"08\""},
        {"10.0.0.0.0/8", "ParseAddr(\"10.0.0.0.0\"): IPv4 address too long"},
        {"10..0.0/8",
         "ParseAddr(\"10..0.0\"): IPv4 field must have at least one digit (at \".0.0\")"},
        {"1.2.3.04/8", "ParseAddr(\"1.2.3.04\"): IPv4 field has octet with leading zero"},
        {"1.2.3.4a/8", "ParseAddr(\"1.2.3.4a\"): unexpected character (at \"a\")"},
        {"fe80::1%eth0/64", "IPv6 zones cannot be present in a prefix"},
        {"::1/129", "prefix length out of range"},
        {"gg::/8", "ParseAddr(\"gg::\"): each colon-separated field must have at least one digit "
                   "(at \"gg::\")"},
        {"1:2/8", "ParseAddr(\"1:2\"): address string too short"},
        {"1:2:3:4:5:6:7:8:9/8",
         "ParseAddr(\"1:2:3:4:5:6:7:8:9\"): trailing garbage after address (at \"9\")"},
        {"12345::/8",
         "ParseAddr(\"12345::\"): each group must have 4 or less digits (at \"12345::\")"},
        {"1::2::3/8", "ParseAddr(\"1::2::3\"): multiple :: in address (at \":3\")"},
        {"1:2:3:4:5:6:7:8::/9",
         "ParseAddr(\"1:2:3:4:5:6:7:8::\"): the :: must expand to at least one field of zeros"},
        {"1:2:/8", "ParseAddr(\"1:2:\"): colon must be followed by more characters (at \":\")"},
        {"%a/8", "ParseAddr(\"%a\"): missing IPv6 address"},
        {"/8", "ParseAddr(\"\"): unable to parse IP"},
        {"1:2:3.4.5.6/8", "ParseAddr(\"1:2:3.4.5.6\"): embedded IPv4 address must replace the "
                          "final 2 fields of the address (at \"3.4.5.6\")"},
        {"::1.2.3/8", "ParseAddr(\"::1.2.3\"): IPv4 address too short"},
        {"::ffff:1.2.3.4/96", ""},
        {"fd00::/8", ""},
        {"::/0", ""},
    };
    for (size_t i = 0; i < COUNT_OF(ROWS); i++) {
        struct judging judging;
        char text[512];
        (void)snprintf(text, sizeof(text), AP "  rules: [{from: [{source: {ipBlocks: ['%s']}}]}]\n",
                       ROWS[i].range);
        judging_init(&judging, text);
        struct str range = str_of(ROWS[i].range);
        struct str want = arena_format(&judging.arena,
                                       "invalid policy x.default: bad CIDR range (%.*s): "
                                       "netip.ParsePrefix(\"%.*s\"): %s",
                                       STR_FMT(range), STR_FMT(range), ROWS[i].words);
        bool is_right = ROWS[i].words[0] == '\0';
        assert_int_equal(judging.diags.count, is_right ? 0 : 1);
        if (!is_right)
            assert_string_equal(
                arena_str(&judging.arena, diag_text(&judging.diags.items[0], &judging.arena)).ptr,
                want.ptr);
        judging_fini(&judging);
    }
}

/* Where istiod returns at once, or hands on errors alone (asked of its validation). */
static void test_nothing_else_is_said(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum diag_id id; /* the only one */
    } ROWS[] = {
        {SC "  workloadSelector: {labels: {a: '*'}}\n  egress: [{hosts: [a]}]\n",
         DIAG_V_SELECTOR_WILDCARD},
        {SC "  workloadSelector: {}\n", DIAG_V_SIDECAR_EMPTY},
        {SE "  workloadSelector: {labels: {a: '*'}}\n  hosts: [-x]\n  ports: [{number: 1, name: "
            "p}]\n",
         DIAG_V_SELECTOR_WILDCARD},
    };
    for (size_t i = 0; i < COUNT_OF(ROWS); i++) {
        struct judging judging;
        judging_init(&judging, ROWS[i].text);
        assert_non_null(judging_find(&judging, ROWS[i].id));
        for (uint32_t k = 0; k < judging.diags.count; k++) {
            struct str words = diag_text(&judging.diags.items[k], &judging.arena);
            if (judging.diags.items[k].id != ROWS[i].id)
                fail_msg("row %zu: %s", i, arena_str(&judging.arena, words).ptr);
        }
        judging_fini(&judging);
    }
}

static void test_what_is_right_is_not_complained_of(void **state)
{
    (void)state;
    static const char *const TEXTS[] = {
        VS "  -\n" ROUTE,
        DR "  subsets: [{name: v1, labels: {version: v1}}]\n",
        GW "  - {hosts: ['*'], port: {number: 80, name: p, protocol: HTTP}}\n",
        SC "  egress: [{hosts: ['*/*']}]\n",
        VS "  - match: [{gateways: [g.ns]}]\n" ROUTE,
        VS "  - fault: {abort: {percentage: {value: 1}}}\n" ROUTE,
        VS_TCP "  - {match: [{gateways: [g.ns]}], route: [{destination: {host: b}}]}\n",
        AP "  rules: [{from: [{source: {namespaces: [a]}}]}]\n",
        "apiVersion: example.com/v1\nkind: Strange\nmetadata: {name: x}\nspec: {a: b}\n",
    };

    for (size_t i = 0; i < COUNT_OF(TEXTS); i++) {
        struct judging judging;
        judging_init(&judging, TEXTS[i]);
        if (judging.diags.count > 0)
            fail_msg(
                "text %zu: %s", i,
                arena_str(&judging.arena, diag_text(&judging.diags.items[0], &judging.arena)).ptr);
        judging_fini(&judging);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_errors_have_istios_words_and_our_place),
        cmocka_unit_test(test_shapes_are_refused_as_istiods_reader_does),
        cmocka_unit_test(test_crds_say_what_the_api_server_would),
        cmocka_unit_test(test_a_covered_prefix_and_a_second_catch_all_are_told),
        cmocka_unit_test(test_all_errors_are_said_at_once),
        cmocka_unit_test(test_a_range_of_addresses_is_read_as_go_does),
        cmocka_unit_test(test_nothing_else_is_said),
        cmocka_unit_test(test_what_is_right_is_not_complained_of),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
