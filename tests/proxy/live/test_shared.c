/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/proxy/live/test_shared.c - workers count as one: circuit breakers and
 * ejections, on threads, and across a new configuration.
 */
#include "tests/proxy/live/crew.h"

#define WORKERS 4u
#define CLIENT_COUNT 48u
#define LIMIT 5u
#define FAILED "HTTP/1.1 500 Bad\r\ncontent-length: 0\r\n\r\n"

static bool has_status(void *user)
{
    const struct end *end = user;
    return count_heard(end, STR("HTTP/1.1 ")) > 0;
}

static bool is_back(void *user)
{
    struct crew *crew = user;
    return crew->back_count > 0;
}

/* One more client, with its answer. */
static struct end *ask(struct crew *crew)
{
    struct end *end = crew_dial(crew);
    end_say(end, STR(GET_APP));
    TOWN_WAIT(crew->town, has_status, end);
    return end;
}

struct crowd {
    struct crew *crew;
    struct end *clients[CLIENT_COUNT];
    uint32_t answered_count;
};

static bool has_answered(void *user)
{
    struct crowd *crowd = user;
    uint32_t count = 0;
    for (uint32_t i = 0; i < CLIENT_COUNT; i++)
        count += has_status(crowd->clients[i]);
    return count >= crowd->answered_count;
}

/* All ask at once; until so many have an answer. */
static void ask_all(struct crowd *crowd, struct crew *crew, uint32_t answered_count)
{
    *crowd = (struct crowd){.crew = crew, .answered_count = answered_count};
    for (uint32_t i = 0; i < CLIENT_COUNT; i++) {
        crowd->clients[i] = crew_dial(crew);
        end_say(crowd->clients[i], STR(GET_APP));
    }
    TOWN_WAIT(crew->town, has_answered, crowd);
}

static uint32_t count_status(const struct crowd *crowd, const char *status)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < CLIENT_COUNT; i++)
        count += count_heard(crowd->clients[i], str_of(status)) > 0;
    return count;
}

/* As many as the limit are held by the upstream, whichever workers they came to; all
 * others are refused. */
static void test_no_limit_is_passed_by_workers_together(void **state)
{
    (void)state;
    struct crew *crew = crew_plan(WORKERS);
    crew->requests_max = LIMIT;
    crew->town->is_upstream_silent = true;
    assert_true(crew_open(crew, "test-0"));
    struct crowd crowd;
    ask_all(&crowd, crew, CLIENT_COUNT - LIMIT);
    assert_int_equal(count_status(&crowd, "HTTP/1.1 503"), CLIENT_COUNT - LIMIT);
    assert_int_equal(crew_stat(crew, "one", "circuit_breakers.default.rq_open"), 1);
    assert_int_equal(crew_stat(crew, "one", "upstream_rq_active_overflow"), CLIENT_COUNT - LIMIT);
    assert_int_equal(crew_stat(crew, "one", "upstream_rq_total"), LIMIT);
    /* A configuration takes over that leaves the cluster as it was: those under way
     * still count. */
    assert_true(crew_replace(crew));
    assert_int_equal(crew_stat(crew, "one", "circuit_breakers.default.rq_open"), 1);
    struct end *late = ask(crew);
    assert_int_equal(count_heard(late, STR("HTTP/1.1 503")), 1);
    /* Another limit is another cluster. */
    crew->requests_max = LIMIT + 1;
    assert_true(crew_replace(crew));
    assert_int_equal(crew_stat(crew, "one", "circuit_breakers.default.rq_open"), 0);
    crew_free(crew);
}

struct lender {
    struct breaker breaker;
    atomic_uint lent_count, lent_max, refused_count;
};

static void borrow(void *user)
{
    struct lender *lender = user;
    for (int i = 0; i < 50000; i++) {
        if (!breaker_take(&lender->breaker, BREAKER_REQUESTS)) {
            lender->refused_count++;
            continue;
        }
        unsigned now = ++lender->lent_count;
        unsigned max = lender->lent_max;
        while (now > max && !atomic_compare_exchange_weak(&lender->lent_max, &max, now))
            ;
        lender->lent_count--;
        breaker_give(&lender->breaker, BREAKER_REQUESTS);
    }
}

