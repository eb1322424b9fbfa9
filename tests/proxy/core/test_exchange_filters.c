/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/proxy/core/test_exchange_filters.c - faults and CORS before the router, mirrors
 * behind it.
 */
#include "tests/proxy/core/scene.h"

/* Of the scene's first route, /ok. */
static struct route *route_of(struct scene *scene)
{
    /* The test made the snapshot's routes itself. */
    return (struct route *)(uintptr_t)&scene->http.routes->virtual_hosts[0].routes[0];
}

static uint64_t http_counter(struct scene *scene, const char *name)
{
    uint64_t value = UINT64_MAX;
    assert_true(engine_stat(scene->engine, STR("http"), str_of(name), &value));
    return value;
}

static const struct fault_policy DELAY = {
    .has_delay = true, .delay_ns = 300 * NS_MS, .delay_share = {100, 100}};
static const struct fault_policy DELAY_AND_ABORT = {.has_delay = true,
                                                    .delay_ns = 300 * NS_MS,
                                                    .delay_share = {100, 100},
                                                    .has_abort = true,
                                                    .has_abort_share = true,
                                                    .abort_status = 418,
                                                    .abort_share = {100, 100}};
static const struct fault_policy GRPC_ABORT = {.has_abort = true,
                                               .has_abort_share = true,
                                               .has_grpc_status = true,
                                               .grpc_status = 8,
                                               .abort_share = {100, 100}};

static void test_the_routes_clock_starts_after_a_delay(void **state)
{
    UNUSED_STATE(state);
    struct scene scene;
    scene_init(&scene);
    struct route *route = route_of(&scene);
    route->fault = &DELAY;
    route->forward.timeout_ns = 100 * NS_MS;
    request(&scene, "GET", "/ok", true);
    assert_int_equal(scene.plan.count, 0);
    assert_true(exchange_wake_ns(&scene.xc) == 300 * NS_MS);
    tell(&scene, (struct xc_event){.kind = XC_EVENT_WAKE}, 299 * NS_MS);
    assert_int_equal(scene.plan.count, 0);
    tell(&scene, (struct xc_event){.kind = XC_EVENT_WAKE}, 300 * NS_MS);
    ASSERT_PLAN(&scene, XC_ATTEMPT);
    assert_true(exchange_wake_ns(&scene.xc) == 400 * NS_MS);
    answer(&scene, 1, 200, 350 * NS_MS);
    ASSERT_PLAN(&scene, XC_FORWARD, XC_FINISH);
    struct str took;
    assert_true(header_get(&scene.plan.items[0].response->headers,
                           STR("x-envoy-upstream-service-time"), &took));
    assert_str(took, "50");
    assert_str(record_flags(&scene.xc.record, &scene.arena), "DI");
    assert_int_equal(http_counter(&scene, "fault.delays_injected"), 1);
    scene_fini(&scene);
}

static void test_a_request_that_is_completed_in_the_delay_is_complete_after_it(void **state)
{
    UNUSED_STATE(state);
    struct scene scene;
    scene_init(&scene);
    struct route *route = route_of(&scene);
    route->fault = &DELAY;
    route->forward.timeout_ns = 100 * NS_MS;
    request(&scene, "POST", "/ok", false);
    tell(&scene, (struct xc_event){.kind = XC_EVENT_REQUEST_END}, 100 * NS_MS);
    assert_true(exchange_wake_ns(&scene.xc) == 300 * NS_MS);
    tell(&scene, (struct xc_event){.kind = XC_EVENT_WAKE}, 300 * NS_MS);
    ASSERT_PLAN(&scene, XC_ATTEMPT);
    assert_true(scene.plan.items[0].is_end);
    assert_true(exchange_wake_ns(&scene.xc) == 400 * NS_MS);
    scene_fini(&scene);
}

static void test_an_abort_is_drawn_after_the_delay(void **state)
{
    UNUSED_STATE(state);
    struct scene scene;
    scene_init(&scene);
    route_of(&scene)->fault = &DELAY_AND_ABORT;
    request(&scene, "GET", "/ok", true);
    tell(&scene, (struct xc_event){.kind = XC_EVENT_WAKE}, 300 * NS_MS);
    ASSERT_PLAN(&scene, XC_REPLY, XC_FINISH);
    assert_int_equal(scene.plan.items[0].response->status, 418);
    assert_str(scene.plan.items[0].body, "fault filter abort");
    assert_str(record_flags(&scene.xc.record, &scene.arena), "DI,FI");
    assert_str(scene.xc.record.details, "fault_filter_abort");
    assert_str(scene.xc.record.cluster_name, "pod");
    assert_int_equal(scene.xc.record.attempt_count, 0);
    assert_int_equal(http_counter(&scene, "fault.aborts_injected"), 1);
    /* The router never saw it. */
    assert_int_equal(http_counter(&scene, "rq_total"), 0);
    assert_int_equal(counter(&scene, "upstream_rq_completed"), 0);
    scene_fini(&scene);
}

