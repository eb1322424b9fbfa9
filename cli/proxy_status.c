/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/proxy_status.c - `pocketmesh proxy-status`: the proxies of a mesh, and
 * which kinds of resources each subscribes to, in istioctl's table.
 *
 * A proxy always asks for clusters and listeners; for endpoints if a cluster is
 * of type EDS, for route tables if a listener names one.
 *
 * Source: ISTIO.md 10.1.
 */
#include <stdio.h>

#include "base/check.h"
#include "base/map.h"
#include "cli/command.h"
#include "cli/proxy_name.h"
#include "cli/table.h"
#include "cli/words.h"
#include "config/derive/derive.h"

#define OUTPUT_BYTES_MAX ((size_t)64 << 20)
#define PADDING 5u

struct status_job {
    struct words words;
    struct str namespace; /* empty: all */
    bool is_verbose;      /* a column for each kind */
    struct mesh *mesh;
    struct map seen;
    struct table table;
};

static void take_namespace(void *user, struct str value)
{
    ((struct status_job *)user)->namespace = value;
}

static void take_verbosity(void *user, struct str value)
{
    struct status_job *job = user;
    uint64_t level = 0;

    if (!str_to_u64(value, 1, &level))
        words_complain(&job->words, "--verbosity is 0 or 1, not \"%.*s\"", STR_FMT(value));
    job->is_verbose = level > 0;
}

static const struct words_option OPTIONS[] = {
    {"-n", .take = take_namespace},
    {"--namespace", .take = take_namespace},
    {"--verbosity", .take = take_verbosity},
};

static bool has_rds(const struct listener *listener)
{
    for (uint32_t i = 0; i < listener->chain_count; i++) {
        const struct filter_chain *chain = &listener->chains[i];
        if (chain->kind == CHAIN_HTTP && !chain->http.has_inline_routes)
            return true;
    }
    const struct filter_chain *last = listener->default_chain;
    return last != NULL && last->kind == CHAIN_HTTP && !last->http.has_inline_routes;
}

static void add_row(struct status_job *job, const struct proxy_identity *proxy,
                    const struct snapshot *snapshot)
{
    struct arena *arena = &job->words.arena;
    bool has_eds = false, has_routes = false;
    struct str name =
        arena_format(arena, "%.*s.%.*s", STR_FMT(proxy->name), STR_FMT(proxy->namespace));

    for (uint32_t i = 0; i < snapshot->cluster_count; i++)
        has_eds |= snapshot->clusters[i].type == CLUSTER_EDS;
    for (uint32_t i = 0; i < snapshot->listener_count; i++)
        has_routes |= has_rds(&snapshot->listeners[i]);
    struct str eds = has_eds ? STR("SYNCED") : STR("IGNORED");
    struct str rds = has_routes ? STR("SYNCED") : STR("IGNORED");
    if (job->is_verbose) {
        *table_add(&job->table) =
            (struct table_row){.cells = {name, STR("Kubernetes"), STR("SYNCED"), STR("SYNCED"), eds,
                                         rds, STR("pocketmesh"), STR(POCKETMESH_VERSION)}};
        return;
    }
    struct str types = arena_format(arena, "%u (CDS,LDS%s%s)", 2u + has_eds + has_routes,
                                    has_eds ? ",EDS" : "", has_routes ? ",RDS" : "");
    *table_add(&job->table) = (struct table_row){
        .cells = {name, STR("Kubernetes"), STR("pocketmesh"), STR(POCKETMESH_VERSION), types}};
}

static void add_proxy(struct status_job *job, const struct proxy_identity *proxy)
{
    struct words *words = &job->words;
    struct str key =
        arena_format(&words->arena, "%.*s/%.*s", STR_FMT(proxy->namespace), STR_FMT(proxy->name));

    if (map_set(&job->seen, key, 1) != MAP_NONE ||
        (job->namespace.len > 0 && !str_eq(job->namespace, proxy->namespace)))
        return;
    const struct profile *profile = words->profile != NULL ? words->profile : profile_default();
    struct snapshot *snapshot = translate_proxy(job->mesh, proxy, profile, &words->diags);
    add_row(job, proxy, snapshot);
    snapshot_drop(snapshot);
}

