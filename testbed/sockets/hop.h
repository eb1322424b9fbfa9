/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/sockets/hop.h - the proxies between callers and stand-ins: those of
 * proxy/live, one for each client, and the loop that all share.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <uv.h>

#include "base/str.h"
#include "testbed/world/play.h"

struct sockets;
struct hop;
struct outcome;

void hops_start(struct sockets *sockets);
/* Stops the proxies and closes the loop; every other handle of the loop must
 * be closing by now. */
void hops_stop(struct sockets *sockets);

/* Where TLS is spoken: begins every proxy, so that the first call does not wait for that. */
void hops_warm(struct sockets *sockets);

/* Time has passed outside of the loop. */
void sockets_begin_turn(const struct sockets *sockets);
uv_loop_t *sockets_uv(const struct sockets *sockets);
/* The one time of this turn. */
int64_t sockets_now_ns(const struct sockets *sockets);

/* Where the target's listener really is; begins the client's proxy when it is
 * the first to ask. False: sockets cannot be had. */
bool hop_reach(struct sockets *sockets, uint32_t client, const struct call_target *target,
               struct str *address, uint32_t *port);

/* Where a connection to the pod really goes: to its sidecar, or its application.
 * `cluster`: for which a proxy dials; NULL: no proxy does. False: nowhere. */
bool hop_reach_pod(struct sockets *sockets, uint32_t pod, uint32_t target_port,
                   const struct cluster *cluster, struct str *address, uint32_t *port);

/* Starts the Envoys of play_options.callers and waits for them; doors are open.
 * False: *why says why not. */
bool hops_begin_envoys(struct sockets *sockets, struct str *why);

/* Envoys eject pods on a thread of their own: comes back when they have done what
 * the answers so far made them do. */
void hops_let_envoys_act(struct sockets *sockets);

/* An Envoy's own address is this machine's, which a mirrored request tells: it becomes the
 * one that our proxies have. */
void hops_name_nodes(const struct outcome *outcome, struct arena *arena);

/* Several Envoys hand a mirrored request on, and nobody says when it has come: runs the
 * loop until all of them have. */
void hops_await_mirrors(struct sockets *sockets);

/* Looks at what is watched in all proxies. */
void hops_watch(struct sockets *sockets);
/* The pod's behaviour is another: is it among the endpoints? */
void hops_pod_changed(struct sockets *sockets, uint32_t pod);
/* Requests that proxies have, or that hold something of theirs. */
uint64_t hops_under_way(struct sockets *sockets);
/* Is that one's proxy ours, and has nobody a connection to it? */
bool hops_is_idle(const struct sockets *sockets, uint32_t client);
bool hops_stat(struct sockets *sockets, struct str cluster, struct str counter, uint64_t *value);

/* What came in to pods' sidecars: play_ops.hops. */
const struct play_hop *hops_inbound(struct play *play, uint32_t *count);
