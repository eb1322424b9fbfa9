/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/proxy/core/test_exchange_retry.c - an exchange with more than one attempt.
 */
#include "tests/proxy/core/scene.h"

static void test_a_response_that_is_covered_is_dropped_and_tried_again(void **state)
{
    UNUSED_STATE(state);
    struct scene scene;
    scene_init(&scene);
    request(&scene, "GET", "/again", true);
    struct str count;
    assert_true(header_get(&scene.xc.request->headers, STR("x-envoy-attempt-count"), &count));
    assert_str(count, "1");
    tell(&scene, (struct xc_event){.kind = XC_EVENT_ATTEMPT_READY, .attempt = 1}, 0);
    tell(&scene,
         (struct xc_event){
             .kind = XC_EVENT_RESPONSE_HEAD, .attempt = 1, .response = response(&scene, 503)},
         5 * NS_MS);
    /* The body is not waited for. A wait of base 1 ms is none. */
    ASSERT_PLAN(&scene, XC_ABANDON);
    assert_true(exchange_wake_ns(&scene.xc) == 5 * NS_MS);
    tell(&scene, (struct xc_event){.kind = XC_EVENT_WAKE}, 5 * NS_MS);
    ASSERT_PLAN(&scene, XC_ATTEMPT);
    assert_int_equal(scene.plan.items[0].attempt, 2);
    assert_true(header_get(&scene.xc.request->headers, STR("x-envoy-attempt-count"), &count));
    assert_str(count, "2");
    answer(&scene, 2, 200, 30 * NS_MS);
    ASSERT_PLAN(&scene, XC_FORWARD, XC_FINISH);
    struct str took;
    assert_true(header_get(&scene.plan.items[0].response->headers,
                           STR("x-envoy-upstream-service-time"), &took));
    assert_str(took, "30");
    assert_str(record_flags(&scene.xc.record, &scene.arena), "-");
    assert_int_equal(counter(&scene, "upstream_rq_retry"), 1);
    assert_int_equal(counter(&scene, "upstream_rq_retry_success"), 1);
    assert_int_equal(counter(&scene, "upstream_rq_503"), 0);
    assert_int_equal(counter(&scene, "retry.upstream_rq_503"), 1);
    assert_int_equal(counter(&scene, "retry.upstream_rq_completed"), 1);
    scene_fini(&scene);
}

static void test_the_last_response_passes_with_urx(void **state)
{
    UNUSED_STATE(state);
    struct scene scene;
    scene_init(&scene);
    request(&scene, "GET", "/again", true);
    for (uint32_t attempt = 1; attempt <= 2; attempt++) {
        answer(&scene, attempt, 500, attempt * NS_MS);
        assert_int_equal(scene.plan.count, 0);
        tell(&scene, (struct xc_event){.kind = XC_EVENT_WAKE}, attempt * NS_MS);
        ASSERT_PLAN(&scene, XC_ATTEMPT);
    }
    answer(&scene, 3, 501, 9 * NS_MS);
    ASSERT_PLAN(&scene, XC_FORWARD, XC_FINISH);
    assert_int_equal(scene.xc.record.status, 501);
    assert_str(scene.xc.record.details, "via_upstream");
    assert_str(record_flags(&scene.xc.record, &scene.arena), "URX");
    assert_int_equal(counter(&scene, "upstream_rq_retry_limit_exceeded"), 1);
    assert_int_equal(counter(&scene, "upstream_rq_501"), 1);
    scene_fini(&scene);
}

static void test_an_attempt_has_its_own_time(void **state)
{
    UNUSED_STATE(state);
    struct scene scene;
    scene_init(&scene);
    request(&scene, "GET", "/again", true);
    assert_true(exchange_wake_ns(&scene.xc) == 500 * NS_MS);
    /* Connecting does not count. */
    tell(&scene, (struct xc_event){.kind = XC_EVENT_ATTEMPT_READY, .attempt = 1}, 50 * NS_MS);
    assert_true(exchange_wake_ns(&scene.xc) == 250 * NS_MS);
    tell(&scene, (struct xc_event){.kind = XC_EVENT_WAKE}, 250 * NS_MS);
    ASSERT_PLAN(&scene, XC_ABANDON);
    tell(&scene, (struct xc_event){.kind = XC_EVENT_WAKE}, 400 * NS_MS);
    ASSERT_PLAN(&scene, XC_ATTEMPT);
    struct str expected;
    assert_true(
        header_get(&scene.xc.request->headers, STR("x-envoy-expected-rq-timeout-ms"), &expected));
    assert_str(expected, "100");
    tell(&scene, (struct xc_event){.kind = XC_EVENT_WAKE}, 500 * NS_MS);
    ASSERT_PLAN(&scene, XC_ABANDON, XC_REPLY, XC_FINISH);
    assert_str(scene.xc.record.details, "response_timeout");
    assert_int_equal(counter(&scene, "upstream_rq_per_try_timeout"), 1);
    assert_int_equal(counter(&scene, "upstream_rq_timeout"), 1);
    scene_fini(&scene);
}

