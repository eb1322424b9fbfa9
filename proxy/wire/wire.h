/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/wire/wire.h - a whole proxy without sockets: connections are numbers,
 * bytes come in, and out come bytes and wishes (connect, close, pause).
 *
 * proxy/live carries the wishes out with libuv, testbed/sim with pipes in
 * virtual time; both run this same code, so a timeout, a half-closed
 * connection or a torn response means the same in both. It owns the codecs,
 * the connection manager's pipeline, exchanges and pools, and every timer.
 *
 * Usage: call any wire_* function that tells what happened, then take actions
 * with wire_next until it answers false, in order. Slices in actions are valid
 * until the next call that is not wire_next; telling what happened (wire_wrote,
 * wire_gone) between two wire_next is fine. Numbers of connections are reused
 * only after wire_gone was told for them.
 *
 * One thread. No malloc in the steady state: slots and buffers are pooled.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"
#include "proxy/core/engine.h"
#include "proxy/core/jwt_token.h"
#include "proxy/core/record.h"
#include "proxy/core/tls_verdict.h"
#include "proxy/core/trace.h"
#include "proxy/http/h1_whole.h"
#include "proxy/http/pipeline.h"
#include "proxy/model/listener.h"

#define WIRE_NONE UINT32_MAX

struct wire;

struct wire_options {
    struct shared *shared;     /* of the snapshot, with other workers; held. NULL: with nobody */
    uint32_t connections_max;  /* 0: LIMIT_CONNECTIONS */
    jwt_verify_fn *jwt_verify; /* NULL: no token's signature is right */
    bool is_recording_traces;  /* every exchange keeps a trace until WIRE_DONE was taken */
    uint32_t trace_items_max;
    bool is_giving_wholes; /* the carrier takes WIRE_WHOLE */
    int64_t started_ns;    /* now */
};

/* Makes its engine on `snapshot` (held); luck comes from `seed`. */
struct wire *wire_new(struct snapshot *snapshot, uint64_t seed, struct wire_options options);
void wire_free(struct wire *wire);
/* The current one. */
struct engine *wire_engine(struct wire *wire);
/* The engines: 0 is the current one, then those of before that somebody still needs. A
 * counter's value is the sum over all of them; it stays when one of before goes, because the
 * current one inherits (engine_inherit). */
uint32_t wire_engine_count(const struct wire *wire);
struct engine *wire_engine_at(const struct wire *wire, uint32_t nth);

/* What happened. `now_ns` never goes back. */

/* A downstream connection that was accepted for `listener`; its number, or
 * WIRE_NONE when full (refuse it). facts' slices are copied. original_*: where
 * it was going before it was redirected (a ready address for ORIGINAL_DST). */
struct wire_accept {
    const struct listener *listener;
    struct peer_facts peer;
    struct str original_address;
    uint32_t original_port;
};
uint32_t wire_accepted(struct wire *wire, const struct wire_accept *accept, int64_t now_ns);

/* The handshake of a WIRE_SECURE is over; `protocol`: ALPN, empty: none was agreed upon.
 * What comes and goes with wire_read and WIRE_WRITE is plain from the
 * beginning: bytes that are to leave earlier wait in the carrier. One that failed is
 * told with wire_broken. */
void wire_secured(struct wire *wire, uint32_t conn, struct str protocol, int64_t now_ns);

/* What a handshake came to, and what the two showed each other (NULL: nothing). */
struct wire_handshake {
    struct ssl_handshake agreed;
    struct str server_name; /* SNI; empty: none */
    const struct certificate *peer, *own;
};
/* For heads, logs and the counters ssl.*: before wire_secured or wire_connected, what a
 * handshake came to (copied); before the connection is told to be broken or over, what TLS
 * says is wrong with it. */
void wire_note_handshake(struct wire *wire, uint32_t conn, const struct wire_handshake *handshake);
void wire_note_tls_failure(struct wire *wire, uint32_t conn, enum tls_failure failure);

/* At most LIMIT_CONNECTION_BUFFER_SLACK_BYTES / 2 at once; after WIRE_PAUSE no
 * more than what was under way already. */
void wire_read(struct wire *wire, uint32_t conn, struct str bytes, int64_t now_ns);
/* The same, of a message that was read before and is here whole; it is borrowed until
 * the exchange is over. False: its bytes are needed, nothing was done (the connection
 * has not spoken yet, or is amid something else): call wire_read with them. */
bool wire_read_whole(struct wire *wire, uint32_t conn, const struct h1_read *whole, int64_t now_ns);
/* The peer sent FIN. */
void wire_read_eof(struct wire *wire, uint32_t conn, int64_t now_ns);
/* The connection broke (RST, error). The driver has closed it already; no
 * WIRE_CLOSE comes for it. */
void wire_broken(struct wire *wire, uint32_t conn, int64_t now_ns);

/* Answers to WIRE_CONNECT. */
void wire_connected(struct wire *wire, uint32_t conn, int64_t now_ns);
/* Before wire_connected, by a driver that knows it: the connection's near end,
 * for the record. Copied. */
void wire_note_local(struct wire *wire, uint32_t conn, struct str address, uint32_t port);
/* `why`: "delayed connect error: Connection refused", as Envoy words it; of a handshake
 * tls_failure_text. */
