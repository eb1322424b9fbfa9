/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/config/translate/test_authz.c - AuthorizationPolicy and
 * RequestAuthentication as filters: which rules, in which order, in Envoy's
 * words (ISTIO.md 6.2, 6.3).
 */
#include "tests/config/translate/fixture.h"

#define POLICY(name, namespace, more)                               \
    "apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\n" \
    "metadata: {name: " name ", namespace: " namespace "}\nspec: {" more "}\n---\n"
#define TO(what) "{to: [{operation: {" what "}}]}"
#define FROM(what) "{from: [{source: {" what "}}]}"
#define WHEN(key, more) "{when: [{key: '" key "', " more "}]}"
#define MESH_CONFIG(text)                                                                 \
    "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: istio, namespace: istio-system}\n" \
    "data:\n  mesh: |\n    " text "\n---\n"

static const struct security *security_of(const struct fixture *fixture, bool is_tcp)
{
    for (uint32_t i = 0; i < fixture->snapshot->listener_count; i++) {
        const struct listener *listener = &fixture->snapshot->listeners[i];
        if (listener->direction != TRAFFIC_INBOUND)
            continue;
        for (uint32_t k = 1; k < listener->chain_count; k++) {
            if ((listener->chains[k].kind == CHAIN_TCP) == is_tcp)
                return listener->chains[k].security;
        }
    }
    return NULL;
}

static struct str matcher_text(struct arena *arena, const struct string_matcher *match)
{
    static const char *const WORDS[] = {
        [STRING_EXACT] = "=", [STRING_PREFIX] = "^", [STRING_SUFFIX] = "$", [STRING_REGEX] = "~"};

    if (match->kind == STRING_PRESENT)
        return STR("there");
    return arena_format(arena, "%s%.*s%s", WORDS[match->kind], STR_FMT(match->value),
                        match->is_ignoring_case ? "/i" : "");
}

static struct str node_text(struct arena *arena, const struct rbac_node *node);

static struct str group_text(struct arena *arena, const char *word, const struct rbac_node *node)
{
    struct str out = str_of(word);

    for (uint32_t i = 0; i < node->child_count; i++)
        out = arena_format(arena, "%.*s%s%.*s", STR_FMT(out), i == 0 ? "(" : " ",
                           STR_FMT(node_text(arena, &node->children[i])));
    return arena_concat(arena, out, STR(")"));
}

static struct str metadata_text(struct arena *arena, const struct metadata_matcher *matcher)
{
    struct str out = STR("meta");

    for (uint32_t i = 0; i < matcher->path_count; i++)
        out = arena_format(arena, "%.*s.%.*s", STR_FMT(out), STR_FMT(matcher->path[i]));
    for (uint32_t i = 0; i < matcher->value_count; i++)
        out = arena_format(arena, "%.*s%.*s", STR_FMT(out),
                           STR_FMT(matcher_text(arena, &matcher->values[i])));
    return out;
}

/* "all(any)": a tree in one line. */
static struct str node_text(struct arena *arena, const struct rbac_node *node)
{
    switch (node->kind) {
    case RBAC_ANY:
        return STR("any");
    case RBAC_ALL_OF:
        return group_text(arena, "all", node);
    case RBAC_ONE_OF:
        return group_text(arena, "one", node);
    case RBAC_NOT:
        return group_text(arena, "not", node);
    case RBAC_HEADER:
        return arena_format(arena, "%.*s%.*s", STR_FMT(node->header),
                            STR_FMT(matcher_text(arena, &node->text)));
    case RBAC_URL_PATH:
        return arena_concat(arena, STR("path"), matcher_text(arena, &node->text));
    case RBAC_URI_TEMPLATE:
        return arena_concat(arena, STR("template"), node->text.value);
    case RBAC_DESTINATION_PORT:
        return arena_format(arena, "port%u", node->port);
    case RBAC_SERVER_NAME:
        return arena_concat(arena, STR("sni"), matcher_text(arena, &node->text));
    case RBAC_AUTHENTICATED:
        return arena_concat(arena, STR("who"), matcher_text(arena, &node->text));
    case RBAC_DESTINATION_IP:
    case RBAC_DIRECT_REMOTE_IP:
    case RBAC_REMOTE_IP:
        return arena_format(arena, "ip%.*s/%u", STR_FMT(node->range.address), node->range.bits);
    case RBAC_METADATA:
        return metadata_text(arena, node->metadata);
    }
    return STR_EMPTY;
}

