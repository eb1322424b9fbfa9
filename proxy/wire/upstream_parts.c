/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/wire/upstream_parts.c - see upstream_parts.h.
 */
#include "proxy/wire/upstream_parts.h"

#include "base/ns.h"
#include "proxy/wire/dial.h"
#include "proxy/wire/downstream.h"
#include "proxy/wire/response.h"
#include "proxy/wire/stream.h"

/* Envoy's default. */
#define IDLE_TIMEOUT_NS NS_HOUR
#define DIALS_AT_ONCE 3u

void upstream_count(struct conn *conn, enum cluster_stat stat)
{
    engine_cluster_stats(conn->reign->engine, conn->up.cluster_index)->counters[stat]++;
}

struct attempt *upstream_waiter(struct conn *conn, uint32_t waiter)
{
    return slots_at(&conn->wire->attempts, waiter);
}

/* They are collected first: what the first one's exchange does next may queue another. */
void upstream_fail_waiters(struct conn *conn, enum failure failure, struct str why)
{
    struct list failed;
    list_init(&failed);
    for (uint32_t waiter = pool_next_failed(conn->up.pool); waiter != POOL_NONE;
         waiter = pool_next_failed(conn->up.pool)) {
        struct attempt *attempt = upstream_waiter(conn, waiter);
        attempt_note_unqueued(attempt);
        list_push_back(&failed, &attempt->failing);
    }
    while (!list_is_empty(&failed))
        attempt_fail(LIST_ITEM(list_first(&failed), struct attempt, failing), failure, why);
}

/* Envoy opens three at a time at most. */
void upstream_replace(struct conn *conn)
{
    struct conn_upstream *up = &conn->up;
    struct dial_target target = {.reign = conn->reign,
                                 .cluster_index = up->cluster_index,
                                 .endpoint_index = up->endpoint_index,
                                 .pool = up->pool,
                                 .address = up->address,
                                 .port = up->port,
                                 .host = up->host};
    for (uint32_t i = 0; i < DIALS_AT_ONCE && pool_needs_connection(up->pool); i++) {
        if (dial(&target) != NULL)
            continue;
        pool_refuse_waiting(up->pool);
        upstream_fail_waiters(conn, FAILURE_OVERFLOW, STR_EMPTY);
        return;
    }
}

void upstream_close_pooled(struct conn *conn, enum pool_close by)
{
    conn_close(conn);
    pool_note_closed(conn->up.pool, conn->number, by);
    upstream_replace(conn);
}

void upstream_rest(struct conn *conn)
{
    if (conn_is_of_past(conn) || conn->wire->is_draining) {
        upstream_close_pooled(conn, POOL_CLOSE_LOCAL);
        return;
    }
    int64_t idle_ns = conn->up.cluster->idle_timeout_ns;
    conn_set_timer(conn, ns_add(conn->wire->now_ns, idle_ns > 0 ? idle_ns : IDLE_TIMEOUT_NS));
}

bool upstream_is_interim(uint32_t status)
{
    return status / 100 == 1 && status != 101;
}

struct response_head *upstream_keep_head(struct attempt *attempt, struct response_head *head)
{
    if (attempt->stream == NULL || head->headers.arena == &attempt->stream->arena)
        return head;
    struct response_head *kept = ARENA_NEW(&attempt->stream->arena, struct response_head);
    response_head_copy(kept, head, &attempt->stream->arena);
    return kept;
}

void upstream_tell_head(struct attempt *attempt, struct response_head *head)
{
    struct stream *stream = attempt->stream;
    bool is_interim = upstream_is_interim(head->status);
    if (stream == NULL) {
        if (is_interim)
            attempt_mirror_interim(attempt, head->status);
        else
            attempt_mirror_answered(attempt, head);
        return;
    }
    stream_tell(stream, &(struct xc_event){
                            .kind = is_interim ? XC_EVENT_INTERIM : XC_EVENT_RESPONSE_HEAD,
                            .attempt = attempt->ordinal,
                            .response = head,
                        });
}

void upstream_tell_only_head(struct attempt *attempt, struct response_head *head)
{
    struct stream *stream = attempt->stream;
    if (stream == NULL) {
        attempt_mirror_answered(attempt, head);
        attempt_done(attempt);
        return;
    }
    stream_tell(stream, &(struct xc_event){
                            .kind = XC_EVENT_RESPONSE_HEAD,
                            .attempt = attempt->ordinal,
                            .response = head,
                            .is_end = true,
                        });
}

bool upstream_tell_data(struct attempt *attempt, struct str data)
{
    struct stream *stream = attempt->stream;
    if (stream == NULL)
        return false;
    stream_tell(stream, &(struct xc_event){
                            .kind = XC_EVENT_RESPONSE_DATA,
                            .attempt = attempt->ordinal,
                            .size = data.len,
                        });
    response_send_data(stream, data);
    return response_is_full(stream);
}

void upstream_tell_end(struct attempt *attempt, const struct header_list *trailers)
{
    struct stream *stream = attempt->stream;
    if (stream == NULL) {
        attempt_done(attempt);
        return;
    }
    response_send_end(stream, trailers);
    stream_tell(stream, &(struct xc_event){
                            .kind = XC_EVENT_RESPONSE_END,
                            .attempt = attempt->ordinal,
                            .trailers = trailers,
                        });
}
