/* SPDX-License-Identifier: Apache-2.0
 *
 * config/translate/streams.c - see streams.h.
 */
#include "config/translate/streams.h"

#include "base/ip.h"
#include "config/translate/authz.h"
#include "config/translate/clusters.h"
#include "config/translate/listeners.h"
#include "config/translate/policy.h"

/* What a host stands for: a service, or through an ExternalName another host. */
struct stream_host {
    const struct service *service; /* NULL: unknown to this proxy */
    struct str host;
};

static struct stream_host find_host(const struct translation *t, struct str host)
{
    uint32_t alias = map_get(&t->alias_by_host, host);

    if (alias != MAP_NONE)
        return (struct stream_host){t->aliases[alias], t->aliases[alias]->external_name};
    return (struct stream_host){context_service(t, host), host};
}

static struct str destination_cluster(struct translation *t, const struct destination *destination,
                                      uint32_t listen_port)
{
    struct stream_host host = find_host(t, destination->host);
    uint32_t port = listen_port;

    /* A backend of the Gateway API that may not be used. */
    if (host.host.len == 0)
        return context_keep(t, STR("UnknownService"));
    if (destination->port != 0)
        port = destination->port;
    else if (host.service != NULL && host.service->port_count == 1)
        port = host.service->ports[0].port;
    return cluster_name(t, port, destination->subset, host.host);
}

static const struct subset *find_subset(const struct merged_rule *rule, struct str name)
{
    for (uint32_t i = 0; name.len > 0 && i < rule->subset_count; i++) {
        if (str_eq(rule->subsets[i]->name, name))
            return rule->subsets[i];
    }
    return NULL;
}

static void set_tunnel(struct translation *t, const struct tunnel_rule *tunnel,
                       struct tcp_proxy *out)
{
    if (tunnel == NULL)
        return;
    out->tunnel_host = context_keep(
        t, arena_format(&t->scratch, "%.*s:%u", STR_FMT(tunnel->target_host), tunnel->target_port));
    out->is_tunnel_post = str_eq(tunnel->protocol, STR("POST"));
}

static bool is_hashing_source(const struct load_balancer *lb)
{
    return lb->hash != NULL && lb->hash->by == HASH_BY_SOURCE;
}

/* Of what subsets say Istio takes the tunnel and the source's hash; the rest is
 * the rule's own, not that of ports. */
static void set_policy(struct translation *t, const struct service *service, struct str subset_name,
                       struct tcp_proxy *out)
{
    const struct merged_rule *rule =
        service != NULL ? policy_find(t, service->host, service->meta.namespace) : NULL;

    if (rule == NULL)
        return;
    const struct policy_parts *own = rule->policy != NULL ? &rule->policy->parts : NULL;
    const struct subset *subset = find_subset(rule, subset_name);
    if (own != NULL && own->pool != NULL) {
        out->idle_timeout_ns = own->pool->tcp_idle_timeout_ns;
        out->max_connection_duration_ns = own->pool->max_connection_duration_ns;
    }
    out->is_hashing_source_ip = own != NULL && is_hashing_source(&own->lb);
    if (subset != NULL && subset->policy.is_set && subset->policy.parts.lb.is_set)
        out->is_hashing_source_ip = is_hashing_source(&subset->policy.parts.lb);
    if (subset_name.len > 0)
        set_tunnel(t, subset != NULL ? subset->policy.parts.tunnel : NULL, out);
    else
        set_tunnel(t, own != NULL ? own->tunnel : NULL, out);
}

static void set_weighted(struct translation *t, const struct stream_question *question,
                         struct tcp_proxy *out)
{
    const struct stream_rule *rule = question->rule;
    const struct object_meta *meta = &question->service->meta;
    struct weighted_cluster *items =
        ARENA_ARRAY(t->arena, struct weighted_cluster, rule->route_count);

    for (uint32_t i = 0; i < rule->route_count; i++) {
        const struct stream_destination *from = &rule->routes[i];
        if (from->weight <= 0)
            continue;
        struct weighted_cluster *weighted = &items[out->weighted_count++];
        weighted->cluster = destination_cluster(t, &from->destination, question->listen_port);
        weighted->weight = (uint32_t)from->weight;
        weighted->origin = context_keep_origin(t, from->destination.origin);
        out->weight_total += weighted->weight;
    }
    out->weighted = items;
    out->stat_prefix = context_keep(
        t, arena_format(&t->scratch, "%.*s.%.*s", STR_FMT(meta->name), STR_FMT(meta->namespace)));
}

struct filter_chain streams_chain(struct translation *t, const struct stream_question *question)
{
    const struct stream_rule *rule = question->rule;
    struct filter_chain out = {.kind = CHAIN_TCP,
                               .has_mongo = question->protocol == PORT_MONGO,
                               .origin = context_keep_origin(t, rule->origin)};

    ASSERT(rule->route_count > 0);
    if (rule->route_count == 1) {
        out.tcp.cluster =
            destination_cluster(t, &rule->routes[0].destination, question->listen_port);
        out.tcp.stat_prefix = out.tcp.cluster;
    } else {
        set_weighted(t, question, &out.tcp);
    }
    /* Of several destinations the first one's rule counts, without its subset. */
    const struct destination *first = &rule->routes[0].destination;
    set_policy(t, find_host(t, first->host).service,
               rule->route_count == 1 ? first->subset : STR_EMPTY, &out.tcp);
    return out;
}

