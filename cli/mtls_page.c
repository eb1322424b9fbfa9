/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/mtls_page.c - see mtls_page.h.
 *
 * Who said a mode stands below the table, by number: objects and places are long, and few.
 */
#include "cli/mtls_page.h"

#include "base/check.h"
#include "testbed/inspect/mtls_world.h"

#define COLUMNS 6u
#define PADDING 2u
#define BODY_SHOWN_MAX 200u
#define RED "\033[31m"
#define GREEN "\033[32m"
#define YELLOW "\033[33m"
#define DIM "\033[2m"
#define PLAIN "\033[0m"

struct row {
    struct str cells[COLUMNS];
    enum mtls_verdict verdict;
};

struct sheet {
    const struct mtls_page *page;
    struct row *rows;
    uint32_t row_count, row_capacity;
    struct str *notes; /* who said a mode */
    uint32_t note_count, note_capacity;
};

/* That somebody from outside is refused is what STRICT is for. */
static bool is_counted(const struct mtls_grid *grid, const struct mtls_cell *cell)
{
    struct str name = grid->world->clients[cell->client].spec.name;
    return cell->meeting.verdict == MTLS_REFUSED && !str_eq(name, STR(MTLS_NO_SIDECAR));
}

uint32_t mtls_page_refused(const struct mtls_grid *grid)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < grid->count; i++)
        count += is_counted(grid, &grid->cells[i]);
    return count;
}

static uint32_t note_of(struct sheet *sheet, struct str words)
{
    for (uint32_t i = 0; i < sheet->note_count; i++) {
        if (str_eq(sheet->notes[i], words))
            return i + 1;
    }
    *ARENA_PUSH(sheet->page->arena, sheet->notes, sheet->note_count, sheet->note_capacity) = words;
    return sheet->note_count;
}

static struct str side_words(struct sheet *sheet, const struct mtls_side *side)
{
    struct arena *arena = sheet->page->arena;
    if (side->by.len == 0)
        return side->mode;
    return arena_format(arena, "%.*s [%u]", STR_FMT(side->mode),
                        note_of(sheet, mtls_source(side, arena)));
}

/* "503 URX,UF", "connection_reset". */
static struct str answer_words(const struct mtls_cell *cell, struct arena *arena)
{
    const struct outcome *outcome = &cell->outcome;
    if (!cell->is_played)
        return STR("-");
    if (!outcome->has_response)
        return call_error_name(outcome->error);
    if (outcome->flags.len == 0 || str_eq(outcome->flags, STR("-")))
        return arena_format(arena, "%u", outcome->status);
    return arena_format(arena, "%u %.*s", outcome->status, STR_FMT(outcome->flags));
}

static struct str verdict_words(const struct mtls_cell *cell, struct arena *arena)
{
    struct str name = mtls_verdict_name(cell->meeting.verdict);
    if (cell->meeting.verdict != MTLS_REFUSED)
        return name;
    return arena_format(arena, "%.*s: %.*s", STR_FMT(name),
                        STR_FMT(mtls_reason_word(cell->meeting.reason)));
}

/* As access logs have it: without spaces. */
static struct str logged(struct str text, struct arena *arena)
{
    char *out = arena_alloc(arena, text.len);
    for (size_t i = 0; i < text.len; i++)
        out[i] = text.ptr[i] == ' ' ? '_' : text.ptr[i];
    return (struct str){out, text.len};
}

static struct str client_name(const struct mtls_page *page, const struct mtls_cell *cell)
{
    return page->grid->world->clients[cell->client].spec.name;
}

