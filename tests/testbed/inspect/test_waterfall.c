/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/testbed/inspect/test_waterfall.c - a trace as a time line.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/check.h"
#include "base/ns.h"
#include "testbed/inspect/waterfall.h"

static const struct endpoint pods[] = {
    {.address = STR_INIT("10.0.0.1"), .port = 80},
    {.address = STR_INIT("10.0.0.2"), .port = 80},
};

struct scene {
    struct arena arena;
    struct trace trace;
};

static struct trace_event *note(struct scene *scene, enum trace_kind kind, int64_t at_ms)
{
    return trace_add(&scene->trace, kind, 7 * NS_SECOND + at_ms * NS_MS);
}

static void note_attempt(struct scene *scene, uint32_t attempt, int64_t at_ms)
{
    struct trace_event *picked = note(scene, TRACE_ENDPOINT_PICKED, at_ms);
    picked->endpoint = &pods[attempt % COUNT_OF(pods)];
    picked->number = 2;
    note(scene, TRACE_ATTEMPT_OPENED, at_ms)->index = attempt;
}

/* A slow first attempt that fails, a wait, and a second one that answers. */
static void scene_init(struct scene *scene)
{
    *scene = (struct scene){0};
    arena_init(&scene->arena, 16384, 0);
    trace_init(&scene->trace, &scene->arena, 0);
    note(scene, TRACE_REQUEST, 0)->text = STR("GET a/");
    note(scene, TRACE_TIMEOUT_ARMED, 0)->number = 15 * NS_SECOND;
    note_attempt(scene, 1, 0);
    struct trace_event *answer = note(scene, TRACE_RESPONSE, 100);
    answer->index = 1;
    answer->number = 503;
    struct trace_event *later = note(scene, TRACE_RETRY_LATER, 100);
    later->index = 1;
    later->number = 100 * NS_MS;
    later->text = STR("5xx");
    note_attempt(scene, 2, 200);
    answer = note(scene, TRACE_RESPONSE, 300);
    answer->index = 2;
    answer->number = 200;
    note(scene, TRACE_FINISHED, 400)->number = 200;
}

static void test_each_attempt_wait_and_timer_is_a_span(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        enum span_kind kind;
        int64_t from_ns, to_ns;
        bool is_bad;
    } WANT[] = {
        {"timeout", SPAN_TIMER, 0, 15 * NS_SECOND, false},
        {"attempt 1", SPAN_ATTEMPT, 0, 100 * NS_MS, true},
        {"back-off", SPAN_WAIT, 100 * NS_MS, 200 * NS_MS, false},
        /* Its body came until the end. */
        {"attempt 2", SPAN_ATTEMPT, 200 * NS_MS, 400 * NS_MS, false},
    };
    struct scene scene;
    scene_init(&scene);
    struct waterfall waterfall = waterfall_of(&scene.trace, NULL, &scene.arena);
    assert_int_equal(waterfall.count, COUNT_OF(WANT));
    assert_int_equal(waterfall.total_ns, 400 * NS_MS);
    assert_true(waterfall_is_worth(&waterfall));
    for (size_t i = 0; i < COUNT_OF(WANT); i++) {
        const struct span *span = &waterfall.items[i];
        assert_true(str_eq(span->name, str_of(WANT[i].name)));
        assert_int_equal(span->kind, WANT[i].kind);
        assert_int_equal(span->from_ns, WANT[i].from_ns);
        assert_int_equal(span->to_ns, WANT[i].to_ns);
        assert_int_equal(span->is_bad, WANT[i].is_bad);
    }
    arena_fini(&scene.arena);
}

static void test_bars_stand_where_they_were(void **state)
{
    (void)state;
    struct scene scene;
    struct buf out;
    scene_init(&scene);
    buf_init(&out, 65536);
    struct waterfall waterfall = waterfall_of(&scene.trace, NULL, &scene.arena);
    assert_int_equal(waterfall_write(&waterfall, false, &scene.arena, &out), RC_OK);
    static const char *const LINES[] = {
        "    time line, 400ms\n",
        "    timeout       ...........................................>  0s..15s ",
        "    attempt 1     ===========                                   0s..100ms ",
        "    back-off                ------------                        100ms..200ms  5xx ",
        "    attempt 2                          =======================  200ms..400ms  10.0.0.1:80",
    };
    for (size_t i = 0; i < COUNT_OF(LINES); i++) {
        if (!str_contains(buf_str(&out), str_of(LINES[i])))
            print_message("%s is not in\n%.*s", LINES[i], STR_FMT(buf_str(&out)));
        assert_true(str_contains(buf_str(&out), str_of(LINES[i])));
    }
    buf_fini(&out);
    arena_fini(&scene.arena);
}

static void test_a_timer_that_fired_ends_within(void **state)
{
    (void)state;
    struct scene scene = {0};
    struct buf out;
    arena_init(&scene.arena, 16384, 0);
    trace_init(&scene.trace, &scene.arena, 0);
    buf_init(&out, 65536);
    note(&scene, TRACE_TIMEOUT_ARMED, 0)->number = 100 * NS_MS;
    note_attempt(&scene, 1, 0);
    note(&scene, TRACE_TIMEOUT_FIRED, 100)->number = 100 * NS_MS;
    note(&scene, TRACE_FINISHED, 100)->number = 504;
    struct waterfall waterfall = waterfall_of(&scene.trace, NULL, &scene.arena);
    assert_int_equal(waterfall_write(&waterfall, false, &scene.arena, &out), RC_OK);
    assert_true(str_contains(buf_str(&out), STR("    timeout       ......................"
                                                ".....................|  0s..100ms ")));
    buf_fini(&out);
    arena_fini(&scene.arena);
}

