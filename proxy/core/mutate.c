/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/core/mutate.c - one level of header mutations.
 */
#include "proxy/core/mutate.h"

static void tell(struct trace *trace, int64_t now_ns, enum mutate_side side, int64_t how,
                 struct str name, struct str value, struct origin origin)
{
    if (trace == NULL)
        return;
    struct trace_event *event = trace_add(trace, TRACE_HEADER_MUTATED, now_ns);
    event->index = side == MUTATE_RESPONSE;
    event->number = how;
    event->text = arena_str(trace->arena, name);
    event->other = arena_str(trace->arena, value);
    event->origin = origin;
}

void mutate_headers(const struct header_mutations *mutations, enum mutate_side side,
                    const struct formatter_facts *facts, struct header_list *list,
                    struct trace *trace, int64_t now_ns)
{
    for (uint32_t i = 0; i < mutations->remove_count; i++)
        if (header_remove(list, mutations->remove[i]) > 0)
            tell(trace, now_ns, side, 2, mutations->remove[i], STR_EMPTY, (struct origin){0});
    if (mutations->add_count == 0)
        return;
    struct str *values = ARENA_ARRAY(list->arena, struct str, mutations->add_count);
    for (uint32_t i = 0; i < mutations->add_count; i++)
        values[i] = formatter_render(mutations->add[i].value, facts, list->arena);
    for (int pass = 0; pass < 2; pass++) {
        enum append_action action = pass == 0 ? OVERWRITE_OR_ADD : APPEND_OR_ADD;
        for (uint32_t i = 0; i < mutations->add_count; i++) {
            const struct header_mutation *add = &mutations->add[i];
            /* An empty value is skipped (ENVOY.md 2.8). */
            if (add->action != action || values[i].len == 0)
                continue;
            if (action == OVERWRITE_OR_ADD)
                header_overwrite(list, add->name, values[i]);
            else
                header_add(list, add->name, values[i]);
            tell(trace, now_ns, side, action == OVERWRITE_OR_ADD, add->name, values[i],
                 add->origin);
        }
    }
}
