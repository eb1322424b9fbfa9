/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/wire/conn.h - a connection of either direction: its bytes on the way
 * out, its reading and closing, its one timer.
 *
 *   CONNECTING ──> OPEN ──> LINGERING ──> CLOSING ──> (wire_gone) free
 *        └──────────┴───────────┴──────────> BROKEN ──────┘
 *
 * Bytes that were handed to the carrier are gone from here at the next turn;
 * what it has not yet told to have left counts as `unsent_bytes` and pauses
 * whoever feeds this connection (LIMIT_CONNECTION_BUFFER_BYTES).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/list.h"
#include "proxy/http/h1.h"
#include "proxy/wire/inside.h"
#include "proxy/wire/queued.h"
#include "proxy/wire/tally.h"

struct attempt;
struct h2;
struct pool;
struct stream;

enum conn_side { CONN_DOWNSTREAM, CONN_UPSTREAM };

enum conn_state {
    CONN_FREE,
    CONN_CONNECTING,
    CONN_OPEN,
    CONN_LINGERING, /* all is written; the peer has a moment to close first */
    CONN_CLOSING,   /* WIRE_CLOSE was wished: nothing it says counts any more */
    CONN_BROKEN,    /* the carrier has closed it */
};

enum conn_speech { SPEECH_UNKNOWN, SPEECH_HTTP, SPEECH_TCP };

/* What only a downstream connection has. */
struct conn_downstream {
    const struct listener *listener;
    const struct filter_chain *chain;           /* NULL until one was chosen */
    const struct http_connection_manager *http; /* SPEECH_HTTP */
    struct peer_facts peer;
    struct str original_address;
    uint32_t original_port;
    struct stream *stream; /* the request that is under way, or NULL */
    struct list streams;   /* of HTTP/2: all of them */
    bool is_h2_agreed;     /* by ALPN */
    struct list ready;     /* in wire->ready_conns or resting_conns */
    int64_t grace_ns;      /* while lingering: since the last progress */
    bool is_last;          /* no request is served after the one under way */
    bool is_idle_over;     /* it drains: closed when the timer fires and no request is there */
    uint32_t request_count;
    struct queued queued; /* responses that have not left */
    struct known *known;  /* of the request that came whole last; NULL: none did */
    bool is_securing;     /* WIRE_SECURE was wished, and the handshake is not over */
    bool is_feeding;      /* what was read is being parsed */
    bool is_waiting;      /* for bytes that say which chain it is */
    bool is_unseen;       /* they did not come in time: it goes on without */
};

/* What only an upstream connection has. */
struct conn_upstream {
    uint32_t cluster_index, endpoint_index;
    const struct cluster *cluster;
    const struct endpoint *endpoint; /* NULL: an original destination */
    struct str address;
    uint32_t port;
    struct str host;          /* of the request that asked first, for auto_sni */
    struct str local_address; /* empty: the carrier did not say */
    uint32_t local_port;
    bool is_local_own;       /* the text of the address is the wire's */
    struct pool *pool;       /* NULL: not pooled */
    struct attempt *attempt; /* whose request it carries, or NULL */
    struct list attempts;    /* of HTTP/2: all of them */
    uint32_t streams_max;    /* the same: as the peer says */
    bool is_pinged;          /* the same: an answer is waited for */
    bool is_interim;         /* the message being read is a 1xx */
    bool is_keep_alive;      /* of the response's head */
    bool is_resting;         /* its response is complete; it is idle when the timer fires */
    bool is_old;             /* max_connection_duration has passed, or its host is ejected */
};

