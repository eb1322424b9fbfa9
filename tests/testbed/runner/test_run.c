/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/testbed/runner/test_run.c - whole tests in virtual time: worlds, cases
 * in order, verdicts.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/check.h"
#include "testbed/runner/crew.h"
#include "testbed/runner/run.h"

#define MESH                                                                                 \
    "{kind: Service, apiVersion: v1, metadata: {name: a}, spec: {selector: {app: a}, "       \
    "ports: [{name: http, port: 80}]}}\n"                                                    \
    "---\n"                                                                                  \
    "apiVersion: networking.istio.io/v1\n"                                                   \
    "kind: VirtualService\n"                                                                 \
    "metadata: {name: a}\n"                                                                  \
    "spec:\n"                                                                                \
    "  hosts: [a]\n"                                                                         \
    "  http:\n"                                                                              \
    "  - name: direct\n"                                                                     \
    "    match: [{uri: {exact: /direct}}]\n"                                                 \
    "    directResponse: {status: 418}\n"                                                    \
    "  - name: split\n"                                                                      \
    "    match: [{uri: {prefix: /split}}]\n"                                                 \
    "    route: [{destination: {host: a, subset: v1}, weight: 90}, {destination: {host: a, " \
    "subset: v2}, weight: 10}]\n"                                                            \
    "  - name: rest\n"                                                                       \
    "    route: [{destination: {host: a}}]\n"                                                \
    "    timeout: 1s\n"                                                                      \
    "---\n"                                                                                  \
    "apiVersion: networking.istio.io/v1\n"                                                   \
    "kind: DestinationRule\n"                                                                \
    "metadata: {name: a}\n"                                                                  \
    "spec: {host: a, subsets: [{name: v1, labels: {v: one}}, {name: v2, labels: {v: two}}]}\n"

#define HEAD                                                                                   \
    "apiVersion: pocketmesh/v1\nkind: RouteTest\nmetadata: {name: t}\n"                        \
    "spec:\n"                                                                                  \
    "  defaults: {sidecar: false}\n"                                                           \
    "  workloads: {w1: {service: a, labels: {app: a, v: one}, replicas: 2}, w2: {service: a, " \
    "labels: {app: a, v: two}}}\n"                                                             \
    "tests:\n"

struct stand {
    struct arena arena;
    struct diag_list diags;
    struct documents mesh;
    struct suite suite;
    struct test_result result;
};

static void stand_init(struct stand *stand, const char *tests, uint64_t seed)
{
    struct documents documents = {0};
    *stand = (struct stand){0};
    arena_init(&stand->arena, 65536, 0);
    diag_list_init(&stand->diags, &stand->arena);
    tree_read(STR("mesh.yaml"), STR(MESH), &stand->arena, &stand->mesh, &stand->diags);
    tree_read(STR("t.yaml"), str_of(tests), &stand->arena, &documents, &stand->diags);
    struct suite_options options = {.manifests = &stand->mesh, .has_seed = seed != 0, .seed = seed};
    bool is_good =
        suite_of(&documents, STR("t.yaml"), &options, &stand->arena, &stand->suite, &stand->diags);
    for (uint32_t i = 0; !is_good && i < stand->diags.count; i++)
        print_message("%.*s\n", STR_FMT(diag_text(&stand->diags.items[i], &stand->arena)));
    assert_true(is_good);
}

static const struct test_result *stand_run(struct stand *stand, uint32_t index)
{
    struct run_options options = {.engine = RUN_SIM, .diags = &stand->diags};
    test_result_of(&stand->suite, &stand->suite.tests[index], &options, &stand->result);
    return &stand->result;
}

static void stand_fini(struct stand *stand)
{
    suite_fini(&stand->suite);
    arena_fini(&stand->arena);
}

static void assert_passes(const char *test)
{
    struct stand stand;
    char text[8192];
    int length = snprintf(text, sizeof(text), HEAD "%s", test);
    assert_true(length > 0 && (size_t)length < sizeof(text));
    stand_init(&stand, text, 0);
    const struct test_result *result = stand_run(&stand, 0);
    for (uint32_t i = 0; i < result->complaints.count; i++)
        print_message("%.*s: %.*s | %.*s\n", STR_FMT(result->complaints.items[i].where),
                      STR_FMT(result->complaints.items[i].expected),
                      STR_FMT(result->complaints.items[i].actual));
    assert_int_equal(result->status, TEST_PASSED);
    test_result_fini(&stand.result);
    stand_fini(&stand);
}

