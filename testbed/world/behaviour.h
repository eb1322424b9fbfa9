/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/world/behaviour.h - how a stand-in application answers.
 *
 * The keys of a RouteTest's workload (docs/routetest.md). Plain values, read
 * by the runner, carried out by standin.c in both engines.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "proxy/model/message.h"
#include "testbed/world/call.h"
#include "testbed/world/latency.h"

enum answer_act {
    ACT_ANSWER,
    ACT_CLOSE_BEFORE_HEADERS,
    ACT_RESET_BEFORE_HEADERS,
    ACT_CLOSE_IN_HEADERS,
    ACT_CLOSE_MID_BODY, /* 50 of 100 bytes, then 100 ms */
    ACT_RESET_MID_BODY,
    ACT_GARBAGE,
    ACT_NEVER,
    ACT_ACCEPT_CLOSE,
    ACT_ACCEPT_RESET,
};

enum answer_framing { FRAMING_LENGTH, FRAMING_CHUNKED, FRAMING_CLOSE };
enum raw_then { RAW_KEEP, RAW_CLOSE, RAW_RESET };

struct answer {
    enum answer_act act;
    uint32_t status;        /* 200 */
    struct str reason;      /* empty: the usual one */
    struct header *headers; /* in order, names as written */
    uint32_t header_count;
    struct str body;
    bool has_body_size;
    uint64_t body_size;           /* so many 'x' instead of body */
    struct latency latency;       /* before the head */
    int64_t body_latency_ns;      /* between the halves of the body */
    uint32_t trickle_bytes;       /* so many of the body at once, then.. */
    int64_t trickle_every_ns;     /* ..so long nothing; 0: no such thing */
    const struct hop_call *calls; /* asks others before it answers, one after the other */
    uint32_t call_count;
    struct str *propagates; /* headers of the request that go on with these calls */
    uint32_t propagate_count;
    enum answer_framing framing;
    struct header *trailers;
    uint32_t trailer_count;
    bool is_closing; /* connection: close */
    uint32_t interim[4];
    uint32_t interim_count;
    struct header *interim_headers; /* of each of them */
    uint32_t interim_header_count;
    bool is_echo;
    bool is_websocket;
    bool has_raw;
    struct str raw;
    enum raw_then then;
};

/* Somebody whom the application asks, through its own proxy. */
struct hop_call {
    struct call call;        /* client: not said; it is the pod's */
    bool is_ignoring_errors; /* else a failure (an error, 5xx) is the answer: its status, or 502 */
};

/* A fault on the application's side, which the proxy before it sees. */
struct injection {
    bool has_abort;
    uint32_t abort_status; /* 0: abort_act */
    enum answer_act abort_act;
    double abort_share; /* in [0, 1] */
    int64_t delay_ns;   /* on top of the latency; 0: none */
    double delay_share;
};

/* The application itself ends TLS. */
struct behaviour_tls {
    bool is_set;
    struct str *names; /* of its certificate */
    uint32_t name_count;
    struct str authority; /* "public", "stranger"; empty: public */
    bool is_expired;
};

/* Does the application speak HTTP/2 with prior knowledge, too? */
enum behaviour_http2 {
    HTTP2_BY_PORT, /* unless said: who has a port of gRPC does */
    HTTP2_SPOKEN,
    HTTP2_UNKNOWN,
};

struct behaviour {
    struct answer answer;  /* without a script */
    struct answer *script; /* one item a request; the last repeats */
    uint32_t script_count;
    bool is_script_per_pod;
    bool is_refusing; /* refuse: nobody listens */
    bool is_dropping; /* drop: SYNs are not answered */
    bool is_absent;   /* not among the endpoints */
    enum behaviour_http2 http2;
    struct behaviour_tls tls;
    /* listen: a real local process stands in the pod's place; port 0: none does. */
    struct str listen_address;
    uint32_t listen_port;
    uint32_t worker_count; /* works on so many requests at once; 0: no limit */
    uint32_t waiting_max;  /* of others, which wait; more are answered with 503 */
    const struct injection *injections;
    uint32_t injection_count;
};

/* Everything answers 200, at once, with an empty body. */
struct behaviour behaviour_default(void);

/* Does an answer of its depend on the request's head or body? */
bool behaviour_is_reading_heads(const struct behaviour *behaviour);
/* Does it ask others, always or sometimes? */
bool behaviour_is_asking(const struct behaviour *behaviour);
