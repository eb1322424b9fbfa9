/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/sockets/sockets.c - a play in real time: see play.h.
 */
#include "testbed/sockets/sockets.h"

#include <signal.h>
#include <stddef.h>

#include "base/check.h"
#include "testbed/sockets/inside.h"
#include "testbed/world/outcome.h"

static struct sockets *sockets_of(struct play *play)
{
    return (struct sockets *)(void *)play;
}

static bool is_http(const struct listener *listener)
{
    for (uint32_t i = 0; i < listener->chain_count; i++) {
        if (listener->chains[i].kind == CHAIN_HTTP)
            return true;
    }
    return listener->default_chain != NULL && listener->default_chain->kind == CHAIN_HTTP;
}

/* A connection of this client to the same place that stayed open. */
static struct peer *kept_caller(struct sockets *sockets, uint32_t client,
                                const struct call_target *target)
{
    for (struct list *at = sockets->kept_callers.next; at != &sockets->kept_callers;
         at = at->next) {
        struct peer *peer = LIST_ITEM(at, struct peer, node);
        if (peer->client == client && peer->port == target->port &&
            str_eq(peer->address, target->address)) {
            list_remove(&peer->node);
            peer->is_kept = false;
            return peer;
        }
    }
    return NULL;
}

static void connect_caller(struct sockets *sockets, struct peer *caller,
                           const struct call_target *target)
{
    struct str source = sockets->world->clients[caller->client].address;
    struct str address;
    uint32_t port;
    caller->address = target->address;
    caller->port = target->port;
    if (target->pod != UINT32_MAX &&
        hop_reach_pod(sockets, target->pod, target->port, NULL, &address, &port)) {
        peer_connect(caller, source, address, port);
    } else if (target->listener != NULL &&
               hop_reach(sockets, caller->client, target, &address, &port)) {
        peer_connect(caller, source, address, port);
    } else {
        caller_refused(&caller->caller, sockets_now_ns(sockets));
    }
}

/* The batch's errands, in the order of its calls. */
static struct sockets_errand **begin_calls(struct sockets *sockets, const struct call *calls,
                                           uint32_t call_count, struct outcome *outcomes,
                                           struct arena *arena)
{
    struct sockets_errand **errands = ARENA_ARRAY(arena, struct sockets_errand *, call_count);
    sockets->batch_count = call_count;
    for (uint32_t i = 0; i < call_count; i++) {
        errands[i] = errand_new(sockets, ERRAND_OF_BATCH);
        errands[i]->base.call = &calls[i];
        errands[i]->base.outcome = &outcomes[i];
        errands[i]->base.arena = arena;
        errand_start(errands[i], calls[i].start_after_ns);
    }
    return errands;
}

static bool has_failure(const struct outcome *outcomes, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (!outcomes[i].has_response || outcomes[i].status >= 500 ||
            (outcomes[i].has_record && outcomes[i].record.attempt_count > 1))
            return true;
    }
    return false;
}

/* Who was answered will be logged, however busy the machine is. */
static bool lacks_sure_record(const struct outcome *outcomes, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (outcomes[i].has_response && outcomes[i].error == CALL_OK && !outcomes[i].has_record)
            return true;
    }
    return false;
}

static void play_call(struct play *play, const struct call *calls, uint32_t call_count,
                      struct outcome *outcomes, struct arena *arena)
{
    struct sockets *sockets = sockets_of(play);
    sighting_log_open(&sockets->log, arena);
    sockets_begin_turn(sockets);
    struct sockets_errand **errands = begin_calls(sockets, calls, call_count, outcomes, arena);
    while (sockets->batch_count > 0)
        turns_take(sockets);
    if (sockets->batch_recordless_count > 0)
        turns_for(sockets, (uint64_t)(SOCKETS_RECORD_PATIENCE_NS / NS_MS), TURNS_FOR_RECORDS);
    if (sockets->options.envoy != NULL && lacks_sure_record(outcomes, call_count))
        turns_for(sockets, (uint64_t)(SOCKETS_SURE_PATIENCE_NS / NS_MS), TURNS_FOR_RECORDS);
    turns_until_quiet(sockets);
    if (sockets->options.envoy != NULL && has_failure(outcomes, call_count))
        hops_let_envoys_act(sockets);
    if (sockets->options.envoy != NULL)
        hops_await_mirrors(sockets);
    outcomes_take_sightings(outcomes, call_count, &sockets->log, sockets->world, arena);
    sighting_log_close(&sockets->log);
    for (uint32_t i = 0; i < call_count; i++) {
        if (sockets->options.envoy != NULL)
            hops_name_nodes(&outcomes[i], arena);
        errand_free(errands[i]);
    }
}

