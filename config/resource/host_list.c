/* SPDX-License-Identifier: Apache-2.0
 *
 * config/resource/host_list.c - see host_list.h.
 */
#include "config/resource/host_list.h"

#include "config/resource/host.h"

static void add_unique(struct text_list *list, struct str text, struct arena *arena)
{
    if (!text_list_has(list, text))
        text_list_add(list, text, arena);
}

struct text_list host_list_common(const struct text_list *a, const struct text_list *b,
                                  struct arena *arena)
{
    struct text_list out = {0};

    for (uint32_t i = 0; i < a->count; i++) {
        for (uint32_t k = 0; k < b->count; k++) {
            if (host_is_within(a->items[i], b->items[k]))
                add_unique(&out, a->items[i], arena);
            else if (host_is_within(b->items[k], a->items[i]))
                add_unique(&out, b->items[k], arena);
        }
    }
    return out;
}

struct text_list host_list_for_namespace(const struct text_list *hosts, struct str namespace,
                                         struct arena *arena)
{
    struct text_list out = {0};

    for (uint32_t i = 0; i < hosts->count; i++) {
        struct str name = hosts->items[i];
        if (str_find(name, '/') != STR_NONE) {
            struct str owner = str_cut(&name, '/');
            if (!str_eq(owner, namespace) && !str_eq(owner, STR("*")))
                continue;
        }
        text_list_add(&out, name, arena);
    }
    return out;
}