static void test_the_time_of_the_last_attempt_has_its_own_details(void **state)
{
    UNUSED_STATE(state);
    struct scene scene;
    scene_init(&scene);
    request(&scene, "GET", "/again", true);
    for (uint32_t attempt = 1; attempt <= 2; attempt++) {
        answer(&scene, attempt, 500, attempt * NS_MS);
        tell(&scene, (struct xc_event){.kind = XC_EVENT_WAKE}, attempt * NS_MS);
    }
    tell(&scene, (struct xc_event){.kind = XC_EVENT_ATTEMPT_READY, .attempt = 3}, 3 * NS_MS);
    tell(&scene, (struct xc_event){.kind = XC_EVENT_WAKE}, 203 * NS_MS);
    ASSERT_PLAN(&scene, XC_ABANDON, XC_REPLY, XC_FINISH);
    assert_int_equal(scene.plan.items[1].response->status, 504);
    assert_str(scene.xc.record.details, "upstream_per_try_timeout");
    assert_str(record_flags(&scene.xc.record, &scene.arena), "URX,UT");
    scene_fini(&scene);
}

static void fail_attempt(struct scene *scene, uint32_t attempt)
{
    tell(scene,
         (struct xc_event){.kind = XC_EVENT_ATTEMPT_FAILED,
                           .attempt = attempt,
                           .failure = FAILURE_CONNECTION_TERMINATION},
         NS_MS);
}

static void test_a_retry_that_fails_says_so(void **state)
{
    UNUSED_STATE(state);
    struct scene scene;
    scene_init(&scene);
    request(&scene, "GET", "/again", true);
    for (uint32_t attempt = 1; attempt <= 2; attempt++) {
        fail_attempt(&scene, attempt);
        tell(&scene, (struct xc_event){.kind = XC_EVENT_WAKE}, NS_MS);
    }
    fail_attempt(&scene, 3);
    ASSERT_PLAN(&scene, XC_REPLY, XC_FINISH);
    assert_str(scene.plan.items[0].body,
               "upstream connect error or disconnect/reset before headers. retried and the latest "
               "reset reason: connection termination");
    assert_str(record_flags(&scene.xc.record, &scene.arena), "URX,UC");
    scene_fini(&scene);
}

static void test_only_so_many_retries_are_under_way(void **state)
{
    UNUSED_STATE(state);
    struct scene scene;
    scene_init(&scene);
    request(&scene, "GET", "/again", true);
    fail_attempt(&scene, 1);
    assert_int_equal(scene.plan.count, 0);
    struct exchange waiting = scene.xc;
    request(&scene, "GET", "/again", true);
    tell(&scene,
         (struct xc_event){.kind = XC_EVENT_RESPONSE_HEAD,
                           .attempt = 1,
                           .is_end = true,
                           .response = response(&scene, 503)},
         NS_MS);
    ASSERT_PLAN(&scene, XC_FORWARD, XC_FINISH);
    assert_str(record_flags(&scene.xc.record, &scene.arena), "UO");
    assert_int_equal(counter(&scene, "upstream_rq_retry_overflow"), 1);
    /* The first one goes: there is room again. */
    scene.xc = waiting;
    tell(&scene, (struct xc_event){.kind = XC_EVENT_CLIENT_GONE}, NS_MS);
    ASSERT_PLAN(&scene, XC_FINISH);
    request(&scene, "GET", "/again", true);
    fail_attempt(&scene, 1);
    assert_int_equal(scene.plan.count, 0);
    scene_fini(&scene);
}

