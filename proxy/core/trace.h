/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/core/trace.h - the questions an exchange asked and what was answered.
 *
 * A trace is a list of values in an arena. The core appends when the exchange
 * was given a trace, and does the same work either way. explain, failure
 * reports, waterfalls and coverage are views of it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/origin.h"
#include "base/str.h"
#include "proxy/core/reason.h"
#include "proxy/model/cluster.h"
#include "proxy/model/listener.h"
#include "proxy/model/route.h"

enum trace_kind {
    TRACE_REQUEST,           /* text: "GET reviews/x"; */
    TRACE_NORMALIZED,        /* path: text -> other (connection manager) */
    TRACE_VIRTUAL_HOST,      /* host, text: the domain that matched */
    TRACE_NO_VIRTUAL_HOST,   /* text: the host searched */
    TRACE_ROUTE_REJECTED,    /* route, condition, index: which matcher; text: the value met */
    TRACE_ROUTE_CHOSEN,      /* route */
    TRACE_NO_ROUTE,          /* text: the path */
    TRACE_CLUSTER_CHOSEN,    /* text: name; number of total: the draw, when weighted */
    TRACE_CLUSTER_MISSING,   /* text: name */
    TRACE_HEADER_MUTATED,    /* text: name, other: value; index 0 request 1 response; number 0 add 1
                                set 2 remove */
    TRACE_PATH_REWRITTEN,    /* text -> other */
    TRACE_HOST_REWRITTEN,    /* text -> other */
    TRACE_REDIRECTED,        /* text: location, number: status */
    TRACE_ANSWERED_DIRECTLY, /* number: status */
    TRACE_FAULT_DELAYED,     /* number: ns */
    TRACE_FAULT_ABORTED,     /* number: status */
    TRACE_FAULT_MISSED,      /* the draws let it pass */
    TRACE_TOKEN,           /* number: 1 when it is right, else 0; text: Envoy's words; other: issuer
                              and subject; origin: the RequestAuthentication's rule */
    TRACE_ACCESS,          /* text: the policy that was met, or empty; other: the caller's name;
                              number: 1 when it is allowed, else 0; index: enum rbac_action;
                              origin: the policy's rule */
    TRACE_ACCESS_SHADOW,   /* the same of dry runs, which decide nothing */
    TRACE_ACCESS_UNASKED,  /* text: the CUSTOM policy whose provider is not asked */
    TRACE_CORS,            /* text: the origin; number: 1 when it is allowed, else 0 */
    TRACE_MIRRORED,        /* text: cluster, endpoint */
    TRACE_MIRROR_MISSED,   /* text: cluster; condition: why not */
    TRACE_TIMEOUT_ARMED,   /* number: ns; origin line 0: a default of the profile */
    TRACE_ENDPOINT_PICKED, /* cluster, endpoint; index: its place; number: usable ones */
    TRACE_NO_ENDPOINT,     /* cluster; total: endpoints; index: how many of them are ejected */
    TRACE_ATTEMPT_OPENED,  /* index: attempt */
    TRACE_ATTEMPT_CONNECTED, /* index: attempt; number: 1 when a connection was reused */
    TRACE_TRY_TIMEOUT_ARMED, /* index: attempt; number: ns */
    TRACE_ATTEMPT_FAILED,    /* index: attempt; failure; text: transport's words; of an overflow:
                                which limit of the circuit breaker */
    TRACE_RESPONSE,          /* index: attempt; number: status */
    TRACE_EJECTED,           /* endpoint; text: Envoy's word for why; number: ns, or 0: it was only
                                noticed; origin: the policy */
    TRACE_RETRY_LATER,       /* index: the attempt that ended; text: the word that covers it;
                                number: ns until the next */
    TRACE_RETRY_REFUSED,     /* index: the attempt that ended; condition: why; text: the word that
                                covers it, or all words when none does; number: attempts allowed */
    TRACE_TRY_TIMEOUT_FIRED, /* index: attempt; number: ns */
    TRACE_TIMEOUT_FIRED,     /* number: ns */
    TRACE_LOCAL_REPLY,       /* reason; number: status; text: details */
    TRACE_CUT,               /* the response was begun and could not be ended */
    TRACE_CLIENT_GONE,
    TRACE_FINISHED, /* number: status; text: details */
};

/* Which question of a route, of a retry or of a mirror, was answered with no. */
enum trace_condition {
    CONDITION_NONE,
    CONDITION_PATH,
    CONDITION_HEADER,
    CONDITION_QUERY,
    CONDITION_CLAIM, /* of a token */
    CONDITION_GRPC,
    /* Why there is no other attempt. */
    CONDITION_RETRY_WORDS,  /* no word covers the outcome */
    CONDITION_RETRY_LIMIT,  /* the attempts are used up */
    CONDITION_RETRY_BUDGET, /* too many retries are under way */
    CONDITION_RETRY_BODY,   /* the body's beginning is gone */
    /* Why there is no mirror. */
    CONDITION_MIRROR_SHARE,    /* the draw let it pass */
    CONDITION_MIRROR_CLUSTER,  /* there is no such cluster */
    CONDITION_MIRROR_ENDPOINT, /* the cluster has no usable endpoint */
};

struct trace_event {
    enum trace_kind kind;
    int64_t at_ns;
    struct origin origin; /* the YAML that said so; line 0: nobody */
    const struct virtual_host *virtual_host;
    const struct route *route;
    const struct cluster *cluster;
    const struct endpoint *endpoint;
    enum trace_condition condition;
    enum failure failure;
    enum reason reason;
    uint32_t index;
    int64_t number, total;
    bool is_absent; /* the header or parameter asked for was not there */
    struct str text, other;
};

struct trace {
    struct arena *arena; /* outlives the exchange; slices are copied into it */
    struct trace_event *items;
    uint32_t count, capacity;
    uint32_t items_max; /* further events are counted, not kept; 0: no limit */
    uint32_t dropped_count;
};

void trace_init(struct trace *trace, struct arena *arena, uint32_t items_max);
/* A fresh event of that kind to be filled in; a scratch one when full. `trace`
 * must not be NULL: callers look first, so that no work is done without one. */
struct trace_event *trace_add(struct trace *trace, enum trace_kind kind, int64_t now_ns);
struct str trace_kind_name(enum trace_kind kind);
