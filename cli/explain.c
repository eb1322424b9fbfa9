/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/explain.c - `pocketmesh explain`: a question on the command line.
 */
#include "testbed/inspect/explain.h"

#include "base/check.h"
#include "base/map.h"
#include "cli/command.h"
#include "cli/words.h"
#include "testbed/sim/sim.h"
#include "testbed/sockets/sockets.h"
#include "testbed/world/play.h"

#define OUTPUT_BYTES_MAX (64u << 20)
#define REPEAT_MAX 10000000u

struct explain_job {
    struct words words;
    struct explain_question question;
    uint32_t header_capacity;
    uint64_t repeat;
};

static void take_from(void *user, struct str value)
{
    ((struct explain_job *)user)->question.from = value;
}

static void take_namespace(void *user, struct str value)
{
    ((struct explain_job *)user)->question.namespace = value;
}

static void take_method(void *user, struct str value)
{
    ((struct explain_job *)user)->question.method = value;
}

static void take_body(void *user, struct str value)
{
    ((struct explain_job *)user)->question.body = value;
}

static void take_repeat(void *user, struct str value)
{
    struct explain_job *job = user;
    if (!str_to_u64(value, REPEAT_MAX, &job->repeat) || job->repeat == 0)
        words_complain(&job->words, "--repeat is a number from 1 to %u", REPEAT_MAX);
}

static void take_header(void *user, struct str value)
{
    struct explain_job *job = user;
    size_t colon = str_find(value, ':');
    if (colon == STR_NONE || colon == 0) {
        words_complain(&job->words, "-H is 'NAME: VALUE', not '%.*s'", STR_FMT(value));
        return;
    }
    *ARENA_PUSH(&job->words.arena, job->question.headers, job->question.header_count,
                job->header_capacity) =
        (struct header){str_trim(str_slice(value, 0, colon)), str_trim(str_from(value, colon + 1))};
}

static struct play *make_play(struct explain_job *job, struct world *world, bool is_tracing)
{
    struct play_options options = {.seed = job->words.has_seed ? job->words.seed : 1,
                                   .is_tracing = is_tracing};
    if (!job->words.is_live)
        return sim_play_new(world, options);
    struct str why = STR_EMPTY;
    struct play *play = sockets_play_new(world, options, &why);
    if (play == NULL)
        words_complain(&job->words, "%.*s", STR_FMT(why));
    return play;
}

static enum rc write_one(struct explain_job *job, const struct world *world,
                         const struct call *call, const struct outcome *outcome, struct buf *out)
{
    struct explain_style style = {.has_colour = words_has_colour(&job->words, stdout),
                                  .engine_name = job->words.is_live ? STR("live") : STR("sim")};
    if (str_eq(job->words.output, STR("json")))
        return explain_write_json(world, call, outcome, &style, &job->words.arena, out);
    return explain_write(world, call, outcome, &style, &job->words.arena, out);
}

struct spread {
    struct str *names;
    uint64_t *counts;
    uint32_t count, capacity;
    struct map index;
};

static void spread_add(struct explain_job *job, struct spread *spread, const struct world *world,
                       const struct outcome *outcome, struct arena *scratch)
{
    struct str pod = outcome->pod == UINT32_MAX ? STR("-") : world->pods[outcome->pod].name;
    struct str cluster = outcome->has_record ? outcome->record.cluster_name : STR_EMPTY;
    struct str name =
        arena_format(scratch, "%u %-3.*s %.*s  %.*s", outcome->status,
                     STR_FMT(outcome->has_record ? outcome->flags : STR("-")),
                     STR_FMT(cluster.len > 0 ? cluster : STR("-")), STR_FMT(pod));
    uint32_t index = map_get(&spread->index, name);
    if (index == MAP_NONE) {
        uint32_t unused = spread->capacity, count = spread->count;
        index = spread->count;
        (void)ARENA_PUSH(&job->words.arena, spread->counts, count, unused);
        struct str *fresh =
            ARENA_PUSH(&job->words.arena, spread->names, spread->count, spread->capacity);
        *fresh = arena_str(&job->words.arena, name);
        map_set(&spread->index, *fresh, index);
    }
    spread->counts[index]++;
}

