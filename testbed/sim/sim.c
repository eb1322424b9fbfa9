/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/sim/sim.c - a play in virtual time: see play.h.
 */
#include "testbed/sim/sim.h"

#include "base/check.h"
#include "base/hash.h"
#include "testbed/sim/inside.h"
#include "testbed/world/outcome.h"

/* After the last answer: what is under way arrives (a mirrored request, a FIN,
 * the record of a call that was cancelled). Far more than a few parcels take. */
#define SETTLE_NS NS_MS

static struct sim *sim_of(struct play *play)
{
    return (struct sim *)(void *)play;
}

static void begin_calls(struct sim *sim, uint32_t call_count)
{
    for (uint32_t i = 0; i < call_count; i++) {
        int64_t after_ns = sim->batch.calls[i].start_after_ns;
        if (after_ns == 0) {
            sim_begin_call(sim, i);
            continue;
        }
        struct sim_start *start = ARENA_NEW(sim->batch.arena, struct sim_start);
        start->timer.owner = TIMER_START;
        start->call_index = i;
        heap_node_init(&start->timer.node);
        sim_set_timer(sim, &start->timer, ns_add(sim->now_ns, after_ns));
    }
}

static void sim_call(struct play *play, const struct call *calls, uint32_t call_count,
                     struct outcome *outcomes, struct arena *arena)
{
    struct sim *sim = sim_of(play);
    sim->batch = (struct sim_batch){
        .number = sim->batch.number + 1,
        .calls = calls,
        .outcomes = outcomes,
        .arena = arena,
        .left_count = call_count,
    };
    sighting_log_open(&sim->log, arena);
    begin_calls(sim, call_count);
    while (sim->batch.left_count > 0) {
        /* Every caller has its patience: something always happens. */
        ASSERT(sim_step(sim, NS_NEVER));
    }
    int64_t until_ns = ns_add(sim->now_ns, SETTLE_NS);
    while (sim_step(sim, until_ns))
        ;
    outcomes_take_sightings(outcomes, call_count, &sim->log, sim->world, arena);
    sighting_log_close(&sim->log);
    sim->batch.arena = NULL;
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
    ASSERT(pod < sim_of(play)->world->pod_count);
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

static uint64_t sim_hash(const struct play *play)
{
    return ((const struct sim *)(const void *)play)->hash;
}

static void sim_free(struct play *play)
{
    struct sim *sim = sim_of(play);
    sim_proxies_fini(sim);
    sim_ends_fini(sim);
    links_fini(&sim->links);
    heap_fini(&sim->timers);
    struct arena arena = sim->arena; /* the sim lives in it */
    arena_fini(&arena);
}

static const struct play_ops sim_ops = {
    .call = sim_call,
    .wait = sim_wait,
    .pod_changed = sim_pod_changed,
    .drop_kept = sim_drop_kept,
    .stat = sim_stat,
    .events = sim_events,
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
    sighting_log_init(&sim->log);
    list_init(&sim->free_callers);
    list_init(&sim->kept_callers);
    list_init(&sim->free_standins);
    list_init(&sim->all_callers);
    list_init(&sim->all_standins);
    sim->proxies = ARENA_ARRAY(&sim->arena, struct sim_proxy *, world->client_count);
    world_rewind_scripts(world);
    return &sim->play;
}
