/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/sim/net.c - virtual time and the kernel's part: parcels arrive,
 * connections are accepted, refused or left unanswered, timers fire.
 *
 * At the same instant parcels come before timers, and among themselves in the
 * order in which they were sent or set.
 */
#include <stddef.h>

#include "base/check.h"
#include "testbed/sim/inside.h"

#define FIRST_LOCAL_PORT 32768u
#define LOCAL_PORT_COUNT 28232u

static void release(struct sim *sim, struct link *link)
{
    if (!link_is_over(link))
        return;
    for (int side = 0; side < 2; side++) {
        struct link_end *end = &link->ends[side];
        if (end->caller != NULL)
            list_push_front(&sim->free_callers, &end->caller->node);
        if (end->standin != NULL)
            list_push_front(&sim->free_standins, &end->standin->node);
        sim_tls_free(end->tls);
    }
    link_free(&sim->links, link);
}

/* The pod's kernel: refuses, says nothing, or accepts. */
static void arrive_at_pod(struct sim *sim, struct link *link)
{
    bool is_there = link->pod != UINT32_MAX;
    const struct behaviour *behaviour = is_there ? &sim->world->pods[link->pod].behaviour : NULL;
    if (is_there && behaviour->is_dropping) {
        link->ends[LINK_ACCEPTOR].is_open = false;
        return;
    }
    if (!is_there || behaviour->is_refusing) {
        link->ends[LINK_ACCEPTOR].is_open = false;
        link_send(&sim->links, link, LINK_ACCEPTOR, PARCEL_REFUSED, sim->now_ns);
        return;
    }
    link_send(&sim->links, link, LINK_ACCEPTOR, PARCEL_ACCEPTED, sim->now_ns);
    sim_standin_turn(sim, sim_standin_new(sim, link));
}

static void arrive(struct sim *sim, struct link *link)
{
    if (link->listener == NULL) {
        arrive_at_pod(sim, link);
        return;
    }
    if (sim_proxy_accept(sim, link)) {
        link_send(&sim->links, link, LINK_ACCEPTOR, PARCEL_ACCEPTED, sim->now_ns);
        sim_proxy_turn(sim, link->proxy);
        return;
    }
    link->ends[LINK_ACCEPTOR].is_open = false;
    link_send(&sim->links, link, LINK_ACCEPTOR, PARCEL_REFUSED, sim->now_ns);
}

/* Of a message that travelled as it is they are written now, for one who reads them. */
static struct str bytes_of(struct sim *sim, const struct parcel *parcel)
{
    if (parcel->read != NULL)
        return parcel->read->bytes;
    if (parcel->whole == NULL)
        return buf_str(&parcel->bytes);
    buf_clear(&sim->scratch);
    ASSERT(h1_sent_write(&parcel->whole->sent, &sim->scratch) == RC_OK);
    ASSERT(buf_size(&sim->scratch) == parcel->size);
    return buf_str(&sim->scratch);
}

static void tell_caller(struct sim *sim, struct sim_caller *caller, const struct parcel *parcel)
{
    switch (parcel->kind) {
    case PARCEL_SYN:
        UNREACHABLE("callers are not called");
    case PARCEL_ACCEPTED:
        caller_connected(&caller->caller, sim->now_ns);
        break;
    case PARCEL_REFUSED:
        caller_refused(&caller->caller, sim->now_ns);
        break;
    case PARCEL_DATA:
        if (parcel->whole == NULL ||
            !caller_read_whole(&caller->caller, &parcel->whole->sent, sim->now_ns))
            caller_read(&caller->caller, bytes_of(sim, parcel), sim->now_ns);
        break;
    case PARCEL_FIN:
        caller_eof(&caller->caller, sim->now_ns);
        break;
    case PARCEL_RST:
        caller_broken(&caller->caller, sim->now_ns);
        break;
    }
    sim_caller_turn(sim, caller);
}

static void tell_standin(struct sim *sim, struct sim_standin *standin, const struct parcel *parcel)
{
    switch (parcel->kind) {
    case PARCEL_SYN:
    case PARCEL_ACCEPTED:
    case PARCEL_REFUSED:
        UNREACHABLE("stand-ins call nobody");
    case PARCEL_DATA:
        if (parcel->whole == NULL ||
            !standin_read_whole(&standin->standin, &parcel->whole->sent, sim->now_ns))
            standin_read(&standin->standin, bytes_of(sim, parcel), sim->now_ns);
        break;
    case PARCEL_FIN:
        standin_eof(&standin->standin, sim->now_ns);
        break;
    case PARCEL_RST:
        standin_broken(&standin->standin);
        break;
    }
    sim_standin_turn(sim, standin);
}

/* Ports like those that kernels give. */
uint32_t sim_local_port(uint32_t conn)
{
    return FIRST_LOCAL_PORT + conn % LOCAL_PORT_COUNT;
}

/* The near end of a proxy's own connections: its pod. */
static void note_local(struct sim *sim, const struct link_end *end)
{
    const struct sim_proxy *proxy = end->proxy;
    wire_note_local(proxy->wire, end->conn, sim->world->clients[proxy->client].proxy_address,
                    sim_local_port(end->conn));
}

