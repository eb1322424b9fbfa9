/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/runner/judge.c - one outcome against its expectations.
 */
#include "testbed/runner/judge.h"

#include <string.h>

#include "base/check.h"
#include "base/ns.h"
#include "config/yaml/duration.h"
#include "testbed/runner/judge_parts.h"

/* In virtual time a plain duration is exact to this. */
#define VIRTUAL_SLACK_NS NS_MS
/* In real time it may be late by this or a tenth, and early by a clock's grain. */
#define REAL_SLACK_NS (150 * NS_MS)
#define REAL_EARLY_NS (5 * NS_MS)

static bool is_same_place(struct origin a, struct origin b)
{
    return a.line == b.line && a.column == b.column && str_eq(a.file, b.file);
}

void complain(struct complaints *complaints, struct origin origin, struct str where,
              struct str expected, struct str actual)
{
    complaints->said_count++;
    for (uint32_t i = 0; i < complaints->count; i++) {
        struct complaint *known = &complaints->items[i];
        if (!is_same_place(known->origin, origin) || !str_eq(known->where, where) ||
            !str_eq(known->request, complaints->request) || !str_eq(known->actual, actual))
            continue;
        known->times++;
        return;
    }
    if (complaints->count >= COMPLAINTS_MAX) {
        complaints->dropped_count++;
        return;
    }
    struct complaint *fresh =
        ARENA_PUSH(complaints->arena, complaints->items, complaints->count, complaints->capacity);
    *fresh = (struct complaint){.origin = origin,
                                .request = arena_str(complaints->arena, complaints->request),
                                .where = arena_str(complaints->arena, where),
                                .expected = arena_str(complaints->arena, expected),
                                .actual = arena_str(complaints->arena, actual),
                                .times = 1};
}

bool want_text_holds(const struct want_text *want, const struct str *got)
{
    if (want->is_null)
        return got == NULL || got->len == 0;
    struct str text = got != NULL ? *got : STR_EMPTY;
    if (want->has_present && want->present != (got != NULL))
        return false;
    if (want->has_exact && !str_eq(text, want->exact))
        return false;
    if (got == NULL)
        return !want->has_prefix && !want->has_contains && want->regex == NULL;
    return (!want->has_prefix || str_has_prefix(text, want->prefix)) &&
           (!want->has_contains || str_contains(text, want->contains)) &&
           (want->regex == NULL || regex_matches_whole(want->regex, text));
}

bool want_number_holds(enum want_order order, uint64_t want, uint64_t got)
{
    switch (order) {
    case WANT_EQUAL:
        return got == want;
    case WANT_BELOW:
        return got < want;
    case WANT_AT_MOST:
        return got <= want;
    case WANT_ABOVE:
        return got > want;
    case WANT_AT_LEAST:
        return got >= want;
    case WANT_BETWEEN:
        break;
    }
    UNREACHABLE("want_order");
}

struct str want_text_words(const struct want_text *want, struct arena *arena)
{
    struct str out = STR_EMPTY;
    if (want->is_null)
        return STR("nothing");
    if (want->has_exact)
        out = arena_format(arena, "\"%.*s\"", STR_FMT(want->exact));
    if (want->has_prefix)
        out = arena_format(arena, "%.*s beginning with \"%.*s\"", STR_FMT(out),
                           STR_FMT(want->prefix));
    if (want->has_contains)
        out =
            arena_format(arena, "%.*s containing \"%.*s\"", STR_FMT(out), STR_FMT(want->contains));
    if (want->regex != NULL)
        out = arena_format(arena, "%.*s matching /%.*s/", STR_FMT(out), STR_FMT(want->pattern));
    if (want->has_present)
        out = arena_format(arena, "%.*s %s", STR_FMT(out), want->present ? "present" : "absent");
    return str_trim(out);
}

void judge_text(const struct want_text *want, const char *where, const struct str *got,
                struct complaints *out)
{
    if (!want->is_given || want_text_holds(want, got))
        return;
    struct str actual =
        got == NULL ? STR("nothing") : arena_format(out->scratch, "\"%.*s\"", STR_FMT(*got));
    complain(out, want->origin, str_of(where), want_text_words(want, out->scratch), actual);
}

