/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/wire/turn.c - see turn.h.
 */
#include "proxy/wire/turn.h"

#include "proxy/wire/attempt.h"
#include "proxy/wire/downstream.h"
#include "proxy/wire/meeting.h"
#include "proxy/wire/downstream_h2.h"
#include "proxy/wire/ping.h"
#include "proxy/wire/stream.h"
#include "proxy/wire/tcp.h"
#include "proxy/wire/upstream.h"
#include "proxy/wire/upstream_h2.h"

void turn_wake(struct timer *timer)
{
    switch (timer->owner) {
    case TIMER_CONN: {
        struct conn *conn = HEAP_ITEM(timer, struct conn, timer);
        if (conn->speech == SPEECH_TCP)
            tcp_wake(conn);
        else if (conn->side == CONN_UPSTREAM)
            upstream_wake(conn);
        else
            downstream_wake(conn);
        return;
    }
    case TIMER_CONN_AGE: {
        struct conn *conn = HEAP_ITEM(timer, struct conn, age);
        if (conn->speech == SPEECH_TCP)
            tcp_note_old(conn);
        else if (conn->side == CONN_UPSTREAM)
            upstream_note_old(conn);
        else
            downstream_note_old(conn);
        return;
    }
    case TIMER_CONN_MEETING:
        meeting_wake(HEAP_ITEM(timer, struct conn, meeting));
        return;
    case TIMER_CONN_PING:
        ping_wake(HEAP_ITEM(timer, struct conn, ping));
        return;
    case TIMER_STREAM:
        stream_wake(HEAP_ITEM(timer, struct stream, timer));
        return;
    case TIMER_ATTEMPT:
        attempt_wake(HEAP_ITEM(timer, struct attempt, timer));
        return;
    }
    UNREACHABLE("timer_owner");
}

void turn_settle(struct wire *wire)
{
    while (!list_is_empty(&wire->stirred_conns)) {
        struct conn *conn = LIST_ITEM(list_first(&wire->stirred_conns), struct conn, stirred);
        list_remove(&conn->stirred);
        if (conn->side == CONN_UPSTREAM)
            upstream_h2_settle(conn);
        else
            downstream_h2_settle(conn);
    }
}
