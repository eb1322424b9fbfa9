/* SPDX-License-Identifier: Apache-2.0
 *
 * config/resource/service_entry.c - see service_entry.h.
 */
#include "config/resource/service_entry.h"

#include "config/resource/host.h"

#define TLS_MODE_LABEL STR("security.istio.io/tlsMode")

#define AUTO_ADDRESS_LABEL "networking.istio.io/enable-autoallocate-ip"

static const struct field_row ENTRY_ROWS[] = {
    {"hosts", FIELD_USED},
    {"addresses", FIELD_USED},
    {"ports", FIELD_USED},
    {"location", FIELD_USED},
    {"resolution", FIELD_USED},
    {"endpoints", FIELD_USED},
    {"workloadSelector", FIELD_USED},
    {"exportTo", FIELD_USED},
    {"subjectAltNames", FIELD_USED},
};
static const struct field_row PORT_ROWS[] = {{"number", FIELD_USED},
                                             {"protocol", FIELD_USED},
                                             {"name", FIELD_USED},
                                             {"targetPort", FIELD_USED}};
static const struct field_row WORKLOAD_ROWS[] = {
    {"address", FIELD_USED},        {"ports", FIELD_USED},    {"labels", FIELD_USED},
    {"network", FIELD_USED},        {"locality", FIELD_USED}, {"weight", FIELD_USED},
    {"serviceAccount", FIELD_USED},
};
static const struct field_row SELECTOR_ROWS[] = {{"labels", FIELD_USED}};

/* The protocol is said in a field of its own, so the name has no meaning: it is
 * what appProtocol is to a Service; without one the bytes are looked at. */
static void read_port(const struct view *item, struct service_port *out)
{
    view_check_fields(item, PORT_ROWS, COUNT_OF(PORT_ROWS));
    out->origin = view_origin(item);
    out->name = view_str(item, STR("name"), STR_EMPTY);
    out->port = (uint32_t)view_i64(item, STR("number"), 0, 65535, 0);
    out->target_port = (uint32_t)view_i64(item, STR("targetPort"), 0, 65535, 0);
    out->protocol = STR("TCP");
    out->app_protocol = view_str(item, STR("protocol"), STR_EMPTY);
    out->is_protocol_said = true;
    if (str_eq_ci(out->app_protocol, STR("UDP")))
        out->protocol = STR("UDP");
}

static void read_workload_ports(const struct view *spec, struct workload_entry *out)
{
    struct view ports = view_map(spec, STR("ports"));

    out->port_count = view_count(&ports);
    out->ports = ARENA_ARRAY(spec->reading->arena, struct container_port, out->port_count);
    for (uint32_t i = 0; i < out->port_count; i++) {
        struct view entry = view_entry(&ports, i);
        out->ports[i].name = entry.key;
        out->ports[i].port = (uint32_t)view_own_i64(&entry, 0, 65535, 0);
    }
}

void workload_entry_read(const struct view *spec, struct workload_entry *out)
{
    struct view labels = view_map(spec, STR("labels"));
    struct arena *arena = spec->reading->arena;

    view_check_fields(spec, WORKLOAD_ROWS, COUNT_OF(WORKLOAD_ROWS));
    out->address = view_str(spec, STR("address"), STR_EMPTY);
    out->workload = out->meta.name;
    out->labels = label_list_read(&labels);
    for (uint32_t i = 0; i < out->meta.label_count; i++)
        label_list_set(&out->labels, out->meta.labels[i].name, out->meta.labels[i].value, arena);
    read_workload_ports(spec, out);
    out->network = view_str(spec, STR("network"), STR_EMPTY);
    out->locality = view_str(spec, STR("locality"), STR_EMPTY);
    out->service_account = view_str(spec, STR("serviceAccount"), STR_EMPTY);
    out->weight = (uint32_t)view_i64(spec, STR("weight"), 0, UINT32_MAX, 0);
    if (out->weight == 0)
        out->weight = 1;
    /* A label's word counts; without one an account stands for a sidecar. */
    const struct str *mode = label_find(out->labels.items, out->labels.count, TLS_MODE_LABEL);
    out->is_tls_mode_istio =
        mode != NULL ? str_eq(*mode, STR("istio")) : out->service_account.len > 0;
}

static void read_endpoints(const struct view *spec, struct service_entry *out)
{
    struct view endpoints = view_list(spec, STR("endpoints"));
    struct arena *arena = spec->reading->arena;

    out->endpoint_count = view_count(&endpoints);
    out->endpoints = ARENA_ARRAY(arena, struct workload_entry, out->endpoint_count);
    for (uint32_t i = 0; i < out->endpoint_count; i++) {
        struct view item = view_item(&endpoints, i);
        struct workload_entry *endpoint = &out->endpoints[i];
        endpoint->meta = (struct object_meta){
            .name = arena_format(arena, "%.*s-%u", STR_FMT(out->meta.name), i),
            .namespace = out->meta.namespace,
            .origin = view_origin(&item),
        };
        workload_entry_read(&item, endpoint);
    }
}

