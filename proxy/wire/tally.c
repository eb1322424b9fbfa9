/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/wire/tally.c - see tally.h.
 */
#include "proxy/wire/tally.h"

#include "base/ns.h"
#include "proxy/wire/conn.h"
#include "proxy/wire/facts.h"

static struct listener_stats *listener_of(const struct conn *conn)
{
    return engine_listener_stats(conn->reign->engine, conn->down.listener);
}

static void count_bytes(struct conn *conn, uint64_t *read_bytes, uint64_t *sent_bytes)
{
    conn->tally.read_bytes = read_bytes;
    conn->tally.sent_bytes = sent_bytes;
    *read_bytes += conn->tally.early_bytes;
    conn->tally.early_bytes = 0;
}

static uint64_t age_ms(const struct conn *conn)
{
    return (uint64_t)((conn->wire->now_ns - conn->tally.began_ns) / NS_MS);
}

static void note_age(struct conn *conn, struct histogram *histogram)
{
    histogram_note(histogram, age_ms(conn), conn->wire->now_ns, &conn->reign->memory);
}

void tally_accepted(struct conn *conn)
{
    struct listener_stats *stats = listener_of(conn);
    stats->counters[STAT_LISTENER_downstream_cx_total]++;
    stats->counters[STAT_LISTENER_downstream_cx_active]++;
    conn->tally.is_accepted = true;
}

void tally_left_early(struct conn *conn)
{
    listener_of(conn)->counters[STAT_LISTENER_downstream_listener_filter_remote_close]++;
}

void tally_no_chain(struct conn *conn)
{
    listener_of(conn)->counters[STAT_LISTENER_no_filter_chain_match]++;
}

void tally_waiting(struct conn *conn, bool is_waiting)
{
    if (conn->down.is_waiting == is_waiting)
        return;
    uint64_t *active = &listener_of(conn)->counters[STAT_LISTENER_downstream_pre_cx_active];
    *active = is_waiting ? *active + 1 : *active - 1;
    conn->down.is_waiting = is_waiting;
}

void tally_waiting_timeout(struct conn *conn)
{
    listener_of(conn)->counters[STAT_LISTENER_downstream_pre_cx_timeout]++;
}

void tally_transport_timeout(struct conn *conn)
{
    listener_of(conn)->counters[STAT_LISTENER_downstream_cx_transport_socket_connect_timeout]++;
}

static struct ssl_stats **ssl_of(const struct conn *conn)
{
    return conn->side == CONN_DOWNSTREAM
               ? &listener_of(conn)->ssl
               : &engine_cluster_stats(conn->reign->engine, conn->up.cluster_index)->ssl;
}

void wire_note_handshake(struct wire *wire, uint32_t number, const struct wire_handshake *handshake)
{
    struct conn *conn = slots_at(&wire->conns, number);
    const struct ssl_handshake *agreed = &handshake->agreed;
    engine_note_handshake(conn->reign->engine, ssl_of(conn), agreed);
    facts_note_tls(conn, &(struct record_tls){.version = agreed->version,
                                              .cipher = agreed->cipher,
                                              .group = agreed->curve,
                                              .server_name = handshake->server_name,
                                              .peer = handshake->peer,
                                              .own = handshake->own});
}

void wire_note_tls_failure(struct wire *wire, uint32_t number, enum tls_failure failure)
{
    struct conn *conn = slots_at(&wire->conns, number);
    conn->has_failed_tls = failure != TLS_RESET;
    engine_note_tls_failure(conn->reign->engine, ssl_of(conn), failure);
}

void tally_http(struct conn *conn, const struct http_connection_manager *http)
{
    struct http_stats *stats = engine_http_stats_of(conn->reign->engine, http->stat_prefix);
    conn->tally.http = stats;
    stats->counters[STAT_HTTP_downstream_cx_active]++;
    stats->counters[STAT_HTTP_downstream_cx_ssl_active] += conn->down.peer.is_tls;
    count_bytes(conn, &stats->counters[STAT_HTTP_downstream_cx_rx_bytes_total],
                &stats->counters[STAT_HTTP_downstream_cx_tx_bytes_total]);
}