static int64_t play_now_ns(const struct play *play)
{
    const struct sockets *sockets = (const struct sockets *)(const void *)play;
    return sockets_now_ns(sockets) - sockets->began_ns;
}

/* Here everything is bytes. */
static uint32_t play_model(struct play *play, const struct call *call)
{
    (void)play;
    (void)call;
    return 0;
}

static void play_begin(struct play *play, const struct call *call, uint64_t number)
{
    struct sockets *sockets = sockets_of(play);
    struct sockets_errand *errand = errand_new(sockets, ERRAND_OF_STREAM);
    errand->base.own_call = *call;
    errand->base.number = number;
    sockets->stream_count++;
    errand_start(errand, call->start_after_ns);
}

static void run_for_outcome(struct sockets *sockets, int64_t until_ns)
{
    if (until_ns == NS_NEVER) {
        while (list_is_empty(&sockets->errands.over))
            turns_take(sockets);
        return;
    }
    sockets_begin_turn(sockets);
    int64_t left_ns = ns_max(0, until_ns - play_now_ns(&sockets->play));
    turns_for(sockets, (uint64_t)((left_ns + NS_MS - 1) / NS_MS), TURNS_FOR_OUTCOME);
}

static const struct play_done *play_next(struct play *play, int64_t until_ns)
{
    struct sockets *sockets = sockets_of(play);
    if (sockets->given != NULL)
        errand_free(sockets->given);
    sockets->given = NULL;
    if (list_is_empty(&sockets->errands.over) &&
        (until_ns != NS_NEVER || sockets->stream_count > 0))
        run_for_outcome(sockets, until_ns);
    struct errand *over = errands_answer(&sockets->errands);
    if (over == NULL)
        return NULL;
    struct sockets_errand *errand = LIST_ITEM(over, struct sockets_errand, base);
    ASSERT(sockets->stream_count > 0);
    sockets->stream_count--;
    outcome_take_pod(errand->base.outcome, sockets->world);
    sockets->given = errand;
    sockets->done = (struct play_done){.number = errand->base.number,
                                       .started_ns = errand->base.started_ns - sockets->began_ns,
                                       .outcome = errand->base.outcome};
    return &sockets->done;
}

static void play_wait(struct play *play, int64_t duration_ns)
{
    turns_for(sockets_of(play), (uint64_t)(duration_ns / NS_MS), TURNS_FOR_TIME);
}

static void play_pod_changed(struct play *play, uint32_t pod)
{
    struct sockets *sockets = sockets_of(play);
    ASSERT(pod < sockets->world->pod_count);
    struct str why;
    /* A door that cannot be opened stays closed: connections are refused. */
    if (!door_set(&sockets->doors[pod], &why))
        door_close(&sockets->doors[pod]);
    hops_pod_changed(sockets, pod);
}

static void play_drop_kept(struct play *play)
{
    struct sockets *sockets = sockets_of(play);
    while (!list_is_empty(&sockets->kept_callers)) {
        struct peer *caller = LIST_ITEM(list_first(&sockets->kept_callers), struct peer, node);
        list_remove(&caller->node);
        peer_close(caller, false);
    }
    turns_until_quiet(sockets);
}

static bool play_stat(struct play *play, struct str cluster, struct str counter, uint64_t *value)
{
    return hops_stat(sockets_of(play), cluster, counter, value);
}

static const struct play_event *play_events(struct play *play, uint32_t *count)
{
    *count = sockets_of(play)->event_count;
    return sockets_of(play)->events;
}

static void play_watch(struct play *play, struct str cluster)
{
    (void)watches_add(&sockets_of(play)->watches, cluster);
}

