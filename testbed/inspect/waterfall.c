/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/inspect/waterfall.c - see waterfall.h.
 */
#include "testbed/inspect/waterfall.h"

#include "base/check.h"
#include "base/ns.h"
#include "config/yaml/duration.h"
#include "testbed/inspect/sentence.h"

#define BAR_COLUMNS 44
#define NAME_BYTES_MAX 12u

struct builder {
    struct waterfall *out;
    struct arena *arena;
    struct sentence_context words;
    int64_t began_ns;
    const struct trace_event *now; /* the one that is looked at */
    struct str endpoint;           /* the one picked last */
};

static struct span *add(struct builder *builder, enum span_kind kind, struct str name,
                        int64_t from_ns)
{
    struct waterfall *out = builder->out;
    struct span *span = ARENA_PUSH(builder->arena, out->items, out->count, out->capacity);
    *span = (struct span){
        .kind = kind, .name = name, .from_ns = from_ns, .to_ns = from_ns, .event = builder->now};
    return span;
}

static struct span *attempt_span(struct builder *builder, uint32_t attempt)
{
    struct str name = arena_format(builder->arena, "attempt %u", attempt);
    for (uint32_t i = builder->out->count; i > 0; i--) {
        struct span *span = &builder->out->items[i - 1];
        if (span->kind == SPAN_ATTEMPT && str_eq(span->name, name))
            return span;
    }
    return NULL;
}

static void add_words(struct builder *builder, struct span *span, struct str words)
{
    span->words = arena_format(builder->arena, "%.*s%s%.*s", STR_FMT(span->words),
                               span->words.len > 0 ? ", " : "", STR_FMT(words));
}

/* What the story says of it, in the same words. */
static struct str sentence_words(struct builder *builder, const struct trace_event *event)
{
    return sentence_of(&builder->words, event).words;
}

static void take_attempt(struct builder *builder, const struct trace_event *event, int64_t at_ns)
{
    if (event->kind == TRACE_ATTEMPT_OPENED) {
        struct span *span = add(builder, SPAN_ATTEMPT,
                                arena_format(builder->arena, "attempt %u", event->index), at_ns);
        span->words = builder->endpoint;
        builder->out->attempt_count++;
        return;
    }
    struct span *span = attempt_span(builder, event->index);
    if (span == NULL)
        return;
    span->to_ns = at_ns;
    if (event->kind == TRACE_ATTEMPT_CONNECTED && at_ns - span->from_ns < NS_MS)
        return; /* at once, or nearly: not worth a word */
    span->is_bad |= event->kind == TRACE_ATTEMPT_FAILED || event->kind == TRACE_TRY_TIMEOUT_FIRED ||
                    (event->kind == TRACE_RESPONSE && event->number >= 500);
    add_words(builder, span, sentence_words(builder, event));
    if (event->kind != TRACE_ATTEMPT_FAILED || event->failure != FAILURE_OVERFLOW ||
        event->text.len == 0)
        return;
    span = add(builder, SPAN_MOMENT, STR("breaker"), at_ns);
    span->words = arena_format(builder->arena, "%.*s is reached", STR_FMT(event->text));
    span->is_bad = true;
}

static void take_wait(struct builder *builder, const struct trace_event *event, int64_t at_ns)
{
    bool is_fault = event->kind == TRACE_FAULT_DELAYED;
    struct span *span = add(builder, SPAN_WAIT, is_fault ? STR("fault") : STR("back-off"), at_ns);
    span->to_ns = ns_add(at_ns, event->number);
    span->words = sentence_words(builder, event);
}

static void take_timer(struct builder *builder, const struct trace_event *event, int64_t at_ns)
{
    bool is_try = event->kind == TRACE_TRY_TIMEOUT_ARMED;
    struct str name =
        is_try ? arena_format(builder->arena, "try %u", event->index) : STR("timeout");
    struct span *span = add(builder, SPAN_TIMER, name, at_ns);
    span->to_ns = ns_add(at_ns, event->number);
    span->words = is_try ? arena_format(builder->arena, "attempt %u %.*s", event->index,
                                        STR_FMT(sentence_words(builder, event)))
                         : sentence_words(builder, event);
}

static void take_moment(struct builder *builder, const struct trace_event *event, int64_t at_ns)
{
    struct sentence line = sentence_of(&builder->words, event);
    struct span *span = add(builder, SPAN_MOMENT, line.subject, at_ns);
    span->words = line.words;
    span->is_bad = line.mark == SENTENCE_BAD;
}

static void take_end(struct builder *builder, int64_t at_ns)
{
    builder->out->total_ns = at_ns;
    struct span *last = attempt_span(builder, builder->out->attempt_count);
    bool is_answered = last != NULL && !last->is_bad;
    if (is_answered)
        last->to_ns = at_ns; /* its body came until now */
}

