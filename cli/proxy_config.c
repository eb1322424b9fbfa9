/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/proxy_config.c - see proxy_config.h.
 */
#include "cli/proxy_config.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/proxy_filter.h"
#include "cli/proxy_name.h"
#include "cli/proxy_page.h"
#include "config/derive/derive.h"
#include "config/profile/profile.h"
#include "testbed/world/files.h"

#define EXIT_FINE 0
#define EXIT_INPUT 2
#define EXIT_SURROUNDINGS 4
#define ARENA_BLOCK_BYTES (1024u * 1024)
#define OUTPUT_BYTES_MAX ((size_t)1 << 30) /* a large mesh prints some MB */
#define PATHS_MAX 256u
#define NEAR_DISTANCE 3u /* of a word that was meant */

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

/* Which tables an option filters. */
#define IN(section) (1u << (section))
static const struct {
    struct str name;
    uint32_t sections;
} FILTERS[] = {
    {STR_INIT("--name"), IN(SECTION_ROUTE)},
    {STR_INIT("--port"), IN(SECTION_LISTENER) | IN(SECTION_CLUSTER) | IN(SECTION_ENDPOINT)},
    {STR_INIT("--address"), IN(SECTION_LISTENER) | IN(SECTION_ENDPOINT)},
    {STR_INIT("--type"), IN(SECTION_LISTENER)},
    {STR_INIT("--fqdn"), IN(SECTION_CLUSTER)},
    {STR_INIT("--subset"), IN(SECTION_CLUSTER)},
    {STR_INIT("--direction"), IN(SECTION_CLUSTER)},
    {STR_INIT("--status"), IN(SECTION_ENDPOINT)},
    {STR_INIT("--cluster"), IN(SECTION_ENDPOINT)},
    {STR_INIT("--verbose"), IN(SECTION_LISTENER) | IN(SECTION_ROUTE)},
};
static const char *const SECTION_NAMES[] = {"listener", "route",  "cluster",
                                            "endpoint", "secret", "all"};

struct job {
    struct arena arena;
    struct diag_list diags;
    struct documents documents;
    enum proxy_section section;
    struct proxy_wish wish;
    struct proxy_filter filter;
    struct str output, mesh_config, profile_name, labels, port, verbose, colour;
    struct str paths[PATHS_MAX];
    uint32_t path_count;
    bool is_strict, is_quiet;
};

static const char USAGE[] =
    "usage: pocketmesh proxy-config listener|route|cluster|endpoint|secret|all POD[.NAMESPACE] -f "
    "PATH...\n"
    "  -f PATH              manifests: a file, folder, pattern, or - (repeatable)\n"
    "  -n NAMESPACE         where POD is (default)\n"
    "  -o short|json|yaml   how it is printed (short, which is a table)\n"
    "  --profile NAME       defaults that differ between Istio versions (pocketmesh)\n"
    "  --mesh-config FILE   Istio's MeshConfig\n"
    "  --type, --labels, --ip, --service-account    a proxy that is not in the files\n"
    "  listener --address --port --type, route --name, cluster --fqdn --port --subset\n"
    "  --direction, endpoint --address --port --cluster --status, all: each of them\n"
    "                       show only what has this\n"
    "  --verbose=false      short listener and route tables\n"
    "  --strict             warnings are errors      -q  no warnings\n";

static int complain(const char *what, const char *about)
{
    (void)fprintf(stderr, "pocketmesh proxy-config: %s%s\n", what, about);
    (void)fputs(USAGE, stderr);
    return EXIT_INPUT;
}

/* Where the value of an option goes, or NULL. */
static struct str *option_place(struct job *job, struct str name)
{
    const struct {
        struct str name;
        struct str *place;
    } rows[] = {
        {STR("-n"), &job->wish.namespace},
        {STR("--namespace"), &job->wish.namespace},
        {STR("-o"), &job->output},
        {STR("--output"), &job->output},
        {STR("--profile"), &job->profile_name},
        {STR("--mesh-config"), &job->mesh_config},
        {STR("--labels"), &job->labels},
        {STR("--ip"), &job->wish.address},
        {STR("--service-account"), &job->wish.service_account},
        {STR("--type"), &job->filter.type},
        {STR("--name"), &job->filter.name},
        {STR("--port"), &job->port},
        {STR("--address"), &job->filter.address},
        {STR("--fqdn"), &job->filter.fqdn},
        {STR("--subset"), &job->filter.subset},
        {STR("--direction"), &job->filter.direction},
        {STR("--status"), &job->filter.status},
        {STR("--cluster"), &job->filter.cluster},
        {STR("--verbose"), &job->verbose},
        {STR("--color"), &job->colour},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        if (str_eq(rows[i].name, name))
            return rows[i].place;
    }
    return NULL;
}

/* One option with its value, "--x v" or "--x=v"; how many words it took, or 0
 * after a complaint. */