static void test_a_true_expectation_passes(void **state)
{
    (void)state;
    assert_passes("- {name: x, request: {uri: /direct}, expect: {response: {status: 418}, "
                  "attempts: 0, upstream: [], decision: {rule: direct}}}\n");
}

static void test_a_false_one_fails_with_its_story(void **state)
{
    (void)state;
    struct stand stand;
    stand_init(&stand,
               HEAD "- name: x\n  cases:\n  - {request: {uri: /}}\n"
                    "  - {request: {uri: /direct}, expect: {response: {status: 200}}}\n",
               0);
    const struct test_result *result = stand_run(&stand, 0);

    assert_int_equal(result->status, TEST_FAILED);
    assert_int_equal(result->request_count, 2);
    assert_int_equal(result->complaints.count, 1);
    assert_int_equal(result->complaints.items[0].origin.line, 11);
    assert_true(str_eq(result->complaints.items[0].request, STR("GET a/direct")));
    assert_true(result->has_story);
    assert_true(str_eq(result->story.record.route->name, STR("direct")));
    test_result_fini(&stand.result);
    stand_fini(&stand);
}

static void test_a_timeout_costs_no_time(void **state)
{
    (void)state;
    assert_passes("- {name: x, workloads: {w1: {latency: 3s}, w2: {latency: 3s}}, request: {uri: "
                  "/}, expect: {response: {status: 504, flags: UT, duration: 1s}}}\n");
}

static void test_cases_share_proxies_waits_pass_and_sets_hold(void **state)
{
    (void)state;
    assert_passes("- name: x\n"
                  "  workloads: {w1: {script: [503, 200]}, w2: {absent: true}}\n"
                  "  cases:\n"
                  "  - {request: {uri: /}, expect: {response: {status: 503}}}\n"
                  "  - {request: {uri: /}, expect: {response: {status: 200}}}\n"
                  "  - {set: {workload: w1, status: 202}}\n"
                  "  - {request: {uri: /}, expect: {response: {status: 202}}}\n"
                  "  - {set: {workload: w1, latency: 2s}}\n"
                  "  - {request: {uri: /}, expect: {response: {status: 504}}}\n"
                  "  - {wait: 1h}\n"
                  "  - {set: {pod: w1/0, latency: 0s}}\n"
                  "  - {request: {uri: /}, repeat: 2, expect: {distribution: {by: status, counts: "
                  "{200: 1, 504: 1}}}}\n"
                  "  expect: {stats: {outbound|80||a.default.svc.cluster.local: "
                  "{upstream_rq_total: 6}}}\n");
}

static void test_a_set_of_nobody_is_a_failure(void **state)
{
    (void)state;
    struct stand stand;
    stand_init(&stand, HEAD "- {name: x, cases: [{set: {pod: w9/0, status: 500}}]}\n", 0);
    const struct test_result *result = stand_run(&stand, 0);
    assert_int_equal(result->status, TEST_FAILED);
    assert_true(str_eq(result->complaints.items[0].actual, STR("w9/0")));
    test_result_fini(&stand.result);
    stand_fini(&stand);
}

static void test_each_test_has_fresh_proxies_and_scripts(void **state)
{
    (void)state;
    struct stand stand;
    stand_init(&stand,
               HEAD "- {name: x, workloads: {w1: {script: [503, 200]}, w2: {absent: true}}, "
                    "request: {uri: /}, expect: {response: {status: 503}}}\n"
                    "- {name: y, workloads: {w1: {script: [503, 200]}, w2: {absent: true}}, "
                    "request: {uri: /}, expect: {response: {status: 503}, stats: "
                    "{outbound|80||a.default.svc.cluster.local: {upstream_rq_total: 1}}}}\n",
               0);
    for (uint32_t i = 0; i < 2; i++) {
        assert_int_equal(stand_run(&stand, i)->status, TEST_PASSED);
        test_result_fini(&stand.result);
    }
    stand_fini(&stand);
}

static void test_many_requests_are_counted_and_share_a_connection(void **state)
{
    (void)state;
    assert_passes(
        "- {name: x, request: {uri: /split}, repeat: 2000, expect: {distribution: {by: "
        "subset, shares: {v1: 90%, v2: 10%}}, stats: {http: {downstream_cx_total: 1}}}}\n");
    assert_passes("- {name: x, request: {uri: /split}, repeat: 50, keepalive: false, expect: "
                  "{stats: {http: {downstream_cx_total: 50}}}}\n");
}

