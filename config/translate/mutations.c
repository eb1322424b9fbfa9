/* SPDX-License-Identifier: Apache-2.0
 *
 * config/translate/mutations.c - see mutations.h.
 *
 * Source: ISTIO.md 2.9.
 */
#include "config/translate/mutations.h"

static bool is_host(struct str name)
{
    return str_eq_ci(name, STR("host")) || str_eq_ci(name, STR(":authority"));
}

static void add_all(struct translation *t, const struct header_operation_list *list,
                    enum append_action action, struct mutation_lists *out, struct str *authority)
{
    for (uint32_t i = 0; i < list->count; i++) {
        const struct header_operation *operation = &list->items[i];
        if (is_host(operation->name)) {
            if (authority->len == 0)
                *authority = context_keep(t, operation->value);
            continue;
        }
        if (operation->name.len == 0 || operation->name.ptr[0] == ':')
            continue;
        struct header_mutation *added =
            ARENA_PUSH(t->arena, out->add, out->add_count, out->add_capacity);
        *added = (struct header_mutation){
            .name = context_keep(t, arena_str_lower(&t->scratch, operation->name)),
            .written = context_keep(t, operation->name),
            .value = context_keep(t, operation->value),
            .action = action,
            .origin = context_keep_origin(t, operation->origin),
        };
    }
}

struct str mutations_add(struct translation *t, const struct header_operations *operations,
                         bool is_request, struct mutation_lists *out)
{
    struct str authority = STR_EMPTY;

    add_all(t, &operations->set, OVERWRITE_OR_ADD, out, &authority);
    add_all(t, &operations->add, APPEND_OR_ADD, out, &authority);
    for (uint32_t i = 0; i < operations->remove.count; i++) {
        struct str name = operations->remove.items[i];
        if (name.len == 0 || name.ptr[0] == ':' || is_host(name))
            continue;
        uint32_t place = out->remove_count;
        *ARENA_PUSH(t->arena, out->remove_written, place, out->remove_written_capacity) =
            context_keep(t, name);
        *ARENA_PUSH(t->arena, out->remove, out->remove_count, out->remove_capacity) =
            context_keep(t, arena_str_lower(&t->scratch, name));
    }
    return is_request ? authority : STR_EMPTY;
}

struct header_mutations mutations_of(const struct mutation_lists *lists)
{
    return (struct header_mutations){
        .add = lists->add,
        .add_count = lists->add_count,
        .remove = lists->remove,
        .remove_written = lists->remove_written,
        .remove_count = lists->remove_count,
    };
}
