/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/analyze.c - `pocketmesh analyze`: what is wrong between objects, with
 * istioctl's flags, codes and formats.
 */
#include <time.h>

#include "base/check.h"
#include "base/json.h"
#include "base/ns.h"
#include "cli/command.h"
#include "cli/words.h"
#include "config/analyze/analysis.h"
#include "testbed/world/files.h"

#define OUTPUT_BYTES_MAX ((size_t)256 << 20)
#define JSON_INDENT 4u /* as istioctl */
#define NAMES_MAX 64u
#define DOCUMENTATION "https://istio.io/latest/docs/reference/config/analysis/"

struct job {
    struct words words;
    struct documents documents;
    struct object_list objects;
    struct analysis analysis;
    struct str namespace; /* -n; empty: not said */
    struct str mesh_config;
    struct str analyzers[NAMES_MAX], suppressions[NAMES_MAX];
    uint32_t analyzer_count, suppression_count;
    enum diag_severity fail_on, show_from;
    bool is_all_namespaces, is_files_only, is_listing;
    struct buf out;
};

static bool read_level(struct str text, enum diag_severity *out)
{
    if (str_eq_ci(text, STR("Error")))
        *out = DIAG_ERROR;
    else if (str_eq_ci(text, STR("Warning")))
        *out = DIAG_WARNING;
    else if (str_eq_ci(text, STR("Info")))
        *out = DIAG_NOTE;
    else
        return false;
    return true;
}

static void take_level(struct job *job, struct str value, enum diag_severity *out)
{
    if (!read_level(value, out))
        words_complain(&job->words, "a level is Error, Warning or Info, not \"%.*s\"",
                       STR_FMT(value));
}

static void take_fail_on(void *user, struct str value)
{
    take_level(user, value, &((struct job *)user)->fail_on);
}

static void take_show_from(void *user, struct str value)
{
    take_level(user, value, &((struct job *)user)->show_from);
}

static void take_namespace(void *user, struct str value)
{
    ((struct job *)user)->namespace = value;
}

static void take_mesh_config(void *user, struct str value)
{
    ((struct job *)user)->mesh_config = value;
}

static void take_all_namespaces(void *user, struct str value)
{
    (void)value;
    ((struct job *)user)->is_all_namespaces = true;
}

static void take_use_kube(void *user, struct str value)
{
    ((struct job *)user)->is_files_only = str_eq(value, STR("false"));
}

static void take_listing(void *user, struct str value)
{
    (void)value;
    ((struct job *)user)->is_listing = true;
}

static void take_analyzer(void *user, struct str value)
{
    struct job *job = user;

    if (analysis_find(value) == NULL)
        words_complain(&job->words, "there is no analyzer %.*s; --list-analyzers names them",
                       STR_FMT(value));
    else if (job->analyzer_count < NAMES_MAX)
        job->analyzers[job->analyzer_count++] = value;
}

static void take_suppression(void *user, struct str value)
{
    struct job *job = user;

    if (str_find(value, '=') == STR_NONE || str_find(value, ' ') == STR_NONE)
        words_complain(&job->words, "--suppress takes 'CODE=KIND NAME.NAMESPACE', not \"%.*s\"",
                       STR_FMT(value));
    else if (job->suppression_count < NAMES_MAX)
        job->suppressions[job->suppression_count++] = value;
}

static const struct words_option OPTIONS[] = {
    {"-n", .take = take_namespace},
    {"--namespace", .take = take_namespace},
    {"-A", .flag = take_all_namespaces},
    {"--all-namespaces", .flag = take_all_namespaces},
    {"--analyzer", .take = take_analyzer},
    {"-S", .take = take_suppression},
    {"--suppress", .take = take_suppression},
    {"--fail-on", .take = take_fail_on},
    {"--failure-threshold", .take = take_fail_on},
    {"--output-threshold", .take = take_show_from},
    {"--mesh-config", .take = take_mesh_config},
    {"--meshConfigFile", .take = take_mesh_config},
    {"--use-kube", .take = take_use_kube},
    {"-L", .flag = take_listing},
    {"--list-analyzers", .flag = take_listing},
};