const char *want_order_sign(enum want_order order)
{
    switch (order) {
    case WANT_EQUAL:
    case WANT_BETWEEN:
        return "";
    case WANT_BELOW:
        return "< ";
    case WANT_AT_MOST:
        return "<= ";
    case WANT_ABOVE:
        return "> ";
    case WANT_AT_LEAST:
        return ">= ";
    }
    UNREACHABLE("want_order");
}

void judge_numbers(const struct want_numbers *want, struct str where, bool has_value, uint64_t got,
                   struct complaints *out)
{
    if (want->count == 0)
        return;
    struct str words = STR_EMPTY;
    for (uint32_t i = 0; i < want->count; i++) {
        const struct want_number *item = &want->items[i];
        if (has_value && want_number_holds(item->order, item->value, got))
            return;
        words = arena_format(out->scratch, "%.*s%s%s%llu", STR_FMT(words), i > 0 ? " or " : "",
                             want_order_sign(item->order), (unsigned long long)item->value);
    }
    complain(out, want->origin, where, words,
             has_value ? arena_format(out->scratch, "%llu", (unsigned long long)got)
                       : STR("nothing"));
}

bool want_duration_holds(const struct want_duration *want, int64_t got_ns, int64_t early_ns,
                         int64_t late_ns)
{
    switch (want->order) {
    case WANT_BELOW:
        return got_ns < want->to_ns;
    case WANT_AT_MOST:
        return got_ns <= want->to_ns;
    case WANT_ABOVE:
        return got_ns > want->from_ns;
    case WANT_AT_LEAST:
        return got_ns >= want->from_ns - early_ns;
    case WANT_BETWEEN:
        return got_ns >= want->from_ns - early_ns && got_ns <= want->to_ns;
    case WANT_EQUAL:
        return got_ns >= want->from_ns - early_ns && got_ns <= want->to_ns + late_ns;
    }
    UNREACHABLE("want_order");
}

struct str want_duration_words(const struct want_duration *want, struct arena *arena)
{
    struct str from = duration_text(want->from_ns, arena);
    if (want->order == WANT_BETWEEN)
        return arena_format(arena, "%.*s..%.*s", STR_FMT(from),
                            STR_FMT(duration_text(want->to_ns, arena)));
    return arena_format(arena, "%s%.*s", want_order_sign(want->order), STR_FMT(from));
}

int64_t want_duration_slack_ns(const struct want_duration *want, bool is_virtual)
{
    return is_virtual ? VIRTUAL_SLACK_NS : ns_max(REAL_SLACK_NS, want->to_ns / 10);
}

static void judge_duration(const struct want_duration *want, const struct outcome *outcome,
                           bool is_virtual, struct complaints *out)
{
    /* What back-offs took was drawn: a plain duration does not mean it. */
    int64_t drawn_ns = outcome->has_record ? outcome->record.backoff_ns : 0;
    int64_t late_ns = want_duration_slack_ns(want, is_virtual) + drawn_ns;
    int64_t early_ns = is_virtual ? VIRTUAL_SLACK_NS : REAL_EARLY_NS;
    if (!want->is_given || want_duration_holds(want, outcome->duration_ns, early_ns, late_ns))
        return;
    complain(out, want->origin, STR("response.duration"), want_duration_words(want, out->scratch),
             duration_text(outcome->duration_ns / NS_US * NS_US, out->scratch));
}

/* Nobody logs a request that reached no proxy: it has no flags. */
static struct str flags_of(const struct outcome *outcome)
{
    return outcome->has_record ? outcome->flags : STR("-");
}

static bool has_flag(const struct outcome *outcome, struct str flag)
{
    struct str rest = flags_of(outcome);
    while (rest.ptr != NULL)
        if (str_eq(str_cut(&rest, ','), flag))
            return true;
    return false;
}

static uint32_t flag_count(const struct outcome *outcome)
{
    uint32_t count = 0;
    struct str rest = flags_of(outcome);
    while (rest.ptr != NULL) {
        (void)str_cut(&rest, ',');
        count++;
    }
    return count;
}