static bool play_peaks(struct play *play, struct str cluster, struct play_peaks *peaks)
{
    return watches_peaks(&sockets_of(play)->watches, cluster, peaks);
}

static uint64_t play_under_way(struct play *play)
{
    return hops_under_way(sockets_of(play));
}

static uint64_t play_hash(const struct play *play)
{
    (void)play;
    return 0;
}

void sockets_note_event(struct sockets *sockets, const struct play_event *event)
{
    *ARENA_PUSH(&sockets->arena, sockets->events, sockets->event_count, sockets->event_capacity) =
        *event;
}

void sockets_outlier(struct sockets *sockets, const struct server_outlier *outlier)
{
    struct play_event event = play_event_of(sockets->world, outlier->event,
                                            outlier->at_ns - sockets->began_ns, &sockets->arena);
    sockets_note_event(sockets, &event);
}

static void play_free(struct play *play)
{
    struct sockets *sockets = sockets_of(play);
    play_drop_kept(play);
    for (struct list *at = sockets->all_peers.next; at != &sockets->all_peers; at = at->next) {
        struct peer *peer = LIST_ITEM(at, struct peer, everybody);
        if (peer->handle_count > 0)
            peer_close(peer, false);
    }
    for (uint32_t i = 0; i < sockets->world->pod_count; i++)
        door_close(&sockets->doors[i]);
    uv_close((uv_handle_t *)&sockets->patience, NULL);
    errands_close(sockets);
    hops_stop(sockets);
    errands_fini(&sockets->errands);
    sockets_ends_fini(sockets);
    for (struct list *at = sockets->all_peers.next; at != &sockets->all_peers; at = at->next)
        peer_fini(LIST_ITEM(at, struct peer, everybody));
    struct arena arena = sockets->arena; /* the play lives in it */
    arena_fini(&arena);
}

static const struct play_ops sockets_ops = {
    .call = play_call,
    .wait = play_wait,
    .model = play_model,
    .begin = play_begin,
    .next = play_next,
    .now_ns = play_now_ns,
    .pod_changed = play_pod_changed,
    .drop_kept = play_drop_kept,
    .stat = play_stat,
    .events = play_events,
    .hops = hops_inbound,
    .watch = play_watch,
    .peaks = play_peaks,
    .under_way = play_under_way,
    .hash = play_hash,
    .free = play_free,
};

static bool open_doors(struct sockets *sockets, struct str *why)
{
    struct world *world = sockets->world;
    sockets->doors = ARENA_ARRAY(&sockets->arena, struct door, world->pod_count);
    for (uint32_t i = 0; i < world->pod_count; i++) {
        sockets->doors[i] = (struct door){
            .sockets = sockets, .pod = i, .pod_address = door_loopback(world->pods[i].address)};
        sockets->doors[i].address = sockets->doors[i].pod_address;
    }
    for (uint32_t i = 0; i < world->pod_count; i++) {
        if (!door_set(&sockets->doors[i], why))
            return false;
    }
    return true;
}

/* Their start is no part of the play. */
static bool begin_envoys(struct sockets *sockets, struct str *why)
{
    bool is_begun = hops_begin_envoys(sockets, why);
    sockets_begin_turn(sockets);
    sockets->began_ns = sockets_now_ns(sockets);
    return is_begun;
}

static struct sockets *new_sockets(struct world *world, struct play_options options)
{
    struct arena arena;
    arena_init(&arena, 65536, 0);
    struct sockets *sockets = ARENA_NEW(&arena, struct sockets);
    sockets->arena = arena;
    sockets->play.ops = &sockets_ops;
    sockets->world = world;
    sockets->options = options;
    sockets->read_bytes = arena_alloc(&sockets->arena, SOCKETS_READ_BYTES);
    sighting_log_init(&sockets->log);
    errands_init(&sockets->errands);
    list_init(&sockets->wanting_errands);
    list_init(&sockets->due_errands);
    list_init(&sockets->free_callers);
    list_init(&sockets->kept_callers);
    list_init(&sockets->free_standins);
    list_init(&sockets->all_peers);
    return sockets;
}

