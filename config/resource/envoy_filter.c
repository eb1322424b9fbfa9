/* SPDX-License-Identifier: Apache-2.0
 *
 * config/resource/envoy_filter.c - see envoy_filter.h.
 *
 * Source: istio.io/api networking/v1alpha3/envoy_filter.proto.
 */
#include "config/resource/envoy_filter.h"

static const char *const TARGETS[] = {
    "INVALID",      "LISTENER",
    "FILTER_CHAIN", "NETWORK_FILTER",
    "HTTP_FILTER",  "ROUTE_CONFIGURATION",
    "VIRTUAL_HOST", "HTTP_ROUTE",
    "CLUSTER",      "EXTENSION_CONFIG",
    "BOOTSTRAP",    "LISTENER_FILTER",
    NULL,
};
static const char *const OPERATIONS[] = {
    "INVALID",      "MERGE",         "ADD",
    "REMOVE",       "INSERT_BEFORE", "INSERT_AFTER",
    "INSERT_FIRST", "REPLACE",       "MERGE_AND_REPLACE_LIST",
    NULL,
};
static const char *const CONTEXTS[] = {"ANY", "SIDECAR_INBOUND", "SIDECAR_OUTBOUND", "GATEWAY",
                                       NULL};
static const char *const ACTIONS[] = {"ANY", "ROUTE", "REDIRECT", "DIRECT_RESPONSE", NULL};

#define PORT_MAX 65535

static uint32_t port_of(const struct view *view, struct str name)
{
    return (uint32_t)view_i64(view, name, 0, PORT_MAX, 0);
}

static struct str text_of(const struct view *view, struct str name)
{
    return view_str(view, name, STR_EMPTY);
}

static const struct listener_wish *read_listener(const struct view *match)
{
    struct view view = view_map(match, STR("listener"));
    if (!view_is_present(&view))
        return NULL;
    struct listener_wish *out = ARENA_NEW(match->reading->arena, struct listener_wish);
    struct view chain = view_map(&view, STR("filterChain"));
    struct view filter = view_map(&chain, STR("filter"));
    struct view below = view_map(&filter, STR("subFilter"));

    *out = (struct listener_wish){
        .name = text_of(&view, STR("name")),
        .filter = text_of(&view, STR("listenerFilter")),
        .port = port_of(&view, STR("portNumber")),
        .has_chain = view_is_present(&chain),
        .chain = text_of(&chain, STR("name")),
        .sni = text_of(&chain, STR("sni")),
        .transport = text_of(&chain, STR("transportProtocol")),
        .applications = text_of(&chain, STR("applicationProtocols")),
        .chain_port = port_of(&chain, STR("destinationPort")),
        .has_filter = view_is_present(&filter),
        .network_filter = text_of(&filter, STR("name")),
        .has_sub_filter = view_is_present(&below),
        .http_filter = text_of(&below, STR("name")),
    };
    return out;
}

static const struct route_wish *read_routes(const struct view *match)
{
    struct view view = view_map(match, STR("routeConfiguration"));
    if (!view_is_present(&view))
        return NULL;
    struct route_wish *out = ARENA_NEW(match->reading->arena, struct route_wish);
    struct view host = view_map(&view, STR("vhost"));
    struct view route = view_map(&host, STR("route"));

    *out = (struct route_wish){
        .name = text_of(&view, STR("name")),
        .port_name = text_of(&view, STR("portName")),
        .gateway = text_of(&view, STR("gateway")),
        .port = port_of(&view, STR("portNumber")),
        .has_host = view_is_present(&host),
        .host = text_of(&host, STR("name")),
        .domain = text_of(&host, STR("domainName")),
        .has_route = view_is_present(&route),
        .route = text_of(&route, STR("name")),
        .action = (enum route_action_kind)view_choice(&route, STR("action"), ACTIONS, 0),
    };
    return out;
}

