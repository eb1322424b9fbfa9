/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/up_read.c - manifests and a test file into an era.
 */
#include "base/check.h"
#include "cli/up.h"
#include "testbed/runner/suite.h"
#include "testbed/town/people.h"
#include "testbed/world/files.h"
#include "testbed/world/keyrings.h"

#define DIAG_TEXT_MAX (1u << 20)

struct reader {
    struct up_job *job;
    struct era *era;
    struct arena *arena; /* the era's */
    struct diag_list diags;
    struct documents manifests;
    struct world_spec spec;
    struct client_spec *clients; /* of the test file */
    uint32_t client_count;
};

/* True: it is new. */
static bool remember(struct map *said, struct arena *arena, struct str text)
{
    if (map_get(said, text) != MAP_NONE)
        return false;
    (void)map_set(said, arena_str(arena, text), 0);
    return true;
}

/* Every error, each once; warnings that this process has not printed yet. */
static void report(struct reader *reader)
{
    struct up_job *job = reader->job;
    struct map errors;
    struct buf out;
    map_init(&errors, reader->arena);
    buf_init(&out, DIAG_TEXT_MAX);
    if (job->words.is_strict)
        diag_list_raise_warnings(&reader->diags);
    bool has_colour = words_has_colour(&job->words, stderr);
    for (uint32_t i = 0; i < reader->diags.count; i++) {
        const struct diag *diag = &reader->diags.items[i];
        bool is_error = diag->severity == DIAG_ERROR;
        buf_clear(&out);
        if ((job->words.is_quiet && !is_error) || diag_print(diag, has_colour, &out) != RC_OK)
            continue;
        struct str text = buf_str(&out);
        bool is_new = is_error ? remember(&errors, reader->arena, text)
                               : remember(&job->said, &job->words.arena, text);
        if (is_new)
            fwrite(text.ptr, 1, text.len, stderr);
    }
    buf_fini(&out);
}

static void watch_path(struct up_job *job, struct str path)
{
    if (str_eq(path, STR("-")))
        return;
    *ARENA_PUSH(&job->watched_names, job->watched, job->watched_count, job->watched_capacity) =
        arena_str(&job->watched_names, path);
}

static void begin_watched(struct up_job *job)
{
    arena_reset(&job->watched_names);
    job->watched = NULL;
    job->watched_count = job->watched_capacity = 0;
    for (uint32_t i = 0; i < job->words.manifest_count; i++)
        watch_path(job, job->words.manifests[i]);
    for (uint32_t i = 0; i < job->words.plain_count; i++)
        watch_path(job, job->words.plain[i]);
}

static bool read_suite(struct reader *reader)
{
    struct up_job *job = reader->job;
    struct suite_options options = {
        .manifests = &reader->manifests, .profile = job->words.profile, .is_world_only = true};
    struct suite suite;
    struct documents none = {0};
    bool is_read = suite_read(job->words.plain[0], &options, reader->arena, &suite, &reader->diags);
    if (is_read) {
        reader->spec =
            suite_world_spec(&suite, suite.workloads, &none, reader->arena, &reader->diags);
        for (uint32_t i = 0; i < suite.config_count; i++)
            watch_path(job, suite.config[i]);
    }
    suite_fini(&suite);
    return is_read;
}

static bool read_spec(struct reader *reader)
{
    struct up_job *job = reader->job;
    for (uint32_t i = 0; i < job->words.manifest_count; i++)
        files_read(job->words.manifests[i], STR_EMPTY, reader->arena, &reader->manifests,
                   &reader->diags);
    if (job->words.plain_count > 0 && !read_suite(reader))
        return false;
    if (job->words.plain_count == 0)
        reader->spec = (struct world_spec){.documents = reader->manifests,
                                           .namespace = job->namespace,
                                           .has_sidecar_default = true,
                                           .profile = job->words.profile};
    reader->spec.has_stable_addresses = true;
    reader->spec.has_real_callers = true;
    reader->spec.authority = job->authority;
    reader->spec.access_log = job->access_log;
    reader->clients = reader->spec.clients;
    reader->client_count = reader->spec.client_count;
    return reader->diags.error_count == 0;
}

/* A test file without clients has one that nobody named. */
static uint32_t named_client_count(const struct reader *reader)
{
    return reader->client_count == 1 && reader->clients[0].origin.line == 0 ? 0
                                                                            : reader->client_count;
}

/* Who there is shows only in a world; so the world is made twice, and the first
 * time nobody listens to what is wrong with it. */
static bool find_people(struct reader *reader)
{
    struct up_job *job = reader->job;
    struct diag_list unheard;
    diag_list_init(&unheard, reader->arena);
    reader->spec.clients = NULL;
    reader->spec.client_count = 0;
    struct world *world = world_new(&reader->spec, reader->arena, &unheard);
    if (world == NULL)
        return true;
    struct people_question asked = {.world = world,
                                    .clients = reader->clients,
                                    .client_count = named_client_count(reader),
                                    .from = job->from,
                                    .from_count = job->from_count};
    struct people people = people_of(&asked, reader->arena);
    reader->spec.clients = people.items;
    reader->spec.client_count = people.count;
    if (people.unknown.len > 0)
        words_complain(&job->words, "--from: nobody is called \"%.*s\"; there are %.*s",
                       STR_FMT(people.unknown), STR_FMT(people.known));
    return people.unknown.len == 0;
}

static bool has_gateway(const struct world *world, struct str name)
{
    for (uint32_t i = 0; i < world->client_count; i++) {
        if (people_is_gateway(world, &world->clients[i], name))
            return true;
    }
    return false;
}

static bool check_wishes(struct reader *reader)
{
    const struct world *world = reader->era->world;
    const struct up_job *job = reader->job;
    struct str known = STR_EMPTY;
    for (uint32_t i = 0; i < world->client_count; i++) {
        if (world->clients[i].spec.via == VIA_GATEWAY)
            known = arena_format(reader->arena, "%.*s%s%.*s", STR_FMT(known),
                                 known.len > 0 ? ", " : "", STR_FMT(world->clients[i].spec.name));
    }
    bool is_fine = true;
    for (uint32_t i = 0; i < job->wish_count; i++) {
        if (has_gateway(world, job->wishes[i].name))
            continue;
        words_complain(
            &reader->job->words, "--gateway: no gateway is called \"%.*s\"; there %s%.*s",
            STR_FMT(job->wishes[i].name), known.len > 0 ? "are " : "is none", STR_FMT(known));
        is_fine = false;
    }
    return is_fine;
}

static bool make_world(struct reader *reader)
{
    if (!read_spec(reader) || !find_people(reader))
        return false;
    reader->era->world = world_new(&reader->spec, reader->arena, &reader->diags);
    if (reader->era->world == NULL)
        return false;
    up_offer_authority(reader->job, reader->era->world, &reader->diags);
    world_make_keyrings(reader->era->world, &reader->diags);
    return check_wishes(reader);
}

struct era *up_read(struct up_job *job)
{
    struct reader reader = {.job = job, .era = era_new()};
    reader.arena = &reader.era->arena;
    diag_list_init(&reader.diags, reader.arena);
    begin_watched(job);
    bool is_made = make_world(&reader);
    report(&reader);
    if (is_made && reader.diags.error_count == 0)
        return reader.era;
    era_drop(reader.era);
    return NULL;
}