static void add_row(struct sheet *sheet, const struct mtls_cell *cell)
{
    struct arena *arena = sheet->page->arena;
    const struct mtls_meeting *meeting = &cell->meeting;
    struct row *row = ARENA_PUSH(arena, sheet->rows, sheet->row_count, sheet->row_capacity);
    bool is_there = meeting->verdict != MTLS_NOBODY;
    row->verdict = meeting->verdict;
    row->cells[0] = client_name(sheet->page, cell);
    row->cells[1] = mtls_cell_target(cell, arena);
    row->cells[2] = side_words(sheet, &meeting->client);
    row->cells[3] = is_there ? side_words(sheet, &meeting->server) : STR("-");
    row->cells[4] = verdict_words(cell, arena);
    row->cells[5] = answer_words(cell, arena);
}

static const char *colour_of(const struct mtls_page *page, enum mtls_verdict verdict)
{
    if (!page->has_colour)
        return "";
    switch (verdict) {
    case MTLS_PLAINTEXT:
        return YELLOW;
    case MTLS_TLS:
    case MTLS_MUTUAL:
    case MTLS_PASSED_ON:
        return GREEN;
    case MTLS_REFUSED:
        return RED;
    case MTLS_NOBODY:
        return DIM;
    }
    UNREACHABLE("mtls_verdict");
}

static enum rc write_rows(const struct sheet *sheet, struct buf *out)
{
    static const struct row HEADING = {{STR_INIT("CLIENT"), STR_INIT("SERVICE"),
                                        STR_INIT("CLIENT SIDE"), STR_INIT("SERVER SIDE"),
                                        STR_INIT("VERDICT"), STR_INIT("CALLER SEES")},
                                       MTLS_NOBODY};
    size_t widths[COLUMNS];
    enum rc rc = RC_OK;
    for (uint32_t k = 0; k < COLUMNS; k++) {
        widths[k] = HEADING.cells[k].len;
        for (uint32_t i = 0; i < sheet->row_count; i++) {
            size_t length = sheet->rows[i].cells[k].len;
            widths[k] = length > widths[k] ? length : widths[k];
        }
    }
    for (uint32_t i = 0; i <= sheet->row_count && rc == RC_OK; i++) {
        const struct row *row = i == 0 ? &HEADING : &sheet->rows[i - 1];
        const char *colour = i == 0 ? "" : colour_of(sheet->page, row->verdict);
        for (uint32_t k = 0; k < COLUMNS && rc == RC_OK; k++) {
            bool is_last = k + 1 == COLUMNS;
            int gap = is_last ? 0 : (int)(widths[k] + PADDING - row->cells[k].len);
            bool is_painted = k >= 4 && *colour != 0;
            rc = buf_format(out, "%s%.*s%s%*s%s", is_painted ? colour : "", STR_FMT(row->cells[k]),
                            is_painted ? PLAIN : "", gap, "", is_last ? "\n" : "");
        }
    }
    return rc;
}

static struct str shown_body(struct str body)
{
    struct str shown = str_slice(body, 0, BODY_SHOWN_MAX);
    for (size_t i = 0; i < shown.len; i++) {
        if ((unsigned char)shown.ptr[i] < ' ')
            return str_slice(shown, 0, i);
    }
    return shown;
}

static enum rc write_answer(const struct mtls_page *page, const struct mtls_cell *cell,
                            struct buf *out)
{
    const struct outcome *outcome = &cell->outcome;
    struct str body = shown_body(outcome->body);
    enum rc rc =
        buf_format(out, "  caller   %.*s%s%.*s%s\n", STR_FMT(answer_words(cell, page->arena)),
                   body.len > 0 ? ", \"" : "", STR_FMT(body), body.len > 0 ? "\"" : "");
    if (rc == RC_OK && cell->is_played && outcome->has_record &&
        outcome->record.transport_failure.len > 0)
        rc = buf_format(out, "  log      %.*s\n",
                        STR_FMT(logged(outcome->record.transport_failure, page->arena)));
    return rc;
}

static enum rc write_side(const char *name, const struct mtls_side *side,
                          const struct mtls_page *page, struct buf *out)
{
    struct str source = mtls_source(side, page->arena);
    return buf_format(out, "  %-7s  %.*s, speaks %.*s%s%.*s\n", name, STR_FMT(side->mode),
                      STR_FMT(side->speaks), source.len > 0 ? "   " : "", STR_FMT(source));
}

