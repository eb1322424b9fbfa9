/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/sim/proxy.c - carries out what a client's proxy (proxy/wire) wishes.
 */
#include <stddef.h>

#include "base/check.h"
#include "base/hash.h"
#include "base/rng.h"
#include "proxy/crypto/jwt_verify.h"
#include "testbed/sim/inside.h"
#include "testbed/world/keyrings.h"

#define TRACE_ITEMS_MAX 512u /* a request with all its retries stays far below */

static void report(struct sim *sim, struct sim_proxy *proxy, struct sim_report what)
{
    struct sim_report *place =
        ARENA_PUSH(&sim->arena, proxy->reports, proxy->report_count, proxy->report_capacity);
    *place = what;
}

static struct sim_conn *conn_at(struct sim *sim, struct sim_proxy *proxy, uint32_t conn)
{
    if (conn >= proxy->conn_capacity) {
        uint32_t capacity = proxy->conn_capacity == 0 ? 64 : proxy->conn_capacity;
        while (capacity <= conn)
            capacity *= 2;
        proxy->conns = arena_grow(&sim->arena, proxy->conns, proxy->conn_capacity, capacity,
                                  sizeof(*proxy->conns));
        proxy->conn_capacity = capacity;
    }
    return &proxy->conns[conn];
}

static struct link_end *end_at(const struct sim_conn *conn)
{
    ASSERT(conn->link != NULL);
    return &conn->link->ends[conn->side];
}

static void take_end(struct sim *sim, struct sim_proxy *proxy, uint32_t conn, struct link *link,
                     enum link_side side)
{
    *conn_at(sim, proxy, conn) = (struct sim_conn){.link = link, .side = side};
    struct link_end *end = &link->ends[side];
    end->owner = LINK_PROXY;
    end->proxy = proxy;
    end->conn = conn;
}

/* The session; one without its secrets has failed, and nobody is called. NULL: so it is. */
static struct sim_tls *begin_tls(struct sim *sim, struct sim_proxy *proxy,
                                 const struct wire_action *action)
{
    const struct keyring *keyring = world_keyring(sim->world, proxy->client, false);
    struct sim_tls *tls =
        sim_tls_connect(&sim->tls, action->cluster, action->host, action->payload, keyring);
    if (tls->state != TLS_STATE_FAILED)
        return tls;
    struct str why = tls_failure_text(tls->failure, STR_EMPTY, NULL);
    sim_tls_free(tls);
    wire_connect_failed(proxy->wire, action->conn, why, sim->now_ns);
    wire_gone(proxy->wire, action->conn);
    return NULL;
}

static void connect_to(struct sim *sim, struct sim_proxy *proxy, const struct wire_action *action)
{
    struct sim_tls *tls = action->is_secure ? begin_tls(sim, proxy, action) : NULL;
    if (action->is_secure && tls == NULL)
        return;
    struct link *link = link_new(&sim->links);
    link->remote_address = sim->world->clients[proxy->client].proxy_address;
    link->remote_port = sim_local_port(action->conn);
    uint32_t pod = world_pod_dialled(sim->world, proxy->client, action->cluster, action->address);
    sim_aim(sim, link, action->cluster, pod, action->port);
    take_end(sim, proxy, action->conn, link, LINK_CONNECTOR);
    link->ends[LINK_CONNECTOR].tls = tls;
    sim_connect(sim, link);
}

static void write_to(struct sim *sim, struct sim_proxy *proxy, const struct wire_action *action)
{
    const struct sim_conn *conn = conn_at(sim, proxy, action->conn);
    struct link_end *end = end_at(conn);
    sim_send(sim, conn->link, conn->side, action->bytes);
    if (end->under_way_bytes >= LINK_WINDOW_BYTES)
        end->untold_bytes += action->bytes.len;
    else
        report(sim, proxy,
               (struct sim_report){.conn = action->conn, .wrote_bytes = action->bytes.len});
}

/* What came in the clear is heard when all wishes are carried out. */
static void secure(struct sim *sim, struct sim_proxy *proxy, const struct wire_action *action)
{
    struct link_end *end = end_at(conn_at(sim, proxy, action->conn));
    end->tls =
        sim_tls_accept(&sim->tls, action->tls, world_keyring(sim->world, proxy->client, false));
    ASSERT(buf_append(&end->tls->early_in, action->bytes) == RC_OK);
    report(sim, proxy, (struct sim_report){.conn = action->conn, .is_greeted = true});
}

