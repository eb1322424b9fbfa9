/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/proxy/core/test_exchange_timeouts.c - ENVOY.md 3.2: which clock ends an
 * attempt or a request, and what is counted where.
 */
#include "proxy/core/engine_stats.h"

#include "tests/proxy/core/scene.h"

static uint64_t of_host(struct scene *scene, enum endpoint_stat stat)
{
    return engine_endpoint_stats(scene->engine, 0, 0)->counters[stat];
}

/* /again: retries twice on 5xx; a try has 200 ms, the whole 500 ms, and here nothing else. */
static struct retry_policy *only_policy(struct scene *scene)
{
    static struct retry_policy policy;
    const struct virtual_host *host = scene->http.routes->virtual_hosts;
    struct route *again = (struct route *)(void *)&host->routes[5];
    policy = *again->forward.retry;
    again->forward.retry = &policy;
    return &policy;
}

static void ready(struct scene *scene, uint32_t attempt, int64_t now_ns)
{
    tell(scene, (struct xc_event){.kind = XC_EVENT_ATTEMPT_READY, .attempt = attempt}, now_ns);
}

static void wake(struct scene *scene, int64_t now_ns)
{
    tell(scene, (struct xc_event){.kind = XC_EVENT_WAKE}, now_ns);
}

static void begin_response(struct scene *scene, uint32_t attempt, int64_t now_ns)
{
    tell(scene,
         (struct xc_event){
             .kind = XC_EVENT_RESPONSE_HEAD, .attempt = attempt, .response = response(scene, 200)},
         now_ns);
}

static void data(struct scene *scene, uint32_t attempt, int64_t now_ns)
{
    tell(scene, (struct xc_event){.kind = XC_EVENT_RESPONSE_DATA, .attempt = attempt, .size = 1},
         now_ns);
}

static void test_a_silent_attempt_is_given_up(void **state)
{
    UNUSED_STATE(state);
    struct scene scene;
    scene_init(&scene);
    only_policy(&scene)->per_try_idle_timeout_ns = 50 * NS_MS;
    request(&scene, "GET", "/again", true);
    assert_true(exchange_wake_ns(&scene.xc) == 500 * NS_MS);
    ready(&scene, 1, 10 * NS_MS);
    assert_true(exchange_wake_ns(&scene.xc) == 60 * NS_MS);
    wake(&scene, 60 * NS_MS);
    ASSERT_PLAN(&scene, XC_ABANDON);
    wake(&scene, 60 * NS_MS);
    ready(&scene, 2, 70 * NS_MS);
    wake(&scene, 120 * NS_MS);
    wake(&scene, 120 * NS_MS);
    ready(&scene, 3, 130 * NS_MS);
    wake(&scene, 180 * NS_MS);
    ASSERT_PLAN(&scene, XC_ABANDON, XC_REPLY, XC_FINISH);
    assert_int_equal(scene.xc.record.status, 504);
    assert_str(scene.plan.items[1].body, "upstream request timeout");
    assert_str(scene.xc.record.details, "upstream_per_try_idle_timeout");
    assert_str(record_flags(&scene.xc.record, &scene.arena), "URX,UT");
    assert_int_equal(counter(&scene, "upstream_rq_per_try_idle_timeout"), 3);
    assert_int_equal(counter(&scene, "upstream_rq_per_try_timeout"), 0);
    assert_int_equal(of_host(&scene, STAT_ENDPOINT_rq_timeout), 3);
    assert_int_equal(of_host(&scene, STAT_ENDPOINT_rq_error), 3);
    scene_fini(&scene);
}

static void test_each_sign_of_life_counts(void **state)
{
    UNUSED_STATE(state);
    struct scene scene;
    scene_init(&scene);
    only_policy(&scene)->per_try_idle_timeout_ns = 50 * NS_MS;
    request(&scene, "GET", "/again", true);
    ready(&scene, 1, 0);
    begin_response(&scene, 1, 40 * NS_MS);
    assert_true(exchange_wake_ns(&scene.xc) == 90 * NS_MS);
    data(&scene, 1, 80 * NS_MS);
    assert_true(exchange_wake_ns(&scene.xc) == 130 * NS_MS);
    /* The response has begun: nothing is left but to cut it. */
    wake(&scene, 130 * NS_MS);
    ASSERT_PLAN(&scene, XC_ABANDON, XC_CUT, XC_FINISH);
    assert_str(scene.xc.record.details, "upstream_per_try_idle_timeout");
    assert_int_equal(scene.xc.record.status, 200);
    assert_int_equal(of_host(&scene, STAT_ENDPOINT_rq_success), 1);
    assert_int_equal(of_host(&scene, STAT_ENDPOINT_rq_error), 0);
    scene_fini(&scene);
}

