/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/sim/errand.c - calls under way, whoever made them: a batch, a stream,
 * or a stand-in that asks somebody.
 */
#include "base/check.h"
#include "testbed/sim/inside.h"
#include "testbed/world/outcome.h"

#define RECORD_PATIENCE_NS NS_MS /* a record that comes, comes with the last bytes */
#define ARENA_BLOCK_BYTES 4096u

static struct sim_errand *fresh(struct sim *sim)
{
    struct sim_errand *errand = ARENA_NEW(&sim->arena, struct sim_errand);
    errand->timer.owner = TIMER_ERRAND;
    heap_node_init(&errand->timer.node);
    list_init(&errand->node);
    arena_init(&errand->own_arena, ARENA_BLOCK_BYTES, 0);
    list_push_back(&sim->all_errands, &errand->everybody);
    return errand;
}

struct sim_errand *sim_errand_new(struct sim *sim, enum errand_kind kind)
{
    struct sim_errand *errand;
    if (list_is_empty(&sim->free_errands)) {
        errand = fresh(sim);
    } else {
        errand = LIST_ITEM(sim->free_errands.next, struct sim_errand, node);
        list_remove(&errand->node);
        list_init(&errand->node);
    }
    errand->kind = kind;
    errand->is_begun = false;
    errand->is_wanting_record = false;
    errand->is_over = false;
    if (kind == ERRAND_OF_BATCH)
        return errand;
    errand->own_outcome = (struct outcome){0};
    errand->call = &errand->own_call;
    errand->outcome = &errand->own_outcome;
    errand->arena = &errand->own_arena;
    return errand;
}

void sim_errand_free(struct sim *sim, struct sim_errand *errand)
{
    errand->life++;
    heap_remove(&sim->timers, &errand->timer.node);
    if (errand->own_arena.used_bytes > 0)
        arena_reset(&errand->own_arena);
    list_push_front(&sim->free_errands, &errand->node);
}

static void begin(struct sim *sim, struct sim_errand *errand)
{
    errand->is_begun = true;
    errand->started_ns = sim->now_ns;
    sim_begin_call(sim, errand);
}

void sim_errand_start(struct sim *sim, struct sim_errand *errand, int64_t after_ns)
{
    if (after_ns == 0)
        begin(sim, errand);
    else
        sim_set_timer(sim, &errand->timer, ns_add(sim->now_ns, after_ns));
}

/* Outcome and record are there, or no record will come. */
static void finish(struct sim *sim, struct sim_errand *errand)
{
    switch (errand->kind) {
    case ERRAND_OF_BATCH:
        return; /* the batch waits for what is late by itself, and frees them all */
    case ERRAND_OF_STREAM:
        list_push_back(&sim->done_errands, &errand->node);
        return;
    case ERRAND_OF_HOP:
        sim_errand_free(sim, errand);
        return;
    }
    UNREACHABLE("errand_kind");
}

void sim_errand_fire(struct sim *sim, struct sim_errand *errand)
{
    if (!errand->is_begun)
        begin(sim, errand);
    else
        finish(sim, errand);
}

void sim_errand_note_over(struct sim *sim, struct sim_errand *errand)
{
    ASSERT(!errand->is_over);
    errand->is_over = true;
    if (errand->kind == ERRAND_OF_BATCH) {
        ASSERT(sim->batch_count > 0);
        sim->batch_count--;
        return;
    }
    if (errand->kind == ERRAND_OF_HOP) {
        standin_called(&errand->standin->standin, errand->standin_number, errand->outcome);
        sim_standin_turn(sim, errand->standin);
    }
    if (errand->is_wanting_record)
        sim_set_timer(sim, &errand->timer, ns_add(sim->now_ns, RECORD_PATIENCE_NS));
    else
        finish(sim, errand);
}

void sim_errand_note_record(struct sim *sim, struct sim_errand *errand,
                            const struct wire_action *action)
{
    errand->is_wanting_record = false;
    if (errand->call->is_counted && action->trace == NULL)
        outcome_take_counts(errand->outcome, action->record, errand->arena);
    else
        outcome_take_record(errand->outcome, action->record, action->trace, errand->arena);
    errand->outcome->epoch_seconds = SIM_EPOCH_SECONDS;
    if (!errand->is_over || errand->kind == ERRAND_OF_BATCH)
        return;
    sim_set_timer(sim, &errand->timer, NS_NEVER);
    finish(sim, errand);
}

void sim_errand_hop(struct sim *sim, struct sim_standin *standin, const struct call *call)
{
    struct sim_errand *errand = sim_errand_new(sim, ERRAND_OF_HOP);
    errand->own_call = call_copy(call, &errand->own_arena);
    errand->standin = standin;
    errand->standin_number = standin->standin.number;
    sim_errand_start(sim, errand, 0);
}

void sim_errands_fini(struct sim *sim)
{
    for (struct list *at = sim->all_errands.next; at != &sim->all_errands; at = at->next)
        arena_fini(&LIST_ITEM(at, struct sim_errand, everybody)->own_arena);
}