static void greet(struct sim *sim, struct sim_proxy *proxy, uint32_t number)
{
    struct sim_conn conn = *conn_at(sim, proxy, number);
    if (conn.link == NULL)
        return;
    struct sim_tls *tls = conn.link->ends[conn.side].tls;
    sim_secure_read(sim, conn.link, conn.side, buf_str(&tls->early_in));
    buf_clear(&tls->early_in);
}

static void give_to(struct sim *sim, struct sim_proxy *proxy, const struct wire_action *action)
{
    const struct sim_conn *conn = conn_at(sim, proxy, action->conn);
    const struct wire_whole *whole = action->whole;
    if (end_at(conn)->tls == NULL &&
        link_send_whole(&sim->links, conn->link, conn->side, whole, sim->now_ns))
        return;
    buf_clear(&sim->scratch);
    ASSERT(h1_sent_write(&whole->sent, &sim->scratch) == RC_OK);
    wire_whole_done(whole);
    sim_send(sim, conn->link, conn->side, buf_str(&sim->scratch));
}

static void close_conn(struct sim *sim, struct sim_proxy *proxy, const struct wire_action *action)
{
    struct sim_conn conn = *conn_at(sim, proxy, action->conn);
    sim_proxy_note_gone(sim, end_at(&conn));
    sim_close(sim, conn.link, conn.side, action->is_abrupt);
}

static void hash_record(struct sim *sim, const struct record *record)
{
    uint64_t hash = hash_words_add(sim->hash, (uint64_t)record->finished_ns);
    hash = hash_words_add(hash, record->status);
    for (uint32_t i = 0; i < record->flag_count; i++)
        hash = hash_words_add_str(hash, record->flags[i]);
    if (record->route != NULL)
        hash = hash_words_add_str(hash, record->route->name);
    if (record->endpoint != NULL) {
        hash = hash_words_add_str(hash, record->endpoint->address);
        hash = hash_words_add(hash, record->endpoint->port);
    }
    hash = hash_words_add(hash, record->bytes_received);
    sim->hash = hash_words_add(hash, record->bytes_sent);
}

/* Records come in the order of the requests on a connection. */
static void give_record(struct sim *sim, struct sim_caller *caller,
                        const struct wire_action *action)
{
    if (caller == NULL || caller->wanted_count == 0)
        return;
    struct sim_wanted wanted = caller->wanted[0];
    caller->wanted_count--;
    for (uint32_t i = 0; i < caller->wanted_count; i++)
        caller->wanted[i] = caller->wanted[i + 1];
    if (wanted.errand->base.life == wanted.life)
        sim_errand_note_record(sim, wanted.errand, action);
}

static void take_record(struct sim *sim, struct sim_proxy *proxy, const struct wire_action *action)
{
    hash_record(sim, action->record);
    play_hops_note(&sim->inbound, proxy->client, action->record, action->trace, &sim->arena);
    /* A caller that went away has a record all the same. */
    give_record(sim, conn_at(sim, proxy, action->conn)->caller, action);
}

/* What a proxy did by itself is part of what happened. */
static void take_event(struct sim *sim, const struct outlier_event *event)
{
    struct play_event *out =
        ARENA_PUSH(&sim->arena, sim->events, sim->event_count, sim->event_capacity);
    *out =
        play_event_of(sim->world, event, event->at_ns - SIM_EPOCH_SECONDS * NS_SECOND, &sim->arena);
    sim->hash = hash_words_add(hash_words_add_str(sim->hash, out->reason), (uint64_t)out->at_ns);
}

static void carry_out(struct sim *sim, struct sim_proxy *proxy, const struct wire_action *action)
{
    switch (action->kind) {
    case WIRE_CONNECT:
        connect_to(sim, proxy, action);
        return;
    case WIRE_WRITE:
        write_to(sim, proxy, action);
        return;
    case WIRE_WHOLE:
        give_to(sim, proxy, action);
        return;
    case WIRE_PAUSE:
        end_at(conn_at(sim, proxy, action->conn))->is_paused = true;
        return;
    case WIRE_RESUME: {
        struct link_end *end = end_at(conn_at(sim, proxy, action->conn));
        end->is_paused = false;
        link_resume(&sim->links, end, sim->now_ns);
        return;
    }
    case WIRE_SECURE:
        secure(sim, proxy, action);
        return;
    case WIRE_SHUTDOWN: {
        const struct sim_conn *conn = conn_at(sim, proxy, action->conn);
        sim_secure_end(sim, conn->link, conn->side);
        link_send(&sim->links, conn->link, conn->side, PARCEL_FIN, sim->now_ns);
        return;
    }
    case WIRE_CLOSE:
        close_conn(sim, proxy, action);
        return;
    case WIRE_DONE:
        take_record(sim, proxy, action);
        return;
    case WIRE_OUTLIER:
        take_event(sim, &action->event);
        return;
    }
    UNREACHABLE("wire_action_kind");
}

