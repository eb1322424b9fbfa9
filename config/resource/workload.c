/* SPDX-License-Identifier: Apache-2.0
 *
 * config/resource/workload.c - see workload.h.
 *
 * Pod specs are large and mostly none of our business: only what is used is
 * looked at.
 */
#include "config/resource/workload.h"

#include "config/resource/meta.h"

#define REPLICAS_MAX 10000 /* a laptop's idea of many pods */

struct pod_facts {
    struct str service_account;
    struct container_port *ports;
    uint32_t port_count, port_capacity;
    bool has_host_network;
    struct str node;
};

static void read_ports(const struct view *container, struct pod_facts *out)
{
    struct view ports = view_list(container, STR("ports"));

    for (uint32_t i = 0; i < view_count(&ports); i++) {
        struct view item = view_item(&ports, i);
        struct container_port *port =
            ARENA_PUSH(container->reading->arena, out->ports, out->port_count, out->port_capacity);
        port->name = view_str(&item, STR("name"), STR_EMPTY);
        port->protocol = view_str(&item, STR("protocol"), STR("TCP"));
        port->port = (uint32_t)view_i64(&item, STR("containerPort"), 1, 65535, 1);
    }
}

static struct pod_facts read_spec(const struct view *spec)
{
    struct pod_facts out = {0};
    struct view containers = view_list(spec, STR("containers"));

    out.service_account = label_text_field(spec, STR("serviceAccountName"), STR_EMPTY);
    if (out.service_account.len == 0)
        out.service_account = view_str(spec, STR("serviceAccount"), STR_EMPTY);
    if (out.service_account.len == 0)
        out.service_account = STR("default");
    out.has_host_network = view_bool(spec, STR("hostNetwork"), false);
    out.node = view_str(spec, STR("nodeName"), STR_EMPTY);
    for (uint32_t i = 0; i < view_count(&containers); i++) {
        struct view container = view_item(&containers, i);
        read_ports(&container, &out);
    }
    return out;
}

/* A pod without a word about readiness is ready. */
static bool is_ready(const struct view *status)
{
    struct view conditions = view_list(status, STR("conditions"));

    if (!view_is_present(&conditions))
        return true;
    for (uint32_t i = 0; i < view_count(&conditions); i++) {
        struct view item = view_item(&conditions, i);
        if (str_eq(view_str(&item, STR("type"), STR_EMPTY), STR("Ready")))
            return str_eq(view_str(&item, STR("status"), STR_EMPTY), STR("True"));
    }
    return false;
}

void workload_read(const struct view *spec, struct workload *out)
{
    struct view template = view_map(spec, STR("template"));
    struct view pod_spec = view_map(&template, STR("spec"));
    struct pod_facts facts = read_spec(&pod_spec);

    out->replica_count = (uint32_t)view_i64(spec, STR("replicas"), 0, REPLICAS_MAX, 1);
    out->service_account = facts.service_account;
    out->ports = facts.ports;
    out->port_count = facts.port_count;
    out->has_host_network = facts.has_host_network;
    out->node = facts.node;
    meta_read(&template, &out->template);
}

void pod_read(const struct view *root, struct pod *out)
{
    struct view spec = view_map(root, STR("spec"));
    struct view status = view_map(root, STR("status"));
    struct pod_facts facts = read_spec(&spec);
    struct str phase = view_str(&status, STR("phase"), STR("Running"));

    out->workload = out->meta.name;
    out->service_account = facts.service_account;
    out->ports = facts.ports;
    out->port_count = facts.port_count;
    out->has_host_network = facts.has_host_network;
    out->node = facts.node;
    out->address = view_str(&status, STR("podIP"), STR_EMPTY);
    out->is_ready = is_ready(&status);
    out->is_over = str_eq(phase, STR("Succeeded")) || str_eq(phase, STR("Failed"));
}
