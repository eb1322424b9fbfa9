/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/town/town.h - a mesh that stays: at pods' addresses their sidecars, with the
 * stand-ins behind them (or these alone), gateways, and for each client an HTTP proxy's
 * door, until somebody ends it.
 *
 *   main thread: loop, stand-ins, whatever the owner adds (signals, watching)
 *   fleet:       workers with the proxies (proxy/live/fleet.h)
 *
 * The owner makes an era of the user's files and has it opened; later ones take
 * its place without a request lost. Everything but the proxies' work belongs to
 * the thread that made the town.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "proxy/live/fleet.h"
#include "proxy/live/loop.h"
#include "testbed/town/era.h"
#include "testbed/town/register.h"

struct town;

/* Who logs: see fleet_proxy.on_done; on the workers' threads. */
struct town_listener {
    void (*on_done)(const struct server_done *done, struct str proxy, void *user);
    void *user;
    void (*on_outlier)(const struct server_outlier *outlier, void *outlier_user);
    void *outlier_user;
};

struct town_options {
    uint32_t worker_count;
    uint64_t seed;
    bool is_external_allowed;
    struct register_wish *wishes; /* --gateway; borrowed as long as the town */
    uint32_t wish_count;
    struct town_listener listener; /* its functions may be NULL */
};

/* NULL: the system has no threads or descriptors left. Signals that the main thread
 * wants should be blocked meanwhile: the workers inherit that. */
struct town *town_new(const struct town_options *options);
/* Ends at once if it is not over. */
void town_free(struct town *town);
struct loop *town_loop(struct town *town);

enum town_verdict {
    TOWN_FINE,
    TOWN_UNBINDABLE, /* something cannot be listened on: the registry's rows say what */
    TOWN_REFUSED,    /* a proxy could not be begun; *why says it */
};

/* The era (held) is in force from now on; if it is not fine, nothing has changed
 * but for stand-ins that answer already. *found: what listens where, and what
 * cannot; it lives in the era. */
enum town_verdict town_open(struct town *town, struct era *era, struct registry *found,
                            struct str *why);
/* In force; NULL: none yet. */
struct era *town_era(const struct town *town);
/* What listens where in that era; the main thread's. */
const struct registry *town_registry(const struct town *town);
/* "reviews-v1-0.default": a client's proxy is called so in the fleet. */
struct str town_proxy_name(const struct world_client *client, struct arena *arena);

/* No new connections; what is under way may end within `patience_ns`. */
void town_drain(struct town *town, int64_t patience_ns);
/* At once. */
void town_stop(struct town *town);
/* Has no proxy a configuration of before any more? */
bool town_is_settled(struct town *town);
bool town_is_over(const struct town *town);
/* Whether a request was cut off by town_stop or by the end of patience. */
bool town_was_cut(const struct town *town);

struct fleet *town_fleet(struct town *town);
