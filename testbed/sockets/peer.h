/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/sockets/peer.h - a stand-in's or a caller's socket: carries bytes
 * between libuv and the pure ends of testbed/world.
 *
 * Whoever was told something takes a turn (peer_turn): all it has to say is
 * sent, its timer is set, and when it is over the socket is closed. A slot is
 * free again when libuv has closed both of its handles.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <uv.h>

#include "base/buf.h"
#include "base/list.h"
#include "testbed/world/caller.h"
#include "testbed/world/standin.h"

/* Bytes that wait for the kernel before an end is asked for more. */
#define PEER_OUT_BYTES_MAX (256u * 1024)

enum peer_role { PEER_STANDIN, PEER_CALLER };

struct sockets;
struct sockets_errand;
struct tls_session;

struct peer {
    struct list node; /* of the free, or the kept ones */
    struct list everybody;
    struct sockets *sockets;
    enum peer_role role;
    uv_tcp_t tcp;
    uv_timer_t timer;
    uv_write_t write;
    uv_connect_t connect;
    struct tls_session *tls; /* NULL: plaintext */
    bool is_secured;         /* its handshake was over */
    bool is_tls_ended;       /* it said that nothing follows */
    struct buf out;          /* given to the kernel, or waiting for it */
    uint32_t handle_count;   /* not closed yet */
    bool is_connected;
    bool is_writing;
    bool is_deaf;           /* writing failed: what comes is still read */
    bool is_closing;        /* handles are being closed */
    bool is_ending;         /* close it when everything is written.. */
    bool is_abrupt;         /* ..with a reset */
    struct standin standin; /* PEER_STANDIN */
    struct caller caller;   /* PEER_CALLER */
    /* of a caller */
    bool is_kept;
    uint32_t client;
    struct sockets_errand *errand; /* under way */
    struct str address;            /* where its connection goes, as it dialled */
    uint32_t port;
    uint32_t local_port;
    uint32_t asked_count; /* requests on this connection */
};

/* A slot with fresh handles, not connected. */
struct peer *peer_new(struct sockets *sockets, enum peer_role role);
/* Carries out what its end wishes. The slot may be closing afterwards. */
void peer_turn(struct peer *peer);
/* Begins to read. */
void peer_start(struct peer *peer);
/* Connects a caller from its client's address. */
void peer_connect(struct peer *peer, struct str source, struct str address, uint32_t port);
void peer_close(struct peer *peer, bool is_abrupt);
/* Ends what libuv does not own; handles must be closed. */
void peer_fini(struct peer *peer);
