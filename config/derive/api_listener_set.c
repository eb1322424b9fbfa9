/* SPDX-License-Identifier: Apache-2.0
 *
 * config/derive/api_listener_set.c - ListenerSets: listeners that another object gives
 * to a Gateway.
 *
 * Source: pilot/pkg/config/kube/gateway/gateway_collection.go ListenerSetCollection,
 * gatewaycommon/listener_conflict.go.
 */
#include "config/derive/gateway_api.h"

/* Of a Gateway: who may bring listeners. Without a word nobody. */
static bool is_allowed(const struct api_gateway *gateway, struct str namespace)
{
    static const char *const FROM[] = {"None", "Same", "All", "Selector", NULL};
    struct view allowed = view_map(&gateway->view.spec, STR("allowedListeners"));
    struct view namespaces = view_map(&allowed, STR("namespaces"));
    struct view selector = view_map(&namespaces, STR("selector"));

    switch (view_choice(&namespaces, STR("from"), FROM, 0)) {
    case 1:
        return str_eq(namespace, gateway->entrance->meta.namespace);
    case 2:
        return true;
    case 3:
        return view_is_present(&selector) &&
               api_namespace_is_selected(gateway->api->mesh, namespace, &selector);
    default:
        return false;
    }
}

/* The Gateway that a ListenerSet names, by namespace and name; false: it names none. */
static bool parent_of(const struct entrance *set, struct str *namespace, struct str *name)
{
    struct entrance_view view;
    struct view parent = view_map(&entrance_view_init(set, &view)->spec, STR("parentRef"));

    *namespace = label_text_field(&parent, STR("namespace"), set->meta.namespace);
    *name = label_text_field(&parent, STR("name"), STR_EMPTY);
    return str_eq(view_str(&parent, STR("group"), API_GROUP), API_GROUP) &&
           str_eq(view_str(&parent, STR("kind"), STR("Gateway")), STR("Gateway"));
}

static bool is_before(const struct entrance *a, const struct entrance *b)
{
    if (a->meta.created_ns != b->meta.created_ns)
        return a->meta.created_ns < b->meta.created_ns;
    int order = str_order(a->meta.namespace, b->meta.namespace);
    return order != 0 ? order < 0 : str_order(a->meta.name, b->meta.name) < 0;
}

struct api_set_list api_listener_sets_of(const struct api_gateway *gateway)
{
    const struct mesh *mesh = gateway->api->mesh;
    struct api_set_list out = {0};
    struct str namespace, name;

    for (uint32_t i = 0; i < mesh->entrances_count; i++) {
        const struct entrance *set = &mesh->entrances[i];
        if (set->kind != ENTRANCE_LISTENER_SET || !parent_of(set, &namespace, &name) ||
            !str_eq(namespace, gateway->entrance->meta.namespace) ||
            !str_eq(name, gateway->entrance->meta.name) ||
            !is_allowed(gateway, set->meta.namespace))
            continue;
        (void)ARENA_PUSH(mesh->arena, out.items, out.count, out.capacity);
        uint32_t place = out.count - 1;
        for (; place > 0 && is_before(set, out.items[place - 1]); place--)
            out.items[place] = out.items[place - 1];
        out.items[place] = set;
    }
    return out;
}

static const char *why_not(const struct gateway_api *api, const struct entrance *set)
{
    struct api_gateway gateway = {.api = (struct gateway_api *)api};
    struct str namespace, name;

    if (!parent_of(set, &namespace, &name))
        return "its parentRef is no Gateway";
    gateway.entrance = entrance_find(api->mesh, ENTRANCE_API_GATEWAY, namespace, name);
    if (gateway.entrance == NULL)
        return "there is no such Gateway";
    (void)entrance_view_init(gateway.entrance, &gateway.view);
    if (!is_allowed(&gateway, set->meta.namespace))
        return "the Gateway's allowedListeners do not let this namespace attach";
    return NULL;
}

void api_listener_sets_check(const struct gateway_api *api)
{
    const struct mesh *mesh = api->mesh;

    for (uint32_t i = 0; i < mesh->entrances_count; i++) {
        const struct entrance *set = &mesh->entrances[i];
        struct entrance_view view;
        if (set->kind != ENTRANCE_LISTENER_SET)
            continue;
        const char *why = why_not(api, set);
        if (why != NULL)
            view_complain(&entrance_view_init(set, &view)->spec, DIAG_API_LISTENER_SET, str_of(why),
                          STR_EMPTY);
    }
}
