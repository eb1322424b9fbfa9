/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/mtls.c - `pocketmesh mtls`: clients × services: which TLS mode each side is in, by
 * which object, and what comes of it.
 */
#include "base/check.h"
#include "base/json.h"
#include "cli/command.h"
#include "cli/envoy_find.h"
#include "cli/mtls_page.h"
#include "cli/words.h"
#include "testbed/inspect/mtls_world.h"
#include "testbed/runner/suite.h"
#include "testbed/sim/sim.h"
#include "testbed/sockets/envoy.h"
#include "testbed/sockets/sockets.h"

#define PAGE_BYTES_MAX (64u << 20)
#define SEED_DEFAULT 1u

struct mtls_job {
    struct words words;
    struct documents documents;
    struct str namespace, world_path;
    struct mtls_callers callers;
    struct str *from, to;
    uint32_t from_count, from_capacity;
    struct suite suite; /* of --world */
    struct world_spec spec;
    struct world *world;
    bool is_json;
};

static void take_from(void *user, struct str value)
{
    struct mtls_job *job = user;
    *ARENA_PUSH(&job->words.arena, job->from, job->from_count, job->from_capacity) = value;
}

static void take_to(void *user, struct str value)
{
    ((struct mtls_job *)user)->to = value;
}

static void take_namespace(void *user, struct str value)
{
    ((struct mtls_job *)user)->namespace = value;
}

static void take_world(void *user, struct str value)
{
    ((struct mtls_job *)user)->world_path = value;
}

static bool take_words(struct mtls_job *job)
{
    struct words *words = &job->words;
    if (words->plain_count > 0)
        words_complain(words, "\"%.*s\" is no option; name the manifests with -f",
                       STR_FMT(words->plain[0]));
    if (words->manifest_count == 0 && job->world_path.len == 0)
        words_complain(words, "name the manifests with -f");
    if (words->output.len > 0 && !str_eq(words->output, STR("json")) &&
        !str_eq(words->output, STR("table")))
        words_complain(words, "-o is table or json, not \"%.*s\"", STR_FMT(words->output));
    job->is_json = str_eq(words->output, STR("json"));
    return !words->is_wrong;
}

static bool read_spec(struct mtls_job *job)
{
    struct words *words = &job->words;
    words_documents(words, &job->documents);
    job->spec = (struct world_spec){
        .documents = job->documents,
        .namespace = job->namespace,
        .profile = words->profile,
        .has_sidecar_default = true,
    };
    if (job->world_path.len > 0) {
        struct suite_options options = {
            .manifests = &job->documents, .profile = words->profile, .is_world_only = true};
        struct documents none = {0};
        if (suite_read(job->world_path, &options, &words->arena, &job->suite, &words->diags))
            job->spec = suite_world_spec(&job->suite, job->suite.workloads, &none, &words->arena,
                                         &words->diags);
    }
    return !words_report(words);
}

static struct play *begin_sim(struct world *world, struct play_options options, struct str *why)
{
    (void)why;
    return sim_play_new(world, options);
}

static struct play *begin_live(struct world *world, struct play_options options, struct str *why)
{
    return sockets_play_new(world, options, why);
}

/* A real Envoy for each proxy, which ends when we do. */
static bool take_envoy(struct mtls_job *job, struct mtls_engine *engine)
{
    struct str why;
    engine->envoy = envoy_find(&job->words.arena, &why);
    if (engine->envoy != NULL)
        envoys_end_on_signals();
    else
        words_complain(&job->words, "%.*s", STR_FMT(why));
    return engine->envoy != NULL;
}

static int write_page(struct mtls_job *job, const struct mtls_grid *grid)
{
    struct buf out;
    struct mtls_page page = {.grid = grid,
                             .engine_name = job->words.is_envoy  ? STR("envoy")
                                            : job->words.is_live ? STR("live")
                                                                 : STR("sim"),
                             .arena = &job->words.arena,
                             .has_colour = words_has_colour(&job->words, stdout),
                             .is_quiet = job->words.is_quiet};
    enum rc rc = RC_OK;
    buf_init(&out, PAGE_BYTES_MAX);
    if (job->is_json) {
        struct json json;
        json_init(&json, &out, 2);
        mtls_page_write_json(&page, &json);
        rc = json_is_full(&json) ? RC_FULL : buf_append(&out, STR("\n"));
    } else {
        rc = mtls_page_write(&page, &out);
    }
    bool is_written = words_write(&out);
    buf_fini(&out);
    if (!is_written || rc != RC_OK)
        return EXIT_CODE_SURROUNDINGS;
    return mtls_page_refused(grid) > 0 ? EXIT_CODE_NO : EXIT_CODE_FINE;
}

static int run_job(struct mtls_job *job)
{
    struct words *words = &job->words;
    struct str why = STR_EMPTY;
    if (!take_words(job) || !read_spec(job))
        return EXIT_CODE_INPUT;
    job->callers = (struct mtls_callers){.wanted = job->from, .wanted_count = job->from_count};
    job->world = mtls_world_new(&job->spec, &job->callers, &words->arena, &words->diags);
    if (words_report(words) || job->world == NULL)
        return EXIT_CODE_INPUT;
    if (job->callers.nobody.len > 0)
        return words_complain(words, "--from: nobody is called \"%.*s\"; there are %.*s",
                              STR_FMT(job->callers.nobody), STR_FMT(job->callers.known));
    struct mtls_grid grid = mtls_grid_of(job->world, job->to, &words->arena);
    if (grid.count == 0 && job->to.len > 0)
        return words_complain(words, "--to: no service is called \"%.*s\"", STR_FMT(job->to));
    uint64_t seed = words->has_seed ? words->seed : SEED_DEFAULT;
    struct mtls_engine engine = {words->is_live || words->is_envoy ? begin_live : begin_sim, NULL};
    if (words->is_envoy && !take_envoy(job, &engine))
        return EXIT_CODE_SURROUNDINGS;
    if (!mtls_grid_play(&grid, engine, seed, &words->arena, &why)) {
        words_complain(words, "%.*s", STR_FMT(why));
        return EXIT_CODE_SURROUNDINGS;
    }
    return write_page(job, &grid);
}

int cmd_mtls(int argc, char **argv)
{
    static const struct words_option OPTIONS[] = {
        {"--from", .take = take_from},   {"--to", .take = take_to},
        {"-n", .take = take_namespace},  {"--namespace", .take = take_namespace},
        {"--world", .take = take_world},
    };
    struct mtls_job job = {.namespace = STR("default")};
    words_init(&job.words, "mtls");
    int code = EXIT_CODE_INPUT;
    if (words_read(&job.words, argc, argv, OPTIONS, COUNT_OF(OPTIONS), &job))
        code = run_job(&job);
    world_free(job.world);
    suite_fini(&job.suite);
    words_fini(&job.words);
    return code;
}
