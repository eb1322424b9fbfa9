/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/config/derive/test_delegate.c
 */
#include "tests/config/derive/complete.h"

#include <stdio.h>

#include "config/derive/delegate.h"

#define VS(name)                                                                                  \
    "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: " name "}\nspec:" \
    "\n"
#define GO "route: [{destination: {host: a}}]"

static const struct virtual_service *only(const struct mesh_reading *reading)
{
    assert_int_equal(reading->mesh->virtual_services_count, 1);
    return &reading->mesh->virtual_services[0];
}

static void assert_str(struct str actual, const char *expected)
{
    if (!str_eq(actual, str_of(expected)))
        fail_msg("\"%.*s\" is not \"%s\"", STR_FMT(actual), expected);
}

static void test_the_delegates_rules_stand_in_the_rules_place(void **state)
{
    (void)state;
    struct mesh_reading reading;
    mesh_reading_complete(
        &reading,
        VS("root") "  hosts: [shop]\n"
                   "  http:\n"
                   "  - {name: r, match: [{uri: {prefix: /a}, headers: {h: {exact: x}}}],"
                   " delegate: {name: leaf}, timeout: 5s}\n"
                   "  - " GO "\n"
                   "---\n" VS(
                       "leaf") "  http:\n"
                               "  - {name: d, match: [{uri: {prefix: /a/b}}], timeout: 9s, " GO
                               "}\n"
                               "  - {match: [{method: {exact: GET}}], " GO "}\n");
    const struct virtual_service *root = only(&reading);

    assert_int_equal(root->rule_count, 3);
    const struct http_rule *first = &root->rules[0], *second = &root->rules[1];
    assert_str(first->name, "r-d");
    assert_str(first->matches[0].uri.value, "/a/b");
    assert_int_equal(first->matches[0].headers.count, 1);
    assert_int_equal(first->timeout_ns, INT64_C(9000000000));
    assert_str(first->path, "spec.http[0]");
    assert_int_equal(first->origin.line, 15);
    assert_str(second->name, "r");
    assert_str(second->matches[0].uri.value, "/a");
    assert_int_equal(second->timeout_ns, INT64_C(5000000000));
    mesh_reading_fini(&reading);
}

/* One match of the root, one of the leaf: do they go together? */
static const struct {
    const char *root, *leaf;
    bool is_together;
} PAIRS[] = {
    {"uri: {prefix: /a}", "uri: {prefix: /a}", true},
    {"uri: {prefix: /a}", "uri: {prefix: /ab}", true},
    {"uri: {prefix: /a}", "uri: {exact: /a/b}", true},
    {"uri: {prefix: /a/b}", "uri: {prefix: /a}", false},
    {"uri: {exact: /a}", "uri: {exact: /a}", true},
    {"uri: {exact: /a}", "uri: {exact: /b}", false},
    {"uri: {exact: /a}", "uri: {prefix: /a}", false},
    {"uri: {regex: /a}", "uri: {exact: /a}", false},
    {"uri: {prefix: /a}", "uri: {regex: /a}", false},
    {"uri: {regex: /a}", "method: {exact: GET}", true},
    {"headers: {h: {exact: a}}", "headers: {h: {exact: b}}", false},
    {"headers: {h: {exact: a}}", "headers: {i: {exact: b}}", true},
    {"queryParams: {q: {exact: a}}", "queryParams: {q: {prefix: a}}", false},
    {"port: 80", "port: 81", false},
    {"port: 80", "uri: {exact: /}", true},
    {"ignoreUriCase: true", "uri: {exact: /}", false},
    {"sourceNamespace: ns", "uri: {exact: /}", false},
    {"uri: {exact: /}", "sourceNamespace: ns", true},
    {"sourceLabels: {a: b}", "sourceLabels: {a: c}", false},
    {"sourceLabels: {a: b}", "sourceLabels: {d: c}", true},
    {"gateways: [g]", "gateways: [h]", false},
    {"gateways: [g, h]", "gateways: [h]", true},
};

static void test_a_delegates_match_narrows_the_roots(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(PAIRS); i++) {
        struct mesh_reading reading;
        char text[1024];
        (void)snprintf(text, sizeof(text),
                       VS("root") "  hosts: [shop]\n"
                                  "  http: [{match: [{%s}], delegate: {name: leaf}}]\n"
                                  "---\n" VS("leaf") "  http: [{match: [{%s}], " GO "}]\n",
                       PAIRS[i].root, PAIRS[i].leaf);
        mesh_reading_complete(&reading, text);
        if (only(&reading)->rule_count != (uint32_t)PAIRS[i].is_together)
            fail_msg("%s and %s", PAIRS[i].root, PAIRS[i].leaf);
        assert_said(&reading, DIAG_DELEGATE_CONFLICT, PAIRS[i].is_together ? 0 : 12);
        mesh_reading_fini(&reading);
    }
}

static void test_a_delegate_that_cannot_be_had_costs_its_rule_only(void **state)
{
    (void)state;
    struct mesh_reading reading;
    mesh_reading_complete(
        &reading,
        VS("root") "  hosts: [shop]\n"
                   "  http:\n"
                   "  - {match: [{uri: {prefix: /a}}], delegate: {name: nobody}}\n"
                   "  - {match: [{uri: {prefix: /b}}], delegate: {name: x, namespace: n}}\n"
                   "  - " GO "\n"
                   "---\napiVersion: networking.istio.io/v1\nkind: VirtualService\n"
                   "metadata: {name: x, namespace: n}\n"
                   "spec: {exportTo: [.], http: [{" GO "}]}\n");
    assert_int_equal(only(&reading)->rule_count, 1);
    assert_said(&reading, DIAG_DELEGATE_MISSING, 7);
    assert_said(&reading, DIAG_DELEGATE_HIDDEN, 8);
    mesh_reading_fini(&reading);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_delegates_rules_stand_in_the_rules_place),
        cmocka_unit_test(test_a_delegates_match_narrows_the_roots),
        cmocka_unit_test(test_a_delegate_that_cannot_be_had_costs_its_rule_only),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
