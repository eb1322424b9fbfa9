/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/sim/sim.c - a play in virtual time: see play.h.
 */
#include "testbed/sim/sim.h"

#include "base/bytes.h"
#include "base/check.h"
#include "base/hash.h"
#include "proxy/model/limits.h"
#include "testbed/sim/inside.h"
#include "testbed/world/outcome.h"

/* After the last answer: what is under way arrives (a mirrored request, a FIN,
 * the record of a call that was cancelled). Far more than a few parcels take. */
#define SETTLE_NS NS_MS

static struct sim *sim_of(struct play *play)
{
    return (struct sim *)(void *)play;
}

/* The batch's errands, in the order of its calls. */
static struct sim_errand **begin_calls(struct sim *sim, const struct call *calls,
                                       uint32_t call_count, struct outcome *outcomes,
                                       struct arena *arena)
{
    struct sim_errand **errands = ARENA_ARRAY(arena, struct sim_errand *, call_count);
    sim->batch_count = call_count;
    for (uint32_t i = 0; i < call_count; i++) {
        errands[i] = sim_errand_new(sim, ERRAND_OF_BATCH);
        errands[i]->base.call = &calls[i];
        errands[i]->base.outcome = &outcomes[i];
        errands[i]->base.arena = arena;
        sim_errand_start(sim, errands[i], calls[i].start_after_ns);
    }
    return errands;
}

static void sim_call(struct play *play, const struct call *calls, uint32_t call_count,
                     struct outcome *outcomes, struct arena *arena)
{
    struct sim *sim = sim_of(play);
    sighting_log_open(&sim->log, arena);
    struct sim_errand **errands = begin_calls(sim, calls, call_count, outcomes, arena);
    while (sim->batch_count > 0) {
        /* Every caller has its patience: something always happens. */
        ASSERT(sim_step(sim, NS_NEVER));
    }
    int64_t until_ns = ns_add(sim->now_ns, SETTLE_NS);
    while (sim_step(sim, until_ns))
        ;
    outcomes_take_sightings(outcomes, call_count, &sim->log, sim->world, arena);
    sighting_log_close(&sim->log);
    for (uint32_t i = 0; i < call_count; i++)
        sim_errand_free(sim, errands[i]);
}

static uint32_t sim_model(struct play *play, const struct call *call)
{
    return sim_model_add(sim_of(play), call);
}

static void sim_begin(struct play *play, const struct call *call, uint64_t number)
{
    struct sim *sim = sim_of(play);
    struct sim_errand *errand = sim_errand_new(sim, ERRAND_OF_STREAM);
    bytes_copy(&errand->base.own_call, call, sizeof(*call));
    errand->base.number = number;
    sim->stream_count++;
    sim_errand_start(sim, errand, call->start_after_ns);
}

static void take_pod(struct sim *sim, struct outcome *outcome)
{
    const struct endpoint *endpoint = outcome->has_record ? outcome->record.endpoint : NULL;
    struct sim_place *place =
        &sim->places[(uintptr_t)endpoint / sizeof(struct endpoint) % SIM_PLACES];
    if (endpoint != NULL && place->endpoint == endpoint) {
        outcome->pod = place->pod;
        return;
    }
    outcome_take_pod(outcome, sim->world);
    if (endpoint != NULL && outcome->pod != UINT32_MAX)
        *place = (struct sim_place){endpoint, outcome->pod};
}

static const struct play_done *sim_next(struct play *play, int64_t until_ns)
{
    struct sim *sim = sim_of(play);
    if (sim->given != NULL)
        sim_errand_free(sim, sim->given);
    sim->given = NULL;
    struct sim_errand *errand;
    while ((errand = sim_errand_answer(sim)) == NULL) {
        if (until_ns == NS_NEVER && sim->stream_count == 0)
            return NULL;
        if (sim_step(sim, until_ns))
            continue;
        sim->now_ns = ns_max(sim->now_ns, until_ns);
        return NULL;
    }
    ASSERT(sim->stream_count > 0);
    sim->stream_count--;
    take_pod(sim, errand->base.outcome);
    sim->given = errand;
    sim->done = (struct play_done){.number = errand->base.number,
                                   .started_ns = errand->base.started_ns,
                                   .outcome = errand->base.outcome};
    return &sim->done;
}

static int64_t sim_now_ns(const struct play *play)
{
    return ((const struct sim *)(const void *)play)->now_ns;
}

static void sim_wait(struct play *play, int64_t duration_ns)
{
    struct sim *sim = sim_of(play);
    int64_t until_ns = ns_add(sim->now_ns, duration_ns);
    while (sim_step(sim, until_ns))
        ;
    sim->now_ns = until_ns;
}

