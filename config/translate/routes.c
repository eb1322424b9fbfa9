/* SPDX-License-Identifier: Apache-2.0
 *
 * config/translate/routes.c - see routes.h.
 *
 * Source: ISTIO.md 2.4, 2.6, 2.11, 2.12, 2.17.
 */
#include "config/translate/routes.h"

#include "config/resource/sidecar.h"
#include "config/translate/clusters.h"
#include "config/translate/cors.h"
#include "config/translate/forward.h"
#include "config/translate/match.h"
#include "config/translate/mutations.h"
#include "config/translate/route_hash.h"

struct rule_place {
    uint32_t rule;
    const struct http_match *of; /* NULL: a rule without matches */
};

static struct fraction millionths(double percent)
{
    return (struct fraction){.numerator = (uint32_t)(percent * 10000), .denominator = 1000000};
}

static const struct fault_policy *fault_of(struct translation *t, const struct http_fault *from)
{
    if (from == NULL)
        return NULL;
    struct fault_policy *out = ARENA_NEW(t->arena, struct fault_policy);
    out->origin = context_keep_origin(t, from->origin);
    out->has_delay = from->has_delay;
    out->delay_ns = from->delay_ns;
    out->delay_share =
        from->is_delay_millionths
            ? millionths(from->delay_percent)
            : (struct fraction){.numerator = (uint32_t)from->delay_percent, .denominator = 100};
    out->has_abort = from->has_abort;
    out->has_abort_share = from->has_abort_share;
    out->abort_share = millionths(from->abort_percent);
    out->abort_status = from->abort_status;
    out->has_grpc_status = from->has_grpc_status;
    out->grpc_status = from->grpc_status;
    return out;
}

/* False: a code that Istio lets pass and Envoy does not know. */
static bool set_redirect(struct translation *t, const struct http_redirect *from,
                         const struct route_question *question, struct route *out)
{
    struct redirect_action *redirect = &out->redirect;
    bool has_port = from->port != 0 || from->derive_port != DERIVE_PORT_NOT;

    *redirect = (struct redirect_action){
        .status = from->code == 0 ? 301 : from->code,
        .scheme = context_keep(t, from->scheme),
        .host = context_keep(t, from->authority),
        .has_path = !from->has_prefix_rewrite,
        .path = context_keep(t, from->uri),
        .has_prefix_rewrite = from->has_prefix_rewrite,
        .prefix_rewrite = context_keep(t, from->prefix_rewrite),
        .origin = context_keep_origin(t, from->origin),
    };
    if (has_port) {
        uint32_t port = from->port;
        if (from->derive_port == DERIVE_PORT_FROM_REQUEST)
            port = question->listen_port;
        bool is_https =
            from->scheme.len > 0 ? str_eq(from->scheme, STR("https")) : question->is_tls;
        bool is_usual = is_https ? port == 443 : port == 80;
        redirect->port = is_usual ? 0 : port;
        redirect->port_kind = redirect->port != 0 ? PORT_REDIRECT_SET : PORT_REDIRECT_NONE;
    }
    switch (redirect->status) {
    case 301:
    case 302:
    case 303:
    case 307:
    case 308:
        return true;
    default:
        diag_add(t->diags, DIAG_REDIRECT_CODE_UNKNOWN, from->origin, STR_EMPTY,
                 arena_format(&t->scratch, "%u", from->code), STR_EMPTY, STR_EMPTY);
        return false;
    }
}

static void set_direct(struct translation *t, const struct http_direct_response *from,
                       struct route *out)
{
    out->direct = (struct direct_response_action){
        .status = from->status,
        .has_body = from->has_body,
        .is_body_bytes = from->is_body_bytes,
        .body = context_keep(t, from->body),
        .origin = context_keep_origin(t, from->origin),
    };
}

/* host:port of a single cluster, else the VirtualService's name and port. The
 * path of Ingress and the Gateway API is not in it. */
