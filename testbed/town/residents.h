/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/town/residents.h - the stand-ins of a town: a socket for each address
 * and port of a pod, and behind each connection a state machine that answers as
 * the pod's behaviour says (testbed/world/standin.h).
 *
 * All in one loop, which is not the proxies'. A connection plays by the era in
 * which it began.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "proxy/live/loop.h"
#include "testbed/town/era.h"

struct residents;

/* Borrows the loop. */
struct residents *residents_new(struct loop *loop);
/* Closes everything and turns the loop until it is closed. */
void residents_free(struct residents *residents);

struct resident_place {
    struct str address;
    uint32_t port;   /* 0: the one that it had before, else the kernel's; then that one */
    struct str name; /* of a place whose port is the kernel's; else empty */
};

/* From now on `pod` of the era's world answers at this place, whoever did before. 0, or
 * the errno of the system that refused. */
int residents_open(struct residents *residents, struct resident_place *place, struct era *era,
                   uint32_t pod);
/* Connections at rest go on with what their doors stand for now, so that nobody keeps an
 * era who says nothing. */
void residents_follow(struct residents *residents);
/* Whoever is not of this era opens no door any more; connections stay. */
void residents_keep_only(struct residents *residents, const struct era *era);