static void test_a_body_that_outgrows_the_buffer_ends_retries(void **state)
{
    UNUSED_STATE(state);
    struct scene scene;
    scene_init(&scene);
    request(&scene, "POST", "/again", false);
    assert_true(exchange_may_retry(&scene.xc));
    struct xc_event data = {.kind = XC_EVENT_REQUEST_DATA, .size = LIMIT_CONNECTION_BUFFER_BYTES};
    tell(&scene, data, 0);
    assert_true(exchange_may_retry(&scene.xc));
    data.size = 1;
    tell(&scene, data, 0);
    assert_false(exchange_may_retry(&scene.xc));
    assert_int_equal(scene.plan.count, 0);
    assert_int_equal(counter(&scene, "retry_or_shadow_abandoned"), 1);
    answer(&scene, 1, 503, NS_MS);
    ASSERT_PLAN(&scene, XC_FORWARD, XC_FINISH);
    assert_str(record_flags(&scene.xc.record, &scene.arena), "-");
    /* Between two attempts there is nobody to send it to. */
    request(&scene, "POST", "/again", false);
    fail_attempt(&scene, 1);
    data.size = LIMIT_CONNECTION_BUFFER_BYTES + 1;
    tell(&scene, data, NS_MS);
    ASSERT_PLAN(&scene, XC_REPLY, XC_FINISH);
    assert_int_equal(scene.plan.items[0].response->status, 507);
    assert_str(scene.plan.items[0].body, "exceeded request buffer limit while retrying upstream");
    assert_str(scene.xc.record.details, "request_payload_exceeded_retry_buffer_limit");
    scene_fini(&scene);
}

static void test_an_interim_response_binds_to_its_attempt(void **state)
{
    UNUSED_STATE(state);
    struct scene scene;
    scene_init(&scene);
    request(&scene, "GET", "/again", true);
    tell(&scene,
         (struct xc_event){
             .kind = XC_EVENT_INTERIM, .attempt = 1, .response = response(&scene, 100)},
         0);
    ASSERT_PLAN(&scene, XC_FORWARD_INTERIM);
    answer(&scene, 1, 503, NS_MS);
    ASSERT_PLAN(&scene, XC_FORWARD, XC_FINISH);
    scene_fini(&scene);
}

/* Envoy's router calls the response begun when a 1xx was passed on. */
static void test_a_failure_behind_an_interim_response_is_late(void **state)
{
    UNUSED_STATE(state);
    static const struct {
        uint32_t status;
        const char *details;
    } rows[] = {
        {100, "upstream_reset_after_response_started{connection_termination}"},
        {103, "upstream_reset_after_response_started{connection_termination}"},
        {199, "upstream_reset_before_response_started{connection_termination}"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct scene scene;
        scene_init(&scene);
        request(&scene, "GET", "/ok", true);
        tell(&scene,
             (struct xc_event){.kind = XC_EVENT_INTERIM,
                               .attempt = 1,
                               .response = response(&scene, rows[i].status)},
             0);
        tell(&scene,
             (struct xc_event){.kind = XC_EVENT_ATTEMPT_FAILED,
                               .attempt = 1,
                               .failure = FAILURE_CONNECTION_TERMINATION},
             NS_MS);
        ASSERT_PLAN(&scene, XC_REPLY, XC_FINISH);
        assert_int_equal(scene.plan.items[0].response->status, 503);
        assert_str(scene.xc.record.details, rows[i].details);
        /* To the router the answer had begun: nobody's status is counted any more. */
        assert_int_equal(counter(&scene, "upstream_rq_5xx"), rows[i].status == 199);
        assert_int_equal(counter(&scene, "upstream_rq_completed"), 1);
        scene_fini(&scene);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_response_that_is_covered_is_dropped_and_tried_again),
        cmocka_unit_test(test_the_last_response_passes_with_urx),
        cmocka_unit_test(test_an_attempt_has_its_own_time),
        cmocka_unit_test(test_the_time_of_the_last_attempt_has_its_own_details),
        cmocka_unit_test(test_a_retry_that_fails_says_so),
        cmocka_unit_test(test_only_so_many_retries_are_under_way),
        cmocka_unit_test(test_a_body_that_outgrows_the_buffer_ends_retries),
        cmocka_unit_test(test_an_interim_response_binds_to_its_attempt),
        cmocka_unit_test(test_a_failure_behind_an_interim_response_is_late),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