/* Tells one thing; what was written to a connection that is gone by now is
 * nobody's concern. */
static void tell(struct sim *sim, struct sim_proxy *proxy, const struct sim_report *what)
{
    if (what->is_greeted)
        greet(sim, proxy, what->conn);
    else if (what->is_gone)
        wire_gone(proxy->wire, what->conn);
    else if (conn_at(sim, proxy, what->conn)->link != NULL)
        wire_wrote(proxy->wire, what->conn, what->wrote_bytes, sim->now_ns);
}

struct sim_proxy *sim_proxy_of(struct sim *sim, uint32_t client)
{
    if (sim->proxies[client] != NULL)
        return sim->proxies[client];
    const struct world_client *its = &sim->world->clients[client];
    struct snapshot *snapshot = world_snapshot(sim->world, client);
    ASSERT(snapshot != NULL);
    struct sim_proxy *proxy = ARENA_NEW(&sim->arena, struct sim_proxy);
    proxy->client = client;
    proxy->timer.owner = TIMER_PROXY;
    heap_node_init(&proxy->timer.node);
    struct wire_options options = {.jwt_verify = jwt_verify,
                                   .is_recording_traces = sim->options.is_tracing,
                                   .trace_items_max = TRACE_ITEMS_MAX,
                                   .is_giving_wholes = !sim->options.is_bytewise};
    uint64_t seed = rng_derive(sim->options.seed, its->spec.name);
    options.shared = shared_new(snapshot, NULL, seed, SIM_EPOCH_SECONDS * NS_SECOND);
    shared_set_alone(options.shared);
    proxy->wire = wire_new(snapshot, seed, options);
    shared_drop(options.shared);
    wire_set_epoch(proxy->wire, SIM_EPOCH_SECONDS);
    sim->proxies[client] = proxy;
    return proxy;
}

bool sim_proxy_accept(struct sim *sim, struct link *link)
{
    struct sim_proxy *proxy = link->proxy;
    struct wire_accept accept = {
        .listener = link->listener,
        .peer = {.remote_address = link->remote_address,
                 .remote_port = link->remote_port,
                 .local_address = link->address,
                 .local_port = link->port,
                 .node_address = STR(WORLD_NODE_ADDRESS)},
    };
    if (link->has_original) {
        accept.original_address = link->address;
        accept.original_port = link->port;
    }
    uint32_t conn = wire_accepted(proxy->wire, &accept, sim->now_ns);
    if (conn == WIRE_NONE)
        return false;
    take_end(sim, proxy, conn, link, LINK_ACCEPTOR);
    conn_at(sim, proxy, conn)->caller = link->ends[LINK_CONNECTOR].caller;
    return true;
}

void sim_proxy_turn(struct sim *sim, struct sim_proxy *proxy)
{
    uint32_t told_count = 0;
    for (;;) {
        struct wire_action action;
        while (wire_next(proxy->wire, &action))
            carry_out(sim, proxy, &action);
        if (told_count == proxy->report_count)
            break;
        struct sim_report what = proxy->reports[told_count++];
        tell(sim, proxy, &what);
    }
    proxy->report_count = 0;
    if (sim->watches.count > 0)
        watches_note(&sim->watches, wire_engine(proxy->wire));
    sim_set_timer(sim, &proxy->timer, wire_wake_ns(proxy->wire));
}

void sim_proxy_note_gone(struct sim *sim, struct link_end *end)
{
    conn_at(sim, end->proxy, end->conn)->link = NULL;
    report(sim, end->proxy, (struct sim_report){.conn = end->conn, .is_gone = true});
}

void sim_proxy_note_room(struct sim *sim, struct link_end *end)
{
    if (end->untold_bytes == 0)
        return;
    wire_wrote(end->proxy->wire, end->conn, (size_t)end->untold_bytes, sim->now_ns);
    end->untold_bytes = 0;
    sim_proxy_turn(sim, end->proxy);
}

void sim_proxies_fini(struct sim *sim)
{
    for (uint32_t i = 0; i < sim->world->client_count; i++) {
        if (sim->proxies[i] != NULL)
            wire_free(sim->proxies[i]->wire);
    }
}
