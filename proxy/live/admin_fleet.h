/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/live/admin_fleet.h - a fleet's proxy as the admin interface wants it.
 *
 * Admin's loop must be on the thread that the fleet belongs to.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "proxy/live/admin.h"
#include "proxy/live/fleet.h"

/* The caller's, as long as the proxy is in the admin interface. */
struct admin_fleet {
    struct fleet *fleet;
    uint32_t proxy; /* its number in the fleet */
    void *owner;
    /* May be NULL; then the paths answer 501. */
    void (*quit)(void *owner);
    void (*reopen_logs)(void *owner);
    /* See admin_proxy. */
    bool (*place)(void *owner, const struct listener *listener, struct str *address,
                  uint32_t *port);
    bool is_draining; /* POST /drain_listeners was asked for */
};

void admin_add_fleet(struct admin *admin, struct admin_fleet *fleet, struct str name);