static void test_concurrent_requests_each_have_a_connection(void **state)
{
    (void)state;
    assert_passes("- {name: x, workloads: {w1: {latency: 100ms}, w2: {latency: 100ms}}, request: "
                  "{uri: /}, concurrent: {requests: 6}, expect: {response: {duration: 100ms}, "
                  "stats: {http: {downstream_cx_total: 6}}}}\n");
}

static void test_who_goes_away_is_in_the_log_all_the_same(void **state)
{
    (void)state;
    assert_passes("- {name: x, workloads: {w1: {latency: 1s}, w2: {latency: 1s}}, request: {uri: "
                  "/, cancelAfter: 300ms}, expect: {error: cancelled, attempts: 1, response: "
                  "{flags: DC, details: downstream_remote_disconnect, duration: 300ms}}}\n");
}

static void test_a_failure_among_very_many_has_its_story(void **state)
{
    (void)state;
    struct stand stand;
    stand_init(&stand,
               HEAD "- {name: x, request: {uri: /split}, repeat: 2000, expect: {destination: "
                    "{subset: v1}}}\n",
               0);
    const struct test_result *result = stand_run(&stand, 0);
    assert_int_equal(result->status, TEST_FAILED);
    assert_int_equal(result->request_count, 2000);
    assert_int_equal(result->complaints.count, 1);
    assert_true(result->complaints.items[0].times > 100);
    assert_true(result->has_story);
    test_result_fini(&stand.result);
    stand_fini(&stand);
}

static void test_a_counter_that_never_moved_is_0(void **state)
{
    (void)state;
    assert_passes("- {name: x, request: {uri: /direct}, expect: {stats: {outbound|80||nobody: "
                  "{upstream_rq_total: 0}}}}\n");
}

/* How the draws fell: the words of a complaint that counts them. */
static void draws_of(struct stand *stand, uint32_t index, char out[101])
{
    const struct test_result *result = stand_run(stand, index);
    assert_int_equal(result->complaints.count, 1);
    assert_true(snprintf(out, 101, "%.*s", STR_FMT(result->complaints.items[0].actual)) > 0);
    test_result_fini(&stand->result);
}

#define SPLIT(name)                                                                                \
    "- {name: " name ", request: {uri: /split}, repeat: 400, expect: {distribution: {by: subset, " \
    "counts: {v1: 0}}}}\n"

static void test_luck_is_the_seeds_and_the_names(void **state)
{
    (void)state;
    struct stand alone, among, other;
    char first[101], again[101], last[101], different[101], seeded[101];
    stand_init(&alone, HEAD SPLIT("x"), 0);
    stand_init(&among, HEAD SPLIT("before") SPLIT("x"), 0);
    stand_init(&other, HEAD SPLIT("x"), 99);
    draws_of(&alone, 0, first);
    draws_of(&alone, 0, again);
    draws_of(&among, 1, last);
    draws_of(&among, 0, different);
    draws_of(&other, 0, seeded);

    assert_string_equal(first, again);
    assert_string_equal(first, last); /* another test before it shifts nothing */
    assert_string_not_equal(first, different);
    assert_string_not_equal(first, seeded);
    stand_fini(&alone);
    stand_fini(&among);
    stand_fini(&other);
}

static void test_a_world_with_errors_breaks_the_test(void **state)
{
    (void)state;
    struct stand stand;
    struct documents bad = {0};
    stand_init(&stand, HEAD "- {name: x, request: {uri: /}}\n", 0);
    tree_read(
        STR("bad.yaml"),
        STR("apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: b}\n"
            "spec: {hosts: [a], http: [{timeout: soon, route: [{destination: {host: a}}]}]}\n"),
        &stand.arena, &bad, &stand.diags);
    stand.suite.tests[0].with = bad;
    const struct test_result *result = stand_run(&stand, 0);

    assert_int_equal(result->status, TEST_BROKEN);
    assert_true(stand.diags.error_count > 0);
    test_result_fini(&stand.result);
    stand_fini(&stand);
}

