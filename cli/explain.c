/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/explain.c - `pocketmesh explain`: one request, and why it went where it
 * went.
 */
#include "base/check.h"
#include "base/json.h"
#include "cli/command.h"
#include "cli/words.h"
#include "testbed/inspect/asker.h"
#include "testbed/inspect/explain.h"
#include "testbed/inspect/question.h"
#include "testbed/runner/suite.h"
#include "testbed/sim/sim.h"
#include "testbed/sockets/sockets.h"
#include "testbed/world/jobs.h"
#include "testbed/world/outcome.h"

#define PAGE_BYTES_MAX (16u << 20)
#define REPEAT_MAX 10000000u
#define SEED_DEFAULT 1u
#define HTTPS_PORT 443u

struct explain_job {
    struct words words;
    struct documents documents;
    struct question question;
    uint32_t line_capacity;
    struct str from, namespace, repeat_text, world_path;
    struct suite suite; /* of --world, whose pods behave as it says */
    struct world_spec spec;
    uint64_t repeat;
    bool is_json;
    struct client_spec client;
    struct client_tls_spec tls; /* of the command line */
    struct version_bounds versions;
    bool has_tls_words, has_mode, has_fault, has_sni;
    struct call call;
    struct world *world;
};

static void take_from(void *user, struct str value)
{
    ((struct explain_job *)user)->from = value;
}

static void take_namespace(void *user, struct str value)
{
    ((struct explain_job *)user)->namespace = value;
}

static void take_method(void *user, struct str value)
{
    ((struct explain_job *)user)->question.method = value;
}

static void take_header(void *user, struct str value)
{
    struct explain_job *job = user;
    *ARENA_PUSH(&job->words.arena, job->question.lines, job->question.line_count,
                job->line_capacity) = value;
}

static void take_body(void *user, struct str value)
{
    struct explain_job *job = user;
    job->question.has_body = true;
    job->question.body = value;
}

static void take_repeat(void *user, struct str value)
{
    ((struct explain_job *)user)->repeat_text = value;
}

static void take_world(void *user, struct str value)
{
    ((struct explain_job *)user)->world_path = value;
}

/* --- a caller's own TLS --------------------------------------------------------- */

/* The place of a word among others; -1: it is none of them, which is said. */
static int choice_of(struct explain_job *job, const char *option, struct str value,
                     const char *const *choices)
{
    struct str known = STR_EMPTY;
    job->has_tls_words = true;
    for (int i = 0; choices[i] != NULL; i++) {
        if (str_eq_ci(value, str_of(choices[i])))
            return i;
        known = arena_format(&job->words.arena, "%.*s%s%s", STR_FMT(known), i > 0 ? ", " : "",
                             choices[i]);
    }
    words_complain(&job->words, "%s is one of %.*s, not \"%.*s\"", option, STR_FMT(known),
                   STR_FMT(value));
    return -1;
}

static void take_tls(void *user, struct str value)
{
    static const char *const MODES[] = {"SIMPLE", "MUTUAL", "ISTIO_MUTUAL", NULL};
    struct explain_job *job = user;
    int at = choice_of(job, "--tls", value, MODES);
    job->has_mode = at >= 0;
    if (at >= 0)
        job->tls.mode = (enum caller_tls_mode)at;
}

static void take_cert(void *user, struct str value)
{
    static const char *const FAULTS[] = {"right",    "expired",     "not-yet-valid", "wrong-san",
                                         "wrong-ca", "self-signed", "none",          NULL};
    struct explain_job *job = user;
    int at = choice_of(job, "--cert", value, FAULTS);
    job->has_fault = at >= 0;
    if (at >= 0)
        job->tls.fault = (enum certificate_fault)at;
}

static void take_sni(void *user, struct str value)
{
    struct explain_job *job = user;
    job->has_tls_words = job->has_sni = true;
    job->tls.sni = str_eq(value, STR("none")) ? STR_EMPTY : value;
    job->tls.has_sni = job->tls.sni.len > 0;
}

static struct str version_of(struct explain_job *job, const char *option, struct str value)
{
    static const char *const VERSIONS[] = {"1.2", "1.3", NULL};
    static const struct str NAMES[] = {STR_INIT("TLSv1_2"), STR_INIT("TLSv1_3")};
    int at = choice_of(job, option, value, VERSIONS);
    return at >= 0 ? NAMES[at] : STR_EMPTY;
}

static void take_min_tls(void *user, struct str value)
{
    struct explain_job *job = user;
    job->versions.min = version_of(job, "--min-tls", value);
}

static void take_max_tls(void *user, struct str value)
{
    struct explain_job *job = user;
    job->versions.max = version_of(job, "--max-tls", value);
}

