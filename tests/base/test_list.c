/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/base/test_list.c - rings, and sums of time that do not overflow.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/list.h"

#include "base/ns.h"

struct item {
    int number;
    struct list node;
};

static void test_a_list_keeps_its_order(void **state)
{
    (void)state;
    struct list list;
    struct item a = {.number = 1}, b = {.number = 2}, c = {.number = 3};
    list_init(&list);
    assert_true(list_is_empty(&list));
    assert_null(list_first(&list));
    list_push_back(&list, &b.node);
    list_push_front(&list, &a.node);
    list_push_back(&list, &c.node);
    int want = 1;
    for (const struct list *node = list.next; node != &list; node = node->next)
        assert_int_equal(LIST_ITEM(node, struct item, node)->number, want++);
    assert_int_equal(want, 4);
}

static void test_removing_twice_does_no_harm(void **state)
{
    (void)state;
    struct list list;
    struct item a = {.number = 1}, b = {.number = 2};
    list_init(&list);
    list_push_back(&list, &a.node);
    list_push_back(&list, &b.node);
    list_remove(&a.node);
    list_remove(&a.node);
    assert_ptr_equal(list_first(&list), &b.node);
    list_remove(&b.node);
    assert_true(list_is_empty(&list));
}

static void test_never_plus_something_is_never(void **state)
{
    (void)state;
    assert_true(ns_add(NS_NEVER, 0) == NS_NEVER);
    assert_true(ns_add(NS_NEVER, 1) == NS_NEVER);
    assert_true(ns_add(1, NS_NEVER) == NS_NEVER);
    assert_true(ns_add(NS_NEVER, NS_NEVER) == NS_NEVER);
    assert_true(ns_add(NS_NEVER - 2, 1) == NS_NEVER - 1);
    assert_true(ns_add(0, 0) == 0);
    assert_true(ns_min(1, 2) == 1 && ns_max(1, 2) == 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_list_keeps_its_order),
        cmocka_unit_test(test_removing_twice_does_no_harm),
        cmocka_unit_test(test_never_plus_something_is_never),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