static void request_of_duration(struct scene *scene, const char *path, const char *ms, bool is_end)
{
    static struct header_mutation mutation;
    const struct virtual_host *host = scene->http.routes->virtual_hosts;
    mutation = (struct header_mutation){.name = STR("x-envoy-upstream-stream-duration-ms"),
                                        .value = str_of(ms),
                                        .action = OVERWRITE_OR_ADD};
    for (uint32_t i = 0; i < host->route_count; i++) {
        struct route *route = (struct route *)(void *)&host->routes[i];
        route->request_headers = (struct header_mutations){.add = &mutation, .add_count = 1};
    }
    request(scene, "GET", path, is_end);
}

/* What a route says; a caller's word is gone by then (ENVOY.md 1.6). */
static void test_an_attempt_lives_as_long_as_its_route_says(void **state)
{
    UNUSED_STATE(state);
    static const struct {
        const char *path, *ms;
        bool is_complete;
        int64_t wake_ms; /* after it had its connection at 10 ms; 0: no clock */
        uint32_t status;
        const char *flags;
    } rows[] = {
        {"/ok", "100", true, 110, 504, "UMSDR"},
        {"/ok", "100", false, 110, 408, "UMSDR"},
        {"/ok", "0", true, 0, 0, ""},
        {"/ok", "soon", true, 0, 0, ""},
        {"/again", "100", true, 110, 0, ""}, /* another attempt */
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct scene scene;
        scene_init(&scene);
        request_of_duration(&scene, rows[i].path, rows[i].ms, rows[i].is_complete);
        assert_false(header_is_present(&scene.xc.request->headers,
                                       STR("x-envoy-upstream-stream-duration-ms")));
        ready(&scene, 1, 10 * NS_MS);
        if (rows[i].wake_ms == 0) {
            assert_true(exchange_wake_ns(&scene.xc) == NS_NEVER);
            tell(&scene, (struct xc_event){.kind = XC_EVENT_CLIENT_GONE}, 20 * NS_MS);
            scene_fini(&scene);
            continue;
        }
        assert_true(exchange_wake_ns(&scene.xc) == rows[i].wake_ms * NS_MS);
        wake(&scene, rows[i].wake_ms * NS_MS);
        assert_int_equal(counter(&scene, "upstream_rq_max_duration_reached"), 1);
        assert_int_equal(counter(&scene, "upstream_rq_completed"), 0);
        if (rows[i].status == 0) {
            ASSERT_PLAN(&scene, XC_ABANDON);
            assert_int_equal(counter(&scene, "upstream_rq_retry"), 1);
            tell(&scene, (struct xc_event){.kind = XC_EVENT_CLIENT_GONE}, 120 * NS_MS);
            scene_fini(&scene);
            continue;
        }
        ASSERT_PLAN(&scene, XC_ABANDON, XC_REPLY, XC_FINISH);
        assert_int_equal(scene.xc.record.status, rows[i].status);
        assert_str(scene.plan.items[1].body, "upstream max stream duration reached");
        assert_str(scene.xc.record.details, "upstream_max_stream_duration_reached");
        assert_str(record_flags(&scene.xc.record, &scene.arena), rows[i].flags);
        scene_fini(&scene);
    }
}

static void test_a_response_is_cut_at_the_end_of_its_stream(void **state)
{
    UNUSED_STATE(state);
    struct scene scene;
    scene_init(&scene);
    request_of_duration(&scene, "/ok", "100", true);
    ready(&scene, 1, 0);
    begin_response(&scene, 1, 40 * NS_MS);
    wake(&scene, 100 * NS_MS);
    ASSERT_PLAN(&scene, XC_ABANDON, XC_CUT, XC_FINISH);
    assert_str(record_flags(&scene.xc.record, &scene.arena), "UMSDR");
    scene_fini(&scene);
}

/* "Global timeout fires": what of it the endpoint is told. */
static void test_the_routes_timeout_is_the_endpoints_when_it_had_the_request(void **state)
{
    UNUSED_STATE(state);
    static const struct {
        bool is_connected, is_begun;
        uint64_t timeouts, errors, of_cluster;
    } rows[] = {
        {false, false, 0, 0, 1},
        {true, false, 1, 1, 1},
        {true, true, 1, 0, 1},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct scene scene;
        scene_init(&scene);
        request(&scene, "GET", "/slow", true);
        if (rows[i].is_connected)
            ready(&scene, 1, 10 * NS_MS);
        if (rows[i].is_begun)
            begin_response(&scene, 1, 20 * NS_MS);
        wake(&scene, 500 * NS_MS);
        assert_str(scene.xc.record.details, "response_timeout");
        assert_int_equal(of_host(&scene, STAT_ENDPOINT_rq_timeout), rows[i].timeouts);
        assert_int_equal(of_host(&scene, STAT_ENDPOINT_rq_error), rows[i].errors);
        assert_int_equal(counter(&scene, "upstream_rq_timeout"), rows[i].of_cluster);
        scene_fini(&scene);
    }
}