/* An address is nobody's name in a greeting. */
static bool is_address(struct str host)
{
    bool has_letter = false;
    for (size_t i = 0; i < host.len; i++)
        has_letter |= (host.ptr[i] | 0x20) >= 'a' && (host.ptr[i] | 0x20) <= 'z';
    return !has_letter || str_has_prefix(host, STR("["));
}

/* What the command line says goes before the world's own words of the client. */
static void secure_client(struct explain_job *job)
{
    struct client_tls_spec *tls = &job->client.tls;
    if (job->call.port == 0 && job->client.via != VIA_GATEWAY)
        job->call.port = HTTPS_PORT; /* a gateway has its own */
    struct str host = question_host(&job->question);
    if (!tls->is_set) {
        tls->is_set = true;
        tls->sni = is_address(host) ? STR_EMPTY : host;
        tls->has_sni = tls->sni.len > 0;
    }
    if (job->has_fault && !job->has_mode && tls->mode == CALLER_TLS_SIMPLE)
        tls->mode = CALLER_TLS_MUTUAL;
    if (job->has_mode)
        tls->mode = job->tls.mode;
    if (job->has_fault)
        tls->fault = job->tls.fault;
    if (job->has_sni) {
        tls->sni = job->tls.sni;
        tls->has_sni = job->tls.has_sni;
    }
    if (job->versions.min.len > 0)
        job->client.versions.min = job->versions.min;
    if (job->versions.max.len > 0)
        job->client.versions.max = job->versions.max;
}

static void check_tls_words(struct explain_job *job)
{
    if (job->has_tls_words && !question_is_tls(&job->question))
        words_complain(&job->words, "--tls, --cert, --sni, --min-tls and --max-tls are of a "
                                    "caller that speaks TLS itself; write https://");
    if (job->has_fault && job->has_mode && job->tls.mode == CALLER_TLS_SIMPLE)
        words_complain(&job->words, "--tls SIMPLE shows no certificate; say --tls MUTUAL or "
                                    "ISTIO_MUTUAL");
}

static bool take_words(struct explain_job *job)
{
    struct words *words = &job->words;
    struct str why;
    if (words->plain_count != 1)
        words_complain(words, "name one URL, such as http://SERVICE:PORT/PATH");
    if (words->manifest_count == 0 && job->world_path.len == 0)
        words_complain(words, "name the manifests with -f");
    if (job->repeat_text.len > 0 &&
        (!str_to_u64(job->repeat_text, REPEAT_MAX, &job->repeat) || job->repeat == 0))
        words_complain(words, "--repeat is a number from 1 to %u, not \"%.*s\"", REPEAT_MAX,
                       STR_FMT(job->repeat_text));
    if (words->output.len > 0 && !str_eq(words->output, STR("json")) &&
        !str_eq(words->output, STR("text")))
        words_complain(words, "-o is text or json, not \"%.*s\"", STR_FMT(words->output));
    if (words->is_wrong)
        return false;
    job->is_json = str_eq(words->output, STR("json"));
    job->question.url = words->plain[0];
    check_tls_words(job);
    if (words->is_wrong)
        return false;
    if (question_call(&job->question, &words->arena, &job->call, &why))
        return true;
    words_complain(words, "\"%.*s\" is not understood: %.*s", STR_FMT(words->plain[0]),
                   STR_FMT(why));
    return false;
}

/* Without --world everybody answers 200 at once; what happens before that is the
 * question. */
static bool read_spec(struct explain_job *job)
{
    words_documents(&job->words, &job->documents);
    job->spec = (struct world_spec){.documents = job->documents,
                                    .namespace = job->namespace,
                                    .profile = job->words.profile,
                                    .has_sidecar_default = true};
    if (job->world_path.len > 0) {
        struct suite_options options = {
            .manifests = &job->documents, .profile = job->words.profile, .is_world_only = true};
        struct documents none = {0};
        if (suite_read(job->world_path, &options, &job->words.arena, &job->suite,
                       &job->words.diags))
            job->spec = suite_world_spec(&job->suite, job->suite.workloads, &none,
                                         &job->words.arena, &job->words.diags);
        job->documents = job->spec.documents;
    }
    jobs_add_workloads(&job->documents, &job->words.arena);
    job->spec.documents = job->documents;
    return !words_report(&job->words);
}

/* A client that the RouteTest names, or a pod, Deployment or gateway of the manifests. */
static bool find_asker(struct explain_job *job)
{
    for (uint32_t i = 0; i < job->spec.client_count; i++) {
        job->client = job->spec.clients[i];
        bool is_first = job->from.len == 0 && job->client.origin.line != 0;
        if (is_first || str_eq(job->client.name, job->from))
            return true;
    }
    struct asker asker = asker_find(&job->documents, job->from, job->namespace, &job->words.arena);
    job->client = asker.client;
    if (asker.is_found)
        return true;
    words_complain(&job->words, "--from: nobody is called \"%.*s\"; there are %.*s",
                   STR_FMT(job->from), STR_FMT(asker.known));
    return false;
}

