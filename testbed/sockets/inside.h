/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/sockets/inside.h - what the files of this folder share.
 *
 * One thread, one loop: callers, proxies and stand-ins take turns in it, and
 * a call to the play runs it until every outcome is there.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <uv.h>

#include "base/arena.h"
#include "base/list.h"
#include "proxy/live/server.h"
#include "proxy/live/tls.h"
#include "testbed/sockets/door.h"
#include "testbed/sockets/hop.h"
#include "testbed/sockets/peer.h"
#include "testbed/sockets/sockets.h"
#include "testbed/world/errand.h"
#include "testbed/world/keyrings.h"
#include "testbed/world/sighting.h"

/* How long a record may take after its answer; in one process it is there at
 * once, or there is none (bytes that were no request). */
#define SOCKETS_RECORD_PATIENCE_NS (300 * NS_MS)
/* Of another process, that has answered. */
#define SOCKETS_SURE_PATIENCE_NS (5 * NS_SECOND)

#define SOCKETS_READ_BYTES (64u * 1024) /* libuv's own suggestion */

/* An errand's slot of this engine; one whose timer is closing comes back when libuv says so. */
struct sockets_errand {
    struct errand base;
    struct list wanting; /* of those whose record has not come */
    struct list due;     /* of those whose time to begin has come */
    struct sockets *sockets;
    uv_timer_t timer; /* it begins, or its record was waited for long enough */
    bool has_timer, is_freed;
    uint32_t local_port;  /* of the caller's connection */
    uint32_t nth;         /* request on that connection, from 0 */
    struct peer *standin; /* ERRAND_OF_HOP: who asks */
};

/* What OpenSSL has of a caller or an application. */
struct sockets_end {
    const struct tls_end *end;
    struct tls_store *store;
};

struct sockets {
    struct play play;
    struct world *world;
    struct play_options options;
    struct arena arena; /* as long as the play */
    struct hop *hops;   /* by client: its proxy */
    struct door *doors; /* by pod */
    struct list free_callers, kept_callers, free_standins;
    struct list all_peers;
    struct errands errands;
    struct list wanting_errands;
    struct list due_errands;      /* of a batch, in their order */
    struct sockets_errand *given; /* `next` answered it; free with the next one */
    struct play_done done;
    uint32_t stream_count;           /* begun and not answered yet */
    uint32_t batch_count;            /* of a batch, without an outcome */
    uint32_t batch_recordless_count; /* of a batch, without a record that will come */
    int64_t began_ns;
    struct sighting_log log;
    uint32_t standin_number; /* the last connection's */
    uint64_t happened_count; /* things that ends were told */
    uint64_t turn_count;     /* of the loop */
    char *read_bytes;
    uv_timer_t patience;
    struct watches watches;
    struct sockets_end *ends; /* of TLS that no proxy speaks */
    uint32_t end_count, end_capacity;
    struct play_hops inbound;  /* what came in to sidecars */
    struct play_event *events; /* what proxies did to pods */
    uint32_t event_count, event_capacity;
};

/* errand.c: calls under way. */
struct sockets_errand *errand_new(struct sockets *sockets, enum errand_kind kind);
/* Begins so long after now; what it asks and where its outcome goes is set. */
void errand_start(struct sockets_errand *errand, int64_t after_ns);
/* Its time has come, and what happened before has been dealt with. */
void errand_begin(struct sockets_errand *errand);
/* Its caller has everything; `outcome` is complete but for the record. */
void errand_note_over(struct sockets_errand *errand);
void errand_want_record(struct sockets_errand *errand);
/* Of calls that are over and of which no record can come any more. */
void errands_forget_records(struct sockets *sockets);
/* A proxy finished the `nth` exchange of the connection from `remote_port`. One that
 * does not count them tells of them in their order. */
#define ERRAND_ANY_NTH UINT32_MAX
void errands_note_record(struct sockets *sockets, uint32_t client, const struct server_done *done);
void errand_free(struct sockets_errand *errand);
/* A stand-in asks somebody. */
void errand_hop(struct peer *standin, const struct call *call);
/* Closes what libuv has of them, before its loop ends; then ends the rest. */
void errands_close(struct sockets *sockets);

/* peer_tls.c: a session of a TLS end; the caller's own when `is_client`. */
struct tls_session *sockets_secure(struct sockets *sockets, const struct tls_end *end,
                                   bool is_client);
/* What OpenSSL has of them; their peers are gone. */
void sockets_ends_fini(struct sockets *sockets);
/* Bytes came: tells the end what was meant. */
void peer_tls_read(struct peer *peer, struct str bytes);
/* Tells a caller what is known of its TLS by now; nothing where it speaks none. */
void peer_tls_note(struct peer *peer, enum tls_failure failure);
/* What TLS has to say goes to peer->out. */
void peer_tls_gather(struct peer *peer);
/* May the end speak? */
bool peer_tls_is_open(const struct peer *peer);

/* turns.c: the loop runs.. */

/* ..until something has happened; calls of the batch that are due begin. */
void turns_take(struct sockets *sockets);
/* ..until what was sent has arrived at our ends. */
void turns_until_quiet(struct sockets *sockets);
enum turns_until { TURNS_FOR_TIME, TURNS_FOR_RECORDS, TURNS_FOR_OUTCOME };
/* ..for so long, or until it is there: every record of the batch, an outcome of the
 * stream. */
void turns_for(struct sockets *sockets, uint64_t duration_ms, enum turns_until what);

/* sockets.c */
void sockets_begin_call(struct sockets_errand *errand);
void sockets_accept(struct sockets *sockets, uint32_t pod, uv_stream_t *server);
/* Its local port is known. */
void sockets_caller_has_port(struct peer *caller);
/* Its outcome is complete, or a kept connection went away. */
void sockets_caller_over(struct peer *caller);
/* A proxy ejected a pod, or let it in again. */
void sockets_outlier(struct sockets *sockets, const struct server_outlier *outlier);
/* The same, said otherwise; what it holds lives as long as the play. */
void sockets_note_event(struct sockets *sockets, const struct play_event *event);
