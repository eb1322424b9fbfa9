/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/town/change.c - see change.h.
 */
#include "testbed/town/change.h"

#include "base/check.h"
#include "base/map.h"

/* Depth is bounded by YAML_DEPTH_MAX. */
static bool is_same(const struct node *a, const struct node *b)
{
    if (a->kind != b->kind || a->count != b->count || !str_eq(a->text, b->text))
        return false;
    for (uint32_t i = 0; i < a->count; i++) {
        if (a->kind == NODE_LIST && !is_same(a->items[i], b->items[i]))
            return false;
        if (a->kind == NODE_MAP && (!str_eq(a->entries[i].key, b->entries[i].key) ||
                                    !is_same(a->entries[i].value, b->entries[i].value)))
            return false;
    }
    return true;
}

static struct str name_of(const struct node *object, struct arena *arena)
{
    return arena_format(arena, "%.*s %.*s/%.*s", STR_FMT(manifest_kind(object)),
                        STR_FMT(manifest_namespace(object)), STR_FMT(manifest_name(object)));
}

/* Names to indexes; of two of one name, the later one. */
static struct map index_of(const struct manifests *manifests, struct arena *arena)
{
    struct map index;
    map_init(&index, arena);
    for (uint32_t i = 0; i < manifests->count; i++)
        (void)map_set(&index, name_of(manifests->items[i], arena), i);
    return index;
}

static void add(struct changes *changes, enum change_kind kind, const struct node *object,
                struct arena *arena)
{
    *ARENA_PUSH(arena, changes->items, changes->count, changes->capacity) =
        (struct change){.kind = kind, .object = name_of(object, arena), .origin = object->origin};
}

struct changes changes_between(const struct manifests *before, const struct manifests *after,
                               struct arena *arena)
{
    struct changes changes = {0};
    struct map old_index = index_of(before, arena);
    struct map new_index = index_of(after, arena);
    for (uint32_t i = 0; i < after->count; i++) {
        const struct node *object = after->items[i];
        struct str name = name_of(object, arena);
        uint32_t old = map_get(&old_index, name);
        if (map_get(&new_index, name) != i)
            continue;
        if (old == MAP_NONE)
            add(&changes, CHANGE_ADDED, object, arena);
        else if (!is_same(before->items[old], object))
            add(&changes, CHANGE_EDITED, object, arena);
    }
    for (uint32_t i = 0; i < before->count; i++) {
        struct str name = name_of(before->items[i], arena);
        if (map_get(&old_index, name) == i && map_get(&new_index, name) == MAP_NONE)
            add(&changes, CHANGE_REMOVED, before->items[i], arena);
    }
    return changes;
}

struct str change_word(enum change_kind kind)
{
    switch (kind) {
    case CHANGE_ADDED:
        return STR("added");
    case CHANGE_EDITED:
        return STR("changed");
    case CHANGE_REMOVED:
        return STR("removed");
    }
    UNREACHABLE("change_kind");
}