struct conn {
    struct wire *wire;
    struct reign *reign; /* held: of its pointers into the snapshot */
    uint32_t number;
    uint32_t generation; /* of this number's use */
    uint64_t id;         /* from 1, of this wire; never used again */
    struct tally tally;
    enum conn_side side;
    enum conn_state state;
    enum conn_speech speech;
    bool is_paused;
    bool is_write_wished;
    struct wire_whole *whole; /* wished and not taken yet, or NULL */
    bool is_read_ended;       /* TCP: the peer sent FIN */
    bool has_failed_tls;      /* TCP: it ended by an error of TLS */
    struct buf out;
    size_t counted_bytes; /* of out: those in unsent_bytes already */
    size_t taken_bytes;   /* of out: handed out by wire_next */
    size_t unsent_bytes;  /* handed out or in out, not told by wire_wrote */
    struct buf in;        /* read, not yet parsed */
    bool is_input_taken;  /* `in` was given to whoever ends TLS */
    struct list taken;    /* in wire->taken_conns */
    struct timer timer;
    struct timer age;     /* max_connection_duration */
    struct timer meeting; /* while the first bytes are waited for, then while hands are shaken */
    struct timer ping;    /* connection_keepalive: until the next PING, or its answer */
    struct arena facts;   /* slices of the parts below */
    const struct record_tls *tls; /* NULL: plaintext, or hands are not shaken yet */
    bool is_tls_own;              /* it is in `facts`, else the wire's */
    struct h1_parser *parser;
    struct h2 *h2;          /* NULL: HTTP/1, or not known */
    struct list stirred;    /* of HTTP/2: in wire->stirred_conns */
    struct stream *session; /* SPEECH_TCP: the pair's record; NULL when over */
    struct conn_downstream down;
    struct conn_upstream up;
};

/* NULL: options.connections_max are there already. */
struct conn *conn_take(struct reign *reign, enum conn_side side);
/* After wire_gone. */
void conn_give(struct conn *conn);
/* Frees what a place keeps, used or not. */
void conn_fini(struct conn *conn);

/* Goes on with another configuration; its pointers are the caller's to move. */
void conn_set_reign(struct conn *conn, struct reign *reign);
/* Is there a newer configuration than its own? */
bool conn_is_of_past(const struct conn *conn);

/* Is it connected, not closing and not broken? */
bool conn_is_open(const struct conn *conn);

/* What codecs write goes to conn->out and is then told here. */
void conn_written(struct conn *conn);
void conn_write(struct conn *conn, struct str bytes);
/* HTTP/2: what was noted to be sent is written, as far as the peer and our own buffer
 * allow. What ends by it is told at the end of the turn. */
void conn_flush_h2(struct conn *conn);
/* May a message be given as it is? Nothing else waits to be written. */
bool conn_takes_whole(const struct conn *conn);
/* One that is its stream's; `stream` in it is set. */
void conn_write_whole(struct conn *conn, struct wire_whole *whole);
/* It is handed out: to us it has left. */
struct wire_whole *conn_take_whole(struct conn *conn);
/* What is to be written, handed out; and, in the next turn, forgotten. */
struct str conn_take_bytes(struct conn *conn);
/* The same of what was read and not parsed, for whoever ends TLS. */
struct str conn_take_input(struct conn *conn);
void conn_forget_taken(struct conn *conn);
/* The carrier sent so many. */
void conn_note_sent(struct conn *conn, size_t size);
/* Puts by bytes that cannot be parsed yet. */
void conn_keep_input(struct conn *conn, struct str bytes);

/* Above the mark; whoever feeds it should stop. */
bool conn_is_full(const struct conn *conn);
/* Below half of the mark; feed it again. */
bool conn_has_room(const struct conn *conn);

void conn_pause(struct conn *conn);
void conn_resume(struct conn *conn);
/* FIN after what was written. */
void conn_shutdown(struct conn *conn);
/* Closes after what was written, or at once. Does nothing when it is closing
 * or broken. */
void conn_close(struct conn *conn);
void conn_abort(struct conn *conn);
/* Envoy's FlushWriteAndDelay: what was written leaves, then the peer may close
 * within `grace_ns`; input is dropped. */
void conn_linger(struct conn *conn, int64_t grace_ns);
/* The carrier said that it broke. */
void conn_note_broken(struct conn *conn);

void conn_set_timer(struct conn *conn, int64_t due_ns);
void conn_stop_timer(struct conn *conn);
/* When it has lived for `duration_ns` (0: for ever). */
void conn_set_age(struct conn *conn, int64_t duration_ns);
/* The same, by the moment when it will be too old. */
void conn_set_age_due(struct conn *conn, int64_t due_ns);
