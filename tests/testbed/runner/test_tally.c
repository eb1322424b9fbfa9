/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/testbed/runner/test_tally.c - many outcomes: keys, counts, the G-test
 * and its limits. docs/routetest.md.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/check.h"
#include "testbed/runner/judge.h"
#include "testbed/runner/want_read.h"

static struct world_pod pods[] = {
    {.name = STR_INIT("w/0"), .workload = STR_INIT("w")},
    {.name = STR_INIT("w/1"), .workload = STR_INIT("w")},
};
static const struct world world = {.pods = pods, .pod_count = COUNT_OF(pods)};

struct bench {
    struct arena arena, scratch;
    struct diag_list diags;
    struct regex_set regexes;
    struct reading reading;
    struct expect expect;
    struct tally tally;
    struct complaints complaints;
};

static void bench_init(struct bench *bench, const char *words)
{
    struct documents documents = {0};
    *bench = (struct bench){0};
    arena_init(&bench->arena, 16384, 0);
    arena_init(&bench->scratch, 4096, 0);
    diag_list_init(&bench->diags, &bench->arena);
    tree_read(STR("t.yaml"), str_of(words), &bench->arena, &documents, &bench->diags);
    bench->reading = (struct reading){
        .arena = &bench->arena, .diags = &bench->diags, .unknown_field = UNKNOWN_ERROR};
    struct view view = view_of(&bench->reading, documents.items[0]);
    expect_read(&view, &bench->regexes, &bench->expect);
    assert_int_equal(bench->diags.error_count, 0);
    tally_init(&bench->tally, &bench->expect, &world, &bench->arena, &bench->scratch);
    bench->complaints = (struct complaints){.arena = &bench->arena, .scratch = &bench->scratch};
}

static void bench_fini(struct bench *bench)
{
    regex_set_free(&bench->regexes);
    arena_fini(&bench->scratch);
    arena_fini(&bench->arena);
}

static void add(struct bench *bench, struct outcome outcome, uint32_t times)
{
    for (uint32_t i = 0; i < times; i++)
        tally_add(&bench->tally, &outcome);
}

static struct outcome to(const char *cluster, uint32_t pod)
{
    return (struct outcome){.has_response = true,
                            .status = 200,
                            .has_record = true,
                            .record = {.cluster_name = str_of(cluster)},
                            .flags = STR("-"),
                            .pod = pod};
}

#define V1 "outbound|80|v1|a.default.svc.cluster.local"
#define V2 "outbound|80|v2|a.default.svc.cluster.local"

static void test_each_by_has_its_key(void **state)
{
    (void)state;
    struct header headers[] = {{STR("X-V"), STR("blue")}};
    struct outcome good = to(V1, 1);
    good.headers = headers;
    good.header_count = 1;
    struct outcome lost = {.error = CALL_CONNECTION_RESET, .pod = UINT32_MAX};
    const struct {
        struct want_distribution by;
        const struct outcome *outcome;
        const char *key;
    } rows[] = {
        {{.by = BY_SUBSET}, &good, "v1"},
        {{.by = BY_SUBSET}, &lost, "-"},
        {{.by = BY_WORKLOAD}, &good, "w"},
        {{.by = BY_WORKLOAD}, &lost, "-"},
        {{.by = BY_POD}, &good, "w/1"},
        {{.by = BY_POD}, &lost, "-"},
        {{.by = BY_STATUS}, &good, "200"},
        {{.by = BY_STATUS}, &lost, "connection_reset"},
        {{.by = BY_FLAGS}, &good, "-"},
        {{.by = BY_HEADER, .header = STR("x-v")}, &good, "blue"},
        {{.by = BY_HEADER, .header = STR("x-w")}, &good, "-"},
    };
    struct arena scratch;
    arena_init(&scratch, 4096, 0);
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        assert_true(str_eq(tally_key_of(&rows[i].by, rows[i].outcome, &world, &scratch),
                           str_of(rows[i].key)));
    arena_fini(&scratch);
}

static void test_clusters_names_have_parts(void **state)
{
    (void)state;
    struct str host, subset, port;
    assert_true(tally_cluster_parts(STR(V1), &host, &subset, &port));
    assert_true(str_eq(host, STR("a.default.svc.cluster.local")));
    assert_true(str_eq(subset, STR("v1")));
    assert_true(str_eq(port, STR("80")));
    static const char *const others[] = {
        "", "PassthroughCluster", "outbound", "outbound|80", "inbound|80||", "BlackHoleCluster"};
    for (size_t i = 0; i < COUNT_OF(others); i++)
        assert_false(tally_cluster_parts(str_of(others[i]), &host, &subset, &port));
}

