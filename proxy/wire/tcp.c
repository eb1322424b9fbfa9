/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/wire/tcp.c - pairs of connections.
 *
 * Both conns of a pair point to the session, the session to both; whoever ends
 * it cuts all four pointers.
 */
#include "proxy/wire/tcp.h"

#include "base/ns.h"
#include "proxy/core/hash_key.h"
#include "proxy/core/lb.h"
#include "proxy/core/lb_inherit.h"
#include "proxy/core/rbac.h"
#include "proxy/core/stats.h"
#include "proxy/core/succession.h"
#include "proxy/model/limits.h"
#include "proxy/wire/dial.h"
#include "proxy/wire/facts.h"
#include "proxy/wire/upstream.h"

/* Envoy's default. */
#define IDLE_TIMEOUT_NS NS_HOUR

static void note_result(const struct stream *session, enum outlier_result result)
{
    (void)engine_note_result(session->reign->engine, session->up->up.cluster_index,
                             session->up->up.endpoint_index, result, 0, session->wire->now_ns);
}

static struct conn *other_of(const struct conn *conn)
{
    return conn->side == CONN_UPSTREAM ? conn->session->down : conn->session->up;
}

/* The record is complete; nobody belongs to the session any more. */
static void finish(struct stream *session)
{
    struct conn *up = session->up;
    struct conn *down = session->down;
    session->session_record.finished_ns = session->wire->now_ns;
    if (up != NULL)
        up->session = NULL;
    conn_stop_timer(down);
    down->session = NULL;
    session->up = NULL;
    stream_finish(session);
}

/* Before there is an upstream connection, or when it could not be made. What
 * the client sent was never read by anybody: to it that is a reset. */
static void give_up(struct stream *session)
{
    struct conn *down = session->down;
    finish(session);
    if (buf_size(&down->in) > 0)
        conn_abort(down);
    else
        conn_close(down);
}

/* Both directions are over, or one of the connections is. */
static void close_pair(struct stream *session, bool is_remote)
{
    struct conn *up = session->up;
    struct conn *down = session->down;
    session_end(&session->books, is_remote ? SESSION_END_REMOTE : SESSION_END_LOCAL);
    finish(session);
    conn_close(down);
    conn_close(up);
}

/* `conn` was reset: so is the other, and what has not left for it is lost. */
static void reset_pair(struct conn *conn)
{
    struct stream *session = conn->session;
    struct conn *other = other_of(conn);
    bool is_remote = conn->side == CONN_UPSTREAM;
    if (is_remote)
        record_add_flag(&session->session_record, STR("UR"));
    session_end(&session->books, is_remote ? SESSION_END_REMOTE : SESSION_END_LOCAL);
    finish(session);
    conn_abort(other);
}

/* What TLS refused has ended, and was not reset: what is on its way still leaves. */
static void end_pair(struct conn *conn)
{
    struct stream *session = conn->session;
    struct conn *other = other_of(conn);
    session_end(&session->books,
                conn->side == CONN_UPSTREAM ? SESSION_END_REMOTE : SESSION_END_LOCAL);
    finish(session);
    conn_close(other);
}

static struct str choose_cluster(struct wire *wire, const struct tcp_proxy *proxy)
{
    if (proxy->weighted_count == 0 || proxy->weight_total == 0)
        return proxy->cluster;
    uint64_t number = rng_below(&wire->rng_tcp, proxy->weight_total);
    uint32_t i = 0;
    while (i + 1 < proxy->weighted_count && number >= proxy->weighted[i].weight)
        number -= proxy->weighted[i++].weight;
    return proxy->weighted[i].cluster;
}

static struct lb *balancer(struct reign *reign, uint32_t cluster_index)
{
    struct arena *memory = &reign->memory;
    if (reign->tcp_balancers == NULL)
        reign->tcp_balancers = ARENA_ARRAY(memory, struct lb *, reign->snapshot->cluster_count);
    struct lb **place = &reign->tcp_balancers[cluster_index];
    if (*place == NULL) {
        *place = ARENA_NEW(memory, struct lb);
        engine_init_lb(reign->engine, cluster_index, *place, &reign->wire->rng_tcp, memory);
    }
    return *place;
}