static int read_option(struct job *job, int argc, char **argv, int at)
{
    struct str word = str_of(argv[at]);
    size_t equals = str_find(word, '=');
    struct str name = str_slice(word, 0, equals);
    bool is_path = str_eq(name, STR("-f")) || str_eq(name, STR("--filename"));
    struct str *place = is_path ? NULL : option_place(job, name);

    if (str_eq(word, STR("--strict")) || str_eq(word, STR("-q")) || str_eq(word, STR("-v"))) {
        job->is_strict |= str_eq(word, STR("--strict"));
        job->is_quiet |= str_eq(word, STR("-q"));
        return 1;
    }
    if (!is_path && place == NULL) {
        (void)complain("unknown option ", argv[at]);
        return 0;
    }
    if (equals == STR_NONE && at + 1 >= argc) {
        (void)complain("no value for ", argv[at]);
        return 0;
    }
    struct str value = equals != STR_NONE ? str_from(word, equals + 1) : str_of(argv[at + 1]);
    if (!is_path) {
        *place = value;
    } else if (job->path_count < PATHS_MAX) {
        job->paths[job->path_count++] = value;
    } else {
        (void)complain("too many -f; name a folder or a pattern instead of ", argv[at]);
        return 0;
    }
    return equals != STR_NONE ? 1 : 2;
}

static bool read_labels(struct job *job)
{
    struct str rest = job->labels;
    uint32_t capacity = 0;

    while (rest.ptr != NULL && rest.len > 0) {
        struct str item = str_cut(&rest, ',');
        size_t equals = str_find(item, '=');
        if (equals == STR_NONE)
            return false;
        *ARENA_PUSH(&job->arena, job->wish.labels, job->wish.label_count, capacity) =
            (struct label){.name = str_slice(item, 0, equals), .value = str_from(item, equals + 1)};
    }
    return true;
}

static int complain_section(struct str word)
{
    uint32_t least = NEAR_DISTANCE + 1;
    const char *nearest = NULL;

    for (size_t i = 0; i < COUNT_OF(SECTIONS); i++) {
        uint32_t distance = str_edit_distance(SECTIONS[i].word, word, NEAR_DISTANCE);
        if (SECTIONS[i].word.len > 2 && distance < least) {
            least = distance;
            nearest = SECTION_NAMES[SECTIONS[i].section];
        }
    }
    (void)fprintf(stderr, "pocketmesh proxy-config: there is no table of %.*s", STR_FMT(word));
    if (nearest != NULL)
        (void)fprintf(stderr, "; did you mean %s?\n", nearest);
    else
        (void)fputs("; there are listener, route, cluster, endpoint, secret and all\n", stderr);
    return EXIT_INPUT;
}

/* An option that filters another table is a mistake, as with istioctl. */
static int check_filters(struct job *job)
{
    for (size_t i = 0; i < COUNT_OF(FILTERS); i++) {
        const struct str *place = option_place(job, FILTERS[i].name);
        if (place->len == 0 || job->section == SECTION_ALL ||
            (FILTERS[i].sections & IN(job->section)) != 0)
            continue;
        (void)fprintf(stderr, "pocketmesh proxy-config: %s has no %s; it has",
                      SECTION_NAMES[job->section], FILTERS[i].name.ptr);
        for (size_t k = 0; k < COUNT_OF(FILTERS); k++) {
            if ((FILTERS[k].sections & IN(job->section)) != 0)
                (void)fprintf(stderr, " %s", FILTERS[k].name.ptr);
        }
        (void)fputs("\n", stderr);
        return EXIT_INPUT;
    }
    return -1;
}

static bool find_section(struct str word, enum proxy_section *out)
{
    for (size_t i = 0; i < COUNT_OF(SECTIONS); i++) {
        if (str_eq(SECTIONS[i].word, word)) {
            *out = SECTIONS[i].section;
            return true;
        }
    }
    return false;
}

/* --type is a proxy's (sidecar, router) or a listener's (HTTP, TCP). */
static void sort_out_type(struct job *job)
{
    struct str type = job->filter.type;

    if (str_eq(type, STR("sidecar")) || str_eq(type, STR("router"))) {
        job->wish.type = type;
        job->filter.type = STR_EMPTY;
    }
}

static int read_words(struct job *job, int argc, char **argv)
{
    struct str words[2] = {STR_EMPTY, STR_EMPTY};
    uint32_t word_count = 0;

    for (int i = 1; i < argc;) {
        bool is_option = argv[i][0] == '-' && argv[i][1] != '\0';
        if (str_eq(str_of(argv[i]), STR("-h")) || str_eq(str_of(argv[i]), STR("--help"))) {
            (void)fputs(USAGE, stdout);
            return EXIT_FINE;
        }
        if (is_option) {
            int taken = read_option(job, argc, argv, i);
            if (taken == 0)
                return EXIT_INPUT;
            i += taken;
            continue;
        }
        if (word_count == COUNT_OF(words))
            return complain("one word too many: ", argv[i]);
        words[word_count++] = str_of(argv[i++]);
    }
    if (word_count < COUNT_OF(words) || job->path_count == 0)
        return complain("say what to show, of which pod, and from which files", "");
    if (!find_section(words[0], &job->section))
        return complain_section(words[0]);
    job->wish.name = words[1];
    return -1;
}

