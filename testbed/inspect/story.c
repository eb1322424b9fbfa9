/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/inspect/story.c - sentences in lines.
 */
#include "testbed/inspect/story.h"

#include "base/check.h"
#include "base/ns.h"
#include "config/yaml/duration.h"
#include "testbed/inspect/sentence.h"

/* A longer subject does not push all the others' words aside. */
#define SUBJECT_BYTES_ALIGNED 32u

struct teller {
    const struct story_options *options;
    struct sentence_context words;
};

static const char *mark_text(enum sentence_mark mark)
{
    switch (mark) {
    case SENTENCE_PLAIN:
        return " ";
    case SENTENCE_NO:
        return "-";
    case SENTENCE_YES:
        return "+";
    case SENTENCE_GO:
        return ">";
    case SENTENCE_BAD:
        return "!";
    }
    UNREACHABLE("sentence_mark");
}

static const char *mark_colour(enum sentence_mark mark)
{
    switch (mark) {
    case SENTENCE_PLAIN:
        return "";
    case SENTENCE_NO:
        return "\033[2m";
    case SENTENCE_YES:
    case SENTENCE_GO:
        return "\033[32m";
    case SENTENCE_BAD:
        return "\033[31m";
    }
    UNREACHABLE("sentence_mark");
}

static struct str place_words(const struct teller *teller, const struct sentence *line)
{
    if (line->origin.line != 0)
        return arena_format(teller->words.arena, "%.*s:%u:%u", STR_FMT(line->origin.file),
                            line->origin.line, line->origin.column);
    if (line->is_default)
        return arena_format(teller->words.arena, "default of profile %.*s",
                            STR_FMT(teller->options->profile));
    return STR_EMPTY;
}

/* What another line says already is left out. */
static bool is_told(const struct teller *teller, const struct trace *trace, uint32_t index)
{
    enum trace_kind kind = trace->items[index].kind;
    bool is_frame = kind == TRACE_REQUEST || kind == TRACE_FINISHED;
    if (is_frame && teller->options->is_framed)
        return false;
    /* The endpoint's line named the pod just now. */
    return kind != TRACE_ATTEMPT_OPENED || index == 0 ||
           trace->items[index - 1].kind != TRACE_ENDPOINT_PICKED;
}

static void widen(int *width, struct str subject)
{
    if ((int)subject.len > *width && subject.len <= SUBJECT_BYTES_ALIGNED)
        *width = (int)subject.len;
}

static int subject_width(const struct teller *teller, const struct trace *trace)
{
    int width = 0;
    if (teller->options->lead != NULL)
        widen(&width, teller->options->lead->subject);
    for (uint32_t i = 0; trace != NULL && i < trace->count; i++)
        if (is_told(teller, trace, i))
            widen(&width, sentence_of(&teller->words, &trace->items[i]).subject);
    return width;
}

static struct str time_words(int64_t at_ns, struct arena *arena)
{
    if (at_ns < NS_MS)
        return STR_EMPTY;
    return arena_format(arena, " after %.*s", STR_FMT(duration_text(at_ns / NS_MS * NS_MS, arena)));
}

static enum rc write_line(const struct teller *teller, const struct sentence *line, int64_t at_ns,
                          int width, struct buf *out)
{
    const struct story_options *options = teller->options;
    const char *dim = options->has_colour ? "\033[2m" : "";
    const char *plain = options->has_colour ? "\033[0m" : "";
    struct str place = place_words(teller, line);
    struct str after = time_words(at_ns, teller->words.arena);
    return buf_format(out, "%.*s%s%s %-*.*s  %.*s%.*s%s%s%s%.*s%s\n", STR_FMT(options->indent),
                      options->has_colour ? mark_colour(line->mark) : "", mark_text(line->mark),
                      width, STR_FMT(line->subject), STR_FMT(line->words), STR_FMT(after), plain,
                      place.len > 0 ? "   " : "", dim, STR_FMT(place), plain);
}