struct play *sockets_play_new(struct world *world, struct play_options options, struct str *why)
{
    /* Who writes to a peer that has gone is told so by the call. */
    (void)signal(SIGPIPE, SIG_IGN);
    struct sockets *sockets = new_sockets(world, options);
    hops_start(sockets);
    ASSERT(uv_timer_init(sockets_uv(sockets), &sockets->patience) == 0);
    world_begin(world, options.seed);
    hops_warm(sockets);
    sockets_begin_turn(sockets);
    sockets->began_ns = sockets_now_ns(sockets);
    if (open_doors(sockets, why) && (options.envoy == NULL || begin_envoys(sockets, why)))
        return &sockets->play;
    *why = arena_str(world->arena, *why);
    play_free(&sockets->play);
    return NULL;
}

bool sockets_play_reach(struct play *play, const struct call *call, struct str *address,
                        uint32_t *port)
{
    struct sockets *sockets = sockets_of(play);
    struct call_target target = world_target(sockets->world, call);
    return target.listener != NULL && hop_reach(sockets, call->client, &target, address, port);
}

bool sockets_play_door(struct play *play, uint32_t pod, struct str *address, uint32_t *port)
{
    const struct sockets *sockets = sockets_of(play);
    ASSERT(pod < sockets->world->pod_count);
    *address = sockets->doors[pod].address;
    *port = sockets->doors[pod].port;
    return sockets->doors[pod].state == DOOR_OPEN;
}

void sockets_accept(struct sockets *sockets, uint32_t pod, uv_stream_t *server)
{
    struct peer *peer = peer_new(sockets, PEER_STANDIN);
    sockets->happened_count++;
    if (uv_accept(server, (uv_stream_t *)&peer->tcp) != 0) {
        peer_close(peer, false);
        return;
    }
    const struct tls_end *end = world_pod_tls(sockets->world, pod, true);
    if (end != NULL)
        peer->tls = sockets_secure(sockets, end, false);
    peer->is_connected = true;
    standin_begin(&peer->standin, pod, ++sockets->standin_number);
    peer_start(peer);
    peer_turn(peer);
}

void sockets_begin_call(struct sockets_errand *errand)
{
    struct sockets *sockets = errand->sockets;
    const struct call *call = errand->base.call;
    struct call_target target = world_target(sockets->world, call);
    struct peer *caller = call->is_keeping ? kept_caller(sockets, call->client, &target) : NULL;
    bool is_new = caller == NULL;
    if (is_new) {
        const struct tls_end *end = world_caller_tls(sockets->world, call->client, true);
        caller = peer_new(sockets, PEER_CALLER);
        caller_reset(&caller->caller);
        if (end != NULL)
            caller->tls = sockets_secure(sockets, end, true);
    }
    caller->client = call->client;
    caller->errand = errand;
    int64_t now_ns = sockets_now_ns(sockets);
    caller_begin(&caller->caller, call, errand->base.outcome, errand->base.arena, now_ns);
    errand->nth = caller->asked_count++;
    errand->local_port = caller->local_port;
    /* A session's record comes at its end. */
    if (target.listener != NULL && (is_http(target.listener) || !call->is_keeping))
        errand_want_record(errand);
    if (is_new)
        connect_caller(sockets, caller, &target);
    else
        caller_connected(&caller->caller, now_ns);
    peer_turn(caller);
}

void sockets_caller_has_port(struct peer *caller)
{
    caller->errand->local_port = caller->local_port;
}

void sockets_caller_over(struct peer *caller)
{
    struct sockets *sockets = caller->sockets;
    if (caller->is_kept) {
        /* The other side closed it, or said what nobody asked for. */
        if (!caller_may_keep(&caller->caller)) {
            list_remove(&caller->node);
            peer_close(caller, false);
        }
        return;
    }
    struct sockets_errand *errand = caller->errand;
    caller->errand = NULL;
    if (errand->base.call->is_keeping && caller_may_keep(&caller->caller)) {
        caller->is_kept = true;
        list_push_back(&sockets->kept_callers, &caller->node);
    } else {
        peer_close(caller, caller_is_abrupt(&caller->caller));
    }
    errand_note_over(errand);
}