/* Who connects from now on meets the new behaviour; established connections
 * stay, as when a server stops listening. */
static void sim_pod_changed(struct play *play, uint32_t pod)
{
    struct sim *sim = sim_of(play);
    ASSERT(pod < sim->world->pod_count);
    struct world_pod *changed = &sim->world->pods[pod];
    changed->may_come = changed->may_come || changed->behaviour.is_absent;
    for (uint32_t i = 0; changed->may_come && i < sim->world->client_count; i++)
        if (sim->world->clients[i].snapshot != NULL)
            engine_set_absent(wire_engine(sim_proxy_of(sim, i)->wire), changed->address,
                              changed->behaviour.is_absent, sim->now_ns);
}

static void sim_drop_kept(struct play *play)
{
    sim_close_kept(sim_of(play));
}

static bool sim_stat(struct play *play, struct str cluster, struct str counter, uint64_t *value)
{
    struct sim *sim = sim_of(play);
    bool is_known = false;
    *value = 0;
    for (uint32_t i = 0; i < sim->world->client_count; i++) {
        uint64_t one = 0;
        if (sim->proxies[i] == NULL ||
            !engine_stat(wire_engine(sim->proxies[i]->wire), cluster, counter, &one))
            continue;
        is_known = true;
        *value += one;
    }
    return is_known;
}

static const struct play_event *sim_events(struct play *play, uint32_t *count)
{
    *count = sim_of(play)->event_count;
    return sim_of(play)->events;
}

static const struct play_hop *sim_hops(struct play *play, uint32_t *count)
{
    *count = sim_of(play)->inbound.count;
    return sim_of(play)->inbound.items;
}

static void sim_watch(struct play *play, struct str cluster)
{
    (void)watches_add(&sim_of(play)->watches, cluster);
}

static bool sim_peaks(struct play *play, struct str cluster, struct play_peaks *peaks)
{
    return watches_peaks(&sim_of(play)->watches, cluster, peaks);
}

static uint64_t sim_under_way(struct play *play)
{
    struct sim *sim = sim_of(play);
    uint64_t sum = 0;
    for (uint32_t i = 0; i < sim->world->client_count; i++) {
        if (sim->proxies[i] != NULL)
            sum += wire_exchange_count(sim->proxies[i]->wire) +
                   watches_held(wire_engine(sim->proxies[i]->wire));
    }
    return sum;
}

static uint64_t sim_hash(const struct play *play)
{
    return ((const struct sim *)(const void *)play)->hash;
}

static void sim_free(struct play *play)
{
    struct sim *sim = sim_of(play);
    sim_proxies_fini(sim);
    sim_ends_fini(sim);
    errands_fini(&sim->errands);
    links_fini(&sim->links);
    sim_tls_room_fini(&sim->tls);
    heap_fini(&sim->timers);
    buf_fini(&sim->scratch);
    struct arena arena = sim->arena; /* the sim lives in it */
    arena_fini(&arena);
}

static const struct play_ops sim_ops = {
    .call = sim_call,
    .wait = sim_wait,
    .model = sim_model,
    .begin = sim_begin,
    .next = sim_next,
    .now_ns = sim_now_ns,
    .pod_changed = sim_pod_changed,
    .drop_kept = sim_drop_kept,
    .stat = sim_stat,
    .events = sim_events,
    .hops = sim_hops,
    .watch = sim_watch,
    .peaks = sim_peaks,
    .under_way = sim_under_way,
    .hash = sim_hash,
    .free = sim_free,
};

struct play *sim_play_new(struct world *world, struct play_options options)
{
    struct arena arena;
    arena_init(&arena, 65536, 0);
    struct sim *sim = ARENA_NEW(&arena, struct sim);
    sim->arena = arena;
    sim->play.ops = &sim_ops;
    sim->world = world;
    sim->options = options;
    sim->hash = HASH_FNV64_START;
    heap_init(&sim->timers);
    links_init(&sim->links);
    sim->tls.arena = &sim->arena;
    sighting_log_init(&sim->log);
    buf_init(&sim->scratch, LIMIT_CONNECTION_BUFFER_BYTES + LIMIT_EXCHANGE_ARENA_BYTES);
    answer_shelf_init(&sim->shelf, &sim->arena);
    errands_init(&sim->errands);
    list_init(&sim->free_callers);
    list_init(&sim->kept_callers);
    list_init(&sim->free_standins);
    list_init(&sim->all_callers);
    list_init(&sim->all_standins);
    sim->proxies = ARENA_ARRAY(&sim->arena, struct sim_proxy *, world->client_count);
    world_begin(world, options.seed);
    return &sim->play;
}
