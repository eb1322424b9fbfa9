/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/validate.c - `pocketmesh validate`: would a cluster take these objects?
 */
#include "base/check.h"
#include "base/json.h"
#include "cli/command.h"
#include "cli/words.h"
#include "config/validate/crd.h"
#include "config/validate/object.h"
#include "testbed/world/files.h"

#define OUTPUT_BYTES_MAX ((size_t)256 << 20)
#define JSON_INDENT 2u

struct job {
    struct words words;
    struct documents documents;
    struct object_list objects;
    struct str namespace; /* of objects that name none */
    bool is_webhook_only;
    struct buf out;
    uint32_t valid_count, warned_count, invalid_count, other_count;
};

/* One object's complaints: a part of the whole list. */
struct verdict {
    const struct object *object;
    uint32_t first, end;
    uint32_t error_count, warning_count;
};

static void take_namespace(void *user, struct str value)
{
    struct job *job = user;

    job->namespace = value;
}

static void take_webhook_only(void *user, struct str value)
{
    struct job *job = user;

    (void)value;
    job->is_webhook_only = true;
}

static const struct words_option OPTIONS[] = {
    {"-n", .take = take_namespace},
    {"--namespace", .take = take_namespace},
    {"--webhook-only", .flag = take_webhook_only},
};

static struct verdict judge(struct job *job, const struct object *object)
{
    struct diag_list *diags = &job->words.diags;
    struct verdict verdict = {.object = object, .first = diags->count};
    struct object_question asked = {
        .arena = &job->words.arena,
        .diags = diags,
        .namespace = object->namespace.len > 0 ? object->namespace : job->namespace,
        .is_strict = true,
        .has_crd = !job->is_webhook_only,
    };

    object_judge(object, asked);
    object_judge_kubernetes(object, asked);
    verdict.end = diags->count;
    for (uint32_t i = verdict.first; i < verdict.end; i++) {
        if (job->words.is_strict && diags->items[i].severity == DIAG_WARNING)
            diags->items[i].severity = DIAG_ERROR;
        verdict.error_count += diags->items[i].severity == DIAG_ERROR ? 1 : 0;
        verdict.warning_count += diags->items[i].severity == DIAG_WARNING ? 1 : 0;
    }
    if (verdict.error_count > 0)
        job->invalid_count++;
    else if (object->istio == NULL)
        job->other_count++;
    else if (verdict.warning_count > 0)
        job->warned_count++;
    else
        job->valid_count++;
    return verdict;
}

static struct str full_name(struct arena *arena, const struct object *object)
{
    if (object->namespace.len == 0)
        return object->name;
    return arena_format(arena, "%.*s/%.*s", STR_FMT(object->namespace), STR_FMT(object->name));
}

static enum rc print_verdict(struct job *job, const struct verdict *verdict, bool has_colour)
{
    const struct object *object = verdict->object;
    const char *word = verdict->error_count > 0     ? "invalid"
                       : verdict->warning_count > 0 ? "warning"
                                                    : "valid";
    const char *colour = verdict->error_count > 0     ? "\x1b[1;31m"
                         : verdict->warning_count > 0 ? "\x1b[1;33m"
                                                      : "\x1b[32m";
    bool is_silent =
        verdict->first == verdict->end && (job->words.is_quiet || object->istio == NULL);

    if (is_silent)
        return RC_OK;
    enum rc rc = buf_format(&job->out, "%s%-7s%s  %.*s %.*s  %.*s:%u\n", has_colour ? colour : "",
                            word, has_colour ? "\x1b[0m" : "", STR_FMT(object->kind),
                            STR_FMT(full_name(&job->words.arena, object)),
                            STR_FMT(object->origin.file), object->origin.line);
    for (uint32_t i = verdict->first; i < verdict->end && rc == RC_OK; i++) {
        const struct diag *diag = &job->words.diags.items[i];
        if (job->words.is_quiet && diag->severity != DIAG_ERROR)
            continue;
        rc = buf_append(&job->out, STR("  "));
        if (rc == RC_OK)
            rc = diag_print(diag, has_colour, &job->out);
    }
    return rc;
}

