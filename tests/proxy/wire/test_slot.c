/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/proxy/wire/test_slot.c - numbered places.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "proxy/wire/slot.h"

static void test_slots_never_move_and_keep_what_their_tenant_left(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 1024, 0);
    struct slots slots;
    slots_init(&slots, &arena, sizeof(uint64_t));
    uint64_t *places[300];
    for (uint32_t i = 0; i < 300; i++) {
        uint32_t number;
        places[i] = slots_take(&slots, &number);
        assert_int_equal(number, i);
        assert_int_equal(*places[i], 0);
        *places[i] = i;
    }
    for (uint32_t i = 0; i < 300; i++) {
        assert_ptr_equal(slots_at(&slots, i), places[i]);
        assert_int_equal(*places[i], i);
    }
    arena_fini(&arena);
}

static void test_slots_give_the_latest_returned_number_first(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 1024, 0);
    struct slots slots;
    slots_init(&slots, &arena, 8);
    uint32_t number;
    for (int i = 0; i < 5; i++)
        slots_take(&slots, &number);
    slots_give(&slots, 1);
    slots_give(&slots, 3);
    slots_take(&slots, &number);
    assert_int_equal(number, 3);
    slots_take(&slots, &number);
    assert_int_equal(number, 1);
    slots_take(&slots, &number);
    assert_int_equal(number, 5);
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_slots_never_move_and_keep_what_their_tenant_left),
        cmocka_unit_test(test_slots_give_the_latest_returned_number_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
