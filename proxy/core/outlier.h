/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/core/outlier.h - Envoy's outlier detection for one cluster: who fails too
 * often is ejected for a while.
 *
 *   results of requests ──> counters of each host (atomic, all workers)
 *                             │ a threshold is reached, or an interval ends
 *                             v
 *                           ejections (under a lock, rarely) ──told──> health.h
 *
 * One for all workers, and it stays when a configuration is replaced that leaves
 * the cluster as it was; hosts are known by their address. Pure: times are told, in
 * ns since 1970, so that workers whose clocks begin elsewhere agree. Ejections are
 * decided at once; balancers learn of the first change of a cluster at once and of
 * those that follow within a second together (Envoy's update_merge_window).
 *
 * Source: ENVOY.md 7.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/map.h"
#include "base/rng.h"
#include "proxy/model/cluster.h"

/* What came of a request or a connection, as Envoy's router reports it. */
enum outlier_result {
    RESULT_EXT_ORIGIN_REQUEST_SUCCESS,         /* a response below 500 */
    RESULT_EXT_ORIGIN_REQUEST_FAILED,          /* another one */
    RESULT_LOCAL_ORIGIN_TIMEOUT,               /* the route's or an attempt's time is over */
    RESULT_LOCAL_ORIGIN_CONNECT_FAILED,        /* connect failed, or the stream was reset */
    RESULT_LOCAL_ORIGIN_CONNECT_SUCCESS,       /* there is a connection; more will follow */
    RESULT_LOCAL_ORIGIN_CONNECT_SUCCESS_FINAL, /* the same, and nothing will follow (TCP) */
};

/* Envoy's OutlierEjectionType, with its numbers. */
enum ejection_type {
    EJECTION_CONSECUTIVE_5XX,
    EJECTION_CONSECUTIVE_GATEWAY_FAILURE,
    EJECTION_SUCCESS_RATE,
    EJECTION_CONSECUTIVE_LOCAL_ORIGIN_FAILURE,
    EJECTION_SUCCESS_RATE_LOCAL_ORIGIN,
    EJECTION_FAILURE_PERCENTAGE,
    EJECTION_FAILURE_PERCENTAGE_LOCAL_ORIGIN,
    EJECTION_TYPE_COUNT,
};

/* "consecutive_5xx": the name in Envoy's log, in small letters. */
struct str ejection_type_word(enum ejection_type type);

/* What Envoy writes into its event log. Slices live as long as the detector. */
struct outlier_event {
    enum ejection_type type; /* of an un-ejection: the first one, as in Envoy */
    bool is_ejection;
    bool is_enforced;             /* else it was only noticed; false for an un-ejection */
    int64_t at_ns;                /* since 1970 */
    int64_t since_last_action_ns; /* NS_NEVER: there was none */
    struct str cluster;
    struct str address; /* of the host */
    uint32_t port;
    uint32_t num_ejections;
    int64_t ejection_ns; /* for how long, before it is rounded up to an interval */
    double host_success_rate, average_success_rate, success_rate_threshold;
};

struct outlier_events {
    struct arena *arena; /* they grow here */
    struct outlier_event *items;
    uint32_t count, capacity;
};

enum outlier_stat {
#define OUTLIER(name) STAT_OUTLIER_##name,
#include "proxy/core/outlier_stats.def"
#undef OUTLIER
    STAT_OUTLIER_COUNT,
};

/* Success rates are kept apart by where a failure came from. */
enum outlier_origin { ORIGIN_EXTERNAL, ORIGIN_LOCAL, ORIGIN_COUNT };

enum outlier_streak { STREAK_5XX, STREAK_GATEWAY_FAILURE, STREAK_LOCAL_ORIGIN, STREAK_COUNT };

/* An endpoint as the detector knows it: by its address. */
struct outlier_host {
    struct str address;
    uint32_t port;
    atomic_uint streaks[STREAK_COUNT];
    atomic_uint totals[2][ORIGIN_COUNT], successes[2][ORIGIN_COUNT]; /* of an interval */
    atomic_bool is_told_ejected;                                     /* what balancers know */
    /* Under the lock. */
    bool is_there;  /* in the newest configuration */
    bool was_there; /* in the one before it */
    bool is_ejected;
    uint32_t num_ejections, multiplier;
    int64_t jitter_ns, ejected_ns, unejected_ns; /* the latter two: NS_NEVER: not yet */
    double success_rates[ORIGIN_COUNT];          /* of the last interval; -1: unknown */
};

struct outlier {
    const struct outlier_detection *config; /* the detector's own */
    struct str cluster;
    atomic_uint bucket;       /* of totals and successes: which one is counted in */
    atomic_uint told_version; /* moves with what balancers know */
    atomic_int_least64_t due_ns;
    atomic_bool is_stirred; /* the end of this interval has something to do */
    atomic_flag lock;       /* of what follows */
    struct arena arena;
    struct outlier_host **hosts;
    uint32_t host_count, host_capacity;
    struct map by_name;     /* "address:port" to hosts */
    uint32_t present_count; /* hosts that are there */
    uint32_t ejected_count; /* of those */
    struct rng rng;
    int64_t started_ns, sweep_ns; /* NS_NEVER: nothing to sweep */
    int64_t told_ns, tell_ns;     /* when balancers were told last, and will be */
    double averages[ORIGIN_COUNT], thresholds[ORIGIN_COUNT]; /* -1: unknown */
    uint64_t counters[STAT_OUTLIER_COUNT];
};

/* Intervals are counted from `started_ns`. What is needed of the configuration is
 * copied. */
void outlier_init(struct outlier *outlier, const struct cluster *cluster, uint64_t seed,
                  int64_t started_ns);
void outlier_fini(struct outlier *outlier);

/* The endpoints of a configuration that takes over at `now_ns`: known hosts stay what they are,
 * the others begin anew, those that are gone are forgotten. out[i] is the host of
 * endpoint i, as long as the detector. */
void outlier_set_hosts(struct outlier *outlier, const struct cluster *cluster, int64_t now_ns,
                       struct outlier_host **out);

/* A host of the newest configuration goes or comes: who comes is new. */
void outlier_set_absent(struct outlier *outlier, struct outlier_host *host, bool is_absent,
                        int64_t now_ns);

/* `code`: an HTTP status; 0: the result says all. Events are added. */
void outlier_note_result(struct outlier *outlier, struct outlier_host *host,
                         enum outlier_result result, uint32_t code, int64_t now_ns,
                         struct outlier_events *events);

/* When outlier_step wants to be called; NS_NEVER: not at all. */
int64_t outlier_due_ns(const struct outlier *outlier);
/* Ends the interval and tells balancers, if it is time. */
void outlier_step(struct outlier *outlier, int64_t now_ns, struct outlier_events *events);

/* For reports; they take the lock. */

struct outlier_host_view {
    bool is_ejected;
    double success_rates[ORIGIN_COUNT]; /* -1: unknown */
};
struct outlier_host_view outlier_host_view(struct outlier *outlier,
                                           const struct outlier_host *host);

struct outlier_view {
    uint32_t ejected_count;
    double averages[ORIGIN_COUNT], thresholds[ORIGIN_COUNT]; /* -1: unknown */
    uint64_t counters[STAT_OUTLIER_COUNT];
};
struct outlier_view outlier_view(struct outlier *outlier);
/* Counts of a detector that this one takes the place of go on. */
void outlier_add_counters(struct outlier *outlier, const struct outlier_view *more);
void outlier_reset_counters(struct outlier *outlier);

/* "ejections_active" and all counters; empty: there are no more. */
struct str outlier_stat_name(uint32_t nth);
uint64_t outlier_stat_value(const struct outlier_view *view, uint32_t nth);
/* By Envoy's name with "outlier_detection." before it; false: no such one. */
bool outlier_stat(const struct outlier_view *view, struct str name, uint64_t *value);
