/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/testbed/runner/test_workload.c - how a workload's words become pods'
 * behaviour.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/check.h"
#include "base/ns.h"
#include "testbed/runner/want_read.h"

struct desk {
    struct arena arena;
    struct diag_list diags;
    struct reading reading;
    struct workload_spec spec;
};

static void desk_read(struct desk *desk, const char *text)
{
    struct documents documents = {0};
    arena_init(&desk->arena, 16384, 0);
    diag_list_init(&desk->diags, &desk->arena);
    tree_read(STR("w.yaml"), str_of(text), &desk->arena, &documents, &desk->diags);
    desk->reading = (struct reading){
        .arena = &desk->arena, .diags = &desk->diags, .unknown_field = UNKNOWN_ERROR};
    struct view view = view_of(&desk->reading, documents.items[0]);
    workload_spec_read(&view, &desk->spec);
    for (uint32_t i = 0; i < desk->diags.count; i++)
        print_message("%.*s\n", STR_FMT(diag_text(&desk->diags.items[i], &desk->arena)));
    assert_int_equal(desk->diags.error_count, 0);
}

static void test_an_answer_has_what_is_written(void **state)
{
    (void)state;
    struct desk desk;
    desk_read(&desk, "{status: 201, reason: Made, headers: {A: [x, y]}, body: b, bodySize: 9, "
                     "latency: 20ms, bodyLatency: 1s, framing: chunked, trailers: {t: v}, "
                     "connection: close, interim: [100, 103], echo: true, websocket: true, "
                     "raw: \"HTTP\", then: reset}");
    const struct answer *answer = &desk.spec.behaviour.answer;

    assert_int_equal(answer->status, 201);
    assert_true(str_eq(answer->reason, STR("Made")));
    assert_int_equal(answer->header_count, 2);
    assert_true(str_eq(answer->headers[1].value, STR("y")));
    assert_true(answer->has_body_size && answer->body_size == 9);
    assert_int_equal(answer->latency.points[0].ns, 20 * NS_MS);
    assert_int_equal(answer->body_latency_ns, NS_SECOND);
    assert_int_equal(answer->framing, FRAMING_CHUNKED);
    assert_int_equal(answer->trailer_count, 1);
    assert_true(answer->is_closing && answer->is_echo && answer->is_websocket);
    assert_int_equal(answer->interim_count, 2);
    assert_int_equal(answer->interim[1], 103);
    assert_true(answer->has_raw);
    assert_int_equal(answer->then, RAW_RESET);
    arena_fini(&desk.arena);
}

static void test_a_latency_may_be_drawn(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        struct latency want;
    } rows[] = {
        {"{latency: 20ms}", LATENCY_INIT(20 * NS_MS)},
        {"{latency: {uniform: 10ms..30ms}}",
         {.points = {{0, 10 * NS_MS}, {1, 30 * NS_MS}}, .count = 2}},
        {"{latency: {p99: 180ms, p50: 20ms}}",
         {.points = {{0, 0}, {0.5, 20 * NS_MS}, {0.99, 180 * NS_MS}, {1, 180 * NS_MS}},
          .count = 4}},
        {"{latency: {min: 1ms, p50: 20ms, max: 1s}}",
         {.points = {{0, NS_MS}, {0.5, 20 * NS_MS}, {1, NS_SECOND}}, .count = 3}},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct desk desk;
        desk_read(&desk, rows[i].text);
        const struct latency *got = &desk.spec.behaviour.answer.latency;
        assert_int_equal(got->count, rows[i].want.count);
        for (uint32_t k = 0; k < got->count; k++) {
            assert_int_equal(got->points[k].ns, rows[i].want.points[k].ns);
            assert_true(got->points[k].share > rows[i].want.points[k].share - 1e-9 &&
                        got->points[k].share < rows[i].want.points[k].share + 1e-9);
        }
        arena_fini(&desk.arena);
    }
}

static void test_who_works_and_who_is_asked(void **state)
{
    (void)state;
    struct desk desk;
    desk_read(&desk, "{concurrency: 4, queue: 16, trickle: {bytes: 3, every: 5ms}, "
                     "propagates: [x-request-id, end-user], calls: [{request: {authority: b, uri: "
                     "[/1, /2]}}, {request: {authority: c}, ignoreErrors: true}]}");
    const struct behaviour *behaviour = &desk.spec.behaviour;

    assert_int_equal(behaviour->worker_count, 4);
    assert_int_equal(behaviour->waiting_max, 16);
    assert_int_equal(behaviour->answer.trickle_bytes, 3);
    assert_int_equal(behaviour->answer.trickle_every_ns, 5 * NS_MS);
    assert_int_equal(behaviour->answer.propagate_count, 2);
    assert_int_equal(behaviour->answer.call_count, 3);
    assert_true(str_eq(behaviour->answer.calls[1].call.uri, STR("/2")));
    assert_false(behaviour->answer.calls[1].is_ignoring_errors);
    assert_true(behaviour->answer.calls[2].is_ignoring_errors);
    assert_true(behaviour_is_asking(behaviour));
    arena_fini(&desk.arena);
}

