/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/sim/ends.c - callers and stand-ins of testbed/world at the ends of
 * links.
 *
 * A slot goes back to the free ones when its link is over (net.c), so that a
 * record that comes late still finds whom it is about.
 */
#include <stddef.h>

#include "base/check.h"
#include "testbed/sim/inside.h"
#include "testbed/world/keyrings.h"

#define FIRST_REMOTE_PORT 32768u
#define REMOTE_PORT_COUNT 28232u /* as Linux' ip_local_port_range */

static struct sim_caller *new_caller(struct sim *sim)
{
    struct sim_caller *caller;
    if (list_is_empty(&sim->free_callers)) {
        caller = ARENA_NEW(&sim->arena, struct sim_caller);
        caller_init(&caller->caller);
        caller->timer.owner = TIMER_CALLER;
        heap_node_init(&caller->timer.node);
        list_push_back(&sim->all_callers, &caller->everybody);
    } else {
        caller = LIST_ITEM(sim->free_callers.next, struct sim_caller, node);
        list_remove(&caller->node);
    }
    list_init(&caller->node);
    caller_reset(&caller->caller);
    caller->wanted_count = 0;
    caller->is_kept = false;
    return caller;
}

static void connect_caller(struct sim *sim, struct sim_caller *caller,
                           const struct call_target *target)
{
    struct link *link = link_new(&sim->links);
    link->remote_address = sim->world->clients[caller->client].address;
    link->remote_port = FIRST_REMOTE_PORT + sim->remote_count++ % REMOTE_PORT_COUNT;
    if (target->listener == NULL) {
        sim_aim(sim, link, NULL, target->pod, target->port);
    } else {
        link->listener = target->listener;
        link->has_original = target->has_original;
        link->proxy = sim_proxy_of(sim, caller->client);
        link->address = target->address;
        link->port = target->port;
    }
    link->ends[LINK_CONNECTOR].owner = LINK_CALLER;
    link->ends[LINK_CONNECTOR].caller = caller;
    const struct tls_end *end = world_caller_tls(sim->world, caller->client, false);
    if (end != NULL)
        link->ends[LINK_CONNECTOR].tls =
            sim_tls_connect(&sim->tls, &end->cluster, STR_EMPTY, TLS_CARRIES_HTTP1, &end->keyring);
    caller->link = link;
    caller->address = target->address;
    caller->port = target->port;
    sim_connect(sim, link);
}

/* A connection of this client to the same place that stayed open. */
static struct sim_caller *kept_caller(struct sim *sim, uint32_t client,
                                      const struct call_target *target)
{
    for (struct list *at = sim->kept_callers.next; at != &sim->kept_callers; at = at->next) {
        struct sim_caller *caller = LIST_ITEM(at, struct sim_caller, node);
        if (caller->client == client && caller->port == target->port &&
            str_eq(caller->address, target->address)) {
            list_remove(&caller->node);
            caller->is_kept = false;
            return caller;
        }
    }
    return NULL;
}

static void want_record(struct sim_caller *caller, struct sim_errand *errand)
{
    if (caller->wanted_count == SIM_WANTED_MAX) {
        for (uint32_t i = 1; i < SIM_WANTED_MAX; i++)
            caller->wanted[i - 1] = caller->wanted[i];
        caller->wanted_count--;
    }
    caller->wanted[caller->wanted_count++] = (struct sim_wanted){errand, errand->base.life};
    errand->base.is_wanting_record = true;
}

/* The outcome is complete. */
static void end_call(struct sim *sim, struct sim_caller *caller)
{
    struct sim_errand *errand = caller->errand;
    const struct outcome *outcome = errand->base.outcome;
    sim->hash = hash_words_add(sim->hash, (uint64_t)sim->now_ns);
    sim->hash = hash_words_add(sim->hash, (uint64_t)outcome->error);
    sim->hash = hash_words_add(sim->hash, outcome->status);
    sim->hash = hash_words_add(sim->hash, outcome->body_size);
    bool is_keeping = errand->base.call->is_keeping && caller_may_keep(&caller->caller);
    caller->errand = NULL;
    if (is_keeping) {
        caller->is_kept = true;
        list_push_back(&sim->kept_callers, &caller->node);
    } else {
        sim_close(sim, caller->link, LINK_CONNECTOR, caller_is_abrupt(&caller->caller));
    }
    sim_errand_note_over(sim, errand);
}

static struct sim_standin *new_standin(struct sim *sim)
{
    if (!list_is_empty(&sim->free_standins)) {
        struct sim_standin *standin = LIST_ITEM(sim->free_standins.next, struct sim_standin, node);
        list_remove(&standin->node);
        return standin;
    }
    struct sim_standin *standin = ARENA_NEW(&sim->arena, struct sim_standin);
    standin_init(&standin->standin, sim->world, &sim->log);
    standin->standin.shelf = sim->options.is_bytewise ? NULL : &sim->shelf;
    standin->timer.owner = TIMER_STANDIN;
    heap_node_init(&standin->timer.node);
    list_init(&standin->node);
    list_push_back(&sim->all_standins, &standin->everybody);
    return standin;
}

