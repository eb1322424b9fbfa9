/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/live/admin_fleet.c - see admin_fleet.h.
 */
#include "proxy/live/admin_fleet.h"

#include "base/check.h"
#include "proxy/live/inside.h"

struct visiting {
    admin_visit *visit;
    void *arg;
};

/* On the worker's thread. */
static void visit_server(uint32_t worker, struct server *server, void *user)
{
    const struct visiting *visiting = user;
    int64_t now_ns = loop_now_ns(server->loop);
    for (uint32_t i = 0; i < server_engine_count(server); i++)
        visiting->visit(server_engine(server, i), worker, now_ns, visiting->arg);
}

static void visit_all(void *user, admin_visit *visit, void *arg)
{
    const struct admin_fleet *fleet = user;
    struct visiting visiting = {visit, arg};
    fleet_visit(fleet->fleet, fleet->proxy, visit_server, &visiting);
}

/* All workers have the same one; the first says which. */
static void hold_snapshot(uint32_t worker, struct server *server, void *user)
{
    struct snapshot **snapshot = user;
    if (worker != 0)
        return;
    /* The engine's own is constant to everybody but its count of holders. */
    *snapshot = (struct snapshot *)engine_snapshot(server_engine(server, 0));
    snapshot_hold(*snapshot);
}

static struct snapshot *snapshot(void *user)
{
    const struct admin_fleet *fleet = user;
    struct snapshot *held = NULL;
    fleet_visit(fleet->fleet, fleet->proxy, hold_snapshot, &held);
    ASSERT(held != NULL);
    return held;
}

struct draining {
    bool is_inbound_only;
};

/* Envoy closes the listeners of a direction; here all doors of a proxy go
 * together, unless it has none of that direction. */
static bool concerns(const struct draining *draining, struct server *server)
{
    const struct snapshot *current = engine_snapshot(server_engine(server, 0));
    for (uint32_t i = 0; i < current->listener_count; i++)
        if (!draining->is_inbound_only || current->listeners[i].direction == TRAFFIC_INBOUND)
            return true;
    return false;
}

static void drain_server(uint32_t worker, struct server *server, void *user)
{
    (void)worker;
    if (concerns(user, server))
        server_drain(server);
}

static void drain(void *user, enum admin_drain how, bool is_inbound_only)
{
    struct admin_fleet *fleet = user;
    struct draining draining = {is_inbound_only};
    (void)how; /* connections are asked to leave either way */
    fleet->is_draining = true;
    fleet_visit(fleet->fleet, fleet->proxy, drain_server, &draining);
}

static void quit(void *user)
{
    const struct admin_fleet *fleet = user;
    fleet->quit(fleet->owner);
}

static void reopen_logs(void *user)
{
    const struct admin_fleet *fleet = user;
    fleet->reopen_logs(fleet->owner);
}

static bool place(void *user, const struct listener *listener, struct str *address, uint32_t *port)
{
    const struct admin_fleet *fleet = user;
    return fleet->place(fleet->owner, listener, address, port);
}

static bool is_draining(void *user)
{
    const struct admin_fleet *fleet = user;
    return fleet->is_draining;
}

void admin_add_fleet(struct admin *admin, struct admin_fleet *fleet, struct str name)
{
    admin_add_proxy(admin, &(struct admin_proxy){
                               .name = name,
                               .user = fleet,
                               .worker_count = fleet_worker_count(fleet->fleet),
                               .snapshot = snapshot,
                               .visit = visit_all,
                               .place = fleet->place != NULL ? place : NULL,
                               .drain = drain,
                               .quit = fleet->quit != NULL ? quit : NULL,
                               .reopen_logs = fleet->reopen_logs != NULL ? reopen_logs : NULL,
                               .is_draining = is_draining,
                           });
}
