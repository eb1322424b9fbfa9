/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/testbed/world/test_errand.c - an errand's slot is used again and again,
 * and keeps nothing from one use to the next.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "testbed/world/errand.h"

static void test_a_slot_is_reused_as_new(void **state)
{
    (void)state;
    static const enum errand_kind KINDS[] = {ERRAND_OF_STREAM, ERRAND_OF_HOP};
    for (size_t i = 0; i < sizeof(KINDS) / sizeof(KINDS[0]); i++) {
        struct errands errands;
        struct errand slot = {0};
        errands_init(&errands);
        assert_null(errands_reuse(&errands, KINDS[i]));
        errands_join(&errands, &slot, KINDS[i]);
        slot.is_begun = slot.is_over = slot.is_wanting_record = true;
        (void)arena_str(&slot.own_arena, STR("body"));
        errands_give_back(&errands, &slot);
        assert_int_equal(slot.life, 1);
        assert_ptr_equal(errands_reuse(&errands, KINDS[i]), &slot);
        assert_null(errands_reuse(&errands, KINDS[i]));
        assert_false(slot.is_begun || slot.is_over || slot.is_wanting_record);
        assert_int_equal(slot.own_arena.used_bytes, 0);
        assert_ptr_equal(slot.outcome, &slot.own_outcome);
        errands_fini(&errands);
    }
}

static void test_the_first_that_is_over_is_answered_first(void **state)
{
    (void)state;
    struct errands errands;
    struct errand slots[3] = {0};
    errands_init(&errands);
    for (size_t i = 0; i < 3; i++)
        errands_join(&errands, &slots[i], ERRAND_OF_STREAM);
    errands_note_over(&errands, &slots[2]);
    errands_note_over(&errands, &slots[0]);
    assert_ptr_equal(errands_answer(&errands), &slots[2]);
    assert_ptr_equal(errands_answer(&errands), &slots[0]);
    assert_null(errands_answer(&errands));
    errands_fini(&errands);
}

static void test_what_a_stand_in_asks_is_copied(void **state)
{
    (void)state;
    struct errands errands;
    struct errand slot = {0};
    char uri[] = "/a";
    struct call call = {.uri = str_of(uri)};
    errands_init(&errands);
    errands_join(&errands, &slot, ERRAND_OF_HOP);
    errand_ask(&slot, &call, 7);
    uri[1] = 'b';
    assert_true(str_eq(slot.call->uri, STR("/a")));
    assert_int_equal(slot.standin_number, 7);
    errands_fini(&errands);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_slot_is_reused_as_new),
        cmocka_unit_test(test_the_first_that_is_over_is_answered_first),
        cmocka_unit_test(test_what_a_stand_in_asks_is_copied),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
