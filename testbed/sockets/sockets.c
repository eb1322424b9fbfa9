/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/sockets/sockets.c - a play in real time: see play.h.
 */
#include "testbed/sockets/sockets.h"

#include <stddef.h>

#include "base/check.h"
#include "testbed/sockets/inside.h"
#include "testbed/world/outcome.h"

/* How long a record may take after its answer; in one process it is there at
 * once, or there is none (bytes that were no request). */
#define RECORD_PATIENCE_MS 300

/* Turns of the loop in which nothing happens to an end until all is quiet. On
 * loopback what was sent has arrived when the sending call returns. */
#define QUIET_TURNS 8

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
    if (target->pod != UINT32_MAX) {
        const struct door *door = &sockets->doors[target->pod];
        peer_connect(caller, source, door->address, door->port);
    } else if (target->listener != NULL &&
               hop_reach(sockets, caller->client, target, &address, &port)) {
        peer_connect(caller, source, address, port);
    } else {
        caller_refused(&caller->caller, sockets_now_ns(sockets));
    }
}

static void begin_call(struct sockets *sockets, uint32_t index)
{
    const struct call *call = &sockets->batch.calls[index];
    struct call_target target = world_target(sockets->world, call);
    struct peer *caller = call->is_keeping ? kept_caller(sockets, call->client, &target) : NULL;
    bool is_new = caller == NULL;
    if (is_new) {
        caller = peer_new(sockets, PEER_CALLER);
        caller_reset(&caller->caller);
    }
    caller->client = call->client;
    caller->call_index = index;
    int64_t now_ns = sockets_now_ns(sockets);
    caller_begin(&caller->caller, call, &sockets->batch.outcomes[index], sockets->batch.arena,
                 now_ns);
    sockets->batch.wanted[index] = (struct sockets_wanted){
        .is_wanted = target.listener != NULL && is_http(target.listener),
        .client = call->client,
        .nth = caller->asked_count++,
        .local_port = caller->local_port,
    };
    sockets->batch.recordless_count += sockets->batch.wanted[index].is_wanted;
    if (is_new)
        connect_caller(sockets, caller, &target);
    else
        caller_connected(&caller->caller, now_ns);
    peer_turn(caller);
}

static void on_start(uv_timer_t *timer)
{
    struct sockets_start *start = timer->data;
    uv_close((uv_handle_t *)timer, NULL);
    begin_call(start->sockets, start->call_index);
}

static void begin_calls(struct sockets *sockets)
{
    for (uint32_t i = 0; i < sockets->batch.count; i++) {
        int64_t after_ns = sockets->batch.calls[i].start_after_ns;
        if (after_ns == 0) {
            begin_call(sockets, i);
            continue;
        }
        /* Its handle may outlive the call by a turn: not in the call's arena. */
        struct sockets_start *start = ARENA_NEW(&sockets->arena, struct sockets_start);
        start->sockets = sockets;
        start->call_index = i;
        ASSERT(uv_timer_init(sockets_uv(sockets), &start->timer) == 0);
        start->timer.data = start;
        uv_timer_start(&start->timer, on_start, (uint64_t)(after_ns / NS_MS), 0);
    }
}

static void on_time_is_up(uv_timer_t *timer)
{
    *(bool *)timer->data = true;
    uv_stop(timer->loop); /* it may have come before this turn slept */
}

/* Runs the loop for so long; with `sockets->batch` under way only until every
 * record is there. */
static void run_for(struct sockets *sockets, uint64_t duration_ms, bool is_for_records)
{
    bool is_up = false;
    uv_timer_t *timer = &sockets->patience;
    timer->data = &is_up;
    uv_timer_start(timer, on_time_is_up, duration_ms, 0);
    while (!is_up && !(is_for_records && sockets->batch.recordless_count == 0))
        uv_run(sockets_uv(sockets), UV_RUN_ONCE);
    uv_timer_stop(timer);
}

static void run_until_quiet(struct sockets *sockets)
{
    uint32_t quiet_turns = 0;
    while (quiet_turns < QUIET_TURNS) {
        uint64_t before_count = sockets->happened_count;
        uv_run(sockets_uv(sockets), UV_RUN_NOWAIT);
        quiet_turns = before_count == sockets->happened_count ? quiet_turns + 1 : 0;
    }
}

