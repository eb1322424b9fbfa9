/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/core/exchange.h (xc) - one request's life.
 *
 * Tell it what happened and when (exchange_step); it answers with a short plan
 * of actions to carry out in order. It never calls back, sees no bytes of
 * bodies and knows no sockets.
 *
 *   REQUEST_HEAD ──> route ──> reply here ─────────────────────────┐
 *                      │                                           v
 *                      └─> ATTEMPT ──> RESPONSE_HEAD ──> FORWARD ──> FINISH
 *                             │  ^                         │
 *                             └──┘ (another attempt)       └─> CUT ─> FINISH
 *
 * Laws: every event names its attempt, and words from an attempt that was
 * given up are ignored; early, late or repeated wakes do no harm; each
 * exchange gives XC_FINISH exactly once and nothing after it.
 *
 * Source: Envoy's router filter and connection manager, ENVOY.md 0-3.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "proxy/core/engine.h"
#include "proxy/core/hash_key.h"
#include "proxy/core/jwt_token.h"
#include "proxy/core/reason.h"
#include "proxy/core/record.h"
#include "proxy/core/retry_priority.h"
#include "proxy/core/trace.h"
#include "proxy/model/listener.h"
#include "proxy/model/message.h"

enum xc_event_kind {
    XC_EVENT_REQUEST_HEAD,    /* head (after the connection manager's pipeline), is_end; a status
                                 here is answered when there is a route */
    XC_EVENT_REQUEST_REFUSED, /* head if there is one; status, details, body, flag: answer this */
    XC_EVENT_REQUEST_DATA,    /* size of body bytes; is_end */
    XC_EVENT_REQUEST_END,     /* the request is complete (after data or trailers) */
    XC_EVENT_CLIENT_GONE,     /* the downstream connection is gone; flag/details default DC */
    XC_EVENT_ATTEMPT_READY,   /* attempt has a connection; is_reused; answered when `spoilt` */
    XC_EVENT_ATTEMPT_SENT,    /* first bytes of the request are on their way */
    XC_EVENT_INTERIM,         /* attempt, response: a 1xx other than 101 */
    XC_EVENT_RESPONSE_HEAD,   /* attempt, response, is_end */
    XC_EVENT_RESPONSE_DATA,   /* attempt, size */
    XC_EVENT_RESPONSE_END,    /* attempt: the response is complete; trailers */
    XC_EVENT_ATTEMPT_FAILED,  /* attempt, failure, text: the transport's words */
    XC_EVENT_WAKE,            /* the time of exchange_wake_ns has come */
};

struct xc_event {
    enum xc_event_kind kind;
    uint32_t attempt; /* from 1 */
    bool is_end;
    bool is_reused;
    uint64_t size;
    enum failure failure;
    uint32_t status;
    uint32_t grpc_status;                 /* to a gRPC client; 0: what goes with the status */
    struct str details, body, flag, text; /* text: transport's; of FAILURE_OVERFLOW: which limit */
    struct request_head *request;       /* lives in the exchange's arena; the exchange changes it */
    struct response_head *response;     /* the same */
    const struct header_list *trailers; /* the same; NULL: none */
};

enum xc_action_kind {
    XC_ATTEMPT,         /* get a connection to endpoint, send `request` and the body to it */
    XC_ABANDON,         /* reset that attempt; no word from it is wanted any more */
    XC_FORWARD_INTERIM, /* send `response` (1xx) downstream */
    XC_FORWARD,         /* send `response` downstream; the attempt's body follows unless is_end */
    XC_REPLY,           /* send `response` with `body`; the request's rest is not wanted */
    XC_CUT,             /* the response was begun: end the downstream connection without its end */
    XC_MIRROR,          /* send `request` to each of `mirrors`, too; forget the answers */
    XC_FINISH,          /* over; record is complete; nothing follows */
};

/* Where one copy goes. */
struct xc_mirror {
    uint32_t cluster_index, endpoint_index;
};

struct xc_action {
    enum xc_action_kind kind;
    uint32_t attempt;
    uint32_t cluster_index, endpoint_index;
    bool is_end;
    const struct request_head *request;
    const struct response_head *response;
    struct str body;
    const struct xc_mirror *mirrors; /* in the exchange's arena */
    uint32_t mirror_count;
};

#define XC_PLAN_MAX 8

struct xc_plan {
    struct xc_action items[XC_PLAN_MAX];
    uint32_t count;
};

/* What the exchange's stream is about; borrowed for the exchange's life. */
struct xc_setup {
    struct engine *engine;
    const struct listener *listener;
    const struct http_connection_manager *http;
    struct http_stats *http_stats; /* NULL: the engine's */
    struct arena *arena;           /* heads live here; reset by the owner after XC_FINISH */
    struct trace *trace;           /* NULL: none */
    const struct record_downstream *downstream; /* copied into the record; NULL: unknown */
    struct str node_address;                    /* the proxy's own; may be empty */
    jwt_verify_fn *jwt_verify;                  /* NULL: no token's signature is right */
    struct request_memo *memo; /* of this very message, on this connection; NULL: none */
    bool has_original;         /* it was going somewhere: an ORIGINAL_DST cluster has an endpoint */
};

