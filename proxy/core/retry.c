/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/core/retry.c - Envoy's retry_on, word by word.
 */
#include "proxy/core/retry.h"

#include "base/check.h"
#include "base/ns.h"

/* Envoy's defaults. */
#define BACKOFF_BASE_MS 25u
#define BACKOFF_MAX_FACTOR 10u
#define HOST_SELECTION_MAX 1u

/* What one word says of a response; those about resets say nothing. */
static bool covers_status(const struct retry_policy *policy, enum retry_on word, uint32_t status)
{
    switch (word) {
    case RETRY_ON_5XX:
        return status >= 500 && status <= 599;
    case RETRY_ON_GATEWAY_ERROR:
        return status >= 502 && status <= 504;
    case RETRY_ON_RETRIABLE_4XX:
        return status == 409;
    case RETRY_ON_RETRIABLE_STATUS_CODES:
        for (uint32_t i = 0; i < policy->status_code_count; i++)
            if (policy->status_codes[i] == status)
                return true;
        return false;
    case RETRY_ON_RESET:
    case RETRY_ON_RESET_BEFORE_REQUEST:
    case RETRY_ON_CONNECT_FAILURE:
    case RETRY_ON_REFUSED_STREAM:
    case RETRY_ON_RETRIABLE_HEADERS:
    case RETRY_ON_ENVOY_RATELIMITED:
    case RETRY_ON_HTTP3_POST_CONNECT_FAILURE:
    case RETRY_ON_CANCELLED:
    case RETRY_ON_DEADLINE_EXCEEDED:
    case RETRY_ON_INTERNAL:
    case RETRY_ON_RESOURCE_EXHAUSTED:
    case RETRY_ON_UNAVAILABLE:
    case RETRY_ON_COUNT:
        return false;
    }
    UNREACHABLE("retry_on");
}

/* Only a status among the headers (no messages, no trailers) is seen. */
static bool covers_grpc_status(enum retry_on word, struct str grpc_status)
{
    static const struct {
        enum retry_on word;
        struct str status;
    } rows[] = {
        {RETRY_ON_CANCELLED, STR_INIT("1")},    {RETRY_ON_DEADLINE_EXCEEDED, STR_INIT("4")},
        {RETRY_ON_INTERNAL, STR_INIT("13")},    {RETRY_ON_RESOURCE_EXHAUSTED, STR_INIT("8")},
        {RETRY_ON_UNAVAILABLE, STR_INIT("14")},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        if (rows[i].word == word)
            return str_eq(rows[i].status, grpc_status);
    return false;
}

static bool has_retriable_header(const struct retry_question *asked)
{
    for (uint32_t i = 0; i < asked->policy->header_name_count; i++)
        if (header_is_present(&asked->response->headers, asked->policy->header_names[i]))
            return true;
    return false;
}

static bool covers_response(const struct retry_question *asked, enum retry_on word)
{
    if (word == RETRY_ON_RETRIABLE_HEADERS)
        return has_retriable_header(asked);
    struct str grpc_status;
    return covers_status(asked->policy, word, asked->response->status) ||
           (header_get(&asked->response->headers, STR("grpc-status"), &grpc_status) &&
            covers_grpc_status(word, grpc_status));
}

static bool covers_failure(const struct retry_question *asked, enum retry_on word)
{
    enum failure failure = asked->failure;
    if (word == RETRY_ON_5XX || word == RETRY_ON_GATEWAY_ERROR || word == RETRY_ON_RESET)
        return true;
    if (word == RETRY_ON_RESET_BEFORE_REQUEST)
        return !asked->was_sent;
    if (word == RETRY_ON_CONNECT_FAILURE)
        return failure == FAILURE_LOCAL_CONNECTION_FAILURE ||
               failure == FAILURE_REMOTE_CONNECTION_FAILURE ||
               failure == FAILURE_CONNECTION_TIMEOUT;
    if (word == RETRY_ON_REFUSED_STREAM)
        return failure == FAILURE_REMOTE_REFUSED_STREAM;
    return false;
}

/* The first word of the policy that covers the outcome; RETRY_ON_COUNT: none. */
static enum retry_on find_word(const struct retry_question *asked)
{
    uint32_t on = asked->policy->conditions;
    if (asked->response == NULL && asked->failure == FAILURE_OVERFLOW)
        return RETRY_ON_COUNT;
    /* This header shuts out all the other words. */
    if (asked->response != NULL &&
        header_is_present(&asked->response->headers, STR("x-envoy-ratelimited")))
        return (on & RETRY_ON_BIT(ENVOY_RATELIMITED)) != 0 ? RETRY_ON_ENVOY_RATELIMITED
                                                           : RETRY_ON_COUNT;
    for (; on != 0; on &= on - 1) {
        enum retry_on word = (enum retry_on)__builtin_ctz(on);
        if (asked->response != NULL ? covers_response(asked, word) : covers_failure(asked, word))
            return word;
    }
    return RETRY_ON_COUNT;
}

static int64_t draw_wait_ns(const struct retry_question *asked, struct rng *rng)
{
    const struct retry_policy *policy = asked->policy;
    uint64_t base_ms = policy->backoff_base_ns > 0
                           ? (uint64_t)ns_max(policy->backoff_base_ns / NS_MS, 1)
                           : BACKOFF_BASE_MS;
    uint64_t max_ms = policy->backoff_max_ns > 0 ? (uint64_t)(policy->backoff_max_ns / NS_MS)
                                                 : base_ms * BACKOFF_MAX_FACTOR;
    uint64_t bound_ms = base_ms;
    for (uint32_t i = 1; i < asked->attempt_count && bound_ms < max_ms; i++)
        bound_ms *= 2;
    if (bound_ms > max_ms)
        bound_ms = max_ms;
    return (int64_t)rng_below(rng, bound_ms) * NS_MS;
}

struct retry_answer retry_decide(const struct retry_question *asked, struct rng *rng)
{
    ASSERT(asked->attempt_count >= 1);
    struct retry_answer answer = {.verdict = RETRY_NO, .word = find_word(asked)};
    if (answer.word == RETRY_ON_COUNT)
        return answer;
    if (asked->attempt_count > asked->policy->num_retries) {
        answer.verdict = RETRY_LIMIT;
    } else if (!breaker_take_retry(asked->breaker, asked->now_ns)) {
        answer.verdict = RETRY_OVERFLOW;
    } else {
        answer.verdict = RETRY_LATER;
        answer.wait_ns = draw_wait_ns(asked, rng);
    }
    return answer;
}

bool retry_covers(const struct retry_policy *policy, const struct response_head *response)
{
    return find_word(&(struct retry_question){.policy = policy, .response = response}) !=
           RETRY_ON_COUNT;
}

uint32_t retry_host_selection_max(const struct retry_policy *policy)
{
    if (!policy->has_previous_hosts)
        return 0;
    uint32_t max = policy->host_selection_attempts_max;
    return max != 0 ? max : HOST_SELECTION_MAX;
}
