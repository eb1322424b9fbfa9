/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/testbed/world/test_answer_shelf.c - which answers are given whole, and that the
 * same one is made once.
 */
#include "testbed/world/answer_shelf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "base/check.h"

static void test_the_same_is_made_once(void **state)
{
    struct arena arena;
    struct answer_shelf shelf;
    uint32_t at = 0, other_at = 0;
    struct header header = {STR("X-App"), STR("one")};
    struct answer one = {.status = 200, .body = STR("hello"), .headers = &header};
    struct answer other = {.status = 503};
    (void)state;
    one.header_count = 1;
    arena_init(&arena, 4096, 0);
    answer_shelf_init(&shelf, &arena);
    const struct h1_read *first = answer_shelf_find(&shelf, &one, &at);
    assert_non_null(first);
    assert_true(str_eq(first->bytes, STR("HTTP/1.1 200 OK\r\nX-App: one\r\ncontent-length: 5\r\n"
                                         "\r\nhello")));
    assert_int_equal(first->response->status, 200);
    assert_true(str_eq(first->body, STR("hello")));
    assert_int_equal(answer_shelf_find(&shelf, &other, &other_at)->response->status, 503);
    assert_ptr_equal(answer_shelf_find(&shelf, &one, &at), first);
    assert_ptr_equal(answer_shelf_find(&shelf, &one, &other_at), first);
    assert_int_equal(shelf.count, 2);
    arena_fini(&arena);
}

static void test_odd_answers_are_written(void **state)
{
    const struct answer odd[] = {
        {.status = 200, .is_echo = true},
        {.status = 200, .act = ACT_NEVER},
        {.status = 200, .has_raw = true, .raw = STR("x")},
        {.status = 200, .framing = FRAMING_CHUNKED},
        {.status = 200, .framing = FRAMING_CLOSE},
        {.status = 200, .is_closing = true},
        {.status = 200, .trailer_count = 1},
        {.status = 200, .interim_count = 1},
        {.status = 200, .body_latency_ns = 1},
        {.status = 200, .trickle_bytes = 1},
        {.status = 200, .has_body_size = true, .body_size = 1 << 20},
        {.status = 103},
    };
    struct arena arena;
    struct answer_shelf shelf;
    (void)state;
    arena_init(&arena, 4096, 0);
    answer_shelf_init(&shelf, &arena);
    for (size_t i = 0; i < COUNT_OF(odd); i++) {
        uint32_t at = 0;
        assert_null(answer_shelf_find(&shelf, &odd[i], &at));
        assert_null(answer_shelf_find(&shelf, &odd[i], &at));
    }
    arena_fini(&arena);
}

static void test_a_full_shelf(void **state)
{
    struct arena arena;
    struct answer_shelf shelf;
    uint32_t at = 0;
    (void)state;
    arena_init(&arena, 4096, 0);
    answer_shelf_init(&shelf, &arena);
    for (uint32_t i = 0; i < ANSWER_SHELF_MAX + 5; i++) {
        struct answer answer = {.status = 200 + i};
        assert_int_equal(answer_shelf_find(&shelf, &answer, &at) != NULL, i < ANSWER_SHELF_MAX);
    }
    assert_int_equal(shelf.count, ANSWER_SHELF_MAX);
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_same_is_made_once),
        cmocka_unit_test(test_odd_answers_are_written),
        cmocka_unit_test(test_a_full_shelf),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
