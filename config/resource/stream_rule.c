/* SPDX-License-Identifier: Apache-2.0
 *
 * config/resource/stream_rule.c - see stream_rule.h.
 *
 * Source: ISTIO.md 2.19, 9.3.
 */
#include "config/resource/stream_rule.h"

#include "config/resource/syntax.h"

static const struct field_row RULE_ROWS[] = {{"match", FIELD_USED}, {"route", FIELD_USED}};
static const struct field_row ROUTE_ROWS[] = {{"destination", FIELD_USED}, {"weight", FIELD_USED}};
/* The first is TLS's own; the last has no meaning to Istio either. */
static const struct field_row MATCH_ROWS[] = {
    {"sniHosts", FIELD_USED},       {"destinationSubnets", FIELD_USED},
    {"port", FIELD_USED},           {"sourceLabels", FIELD_USED},
    {"gateways", FIELD_USED},       {"sourceNamespace", FIELD_USED},
    {"sourceSubnet", FIELD_IGNORED}};

static uint32_t read_port(const struct view *match)
{
    struct view port = view_field(match, STR("port"));
    int64_t number = view_i64(match, STR("port"), INT64_MIN, INT64_MAX, 0);

    if (view_is_present(&port))
        syntax_check_port(&port, number);
    return number > 0 && number <= UINT16_MAX ? (uint32_t)number : 0;
}

static void read_match(const struct view *match, struct str namespace, bool is_tls,
                       struct stream_match *out)
{
    struct view hosts = view_list(match, STR("sniHosts"));
    struct view subnets = view_list(match, STR("destinationSubnets"));
    struct view labels = view_map(match, STR("sourceLabels"));
    struct view gateways = view_list(match, STR("gateways"));
    uint32_t skipped = is_tls ? 0 : 1;

    out->origin = view_origin(match);
    view_check_fields(match, MATCH_ROWS + skipped, (uint32_t)COUNT_OF(MATCH_ROWS) - skipped);
    if (is_tls)
        out->sni_hosts = text_list_read(&hosts);
    out->subnets = text_list_read(&subnets);
    out->port = read_port(match);
    out->source_labels = label_list_read(&labels);
    out->source_namespace = view_str(match, STR("sourceNamespace"), STR_EMPTY);
    for (uint32_t i = 0; i < view_count(&gateways); i++) {
        struct view item = view_item(&gateways, i);
        struct str name =
            gateway_name_resolve(view_own_str(&item, STR_EMPTY), namespace, match->reading->arena);
        text_list_add(&out->gateways, name, match->reading->arena);
    }
}

static void read_route(const struct view *item, struct str namespace,
                       struct stream_destination *out)
{
    struct view destination = view_map(item, STR("destination"));

    view_check_fields(item, ROUTE_ROWS, COUNT_OF(ROUTE_ROWS));
    destination_read(&destination, namespace, &out->destination);
    out->weight = view_i64(item, STR("weight"), INT32_MIN, INT32_MAX, 0);
    if (out->weight >= 0)
        return;
    struct view weight = view_field(item, STR("weight"));
    view_complain(&weight, DIAG_WEIGHT_NEGATIVE, STR_EMPTY, STR_EMPTY);
    out->weight = 0;
}

void stream_rule_read(const struct view *rule, struct str namespace, bool is_tls,
                      struct stream_rule *out)
{
    struct view matches = view_list(rule, STR("match"));
    struct view routes = view_list(rule, STR("route"));
    struct arena *arena = rule->reading->arena;

    out->origin = view_origin(rule);
    view_check_fields(rule, RULE_ROWS, COUNT_OF(RULE_ROWS));
    out->match_count = view_count(&matches);
    out->matches = ARENA_ARRAY(arena, struct stream_match, out->match_count);
    for (uint32_t i = 0; i < out->match_count; i++) {
        struct view item = view_item(&matches, i);
        read_match(&item, namespace, is_tls, &out->matches[i]);
    }
    out->route_count = view_count(&routes);
    out->routes = ARENA_ARRAY(arena, struct stream_destination, out->route_count);
    for (uint32_t i = 0; i < out->route_count; i++) {
        struct view item = view_item(&routes, i);
        read_route(&item, namespace, &out->routes[i]);
    }
}
