/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/runner/timeline.c - a load, and what happens meanwhile.
 *
 * The play is asked for what is over until the next thing is due; then that is
 * done. Nothing is kept of an outcome but counts.
 */
#include <math.h>

#include "base/check.h"
#include "base/heap.h"
#include "base/ns.h"
#include "base/rng.h"
#include "testbed/runner/over_time.h"
#include "testbed/runner/run_inside.h"
#include "testbed/world/outcome.h"

/* Which item a call belongs to, and which of its callers: one number. */
#define ITEM_SHIFT 32

struct timeline;

/* Of a closed load: begins again when its answer is there and it has thought. */
struct load_caller {
    struct heap_node node;
    uint32_t item, index;
};

/* A load under way. */
struct load_run {
    const struct load_spec *spec;
    int64_t started_ns, next_ns; /* NS_NEVER: over */
    uint32_t stage;
    int64_t stage_started_ns;
    uint64_t stage_count; /* begun in it */
    uint64_t call_count;
    struct call *calls; /* the spec's, as the engine gets them */
    struct str words;   /* the first one's, for complaints */
    struct rng rng;
    struct load_caller *callers;
};

struct timeline {
    struct run *run;
    const struct suite_case *step;
    struct load_run *loads; /* one for each item */
    struct heap thinking;   /* callers, by when they begin */
    uint32_t item_next;
    struct tally tally;
    struct over_time over;
    struct tally *request_tallies; /* of single requests, one for each item */
};

static void begin_call(struct timeline *timeline, uint32_t item, uint32_t caller)
{
    struct load_run *load = &timeline->loads[item];
    const struct load_spec *spec = load->spec;
    struct play *play = timeline->run->play;
    const struct call *call = &load->calls[load->call_count++ % spec->call_count];
    play->ops->begin(play, call, (uint64_t)item << ITEM_SHIFT | caller);
}

/* --- an open load ---------------------------------------------------------- */

/* When the next one begins; moves on through the stages. */
static void find_next(struct load_run *load)
{
    const struct load_spec *spec = load->spec;
    while (load->stage < spec->stage_count) {
        const struct load_stage *stage = &spec->stages[load->stage];
        double gap_ns = (double)NS_SECOND / stage->per_second;
        int64_t end_ns = ns_add(load->stage_started_ns, stage->for_ns);
        if (spec->is_poisson)
            load->next_ns =
                ns_add(load->next_ns, (int64_t)(-log(1 - rng_unit(&load->rng)) * gap_ns));
        else
            load->next_ns =
                ns_add(load->stage_started_ns, (int64_t)((double)load->stage_count * gap_ns));
        load->stage_count++;
        if (load->next_ns < end_ns)
            return;
        load->stage++;
        load->stage_started_ns = load->next_ns = end_ns;
        load->stage_count = 0;
    }
    load->next_ns = NS_NEVER;
}

/* Does anything that the test says of each response need more than counts? */
static bool is_looking(const struct expect *expect)
{
    const struct want_response *response = &expect->response;
    for (uint32_t i = 0; i < expect->distribution_count; i++) {
        if (expect->distributions[i].by == BY_HEADER)
            return true;
    }
    for (uint32_t i = 0; i < expect->window_count; i++) {
        if (is_looking(expect->windows[i].expect))
            return true;
    }
    return response->is_given &&
           (response->reason.is_given || response->body.is_given || response->headers.is_given ||
            response->trailers.is_given || response->has_interim);
}

/* They are alike again and again, and mostly nobody looks at a single one. */
static void prepare_calls(const struct timeline *timeline, struct load_run *load)
{
    const struct run *run = timeline->run;
    const struct load_spec *spec = load->spec;
    load->calls = ARENA_ARRAY(run->arena, struct call, spec->call_count);
    load->words = run_request_words(&spec->calls[0], run->arena);
    for (uint32_t i = 0; i < spec->call_count; i++) {
        load->calls[i] = spec->calls[i];
        load->calls[i].is_counted =
            run->options->log == NULL && !is_looking(&timeline->step->expect);
        load->calls[i].model = run->play->ops->model(run->play, &spec->calls[i]);
    }
}

static void begin_load(struct timeline *timeline, uint32_t item, int64_t now_ns)
{
    struct load_run *load = &timeline->loads[item];
    const struct run *run = timeline->run;
    struct str stream = arena_format(run->arena, "load/%u", item);
    *load = (struct load_run){.spec = &timeline->step->timeline[item].load,
                              .started_ns = now_ns,
                              .next_ns = now_ns,
                              .stage_started_ns = now_ns,
                              .rng = rng_seeded(run->result->seed, stream)};
    prepare_calls(timeline, load);
    uint32_t count = load->spec->caller_count;
    if (count == 0) {
        find_next(load);
        return;
    }
    load->next_ns = NS_NEVER;
    load->callers = ARENA_ARRAY(run->arena, struct load_caller, count);
    for (uint32_t i = 0; i < count; i++) {
        load->callers[i] = (struct load_caller){.item = item, .index = i};
        heap_node_init(&load->callers[i].node);
        heap_put(&timeline->thinking, &load->callers[i].node, now_ns);
    }
}

/* --- items ----------------------------------------------------------------- */

static void begin_item(struct timeline *timeline, uint32_t index, int64_t now_ns)
{
    const struct timeline_item *item = &timeline->step->timeline[index];
    struct play *play = timeline->run->play;
    switch (item->kind) {
    case TIMELINE_LOAD:
        begin_load(timeline, index, now_ns);
        return;
    case TIMELINE_SET:
        run_sets(timeline->run, item->step);
        return;
    case TIMELINE_REQUEST:
        for (uint32_t i = 0; i < item->step->call_count; i++)
            play->ops->begin(play, &item->step->calls[i], (uint64_t)index << ITEM_SHIFT | i);
        return;
    case TIMELINE_NOTHING:
        return;
    }
    UNREACHABLE("timeline_kind");
}