static void play_call(struct play *play, const struct call *calls, uint32_t call_count,
                      struct outcome *outcomes, struct arena *arena)
{
    struct sockets *sockets = sockets_of(play);
    sockets->batch = (struct sockets_batch){
        .calls = calls,
        .outcomes = outcomes,
        .arena = arena,
        .count = call_count,
        .left_count = call_count,
        .wanted = ARENA_ARRAY(arena, struct sockets_wanted, call_count),
    };
    sighting_log_open(&sockets->log, arena);
    sockets_begin_turn(sockets);
    begin_calls(sockets);
    while (sockets->batch.left_count > 0)
        uv_run(sockets_uv(sockets), UV_RUN_ONCE);
    if (sockets->batch.recordless_count > 0)
        run_for(sockets, RECORD_PATIENCE_MS, true);
    run_until_quiet(sockets);
    outcomes_take_sightings(outcomes, call_count, &sockets->log, sockets->world, arena);
    sighting_log_close(&sockets->log);
    sockets->batch.arena = NULL;
}

static void play_wait(struct play *play, int64_t duration_ns)
{
    run_for(sockets_of(play), (uint64_t)(duration_ns / NS_MS), false);
}

static void play_pod_changed(struct play *play, uint32_t pod)
{
    struct sockets *sockets = sockets_of(play);
    ASSERT(pod < sockets->world->pod_count);
    struct str why;
    /* A door that cannot be opened stays closed: connections are refused. */
    if (!door_set(&sockets->doors[pod], &why))
        door_close(&sockets->doors[pod]);
}

static void play_drop_kept(struct play *play)
{
    struct sockets *sockets = sockets_of(play);
    while (!list_is_empty(&sockets->kept_callers)) {
        struct peer *caller = LIST_ITEM(list_first(&sockets->kept_callers), struct peer, node);
        list_remove(&caller->node);
        peer_close(caller, false);
    }
    run_until_quiet(sockets);
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

static uint64_t play_hash(const struct play *play)
{
    (void)play;
    return 0;
}

void sockets_outlier(struct sockets *sockets, const struct server_outlier *outlier)
{
    struct play_event *out =
        ARENA_PUSH(&sockets->arena, sockets->events, sockets->event_count, sockets->event_capacity);
    *out = play_event_of(sockets->world, outlier->event, outlier->at_ns - sockets->began_ns,
                         &sockets->arena);
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
    hops_stop(sockets);
    for (struct list *at = sockets->all_peers.next; at != &sockets->all_peers; at = at->next)
        peer_fini(LIST_ITEM(at, struct peer, everybody));
    struct arena arena = sockets->arena; /* the play lives in it */
    arena_fini(&arena);
}

static const struct play_ops sockets_ops = {
    .call = play_call,
    .wait = play_wait,
    .pod_changed = play_pod_changed,
    .drop_kept = play_drop_kept,
    .stat = play_stat,
    .events = play_events,
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
    list_init(&sockets->free_callers);
    list_init(&sockets->kept_callers);
    list_init(&sockets->free_standins);
    list_init(&sockets->all_peers);
    return sockets;
}

struct play *sockets_play_new(struct world *world, struct play_options options, struct str *why)
{
    struct sockets *sockets = new_sockets(world, options);
    hops_start(sockets);
    ASSERT(uv_timer_init(sockets_uv(sockets), &sockets->patience) == 0);
    world_rewind_scripts(world);
    sockets->began_ns = sockets_now_ns(sockets);
    if (open_doors(sockets, why))
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
    peer->is_connected = true;
    standin_begin(&peer->standin, pod, ++sockets->standin_number);
    peer_start(peer);
    peer_turn(peer);
}

void sockets_caller_connected(struct peer *caller)
{
    caller->sockets->batch.wanted[caller->call_index].local_port = caller->local_port;
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
    struct sockets_batch *batch = &sockets->batch;
    ASSERT(batch->left_count > 0);
    batch->left_count--;
    struct sockets_wanted *wanted = &batch->wanted[caller->call_index];
    bool is_refused = batch->outcomes[caller->call_index].error == CALL_CONNECTION_REFUSED;
    if (is_refused && wanted->is_wanted) {
        wanted->is_wanted = false;
        batch->recordless_count--;
    }
    if (batch->calls[caller->call_index].is_keeping && caller_may_keep(&caller->caller)) {
        caller->is_kept = true;
        list_push_back(&sockets->kept_callers, &caller->node);
        return;
    }
    peer_close(caller, false);
}

void sockets_record(struct sockets *sockets, uint32_t client, const struct server_done *done)
{
    struct sockets_batch *batch = &sockets->batch;
    for (uint32_t i = 0; batch->arena != NULL && i < batch->count; i++) {
        struct sockets_wanted *wanted = &batch->wanted[i];
        if (!wanted->is_wanted || wanted->client != client ||
            wanted->local_port != done->remote_port || wanted->nth != done->nth)
            continue;
        outcome_take_record(&batch->outcomes[i], done->record, done->trace, batch->arena);
        batch->outcomes[i].epoch_seconds = done->epoch_seconds;
        wanted->is_wanted = false;
        batch->recordless_count--;
        return;
    }
}
