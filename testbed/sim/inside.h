/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/sim/inside.h - what the files of this folder share.
 *
 *   caller ──link──> proxy ──link──> stand-in       (or caller ──link──> stand-in)
 *   caller ──link──> proxy ──link──> the pod's proxy ──link──> stand-in
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
#include "testbed/sim/tls.h"
#include "testbed/world/answer_shelf.h"
#include "testbed/world/caller.h"
#include "testbed/world/errand.h"
#include "testbed/world/sighting.h"
#include "testbed/world/standin.h"
#include "testbed/world/world.h"

enum sim_timer_owner { TIMER_PROXY, TIMER_CALLER, TIMER_STANDIN, TIMER_ERRAND };

/* Most timers are moved or stopped before they fire: the heap is told of it when theirs
 * is its first. */
struct sim_timer {
    struct heap_node node; /* in the heap: not later than due_ns */
    int64_t due_ns;        /* NS_NEVER: it is stopped */
    enum sim_timer_owner owner;
};

/* An errand's slot of this engine. */
struct sim_errand {
    struct errand base;
    struct sim_timer timer;      /* it begins, or its record was waited for long enough */
    struct sim_standin *standin; /* ERRAND_OF_HOP: who asks */
};

/* Whose record comes next on a connection. */
struct sim_wanted {
    struct sim_errand *errand;
    uint64_t life;
};

/* 2023-11-14T22:13:20Z: the day that everything without a date is from. */
#define SIM_EPOCH_SECONDS 1700000000

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
    struct sim_errand *errand; /* under way */
    bool is_kept;
};

struct sim_standin {
    struct list node; /* of the free ones */
    struct list everybody;
    struct sim_timer timer;
    struct standin standin;
    struct link *link;
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
    bool is_greeted; /* what came before it was to end TLS waits in its session */
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

/* Whose an endpoint is: asked for each record, and always the same. */
struct sim_place {
    const struct endpoint *endpoint;
    uint32_t pod;
};
#define SIM_PLACES 64u

/* A call that is made often. */
struct sim_model {
    struct call call;
    struct call_target target;
    struct h1_read whole; /* its request */
};

struct sim {
    struct play play;
    struct world *world;
    struct play_options options;
    int64_t now_ns;
    struct arena arena; /* as long as the play */
    struct heap timers;
    struct links links;
    struct sim_tls_room tls;
    struct sim_proxy **proxies; /* by client; NULL until first used */
    struct list free_callers, kept_callers, free_standins;
    struct list all_callers, all_standins;
    struct errands errands;
    struct sim_errand *given; /* `next` answered it; free with the next one */
    struct play_done done;
    uint32_t stream_count; /* begun and not answered yet */
    uint32_t batch_count;  /* of a batch, without an outcome */
    struct sighting_log log;
    uint32_t standin_number; /* the last connection's */
    uint32_t remote_count;   /* callers' connections so far */
    uint64_t hash;
    struct buf scratch; /* bytes of a message that travelled as it is */
    struct answer_shelf shelf;
    struct sim_model **models; /* by number, from 1 */
    uint32_t model_count, model_capacity;
    struct watches watches;
    struct play_hops inbound;            /* what came in to sidecars */
    struct sim_place places[SIM_PLACES]; /* by the endpoint's address in memory */
    struct play_event *events;           /* what proxies did to pods */
    uint32_t event_count, event_capacity;
};

/* errand.c: calls under way. */
struct sim_errand *sim_errand_new(struct sim *sim, enum errand_kind kind);
/* Begins so long after now; what it asks and where its outcome goes is set. */
void sim_errand_start(struct sim *sim, struct sim_errand *errand, int64_t after_ns);
void sim_errand_fire(struct sim *sim, struct sim_errand *errand);
/* Its caller has everything; `outcome` is complete but for the record. */
void sim_errand_note_over(struct sim *sim, struct sim_errand *errand);
void sim_errand_note_record(struct sim *sim, struct sim_errand *errand,
                            const struct wire_action *action);
void sim_errand_free(struct sim *sim, struct sim_errand *errand);
/* The one whose answer is next; NULL: none is over. */
struct sim_errand *sim_errand_answer(struct sim *sim);
/* A stand-in asks somebody. */
void sim_errand_hop(struct sim *sim, struct sim_standin *standin, const struct call *call);

/* The places at a link's two ends: ends.c */
void sim_begin_call(struct sim *sim, struct sim_errand *errand);
void sim_caller_turn(struct sim *sim, struct sim_caller *caller);
void sim_close_kept(struct sim *sim);

struct sim_standin *sim_standin_new(struct sim *sim, struct link *link);
void sim_standin_turn(struct sim *sim, struct sim_standin *standin);
void sim_ends_fini(struct sim *sim);

/* model.c */
uint32_t sim_model_add(struct sim *sim, const struct call *call);
/* NULL: it has none. */
const struct sim_model *sim_model_of(const struct sim *sim, const struct call *call);

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

/* secure.c: ends with TLS hear of parcels by these; whoever delivers takes the turn */
void sim_secure_read(struct sim *sim, struct link *link, enum link_side side, struct str bytes);
void sim_secure_read_ended(struct sim *sim, struct link *link, enum link_side side);
void sim_secure_broke(struct sim *sim, struct link *link, enum link_side side);
/* Bytes of an end, with TLS or without. */
void sim_send(struct sim *sim, struct link *link, enum link_side side, struct str bytes);
/* The same of a message that travels as it is where it may. */
void sim_send_read(struct sim *sim, struct link *link, enum link_side side,
                   const struct h1_read *read);
/* Says that nothing follows, if it speaks TLS. */
void sim_secure_end(struct sim *sim, struct link *link, enum link_side side);

/* net.c: what the kernel would do */
void sim_connect(struct sim *sim, struct link *link);
/* Where a link to a pod (UINT32_MAX: nobody) goes: its sidecar, or its application.
 * `cluster`: for which a proxy dials; NULL: no proxy does. */
void sim_aim(struct sim *sim, struct link *link, const struct cluster *cluster, uint32_t pod,
             uint32_t port);
/* The port of a proxy's own connection. */
uint32_t sim_local_port(uint32_t conn);
/* Closes one's own end: FIN, or RST when `is_abrupt` or when something arrived
 * that was not read. The link, its caller and stand-in may be free afterwards. */
void sim_close(struct sim *sim, struct link *link, enum link_side side, bool is_abrupt);
/* The next thing that happens, if it does by `until_ns`. */
bool sim_step(struct sim *sim, int64_t until_ns);
void sim_set_timer(struct sim *sim, struct sim_timer *timer, int64_t due_ns);
