/* SPDX-License-Identifier: Apache-2.0
 *
 * config/resource/service.c - see service.h.
 *
 * Source: ISTIO.md 4.3, 4.4.
 */
#include "config/resource/service.h"

#include "config/resource/host.h"
#include "config/resource/service_entry.h"
#include "config/resource/syntax.h"

static const struct field_row SPEC_ROWS[] = {
    {"ports", FIELD_USED},
    {"selector", FIELD_USED},
    {"clusterIP", FIELD_USED},
    {"type", FIELD_USED},
    {"externalName", FIELD_USED},
    {"publishNotReadyAddresses", FIELD_USED},
    {"clusterIPs", FIELD_USED},
    {"externalIPs", FIELD_IGNORED},
    {"sessionAffinity", FIELD_IGNORED},
    {"sessionAffinityConfig", FIELD_IGNORED},
    {"loadBalancerIP", FIELD_IGNORED},
    {"loadBalancerSourceRanges", FIELD_IGNORED},
    {"loadBalancerClass", FIELD_IGNORED},
    {"externalTrafficPolicy", FIELD_IGNORED},
    {"internalTrafficPolicy", FIELD_USED},
    {"healthCheckNodePort", FIELD_IGNORED},
    {"ipFamilies", FIELD_IGNORED},
    {"ipFamilyPolicy", FIELD_IGNORED},
    {"allocateLoadBalancerNodePorts", FIELD_IGNORED},
    {"trafficDistribution", FIELD_USED},
};

static const struct field_row PORT_ROWS[] = {
    {"name", FIELD_USED},     {"port", FIELD_USED},        {"targetPort", FIELD_USED},
    {"protocol", FIELD_USED}, {"appProtocol", FIELD_USED}, {"nodePort", FIELD_IGNORED},
};

static const struct {
    struct str name;
    enum port_protocol protocol;
} PROTOCOLS[] = {
    {STR_INIT("http"), PORT_HTTP},
    {STR_INIT("http2"), PORT_HTTP2},
    {STR_INIT("grpc"), PORT_GRPC},
    {STR_INIT("https"), PORT_HTTPS},
    {STR_INIT("tls"), PORT_TLS},
    {STR_INIT("tcp"), PORT_TCP},
    {STR_INIT("mongo"), PORT_MONGO},
    {STR_INIT("redis"), PORT_REDIS},
    {STR_INIT("mysql"), PORT_MYSQL},
    {STR_INIT("udp"), PORT_UDP},
    {STR_INIT("http_proxy"), PORT_HTTP_PROXY},
};

static enum port_protocol protocol_of_name(struct str name)
{
    struct str rest = name;

    if (str_eq_ci(name, STR("grpc-web")) || str_has_prefix_ci(name, STR("grpc-web-")))
        return PORT_GRPC_WEB;
    struct str first = str_cut(&rest, '-');
    for (size_t i = 0; i < COUNT_OF(PROTOCOLS); i++) {
        if (str_eq_ci(first, PROTOCOLS[i].name))
            return PROTOCOLS[i].protocol;
    }
    return PORT_SNIFFED;
}

static void read_target(const struct view *item, struct service_port *out)
{
    struct view target = view_field(item, STR("targetPort"));
    uint64_t number;

    out->target_port = out->port;
    if (!view_is_present(&target))
        return;
    if (target.node->kind == NODE_INT) {
        out->target_port = (uint32_t)view_own_i64(&target, 1, 65535, out->port);
        return;
    }
    struct str text = view_own_str(&target, STR_EMPTY);
    if (str_to_u64(text, 65535, &number)) {
        out->target_port = (uint32_t)number;
        return;
    }
    out->target_port = 0;
    out->target_port_name = text;
}

static void read_port(const struct view *item, uint32_t port_count, struct service_port *out)
{
    static const char *const PROTOCOL_NAMES[] = {"TCP", "UDP", "SCTP", NULL};
    static const struct str PROTOCOL_TEXTS[] = {STR_INIT("TCP"), STR_INIT("UDP"), STR_INIT("SCTP")};

    out->origin = view_origin(item);
    view_check_fields(item, PORT_ROWS, COUNT_OF(PORT_ROWS));
    struct view port = view_field(item, STR("port"));
    int64_t number = view_i64(item, STR("port"), INT64_MIN, INT64_MAX, 0);
    syntax_check_port(view_is_present(&port) ? &port : item, number);
    out->port = number > 0 && number <= 65535 ? (uint32_t)number : 0;
    out->name = view_str(item, STR("name"), STR_EMPTY);
    if (port_count > 1 && out->name.len == 0)
        view_complain(item, DIAG_SERVICE_PORT_NAME_MISSING, STR_EMPTY, STR_EMPTY);
    out->protocol = PROTOCOL_TEXTS[view_choice(item, STR("protocol"), PROTOCOL_NAMES, 0)];
    out->app_protocol = view_str(item, STR("appProtocol"), STR_EMPTY);
    read_target(item, out);
}

bool service_distribution_note(const struct object_meta *meta, enum traffic_distribution *out)
{
    const struct str *word = label_find(meta->annotations, meta->annotation_count,
                                        STR("networking.istio.io/traffic-distribution"));

    if (word == NULL || word->len == 0)
        return false;
    *out = DISTRIBUTION_ANY;
    if (str_eq_ci(*word, STR("PreferClose")) || str_eq_ci(*word, STR("PreferSameZone")))
        *out = DISTRIBUTION_SAME_ZONE;
    else if (str_eq_ci(*word, STR("PreferSameNode")))
        *out = DISTRIBUTION_SAME_NODE;
    return true;
}

