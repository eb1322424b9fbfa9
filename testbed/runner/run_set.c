/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/runner/run_set.c - a test changes its world: `set`, `inject`.
 */
#include "base/check.h"
#include "testbed/runner/run_inside.h"
#include "testbed/runner/want_read.h"

static bool is_meant(const struct world_pod *pod, struct str name, struct str workload)
{
    return str_eq(pod->name, name) || (workload.len > 0 && str_eq(pod->workload, workload));
}

static void complain_of_nobody(struct run *run, struct origin origin, const char *where,
                               struct str name)
{
    complain(&run->result->complaints, origin, str_of(where), STR("a pod or workload of that name"),
             name);
}

static void inject_into(struct run *run, struct world_pod *pod, const struct injection *injection)
{
    struct behaviour *behaviour = &pod->behaviour;
    struct injection *all =
        ARENA_ARRAY(run->arena, struct injection, behaviour->injection_count + 1);
    for (uint32_t i = 0; i < behaviour->injection_count; i++)
        all[i] = behaviour->injections[i];
    all[behaviour->injection_count++] = *injection;
    behaviour->injections = all;
}

void run_injects(struct run *run)
{
    for (uint32_t i = 0; i < run->test->inject_count; i++) {
        const struct inject_item *item = &run->test->injects[i];
        bool is_found = false;
        for (uint32_t pod = 0; pod < run->world->pod_count; pod++) {
            if (!is_meant(&run->world->pods[pod], item->pod, item->workload))
                continue;
            is_found = true;
            inject_into(run, &run->world->pods[pod], &item->injection);
        }
        if (!is_found)
            complain_of_nobody(run, item->origin, "inject",
                               item->pod.len > 0 ? item->pod : item->workload);
    }
}

static void set_pod(struct run *run, uint32_t pod, const struct set_item *item)
{
    static const char *const RESET[] = {"status", "script", "perPod", "act", "raw", NULL};
    const struct node *before = run->pod_nodes[pod];
    const struct node *kept = before != NULL ? node_without(before, RESET, run->arena) : NULL;
    run->pod_nodes[pod] = nodes_merged(kept, item->change, run->arena);
    struct reading reading = {.arena = run->arena, .diags = run->options->diags};
    struct view view = view_of(&reading, run->pod_nodes[pod]);
    struct behaviour behaviour = behaviour_spec_read(&view);
    behaviour.injections = run->world->pods[pod].behaviour.injections;
    behaviour.injection_count = run->world->pods[pod].behaviour.injection_count;
    if (behaviour_is_asking(&behaviour) && run->world->pods[pod].client == UINT32_MAX)
        complain(&run->result->complaints, item->origin, STR("set"),
                 STR("`calls` in the workload, for a pod that calls later"), STR("none there"));
    world_pod_behave(run->world, pod, behaviour);
    run->play->ops->pod_changed(run->play, pod);
}

void run_sets(struct run *run, const struct suite_case *step)
{
    for (uint32_t i = 0; i < step->set_count; i++) {
        const struct set_item *item = &step->sets[i];
        bool is_found = false;
        for (uint32_t pod = 0; pod < run->world->pod_count; pod++) {
            if (!is_meant(&run->world->pods[pod], item->pod, item->workload))
                continue;
            is_found = true;
            set_pod(run, pod, item);
        }
        if (!is_found)
            complain_of_nobody(run, item->origin, "set",
                               item->pod.len > 0 ? item->pod : item->workload);
    }
}
