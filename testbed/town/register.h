/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/town/register.h - what listens where: a row for each pod's port, each
 * gateway's and each client's HTTP proxy, with the address and port on this
 * machine.
 *
 * Ports are the literal ones wherever the system gives them. One that is taken, or
 * below 1024 without the right to it, has a substitute: 8080 for 80, 8000 + port
 * for others below 1024, then the next that is free. An address that is not of this
 * machine's loopback has one of docs/addresses.md instead.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"
#include "proxy/model/listener.h"
#include "testbed/world/world.h"

enum register_kind { REGISTER_POD, REGISTER_GATEWAY, REGISTER_CLIENT };

#define REGISTER_PROXY_PORT 15001u /* of a sidecar for what its pod sends out */

struct register_row {
    enum register_kind kind;
    struct str name, namespace;
    struct str wanted_address;
    uint32_t wanted_port;
    struct str address;              /* on this machine */
    uint32_t port;                   /* 0: it could not be had */
    int error;                       /* then: the errno for the wanted one */
    struct str purpose;              /* for a person: "reviews.default:9080", "shop.example.com" */
    uint32_t index;                  /* of the world's pods, or of its clients */
    const struct listener *listener; /* REGISTER_GATEWAY */
    bool is_foreign;                 /* the application is a real process of the user's */
    bool is_guarded;                 /* the pod's sidecar listens there.. */
    struct str inside_address;       /* ..and the application here.. */
    uint32_t inside_port;            /* ..0: nobody */
};

struct registry {
    struct register_row *rows;
    uint32_t count, capacity;
};

/* --gateway NAME=ADDRESS[:PORT] */
struct register_wish {
    struct str name;
    struct str address;
    uint32_t port;     /* 0: the listener's own */
    bool is_fulfilled; /* there is such a gateway */
};

struct register_question {
    const struct world *world;
    struct register_wish *wishes;
    uint32_t wish_count;
    const struct registry *before; /* in force: its ports are the town's own; or NULL */
};

/* Rows live in the world's arena. Asks the system for each port that is new. */
struct registry registry_of(const struct register_question *asked);

/* The name of its kind: "pod", "gateway", "client". */
struct str register_kind_name(enum register_kind kind);