static void tell_proxy(struct sim *sim, struct link_end *end, const struct parcel *parcel)
{
    struct wire *wire = end->proxy->wire;
    switch (parcel->kind) {
    case PARCEL_SYN:
        UNREACHABLE("a connection that has a number is there already");
    case PARCEL_ACCEPTED:
        note_local(sim, end);
        wire_connected(wire, end->conn, sim->now_ns);
        break;
    case PARCEL_REFUSED:
        end->is_open = false;
        wire_connect_failed(wire, end->conn, STR("delayed connect error: Connection refused"),
                            sim->now_ns);
        sim_proxy_note_gone(sim, end);
        break;
    case PARCEL_DATA:
        if (parcel->read == NULL || !wire_read_whole(wire, end->conn, parcel->read, sim->now_ns))
            wire_read(wire, end->conn, bytes_of(sim, parcel), sim->now_ns);
        break;
    case PARCEL_FIN:
        wire_read_eof(wire, end->conn, sim->now_ns);
        break;
    case PARCEL_RST:
        end->is_open = false;
        wire_broken(wire, end->conn, sim->now_ns);
        sim_proxy_note_gone(sim, end);
        break;
    }
    sim_proxy_turn(sim, end->proxy);
}

static void turn(struct sim *sim, struct link_end *end)
{
    switch (end->owner) {
    case LINK_NOBODY:
        return;
    case LINK_CALLER:
        sim_caller_turn(sim, end->caller);
        return;
    case LINK_STANDIN:
        sim_standin_turn(sim, end->standin);
        return;
    case LINK_PROXY:
        sim_proxy_turn(sim, end->proxy);
        return;
    }
    UNREACHABLE("link_owner");
}

/* An end with TLS; false: what it is to hear is what it would hear without. */
static bool tell_secure(struct sim *sim, struct link_end *end, const struct parcel *parcel)
{
    switch (parcel->kind) {
    case PARCEL_SYN:
    case PARCEL_REFUSED:
        return false;
    case PARCEL_ACCEPTED:
        if (end->owner == LINK_PROXY)
            note_local(sim, end);
        sim_secure_read(sim, parcel->link, parcel->to, STR_EMPTY);
        break;
    case PARCEL_DATA:
        sim_secure_read(sim, parcel->link, parcel->to, bytes_of(sim, parcel));
        break;
    case PARCEL_FIN:
        sim_secure_read_ended(sim, parcel->link, parcel->to);
        break;
    case PARCEL_RST:
        sim_secure_broke(sim, parcel->link, parcel->to);
        break;
    }
    turn(sim, end);
    return true;
}

static void tell(struct sim *sim, struct parcel *parcel)
{
    struct link_end *end = &parcel->link->ends[parcel->to];
    if (end->tls != NULL && tell_secure(sim, end, parcel))
        return;
    switch (end->owner) {
    case LINK_NOBODY:
        UNREACHABLE("somebody connected");
    case LINK_CALLER:
        tell_caller(sim, end->caller, parcel);
        return;
    case LINK_STANDIN:
        tell_standin(sim, end->standin, parcel);
        return;
    case LINK_PROXY:
        tell_proxy(sim, end, parcel);
        return;
    }
    UNREACHABLE("link_owner");
}

/* Bytes for an end that was closed are answered with a reset. */
static void bounce(struct sim *sim, const struct parcel *parcel)
{
    bool is_wanting = parcel->kind == PARCEL_DATA || parcel->kind == PARCEL_ACCEPTED;
    if (is_wanting && link_peer(parcel->link, parcel->to)->is_open)
        link_send(&sim->links, parcel->link, parcel->to, PARCEL_RST, sim->now_ns);
}

/* The receiver took it: there is room for more. */
static void note_room(struct sim *sim, struct link_end *end)
{
    if (!end->is_open)
        return;
    switch (end->owner) {
    case LINK_NOBODY:
        return;
    case LINK_CALLER:
        sim_caller_turn(sim, end->caller);
        return;
    case LINK_STANDIN:
        sim_standin_turn(sim, end->standin);
        return;
    case LINK_PROXY:
        sim_proxy_note_room(sim, end);
        return;
    }
    UNREACHABLE("link_owner");
}

static void deliver(struct sim *sim, struct parcel *parcel)
{
    struct link *link = parcel->link;
    struct link_end *end = &link->ends[parcel->to];
    struct link_end *sender = link_peer(link, parcel->to);
    if (parcel->kind != PARCEL_SYN && end->is_open && end->is_paused) {
        link_hold(parcel);
        return;
    }
    bool was_full = sender->under_way_bytes >= LINK_WINDOW_BYTES;
    if (parcel->kind == PARCEL_SYN)
        arrive(sim, link);
    else if (end->is_open)
        tell(sim, parcel);
    else
        bounce(sim, parcel);
    link_done(&sim->links, parcel);
    if (was_full && sender->under_way_bytes < LINK_WINDOW_BYTES)
        note_room(sim, sender);
    release(sim, link);
}