/* What differs is who calls. */
static bool is_same_story(const struct mtls_page *page, const struct mtls_cell *a,
                          const struct mtls_cell *b)
{
    struct arena *arena = page->arena;
    return b->meeting.verdict == MTLS_REFUSED && a->service == b->service && a->port == b->port &&
           str_eq(a->subset, b->subset) && str_eq(a->workloads, b->workloads) &&
           mtls_is_same_fate(&a->meeting, &b->meeting) &&
           str_eq(answer_words(a, arena), answer_words(b, arena));
}

static bool is_told(const struct mtls_page *page, const struct mtls_cell *cell)
{
    for (const struct mtls_cell *at = page->grid->cells; at < cell; at++) {
        if (is_same_story(page, cell, at))
            return true;
    }
    return false;
}

/* Of this cell and of those like it. */
static struct str callers_of(const struct mtls_page *page, const struct mtls_cell *cell)
{
    const struct mtls_cell *end = page->grid->cells + page->grid->count;
    struct str out = client_name(page, cell);
    for (const struct mtls_cell *at = cell + 1; at < end; at++) {
        if (is_same_story(page, cell, at))
            out = arena_format(page->arena, "%.*s, %.*s", STR_FMT(out),
                               STR_FMT(client_name(page, at)));
    }
    return out;
}

static enum rc write_refused(const struct mtls_page *page, const struct mtls_cell *cell,
                             struct buf *out)
{
    struct arena *arena = page->arena;
    const char *red = page->has_colour ? RED : "", *plain = page->has_colour ? PLAIN : "";
    enum rc rc = buf_format(out, "\n%.*s to %.*s: %s%.*s%s\n", STR_FMT(callers_of(page, cell)),
                            STR_FMT(mtls_cell_target(cell, arena)), red,
                            STR_FMT(mtls_because(&cell->meeting, arena)), plain);
    if (rc == RC_OK)
        rc = write_side("client", &cell->meeting.client, page, out);
    if (rc == RC_OK)
        rc = write_side("server", &cell->meeting.server, page, out);
    if (rc == RC_OK && cell->meeting.hint.len > 0)
        rc = buf_format(out, "  hint     %.*s\n", STR_FMT(cell->meeting.hint));
    return rc == RC_OK ? write_answer(page, cell, out) : rc;
}

enum rc mtls_page_write(const struct mtls_page *page, struct buf *out)
{
    struct sheet sheet = {.page = page};
    const struct mtls_grid *grid = page->grid;
    for (uint32_t i = 0; i < grid->count; i++) {
        if (!page->is_quiet || grid->cells[i].meeting.verdict == MTLS_REFUSED)
            add_row(&sheet, &grid->cells[i]);
    }
    if (sheet.row_count == 0)
        return buf_append(out, page->is_quiet ? STR_EMPTY : STR("nobody calls anybody\n"));
    enum rc rc = write_rows(&sheet, out);
    for (uint32_t i = 0; i < sheet.note_count && rc == RC_OK; i++)
        rc = buf_format(out, "%s[%u] %.*s\n", i == 0 ? "\n" : "", i + 1, STR_FMT(sheet.notes[i]));
    for (uint32_t i = 0; i < grid->count && rc == RC_OK; i++) {
        const struct mtls_cell *cell = &grid->cells[i];
        if (cell->meeting.verdict == MTLS_REFUSED && !is_told(page, cell))
            rc = write_refused(page, cell, out);
    }
    return rc;
}

/* --- json --------------------------------------------------------------------- */

/* Was the application told who calls? */
static bool is_known(const struct sighting *sighting)
{
    for (uint32_t i = 0; i < sighting->header_count; i++) {
        if (str_eq_ci(sighting->headers[i].name, STR("x-forwarded-client-cert")))
            return true;
    }
    return false;
}