/* "*" stands for any text. */
static bool is_glob_match(struct str pattern, struct str text)
{
    size_t star = str_find(pattern, '*');

    if (star == STR_NONE)
        return str_eq(pattern, text);
    if (!str_has_prefix(text, str_slice(pattern, 0, star)))
        return false;
    text = str_from(text, star);
    pattern = str_from(pattern, star + 1);
    while ((star = str_find(pattern, '*')) != STR_NONE) {
        size_t at = str_find_str(text, str_slice(pattern, 0, star));
        if (at == STR_NONE)
            return false;
        text = str_from(text, at + star);
        pattern = str_from(pattern, star + 1);
    }
    return str_has_suffix(text, pattern);
}

static bool is_suppressed_by_object(const struct finding *finding)
{
    bool found;
    struct str rest =
        object_annotation(finding->object, STR("galley.istio.io/analyze-suppress"), &found);

    while (found && rest.ptr != NULL) {
        struct str code = str_trim(str_cut(&rest, ','));
        if (str_eq(code, STR("*")) || str_eq(code, finding_code(finding)))
            return true;
    }
    return false;
}

static bool is_suppressed(struct job *job, const struct finding *finding)
{
    const struct object *object = finding->object;
    struct str dotted = arena_format(&job->words.arena, "%.*s %.*s%s%.*s", STR_FMT(object->kind),
                                     STR_FMT(object->name), object->namespace.len > 0 ? "." : "",
                                     STR_FMT(object->namespace));
    struct str slashed = finding_origin(finding, &job->words.arena);

    for (uint32_t i = 0; i < job->suppression_count; i++) {
        struct str rest = job->suppressions[i];
        struct str code = str_cut(&rest, '=');
        if (str_eq(code, finding_code(finding)) &&
            (is_glob_match(rest, dotted) || is_glob_match(rest, slashed)))
            return true;
    }
    return is_suppressed_by_object(finding);
}

static bool is_wanted(struct job *job, const struct finding *finding)
{
    struct str namespace = str_eq(finding->object->kind, STR("Namespace"))
                               ? finding->object->name
                               : finding->object->namespace;
    bool is_elsewhere = job->namespace.len > 0 && !job->is_all_namespaces && namespace.len > 0 &&
                        !str_eq(namespace, job->namespace);

    return !is_elsewhere && !is_suppressed(job, finding);
}

/* Drops what is not wanted. */
static void filter(struct job *job)
{
    struct analysis *analysis = &job->analysis;
    uint32_t kept_count = 0;

    for (uint32_t i = 0; i < analysis->finding_count; i++)
        if (is_wanted(job, &analysis->findings[i]))
            analysis->findings[kept_count++] = analysis->findings[i];
    analysis->finding_count = kept_count;
}

static bool is_cluster_wide(struct str kind)
{
    static const struct str KINDS[] = {STR_INIT("Namespace"),
                                       STR_INIT("Node"),
                                       STR_INIT("CustomResourceDefinition"),
                                       STR_INIT("MutatingWebhookConfiguration"),
                                       STR_INIT("ValidatingWebhookConfiguration"),
                                       STR_INIT("GatewayClass")};

    for (size_t i = 0; i < COUNT_OF(KINDS); i++)
        if (str_eq(KINDS[i], kind))
            return true;
    return false;
}

/* Line `line` (from 1) of a text, without its end. */
static struct str line_of(struct str text, uint32_t line)
{
    struct str found = STR_EMPTY;

    for (uint32_t i = 0; i < line && text.ptr != NULL; i++)
        found = str_cut(&text, '\n');
    return str_trim(found);
}

/* A document begins for Istio with its first line, be that a comment. */
static void find_document_lines(struct job *job)
{
    struct diag_list aside;
    struct str file = STR_EMPTY, text = STR_EMPTY;

    diag_list_init(&aside, &job->words.arena);
    for (uint32_t i = 0; i < job->objects.count; i++) {
        struct object *object = &job->objects.items[i];
        if (!str_eq(object->origin.file, file)) {
            file = object->origin.file;
            text = STR_EMPTY;
            if (!str_eq(file, STR("-")))
                (void)files_read_text(file, &job->words.arena, object->origin, &text, &aside);
        }
        for (uint32_t line = object->origin.line; text.len > 0 && line > 1; line--) {
            struct str before = line_of(text, line - 1);
            if (str_has_prefix(before, STR("---")))
                break;
            if (before.len > 0 && before.ptr[0] == '#')
                object->document_line = line - 1;
            else if (before.len > 0)
                break; /* an item of a List */
        }
    }
}

