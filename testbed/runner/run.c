/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/runner/run.c - one test: a world, a play, its cases in order.
 */
#include "testbed/runner/run_inside.h"

#include "base/check.h"
#include "base/ns.h"
#include "base/rng.h"
#include "testbed/runner/route_case.h"
#include "testbed/runner/variant.h"
#include "testbed/runner/want_read.h"
#include "testbed/sim/sim.h"
#include "testbed/sockets/sockets.h"
#include "testbed/world/outcome.h"

#define LOG_LINE_BYTES_MAX (64u * 1024)
#define ARENA_BLOCK_BYTES (64u * 1024)
/* In virtual time, up to so many requests each have a trace in case they fail; of
 * more, a test that failed is run again. */
#define TRACED_REQUESTS_MAX 500u
/* Of a request, in a complaint. */
#define WORDS_BYTES_MAX 120u
/* What a case waits after its last answer, so that closings are counted. */
#define SETTLE_NS (30 * NS_MS)

/* As many callers alike as a case has at once. */
static void count_callers(struct run *run, struct world_spec *spec)
{
    struct client_spec *clients = ARENA_ARRAY(run->arena, struct client_spec, spec->client_count);
    for (uint32_t i = 0; i < spec->client_count; i++)
        clients[i] = spec->clients[i];
    for (uint32_t i = 0; i < run->test->case_count; i++) {
        const struct suite_case *step = &run->test->cases[i];
        for (uint32_t k = 0; step->is_concurrent && k < step->call_count; k++) {
            struct client_spec *client = &clients[step->calls[k].client];
            if (client->caller_count < step->concurrent_callers)
                client->caller_count = step->concurrent_callers;
        }
    }
    spec->clients = clients;
}

static struct world *make_world(struct run *run)
{
    struct world_spec spec = suite_world_spec(run->suite, run->test->workloads, &run->test->with,
                                              run->arena, run->options->diags);
    if (run->test->profile != NULL)
        spec.profile = run->test->profile;
    count_callers(run, &spec);
    return world_new(&spec, run->arena, run->options->diags);
}

static void find_pod_nodes(struct run *run)
{
    const struct world *world = run->world;
    run->pod_nodes = ARENA_ARRAY(run->arena, const struct node *, world->pod_count);
    for (uint32_t i = 0; i < world->pod_count; i++) {
        const struct node *workload = node_get(run->test->workloads, world->pods[i].workload);
        const struct node *pods = node_get(workload, STR("pods"));
        struct str index = arena_format(run->arena, "%u", world->pods[i].index);
        run->pod_nodes[i] = nodes_merged(workload, node_get(pods, index), run->arena);
    }
}

static uint64_t planned_requests(const struct suite_test *test)
{
    uint64_t count = 0;
    for (uint32_t i = 0; i < test->case_count; i++) {
        const struct suite_case *step = &test->cases[i];
        if (step->kind == CASE_TIMELINE)
            return UINT64_MAX; /* nobody knows */
        count += step->is_concurrent ? step->concurrent_count
                                     : (uint64_t)step->repeat * step->call_count;
    }
    return count;
}

/* --- requests -------------------------------------------------------------- */

/* The arena of the first failing request's outcome is kept for its story. */
static void keep_story(struct run *run, const struct outcome *outcome)
{
    struct test_result *result = run->result;
    if (result->has_story || outcome->trace == NULL)
        return;
    result->has_story = true;
    result->story = (struct outcome){0};
    outcome_take_record(&result->story, &outcome->record, outcome->trace, run->arena);
}

/* A request in a few words, for those who look for it among many. */
struct str run_request_words(const struct call *call, struct arena *arena)
{
    if (call->has_raw) {
        struct str rest = call->raw;
        struct str line = str_cut(&rest, '\r');
        return arena_format(arena, "raw \"%.*s\"", STR_FMT(str_slice(line, 0, WORDS_BYTES_MAX)));
    }
    return arena_format(arena, "%.*s %.*s%.*s", STR_FMT(call->method),
                        STR_FMT(call->has_authority ? call->authority : STR_EMPTY),
                        STR_FMT(str_slice(call->uri, 0, WORDS_BYTES_MAX)));
}