/* What the proxies are told of, but cannot reach. */
static void complain_of_places(const struct view *spec, const struct service_entry *entry)
{
    struct view endpoints = view_list(spec, STR("endpoints"));
    bool is_by_name =
        entry->resolution == RESOLUTION_DNS || entry->resolution == RESOLUTION_DNS_ROUND_ROBIN;
    bool is_own_name = is_by_name && entry->endpoint_count == 0 && !entry->has_selector;

    if (is_own_name || entry->resolution == RESOLUTION_DYNAMIC_DNS) {
        struct view field = view_field(spec, STR("resolution"));
        view_complain(&field, DIAG_NOT_ACTED_ON, STR("looking names up"), STR_EMPTY);
    }
    for (uint32_t i = 0; i < entry->endpoint_count; i++) {
        struct view item = view_item(&endpoints, i);
        struct view address = view_field(&item, STR("address"));
        if (str_has_prefix(entry->endpoints[i].address, STR("unix://")))
            view_complain(&address, DIAG_NOT_ACTED_ON, STR("a unix socket"), STR_EMPTY);
        else if (!host_is_ip(entry->endpoints[i].address))
            view_complain(&address, DIAG_NOT_ACTED_ON, STR("looking names up"), STR_EMPTY);
    }
}

void service_entry_read(const struct view *spec, struct service_entry *out)
{
    static const char *const RESOLUTIONS[] = {"NONE",        "STATIC", "DNS", "DNS_ROUND_ROBIN",
                                              "DYNAMIC_DNS", NULL};
    static const enum service_resolution MEANINGS[] = {RESOLUTION_NONE, RESOLUTION_ENDPOINTS,
                                                       RESOLUTION_DNS, RESOLUTION_DNS_ROUND_ROBIN,
                                                       RESOLUTION_DYNAMIC_DNS};
    static const char *const LOCATIONS[] = {"MESH_EXTERNAL", "MESH_INTERNAL", NULL};
    struct view hosts = view_list(spec, STR("hosts"));
    struct view addresses = view_list(spec, STR("addresses"));
    struct view ports = view_list(spec, STR("ports"));
    struct view selector = view_map(spec, STR("workloadSelector"));
    struct view export_to = view_list(spec, STR("exportTo"));
    struct view names = view_list(spec, STR("subjectAltNames"));

    view_check_fields(spec, ENTRY_ROWS, COUNT_OF(ENTRY_ROWS));
    out->hosts = text_list_read(&hosts);
    out->addresses = text_list_read(&addresses);
    out->export_to = text_list_read(&export_to);
    out->names = text_list_read(&names);
    out->resolution = MEANINGS[view_choice(spec, STR("resolution"), RESOLUTIONS, 0)];
    struct view location = view_field(spec, STR("location"));
    out->place_origin = view_origin(view_is_present(&location) ? &location : spec);
    out->is_external = view_choice(spec, STR("location"), LOCATIONS, 0) == 0;
    out->has_selector = view_is_present(&selector);
    if (out->has_selector) {
        view_check_fields(&selector, SELECTOR_ROWS, COUNT_OF(SELECTOR_ROWS));
        struct view labels = view_map(&selector, STR("labels"));
        out->selector = label_list_read(&labels);
    }
    out->port_count = view_count(&ports);
    out->ports = ARENA_ARRAY(spec->reading->arena, struct service_port, out->port_count);
    for (uint32_t i = 0; i < out->port_count; i++) {
        struct view item = view_item(&ports, i);
        read_port(&item, &out->ports[i]);
    }
    read_endpoints(spec, out);
    complain_of_places(spec, out);
}

void service_entry_read_status(const struct view *root, struct service_entry *out)
{
    struct view status = view_map(root, STR("status"));
    struct view addresses = view_list(&status, STR("addresses"));
    const struct str *wish =
        label_find(out->meta.labels, out->meta.label_count, STR(AUTO_ADDRESS_LABEL));

    out->has_no_auto_address = wish != NULL && str_eq_ci(*wish, STR("false"));
    out->given_count = view_count(&addresses);
    out->given = ARENA_ARRAY(root->reading->arena, struct given_address, out->given_count);
    for (uint32_t i = 0; i < out->given_count; i++) {
        struct view item = view_item(&addresses, i);
        out->given[i].host = view_str(&item, STR("host"), STR_EMPTY);
        out->given[i].value = view_str(&item, STR("value"), STR_EMPTY);
    }
}
