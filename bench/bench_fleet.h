/* SPDX-License-Identifier: Apache-2.0
 *
 * bench/bench_fleet.h - the client's proxy of the benchmark's mesh on threads
 * of its own (proxy/live/fleet.h); stand-ins stay on the play's thread.
 */
#pragma once

#include <stdint.h>

#include "proxy/live/fleet.h"
#include "testbed/world/play.h"
#include "testbed/world/world.h"

struct bench_words {
    uint64_t seconds;
    uint64_t worker_count; /* 0: no fleet */
    uint64_t reload_ms;    /* 0: never */
};

struct bench_fleet;

/* Borrows all three. NULL: *why. */
struct bench_fleet *bench_fleet_new(struct world *world, struct play *play,
                                    const struct bench_words *words, struct str *why);
uint32_t bench_fleet_port(const struct bench_fleet *fleet);
/* Serves for as long as the words say, then drains and prints what it did. */
void bench_fleet_serve(struct bench_fleet *fleet);
void bench_fleet_free(struct bench_fleet *fleet);