void tally_tcp(struct conn *conn, const struct tcp_proxy *proxy)
{
    struct tcp_stats *stats = engine_tcp_stats(conn->reign->engine, proxy->stat_prefix);
    stats->counters[STAT_TCP_downstream_cx_total]++;
    count_bytes(conn, &stats->counters[STAT_TCP_downstream_cx_rx_bytes_total],
                &stats->counters[STAT_TCP_downstream_cx_tx_bytes_total]);
}

void tally_tcp_idle(struct conn *conn)
{
    const struct filter_chain *chain = conn->down.chain;
    if (chain != NULL)
        engine_tcp_stats(conn->reign->engine, chain->tcp.stat_prefix)
            ->counters[STAT_TCP_idle_timeout]++;
}

/* NULL: none is known. */
static uint64_t *codec_gauge(const struct conn *conn)
{
    uint64_t *counters = conn->tally.http->counters;
    if (conn->h2 != NULL)
        return &counters[STAT_HTTP_downstream_cx_http2_active];
    return conn->parser != NULL ? &counters[STAT_HTTP_downstream_cx_http1_active] : NULL;
}

void tally_codec(struct conn *conn)
{
    ++*codec_gauge(conn);
}

static void leave_http(const struct conn *conn)
{
    uint64_t *gauge = codec_gauge(conn);
    conn->tally.http->counters[STAT_HTTP_downstream_cx_active]--;
    conn->tally.http->counters[STAT_HTTP_downstream_cx_ssl_active] -= conn->down.peer.is_tls;
    if (gauge != NULL)
        --*gauge;
}

void tally_leave(struct conn *conn)
{
    tally_waiting(conn, false);
    if (conn->tally.is_accepted)
        listener_of(conn)->counters[STAT_LISTENER_downstream_cx_active]--;
    if (conn->tally.http != NULL)
        leave_http(conn);
}

void tally_join(struct conn *conn)
{
    if (conn->tally.is_accepted)
        listener_of(conn)->counters[STAT_LISTENER_downstream_cx_active]++;
}

void tally_follow(struct conn *conn)
{
    struct cluster_stats *stats = engine_cluster_stats(conn->reign->engine, conn->up.cluster_index);
    count_bytes(conn, &stats->counters[STAT_CLUSTER_upstream_cx_rx_bytes_total],
                &stats->counters[STAT_CLUSTER_upstream_cx_tx_bytes_total]);
}

void tally_connecting(struct conn *conn)
{
    tally_follow(conn);
    engine_endpoint_stats(conn->reign->engine, conn->up.cluster_index, conn->up.endpoint_index)
        ->counters[STAT_ENDPOINT_cx_total]++;
}

void tally_connected(struct conn *conn)
{
    note_age(conn, &engine_cluster_stats(conn->reign->engine, conn->up.cluster_index)->connect_ms);
}

void tally_connect_failed(struct conn *conn)
{
    engine_endpoint_stats(conn->reign->engine, conn->up.cluster_index, conn->up.endpoint_index)
        ->counters[STAT_ENDPOINT_cx_connect_fail]++;
}

static void downstream_gone(struct conn *conn)
{
    struct listener_stats *listener = listener_of(conn);
    tally_waiting(conn, false);
    if (!conn->tally.is_accepted)
        return;
    listener->counters[STAT_LISTENER_downstream_cx_destroy]++;
    listener->counters[STAT_LISTENER_downstream_cx_active]--;
    note_age(conn, &listener->length_ms);
    struct http_stats *http = conn->tally.http;
    if (http == NULL)
        return;
    leave_http(conn);
    http->counters[STAT_HTTP_downstream_cx_destroy]++;
    http->counters[conn->tally.is_remote_end ? STAT_HTTP_downstream_cx_destroy_remote
                                             : STAT_HTTP_downstream_cx_destroy_local]++;
    note_age(conn, &http->length_ms);
}

void tally_gone(struct conn *conn)
{
    if (conn->side == CONN_DOWNSTREAM)
        downstream_gone(conn);
    else
        note_age(conn,
                 &engine_cluster_stats(conn->reign->engine, conn->up.cluster_index)->length_ms);
}
