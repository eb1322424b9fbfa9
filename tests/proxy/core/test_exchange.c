/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/proxy/core/test_exchange.c - the life of a request, event by event.
 */
#include "tests/proxy/core/scene.h"

static void test_local_replies_are_envoys(void **state)
{
    UNUSED_STATE(state);
    static const struct {
        const char *path;
        uint32_t status;
        const char *flag, *details, *body;
        uint32_t attempts;
    } rows[] = {
        {"/nr", 404, "NR", "route_not_found", "", 0},
        {"/nc", 503, "NC", "cluster_not_found", "", 0},
        {"/none", 503, "UH", "no_healthy_upstream", "no healthy upstream", 1},
        {"/hello", 200, "-", "direct_response", "hi", 0},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct scene scene;
        scene_init(&scene);
        request(&scene, "GET", rows[i].path, true);
        ASSERT_PLAN(&scene, XC_REPLY, XC_FINISH);
        assert_int_equal(scene.plan.items[0].response->status, rows[i].status);
        assert_str(scene.plan.items[0].body, rows[i].body);
        assert_str(record_flags(&scene.xc.record, &scene.arena), rows[i].flag);
        assert_str(scene.xc.record.details, rows[i].details);
        assert_int_equal(scene.xc.record.attempt_count, rows[i].attempts);
        scene_fini(&scene);
    }
}

static void test_a_response_is_forwarded_and_the_exchange_ends_once(void **state)
{
    UNUSED_STATE(state);
    struct scene scene;
    scene_init(&scene);
    request(&scene, "GET", "/ok", true);
    ASSERT_PLAN(&scene, XC_ATTEMPT);
    tell(&scene, (struct xc_event){.kind = XC_EVENT_ATTEMPT_READY, .attempt = 1}, NS_MS);
    tell(&scene,
         (struct xc_event){
             .kind = XC_EVENT_RESPONSE_HEAD, .attempt = 1, .response = response(&scene, 200)},
         3 * NS_MS);
    ASSERT_PLAN(&scene, XC_FORWARD);
    struct str took;
    assert_true(header_get(&scene.plan.items[0].response->headers,
                           STR("x-envoy-upstream-service-time"), &took));
    assert_str(took, "3");
    tell(&scene, (struct xc_event){.kind = XC_EVENT_RESPONSE_DATA, .attempt = 1, .size = 7},
         4 * NS_MS);
    assert_int_equal(scene.plan.count, 0);
    tell(&scene, (struct xc_event){.kind = XC_EVENT_RESPONSE_END, .attempt = 1}, 5 * NS_MS);
    ASSERT_PLAN(&scene, XC_FINISH);
    assert_int_equal(scene.xc.record.bytes_sent, 7);
    assert_str(scene.xc.record.details, "via_upstream");
    tell(&scene, (struct xc_event){.kind = XC_EVENT_CLIENT_GONE}, 6 * NS_MS);
    assert_int_equal(scene.plan.count, 0);
    scene_fini(&scene);
}

static void test_the_clock_starts_when_the_request_is_complete(void **state)
{
    UNUSED_STATE(state);
    struct scene scene;
    scene_init(&scene);
    request(&scene, "POST", "/slow", false);
    assert_true(exchange_wake_ns(&scene.xc) == NS_NEVER);
    tell(&scene, (struct xc_event){.kind = XC_EVENT_REQUEST_END}, 100 * NS_MS);
    assert_true(exchange_wake_ns(&scene.xc) == 600 * NS_MS);
    tell(&scene, (struct xc_event){.kind = XC_EVENT_WAKE}, 599 * NS_MS);
    assert_int_equal(scene.plan.count, 0);
    tell(&scene, (struct xc_event){.kind = XC_EVENT_WAKE}, 600 * NS_MS);
    ASSERT_PLAN(&scene, XC_ABANDON, XC_REPLY, XC_FINISH);
    assert_int_equal(scene.plan.items[1].response->status, 504);
    assert_str(scene.plan.items[1].body, "upstream request timeout");
    assert_str(scene.xc.record.details, "response_timeout");
    uint64_t timeouts = 0;
    assert_true(engine_stat(scene.engine, STR("pod"), STR("upstream_rq_timeout"), &timeouts));
    assert_int_equal(timeouts, 1);
    scene_fini(&scene);
}

static void test_a_late_body_is_cut(void **state)
{
    UNUSED_STATE(state);
    struct scene scene;
    scene_init(&scene);
    request(&scene, "GET", "/slow", true);
    tell(&scene,
         (struct xc_event){
             .kind = XC_EVENT_RESPONSE_HEAD, .attempt = 1, .response = response(&scene, 200)},
         NS_MS);
    tell(&scene, (struct xc_event){.kind = XC_EVENT_WAKE}, 500 * NS_MS);
    ASSERT_PLAN(&scene, XC_ABANDON, XC_CUT, XC_FINISH);
    assert_int_equal(scene.xc.record.status, 200);
    assert_str(record_flags(&scene.xc.record, &scene.arena), "UT");
    scene_fini(&scene);
}

/* ENVOY.md 3.4, 17.1: every reason, also those that only HTTP/2 upstreams give; a
 * transport's text is not in the body. */
