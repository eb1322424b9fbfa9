/* SPDX-License-Identifier: Apache-2.0
 *
 * config/translate/virtual_hosts.c - see virtual_hosts.h.
 */
#include "base/sort.h"
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

static int name_order(const void *a, const void *b)
{
    const struct virtual_host *left = a, *right = b;
    return str_order(left->name, right->name);
}

void virtual_host_list_sort(struct translation *t, struct virtual_host_list *list)
{
    sort_items(&t->scratch, list->items, list->count, sizeof(*list->items), name_order);
}