static void place_objects(struct job *job)
{
    struct str otherwise = job->namespace.len > 0 ? job->namespace : STR("default");

    for (uint32_t i = 0; i < job->objects.count; i++) {
        struct object *object = &job->objects.items[i];
        if (is_cluster_wide(object->kind))
            object->namespace = STR_EMPTY;
        else if (object->namespace.len == 0 && !job->is_all_namespaces)
            object->namespace = otherwise;
    }
}

/* MeshConfig: the option's file, or the ConfigMap of the manifests. */
static void find_mesh_config(struct job *job)
{
    struct documents documents = {0};
    struct words *words = &job->words;

    if (job->mesh_config.len > 0)
        files_read(job->mesh_config, STR_EMPTY, &words->arena, &documents, &words->diags);
    for (uint32_t i = 0; documents.count == 0 && i < job->objects.count; i++) {
        const struct object *object = &job->objects.items[i];
        const struct node *mesh = node_get(node_get(object->root, STR("data")), STR("mesh"));
        if (object_is(object, STR(""), STR("ConfigMap")) && str_eq(object->name, STR("istio")) &&
            str_eq(object->namespace, STR("istio-system")) && mesh != NULL)
            tree_read(object->origin.file, mesh->text, &words->arena, &documents, &words->diags);
    }
    if (documents.count > 0)
        job->analysis.mesh_config = documents.items[0];
}

static void run_analyzers(struct job *job)
{
    const struct analyzer *analyzer;

    for (uint32_t i = 0; (analyzer = analysis_at(i)) != NULL; i++) {
        bool is_named = job->analyzer_count == 0 && !analyzer->is_on_request;
        for (uint32_t k = 0; k < job->analyzer_count; k++)
            is_named |= str_eq(job->analyzers[k], analyzer->name);
        if (is_named)
            analysis_run(&job->analysis, analyzer);
    }
    filter(job);
    analysis_sort(&job->analysis);
}

static struct str reference_of(struct job *job, const struct finding *finding)
{
    return arena_format(&job->words.arena, "%.*s:%u", STR_FMT(finding->object->origin.file),
                        finding->line);
}

static void write_json(struct job *job, struct json *json, const struct finding *finding)
{
    struct arena *arena = &job->words.arena;
    struct str code = arena_str_lower(arena, finding_code(finding));

    json_begin_object(json);
    json_key_str(json, STR("code"), finding_code(finding));
    json_key_str(json, STR("documentationUrl"),
                 arena_format(arena, DOCUMENTATION "%.*s/", STR_FMT(code)));
    json_key_str(json, STR("level"), finding_level(finding));
    json_key_str(json, STR("message"), diag_text(&finding->diag, arena));
    json_key_str(json, STR("origin"), finding_origin(finding, arena));
    json_key_str(json, STR("reference"), reference_of(job, finding));
    json_key_str(json, STR("place"),
                 arena_format(arena, "%.*s:%u:%u", STR_FMT(finding->diag.origin.file),
                              finding->diag.origin.line, finding->diag.origin.column));
    json_key_str(json, STR("path"), finding->diag.path);
    json_end_object(json);
}

static enum rc print_json(struct job *job)
{
    struct json json;

    json_init(&json, &job->out, JSON_INDENT);
    json_begin_array(&json);
    for (uint32_t i = 0; i < job->analysis.finding_count; i++)
        if (job->analysis.findings[i].diag.severity >= job->show_from)
            write_json(job, &json, &job->analysis.findings[i]);
    json_end_array(&json);
    return json_is_full(&json) ? RC_FULL : buf_append(&job->out, STR("\n"));
}

/* A flow sequence of flow mappings: YAML that is JSON, one finding a line. */
static enum rc print_yaml(struct job *job)
{
    enum rc rc = job->analysis.finding_count == 0 ? buf_append(&job->out, STR("[]\n")) : RC_OK;

    for (uint32_t i = 0; i < job->analysis.finding_count && rc == RC_OK; i++) {
        struct json json;
        if (job->analysis.findings[i].diag.severity < job->show_from)
            continue;
        rc = buf_append(&job->out, STR("- "));
        json_init(&json, &job->out, 0);
        write_json(job, &json, &job->analysis.findings[i]);
        if (rc == RC_OK)
            rc = json_is_full(&json) ? RC_FULL : buf_append(&job->out, STR("\n"));
    }
    return rc;
}

