/* SPDX-License-Identifier: Apache-2.0
 *
 * base/heap.c - the usual array: children of i are 2i+1 and 2i+2.
 */
#include "base/heap.h"

#include <stddef.h>
#include <stdlib.h>

#include "base/check.h"

#define FIRST_CAPACITY 64u

static bool is_before(const struct heap_node *a, const struct heap_node *b)
{
    if (a->due_ns != b->due_ns)
        return a->due_ns < b->due_ns;
    return a->sequence < b->sequence;
}

static void set_place(struct heap *heap, uint32_t index, struct heap_node *node)
{
    heap->nodes[index] = node;
    node->index = index;
}

static void sift_up(struct heap *heap, struct heap_node *node)
{
    uint32_t index = node->index;
    while (index > 0) {
        uint32_t parent = (index - 1) / 2;
        if (!is_before(node, heap->nodes[parent]))
            break;
        set_place(heap, index, heap->nodes[parent]);
        index = parent;
    }
    set_place(heap, index, node);
}

static void sift_down(struct heap *heap, struct heap_node *node)
{
    uint32_t index = node->index;
    for (;;) {
        uint32_t child = 2 * index + 1;
        if (child >= heap->count)
            break;
        if (child + 1 < heap->count && is_before(heap->nodes[child + 1], heap->nodes[child]))
            child++;
        if (!is_before(heap->nodes[child], node))
            break;
        set_place(heap, index, heap->nodes[child]);
        index = child;
    }
    set_place(heap, index, node);
}

static void make_room(struct heap *heap)
{
    if (heap->count < heap->capacity)
        return;
    ASSERT(heap->capacity <= UINT32_MAX / 4); /* 2i + 2 must not wrap */
    uint32_t capacity = heap->capacity == 0 ? FIRST_CAPACITY : heap->capacity * 2;
    struct heap_node **nodes = realloc(heap->nodes, capacity * sizeof(struct heap_node *));
    if (nodes == NULL)
        check_out_of_memory(capacity * sizeof(struct heap_node *));
    heap->nodes = nodes;
    heap->capacity = capacity;
}

void heap_init(struct heap *heap)
{
    *heap = (struct heap){0};
}

void heap_fini(struct heap *heap)
{
    free(heap->nodes);
    *heap = (struct heap){0};
}

void heap_node_init(struct heap_node *node)
{
    *node = (struct heap_node){.index = HEAP_OUT};
}

void heap_put(struct heap *heap, struct heap_node *node, int64_t due_ns)
{
    if (node->index == HEAP_OUT) {
        make_room(heap);
        set_place(heap, heap->count, node);
        heap->count++;
    }
    ASSERT(heap->nodes[node->index] == node);
    node->due_ns = due_ns;
    node->sequence = heap->next_sequence++;
    sift_up(heap, node);
    sift_down(heap, node);
}

void heap_take_out(struct heap *heap, struct heap_node *node)
{
    ASSERT(node->index < heap->count);
    ASSERT(heap->nodes[node->index] == node);
    uint32_t index = node->index;
    struct heap_node *last = heap->nodes[--heap->count];
    node->index = HEAP_OUT;
    if (last == node)
        return;
    set_place(heap, index, last);
    sift_up(heap, last);
    sift_down(heap, last);
}