static void test_a_timeout_between_attempts_is_nobodys(void **state)
{
    UNUSED_STATE(state);
    struct scene scene;
    scene_init(&scene);
    only_policy(&scene)->backoff_base_ns = only_policy(&scene)->backoff_max_ns = NS_HOUR;
    request(&scene, "GET", "/again", true);
    ready(&scene, 1, 0);
    answer(&scene, 1, 503, NS_MS);
    wake(&scene, 500 * NS_MS);
    ASSERT_PLAN(&scene, XC_REPLY, XC_FINISH);
    assert_str(scene.xc.record.details, "response_timeout");
    assert_int_equal(counter(&scene, "upstream_rq_timeout"), 0);
    assert_true(scene.xc.record.backoff_ns == 499 * NS_MS); /* of an hour's share */
    scene_fini(&scene);
}

/* To Envoy's router the response has begun; the route's own clock goes on. */
static void test_an_interim_response_ends_the_attempts_clock(void **state)
{
    UNUSED_STATE(state);
    struct scene scene;
    scene_init(&scene);
    request(&scene, "GET", "/again", true);
    ready(&scene, 1, 0);
    tell(&scene,
         (struct xc_event){
             .kind = XC_EVENT_INTERIM, .attempt = 1, .response = response(&scene, 103)},
         NS_MS);
    assert_true(exchange_wake_ns(&scene.xc) == 500 * NS_MS);
    wake(&scene, 500 * NS_MS);
    ASSERT_PLAN(&scene, XC_ABANDON, XC_REPLY, XC_FINISH);
    assert_str(scene.xc.record.details, "response_timeout");
    scene_fini(&scene);
}

/* 13.2: rq_success and rq_error; a response that is retried is an error whatever it
 * says, a gRPC one is judged by its grpc-status, which has no place behind messages. */
static void test_answers_are_counted_for_the_endpoint(void **state)
{
    UNUSED_STATE(state);
    static const struct {
        const char *path;
        uint32_t status;
        bool is_grpc, is_end;
        const char *grpc_status;
        uint64_t successes, errors;
    } rows[] = {
        {"/ok", 200, false, true, NULL, 1, 0}, {"/ok", 404, false, true, NULL, 1, 0},
        {"/ok", 503, false, true, NULL, 0, 1}, {"/again", 503, false, true, NULL, 0, 1},
        {"/ok", 200, true, true, "0", 1, 0},   {"/ok", 200, true, true, "5", 1, 0},
        {"/ok", 200, true, true, "14", 0, 1},  {"/ok", 200, true, true, NULL, 0, 1},
        {"/ok", 200, true, false, NULL, 0, 1},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct scene scene;
        scene_init(&scene);
        struct request_head *head = build_request(&scene.arena, "POST", "a", rows[i].path);
        if (rows[i].is_grpc)
            build_header(head, "content-type", "application/grpc");
        request_with(&scene, head, true);
        ready(&scene, 1, 0);
        struct response_head *said = response(&scene, rows[i].status);
        if (rows[i].grpc_status != NULL)
            header_add(&said->headers, STR("grpc-status"), str_of(rows[i].grpc_status));
        tell(&scene,
             (struct xc_event){.kind = XC_EVENT_RESPONSE_HEAD,
                               .attempt = 1,
                               .response = said,
                               .is_end = rows[i].is_end},
             NS_MS);
        if (!rows[i].is_end)
            tell(&scene, (struct xc_event){.kind = XC_EVENT_RESPONSE_END, .attempt = 1}, NS_MS);
        assert_int_equal(of_host(&scene, STAT_ENDPOINT_rq_success), rows[i].successes);
        assert_int_equal(of_host(&scene, STAT_ENDPOINT_rq_error), rows[i].errors);
        scene_fini(&scene);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_silent_attempt_is_given_up),
        cmocka_unit_test(test_each_sign_of_life_counts),
        cmocka_unit_test(test_an_attempt_lives_as_long_as_its_route_says),
        cmocka_unit_test(test_a_response_is_cut_at_the_end_of_its_stream),
        cmocka_unit_test(test_the_routes_timeout_is_the_endpoints_when_it_had_the_request),
        cmocka_unit_test(test_a_timeout_between_attempts_is_nobodys),
        cmocka_unit_test(test_an_interim_response_ends_the_attempts_clock),
        cmocka_unit_test(test_answers_are_counted_for_the_endpoint),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
