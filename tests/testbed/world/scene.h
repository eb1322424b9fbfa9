/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/testbed/world/scene.h - one stand-in on a connection, and what came out
 * of it. Include it after cmocka.
 */
#pragma once

#include "base/check.h"
#include "testbed/world/standin.h"

#define GET "GET /a HTTP/1.1\r\nhost: a\r\n\r\n"

enum end { OPEN, CLOSED, RESET };

/* One stand-in and what came out of it. */
struct scene {
    struct arena arena;
    struct world_pod pod;
    uint32_t script_at;
    struct world world;
    struct sighting_log log;
    struct standin standin;
    struct buf out;
    enum end end;
    int64_t now_ns;
    int64_t ended_ns;
};

static inline void scene_init(struct scene *scene, struct behaviour behaviour)
{
    *scene = (struct scene){0};
    arena_init(&scene->arena, 4096, 0);
    scene->pod = (struct world_pod){.name = STR("a/0"), .behaviour = behaviour, .may_ask = true};
    scene->world = (struct world){
        .pods = &scene->pod,
        .pod_count = 1,
        .script_at = &scene->script_at,
    };
    sighting_log_init(&scene->log);
    sighting_log_open(&scene->log, &scene->arena);
    standin_init(&scene->standin, &scene->world, &scene->log);
    buf_init(&scene->out, 1 << 24);
    standin_begin(&scene->standin, 0, 1);
}

static inline void scene_fini(struct scene *scene)
{
    standin_fini(&scene->standin);
    buf_fini(&scene->out);
    arena_fini(&scene->arena);
}

static inline void take(struct scene *scene)
{
    struct standin_action action;
    while (standin_next(&scene->standin, scene->now_ns, &action)) {
        assert_int_equal(scene->end, OPEN);
        if (action.kind == STANDIN_WRITE) {
            assert_true(action.bytes.len > 0);
            assert_int_equal(buf_append(&scene->out, action.bytes), RC_OK);
            continue;
        }
        scene->end = action.kind == STANDIN_CLOSE ? CLOSED : RESET;
        scene->ended_ns = scene->now_ns;
    }
}

/* Lets time pass until nothing is awaited any more. */
static inline void play(struct scene *scene)
{
    take(scene);
    while (standin_wake_ns(&scene->standin) != NS_NEVER) {
        scene->now_ns = ns_max(scene->now_ns, standin_wake_ns(&scene->standin));
        standin_wake(&scene->standin, scene->now_ns);
        take(scene);
    }
}

static inline void send(struct scene *scene, struct str bytes, size_t piece_bytes)
{
    for (size_t at = 0; at < bytes.len; at += piece_bytes) {
        standin_read(&scene->standin, str_slice(bytes, at, at + piece_bytes), scene->now_ns);
        take(scene);
    }
    play(scene);
}

static inline void assert_out(const struct scene *scene, struct str want)
{
    struct str got = buf_str(&scene->out);
    if (!str_eq(got, want))
        print_message("got: %.*s\n", STR_FMT(got));
    assert_true(str_eq(got, want));
}
