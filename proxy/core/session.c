/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/core/session.c - a TCP session's books.
 */
#include "proxy/core/session.h"

#include "base/check.h"
#include "proxy/core/engine_state.h"

static struct breaker *breaker_of(const struct session *session)
{
    return session->engine->clusters[session->cluster_index].breaker;
}

static void count(const struct session *session, enum cluster_stat stat)
{
    engine_cluster_stats(session->engine, session->cluster_index)->counters[stat]++;
}

static void uncount(const struct session *session, enum cluster_stat stat)
{
    engine_cluster_stats(session->engine, session->cluster_index)->counters[stat]--;
}

bool session_admit(struct session *session, struct engine *engine, uint32_t cluster_index)
{
    *session = (struct session){.engine = engine, .cluster_index = cluster_index};
    if (!breaker_take(breaker_of(session), BREAKER_CONNECTIONS)) {
        count(session, STAT_CLUSTER_upstream_cx_overflow);
        return false;
    }
    session->phase = SESSION_ADMITTED;
    return true;
}

bool session_note_connecting(struct session *session, struct lb *lb, uint32_t endpoint_index)
{
    ASSERT(session->phase == SESSION_ADMITTED);
    session->lb = lb;
    session->endpoint_index = session->lb_index = endpoint_index;
    if (!breaker_take(breaker_of(session), BREAKER_PENDING)) {
        count(session, STAT_CLUSTER_upstream_rq_pending_overflow);
        session_end(session, SESSION_END_LOCAL);
        return false;
    }
    session->phase = SESSION_CONNECTING;
    count(session, STAT_CLUSTER_upstream_cx_total);
    count(session, STAT_CLUSTER_upstream_cx_active);
    count(session, STAT_CLUSTER_upstream_rq_pending_total);
    count(session, STAT_CLUSTER_upstream_rq_pending_active);
    return true;
}

void session_note_connected(struct session *session)
{
    ASSERT(session->phase == SESSION_CONNECTING);
    session->phase = SESSION_CONNECTED;
    breaker_give(breaker_of(session), BREAKER_PENDING);
    /* Counted, but never refused: Envoy asks for HTTP alone. */
    breaker_force(breaker_of(session), BREAKER_REQUESTS);
    count(session, STAT_CLUSTER_upstream_rq_total);
    count(session, STAT_CLUSTER_upstream_rq_active);
    uncount(session, STAT_CLUSTER_upstream_rq_pending_active);
    /* A connection's requests: one, the session. */
    const struct snapshot *snapshot = session->engine->snapshot;
    if (snapshot->clusters[session->cluster_index].requests_per_connection_max == 1)
        count(session, STAT_CLUSTER_upstream_cx_max_requests);
    engine_endpoint_stats(session->engine, session->cluster_index, session->endpoint_index)
        ->counters[STAT_ENDPOINT_rq_total]++;
    if (session->lb != NULL)
        lb_note_begin(session->lb, session->lb_index);
}

void session_follow(struct session *session, struct lb *lb, uint32_t lb_index)
{
    session->lb = lb;
    session->lb_index = lb_index;
}

void session_note_connect_failed(struct session *session, enum session_end by)
{
    ASSERT(session->phase == SESSION_CONNECTING);
    count(session, STAT_CLUSTER_upstream_cx_connect_fail);
    count(session, STAT_CLUSTER_upstream_rq_pending_failure_eject);
    if (by == SESSION_END_TIMEOUT)
        count(session, STAT_CLUSTER_upstream_cx_connect_timeout);
    session_end(session, by);
}

/* upstream_cx_destroy and its kinds. */
static void count_destroyed(const struct session *session, bool is_remote)
{
    count(session, STAT_CLUSTER_upstream_cx_destroy);
    count(session, is_remote ? STAT_CLUSTER_upstream_cx_destroy_remote
                             : STAT_CLUSTER_upstream_cx_destroy_local);
    if (session->phase != SESSION_CONNECTED)
        return;
    count(session, STAT_CLUSTER_upstream_cx_destroy_with_active_rq);
    count(session, is_remote ? STAT_CLUSTER_upstream_cx_destroy_remote_with_active_rq
                             : STAT_CLUSTER_upstream_cx_destroy_local_with_active_rq);
}

void session_end(struct session *session, enum session_end by)
{
    enum session_phase phase = session->phase;
    if (phase == SESSION_OUTSIDE)
        return;
    if (phase >= SESSION_CONNECTING) {
        count_destroyed(session, by == SESSION_END_REMOTE);
        uncount(session, STAT_CLUSTER_upstream_cx_active);
    }
    breaker_give(breaker_of(session), BREAKER_CONNECTIONS);
    if (phase == SESSION_CONNECTING) {
        uncount(session, STAT_CLUSTER_upstream_rq_pending_active);
        breaker_give(breaker_of(session), BREAKER_PENDING);
    }
    if (phase == SESSION_CONNECTED) {
        uncount(session, STAT_CLUSTER_upstream_rq_active);
        breaker_give(breaker_of(session), BREAKER_REQUESTS);
        if (session->lb != NULL)
            lb_note_end(session->lb, session->lb_index);
    }
    session->phase = SESSION_OUTSIDE;
}
