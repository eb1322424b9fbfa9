/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/wire/hand_over.c - see hand_over.h.
 */
#include "proxy/wire/hand_over.h"

#include "base/ns.h"
#include "proxy/core/pool.h"
#include "proxy/wire/attempt.h"
#include "proxy/wire/downstream.h"
#include "proxy/wire/downstream_inside.h"
#include "proxy/wire/inspector.h"
#include "proxy/wire/meeting.h"
#include "proxy/wire/upstream.h"

/* The connection manager of `listener` for a connection that speaks HTTP as this one does,
 * or NULL. */
static const struct http_connection_manager *find_http(const struct conn *conn,
                                                       const struct listener *listener)
{
    struct inspection asked = meeting_inspection(&conn->down, listener);
    const struct filter_chain *chain = inspector_choose(
        &asked, inspector_look(&asked, conn->h2 != NULL ? STR("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
                                                        : STR("GET / HTTP/1.1\r\n")));
    return chain != NULL && chain->kind == CHAIN_HTTP ? &chain->http : NULL;
}

static const struct filter_chain *chain_of(const struct http_connection_manager *http)
{
    return (const struct filter_chain *)(const void *)((const char *)http -
                                                       offsetof(struct filter_chain, http));
}

/* Its age is counted from the same moment. */
static void keep_age(struct conn *conn, const struct http_connection_manager *before,
                     const struct http_connection_manager *http)
{
    int64_t due_ns = conn->age.due_ns;
    timer_stop(&conn->age);
    if (http->max_connection_duration_ns == 0 || due_ns == NS_NEVER)
        return;
    int64_t began_ns = due_ns - before->max_connection_duration_ns;
    conn_set_age_due(conn, ns_add(began_ns, http->max_connection_duration_ns));
}

static void keep_idle_time(struct conn *conn, const struct http_connection_manager *before,
                           const struct http_connection_manager *http)
{
    int64_t due_ns = conn->timer.due_ns;
    if (due_ns == NS_NEVER || conn->down.is_idle_over)
        return;
    conn_set_timer(conn, ns_add(due_ns - downstream_idle_timeout_ns(before),
                                downstream_idle_timeout_ns(http)));
}

/* It goes on where it was: nothing is counted again, and its idle time is
 * counted from the same moment. */
static void go_on(struct conn *conn, const struct http_connection_manager *http)
{
    const struct http_connection_manager *before = conn->down.http;
    bool has_spoken = conn->parser != NULL;
    h1_parser_free(conn->parser);
    conn->parser = NULL;
    tally_http(conn, http);
    conn->down.http = http;
    conn->down.chain = chain_of(http);
    if (conn->h2 != NULL)
        tally_codec(conn);
    else if (has_spoken)
        downstream_open_h1(conn);
    keep_age(conn, before, http);
    keep_idle_time(conn, before, http);
}

bool downstream_hand_over(struct conn *conn, const struct listener *listener)
{
    struct wire *wire = conn->wire;
    bool is_http = conn->speech == SPEECH_HTTP;
    const struct http_connection_manager *http = is_http ? find_http(conn, listener) : NULL;
    if (is_http && http == NULL)
        return false;
    list_remove(&conn->down.ready);
    tally_leave(conn);
    conn_set_reign(conn, wire->reign);
    conn->down.listener = listener;
    conn->down.known = NULL;
    tally_join(conn);
    if (is_http) {
        go_on(conn, http);
        if (conn->h2 == NULL)
            downstream_put(conn, &wire->ready_conns);
    } else {
        downstream_start(conn);
        downstream_settle(conn);
    }
    return true;
}

void hand_over_begin(struct wire *wire, const struct reign *old)
{
    for (uint32_t i = 0; i < wire->attempts.made_count; i++) {
        struct attempt *attempt = slots_at(&wire->attempts, i);
        struct pool *heir = attempt->is_waiting ? pool_heir(attempt->pool) : NULL;
        if (heir != NULL)
            attempt->pool = heir;
    }
    for (uint32_t i = 0; i < wire->conns.made_count; i++) {
        struct conn *conn = slots_at(&wire->conns, i);
        if (conn->state == CONN_FREE)
            continue;
        if (conn->side == CONN_DOWNSTREAM)
            downstream_retire(conn);
        else if (conn->reign == old)
            upstream_follow(conn);
    }
}