static void keep_log_line(struct run *run, const struct suite_case *step,
                          const struct outcome *outcome)
{
    struct test_result *result = run->result;
    if (run->options->log == NULL)
        return;
    struct log_line *line =
        ARENA_PUSH(run->arena, result->log, result->log_count, result->log_capacity);
    *line = (struct log_line){.case_index = (uint32_t)(step - run->test->cases)};
    if (!outcome->has_record)
        return;
    struct access_log_facts facts = {.record = &outcome->record,
                                     .epoch_seconds = outcome->epoch_seconds};
    char *text = arena_alloc(&run->scratch, LOG_LINE_BYTES_MAX);
    size_t size = access_log_render(run->options->log, &facts, text, LOG_LINE_BYTES_MAX);
    struct str whole = {text, size};
    if (str_has_suffix(whole, STR("\n")))
        whole.len--;
    line->text = arena_str(run->arena, whole);
}

void run_take_outcome(struct run *run, const struct suite_case *step, struct tally *tally,
                      const struct call *call, const struct outcome *outcome)
{
    struct complaints *complaints = &run->result->complaints;
    uint64_t before = complaints->said_count;
    run->result->request_count++;
    complaints->request = run->request_words.len > 0 ? run->request_words
                                                     : run_request_words(call, complaints->scratch);
    judge_outcome(&step->expect, outcome, run->world, run->options->engine == RUN_SIM, complaints);
    judge_caller_tls(&step->expect.caller_tls, run->world, call, outcome, complaints);
    if (run->options->engine != RUN_ENVOY)
        judge_tls(&step->expect.tls, run->world, call, outcome, complaints);
    if (tally->outcome_count == 0 && run->options->engine != RUN_ENVOY)
        judge_exact(&step->expect, outcome, complaints);
    if (tally->mirror_count == 0)
        judge_mirror(&step->expect, outcome, run->world, complaints);
    complaints->request = STR_EMPTY;
    tally_add(tally, outcome);
    keep_log_line(run, step, outcome);
    if (complaints->said_count != before)
        keep_story(run, outcome);
}

static void run_one(struct run *run, const struct suite_case *step, struct tally *tally,
                    struct call call)
{
    struct outcome outcome = {0};
    call.is_keeping = step->has_keepalive ? step->keepalive : step->repeat > 1;
    run->play->ops->call(run->play, &call, 1, &outcome, &run->scratch);
    run_take_outcome(run, step, tally, &call, &outcome);
    arena_reset(&run->scratch);
}

static void run_concurrent(struct run *run, const struct suite_case *step, struct tally *tally)
{
    uint32_t count = step->concurrent_count;
    struct call *calls = ARENA_ARRAY(&run->scratch, struct call, count);
    struct outcome *outcomes = ARENA_ARRAY(&run->scratch, struct outcome, count);
    for (uint32_t i = 0; i < count; i++) {
        calls[i] = step->calls[i % step->call_count];
        calls[i].start_after_ns = i * step->concurrent_every_ns;
        calls[i].client =
            world_client_nth(run->world, calls[i].client, i % step->concurrent_callers);
        calls[i].is_keeping = false;
    }
    run->play->ops->call(run->play, calls, count, outcomes, &run->scratch);
    for (uint32_t i = 0; i < count; i++)
        run_take_outcome(run, step, tally, &calls[i], &outcomes[i]);
    arena_reset(&run->scratch);
}

static void judge_breakers(struct run *run, const struct suite_case *step)
{
    for (uint32_t i = 0; i < step->expect.breaker_count; i++)
        judge_breaker(run, &step->expect.breakers[i]);
}

static void run_requests(struct run *run, const struct suite_case *step)
{
    struct tally tally;
    tally_init(&tally, &step->expect, run->world, run->arena, &run->scratch);
    if (step->is_concurrent) {
        run_concurrent(run, step, &tally);
    } else {
        for (uint32_t turn = 0; turn < step->repeat; turn++)
            for (uint32_t i = 0; i < step->call_count; i++) {
                if (step->every_ns > 0 && turn + i > 0)
                    run->play->ops->wait(run->play, step->every_ns);
                run_one(run, step, &tally, step->calls[i]);
            }
    }
    run->play->ops->drop_kept(run->play);
    judge_tally(&step->expect, &tally, &run->result->complaints);
    judge_breakers(run, step);
    arena_reset(&run->scratch);
}

static bool needs_settling(const struct run *run, const struct suite_case *step)
{
    return run->options->engine == RUN_SIM || run->test->stat_count > 0 ||
           step->expect.stat_count > 0;
}

