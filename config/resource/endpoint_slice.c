/* SPDX-License-Identifier: Apache-2.0
 *
 * config/resource/endpoint_slice.c - see endpoint_slice.h.
 */
#include "config/resource/endpoint_slice.h"

static void read_ports(const struct view *parent, struct endpoint_slice *out)
{
    struct view ports = view_list(parent, STR("ports"));

    for (uint32_t i = 0; i < view_count(&ports); i++) {
        struct view item = view_item(&ports, i);
        struct slice_port *port =
            ARENA_PUSH(parent->reading->arena, out->ports, out->port_count, out->port_capacity);
        port->name = view_str(&item, STR("name"), STR_EMPTY);
        port->port = (uint32_t)view_i64(&item, STR("port"), 1, 65535, 1);
    }
}

static void add_endpoint(const struct view *item, struct str address, bool is_ready,
                         struct endpoint_slice *out)
{
    struct view target = view_map(item, STR("targetRef"));
    bool is_pod = str_eq(view_str(&target, STR("kind"), STR_EMPTY), STR("Pod"));
    struct slice_endpoint *endpoint = ARENA_PUSH(item->reading->arena, out->endpoints,
                                                 out->endpoint_count, out->endpoint_capacity);

    *endpoint = (struct slice_endpoint){
        .address = address,
        .pod = is_pod ? view_str(&target, STR("name"), STR_EMPTY) : STR_EMPTY,
        .is_ready = is_ready,
        .origin = view_origin(item),
    };
}

static void read_addresses(const struct view *subset, struct str field, bool is_ready,
                           struct endpoint_slice *out)
{
    struct view list = view_list(subset, field);

    for (uint32_t i = 0; i < view_count(&list); i++) {
        struct view item = view_item(&list, i);
        add_endpoint(&item, view_str(&item, STR("ip"), STR_EMPTY), is_ready, out);
    }
}

void endpoint_slice_read(const struct view *root, struct endpoint_slice *out)
{
    struct view endpoints = view_list(root, STR("endpoints"));
    const struct str *service =
        label_find(out->meta.labels, out->meta.label_count, STR("kubernetes.io/service-name"));

    out->service = service != NULL ? *service : STR_EMPTY;
    read_ports(root, out);
    for (uint32_t i = 0; i < view_count(&endpoints); i++) {
        struct view item = view_item(&endpoints, i);
        struct view conditions = view_map(&item, STR("conditions"));
        struct view addresses = view_list(&item, STR("addresses"));
        if (view_bool(&conditions, STR("terminating"), false) || view_count(&addresses) == 0)
            continue;
        /* Kubernetes: the addresses of one endpoint are one and the same. */
        struct view address = view_item(&addresses, 0);
        add_endpoint(&item, view_own_str(&address, STR_EMPTY),
                     view_bool(&conditions, STR("ready"), true), out);
    }
}

uint32_t endpoints_subset_count(const struct view *root)
{
    struct view subsets = view_list(root, STR("subsets"));

    return view_count(&subsets);
}

void endpoints_subset_read(const struct view *root, uint32_t index, struct endpoint_slice *out)
{
    struct view subsets = view_list(root, STR("subsets"));
    struct view subset = view_item(&subsets, index);

    out->service = out->meta.name;
    read_ports(&subset, out);
    read_addresses(&subset, STR("addresses"), true, out);
    read_addresses(&subset, STR("notReadyAddresses"), false, out);
}
