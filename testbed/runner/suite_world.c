/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/runner/suite_world.c - the world that a suite wants, for `test` and for
 * `up`.
 */
#include "testbed/runner/suite.h"
#include "testbed/runner/want_read.h"

static void add_documents(struct documents *to, const struct documents *from, struct arena *arena)
{
    for (uint32_t i = 0; i < from->count; i++)
        *ARENA_PUSH(arena, to->items, to->count, to->capacity) = from->items[i];
}

struct world_spec suite_world_spec(const struct suite *suite, const struct node *workloads,
                                   const struct documents *with, struct arena *arena,
                                   struct diag_list *diags)
{
    struct reading *reading = ARENA_NEW(arena, struct reading);
    *reading = (struct reading){
        .arena = arena, .diags = diags, .unknown_field = UNKNOWN_ERROR, .object = STR("RouteTest")};
    struct world_spec spec = suite->spec;
    struct view view = view_of(reading, workloads);
    spec.workload_count = view_is_present(&view) ? view_count(&view) : 0;
    spec.workloads = ARENA_ARRAY(arena, struct workload_spec, spec.workload_count);
    for (uint32_t i = 0; i < spec.workload_count; i++) {
        struct view entry = view_entry(&view, i);
        workload_spec_read(&entry, &spec.workloads[i]);
    }
    spec.documents = (struct documents){0};
    add_documents(&spec.documents, &suite->spec.documents, arena);
    add_documents(&spec.documents, with, arena);
    return spec;
}
