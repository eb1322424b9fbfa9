/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/agree/cells.c - see cells.h.
 */
#include "tests/agree/cells.h"

#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/rng.h"
#include "testbed/inspect/mtls_grid.h"
#include "testbed/inspect/mtls_world.h"
#include "testbed/sim/sim.h"
#include "testbed/sockets/sockets.h"
#include "tests/agree/compare.h"
#include "tests/agree/stage.h"

#define TRIES 3u
#define PAGE_BYTES_MAX (1u << 22)

/* The cells of one mesh, in a world of their own. */
struct table {
    struct stage stage;
    struct world *world;
    struct mtls_grid grid;
};

static bool table_open(struct table *table, const struct chance_text *text)
{
    struct world_spec spec;
    struct mtls_callers callers = {0};
    *table = (struct table){0};
    if (!stage_read(&table->stage, text, &spec))
        return false;
    table->world = mtls_world_new(&spec, &callers, &table->stage.arena, &table->stage.diags);
    if (table->world == NULL)
        return false;
    table->grid = mtls_grid_of(table->world, STR_EMPTY, &table->stage.arena);
    return true;
}

static void table_close(struct table *table)
{
    if (table->world != NULL)
        world_free(table->world);
    stage_close(&table->stage);
}

static struct play *begin_sim(struct world *world, struct play_options options, struct str *why)
{
    (void)why;
    return sim_play_new(world, options);
}

static struct play *begin_live(struct world *world, struct play_options options, struct str *why)
{
    return sockets_play_new(world, options, why);
}

/* --- what the caller sees ----------------------------------------------------- */

static bool is_guarded(const struct chance_text *text)
{
    return str_find_str(buf_str(&text->mesh), STR("AuthorizationPolicy")) != STR_NONE;
}

static bool has_flag(const struct outcome *outcome, const char *flag)
{
    return str_find_str(outcome->flags, str_of(flag)) != STR_NONE;
}

/* Empty: the caller sees what was computed. */
static const char *wrong_refusal(const struct mtls_cell *cell)
{
    const struct outcome *outcome = &cell->outcome;
    struct str text = cell->meeting.transport_failure;
    bool is_bytes = cell->cluster == NULL || cell->cluster->protocol == UPSTREAM_TCP;
    if (is_bytes)
        return outcome->has_response ? "refused, and the caller is answered" : "";
    if (outcome->status != 503)
        return "refused, and the caller does not see 503";
    if (!str_eq(outcome->record.transport_failure, text))
        return "another transport failure";
    return text.len == 0 && !has_flag(outcome, "UC") ? "refused later, and the flag is not UC" : "";
}

static bool is_certificate_told(const struct outcome *outcome)
{
    for (uint32_t i = 0; i < outcome->sighting_count; i++) {
        const struct sighting *seen = &outcome->sightings[i];
        for (uint32_t k = 0; k < seen->header_count; k++) {
            if (str_eq_ci(seen->headers[k].name, STR("x-forwarded-client-cert")))
                return true;
        }
    }
    return false;
}

static const char *wrong_meeting(const struct mtls_cell *cell, bool is_guarded)
{
    const struct outcome *outcome = &cell->outcome;
    bool is_http = cell->meeting.chain != NULL && cell->meeting.chain->kind == CHAIN_HTTP;
    if (is_guarded && (outcome->status == 403 || !outcome->has_response))
        return "";
    if (outcome->status != 200)
        return "it should come about";
    if (is_http && is_certificate_told(outcome) != (cell->meeting.verdict == MTLS_MUTUAL))
        return "the application was told of a client's certificate, or was not";
    return "";
}

static const char *wrong_with(const struct mtls_cell *cell, bool is_guarded)
{
    if (!cell->is_played || cell->meeting.verdict == MTLS_NOBODY)
        return "";
    return cell->meeting.verdict == MTLS_REFUSED ? wrong_refusal(cell)
                                                 : wrong_meeting(cell, is_guarded);
}

