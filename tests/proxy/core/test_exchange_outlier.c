/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/proxy/core/test_exchange_outlier.c - what exchanges report to outlier
 * detection: ENVOY.md 3.2, 3.4, 7.2, row by row.
 */
#include "tests/proxy/core/scene.h"

#include <string.h>

/* What happens to one attempt, after its request is complete. */
enum happening {
    CONNECTED = 1,
    REFUSED,    /* the connect fails */
    OVERFLOWED, /* a breaker is full */
    RESET,
    ANSWERED, /* `status`, `grpc_status` */
    LATE,     /* the route's time is over */
    LATE_TRY, /* the attempt's */
    CLIENT_LEFT,
};

struct reported {
    uint64_t of_5xx, gateway, local, total; /* detections with thresholds of one; results */
};

struct row {
    const char *what;
    const char *path;
    enum happening happenings[3];
    uint32_t status;
    const char *grpc_status;
    bool is_grpc;
    struct reported whole, split;
};

static void happen(struct scene *scene, const struct row *row, enum happening what)
{
    struct xc_event event = {.attempt = 1};
    int64_t at_ns = 0;
    switch (what) {
    case CONNECTED:
        event.kind = XC_EVENT_ATTEMPT_READY;
        break;
    case REFUSED:
        event.kind = XC_EVENT_ATTEMPT_FAILED;
        event.failure = FAILURE_REMOTE_CONNECTION_FAILURE;
        break;
    case OVERFLOWED:
        event.kind = XC_EVENT_ATTEMPT_FAILED;
        event.failure = FAILURE_OVERFLOW;
        break;
    case RESET:
        event.kind = XC_EVENT_ATTEMPT_FAILED;
        event.failure = FAILURE_CONNECTION_TERMINATION;
        break;
    case ANSWERED:
        event.kind = XC_EVENT_RESPONSE_HEAD;
        event.response = response(scene, row->status);
        if (row->grpc_status != NULL)
            header_add(&event.response->headers, STR("grpc-status"), str_of(row->grpc_status));
        break;
    case LATE:
        event.kind = XC_EVENT_WAKE;
        at_ns = 500 * NS_MS;
        break;
    case LATE_TRY:
        event.kind = XC_EVENT_WAKE;
        at_ns = 200 * NS_MS;
        break;
    case CLIENT_LEFT:
        event.kind = XC_EVENT_CLIENT_GONE;
        break;
    }
    tell(scene, event, at_ns);
}

static void send(struct scene *scene, const struct row *row)
{
    struct request_head *head = build_request(&scene->arena, "POST", "a", row->path);
    if (row->is_grpc)
        header_add(&head->headers, STR("content-type"), STR("application/grpc"));
    request_with(scene, head, true);
}

static void check(const struct row *row, bool is_splitting, struct reported want)
{
    struct outlier_detection outlier = {.is_splitting_origins = is_splitting};
    static const enum outlier_number thresholds[] = {OUTLIER_CONSECUTIVE_5XX,
                                                     OUTLIER_CONSECUTIVE_GATEWAY_FAILURE,
                                                     OUTLIER_CONSECUTIVE_LOCAL_ORIGIN_FAILURE};
    for (size_t i = 0; i < COUNT_OF(thresholds); i++)
        outlier_say(&outlier, thresholds[i], 1);
    outlier_say(&outlier, OUTLIER_MAX_EJECTION_PERCENT, 100);
    outlier_say(&outlier, OUTLIER_ENFORCING_CONSECUTIVE_5XX, 0);
    outlier_say(&outlier, OUTLIER_ENFORCING_CONSECUTIVE_LOCAL_ORIGIN_FAILURE, 0);
    struct scene scene;
    scene_init_with(&scene, &outlier);
    send(&scene, row);
    for (size_t i = 0; i < COUNT_OF(row->happenings) && row->happenings[i] != 0; i++)
        happen(&scene, row, row->happenings[i]);
    const struct outlier_host *host = shared_cluster(engine_shared(scene.engine), 0)->hosts[0];
    struct reported got = {
        .of_5xx = counter(&scene, "outlier_detection.ejections_detected_consecutive_5xx"),
        .gateway =
            counter(&scene, "outlier_detection.ejections_detected_consecutive_gateway_failure"),
        .local = counter(&scene,
                         "outlier_detection.ejections_detected_consecutive_local_origin_failure"),
        .total = atomic_load(&host->totals[0][0]) + atomic_load(&host->totals[0][1]),
    };
    if (memcmp(&got, &want, sizeof(got)) != 0)
        fail_msg("%s%s: 5xx %llu, gateway %llu, local %llu, results %llu", row->what,
                 is_splitting ? ", split" : "", (unsigned long long)got.of_5xx,
                 (unsigned long long)got.gateway, (unsigned long long)got.local,
                 (unsigned long long)got.total);
    scene_fini(&scene);
}

