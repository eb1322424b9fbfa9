/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/base/test_heap.c - what is due next.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/heap.h"

#include "base/check.h"
#include "base/ns.h"
#include "base/rng.h"

static struct heap_node *take_first(struct heap *heap)
{
    struct heap_node *first = heap_first(heap);
    if (first != NULL)
        heap_remove(heap, first);
    return first;
}

static void test_the_same_time_leaves_in_the_order_of_coming(void **state)
{
    (void)state;
    enum { NODES = 100 };
    struct heap heap;
    struct heap_node nodes[NODES];
    heap_init(&heap);
    for (int i = 0; i < NODES; i++) {
        heap_node_init(&nodes[i]);
        heap_put(&heap, &nodes[i], i % 2 == 0 ? 5 : 5 * (i % 3));
    }
    int64_t due_ns = -1;
    uint64_t sequence = 0;
    for (int i = 0; i < NODES; i++) {
        const struct heap_node *node = take_first(&heap);
        assert_non_null(node);
        assert_true(node->due_ns > due_ns || (node->due_ns == due_ns && node->sequence > sequence));
        due_ns = node->due_ns;
        sequence = node->sequence;
    }
    assert_null(heap_first(&heap));
    heap_fini(&heap);
}

static void test_a_moved_node_counts_as_newly_added(void **state)
{
    (void)state;
    struct heap heap;
    struct heap_node a, b;
    heap_init(&heap);
    heap_node_init(&a);
    heap_node_init(&b);
    heap_put(&heap, &a, 10);
    heap_put(&heap, &b, 10);
    heap_put(&heap, &a, 10);
    assert_ptr_equal(heap_first(&heap), &b);
    heap_put(&heap, &a, 9);
    assert_ptr_equal(heap_first(&heap), &a);
    heap_put(&heap, &a, NS_NEVER);
    assert_ptr_equal(take_first(&heap), &b);
    assert_ptr_equal(take_first(&heap), &a);
    assert_null(take_first(&heap));
    heap_fini(&heap);
}

static void test_removing_what_is_out_does_nothing(void **state)
{
    (void)state;
    struct heap heap;
    struct heap_node node;
    heap_init(&heap);
    heap_node_init(&node);
    heap_remove(&heap, &node);
    heap_put(&heap, &node, 1);
    assert_true(node.index != HEAP_OUT);
    heap_remove(&heap, &node);
    heap_remove(&heap, &node);
    assert_int_equal(node.index, HEAP_OUT);
    assert_int_equal(heap.count, 0);
    heap_fini(&heap);
}

/* Against looking at all of them. */
static void test_a_busy_heap_always_answers_the_first(void **state)
{
    (void)state;
    enum { NODES = 200, STEPS = 20000 };
    struct heap heap;
    struct heap_node nodes[NODES];
    struct rng rng = rng_seeded(2, STR("heap"));
    heap_init(&heap);
    for (int i = 0; i < NODES; i++)
        heap_node_init(&nodes[i]);
    for (int step = 0; step < STEPS; step++) {
        struct heap_node *node = &nodes[rng_below(&rng, NODES)];
        if (rng_below(&rng, 3) == 0)
            heap_remove(&heap, node);
        else
            heap_put(&heap, node, (int64_t)rng_below(&rng, 50));
        const struct heap_node *want = NULL;
        for (int i = 0; i < NODES; i++) {
            if (nodes[i].index == HEAP_OUT)
                continue;
            if (want == NULL || nodes[i].due_ns < want->due_ns ||
                (nodes[i].due_ns == want->due_ns && nodes[i].sequence < want->sequence))
                want = &nodes[i];
        }
        assert_ptr_equal(heap_first(&heap), want);
    }
    heap_fini(&heap);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_same_time_leaves_in_the_order_of_coming),
        cmocka_unit_test(test_a_moved_node_counts_as_newly_added),
        cmocka_unit_test(test_removing_what_is_out_does_nothing),
        cmocka_unit_test(test_a_busy_heap_always_answers_the_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
