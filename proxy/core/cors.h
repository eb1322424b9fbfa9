/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/core/cors.h - Envoy's CORS filter: whose requests are answered or
 * marked, and with which headers.
 *
 * Pure. A preflight is answered here, also one of a stranger where the policy
 * does not pass it on; what a stranger lacks is his origin among the headers.
 * The requested method is not looked up. Source: ENVOY.md 16.1; the order of
 * headers is a recorded one.
 */
#pragma once

#include <stdbool.h>

#include "proxy/model/message.h"
#include "proxy/model/policy.h"

enum cors_verdict {
    CORS_NOT_ASKED, /* no policy, or a request without origin */
    CORS_PASS,      /* goes on; its response is marked if the origin is allowed */
    CORS_ANSWER,    /* a preflight: cors_preflight makes the answer */
};

struct cors_answer {
    enum cors_verdict verdict;
    bool is_allowed;   /* one of the origins matches */
    struct str origin; /* the request's, in its list */
};

/* `policy` may be NULL. */
struct cors_answer cors_judge(const struct cors_policy *policy, const struct request_head *head);

/* Does a browser ask what it may do? With an origin it does. */
bool cors_is_preflight(const struct request_head *head);

/* The headers of the answer to a preflight, in front of those of cors_mark. */
void cors_preflight(const struct cors_policy *policy, const struct request_head *request,
                    const struct cors_answer *answer, struct response_head *response);

/* What every response to an allowed origin gets, whoever makes it. */
void cors_mark(const struct cors_policy *policy, struct str origin, struct response_head *response);
