/* SPDX-License-Identifier: Apache-2.0
 *
 * config/translate/virtual_hosts.h - lists of virtual hosts while they are
 * made.
 */
#pragma once

#include "config/translate/context.h"
#include "config/translate/routes.h"

struct virtual_host_list {
    struct virtual_host *items;
    uint32_t count, capacity;
};

/* A virtual host with these routes (not copied: a list may serve several). */
struct virtual_host virtual_host_of(struct translation *t, struct str name,
                                    const struct route_list *routes);

/* The one for hosts that nobody knows; false: there is none. */
bool virtual_host_catch_all(struct translation *t, struct virtual_host *out);

/* By name; equal names keep their order. */
void virtual_host_list_sort(struct translation *t, struct virtual_host_list *list);
