/* SPDX-License-Identifier: Apache-2.0
 *
 * config/resource/destination_rule.c - see destination_rule.h.
 *
 * Source: ISTIO.md 3, 9.4.
 */
#include "config/resource/destination_rule.h"

#include "config/resource/host.h"
#include "config/resource/syntax.h"

static const struct field_row SPEC_ROWS[] = {
    {"host", FIELD_USED},     {"trafficPolicy", FIELD_USED},    {"subsets", FIELD_USED},
    {"exportTo", FIELD_USED}, {"workloadSelector", FIELD_USED},
};
static const struct field_row SUBSET_ROWS[] = {
    {"name", FIELD_USED}, {"labels", FIELD_USED}, {"trafficPolicy", FIELD_USED}};
static const struct field_row SELECTOR_ROWS[] = {{"matchLabels", FIELD_USED}};
static const struct field_row POLICY_ROWS[] = {
    {"loadBalancer", FIELD_USED},      {"connectionPool", FIELD_USED},
    {"outlierDetection", FIELD_USED},  {"tls", FIELD_USED},
    {"portLevelSettings", FIELD_USED}, {"tunnel", FIELD_USED},
    {"proxyProtocol", FIELD_USED},     {"retryBudget", FIELD_USED},
};
static const struct field_row PORT_POLICY_ROWS[] = {
    {"port", FIELD_USED},
    {"loadBalancer", FIELD_USED},
    {"connectionPool", FIELD_USED},
    {"outlierDetection", FIELD_USED},
    {"tls", FIELD_USED},
};
static const struct field_row PORT_ROWS[] = {{"number", FIELD_USED}};
static const struct field_row BUDGET_ROWS[] = {
    {"percent", FIELD_USED}, {"minRetryConcurrency", FIELD_USED}, {"budgetInterval", FIELD_USED}};
static const struct field_row TUNNEL_ROWS[] = {
    {"protocol", FIELD_USED}, {"targetHost", FIELD_USED}, {"targetPort", FIELD_USED}};

static void read_parts(const struct view *policy, struct policy_parts *out)
{
    load_balancer_read(policy, &out->lb);
    out->pool = connection_pool_read(policy);
    out->outlier = outlier_rule_read(policy);
    out->tls = client_tls_read(policy);
}

static const struct retry_budget_rule *read_budget(const struct view *policy)
{
    struct view budget = view_map(policy, STR("retryBudget"));

    if (!view_is_present(&budget))
        return NULL;
    view_check_fields(&budget, BUDGET_ROWS, COUNT_OF(BUDGET_ROWS));
    struct retry_budget_rule *out = ARENA_NEW(policy->reading->arena, struct retry_budget_rule);
    out->percent = view_number(&budget, STR("percent"), 20);
    out->concurrency_min =
        (uint32_t)view_i64(&budget, STR("minRetryConcurrency"), 0, UINT32_MAX, 0);
    if (out->concurrency_min == 0)
        out->concurrency_min = 3; /* Istio's own; 0 is not said */
    out->interval_ns = view_duration_ns(&budget, STR("budgetInterval"), 0);
    return out;
}

static const struct tunnel_rule *read_tunnel(const struct view *policy)
{
    struct view tunnel = view_map(policy, STR("tunnel"));

    if (!view_is_present(&tunnel))
        return NULL;
    view_check_fields(&tunnel, TUNNEL_ROWS, COUNT_OF(TUNNEL_ROWS));
    struct tunnel_rule *out = ARENA_NEW(policy->reading->arena, struct tunnel_rule);
    out->origin = view_origin(&tunnel);
    out->protocol = view_str(&tunnel, STR("protocol"), STR("CONNECT"));
    out->target_host = view_str(&tunnel, STR("targetHost"), STR_EMPTY);
    out->target_port = (uint32_t)view_i64(&tunnel, STR("targetPort"), 0, 65535, 0);
    view_complain(&tunnel, DIAG_NOT_ACTED_ON, STR("tunnel"), STR_EMPTY);
    return out;
}

static enum proxy_protocol_rule read_proxy_protocol(const struct view *policy)
{
    static const char *const VERSIONS[] = {"V1", "V2", NULL};
    struct view view = view_map(policy, STR("proxyProtocol"));

    if (!view_is_present(&view))
        return PROXY_PROTOCOL_UNSET;
    view_complain(&view, DIAG_NOT_ACTED_ON, STR("proxyProtocol"), STR_EMPTY);
    return view_choice(&view, STR("version"), VERSIONS, 0) == 1 ? PROXY_PROTOCOL_2
                                                                : PROXY_PROTOCOL_1;
}