static void name_cell(const struct table *table, const struct mtls_cell *cell, struct buf *out)
{
    struct arena arena;
    arena_init(&arena, 1024, 0);
    ASSERT(buf_format(out,
                      "  (%.*s to %.*s: client %.*s by %.*s, server %.*s by %.*s, %.*s, %.*s; "
                      "answer %u %.*s)\n",
                      STR_FMT(table->world->clients[cell->client].spec.name),
                      STR_FMT(mtls_cell_target(cell, &arena)), STR_FMT(cell->meeting.client.mode),
                      STR_FMT(mtls_source(&cell->meeting.client, &arena)),
                      STR_FMT(cell->meeting.server.mode),
                      STR_FMT(mtls_source(&cell->meeting.server, &arena)),
                      STR_FMT(mtls_verdict_name(cell->meeting.verdict)),
                      STR_FMT(mtls_because(&cell->meeting, &arena)), cell->outcome.status,
                      STR_FMT(cell->outcome.record.transport_failure)) == RC_OK);
    arena_fini(&arena);
}

/* All are called at once: which of several pods a call meets is luck. */
static bool is_same_outcome(const struct mtls_cell *cell, const struct mtls_cell *other,
                            struct buf *out)
{
    struct outcome one = cell->outcome;
    if (cell->pod_count > 1)
        one.pod = other->outcome.pod;
    return compare_outcomes(&one, &other->outcome, true, out);
}

static bool is_cell_right(const struct table *one, const struct mtls_cell *cell,
                          const struct mtls_cell *other, bool is_guarded, struct buf *out)
{
    const char *wrong = wrong_with(cell, is_guarded);
    if (wrong[0] == '\0')
        wrong = wrong_with(other, is_guarded);
    bool is_right = wrong[0] == '\0';
    if (!is_right)
        ASSERT(buf_format(out, "  %s\n", wrong) == RC_OK);
    if (cell->is_played != other->is_played)
        is_right = false;
    else if (cell->is_played)
        is_right &= is_same_outcome(cell, other, out);
    if (!is_right)
        name_cell(one, cell, out);
    return is_right;
}

static bool played_once(const struct chance_text *text, uint64_t seed, struct buf *out)
{
    struct table one, other;
    struct str why = STR_EMPTY;
    bool is_right = table_open(&one, text);
    is_right &= table_open(&other, text);
    is_right = is_right && one.grid.count == other.grid.count &&
               mtls_grid_play(&one.grid, (struct mtls_engine){begin_sim, NULL}, seed,
                              &one.stage.arena, &why) &&
               mtls_grid_play(&other.grid, (struct mtls_engine){begin_live, NULL}, seed,
                              &other.stage.arena, &why);
    if (!is_right)
        ASSERT(buf_format(out, "  cannot be played: %.*s\n", STR_FMT(why)) == RC_OK);
    for (uint32_t i = 0; is_right && i < one.grid.count; i++)
        is_right =
            is_cell_right(&one, &one.grid.cells[i], &other.grid.cells[i], is_guarded(text), out);
    table_close(&one);
    table_close(&other);
    return is_right;
}

/* --- who said it ------------------------------------------------------------------ */

/* Where the side's word stands in the text: behind the place that it names, on its line or,
 * where a block begins there, on the next ones. STR_NONE: it doesn't. */
static size_t place_of(struct str text, const struct mtls_side *side)
{
    size_t at = 0;
    for (uint32_t line = 1; line < side->origin.line; line++) {
        size_t end = str_find(str_from(text, at), '\n');
        if (end == STR_NONE)
            return STR_NONE;
        at += end + 1;
    }
    at += side->origin.column - 1;
    struct str words = str_from(text, at);
    size_t mode = str_find_str(words, STR("mode: "));
    if (str_has_prefix(words, side->mode))
        return at;
    if (mode == STR_NONE || mode > 40 || !str_has_prefix(str_from(words, mode + 6), side->mode))
        return STR_NONE;
    return at + mode + 6;
}

