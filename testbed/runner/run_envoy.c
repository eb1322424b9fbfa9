/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/runner/run_envoy.c - what a test on real Envoys needs beforehand, and
 * what of it they do not show.
 *
 * An Envoy shows its answers, its access log, its outlier log and its counters. What else is
 * asserted is "not observable": noted, never judged, and never passed.
 */
#include "base/check.h"
#include "testbed/runner/run_inside.h"

static void note_unseen(struct run *run, const char *what)
{
    struct test_result *result = run->result;
    if (str_find_str(result->unseen, str_of(what)) == STR_NONE)
        result->unseen = arena_format(run->arena, "%.*s%s%s", STR_FMT(result->unseen),
                                      result->unseen.len > 0 ? "; " : "", what);
}

/* --- who calls -------------------------------------------------------------------- */

struct callers {
    bool *is_caller; /* by client */
    const struct world *world;
    struct arena *arena;
    struct play_redirect *redirects;
    uint32_t redirect_count, redirect_capacity;
};

static void take_calls(struct callers *callers, const struct call *calls, uint32_t count,
                       uint32_t alike_count)
{
    for (uint32_t i = 0; i < count * alike_count; i++) {
        struct call call = calls[i / alike_count];
        call.client = world_client_nth(callers->world, call.client, i % alike_count);
        callers->is_caller[call.client] = true;
        struct call_target target = world_target(callers->world, &call);
        if (target.has_original)
            *ARENA_PUSH(callers->arena, callers->redirects, callers->redirect_count,
                        callers->redirect_capacity) = (struct play_redirect){call.client, target};
    }
}

static bool is_moving(const struct suite_case *step)
{
    bool is_said = false;
    for (uint32_t i = 0; i < step->set_count; i++)
        is_said |= node_get(step->sets[i].change, STR("absent")) != NULL;
    for (uint32_t i = 0; i < step->timeline_count; i++) {
        const struct timeline_item *item = &step->timeline[i];
        bool is_step = item->kind == TIMELINE_SET || item->kind == TIMELINE_REQUEST;
        is_said |= is_step && is_moving(item->step);
    }
    return is_said;
}

static void take_case(struct callers *callers, const struct suite_case *step)
{
    uint32_t alike_count = step->is_concurrent ? step->concurrent_callers : 1;
    take_calls(callers, step->calls, step->call_count, alike_count);
    for (uint32_t i = 0; i < step->timeline_count; i++) {
        const struct timeline_item *item = &step->timeline[i];
        if (item->kind == TIMELINE_LOAD)
            take_calls(callers, item->load.calls, item->load.call_count, 1);
        if (item->kind == TIMELINE_REQUEST)
            take_calls(callers, item->step->calls, item->step->call_count, 1);
    }
}

void run_envoy_callers(struct run *run, struct play_options *options)
{
    const struct world *world = run->world;
    struct callers callers = {.is_caller = ARENA_ARRAY(run->arena, bool, world->client_count + 1),
                              .world = world,
                              .arena = run->arena};
    uint32_t *list = ARENA_ARRAY(run->arena, uint32_t, world->client_count + 1);
    for (uint32_t i = 0; i < run->test->case_count; i++)
        take_case(&callers, &run->test->cases[i]);
    for (uint32_t i = 0; i < run->test->case_count; i++)
        options->has_moving_pods |= is_moving(&run->test->cases[i]);
    for (uint32_t i = 0; i < world->pod_count; i++) {
        if (world->pods[i].client != UINT32_MAX)
            callers.is_caller[world->pods[i].client] = true;
    }
    for (uint32_t i = 0; i < world->client_count; i++) {
        if (callers.is_caller[i])
            list[options->caller_count++] = i;
    }
    options->callers = list;
    options->redirects = callers.redirects;
    options->redirect_count = callers.redirect_count;
}

/* --- what cannot be seen ------------------------------------------------------------ */

static void look_at_expect(struct run *run, const struct expect *expect)
{
    for (uint32_t i = 0; i < expect->distribution_count; i++) {
        if (expect->distributions[i].is_exact)
            note_unseen(run, "distribution by the weights (exact: true)");
    }
    for (uint32_t i = 0; i < expect->breaker_count; i++) {
        for (uint32_t k = 0; k < LIMIT_OF_COUNT; k++) {
            if (expect->breakers[i].most[k].count > 0)
                note_unseen(run, "breaker: the most at once");
        }
    }
    if (expect->tls.is_given)
        note_unseen(run, "tls: how the two sides came to speak");
    for (uint32_t i = 0; i < expect->window_count; i++)
        look_at_expect(run, expect->windows[i].expect);
}

static void look_at_case(struct run *run, const struct suite_case *step)
{
    look_at_expect(run, &step->expect);
    for (uint32_t i = 0; i < step->timeline_count; i++) {
        const struct timeline_item *item = &step->timeline[i];
        if (item->kind == TIMELINE_SET || item->kind == TIMELINE_REQUEST)
            look_at_case(run, item->step);
    }
}

void run_envoy_look(struct run *run)
{
    for (uint32_t i = 0; i < run->test->case_count; i++)
        look_at_case(run, &run->test->cases[i]);
}
