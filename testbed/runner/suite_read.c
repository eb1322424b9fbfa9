/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/runner/suite_read.c - a RouteTest file, whole.
 */
#include "testbed/runner/suite.h"

#include "base/check.h"
#include "base/ns.h"
#include "config/profile/profile.h"
#include "testbed/runner/suite_inside.h"
#include "testbed/world/files.h"

#define SEED_DEFAULT 1u

static struct arena *arena_of(const struct suite_reading *reading)
{
    return reading->reading.arena;
}

static struct str folder_of(struct str path)
{
    size_t slash = str_find_last(path, '/');
    return slash == STR_NONE ? STR_EMPTY : str_slice(path, 0, slash == 0 ? 1 : slash);
}

static void manifests_read(struct suite_reading *in, const struct view *list, struct documents *out)
{
    for (uint32_t i = 0; i < want_list_count(list); i++) {
        struct view item = want_list_item(list, i);
        files_read(want_scalar(&item, STR_EMPTY), in->base_dir, arena_of(in), out,
                   in->reading.diags);
    }
}

static void note_config(struct suite_reading *in, const struct view *list)
{
    struct suite *suite = in->suite;
    suite->config_count = want_list_count(list);
    suite->config = ARENA_ARRAY(arena_of(in), struct str, suite->config_count);
    for (uint32_t i = 0; i < suite->config_count; i++) {
        struct view item = want_list_item(list, i);
        struct str path = want_scalar(&item, STR_EMPTY);
        bool is_whole = in->base_dir.len == 0 || str_has_prefix(path, STR("/"));
        suite->config[i] = is_whole ? path
                                    : arena_format(arena_of(in), "%.*s/%.*s", STR_FMT(in->base_dir),
                                                   STR_FMT(path));
    }
}

/* The first Service of the manifests: the authority of requests that say none. */
static const struct node *first_service(const struct node *document)
{
    const struct node *kind = node_get(document, STR("kind"));
    if (kind == NULL)
        return NULL;
    if (str_eq(kind->text, STR("Service")))
        return document;
    const struct node *items = node_get(document, STR("items"));
    for (uint32_t i = 0; items != NULL && items->kind == NODE_LIST && i < items->count; i++) {
        const struct node *found = first_service(items->items[i]);
        if (found != NULL)
            return found;
    }
    return NULL;
}

static void default_authority(struct suite_reading *in)
{
    const struct documents *documents = &in->suite->spec.documents;
    if (in->has_authority_word)
        return;
    for (uint32_t i = 0; i < documents->count && !in->defaults.has_authority; i++) {
        const struct node *service = first_service(documents->items[i]);
        const struct node *name = node_get(node_get(service, STR("metadata")), STR("name"));
        if (name == NULL)
            continue;
        in->defaults.has_authority = true;
        in->defaults.authority = name->text;
    }
}

static void defaults_read(struct suite_reading *in, const struct view *view)
{
    static const struct field_row ROWS[] = {
        {"namespace", FIELD_USED},   {"from", FIELD_USED},    {"authority", FIELD_USED},
        {"port", FIELD_USED},        {"sidecar", FIELD_USED}, {"secrets", FIELD_USED},
        {"trustDomain", FIELD_USED},
    };
    struct world_spec *spec = &in->suite->spec;
    spec->namespace = STR("default");
    static const char *const SECRETS[] = {"made", "manifests", NULL};
    spec->has_secrets_of_manifests = view_choice(view, STR("secrets"), SECRETS, 0) == 1;
    spec->trust_domain = view_str(view, STR("trustDomain"), STR_EMPTY);
    spec->has_sidecar_default = true;
    if (!view_is_present(view))
        return;
    view_check_fields(view, ROWS, COUNT_OF(ROWS));
    spec->namespace = view_str(view, STR("namespace"), spec->namespace);
    spec->has_sidecar_default = view_bool(view, STR("sidecar"), true);
    in->from = view_str(view, STR("from"), STR_EMPTY);
    struct view authority = want_nullable(view, STR("authority"));
    in->defaults.has_authority = view_is_present(&authority);
    in->has_authority_word = authority.node != NULL;
    in->defaults.authority = want_bytes(&authority, STR_EMPTY);
    in->defaults.port = (uint32_t)view_i64(view, STR("port"), 1, 65535, 0);
}

