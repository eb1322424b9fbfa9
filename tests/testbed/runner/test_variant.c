/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/testbed/runner/test_variant.c - one test with several sets of manifests:
 * which there are, and that the first one that fails is the verdict.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "testbed/runner/run.h"
#include "testbed/runner/variant.h"

#define SERVICE(name)                                                                          \
    "{apiVersion: v1, kind: Service, metadata: {name: " name "}, spec: {selector: {app: " name \
    "}, ports: [{name: http, port: 80}]}}\n---\n"
#define RULE(name, hosts, http)                                                         \
    "{apiVersion: networking.istio.io/v1, kind: VirtualService, metadata: {name: " name \
    "}, spec: {hosts: [" hosts "], http: [" http "]}}\n---\n"
#define SUBSETS(names)                                                              \
    "{apiVersion: networking.istio.io/v1, kind: DestinationRule, metadata: {name: " \
    "a}, spec: {host: a, subsets: [" names "]}}\n---\n"
#define TO(host) "{route: [{destination: {host: " host "}}]}"
#define V1 "{name: v1, labels: {v: one}}"

struct stand {
    struct arena arena;
    struct diag_list diags;
    struct suite suite;
    struct suite_test test;
    struct suite_transition transition;
};

static void read(struct stand *stand, const char *text, struct documents *out)
{
    tree_read(STR("mesh.yaml"), str_of(text), &stand->arena, out, &stand->diags);
    assert_int_equal(stand->diags.error_count, 0);
}

static void stand_init(struct stand *stand, const char *mesh)
{
    *stand = (struct stand){0};
    arena_init(&stand->arena, 65536, 0);
    diag_list_init(&stand->diags, &stand->arena);
    read(stand, mesh, &stand->suite.spec.documents);
}

static void assert_words(struct stand *stand, const char *want)
{
    struct variants variants = variants_of(&stand->suite, &stand->test, &stand->arena);
    struct str got = variants.why;
    for (uint32_t i = 0; i < variants.count; i++)
        got = arena_format(&stand->arena, "%.*s%s%.*s", STR_FMT(got), i > 0 ? " | " : "",
                           STR_FMT(variants.items[i].words));
    assert_string_equal(arena_str(&stand->arena, got).ptr, want);
    arena_fini(&stand->arena);
}