static void write_finding(struct job *job, struct json *json, const struct diag *diag)
{
    static const struct str SEVERITIES[] = {
        [DIAG_NOTE] = STR_INIT("note"),
        [DIAG_WARNING] = STR_INIT("warning"),
        [DIAG_ERROR] = STR_INIT("error"),
    };

    json_begin_object(json);
    json_key_str(json, STR("severity"), SEVERITIES[diag->severity]);
    json_key_str(json, STR("by"), crd_is_complaint(diag->id) ? STR("crd") : STR("webhook"));
    json_key_str(json, STR("message"), diag_text(diag, &job->words.arena));
    json_key_str(json, STR("file"), diag->origin.file);
    json_key_i64(json, STR("line"), diag->origin.line);
    json_key_i64(json, STR("column"), diag->origin.column);
    json_key_str(json, STR("path"), diag->path);
    json_end_object(json);
}

static void write_verdict(struct job *job, struct json *json, const struct verdict *verdict)
{
    json_begin_object(json);
    json_key_str(json, STR("kind"), verdict->object->kind);
    json_key_str(json, STR("namespace"), verdict->object->namespace);
    json_key_str(json, STR("name"), verdict->object->name);
    json_key_str(json, STR("file"), verdict->object->origin.file);
    json_key_i64(json, STR("line"), verdict->object->origin.line);
    json_key_bool(json, STR("valid"), verdict->error_count == 0);
    json_key(json, STR("findings"));
    json_begin_array(json);
    for (uint32_t i = verdict->first; i < verdict->end; i++)
        write_finding(job, json, &job->words.diags.items[i]);
    json_end_array(json);
    json_end_object(json);
}

static enum rc judge_as_json(struct job *job)
{
    struct json json;

    json_init(&json, &job->out, JSON_INDENT);
    json_begin_object(&json);
    json_key(&json, STR("objects"));
    json_begin_array(&json);
    for (uint32_t i = 0; i < job->objects.count; i++) {
        struct verdict verdict = judge(job, &job->objects.items[i]);
        write_verdict(job, &json, &verdict);
    }
    json_end_array(&json);
    json_key_bool(&json, STR("valid"), job->invalid_count == 0);
    json_end_object(&json);
    return json_is_full(&json) ? RC_FULL : buf_append(&job->out, STR("\n"));
}

static enum rc judge_as_text(struct job *job)
{
    bool has_colour = words_has_colour(&job->words, stdout);
    enum rc rc = RC_OK;

    for (uint32_t i = 0; i < job->objects.count && rc == RC_OK; i++) {
        struct verdict verdict = judge(job, &job->objects.items[i]);
        rc = print_verdict(job, &verdict, has_colour);
    }
    if (rc == RC_OK && !job->words.is_quiet)
        rc = buf_format(&job->out, "%u valid, %u with warnings, %u invalid, %u not Istio's\n",
                        job->valid_count, job->warned_count, job->invalid_count, job->other_count);
    return rc;
}

static int run(struct job *job, bool is_json)
{
    struct words *words = &job->words;

    for (uint32_t i = 0; i < words->plain_count; i++)
        files_read(words->plain[i], STR_EMPTY, &words->arena, &job->documents, &words->diags);
    words_documents(words, &job->documents);
    for (uint32_t i = 0; i < job->documents.count; i++)
        object_list_add(&job->objects, job->documents.items[i], &words->arena, &words->diags);
    bool is_unreadable = words_report(words);
    buf_init(&job->out, OUTPUT_BYTES_MAX);
    enum rc rc = is_json ? judge_as_json(job) : judge_as_text(job);
    bool is_written = rc == RC_OK && words_write(&job->out);
    buf_fini(&job->out);
    if (!is_written)
        return EXIT_CODE_SURROUNDINGS;
    if (is_unreadable)
        return EXIT_CODE_INPUT;
    return job->invalid_count > 0 ? EXIT_CODE_NO : EXIT_CODE_FINE;
}

int cmd_validate(int argc, char **argv)
{
    struct job job = {.namespace = STR("default")};
    int code = EXIT_CODE_INPUT;

    words_init(&job.words, "validate");
    if (words_read(&job.words, argc, argv, OPTIONS, COUNT_OF(OPTIONS), &job)) {
        bool is_json = str_eq(job.words.output, STR("json"));
        bool is_text = job.words.output.len == 0 || str_eq(job.words.output, STR("text"));
        if (job.words.plain_count + job.words.manifest_count == 0)
            words_complain(&job.words, "say which files; `pocketmesh help validate` tells how");
        else if (!is_json && !is_text)
            words_complain(&job.words, "-o is text or json, not \"%.*s\"",
                           STR_FMT(job.words.output));
        else
            code = run(&job, is_json);
    }
    words_fini(&job.words);
    return code;
}
