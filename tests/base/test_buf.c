/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/base/test_buf.c - a queue of bytes and its maximum.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/buf.h"
#include "base/rng.h"

static void assert_content(const struct buf *buf, struct str want)
{
    assert_int_equal(buf_size(buf), want.len);
    assert_true(str_eq(buf_str(buf), want));
}

static void test_bytes_leave_in_the_order_they_came(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 100);
    assert_content(&buf, STR_EMPTY);
    assert_int_equal(buf_append(&buf, STR("hello ")), RC_OK);
    assert_int_equal(buf_format(&buf, "%d", 42), RC_OK);
    assert_content(&buf, STR("hello 42"));
    buf_consume(&buf, 6);
    assert_content(&buf, STR("42"));
    buf_consume(&buf, 0);
    assert_int_equal(buf_append(&buf, STR("!")), RC_OK);
    assert_content(&buf, STR("42!"));
    buf_clear(&buf);
    assert_content(&buf, STR_EMPTY);
    buf_fini(&buf);
}

static void test_full_adds_nothing(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 10);
    assert_int_equal(buf_append(&buf, STR("12345678")), RC_OK);
    assert_int_equal(buf_append(&buf, STR("901")), RC_FULL);
    assert_int_equal(buf_format(&buf, "%s", "901"), RC_FULL);
    assert_null(buf_reserve(&buf, 3));
    assert_content(&buf, STR("12345678"));
    assert_int_equal(buf_format(&buf, "%s", "90"), RC_OK);
    assert_content(&buf, STR("1234567890"));
    assert_int_equal(buf_append(&buf, STR_EMPTY), RC_OK);
    assert_int_equal(buf_append(&buf, STR("x")), RC_FULL);
    buf_consume(&buf, 1);
    assert_int_equal(buf_append(&buf, STR("x")), RC_OK);
    assert_content(&buf, STR("234567890x"));
    buf_fini(&buf);
}

static void test_a_buffer_of_nothing_is_always_full(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 0);
    assert_int_equal(buf_append(&buf, STR("x")), RC_FULL);
    assert_int_equal(buf_append(&buf, STR_EMPTY), RC_OK);
    assert_non_null(buf_reserve(&buf, 0));
    buf_fini(&buf);
}

static void test_reserved_room_is_counted_when_added(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 1000);
    char *room = buf_reserve(&buf, 900);
    assert_non_null(room);
    memset(room, 'a', 900);
    buf_added(&buf, 3);
    assert_content(&buf, STR("aaa"));
    buf_added(&buf, 0);
    assert_content(&buf, STR("aaa"));
    buf_fini(&buf);
}

static void test_memory_is_given_back_only_when_empty(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 100);
    assert_int_equal(buf_append(&buf, STR("x")), RC_OK);
    buf_shrink(&buf);
    assert_content(&buf, STR("x"));
    buf_consume(&buf, 1);
    assert_true(buf.capacity > 0);
    buf_shrink(&buf);
    assert_int_equal(buf.capacity, 0);
    assert_int_equal(buf_append(&buf, STR("again")), RC_OK);
    assert_content(&buf, STR("again"));
    buf_fini(&buf);
}

/* Against a queue that is plainly right: counting bytes in and out. */
static void test_a_long_life_keeps_order_and_maximum(void **state)
{
    (void)state;
    enum { MAX = 3000, STEPS = 20000 };
    struct buf buf;
    struct rng rng = rng_seeded(1, STR("buf"));
    uint64_t in_count = 0, out_count = 0;
    buf_init(&buf, MAX);
    for (int i = 0; i < STEPS; i++) {
        size_t size = (size_t)rng_below(&rng, 700);
        char *room = buf_reserve(&buf, size);
        assert_int_equal(room != NULL, in_count - out_count + size <= MAX);
        for (size_t j = 0; room != NULL && j < size; j++)
            room[j] = (char)(in_count++ % 251);
        if (room != NULL)
            buf_added(&buf, size);
        struct str content = buf_str(&buf);
        assert_int_equal(content.len, in_count - out_count);
        size_t taken = (size_t)rng_below(&rng, content.len + 1);
        for (size_t j = 0; j < taken; j++)
            assert_int_equal((unsigned char)content.ptr[j], out_count++ % 251);
        buf_consume(&buf, taken);
        assert_true(buf.capacity <= MAX);
    }
    buf_fini(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bytes_leave_in_the_order_they_came),
        cmocka_unit_test(test_full_adds_nothing),
        cmocka_unit_test(test_a_buffer_of_nothing_is_always_full),
        cmocka_unit_test(test_reserved_room_is_counted_when_added),
        cmocka_unit_test(test_memory_is_given_back_only_when_empty),
        cmocka_unit_test(test_a_long_life_keeps_order_and_maximum),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