/* The first policy of the first RBAC filter: "PERMISSION PRINCIPAL". */
static struct str first_rule(struct fixture *fixture, const struct security *security)
{
    if (security == NULL || security->rbacs[0].rules.policy_count == 0)
        return STR("void");
    const struct rbac_policy *policy = &security->rbacs[0].rules.policies[0];
    return arena_format(&fixture->arena, "%.*s %.*s",
                        STR_FMT(node_text(&fixture->arena, policy->permissions)),
                        STR_FMT(node_text(&fixture->arena, policy->principals)));
}

static void test_rules_become_trees(void **state)
{
    (void)state;
    static const struct {
        const char *rule, *http, *tcp; /* of an ALLOW policy */
    } rows[] = {
        {"{}", "all(any) all(any)", "all(any) all(any)"},
        {TO("methods: [GET, '*'], notPorts: ['80']"),
         "all(one(:method=GET :methodthere) not(one(port80))) all(any)", "void"},
        {TO("ports: ['80']"), "all(one(port80)) all(any)", "all(one(port80)) all(any)"},
        {TO("hosts: ['*.a.com'], paths: [/a, '/b*', '*.c', '/x/{*}/{**}']"),
         "all(one(:authority$.a.com/i) one(path=/a path^/b path$.c template/x/*/**)) all(any)",
         "void"},
        {FROM("principals: [cluster.local/ns/a/sa/b, '*', '*/sa/x', 'cluster.local/ns/a*']"),
         "all(any) all(one(who=spiffe://cluster.local/ns/a/sa/b who~.+ who~spiffe://.*/sa/x "
         "who^spiffe://cluster.local/ns/a))",
         NULL},
        {FROM("namespaces: [a, 'b-*'], notIpBlocks: [10.0.0.0/8]"),
         "all(any) all(one(who~.*/ns/a/.* who~.*/ns/b-.*/.*) not(one(ip10.0.0.0/8)))", NULL},
        {FROM("serviceAccounts: [a, n/b.c]"),
         "all(any) all(one(who~spiffe://.+/ns/default/(.+/|)sa/a(/.+)? "
         "who~spiffe://.+/ns/n/(.+/|)sa/b\\.c(/.+)?))",
         NULL},
        {FROM("trustDomains: [td, 'a*z']"),
         "all(any) all(one(who^spiffe://td/ who~spiffe://a[^/]*z/.*))", NULL},
        {FROM("requestPrincipals: ['https://i/s', 'i/*', '*/s', '*']"),
         "all(any) all(one(all(meta.payload.iss=https://i meta.payload.sub=s) "
         "all(meta.payload.iss=i meta.payload.sub~.+) "
         "all(meta.payload.iss~.+ meta.payload.sub=s) "
         "all(meta.payload.iss~.+ meta.payload.sub~.+)))",
         "void"},
        {WHEN("request.auth.claims[a][b]", "values: [x, 'y*']"),
         "all(any) all(meta.payload.a.b=x^y)", "void"},
        {WHEN("request.headers[x-a]", "notValues: [v]"), "all(any) all(not(one(x-a=v)))", "void"},
        {WHEN("connection.sni", "values: ['*.com']"), "all(one(sni$.com)) all(any)", NULL},
        {WHEN("experimental.envoy.filters.a.b[c]", "values: ['[x]', y]"),
         "all(meta.c=x=y) all(any)", NULL},
        {WHEN("source.weather", "values: [x]"), "void", "void"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct fixture fixture;
        fixture_sidecar(&fixture, mesh_text(POLICY("p", "default", "action: ALLOW, rules: [%s]"),
                                            rows[i].rule));
        assert_text(&fixture, first_rule(&fixture, security_of(&fixture, false)), rows[i].http);
        if (rows[i].tcp != NULL)
            assert_text(&fixture, first_rule(&fixture, security_of(&fixture, true)), rows[i].tcp);
        fixture_fini(&fixture);
    }
}

static void test_denial_loses_what_streams_do_not_have(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_sidecar(
        &fixture,
        POLICY("p", "default", "action: DENY, rules: [" TO("paths: [/x], ports: ['80']") "]"));
    assert_text(&fixture, first_rule(&fixture, security_of(&fixture, false)),
                "all(one(path=/x) one(port80)) all(any)");
    assert_text(&fixture, first_rule(&fixture, security_of(&fixture, true)),
                "all(one(port80)) all(any)");
    fixture_fini(&fixture);
}

static void test_filters_stand_in_istios_order(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_sidecar(
        &fixture,
        POLICY("a", "default", "rules: [{}]")
            POLICY("b", "istio-system", "action: DENY, rules: [{}]")
                POLICY("c", "default", "action: AUDIT, rules: [{}]")
                    POLICY("d", "other", "action: DENY, rules: [{}]")
                        POLICY("e", "default", "selector: {matchLabels: {app: x}}, rules: [{}]"));
    const struct security *security = security_of(&fixture, false);
    assert_int_equal(security->rbac_count, 3);
    assert_int_equal(security->rbacs[0].rules.action, RBAC_LOG);
    assert_int_equal(security->rbacs[1].rules.action, RBAC_DENY);
    assert_text(&fixture, security->rbacs[1].rules.policies[0].name,
                "ns[istio-system]-policy[b]-rule[0]");
    assert_int_equal(security->rbacs[1].rules.policy_count, 1);
    assert_int_equal(security->rbacs[2].rules.action, RBAC_ALLOW);
    assert_int_equal(security->rbacs[2].rules.policy_count, 1);
    fixture_fini(&fixture);
}

static void test_without_rules_nothing_is_allowed(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_sidecar(&fixture, POLICY("a", "default", ""));
    assert_text(&fixture, first_rule(&fixture, security_of(&fixture, false)), "not(any) not(any)");
    fixture_fini(&fixture);
}

static void test_principals_are_of_every_domain_of_the_mesh(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_sidecar(
        &fixture,
        MESH_CONFIG("{trustDomain: td, trustDomainAliases: [older, old, older]}")
            POLICY("a", "default",
                   "rules: [" FROM("principals: [cluster.local/ns/a/sa/b, other/ns/a/sa/b]") "]"));
    assert_text(&fixture, first_rule(&fixture, security_of(&fixture, false)),
                "all(any) all(one(who=spiffe://td/ns/a/sa/b who=spiffe://old/ns/a/sa/b "
                "who=spiffe://older/ns/a/sa/b who=spiffe://other/ns/a/sa/b))");
    fixture_fini(&fixture);
}

#define PROVIDER_ENTRY(namespace)                                                              \
    "apiVersion: networking.istio.io/v1\nkind: ServiceEntry\n"                                 \
    "metadata: {name: e, namespace: " namespace "}\nspec: {hosts: [ext.local], ports: "        \
                                                "[{number: 80, name: http, protocol: HTTP}], " \
                                                "resolution: STATIC}\n---\n"
#define ASKING(service)                                                                \
    MESH_CONFIG("extensionProviders: [{name: e, envoyExtAuthzGrpc: {service: " service \
                ", port: 9000}}]")                                                     \
    POLICY("a", "default", "action: CUSTOM, provider: {name: e}, rules: [{}]")

/* A ServiceEntry may be the provider; a host of two namespaces is nobody, unless one is said. */
static void test_who_is_asked(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool is_found;
    } rows[] = {
        {PROVIDER_ENTRY("default") ASKING("ext.local"), true},
        {PROVIDER_ENTRY("default") PROVIDER_ENTRY("far") ASKING("ext.local"), false},
        {PROVIDER_ENTRY("default") PROVIDER_ENTRY("far") ASKING("far/ext.local"), true},
        {PROVIDER_ENTRY("far") ASKING("default/ext.local"), false},
        {ASKING("ext.local"), false},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct fixture fixture;
        fixture_sidecar(&fixture, rows[i].text);
        const struct custom_authz *custom = security_of(&fixture, false)->customs;
        if ((custom->provider != NULL) != rows[i].is_found)
            fail_msg("row %zu", i);
        if (rows[i].is_found)
            assert_text(&fixture, custom->provider->cluster, "outbound|9000||ext.local");
        fixture_fini(&fixture);
    }
}

