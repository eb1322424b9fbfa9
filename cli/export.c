/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/export.c - `pocketmesh export envoy`: a proxy's configuration as the
 * bootstrap that a stock Envoy runs.
 */
#include <stdio.h>

#include "base/check.h"
#include "base/json.h"
#include "cli/command.h"
#include "cli/export_secrets.h"
#include "cli/proxy_name.h"
#include "cli/words.h"
#include "config/derive/derive.h"
#include "config/resource/mesh_types.h"
#include "proxy/model/bootstrap.h"

#define OUTPUT_BYTES_MAX ((size_t)1 << 30) /* a large mesh prints some MB */
#define JSON_INDENT 4u                     /* as istioctl */
#define PORT_MAX 65535u

struct export_job {
    struct words words;
    struct proxy_wish wish;
    struct bootstrap_options options;
    struct str certificates; /* a folder; empty: no TLS that needs secrets */
    struct bootstrap_place *places;
    uint32_t place_count, place_capacity;
};

/* "ADDRESS:PORT", "[::1]:PORT"; without a port when that is allowed. */
static bool take_address(struct str text, struct str *address, uint32_t *port, bool *has_port)
{
    size_t colon = str_find_last(text, ':');
    size_t bracket = str_find_last(text, ']');
    uint64_t number = 0;

    *has_port = colon != STR_NONE && (bracket == STR_NONE || colon > bracket);
    *address = *has_port ? str_slice(text, 0, colon) : text;
    if (*has_port && !str_to_u64(str_from(text, colon + 1), PORT_MAX, &number))
        return false;
    *port = (uint32_t)number;
    if (address->len > 2 && address->ptr[0] == '[')
        *address = str_slice(*address, 1, address->len - 1);
    return address->len > 0;
}

static void take_namespace(void *user, struct str value)
{
    ((struct export_job *)user)->wish.namespace = value;
}

static void take_type(void *user, struct str value)
{
    struct export_job *job = user;
    job->wish.type = value;
    if (!str_eq(value, STR("sidecar")) && !str_eq(value, STR("router")))
        words_complain(&job->words, "--type is sidecar or router, not \"%.*s\"", STR_FMT(value));
}

static void take_admin(void *user, struct str value)
{
    struct export_job *job = user;
    bool has_port;
    if (!take_address(value, &job->options.admin_address, &job->options.admin_port, &has_port))
        words_complain(&job->words, "--admin is ADDRESS or ADDRESS:PORT, not \"%.*s\"",
                       STR_FMT(value));
}

static void take_bind(void *user, struct str value)
{
    struct export_job *job = user;
    if (!take_address(value, &job->options.bind_address, &job->options.bind_port,
                      &job->options.has_bind_port))
        words_complain(&job->words, "--bind is ADDRESS or ADDRESS:PORT, not \"%.*s\"",
                       STR_FMT(value));
}

static void take_listen(void *user, struct str value)
{
    struct export_job *job = user;
    size_t equals = str_find(value, '=');
    struct bootstrap_place place = {0};
    bool has_port = false;
    bool is_good =
        equals != STR_NONE && equals > 0 &&
        take_address(str_from(value, equals + 1), &place.address, &place.port, &has_port);

    if (!is_good || !has_port) {
        words_complain(&job->words, "--listen is LISTENER=ADDRESS:PORT, not \"%.*s\"",
                       STR_FMT(value));
        return;
    }
    place.listener = str_slice(value, 0, equals);
    *ARENA_PUSH(&job->words.arena, job->places, job->place_count, job->place_capacity) = place;
}

static void take_access_log(void *user, struct str value)
{
    ((struct export_job *)user)->options.access_log = value;
}

static void take_certificates(void *user, struct str value)
{
    struct export_job *job = user;
    job->certificates = value;
    if (value.len == 0)
        words_complain(&job->words, "--certificates is a folder, not \"\"");
}

static const struct words_option OPTIONS[] = {
    {"-n", .take = take_namespace},
    {"--namespace", .take = take_namespace},
    {"--type", .take = take_type},
    {"--admin", .take = take_admin},
    {"--bind", .take = take_bind},
    {"--listen", .take = take_listen},
    {"--access-log", .take = take_access_log},
    {"--certificates", .take = take_certificates},
};

