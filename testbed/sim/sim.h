/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/sim/sim.h - driver 2: an event heap, pipes instead of sockets, a
 * virtual clock and a seed. The same seed gives the same bytes.
 *
 * Every client's proxy is a proxy/wire; stand-ins and callers are those of
 * testbed/world. Pipes deliver after a fixed, small virtual delay; what a
 * kernel would do (refuse, drop, reset) is modelled in docs/determinism.md.
 */
#pragma once

#include "testbed/world/play.h"

/* Borrows the world. */
struct play *sim_play_new(struct world *world, struct play_options options);
