/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/town/era.h - one state of the user's files, brought to life: the world
 * that was made of them, and the memory of both.
 *
 * A new one comes with every good edit. The one before goes when the last
 * connection of a stand-in that plays by it has gone. The main thread's.
 */
#pragma once

#include <stdint.h>

#include "base/arena.h"
#include "proxy/live/tls.h"
#include "testbed/world/keyrings.h"
#include "testbed/world/world.h"

/* What OpenSSL has of an application that speaks TLS itself. */
struct era_end {
    const struct tls_end *end;
    struct tls_store *store;
};

struct era {
    struct arena arena;
    struct world *world; /* NULL until its maker has made it */
    uint32_t holder_count;
    struct era_end *ends;
    uint32_t end_count, end_capacity;
};

/* Held once, by the caller. */
struct era *era_new(void);
void era_hold(struct era *era);
/* As the pod behaves now: a session of its application; NULL: it speaks plaintext. The
 * era must be held as long as the session. */
struct tls_session *era_accept_tls(struct era *era, uint32_t pod);
/* NULL is fine. */
void era_drop(struct era *era);