static int64_t due_ns(const struct timeline *timeline)
{
    int64_t due_ns = NS_NEVER;
    if (timeline->item_next < timeline->step->timeline_count)
        due_ns = timeline->step->timeline[timeline->item_next].at_ns;
    for (uint32_t i = 0; i < timeline->item_next; i++) {
        if (timeline->loads[i].spec != NULL)
            due_ns = ns_min(due_ns, timeline->loads[i].next_ns);
    }
    const struct heap_node *caller = heap_first(&timeline->thinking);
    return caller != NULL ? ns_min(due_ns, caller->due_ns) : due_ns;
}

/* Whatever is due by now. */
static void begin_due(struct timeline *timeline, int64_t now_ns)
{
    const struct suite_case *step = timeline->step;
    while (timeline->item_next < step->timeline_count &&
           step->timeline[timeline->item_next].at_ns <= now_ns)
        begin_item(timeline, timeline->item_next++, now_ns);
    for (uint32_t i = 0; i < timeline->item_next; i++) {
        struct load_run *load = &timeline->loads[i];
        while (load->spec != NULL && load->next_ns <= now_ns) {
            begin_call(timeline, i, 0);
            find_next(load);
        }
    }
    for (struct heap_node *node = heap_first(&timeline->thinking);
         node != NULL && node->due_ns <= now_ns; node = heap_first(&timeline->thinking)) {
        const struct load_caller *caller = HEAP_ITEM(node, struct load_caller, node);
        heap_remove(&timeline->thinking, node);
        begin_call(timeline, caller->item, caller->index);
    }
}

/* --- outcomes -------------------------------------------------------------- */

static void think(struct timeline *timeline, uint32_t item, uint32_t index, int64_t now_ns)
{
    struct load_run *load = &timeline->loads[item];
    int64_t begin_ns = ns_add(now_ns, load->spec->think_ns);
    if (begin_ns < ns_add(load->started_ns, load->spec->for_ns))
        heap_put(&timeline->thinking, &load->callers[index].node, begin_ns);
}

static void take(struct timeline *timeline, const struct play_done *done)
{
    struct run *run = timeline->run;
    uint32_t item = (uint32_t)(done->number >> ITEM_SHIFT), index = (uint32_t)done->number;
    const struct timeline_item *what = &timeline->step->timeline[item];
    if (what->kind == TIMELINE_REQUEST) {
        run_take_outcome(run, what->step, &timeline->request_tallies[item],
                         &what->step->calls[index], done->outcome);
    } else {
        struct over_time_item one = {.outcome = done->outcome,
                                     .world = run->world,
                                     .started_ns = done->started_ns,
                                     .is_virtual = run->options->engine == RUN_SIM};
        run->request_words = timeline->loads[item].words;
        run_take_outcome(run, timeline->step, &timeline->tally, &what->load.calls[0],
                         done->outcome);
        run->request_words = STR_EMPTY;
        over_time_add(&timeline->over, &one, &run->result->complaints);
        if (what->load.caller_count > 0)
            think(timeline, item, index, run->play->ops->now_ns(run->play));
    }
    if (run->scratch.used_bytes > 0)
        arena_reset(&run->scratch);
}

/* Requests that applications saw, whoever made them. */
static void count_seen(struct timeline *timeline)
{
    const struct world *world = timeline->run->world;
    timeline->tally.sighting_count = 0;
    timeline->tally.mirror_count = 0;
    for (uint32_t i = 0; i < world->pod_count; i++) {
        timeline->tally.sighting_count += world->pods[i].request_count;
        timeline->tally.mirror_count += world->pods[i].mirror_count;
    }
}

static void judge(struct timeline *timeline)
{
    struct complaints *out = &timeline->run->result->complaints;
    count_seen(timeline);
    judge_tally(&timeline->step->expect, &timeline->tally, out);
    over_time_judge(&timeline->over, &timeline->tally, out);
    for (uint32_t i = 0; i < timeline->step->timeline_count; i++) {
        const struct timeline_item *item = &timeline->step->timeline[i];
        if (item->kind == TIMELINE_REQUEST)
            judge_tally(&item->step->expect, &timeline->request_tallies[i], out);
    }
}

void run_timeline(struct run *run, const struct suite_case *step)
{
    struct timeline timeline = {.run = run, .step = step};
    uint32_t count = step->timeline_count;
    heap_init(&timeline.thinking);
    timeline.loads = ARENA_ARRAY(run->arena, struct load_run, count);
    timeline.request_tallies = ARENA_ARRAY(run->arena, struct tally, count);
    tally_init(&timeline.tally, &step->expect, run->world, run->arena, &run->scratch);
    over_time_init(&timeline.over, &step->expect, run->world, run->arena, &run->scratch);
    for (uint32_t i = 0; i < count; i++) {
        if (step->timeline[i].kind == TIMELINE_REQUEST)
            tally_init(&timeline.request_tallies[i], &step->timeline[i].step->expect, run->world,
                       run->arena, &run->scratch);
    }
    for (;;) {
        int64_t until_ns = due_ns(&timeline);
        const struct play_done *done = run->play->ops->next(run->play, until_ns);
        if (done != NULL)
            take(&timeline, done);
        else if (until_ns == NS_NEVER)
            break;
        else
            begin_due(&timeline, ns_max(until_ns, run->play->ops->now_ns(run->play)));
    }
    run->play->ops->drop_kept(run->play);
    judge(&timeline);
    heap_fini(&timeline.thinking);
}
