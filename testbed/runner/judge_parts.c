/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/runner/judge_parts.c - headers, and what applications saw.
 */
#include "testbed/runner/judge_parts.h"

#include "base/check.h"

#define LINES_SHOWN_MAX 16u

/* The index-th line of that name, or NULL. */
static const struct str *line_at(const struct seen_headers *seen, struct str name, uint32_t index)
{
    for (uint32_t i = 0; i < seen->count; i++)
        if (str_eq_ci(seen->items[i].name, name) && index-- == 0)
            return &seen->items[i].value;
    return NULL;
}

static uint32_t line_count(const struct seen_headers *seen, struct str name)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < seen->count; i++)
        count += str_eq_ci(seen->items[i].name, name);
    return count;
}

static struct str lines_words(const struct seen_headers *seen, struct str name, struct arena *arena)
{
    struct str out = STR_EMPTY;
    uint32_t count = line_count(seen, name);
    for (uint32_t i = 0; i < count && i < LINES_SHOWN_MAX; i++)
        out = arena_format(arena, "%.*s%s\"%.*s\"", STR_FMT(out), i > 0 ? ", " : "",
                           STR_FMT(*line_at(seen, name, i)));
    return count == 0 ? STR("absent") : out;
}

static void judge_header(const struct want_header *want, const char *where,
                         const struct seen_headers *seen, struct complaints *out)
{
    /* date is the clock's. */
    if (str_eq_ci(want->name, STR("date")))
        return;
    uint32_t count = line_count(seen, want->name);
    bool holds = true;
    struct str words = STR_EMPTY;
    for (uint32_t i = 0; i < want->line_count; i++) {
        holds &= want_text_holds(&want->lines[i], line_at(seen, want->name, i));
        words = arena_format(out->scratch, "%.*s%s%.*s", STR_FMT(words), i > 0 ? ", " : "",
                             STR_FMT(want_text_words(&want->lines[i], out->scratch)));
    }
    /* One value asked for one line, unless it only asks for presence. */
    const struct want_text *first = &want->lines[0];
    bool is_presence = want->line_count == 1 && first->has_present && !first->has_exact;
    if (want->line_count > 0 && count > want->line_count && !is_presence)
        holds = false;
    if (!holds)
        complain(out, want->origin,
                 arena_format(out->scratch, "%s %.*s", where, STR_FMT(want->name)), words,
                 lines_words(seen, want->name, out->scratch));
}

/* Names in order of first appearance, date left out. */
static void judge_order(const struct want_headers *want, const char *where,
                        const struct seen_headers *seen, struct complaints *out)
{
    struct str expected = STR_EMPTY, actual = STR_EMPTY;
    uint32_t next = 0;
    bool holds = true;
    for (uint32_t i = 0; i < want->count; i++)
        if (!str_eq_ci(want->items[i].name, STR("date")))
            expected = arena_format(out->scratch, "%.*s %.*s", STR_FMT(expected),
                                    STR_FMT(want->items[i].name));
    for (uint32_t i = 0; i < seen->count; i++) {
        struct str name = seen->items[i].name;
        struct seen_headers before = {seen->items, i};
        if (str_eq_ci(name, STR("date")) || line_count(&before, name) > 0)
            continue;
        actual = arena_format(out->scratch, "%.*s %.*s", STR_FMT(actual), STR_FMT(name));
        while (next < want->count && str_eq_ci(want->items[next].name, STR("date")))
            next++;
        holds &= next < want->count && str_eq_ci(want->items[next].name, name);
        next++;
    }
    while (next < want->count && str_eq_ci(want->items[next].name, STR("date")))
        next++;
    if (!holds || next != want->count)
        complain(out, want->origin, arena_format(out->scratch, "%s names", where),
                 str_trim(expected), str_trim(actual));
}