static void run_case(struct run *run, const struct suite_case *step)
{
    switch (step->kind) {
    case CASE_WAIT:
        run->play->ops->wait(run->play, step->wait_ns);
        return;
    case CASE_SET:
        run_sets(run, step);
        return;
    case CASE_TIMELINE:
        run_timeline(run, step);
        run->play->ops->wait(run->play, SETTLE_NS);
        judge_breakers(run, step);
        return;
    case CASE_REQUEST:
        run_requests(run, step);
        if (step->settle_ns > 0)
            run->play->ops->wait(run->play, step->settle_ns);
        else if (step->settle_ns < 0 && needs_settling(run, step))
            run->play->ops->wait(run->play, SETTLE_NS);
        return;
    }
    UNREACHABLE("case_kind");
}

static void judge_stats(struct run *run, const struct want_stat *stats, uint32_t count)
{
    struct complaints *out = &run->result->complaints;
    for (uint32_t i = 0; i < count; i++) {
        const struct want_stat *want = &stats[i];
        uint64_t value = 0;
        bool is_known = run->play->ops->stat(run->play, want->cluster, want->counter, &value);
        if (is_known && want_number_holds(want->order, want->value, value))
            continue;
        /* A counter that nobody has never moved. */
        if (!is_known && want_number_holds(want->order, want->value, 0))
            continue;
        complain(out, want->origin,
                 arena_format(out->arena, "stats %.*s %.*s", STR_FMT(want->cluster),
                              STR_FMT(want->counter)),
                 arena_format(out->arena, "%llu", (unsigned long long)want->value),
                 is_known ? arena_format(out->arena, "%llu", (unsigned long long)value)
                          : STR("no such counter here"));
    }
}

static void judge_all_events(struct run *run, const struct want_events *want)
{
    struct event_list events = {0};
    if (!want->is_given)
        return;
    events.items = run->play->ops->events(run->play, &events.count);
    judge_events(want, &events, run->world, run->options->engine == RUN_SIM,
                 &run->result->complaints);
}

static struct play *make_play(struct run *run, struct play_options options)
{
    switch (run->options->engine) {
    case RUN_SIM:
        return sim_play_new(run->world, options);
    case RUN_ENVOY:
        options.envoy = run->options->envoy;
        run_envoy_callers(run, &options);
        return sockets_play_new(run->world, options, &run->result->why_broken);
    case RUN_LIVE:
        return sockets_play_new(run->world, options, &run->result->why_broken);
    }
    UNREACHABLE("run_engine");
}

static void play_cases(struct run *run)
{
    struct test_result *result = run->result;
    run_watch_breakers(run);
    for (uint32_t i = 0; i < run->test->case_count; i++)
        run_case(run, &run->test->cases[i]);
    /* Another process tells of it a little later. */
    if (run->options->engine == RUN_ENVOY)
        run->play->ops->wait(run->play, SETTLE_NS);
    judge_stats(run, run->test->stats, run->test->stat_count);
    judge_all_events(run, &run->test->events);
    for (uint32_t i = 0; i < run->test->case_count; i++) {
        const struct expect *expect = &run->test->cases[i].expect;
        judge_stats(run, expect->stats, expect->stat_count);
        judge_all_events(run, &expect->events);
    }
    if (result->complaints.count > 0)
        result->status = TEST_FAILED;
    else if (result->unseen.len > 0)
        result->status = TEST_UNSEEN;
}

static void run_play(struct run *run, bool is_tracing)
{
    struct test_result *result = run->result;
    run->play =
        make_play(run, (struct play_options){.seed = result->seed, .is_tracing = is_tracing});
    if (run->play == NULL)
        result->status = TEST_BROKEN;
    else
        play_cases(run);
}

static void run_whole(const struct suite *suite, const struct suite_test *test,
                      const struct run_options *options, bool is_tracing, struct test_result *out)
{
    *out = (struct test_result){.test = test, .status = TEST_PASSED};
    arena_init(&out->arena, ARENA_BLOCK_BYTES, 0);
    out->complaints.arena = &out->arena;
    out->seed = rng_derive(test->has_seed ? test->seed : suite->seed, test->luck_name);
    struct run run = {
        .suite = suite, .test = test, .options = options, .result = out, .arena = &out->arena};
    arena_init(&run.scratch, ARENA_BLOCK_BYTES, 0);
    out->complaints.scratch = &run.scratch;
    run.world = make_world(&run);
    out->world = run.world;
    if (run.world == NULL) {
        out->status = TEST_BROKEN;
        out->why_broken = STR("the manifests have errors");
    } else {
        find_pod_nodes(&run);
        run_injects(&run);
        if (options->engine == RUN_ENVOY)
            run_envoy_look(&run);
        run_play(&run, is_tracing);
    }
    if (run.play != NULL)
        run.play->ops->free(run.play);
    out->complaints.scratch = NULL;
    arena_fini(&run.scratch);
}

