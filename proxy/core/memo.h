/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/core/memo.h - what was decided of a message that comes again, word for word, on
 * from the same sender: its head as the connection manager made it, its route, its head as
 * the router made it.
 *
 * Only what the message, its sender and the configuration decide is kept; luck, time,
 * balancers and limits are asked each time. A memo is filled by the first exchange that
 * comes that far; then it never changes.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "proxy/model/message.h"
#include "proxy/model/route.h"

struct exchange;

/* Clusters of one route that are kept apart; those behind them are not kept. */
#define MEMO_FORWARDED_MAX 8u

/* A head, and which of its lines is the x-request-id that is drawn for each request. */
struct memo_head {
    struct request_head *head; /* NULL: not known */
    uint32_t id_at;            /* UINT32_MAX: none is drawn */
};

struct request_memo {
    struct arena *arena;
    struct memo_head received;
    const struct virtual_host *virtual_host; /* of `route` */
    const struct route *route;               /* NULL: not known */
    struct memo_forwarded {
        struct memo_head head;
        uint32_t cluster_at; /* its index and 1; 0: not known */
        /* An exchange that is about to choose an endpoint; NULL: not known. */
        const struct exchange *image;
    } forwarded[MEMO_FORWARDED_MAX]; /* by weighted cluster; [0] without */
};

/* Keeps a copy of `head`; `is_id_drawn`: its x-request-id is another one each time. */
void memo_keep(struct request_memo *memo, struct memo_head *place, const struct request_head *head,
               bool is_id_drawn);
/* A head of one's own as it was kept, in `arena`, with this x-request-id, where one is
 * drawn; its slices are the memo's. `spare`: room for so many lines more. */
void memo_take(const struct memo_head *place, struct str id, uint32_t spare, struct arena *arena,
               struct request_head *out);
