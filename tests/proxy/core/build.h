/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/proxy/core/build.h - ordinary requests, routes and snapshots, so that
 * a test shows only what matters to it.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/check.h"
#include "base/ns.h"
#include "proxy/model/message.h"
#include "proxy/model/snapshot.h"

#define UNUSED_STATE(state) (void)(state)

static inline struct request_head *build_request(struct arena *arena, const char *method,
                                                 const char *authority, const char *path)
{
    struct request_head *head = ARENA_NEW(arena, struct request_head);
    header_list_init(&head->headers, arena);
    head->method = str_of(method);
    head->authority = str_of(authority);
    head->has_authority = true;
    head->path = str_of(path);
    head->scheme = STR("http");
    head->version = HTTP_1_1;
    return head;
}

static inline void build_header(struct request_head *head, const char *name, const char *value)
{
    header_add(&head->headers, str_of(name), str_of(value));
}

static inline struct path_matcher build_prefix(const char *prefix)
{
    return (struct path_matcher){.kind = PATH_PREFIX, .value = str_of(prefix)};
}

/* A route that forwards everything to `cluster`. */
static inline struct route build_route(const char *name, const char *cluster)
{
    return (struct route){.name = str_of(name),
                          .match = {.path = build_prefix("/")},
                          .action = ROUTE_FORWARD,
                          .forward = {.cluster = str_of(cluster), .has_timeout = true}};
}

static inline void assert_str(struct str got, const char *want)
{
    if (!str_eq(got, str_of(want)))
        fail_msg("got \"%.*s\", want \"%s\"", STR_FMT(got), want);
}
