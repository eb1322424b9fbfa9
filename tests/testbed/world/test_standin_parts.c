/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/testbed/world/test_standin_parts.c - whom a stand-in asks, what waits,
 * what is injected.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/testbed/world/scene.h"

static struct header one_header[] = {{STR_INIT("X-Zed"), STR_INIT("z")}};

static void test_a_body_comes_drop_by_drop(void **state)
{
    (void)state;
    struct scene scene;
    struct answer answer = {.status = 200,
                            .body = STR_INIT("hello"),
                            .trickle_bytes = 2,
                            .trickle_every_ns = NS_SECOND};
    scene_init(&scene, (struct behaviour){.answer = answer});
    standin_read(&scene.standin, STR(GET), 0);
    static const char *const TEXTS[] = {"", "he", "hell", "hello"};
    for (size_t i = 0; i < COUNT_OF(TEXTS); i++) {
        scene.now_ns = (int64_t)i * NS_SECOND;
        standin_wake(&scene.standin, scene.now_ns);
        take(&scene);
        struct str head = STR("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n");
        assert_out(&scene, arena_format(&scene.arena, "%.*s%s", STR_FMT(head), TEXTS[i]));
    }
    assert_int_equal(standin_wake_ns(&scene.standin), NS_NEVER);
    scene_fini(&scene);
}

static struct str propagated[] = {STR_INIT("HOST"), STR_INIT("x-none")};
static const struct hop_call hops[] = {
    {.call = {.uri = STR_INIT("/1"), .headers = one_header, .header_count = 1}},
    {.call = {.uri = STR_INIT("/2")}, .is_ignoring_errors = true},
};
static const struct answer asking = {.status = 200,
                                     .calls = hops,
                                     .call_count = COUNT_OF(hops),
                                     .propagates = propagated,
                                     .propagate_count = COUNT_OF(propagated)};

/* The next thing that it wants is a call. */
static struct call asked(struct scene *scene)
{
    struct standin_action action;
    assert_true(standin_next(&scene->standin, scene->now_ns, &action));
    assert_int_equal(action.kind, STANDIN_CALL);
    assert_false(standin_next(&scene->standin, scene->now_ns, &(struct standin_action){0}));
    return *action.call;
}

static void test_others_are_asked_before_it_answers(void **state)
{
    (void)state;
    struct scene scene;
    scene_init(&scene, (struct behaviour){.answer = asking});
    standin_read(&scene.standin, STR(GET), 0);
    struct call first = asked(&scene);
    assert_int_equal(first.header_count, 2);
    assert_true(str_eq(first.headers[0].name, STR("X-Zed")));
    assert_true(str_eq(first.headers[1].value, STR("a")));
    standin_called(&scene.standin, 1, &(struct outcome){.status = 200});
    struct call second = asked(&scene);
    assert_true(str_eq(second.uri, STR("/2")));
    /* Its failure is borne. */
    standin_called(&scene.standin, 1, &(struct outcome){.error = CALL_CONNECTION_RESET});
    take(&scene);
    assert_out(&scene, STR("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"));
    scene_fini(&scene);
}

static void test_who_fails_it_fails(void **state)
{
    (void)state;
    static const struct {
        struct outcome outcome;
        const char *want;
    } LINES[] = {
        {{.status = 503}, "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n"},
        {{.error = CALL_NO_RESPONSE}, "HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n"},
    };
    for (size_t i = 0; i < COUNT_OF(LINES); i++) {
        struct scene scene;
        scene_init(&scene, (struct behaviour){.answer = asking});
        standin_read(&scene.standin, STR(GET), 0);
        (void)asked(&scene);
        /* What another connection asked is nobody's here. */
        standin_called(&scene.standin, 7, &(struct outcome){.status = 200});
        standin_called(&scene.standin, 1, &LINES[i].outcome);
        take(&scene);
        assert_out(&scene, str_of(LINES[i].want));
        scene_fini(&scene);
    }
}

static void test_a_queue_that_is_full_says_so(void **state)
{
    (void)state;
    struct scene scene;
    scene_init(&scene,
               (struct behaviour){.answer = {.status = 200, .latency = LATENCY_INIT(NS_SECOND)},
                                  .worker_count = 1});
    queue_init(&scene.pod.queue, 1, 0, &scene.arena);
    int64_t done_ns;
    assert_true(queue_admit(&scene.pod.queue, 0, NS_SECOND, &done_ns));
    send(&scene, STR(GET), 1000);
    assert_out(&scene, STR("HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n"));
    assert_int_equal(scene.now_ns, 0);
    scene_fini(&scene);
}

static void test_what_is_injected_is_the_answer(void **state)
{
    (void)state;
    static const struct injection both[] = {
        {.delay_ns = NS_SECOND, .delay_share = 1},
        {.has_abort = true, .abort_status = 429, .abort_share = 1},
    };
    static const struct injection never[] = {
        {.delay_ns = NS_SECOND, .has_abort = true, .abort_status = 429}};
    static const struct {
        const struct injection *injections;
        uint32_t count;
        const char *want;
        int64_t now_ns;
    } LINES[] = {
        {both, 2, "HTTP/1.1 429 Too Many Requests\r\ncontent-length: 0\r\n\r\n", NS_SECOND},
        {never, 1, "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", 0},
    };
    for (size_t i = 0; i < COUNT_OF(LINES); i++) {
        struct scene scene;
        scene_init(&scene, (struct behaviour){.answer = {.status = 200},
                                              .injections = LINES[i].injections,
                                              .injection_count = LINES[i].count});
        scene.pod.luck = rng_seeded(1, STR("a/0"));
        send(&scene, STR(GET), 1000);
        assert_out(&scene, str_of(LINES[i].want));
        assert_int_equal(scene.now_ns, LINES[i].now_ns);
        scene_fini(&scene);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_body_comes_drop_by_drop),
        cmocka_unit_test(test_others_are_asked_before_it_answers),
        cmocka_unit_test(test_who_fails_it_fails),
        cmocka_unit_test(test_a_queue_that_is_full_says_so),
        cmocka_unit_test(test_what_is_injected_is_the_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