static void clients_read(struct suite_reading *in, const struct view *view)
{
    struct world_spec *spec = &in->suite->spec;
    spec->client_count = view_is_present(view) ? view_count(view) : 0;
    if (spec->client_count == 0) {
        spec->clients = ARENA_NEW(arena_of(in), struct client_spec);
        *spec->clients = (struct client_spec){.name = STR("client"), .via = VIA_SIDECAR};
        spec->client_count = 1;
        return;
    }
    spec->clients = ARENA_ARRAY(arena_of(in), struct client_spec, spec->client_count);
    for (uint32_t i = 0; i < spec->client_count; i++) {
        struct view entry = view_entry(view, i);
        client_spec_read(&entry, &spec->clients[i]);
    }
}

/* The profile of that name; NULL, and a complaint, when there is none. */
static const struct profile *profile_named(struct suite_reading *in, const struct view *view)
{
    struct str name = want_scalar(view, STR_EMPTY);
    const struct profile *profile = profile_find(name);
    if (profile != NULL)
        return profile;
    struct str names = STR_EMPTY;
    uint32_t count;
    (void)profile_at(0, &count);
    for (uint32_t i = 0; i < count; i++)
        names = arena_format(arena_of(in), "%.*s%s%.*s", STR_FMT(names), i > 0 ? ", " : "",
                             STR_FMT(profile_at(i, &count)->name));
    view_complain(view, DIAG_TEST_UNKNOWN_PROFILE, name, names);
    return NULL;
}

static void profile_read(struct suite_reading *in, const struct view *view,
                         const struct suite_options *options)
{
    struct world_spec *spec = &in->suite->spec;
    spec->profile = options->profile != NULL ? options->profile : profile_default();
    if (!view_is_present(view))
        return;
    const struct profile *profile = profile_named(in, view);
    if (profile != NULL && options->profile == NULL)
        spec->profile = profile;
}

static void spec_read(struct suite_reading *in, const struct view *view,
                      const struct suite_options *options)
{
    static const struct field_row ROWS[] = {
        {"config", FIELD_USED},   {"profile", FIELD_USED}, {"seed", FIELD_USED},
        {"defaults", FIELD_USED}, {"clients", FIELD_USED}, {"workloads", FIELD_USED},
    };
    struct suite *suite = in->suite;
    view_check_fields(view, ROWS, COUNT_OF(ROWS));
    if (options->manifests != NULL)
        for (uint32_t i = 0; i < options->manifests->count; i++)
            *ARENA_PUSH(arena_of(in), suite->spec.documents.items, suite->spec.documents.count,
                        suite->spec.documents.capacity) = options->manifests->items[i];
    struct view config = view_field(view, STR("config"));
    manifests_read(in, &config, &suite->spec.documents);
    note_config(in, &config);
    struct view profile = view_field(view, STR("profile"));
    profile_read(in, &profile, options);
    suite->seed = (uint64_t)view_i64(view, STR("seed"), 0, INT64_MAX, SEED_DEFAULT);
    if (options->has_seed)
        suite->seed = options->seed;
    struct view defaults = view_map(view, STR("defaults"));
    defaults_read(in, &defaults);
    struct view clients = view_map(view, STR("clients"));
    clients_read(in, &clients);
    struct view from = view_field(&defaults, STR("from"));
    if (in->from.len > 0)
        in->client = suite_find_client(in, &from, in->from);
    in->workloads = view_map(view, STR("workloads")).node;
    suite->workloads = in->workloads;
    default_authority(in);
}

static void test_check_fields(const struct view *view)
{
    static const struct field_row ROWS[] = {
        {"name", FIELD_USED},      {"from", FIELD_USED},       {"workloads", FIELD_USED},
        {"with", FIELD_USED},      {"request", FIELD_USED},    {"cases", FIELD_USED},
        {"repeat", FIELD_USED},    {"every", FIELD_USED},      {"settle", FIELD_USED},
        {"keepalive", FIELD_USED}, {"concurrent", FIELD_USED}, {"expect", FIELD_USED},
        {"stats", FIELD_USED},     {"timeline", FIELD_USED},   {"load", FIELD_USED},
        {"inject", FIELD_USED},    {"transition", FIELD_USED}, {"orderIndependent", FIELD_USED},
    };
    view_check_fields(view, ROWS, COUNT_OF(ROWS));
}