/* Worked by hand: 2 * sum of o * ln(o / e). */
static void test_the_g_statistic_is_that_of_the_textbook(void **state)
{
    (void)state;
    const struct {
        uint64_t counts[3];
        double shares[3];
        uint32_t cells;
        double want;
    } rows[] = {
        {{90, 10}, {0.9, 0.1}, 2, 0},
        {{80, 20}, {0.9, 0.1}, 2, 8.8801},
        {{0, 100}, {0.0, 1.0}, 2, 0},
        {{50, 30, 20}, {0.4, 0.4, 0.2}, 3, 5.0535},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        double g = tally_g(rows[i].counts, rows[i].shares, rows[i].cells, 100);
        assert_true(fabs(g - rows[i].want) < 0.001);
    }
    assert_true(isinf(tally_g((const uint64_t[]){1, 99}, (const double[]){0, 1}, 2, 100)));
}

/* The chi-square distribution's points, from printed tables. */
static void test_the_limit_is_the_chi_square_point(void **state)
{
    (void)state;
    static const struct {
        uint32_t degrees;
        double confidence, want, within;
    } rows[] = {
        {1, 0.999, 10.828, 0.001},  {2, 0.999, 13.816, 0.001},  {5, 0.999, 20.515, 0.001},
        {10, 0.999, 29.588, 0.001}, {30, 0.999, 59.703, 0.001}, {100, 0.999, 149.449, 0.001},
        {1, 0.95, 3.841, 0.001},    {10, 0.95, 18.307, 0.001},  {4, 0.99, 13.277, 0.001},
        {1, 0.5, 0.455, 0.001},     {1, 0.000001, 0, 0.001},    {1, 0.999999999, 37.325, 0.01},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        assert_true(fabs(tally_g_limit(rows[i].degrees, rows[i].confidence) - rows[i].want) <=
                    rows[i].within);
}

struct row {
    const char *expect;
    uint32_t v1, v2;    /* so many to each */
    const char *actual; /* of the complaint, a part; NULL: it holds */
};

static void check(const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct bench bench;
        bench_init(&bench, rows[i].expect);
        add(&bench, to(V1, 0), rows[i].v1);
        add(&bench, to(V2, 1), rows[i].v2);
        judge_tally(&bench.expect, &bench.tally, &bench.complaints);
        bool is_met = rows[i].actual == NULL ? bench.complaints.count == 0
                                             : bench.complaints.count == 1 &&
                                                   str_contains(bench.complaints.items[0].actual,
                                                                str_of(rows[i].actual));
        if (!is_met)
            print_message(
                "row %zu: %u complaints: %.*s\n", i, bench.complaints.count,
                STR_FMT(bench.complaints.count > 0 ? bench.complaints.items[0].actual : STR("")));
        assert_true(is_met);
        bench_fini(&bench);
    }
}

static void test_shares_are_held_by_the_g_test(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"{distribution: {by: subset, shares: {v1: 90%, v2: 10%}}}", 900, 100, NULL},
        {"{distribution: {by: subset, shares: {v1: 90%, v2: 10%}}}", 920, 80, NULL},
        {"{distribution: {by: subset, shares: {v1: 90%, v2: 10%}}}", 800, 200, "v1: 800 (80.0%)"},
        {"{distribution: {by: subset, shares: {v2: 10%}}}", 900, 100, NULL},
        {"{distribution: {by: subset, shares: {v2: 10%}}}", 800, 200, "v2: 200"},
        {"{distribution: {by: subset, shares: {v1: 100%}}}", 1000, 0, NULL},
        {"{distribution: {by: subset, shares: {v1: 100%}}}", 999, 1, "v2: 1"},
        {"{distribution: {by: subset, shares: {v1: 100%, v2: 0%}}}", 1000, 0, NULL},
        {"{distribution: {by: subset, shares: {v1: 100%, v2: 0%}}}", 999, 1, "v2: 1"},
        /* More confidence allows more. */
        {"{distribution: {by: subset, shares: {v1: 50%, v2: 50%}, confidence: 99.9%}}", 550, 450,
         NULL},
        {"{distribution: {by: subset, shares: {v1: 50%, v2: 50%}, confidence: 90%}}", 550, 450,
         "v1: 550"},
    };
    check(rows, COUNT_OF(rows));
}

