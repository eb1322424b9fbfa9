/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/proxy/core/test_rbac.c - who may come in (ISTIO.md 6.3).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "proxy/core/rbac.h"

#include "base/check.h"

static const struct rbac_node any = {.kind = RBAC_ANY};
static const struct rbac_node never = {.kind = RBAC_NOT, .children = &any, .child_count = 1};

static struct arena arena;

static int begin(void **state)
{
    (void)state;
    arena_init(&arena, 4096, 0);
    return 0;
}

static int end(void **state)
{
    (void)state;
    arena_fini(&arena);
    return 0;
}

static struct request_head head_of(const char *method, const char *authority, const char *path)
{
    struct request_head head = {.method = str_of(method),
                                .authority = str_of(authority),
                                .has_authority = true,
                                .path = str_of(path)};
    header_list_init(&head.headers, &arena);
    header_append_line(&head.headers, STR("x-token"), STR("abc"));
    header_append_line(&head.headers, STR("x-token"), STR("def"));
    return head;
}

#define TEXT(how, text)                        \
    {                                          \
        .kind = (how), .value = STR_INIT(text) \
    }

/* A rule that consists of one node. */
static bool is_met(const struct rbac_node *node, const struct rbac_facts *facts)
{
    struct rbac_policy policy = {
        .permissions = node, .permission_count = 1, .principals = &any, .principal_count = 1};
    struct rbac_rules rules = {.is_there = true, .policies = &policy, .policy_count = 1};
    return rbac_judge(&rules, facts).is_allowed;
}

static const struct {
    struct rbac_node node;
    bool is_met, is_met_by_stream;
} properties[] = {
    {{.kind = RBAC_ANY}, true, true},
    {{.kind = RBAC_HEADER, .header = STR_INIT(":method"), .text = TEXT(STRING_EXACT, "GET")},
     true,
     false},
    {{.kind = RBAC_HEADER, .header = STR_INIT(":method"), .text = TEXT(STRING_EXACT, "get")},
     false,
     false},
    {{.kind = RBAC_HEADER,
      .header = STR_INIT(":authority"),
      .text = {.kind = STRING_EXACT, .value = STR_INIT("SHOP:80"), .is_ignoring_case = true}},
     true,
     false},
    {{.kind = RBAC_HEADER, .header = STR_INIT(":authority"), .text = TEXT(STRING_EXACT, "shop")},
     false,
     false},
    /* Each line on its own. */
    {{.kind = RBAC_HEADER, .header = STR_INIT("x-token"), .text = TEXT(STRING_EXACT, "def")},
     true,
     false},
    {{.kind = RBAC_HEADER, .header = STR_INIT("x-token"), .text = TEXT(STRING_EXACT, "abc,def")},
     false,
     false},
    {{.kind = RBAC_HEADER, .header = STR_INIT("x-none"), .text = {.kind = STRING_PRESENT}},
     false,
     false},
    {{.kind = RBAC_URL_PATH, .text = TEXT(STRING_EXACT, "/a/b")}, true, false},
    {{.kind = RBAC_URL_PATH, .text = TEXT(STRING_PREFIX, "/a/")}, true, false},
    {{.kind = RBAC_URL_PATH, .text = TEXT(STRING_SUFFIX, "c=d")}, false, false},
    {{.kind = RBAC_DESTINATION_PORT, .port = 9080}, true, true},
    {{.kind = RBAC_DESTINATION_PORT, .port = 80}, false, false},
    {{.kind = RBAC_DESTINATION_IP, .range = {STR_INIT("10.1.0.0"), 16}}, true, true},
    {{.kind = RBAC_DIRECT_REMOTE_IP, .range = {STR_INIT("10.2.0.9"), 32}}, true, true},
    {{.kind = RBAC_REMOTE_IP, .range = {STR_INIT("10.2.0.9"), 32}}, false, false},
    {{.kind = RBAC_REMOTE_IP, .range = {STR_INIT("1.2.3.0"), 24}}, true, true},
    {{.kind = RBAC_SERVER_NAME, .text = TEXT(STRING_SUFFIX, ".test")}, true, true},
    {{.kind = RBAC_AUTHENTICATED, .text = TEXT(STRING_EXACT, "spiffe://a/ns/b/sa/c")}, true, true},
    {{.kind = RBAC_AUTHENTICATED, .text = TEXT(STRING_EXACT, "c.test")}, true, true},
    {{.kind = RBAC_AUTHENTICATED, .text = TEXT(STRING_PREFIX, "spiffe://b")}, false, false},
};