static bool make_world(struct explain_job *job)
{
    job->spec.clients = &job->client;
    job->spec.client_count = 1;
    job->world = world_new(&job->spec, &job->words.arena, &job->words.diags);
    bool has_errors = words_report(&job->words);
    if (job->words.is_verbose && job->world != NULL)
        words_ignored(mesh_ignored_count(job->world->mesh));
    return job->world != NULL && !has_errors;
}

static int write_page(struct explain_job *job, const struct explain_page *page)
{
    struct buf out;
    struct arena scratch;
    buf_init(&out, PAGE_BYTES_MAX);
    arena_init(&scratch, 16384, 0);
    enum rc rc = RC_OK;
    if (job->is_json) {
        struct json json;
        json_init(&json, &out, 2);
        explain_write_json(page, &scratch, &json);
        rc = json_is_full(&json) ? RC_FULL : buf_append(&out, STR("\n"));
    } else {
        rc = explain_write(page, &scratch, &out);
    }
    bool is_written = words_write(&out);
    arena_fini(&scratch);
    buf_fini(&out);
    return is_written && rc == RC_OK ? EXIT_CODE_FINE : EXIT_CODE_SURROUNDINGS;
}

static int play_calls(struct explain_job *job, struct play *play, uint64_t seed)
{
    struct arena *arena = &job->words.arena;
    struct arena scratch;
    struct outcome first;
    struct spread spread;
    arena_init(&scratch, 65536, 0);
    spread_init(&spread, arena);
    job->call.is_keeping = job->repeat > 1;
    play->ops->call(play, &job->call, 1, &first, arena);
    spread_add(&spread, &first, job->world);
    uint32_t hop_count; /* of the first one */
    uint32_t all_count;
    (void)play->ops->hops(play, &hop_count);
    for (uint64_t i = 1; i < job->repeat; i++) {
        struct outcome outcome;
        play->ops->call(play, &job->call, 1, &outcome, &scratch);
        spread_add(&spread, &outcome, job->world);
        arena_reset(&scratch);
    }
    arena_fini(&scratch);
    struct explain_page page = {.world = job->world,
                                .call = &job->call,
                                .outcome = &first,
                                .hops = hop_count > 0 ? play->ops->hops(play, &all_count) : NULL,
                                .hop_count = hop_count,
                                .spread = job->repeat > 1 ? &spread : NULL,
                                .engine_name = job->words.is_live ? STR("live") : STR("sim"),
                                .seed = seed,
                                .has_colour = words_has_colour(&job->words, stdout)};
    return write_page(job, &page);
}

static int run_job(struct explain_job *job)
{
    if (!take_words(job))
        return EXIT_CODE_INPUT;
    if (!read_spec(job) || !find_asker(job))
        return EXIT_CODE_INPUT;
    if (question_is_tls(&job->question))
        secure_client(job);
    if (!make_world(job))
        return EXIT_CODE_INPUT;
    struct play_options options = {.seed = job->words.has_seed ? job->words.seed : SEED_DEFAULT,
                                   .is_tracing = true};
    struct str why = STR_EMPTY;
    struct play *play = job->words.is_live ? sockets_play_new(job->world, options, &why)
                                           : sim_play_new(job->world, options);
    if (play == NULL) {
        words_complain(&job->words, "%.*s", STR_FMT(why));
        return EXIT_CODE_SURROUNDINGS;
    }
    int code = play_calls(job, play, options.seed);
    play->ops->free(play);
    return code;
}

int cmd_explain(int argc, char **argv)
{
    static const struct words_option OPTIONS[] = {
        {"--from", .take = take_from},           {"-n", .take = take_namespace},
        {"--namespace", .take = take_namespace}, {"-X", .take = take_method},
        {"--request", .take = take_method},      {"-H", .take = take_header},
        {"--header", .take = take_header},       {"-d", .take = take_body},
        {"--data", .take = take_body},           {"--repeat", .take = take_repeat},
        {"--world", .take = take_world},         {"--tls", .take = take_tls},
        {"--cert", .take = take_cert},           {"--sni", .take = take_sni},
        {"--min-tls", .take = take_min_tls},     {"--max-tls", .take = take_max_tls},
    };
    struct explain_job job = {.namespace = STR("default"), .repeat = 1};
    words_init(&job.words, "explain");
    int code = EXIT_CODE_INPUT;
    if (words_read(&job.words, argc, argv, OPTIONS, COUNT_OF(OPTIONS), &job))
        code = run_job(&job);
    if (job.world != NULL)
        world_free(job.world);
    suite_fini(&job.suite);
    words_fini(&job.words);
    return code;
}