static void test_a_client_may_leave_during_the_delay(void **state)
{
    UNUSED_STATE(state);
    struct scene scene;
    scene_init(&scene);
    route_of(&scene)->fault = &DELAY;
    request(&scene, "GET", "/ok", true);
    tell(&scene, (struct xc_event){.kind = XC_EVENT_CLIENT_GONE}, 100 * NS_MS);
    ASSERT_PLAN(&scene, XC_FINISH);
    assert_str(record_flags(&scene.xc.record, &scene.arena), "DI,DC");
    assert_true(exchange_wake_ns(&scene.xc) == NS_NEVER);
    scene_fini(&scene);
}

static void test_a_grpc_status_is_for_grpc_requests(void **state)
{
    UNUSED_STATE(state);
    struct scene scene;
    scene_init(&scene);
    route_of(&scene)->fault = &GRPC_ABORT;
    request(&scene, "GET", "/ok", true);
    ASSERT_PLAN(&scene, XC_REPLY, XC_FINISH);
    assert_int_equal(scene.plan.items[0].response->status, 200);
    assert_str(scene.plan.items[0].body, "fault filter abort");
    struct request_head *head = build_request(&scene.arena, "POST", "a", "/ok");
    build_header(head, "content-type", "application/grpc");
    request_with(&scene, head, true);
    ASSERT_PLAN(&scene, XC_REPLY, XC_FINISH);
    struct str status;
    assert_true(header_get(&scene.plan.items[0].response->headers, STR("grpc-status"), &status));
    assert_str(status, "8");
    assert_int_equal(scene.plan.items[0].body.len, 0);
    assert_true(header_is_present(&scene.plan.items[0].response->headers, STR("grpc-message")));
    head = build_request(&scene.arena, "HEAD", "a", "/ok"); /* no words for who wants none */
    build_header(head, "content-type", "application/grpc");
    request_with(&scene, head, true);
    ASSERT_PLAN(&scene, XC_REPLY, XC_FINISH);
    assert_false(header_is_present(&scene.plan.items[0].response->headers, STR("grpc-message")));
    scene_fini(&scene);
}

static const struct string_matcher ORIGIN[] = {
    {.kind = STRING_EXACT, .value = STR_INIT("https://a")}};
static const struct cors_policy CORS = {
    .origins = ORIGIN, .origin_count = 1, .methods = STR_INIT("GET")};

static void ask_from(struct scene *scene, const char *method, const char *path, const char *origin)
{
    struct request_head *head = build_request(&scene->arena, method, "a", path);
    build_header(head, "origin", origin);
    build_header(head, "access-control-request-method", "GET");
    request_with(scene, head, true);
}

static void test_a_preflight_never_reaches_the_router(void **state)
{
    UNUSED_STATE(state);
    struct scene scene;
    scene_init(&scene);
    route_of(&scene)->cors = &CORS;
    ask_from(&scene, "OPTIONS", "/ok", "https://a");
    ASSERT_PLAN(&scene, XC_REPLY, XC_FINISH);
    assert_int_equal(scene.xc.record.status, 200);
    assert_str(scene.xc.record.details, "cors_response");
    assert_str(record_flags(&scene.xc.record, &scene.arena), "-");
    assert_int_equal(http_counter(&scene, "rq_total"), 0);
    assert_int_equal(http_counter(&scene, "cors.origin_valid"), 1);
    scene_fini(&scene);
}

