/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/wire/leave.c - see leave.h.
 */
#include "proxy/wire/leave.h"

#include "proxy/core/lb.h"
#include "proxy/wire/inside.h"
#include "proxy/wire/upstream.h"

static bool is_pooled(const struct conn *conn)
{
    return conn_is_open(conn) && conn->side == CONN_UPSTREAM && conn->up.pool != NULL;
}

static bool is_to(const struct conn *conn, const struct outlier_event *event)
{
    return is_pooled(conn) && conn->up.port == event->port &&
           str_eq(conn->up.address, event->address) &&
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

void leave_all_ejected(struct wire *wire)
{
    for (uint32_t i = 0; i < wire->conns.made_count; i++) {
        struct conn *conn = slots_at(&wire->conns, i);
        if (is_pooled(conn) && !conn->up.is_old && conn->up.endpoint_index != LB_NONE &&
            engine_is_ejected(wire->engine, conn->up.cluster_index, conn->up.endpoint_index))
            upstream_note_ejected(conn);
    }
}