static void test_too_few_requests_do_not_pass_for_proof(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"{distribution: {by: subset, shares: {v1: 90%, v2: 10%}}}", 9, 1, "underpowered"},
        {"{distribution: {by: subset, shares: {v1: 90%, v2: 10%}}}", 45, 5, NULL},
        /* What is left is a cell too. */
        {"{distribution: {by: subset, shares: {v1: 97%}}}", 97, 3, "underpowered: 100 requests"},
        {"{distribution: {by: subset, shares: {v1: 97%}}}", 162, 5, NULL},
        {"{distribution: {by: subset, shares: {v1: 100%}}}", 4, 0, "cannot tell, 5 can"},
        /* That somebody gets nothing is said of all others. */
        {"{distribution: {by: subset, shares: {v2: 0%}}}", 4, 0, "cannot tell, 5 can"},
        {"{distribution: {by: subset, shares: {v2: 0%}}}", 5, 0, NULL},
        {"{distribution: {by: subset, shares: {v2: 0%}}}", 2, 1, "v2: 1"},
        /* Within 3 points of 90 %: 3.29 deviations of a draw. */
        {"{distribution: {by: subset, shares: {v1: 90%}, tolerance: 3%}}", 900, 100,
         "underpowered: 1000 requests cannot tell, 1083 can"},
        {"{distribution: {by: subset, shares: {v1: 90%}, tolerance: 3%}}", 975, 108, NULL},
        {"{distribution: {by: subset, shares: {v1: 90%}, tolerance: 3%, confidence: 90%}}", 244, 27,
         NULL},
        {"{distribution: {by: subset, shares: {v1: 90%}, tolerance: 3%, confidence: 90%}}", 243, 27,
         "underpowered"},
        {"{upstream: {requests: {of: 9, share: 50%}}}", 5, 4, "underpowered"},
        {"{distribution: {by: subset, shares: {v1: \">80%\"}}}", 9, 1, NULL},
    };
    check(rows, COUNT_OF(rows));
}

/* Whom a balancer draws is chance, who is next is not. */
static void test_pods_are_drawn_or_take_turns(void **state)
{
    (void)state;
    static struct locality_endpoints places[2];
    static const struct slow_start warmup = {0};
    static const struct {
        const char *expect;
        struct cluster cluster;
        uint32_t each;
        bool is_underpowered;
    } rows[] = {
#define BY(what, shares) "{distribution: {by: " what ", shares: {" shares "}, tolerance: 10%}}"
        {BY("pod", "w/0: 50%, w/1: 50%"), {.lb = LB_ROUND_ROBIN}, 10, false},
        {BY("pod", "w/0: 50%, w/1: 50%"), {.lb = LB_ROUND_ROBIN}, 4, true},
        {BY("pod", "w/0: 50%, w/1: 50%"), {.lb = LB_RANDOM}, 10, true},
        {BY("pod", "w/0: 50%, w/1: 50%"), {.lb = LB_RANDOM}, 136, false},
        {BY("pod", "w/0: 50%, w/1: 50%"), {.lb = LB_LEAST_REQUEST}, 10, true},
        {BY("pod", "w/0: 50%, w/1: 50%"),
         {.lb = LB_LEAST_REQUEST, .slow_start = &warmup},
         10,
         false},
        {BY("pod", "w/0: 50%, w/1: 50%"),
         {.lb = LB_RANDOM, .localities = places, .locality_count = 2},
         10,
         false},
        {BY("workload", "w: 50%, x: 50%"), {.lb = LB_RANDOM}, 10, true},
        {BY("subset", "v1: 100%"), {.lb = LB_RANDOM}, 10, false},
#undef BY
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct bench bench;
        bench_init(&bench, rows[i].expect);
        for (uint32_t pod = 0; pod < 2; pod++) {
            struct outcome outcome = to(V1, pod);
            outcome.record.cluster = &rows[i].cluster;
            add(&bench, outcome, rows[i].each);
        }
        judge_tally(&bench.expect, &bench.tally, &bench.complaints);
        bool is_underpowered =
            bench.complaints.count > 0 &&
            str_find_str(bench.complaints.items[0].actual, STR("underpowered")) != STR_NONE;
        if (is_underpowered != rows[i].is_underpowered)
            fail_msg("row %zu", i);
        bench_fini(&bench);
    }
}

