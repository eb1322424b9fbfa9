/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/sim/model.c - calls that are made often: where they go and what a proxy reads
 * of them is found out once.
 */
#include "base/check.h"
#include "testbed/sim/inside.h"
#include "testbed/world/request.h"

#define REQUEST_BYTES_MAX (64u << 20)

/* Its bytes, if they are one write; they live as long as the play. */
static struct str bytes_of(struct sim *sim, const struct call *call)
{
    struct buf out;
    struct outflow flow, late;
    struct str bytes, all = STR_EMPTY;
    buf_init(&out, REQUEST_BYTES_MAX);
    bool is_holding = request_write(call, &out, &flow, &late);
    while (!is_holding && all.len <= H1_WHOLE_BYTES_MAX && outflow_next(&flow, &bytes))
        all = arena_concat(&sim->arena, all, bytes);
    buf_fini(&out);
    return is_holding || all.len > H1_WHOLE_BYTES_MAX ? STR_EMPTY : all;
}

uint32_t sim_model_add(struct sim *sim, const struct call *call)
{
    struct sim_model *model = ARENA_NEW(&sim->arena, struct sim_model);
    struct str bytes = call->has_raw || sim->options.is_bytewise ? STR_EMPTY : bytes_of(sim, call);
    if (bytes.len == 0 || !h1_read_whole(&model->whole, H1_REQUESTS, bytes, &sim->arena))
        return 0;
    model->call = *call;
    model->target = world_target(sim->world, call);
    *ARENA_PUSH(&sim->arena, sim->models, sim->model_count, sim->model_capacity) = model;
    return sim->model_count;
}

const struct sim_model *sim_model_of(const struct sim *sim, const struct call *call)
{
    ASSERT(call->model <= sim->model_count);
    return call->model == 0 ? NULL : sim->models[call->model - 1];
}