/* Whose requests the heir of their balancer counts now. */
static void follow(struct wire *wire, const struct lb *from, struct lb *heir)
{
    for (uint32_t i = 0; i < wire->streams.made_count; i++) {
        struct stream *session = slots_at(&wire->streams, i);
        struct session *books = &session->books;
        if (!session->is_session || books->phase == SESSION_OUTSIDE || books->lb != from)
            continue;
        uint32_t index = LB_NONE;
        if (heir != NULL)
            index = lb_find_host(heir->cluster, &from->cluster->endpoints[books->lb_index],
                                 books->lb_index);
        session_follow(books, index != LB_NONE ? heir : NULL, index);
    }
}

void tcp_take_over(struct reign *reign, const struct reign *old)
{
    for (uint32_t i = 0; old->tcp_balancers != NULL && i < old->snapshot->cluster_count; i++) {
        uint32_t index;
        const struct lb *from = old->tcp_balancers[i];
        if (from == NULL)
            continue;
        struct lb *heir = NULL;
        if (engine_successor(old->engine, i, &index) == reign->engine) {
            heir = balancer(reign, index);
            lb_inherit(heir, from, reign->wire->now_ns);
        }
        follow(reign->wire, from, heir);
    }
}

/* By the client's address, where the proxy says so; else any. */
static uint64_t hash_of(struct stream *session, const struct tcp_proxy *proxy)
{
    static const struct hash_policy source = {.kind = HASH_SOURCE_IP};
    struct hash_key_facts facts = {.downstream = &session->session_record.downstream};
    struct hash_key_cookies none = {0};
    uint64_t hash;
    if (proxy->is_hashing_source_ip &&
        hash_key_find(&source, 1, &facts, &none, &session->arena, &hash))
        return hash;
    return rng_next(&session->wire->rng_tcp);
}

/* Where to? False: there is no usable endpoint. */
static bool choose_target(struct stream *session, const struct tcp_proxy *proxy,
                          uint32_t cluster_index, struct dial_target *target)
{
    const struct conn *conn = session->down;
    const struct cluster *cluster = &session->reign->snapshot->clusters[cluster_index];
    *target = (struct dial_target){.reign = session->reign,
                                   .cluster_index = cluster_index,
                                   .endpoint_index = LB_NONE,
                                   .address = conn->down.original_address,
                                   .port = conn->down.original_port};
    if (cluster->type == CLUSTER_ORIGINAL_DST)
        return target->address.len > 0;
    struct rng *rng = &conn->wire->rng_tcp;
    struct lb_question asked = {.now_ns = conn->wire->now_ns};
    if (lb_is_hashing(cluster))
        asked.hash = hash_of(session, proxy);
    target->endpoint_index =
        lb_choose(balancer(session->reign, cluster_index), &asked, rng).endpoint_index;
    return target->endpoint_index != LB_NONE;
}

/* The chain's word, else Envoy's hour. */
static int64_t idle_timeout_ns(const struct conn *down)
{
    const struct filter_chain *chain = down->down.chain;

    return chain != NULL && chain->tcp.idle_timeout_ns != 0 ? chain->tcp.idle_timeout_ns
                                                            : IDLE_TIMEOUT_NS;
}

static struct stream *begin_session(struct conn *conn)
{
    struct stream *session = stream_take(conn);
    session->is_session = true;
    session->active_ns = conn->wire->now_ns;
    session->session_record = (struct record){
        .started_ns = conn->wire->now_ns,
        .is_tcp = true,
        .downstream = facts_downstream(conn, NULL, &session->arena),
    };
    conn->session = session;
    conn->wire->exchange_count++;
    conn_set_timer(conn, ns_add(conn->wire->now_ns, idle_timeout_ns(conn)));
    if (conn->down.chain != NULL)
        conn_set_age(conn, conn->down.chain->tcp.max_connection_duration_ns);
    return session;
}

