/* SPDX-License-Identifier: Apache-2.0
 *
 * base/heap.h - what is due next: a binary heap of nodes that know their place.
 *
 * Nodes live inside other structs. Those due at the same time leave in the
 * order in which they were put in (Envoy's simulated time and libuv do the
 * same).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HEAP_OUT UINT32_MAX

struct heap_node {
    int64_t due_ns;
    uint64_t sequence;
    uint32_t index; /* HEAP_OUT when in no heap */
};

struct heap {
    struct heap_node **nodes;
    uint32_t count, capacity;
    uint64_t next_sequence;
};

#define HEAP_ITEM(node, type, member) ((type *)(void *)((char *)(node)-offsetof(type, member)))

void heap_init(struct heap *heap);
void heap_fini(struct heap *heap);
void heap_node_init(struct heap_node *node);

/* Puts in, or moves what is in already: a moved node counts as newly added. */
void heap_put(struct heap *heap, struct heap_node *node, int64_t due_ns);
/* Takes out one that is in. */
void heap_take_out(struct heap *heap, struct heap_node *node);
/* Takes out; does nothing when it is not in. */
static inline void heap_remove(struct heap *heap, struct heap_node *node)
{
    if (node->index != HEAP_OUT)
        heap_take_out(heap, node);
}

/* The node due first, or NULL. */
static inline struct heap_node *heap_first(const struct heap *heap)
{
    return heap->count == 0 ? NULL : heap->nodes[0];
}