static void test_rules_that_share_a_host_come_in_every_order(void **state)
{
    (void)state;
    static const struct {
        const char *mesh, *want;
    } rows[] = {
        {SERVICE("a") RULE("r", "a", TO("a")), ""},
        {RULE("r", "a", TO("a")) RULE("s", "b", TO("b")), ""},
        {RULE("r", "a", TO("a")) RULE("other", "c", TO("c")) RULE("s", "a", TO("b")),
         "VirtualServices in the order r, s | VirtualServices in the order s, r"},
        {RULE("r", "a, b", TO("a")) RULE("s", "b, c", TO("b")) RULE("t", "c", TO("b")),
         "VirtualServices in the order r, s, t | VirtualServices in the order r, t, s | "
         "VirtualServices in the order s, r, t | VirtualServices in the order s, t, r | "
         "VirtualServices in the order t, r, s | VirtualServices in the order t, s, r"},
        {RULE("r", "a", TO("a")) RULE("s", "a", TO("a")) RULE("t", "a", TO("a"))
             RULE("u", "a", TO("a")) RULE("v", "a", TO("a")) RULE("w", "a", TO("a")),
         "orderIndependent: 6 VirtualServices share hosts; at most 5 can be tried in every order"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct stand stand;
        stand_init(&stand, rows[i].mesh);
        stand.test.is_order_independent = true;
        assert_words(&stand, rows[i].want);
    }
}

static void test_short_and_long_names_are_one_host_also_in_lists(void **state)
{
    (void)state;
    struct stand stand;
    stand_init(&stand,
               RULE("r", "a", TO("a")) "{kind: List, items: [{kind: VirtualService, metadata: "
                                       "{name: s}, spec: {hosts: [a.default.svc.cluster.local]}}, "
                                       "{kind: VirtualService, metadata: {name: t, namespace: x}, "
                                       "spec: {hosts: [a]}}]}\n");
    stand.test.is_order_independent = true;
    assert_words(&stand, "VirtualServices in the order r, s | VirtualServices in the order s, r");
}

static void test_a_rollout_passes_through_sets_of_changes(void **state)
{
    (void)state;
    static struct str rule_first[] = {STR_INIT("VirtualService/a")};
    static struct str nothing_there[] = {STR_INIT("VirtualService/b")};
    static struct text_list orders[] = {{.items = rule_first, .count = 1},
                                        {.items = nothing_there, .count = 1}};
    static const struct {
        const char *from, *to;
        struct text_list *orders;
        const char *want;
    } rows[] = {
        {SUBSETS("") RULE("a", "a", TO("a")), SUBSETS(V1) RULE("a", "a", TO("a")), NULL,
         "before anything is applied | when there is applied: DestinationRule/a"},
        {SUBSETS("") RULE("a", "a", TO("a")), SUBSETS(V1) RULE("a", "a", TO("b")), NULL,
         "before anything is applied | when there is applied: DestinationRule/a | "
         "when there is applied: VirtualService/a | "
         "when there is applied: DestinationRule/a, VirtualService/a"},
        {SUBSETS("") RULE("a", "a", TO("a")), SUBSETS(V1) RULE("a", "a", TO("b")), &orders[0],
         "before anything is applied | when there is applied: VirtualService/a | "
         "when there is applied: DestinationRule/a, VirtualService/a"},
        {SUBSETS("") RULE("a", "a", TO("a")), SUBSETS(V1), &orders[1],
         "transition: VirtualService/b does not change"},
        {RULE("a", "a", TO("a")), "", NULL,
         "before anything is applied | when there is applied: VirtualService/a (gone)"},
        {RULE("a", "a", TO("a")), RULE("a", "a", TO("a")), NULL,
         "transition: `from` and `to` say the same"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct stand stand;
        stand_init(&stand, SERVICE("a") RULE("a", "a", TO("z")));
        read(&stand, rows[i].from, &stand.transition.from);
        read(&stand, rows[i].to, &stand.transition.to);
        stand.transition.orders = rows[i].orders;
        stand.transition.order_count = rows[i].orders != NULL;
        stand.test.transition = &stand.transition;
        assert_words(&stand, rows[i].want);
    }
}

/* What from and to say is theirs; the rest of the mesh is in every state. */
static void test_a_state_has_each_object_once(void **state)
{
    (void)state;
    static const uint32_t counts[] = {3, 3, 2, 2};
    struct stand stand;
    stand_init(&stand, SERVICE("a") RULE("a", "a", TO("z")));
    read(&stand, RULE("a", "a", TO("a")) RULE("b", "b", TO("b")), &stand.transition.from);
    read(&stand, RULE("a", "a", TO("b")), &stand.transition.to);
    stand.test.transition = &stand.transition;
    struct variants variants = variants_of(&stand.suite, &stand.test, &stand.arena);
    assert_int_equal(variants.count, COUNT_OF(counts));
    for (uint32_t i = 0; i < variants.count; i++)
        assert_int_equal(variants.items[i].documents.count, counts[i]);
    arena_fini(&stand.arena);
}

static void verdict(const char *mesh, const char *test, enum test_status want, const char *variant,
                    uint64_t request_count)
{
    struct stand stand;
    struct documents documents = {0};
    struct test_result result;
    stand_init(&stand, mesh);
    struct documents own = stand.suite.spec.documents;
    struct suite_options options = {.manifests = &own};
    read(&stand, test, &documents);
    assert_true(
        suite_of(&documents, STR("t.yaml"), &options, &stand.arena, &stand.suite, &stand.diags));
    struct run_options how = {.engine = RUN_SIM, .diags = &stand.diags};
    test_result_of(&stand.suite, &stand.suite.tests[0], &how, &result);
    assert_int_equal(result.status, want);
    assert_string_equal(arena_str(&stand.arena, result.variant).ptr, variant);
    assert_true(result.request_count == request_count);
    test_result_fini(&result);
    suite_fini(&stand.suite);
    arena_fini(&stand.arena);
}

#define TEST(more)                                                                             \
    "apiVersion: pocketmesh/v1\nkind: RouteTest\nspec: {defaults: {sidecar: false}, "          \
    "workloads: {a: {service: a}, b: {service: b}}}\ntests: [{name: x, request: {uri: /}" more \
    "}]\n"

static void test_the_first_that_does_not_pass_is_the_verdict(void **state)
{
    (void)state;
    /* A sidecar takes the older of two rules, whole. */
    static const char mesh[] =
        SERVICE("a") SERVICE("b") RULE("r", "a", TO("a")) RULE("s", "a", TO("b"));
    verdict(mesh, TEST(", expect: {destination: {host: a}}"), TEST_PASSED, "", 1);
    verdict(mesh, TEST(", orderIndependent: true, expect: {response: {status: 200}}"), TEST_PASSED,
            "VirtualServices in the order s, r", 2);
    verdict(mesh, TEST(", orderIndependent: true, expect: {destination: {host: a}}"), TEST_FAILED,
            "VirtualServices in the order s, r", 2);
    verdict(mesh, TEST(", orderIndependent: true, expect: {destination: {host: b}}"), TEST_FAILED,
            "VirtualServices in the order r, s", 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rules_that_share_a_host_come_in_every_order),
        cmocka_unit_test(test_short_and_long_names_are_one_host_also_in_lists),
        cmocka_unit_test(test_a_rollout_passes_through_sets_of_changes),
        cmocka_unit_test(test_a_state_has_each_object_once),
        cmocka_unit_test(test_the_first_that_does_not_pass_is_the_verdict),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
