/* SPDX-License-Identifier: Apache-2.0
 *
 * base/list.h - a ring of nodes that live inside other structs.
 *
 * The list owns nothing. A node is in at most one list; a removed node points
 * to itself, so removing twice does no harm.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct list {
    struct list *next, *prev;
};

#define LIST_ITEM(node, type, member) ((type *)(void *)((char *)(node)-offsetof(type, member)))

static inline void list_init(struct list *list)
{
    list->next = list;
    list->prev = list;
}

static inline bool list_is_empty(const struct list *list)
{
    return list->next == list;
}

static inline void list_insert_after(struct list *place, struct list *node)
{
    node->next = place->next;
    node->prev = place;
    place->next->prev = node;
    place->next = node;
}

static inline void list_push_front(struct list *list, struct list *node)
{
    list_insert_after(list, node);
}

static inline void list_push_back(struct list *list, struct list *node)
{
    list_insert_after(list->prev, node);
}

static inline void list_remove(struct list *node)
{
    node->prev->next = node->next;
    node->next->prev = node->prev;
    list_init(node);
}

/* The first node, or NULL. */
static inline struct list *list_first(const struct list *list)
{
    return list_is_empty(list) ? NULL : list->next;
}