/* A choice is one only where it was drawn. */
static bool is_moment(const struct trace_event *event)
{
    bool is_choice = event->kind == TRACE_CLUSTER_CHOSEN || event->kind == TRACE_MIRROR_MISSED;
    return !is_choice || event->total > 0 || event->condition == CONDITION_MIRROR_SHARE;
}

static void take(struct builder *builder, const struct trace_event *event)
{
    int64_t at_ns = event->at_ns - builder->began_ns;
    switch (event->kind) {
    case TRACE_ENDPOINT_PICKED:
        builder->endpoint = sentence_words(builder, event);
        return;
    case TRACE_ATTEMPT_OPENED:
    case TRACE_ATTEMPT_CONNECTED:
    case TRACE_ATTEMPT_FAILED:
    case TRACE_RESPONSE:
    case TRACE_TRY_TIMEOUT_FIRED:
        take_attempt(builder, event, at_ns);
        return;
    case TRACE_FAULT_DELAYED:
    case TRACE_RETRY_LATER:
        take_wait(builder, event, at_ns);
        return;
    case TRACE_TIMEOUT_ARMED:
    case TRACE_TRY_TIMEOUT_ARMED:
        take_timer(builder, event, at_ns);
        return;
    case TRACE_CLUSTER_CHOSEN:
    case TRACE_MIRROR_MISSED:
    case TRACE_FAULT_MISSED:
    case TRACE_FAULT_ABORTED:
    case TRACE_MIRRORED:
    case TRACE_EJECTED:
    case TRACE_NO_ENDPOINT:
    case TRACE_RETRY_REFUSED:
    case TRACE_TIMEOUT_FIRED:
    case TRACE_LOCAL_REPLY:
    case TRACE_CUT:
    case TRACE_CLIENT_GONE:
        if (is_moment(event))
            take_moment(builder, event, at_ns);
        return;
    case TRACE_FINISHED:
        take_end(builder, at_ns);
        return;
    case TRACE_REQUEST:
    case TRACE_NORMALIZED:
    case TRACE_VIRTUAL_HOST:
    case TRACE_NO_VIRTUAL_HOST:
    case TRACE_ROUTE_REJECTED:
    case TRACE_ROUTE_CHOSEN:
    case TRACE_NO_ROUTE:
    case TRACE_CLUSTER_MISSING:
    case TRACE_HEADER_MUTATED:
    case TRACE_PATH_REWRITTEN:
    case TRACE_HOST_REWRITTEN:
    case TRACE_REDIRECTED:
    case TRACE_ANSWERED_DIRECTLY:
    case TRACE_TOKEN:
    case TRACE_ACCESS:
    case TRACE_ACCESS_SHADOW:
    case TRACE_ACCESS_UNASKED:
    case TRACE_CORS:
        return; /* the story tells it; no time passes */
    }
    UNREACHABLE("trace_kind");
}

struct waterfall waterfall_of(const struct trace *trace, const struct world *world,
                              struct arena *arena)
{
    struct waterfall out = {0};
    struct builder builder = {.out = &out, .arena = arena, .words = {world, arena}};
    for (uint32_t i = 0; trace != NULL && i < trace->count; i++) {
        builder.began_ns = trace->items[0].at_ns;
        builder.now = &trace->items[i];
        take(&builder, &trace->items[i]);
    }
    return out;
}

bool waterfall_is_worth(const struct waterfall *waterfall)
{
    return waterfall->count > 0 && (waterfall->attempt_count > 1 || waterfall->total_ns >= NS_MS);
}

/* The column of a moment; the last one for what comes after the end. */
static uint32_t column_of(const struct waterfall *waterfall, int64_t ns)
{
    if (waterfall->total_ns <= 0)
        return 0;
    double part = (double)ns / (double)waterfall->total_ns;
    return part >= 1 ? BAR_COLUMNS - 1 : (uint32_t)(part * (BAR_COLUMNS - 1));
}

static char letter_of(enum span_kind kind)
{
    switch (kind) {
    case SPAN_ATTEMPT:
        return '=';
    case SPAN_WAIT:
        return '-';
    case SPAN_TIMER:
        return '.';
    case SPAN_MOMENT:
        return '|';
    }
    UNREACHABLE("span_kind");
}

static void draw_bar(const struct waterfall *waterfall, const struct span *span, char *bar)
{
    uint32_t from = column_of(waterfall, span->from_ns), to = column_of(waterfall, span->to_ns);
    for (uint32_t i = 0; i < BAR_COLUMNS; i++)
        bar[i] = i >= from && i <= to ? letter_of(span->kind) : ' ';
    /* A timer's end is seen when it lies within. */
    if (span->kind == SPAN_TIMER)
        bar[to] = span->to_ns <= waterfall->total_ns ? '|' : '>';
}

static struct str moment_words(int64_t ns, struct arena *arena)
{
    return duration_text(ns >= NS_MS ? ns / NS_MS * NS_MS : ns / NS_US * NS_US, arena);
}