static void judge_flags(const struct want_flags *want, const struct outcome *outcome,
                        struct complaints *out)
{
    if (!want->is_given)
        return;
    struct str words = STR_EMPTY;
    uint32_t found = 0;
    for (uint32_t i = 0; i < want->count; i++) {
        found += has_flag(outcome, want->items[i]);
        words = arena_format(out->scratch, "%.*s%s%.*s", STR_FMT(words),
                             i == 0           ? ""
                             : want->is_exact ? ","
                                              : " or ",
                             STR_FMT(want->items[i]));
    }
    bool holds =
        want->is_exact ? found == want->count && flag_count(outcome) == want->count : found > 0;
    if (!holds)
        complain(out, want->origin, STR("response.flags"), words, flags_of(outcome));
}

static void judge_interim(const struct want_response *want, const struct outcome *outcome,
                          struct complaints *out)
{
    if (!want->has_interim ||
        (want->interim_count == outcome->interim_count &&
         (want->interim_count == 0 ||
          memcmp(want->interim, outcome->interim, want->interim_count * sizeof(uint32_t)) == 0)))
        return;
    struct str actual = STR_EMPTY, words = STR_EMPTY;
    for (uint32_t i = 0; i < outcome->interim_count; i++)
        actual = arena_format(out->scratch, "%.*s %u", STR_FMT(actual), outcome->interim[i]);
    for (uint32_t i = 0; i < want->interim_count; i++)
        words = arena_format(out->scratch, "%.*s %u", STR_FMT(words), want->interim[i]);
    complain(out, want->origin, STR("response.interim"), str_trim(words), str_trim(actual));
}

/* The access log has no blanks in its words (ENVOY.md 14). */
static struct str log_word(struct str text, struct arena *arena)
{
    struct str copy = arena_str(arena, text);
    char *bytes = arena_alloc(arena, copy.len);
    for (size_t i = 0; i < copy.len; i++)
        bytes[i] = copy.ptr[i] == ' ' ? '_' : copy.ptr[i];
    return (struct str){bytes, copy.len};
}

static void judge_log(const struct want_response *want, const struct outcome *outcome,
                      struct complaints *out)
{
    const struct record *record = &outcome->record;
    bool has_details = outcome->has_record && record->details.len > 0;
    bool has_failure = outcome->has_record && record->transport_failure.len > 0;
    struct str details = has_details ? log_word(record->details, out->scratch) : STR_EMPTY;
    struct str failure =
        has_failure ? log_word(record->transport_failure, out->scratch) : STR_EMPTY;
    judge_flags(&want->flags, outcome, out);
    judge_text(&want->details, "response.details", has_details ? &details : NULL, out);
    judge_text(&want->transport_failure, "response.transportFailure", has_failure ? &failure : NULL,
               out);
}

static void judge_response(const struct want_response *want, const struct outcome *outcome,
                           bool is_virtual, struct complaints *out)
{
    if (!want->is_given)
        return;
    bool has = outcome->has_response;
    judge_numbers(&want->status, STR("response.status"), has, outcome->status, out);
    judge_text(&want->reason, "response.reason", has ? &outcome->reason : NULL, out);
    judge_text(&want->body, "response.body", has ? &outcome->body : NULL, out);
    judge_log(want, outcome, out);
    judge_headers(&want->headers, "response.headers",
                  &(struct seen_headers){outcome->headers, outcome->header_count}, out);
    judge_headers(&want->trailers, "response.trailers",
                  &(struct seen_headers){outcome->trailers, outcome->trailer_count}, out);
    judge_interim(want, outcome, out);
    judge_duration(&want->duration, outcome, is_virtual, out);
}

/* Then errors are told apart by what is said of all. */
static bool is_about_many(const struct expect *expect)
{
    return expect->distribution_count > 0 || expect->window_count > 0 ||
           expect->threshold_count > 0;
}

