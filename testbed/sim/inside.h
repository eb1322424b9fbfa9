/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/sim/inside.h - what the files of this folder share.
 *
 *   caller ──link──> proxy ──link──> stand-in       (or caller ──link──> stand-in)
 *
 * Whoever was told something takes a turn: carries out all it wishes, then
 * sets its timer. Nothing calls back; what a turn sends arrives later.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/hash.h"
#include "base/heap.h"
#include "base/list.h"
#include "proxy/wire/wire.h"
#include "testbed/sim/link.h"
#include "testbed/sim/sim.h"
#include "testbed/world/caller.h"
#include "testbed/world/sighting.h"
#include "testbed/world/standin.h"

enum timer_owner { TIMER_PROXY, TIMER_CALLER, TIMER_STANDIN, TIMER_START };

struct sim_timer {
    struct heap_node node;
    enum timer_owner owner;
};

/* A call whose record has not come yet. */
struct sim_wanted {
    uint64_t batch;
    uint32_t index;
};

#define SIM_WANTED_MAX 4 /* a caller has one call at a time; records come soon */

struct sim_caller {
    struct list node; /* of the free, or the kept ones */
    struct list everybody;
    struct sim_timer timer;
    struct caller caller;
    struct link *link;
    uint32_t client;
    struct str address; /* where its connection goes */
    uint32_t port;
    struct sim_wanted wanted[SIM_WANTED_MAX];
    uint32_t wanted_count;
    uint32_t call_index; /* of the one under way */
    bool is_kept;
};

struct sim_standin {
    struct list node; /* of the free ones */
    struct list everybody;
    struct sim_timer timer;
    struct standin standin;
    struct link *link;
};

/* A call that begins later. */
struct sim_start {
    struct sim_timer timer;
    uint32_t call_index;
};

/* The link that a proxy's connection number stands for. */
struct sim_conn {
    struct link *link; /* NULL: it is gone */
    enum link_side side;
    struct sim_caller *caller; /* whose it is or was, of an accepted one */
};

/* Said to a wire when it has given all its wishes. */
struct sim_report {
    uint32_t conn;
    size_t wrote_bytes;
    bool is_gone;
};

struct sim_proxy {
    struct sim_timer timer;
    struct wire *wire;
    uint32_t client;
    struct sim_conn *conns;
    uint32_t conn_capacity;
    struct sim_report *reports;
    uint32_t report_count, report_capacity;
};

struct sim_batch {
    uint64_t number; /* 0: none; grows with each call of `call` */
    const struct call *calls;
    struct outcome *outcomes;
    struct arena *arena; /* NULL: over */
    uint32_t left_count; /* outcomes that are not complete */
};

struct sim {
    struct play play;
    struct world *world;
    struct play_options options;
    int64_t now_ns;
    struct arena arena; /* as long as the play */
    struct heap timers;
    struct links links;
    struct sim_proxy **proxies; /* by client; NULL until first used */
    struct list free_callers, kept_callers, free_standins;
    struct list all_callers, all_standins;
    struct sighting_log log;
    struct sim_batch batch;
    uint32_t standin_number; /* the last connection's */
    uint32_t remote_count;   /* callers' connections so far */
    uint64_t hash;
    struct play_event *events; /* what proxies did to pods */
    uint32_t event_count, event_capacity;
};

/* The places at a link's two ends: ends.c */
void sim_begin_call(struct sim *sim, uint32_t call_index);
void sim_caller_turn(struct sim *sim, struct sim_caller *caller);
void sim_close_kept(struct sim *sim);

struct sim_standin *sim_standin_new(struct sim *sim, struct link *link);
void sim_standin_turn(struct sim *sim, struct sim_standin *standin);
void sim_ends_fini(struct sim *sim);

/* proxy.c */
struct sim_proxy *sim_proxy_of(struct sim *sim, uint32_t client);
/* A connection arrived; false: it is refused. */
bool sim_proxy_accept(struct sim *sim, struct link *link);
void sim_proxy_turn(struct sim *sim, struct sim_proxy *proxy);
/* The connection went away by itself: its number is given back in the next turn. */
void sim_proxy_note_gone(struct sim *sim, struct link_end *end);
/* What was sent has been taken: there is room again. */
void sim_proxy_note_room(struct sim *sim, struct link_end *end);
void sim_proxies_fini(struct sim *sim);

/* net.c: what the kernel would do */
void sim_connect(struct sim *sim, struct link *link);
/* Closes one's own end: FIN, or RST when `is_abrupt` or when something arrived
 * that was not read. The link, its caller and stand-in may be free afterwards. */
void sim_close(struct sim *sim, struct link *link, enum link_side side, bool is_abrupt);
/* The next thing that happens, if it does by `until_ns`. */
bool sim_step(struct sim *sim, int64_t until_ns);
void sim_set_timer(struct sim *sim, struct sim_timer *timer, int64_t due_ns);