static void connect_session(struct stream *session, const struct dial_target *target)
{
    struct record *record = &session->session_record;
    struct lb *lb =
        target->endpoint_index != LB_NONE ? balancer(session->reign, target->cluster_index) : NULL;
    bool is_admitted = session_note_connecting(&session->books, lb, target->endpoint_index);
    struct conn *up = is_admitted ? dial(target) : NULL;
    if (up == NULL) {
        session_end(&session->books, SESSION_END_LOCAL);
        record_add_flag(record, STR("UO"));
        give_up(session);
        return;
    }
    up->speech = SPEECH_TCP;
    up->session = session;
    session->up = up;
    record->endpoint = up->up.endpoint;
    record->attempt_count = 1;
    record->upstream.address = arena_str(&session->arena, up->up.address);
    record->upstream.port = up->up.port;
}

static void fail_connect(struct stream *session, bool is_timeout, struct str why)
{
    struct record *record = &session->session_record;
    tally_connect_failed(session->up);
    note_result(session,
                is_timeout ? RESULT_LOCAL_ORIGIN_TIMEOUT : RESULT_LOCAL_ORIGIN_CONNECT_FAILED);
    session_note_connect_failed(&session->books,
                                is_timeout ? SESSION_END_TIMEOUT : SESSION_END_REMOTE);
    record_add_flag(record, STR("UF"));
    record_add_flag(record, STR("URX"));
    record->transport_failure = arena_str(&session->arena, why);
    give_up(session);
}

static void note_moved(struct stream *session, const struct conn *from, size_t size)
{
    struct record *record = &session->session_record;
    session->active_ns = session->wire->now_ns;
    if (from->side == CONN_DOWNSTREAM)
        record->bytes_received += size;
    else
        record->bytes_sent += size;
}

/* False: a policy denies it. */
static bool pass_policies(struct stream *session, const struct security *security,
                          enum access_stage stage)
{
    struct record *record = &session->session_record;
    struct rbac_facts facts = rbac_facts_of(&record->downstream);
    const struct rbac *rbac;
    for (uint32_t i = 0; (rbac = access_filter(security, stage, i)) != NULL; i++) {
        struct rbac_finding found = rbac_find(rbac, &facts);
        rbac_count(rbac, &found, engine_rbac_stats(session->reign->engine));
        if (!found.rules.is_allowed) {
            record->termination = rbac_details(&found.rules, &session->arena);
            return false;
        }
    }
    return true;
}

/* The filter before the proxy asks when the client's first bytes are there, and they are
 * read when there is an upstream connection (ISTIO.md 6.3). False: the session is over. */
static bool pass_access(struct stream *session)
{
    struct record *record = &session->session_record;
    const struct record_downstream *down = &record->downstream;
    const struct security *security = down->chain != NULL ? down->chain->security : NULL;
    if (security == NULL || record->bytes_received > 0)
        return true;
    if (pass_policies(session, security, ACCESS_CUSTOM) &&
        pass_policies(session, security, ACCESS_RULES))
        return true;
    close_pair(session, false);
    return false;
}

void tcp_start(struct conn *conn, const struct tcp_proxy *proxy)
{
    struct reign *reign = conn->reign;
    conn->speech = SPEECH_TCP;
    tally_tcp(conn, proxy);
    struct stream *session = begin_session(conn);
    struct record *record = &session->session_record;
    struct str name = choose_cluster(conn->wire, proxy);
    record->cluster_name = name;
    uint32_t cluster_index = engine_cluster_index(reign->engine, name);
    if (cluster_index == UINT32_MAX) {
        record_add_flag(record, STR("NC"));
        give_up(session);
        return;
    }
    record->cluster = &reign->snapshot->clusters[cluster_index];
    if (!session_admit(&session->books, reign->engine, cluster_index)) {
        record_add_flag(record, STR("UO"));
        give_up(session);
        return;
    }
    struct dial_target target;
    if (!choose_target(session, proxy, cluster_index, &target)) {
        session_end(&session->books, SESSION_END_LOCAL);
        engine_cluster_stats(reign->engine, cluster_index)
            ->counters[STAT_CLUSTER_upstream_cx_none_healthy]++;
        record_add_flag(record, STR("UH"));
        give_up(session);
        return;
    }
    connect_session(session, &target);
}