static void run_alone(const struct suite *suite, const struct suite_test *test,
                      const struct run_options *options, struct test_result *out)
{
    bool is_sim = options->engine == RUN_SIM;
    bool is_tracing = !is_sim || planned_requests(test) <= TRACED_REQUESTS_MAX;
    run_whole(suite, test, options, is_tracing, out);
    /* The same luck again, now with an ear for the story. */
    if (out->status == TEST_FAILED && !is_tracing) {
        test_result_fini(out);
        run_whole(suite, test, options, true, out);
    }
}

static void run_variant(const struct suite *suite, const struct suite_test *test,
                        const struct variant *variant, const struct run_options *options,
                        struct test_result *out)
{
    struct suite with_these = *suite;
    struct suite_test alone = *test;
    with_these.spec.documents = variant->documents;
    alone.with = (struct documents){0};
    run_alone(&with_these, &alone, options, out);
    out->test = test;
    out->variant = arena_str(&out->arena, variant->words);
}

static void broken(const struct suite_test *test, struct str why, struct test_result *out)
{
    *out = (struct test_result){.test = test, .status = TEST_BROKEN};
    arena_init(&out->arena, ARENA_BLOCK_BYTES, 0);
    out->complaints.arena = &out->arena;
    out->why_broken = arena_str(&out->arena, why);
}

static void diags_copy(const struct diag_list *from, struct diag_list *to)
{
    for (uint32_t i = 0; i < from->count; i++) {
        const struct diag *diag = &from->items[i];
        (void)diag_add(to, diag->id, diag->origin, diag->path, diag->args[0], diag->args[1],
                       diag->args[2]);
    }
}

/* One after the other, until one does not pass. What they all warn of is said once. */
static void run_variants(const struct suite *suite, const struct suite_test *test,
                         const struct run_options *options, struct arena *arena,
                         struct test_result *out)
{
    struct variants variants = variants_of(suite, test, arena);
    struct diag_list unheard;
    struct run_options quietly = *options;
    uint64_t request_count = 0;
    quietly.diags = &unheard;
    if (variants.count == 0)
        broken(test, variants.why, out);
    for (uint32_t i = 0; i < variants.count; i++) {
        diag_list_init(&unheard, arena);
        run_variant(suite, test, &variants.items[i], i == 0 ? options : &quietly, out);
        request_count += out->request_count;
        if (out->status == TEST_BROKEN)
            diags_copy(&unheard, options->diags);
        if (out->status != TEST_PASSED || i + 1 == variants.count)
            break;
        test_result_fini(out);
    }
    out->request_count = request_count;
}

/* A comparison of trees, without a world. */
static void run_static(const struct suite_test *test, struct test_result *out)
{
    struct arena scratch;
    *out = (struct test_result){.test = test};
    arena_init(&out->arena, ARENA_BLOCK_BYTES, 0);
    arena_init(&scratch, ARENA_BLOCK_BYTES, 0);
    out->complaints.arena = &out->arena;
    out->complaints.scratch = &scratch;
    route_case_judge(test, out);
    out->complaints.scratch = NULL;
    out->complaints.request = STR_EMPTY;
    arena_fini(&scratch);
}

void test_result_of(const struct suite *suite, const struct suite_test *test,
                    const struct run_options *options, struct test_result *out)
{
    if (test->route_case != NULL) {
        run_static(test, out);
        return;
    }
    if (!variants_are_wanted(test)) {
        run_alone(suite, test, options, out);
        return;
    }
    struct arena arena;
    arena_init(&arena, ARENA_BLOCK_BYTES, 0);
    run_variants(suite, test, options, &arena, out);
    out->has_variants = true;
    out->variants = arena;
}

void test_result_fini(struct test_result *result)
{
    if (result->world != NULL)
        world_free(result->world);
    result->world = NULL;
    arena_fini(&result->arena);
    if (result->has_variants)
        arena_fini(&result->variants);
    result->has_variants = false;
}

bool run_is_wanted(const struct suite_test *test, const struct regex *filter)
{
    return filter == NULL || regex_matches_part(filter, test->name);
}
