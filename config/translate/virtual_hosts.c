/* SPDX-License-Identifier: Apache-2.0
 *
 * config/translate/virtual_hosts.c - see virtual_hosts.h.
 */
#include "config/translate/virtual_hosts.h"

struct virtual_host virtual_host_of(struct translation *t, struct str name,
                                    const struct route_list *routes)
{
    return (struct virtual_host){
        .name = context_keep(t, name),
        .routes = routes->items,
        .route_count = routes->count,
        .has_attempt_count = !t->settings.has_no_attempt_count,
        .origin = routes->count > 0 ? routes->items[0].origin : (struct origin){.line = 0},
    };
}

bool virtual_host_catch_all(struct translation *t, struct virtual_host *out)
{
    struct route_list routes = {0};
    struct str name;

    if (!routes_catch_all(t, &name, &routes))
        return false;
    struct str *star = ARENA_ARRAY(t->arena, struct str, 1);
    star[0] = STR("*");
    *out = virtual_host_of(t, name, &routes);
    out->domains = star;
    out->domain_count = 1;
    return true;
}

void virtual_host_list_sort(struct translation *t, struct virtual_host_list *list)
{
    struct virtual_host *from = list->items;
    struct virtual_host *to = ARENA_ARRAY(t->arena, struct virtual_host, list->count);

    for (uint32_t width = 1; width < list->count; width *= 2) {
        for (uint32_t start = 0; start < list->count; start += 2 * width) {
            uint32_t middle = start + width < list->count ? start + width : list->count;
            uint32_t end = middle + width < list->count ? middle + width : list->count;
            uint32_t left = start, right = middle;
            for (uint32_t i = start; i < end; i++) {
                bool is_right = left == middle ||
                                (right < end && str_order(from[right].name, from[left].name) < 0);
                to[i] = is_right ? from[right++] : from[left++];
            }
        }
        struct virtual_host *swap = from;
        from = to;
        to = swap;
    }
    list->items = from;
    list->capacity = list->count;
}
