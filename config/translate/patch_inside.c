/* SPDX-License-Identifier: Apache-2.0
 *
 * config/translate/patch_inside.c - see patch_inside.h.
 */
#include "config/translate/patch_inside.h"

struct str patch_text(const struct json_value *object, struct str key)
{
    const struct json_value *value = json_get(object, key);

    return value != NULL ? value->text : STR_EMPTY;
}

uint32_t patch_number(const struct json_value *object, struct str key)
{
    const struct json_value *value = json_get(object, key);

    return value != NULL ? (uint32_t)value->number : 0;
}

static const struct json_value NOTHING = {.kind = JSON_ARRAY};

const struct json_value *patch_list(const struct json_value *object, struct str key)
{
    const struct json_value *value = json_get(object, key);

    return value != NULL && value->kind == JSON_ARRAY ? value : &NOTHING;
}

bool patch_list_has(const struct json_value *list, struct str text)
{
    for (uint32_t i = 0; i < list->count; i++) {
        if (str_eq(list->items[i].text, text))
            return true;
    }
    return false;
}

bool patch_is_inbound(const struct json_value *listener)
{
    return str_eq(patch_text(listener, STR("trafficDirection")), STR("INBOUND"));
}

struct subset_key patch_key_of(struct str name)
{
    struct subset_key out = {0};
    struct str rest = name;
    uint64_t port;

    if (str_find(name, '|') == STR_NONE)
        return out;
    out.direction = str_cut(&rest, '|');
    if (str_to_u64(str_cut(&rest, '|'), UINT16_MAX, &port))
        out.port = (uint32_t)port;
    out.subset = str_cut(&rest, '|');
    out.host = rest;
    return out;
}

bool patch_is_merge(const struct envoy_patch *patch)
{
    return patch->operation == OPERATION_MERGE ||
           patch->operation == OPERATION_MERGE_AND_REPLACE_LIST;
}

bool patch_is_insertion(const struct envoy_patch *patch)
{
    return patch->operation == OPERATION_INSERT_BEFORE ||
           patch->operation == OPERATION_INSERT_AFTER || patch->operation == OPERATION_INSERT_FIRST;
}

bool patch_is_addition(const struct envoy_patch *patch)
{
    return patch->operation == OPERATION_ADD || patch_is_insertion(patch);
}

bool patch_is_in_context(const struct patch_ground *ground, const struct envoy_patch *patch,
                         bool is_inbound)
{
    enum patch_context here = ground->is_gateway ? CONTEXT_GATEWAY
                              : is_inbound       ? CONTEXT_INBOUND
                                                 : CONTEXT_OUTBOUND;

    return patch->context == CONTEXT_ANY || patch->context == here;
}