/* Indicative widths of a share of 10 % at 99.9 %. */
static void test_margins_are_those_of_draws(void **state)
{
    (void)state;
    static const struct {
        uint64_t total;
        double points;
    } rows[] = {{100, 9.9}, {500, 4.4}, {1000, 3.1}, {10000, 1.0}};
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        assert_true(fabs(100 * tally_margin(0.1, rows[i].total, 0.999) - rows[i].points) < 0.06);
    assert_in_range(tally_needed(0.1, 0.02, 0.999), 2436, 2440);
    assert_in_range(tally_needed(0.5, 0.02, 0.999), 6766, 6770);
    assert_in_range(tally_margin(0.1, tally_needed(0.1, 0.02, 0.999), 0.999) <= 0.02, 1, 1);
}

static void test_tolerance_bounds_and_counts_are_taken_at_their_word(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"{distribution: {by: subset, shares: {v1: 90%}, tolerance: 3%}}", 8800, 1200, NULL},
        {"{distribution: {by: subset, shares: {v1: 90%}, tolerance: 1%}}", 8800, 1200, "v1: 88"},
        {"{distribution: {by: subset, shares: {v1: \">95%\"}}}", 96, 4, NULL},
        {"{distribution: {by: subset, shares: {v1: \">95%\"}}}", 95, 5, "v1: 95"},
        {"{distribution: {by: subset, shares: {v2: \"<5%\"}}}", 96, 4, NULL},
        {"{distribution: {by: subset, counts: {v1: 3, v2: 2}}}", 3, 2, NULL},
        {"{distribution: {by: subset, counts: {v1: 4}}}", 3, 2, "v1: 3"},
        {"{distribution: {by: subset, counts: {v1: \">=3\"}}}", 3, 2, NULL},
        {"{distribution: {by: subset, counts: {v3: 0}}}", 3, 2, NULL},
        {"{distribution: {by: subset, counts: {exactly: {v1: 3}}}}", 3, 2, "v2: 2"},
        {"{distribution: {by: subset, counts: {exactly: {v1: 3, v2: 2}}}}", 3, 2, NULL},
        {"{samePod: true}", 3, 0, NULL},
        {"{samePod: true}", 3, 1, "w/1: 1"},
        {"{samePod: false}", 3, 1, NULL},
        {"{samePod: false}", 3, 0, "w/0: 3"},
    };
    check(rows, COUNT_OF(rows));
}

static void test_requests_and_mirrors_are_counted_apart(void **state)
{
    (void)state;
    struct sighting sightings[] = {{.pod = 0}, {.pod = 1, .is_mirror = true}};
    struct outcome outcome = to(V1, 0);
    outcome.sightings = sightings;
    outcome.sighting_count = 2;
    static const struct {
        const char *expect;
        uint32_t complaint_count;
    } rows[] = {
        {"{upstream: {requests: 100}, mirror: {count: 100}}", 0},
        {"{upstream: {requests: 99}}", 1},
        {"{mirror: {count: 0}}", 1},
        {"{upstream: {requests: {of: 200, share: 50%}}}", 0},
        {"{upstream: {requests: {of: 100, share: 50%}}}", 1},
        {"{mirror: {count: {of: 100, share: 100%}}}", 0},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct bench bench;
        bench_init(&bench, rows[i].expect);
        add(&bench, outcome, 100);
        judge_tally(&bench.expect, &bench.tally, &bench.complaints);
        assert_int_equal(bench.complaints.count, rows[i].complaint_count);
        bench_fini(&bench);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_by_has_its_key),
        cmocka_unit_test(test_clusters_names_have_parts),
        cmocka_unit_test(test_the_g_statistic_is_that_of_the_textbook),
        cmocka_unit_test(test_the_limit_is_the_chi_square_point),
        cmocka_unit_test(test_shares_are_held_by_the_g_test),
        cmocka_unit_test(test_too_few_requests_do_not_pass_for_proof),
        cmocka_unit_test(test_pods_are_drawn_or_take_turns),
        cmocka_unit_test(test_margins_are_those_of_draws),
        cmocka_unit_test(test_tolerance_bounds_and_counts_are_taken_at_their_word),
        cmocka_unit_test(test_requests_and_mirrors_are_counted_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
