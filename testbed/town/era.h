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
#include "testbed/world/world.h"

struct era {
    struct arena arena;
    struct world *world; /* NULL until its maker has made it */
    uint32_t holder_count;
};

/* Held once, by the caller. */
struct era *era_new(void);
void era_hold(struct era *era);
/* NULL is fine. */
void era_drop(struct era *era);
