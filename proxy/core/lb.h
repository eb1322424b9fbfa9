/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/core/lb.h - which endpoint of a cluster?
 *
 * First a priority (priority.h); where localities have weights, one of them;
 * then one of its healthy endpoints by the cluster's policy, or of all the
 * priority's endpoints when it panics. What follows from health (health.h) and
 * membership (lists, schedules, rings) is worked out when they change, in memory
 * that is taken once: a pick takes none. Source: ENVOY.md 5.1 to 5.6.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/rng.h"
#include "proxy/core/edf.h"
#include "proxy/core/health.h"
#include "proxy/core/maglev.h"
#include "proxy/core/priority.h"
#include "proxy/core/ring.h"
#include "proxy/model/cluster.h"

#define LB_NONE UINT32_MAX

/* Endpoints that are picked from, and whose turn it is: Envoy's hosts source. */
struct lb_list {
    uint32_t *endpoints; /* indexes, in the cluster's order */
    uint32_t count;
    bool has_schedule; /* weights differ, or somebody warms up */
    uint64_t next;     /* round robin; goes on over changes of the list */
    struct edf schedule;
};

struct lb_locality {
    struct locality name;
    uint32_t weight;
    double effective_weight; /* less when too few are healthy */
    uint32_t counted;        /* endpoints that do not drain */
    struct lb_list healthy;
};

struct lb_priority {
    struct lb_list healthy, all; /* all: for panic, where the cluster may */
    struct lb_locality *localities;
    uint32_t locality_count;
    uint32_t *eligible; /* localities whose turn may come */
    struct edf locality_schedule;
    struct ring ring;
    struct maglev maglev;
    bool is_stale;
};

struct lb_host {
    int64_t since_ns;  /* when it became an endpoint: its warm-up begins */
    uint32_t locality; /* of its priority; where localities have weights */
    bool is_ejected;   /* as the lists have it */
    bool is_absent;    /* no endpoint, for now */
};

/* What a balancer remembers of one cluster; lives with the engine. */
struct lb {
    const struct cluster *cluster;
    const struct health *health; /* NULL: nobody is ever ejected */
    uint32_t health_version;     /* that the lists were made with */
    bool is_stale;               /* endpoints came or went since */
    struct lb_priority *priorities;
    struct priority_share *shares;
    struct priority_count *counts;
    uint32_t priority_count;
    uint64_t seed;
    uint32_t *active; /* requests under way, of each endpoint */
    struct lb_host *hosts;
    int64_t warm_ns; /* nobody warms up from then on */
    /* For lb_refresh, as many as there are endpoints. */
    double *weights;
    struct hash_host *hash_hosts;
    struct str *hash_keys; /* of each endpoint, for hashes */
};

struct lb_question {
    int64_t now_ns;
    uint64_t hash;                       /* for lb_is_hashing; without a key a random one */
    uint32_t again;                      /* choices for the same attempt that were refused before */
    const struct priority_share *shares; /* of each priority; NULL: as health has it */
};

struct lb_answer {
    uint32_t endpoint_index; /* or LB_NONE */
    uint32_t usable_count;   /* how many it was picked from */
    bool is_panicking;
};

/* Draws once from `rng` for the starting point. `health` (borrowed; may be NULL) is
 * looked at before each choice. */
void lb_init(struct lb *lb, const struct cluster *cluster, const struct health *health,
             struct rng *rng, struct arena *arena);
/* Before the first choice: the endpoints are there since `since_ns` (else since 0). */
void lb_set_since(struct lb *lb, int64_t since_ns);

/* Does the policy want a hash? */
bool lb_is_hashing(const struct cluster *cluster);

/* Draws: one for the priority when there are several, which random picking uses
 * as well; least request one for each choice (2 by default); round robin,
 * weighted turns and hashes none. */
struct lb_answer lb_choose(struct lb *lb, const struct lb_question *asked, struct rng *rng);

/* How many of each priority (priority_count) are healthy, as the next choice at `now_ns`
 * sees it. */
const struct priority_count *lb_counts(struct lb *lb, int64_t now_ns);

/* A request at an endpoint begins (it has a connection) and ends. */
void lb_note_begin(struct lb *lb, uint32_t endpoint_index);
void lb_note_end(struct lb *lb, uint32_t endpoint_index);

/* An endpoint goes, or one comes, at `now_ns`; the next choice sees it. */
void lb_set_absent(struct lb *lb, uint32_t endpoint_index, bool is_absent, int64_t now_ns);

/* lb_choose's first step, where health or membership changed: works out what
 * follows, for the priorities concerned. Their schedules begin anew from the
 * balancer's seed, round robin's turns go on. */
void lb_refresh(struct lb *lb, int64_t now_ns);
