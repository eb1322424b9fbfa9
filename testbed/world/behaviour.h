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
    uint64_t body_size; /* so many 'x' instead of body */
    int64_t latency_ns, body_latency_ns;
    enum answer_framing framing;
    struct header *trailers;
    uint32_t trailer_count;
    bool is_closing; /* connection: close */
    uint32_t interim[4];
    uint32_t interim_count;
    bool is_echo;
    bool is_websocket;
    bool has_raw;
    struct str raw;
    enum raw_then then;
};

struct behaviour {
    struct answer answer;  /* without a script */
    struct answer *script; /* one item a request; the last repeats */
    uint32_t script_count;
    bool is_script_per_pod;
    bool is_refusing; /* refuse: nobody listens */
    bool is_dropping; /* drop: SYNs are not answered */
    bool is_absent;   /* not among the endpoints */
    /* listen: a real local process stands in the pod's place; port 0: none does. */
    struct str listen_address;
    uint32_t listen_port;
};

/* Everything answers 200, at once, with an empty body. */
struct behaviour behaviour_default(void);
