/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/testbed/inspect/test_spread.c - where many requests went.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/check.h"
#include "testbed/inspect/spread.h"

static struct world_pod pods[] = {{.name = STR_INIT("a/0")}, {.name = STR_INIT("a/1")}};
static const struct world world = {.pods = pods, .pod_count = COUNT_OF(pods)};

static void fill(struct spread *spread, struct arena *arena)
{
    const struct outcome good = {.has_response = true,
                                 .status = 200,
                                 .has_record = true,
                                 .record = {.cluster_name = STR("v1")},
                                 .flags = STR("-"),
                                 .pod = 0};
    const struct outcome bad = {.has_response = true,
                                .status = 503,
                                .has_record = true,
                                .record = {.flag_count = 1},
                                .flags = STR("UH"),
                                .pod = UINT32_MAX};
    const struct outcome lost = {.error = CALL_CONNECTION_RESET, .pod = 1};
    spread_init(spread, arena);
    spread_add(spread, &good, &world);
    spread_add(spread, &good, &world);
    spread_add(spread, &bad, &world);
    spread_add(spread, &lost, &world);
}

static void test_requests_are_counted_by_cluster_pod_and_answer(void **state)
{
    (void)state;
    struct arena arena;
    struct spread spread;
    struct buf out;
    arena_init(&arena, 4096, 0);
    buf_init(&out, 65536);
    fill(&spread, &arena);
    struct spread_style style = {.indent = STR("  ")};
    assert_int_equal(spread_write(&spread, &style, &out), RC_OK);
    static const char want[] = "  cluster v1                      2   50.0 %\n"
                               "          -                       2   50.0 %\n"
                               "  pod     a/0                     2   50.0 %\n"
                               "          -                       1   25.0 %\n"
                               "          a/1                     1   25.0 %\n"
                               "  answer  200                     2   50.0 %\n"
                               "          503 UH                  1   25.0 %\n"
                               "          connection_reset        1   25.0 %\n";
    if (!str_eq(buf_str(&out), str_of(want)))
        print_message("%.*s", STR_FMT(buf_str(&out)));
    assert_true(str_eq(buf_str(&out), str_of(want)));
    buf_fini(&out);
    arena_fini(&arena);
}

static void test_the_counts_are_json_too(void **state)
{
    (void)state;
    struct arena arena;
    struct spread spread;
    struct buf out;
    struct json json;
    arena_init(&arena, 4096, 0);
    buf_init(&out, 65536);
    fill(&spread, &arena);
    json_init(&json, &out, 0);
    spread_write_json(&spread, &json);
    struct json_value value;
    size_t where;
    assert_int_equal(json_read(buf_str(&out), &arena, &value, &where), RC_OK);
    assert_true(json_get(&value, STR("requests"))->number == 4);
    assert_true(json_get(json_get(&value, STR("answer")), STR("503 UH"))->number == 1);
    assert_true(json_get(json_get(&value, STR("cluster")), STR("v1"))->number == 2);
    buf_fini(&out);
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_requests_are_counted_by_cluster_pod_and_answer),
        cmocka_unit_test(test_the_counts_are_json_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
