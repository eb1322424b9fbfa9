/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/world/jobs.c - see jobs.h.
 */
#include "testbed/world/jobs.h"

#include "testbed/world/manifest.h"

/* NULL: it is neither. */
static struct node *template_of(const struct node *object)
{
    struct str kind = manifest_kind(object);
    const struct node *spec = node_get(object, STR("spec"));
    if (str_eq(kind, STR("CronJob")))
        spec = node_get(node_get(spec, STR("jobTemplate")), STR("spec"));
    else if (!str_eq(kind, STR("Job")))
        return NULL;
    return (struct node *)node_get(spec, STR("template"));
}

static bool is_taken(const struct manifests *all, const struct node *job)
{
    for (uint32_t i = 0; i < all->count; i++) {
        const struct node *other = all->items[i];
        if (manifest_is_workload(other) && str_eq(manifest_name(other), manifest_name(job)) &&
            str_eq(manifest_namespace(other), manifest_namespace(job)))
            return true;
    }
    return false;
}

static struct node *text_node(const struct node *at, struct str text, struct arena *arena)
{
    struct node *out = ARENA_NEW(arena, struct node);
    *out = (struct node){.kind = NODE_STRING, .origin = at->origin, .text = text};
    return out;
}

static struct node *map_node(const struct node *at, uint32_t count, struct arena *arena)
{
    struct node *out = ARENA_NEW(arena, struct node);
    *out = (struct node){.kind = NODE_MAP,
                         .origin = at->origin,
                         .entries = ARENA_ARRAY(arena, struct node_entry, count)};
    return out;
}

static void put(struct node *map, struct str key, struct node *value)
{
    map->entries[map->count++] = (struct node_entry){key, value->origin, value};
}

static struct node *workload_of(const struct node *job, struct node *template, struct arena *arena)
{
    struct node *out = map_node(job, 4, arena);
    struct node *spec = map_node(template, 1, arena);
    put(spec, STR("template"), template);
    put(out, STR("apiVersion"), text_node(job, STR("apps/v1"), arena));
    put(out, STR("kind"), text_node(job, STR("Deployment"), arena));
    put(out, STR("metadata"), (struct node *)node_get(job, STR("metadata")));
    put(out, STR("spec"), spec);
    return out;
}

void jobs_add_workloads(struct documents *documents, struct arena *arena)
{
    struct manifests all = manifests_of(documents, arena);
    for (uint32_t i = 0; i < all.count; i++) {
        struct node *template = template_of(all.items[i]);
        if (template != NULL && manifest_name(all.items[i]).len > 0 &&
            !is_taken(&all, all.items[i]))
            documents_add(documents, workload_of(all.items[i], template, arena), arena);
    }
}
