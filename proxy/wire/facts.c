/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/wire/facts.c - see facts.h.
 */
#include "proxy/wire/facts.h"

#include "proxy/wire/conn.h"

struct peer_facts facts_peer(const struct peer_facts *told, struct arena *arena)
{
    struct peer_facts out = *told;
    struct str *protocols = ARENA_ARRAY(arena, struct str, told->protocol_count);
    for (uint32_t i = 0; i < told->protocol_count; i++)
        protocols[i] = arena_str(arena, told->protocols[i]);
    out.protocols = protocols;
    out.server_name = arena_str(arena, told->server_name);
    out.remote_address = arena_str(arena, told->remote_address);
    out.local_address = arena_str(arena, told->local_address);
    out.node_address = arena_str(arena, told->node_address);
    return out;
}

struct record_downstream facts_downstream(const struct conn *down, struct arena *arena)
{
    const struct peer_facts *peer = &down->down.peer;
    struct str remote = arena_str(arena, peer->remote_address);
    return (struct record_downstream){
        .connection_id = down->id,
        .remote_address = remote,
        .remote_port = peer->remote_port,
        .direct_address = remote,
        .direct_port = peer->remote_port,
        .local_address = arena_str(arena, peer->local_address),
        .local_port = peer->local_port,
        .server_name = arena_str(arena, peer->server_name),
        .peer = peer->certificate,
        .listener = down->down.listener,
        .chain = down->down.chain,
    };
}

struct record_upstream facts_upstream(const struct conn *conn, struct arena *arena)
{
    return (struct record_upstream){
        .connection_id = conn->id,
        .local_address = arena_str(arena, conn->up.local_address),
        .local_port = conn->up.local_port,
        .address = arena_str(arena, conn->up.address),
        .port = conn->up.port,
    };
}
