/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/proxy/core/test_retry_priority.c - which priorities the attempts of one
 * request go to, when all of them fail.
 */
#include "tests/proxy/core/build.h"
#include "proxy/core/retry_priority.h"

#define PRIORITIES_MAX 3
#define ATTEMPTS_MAX 10

/* One endpoint for each priority is enough: `healthy` of `counted` are said apart. */
struct row {
    const char *what;
    uint32_t count;
    struct priority_count counts[PRIORITIES_MAX];
    uint32_t want[ATTEMPTS_MAX]; /* with the smallest draw; UINT32_MAX: nobody */
    uint32_t attempt_count;
};

static uint32_t choose(const struct row *row, struct retry_priority *state, const uint32_t *tried,
                       uint32_t tried_count, struct arena *arena)
{
    struct endpoint endpoints[PRIORITIES_MAX] = {{.priority = 0}, {.priority = 1}, {.priority = 2}};
    struct cluster cluster = {.endpoints = endpoints, .endpoint_count = row->count};
    struct priority_share own[PRIORITIES_MAX];
    priority_shares(row->counts, row->count, 0, own);
    struct retry_priority_question asked = {.cluster = &cluster,
                                            .tried = tried,
                                            .tried_count = tried_count,
                                            .counts = row->counts,
                                            .count = row->count};
    const struct priority_share *shares = retry_priority_shares(state, &asked, arena);
    return priority_choose(shares != NULL ? shares : own, row->count, 0);
}

static void test_retries_leave_the_priorities_that_were_tried(void **state)
{
    UNUSED_STATE(state);
    static const struct row rows[] = {
        /* As a real Envoy did it. */
        {"two", 2, {{2, 2, 2}, {1, 1, 1}}, {0, 0, 1, 1, 0, 0, 1, 1}, 8},
        {"one", 1, {{2, 2, 2}}, {0, 0, 0, 0, 0, 0}, 6},
        {"three", 3, {{1, 1, 1}, {1, 1, 1}, {1, 1, 1}}, {0, 0, 1, 1, 2, 2, 0, 0, 1}, 9},
        {"the other one is ill", 2, {{2, 2, 2}, {0, 1, 1}}, {0, 0, 0, 0, 0, 0}, 6},
        {"the next one is weak", 3, {{1, 1, 1}, {1, 4, 4}, {1, 1, 1}}, {0, 0, 1, 1, 2, 2, 0}, 7},
        {"nobody", 1, {{0, 2, 2}}, {UINT32_MAX}, 1},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct arena arena;
        struct retry_priority remembered = {0};
        uint32_t tried[ATTEMPTS_MAX];
        arena_init(&arena, 1024, 0);
        for (uint32_t attempt = 0; attempt < rows[i].attempt_count; attempt++) {
            uint32_t got = choose(&rows[i], &remembered, tried, attempt, &arena);
            if (got != rows[i].want[attempt])
                fail_msg("%s: attempt %u went to %u", rows[i].what, attempt + 1, got);
            tried[attempt] = got;
        }
        arena_fini(&arena);
    }
}

static void test_the_others_take_all(void **state)
{
    UNUSED_STATE(state);
    static const struct {
        struct priority_count counts[PRIORITIES_MAX];
        bool is_excluded[PRIORITIES_MAX];
        uint32_t want[PRIORITIES_MAX];
    } rows[] = {
        {{{2, 2, 2}, {2, 2, 2}, {2, 2, 2}}, {true, false, false}, {0, 100, 0}},
        {{{2, 2, 2}, {1, 2, 2}, {2, 2, 2}}, {true, false, false}, {0, 70, 30}},
        {{{2, 2, 2}, {1, 4, 4}, {1, 4, 4}}, {true, false, false}, {0, 50, 50}},
        /* 35 of 49 is 71.4, 14 of 49 is 28.5: the rest goes to the first. */
        {{{2, 2, 2}, {1, 4, 4}, {1, 10, 10}}, {true, false, false}, {0, 72, 28}},
        {{{2, 2, 2}, {0, 4, 4}, {1, 10, 10}}, {true, false, false}, {0, 0, 100}},
        {{{2, 2, 2}, {2, 2, 2}, {2, 2, 2}}, {false, true, true}, {100, 0, 0}},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct priority_share shares[PRIORITIES_MAX];
        assert_true(
            priority_shares_without(rows[i].counts, PRIORITIES_MAX, rows[i].is_excluded, shares));
        for (uint32_t k = 0; k < PRIORITIES_MAX; k++)
            assert_int_equal(shares[k].percent, rows[i].want[k]);
    }
    static const bool all[] = {true, true, true};
    struct priority_share shares[PRIORITIES_MAX];
    assert_false(priority_shares_without(rows[0].counts, PRIORITIES_MAX, all, shares));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_retries_leave_the_priorities_that_were_tried),
        cmocka_unit_test(test_the_others_take_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