static int check_words(struct job *job)
{
    uint64_t port = 0;

    sort_out_type(job);
    if (!read_labels(job))
        return complain("--labels takes name=value,name=value; not ", job->labels.ptr);
    if (job->port.len > 0 && !str_to_u64(job->port, 65535, &port))
        return complain("--port takes a number; not ", job->port.ptr);
    job->filter.port = (uint32_t)port;
    int code = check_filters(job);
    if (code >= 0)
        return code;
    if (profile_find(job->profile_name) == NULL)
        return complain("profiles are pocketmesh, istio-1.0, istio-latest; not ",
                        job->profile_name.ptr);
    static const struct str OUTPUTS[] = {STR_INIT("short"), STR_INIT("table"), STR_INIT("json"),
                                         STR_INIT("yaml")};
    for (size_t i = 0; i < COUNT_OF(OUTPUTS); i++) {
        if (str_eq(job->output, OUTPUTS[i]))
            return -1;
    }
    return complain("-o takes short, json or yaml; not ", job->output.ptr);
}

/* A MeshConfig file stands in for the ConfigMap. */
static void add_mesh_config(struct job *job, struct mesh *mesh)
{
    struct documents documents = {0};

    if (job->mesh_config.len == 0)
        return;
    files_read(job->mesh_config, STR_EMPTY, &job->arena, &documents, &job->diags);
    for (uint32_t i = 0; i < documents.count; i++)
        mesh_set_config(mesh, documents.items[i]);
}

static bool write_all(const struct buf *buf, FILE *stream)
{
    struct str text = buf_str(buf);

    return text.len == 0 || fwrite(text.ptr, 1, text.len, stream) == text.len;
}

static void print_diags(struct job *job)
{
    struct buf out;
    bool has_colour = isatty(STDERR_FILENO) != 0 && !str_eq(job->colour, STR("never"));

    if (job->is_strict)
        diag_list_raise_warnings(&job->diags);
    diag_list_sort(&job->diags);
    buf_init(&out, OUTPUT_BYTES_MAX);
    for (uint32_t i = 0; i < job->diags.count; i++) {
        if (job->is_quiet && job->diags.items[i].severity != DIAG_ERROR)
            continue;
        if (diag_print(&job->diags.items[i], has_colour, &out) != RC_OK)
            break;
    }
    (void)write_all(&out, stderr);
    buf_fini(&out);
}

static int print_snapshot(struct job *job, const struct snapshot *snapshot)
{
    struct proxy_page page = {
        .section = job->section,
        .filter = job->filter,
        .output = job->output,
        .is_brief = str_eq(job->verbose, STR("false")),
        .profile = profile_find(job->profile_name),
        .documents = &job->documents,
        .now_s = (int64_t)time(NULL),
    };

    if (!proxy_page_print(&page, snapshot, &job->arena))
        return EXIT_SURROUNDINGS;
    if (!job->is_quiet)
        proxy_page_print_notes(&page, snapshot, &job->arena);
    return EXIT_FINE;
}

static int run(struct job *job)
{
    for (uint32_t i = 0; i < job->path_count; i++)
        files_read(job->paths[i], STR_EMPTY, &job->arena, &job->documents, &job->diags);
    struct mesh *mesh = mesh_new(&job->arena, &job->diags);
    for (uint32_t i = 0; i < job->documents.count; i++)
        mesh_add_document(mesh, job->documents.items[i]);
    add_mesh_config(job, mesh);
    mesh_complete(mesh);
    struct proxy_identity proxy = proxy_name_resolve(mesh, &job->wish, &job->arena);
    struct snapshot *snapshot =
        translate_proxy(mesh, &proxy, profile_find(job->profile_name), &job->diags);
    print_diags(job);
    int code = job->diags.error_count > 0 ? EXIT_INPUT : print_snapshot(job, snapshot);
    snapshot_drop(snapshot);
    return code;
}

int cmd_proxy_config(int argc, char **argv)
{
    struct job job = {
        .wish.namespace = STR("default"),
        .output = STR("short"),
        .profile_name = profile_default()->name,
    };

    arena_init(&job.arena, ARENA_BLOCK_BYTES, 0);
    diag_list_init(&job.diags, &job.arena);
    int code = read_words(&job, argc, argv);
    if (code < 0)
        code = check_words(&job);
    if (code < 0)
        code = run(&job);
    arena_fini(&job.arena);
    return code;
}