enum rc story_write(const struct trace *trace, const struct story_options *options,
                    struct arena *scratch, struct buf *out)
{
    struct teller teller = {options, {options->world, scratch}};
    int width = subject_width(&teller, trace);
    enum rc rc = RC_OK;
    if (options->lead != NULL) {
        const struct story_lead *lead = options->lead;
        struct sentence line = {.mark = lead->is_bad ? SENTENCE_BAD : SENTENCE_PLAIN,
                                .subject = lead->subject,
                                .words = lead->words,
                                .origin = lead->origin};
        rc = write_line(&teller, &line, 0, width, out);
    }
    for (uint32_t i = 0; trace != NULL && i < trace->count && rc == RC_OK; i++) {
        if (!is_told(&teller, trace, i))
            continue;
        struct sentence line = sentence_of(&teller.words, &trace->items[i]);
        rc = write_line(&teller, &line, trace->items[i].at_ns - trace->items[0].at_ns, width, out);
    }
    if (rc == RC_OK && trace != NULL && trace->dropped_count > 0)
        rc = buf_format(out, "%.*s  ... and %u more\n", STR_FMT(options->indent),
                        trace->dropped_count);
    return rc;
}

void story_write_json(const struct trace *trace, const struct story_options *options,
                      struct arena *scratch, struct json *json)
{
    struct teller teller = {options, {options->world, scratch}};
    json_begin_array(json);
    for (uint32_t i = 0; i < trace->count; i++) {
        const struct trace_event *event = &trace->items[i];
        struct sentence line = sentence_of(&teller.words, event);
        json_begin_object(json);
        json_key_str(json, STR("kind"), trace_kind_name(event->kind));
        json_key_i64(json, STR("atNs"), event->at_ns - trace->items[0].at_ns);
        json_key_str(json, STR("subject"), line.subject);
        json_key_str(json, STR("words"), line.words);
        if (event->route != NULL)
            json_key_str(json, STR("rule"), event->route->name);
        if (line.origin.line != 0) {
            json_key_str(json, STR("file"), line.origin.file);
            json_key_i64(json, STR("line"), line.origin.line);
            json_key_i64(json, STR("column"), line.origin.column);
        }
        if (line.is_default)
            json_key_str(json, STR("default"), options->profile);
        json_end_object(json);
    }
    json_end_array(json);
}

#define STEP_SUBJECT_BYTES 17 /* "transport failure" */

enum rc story_write_step(const struct sentence *step, struct str indent, bool has_colour,
                         struct buf *out)
{
    const struct origin *origin = &step->origin;
    const char *dim = has_colour ? "\033[2m" : "", *plain = has_colour ? "\033[0m" : "";
    enum rc rc =
        buf_format(out, "%.*s%s%s %-*.*s  %.*s%s", STR_FMT(indent),
                   has_colour ? mark_colour(step->mark) : "", mark_text(step->mark),
                   STEP_SUBJECT_BYTES, STR_FMT(step->subject), STR_FMT(step->words), plain);
    if (rc != RC_OK || origin->line == 0)
        return rc == RC_OK ? buf_append(out, STR("\n")) : rc;
    return buf_format(out, "   %s%.*s:%u:%u%s\n", dim, STR_FMT(origin->file), origin->line,
                      origin->column, plain);
}

static struct str mark_name(enum sentence_mark mark)
{
    switch (mark) {
    case SENTENCE_PLAIN:
    case SENTENCE_GO:
        return STR("step");
    case SENTENCE_NO:
        return STR("no");
    case SENTENCE_YES:
        return STR("yes");
    case SENTENCE_BAD:
        return STR("failure");
    }
    UNREACHABLE("sentence_mark");
}

void story_step_json(const struct sentence *step, struct json *json)
{
    json_begin_object(json);
    json_key_str(json, STR("kind"), mark_name(step->mark));
    json_key_str(json, STR("subject"), step->subject);
    json_key_str(json, STR("words"), step->words);
    if (step->origin.line != 0) {
        json_key_str(json, STR("file"), step->origin.file);
        json_key_i64(json, STR("line"), step->origin.line);
        json_key_i64(json, STR("column"), step->origin.column);
    }
    json_end_object(json);
}