struct filter_chain streams_service_chain(struct translation *t, const struct service *service,
                                          uint32_t port, enum port_protocol protocol)
{
    struct str cluster = cluster_name(t, port, STR_EMPTY, service->host);
    struct filter_chain out = {
        .kind = CHAIN_TCP,
        .has_mongo = protocol == PORT_MONGO,
        .tcp = {.stat_prefix = cluster, .cluster = cluster},
    };

    if (t->proxy->type == PROXY_SIDECAR)
        out.tcp.sni_cache = cluster_dns_cache(t, service);
    /* Where names are looked up istiod asks who may come in, though nobody comes in. */
    if (out.tcp.sni_cache.name.len > 0)
        out.security = authz_to_service(t, service->meta.namespace);
    out.tcp.sni_port = port;
    set_policy(t, service, STR_EMPTY, &out.tcp);
    return out;
}

static void add_sni_chain(struct translation *t, const struct service *service,
                          const struct service_port *port, struct str subset,
                          struct chain_list *out)
{
    static const struct str PROTOCOLS[] = {STR_INIT("istio"), STR_INIT("istio-peer-exchange"),
                                           STR_INIT("istio-http/1.0"), STR_INIT("istio-http/1.1"),
                                           STR_INIT("istio-h2")};
    struct str *name = ARENA_ARRAY(t->arena, struct str, 1);
    struct filter_chain *chain = ARENA_PUSH(t->arena, out->items, out->count, out->capacity);

    name[0] = cluster_sni_name(t, port->port, subset, service->host);
    *chain = (struct filter_chain){
        .kind = CHAIN_TCP,
        .has_mongo = context_protocol(t, port) == PORT_MONGO,
        .tcp = {.stat_prefix = name[0], .cluster = name[0]},
        .server_names = name,
        .server_name_count = 1,
        .application_protocols = PROTOCOLS,
        .application_protocol_count = COUNT_OF(PROTOCOLS),
        .transport_connect_timeout_ns = LISTENERS_TRANSPORT_TIMEOUT_NS,
        .origin = context_keep_origin(t, port->origin),
    };
    set_policy(t, service, subset, &chain->tcp);
    chain->tcp.tunnel_host = STR_EMPTY; /* what is tunnelled does not come here */
}

void streams_add_sni_chains(struct translation *t, const struct service *service,
                            const struct service_port *port, struct chain_list *out)
{
    const struct merged_rule *rule = policy_find(t, service->host, service->meta.namespace);

    if (context_protocol(t, port) == PORT_UDP)
        return;
    add_sni_chain(t, service, port, STR_EMPTY, out);
    for (uint32_t i = 0; rule != NULL && i < rule->subset_count; i++)
        add_sni_chain(t, service, port, rule->subsets[i]->name, out);
}

bool streams_match_is_for_proxy(const struct translation *t, const struct stream_match *match,
                                struct str gateway, uint32_t listen_port)
{
    if (match->port != 0 && match->port != listen_port)
        return false;
    if (match->gateways.count > 0 && !text_list_has(&match->gateways, gateway))
        return false;
    if (t->proxy->type != PROXY_SIDECAR)
        return true;
    if (match->source_namespace.len > 0 && !str_eq(match->source_namespace, t->proxy->namespace))
        return false;
    return label_is_subset(match->source_labels.items, match->source_labels.count, t->proxy->labels,
                           t->proxy->label_count);
}

static struct str *sorted_copy(struct translation *t, const struct text_list *list)
{
    struct str *out = ARENA_ARRAY(t->arena, struct str, list->count);

    for (uint32_t i = 0; i < list->count; i++) {
        uint32_t place = i;
        for (; place > 0 && str_order(out[place - 1], list->items[i]) > 0; place--)
            out[place] = out[place - 1];
        out[place] = context_keep(t, list->items[i]);
    }
    return out;
}

void streams_set_names(struct translation *t, const struct text_list *names,
                       struct filter_chain *chain)
{
    if (names->count == 0 || text_list_has(names, STR("*")))
        return;
    chain->server_names = sorted_copy(t, names);
    chain->server_name_count = names->count;
}

void streams_set_destinations(struct translation *t, const struct text_list *subnets,
                              struct filter_chain *chain)
{
    struct str *sorted = sorted_copy(t, subnets);
    struct cidr *out = ARENA_ARRAY(t->arena, struct cidr, subnets->count);

    chain->destinations = out;
    for (uint32_t i = 0; i < subnets->count; i++) {
        struct str bits = sorted[i];
        struct str address = str_cut(&bits, '/');
        struct ip ip;
        if (!ip_parse(address, &ip) || str_eq(address, STR("0.0.0.0")) ||
            str_eq(address, STR("::")))
            continue; /* no subnet: said when it was validated */
        uint64_t bit_count = ip.bit_count;
        if (bits.ptr != NULL && !str_to_u64(bits, ip.bit_count, &bit_count))
            continue;
        out[chain->destination_count++] = (struct cidr){
            .address = context_keep(t, ip_text(&ip, &t->scratch)), .bits = (uint32_t)bit_count};
    }
}

struct str streams_config(struct translation *t, const struct virtual_service *service)
{
    const struct object_meta *meta = &service->meta;

    return context_keep(
        t, arena_format(&t->scratch,
                        "/apis/networking.istio.io/v1/namespaces/%.*s/virtual-service/%.*s",
                        STR_FMT(meta->namespace), STR_FMT(meta->name)));
}
