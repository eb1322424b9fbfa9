/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/sim/link.h - a TCP connection as far as it matters: two ends, and
 * parcels between them that arrive after a fixed delay, in order.
 *
 * All parcels travel equally long, so those under way are one queue, and no
 * heap is needed for them. What a kernel adds (a full socket buffer, a reset
 * for bytes that nobody wants any more) is modelled by the caller of this file
 * with what a link counts. Links and parcels are pooled with their buffers.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/check.h"
#include "base/list.h"
#include "base/ns.h"
#include "proxy/model/listener.h"
#include "proxy/wire/wire.h"

/* On loopback a packet takes about as long. Small beside the millisecond to
 * which tests hold durations. */
#define LINK_DELAY_NS (10 * NS_US)

/* Bytes that may be under way before the sender waits: of the order of a
 * socket's send and receive buffers. */
#define LINK_WINDOW_BYTES (256u * 1024)

/* One delivery is at most so long, as one read of a driver. */
#define LINK_PARCEL_BYTES_MAX (16u * 1024)

enum link_side { LINK_CONNECTOR, LINK_ACCEPTOR };

enum link_owner { LINK_NOBODY, LINK_CALLER, LINK_STANDIN, LINK_PROXY };

struct sim_caller;
struct sim_standin;
struct sim_proxy;
struct sim_tls;

struct parcel;

/* First in, first out. */
struct parcel_queue {
    struct parcel *first, *last; /* NULL: it is empty */
};

struct link_end {
    enum link_owner owner;
    struct sim_caller *caller;
    struct sim_standin *standin;
    struct sim_proxy *proxy;
    uint32_t conn;       /* the proxy's number */
    struct sim_tls *tls; /* NULL: plaintext */
    bool is_secured;     /* its handshake was over */
    bool is_open;        /* its owner has not closed it */
    bool is_paused;
    struct parcel_queue held; /* parcels that arrived while it was paused */
    uint64_t under_way_bytes; /* sent by it, not taken by the other end */
    uint64_t untold_bytes;    /* of these: the proxy does not know yet that they left */
};

struct link {
    struct list node; /* of the free ones */
    struct link_end ends[2];
    uint32_t parcel_count;
    /* Where the connector wants to go. */
    const struct listener *listener; /* of `proxy`; NULL: a pod */
    struct sim_proxy *proxy;
    uint32_t pod;              /* UINT32_MAX: nobody */
    struct str address;        /* as it dialled */
    uint32_t port;             /* ..with the port */
    bool has_original;         /* caught on its way there */
    struct str remote_address; /* the connector's own */
    uint32_t remote_port;
};

enum parcel_kind {
    PARCEL_SYN,
    PARCEL_ACCEPTED,
    PARCEL_REFUSED,
    PARCEL_DATA,
    PARCEL_FIN,
    PARCEL_RST,
};

struct parcel {
    struct parcel *next; /* in its queue, or of the free ones */
    struct link *link;
    enum link_side to;
    enum parcel_kind kind;
    int64_t due_ns;
    struct buf bytes;
    /* Or a message as it is, of so many bytes: from an end, or from a proxy. */
    const struct h1_read *read;
    const struct wire_whole *whole;
    size_t size;
};

struct links {
    struct arena arena;
    struct list free_links;
    struct parcel *free_parcels;    /* used last, first */
    struct parcel_queue under_way;  /* by due_ns, then in the order of sending */
    struct parcel *all_parcels[24]; /* blocks, each twice the one before, for links_fini */
    uint32_t block_parcels[24];
    uint32_t block_count;
};

void links_init(struct links *links);
void links_fini(struct links *links);

/* Both ends are open and nobody's. */
struct link *link_new(struct links *links);
/* Takes it back when both ends are closed and nothing is under way. */
bool link_is_over(const struct link *link);
void link_free(struct links *links, struct link *link);

static inline enum link_side link_other(enum link_side side)
{
    return side == LINK_CONNECTOR ? LINK_ACCEPTOR : LINK_CONNECTOR;
}

static inline struct link_end *link_peer(struct link *link, enum link_side side)
{
    return &link->ends[link_other(side)];
}

/* From `from` to the other end. */
void link_send(struct links *links, struct link *link, enum link_side from, enum parcel_kind kind,
               int64_t now_ns);
void link_send_bytes(struct links *links, struct link *link, enum link_side from, struct str bytes,
                     int64_t now_ns);

/* A message as it is. False: it would travel with bytes that were sent before it. */
bool link_send_read(struct links *links, struct link *link, enum link_side from,
                    const struct h1_read *read, int64_t now_ns);
bool link_send_whole(struct links *links, struct link *link, enum link_side from,
                     const struct wire_whole *whole, int64_t now_ns);

/* When the next parcel arrives; NS_NEVER. */
static inline int64_t links_due_ns(const struct links *links)
{
    return links->under_way.first != NULL ? links->under_way.first->due_ns : NS_NEVER;
}
/* Takes the next parcel out. Give it to link_hold or link_done. */
static inline struct parcel *links_take(struct links *links)
{
    struct parcel *parcel = links->under_way.first;
    ASSERT(parcel != NULL);
    links->under_way.first = parcel->next;
    if (parcel->next == NULL)
        links->under_way.last = NULL;
    return parcel;
}
/* The receiver is paused: the parcel waits there. */
void link_hold(struct parcel *parcel);
/* The receiver has seen it. */
void link_done(struct links *links, struct parcel *parcel);
/* What was held arrives now, before everything else. */
void link_resume(struct links *links, struct link_end *end, int64_t now_ns);
/* Forgets what was held; true: there was something. */
bool link_drop_held(struct links *links, struct link_end *end);
