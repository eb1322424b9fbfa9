/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/core/session.h - what a TCP session takes of its cluster: a connection
 * and a wait, then a request, in the circuit breakers, the balancer's counts and
 * the statistics. Each session has a connection of its own; Envoy's pool for TCP
 * never reuses one.
 *
 *   admit ──> connecting ──> connected ──> end
 *     │            └──> connect failed        (end gives back whatever is held)
 *     └──> end (no endpoint)
 *
 * Source: ENVOY.md 6, 15.2; Envoy's TcpProxy::Filter and ConnPoolImplBase.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "proxy/core/engine.h"

enum session_phase {
    SESSION_OUTSIDE, /* holds nothing */
    SESSION_ADMITTED,
    SESSION_CONNECTING,
    SESSION_CONNECTED,
};

struct session {
    struct engine *engine;
    struct lb *lb;     /* NULL: an original destination, or one that is not counted any more */
    uint32_t lb_index; /* of the endpoint there */
    uint32_t cluster_index, endpoint_index;
    enum session_phase phase;
};

/* False: the cluster has as many connections as it may (upstream_cx_overflow). It
 * comes before an endpoint is looked for. */
bool session_admit(struct session *session, struct engine *engine, uint32_t cluster_index);
/* False: as many as may wait for a connection do (upstream_rq_pending_overflow), and
 * nothing is held any more. */
bool session_note_connecting(struct session *session, struct lb *lb, uint32_t endpoint_index);
void session_note_connected(struct session *session);
/* Another balancer has its endpoint, and its request if it has one; NULL: none has. */
void session_follow(struct session *session, struct lb *lb, uint32_t lb_index);

enum session_end { SESSION_END_LOCAL, SESSION_END_REMOTE, SESSION_END_TIMEOUT };

/* The connection is gone, or could not be made (when it was connecting and the
 * client did not leave). */
void session_note_connect_failed(struct session *session, enum session_end by);
void session_end(struct session *session, enum session_end by);
