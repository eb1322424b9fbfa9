/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/live/admin.h - Envoy's admin interface, for every proxy of the process.
 *
 * One admin has one port on loopback. /proxies/NAME/... leads to the proxy of
 * that name; without it, a path is for the proxy whose name is the Host
 * header's (its port does not matter), else for the first one added. GET
 * /proxies lists the names. (Istio gives each pod its own 127.0.0.1:15000: an
 * admin with one proxy is that.)
 *
 * It lives on one loop's thread, reads no worker's memory and asks through the
 * admin_proxy given by whoever runs the workers.
 *
 * Source: ENVOY.md 12, 13.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "proxy/core/engine.h"
#include "proxy/live/loop.h"
#include "proxy/model/snapshot.h"

/* Reads one engine of one worker (a worker has several while an old
 * configuration retires); `now_ns` is the worker's own clock. */
typedef void admin_visit(struct engine *engine, uint32_t worker, int64_t now_ns, void *arg);

enum admin_drain {
    ADMIN_DRAIN_NOW,      /* listeners accept no more */
    ADMIN_DRAIN_GRACEFUL, /* connections are asked to leave first */
};

/* How admin reaches one proxy. All functions are called on admin's thread. */
struct admin_proxy {
    struct str name; /* "productpage-v1-0.default"; copied */
    void *user;
    uint32_t worker_count;
    /* The snapshot in force, held for the caller. */
    struct snapshot *(*snapshot)(void *user);
    /* Has `visit` called with every engine of every worker, on that worker's
     * thread, one after the other, and returns when it is done (fleet_visit). */
    void (*visit)(void *user, admin_visit *visit, void *arg);
    /* The place a listener is bound to on this machine; false: as it says
     * itself. May be NULL. */
    bool (*place)(void *user, const struct listener *listener, struct str *address, uint32_t *port);
    /* May be NULL: then the path answers 501. */
    void (*drain)(void *user, enum admin_drain how, bool is_inbound_only);
    void (*quit)(void *user);
    void (*reopen_logs)(void *user);
    /* Draining? May be NULL. */
    bool (*is_draining)(void *user);
};

struct admin_options {
    struct str bind_address; /* empty: 127.0.0.1; another one than loopback is refused */
    uint32_t bind_port;      /* 0: the kernel gives one */
    struct str version;      /* of the program; copied */
};

struct admin;

/* Listens. NULL: *why. The loop must outlive it. */
struct admin *admin_new(struct loop *loop, const struct admin_options *options, struct str *why);
/* Closes every connection and turns the loop until the last is gone. */
void admin_free(struct admin *admin);
uint32_t admin_port(const struct admin *admin);

/* Copies. Names are unique: a second one of a name takes its place. */
void admin_add_proxy(struct admin *admin, const struct admin_proxy *proxy);
void admin_remove_proxy(struct admin *admin, struct str name);
