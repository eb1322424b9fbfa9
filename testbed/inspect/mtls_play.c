/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/inspect/mtls_play.c - the cells of mtls_grid.h, played: what the caller sees.
 *
 * All services of one client at once; a cell that is for some of its service's pods has a
 * play of its own, without the others.
 */
#include "base/check.h"
#include "testbed/inspect/mtls_grid.h"
#include "testbed/inspect/mtls_world.h"

#define CALLS_AT_ONCE 64u /* each has some four sockets */

struct grid_play {
    struct mtls_grid *grid;
    struct mtls_engine engine;
    struct play_options options;
    struct arena *arena;
    struct str *why;
};

static bool is_playable(const struct grid_play *play, const struct mtls_cell *cell)
{
    const struct world_client *client = &play->grid->world->clients[cell->client];
    bool is_bytes = cell->cluster != NULL && cell->cluster->protocol == UPSTREAM_TCP;
    return cell->pod_count > 0 && client->spec.via != VIA_GATEWAY &&
           !(cell->subset.len > 0 && is_bytes) && (cell->is_whole || play->engine.envoy == NULL);
}

static struct call call_of(const struct grid_play *play, const struct mtls_cell *cell)
{
    struct call call = {.client = cell->client,
                        .has_authority = true,
                        .port = cell->port,
                        .method = STR("GET"),
                        .uri = STR("/"),
                        .scheme = STR_EMPTY};
    call.authority = arena_format(play->arena, "%.*s:%u", STR_FMT(cell->service->host), cell->port);
    if (cell->subset.len > 0) {
        call.headers = ARENA_NEW(play->arena, struct header);
        call.header_count = 1;
        call.headers[0] = (struct header){.name = STR(MTLS_SUBSET_HEADER), .value = cell->subset};
    }
    return call;
}

/* An answer that came another way says nothing of this one. */
static bool is_its_own(const struct mtls_cell *cell)
{
    if (cell->cluster == NULL || !cell->outcome.has_record)
        return true;
    return str_eq(cell->outcome.record.cluster_name, cell->cluster->name);
}

/* Real Envoys are started before time begins: the client's, and those that it may meet. */
static const uint32_t *callers_of(const struct grid_play *play, uint32_t client, uint32_t *count)
{
    const struct world *world = play->grid->world;
    uint32_t *out = ARENA_ARRAY(play->arena, uint32_t, world->pod_count + 1);
    out[(*count)++] = client;
    for (uint32_t i = 0; i < world->pod_count; i++) {
        if (world->pods[i].client != UINT32_MAX)
            out[(*count)++] = world->pods[i].client;
    }
    return out;
}

static bool play_cells(const struct grid_play *play, struct mtls_cell **cells, uint32_t count,
                       bool is_alone)
{
    struct world *world = play->grid->world;
    struct call *calls = ARENA_ARRAY(play->arena, struct call, count);
    struct outcome *outcomes = ARENA_ARRAY(play->arena, struct outcome, count);
    struct play_options options = play->options;
    options.envoy = play->engine.envoy;
    options.callers = callers_of(play, cells[0]->client, &options.caller_count);
    struct play *stage = play->engine.begin(world, options, play->why);
    if (stage == NULL)
        return false;
    for (uint32_t i = 0; is_alone && i < world->pod_count; i++)
        stage->ops->pod_changed(stage, i);
    for (uint32_t i = 0; i < count; i++)
        calls[i] = call_of(play, cells[i]);
    for (uint32_t i = 0; i < count; i += CALLS_AT_ONCE)
        stage->ops->call(stage, calls + i, count - i < CALLS_AT_ONCE ? count - i : CALLS_AT_ONCE,
                         outcomes + i, play->arena);
    for (uint32_t i = 0; i < count; i++) {
        cells[i]->outcome = outcomes[i];
        cells[i]->is_played = is_its_own(cells[i]);
    }
    stage->ops->free(stage);
    return true;
}

static bool is_of(const struct mtls_cell *cell, uint32_t pod)
{
    for (uint32_t i = 0; i < cell->pod_count; i++) {
        if (cell->pods[i] == pod)
            return true;
    }
    return false;
}

/* Its service's other pods are away meanwhile. */
static bool play_alone(const struct grid_play *play, struct mtls_cell *cell)
{
    struct world *world = play->grid->world;
    bool *were_absent = ARENA_ARRAY(play->arena, bool, world->pod_count);
    for (uint32_t i = 0; i < world->pod_count; i++) {
        struct behaviour behaviour = world->pods[i].behaviour;
        were_absent[i] = behaviour.is_absent;
        behaviour.is_absent |= !is_of(cell, i);
        world_pod_behave(world, i, behaviour);
    }
    bool is_there = play_cells(play, &cell, 1, true);
    for (uint32_t i = 0; i < world->pod_count; i++) {
        struct behaviour behaviour = world->pods[i].behaviour;
        behaviour.is_absent = were_absent[i];
        world_pod_behave(world, i, behaviour);
    }
    return is_there;
}

static bool play_client(const struct grid_play *play, uint32_t client)
{
    struct mtls_grid *grid = play->grid;
    struct mtls_cell **cells = ARENA_ARRAY(play->arena, struct mtls_cell *, grid->count);
    uint32_t count = 0;
    for (uint32_t i = 0; i < grid->count; i++) {
        struct mtls_cell *cell = &grid->cells[i];
        if (cell->client != client || !is_playable(play, cell))
            continue;
        if (cell->is_whole)
            cells[count++] = cell;
        else if (!play_alone(play, cell))
            return false;
    }
    return count == 0 || play_cells(play, cells, count, false);
}

bool mtls_grid_play(struct mtls_grid *grid, struct mtls_engine engine, uint64_t seed,
                    struct arena *arena, struct str *why)
{
    struct grid_play play = {
        .grid = grid, .engine = engine, .options = {.seed = seed}, .arena = arena, .why = why};
    for (uint32_t i = 0; i < grid->world->spec.client_count; i++) {
        if (!play_client(&play, i))
            return false;
    }
    return true;
}
