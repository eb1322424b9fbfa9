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
};

static void take_client(struct callers *callers, uint32_t client, uint32_t alike_count)
{
    for (uint32_t i = 0; i < alike_count; i++)
        callers->is_caller[world_client_nth(callers->world, client, i)] = true;
}

static void take_case(struct callers *callers, const struct suite_case *step)
{
    uint32_t alike_count = step->is_concurrent ? step->concurrent_callers : 1;
    for (uint32_t i = 0; i < step->call_count; i++)
        take_client(callers, step->calls[i].client, alike_count);
    for (uint32_t i = 0; i < step->timeline_count; i++) {
        const struct timeline_item *item = &step->timeline[i];
        for (uint32_t k = 0; item->kind == TIMELINE_LOAD && k < item->load.call_count; k++)
            take_client(callers, item->load.calls[k].client, 1);
        for (uint32_t k = 0; item->kind == TIMELINE_REQUEST && k < item->step->call_count; k++)
            take_client(callers, item->step->calls[k].client, 1);
    }
}

void run_envoy_callers(struct run *run, struct play_options *options)
{
    const struct world *world = run->world;
    struct callers callers = {.is_caller = ARENA_ARRAY(run->arena, bool, world->client_count + 1),
                              .world = world};
    uint32_t *list = ARENA_ARRAY(run->arena, uint32_t, world->client_count + 1);
    for (uint32_t i = 0; i < run->test->case_count; i++)
        take_case(&callers, &run->test->cases[i]);
    for (uint32_t i = 0; i < world->pod_count; i++) {
        if (world->pods[i].client != UINT32_MAX)
            callers.is_caller[world->pods[i].client] = true;
    }
    for (uint32_t i = 0; i < world->client_count; i++) {
        if (callers.is_caller[i])
            list[options->caller_count++] = i;
    }
    options->callers = list;
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

/* Its listeners are met by themselves: nothing is redirected to them. */
static bool is_redirected(const struct run *run, const struct call *call)
{
    return call->to.len > 0 && run->world->clients[call->client].spec.via == VIA_SIDECAR;
}

static bool can_play_calls(struct run *run, const struct call *calls, uint32_t count)
{
    bool can_play = true;
    for (uint32_t i = 0; i < count; i++) {
        if (!is_redirected(run, &calls[i]))
            continue;
        note_unseen(run, "a request with `to`, which the mesh's redirect would catch");
        can_play = false;
    }
    return can_play;
}

static bool can_play_case(struct run *run, const struct suite_case *step)
{
    bool can_play = can_play_calls(run, step->calls, step->call_count);
    for (uint32_t i = 0; i < step->set_count; i++) {
        if (node_get(step->sets[i].change, STR("absent")) == NULL)
            continue;
        note_unseen(run, "a pod that comes or goes while the test runs");
        can_play = false;
    }
    look_at_expect(run, &step->expect);
    return can_play;
}

static bool can_play_item(struct run *run, const struct timeline_item *item)
{
    switch (item->kind) {
    case TIMELINE_LOAD:
        return can_play_calls(run, item->load.calls, item->load.call_count);
    case TIMELINE_SET:
    case TIMELINE_REQUEST:
        return can_play_case(run, item->step);
    case TIMELINE_NOTHING:
        return true;
    }
    UNREACHABLE("timeline_kind");
}

bool run_envoy_can_play(struct run *run)
{
    bool can_play = true;
    for (uint32_t i = 0; i < run->test->case_count; i++) {
        const struct suite_case *step = &run->test->cases[i];
        can_play = can_play_case(run, step) && can_play;
        for (uint32_t k = 0; k < step->timeline_count; k++)
            can_play = can_play_item(run, &step->timeline[k]) && can_play;
    }
    return can_play;
}

bool run_envoy_can_judge(struct run *run, const struct call *call, const struct outcome *outcome)
{
    const struct snapshot *snapshot = run->world->clients[call->client].snapshot;
    const struct cluster *cluster = outcome->has_record && snapshot != NULL
                                        ? snapshot_cluster(snapshot, outcome->record.cluster_name)
                                        : NULL;
    if (cluster == NULL || cluster->type != CLUSTER_ORIGINAL_DST)
        return true;
    note_unseen(run, "a cluster that follows the original destination");
    return false;
}
