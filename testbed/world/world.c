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
    if (world->authority != world->spec.authority)
        authority_free(world->authority);
}

uint32_t world_client_nth(const struct world *world, uint32_t client, uint32_t nth)
{
    ASSERT(client < world->spec.client_count);
    if (nth == 0)
        return client;
    ASSERT(nth < world->clients[client].spec.caller_count);
    return world->clients[client].others_first + nth - 1;
}

uint32_t world_pod_find(const struct world *world, struct str name)
{
    return map_get(&world->pod_by_name, name);
}

static uint32_t pod_of_address(const struct world *world, struct str address)
{
    uint32_t pod = map_get(&world->pod_by_address, address);
    return pod == MAP_NONE ? UINT32_MAX : pod;
}

uint32_t world_pod_dialled(const struct world *world, uint32_t client,
                           const struct cluster *cluster, struct str address)
{
    ASSERT(client < world->client_count);
    return pod_of_address(world,
                          cluster_is_inside(cluster) ? world->clients[client].address : address);
}

struct snapshot *world_snapshot(struct world *world, uint32_t index)
{
    ASSERT(index < world->client_count);
    struct world_client *client = &world->clients[index];
    if (client->snapshot == NULL && client->spec.via != VIA_NONE) {
        struct diag_list unheard; /* the callers' proxies have said it */
        diag_list_init(&unheard, world->arena);
        client->snapshot =
            translate_proxy(world->mesh, &client->identity, world->spec.profile, &unheard);
    }
    return client->snapshot;
}

const struct listener *world_inbound(struct world *world, uint32_t pod, uint32_t port,
                                     const struct cluster *cluster)
{
    ASSERT(pod < world->pod_count);
    const struct world_pod *its = &world->pods[pod];
    if (!its->is_played || (cluster != NULL && cluster_is_inside(cluster)))
        return NULL;
    return snapshot_inbound_listener(world_snapshot(world, its->client), port);
}

uint32_t world_pod_at(const struct world *world, struct str address, uint32_t port)
{
    uint32_t pod = pod_of_address(world, address);
    if (pod == UINT32_MAX)
        return UINT32_MAX;
    for (uint32_t i = 0; i < world->pods[pod].port_count; i++) {
        if (world->pods[pod].ports[i] == port)
            return pod;
    }
    return UINT32_MAX;
}

bool world_is_node(const struct world *world, struct str forwarded_for)
{
    size_t comma = str_find_last(forwarded_for, ',');
    struct str last = comma == STR_NONE ? forwarded_for : str_from(forwarded_for, comma + 1);
    bool is_node = str_eq(last, STR(WORLD_NODE_ADDRESS));
    for (uint32_t i = 0; i < world->node_address_count; i++)
        is_node |= str_eq(last, world->node_addresses[i]);
    return is_node;
}

static const struct answer *scripted(struct world *world, struct world_pod *pod)
{
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

static void inject(struct world_pod *pod, const struct injection *injection)
{
    struct answer *answer = &pod->injected;
    if (injection->delay_ns > 0 && rng_unit(&pod->luck) < injection->delay_share) {
        for (uint32_t i = 0; i < answer->latency.count; i++)
            answer->latency.points[i].ns += injection->delay_ns;
        if (answer->latency.count == 0)
            answer->latency = latency_constant(injection->delay_ns);
    }
    if (!injection->has_abort || rng_unit(&pod->luck) >= injection->abort_share)
        return;
    struct latency latency = answer->latency;
    *answer = (struct answer){
        .status = injection->abort_status, .act = injection->abort_act, .latency = latency};
}

const struct answer *world_next_answer(struct world *world, uint32_t pod_index)
{
    ASSERT(pod_index < world->pod_count);
    struct world_pod *pod = &world->pods[pod_index];
    const struct answer *answer = scripted(world, pod);
    if (pod->behaviour.injection_count == 0)
        return answer;
    pod->injected = *answer;
    for (uint32_t i = 0; i < pod->behaviour.injection_count; i++)
        inject(pod, &pod->behaviour.injections[i]);
    return &pod->injected;
}

bool world_answer_due(struct world *world, uint32_t pod_index, const struct answer *answer,
                      int64_t now_ns, int64_t *due_ns)
{
    ASSERT(pod_index < world->pod_count);
    struct world_pod *pod = &world->pods[pod_index];
    int64_t takes_ns = latency_draw(&answer->latency, &pod->luck);
    return queue_admit(&pod->queue, now_ns, takes_ns, due_ns);
}

static void rewind_scripts(struct world *world)
{
    for (uint32_t i = 0; i < world->pod_count; i++) {
        world->pods[i].script_at = 0;
        if (world->pods[i].workload_index != UINT32_MAX)
            world->script_at[world->pods[i].workload_index] = 0;
    }
}

static void begin_queue(struct world *world, struct world_pod *pod)
{
    queue_init(&pod->queue, pod->behaviour.worker_count, pod->behaviour.waiting_max, world->arena);
}

void world_pod_behave(struct world *world, uint32_t pod_index, struct behaviour behaviour)
{
    ASSERT(pod_index < world->pod_count);
    struct world_pod *pod = &world->pods[pod_index];
    world->has_asking_pods |= behaviour_is_asking(&behaviour);
    bool is_same_queue = pod->behaviour.worker_count == behaviour.worker_count &&
                         pod->behaviour.waiting_max == behaviour.waiting_max;
    pod->behaviour = behaviour;
    pod->is_reading_heads = behaviour_is_reading_heads(&pod->behaviour);
    if (!is_same_queue)
        begin_queue(world, pod);
    rewind_scripts(world);
}

void world_begin(struct world *world, uint64_t seed)
{
    for (uint32_t i = 0; i < world->pod_count; i++) {
        struct world_pod *pod = &world->pods[i];
        pod->luck = rng_seeded(seed, pod->name);
        pod->request_count = 0;
        pod->mirror_count = 0;
        pod->is_reading_heads = behaviour_is_reading_heads(&pod->behaviour);
        begin_queue(world, pod);
    }
    rewind_scripts(world);
}
