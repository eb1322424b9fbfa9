/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/sim/tls.h - TLS in virtual time: the same records and turns as real ones,
 * with nothing enciphered.
 *
 * A greeting is a real ClientHello, so that whoever looks at first bytes sees what
 * it would see; a peer that speaks no TLS gets bytes that it cannot read. Who the
 * sides are is looked up by the numbers that they tell each other, and what comes
 * of it is proxy/core/tls_verdict.h's. The shape is that of proxy/live/tls.h.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "proxy/core/tls_verdict.h"

struct sim_tls {
    struct sim_tls_room *room;
    uint32_t number; /* in the room */
    bool is_free, is_server;
    enum tls_state state;
    enum tls_failure failure;
    struct tls_party party;
    struct str protocols[TLS_PROTOCOLS_MAX]; /* a client's; party.protocols */
    struct str server_name;                  /* a client's: whom it calls; else who was called */
    struct buf in, out;                      /* not read yet; to be sent */
    struct buf early_in, early_out;          /* before it was there; before it may speak */
    size_t read_bytes;                       /* of in: given out by sim_tls_read */
    struct tls_outcome outcome;              /* from when it knows its peer */
    const struct certificate *peer;          /* that it saw; NULL: none */
    const struct cluster *cluster;           /* a client's */
    const struct downstream_tls *socket;     /* a server's */
    uint32_t known_count;                    /* sessions that the room knew when it called */
    int64_t now_s;                           /* when it last heard something */
    bool is_resumed;                         /* nothing was verified anew */
    char server_name_text[256];
};

/* A session that may be taken up again: by whom, and with which socket. */
struct sim_tls_known {
    const struct cluster *cluster;
    struct str server_name;
    const struct downstream_tls *socket;
    uint32_t number;   /* the how many-th it is */
    int64_t expires_s; /* 0: it was taken up, and can't be again */
};

/* All sessions of a play. */
struct sim_tls_room {
    struct arena *arena;
    struct sim_tls_known *known;
    uint32_t known_count, known_capacity, remembered_count;
    struct sim_tls **items;
    uint32_t count, capacity;
};

/* The connecting side; `host` for auto_sni. Slices of cluster, socket and keyring live as
 * long as the session; host is copied. One whose secrets are absent has failed. */
struct sim_tls *sim_tls_connect(struct sim_tls_room *room, const struct cluster *cluster,
                                struct str host, enum tls_payload payload,
                                const struct keyring *keyring);
struct sim_tls *sim_tls_accept(struct sim_tls_room *room, const struct downstream_tls *tls,
                               const struct keyring *keyring);
void sim_tls_free(struct sim_tls *tls);
/* Of all; the room is in the play's arena. */
void sim_tls_room_fini(struct sim_tls_room *room);

/* As tls_feed and the rest of proxy/live/tls.h. */
void sim_tls_feed(struct sim_tls *tls, struct str bytes, int64_t now_s);
bool sim_tls_read(struct sim_tls *tls, struct str *bytes);
void sim_tls_write(struct sim_tls *tls, struct str bytes);
void sim_tls_end(struct sim_tls *tls);
