/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/wire/hand_over.c - a connection at rest goes on in another wire.
 */
#include "base/ns.h"
#include "proxy/wire/downstream.h"
#include "proxy/wire/downstream_inside.h"
#include "proxy/wire/facts.h"
#include "proxy/wire/inspector.h"
#include "proxy/wire/meeting.h"

/* The connection manager of `listener` for a connection that speaks HTTP/1, or
 * NULL. */
static const struct http_connection_manager *find_http(const struct conn *old,
                                                       const struct listener *listener)
{
    struct inspection asked = meeting_inspection(&old->down, listener);
    const struct filter_chain *chain =
        inspector_choose(&asked, inspector_look(&asked, STR("GET / HTTP/1.1\r\n")));
    return chain != NULL && chain->kind == CHAIN_HTTP ? &chain->http : NULL;
}

static const struct filter_chain *chain_of(const struct http_connection_manager *http)
{
    return (const struct filter_chain *)(const void *)((const char *)http -
                                                       offsetof(struct filter_chain, http));
}

/* Its age is counted from the same moment. */
static void keep_age(struct conn *conn, const struct conn *old,
                     const struct http_connection_manager *http)
{
    if (http->max_connection_duration_ns == 0 || old->age.due_ns == NS_NEVER)
        return;
    int64_t began_ns = old->age.due_ns - old->down.http->max_connection_duration_ns;
    conn_set_age_due(conn, ns_add(began_ns, http->max_connection_duration_ns));
}

/* It goes on where it was: nothing is counted again, and its idle time is
 * counted from the same moment. */
static void go_on(struct conn *conn, const struct conn *old,
                  const struct http_connection_manager *http)
{
    downstream_open_http(conn, http);
    conn->down.chain = chain_of(http);
    if (old->parser != NULL)
        downstream_open_h1(conn);
    conn->down.is_idle_over = old->down.is_idle_over;
    conn->down.queued = old->down.queued;
    conn->down.request_count = old->down.request_count;
    keep_age(conn, old, http);
    if (old->timer.due_ns == NS_NEVER)
        return;
    int64_t due_ns = old->timer.due_ns;
    if (!old->down.is_idle_over)
        due_ns = ns_add(due_ns - downstream_idle_timeout_ns(old->down.http),
                        downstream_idle_timeout_ns(http));
    conn_set_timer(conn, due_ns);
}

struct conn *downstream_take_over(struct wire *wire, const struct conn *old,
                                  const struct listener *listener)
{
    bool is_http = old->speech == SPEECH_HTTP;
    const struct http_connection_manager *http = is_http ? find_http(old, listener) : NULL;
    struct wire_accept accept = {
        .listener = listener,
        .peer = old->down.peer,
        .original_address = old->down.original_address,
        .original_port = old->down.original_port,
    };
    struct conn *conn = is_http && http == NULL ? NULL : downstream_take(wire, &accept);
    if (conn == NULL)
        return NULL;
    if (old->tls != NULL)
        facts_note_tls(conn, old->tls);
    conn->is_paused = old->is_paused;
    conn->unsent_bytes = old->unsent_bytes;
    conn_keep_input(conn, buf_str(&old->in));
    if (is_http) {
        go_on(conn, old, http);
        downstream_put(conn, &wire->ready_conns);
    } else {
        downstream_start(conn);
        downstream_settle(conn);
    }
    return conn;
}
