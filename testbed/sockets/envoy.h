/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/sockets/envoy.h - a real Envoy as a client's proxy: a process on
 * loopback with an exported configuration, ports given by the kernel, its
 * access log read line by line and its counters asked for.
 *
 * Its files lie in a temporary folder that is gone as soon as it is ready. The
 * process is ended by its id: by envoy_free, by the kernel when the thread that
 * started it ends, or by envoys_end_on_signals.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <uv.h>

#include "base/arena.h"
#include "base/str.h"
#include "proxy/model/bootstrap.h"
#include "proxy/model/snapshot.h"

/* Until it serves, and for an answer of its admin's: a loaded machine, or a large mesh. */
#define ENVOY_PATIENCE_MS 30000
/* Several for each test at once, of which there are CREW_MAX. */
#define ENVOYS_MAX 256

struct envoy;
struct envoy_stats;

struct envoy_options {
    const char *program; /* its path */
    const struct snapshot *snapshot;
    struct str bind_address; /* of every listener, and of connections to upstreams, on loopback */
    bootstrap_reach *reach;
    bootstrap_reach_inside *reach_inside;
    const struct bootstrap_gate *gates; /* borrowed for envoy_new, like the keyring */
    uint32_t gate_count;
    const struct keyring *keyring;
    bool has_moving_endpoints; /* envoy_move may be called; its files stay until envoy_free */
    void *user;                /* of reach, reach_inside and on_line */
    /* A line of its access log, or of its outlier log, for the call; in the loop's turns. */
    void (*on_line)(struct str line, void *user);
    uv_loop_t *loop; /* borrowed until envoy_close's handle has gone */
};

/* Starts it, without waiting. Lives in `arena`. NULL: *why says so. */
struct envoy *envoy_new(const struct envoy_options *options, struct arena *arena, struct str *why);
/* Waits until it serves, if it did not. False: it does not, *why says so; free it all
 * the same. */
bool envoy_await(struct envoy *envoy, struct str *why);
/* Where a listener is, by its name, as long as the Envoy; false: there is none. */
bool envoy_place(const struct envoy *envoy, struct str listener, struct str *address,
                 uint32_t *port);
/* Its main thread has done what it was told before. */
void envoy_let_act(struct envoy *envoy);
/* Who is at `address` has come or gone: `reach` says so. Comes back when the Envoy has
 * taken it; false: it does not, in time. */
bool envoy_move(struct envoy *envoy, struct str address);
/* Its counters and gauges, as envoy_stats_keep. */
void envoy_keep_stats(const struct envoy *envoy, struct envoy_stats *stats, uint64_t moment);
/* The sum over all statistics that begin and end like this. */
uint64_t envoy_sum(struct envoy *envoy, struct str head, struct str name);
/* Ends the process, waits for that, and closes its handle; the loop must turn
 * once more before it is closed. */
void envoy_free(struct envoy *envoy);

/* SIGINT, SIGTERM and SIGHUP end every Envoy and its files, then this process. */
void envoys_end_on_signals(void);