/* Once for each source that the condition stands beside, as istiod has it. */
static void test_principals_of_conditions_are_repeated(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_sidecar(&fixture, MESH_CONFIG("{trustDomain: td, trustDomainAliases: [old]}") POLICY(
                                  "a", "default",
                                  "rules: [{from: [{source: {ipBlocks: [1.2.3.4]}}, {source: "
                                  "{ipBlocks: [1.2.3.4]}}], when: [{key: source.principal, values: "
                                  "[td/ns/a/sa/b]}]}]"));
    assert_text(&fixture, first_rule(&fixture, security_of(&fixture, false)),
                "all(any) all(one(ip1.2.3.4/32) one(who=spiffe://td/ns/a/sa/b "
                "who=spiffe://old/ns/a/sa/b who=spiffe://td/ns/a/sa/b "
                "who=spiffe://old/ns/a/sa/b))");
    fixture_fini(&fixture);
}

static void test_who_cannot_be_asked_denies(void **state)
{
    (void)state;
    static const char *const provider = SERVICE("ext", "http", "8000")
        MESH_CONFIG("extensionProviders: [{name: e, envoyExtAuthzHttp: {service: "
                    "ext.default.svc.cluster.local, port: 8000, statusOnError: '503'}}]")
            POLICY("a", "default", "action: CUSTOM, provider: {name: e}, rules: [{}]");
    struct fixture fixture;
    fixture_sidecar(&fixture, provider);
    const struct custom_authz *custom = security_of(&fixture, false)->customs;
    assert_non_null(custom->provider);
    assert_text(&fixture, custom->provider->cluster,
                "outbound|8000||ext.default.svc.cluster.local");
    assert_int_equal(custom->provider->error_status, 503);
    assert_int_equal(custom->rbac.shadow.policy_count, 1);
    assert_null(security_of(&fixture, true)); /* HTTP cannot be asked about a stream */
    fixture_fini(&fixture);

    fixture_sidecar(&fixture,
                    POLICY("a", "default", "action: CUSTOM, provider: {name: e}, rules: [{}]"));
    custom = security_of(&fixture, false)->customs;
    assert_null(custom->provider);
    assert_int_equal(custom->rbac.rules.action, RBAC_DENY);
    assert_text(&fixture, custom->rbac.rules.policies[0].name,
                "istio-ext-authz-e-ns[default]-policy[a]-rule[0]-deny-due-to-bad-CUSTOM-action");
    fixture_fini(&fixture);
}