static struct str span_times(const struct span *span, struct arena *arena)
{
    struct str from = moment_words(span->from_ns, arena);
    if (span->kind == SPAN_MOMENT)
        return from;
    return arena_format(arena, "%.*s..%.*s", STR_FMT(from),
                        STR_FMT(moment_words(span->to_ns, arena)));
}

enum rc waterfall_write(const struct waterfall *waterfall, bool has_colour, struct arena *scratch,
                        struct buf *out)
{
    int times_width = 0;
    for (uint32_t i = 0; i < waterfall->count; i++) {
        struct str times = span_times(&waterfall->items[i], scratch);
        times_width = (int)times.len > times_width ? (int)times.len : times_width;
    }
    enum rc rc = buf_format(out, "\n    time line, %.*s\n",
                            STR_FMT(moment_words(waterfall->total_ns, scratch)));
    for (uint32_t i = 0; i < waterfall->count && rc == RC_OK; i++) {
        const struct span *span = &waterfall->items[i];
        char bar[BAR_COLUMNS];
        draw_bar(waterfall, span, bar);
        struct str name = str_slice(span->name, 0, NAME_BYTES_MAX);
        const char *colour = !has_colour ? "" : span->is_bad ? "\033[31m" : "\033[32m";
        rc = buf_format(out, "    %-*.*s  %s%.*s%s  %-*.*s  %.*s\n", (int)NAME_BYTES_MAX,
                        STR_FMT(name), colour, BAR_COLUMNS, bar, has_colour ? "\033[0m" : "",
                        times_width, STR_FMT(span_times(span, scratch)), STR_FMT(span->words));
    }
    return rc;
}

static void json_pod(const struct endpoint *endpoint, const struct world *world,
                     struct arena *scratch, struct json *json)
{
    if (endpoint == NULL)
        return;
    uint32_t pod =
        world != NULL ? world_pod_at(world, endpoint->address, endpoint->port) : UINT32_MAX;
    if (pod != UINT32_MAX)
        json_key_str(json, STR("pod"), world->pods[pod].name);
    json_key_str(
        json, STR("address"),
        arena_format(scratch, "%.*s:%u", STR_FMT(endpoint->address), (unsigned)endpoint->port));
}

/* A draw that has its numbers has them, another one what came of it. */
static void json_draw(const struct trace_event *event, struct json *json)
{
    bool is_numbered = event->kind == TRACE_CLUSTER_CHOSEN;
    bool is_missed = event->kind == TRACE_FAULT_MISSED || event->kind == TRACE_MIRROR_MISSED;
    bool is_hit = event->kind == TRACE_FAULT_DELAYED || event->kind == TRACE_FAULT_ABORTED ||
                  event->kind == TRACE_MIRRORED;
    if (!is_numbered && !is_missed && !is_hit)
        return;
    json_key(json, STR("draw"));
    json_begin_object(json);
    if (is_numbered) {
        json_key_i64(json, STR("number"), event->number);
        json_key_i64(json, STR("of"), event->total);
    } else {
        json_key(json, STR("isHit"));
        json_bool(json, is_hit);
    }
    json_end_object(json);
}

static void json_breaker(const struct trace_event *event, struct json *json)
{
    if (event->kind == TRACE_ATTEMPT_FAILED && event->failure == FAILURE_OVERFLOW)
        json_key_str(json, STR("breaker"), event->text);
    else if (event->kind == TRACE_RETRY_REFUSED && event->condition == CONDITION_RETRY_BUDGET)
        json_key_str(json, STR("breaker"), STR("max_retries"));
}

static void json_ejection(const struct trace_event *event, struct json *json)
{
    if (event->kind != TRACE_EJECTED)
        return;
    json_key(json, STR("ejection"));
    json_begin_object(json);
    json_key_str(json, STR("type"), event->text);
    json_key(json, STR("isEnforced"));
    json_bool(json, event->number > 0);
    json_key_i64(json, STR("forNs"), event->number);
    json_end_object(json);
}

void waterfall_write_json(const struct waterfall *waterfall, const struct world *world,
                          struct arena *scratch, struct json *json)
{
    static const char *const KINDS[] = {"attempt", "wait", "timer", "moment"};
    json_begin_array(json);
    for (uint32_t i = 0; i < waterfall->count; i++) {
        const struct span *span = &waterfall->items[i];
        json_begin_object(json);
        json_key_str(json, STR("kind"), str_of(KINDS[span->kind]));
        json_key_str(json, STR("name"), span->name);
        json_key_str(json, STR("event"), trace_kind_name(span->event->kind));
        json_key_i64(json, STR("fromNs"), span->from_ns);
        json_key_i64(json, STR("toNs"), span->to_ns);
        json_key_str(json, STR("words"), span->words);
        json_key(json, STR("isFailure"));
        json_bool(json, span->is_bad);
        json_pod(span->event->endpoint, world, scratch, json);
        json_draw(span->event, json);
        json_breaker(span->event, json);
        json_ejection(span->event, json);
        json_end_object(json);
    }
    json_end_array(json);
}
