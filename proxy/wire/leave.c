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

static bool is_ejected(const struct conn *conn)
{
    return conn->up.endpoint_index != LB_NONE &&
           engine_is_ejected(conn->reign->engine, conn->up.cluster_index, conn->up.endpoint_index);
}

/* A cluster of that name may have been replaced by another one, which knows nothing of it. */
static bool is_to(const struct conn *conn, const struct outlier_event *event)
{
    return is_pooled(conn) && conn->up.port == event->port &&
           str_eq(conn->up.address, event->address) &&
           str_eq(conn->up.cluster->name, event->cluster) && is_ejected(conn);
}

static void leave_host(struct wire *wire, const struct outlier_event *event)
{
    for (uint32_t i = 0; i < wire->conns.made_count; i++) {
        struct conn *conn = slots_at(&wire->conns, i);
        if (is_to(conn, event))
            upstream_note_ejected(conn);
    }
}

static void hear(struct wire *wire, struct engine *engine)
{
    struct outlier_event event;
    if (!engine_has_event(engine))
        return;
    while (engine_hear_event(engine, &event)) {
        if (event.is_ejection && event.is_enforced)
            leave_host(wire, &event);
    }
}

void leave_ejected(struct wire *wire)
{
    hear(wire, wire->reign->engine);
    for (uint32_t i = 1; i <= wire->past_reign_count; i++)
        hear(wire, reign_at(wire, i)->engine);
}

void leave_all_ejected(struct wire *wire)
{
    for (uint32_t i = 0; i < wire->conns.made_count; i++) {
        struct conn *conn = slots_at(&wire->conns, i);
        if (is_pooled(conn) && !conn->up.is_old && is_ejected(conn))
            upstream_note_ejected(conn);
    }
}
