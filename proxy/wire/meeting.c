/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/wire/meeting.c - see meeting.h.
 */
#include "proxy/wire/meeting.h"

#include "base/ns.h"
#include "proxy/wire/client_hello.h"
#include "proxy/wire/downstream.h"
#include "proxy/wire/tally.h"
#include "proxy/wire/tcp.h"

#define FILTERS_TIMEOUT_NS (15 * NS_SECOND) /* listener_filters_timeout, if nothing is said */

struct inspection meeting_inspection(const struct conn_downstream *down,
                                     const struct listener *listener)
{
    bool has_original = down->original_port != 0;
    return (struct inspection){
        .listener = listener,
        .peer = &down->peer,
        .destination_address = has_original ? down->original_address : listener->address,
        .destination_port = has_original ? down->original_port : listener->port,
    };
}

/* Envoy's inspectors only peek: what came was never read, and that is a reset. */
static void turn_away(struct conn *conn)
{
    if (buf_size(&conn->in) > 0)
        conn_abort(conn);
    else
        conn_close(conn);
}

void meeting_note_end(struct conn *conn)
{
    tally_left_early(conn);
    turn_away(conn);
}

/* From here on the carrier ends TLS; what was read in the clear is its. */
static void secure(struct conn *conn, const struct filter_chain *chain)
{
    conn->down.chain = chain;
    conn->down.peer.is_tls = true;
    conn->down.is_securing = true;
    if (chain->transport_connect_timeout_ns > 0)
        timer_set(&conn->wire->timers, &conn->meeting,
                  ns_add(conn->wire->now_ns, chain->transport_connect_timeout_ns));
    wishes_add(&conn->wire->wishes,
               (struct wish){.kind = WIRE_SECURE, .conn = conn, .generation = conn->generation});
    conn_resume(conn);
}

/* Whom a TLS client calls, and what it would speak. */
static enum inspected read_hello(struct conn *conn)
{
    struct client_hello hello;
    struct peer_facts *peer = &conn->down.peer;
    switch (client_hello_read(buf_str(&conn->in), &conn->facts, &hello)) {
    case CLIENT_HELLO_MORE:
        return INSPECTED_MORE;
    case CLIENT_HELLO_NONE:
        return INSPECTED_OTHER;
    case CLIENT_HELLO_BAD:
        turn_away(conn);
        return INSPECTED_OTHER;
    case CLIENT_HELLO_DONE:
        break;
    }
    struct str *protocols = ARENA_ARRAY(&conn->facts, struct str, hello.protocol_count);
    for (uint32_t i = 0; i < hello.protocol_count; i++)
        protocols[i] = hello.protocols[i];
    peer->server_name = hello.server_name;
    peer->protocols = protocols;
    peer->protocol_count = hello.protocol_count;
    return INSPECTED_TLS;
}

/* Its first bytes say nothing yet. */
static void wait(struct conn *conn)
{
    const struct listener *listener = conn->down.listener;
    int64_t timeout_ns =
        listener->has_detection_timeout ? listener->detection_timeout_ns : FILTERS_TIMEOUT_NS;
    conn_resume(conn); /* a line may be longer than one read */
    if (conn->down.is_waiting)
        return;
    tally_waiting(conn, true);
    if (timeout_ns > 0)
        timer_set(&conn->wire->timers, &conn->meeting, ns_add(conn->wire->now_ns, timeout_ns));
}

static enum inspected look(struct conn *conn, const struct inspection *asked)
{
    enum inspected what = inspector_look(asked, buf_str(&conn->in));
    if (what == INSPECTED_TLS && !conn->down.peer.is_tls)
        what = read_hello(conn);
    return what == INSPECTED_MORE && conn->down.is_unseen ? INSPECTED_OTHER : what;
}

const struct filter_chain *meeting_chain(struct conn *conn)
{
    struct inspection asked = meeting_inspection(&conn->down, conn->down.listener);
    enum inspected what = look(conn, &asked);
    if (what == INSPECTED_MORE) {
        wait(conn);
        return NULL;
    }
    timer_stop(&conn->meeting);
    tally_waiting(conn, false);
    if (!conn_is_open(conn))
        return NULL;
    const struct filter_chain *chain = inspector_choose(&asked, what);
    if (chain == NULL) {
        tally_no_chain(conn);
        turn_away(conn);
        return NULL;
    }
    if (chain->tls != NULL && !conn->down.peer.is_tls)
        secure(conn, chain);
    return chain;
}

void meeting_note_secured(struct conn *conn)
{
    conn->down.is_securing = false;
    timer_stop(&conn->meeting);
}

void meeting_wake(struct conn *conn)
{
    if (!conn_is_open(conn))
        return;
    if (conn->down.is_securing) {
        tally_transport_timeout(conn);
        if (conn->speech == SPEECH_TCP)
            tcp_note_broken(conn);
        conn_close(conn);
        return;
    }
    tally_waiting_timeout(conn);
    if (conn->down.listener->has_detection_timeout) {
        conn->down.is_unseen = true;
        downstream_read(conn, STR_EMPTY);
    } else {
        turn_away(conn);
    }
}
