/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/world/play.h - what an engine can do for a test: one world brought to
 * life with fresh proxies.
 *
 * testbed/sim plays in virtual time, testbed/sockets on loopback.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "proxy/core/outlier.h"
#include "proxy/core/engine.h"
#include "testbed/world/call.h"
#include "testbed/world/world.h"

struct play;

struct play_redirect {
    uint32_t client;
    struct call_target target; /* it has_original */
};

struct play_options {
    uint64_t seed;
    bool is_tracing;
    /* In virtual time: every message travels as bytes, though none of it is looked at. */
    bool is_bytewise;
    /* On sockets: the proxies are processes of this Envoy; NULL: they are ours. */
    const char *envoy;
    /* With it: whose proxies are started before time begins; of others, when they call. */
    const uint32_t *callers;
    uint32_t caller_count;
    bool has_moving_pods; /* pods come or go while it plays */
    /* Whose connections will be caught on their way to where. */
    const struct play_redirect *redirects;
    uint32_t redirect_count;
};

/* What a proxy did to a pod by itself. */
enum play_event_kind { PLAY_EJECT, PLAY_UNEJECT };
struct play_event {
    enum play_event_kind kind;
    int64_t at_ns; /* since the play began */
    uint32_t pod;  /* UINT32_MAX: none of ours */
    struct str cluster;
    struct str reason; /* "consecutive_5xx", as in Envoy's event log */
    bool is_enforced;
};

/* `at_ns`: since the play began. Slices are copied into `arena`. */
struct play_event play_event_of(const struct world *world, const struct outlier_event *event,
                                int64_t at_ns, struct arena *arena);

/* A call that is over. */
struct play_done {
    uint64_t number;               /* as it was begun */
    int64_t started_ns;            /* since the play began */
    const struct outcome *outcome; /* without sightings */
};

/* The most that there was at once in a cluster, in any one proxy. */
struct play_peaks {
    uint32_t connections, pending, requests;
};

/* Clusters that are watched, and what was seen of each. */
#define WATCHES_MAX 16u
struct watches {
    struct {
        struct str cluster;
        struct play_peaks peaks;
    } items[WATCHES_MAX];
    uint32_t count;
};
/* False: there are too many. */
bool watches_add(struct watches *watches, struct str cluster);
/* Looks at what a proxy has now. */
void watches_note(struct watches *watches, const struct engine *engine);
/* Requests that wait for a connection or have one, in all clusters. */
uint64_t watches_held(const struct engine *engine);
bool watches_peaks(const struct watches *watches, struct str cluster, struct play_peaks *peaks);

/* A request as the sidecar of a pod had it that it came in to. */
struct play_hop {
    uint32_t client;        /* whose proxy */
    struct outcome outcome; /* its record and trace, and nothing else */
    struct str peer;        /* the caller's name by its certificate; empty: it showed none */
};

/* The first ones of a play that is tracing. */
#define PLAY_HOPS_MAX 64u
struct play_hops {
    struct play_hop *items;
    uint32_t count, capacity;
};
/* Notes a record, if it is of what came in from others. Copied into `arena`. */
void play_hops_note(struct play_hops *hops, uint32_t client, const struct record *record,
                    const struct trace *trace, struct arena *arena);

struct play_ops {
    /* Makes `call_count` calls, all begun start_after_ns after now, and comes
     * back when each has its outcome. What outcomes hold lives in `arena`. */
    void (*call)(struct play *play, const struct call *calls, uint32_t call_count,
                 struct outcome *outcomes, struct arena *arena);
    void (*wait)(struct play *play, int64_t duration_ns);
    /* Many calls like this one will be begun: their call.model, with which they may cost
     * less. Nothing of them differs but when
     * they begin and are cancelled, and is_counted; what the call points to lives as
     * long as the play. 0: there is nothing to gain. */
    uint32_t (*model)(struct play *play, const struct call *call);
    /* Begins a call now; `number` is the asker's own. The call is copied, what it
     * points to is not. */
    void (*begin)(struct play *play, const struct call *call, uint64_t number);
    /* Lets time pass until a call that was begun is over, which it answers (valid until
     * the next of these), or until `until_ns`, since the play began: NULL. With
     * NS_NEVER it answers NULL when none is under way. */
    const struct play_done *(*next)(struct play *play, int64_t until_ns);
    /* Since the play began. */
    int64_t (*now_ns)(const struct play *play);
    /* The pod's behaviour in the world was changed (refuse, drop, ...). */
    void (*pod_changed)(struct play *play, uint32_t pod);
    /* Closes connections that callers keep (a case is over). */
    void (*drop_kept)(struct play *play);
    /* Summed over all proxies; of a cluster, or "http", or "listener" (engine_stat); false: no such
     * counter anywhere. */
    bool (*stat)(struct play *play, struct str cluster, struct str counter, uint64_t *value);
    /* Ejections so far, of all proxies, in their order; as long as the play. */
    const struct play_event *(*events)(struct play *play, uint32_t *count);
    /* Of a play that is tracing: what came in to pods' sidecars so far, in the order in which
     * it was over; as long as the play. */
    const struct play_hop *(*hops)(struct play *play, uint32_t *count);
    /* Watches a cluster from now on, by Envoy's name; at most WATCHES_MAX. */
    void (*watch)(struct play *play, struct str cluster);
    /* What was seen of it, between turns; false: it is not watched. */
    bool (*peaks)(struct play *play, struct str cluster, struct play_peaks *peaks);
    /* Requests that proxies have or that hold something of theirs: exchanges, those that
     * wait for a connection, those that have one. 0 when all is quiet. */
    uint64_t (*under_way)(struct play *play);
    /* A hash over everything that happened; 0 on an engine that has none. */
    uint64_t (*hash)(const struct play *play);
    void (*free)(struct play *play);
};

struct play {
    const struct play_ops *ops;
};
