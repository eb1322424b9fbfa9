/* SPDX-License-Identifier: Apache-2.0
 *
 * config/validate/envoy_filter_rules.c - see rules.h; ISTIO.md 9.6.
 *
 * Whether a patch fits its applyTo, and whether its parts are there. What the
 * patched messages of Envoy contain is not looked into: only that a
 * typed_config says its @type, and not one of the removed v2 API.
 */
#include "base/check.h"
#include "base/regex.h"
#include "config/validate/field.h"
#include "config/validate/rules.h"
#include "config/validate/selector.h"

#define PROXY_VERSION_BYTES_MAX 1024u
#define MANAGER STR("envoy.filters.network.http_connection_manager")

enum patch_class { PATCH_LISTENER, PATCH_ROUTE, PATCH_CLUSTER, PATCH_OTHER };

static const struct {
    struct str apply_to;
    enum patch_class patch_class;
} CLASSES[] = {
    {STR_INIT("LISTENER"), PATCH_LISTENER},         {STR_INIT("FILTER_CHAIN"), PATCH_LISTENER},
    {STR_INIT("NETWORK_FILTER"), PATCH_LISTENER},   {STR_INIT("HTTP_FILTER"), PATCH_LISTENER},
    {STR_INIT("ROUTE_CONFIGURATION"), PATCH_ROUTE}, {STR_INIT("VIRTUAL_HOST"), PATCH_ROUTE},
    {STR_INIT("HTTP_ROUTE"), PATCH_ROUTE},          {STR_INIT("CLUSTER"), PATCH_CLUSTER},
};

/* Names of filters that Envoy gave up. */
static const struct {
    struct str old, now;
} RENAMED[] = {
    {STR_INIT("envoy.buffer"), STR_INIT("envoy.filters.http.buffer")},
    {STR_INIT("envoy.cors"), STR_INIT("envoy.filters.http.cors")},
    {STR_INIT("envoy.csrf"), STR_INIT("envoy.filters.http.csrf")},
    {STR_INIT("envoy.http_dynamo_filter"), STR_INIT("envoy.filters.http.dynamo")},
    {STR_INIT("envoy.fault"), STR_INIT("envoy.filters.http.fault")},
    {STR_INIT("envoy.grpc_http1_bridge"), STR_INIT("envoy.filters.http.grpc_http1_bridge")},
    {STR_INIT("envoy.grpc_json_transcoder"), STR_INIT("envoy.filters.http.grpc_json_transcoder")},
    {STR_INIT("envoy.grpc_web"), STR_INIT("envoy.filters.http.grpc_web")},
    {STR_INIT("envoy.gzip"), STR_INIT("envoy.filters.http.gzip")},
    {STR_INIT("envoy.health_check"), STR_INIT("envoy.filters.http.health_check")},
    {STR_INIT("envoy.ip_tagging"), STR_INIT("envoy.filters.http.ip_tagging")},
    {STR_INIT("envoy.lua"), STR_INIT("envoy.filters.http.lua")},
    {STR_INIT("envoy.rate_limit"), STR_INIT("envoy.filters.http.ratelimit")},
    {STR_INIT("envoy.router"), STR_INIT("envoy.filters.http.router")},
    {STR_INIT("envoy.squash"), STR_INIT("envoy.filters.http.squash")},
    {STR_INIT("envoy.client_ssl_auth"), STR_INIT("envoy.filters.network.client_ssl_auth")},
    {STR_INIT("envoy.ext_authz"), STR_INIT("envoy.filters.network.ext_authz")},
    {STR_INIT("envoy.http_connection_manager"),
     STR_INIT("envoy.filters.network.http_connection_manager")},
    {STR_INIT("envoy.mongo_proxy"), STR_INIT("envoy.filters.network.mongo_proxy")},
    {STR_INIT("envoy.ratelimit"), STR_INIT("envoy.filters.network.ratelimit")},
    {STR_INIT("envoy.redis_proxy"), STR_INIT("envoy.filters.network.redis_proxy")},
    {STR_INIT("envoy.tcp_proxy"), STR_INIT("envoy.filters.network.tcp_proxy")},
};

static enum patch_class class_of(struct str apply_to)
{
    for (size_t i = 0; i < COUNT_OF(CLASSES); i++)
        if (str_eq(CLASSES[i].apply_to, apply_to))
            return CLASSES[i].patch_class;
    return PATCH_OTHER;
}

static void check_filter_name(const struct view *filter)
{
    struct str name = field_text(filter, STR("name"));

    for (size_t i = 0; i < COUNT_OF(RENAMED); i++)
        if (str_eq(RENAMED[i].old, name))
            view_complain(filter, DIAG_V_EF_RENAMED, field_quoted(filter, name),
                          field_quoted(filter, RENAMED[i].now));
}

