/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/testbed/runner/test_events.c - what proxies did to pods against `events`.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/check.h"
#include "base/ns.h"
#include "testbed/runner/judge.h"
#include "testbed/runner/want_read.h"

static struct world_pod pods[] = {
    {.name = STR_INIT("reviews/0"), .workload = STR_INIT("reviews")},
    {.name = STR_INIT("reviews/1"), .workload = STR_INIT("reviews")},
};
static const struct world world = {.pods = pods, .pod_count = COUNT_OF(pods)};

static const struct play_event events[] = {
    {.kind = PLAY_EJECT,
     .at_ns = 5 * NS_SECOND,
     .pod = 0,
     .reason = STR_INIT("consecutive_5xx"),
     .is_enforced = true},
    {.kind = PLAY_UNEJECT,
     .at_ns = 40 * NS_SECOND,
     .pod = 0,
     .reason = STR_INIT("consecutive_5xx")},
    {.kind = PLAY_EJECT,
     .at_ns = 50 * NS_SECOND,
     .pod = 1,
     .reason = STR_INIT("failure_percentage"),
     .is_enforced = true},
};

static const struct {
    const char *expect;
    const char *expected; /* NULL: it holds */
} ROWS[] = {
    {"{events: [{type: eject, pod: reviews/0}]}", NULL},
    {"{events: [{type: eject, pod: reviews/0, reason: consecutive_5xx}, {type: uneject}]}", NULL},
    {"{events: [{type: eject, times: 2}]}", NULL},
    {"{events: [{times: \">=3\"}]}", NULL},
    {"{events: [{type: eject, pod: reviews/0, at: 5s}]}", NULL},
    {"{events: [{type: uneject, at: 35s..47s}]}", NULL},
    {"{events: [{type: eject, pod: {prefix: other}, times: 0}]}", NULL},
    {"{events: []}", "none"},
    {"{events: [{type: eject}]}", "1 times: eject"},
    {"{events: [{type: eject, pod: reviews/0, at: 6s}]}", "1 times: eject pod \"reviews/0\" at 6s"},
    {"{events: [{type: eject, pod: reviews/0, reason: success_rate}]}",
     "1 times: eject pod \"reviews/0\" for \"success_rate\""},
    {"{events: [{type: eject, pod: reviews/1, times: 0}]}", "0 times: eject pod \"reviews/1\""},
};

static void check(const char *words, const struct event_list *list, const char *expected)
{
    struct arena arena;
    struct documents documents = {0};
    struct diag_list diags;
    struct regex_set regexes = {0};
    struct expect expect = {0};
    arena_init(&arena, 16384, 0);
    diag_list_init(&diags, &arena);
    tree_read(STR("t.yaml"), str_of(words), &arena, &documents, &diags);
    struct reading reading = {.arena = &arena, .diags = &diags, .unknown_field = UNKNOWN_ERROR};
    struct view view = view_of(&reading, documents.items[0]);
    expect_read(&view, &regexes, &expect);
    assert_int_equal(diags.error_count, 0);
    struct complaints complaints = {.arena = &arena, .scratch = &arena};
    judge_events(&expect.events, list, &world, true, &complaints);
    bool is_met = expected == NULL ? complaints.count == 0
                                   : complaints.count == 1 &&
                                         str_eq(complaints.items[0].expected, str_of(expected));
    for (uint32_t i = 0; !is_met && i < complaints.count; i++)
        print_message("%s: %.*s | %.*s\n", words, STR_FMT(complaints.items[i].expected),
                      STR_FMT(complaints.items[i].actual));
    assert_true(is_met);
    regex_set_free(&regexes);
    arena_fini(&arena);
}

static void test_each_is_there_exactly_so_often(void **state)
{
    (void)state;
    const struct event_list list = {events, COUNT_OF(events)};
    for (size_t i = 0; i < COUNT_OF(ROWS); i++)
        check(ROWS[i].expect, &list, ROWS[i].expected);
}

static void test_none_is_none(void **state)
{
    (void)state;
    const struct event_list list = {NULL, 0};
    check("{events: []}", &list, NULL);
    check("{events: [{type: eject}]}", &list, "1 times: eject");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_is_there_exactly_so_often),
        cmocka_unit_test(test_none_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
