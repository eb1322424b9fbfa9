/* SPDX-License-Identifier: Apache-2.0
 *
 * config/validate/service_entry_rules.c - see rules.h; ISTIO.md 9.6.
 */
#include "config/resource/host.h"
#include "config/resource/label.h"
#include "config/validate/field.h"
#include "config/validate/rules.h"
#include "config/validate/selector.h"
#include "config/validate/word.h"
#include "config/validate/workload_rules.h"

struct entry {
    const struct view *spec;
    const struct judged *object;
    struct view hosts, addresses, ports, endpoints;
    struct str resolution, location;
    struct text_list port_names;
};

static bool is_dns(struct str resolution)
{
    return str_eq(resolution, STR("DNS")) || str_eq(resolution, STR("DNS_ROUND_ROBIN"));
}

static void check_hosts(const struct entry *entry)
{
    if (view_count(&entry->hosts) == 0)
        say(entry->spec, DIAG_V_ENTRY_HOSTS);
    for (uint32_t i = 0; i < view_count(&entry->hosts); i++) {
        struct view item = view_item(&entry->hosts, i);
        struct str host = field_own_text(&item);
        if (str_eq(host, STR("*"))) {
            say(&item, DIAG_V_ENTRY_HOST_STAR);
            continue;
        }
        (void)word_say(&item, word_wildcard_domain(host));
        if (!str_eq(entry->resolution, STR("DYNAMIC_DNS")) &&
            !word_is_fine(word_partial_wildcard(host)))
            say_text(&item, DIAG_V_ENTRY_PARTIAL, field_quoted(&item, host));
    }
}

static void check_addresses(const struct entry *entry)
{
    bool has_cidr = false;

    for (uint32_t i = 0; i < view_count(&entry->addresses); i++) {
        struct view item = view_item(&entry->addresses, i);
        has_cidr |= str_find(field_own_text(&item), '/') != STR_NONE;
        (void)word_say(&item, word_subnet(field_own_text(&item)));
    }
    if (has_cidr && !str_eq(entry->resolution, STR("NONE")) &&
        !str_eq(entry->resolution, STR("STATIC")))
        say(&entry->addresses, DIAG_V_ENTRY_CIDR);
}

/* istiod gives an address of its own to entries without one. */
static bool has_auto_address(const struct entry *entry)
{
    const struct node *label =
        node_get(entry->object->labels.node, STR("networking.istio.io/enable-autoallocate-ip"));

    if (str_eq(entry->resolution, STR("NONE")) || view_count(&entry->addresses) > 0)
        return false;
    return label == NULL || !str_eq_ci(label->text, STR("false"));
}

static void check_port(struct entry *entry, const struct view *port, struct text_list *numbers)
{
    struct arena *arena = port->reading->arena;
    struct str name = field_text(port, STR("name"));
    struct str protocol = field_text(port, STR("protocol"));
    int64_t number = field_number(port, STR("number"));
    int64_t target = field_number(port, STR("targetPort"));
    struct str number_text = field_of_number(port, number);

    if (text_list_has(&entry->port_names, name))
        say_text(port, DIAG_V_ENTRY_PORT_NAME, field_quoted(port, name));
    else
        text_list_add(&entry->port_names, name, arena);
    if (text_list_has(numbers, number_text))
        say_text(port, DIAG_V_ENTRY_PORT_TWICE, number_text);
    text_list_add(numbers, number_text, arena);
    if (target != 0)
        word_check_port(port, target);
    if (view_count(&entry->addresses) == 0 && !has_auto_address(entry) &&
        (protocol.len == 0 || str_eq(protocol, STR("TCP"))))
        say(port, DIAG_V_ENTRY_ADDRESSES);
    (void)word_say(port, word_port_name(name));
    (void)word_say(port, word_protocol(protocol));
    word_check_port(port, number);
}

static void check_dns_endpoint(const struct entry *entry, const struct view *endpoint)
{
    struct view address = view_field(endpoint, STR("address"));
    struct view labels = view_field(endpoint, STR("labels"));
    struct str text = field_own_text(&address);

    if (!host_is_ip(text) && !word_is_fine(word_fqdn(text)))
        say_text(&address, DIAG_V_ENDPOINT_NAME, field_quoted(endpoint, text));
    word_check_labels(&labels);
    workload_check_ports(endpoint, &entry->port_names);
}

static void check_endpoints(const struct entry *entry)
{
    bool is_static = str_eq(entry->resolution, STR("STATIC"));

    for (uint32_t i = 0; i < view_count(&entry->endpoints); i++) {
        struct view endpoint = view_item(&entry->endpoints, i);
        if (!view_is_present(&endpoint))
            say(&endpoint, DIAG_V_ENDPOINT_NIL);
        else if (is_static)
            workload_check_entry(&endpoint, &entry->port_names, false);
        else
            check_dns_endpoint(entry, &endpoint);
    }
}

static void check_dns(const struct entry *entry)
{
    for (uint32_t i = 0; view_count(&entry->endpoints) == 0 && i < view_count(&entry->hosts); i++) {
        struct view item = view_item(&entry->hosts, i);
        struct word_fault wrong = word_fqdn(field_own_text(&item));
        if (word_is_fine(wrong))
            continue;
        view_complain(&item, DIAG_V_ENTRY_DNS_HOST, entry->resolution,
                      word_text(wrong, item.reading->arena));
        break;
    }
    if (str_eq(entry->resolution, STR("DNS_ROUND_ROBIN")) && view_count(&entry->endpoints) > 1)
        say_text(&entry->endpoints, DIAG_V_ENTRY_ONE_ENDPOINT, entry->resolution);
    check_endpoints(entry);
    for (uint32_t i = 0; view_count(&entry->addresses) > 0 && i < view_count(&entry->ports); i++) {
        struct view port = view_item(&entry->ports, i);
        enum word_protocol_kind kind = word_protocol_kind(field_text(&port, STR("protocol")));
        if (kind != WORD_PROTOCOL_TCP && kind != WORD_PROTOCOL_TLS)
            continue;
        if (view_count(&entry->hosts) > 1)
            say(&port, DIAG_V_ENTRY_TCP_HOSTS);
        break;
    }
}

