/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/live/admin_page.h - what the admin interface answers: a table of paths,
 * each with a function that fills a page. No sockets here.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "proxy/live/admin.h"

struct admin_question {
    struct str method;
    struct str path;      /* with its query */
    struct str authority; /* the Host header */
    struct str origin;    /* a browser's Origin header; empty: none */
};

struct admin_page {
    uint32_t status;
    struct str content_type;
    struct buf body;
};

/* What pages are made from. */
struct admin_state {
    const struct admin_proxy *proxies;
    uint32_t proxy_count;
    struct str version;
    int64_t started_ns, now_ns; /* of admin's loop */
    int64_t epoch_seconds;
};

/* `page->body` is initialised and empty. Slices live in `arena` or forever. */
void admin_answer(const struct admin_state *state, const struct admin_question *question,
                  struct arena *arena, struct admin_page *page);
