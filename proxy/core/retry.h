/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/core/retry.h - is an attempt that ended like this made again, and when?
 *
 * Pure: reads the policy and the outcome, asks the breaker, draws the back-off's
 * jitter. The exchange counts attempts. Like Envoy it does
 * not ask which methods are safe to repeat.
 *
 * Source: ENVOY.md 3.3.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/rng.h"
#include "proxy/core/breaker.h"
#include "proxy/core/reason.h"
#include "proxy/model/message.h"
#include "proxy/model/policy.h"
#include "proxy/model/retry_on.h"

/* How the attempt ended: with a response's head, or with a failure (a per-try
 * timeout is a local reset). */
struct retry_question {
    const struct retry_policy *policy;
    uint32_t attempt_count;               /* including the one that ended; from 1 */
    const struct response_head *response; /* NULL: it failed */
    enum failure failure;
    bool was_sent;           /* bytes of the request left in some attempt */
    struct breaker *breaker; /* a retry is taken of it for RETRY_LATER */
    int64_t now_ns;          /* since 1970 */
};

enum retry_verdict {
    RETRY_NO,       /* the policy does not cover this outcome */
    RETRY_LIMIT,    /* it does, but the attempts are used up */
    RETRY_OVERFLOW, /* it does, but too many retries are under way */
    RETRY_LATER,    /* again, after wait_ns */
};

struct retry_answer {
    enum retry_verdict verdict;
    enum retry_on word; /* which covers it; not for RETRY_NO */
    int64_t wait_ns;    /* RETRY_LATER: whole milliseconds */
};

/* The n-th retry waits less than base * 2^(n-1), at most the maximum. Draws once
 * from `rng`, and only for RETRY_LATER. */
struct retry_answer retry_decide(const struct retry_question *asked, struct rng *rng);

/* Does the policy cover this response, whatever the attempts so far? */
bool retry_covers(const struct retry_policy *policy, const struct response_head *response);

/* How often an endpoint that was tried before is refused, before it is taken
 * all the same. */
uint32_t retry_host_selection_max(const struct retry_policy *policy);
