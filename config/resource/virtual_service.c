/* SPDX-License-Identifier: Apache-2.0
 *
 * config/resource/virtual_service.c - VirtualService: hosts, gateways, and the
 * list of rules.
 *
 * Source: ISTIO.md 1.4, 2.1, 9.3.
 */
#include "config/resource/virtual_service.h"

#include "config/resource/host.h"
#include "config/resource/http_rule.h"
#include "config/resource/stream_rule.h"
#include "config/resource/syntax.h"

static const struct field_row SPEC_ROWS[] = {
    {"hosts", FIELD_USED}, {"gateways", FIELD_USED}, {"http", FIELD_USED},
    {"tls", FIELD_USED},   {"tcp", FIELD_USED},      {"exportTo", FIELD_USED},
};

static void check_gateway(const struct view *item, struct str name, struct str resolved)
{
    size_t slash = str_find(name, '/');

    if (slash == STR_NONE) {
        syntax_check_domain(item, name);
        if (str_find(name, '.') != STR_NONE)
            view_complain(item, DIAG_VS_GATEWAY_LEGACY, name, resolved);
        return;
    }
    struct str namespace = str_slice(name, 0, slash);
    struct str gateway = str_from(name, slash + 1);
    if (namespace.len == 0 || gateway.len == 0) {
        view_complain(item, DIAG_VS_GATEWAY_HALF, name, STR_EMPTY);
        return;
    }
    syntax_check_name(item, namespace, STR("namespace"));
    syntax_check_name(item, gateway, STR("gateway"));
}

static void read_gateways(const struct view *spec, struct virtual_service *out)
{
    struct view list = view_list(spec, STR("gateways"));
    struct arena *arena = spec->reading->arena;

    for (uint32_t i = 0; i < view_count(&list); i++) {
        struct view item = view_item(&list, i);
        struct str name = view_own_str(&item, STR_EMPTY);
        struct str resolved = gateway_name_resolve(name, out->meta.namespace, arena);
        check_gateway(&item, name, resolved);
        text_list_add(&out->gateways, resolved, arena);
    }
    if (out->gateways.count == 0)
        text_list_add(&out->gateways, STR("mesh"), arena);
}

static void read_hosts(const struct view *spec, struct virtual_service *out)
{
    struct view list = view_list(spec, STR("hosts"));
    struct arena *arena = spec->reading->arena;
    bool is_in_mesh = text_list_has(&out->gateways, STR("mesh"));
    /* Istio compares hosts as they were written, not as it completes them. */
    struct text_list all_written = {0};

    for (uint32_t i = 0; i < view_count(&list); i++) {
        struct view item = view_item(&list, i);
        struct str written = label_text(&item, STR_EMPTY);
        if (!host_is_ip(written))
            syntax_check_wildcard_domain(&item, written);
        if (str_eq(written, STR("*")) && is_in_mesh)
            view_complain(&item, DIAG_VS_STAR_IN_MESH, STR_EMPTY, STR_EMPTY);
        struct str host = host_resolve(written, out->meta.namespace, arena);
        for (uint32_t k = 0; k < i; k++) {
            if (host_matches(written, all_written.items[k]))
                view_complain(&item, DIAG_VS_HOSTS_OVERLAP, all_written.items[k], written);
        }
        text_list_add(&all_written, written, arena);
        text_list_add(&out->cased_hosts, host, arena);
        text_list_add(&out->hosts, arena_str_lower(arena, host), arena);
    }
}

static void check_delegate(const struct view *spec)
{
    struct view gateways = view_list(spec, STR("gateways"));
    struct view tls = view_list(spec, STR("tls"));
    struct view tcp = view_list(spec, STR("tcp"));

    if (view_count(&gateways) > 0)
        view_complain(&gateways, DIAG_VS_DELEGATE_GATEWAYS, STR_EMPTY, STR_EMPTY);
    if (view_count(&tls) > 0)
        view_complain(&tls, DIAG_VS_DELEGATE_TCP, STR("tls"), STR_EMPTY);
    if (view_count(&tcp) > 0)
        view_complain(&tcp, DIAG_VS_DELEGATE_TCP, STR("tcp"), STR_EMPTY);
}

/* A rule without matches takes everything: what follows is never asked. */
static void check_reach(const struct view *rules, const struct virtual_service *read)
{
    for (uint32_t i = 0; i + 1 < read->rule_count; i++) {
        const struct http_rule *rule = &read->rules[i];
        if (rule->match_count > 0 || rule->delegate != NULL)
            continue;
        struct view next = view_item(rules, i + 1);
        view_complain(&next, DIAG_RULE_UNREACHABLE,
                      arena_format(rules->reading->arena, "%u", rule->origin.line), STR_EMPTY);
        return;
    }
}

struct str gateway_name_resolve(struct str name, struct str namespace, struct arena *arena)
{
    if (str_eq(name, STR("mesh")))
        return name;
    size_t slash = str_find(name, '/');
    if (slash == 1 && name.ptr[0] == '.')
        return arena_concat(arena, namespace, str_from(name, 1));
    if (slash != STR_NONE)
        return name;
    /* name.ns or name.ns.svc.cluster.local: how it was written before 1.1. */
    struct str rest = name;
    struct str gateway = str_cut(&rest, '.');
    if (rest.ptr != NULL) {
        struct str gateway_namespace = str_cut(&rest, '.');
        return arena_format(arena, "%.*s/%.*s", STR_FMT(gateway_namespace), STR_FMT(gateway));
    }
    return arena_format(arena, "%.*s/%.*s", STR_FMT(namespace), STR_FMT(name));
}

static struct stream_rule *read_streams(const struct view *list, struct str namespace, bool is_tls,
                                        uint32_t *count)
{
    struct stream_rule *out =
        ARENA_ARRAY(list->reading->arena, struct stream_rule, view_count(list));

    for (uint32_t i = 0; i < view_count(list); i++) {
        struct view rule = view_item(list, i);
        stream_rule_read(&rule, namespace, is_tls, &out[i]);
    }
    *count = view_count(list);
    return out;
}

void virtual_service_read(const struct view *spec, struct virtual_service *out)
{
    struct view rules = view_list(spec, STR("http"));
    struct view hosts = view_list(spec, STR("hosts"));
    struct view tls = view_list(spec, STR("tls"));
    struct view tcp = view_list(spec, STR("tcp"));
    struct view export_to = view_list(spec, STR("exportTo"));

    view_check_fields(spec, SPEC_ROWS, COUNT_OF(SPEC_ROWS));
    read_gateways(spec, out);
    read_hosts(spec, out);
    if (view_count(&hosts) == 0)
        check_delegate(spec);
    out->export_to = text_list_read(&export_to);
    syntax_check_export_to(&export_to, &out->export_to, out->meta.namespace);
    if (view_count(&rules) == 0 && view_count(&tls) == 0 && view_count(&tcp) == 0)
        view_complain(spec, DIAG_VS_EMPTY, STR_EMPTY, STR_EMPTY);
    out->rule_count = view_count(&rules);
    out->rules = ARENA_ARRAY(spec->reading->arena, struct http_rule, out->rule_count);
    for (uint32_t i = 0; i < out->rule_count; i++) {
        struct view rule = view_item(&rules, i);
        http_rule_read(&rule, out->meta.namespace, &out->rules[i]);
    }
    check_reach(&rules, out);
    out->tls_rules = read_streams(&tls, out->meta.namespace, true, &out->tls_rule_count);
    out->tcp_rules = read_streams(&tcp, out->meta.namespace, false, &out->tcp_rule_count);
}