static struct str decorator_of(struct translation *t, const struct route *route, struct str vs_name,
                               uint32_t listen_port)
{
    bool is_segments = route->match.path.kind == PATH_SEPARATED_PREFIX;
    struct str path = is_segments ? STR("/") : route->match.path.value;
    const char *star = is_segments || route->match.path.kind == PATH_PREFIX ? "*" : "";
    struct str rest = route->forward.cluster;

    if (route->action == ROUTE_FORWARD && str_find(rest, '|') != STR_NONE) {
        (void)str_cut(&rest, '|');
        struct str port = str_cut(&rest, '|');
        (void)str_cut(&rest, '|');
        return context_keep(t, arena_format(&t->scratch, "%.*s:%.*s%.*s%s", STR_FMT(rest),
                                            STR_FMT(port), STR_FMT(path), star));
    }
    return context_keep(t, arena_format(&t->scratch, "%.*s:%u%.*s%s", STR_FMT(vs_name), listen_port,
                                        STR_FMT(path), star));
}

static struct str route_name(struct translation *t, const struct http_rule *rule,
                             const struct http_match *match)
{
    if (match == NULL || match->name.len == 0)
        return context_keep(t, rule->name);
    return context_keep(
        t, arena_format(&t->scratch, "%.*s.%.*s", STR_FMT(rule->name), STR_FMT(match->name)));
}

static void set_provenance(struct translation *t, const struct virtual_service *service,
                           const struct http_rule *rule, struct rule_place place, struct route *out)
{
    const struct object_meta *meta = &service->meta;

    out->config = context_keep(
        t, arena_format(&t->scratch,
                        "/apis/networking.istio.io/v1/namespaces/%.*s/virtual-service/%.*s",
                        STR_FMT(meta->namespace), STR_FMT(meta->name)));
    out->rule_path = context_keep(t, place.of != NULL ? place.of->path : rule->path);
    out->origin = context_keep_origin(t, place.of != NULL ? place.of->origin : rule->origin);
}

static bool set_action(struct translation *t, const struct route_question *question,
                       const struct http_rule *rule, struct route *out)
{
    struct mutation_lists request = {0}, response = {0};
    struct str authority = mutations_add(t, &rule->request, true, &request);
    bool is_fine = true;

    (void)mutations_add(t, &rule->response, false, &response);
    if (rule->redirect != NULL) {
        bool is_known = set_redirect(t, rule->redirect, question, out);
        out->action = is_known ? ROUTE_REDIRECT : ROUTE_NO_ACTION;
    } else if (rule->direct != NULL) {
        out->action = ROUTE_DIRECT_RESPONSE;
        set_direct(t, rule->direct, out);
    } else {
        struct forward_question forward = {.rule = rule,
                                           .listen_port = question->listen_port,
                                           .namespace = question->service->meta.namespace,
                                           .authority = authority,
                                           .semantics = question->service->semantics,
                                           .path = &out->match.path};
        out->action = ROUTE_FORWARD;
        is_fine = forward_translate(t, &forward, &request, &response, &out->forward);
    }
    out->request_headers = mutations_of(&request);
    out->response_headers = mutations_of(&response);
    return is_fine;
}

/* One route of one match of one rule. False: it is not for this proxy. */
static bool translate_route(struct translation *t, const struct route_question *question,
                            struct rule_place place, struct route *out)
{
    const struct http_rule *rule = &question->service->rules[place.rule];

    if (place.of != NULL &&
        !match_is_for_proxy(t, place.of, question->gateway, question->listen_port))
        return false;
    *out = (struct route){.name = route_name(t, rule, place.of)};
    if (!match_translate(t, place.of, question->service->semantics, &out->match))
        return false;
    if (!set_action(t, question, rule, out))
        return false;
    if (place.of != NULL)
        out->stat_prefix = context_keep(t, place.of->stat_prefix);
    out->fault = fault_of(t, rule->fault);
    out->cors = cors_translate(t, rule->cors);
    set_provenance(t, question->service, rule, place, out);
    out->decorator = decorator_of(t, out, question->service->meta.name, question->listen_port);
    return true;
}

