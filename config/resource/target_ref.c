/* SPDX-License-Identifier: Apache-2.0
 *
 * config/resource/target_ref.c - see target_ref.h.
 *
 * Source: ISTIO.md 6.3.
 */
#include "config/resource/target_ref.h"

#define GATEWAY_LABEL STR("gateway.networking.k8s.io/gateway-name")

static const struct field_row ROWS[] = {{"group", FIELD_USED},
                                        {"kind", FIELD_USED},
                                        {"name", FIELD_USED},
                                        {"namespace", FIELD_IGNORED}};

static struct target_ref read_one(const struct view *view)
{
    view_check_fields(view, ROWS, COUNT_OF(ROWS));
    return (struct target_ref){.group = view_str(view, STR("group"), STR_EMPTY),
                               .kind = view_str(view, STR("kind"), STR_EMPTY),
                               .name = view_str(view, STR("name"), STR_EMPTY)};
}

struct target_refs target_refs_read(const struct view *spec)
{
    struct view one = view_map(spec, STR("targetRef"));
    struct view list = view_list(spec, STR("targetRefs"));
    struct target_refs out = {
        .items = ARENA_ARRAY(spec->reading->arena, struct target_ref, view_count(&list) + 1)};

    if (view_is_present(&one))
        out.items[out.count++] = read_one(&one);
    for (uint32_t i = 0; i < view_count(&list); i++) {
        struct view item = view_item(&list, i);
        out.items[out.count++] = read_one(&item);
    }
    return out;
}

bool target_refs_select(const struct target_refs *targets, const struct label_list *selector,
                        const struct label *labels, uint32_t label_count)
{
    if (targets->count == 0)
        return label_is_subset(selector->items, selector->count, labels, label_count);
    const struct str *gateway = label_find(labels, label_count, GATEWAY_LABEL);
    for (uint32_t i = 0; gateway != NULL && i < targets->count; i++) {
        if (str_eq(targets->items[i].kind, STR("Gateway")) &&
            str_eq(targets->items[i].name, *gateway))
            return true;
    }
    return false;
}
