/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/sockets/hop_inside.h - what hop.c and hop_envoy.c share.
 */
#pragma once

#include "base/map.h"
#include "testbed/sockets/envoy.h"
#include "testbed/sockets/envoy_stats.h"
#include "testbed/sockets/gate.h"
#include "testbed/sockets/inside.h"

/* More listeners than one test reaches through one client. */
#define HOP_DOORS_MAX 64u
/* A line of an access log, read. */
#define LINE_ARENA_BYTES 8192u

struct hop_door {
    const struct listener *listener;
    struct str address; /* the original destination, when it matters */
    uint32_t port;
    bool has_original;
    uint32_t number; /* of the server's door */
};

/* What all hops of a play share. */
struct hops_shared {
    struct loop *loop;
    /* For Envoys: addresses where nobody is, and a port where nobody listens. */
    struct map nobodies;
    uint32_t nobody_count, nobody_port;
    int nobody_fd; /* -1: none */
    struct gates gates;
    bool is_stopping;
};

struct hop {
    struct sockets *sockets;
    struct hops_shared *shared;
    uint32_t client;
    struct server *server; /* NULL until somebody calls */
    struct envoy *envoy;   /* in its place, with play_options.envoy */
    struct envoy_stats stats;
    bool is_met; /* another Envoy was told where this one is */
    struct hop_door doors[HOP_DOORS_MAX];
    uint32_t door_count;
};

/* Where an Envoy's listener is; begins the Envoy if it was not. */
bool hop_reach_envoy(struct hop *hop, const struct call_target *target, struct str *address,
                     uint32_t *port);
/* Tells the world what Envoys call themselves: the first address of this machine. */
void hops_find_nodes(struct sockets *sockets);
/* The Envoys hear who has come or gone. */
void hops_move_pod(struct sockets *sockets, struct str address);
/* Where the sidecar of a played pod is met; begins it, and whoever it may ask. */
bool hop_reach_gate(struct sockets *sockets, uint32_t pod, uint32_t target_port,
                    struct str *address, uint32_t *port);