static const struct cluster_wish *read_cluster(const struct view *match)
{
    struct view view = view_map(match, STR("cluster"));
    if (!view_is_present(&view))
        return NULL;
    struct cluster_wish *out = ARENA_NEW(match->reading->arena, struct cluster_wish);

    *out = (struct cluster_wish){
        .name = text_of(&view, STR("name")),
        .subset = text_of(&view, STR("subset")),
        .service = text_of(&view, STR("service")),
        .port = port_of(&view, STR("portNumber")),
    };
    return out;
}

/* What is meant: the name of what is put there, or of what is looked for. */
static struct str subject_of(const struct envoy_patch *patch)
{
    const struct listener_wish *listener = patch->listener;
    const struct str none = STR_EMPTY;
    const struct str *const NAMES[] = {
        &patch->value_name,
        listener != NULL ? &listener->http_filter : &none,
        listener != NULL ? &listener->network_filter : &none,
        listener != NULL ? &listener->chain : &none,
        listener != NULL ? &listener->filter : &none,
        listener != NULL ? &listener->name : &none,
        patch->cluster != NULL ? &patch->cluster->name : &none,
        patch->cluster != NULL ? &patch->cluster->service : &none,
        patch->routes != NULL ? &patch->routes->name : &none,
    };

    for (size_t i = 0; i < COUNT_OF(NAMES); i++) {
        if (NAMES[i]->len > 0)
            return *NAMES[i];
    }
    return none;
}

static void read_patch(const struct view *view, struct envoy_patch *out)
{
    struct arena *arena = view->reading->arena;
    struct view body = view_map(view, STR("patch"));
    struct view value = view_map(&body, STR("value"));
    struct view match = view_map(view, STR("match"));
    struct view proxy = view_map(&match, STR("proxy"));
    struct view metadata = view_map(&proxy, STR("metadata"));
    struct view name = view_field(&value, STR("name"));

    *out = (struct envoy_patch){
        .target = (enum patch_target)view_choice(view, STR("applyTo"), TARGETS, 0),
        .operation = (enum patch_operation)view_choice(&body, STR("operation"), OPERATIONS, 0),
        .context = (enum patch_context)view_choice(&match, STR("context"), CONTEXTS, 0),
        .version = text_of(&proxy, STR("proxyVersion")),
        .metadata = label_list_read(&metadata),
        .listener = read_listener(&match),
        .routes = read_routes(&match),
        .cluster = read_cluster(&match),
        .path = view_path(view),
        .origin = view_origin(view),
    };
    if (view_is_present(&name) && name.node->kind == NODE_STRING)
        out->value_name = name.node->text;
    struct str subject = subject_of(out);
    out->context_words = str_of(CONTEXTS[out->context]);
    out->words = arena_format(arena, "%s of %s%s%.*s", OPERATIONS[out->operation],
                              TARGETS[out->target], subject.len > 0 ? " " : "", STR_FMT(subject));
}

void envoy_filter_read(const struct view *spec, struct envoy_filter *out)
{
    struct view selector = view_map(spec, STR("workloadSelector"));
    struct view labels = view_map(&selector, STR("labels"));
    struct view patches = view_list(spec, STR("configPatches"));

    out->priority = view_i64(spec, STR("priority"), INT32_MIN, INT32_MAX, 0);
    out->selector = label_list_read(&labels);
    out->targets = target_refs_read(spec);
    out->patches = ARENA_ARRAY(spec->reading->arena, struct envoy_patch, view_count(&patches));
    for (uint32_t i = 0; i < view_count(&patches); i++) {
        struct view patch = view_item(&patches, i);
        struct view body = view_map(&patch, STR("patch"));
        if (view_is_present(&body)) /* istiod discards one without */
            read_patch(&patch, &out->patches[out->patch_count++]);
    }
    if (view_count(&patches) == 0)
        view_complain(spec, DIAG_ENVOY_FILTER_EMPTY, STR_EMPTY, STR_EMPTY);
}
