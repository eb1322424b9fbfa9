/* SPDX-License-Identifier: Apache-2.0
 *
 * config/translate/forward.c - see forward.h.
 *
 * Source: ISTIO.md 2.8 to 2.10, 2.13, 2.15.
 */
#include "config/translate/forward.h"

#include "base/regex.h"
#include "config/resource/service.h"
#include "config/translate/clusters.h"
#include "config/translate/retries.h"
#include "config/translate/route_hash.h"
#include "config/translate/scope.h"

/* A gateway takes the service of the VirtualService's namespace before others. */
static const struct service *service_of(struct translation *t, struct str host,
                                        struct str namespace)
{
    const struct service *own =
        t->proxy->type == PROXY_ROUTER ? scope_service_of_namespace(t, host, namespace) : NULL;

    return own != NULL ? own : context_service(t, host);
}

/* The port that a destination without one means. A sidecar looks only at
 * services with the listener's port, so it is that port; a gateway, and the
 * routes of an HTTP proxy (port 0), take the service's only port, else that one. */
static uint32_t destination_port(struct translation *t, const struct destination *destination,
                                 const struct forward_question *question)
{
    uint32_t listen_port = question->listen_port;

    if (destination->port != 0)
        return destination->port;
    if (t->proxy->type == PROXY_SIDECAR && listen_port != 0)
        return listen_port;
    uint32_t alias = map_get(&t->alias_by_host, destination->host);
    const struct service *service = alias != MAP_NONE
                                        ? t->aliases[alias]
                                        : service_of(t, destination->host, question->namespace);
    if (service != NULL && service->port_count == 1)
        return service->ports[0].port;
    return listen_port;
}

static bool has_port(const struct service *service, uint32_t port)
{
    for (uint32_t i = 0; i < service->port_count; i++) {
        if (service->ports[i].port == port && service_port_protocol(&service->ports[i]) != PORT_UDP)
            return true;
    }
    return false;
}

/* ExternalName services stand for their target, one step and no further; a
 * sidecar knows only those with the listener's port. */
static struct str destination_host(const struct translation *t, struct str host,
                                   uint32_t listen_port)
{
    uint32_t index = map_get(&t->alias_by_host, host);

    if (index == MAP_NONE)
        return host;
    if (t->proxy->type == PROXY_SIDECAR && listen_port != 0 &&
        !has_port(t->aliases[index], listen_port))
        return host;
    return t->aliases[index]->external_name;
}

static struct str destination_cluster(struct translation *t, const struct destination *destination,
                                      const struct forward_question *question)
{
    struct str host = destination_host(t, destination->host, question->listen_port);

    /* A backend of the Gateway API that may not be used. */
    if (host.len == 0)
        return STR("UnknownService");
    return cluster_name(t, destination_port(t, destination, question), destination->subset, host);
}

static bool is_in_mesh(const struct translation *t, const struct http_rule *rule)
{
    for (uint32_t i = 0; i < rule->route_count; i++) {
        struct str host = context_resolve_alias(t, rule->routes[i].destination.host);
        if (context_service(t, host) != NULL)
            return true;
    }
    return false;
}

static void set_timeout(struct translation *t, const struct http_rule *rule,
                        struct forward_action *out)
{
    out->has_timeout = true;
    out->has_max_grpc_timeout = true;
    if (rule->has_timeout) {
        out->timeout_ns = out->max_grpc_timeout_ns = rule->timeout_ns;
        out->timeout_origin = context_keep_origin(t, rule->timeout_origin);
    } else if (is_in_mesh(t, rule)) {
        /* With max_grpc_timeout 0 gRPC calls go by their own header, so the
         * profile's timeout does not reach them (ENVOY.md 3.2). */
        out->timeout_ns = t->profile->route_timeout_ns;
        out->defaults |= DEFAULT_TIMEOUT;
    }
}

static bool set_regex_rewrite(struct translation *t, struct str pattern, struct str substitution,
                              struct forward_action *out)
{
    struct str why;

    out->has_regex_rewrite = true;
    out->regex_rewrite.pattern = context_keep(t, pattern);
    out->regex_rewrite.substitution = context_keep(t, substitution);
    out->regex_rewrite.regex = regex_new(&t->snapshot->regexes, pattern, &t->scratch, &why);
    return out->regex_rewrite.regex != NULL;
}

static bool set_rewrite(struct translation *t, const struct forward_question *question,
                        struct forward_action *out)
{
    const struct http_rewrite *rewrite = question->rule->rewrite;