static void test_a_script_is_statuses_acts_and_maps_over_the_behaviour(void **state)
{
    (void)state;
    struct desk desk;
    desk_read(&desk, "{latency: 5ms, script: [503, close-before-headers, {latency: 1s}, 200]}");
    const struct behaviour *behaviour = &desk.spec.behaviour;

    assert_int_equal(behaviour->script_count, 4);
    assert_false(behaviour->is_script_per_pod);
    assert_int_equal(behaviour->script[0].status, 503);
    assert_int_equal(behaviour->script[0].latency.points[0].ns, 5 * NS_MS);
    assert_int_equal(behaviour->script[1].act, ACT_CLOSE_BEFORE_HEADERS);
    assert_int_equal(behaviour->script[2].latency.points[0].ns, NS_SECOND);
    assert_int_equal(behaviour->script[2].status, 200);
    arena_fini(&desk.arena);
}

static void test_every_act_has_its_word(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum answer_act act;
    } rows[] = {
        {"{act: close-before-headers}", ACT_CLOSE_BEFORE_HEADERS},
        {"{act: reset-before-headers}", ACT_RESET_BEFORE_HEADERS},
        {"{act: close-in-headers}", ACT_CLOSE_IN_HEADERS},
        {"{act: close-mid-body}", ACT_CLOSE_MID_BODY},
        {"{act: reset-mid-body}", ACT_RESET_MID_BODY},
        {"{act: garbage}", ACT_GARBAGE},
        {"{act: never}", ACT_NEVER},
        {"{act: accept-close}", ACT_ACCEPT_CLOSE},
        {"{act: accept-reset}", ACT_ACCEPT_RESET},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct desk desk;
        desk_read(&desk, rows[i].text);
        assert_int_equal(desk.spec.behaviour.answer.act, rows[i].act);
        arena_fini(&desk.arena);
    }
}

static void test_a_pod_differs_from_its_workload_only_where_it_says_so(void **state)
{
    (void)state;
    struct desk desk;
    desk_read(&desk, "{replicas: 2, status: 201, latency: 1s, perPod: [500], "
                     "pods: {1: {status: 202, refuse: true}}}");
    const struct workload_spec *spec = &desk.spec;

    assert_int_equal(spec->replicas, 2);
    assert_true(spec->behaviour.is_script_per_pod);
    assert_int_equal(spec->pod_count, 1);
    assert_int_equal(spec->pods[0].index, 1);
    assert_int_equal(spec->pods[0].behaviour.answer.status, 202);
    assert_int_equal(spec->pods[0].behaviour.answer.latency.points[0].ns, NS_SECOND);
    assert_true(spec->pods[0].behaviour.is_refusing);
    assert_false(spec->behaviour.is_refusing);
    arena_fini(&desk.arena);
}

static void test_who_a_workload_is(void **state)
{
    (void)state;
    struct desk desk;
    desk_read(&desk, "{service: s, namespace: ns, serviceAccount: a, labels: {k: v}, "
                     "sidecar: false, ports: [80, 81], drop: true, absent: true}");
    const struct workload_spec *spec = &desk.spec;

    assert_true(str_eq(spec->service, STR("s")));
    assert_true(str_eq(spec->namespace, STR("ns")));
    assert_true(str_eq(spec->service_account, STR("a")));
    assert_true(str_eq(spec->labels[0].value, STR("v")));
    assert_true(spec->has_sidecar_word && !spec->has_sidecar);
    assert_int_equal(spec->port_count, 2);
    assert_int_equal(spec->ports[1], 81);
    assert_true(spec->behaviour.is_dropping && spec->behaviour.is_absent);
    arena_fini(&desk.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_answer_has_what_is_written),
        cmocka_unit_test(test_a_latency_may_be_drawn),
        cmocka_unit_test(test_who_works_and_who_is_asked),
        cmocka_unit_test(test_a_script_is_statuses_acts_and_maps_over_the_behaviour),
        cmocka_unit_test(test_every_act_has_its_word),
        cmocka_unit_test(test_a_pod_differs_from_its_workload_only_where_it_says_so),
        cmocka_unit_test(test_who_a_workload_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
