/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/sim/errand.c - calls under way, whoever made them: a batch, a stream,
 * or a stand-in that asks somebody.
 */
#include "base/check.h"
#include "testbed/sim/inside.h"
#include "testbed/world/outcome.h"

#define RECORD_PATIENCE_NS NS_MS /* a record that comes, comes with the last bytes */

struct sim_errand *sim_errand_new(struct sim *sim, enum errand_kind kind)
{
    struct errand *spare = errands_reuse(&sim->errands, kind);
    if (spare != NULL)
        return LIST_ITEM(spare, struct sim_errand, base);
    struct sim_errand *errand = ARENA_NEW(&sim->arena, struct sim_errand);
    errand->timer.owner = TIMER_ERRAND;
    heap_node_init(&errand->timer.node);
    errands_join(&sim->errands, &errand->base, kind);
    return errand;
}

void sim_errand_free(struct sim *sim, struct sim_errand *errand)
{
    heap_remove(&sim->timers, &errand->timer.node);
    errands_give_back(&sim->errands, &errand->base);
}

struct sim_errand *sim_errand_answer(struct sim *sim)
{
    struct errand *over = errands_answer(&sim->errands);
    return over != NULL ? LIST_ITEM(over, struct sim_errand, base) : NULL;
}

static void begin(struct sim *sim, struct sim_errand *errand)
{
    errand->base.is_begun = true;
    errand->base.started_ns = sim->now_ns;
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
    switch (errand->base.kind) {
    case ERRAND_OF_BATCH:
        return; /* the batch waits for what is late by itself, and frees them all */
    case ERRAND_OF_STREAM:
        errands_note_over(&sim->errands, &errand->base);
        return;
    case ERRAND_OF_HOP:
        sim_errand_free(sim, errand);
        return;
    }
    UNREACHABLE("errand_kind");
}

void sim_errand_fire(struct sim *sim, struct sim_errand *errand)
{
    if (!errand->base.is_begun)
        begin(sim, errand);
    else
        finish(sim, errand);
}

void sim_errand_note_over(struct sim *sim, struct sim_errand *errand)
{
    ASSERT(!errand->base.is_over);
    errand->base.is_over = true;
    if (errand->base.kind == ERRAND_OF_BATCH) {
        ASSERT(sim->batch_count > 0);
        sim->batch_count--;
        return;
    }
    if (errand->base.kind == ERRAND_OF_HOP) {
        standin_called(&errand->standin->standin, errand->base.standin_number,
                       errand->base.outcome);
        sim_standin_turn(sim, errand->standin);
    }
    if (errand->base.is_wanting_record)
        sim_set_timer(sim, &errand->timer, ns_add(sim->now_ns, RECORD_PATIENCE_NS));
    else
        finish(sim, errand);
}

void sim_errand_note_record(struct sim *sim, struct sim_errand *errand,
                            const struct wire_action *action)
{
    errand->base.is_wanting_record = false;
    struct outcome *outcome = errand->base.outcome;
    if (errand->base.call->is_counted && action->trace == NULL)
        outcome_take_counts(outcome, action->record, errand->base.arena);
    else
        outcome_take_record(outcome, action->record, action->trace, errand->base.arena);
    outcome->epoch_seconds = SIM_EPOCH_SECONDS;
    if (!errand->base.is_over || errand->base.kind == ERRAND_OF_BATCH)
        return;
    sim_set_timer(sim, &errand->timer, NS_NEVER);
    finish(sim, errand);
}

void sim_errand_hop(struct sim *sim, struct sim_standin *standin, const struct call *call)
{
    struct sim_errand *errand = sim_errand_new(sim, ERRAND_OF_HOP);
    errand_ask(&errand->base, call, standin->standin.number);
    errand->standin = standin;
    sim_errand_start(sim, errand, 0);
}