static bool is_dynamic_protocol(struct str protocol)
{
    return str_eq_ci(protocol, STR("HTTP")) || str_eq_ci(protocol, STR("TLS")) ||
           str_eq_ci(protocol, STR("GRPC")) || str_eq_ci(protocol, STR("HTTP2"));
}

static bool has_waypoint(const struct entry *entry)
{
    const struct node *label = node_get(entry->object->labels.node, STR("istio.io/use-waypoint"));

    return label != NULL && label->text.len > 0 && !str_eq_ci(label->text, STR("none"));
}

static void check_dynamic(const struct entry *entry)
{
    struct str resolution = entry->resolution;

    if (view_count(&entry->hosts) == 0)
        say_text(entry->spec, DIAG_V_DYNAMIC_HOSTS, resolution);
    for (uint32_t i = 0; i < view_count(&entry->hosts); i++) {
        struct view item = view_item(&entry->hosts, i);
        if (!host_is_wildcard(field_own_text(&item)))
            say_text(&item, DIAG_V_DYNAMIC_WILDCARD, resolution);
    }
    if (view_count(&entry->addresses) > 0)
        say_text(&entry->addresses, DIAG_V_DYNAMIC_ADDRESSES, resolution);
    if (view_count(&entry->endpoints) > 0)
        say_text(&entry->endpoints, DIAG_V_DYNAMIC_ENDPOINTS, resolution);
    for (uint32_t i = 0; i < view_count(&entry->ports); i++) {
        struct view port = view_item(&entry->ports, i);
        if (!view_is_present(&port))
            say(&port, DIAG_V_DYNAMIC_PORT_NIL);
        else if (!is_dynamic_protocol(field_text(&port, STR("protocol"))))
            say_text(&port, DIAG_V_DYNAMIC_PROTOCOL, resolution);
    }
    if (str_eq(entry->location, STR("MESH_INTERNAL")) && has_waypoint(entry))
        say_text(entry->spec, DIAG_V_DYNAMIC_WAYPOINT, resolution);
}

static void check_resolution(const struct entry *entry)
{
    if (str_eq(entry->resolution, STR("NONE"))) {
        if (view_count(&entry->endpoints) > 0)
            say(&entry->endpoints, DIAG_V_ENTRY_NONE_ENDPOINTS);
        if (field_has(entry->spec, STR("workloadSelector")))
            say(entry->spec, DIAG_V_ENTRY_NONE_SELECTOR);
    } else if (str_eq(entry->resolution, STR("STATIC"))) {
        check_endpoints(entry);
    } else if (is_dns(entry->resolution)) {
        check_dns(entry);
    } else if (str_eq(entry->resolution, STR("DYNAMIC_DNS"))) {
        check_dynamic(entry);
    } else {
        say_text(entry->spec, DIAG_V_ENTRY_RESOLUTION, entry->resolution);
    }
}

/* Plain TCP cannot tell the hosts apart. */
static void check_many_hosts(const struct entry *entry)
{
    if (str_eq(entry->resolution, STR("NONE")) || view_count(&entry->hosts) <= 1)
        return;
    for (uint32_t i = 0; i < view_count(&entry->ports); i++) {
        struct view port = view_item(&entry->ports, i);
        enum word_protocol_kind kind = word_protocol_kind(field_text(&port, STR("protocol")));
        if (!view_is_present(&port) || kind == WORD_PROTOCOL_HTTP || kind == WORD_PROTOCOL_TLS)
            continue;
        say(&port, DIAG_V_ENTRY_MANY_HOSTS);
        break;
    }
}

void service_entry_rules(const struct view *spec, const struct judged *object)
{
    struct entry entry = {
        .spec = spec,
        .object = object,
        .hosts = view_field(spec, STR("hosts")),
        .addresses = view_field(spec, STR("addresses")),
        .ports = view_field(spec, STR("ports")),
        .endpoints = view_field(spec, STR("endpoints")),
        .resolution = field_choice(spec, STR("resolution"), SCHEMA_ENUM_SERVICE_ENTRY_RESOLUTION),
        .location = field_choice(spec, STR("location"), SCHEMA_ENUM_SERVICE_ENTRY_LOCATION),
    };
    struct text_list numbers = {0};

    if (!selector_check_workload(spec, DIAG_V_ENTRY_SELECTOR))
        return;
    if (field_has(spec, STR("workloadSelector")) && view_is_present(&entry.endpoints))
        say(spec, DIAG_V_ENTRY_SELECTOR_OR_ENDPOINTS);
    check_hosts(&entry);
    check_addresses(&entry);
    for (uint32_t i = 0; i < view_count(&entry.ports); i++) {
        struct view port = view_item(&entry.ports, i);
        if (view_is_present(&port))
            check_port(&entry, &port, &numbers);
        else
            say(&port, DIAG_V_ENTRY_PORT_NULL);
    }
    check_resolution(&entry);
    check_many_hosts(&entry);
    selector_check_export_to(
        spec, (struct selector_scope){.namespace = object->namespace, .is_service_entry = true});
}