static void test_what_is_over_at_once_is_no_time_line(void **state)
{
    (void)state;
    struct scene scene = {0};
    arena_init(&scene.arena, 16384, 0);
    trace_init(&scene.trace, &scene.arena, 0);
    note_attempt(&scene, 1, 0);
    note(&scene, TRACE_FINISHED, 0)->number = 200;
    struct waterfall waterfall = waterfall_of(&scene.trace, NULL, &scene.arena);
    assert_false(waterfall_is_worth(&waterfall));
    assert_false(waterfall_is_worth(&(struct waterfall){0}));
    waterfall = waterfall_of(NULL, NULL, &scene.arena);
    assert_int_equal(waterfall.count, 0);
    arena_fini(&scene.arena);
}

/* Of everything one. */
static void note_moments(struct scene *scene)
{
    struct trace_event *event = note(scene, TRACE_CLUSTER_CHOSEN, 0);
    event->text = STR("c");
    event->number = 19;
    event->total = 100;
    note(scene, TRACE_FAULT_MISSED, 0);
    note(scene, TRACE_MIRROR_MISSED, 0)->condition = CONDITION_MIRROR_CLUSTER;
    note(scene, TRACE_MIRROR_MISSED, 0)->condition = CONDITION_MIRROR_SHARE;
    note(scene, TRACE_MIRRORED, 0)->endpoint = &pods[1];
    note(scene, TRACE_FAULT_DELAYED, 1)->number = NS_MS;
    note_attempt(scene, 1, 2);
    event = note(scene, TRACE_TRY_TIMEOUT_ARMED, 2);
    event->index = 1;
    event->number = NS_SECOND;
    event = note(scene, TRACE_EJECTED, 3);
    event->endpoint = &pods[0];
    event->text = STR("consecutive_5xx");
    event->number = 30 * NS_SECOND;
    event = note(scene, TRACE_ATTEMPT_FAILED, 3);
    event->index = 1;
    event->failure = FAILURE_OVERFLOW;
    event->text = STR("max_requests");
    note(scene, TRACE_RETRY_REFUSED, 3)->condition = CONDITION_RETRY_BUDGET;
    note(scene, TRACE_FINISHED, 3)->number = 503;
}

/* Each draw, timer, breaker and ejection is an entry that a machine can read. */
static void test_json_has_the_facts_of_each_moment(void **state)
{
    (void)state;
    static const char *const WANT[] = {
        "{\"kind\":\"moment\",\"name\":\"cluster\",\"event\":\"cluster_chosen\",\"fromNs\":0,"
        "\"toNs\":0,\"words\":\"c (drew 19 of 100)\",\"isFailure\":false,"
        "\"draw\":{\"number\":19,\"of\":100}}",
        "\"event\":\"fault_missed\",\"fromNs\":0,\"toNs\":0,\"words\":\"the draw lets this one "
        "pass\",\"isFailure\":false,\"draw\":{\"isHit\":false}}",
        "\"event\":\"mirror_missed\",",
        "\"event\":\"mirrored\",\"fromNs\":0,\"toNs\":0,\"words\":\"a copy goes to 10.0.0.2:80 of "
        "\",\"isFailure\":false,\"address\":\"10.0.0.2:80\",\"draw\":{\"isHit\":true}}",
        "{\"kind\":\"wait\",\"name\":\"fault\",\"event\":\"fault_delayed\",\"fromNs\":1000000,"
        "\"toNs\":2000000,",
        "{\"kind\":\"timer\",\"name\":\"try 1\",\"event\":\"try_timeout_armed\","
        "\"fromNs\":2000000,\"toNs\":1002000000,\"words\":\"attempt 1 has 1s\"",
        "\"event\":\"ejected\",\"fromNs\":3000000,\"toNs\":3000000,\"words\":\"10.0.0.1:80 is "
        "ejected for 30s: consecutive_5xx\",\"isFailure\":true,\"address\":\"10.0.0.1:80\","
        "\"ejection\":{\"type\":\"consecutive_5xx\",\"isEnforced\":true,\"forNs\":30000000000}}",
        "{\"kind\":\"moment\",\"name\":\"breaker\",\"event\":\"attempt_failed\","
        "\"fromNs\":3000000,\"toNs\":3000000,\"words\":\"max_requests is reached\","
        "\"isFailure\":true,\"breaker\":\"max_requests\"}",
        "\"event\":\"retry_refused\",",
        "\"breaker\":\"max_retries\"}",
    };
    struct scene scene = {0};
    struct buf out;
    struct json json;
    arena_init(&scene.arena, 16384, 0);
    trace_init(&scene.trace, &scene.arena, 0);
    buf_init(&out, 65536);
    note_moments(&scene);
    struct waterfall waterfall = waterfall_of(&scene.trace, NULL, &scene.arena);
    json_init(&json, &out, 0);
    waterfall_write_json(&waterfall, NULL, &scene.arena, &json);
    assert_false(json_is_full(&json));
    for (size_t i = 0; i < COUNT_OF(WANT); i++) {
        if (!str_contains(buf_str(&out), str_of(WANT[i])))
            fail_msg("%s is not in\n%.*s", WANT[i], STR_FMT(buf_str(&out)));
    }
    assert_int_equal(waterfall.count, 10); /* a missing cluster is no draw */
    buf_fini(&out);
    arena_fini(&scene.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_attempt_wait_and_timer_is_a_span),
        cmocka_unit_test(test_bars_stand_where_they_were),
        cmocka_unit_test(test_a_timer_that_fired_ends_within),
        cmocka_unit_test(test_what_is_over_at_once_is_no_time_line),
        cmocka_unit_test(test_json_has_the_facts_of_each_moment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