/* Many tests by many threads: what each draws is its own. */
static void test_a_crew_says_what_one_says(void **state)
{
    (void)state;
    enum { TESTS = 24 };
    struct stand stand;
    char text[8192] = HEAD;
    for (size_t i = 0, at = sizeof(HEAD) - 1; i < TESTS; i++)
        at += (size_t)snprintf(text + at, sizeof(text) - at,
                               "- {name: t%zu, request: {uri: /split}, repeat: 20, expect: "
                               "{distribution: {by: subset, counts: {v1: 18, v2: 2}}}}\n",
                               i);
    stand_init(&stand, text, 0);
    enum test_status want[TESTS];
    uint32_t passed_count = 0;
    for (uint32_t workers = 1; workers <= 4; workers += 3) {
        struct crew_item items[TESTS] = {0};
        for (uint32_t i = 0; i < TESTS; i++)
            items[i] = (struct crew_item){.suite = &stand.suite, .test = &stand.suite.tests[i]};
        struct crew *crew =
            crew_new(items, TESTS, &(struct run_options){.engine = RUN_SIM}, workers);
        for (uint32_t i = 0; i < TESTS; i++) {
            struct crew_item *item = crew_take(crew, i);
            if (workers == 1)
                want[i] = item->result.status;
            assert_int_equal(item->result.status, want[i]);
            passed_count += item->result.status == TEST_PASSED;
            test_result_fini(&item->result);
        }
        crew_free(crew);
    }
    /* Luck differs from name to name: else this would prove nothing. */
    assert_true(passed_count > 0 && passed_count < 2 * TESTS);
    stand_fini(&stand);
}

/* What an Envoy does not show is noted before it is started, which each test needs. */
static void test_on_envoys_it_is_known_what_cannot_be_seen(void **state)
{
    (void)state;
    static const struct {
        const char *test, *says;
    } rows[] = {
        {"- {name: x, request: {uri: /}, expect: {distribution: {by: subset, shares: {v1: 100%}, "
         "exact: true}}}\n",
         "exact: true"},
        {"- {name: x, cases: [{request: {uri: /}, expect: {breaker: {cluster: a/v1, "
         "overflowed: none, requestsMax: 1}}}]}\n",
         "the most at once"},
        {"- {name: x, request: {to: w1/0, port: 80, uri: /}}\n", ""},
        {"- {name: x, cases: [{set: {pod: w1/0, absent: true}}, {request: {uri: /}}]}\n", ""},
        {"- {name: x, request: {uri: /direct}}\n", ""},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct stand stand;
        char text[4096];
        (void)snprintf(text, sizeof(text), HEAD "%s", rows[i].test);
        stand_init(&stand, text, 0);
        struct run_options options = {
            .engine = RUN_ENVOY, .diags = &stand.diags, .envoy = "/nowhere/envoy"};
        test_result_of(&stand.suite, &stand.suite.tests[0], &options, &stand.result);
        assert_int_equal(stand.result.status, TEST_BROKEN);
        assert_true(stand.result.why_broken.len > 0);
        assert_int_equal(stand.result.unseen.len > 0, rows[i].says[0] != '\0');
        assert_true(str_contains(stand.result.unseen, str_of(rows[i].says)));
        test_result_fini(&stand.result);
        stand_fini(&stand);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_true_expectation_passes),
        cmocka_unit_test(test_a_false_one_fails_with_its_story),
        cmocka_unit_test(test_a_timeout_costs_no_time),
        cmocka_unit_test(test_cases_share_proxies_waits_pass_and_sets_hold),
        cmocka_unit_test(test_a_set_of_nobody_is_a_failure),
        cmocka_unit_test(test_each_test_has_fresh_proxies_and_scripts),
        cmocka_unit_test(test_many_requests_are_counted_and_share_a_connection),
        cmocka_unit_test(test_concurrent_requests_each_have_a_connection),
        cmocka_unit_test(test_who_goes_away_is_in_the_log_all_the_same),
        cmocka_unit_test(test_a_failure_among_very_many_has_its_story),
        cmocka_unit_test(test_a_counter_that_never_moved_is_0),
        cmocka_unit_test(test_luck_is_the_seeds_and_the_names),
        cmocka_unit_test(test_a_world_with_errors_breaks_the_test),
        cmocka_unit_test(test_a_crew_says_what_one_says),
        cmocka_unit_test(test_on_envoys_it_is_known_what_cannot_be_seen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