void sim_begin_call(struct sim *sim, struct sim_errand *errand)
{
    const struct call *call = errand->base.call;
    const struct sim_model *model = sim_model_of(sim, call);
    struct call_target target = model != NULL ? model->target : world_target(sim->world, call);
    struct sim_caller *caller = call->is_keeping ? kept_caller(sim, call->client, &target) : NULL;
    bool is_new = caller == NULL;
    if (is_new)
        caller = new_caller(sim);
    caller->client = call->client;
    caller->errand = errand;
    if (model != NULL)
        caller_begin_whole(&caller->caller, call, &model->whole, errand->base.outcome,
                           errand->base.arena, sim->now_ns);
    else
        caller_begin(&caller->caller, call, errand->base.outcome, errand->base.arena, sim->now_ns);
    if (target.listener != NULL)
        want_record(caller, errand);
    if (is_new)
        connect_caller(sim, caller, &target);
    else
        caller_connected(&caller->caller, sim->now_ns);
    sim_caller_turn(sim, caller);
}

void sim_caller_turn(struct sim *sim, struct sim_caller *caller)
{
    struct link_end *end = &caller->link->ends[LINK_CONNECTOR];
    if (!end->is_open)
        return;
    if (caller->is_kept) {
        /* The other side closed it, or said what nobody asked for. */
        if (!caller_may_keep(&caller->caller)) {
            list_remove(&caller->node);
            caller->is_kept = false;
            sim_close(sim, caller->link, LINK_CONNECTOR, false);
        }
        return;
    }
    const struct h1_read *whole = caller_next_whole(&caller->caller);
    struct str bytes;
    if (whole != NULL)
        sim_send_read(sim, caller->link, LINK_CONNECTOR, whole);
    while (whole == NULL && end->under_way_bytes < LINK_WINDOW_BYTES &&
           caller_next(&caller->caller, &bytes))
        sim_send(sim, caller->link, LINK_CONNECTOR, bytes);
    sim_set_timer(sim, &caller->timer, caller_wake_ns(&caller->caller));
    if (caller_is_done(&caller->caller))
        end_call(sim, caller);
}

void sim_close_kept(struct sim *sim)
{
    while (!list_is_empty(&sim->kept_callers)) {
        struct sim_caller *caller = LIST_ITEM(sim->kept_callers.next, struct sim_caller, node);
        list_remove(&caller->node);
        caller->is_kept = false;
        sim_close(sim, caller->link, LINK_CONNECTOR, false);
    }
}

struct sim_standin *sim_standin_new(struct sim *sim, struct link *link)
{
    struct sim_standin *standin = new_standin(sim);
    standin->link = link;
    link->ends[LINK_ACCEPTOR].owner = LINK_STANDIN;
    link->ends[LINK_ACCEPTOR].standin = standin;
    const struct tls_end *end = world_pod_tls(sim->world, link->pod, false);
    if (end != NULL)
        link->ends[LINK_ACCEPTOR].tls = sim_tls_accept(&sim->tls, &end->server, &end->keyring);
    standin_begin(&standin->standin, link->pod, ++sim->standin_number);
    return standin;
}

void sim_standin_turn(struct sim *sim, struct sim_standin *standin)
{
    struct link *link = standin->link;
    struct link_end *end = &link->ends[LINK_ACCEPTOR];
    if (!end->is_open)
        return;
    bool is_abrupt = false;
    struct standin_action action;
    while (end->under_way_bytes < LINK_WINDOW_BYTES &&
           standin_next(&standin->standin, sim->now_ns, &action)) {
        if (action.kind == STANDIN_WRITE)
            sim_send(sim, link, LINK_ACCEPTOR, action.bytes);
        else if (action.kind == STANDIN_WHOLE)
            sim_send_read(sim, link, LINK_ACCEPTOR, action.whole);
        else if (action.kind == STANDIN_CALL)
            sim_errand_hop(sim, standin, action.call);
        else
            is_abrupt = action.kind == STANDIN_RESET;
    }
    sim_set_timer(sim, &standin->timer, standin_wake_ns(&standin->standin));
    if (standin_is_over(&standin->standin))
        sim_close(sim, link, LINK_ACCEPTOR, is_abrupt);
}

void sim_ends_fini(struct sim *sim)
{
    for (struct list *at = sim->all_callers.next; at != &sim->all_callers; at = at->next)
        caller_fini(&LIST_ITEM(at, struct sim_caller, everybody)->caller);
    for (struct list *at = sim->all_standins.next; at != &sim->all_standins; at = at->next)
        standin_fini(&LIST_ITEM(at, struct sim_standin, everybody)->standin);
}
