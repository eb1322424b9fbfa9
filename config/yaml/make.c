/* SPDX-License-Identifier: Apache-2.0
 *
 * config/yaml/make.c - see make.h.
 */
#include "config/yaml/make.h"

#include "base/check.h"

#define FIRST_CAPACITY 4u

static struct node *make(const struct maker *maker, enum node_kind kind)
{
    struct node *out = ARENA_NEW(maker->arena, struct node);

    out->kind = kind;
    out->origin = maker->origin;
    return out;
}

/* Capacity is the next power of two, so it need not be kept. */
static bool is_full(uint32_t count)
{
    return count == 0 || (count >= FIRST_CAPACITY && (count & (count - 1)) == 0);
}

static uint32_t next_capacity(uint32_t count)
{
    return count == 0 ? FIRST_CAPACITY : count * 2;
}

struct node *make_map(const struct maker *maker)
{
    return make(maker, NODE_MAP);
}

struct node *make_list(const struct maker *maker)
{
    return make(maker, NODE_LIST);
}

struct node *make_text(const struct maker *maker, struct str text)
{
    struct node *out = make(maker, NODE_STRING);

    out->text = text;
    out->is_quoted = true;
    return out;
}

struct node *make_whole(const struct maker *maker, int64_t number)
{
    struct node *out = make(maker, NODE_INT);

    out->integer = number;
    out->number = (double)number; /* only small numbers are made */
    out->text = arena_format(maker->arena, "%lld", (long long)number);
    return out;
}

struct node *make_number(const struct maker *maker, double number)
{
    struct node *out = make(maker, NODE_FLOAT);

    out->number = number;
    out->text = arena_format(maker->arena, "%g", number);
    return out;
}

struct node *make_bool(const struct maker *maker, bool is_true)
{
    struct node *out = make(maker, NODE_BOOL);

    out->boolean = is_true;
    out->text = is_true ? STR("true") : STR("false");
    return out;
}

struct node *make_copy(const struct maker *maker, const struct node *node)
{
    struct node *out = ARENA_NEW(maker->arena, struct node);

    *out = *node;
    return out;
}

struct node *make_put(const struct maker *maker, struct node *map, struct str key,
                      struct node *value)
{
    ASSERT(map->kind == NODE_MAP);
    if (is_full(map->count))
        map->entries = arena_grow(maker->arena, map->entries, map->count, next_capacity(map->count),
                                  sizeof(*map->entries));
    map->entries[map->count++] =
        (struct node_entry){.key = key, .key_origin = maker->origin, .value = value};
    return value;
}

struct node *make_push(const struct maker *maker, struct node *list, struct node *value)
{
    ASSERT(list->kind == NODE_LIST);
    if (is_full(list->count))
        list->items = arena_grow(maker->arena, list->items, list->count, next_capacity(list->count),
                                 sizeof(struct node *));
    list->items[list->count++] = value;
    return value;
}

struct node *make_put_map(const struct maker *maker, struct node *map, struct str key)
{
    return make_put(maker, map, key, make_map(maker));
}

struct node *make_put_list(const struct maker *maker, struct node *map, struct str key)
{
    return make_put(maker, map, key, make_list(maker));
}

void make_put_text(const struct maker *maker, struct node *map, struct str key, struct str text)
{
    if (text.len > 0)
        (void)make_put(maker, map, key, make_text(maker, text));
}
