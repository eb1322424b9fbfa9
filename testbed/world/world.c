/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/world/world.c - a world that was made: who is where, what a pod
 * answers next. world_make.c makes it.
 */
#include "testbed/world/world.h"

#include "base/check.h"

void world_free(struct world *world)
{
    if (world == NULL)
        return;
    for (uint32_t i = 0; i < world->client_count; i++) {
        if (world->clients[i].snapshot != NULL)
            snapshot_drop(world->clients[i].snapshot);
        world->clients[i].snapshot = NULL;
    }
}

uint32_t world_client_find(const struct world *world, struct str name)
{
    for (uint32_t i = 0; i < world->client_count; i++) {
        if (str_eq(world->clients[i].spec.name, name))
            return i;
    }
    return UINT32_MAX;
}

uint32_t world_pod_find(const struct world *world, struct str name)
{
    return map_get(&world->pod_by_name, name);
}

uint32_t world_pod_at(const struct world *world, struct str address, uint32_t port)
{
    uint32_t pod = map_get(&world->pod_by_address, address);
    if (pod == MAP_NONE)
        return UINT32_MAX;
    for (uint32_t i = 0; i < world->pods[pod].port_count; i++) {
        if (world->pods[pod].ports[i] == port)
            return pod;
    }
    return UINT32_MAX;
}

const struct answer *world_next_answer(struct world *world, uint32_t pod_index)
{
    ASSERT(pod_index < world->pod_count);
    struct world_pod *pod = &world->pods[pod_index];
    const struct behaviour *behaviour = &pod->behaviour;
    if (behaviour->script_count == 0)
        return &behaviour->answer;
    bool is_own = behaviour->is_script_per_pod || pod->workload_index == UINT32_MAX;
    uint32_t *at = is_own ? &pod->script_at : &world->script_at[pod->workload_index];
    uint32_t item = *at < behaviour->script_count ? *at : behaviour->script_count - 1;
    if (*at < behaviour->script_count)
        (*at)++;
    return &behaviour->script[item];
}

void world_pod_behave(struct world *world, uint32_t pod, struct behaviour behaviour)
{
    ASSERT(pod < world->pod_count);
    world->pods[pod].behaviour = behaviour;
    world_rewind_scripts(world);
}

void world_rewind_scripts(struct world *world)
{
    for (uint32_t i = 0; i < world->pod_count; i++) {
        world->pods[i].script_at = 0;
        if (world->pods[i].workload_index != UINT32_MAX)
            world->script_at[world->pods[i].workload_index] = 0;
    }
}
