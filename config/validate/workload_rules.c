/* SPDX-License-Identifier: Apache-2.0
 *
 * config/validate/workload_rules.c - see workload_rules.h and rules.h: WorkloadEntry,
 * WorkloadGroup, ProxyConfig.
 */
#include "config/validate/workload_rules.h"

#include "base/check.h"
#include "config/resource/host.h"
#include "config/validate/field.h"
#include "config/validate/rules.h"
#include "config/validate/selector.h"
#include "config/validate/word.h"

#define UNIX_PREFIX STR("unix://")

/* A probe's numbers, none of which may be negative. */
static const struct str PROBE_NUMBERS[] = {
    STR_INIT("periodSeconds"),    STR_INIT("initialDelaySeconds"), STR_INIT("timeoutSeconds"),
    STR_INIT("successThreshold"), STR_INIT("failureThreshold"),
};

static bool is_probe_header(struct str name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = str_lower_char(name.ptr[i]);
        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '-')
            return false;
    }
    return true;
}

static void check_http_get(const struct view *get)
{
    struct str scheme = field_text(get, STR("scheme"));
    struct view headers = view_field(get, STR("httpHeaders"));

    word_check_port(get, field_number(get, STR("port")));
    if (scheme.len > 0 && !str_eq(scheme, STR("HTTP")) && !str_eq(scheme, STR("HTTPS")))
        say(get, DIAG_V_PROBE_SCHEME);
    for (uint32_t i = 0; i < view_count(&headers); i++) {
        struct view header = view_item(&headers, i);
        struct str name = field_text(&header, STR("name"));
        if (!view_is_present(&header))
            say(&header, DIAG_V_PROBE_HEADER_NIL);
        else if (name.len == 0)
            say(&header, DIAG_V_HEADER_EMPTY);
        else if (!is_probe_header(name))
            say_text(&header, DIAG_V_HEADER_NAME, name);
    }
}

static void check_probe(const struct view *probe)
{
    struct view get = view_field(probe, STR("httpGet"));
    struct view tcp = view_field(probe, STR("tcpSocket"));
    struct view exec = view_field(probe, STR("exec"));

    if (!view_is_present(probe))
        return;
    for (size_t i = 0; i < COUNT_OF(PROBE_NUMBERS); i++)
        if (field_number(probe, PROBE_NUMBERS[i]) < 0)
            say_text(probe, DIAG_V_PROBE_NEGATIVE, PROBE_NUMBERS[i]);
    /* Of a oneof the last one in the message's order counts. */
    if (field_has(probe, STR("grpc")))
        say_text(probe, DIAG_V_PROBE_METHOD, STR("*v1alpha3.ReadinessProbe_Grpc"));
    else if (view_is_present(&exec)) {
        if (field_count(&exec, STR("command")) == 0)
            say(&exec, DIAG_V_PROBE_COMMAND);
    } else if (view_is_present(&tcp))
        word_check_port(&tcp, field_number(&tcp, STR("port")));
    else if (view_is_present(&get))
        check_http_get(&get);
    else
        say_text(probe, DIAG_V_PROBE_METHOD, STR("<nil>"));
}

/* Go prints a list of errors in an error of its own. */
static void check_group_labels(const struct view *labels)
{
    struct arena *arena = labels->reading->arena;
    struct str text = STR_EMPTY;
    uint32_t count = 0;

    for (uint32_t i = 0; i < view_count(labels); i++) {
        struct view entry = view_entry(labels, i);
        struct str value = field_own_text(&entry);
        struct str key_error = word_text(word_label_key(entry.key), arena);
        if (key_error.len > 0 && ++count > 0)
            text = arena_format(arena, "%.*s\n\t* %.*s", STR_FMT(text), STR_FMT(key_error));
        if (!word_is_label_value(value) && ++count > 0)
            text = arena_format(arena, "%.*s\n\t* invalid tag value: %.*s", STR_FMT(text),
                                STR_FMT(field_quoted(&entry, value)));
    }
    if (count > 0)
        say_text(labels, DIAG_V_GROUP_LABELS,
                 arena_format(arena, "%u error%s occurred:%.*s\n\n", count, count == 1 ? "" : "s",
                              STR_FMT(text)));
}

void workload_check_ports(const struct view *entry, const struct text_list *port_names)
{
    struct view ports = view_field(entry, STR("ports"));

    for (uint32_t i = 0; i < view_count(&ports); i++) {
        struct view port = view_entry(&ports, i);
        if (port_names != NULL && !text_list_has(port_names, port.key))
            say_number(&port, DIAG_V_ENDPOINT_PORT, field_own_number(&port));
        (void)word_say(&port, word_port_name(port.key));
        word_check_port(&port, field_own_number(&port));
    }
}

void workload_check_entry(const struct view *entry, const struct text_list *port_names,
                          bool is_name_fine)
{
    struct view address_field = view_field(entry, STR("address"));
    struct view labels = view_field(entry, STR("labels"));
    struct str address = field_own_text(&address_field);
    struct str network = field_text(entry, STR("network"));
    bool is_unix = str_has_prefix(address, UNIX_PREFIX);

    if (address.len == 0) {
        if (network.len == 0) {
            say(entry, DIAG_V_ADDRESS_REQUIRED);
            return;
        }
        say_text(entry, DIAG_V_ADDRESS_UNSET, field_quoted(entry, network));
    }
    if (is_unix) {
        (void)word_say(&address_field, word_unix_path(str_from(address, UNIX_PREFIX.len)));
        if (field_count(entry, STR("ports")) > 0)
            say_text(&address_field, DIAG_V_UNIX_PORTS, address);
    } else if (address.len > 0 && !host_is_ip(address)) {
        if (!is_name_fine)
            say_text(&address_field, DIAG_V_ENDPOINT_IP, field_quoted(entry, address));
        else if (!word_is_fine(word_fqdn(address)))
            say_text(&address_field, DIAG_V_ENDPOINT_NAME, field_quoted(entry, address));
    }
    workload_check_ports(entry, port_names);
    word_check_labels(&labels);
    if (is_unix && port_names != NULL && port_names->count != 1)
        say(entry, DIAG_V_UNIX_ONE_PORT);
}

void workload_entry_rules(const struct view *spec, const struct judged *object)
{
    (void)object;
    workload_check_entry(spec, NULL, true);
}

void workload_group_rules(const struct view *spec, const struct judged *object)
{
    struct view metadata = view_field(spec, STR("metadata"));
    struct view labels = view_field(&metadata, STR("labels"));
    struct view probe = view_field(spec, STR("probe"));

    (void)object;
    if (!field_has(spec, STR("template")))
        say(spec, DIAG_V_TEMPLATE);
    check_group_labels(&labels);
    check_probe(&probe);
}

void proxy_config_rules(const struct view *spec, const struct judged *object)
{
    struct view selector = view_field(spec, STR("selector"));
    struct view concurrency = view_field(spec, STR("concurrency"));

    (void)object;
    selector_check_labels(&selector);
    if (field_own_number(&concurrency) < 0)
        say(&concurrency, DIAG_V_CONCURRENCY);
}