/* Pods with a sidecar, gateways' pods, and stand-ins for gateways without one. */
static void add_proxies(struct status_job *job)
{
    struct arena *arena = &job->words.arena;

    for (uint32_t i = 0; i < mesh_pod_count(job->mesh); i++) {
        const struct pod *pod = mesh_pod(job->mesh, i);
        struct proxy_wish wish = {.name = pod->meta.name, .namespace = pod->meta.namespace};
        struct proxy_identity proxy = proxy_name_resolve(job->mesh, &wish, arena);
        if (!pod->is_over && (pod->is_injected || proxy.type == PROXY_ROUTER))
            add_proxy(job, &proxy);
    }
    for (uint32_t i = 0; i < mesh_gateway_count(job->mesh); i++) {
        struct str namespace, name;
        mesh_gateway_at(job->mesh, i, &namespace, &name);
        struct proxy_wish wish = {
            .name = arena_format(arena, "%.*s/%.*s", STR_FMT(namespace), STR_FMT(name))};
        struct proxy_identity proxy = proxy_name_resolve(job->mesh, &wish, arena);
        add_proxy(job, &proxy);
    }
}

static int by_name(const void *a, const void *b)
{
    const struct table_row *left = a, *right = b;
    return str_order(left->cells[0], right->cells[0]);
}

static void begin_table(struct status_job *job)
{
    table_init(&job->table, &job->words.arena, job->is_verbose ? 8 : 5);
    if (job->is_verbose)
        *table_add(&job->table) =
            (struct table_row){.cells = {STR("NAME"), STR("CLUSTER"), STR("CDS"), STR("LDS"),
                                         STR("EDS"), STR("RDS"), STR("ISTIOD"), STR("VERSION")}};
    else
        *table_add(&job->table) =
            (struct table_row){.cells = {STR("NAME"), STR("CLUSTER"), STR("ISTIOD"), STR("VERSION"),
                                         STR("SUBSCRIBED TYPES")}};
}

static int run(struct status_job *job)
{
    struct words *words = &job->words;
    struct documents documents = {0};
    struct buf out;
    int code = EXIT_CODE_FINE;

    words_documents(words, &documents);
    job->mesh = mesh_new(&words->arena, &words->diags);
    for (uint32_t i = 0; i < documents.count; i++)
        mesh_add_document(job->mesh, documents.items[i]);
    mesh_complete(job->mesh);
    map_init(&job->seen, &words->arena);
    begin_table(job);
    add_proxies(job);
    table_sort(&job->table, by_name);
    diag_list_sort(&words->diags);
    if (words_report(words))
        return EXIT_CODE_INPUT;
    buf_init(&out, OUTPUT_BYTES_MAX);
    if (table_print(&job->table, PADDING, &out) != RC_OK || !words_write(&out))
        code = EXIT_CODE_SURROUNDINGS;
    buf_fini(&out);
    return code;
}

int cmd_proxy_status(int argc, char **argv)
{
    struct status_job job = {.is_verbose = false};
    struct words *words = &job.words;

    words_init(words, "proxy-status");
    if (words_read(words, argc, argv, OPTIONS, COUNT_OF(OPTIONS), &job)) {
        if (words->manifest_count == 0)
            words_complain(words, "name the manifests with -f");
        if (words->plain_count > 0)
            words_complain(words, "what \"%.*s\" is sent, `proxy-config all %.*s` shows",
                           STR_FMT(words->plain[0]), STR_FMT(words->plain[0]));
        if (words->output.len > 0 && !str_eq(words->output, STR("table")))
            words_complain(words, "-o is table, not \"%.*s\"", STR_FMT(words->output));
    }
    int code = words->is_wrong ? EXIT_CODE_INPUT : run(&job);
    words_fini(words);
    return code;
}
