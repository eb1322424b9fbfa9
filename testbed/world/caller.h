/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/world/caller.h - a client's end of one connection.
 *
 * Pure, as standin.h: sends exactly the bytes that the test wrote (nothing is
 * added but Host and Content-Length), reads what comes with tolerance and fills
 * an outcome. A connection may serve several calls, one after the other.
 *
 * Usage: caller_begin, tell what happened, take bytes with caller_next until it
 * answers false. When caller_is_done, the outcome is complete; then close the
 * connection unless caller_may_keep.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/ns.h"
#include "proxy/http/h1_whole.h"
#include "testbed/world/call.h"
#include "testbed/world/outflow.h"
#include "testbed/world/reading.h"

#define CALLER_PATIENCE_NS (30 * NS_SECOND)
#define CALLER_SAY_PATIENCE_NS (2 * NS_SECOND) /* for each answer after a 101 */
/* A request's own text: the head that a test writes, and a raw one. */
#define CALLER_OUT_BYTES_MAX (64u << 20)

enum caller_state {
    CALLER_IDLE,
    CALLER_IN_CONNECT,
    CALLER_IN_HEAD,
    CALLER_IN_BODY,
    CALLER_IN_TALK, /* after a 101 */
    CALLER_DONE,
};

struct caller {
    enum caller_state state;
    const struct call *call;
    struct outcome *outcome;
    struct arena *arena;
    struct message_reading reading;
    struct buf held; /* came before it was asked for */
    struct buf out;  /* the request's head and short parts */
    struct buf body; /* of the response, its beginning */
    uint64_t body_bytes;
    struct outflow flow;
    struct outflow late;         /* the body of a request with Expect, held back */
    const struct h1_read *whole; /* the request, while it is to be sent as it is; or NULL */
    bool is_holding;
    bool is_closing; /* the response says that nothing follows */
    bool is_kept;
    uint32_t said_count;
    int64_t started_ns, wake_ns;
};

/* Slots are pooled: init and fini once. */
void caller_init(struct caller *caller);
void caller_fini(struct caller *caller);
/* A new connection: nothing of the one before is left. */
void caller_reset(struct caller *caller);

/* What outcome holds lives in `arena`; call, outcome and arena are borrowed
 * until it is done. On a kept connection,
 * call caller_connected at once. */
void caller_begin(struct caller *caller, const struct call *call, struct outcome *outcome,
                  struct arena *arena, int64_t now_ns);
/* The same, of a call whose request is known: what request_write would write was read
 * into `whole`. To be taken with caller_next_whole. */
void caller_begin_whole(struct caller *caller, const struct call *call, const struct h1_read *whole,
                        struct outcome *outcome, struct arena *arena, int64_t now_ns);
void caller_connected(struct caller *caller, int64_t now_ns);
/* What is known of its own TLS by now; copied. Before it is told what that means. */
void caller_note_tls(struct caller *caller, const struct caller_tls *tls);
/* In its place, when TLS could not be agreed upon. */
void caller_tls_failed(struct caller *caller, int64_t now_ns);
void caller_refused(struct caller *caller, int64_t now_ns);
void caller_read(struct caller *caller, struct str bytes, int64_t now_ns);
/* A response that is here as it was sent. False: its bytes are needed, nothing was done. */
bool caller_read_whole(struct caller *caller, const struct h1_sent *sent, int64_t now_ns);
void caller_eof(struct caller *caller, int64_t now_ns);
/* RST or another error of the connection. */
void caller_broken(struct caller *caller, int64_t now_ns);

/* NS_NEVER: not at all. Early and late calls do no harm. */
int64_t caller_wake_ns(const struct caller *caller);
void caller_wake(struct caller *caller, int64_t now_ns);

/* Bytes to send, valid until the next call; false: none now. */
bool caller_next(struct caller *caller, struct str *bytes);

/* The request as it is; NULL: not now. Then caller_next has no bytes. */
const struct h1_read *caller_next_whole(struct caller *caller);

bool caller_is_done(const struct caller *caller);
/* Of a finished call: its connection is to be reset, as the test says. */
bool caller_is_abrupt(const struct caller *caller);
/* Of a finished call: may the connection serve another one? */
bool caller_may_keep(const struct caller *caller);
