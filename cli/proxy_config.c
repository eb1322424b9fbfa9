/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/proxy_config.c - `pocketmesh proxy-config`: what a proxy is told, from the
 * files alone.
 */
#include <time.h>

#include "cli/command.h"
#include "cli/proxy_filter.h"
#include "cli/proxy_name.h"
#include "cli/proxy_page.h"
#include "cli/words.h"
#include "config/derive/derive.h"
#include "testbed/world/files.h"

#define NEAR_DISTANCE 2u /* of a word that was meant */

static const struct {
    struct str word;
    enum proxy_section section;
} SECTIONS[] = {
    {STR_INIT("listener"), SECTION_LISTENER},
    {STR_INIT("listeners"), SECTION_LISTENER},
    {STR_INIT("l"), SECTION_LISTENER},
    {STR_INIT("route"), SECTION_ROUTE},
    {STR_INIT("routes"), SECTION_ROUTE},
    {STR_INIT("r"), SECTION_ROUTE},
    {STR_INIT("cluster"), SECTION_CLUSTER},
    {STR_INIT("clusters"), SECTION_CLUSTER},
    {STR_INIT("c"), SECTION_CLUSTER},
    {STR_INIT("endpoint"), SECTION_ENDPOINT},
    {STR_INIT("endpoints"), SECTION_ENDPOINT},
    {STR_INIT("ep"), SECTION_ENDPOINT},
    {STR_INIT("secret"), SECTION_SECRET},
    {STR_INIT("secrets"), SECTION_SECRET},
    {STR_INIT("s"), SECTION_SECRET},
    {STR_INIT("all"), SECTION_ALL},
    {STR_INIT("a"), SECTION_ALL},
};

static const char *const SECTION_NAMES[] = {"listener", "route",  "cluster",
                                            "endpoint", "secret", "all"};

enum filter {
    FILTER_NAME,
    FILTER_PORT,
    FILTER_ADDRESS,
    FILTER_TYPE,
    FILTER_FQDN,
    FILTER_SUBSET,
    FILTER_DIRECTION,
    FILTER_STATUS,
    FILTER_CLUSTER,
    FILTER_VERBOSE,
    FILTER_COUNT,
};

/* Which tables an option filters. */
#define IN(section) (1u << (section))
static const struct {
    const char *option;
    uint32_t sections;
} FILTERS[FILTER_COUNT] = {
    [FILTER_NAME] = {"--name", IN(SECTION_ROUTE)},
    [FILTER_PORT] = {"--port", IN(SECTION_LISTENER) | IN(SECTION_CLUSTER) | IN(SECTION_ENDPOINT)},
    [FILTER_ADDRESS] = {"--address", IN(SECTION_LISTENER) | IN(SECTION_ENDPOINT)},
    [FILTER_TYPE] = {"--type", IN(SECTION_LISTENER)},
    [FILTER_FQDN] = {"--fqdn", IN(SECTION_CLUSTER)},
    [FILTER_SUBSET] = {"--subset", IN(SECTION_CLUSTER)},
    [FILTER_DIRECTION] = {"--direction", IN(SECTION_CLUSTER)},
    [FILTER_STATUS] = {"--status", IN(SECTION_ENDPOINT)},
    [FILTER_CLUSTER] = {"--cluster", IN(SECTION_ENDPOINT)},
    [FILTER_VERBOSE] = {"--verbose", IN(SECTION_LISTENER) | IN(SECTION_ROUTE)},
};

struct config_job {
    struct words words;
    enum proxy_section section;
    struct proxy_wish wish;
    struct str filters[FILTER_COUNT]; /* as they were said; empty: not */
    struct str labels, mesh_config;
    uint32_t port;
};

static bool read_words(struct config_job *job, int argc, char **argv)
{
    struct words_option options[FILTER_COUNT + 6] = {
        {"-n", .place = &job->wish.namespace},
        {"--namespace", .place = &job->wish.namespace},
        {"--labels", .place = &job->labels},
        {"--ip", .place = &job->wish.address},
        {"--service-account", .place = &job->wish.service_account},
        {"--mesh-config", .place = &job->mesh_config},
    };
    for (uint32_t i = 0; i < FILTER_COUNT; i++)
        options[6 + i] = (struct words_option){FILTERS[i].option, .place = &job->filters[i]};
    return words_read(&job->words, argc, argv, options, COUNT_OF(options), job);
}

static void read_section(struct config_job *job, struct str word)
{
    uint32_t least = NEAR_DISTANCE + 1;
    const char *nearest = NULL;

    for (size_t i = 0; i < COUNT_OF(SECTIONS); i++) {
        uint32_t distance = str_edit_distance(SECTIONS[i].word, word, NEAR_DISTANCE);
        if (distance == 0) {
            job->section = SECTIONS[i].section;
            return;
        }
        if (SECTIONS[i].word.len > 2 && distance < least) {
            least = distance;
            nearest = SECTION_NAMES[SECTIONS[i].section];
        }
    }
    if (nearest != NULL)
        words_complain(&job->words, "there is no table of %.*s; did you mean %s?", STR_FMT(word),
                       nearest);
    else
        words_complain(&job->words,
                       "there is no table of %.*s; there are listener, route, cluster, endpoint, "
                       "secret and all",
                       STR_FMT(word));
}

/* An option that filters another table is a mistake, as with istioctl. */
static void check_filters(struct config_job *job)
{
    struct str others = STR_EMPTY;

    for (uint32_t i = 0; i < FILTER_COUNT; i++)
        if ((FILTERS[i].sections & IN(job->section)) != 0)
            others = arena_format(&job->words.arena, "%.*s %s", STR_FMT(others), FILTERS[i].option);
    for (uint32_t i = 0; i < FILTER_COUNT && job->section != SECTION_ALL; i++) {
        if (job->filters[i].len == 0 || (FILTERS[i].sections & IN(job->section)) != 0)
            continue;
        words_complain(&job->words, "%s has no %s; it has%.*s", SECTION_NAMES[job->section],
                       FILTERS[i].option, STR_FMT(others));
    }
}