    if (rewrite == NULL)
        return true;
    if (rewrite->authority.len > 0)
        out->host_rewrite = context_keep(t, rewrite->authority);
    if (rewrite->has_regex)
        return set_regex_rewrite(t, rewrite->regex_match, rewrite->regex_rewrite, out);
    /* The Gateway API takes the prefix away whole, and leaves one slash. */
    if (question->semantics == SEMANTICS_GATEWAY_API && str_eq(rewrite->uri, STR("/"))) {
        bool is_segments = question->path->kind == PATH_SEPARATED_PREFIX;
        struct str prefix =
            is_segments ? regex_quoted(question->path->value, &t->scratch) : STR_EMPTY;
        return set_regex_rewrite(t, arena_format(&t->scratch, "^%.*s(/?)(.*)", STR_FMT(prefix)),
                                 STR("/\\2"), out);
    }
    out->has_prefix_rewrite = rewrite->has_uri;
    out->prefix_rewrite = context_keep(t, rewrite->uri);
    return true;
}

static void set_mirrors(struct translation *t, const struct forward_question *question,
                        struct forward_action *out)
{
    const struct http_mirror_list *from = &question->rule->mirrors;
    struct mirror_policy *items = ARENA_ARRAY(t->arena, struct mirror_policy, from->count);
    uint32_t count = 0;

    for (uint32_t i = 0; i < from->count; i++) {
        const struct http_mirror *mirror = &from->items[i];
        if (mirror->has_percent && mirror->percent <= 0)
            continue;
        struct mirror_policy *policy = &items[count++];
        policy->cluster = destination_cluster(t, &mirror->destination, question);
        policy->origin = context_keep_origin(t, mirror->destination.origin);
        policy->has_host_suffix = t->profile->has_mirror_suffix;
        policy->has_share = true;
        policy->share = (struct fraction){.numerator = 100, .denominator = 100};
        if (mirror->has_percent && mirror->is_millionths)
            policy->share = (struct fraction){.numerator = (uint32_t)(mirror->percent * 10000),
                                              .denominator = 1000000};
        else if (mirror->has_percent)
            policy->share.numerator = (uint32_t)mirror->percent;
    }
    out->mirrors = items;
    out->mirror_count = count;
    if (count > 0)
        out->defaults |= DEFAULT_MIRROR_HOST;
}

static void set_weighted(struct translation *t, const struct forward_question *question,
                         struct forward_action *out)
{
    const struct http_rule *rule = question->rule;
    struct weighted_cluster *items =
        ARENA_ARRAY(t->arena, struct weighted_cluster, rule->route_count);

    for (uint32_t i = 0; i < rule->route_count; i++) {
        const struct http_route_destination *from = &rule->routes[i];
        struct mutation_lists request = {0}, response = {0};
        if (from->weight <= 0)
            continue;
        struct weighted_cluster *weighted = &items[out->weighted_count++];
        weighted->cluster = destination_cluster(t, &from->destination, question);
        weighted->weight = (uint32_t)from->weight;
        weighted->origin = context_keep_origin(t, from->destination.origin);
        weighted->host_rewrite = mutations_add(t, &from->request, true, &request);
        (void)mutations_add(t, &from->response, false, &response);
        weighted->request_headers = mutations_of(&request);
        weighted->response_headers = mutations_of(&response);
        out->weight_total += weighted->weight;
    }
    out->weighted = items;
}

bool forward_translate(struct translation *t, const struct forward_question *question,
                       struct mutation_lists *request, struct mutation_lists *response,
                       struct forward_action *out)
{
    const struct http_rule *rule = question->rule;

    *out = (struct forward_action){.host_rewrite = question->authority};
    if (question->semantics == SEMANTICS_GATEWAY_API)
        out->cluster_not_found_status = 500;
    bool is_hashing = route_hash_set(t, rule, out) && rule->route_count == 1;
    out->retry = retries_translate(t, rule->retries, is_hashing);
    if (retries_are_default(t, rule->retries))
        out->defaults |= DEFAULT_RETRY;
    set_timeout(t, rule, out);
    set_mirrors(t, question, out);
    if (!set_rewrite(t, question, out))
        return false;
    if (rule->route_count != 1) {
        set_weighted(t, question, out);
        return true;
    }
    const struct http_route_destination *only = &rule->routes[0];
    out->cluster = destination_cluster(t, &only->destination, question);
    out->origin = context_keep_origin(t, only->destination.origin);
    struct str authority = mutations_add(t, &only->request, true, request);
    (void)mutations_add(t, &only->response, false, response);
    if (out->host_rewrite.len == 0)
        out->host_rewrite = authority;
    return true;
}

void forward_set_defaults(struct translation *t, bool is_to_mesh, struct forward_action *out)
{
    out->has_timeout = true;
    out->has_max_grpc_timeout = true;
    if (!is_to_mesh)
        return;
    out->timeout_ns = t->profile->route_timeout_ns;
    out->defaults |= DEFAULT_TIMEOUT;
    out->retry = retries_translate(t, NULL, false);
    if (retries_are_default(t, NULL))
        out->defaults |= DEFAULT_RETRY;
}