/* The spec's word goes before the annotation's, if it is one that istiod knows. */
static void read_distribution(const struct view *spec, struct service *out)
{
    struct str word = view_str(spec, STR("trafficDistribution"), STR_EMPTY);

    out->is_distribution_said = true;
    if (str_eq(word, STR("PreferClose")) || str_eq(word, STR("PreferSameZone")))
        out->distribution = DISTRIBUTION_SAME_ZONE;
    else if (str_eq(word, STR("PreferSameNode")))
        out->distribution = DISTRIBUTION_SAME_NODE;
    else
        out->is_distribution_said = service_distribution_note(&out->meta, &out->distribution);
}

void service_read(const struct view *spec, struct service *out)
{
    struct view ports = view_list(spec, STR("ports"));
    struct view selector = view_map(spec, STR("selector"));

    view_check_fields(spec, SPEC_ROWS, COUNT_OF(SPEC_ROWS));
    out->host = host_of_service(out->meta.name, out->meta.namespace, spec->reading->arena);
    out->type = view_str(spec, STR("type"), STR("ClusterIP"));
    out->is_node_local =
        str_eq(view_str(spec, STR("internalTrafficPolicy"), STR_EMPTY), STR("Local"));
    out->cluster_ip = view_str(spec, STR("clusterIP"), STR_EMPTY);
    struct view addresses = view_list(spec, STR("clusterIPs"));
    struct text_list list = text_list_read(&addresses);
    out->cluster_ips = list.items;
    out->cluster_ip_count = list.count;
    if (out->cluster_ip.len == 0 && list.count > 0)
        out->cluster_ip = list.items[0];
    out->external_name = view_str(spec, STR("externalName"), STR_EMPTY);
    out->is_publishing_not_ready = view_bool(spec, STR("publishNotReadyAddresses"), false);
    read_distribution(spec, out);
    struct label_list labels = label_list_read(&selector);
    out->selector = labels.items;
    out->selector_count = labels.count;
    out->port_count = view_count(&ports);
    out->ports = ARENA_ARRAY(spec->reading->arena, struct service_port, out->port_count);
    for (uint32_t i = 0; i < out->port_count; i++) {
        struct view item = view_item(&ports, i);
        read_port(&item, out->port_count, &out->ports[i]);
    }
    if (out->port_count == 0 && !service_is_external_name(out) && !service_is_headless(out))
        view_complain(spec, DIAG_SERVICE_PORT_MISSING, STR_EMPTY, STR_EMPTY);
}

enum port_protocol service_port_protocol(const struct service_port *port)
{
    if (str_eq(port->protocol, STR("UDP")))
        return PORT_UDP;
    if (port->app_protocol.len > 0) {
        if (str_eq(port->app_protocol, STR("kubernetes.io/h2c")))
            return PORT_HTTP2;
        if (str_eq(port->app_protocol, STR("kubernetes.io/ws")))
            return PORT_HTTP;
        if (str_eq(port->app_protocol, STR("kubernetes.io/wss")))
            return PORT_HTTPS;
    }
    /* A protocol is a whole word; a name begins with one. */
    if (port->is_protocol_said) {
        bool is_word = str_find(port->app_protocol, '-') == STR_NONE ||
                       str_eq_ci(port->app_protocol, STR("grpc-web"));
        return is_word ? protocol_of_name(port->app_protocol) : PORT_SNIFFED;
    }
    enum port_protocol found =
        protocol_of_name(port->app_protocol.len > 0 ? port->app_protocol : port->name);
    if (found != PORT_SNIFFED)
        return found;
    /* On these the server speaks first, so there is nothing to sniff. */
    switch (port->port) {
    case 25:
    case 53:
    case 3306:
    case 27017:
        return PORT_TCP;
    default:
        return PORT_SNIFFED;
    }
}

bool port_protocol_is_http(enum port_protocol protocol)
{
    return protocol == PORT_HTTP || protocol == PORT_HTTP2 || protocol == PORT_HTTP_PROXY ||
           protocol == PORT_GRPC || protocol == PORT_GRPC_WEB;
}

bool port_protocol_is_http2(enum port_protocol protocol)
{
    return protocol == PORT_HTTP2 || protocol == PORT_GRPC || protocol == PORT_GRPC_WEB;
}

bool port_protocol_is_tls(enum port_protocol protocol)
{
    return protocol == PORT_HTTPS || protocol == PORT_TLS;
}

bool service_is_headless(const struct service *service)
{
    return str_eq(service->cluster_ip, STR("None"));
}

bool service_is_passthrough(const struct service *service)
{
    return service_is_headless(service) || service->resolution == RESOLUTION_NONE;
}

bool service_is_external(const struct service *service)
{
    return service->entry != NULL && service->entry->is_external;
}

bool service_is_looking_up(const struct service *service)
{
    return service->resolution == RESOLUTION_DYNAMIC_DNS && host_is_wildcard(service->host);
}

bool service_is_external_name(const struct service *service)
{
    return str_eq(service->type, STR("ExternalName"));
}
