/* SPDX-License-Identifier: Apache-2.0
 *
 * config/derive/convert.c - see convert.h.
 */
#include "config/derive/convert.h"

#include "config/derive/gateway_api.h"

#include "config/resource/mesh_types.h"

struct entrance_view *entrance_view_init(const struct entrance *entrance, struct entrance_view *out)
{
    out->root = view_of(entrance->reading, entrance->root);
    out->spec = view_map(&out->root, STR("spec"));
    return out;
}

/* Complaints about a made tree would speak of what the user never wrote. */
static struct reading silent_reading(struct mesh *mesh, struct diag_list *nowhere)
{
    diag_list_init(nowhere, mesh->arena);
    return (struct reading){.arena = mesh->arena, .diags = nowhere, .unknown_field = UNKNOWN_WARN};
}

struct virtual_service *entrance_add_virtual_service(struct mesh *mesh,
                                                     const struct object_meta *meta,
                                                     const struct node *spec)
{
    struct diag_list nowhere;
    struct reading reading = silent_reading(mesh, &nowhere);
    struct view view = view_of(&reading, spec);
    struct virtual_service *added =
        ARENA_PUSH(mesh->arena, mesh->virtual_services, mesh->virtual_services_count,
                   mesh->virtual_services_capacity);

    added->meta = *meta;
    virtual_service_read(&view, added);
    return added;
}

struct gateway *entrance_add_gateway(struct mesh *mesh, const struct object_meta *meta,
                                     const struct node *spec)
{
    struct diag_list nowhere;
    struct reading reading = silent_reading(mesh, &nowhere);
    struct view view = view_of(&reading, spec);
    struct gateway *added =
        ARENA_PUSH(mesh->arena, mesh->gateways, mesh->gateways_count, mesh->gateways_capacity);

    added->meta = *meta;
    gateway_read(&view, added);
    return added;
}

struct destination_rule *entrance_add_destination_rule(struct mesh *mesh,
                                                       const struct object_meta *meta,
                                                       const struct node *spec)
{
    struct diag_list nowhere;
    struct reading reading = silent_reading(mesh, &nowhere);
    struct view view = view_of(&reading, spec);
    struct destination_rule *added =
        ARENA_PUSH(mesh->arena, mesh->destination_rules, mesh->destination_rules_count,
                   mesh->destination_rules_capacity);

    added->meta = *meta;
    destination_rule_read(&view, added);
    return added;
}

void entrance_set_path(struct http_rule *rule, struct str path)
{
    rule->path = path;
    for (uint32_t i = 0; i < rule->match_count; i++)
        rule->matches[i].path = path;
}

const struct entrance *entrance_find(const struct mesh *mesh, enum entrance_kind kind,
                                     struct str namespace, struct str name)
{
    for (uint32_t i = 0; i < mesh->entrances_count; i++) {
        const struct entrance *entrance = &mesh->entrances[i];
        if (entrance->kind == kind && str_eq(entrance->meta.name, name) &&
            str_eq(entrance->meta.namespace, namespace))
            return entrance;
    }
    return NULL;
}

void entrances_convert(struct mesh *mesh)
{
    if (mesh->entrances_count == 0)
        return;
    ingresses_convert(mesh);
    gateway_api_convert(mesh);
    api_backend_tls_convert(mesh);
    openshift_routes_convert(mesh);
}