static void test_read(struct suite_reading *in, const struct view *view, struct suite_test *out)
{
    test_check_fields(view);
    out->origin = view_origin(view);
    struct view name = view_field(view, STR("name"));
    out->name = want_scalar(&name, STR_EMPTY);
    struct view from = view_field(view, STR("from"));
    struct str from_name = want_scalar(&from, STR_EMPTY);
    out->workloads =
        nodes_merged_deep(in->workloads, view_map(view, STR("workloads")).node, arena_of(in));
    struct view with = view_field(view, STR("with"));
    manifests_read(in, &with, &out->with);
    out->is_order_independent = view_bool(view, STR("orderIndependent"), false);
    struct view transition = view_map(view, STR("transition"));
    out->transition = transition_read(in, &transition);
    struct view inject = view_field(view, STR("inject"));
    out->injects = injects_read(&inject, &out->inject_count);
    struct view stats = view_field(view, STR("stats"));
    stats_read(&stats, &out->stats, &out->stat_count);
    struct view cases = view_list(view, STR("cases"));
    bool has_cases = view_is_present(&cases);
    out->case_count = has_cases ? view_count(&cases) : 1;
    out->cases = ARENA_ARRAY(arena_of(in), struct suite_case, out->case_count);
    if (has_cases)
        suite_cases_read(in, view, &cases, from_name, out);
    else
        suite_case_read(in, view, from_name, &out->cases[0]);
}

static void tests_read(struct suite_reading *in, const struct view *root)
{
    struct suite *suite = in->suite;
    struct view tests = view_list(root, STR("tests"));
    suite->test_count = view_is_present(&tests) ? view_count(&tests) : 0;
    if (suite->test_count == 0)
        view_complain(root, DIAG_TEST_NO_TESTS, STR_EMPTY, STR_EMPTY);
    suite->tests = ARENA_ARRAY(arena_of(in), struct suite_test, suite->test_count);
    for (uint32_t i = 0; i < suite->test_count; i++) {
        struct view item = view_item(&tests, i);
        test_read(in, &item, &suite->tests[i]);
        if (suite->tests[i].name.len == 0)
            suite->tests[i].name = arena_format(arena_of(in), "test %u", i + 1);
        suite->tests[i].luck_name = suite->tests[i].name;
        for (uint32_t other = 0; other < i; other++)
            if (str_eq(suite->tests[other].name, suite->tests[i].name))
                view_complain(&item, DIAG_TEST_SAME_NAME, suite->tests[i].name, STR_EMPTY);
    }
}

/* Every test once for each value: those of the file so far, with what is different. */
static struct suite_test *multiplied(struct suite_reading *in, uint32_t times)
{
    struct suite *suite = in->suite;
    uint32_t count = suite->test_count;
    struct suite_test *all = ARENA_ARRAY(arena_of(in), struct suite_test, (size_t)count * times);
    for (uint32_t i = 0; i < count * times; i++)
        all[i] = suite->tests[i / times];
    suite->tests = all;
    suite->test_count = count * times;
    return all;
}

static void name_test(struct suite_reading *in, struct suite_test *test, struct str value)
{
    test->name = arena_format(arena_of(in), "%.*s, %.*s", STR_FMT(test->name), STR_FMT(value));
}