static enum rc print_log(struct job *job)
{
    bool has_colour = words_has_colour(&job->words, stdout);
    enum rc rc = RC_OK;

    for (uint32_t i = 0; i < job->analysis.finding_count && rc == RC_OK; i++) {
        const struct finding *finding = &job->analysis.findings[i];
        const char *colour = finding->diag.severity == DIAG_ERROR     ? "\x1b[1;31m"
                             : finding->diag.severity == DIAG_WARNING ? "\x1b[33m"
                                                                      : "";
        if (finding->diag.severity < job->show_from)
            continue;
        rc = buf_format(&job->out, "%s%.*s%s [%.*s] (%.*s %.*s) %.*s\n", has_colour ? colour : "",
                        STR_FMT(finding_level(finding)), has_colour ? "\x1b[0m" : "",
                        STR_FMT(finding_code(finding)),
                        STR_FMT(finding_origin(finding, &job->words.arena)),
                        STR_FMT(reference_of(job, finding)),
                        STR_FMT(diag_text(&finding->diag, &job->words.arena)));
    }
    return rc;
}

static enum rc list_analyzers(struct job *job)
{
    const struct analyzer *analyzer;
    enum rc rc = RC_OK;

    for (uint32_t i = 0; (analyzer = analysis_at(i)) != NULL && rc == RC_OK; i++)
        rc = buf_format(&job->out, "* %.*s:\n    %.*s\n", STR_FMT(analyzer->name),
                        STR_FMT(analyzer->summary));
    return rc;
}

static int run(struct job *job)
{
    struct words *words = &job->words;
    bool is_unreadable = false;
    enum rc rc;

    buf_init(&job->out, OUTPUT_BYTES_MAX);
    if (job->is_listing) {
        rc = list_analyzers(job);
    } else {
        for (uint32_t i = 0; i < words->plain_count; i++)
            files_read(words->plain[i], STR_EMPTY, &words->arena, &job->documents, &words->diags);
        words_documents(words, &job->documents);
        for (uint32_t i = 0; i < job->documents.count; i++)
            object_list_add(&job->objects, job->documents.items[i], &words->arena, &words->diags);
        place_objects(job);
        find_document_lines(job);
        analysis_init(&job->analysis, &words->arena, &job->objects);
        job->analysis.is_files_only = job->is_files_only;
        job->analysis.now_ns = (int64_t)time(NULL) * NS_SECOND;
        find_mesh_config(job);
        is_unreadable = words_report(words);
        run_analyzers(job);
        rc = str_eq(words->output, STR("json"))   ? print_json(job)
             : str_eq(words->output, STR("yaml")) ? print_yaml(job)
                                                  : print_log(job);
        if (job->analysis.finding_count == 0 && !is_unreadable && !words->is_quiet)
            (void)fputs("\xe2\x9c\x94 No validation issues found.\n", stderr);
    }
    bool is_written = rc == RC_OK && words_write(&job->out);
    buf_fini(&job->out);
    if (!is_written)
        return EXIT_CODE_SURROUNDINGS;
    if (is_unreadable || job->analysis.unreadable_count > 0)
        return EXIT_CODE_INPUT;
    for (uint32_t i = 0; i < job->analysis.finding_count; i++)
        if (job->analysis.findings[i].diag.severity >= job->fail_on)
            return EXIT_CODE_NO;
    return EXIT_CODE_FINE;
}

int cmd_analyze(int argc, char **argv)
{
    struct job job = {.fail_on = DIAG_ERROR, .show_from = DIAG_NOTE};
    int code = EXIT_CODE_INPUT;

    words_init(&job.words, "analyze");
    if (words_read(&job.words, argc, argv, OPTIONS, COUNT_OF(OPTIONS), &job)) {
        struct str output = job.words.output;
        bool is_known = output.len == 0 || str_eq(output, STR("log")) ||
                        str_eq(output, STR("json")) || str_eq(output, STR("yaml"));
        if (job.words.plain_count + job.words.manifest_count == 0 && !job.is_listing)
            words_complain(&job.words, "say which files; `pocketmesh help analyze` tells how");
        else if (!is_known)
            words_complain(&job.words, "-o is log, json or yaml, not \"%.*s\"", STR_FMT(output));
        else
            code = run(&job);
    }
    words_fini(&job.words);
    return code;
}