static void judge_error(const struct expect *expect, const struct outcome *outcome,
                        struct complaints *out)
{
    if (!expect->has_error) {
        if (outcome->error != CALL_OK && !is_about_many(expect))
            complain(out, expect->origin, STR("error"), STR("none"),
                     call_error_name(outcome->error));
        return;
    }
    struct str words = STR_EMPTY;
    for (uint32_t i = 0; i < expect->error_count; i++) {
        if (expect->errors[i] == outcome->error)
            return;
        struct str name = call_error_name(expect->errors[i]);
        words = arena_format(out->scratch, "%.*s%s%.*s", STR_FMT(words), i > 0 ? " or " : "",
                             STR_FMT(name.len > 0 ? name : STR("none")));
    }
    struct str name = call_error_name(outcome->error);
    complain(out, expect->error_origin, STR("error"), words, name.len > 0 ? name : STR("none"));
}

/* "reviews" for reviews.default.svc.cluster.local seen from default. */
static struct str short_host(struct str host, const struct world *world)
{
    struct str rest = host;
    struct str name = str_cut(&rest, '.');
    struct str namespace = rest.ptr != NULL ? str_cut(&rest, '.') : STR_EMPTY;
    bool is_own =
        str_has_suffix(host, STR(".svc.cluster.local")) && str_eq(namespace, world->spec.namespace);
    return is_own ? name : host;
}

static void judge_destination(const struct expect *expect, const struct outcome *outcome,
                              const struct world *world, struct complaints *out)
{
    if (!expect->has_destination)
        return;
    struct str host, subset, port;
    struct str cluster = outcome->has_record ? outcome->record.cluster_name : STR_EMPTY;
    if (!tally_cluster_parts(cluster, &host, &subset, &port)) {
        complain(out, expect->host.is_given ? expect->host.origin : expect->origin,
                 STR("destination"), STR("a cluster of the mesh"),
                 cluster.len > 0 ? cluster : STR("none"));
        return;
    }
    struct str brief = short_host(host, world);
    if (!expect->host.is_given || !want_text_holds(&expect->host, &brief))
        judge_text(&expect->host, "destination.host", &host, out);
    judge_text(&expect->subset, "destination.subset", &subset, out);
    judge_text(&expect->port, "destination.port", &port, out);
}

/* NAMESPACE/NAME of the route's VirtualService, or just its name in the default
 * namespace. istiod names it in the route's metadata. */
static void judge_virtual_service(const struct expect *expect, const struct outcome *outcome,
                                  const struct world *world, struct complaints *out)
{
    if (!expect->virtual_service.is_given)
        return;
    bool has_route = outcome->has_record && outcome->record.route != NULL;
    struct str path = has_route ? outcome->record.route->config : STR_EMPTY;
    size_t at = str_find_str(path, STR("/namespaces/"));
    if (at == STR_NONE) {
        judge_text(&expect->virtual_service, "decision.virtualService", NULL, out);
        return;
    }
    struct str rest = str_from(path, at + STR("/namespaces/").len);
    struct str namespace = str_cut(&rest, '/');
    (void)str_cut(&rest, '/');
    struct str whole = arena_format(out->scratch, "%.*s/%.*s", STR_FMT(namespace), STR_FMT(rest));
    if (!str_eq(namespace, world->spec.namespace) ||
        !want_text_holds(&expect->virtual_service, &rest))
        judge_text(&expect->virtual_service, "decision.virtualService", &whole, out);
}

void judge_outcome(const struct expect *expect, const struct outcome *outcome,
                   const struct world *world, bool is_virtual, struct complaints *out)
{
    judge_response(&expect->response, outcome, is_virtual, out);
    judge_error(expect, outcome, out);
    judge_destination(expect, outcome, world, out);
    const struct record *record = &outcome->record;
    uint64_t attempts = outcome->has_record ? record->attempt_count : judge_seen_count(outcome);
    judge_numbers(&expect->attempts, STR("attempts"), true, attempts, out);
    if (expect->rule.is_given) {
        bool has_route = outcome->has_record && record->route != NULL;
        judge_text(&expect->rule, "decision.rule", has_route ? &record->route->name : NULL, out);
    }
    judge_virtual_service(expect, outcome, world, out);
    judge_upstream(expect, outcome, world, out);
}