void judge_headers(const struct want_headers *want, const char *where,
                   const struct seen_headers *seen, struct complaints *out)
{
    if (!want->is_given)
        return;
    if (want->is_exact)
        judge_order(want, where, seen, out);
    for (uint32_t i = 0; i < want->count; i++)
        judge_header(&want->items[i], where, seen, out);
    for (uint32_t i = 0; i < want->absent_count; i++)
        if (line_count(seen, want->absent[i]) > 0)
            complain(out, want->origin,
                     arena_format(out->scratch, "%s %.*s", where, STR_FMT(want->absent[i])),
                     STR("absent"), lines_words(seen, want->absent[i], out->scratch));
}

static void judge_seen(const struct want_seen *want, const char *where, const struct sighting *seen,
                       const struct world *world, struct complaints *out)
{
    const struct world_pod *pod = &world->pods[seen->pod];
    struct arena *arena = out->scratch;
    struct seen_headers headers = {seen->headers, seen->header_count};
#define PLACE(field) arena_format(arena, "%s." field, where).ptr
    judge_text(&want->pod, PLACE("pod"), &pod->name, out);
    judge_text(&want->workload, PLACE("workload"), &pod->workload, out);
    judge_text(&want->uri, PLACE("uri"), &seen->uri, out);
    judge_text(&want->method, PLACE("method"), &seen->method, out);
    judge_text(&want->authority, PLACE("authority"), line_at(&headers, STR("host"), 0), out);
    judge_text(&want->body, PLACE("body"), &seen->body, out);
    judge_text(&want->server_name, PLACE("sni"), &seen->server_name, out);
    judge_headers(&want->headers, PLACE("headers"), &headers, out);
    judge_headers(&want->trailers, PLACE("trailers"),
                  &(struct seen_headers){seen->trailers, seen->trailer_count}, out);
#undef PLACE
}

static void judge_hosts(const struct expect *expect, const struct outcome *outcome,
                        const struct world *world, struct complaints *out)
{
    for (uint32_t h = 0; h < expect->hosts_count; h++) {
        const struct want_hosts *want = &expect->hosts[h];
        uint64_t distinct = 0;
        for (uint32_t i = 0; i < outcome->sighting_count; i++) {
            const struct sighting *seen = &outcome->sightings[i];
            bool is_new =
                !seen->is_mirror && str_eq(world->pods[seen->pod].workload, want->workload);
            for (uint32_t before = 0; before < i; before++)
                is_new &= outcome->sightings[before].is_mirror ||
                          outcome->sightings[before].pod != seen->pod;
            distinct += is_new;
        }
        if (!want_number_holds(want->order, want->value, distinct))
            complain(out, want->origin, STR("attemptHosts"),
                     arena_format(out->scratch, "%s%llu distinct", want_order_sign(want->order),
                                  (unsigned long long)want->value),
                     arena_format(out->scratch, "%llu", (unsigned long long)distinct));
    }
}

uint32_t judge_seen_count(const struct outcome *outcome)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < outcome->sighting_count; i++)
        count += !outcome->sightings[i].is_mirror;
    return count;
}

void judge_upstream(const struct expect *expect, const struct outcome *outcome,
                    const struct world *world, struct complaints *out)
{
    judge_hosts(expect, outcome, world, out);
    const struct want_upstream *want = &expect->upstream;
    if (!want->is_list)
        return;
    uint32_t count = judge_seen_count(outcome);
    if (count != want->count) {
        complain(out, want->origin, STR("upstream"),
                 arena_format(out->scratch, "%u requests reaching an application", want->count),
                 arena_format(out->scratch, "%u", count));
        return;
    }
    uint32_t next = 0;
    for (uint32_t i = 0; i < outcome->sighting_count; i++) {
        if (outcome->sightings[i].is_mirror)
            continue;
        struct str where = arena_format(out->scratch, "upstream[%u]", next);
        judge_seen(&want->items[next++], where.ptr, &outcome->sightings[i], world, out);
    }
}

void judge_mirror(const struct expect *expect, const struct outcome *outcome,
                  const struct world *world, struct complaints *out)
{
    for (uint32_t i = 0; i < outcome->sighting_count && expect->mirror.count > 0; i++) {
        if (!outcome->sightings[i].is_mirror)
            continue;
        judge_seen(&expect->mirror.items[0], "mirror", &outcome->sightings[i], world, out);
        return;
    }
}