static void test_properties_of_the_request(void **state)
{
    (void)state;
    static const struct str uris[] = {STR_INIT("spiffe://a/ns/b/sa/c")};
    static const struct str names[] = {STR_INIT("c.test")};
    struct certificate peer = {.uris = uris, .uri_count = 1, .names = names, .name_count = 1};
    struct request_head head = head_of("GET", "shop:80", "/a/b?c=d");
    struct rbac_facts facts = {.head = &head,
                               .peer = &peer,
                               .server_name = STR("shop.test"),
                               .direct_address = STR("10.2.0.9"),
                               .remote_address = STR("1.2.3.4"),
                               .local_address = STR("10.1.2.3"),
                               .local_port = 9080};
    struct rbac_facts stream = facts;
    stream.head = NULL;
    for (size_t i = 0; i < COUNT_OF(properties); i++) {
        if (is_met(&properties[i].node, &facts) != properties[i].is_met ||
            is_met(&properties[i].node, &stream) != properties[i].is_met_by_stream)
            fail_msg("row %zu", i);
    }
    /* Nobody who shows no certificate has a name, not even any. */
    struct rbac_node named = {.kind = RBAC_AUTHENTICATED, .text = TEXT(STRING_PREFIX, "")};
    assert_true(is_met(&named, &facts));
    facts.peer = NULL;
    assert_false(is_met(&named, &facts));
}

static void test_path_templates(void **state)
{
    (void)state;
    static const struct {
        const char *template, *path;
        bool is_met;
    } rows[] = {
        {"/a/*", "/a/b", true},
        {"/a/*", "/a/", false},
        {"/a/*", "/a/b/c", false},
        {"/a/*/c", "/a/b/c", true},
        {"/a/*/c", "/a/b/d", false},
        {"/a/**", "/a/b/c", true},
        {"/a/**", "/a/", true},
        {"/a/**", "/b/", false},
        {"/*/b/**", "/a/b/c/d", true},
        {"/a/**.js", "/a/b/c.js", true},
        {"/a/**.js", "/a/b/c.css", false},
        {"/a/*", "/a/b?c/d", true},
        {"/a/*.js", "/a/b.js", true},
        {"/a/*.js", "/a/.js", false},
        {"/a", "/a", true},
        {"/a", "/a/", false},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct rbac_node node = {.kind = RBAC_URI_TEMPLATE,
                                 .text = {.value = str_of(rows[i].template)}};
        struct request_head head = head_of("GET", "a", rows[i].path);
        if (is_met(&node, &(struct rbac_facts){.head = &head}) != rows[i].is_met)
            fail_msg("%s of %s", rows[i].path, rows[i].template);
    }
}

static void test_claims(void **state)
{
    (void)state;
    static const struct str path[] = {STR_INIT("payload"), STR_INIT("a"), STR_INIT("b")};
    static const struct str foreign[] = {STR_INIT("other"), STR_INIT("a")};
    static const struct string_matcher values[] = {TEXT(STRING_EXACT, "x"),
                                                   TEXT(STRING_PREFIX, "y")};
    static const struct {
        const char *claims;
        bool is_text, is_claim; /* what METADATA_TEXT and METADATA_CLAIM say */
    } rows[] = {
        {"{\"a\":{\"b\":\"x\"}}", true, true},
        {"{\"a\":{\"b\":\"yes\"}}", true, true},
        {"{\"a\":{\"b\":\"z\"}}", false, false},
        {"{\"a\":{\"b\":[\"z\",\"x\"]}}", false, true},
        {"{\"a\":{\"b\":[1,[\"x\"]]}}", false, false},
        {"{\"a\":{\"b\":1}}", false, false},
        {"{\"a\":\"x\"}", false, false},
        {"{}", false, false},
    };
    struct metadata_matcher matcher = {.filter = STR("envoy.filters.http.jwt_authn"),
                                       .path = path,
                                       .path_count = 3,
                                       .values = values,
                                       .value_count = 2};
    struct rbac_node node = {.kind = RBAC_METADATA, .metadata = &matcher};
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct json_value claims;
        size_t where;
        assert_int_equal(json_read(str_of(rows[i].claims), &arena, &claims, &where), RC_OK);
        struct rbac_facts facts = {.claims = &claims};
        matcher.kind = METADATA_TEXT;
        assert_int_equal(is_met(&node, &facts), rows[i].is_text);
        matcher.kind = METADATA_CLAIM;
        assert_int_equal(is_met(&node, &facts), rows[i].is_claim);
    }
    assert_false(is_met(&node, &(struct rbac_facts){0}));
    matcher.path = foreign;
    struct json_value claims = {.kind = JSON_OBJECT};
    assert_false(is_met(&node, &(struct rbac_facts){.claims = &claims}));
}