void tcp_note_connected(struct conn *conn)
{
    struct stream *session = conn->session;
    if (session == NULL)
        return;
    struct conn *down = session->down;
    session_note_connected(&session->books);
    note_result(session, RESULT_LOCAL_ORIGIN_CONNECT_SUCCESS_FINAL);
    struct str waiting = buf_str(&down->in);
    if (waiting.len > 0 && !pass_access(session))
        return;
    if (waiting.len > 0) {
        note_moved(session, down, waiting.len);
        conn_write(conn, waiting);
        buf_clear(&down->in);
    }
    session->session_record.upstream = facts_upstream(conn, session);
    conn_resume(down);
    if (down->is_read_ended)
        conn_shutdown(conn);
}

void tcp_note_connect_failed(struct conn *conn, struct str why)
{
    if (conn->session != NULL)
        fail_connect(conn->session, false, why);
}

void tcp_read(struct conn *conn, struct str bytes)
{
    struct stream *session = conn->session;
    if (session == NULL || !conn_is_open(conn) || bytes.len == 0)
        return;
    struct conn *other = other_of(conn);
    if (!conn_is_open(other)) {
        conn_keep_input(conn, bytes);
        return;
    }
    if (conn->side == CONN_DOWNSTREAM && !pass_access(session))
        return;
    note_moved(session, conn, bytes.len);
    conn_write(other, bytes);
    if (conn_is_full(other))
        conn_pause(conn);
}

void tcp_note_eof(struct conn *conn)
{
    struct stream *session = conn->session;
    if (session == NULL)
        return;
    conn->is_read_ended = true;
    struct conn *other = other_of(conn);
    if (!conn_is_open(other))
        return;
    if (other->is_read_ended)
        close_pair(session, conn->side == CONN_UPSTREAM);
    else
        conn_shutdown(other);
}

/* The client's side ends, by itself or because it must. */
static void count_cancelled(const struct conn *conn)
{
    if (conn->side == CONN_DOWNSTREAM && conn->session->up->state == CONN_CONNECTING)
        engine_cluster_stats(conn->reign->engine, conn->session->up->up.cluster_index)
            ->counters[STAT_CLUSTER_upstream_rq_cancelled]++;
}

void tcp_note_broken(struct conn *conn)
{
    if (conn->session == NULL)
        return;
    count_cancelled(conn);
    if (conn->has_failed_tls)
        end_pair(conn);
    else
        reset_pair(conn);
}

void tcp_note_old(struct conn *conn)
{
    if (conn->session == NULL)
        return;
    engine_tcp_stats(conn->reign->engine, conn->down.chain->tcp.stat_prefix)
        ->counters[STAT_TCP_max_downstream_connection_duration]++;
    record_add_flag(&conn->session->session_record, STR("DT"));
    count_cancelled(conn);
    close_pair(conn->session, false);
}

void tcp_note_sent(struct conn *conn)
{
    if (conn->session != NULL && conn_has_room(conn))
        conn_resume(other_of(conn));
}

void tcp_wake(struct conn *conn)
{
    struct stream *session = conn->session;
    if (session == NULL)
        return;
    if (conn->state == CONN_CONNECTING) {
        conn_abort(conn);
        fail_connect(session, true, STR_EMPTY);
        return;
    }
    int64_t due_ns = ns_add(session->active_ns, idle_timeout_ns(session->down));
    if (conn->wire->now_ns >= due_ns) {
        tally_tcp_idle(session->down);
        close_pair(session, false);
    } else {
        conn_set_timer(conn, due_ns);
    }
}