enum xc_state {
    XC_STATE_HEAD,       /* waiting for the request's head */
    XC_STATE_DECIDED,    /* routed, nothing sent upstream yet (delays live here) */
    XC_STATE_UPSTREAM,   /* an attempt is under way */
    XC_STATE_WAITING,    /* between two attempts */
    XC_STATE_RESPONDING, /* the response's head went downstream */
    XC_STATE_FINISHED,
};

struct exchange {
    struct xc_setup setup;
    enum xc_state state;
    uint64_t stream_random;       /* drawn at creation, shared (ENVOY.md 0.3) */
    struct request_head *request; /* as sent upstream after routing */
    struct response_head *response;
    bool is_request_complete;
    bool is_grpc;
    bool is_grpc_status_due; /* the response has begun, and may end without a grpc-status */
    bool is_head_method;
    uint32_t attempt; /* the one under way; 0: none */
    uint32_t cluster_index;
    uint32_t endpoint_index;
    bool is_connected;               /* the attempt has a connection */
    struct hash_key_cookies cookies; /* for the response */
    struct str cors_origin;          /* responses are marked for it; empty: they are not */
    const struct json_value *claims; /* of a token that was right; NULL: none */
    struct str spoilt;    /* a header that no codec sends, for what its value has; empty: none */
    struct str decorator; /* of an inbound side: told with the response; empty: not */
    int64_t completed_ns; /* when the router had the whole request; NS_NEVER before */
    int64_t timeout_ns;   /* of the route; 0: none */
    int64_t deadline_ns;  /* NS_NEVER until the request is complete */
    bool is_interim_told; /* a 1xx was passed on: to Envoy's router the response has started */

    const struct retry_policy *retry; /* NULL: none, or it was given up */
    bool holds_retry;                 /* counted among the cluster's retries under way */
    bool is_sent;                     /* bytes of the request left in some attempt */
    uint32_t *tried;                  /* endpoints of the attempts that were retried */
    uint32_t tried_count, tried_capacity;
    struct retry_priority priorities;
    int64_t per_try_timeout_ns; /* 0: none */
    bool has_alt_response;      /* a timeout is answered with 204 */
    int64_t stream_duration_ns; /* an attempt's whole life; 0: any */
    /* Of the attempt under way; NS_NEVER: not running. */
    int64_t try_deadline_ns, try_idle_ns, duration_deadline_ns;
    int64_t resume_ns; /* when a fault's delay or the back-off is over; NS_NEVER: none */
    struct record record;
};

/* A stream begins; draws once from the engine's "stream". */
void exchange_init(struct exchange *xc, const struct xc_setup *setup, int64_t now_ns);

/* A request that was here before, word for word (proxy/core/memo.h). */
struct xc_again {
    struct request_memo *memo;
    const struct exchange *image; /* as exchange_recall found it.. */
    uint64_t stream_random;       /* ..with what it drew */
    struct str request_id;        /* a new one, where the memo says that one is drawn */
    struct arena *arena;
    uint64_t connection_id; /* the client's.. */
    uint32_t remote_port;   /* ..and what else its address does not say */
    bool has_original;
};

/* What is known of the memo's request up to the choice of an endpoint; false: not all of it, and
 * nothing was done. Draws as the exchange would: from "stream", and from "fault" what the
 * route's faults ask for; a request that a fault hits is not recalled. */
bool exchange_recall(struct engine *engine, struct request_memo *memo, struct xc_again *again);

/* As exchange_init and XC_EVENT_REQUEST_HEAD with its end. Who recalled it has neither trace
 * nor TLS, and its client's connection none of the facts that are the connection's own. */
void exchange_begin_again(struct exchange *xc, const struct xc_again *again, int64_t now_ns,
                          struct xc_plan *plan);

/* Something happened; *plan is overwritten. */
void exchange_step(struct exchange *xc, const struct xc_event *event, int64_t now_ns,
                   struct xc_plan *plan);

/* XC_EVENT_ATTEMPT_READY and XC_EVENT_ATTEMPT_SENT, to which nothing is ever answered:
 * the same without a plan, also while one is carried out whose last action this was. */
void exchange_note_ready(struct exchange *xc, uint32_t attempt, bool is_reused, int64_t now_ns);
void exchange_note_sent(struct exchange *xc, uint32_t attempt);

/* Would the route pass this response on as it is, with x-envoy-upstream-service-time and
 * nothing else of its own? By configuration: of the same exchange, and of those that were begun
 * again from the same image to the same weighted cluster, always or never. */
bool exchange_passes(const struct exchange *xc, const struct response_head *head);
/* Does it wait for such a response, with no cookie to give away and no trace to tell? */
bool exchange_is_passing(const struct exchange *xc);
/* The response came to its end, and is passed on as `sent` with so many bytes of body: as
 * XC_EVENT_RESPONSE_HEAD, _DATA and _END. It is over, as by XC_FINISH. */
void exchange_pass(struct exchange *xc, const struct response_head *sent, uint64_t body_bytes,
                   int64_t now_ns);
/* In milliseconds, since the router had the request: for that header. */
uint64_t exchange_service_ms(const struct exchange *xc, int64_t now_ns);

/* May the request have to be sent again? Then its body is kept. */
bool exchange_may_retry(const struct exchange *xc);

/* When it wants XC_EVENT_WAKE; NS_NEVER: not at all. */
int64_t exchange_wake_ns(const struct exchange *xc);
