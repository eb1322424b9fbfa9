/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/proxy/core/test_memo.c - heads that are kept and taken: copies of their own, with
 * the x-request-id of each request.
 */
#include "proxy/core/memo.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static struct str value_of(const struct request_head *head, struct str name)
{
    struct str value = STR_EMPTY;
    (void)header_get(&head->headers, name, &value);
    return value;
}

static void make_head(struct request_head *head, struct arena *arena)
{
    *head = (struct request_head){.method = STR("GET"), .path = STR("/x"), .authority = STR("a")};
    header_list_init(&head->headers, arena);
    header_append_line(&head->headers, STR("x-one"), STR("1"));
    header_append_line(&head->headers, STR("x-request-id"), STR("first"));
}

static void test_each_has_its_id(void **state)
{
    struct arena memory, first, second;
    struct request_head head, taken, other;
    (void)state;
    arena_init(&memory, 256, 0);
    arena_init(&first, 256, 0);
    arena_init(&second, 256, 0);
    struct request_memo memo = {.arena = &memory};
    make_head(&head, &first);
    memo_keep(&memo, &memo.received, &head, true);
    arena_fini(&first); /* what was kept does not need it */
    memo_take(&memo.received, STR("second"), 2, &second, &taken);
    memo_take(&memo.received, STR("third"), 0, &second, &other);
    assert_true(str_eq(value_of(&taken, STR("x-request-id")), STR("second")));
    assert_true(str_eq(value_of(&other, STR("x-request-id")), STR("third")));
    assert_true(str_eq(taken.path, STR("/x")));
    header_set(&taken.headers, STR("x-one"), STR("2"));
    header_set(&taken.headers, STR("x-two"), STR("2"));
    assert_true(str_eq(value_of(&other, STR("x-one")), STR("1")));
    assert_true(value_of(&other, STR("x-two")).len == 0);
    assert_int_equal(memo.received.head->headers.count, 2);
    arena_fini(&second);
    arena_fini(&memory);
}

static void test_an_id_that_the_caller_gave_stays(void **state)
{
    struct arena memory;
    struct request_head head, taken;
    (void)state;
    arena_init(&memory, 256, 0);
    struct request_memo memo = {.arena = &memory};
    make_head(&head, &memory);
    memo_keep(&memo, &memo.received, &head, false);
    memo_take(&memo.received, STR("other"), 0, &memory, &taken);
    assert_true(str_eq(value_of(&taken, STR("x-request-id")), STR("first")));
    /* A route may have removed it. */
    header_remove(&head.headers, STR("x-request-id"));
    memo_keep(&memo, &memo.forwarded[0].head, &head, true);
    memo_take(&memo.forwarded[0].head, STR("other"), 0, &memory, &taken);
    assert_true(value_of(&taken, STR("x-request-id")).len == 0);
    assert_int_equal(taken.headers.count, 1);
    arena_fini(&memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_has_its_id),
        cmocka_unit_test(test_an_id_that_the_caller_gave_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