/* The rest of the repeats, by where they went. */
static enum rc write_spread(struct explain_job *job, struct play *play, const struct world *world,
                            struct call call, struct buf *out)
{
    struct spread spread = {0};
    struct arena scratch;
    arena_init(&scratch, 64 * 1024, 0);
    map_init(&spread.index, &job->words.arena);
    call.is_keeping = true;
    for (uint64_t i = 0; i < job->repeat; i++) {
        struct outcome outcome = {0};
        play->ops->call(play, &call, 1, &outcome, &scratch);
        spread_add(job, &spread, world, &outcome, &scratch);
        arena_reset(&scratch);
    }
    arena_fini(&scratch);
    enum rc rc = buf_format(out, "\n%llu requests:\n", (unsigned long long)job->repeat);
    for (uint32_t i = 0; i < spread.count && rc == RC_OK; i++)
        rc = buf_format(out, "  %8llu %5.1f%%  %.*s\n", (unsigned long long)spread.counts[i],
                        100.0 * (double)spread.counts[i] / (double)job->repeat,
                        STR_FMT(spread.names[i]));
    return rc;
}

static int answer(struct explain_job *job, struct world *world, const struct call *call)
{
    struct play *play = make_play(job, world, true);
    if (play == NULL)
        return EXIT_CODE_SURROUNDINGS;
    struct buf out;
    buf_init(&out, OUTPUT_BYTES_MAX);
    struct outcome outcome = {0};
    play->ops->call(play, call, 1, &outcome, &job->words.arena);
    enum rc rc = write_one(job, world, call, &outcome, &out);
    play->ops->free(play);
    if (rc == RC_OK && job->repeat > 1) {
        play = make_play(job, world, false);
        if (play != NULL) {
            rc = write_spread(job, play, world, *call, &out);
            play->ops->free(play);
        }
    }
    bool is_written = words_write(&out);
    buf_fini(&out);
    return rc == RC_OK && is_written ? EXIT_CODE_FINE : EXIT_CODE_SURROUNDINGS;
}

static int run_job(struct explain_job *job)
{
    struct words *words = &job->words;
    if (words->plain_count != 1)
        return words_complain(words, "one URL is asked about at a time; there are %u",
                              words->plain_count);
    if (words->manifest_count == 0)
        return words_complain(words, "no manifests; name them with -f");
    if (words->output.len > 0 && !str_eq(words->output, STR("text")) &&
        !str_eq(words->output, STR("json")))
        return words_complain(words, "-o is text or json, not \"%.*s\"", STR_FMT(words->output));
    struct explain_question *question = &job->question;
    question->url = words->plain[0];
    question->profile = words->profile != NULL ? words->profile : profile_default();
    if (question->method.len == 0)
        question->method = question->body.len > 0 ? STR("POST") : STR("GET");
    words_documents(words, &question->documents);
    struct world *world = NULL;
    struct call call;
    struct str why = STR_EMPTY;
    bool is_good =
        explain_prepare(question, &words->arena, &words->diags, &world, &call, &why);
    bool has_errors = words_report(words);
    int code = EXIT_CODE_INPUT;
    if (why.len > 0)
        words_complain(words, "%.*s", STR_FMT(why));
    else if (is_good && !has_errors)
        code = answer(job, world, &call);
    if (world != NULL)
        world_free(world);
    return code;
}

int cmd_explain(int argc, char **argv)
{
    static const struct words_option OPTIONS[] = {
        {"--from", true, take_from},      {"-n", true, take_namespace},
        {"--namespace", true, take_namespace}, {"-X", true, take_method},
        {"--method", true, take_method},  {"-H", true, take_header},
        {"--header", true, take_header},  {"-d", true, take_body},
        {"--repeat", true, take_repeat},
    };
    struct explain_job job = {.repeat = 1};
    job.question.namespace = STR("default");
    words_init(&job.words, "explain");
    int code = EXIT_CODE_INPUT;
    if (words_read(&job.words, argc, argv, OPTIONS, COUNT_OF(OPTIONS), &job))
        code = run_job(&job);
    words_fini(&job.words);
    return code;
}