static const struct row OUTCOMES[] = {
    {"200", "/ok", {CONNECTED, ANSWERED}, 200, NULL, false, {0, 0, 0, 1}, {0, 0, 0, 2}},
    {"404", "/ok", {CONNECTED, ANSWERED}, 404, NULL, false, {0, 0, 0, 1}, {0, 0, 0, 2}},
    {"500", "/ok", {CONNECTED, ANSWERED}, 500, NULL, false, {1, 0, 0, 1}, {1, 0, 0, 2}},
    {"503", "/ok", {CONNECTED, ANSWERED}, 503, NULL, false, {1, 1, 0, 1}, {1, 1, 0, 2}},
    {"refused", "/ok", {REFUSED}, 0, NULL, false, {1, 1, 0, 1}, {0, 0, 1, 1}},
    {"overflow is nobody's", "/ok", {OVERFLOWED}, 0, NULL, false, {0}, {0}},
    {"reset before the response",
     "/ok",
     {CONNECTED, RESET},
     0,
     NULL,
     false,
     {1, 1, 0, 1},
     {0, 0, 1, 2}},
    {"reset in it",
     "/ok",
     {CONNECTED, ANSWERED, RESET},
     200,
     NULL,
     false,
     {1, 1, 0, 2},
     {0, 0, 1, 3}},
    {"the route's time", "/slow", {CONNECTED, LATE}, 0, NULL, false, {1, 1, 0, 1}, {0, 0, 1, 2}},
    {"the route's time without a connection", "/slow", {LATE}, 0, NULL, false, {0}, {0}},
    {"the route's time in the response",
     "/slow",
     {CONNECTED, ANSWERED, LATE},
     200,
     NULL,
     false,
     {0, 0, 0, 1},
     {0, 0, 0, 2}},
    {"an attempt's time",
     "/again",
     {CONNECTED, LATE_TRY},
     0,
     NULL,
     false,
     {1, 1, 0, 1},
     {0, 0, 1, 2}},
    {"a response that is made again",
     "/again",
     {CONNECTED, ANSWERED},
     500,
     NULL,
     false,
     {1, 0, 0, 1},
     {1, 0, 0, 2}},
    {"a client that leaves", "/ok", {CONNECTED, CLIENT_LEFT}, 0, NULL, false, {0}, {0, 0, 0, 1}},
};

static void test_each_outcome_is_reported(void **state)
{
    UNUSED_STATE(state);
    for (size_t i = 0; i < COUNT_OF(OUTCOMES); i++) {
        check(&OUTCOMES[i], false, OUTCOMES[i].whole);
        check(&OUTCOMES[i], true, OUTCOMES[i].split);
    }
}

static void test_grpc_statuses_are_mapped(void **state)
{
    UNUSED_STATE(state);
    static const struct {
        const char *status;
        bool is_5xx, is_gateway;
    } rows[] = {
        {"0", false, false},  {"1", false, false}, {"2", true, false},   {"3", false, false},
        {"4", true, true},    {"5", false, false}, {"6", false, false},  {"7", false, false},
        {"8", false, false},  {"9", false, false}, {"10", false, false}, {"11", false, false},
        {"12", true, false},  {"13", true, false}, {"14", true, true},   {"15", true, false},
        {"16", false, false}, {"99", true, false}, {"x", false, false},  {NULL, false, false},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct row row = {.what = rows[i].status != NULL ? rows[i].status : "none",
                          .path = "/ok",
                          .happenings = {CONNECTED, ANSWERED},
                          .status = 200,
                          .grpc_status = rows[i].status,
                          .is_grpc = true};
        check(&row, false, (struct reported){rows[i].is_5xx, rows[i].is_gateway, 0, 1});
        row.is_grpc = false;
        check(&row, false, (struct reported){0, 0, 0, 1});
    }
}

/* The only pod is ejected, and with it everybody; it comes back. */
static void test_nobody_is_left(void **state)
{
    UNUSED_STATE(state);
    struct outlier_detection outlier = {.interval_ns = NS_SECOND, .base_ejection_ns = NS_SECOND};
    outlier_say(&outlier, OUTLIER_CONSECUTIVE_5XX, 1);
    outlier_say(&outlier, OUTLIER_MAX_EJECTION_PERCENT, 100);
    struct scene scene;
    scene_init_with(&scene, &outlier);
    assert_true(engine_wake_ns(scene.engine) == NS_NEVER);
    request(&scene, "GET", "/ok", true);
    answer(&scene, 1, 500, 0);
    assert_int_equal(counter(&scene, "membership_healthy"), 0);
    struct outlier_event event;
    assert_true(engine_next_event(scene.engine, &event));
    assert_true(event.is_ejection && event.type == EJECTION_CONSECUTIVE_5XX);
    assert_false(engine_next_event(scene.engine, &event));
    request(&scene, "GET", "/ok", true);
    /* Without a threshold of its own a cluster panics. */
    ASSERT_PLAN(&scene, XC_ATTEMPT);
    assert_int_equal(counter(&scene, "lb_healthy_panic"), 1);
    assert_true(engine_wake_ns(scene.engine) == NS_SECOND);
    engine_step(scene.engine, NS_SECOND);
    assert_true(engine_next_event(scene.engine, &event));
    assert_false(event.is_ejection);
    assert_int_equal(counter(&scene, "membership_healthy"), 1);
    scene_fini(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_outcome_is_reported),
        cmocka_unit_test(test_grpc_statuses_are_mapped),
        cmocka_unit_test(test_nobody_is_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
