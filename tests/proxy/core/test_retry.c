/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/proxy/core/test_retry.c - ENVOY.md 3.3: which word covers which outcome,
 * limits, back-off.
 */
#include "tests/proxy/core/build.h"
#include "proxy/core/retry.h"

#define NONE RETRY_ON_COUNT

static struct retry_policy policy_of(const char *words, uint32_t num_retries)
{
    return (struct retry_policy){.retry_on = str_of(words),
                                 .conditions = retry_on_read(str_of(words)),
                                 .num_retries = num_retries};
}

/* A fresh breaker that lends any number of retries, or none. */
static struct breaker *budget(bool is_there)
{
    static struct breaker breaker;
    struct breaker_limits limits = {.max_retries = is_there ? BREAKER_UNLIMITED : 0};
    breaker_init(&breaker, &limits, false);
    return &breaker;
}

static struct retry_answer decide(const struct retry_question *asked)
{
    struct rng rng = rng_seeded(1, STR("jitter"));
    return retry_decide(asked, &rng);
}

static void test_words_cover_responses(void **state)
{
    UNUSED_STATE(state);
    static const uint32_t codes[] = {403, 503};
    static const struct str names[] = {STR_INIT("x-never"), STR_INIT("x-again")};
    static const struct {
        const char *words;
        uint32_t status;
        const char *header, *value; /* or NULL */
        enum retry_on want;
    } rows[] = {
        {"5xx", 499, NULL, NULL, NONE},
        {"5xx", 500, NULL, NULL, RETRY_ON_5XX},
        {"5xx", 599, NULL, NULL, RETRY_ON_5XX},
        {"5xx", 200, NULL, NULL, NONE},
        {"gateway-error", 500, NULL, NULL, NONE},
        {"gateway-error", 501, NULL, NULL, NONE},
        {"gateway-error", 502, NULL, NULL, RETRY_ON_GATEWAY_ERROR},
        {"gateway-error", 504, NULL, NULL, RETRY_ON_GATEWAY_ERROR},
        {"gateway-error", 505, NULL, NULL, NONE},
        {"retriable-4xx", 409, NULL, NULL, RETRY_ON_RETRIABLE_4XX},
        {"retriable-4xx", 429, NULL, NULL, NONE},
        {"retriable-status-codes", 403, NULL, NULL, RETRY_ON_RETRIABLE_STATUS_CODES},
        {"retriable-status-codes", 500, NULL, NULL, NONE},
        {"reset", 503, NULL, NULL, NONE},
        {"connect-failure,refused-stream,reset-before-request", 503, NULL, NULL, NONE},
        {"cancelled", 200, "grpc-status", "1", RETRY_ON_CANCELLED},
        {"deadline-exceeded", 200, "grpc-status", "4", RETRY_ON_DEADLINE_EXCEEDED},
        {"resource-exhausted", 200, "grpc-status", "8", RETRY_ON_RESOURCE_EXHAUSTED},
        {"internal", 200, "grpc-status", "13", RETRY_ON_INTERNAL},
        {"unavailable", 200, "grpc-status", "14", RETRY_ON_UNAVAILABLE},
        {"unavailable", 200, "grpc-status", "1", NONE},
        {"unavailable", 200, "grpc-status", "0", NONE},
        {"5xx", 503, "x-envoy-ratelimited", "true", NONE},
        {"5xx,envoy-ratelimited", 429, "x-envoy-ratelimited", "", RETRY_ON_ENVOY_RATELIMITED},
        {"envoy-ratelimited", 429, NULL, NULL, NONE},
        {"retriable-headers", 200, "x-again", "", RETRY_ON_RETRIABLE_HEADERS},
        {"retriable-headers", 503, "x-other", "", NONE},
        {"5xx", 200, "x-again", "", NONE},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct arena arena;
        arena_init(&arena, 4096, 0);
        struct response_head head = {.status = rows[i].status};
        header_list_init(&head.headers, &arena);
        if (rows[i].header != NULL)
            header_add(&head.headers, str_of(rows[i].header), str_of(rows[i].value));
        struct retry_policy policy = policy_of(rows[i].words, 1);
        policy.status_codes = codes;
        policy.status_code_count = COUNT_OF(codes);
        policy.header_names = names;
        policy.header_name_count = COUNT_OF(names);
        struct retry_answer got = decide(&(struct retry_question){
            .policy = &policy, .attempt_count = 1, .response = &head, .breaker = budget(true)});
        if (got.word != rows[i].want)
            fail_msg("row %zu: %s and %u", i, rows[i].words, rows[i].status);
        assert_int_equal(got.verdict, rows[i].want == NONE ? RETRY_NO : RETRY_LATER);
        arena_fini(&arena);
    }
}

