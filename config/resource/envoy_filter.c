/* SPDX-License-Identifier: Apache-2.0
 *
 * config/resource/envoy_filter.c - see envoy_filter.h.
 */
#include "config/resource/envoy_filter.h"

/* The filter's or the cluster's name inside of a patch's value or match, so that
 * the user knows which one is meant; empty: it has none. */
static struct str subject_of(const struct view *patch)
{
    struct view body = view_map(patch, STR("patch"));
    struct view value = view_map(&body, STR("value"));
    struct view match = view_map(patch, STR("match"));
    struct view listener = view_map(&match, STR("listener"));
    struct view chain = view_map(&listener, STR("filterChain"));
    struct view filter = view_map(&chain, STR("filter"));
    struct view below = view_map(&filter, STR("subFilter"));
    const struct view *const PLACES[] = {&value, &below, &filter, &chain, &listener};

    for (size_t i = 0; i < COUNT_OF(PLACES); i++) {
        struct view name = view_field(PLACES[i], STR("name"));
        if (view_is_present(&name) && name.node->kind == NODE_STRING && name.node->text.len > 0)
            return name.node->text;
    }
    return STR_EMPTY;
}

static void complain(const struct view *patch)
{
    struct view body = view_map(patch, STR("patch"));
    struct view match = view_map(patch, STR("match"));
    struct str apply_to = view_str(patch, STR("applyTo"), STR("INVALID"));
    struct str operation = view_str(&body, STR("operation"), STR("INVALID"));
    struct str context = view_str(&match, STR("context"), STR("ANY"));
    struct str subject = subject_of(patch);
    struct arena *arena = patch->reading->arena;

    view_complain(patch, DIAG_ENVOY_FILTER_PATCH,
                  arena_format(arena, "%.*s of %.*s%s%.*s", STR_FMT(operation), STR_FMT(apply_to),
                               subject.len > 0 ? " " : "", STR_FMT(subject)),
                  context);
}

void envoy_filter_complain(const struct view *spec)
{
    struct view patches = view_list(spec, STR("configPatches"));

    for (uint32_t i = 0; i < view_count(&patches); i++) {
        struct view patch = view_item(&patches, i);
        complain(&patch);
    }
    if (view_count(&patches) == 0)
        view_complain(spec, DIAG_ENVOY_FILTER_EMPTY, STR_EMPTY, STR_EMPTY);
}