static bool check_words(struct export_job *job)
{
    struct words *words = &job->words;

    if (words->plain_count != 2 || !str_eq(words->plain[0], STR("envoy")))
        words_complain(words, "say `export envoy POD[.NAMESPACE]`");
    if (words->manifest_count == 0)
        words_complain(words, "name the manifests with -f");
    if (words->output.len > 0 && !str_eq(words->output, STR("json")))
        words_complain(words, "-o is json, not \"%.*s\"", STR_FMT(words->output));
    return !words->is_wrong;
}

static void print_notes(const struct export_job *job, const struct bootstrap_notes *notes)
{
    for (uint32_t i = 0; !job->words.is_quiet && i < notes->count; i++)
        fprintf(stderr, "pocketmesh export: left out: %.*s\n", STR_FMT(notes->items[i]));
}

static int print_bootstrap(struct export_job *job, const struct snapshot *snapshot)
{
    struct bootstrap_notes notes = {0};
    struct json json;
    struct buf out;
    int code = EXIT_CODE_FINE;

    buf_init(&out, OUTPUT_BYTES_MAX);
    json_init(&json, &out, JSON_INDENT);
    enum rc rc = bootstrap_print(snapshot, &job->options, &json, &job->words.arena, &notes);
    if (rc == RC_BAD) {
        ASSERT(notes.count > 0);
        code = words_complain(&job->words, "%.*s", STR_FMT(notes.items[notes.count - 1]));
    } else {
        print_notes(job, &notes);
        if (rc != RC_OK || buf_append(&out, STR("\n")) != RC_OK || !words_write(&out))
            code = EXIT_CODE_SURROUNDINGS;
    }
    buf_fini(&out);
    return code;
}

/* After the input was found right: nothing is left behind by a wrong one. */
static int export_proxy(struct export_job *job, const struct mesh *mesh,
                        const struct documents *documents, const struct proxy_identity *proxy,
                        struct snapshot *snapshot)
{
    struct words *words = &job->words;
    struct keyring_alone_wish wish = {
        .proxy = proxy,
        .snapshot = snapshot,
        .manifests = manifests_of(documents, &words->arena),
        .trust_domain = mesh->config.trust_domain,
    };
    struct str why;
    if (job->certificates.len > 0 &&
        !export_secrets(job->certificates, &wish, &job->options, &words->arena, &why)) {
        fprintf(stderr, "pocketmesh export: %.*s\n", STR_FMT(why));
        return EXIT_CODE_SURROUNDINGS;
    }
    return print_bootstrap(job, snapshot);
}

static int run(struct export_job *job)
{
    struct words *words = &job->words;
    struct documents documents = {0};

    words_documents(words, &documents);
    struct mesh *mesh = mesh_new(&words->arena, &words->diags);
    for (uint32_t i = 0; i < documents.count; i++)
        mesh_add_document(mesh, documents.items[i]);
    mesh_complete(mesh);
    job->wish.name = words->plain[1];
    struct proxy_identity proxy = proxy_name_resolve(mesh, &job->wish, &words->arena);
    const struct profile *profile = words->profile != NULL ? words->profile : profile_default();
    struct snapshot *snapshot = translate_proxy(mesh, &proxy, profile, &words->diags);
    diag_list_sort(&words->diags);
    int code = EXIT_CODE_INPUT;
    if (!words_report(words)) {
        proxy_name_doubt(mesh, &job->wish, words);
        code = export_proxy(job, mesh, &documents, &proxy, snapshot);
    }
    snapshot_drop(snapshot);
    return code;
}

int cmd_export(int argc, char **argv)
{
    struct export_job job = {.wish.namespace = STR("default"),
                             .options.admin_address = STR("127.0.0.1")};

    words_init(&job.words, "export");
    bool is_read = words_read(&job.words, argc, argv, OPTIONS, COUNT_OF(OPTIONS), &job);
    job.options.places = job.places;
    job.options.place_count = job.place_count;
    int code = is_read && check_words(&job) ? run(&job) : EXIT_CODE_INPUT;
    words_fini(&job.words);
    return code;
}