static void test_words_cover_resets(void **state)
{
    UNUSED_STATE(state);
    static const struct {
        const char *words;
        enum failure failure;
        bool was_sent, is_covered;
    } rows[] = {
        {"5xx", FAILURE_CONNECTION_TERMINATION, true, true},
        {"5xx", FAILURE_PROTOCOL_ERROR, true, true},
        {"5xx", FAILURE_OVERFLOW, false, false},
        {"gateway-error", FAILURE_CONNECTION_TIMEOUT, false, true},
        {"gateway-error", FAILURE_LOCAL_RESET, true, true},
        {"reset", FAILURE_LOCAL_RESET, true, true},
        {"reset", FAILURE_OVERFLOW, true, false},
        {"reset-before-request", FAILURE_REMOTE_CONNECTION_FAILURE, false, true},
        {"reset-before-request", FAILURE_CONNECTION_TERMINATION, true, false},
        {"connect-failure", FAILURE_LOCAL_CONNECTION_FAILURE, false, true},
        {"connect-failure", FAILURE_REMOTE_CONNECTION_FAILURE, false, true},
        {"connect-failure", FAILURE_CONNECTION_TIMEOUT, false, true},
        {"connect-failure", FAILURE_CONNECTION_TERMINATION, true, false},
        {"connect-failure", FAILURE_LOCAL_RESET, true, false},
        {"refused-stream", FAILURE_REMOTE_REFUSED_STREAM, true, true},
        {"refused-stream", FAILURE_LOCAL_REFUSED_STREAM, true, false},
        {"refused-stream", FAILURE_REMOTE_RESET, true, false},
        {"retriable-4xx,retriable-status-codes,unavailable", FAILURE_REMOTE_RESET, true, false},
        {"", FAILURE_REMOTE_CONNECTION_FAILURE, false, false},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct retry_policy policy = policy_of(rows[i].words, 1);
        struct retry_answer got = decide(&(struct retry_question){.policy = &policy,
                                                                  .attempt_count = 1,
                                                                  .failure = rows[i].failure,
                                                                  .was_sent = rows[i].was_sent,
                                                                  .breaker = budget(true)});
        if ((got.verdict == RETRY_LATER) != rows[i].is_covered)
            fail_msg("row %zu: %s", i, rows[i].words);
    }
}

static void test_attempts_and_budget_are_limits(void **state)
{
    UNUSED_STATE(state);
    static const struct {
        uint32_t attempt_count, num_retries;
        bool has_budget;
        enum retry_verdict want;
    } rows[] = {
        {1, 2, true, RETRY_LATER},
        {2, 2, true, RETRY_LATER},
        {3, 2, true, RETRY_LIMIT},
        {1, 0, true, RETRY_LIMIT},
        {1, 1, false, RETRY_OVERFLOW},
        {2, 1, false, RETRY_LIMIT}, /* the attempts are looked at first */
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct retry_policy policy = policy_of("reset", rows[i].num_retries);
        struct retry_answer got =
            decide(&(struct retry_question){.policy = &policy,
                                            .attempt_count = rows[i].attempt_count,
                                            .failure = FAILURE_REMOTE_RESET,
                                            .breaker = budget(rows[i].has_budget)});
        assert_int_equal(got.verdict, rows[i].want);
    }
}

static void test_the_wait_is_drawn_below_a_bound_that_doubles(void **state)
{
    UNUSED_STATE(state);
    static const struct {
        int64_t base_ms, max_ms;
        uint32_t attempt_count;
        int64_t bound_ms;
    } rows[] = {
        {0, 0, 1, 25}, {0, 0, 2, 50},    {0, 0, 4, 200},    {0, 0, 5, 250},     {0, 0, 60, 250},
        {1, 0, 1, 1},  {100, 0, 4, 800}, {100, 0, 9, 1000}, {100, 150, 3, 150},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct retry_policy policy = policy_of("reset", 100);
        policy.backoff_base_ns = rows[i].base_ms * NS_MS;
        policy.backoff_max_ns = rows[i].max_ms * NS_MS;
        struct rng rng = rng_seeded(7, STR("jitter"));
        int64_t longest_ns = 0;
        for (uint32_t draw = 0; draw < 4000; draw++) {
            struct retry_answer got =
                retry_decide(&(struct retry_question){.policy = &policy,
                                                      .attempt_count = rows[i].attempt_count,
                                                      .failure = FAILURE_REMOTE_RESET,
                                                      .breaker = budget(true)},
                             &rng);
            assert_int_equal(got.wait_ns % NS_MS, 0);
            longest_ns = ns_max(longest_ns, got.wait_ns);
        }
        assert_true(longest_ns < rows[i].bound_ms * NS_MS);
        assert_true(longest_ns >= (rows[i].bound_ms * 98 / 100 - 1) * NS_MS);
    }
}

static void test_only_a_wait_draws(void **state)
{
    UNUSED_STATE(state);
    struct retry_policy policy = policy_of("reset", 0);
    struct rng rng = rng_seeded(1, STR("jitter")), untouched = rng;
    (void)retry_decide(&(struct retry_question){.policy = &policy,
                                                .attempt_count = 1,
                                                .failure = FAILURE_REMOTE_RESET,
                                                .breaker = budget(true)},
                       &rng);
    assert_memory_equal(&rng, &untouched, sizeof(rng));
}

static void test_tried_hosts_are_refused_a_few_times(void **state)
{
    UNUSED_STATE(state);
    struct retry_policy policy = {.host_selection_attempts_max = 5};
    assert_int_equal(retry_host_selection_max(&policy), 0);
    policy.has_previous_hosts = true;
    assert_int_equal(retry_host_selection_max(&policy), 5);
    policy.host_selection_attempts_max = 0;
    assert_int_equal(retry_host_selection_max(&policy), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words_cover_responses),
        cmocka_unit_test(test_words_cover_resets),
        cmocka_unit_test(test_attempts_and_budget_are_limits),
        cmocka_unit_test(test_the_wait_is_drawn_below_a_bound_that_doubles),
        cmocka_unit_test(test_only_a_wait_draws),
        cmocka_unit_test(test_tried_hosts_are_refused_a_few_times),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
