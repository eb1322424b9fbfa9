/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/wire/leave.c - see leave.h.
 */
#include "proxy/wire/leave.h"

#include "proxy/wire/inside.h"
#include "proxy/wire/upstream.h"

static bool is_to(const struct conn *conn, const struct outlier_event *event)
{
    return conn_is_open(conn) && conn->side == CONN_UPSTREAM && conn->up.pool != NULL &&
           conn->up.port == event->port && str_eq(conn->up.address, event->address) &&
           str_eq(conn->up.cluster->name, event->cluster);
}

static void leave_host(struct wire *wire, const struct outlier_event *event)
{
    for (uint32_t i = 0; i < wire->conns.made_count; i++) {
        struct conn *conn = slots_at(&wire->conns, i);
        if (is_to(conn, event))
            upstream_note_ejected(conn);
    }
}

void leave_ejected(struct wire *wire)
{
    if (!engine_has_event(wire->engine))
        return;
    struct outlier_event event;
    while (engine_hear_event(wire->engine, &event)) {
        if (event.is_ejection && event.is_enforced)
            leave_host(wire, &event);
    }
}