static void test_tokens_are_sorted_by_issuer(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_sidecar(&fixture, "apiVersion: security.istio.io/v1\nkind: RequestAuthentication\n"
                              "metadata: {name: a, namespace: default}\nspec:\n  jwtRules:\n"
                              "  - {issuer: b, jwks: '{}', spaceDelimitedClaims: [roles]}\n"
                              "  - {issuer: a, jwks: '{}', forwardOriginalToken: true}\n");
    const struct jwt_authn *jwt = security_of(&fixture, false)->jwt;
    assert_int_equal(jwt->provider_count, 2);
    assert_text(&fixture, jwt->providers[0].issuer, "a");
    assert_true(jwt->providers[0].is_forwarding);
    assert_int_equal(jwt->providers[1].space_delimited_count, 3);
    assert_text(&fixture, jwt->providers[1].space_delimited[1], "roles");
    assert_null(security_of(&fixture, true));
    fixture_fini(&fixture);
}

static void test_the_workloads_own_namespace_names_issuers_first(void **state)
{
    (void)state;
    static const char *const text =
        "apiVersion: security.istio.io/v1\nkind: RequestAuthentication\n"
        "metadata: {name: a, namespace: istio-system}\nspec: {jwtRules: [{issuer: a, jwks: '{}', "
        "fromParams: [token]}]}\n---\n"
        "apiVersion: security.istio.io/v1\nkind: RequestAuthentication\n"
        "metadata: {name: b, namespace: default}\nspec: {jwtRules: [{issuer: a, jwks: '{}'}]}\n";
    struct fixture fixture;
    fixture_sidecar(&fixture, text);
    const struct jwt_authn *jwt = security_of(&fixture, false)->jwt;
    assert_int_equal(jwt->provider_count, 2);
    assert_int_equal(jwt->providers[0].param_count, 0);
    assert_int_equal(jwt->providers[1].param_count, 1);
    fixture_fini(&fixture);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rules_become_trees),
        cmocka_unit_test(test_denial_loses_what_streams_do_not_have),
        cmocka_unit_test(test_filters_stand_in_istios_order),
        cmocka_unit_test(test_without_rules_nothing_is_allowed),
        cmocka_unit_test(test_principals_are_of_every_domain_of_the_mesh),
        cmocka_unit_test(test_who_is_asked),
        cmocka_unit_test(test_principals_of_conditions_are_repeated),
        cmocka_unit_test(test_who_cannot_be_asked_denies),
        cmocka_unit_test(test_tokens_are_sorted_by_issuer),
        cmocka_unit_test(test_the_workloads_own_namespace_names_issuers_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