void wire_connect_failed(struct wire *wire, uint32_t conn, struct str why, int64_t now_ns);

/* `size` bytes of what WIRE_WRITE gave have left for the kernel (pipe). */
void wire_wrote(struct wire *wire, uint32_t conn, size_t size, int64_t now_ns);

/* The driver has carried out WIRE_CLOSE (or told wire_broken, connect_failed)
 * and will not name this number again: it may be reused. */
void wire_gone(struct wire *wire, uint32_t conn);

/* When wire_wake wants to be called, or earlier; early and late calls do no harm. */
int64_t wire_wake_ns(const struct wire *wire);
/* The same, not earlier: it costs more. */
int64_t wire_due_ns(struct wire *wire);
void wire_wake(struct wire *wire, int64_t now_ns);

/* Another worker ejected a host: connections to it close, as after an ejection of this
 * wire's own, idle ones at once, others behind the response that they carry. */
void wire_leave_ejected(struct wire *wire, int64_t now_ns);

/* Seconds since 1970 at the driver's time 0, for the date header; before anything happens. */
void wire_set_epoch(struct wire *wire, int64_t seconds);

/* No new connections' requests are kept alive; idle ones are closed. */
void wire_drain(struct wire *wire, int64_t now_ns);
/* The same for one downstream connection, which may also be closing. What was
 * read from it already is served. TCP sessions are left alone. */
void wire_drain_conn(struct wire *wire, uint32_t conn, int64_t now_ns);

/* From now on connections and requests meet another snapshot. Nothing else may be told
 * before wire_next has answered false.
 *
 * Exchanges under way end with the snapshot that they began with, TCP sessions too; it is
 * held as long. Clusters that are configured as before go on with their upstream connections
 * (HTTP/2: also those that carry requests), waiting requests and balancers, for hosts that
 * are still there (succession.h); other connections close when nobody needs them.
 *
 * No exchange begins any more on a downstream connection that is at rest (no request under
 * way, what it has read of the next one not parsed; HTTP/2: whatever is under way): it waits
 * for its listener, at once or when its exchange has ended. See wire_next_at_rest. */
struct wire_replacement {
    struct snapshot *snapshot; /* held */
    struct shared *shared;     /* of it, with other workers; held. NULL: with nobody */
    uint64_t seed;
};
void wire_replace(struct wire *wire, const struct wire_replacement *next, int64_t now_ns);
/* One that waits for a listener of the current snapshot, or WIRE_NONE. Ask when wire_next has
 * answered false, and do with it one of the two that follow: wire_hand_over, or
 * wire_drain_conn. */
uint32_t wire_next_at_rest(struct wire *wire);
/* False: the connection speaks HTTP and the listener does not; nothing was done. */
bool wire_hand_over(struct wire *wire, uint32_t conn, const struct listener *listener,
                    int64_t now_ns);

/* Downstream connections and exchanges that are still there. */
uint32_t wire_connection_count(const struct wire *wire);
uint32_t wire_exchange_count(const struct wire *wire);

/* What is to be done. */

enum wire_action_kind {
    WIRE_CONNECT,  /* open `conn` to address:port */
    WIRE_WRITE,    /* bytes on conn; all of them will be sent; tell wire_wrote */
    WIRE_WHOLE,    /* a message on conn, as whole; as if wire_wrote was told at once */
    WIRE_PAUSE,    /* stop reading conn */
    WIRE_RESUME,   /* read it again */
    WIRE_SECURE,   /* of a downstream conn: end TLS by `tls`; `bytes` were read already */
    WIRE_SHUTDOWN, /* send FIN after what was written; keep reading */
    WIRE_CLOSE,    /* close: after what was written, or at once (is_abrupt: RST) */
    WIRE_DONE,     /* an exchange is over: record, trace */
    WIRE_OUTLIER,  /* an endpoint was ejected, or let in again: event */
};

/* What is sent stays as it is until wire_whole_done. */
struct stream;
struct wire_whole {
    struct h1_sent sent;
    struct stream *stream; /* whose memory it is */
};
void wire_whole_done(const struct wire_whole *whole);

/* Only what its kind speaks of is set. */
struct wire_action {
    enum wire_action_kind kind;
    uint32_t conn;                  /* WIRE_DONE: the client's, if it is not gone yet */
    struct str bytes;               /* WIRE_WRITE */
    const struct wire_whole *whole; /* WIRE_WHOLE; give it to wire_whole_done once */
    struct str address;             /* WIRE_CONNECT: of the endpoint */
    uint32_t port;
    const struct cluster *cluster;
    const struct endpoint *endpoint;
    bool is_secure; /* WIRE_CONNECT: speak TLS as cluster->tls says; wire_connected comes.. */
    enum tls_payload payload; /* ..after the handshake. What it will carry, for its ALPN.. */
    struct str host;          /* ..and who is called, for auto_sni (proxy/core/tls_verdict.h) */
    const struct downstream_tls *tls; /* WIRE_SECURE */
    bool is_abrupt;                   /* WIRE_CLOSE */
    const struct record *record;      /* WIRE_DONE; valid until the next wire_* call */
    const struct trace *trace;        /* or NULL */
    struct outlier_event event;       /* WIRE_OUTLIER; its slices live as long as the wire */
};

bool wire_next(struct wire *wire, struct wire_action *action);