static void read_labels(struct config_job *job)
{
    struct str rest = job->labels;
    uint32_t capacity = 0;

    while (rest.ptr != NULL && rest.len > 0) {
        struct str item = str_cut(&rest, ',');
        size_t equals = str_find(item, '=');
        if (equals == STR_NONE)
            words_complain(&job->words, "--labels takes name=value,name=value; not \"%.*s\"",
                           STR_FMT(job->labels));
        else
            *ARENA_PUSH(&job->words.arena, job->wish.labels, job->wish.label_count, capacity) =
                (struct label){.name = str_slice(item, 0, equals),
                               .value = str_from(item, equals + 1)};
    }
}

/* --type is a proxy's (sidecar, router) or a listener's (HTTP, TCP). */
static void sort_out_type(struct config_job *job)
{
    struct str *type = &job->filters[FILTER_TYPE];

    if (str_eq(*type, STR("sidecar")) || str_eq(*type, STR("router"))) {
        job->wish.type = *type;
        *type = STR_EMPTY;
    }
}

static bool is_output(struct str word)
{
    static const struct str OUTPUTS[] = {STR_INIT(""), STR_INIT("short"), STR_INIT("table"),
                                         STR_INIT("json"), STR_INIT("yaml")};
    for (size_t i = 0; i < COUNT_OF(OUTPUTS); i++)
        if (str_eq(word, OUTPUTS[i]))
            return true;
    return false;
}

static bool check_words(struct config_job *job)
{
    struct words *words = &job->words;
    struct str port_text = job->filters[FILTER_PORT];
    uint64_t port = 0;

    if (words->plain_count != 2) {
        words_complain(words, "say what to show and of which pod: `proxy-config routes POD`");
    } else {
        read_section(job, words->plain[0]);
        job->wish.name = words->plain[1];
    }
    if (words->manifest_count == 0)
        words_complain(words, "name the manifests with -f");
    if (words->is_wrong)
        return false;
    sort_out_type(job);
    read_labels(job);
    check_filters(job);
    if (port_text.len > 0 && !str_to_u64(port_text, 65535, &port))
        words_complain(words, "--port takes a number; not \"%.*s\"", STR_FMT(port_text));
    job->port = (uint32_t)port;
    if (!is_output(words->output))
        words_complain(words, "-o takes short, json or yaml; not \"%.*s\"", STR_FMT(words->output));
    return !words->is_wrong;
}

/* A MeshConfig file stands in for the ConfigMap. */
static void add_mesh_config(struct config_job *job, struct mesh *mesh)
{
    struct documents documents = {0};

    if (job->mesh_config.len == 0)
        return;
    files_read(job->mesh_config, STR_EMPTY, &job->words.arena, &documents, &job->words.diags);
    for (uint32_t i = 0; i < documents.count; i++)
        mesh_set_config(mesh, documents.items[i]);
}

static int print_snapshot(struct config_job *job, const struct documents *documents,
                          const struct profile *profile, const struct snapshot *snapshot)
{
    struct words *words = &job->words;
    struct proxy_page page = {
        .section = job->section,
        .filter =
            {
                .name = job->filters[FILTER_NAME],
                .address = job->filters[FILTER_ADDRESS],
                .type = job->filters[FILTER_TYPE],
                .fqdn = job->filters[FILTER_FQDN],
                .subset = job->filters[FILTER_SUBSET],
                .direction = job->filters[FILTER_DIRECTION],
                .status = job->filters[FILTER_STATUS],
                .cluster = job->filters[FILTER_CLUSTER],
                .port = job->port,
            },
        .output = words->output.len > 0 ? words->output : STR("short"),
        .is_brief = str_eq(job->filters[FILTER_VERBOSE], STR("false")),
        .profile = profile,
        .documents = documents,
        .now_s = (int64_t)time(NULL),
    };

    if (!proxy_page_print(&page, snapshot, &words->arena))
        return EXIT_CODE_SURROUNDINGS;
    if (!words->is_quiet)
        proxy_page_print_notes(&page, snapshot, &words->arena);
    return EXIT_CODE_FINE;
}

static int run(struct config_job *job)
{
    struct words *words = &job->words;
    struct documents documents = {0};

    words_documents(words, &documents);
    struct mesh *mesh = mesh_new(&words->arena, &words->diags);
    for (uint32_t i = 0; i < documents.count; i++)
        mesh_add_document(mesh, documents.items[i]);
    add_mesh_config(job, mesh);
    mesh_complete(mesh);
    struct proxy_identity proxy = proxy_name_resolve(mesh, &job->wish, &words->arena);
    const struct profile *profile = words->profile != NULL ? words->profile : profile_default();
    struct snapshot *snapshot = translate_proxy(mesh, &proxy, profile, &words->diags);
    diag_list_sort(&words->diags);
    int code = EXIT_CODE_INPUT;
    if (!words_report(words)) {
        proxy_name_doubt(mesh, &job->wish, words);
        code = print_snapshot(job, &documents, profile, snapshot);
    }
    snapshot_drop(snapshot);
    return code;
}

int cmd_proxy_config(int argc, char **argv)
{
    struct config_job job = {.wish.namespace = STR("default")};

    words_init(&job.words, "proxy-config");
    bool is_read = read_words(&job, argc, argv);
    int code = is_read && check_words(&job) ? run(&job) : EXIT_CODE_INPUT;
    words_fini(&job.words);
    return code;
}
