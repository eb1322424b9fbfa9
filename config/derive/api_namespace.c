/* SPDX-License-Identifier: Apache-2.0
 *
 * config/derive/api_namespace.c - which namespaces there are, and which fit.
 */
#include "config/derive/gateway_api.h"

static void add_namespace(struct text_list *list, struct str namespace, struct arena *arena)
{
    uint32_t place = list->count;

    if (text_list_has(list, namespace))
        return;
    text_list_add(list, namespace, arena);
    for (; place > 0 && str_order(list->items[place - 1], namespace) > 0; place--)
        list->items[place] = list->items[place - 1];
    list->items[place] = namespace;
}

#define ADD_NAMESPACES(mesh, list)                         \
    for (uint32_t i_ = 0; i_ < (mesh)->list##_count; i_++) \
    add_namespace(&out, (mesh)->list[i_].meta.namespace, (mesh)->arena)

struct text_list api_namespaces(const struct mesh *mesh)
{
    struct text_list out = {0};

    for (uint32_t i = 0; i < mesh->namespaces_count; i++)
        add_namespace(&out, mesh->namespaces[i].meta.name, mesh->arena);
    ADD_NAMESPACES(mesh, entrances);
    ADD_NAMESPACES(mesh, services);
    ADD_NAMESPACES(mesh, workloads);
    ADD_NAMESPACES(mesh, pods);
    ADD_NAMESPACES(mesh, virtual_services);
    add_namespace(&out, mesh->config.root_namespace, mesh->arena);
    return out;
}

/* NULL: no such label. Every namespace is labelled with its name. */
static const struct str *namespace_label(const struct mesh *mesh, const struct str *namespace,
                                         struct str name)
{
    if (str_eq(name, STR("kubernetes.io/metadata.name")))
        return namespace;
    for (uint32_t i = 0; i < mesh->namespaces_count; i++) {
        const struct object_meta *meta = &mesh->namespaces[i].meta;
        if (str_eq(meta->name, *namespace))
            return label_find(meta->labels, meta->label_count, name);
    }
    return NULL;
}

static bool fits_expression(const struct view *expression, const struct str *value)
{
    static const char *const OPERATORS[] = {"In", "NotIn", "Exists", "DoesNotExist", NULL};
    struct view list = view_list(expression, STR("values"));
    struct text_list values = text_list_read(&list);

    switch (view_choice(expression, STR("operator"), OPERATORS, 0)) {
    case 0:
        return value != NULL && text_list_has(&values, *value);
    case 1:
        return value == NULL || !text_list_has(&values, *value);
    case 2:
        return value != NULL;
    default:
        return value == NULL;
    }
}

bool api_namespace_is_selected(const struct mesh *mesh, struct str namespace,
                               const struct view *selector)
{
    struct view labels = view_map(selector, STR("matchLabels"));
    struct view expressions = view_list(selector, STR("matchExpressions"));

    for (uint32_t i = 0; i < view_count(&labels); i++) {
        struct view entry = view_entry(&labels, i);
        const struct str *value = namespace_label(mesh, &namespace, entry.key);
        if (value == NULL || !str_eq(*value, label_text(&entry, STR_EMPTY)))
            return false;
    }
    for (uint32_t i = 0; i < view_count(&expressions); i++) {
        struct view item = view_item(&expressions, i);
        struct str key = view_str(&item, STR("key"), STR_EMPTY);
        if (!fits_expression(&item, namespace_label(mesh, &namespace, key)))
            return false;
    }
    return true;
}