/* {profile: [..], seed: [..]}: what the command line says wins over both. */
static void matrix_read(struct suite_reading *in, const struct view *view,
                        const struct suite_options *options)
{
    static const struct field_row ROWS[] = {{"profile", FIELD_USED}, {"seed", FIELD_USED}};
    view_check_fields(view, ROWS, COUNT_OF(ROWS));
    struct view profiles = view_field(view, STR("profile")), seeds = view_field(view, STR("seed"));
    uint32_t profile_count = options->profile != NULL ? 0 : want_list_count(&profiles);
    uint32_t seed_count = options->has_seed ? 0 : want_list_count(&seeds);
    struct suite_test *tests = profile_count > 0 ? multiplied(in, profile_count) : NULL;
    for (uint32_t i = 0; i < profile_count; i++) {
        struct view item = want_list_item(&profiles, i);
        const struct profile *profile = profile_named(in, &item);
        for (uint32_t k = i; k < in->suite->test_count; k += profile_count) {
            tests[k].profile = profile;
            name_test(in, &tests[k], want_scalar(&item, STR_EMPTY));
        }
    }
    tests = seed_count > 0 ? multiplied(in, seed_count) : NULL;
    for (uint32_t i = 0; i < seed_count; i++) {
        struct view item = want_list_item(&seeds, i);
        uint64_t seed = (uint64_t)view_own_i64(&item, 0, INT64_MAX, SEED_DEFAULT);
        for (uint32_t k = i; k < in->suite->test_count; k += seed_count) {
            tests[k].has_seed = true;
            tests[k].seed = seed;
            name_test(in, &tests[k],
                      arena_format(arena_of(in), "seed %llu", (unsigned long long)seed));
        }
    }
}

/* A test's workloads are checked once as they will be: merged. */
static void workloads_check(struct suite_reading *in)
{
    struct view view = view_of(&in->reading, in->workloads);
    for (uint32_t i = 0; view_is_present(&view) && i < view_count(&view); i++) {
        struct view entry = view_entry(&view, i);
        struct workload_spec checked;
        workload_spec_read(&entry, &checked);
    }
}

bool suite_of(const struct documents *documents, struct str path,
              const struct suite_options *options, struct arena *arena, struct suite *out,
              struct diag_list *diags)
{
    static const struct field_row ROWS[] = {{"apiVersion", FIELD_USED},  {"kind", FIELD_USED},
                                            {"metadata", FIELD_IGNORED}, {"spec", FIELD_USED},
                                            {"matrix", FIELD_USED},      {"tests", FIELD_USED}};
    uint32_t errors_before = diags->error_count;
    *out = (struct suite){.path = path};
    struct suite_reading in = {.suite = out, .base_dir = folder_of(path)};
    in.reading = (struct reading){
        .arena = arena, .diags = diags, .unknown_field = UNKNOWN_ERROR, .object = STR("RouteTest")};
    if (documents->count == 0) {
        diag_add(diags, DIAG_TEST_NOT_ROUTETEST, (struct origin){.file = path}, STR_EMPTY,
                 STR_EMPTY, STR_EMPTY, STR_EMPTY);
        return false;
    }
    struct view root = view_of(&in.reading, documents->items[0]);
    struct view kind = view_field(&root, STR("kind"));
    struct view version = view_field(&root, STR("apiVersion"));
    if (!str_eq(want_scalar(&kind, STR_EMPTY), STR("RouteTest")) ||
        !str_eq(want_scalar(&version, STR_EMPTY), STR("pocketmesh/v1"))) {
        view_complain(&root, DIAG_TEST_NOT_ROUTETEST, STR_EMPTY, STR_EMPTY);
        return false;
    }
    if (documents->count > 1)
        view_complain(&(struct view){.reading = &in.reading, .node = documents->items[1]},
                      DIAG_TEST_ONE_DOCUMENT, STR_EMPTY, STR_EMPTY);
    view_check_fields(&root, ROWS, COUNT_OF(ROWS));
    struct view metadata = view_map(&root, STR("metadata"));
    out->name = view_str(&metadata, STR("name"), path);
    struct view spec = view_map(&root, STR("spec"));
    spec_read(&in, &spec, options);
    workloads_check(&in);
    if (!options->is_world_only)
        tests_read(&in, &root);
    struct view matrix = view_map(&root, STR("matrix"));
    if (!options->is_world_only && view_is_present(&matrix))
        matrix_read(&in, &matrix, options);
    return diags->error_count == errors_before;
}

bool suite_read(struct str path, const struct suite_options *options, struct arena *arena,
                struct suite *out, struct diag_list *diags)
{
    uint32_t errors_before = diags->error_count;
    struct documents documents = {0};
    files_read(path, STR_EMPTY, arena, &documents, diags);
    if (diags->error_count == errors_before)
        return suite_of(&documents, path, options, arena, out, diags);
    *out = (struct suite){.path = path};
    return false;
}

void suite_fini(struct suite *suite)
{
    regex_set_free(&suite->regexes);
}