static void test_responses_are_marked_whoever_makes_them(void **state)
{
    UNUSED_STATE(state);
    struct scene scene;
    scene_init(&scene);
    route_of(&scene)->cors = &CORS;
    struct str origin;
    ask_from(&scene, "GET", "/ok", "https://a");
    answer(&scene, 1, 200, NS_MS);
    assert_true(header_get(&scene.plan.items[0].response->headers,
                           STR("access-control-allow-origin"), &origin));
    assert_str(origin, "https://a");
    ask_from(&scene, "GET", "/ok", "https://a");
    tell(&scene,
         (struct xc_event){.kind = XC_EVENT_ATTEMPT_FAILED,
                           .attempt = 1,
                           .failure = FAILURE_CONNECTION_TERMINATION},
         NS_MS);
    ASSERT_PLAN(&scene, XC_REPLY, XC_FINISH);
    assert_true(header_is_present(&scene.plan.items[0].response->headers,
                                  STR("access-control-allow-origin")));
    ask_from(&scene, "GET", "/ok", "https://b");
    answer(&scene, 1, 200, NS_MS);
    assert_false(header_is_present(&scene.plan.items[0].response->headers,
                                   STR("access-control-allow-origin")));
    assert_int_equal(http_counter(&scene, "cors.origin_invalid"), 1);
    scene_fini(&scene);
}

static void test_a_fault_comes_before_cors(void **state)
{
    UNUSED_STATE(state);
    struct scene scene;
    scene_init(&scene);
    route_of(&scene)->cors = &CORS;
    route_of(&scene)->fault = &GRPC_ABORT;
    ask_from(&scene, "OPTIONS", "/ok", "https://a");
    ASSERT_PLAN(&scene, XC_REPLY, XC_FINISH);
    assert_str(scene.xc.record.details, "fault_filter_abort");
    assert_false(header_is_present(&scene.plan.items[0].response->headers,
                                   STR("access-control-allow-origin")));
    scene_fini(&scene);
}

static const struct mirror_policy MIRRORS[] = {
    {.cluster = STR_INIT("pod")},
    {.cluster = STR_INIT("nowhere")},
    {.cluster = STR_INIT("empty")},
    {.cluster = STR_INIT("pod"), .has_share = true, .share = {0, 100}},
    {.cluster = STR_INIT("pod"), .has_share = true, .share = {100, 100}},
};

static void test_the_first_attempt_is_copied_to_whom_there_is(void **state)
{
    UNUSED_STATE(state);
    static const struct retry_policy once = {.conditions = RETRY_ON_BIT(5XX), .num_retries = 1};
    struct scene scene;
    scene_init(&scene);
    struct route *route = route_of(&scene);
    route->forward.mirrors = MIRRORS;
    route->forward.mirror_count = COUNT_OF(MIRRORS);
    route->forward.retry = &once;
    request(&scene, "GET", "/ok", true);
    ASSERT_PLAN(&scene, XC_MIRROR, XC_ATTEMPT);
    assert_int_equal(scene.plan.items[0].mirror_count, 2);
    assert_int_equal(scene.plan.items[0].mirrors[1].cluster_index, 0);
    assert_true(scene.plan.items[0].request != scene.plan.items[1].request);
    uint64_t none = 0;
    assert_true(engine_stat(scene.engine, STR("empty"), STR("upstream_cx_none_healthy"), &none));
    assert_int_equal(none, 1);
    answer(&scene, 1, 500, NS_MS);
    tell(&scene, (struct xc_event){.kind = XC_EVENT_WAKE}, exchange_wake_ns(&scene.xc));
    ASSERT_PLAN(&scene, XC_ATTEMPT);
    scene_fini(&scene);
}

static void test_without_an_endpoint_nothing_is_copied(void **state)
{
    UNUSED_STATE(state);
    struct scene scene;
    scene_init(&scene);
    struct route *route = route_of(&scene);
    route->forward.cluster = STR("empty");
    route->forward.mirrors = MIRRORS;
    route->forward.mirror_count = 1;
    request(&scene, "GET", "/ok", true);
    ASSERT_PLAN(&scene, XC_REPLY, XC_FINISH);
    scene_fini(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_routes_clock_starts_after_a_delay),
        cmocka_unit_test(test_a_request_that_is_completed_in_the_delay_is_complete_after_it),
        cmocka_unit_test(test_an_abort_is_drawn_after_the_delay),
        cmocka_unit_test(test_a_client_may_leave_during_the_delay),
        cmocka_unit_test(test_a_grpc_status_is_for_grpc_requests),
        cmocka_unit_test(test_a_preflight_never_reaches_the_router),
        cmocka_unit_test(test_responses_are_marked_whoever_makes_them),
        cmocka_unit_test(test_a_fault_comes_before_cors),
        cmocka_unit_test(test_the_first_attempt_is_copied_to_whom_there_is),
        cmocka_unit_test(test_without_an_endpoint_nothing_is_copied),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
