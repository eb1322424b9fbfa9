/* SPDX-License-Identifier: Apache-2.0
 *
 * config/resource/label.c - see label.h.
 */
#include "config/resource/label.h"

struct str label_text(const struct view *view, struct str otherwise)
{
    bool is_letter =
        view_is_present(view) && view->node->kind == NODE_BOOL && view->node->text.len == 1;

    if (!is_letter)
        return view_own_str(view, otherwise);
    view_complain(view, DIAG_TEXT_UNQUOTED, view->node->text, STR_EMPTY);
    return view->node->text;
}

struct str label_text_field(const struct view *view, struct str name, struct str otherwise)
{
    struct view field = view_field(view, name);

    return label_text(&field, otherwise);
}

struct label_list label_list_read(const struct view *map)
{
    struct label_list out = {0};

    for (uint32_t i = 0; i < view_count(map); i++) {
        struct view entry = view_entry(map, i);
        struct label *label = ARENA_PUSH(map->reading->arena, out.items, out.count, out.capacity);
        *label = (struct label){.name = entry.key, .value = label_text(&entry, STR_EMPTY)};
    }
    return out;
}

struct text_list text_list_read(const struct view *list)
{
    struct text_list out = {0};

    for (uint32_t i = 0; i < view_count(list); i++) {
        struct view item = view_item(list, i);
        text_list_add(&out, label_text(&item, STR_EMPTY), list->reading->arena);
    }
    return out;
}

const struct str *label_find(const struct label *labels, uint32_t label_count, struct str name)
{
    for (uint32_t i = 0; i < label_count; i++) {
        if (str_eq(labels[i].name, name))
            return &labels[i].value;
    }
    return NULL;
}

void label_list_set(struct label_list *list, struct str name, struct str value, struct arena *arena)
{
    for (uint32_t i = 0; i < list->count; i++) {
        if (str_eq(list->items[i].name, name)) {
            list->items[i].value = value;
            return;
        }
    }
    struct label *label = ARENA_PUSH(arena, list->items, list->count, list->capacity);
    *label = (struct label){.name = name, .value = value};
}

bool label_is_subset(const struct label *small, uint32_t small_count, const struct label *big,
                     uint32_t big_count)
{
    for (uint32_t i = 0; i < small_count; i++) {
        const struct str *value = label_find(big, big_count, small[i].name);
        if (value == NULL || !str_eq(*value, small[i].value))
            return false;
    }
    return true;
}

/* By insertion: the lists are what a person writes into one map. */
void label_list_sort(struct label_list *list)
{
    for (uint32_t i = 1; i < list->count; i++) {
        struct label moving = list->items[i];
        uint32_t place = i;
        for (; place > 0 && str_order(list->items[place - 1].name, moving.name) > 0; place--)
            list->items[place] = list->items[place - 1];
        list->items[place] = moving;
    }
}

bool text_list_has(const struct text_list *list, struct str text)
{
    for (uint32_t i = 0; i < list->count; i++) {
        if (str_eq(list->items[i], text))
            return true;
    }
    return false;
}

void text_list_add(struct text_list *list, struct str text, struct arena *arena)
{
    *ARENA_PUSH(arena, list->items, list->count, list->capacity) = text;
}