static void fire(struct sim *sim, struct heap_node *node)
{
    struct sim_timer *timer = HEAP_ITEM(node, struct sim_timer, node);
    heap_remove(&sim->timers, node);
    switch (timer->owner) {
    case TIMER_PROXY: {
        struct sim_proxy *proxy = HEAP_ITEM(timer, struct sim_proxy, timer);
        if (wire_wake_ns(proxy->wire) <= sim->now_ns)
            wire_wake(proxy->wire, sim->now_ns);
        sim_proxy_turn(sim, proxy);
        return;
    }
    case TIMER_CALLER: {
        struct sim_caller *caller = HEAP_ITEM(timer, struct sim_caller, timer);
        caller_wake(&caller->caller, sim->now_ns);
        sim_caller_turn(sim, caller);
        return;
    }
    case TIMER_STANDIN: {
        struct sim_standin *standin = HEAP_ITEM(timer, struct sim_standin, timer);
        standin_wake(&standin->standin, sim->now_ns);
        sim_standin_turn(sim, standin);
        return;
    }
    case TIMER_ERRAND:
        sim_errand_fire(sim, HEAP_ITEM(timer, struct sim_errand, timer));
        return;
    }
    UNREACHABLE("timer_owner");
}

void sim_aim(struct sim *sim, struct link *link, const struct cluster *cluster, uint32_t pod,
             uint32_t port)
{
    if (pod == UINT32_MAX)
        return;
    const struct world_pod *its = &sim->world->pods[pod];
    link->address = its->address;
    link->port = port;
    link->listener = world_inbound(sim->world, pod, port, cluster);
    if (link->listener != NULL) {
        link->proxy = sim_proxy_of(sim, its->client);
        link->has_original = link->listener->has_original_dst;
    } else {
        link->pod = world_pod_at(sim->world, its->address, port);
    }
}

void sim_connect(struct sim *sim, struct link *link)
{
    link_send(&sim->links, link, LINK_CONNECTOR, PARCEL_SYN, sim->now_ns);
}

void sim_close(struct sim *sim, struct link *link, enum link_side side, bool is_abrupt)
{
    struct link_end *end = &link->ends[side];
    ASSERT(end->is_open);
    bool has_unread = link_drop_held(&sim->links, end);
    if (!is_abrupt && !has_unread)
        sim_secure_end(sim, link, side);
    end->is_open = false;
    end->is_paused = false;
    if (link_peer(link, side)->is_open)
        link_send(&sim->links, link, side, is_abrupt || has_unread ? PARCEL_RST : PARCEL_FIN,
                  sim->now_ns);
    release(sim, link);
}

/* The timer that fires first, or NULL. Time does not go to what is none any more. */
static struct heap_node *first_timer(struct sim *sim)
{
    for (;;) {
        struct heap_node *node = heap_first(&sim->timers);
        if (node == NULL)
            return NULL;
        struct sim_timer *timer = HEAP_ITEM(node, struct sim_timer, node);
        if (timer->owner == TIMER_PROXY && timer->due_ns == node->due_ns)
            timer->due_ns = wire_due_ns(HEAP_ITEM(timer, struct sim_proxy, timer)->wire);
        if (timer->due_ns == node->due_ns)
            return node;
        if (timer->due_ns == NS_NEVER)
            heap_remove(&sim->timers, node);
        else
            heap_put(&sim->timers, node, timer->due_ns);
    }
}

static bool step_slowly(struct sim *sim, int64_t until_ns)
{
    struct heap_node *timer = heap_first(&sim->timers);
    int64_t timer_ns = timer != NULL ? timer->due_ns : NS_NEVER;
    int64_t parcel_ns = links_due_ns(&sim->links);
    if (timer_ns < parcel_ns && timer_ns <= until_ns) {
        timer = first_timer(sim);
        timer_ns = timer != NULL ? timer->due_ns : NS_NEVER;
    }
    int64_t due_ns = ns_min(timer_ns, parcel_ns);
    if (due_ns > until_ns || due_ns == NS_NEVER)
        return false;
    sim->now_ns = ns_max(sim->now_ns, due_ns);
    if (parcel_ns <= timer_ns)
        deliver(sim, links_take(&sim->links));
    else
        fire(sim, timer);
    return true;
}

bool sim_step(struct sim *sim, int64_t until_ns)
{
    /* Mostly the next thing is a parcel, and no timer is before it. */
    const struct parcel *next = sim->links.under_way.first;
    const struct heap_node *alarm = heap_first(&sim->timers);
    if (next != NULL && next->due_ns <= until_ns &&
        (alarm == NULL || alarm->due_ns >= next->due_ns)) {
        sim->now_ns = ns_max(sim->now_ns, next->due_ns);
        deliver(sim, links_take(&sim->links));
        return true;
    }
    return step_slowly(sim, until_ns);
}

void sim_set_timer(struct sim *sim, struct sim_timer *timer, int64_t due_ns)
{
    timer->due_ns = due_ns;
    if (due_ns != NS_NEVER && (timer->node.index == HEAP_OUT || timer->node.due_ns > due_ns))
        heap_put(&sim->timers, &timer->node, due_ns);
}