static bool is_named(const struct mtls_side *side)
{
    return side->origin.line > 0 && str_eq(side->origin.file, STR("mesh.yaml")) &&
           !str_eq(side->mode, STR("none")); /* no word of the MeshConfig's is a mode */
}

/* The same mesh with another word at that place. */
static bool is_followed(const struct chance_text *text, uint32_t cell, bool is_client,
                        const struct mtls_side *side, struct buf *out)
{
    const char *other =
        str_eq(side->mode, STR("DISABLE")) ? is_client ? "ISTIO_MUTUAL" : "STRICT" : "DISABLE";
    struct str mesh = buf_str(&text->mesh);
    size_t at = place_of(mesh, side);
    struct chance_text changed;
    struct table table;
    chance_empty(&changed);
    ASSERT(buf_format(&changed.mesh, "%.*s%s%.*s", STR_FMT(str_slice(mesh, 0, at)), other,
                      STR_FMT(str_from(mesh, at + side->mode.len))) == RC_OK);
    ASSERT(buf_append(&changed.test, buf_str(&text->test)) == RC_OK);
    bool is_right = table_open(&table, &changed);
    if (is_right && cell < table.grid.count) {
        const struct mtls_meeting *meeting = &table.grid.cells[cell].meeting;
        struct str mode = is_client ? meeting->client.mode : meeting->server.mode;
        is_right = str_eq(mode, str_of(other));
        if (!is_right)
            ASSERT(buf_format(out, "  with %s in its place the mode is %.*s\n", other,
                              STR_FMT(mode)) == RC_OK);
    }
    table_close(&table);
    chance_fini(&changed);
    return is_right;
}

static bool is_side_right(const struct chance_text *text, uint32_t cell, bool is_client,
                          const struct mtls_side *side, struct buf *out)
{
    if (!is_named(side))
        return true;
    if (place_of(buf_str(&text->mesh), side) != STR_NONE)
        return is_followed(text, cell, is_client, side, out);
    ASSERT(buf_format(out, "  no mode %.*s at mesh.yaml:%u:%u\n", STR_FMT(side->mode),
                      side->origin.line, side->origin.column) == RC_OK);
    return false;
}

/* Each place once: cells share them. */
static bool is_new(const struct mtls_grid *grid, uint32_t cell, bool is_client)
{
    const struct mtls_meeting *own = &grid->cells[cell].meeting;
    const struct mtls_side *side = is_client ? &own->client : &own->server;
    for (uint32_t i = 0; i < cell; i++) {
        const struct mtls_meeting *meeting = &grid->cells[i].meeting;
        const struct mtls_side *earlier = is_client ? &meeting->client : &meeting->server;
        if (earlier->origin.line == side->origin.line &&
            earlier->origin.column == side->origin.column)
            return false;
    }
    return true;
}

static bool are_said(const struct chance_text *text, struct buf *out)
{
    struct table table;
    bool is_right = table_open(&table, text);
    for (uint32_t i = 0; is_right && i < table.grid.count; i++) {
        const struct mtls_meeting *meeting = &table.grid.cells[i].meeting;
        if (is_new(&table.grid, i, true))
            is_right &= is_side_right(text, i, true, &meeting->client, out);
        if (is_new(&table.grid, i, false))
            is_right &= is_side_right(text, i, false, &meeting->server, out);
        if (!is_right)
            name_cell(&table, &table.grid.cells[i], out);
    }
    table_close(&table);
    return is_right;
}

bool cells_hold(uint64_t seed)
{
    struct chance_text text;
    struct buf out;
    bool is_right = false;
    chance_security(seed, &text);
    buf_init(&out, PAGE_BYTES_MAX);
    for (uint32_t try = 0; !is_right && try < TRIES; try++) {
        buf_clear(&out);
        is_right = played_once(&text, seed, &out);
    }
    is_right &= are_said(&text, &out);
    if (!is_right)
        printf("seed %llu: cells\n%.*s", (unsigned long long)seed, STR_FMT(buf_str(&out)));
    buf_fini(&out);
    chance_fini(&text);
    return is_right;
}