/* True: the route takes everything, so the list ends. */
static bool add_route(struct translation *t, const struct route_question *question,
                      struct rule_place place, struct route_list *out)
{
    struct route route;

    if (!translate_route(t, question, place, &route))
        return false;
    route.index = out->count;
    *ARENA_PUSH(t->arena, out->items, out->count, out->capacity) = route;
    return place.of == NULL || match_is_catch_all(&route.match);
}

void routes_of_virtual_service(struct translation *t, const struct route_question *question,
                               struct route_list *out)
{
    const struct virtual_service *service = question->service;

    for (uint32_t i = 0; i < service->rule_count; i++) {
        const struct http_rule *rule = &service->rules[i];
        ASSERT(rule->delegate == NULL);
        if (rule->match_count == 0) {
            (void)add_route(t, question, (struct rule_place){.rule = i}, out);
            return;
        }
        for (uint32_t k = 0; k < rule->match_count; k++) {
            struct rule_place place = {.rule = i, .of = &rule->matches[k]};
            if (add_route(t, question, place, out))
                return;
        }
    }
}

void routes_default(struct translation *t, const struct service *service, uint32_t port,
                    struct route_list *out)
{
    struct route *route = ARENA_PUSH(t->arena, out->items, out->count, out->capacity);

    *route = (struct route){.name = STR("default"), .action = ROUTE_FORWARD};
    (void)match_translate(t, NULL, SEMANTICS_ISTIO, &route->match);
    route->forward.cluster = cluster_name(t, port, STR_EMPTY, service->host);
    forward_set_defaults(t, true, &route->forward);
    route_hash_set_default(t, service, port, &route->forward);
    route->decorator = decorator_of(t, route, service->meta.name, port);
    route->origin = (struct origin){.file = context_keep(t, service->meta.origin.file)};
}

bool routes_is_passing_unknown(const struct translation *t)
{
    switch (t->outbound) {
    case OUTBOUND_UNSET:
        return t->profile->is_unknown_host_passed;
    case OUTBOUND_ALLOW_ANY:
    case OUTBOUND_ALLOW_ANY_DYNAMIC_DNS:
        return true;
    case OUTBOUND_REGISTRY_ONLY:
        return false;
    }
    UNREACHABLE("outbound_mode");
}

struct str routes_unknown_cluster(struct translation *t)
{
    if (t->sidecar == NULL || t->sidecar->egress_proxy.host.len == 0)
        return STR("PassthroughCluster");
    const struct egress_proxy *proxy = &t->sidecar->egress_proxy;
    return cluster_name(t, proxy->port, proxy->subset, proxy->host);
}

bool routes_is_looking_names_up(const struct translation *t)
{
    return t->proxy->type == PROXY_SIDECAR && t->outbound == OUTBOUND_ALLOW_ANY_DYNAMIC_DNS;
}

bool routes_catch_all(struct translation *t, struct str *name, struct route_list *out)
{
    struct route route = {.name = STR("allow_any"), .action = ROUTE_FORWARD};

    (void)match_translate(t, NULL, SEMANTICS_ISTIO, &route.match);
    if (routes_is_looking_names_up(t)) {
        route.name = STR("allow_any_dynamic_dns");
        route.forward.cluster = STR("AllowAnyDynamicDNSCluster");
        forward_set_defaults(t, false, &route.forward);
    } else if (routes_is_passing_unknown(t)) {
        route.forward.cluster = routes_unknown_cluster(t);
        forward_set_defaults(t, false, &route.forward);
        if (t->outbound == OUTBOUND_UNSET)
            route.forward.defaults |= DEFAULT_UNKNOWN_HOST;
    } else if (t->outbound == OUTBOUND_REGISTRY_ONLY) {
        route.name = STR("block_all");
        route.action = ROUTE_DIRECT_RESPONSE;
        route.direct = (struct direct_response_action){.status = 502};
    } else {
        return false;
    }
    *name = route.name;
    *ARENA_PUSH(t->arena, out->items, out->count, out->capacity) = route;
    return true;
}