static void test_resets_are_worded_as_envoy_does(void **state)
{
    UNUSED_STATE(state);
    static const struct {
        enum failure failure;
        const char *text;
        uint32_t status;
        const char *flag, *reason, *details;
    } rows[] = {
        {FAILURE_LOCAL_CONNECTION_FAILURE, "", 503, "UF", "local connection failure",
         "local_connection_failure"},
        {FAILURE_REMOTE_CONNECTION_FAILURE, "delayed connect error: Connection refused", 503, "UF",
         "remote connection failure",
         "remote_connection_failure|delayed_connect_error:_Connection_refused"},
        {FAILURE_CONNECTION_TIMEOUT, "", 503, "UF", "connection timeout", "connection_timeout"},
        {FAILURE_CONNECTION_TERMINATION, "", 503, "UC", "connection termination",
         "connection_termination"},
        {FAILURE_LOCAL_RESET, "", 503, "LR", "local reset", "local_reset"},
        {FAILURE_LOCAL_REFUSED_STREAM, "", 503, "LR", "local refused stream reset",
         "local_refused_stream_reset"},
        {FAILURE_OVERFLOW, "", 503, "UO", "overflow", "overflow"},
        {FAILURE_REMOTE_RESET, "", 503, "UR", "remote reset", "remote_reset"},
        {FAILURE_REMOTE_REFUSED_STREAM, "", 503, "UR", "remote refused stream reset",
         "remote_refused_stream_reset"},
        {FAILURE_PROTOCOL_ERROR, "", 502, "UPE", "protocol error", "protocol_error"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct scene scene;
        scene_init(&scene);
        request(&scene, "GET", "/ok", true);
        tell(&scene,
             (struct xc_event){.kind = XC_EVENT_ATTEMPT_FAILED,
                               .attempt = 1,
                               .failure = rows[i].failure,
                               .text = str_of(rows[i].text)},
             NS_MS);
        ASSERT_PLAN(&scene, XC_REPLY, XC_FINISH);
        const struct response_head *head = scene.plan.items[0].response;
        struct str overloaded = STR_EMPTY;
        assert_int_equal(head->status, rows[i].status);
        assert_int_equal(header_get(&head->headers, STR("x-envoy-overloaded"), &overloaded),
                         rows[i].failure == FAILURE_OVERFLOW);
        assert_str(scene.plan.items[0].body,
                   arena_format(&scene.arena,
                                "upstream connect error or disconnect/reset before headers. "
                                "reset reason: %s",
                                rows[i].reason)
                       .ptr);
        assert_str(scene.xc.record.details,
                   arena_format(&scene.arena, "upstream_reset_before_response_started{%s}",
                                rows[i].details)
                       .ptr);
        assert_str(record_flags(&scene.xc.record, &scene.arena), rows[i].flag);
        scene_fini(&scene);
    }
}

/* A pool that has no room to wait in names no host; one that is full of requests does. */
static void test_the_host_of_an_overflow(void **state)
{
    UNUSED_STATE(state);
    static const struct {
        const char *full;
        bool is_named;
    } rows[] = {{"max_pending_requests", false}, {"max_requests", true}, {"max_connections", true}};
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct scene scene;
        scene_init(&scene);
        request(&scene, "GET", "/ok", true);
        tell(&scene,
             (struct xc_event){.kind = XC_EVENT_ATTEMPT_FAILED,
                               .attempt = 1,
                               .failure = FAILURE_OVERFLOW,
                               .text = str_of(rows[i].full)},
             NS_MS);
        assert_int_equal(scene.xc.record.endpoint != NULL, rows[i].is_named);
        scene_fini(&scene);
    }
}

static void test_a_client_that_leaves_takes_its_attempt_along(void **state)
{
    UNUSED_STATE(state);
    struct scene scene;
    scene_init(&scene);
    request(&scene, "GET", "/ok", true);
    tell(&scene, (struct xc_event){.kind = XC_EVENT_CLIENT_GONE}, NS_MS);
    ASSERT_PLAN(&scene, XC_ABANDON, XC_FINISH);
    assert_int_equal(scene.xc.record.status, 0);
    assert_str(record_flags(&scene.xc.record, &scene.arena), "DC");
    assert_str(scene.xc.record.details, "downstream_remote_disconnect");
    /* Words from the attempt that was given up. */
    tell(&scene,
         (struct xc_event){
             .kind = XC_EVENT_RESPONSE_HEAD, .attempt = 1, .response = response(&scene, 200)},
         2 * NS_MS);
    assert_int_equal(scene.plan.count, 0);
    scene_fini(&scene);
}

static void test_head_requests_get_no_body(void **state)
{
    UNUSED_STATE(state);
    struct scene scene;
    scene_init(&scene);
    request(&scene, "HEAD", "/hello", true);
    ASSERT_PLAN(&scene, XC_REPLY, XC_FINISH);
    assert_int_equal(scene.plan.items[0].body.len, 0);
    struct str length;
    assert_true(header_get(&scene.plan.items[0].response->headers, STR("content-length"), &length));
    assert_str(length, "2");
    scene_fini(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_local_replies_are_envoys),
        cmocka_unit_test(test_a_response_is_forwarded_and_the_exchange_ends_once),
        cmocka_unit_test(test_the_clock_starts_when_the_request_is_complete),
        cmocka_unit_test(test_a_late_body_is_cut),
        cmocka_unit_test(test_resets_are_worded_as_envoy_does),
        cmocka_unit_test(test_the_host_of_an_overflow),
        cmocka_unit_test(test_a_client_that_leaves_takes_its_attempt_along),
        cmocka_unit_test(test_head_requests_get_no_body),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