static void read_port_policy(const struct view *item, struct port_policy *out)
{
    struct view port = view_map(item, STR("port"));

    out->origin = view_origin(item);
    view_check_fields(item, PORT_POLICY_ROWS, COUNT_OF(PORT_POLICY_ROWS));
    if (!view_is_present(&port)) {
        view_complain(item, DIAG_DR_PORT_MISSING, STR_EMPTY, STR_EMPTY);
    } else {
        view_check_fields(&port, PORT_ROWS, COUNT_OF(PORT_ROWS));
        int64_t number = view_i64(&port, STR("number"), INT64_MIN, INT64_MAX, 0);
        struct view field = view_field(&port, STR("number"));
        syntax_check_port(view_is_present(&field) ? &field : &port, number);
        out->port = number > 0 && number <= 65535 ? (uint32_t)number : 0;
        if (item->node->count < 2)
            view_complain(item, DIAG_DR_POLICY_EMPTY, STR_EMPTY, STR_EMPTY);
    }
    read_parts(item, &out->parts);
}

static void read_policy(const struct view *parent, struct traffic_policy *out)
{
    struct view policy = view_map(parent, STR("trafficPolicy"));

    if (!view_is_present(&policy))
        return;
    out->is_set = true;
    out->origin = view_origin(&policy);
    view_check_fields(&policy, POLICY_ROWS, COUNT_OF(POLICY_ROWS));
    if (policy.node->count == 0)
        view_complain(&policy, DIAG_DR_POLICY_EMPTY, STR_EMPTY, STR_EMPTY);
    read_parts(&policy, &out->parts);
    out->parts.retry_budget = read_budget(&policy);
    out->parts.tunnel = read_tunnel(&policy);
    out->parts.proxy_protocol = read_proxy_protocol(&policy);
    struct view ports = view_list(&policy, STR("portLevelSettings"));
    out->port_count = view_count(&ports);
    out->ports = ARENA_ARRAY(parent->reading->arena, struct port_policy, out->port_count);
    for (uint32_t i = 0; i < out->port_count; i++) {
        struct view item = view_item(&ports, i);
        if (view_is_present(&item))
            read_port_policy(&item, &out->ports[i]);
        else
            view_complain(&item, DIAG_DR_POLICY_EMPTY, STR_EMPTY, STR_EMPTY);
    }
}

static void read_subset(const struct view *item, const struct destination_rule *rule,
                        uint32_t earlier_count, struct subset *out)
{
    struct view labels = view_map(item, STR("labels"));
    struct view name = view_field(item, STR("name"));

    out->origin = view_origin(item);
    view_check_fields(item, SUBSET_ROWS, COUNT_OF(SUBSET_ROWS));
    out->name = view_str(item, STR("name"), STR_EMPTY);
    syntax_check_name(view_is_present(&name) ? &name : item, out->name, STR("subset"));
    for (uint32_t i = 0; i < earlier_count; i++) {
        if (out->name.len > 0 && str_eq(rule->subsets[i].name, out->name))
            view_complain(&name, DIAG_DR_SUBSET_TWICE, out->name, STR_EMPTY);
    }
    out->labels = label_list_read(&labels);
    syntax_check_labels(&labels, &out->labels);
    read_policy(item, &out->policy);
}

static void read_selector(const struct view *spec, struct destination_rule *out)
{
    struct view selector = view_map(spec, STR("workloadSelector"));

    if (!view_is_present(&selector))
        return;
    out->has_selector = true;
    view_check_fields(&selector, SELECTOR_ROWS, COUNT_OF(SELECTOR_ROWS));
    struct view labels = view_map(&selector, STR("matchLabels"));
    out->selector = label_list_read(&labels);
}

void destination_rule_read(const struct view *spec, struct destination_rule *out)
{
    struct view subsets = view_list(spec, STR("subsets"));
    struct view export_to = view_list(spec, STR("exportTo"));
    struct view host_field = view_field(spec, STR("host"));
    const struct view *host_view = view_is_present(&host_field) ? &host_field : spec;

    view_check_fields(spec, SPEC_ROWS, COUNT_OF(SPEC_ROWS));
    struct str host = view_str(spec, STR("host"), STR_EMPTY);
    if (!host_is_ip(host))
        syntax_check_wildcard_domain(host_view, host);
    out->host = host_resolve(host, out->meta.namespace, spec->reading->arena);
    read_policy(spec, &out->policy);
    out->subset_count = view_count(&subsets);
    out->subsets = ARENA_ARRAY(spec->reading->arena, struct subset, out->subset_count);
    for (uint32_t i = 0; i < out->subset_count; i++) {
        struct view item = view_item(&subsets, i);
        read_subset(&item, out, i, &out->subsets[i]);
    }
    out->export_to = text_list_read(&export_to);
    syntax_check_export_to(&export_to, &out->export_to, out->meta.namespace);
    read_selector(spec, out);
}