/* False when Istio looks no further at this patch. */
static bool check_filter_match(const struct view *filter, struct str apply_to)
{
    struct view sub = view_field(filter, STR("subFilter"));
    struct str name = field_text(filter, STR("name"));

    if (!view_is_present(filter))
        return true;
    if (str_eq(apply_to, STR("LISTENER")) || str_eq(apply_to, STR("FILTER_CHAIN")))
        say_text(filter, DIAG_V_EF_FILTER_NO_EFFECT, apply_to);
    enum diag_id id = DIAG_ID_COUNT;
    if (name.len == 0)
        id = DIAG_V_EF_FILTER_NAME;
    else if (view_is_present(&sub) && !str_eq(apply_to, STR("HTTP_FILTER")))
        id = DIAG_V_EF_SUBFILTER;
    else if (view_is_present(&sub) && !str_eq(name, MANAGER) &&
             !str_eq(name, STR("envoy.http_connection_manager")))
        id = DIAG_V_EF_SUBFILTER_MANAGER;
    else if (view_is_present(&sub) && field_text(&sub, STR("name")).len == 0)
        id = DIAG_V_EF_SUBFILTER_NAME;
    if (id != DIAG_ID_COUNT) {
        say_text(filter, id, MANAGER);
        return false;
    }
    check_filter_name(filter);
    check_filter_name(&sub);
    return true;
}

static bool check_match(const struct view *match, struct str apply_to)
{
    struct view listener = view_field(match, STR("listener"));
    struct view chain = view_field(&listener, STR("filterChain"));
    struct view filter = view_field(&chain, STR("filter"));
    bool has_listener = view_is_present(&listener);
    bool has_route = field_has(match, STR("routeConfiguration"));
    bool has_cluster = field_has(match, STR("cluster"));
    bool has_any = has_listener || has_route || has_cluster;

    switch (class_of(apply_to)) {
    case PATCH_LISTENER:
        if (has_any && !has_listener) {
            say(match, DIAG_V_EF_LISTENER);
            return false;
        }
        return check_filter_match(&filter, apply_to);
    case PATCH_ROUTE:
        if (has_any && !has_route)
            say(match, DIAG_V_EF_ROUTE);
        return true;
    case PATCH_CLUSTER:
        if (has_any && !has_cluster)
            say(match, DIAG_V_EF_CLUSTER);
        return true;
    case PATCH_OTHER:
        return true;
    }
    UNREACHABLE("patch class");
}

static bool check_proxy_version(const struct view *match)
{
    struct view proxy = view_field(match, STR("proxy"));
    struct view field = view_field(&proxy, STR("proxyVersion"));
    struct str version = field_own_text(&field);
    struct regex_set set = {0};
    struct str why;

    if (version.len > PROXY_VERSION_BYTES_MAX) {
        say(&field, DIAG_V_EF_VERSION_LONG);
        return true;
    }
    bool is_fine =
        version.len == 0 || regex_new(&set, version, match->reading->arena, &why) != NULL;
    if (!is_fine)
        say_text(&field, DIAG_V_EF_VERSION, why);
    regex_set_free(&set);
    return is_fine;
}

/* typed_config anywhere below; of recursion: as deep as the document. */
static void check_typed(const struct view *value)
{
    for (uint32_t i = 0; i < view_count(value); i++) {
        bool is_map = value->node->kind == NODE_MAP;
        struct view child = is_map ? view_entry(value, i) : view_item(value, i);
        struct str type = field_text(&child, STR("@type"));
        if (is_map && view_is_named(child.key, STR("typedConfig")) && view_is_present(&child)) {
            if (type.len == 0)
                say(&child, DIAG_V_EF_NO_TYPE);
            else if (str_find_str(type, STR(".v2.")) != STR_NONE)
                say_text(&child, DIAG_V_EF_V2, type);
        }
        check_typed(&child);
    }
}

static void check_patch(const struct view *config)
{
    struct view match = view_field(config, STR("match"));
    struct view patch = view_field(config, STR("patch"));
    struct view value = view_field(&patch, STR("value"));
    struct str context =
        field_choice(&match, STR("context"), SCHEMA_ENUM_ENVOY_FILTER_PATCH_CONTEXT);
    struct str apply_to = field_choice(config, STR("applyTo"), SCHEMA_ENUM_ENVOY_FILTER_APPLY_TO);
    struct str operation =
        field_choice(&patch, STR("operation"), SCHEMA_ENUM_ENVOY_FILTER_PATCH_OPERATION);

    if (!view_is_present(config)) {
        say(config, DIAG_V_EF_NULL);
        return;
    }
    if (str_eq(context, STR("WAYPOINT")))
        return;
    if (str_eq(apply_to, STR("INVALID")))
        say(config, DIAG_V_EF_APPLY_TO);
    else if (!view_is_present(&patch))
        say(config, DIAG_V_EF_PATCH);
    else if (str_eq(operation, STR("INVALID")))
        say(&patch, DIAG_V_EF_OPERATION);
    else if (!str_eq(operation, STR("REMOVE")) && !view_is_present(&value))
        say(&patch, DIAG_V_EF_VALUE);
    else if (check_proxy_version(&match) && check_match(&match, apply_to))
        check_typed(&value);
}

void envoy_filter_rules(const struct view *spec, const struct judged *object)
{
    struct view patches = view_field(spec, STR("configPatches"));

    (void)object;
    if (!selector_check_workload(spec, DIAG_V_EF_SELECTOR))
        return;
    say(spec, DIAG_V_EF_INTERNAL);
    for (uint32_t i = 0; i < view_count(&patches); i++) {
        struct view config = view_item(&patches, i);
        check_patch(&config);
    }
}
