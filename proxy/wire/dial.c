/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/wire/dial.c - a connection that is being opened.
 */
#include "proxy/wire/dial.h"

#include "base/ns.h"
#include "proxy/core/pool.h"
#include "proxy/http/h1.h"
#include "proxy/http/h2.h"
#include "proxy/model/limits.h"
#include "proxy/wire/ping.h"
#include "proxy/wire/tally.h"

/* Envoy's default. */
#define CONNECT_TIMEOUT_NS (5 * NS_SECOND)

static void resolve(struct conn *conn, const struct dial_target *target)
{
    struct conn_upstream *up = &conn->up;
    up->cluster_index = target->cluster_index;
    up->cluster = &conn->reign->snapshot->clusters[target->cluster_index];
    up->endpoint_index = target->endpoint_index;
    up->pool = target->pool;
    if (up->cluster->has_auto_sni)
        up->host = arena_str(&conn->facts, target->host);
    if (target->endpoint_index < up->cluster->endpoint_count) {
        up->endpoint = &up->cluster->endpoints[target->endpoint_index];
        up->address = up->endpoint->address;
        up->port = up->endpoint->port;
    } else {
        up->address = arena_str(&conn->facts, target->address);
        up->port = target->port;
    }
}

static void open_h1(struct conn *conn)
{
    conn->parser = h1_parser_new(H1_RESPONSES, (struct h1_settings){
                                                   .is_accepting_http10 = true,
                                                   .head_bytes_max = LIMIT_RESPONSE_HEAD_BYTES,
                                                   .header_count_max = LIMIT_HEADER_COUNT,
                                               });
}

static void open_h2(struct conn *conn)
{
    struct h2_settings settings = {
        .side = H2_CLIENT,
        .streams_max = conn->up.cluster->streams_max,
        .head_bytes_max = LIMIT_REQUEST_HEAD_BYTES,
        .header_count_max = LIMIT_HEADER_COUNT,
    };
    conn->h2 = h2_new(&settings, &conn->wire->h2_memory);
    ASSERT(conn->h2 != NULL);
    ping_arm(conn);
}

struct conn *dial(const struct dial_target *target)
{
    struct wire *wire = target->reign->wire;
    struct conn *conn = conn_take(target->reign, CONN_UPSTREAM);
    if (conn == NULL) {
        if (target->pool != NULL)
            pool_note_not_connecting(target->pool);
        return NULL;
    }
    resolve(conn, target);
    int64_t timeout_ns = conn->up.cluster->connect_timeout_ns;
    conn_set_timer(conn, ns_add(wire->now_ns, timeout_ns > 0 ? timeout_ns : CONNECT_TIMEOUT_NS));
    wishes_add(&wire->wishes,
               (struct wish){.kind = WIRE_CONNECT, .conn = conn, .generation = conn->generation});
    tally_connecting(conn);
    if (target->pool == NULL)
        return conn;
    conn->speech = SPEECH_HTTP;
    if (pool_is_h2(target->pool))
        open_h2(conn);
    else
        open_h1(conn);
    pool_note_connecting(target->pool, conn->number);
    return conn;
}

/* As long as the wire, if it is one of those from which it mostly connects. */
static const struct str *own_address(struct wire *wire, struct str address)
{
    for (uint32_t i = 0; i < wire->own_address_count; i++)
        if (str_eq(wire->own_addresses[i], address))
            return &wire->own_addresses[i];
    if (wire->own_address_count == OWN_ADDRESSES_MAX)
        return NULL;
    struct str *place = &wire->own_addresses[wire->own_address_count++];
    *place = arena_str(&wire->memory, address);
    return place;
}

void wire_note_local(struct wire *wire, uint32_t conn_number, struct str address, uint32_t port)
{
    struct conn *conn = slots_at(&wire->conns, conn_number);
    ASSERT(conn->side == CONN_UPSTREAM);
    const struct str *own = own_address(wire, address);
    conn->up.is_local_own = own != NULL;
    conn->up.local_address = own != NULL ? *own : arena_str(&conn->facts, address);
    conn->up.local_port = port;
}