static void test_groups(void **state)
{
    (void)state;
    const struct rbac_node both[] = {any, never};
    const struct rbac_node all = {.kind = RBAC_ALL_OF, .children = both, .child_count = 2};
    const struct rbac_node one = {.kind = RBAC_ONE_OF, .children = both, .child_count = 2};
    const struct rbac_node none = {.kind = RBAC_ONE_OF};
    struct rbac_facts facts = {0};
    assert_false(is_met(&all, &facts));
    assert_true(is_met(&one, &facts));
    assert_false(is_met(&none, &facts));
    assert_false(is_met(&never, &facts));
}

static struct rbac_policy policy_of(const char *name, bool is_met)
{
    return (struct rbac_policy){.name = str_of(name),
                                .permissions = &any,
                                .permission_count = 1,
                                .principals = is_met ? &any : &never,
                                .principal_count = 1};
}

/* DENY before ALLOW; of several the first by name is told. */
static void test_actions(void **state)
{
    (void)state;
    struct rbac_policy met[] = {policy_of("b", true), policy_of("a", true)};
    struct rbac_policy unmet[] = {policy_of("c", false)};
    const struct {
        enum rbac_action action;
        bool is_met, is_allowed;
        const char *details;
    } rows[] = {
        {RBAC_ALLOW, true, true, "rbac_access_denied_matched_policy[a]"},
        {RBAC_ALLOW, false, false, "rbac_access_denied_matched_policy[none]"},
        {RBAC_DENY, true, false, "rbac_access_denied_matched_policy[a]"},
        {RBAC_DENY, false, true, "rbac_access_denied_matched_policy[none]"},
        {RBAC_LOG, true, true, "rbac_access_denied_matched_policy[a]"},
        {RBAC_LOG, false, true, "rbac_access_denied_matched_policy[none]"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct rbac_rules rules = {.is_there = true,
                                   .action = rows[i].action,
                                   .policies = rows[i].is_met ? met : unmet,
                                   .policy_count = rows[i].is_met ? 2 : 1};
        struct rbac_verdict verdict = rbac_judge(&rules, &(struct rbac_facts){0});
        assert_int_equal(verdict.is_allowed, rows[i].is_allowed);
        assert_true(str_eq(rbac_details(&verdict, &arena), str_of(rows[i].details)));
    }
    assert_true(rbac_judge(&(struct rbac_rules){0}, &(struct rbac_facts){0}).is_allowed);
}

static void test_filters_of_a_stage_in_their_order(void **state)
{
    (void)state;
    struct rbac rbacs[2] = {{.kind = RBAC_SHADOW_DENY}, {.kind = RBAC_SHADOW_ALLOW}};
    struct custom_authz custom = {.rbac = {.kind = RBAC_SHADOW_CUSTOM}};
    struct security security = {
        .rbacs = rbacs, .rbac_count = 2, .customs = &custom, .custom_count = 1};
    assert_ptr_equal(access_filter(&security, ACCESS_RULES, 0), &rbacs[0]);
    assert_ptr_equal(access_filter(&security, ACCESS_RULES, 1), &rbacs[1]);
    assert_null(access_filter(&security, ACCESS_RULES, 2));
    assert_ptr_equal(access_filter(&security, ACCESS_CUSTOM, 0), &custom.rbac);
    assert_null(access_filter(&security, ACCESS_CUSTOM, 1));
}

/* What is there is counted, each filter for itself; AUDIT allows. */
static void test_what_filters_count(void **state)
{
    (void)state;
    struct rbac_policy met[] = {policy_of("a", true)}, unmet[] = {policy_of("b", false)};
#define RULES(which, what)                                                         \
    {                                                                              \
        .is_there = true, .action = (what), .policies = (which), .policy_count = 1 \
    }
    const struct {
        struct rbac rbac;
        enum rbac_stat want[2]; /* STAT_RBAC_COUNT: nothing */
    } rows[] = {
        {{.rules = RULES(met, RBAC_LOG)}, {STAT_RBAC_allowed, STAT_RBAC_COUNT}},
        {{.rules = RULES(unmet, RBAC_LOG)}, {STAT_RBAC_allowed, STAT_RBAC_COUNT}},
        {{.rules = RULES(met, RBAC_DENY)}, {STAT_RBAC_denied, STAT_RBAC_COUNT}},
        {{.rules = RULES(unmet, RBAC_ALLOW), .shadow = RULES(met, RBAC_ALLOW)},
         {STAT_RBAC_denied, STAT_RBAC_COUNT}},
        {{.shadow = RULES(met, RBAC_ALLOW), .kind = RBAC_SHADOW_ALLOW},
         {STAT_RBAC_dry_run_allow_allowed, STAT_RBAC_COUNT}},
        {{.shadow = RULES(unmet, RBAC_ALLOW), .kind = RBAC_SHADOW_ALLOW},
         {STAT_RBAC_dry_run_allow_denied, STAT_RBAC_COUNT}},
        {{.rules = RULES(met, RBAC_DENY),
          .shadow = RULES(unmet, RBAC_DENY),
          .kind = RBAC_SHADOW_DENY},
         {STAT_RBAC_denied, STAT_RBAC_dry_run_deny_allowed}},
        {{.rules = RULES(unmet, RBAC_DENY),
          .shadow = RULES(met, RBAC_DENY),
          .kind = RBAC_SHADOW_DENY},
         {STAT_RBAC_allowed, STAT_RBAC_dry_run_deny_denied}},
        {{.shadow = RULES(met, RBAC_DENY), .kind = RBAC_SHADOW_CUSTOM},
         {STAT_RBAC_ext_authz_denied, STAT_RBAC_COUNT}},
        {{.shadow = RULES(unmet, RBAC_DENY), .kind = RBAC_SHADOW_CUSTOM},
         {STAT_RBAC_ext_authz_allowed, STAT_RBAC_COUNT}},
        {{.kind = RBAC_SHADOW_ALLOW}, {STAT_RBAC_COUNT, STAT_RBAC_COUNT}},
    };
#undef RULES
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        uint64_t counters[STAT_RBAC_COUNT + 1] = {0};
        struct rbac_finding found = rbac_find(&rows[i].rbac, &(struct rbac_facts){0});
        rbac_count(&rows[i].rbac, &found, counters);
        for (uint32_t k = 0; k < STAT_RBAC_COUNT; k++)
            assert_int_equal(counters[k], k == rows[i].want[0] || k == rows[i].want[1]);
    }
}

/* Shadows decide nothing. */
static void test_shadows_only_say(void **state)
{
    (void)state;
    struct rbac_policy met[] = {policy_of("a", true)};
    struct rbac rbac = {
        .shadow = {.is_there = true, .action = RBAC_DENY, .policies = met, .policy_count = 1},
        .kind = RBAC_SHADOW_DENY};
    struct rbac_finding found = rbac_find(&rbac, &(struct rbac_facts){0});
    assert_true(found.rules.is_allowed);
    assert_null(found.rules.policy);
    assert_false(found.shadow.is_allowed);
    assert_ptr_equal(found.shadow.policy, &met[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_properties_of_the_request),
        cmocka_unit_test(test_path_templates),
        cmocka_unit_test(test_claims),
        cmocka_unit_test(test_groups),
        cmocka_unit_test(test_actions),
        cmocka_unit_test(test_filters_of_a_stage_in_their_order),
        cmocka_unit_test(test_what_filters_count),
        cmocka_unit_test(test_shadows_only_say),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