static void test_threads_never_pass_a_limit(void **state)
{
    (void)state;
    static const struct breaker_limits limits = {.max_requests = 2};
    static struct lender lender;
    uv_thread_t threads[WORKERS];
    breaker_init(&lender.breaker, &limits, false);
    for (uint32_t i = 0; i < WORKERS; i++)
        assert_int_equal(uv_thread_create(&threads[i], borrow, &lender), 0);
    for (uint32_t i = 0; i < WORKERS; i++)
        assert_int_equal(uv_thread_join(&threads[i]), 0);
    assert_in_range(lender.lent_max, 1, 2);
    assert_int_equal(breaker_count(&lender.breaker, BREAKER_REQUESTS), 0);
}

/* Its upstream does nothing but fail, and goes after so many failures. */
static struct crew *failing_crew(uint32_t worker_count, struct outlier_detection *outlier,
                                 uint32_t failures)
{
    outlier_say(outlier, OUTLIER_CONSECUTIVE_5XX, failures);
    outlier_say(outlier, OUTLIER_MAX_EJECTION_PERCENT, 100);
    struct crew *crew = crew_plan(worker_count);
    crew->outlier = outlier;
    crew->town->answer = FAILED;
    assert_true(crew_open(crew, "test-0"));
    return crew;
}

static void test_an_ejection_is_every_workers(void **state)
{
    (void)state;
    static struct outlier_detection outlier = {.interval_ns = 20 * NS_MS,
                                               .base_ejection_ns = 40 * NS_MS};
    struct crew *crew = failing_crew(WORKERS, &outlier, CLIENT_COUNT);
    struct crowd crowd;
    ask_all(&crowd, crew, CLIENT_COUNT);
    /* Nobody had as many failures as that alone. */
    assert_int_equal(count_status(&crowd, "HTTP/1.1 500"), CLIENT_COUNT);
    assert_int_equal(crew_stat(crew, "one", "outlier_detection.ejections_enforced_total"), 1);
    assert_int_equal(crew->ejected_count, 1);
    for (uint32_t i = 0; i < WORKERS; i++)
        assert_true(crew->tallies[i].done_count < CLIENT_COUNT);
    TOWN_WAIT(crew->town, is_back, crew);
    assert_int_equal(crew_stat(crew, "one", "outlier_detection.ejections_active"), 0);
    assert_int_equal(crew_stat(crew, "one", "membership_healthy"), 1);
    crew_free(crew);
}

static bool has_left(void *user)
{
    return crew_stat(user, "one", "upstream_cx_active") == 0;
}

/* Each worker has connections to the host; one of them ejects it, and all leave, also those who
 * have nothing else to do. */
static void test_all_workers_leave_an_ejected_host(void **state)
{
    (void)state;
    static struct outlier_detection outlier = {.interval_ns = NS_HOUR, .base_ejection_ns = NS_HOUR};
    struct crew *crew = failing_crew(WORKERS, &outlier, CLIENT_COUNT);
    struct crowd crowd;
    ask_all(&crowd, crew, CLIENT_COUNT);
    TOWN_WAIT(crew->town, has_left, crew);
    assert_int_equal(crew->ejected_count, 1);
    assert_int_equal(crew_stat(crew, "one", "upstream_cx_destroy_local"),
                     crew_stat(crew, "one", "upstream_cx_total"));
    crew_free(crew);
}

/* Ejected under one configuration, out under the next. */
static void test_an_ejection_outlives_a_configuration(void **state)
{
    (void)state;
    static struct outlier_detection outlier = {.base_ejection_ns = NS_HOUR};
    struct crew *crew = failing_crew(2, &outlier, 1);
    struct end *first = ask(crew);
    assert_int_equal(count_heard(first, STR("HTTP/1.1 500")), 1);
    assert_true(crew_replace(crew));
    struct end *second = ask(crew);
    assert_int_equal(count_heard(second, STR("HTTP/1.1 503")), 1);
    assert_int_equal(count_heard(second, STR("no healthy upstream")), 1);
    crew_free(crew);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_limit_is_passed_by_workers_together),
        cmocka_unit_test(test_threads_never_pass_a_limit),
        cmocka_unit_test(test_an_ejection_is_every_workers),
        cmocka_unit_test(test_all_workers_leave_an_ejected_host),
        cmocka_unit_test(test_an_ejection_outlives_a_configuration),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