static void json_answer(const struct mtls_cell *cell, struct arena *arena, struct json *json)
{
    const struct outcome *outcome = &cell->outcome;
    json_key(json, STR("answer"));
    json_begin_object(json);
    if (outcome->has_response) {
        json_key_i64(json, STR("status"), outcome->status);
        json_key_str(json, STR("body"), outcome->body);
    }
    if (outcome->error != CALL_OK)
        json_key_str(json, STR("error"), call_error_name(outcome->error));
    if (outcome->sighting_count > 0) {
        json_key(json, STR("isClientKnown"));
        json_bool(json, is_known(&outcome->sightings[0]));
    }
    if (outcome->has_record) {
        json_key_str(json, STR("flags"), outcome->flags);
        json_key_str(json, STR("details"), outcome->record.details);
        json_key_i64(json, STR("attempts"), outcome->record.attempt_count);
        if (outcome->record.transport_failure.len > 0)
            json_key_str(json, STR("transportFailure"),
                         logged(outcome->record.transport_failure, arena));
    }
    json_end_object(json);
}

static void json_handshake(const struct mtls_meeting *meeting, struct json *json)
{
    if (!meeting->has_handshake || meeting->verdict == MTLS_REFUSED)
        return;
    json_key_str(json, STR("version"), tls_version_name(meeting->outcome.version));
    if (meeting->outcome.protocol.len > 0)
        json_key_str(json, STR("alpn"), meeting->outcome.protocol);
}

static void json_cell(const struct mtls_page *page, const struct mtls_cell *cell, struct json *json)
{
    const struct mtls_meeting *meeting = &cell->meeting;
    json_begin_object(json);
    json_key_str(json, STR("client"), client_name(page, cell));
    json_key_str(json, STR("service"), cell->service->host);
    json_key_i64(json, STR("port"), cell->port);
    if (cell->subset.len > 0)
        json_key_str(json, STR("subset"), cell->subset);
    json_key(json, STR("pods"));
    json_begin_array(json);
    for (uint32_t i = 0; i < cell->pod_count; i++)
        json_str(json, page->grid->world->pods[cell->pods[i]].name);
    json_end_array(json);
    mtls_side_json(STR("clientSide"), &meeting->client, json);
    if (meeting->verdict != MTLS_NOBODY)
        mtls_side_json(STR("serverSide"), &meeting->server, json);
    json_key_str(json, STR("verdict"), mtls_verdict_name(meeting->verdict));
    if (meeting->verdict == MTLS_REFUSED) {
        json_key_str(json, STR("because"), mtls_reason_word(meeting->reason));
        json_key_str(json, STR("words"), mtls_because(meeting, page->arena));
        if (meeting->hint.len > 0)
            json_key_str(json, STR("hint"), meeting->hint);
        if (meeting->transport_failure.len > 0)
            json_key_str(json, STR("transportFailure"),
                         logged(meeting->transport_failure, page->arena));
    }
    json_handshake(meeting, json);
    if (cell->is_played)
        json_answer(cell, page->arena, json);
    json_end_object(json);
}

void mtls_page_write_json(const struct mtls_page *page, struct json *json)
{
    const struct mtls_grid *grid = page->grid;
    json_begin_object(json);
    json_key_str(json, STR("profile"), grid->world->spec.profile->name);
    json_key_str(json, STR("engine"), page->engine_name);
    json_key(json, STR("cells"));
    json_begin_array(json);
    for (uint32_t i = 0; i < grid->count; i++) {
        if (!page->is_quiet || grid->cells[i].meeting.verdict == MTLS_REFUSED)
            json_cell(page, &grid->cells[i], json);
    }
    json_end_array(json);
    json_key_i64(json, STR("refused"), mtls_page_refused(grid));
    json_end_object(json);
}
