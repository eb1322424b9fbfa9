/* SPDX-License-Identifier: Apache-2.0
 *
 * config/translate/outbound_chains.c - see outbound_chains.h.
 */
#include "config/translate/outbound_chains.h"

#include "base/ip.h"
#include "config/resource/host.h"
#include "config/resource/service.h"
#include "config/translate/domains.h"
#include "config/translate/listeners.h"

#define MESH_GATEWAY STR("mesh")

static bool is_for_service(const struct virtual_service *virtual, const struct service *service)
{
    for (uint32_t i = 0; i < virtual->hosts.count; i++) {
        if (host_matches(virtual->hosts.items[i], service->host))
            return true;
    }
    return false;
}

static void add(struct translation *t, struct outbound_chain_list *out, struct filter_chain chain,
                const struct text_list *names, const struct text_list *subnets)
{
    struct outbound_chain *added = ARENA_PUSH(&t->scratch, out->items, out->count, out->capacity);

    chain.transport_connect_timeout_ns = LISTENERS_TRANSPORT_TIMEOUT_NS;
    *added = (struct outbound_chain){.chain = chain};
    if (names != NULL) {
        added->has_sni = names->count > 0;
        streams_set_names(t, names, &added->chain);
    }
    streams_set_destinations(t, subnets, &added->chain);
}

static struct filter_chain rule_chain(struct translation *t,
                                      const struct outbound_question *question,
                                      const struct virtual_service *virtual,
                                      const struct stream_rule *rule)
{
    return streams_chain(
        t, &(struct stream_question){virtual, rule, question->listen_port, question->protocol});
}

/* A service's only port is meant whatever the listener's is. */
static struct filter_chain default_chain(struct translation *t,
                                         const struct outbound_question *question)
{
    const struct service *service = question->service;
    uint32_t port = service->port_count == 1 ? service->ports[0].port : question->listen_port;
    struct filter_chain out = streams_service_chain(t, service, port, question->protocol);

    for (uint32_t i = 0; i < service->port_count; i++) {
        if (service->ports[i].port == port)
            out.origin = context_keep_origin(t, service->ports[i].origin);
    }
    return out;
}

/* --- TLS ---------------------------------------------------------------------- */

struct tls_maker {
    struct translation *t;
    const struct outbound_question *question;
    struct outbound_chain_list *out;
    struct text_list handled; /* what is matched at run time, once each */
    struct text_list subnets; /* Istio's: a match's subnets hold for those after it */
    bool has_match;
};

static struct str joined(struct translation *t, const struct text_list *list)
{
    struct str out = STR("");

    for (uint32_t i = 0; i < list->count; i++)
        out = arena_format(&t->scratch, "%.*s%s%.*s", STR_FMT(out), i > 0 ? "," : "",
                           STR_FMT(list->items[i]));
    return out;
}

static void add_tls_match(struct tls_maker *maker, const struct virtual_service *virtual,
                          const struct stream_rule *rule, const struct stream_match *match)
{
    struct translation *t = maker->t;
    const struct outbound_question *question = maker->question;

    if (!streams_match_is_for_proxy(t, match, MESH_GATEWAY, question->listen_port))
        return;
    if (match->subnets.count > 0)
        maker->subnets = match->subnets;
    struct str key = arena_format(&t->scratch, "%.*s|%.*s", STR_FMT(joined(t, &match->sni_hosts)),
                                  STR_FMT(joined(t, &match->subnets)));
    if (text_list_has(&maker->handled, key))
        return;
    text_list_add(&maker->handled, key, &t->scratch);
    struct filter_chain chain = rule_chain(t, question, virtual, rule);
    chain.config = streams_config(t, virtual);
    chain.origin = context_keep_origin(t, match->origin);
    add(t, maker->out, chain, &match->sni_hosts, &maker->subnets);
    maker->has_match = true;
}

/* Without an address of its own a service is known by its names only. */
static bool is_known_by_name(const struct tls_maker *maker)
{
    const struct service *service = maker->question->service;
    bool has_address = service->cluster_ip.len > 0 && !service_is_headless(service);
    bool is_network = has_address && str_find(service->cluster_ip, '/') != STR_NONE;

    return maker->subnets.count > 0 || is_network || service_is_looking_up(service) ||
           (!has_address && str_eq(maker->question->bind, context_any_address(maker->t)));
}

/* Its host, and what else it is called. */
static struct text_list default_names(const struct tls_maker *maker)
{
    struct text_list out = {0};

    if (is_known_by_name(maker)) {
        text_list_add(&out, maker->question->service->host, &maker->t->scratch);
        domains_add_aliases(maker->t, maker->question->service, &out);
    }
    return out;
}

static void add_tls_chains(struct translation *t, const struct outbound_question *question,
                           struct outbound_chain_list *out)
{
    const struct selection *selection = question->virtual_services;
    struct tls_maker maker = {
        .t = t, .question = question, .out = out, .subnets = question->subnets};

    for (uint32_t i = 0; i < selection->count; i++) {
        const struct virtual_service *virtual = selection->items[i];
        if (virtual->tls_rule_count == 0 || !is_for_service(virtual, question->service))
            continue;
        for (uint32_t k = 0; k < virtual->tls_rule_count; k++) {
            const struct stream_rule *rule = &virtual->tls_rules[k];
            for (uint32_t m = 0; rule->route_count > 0 && m < rule->match_count; m++)
                add_tls_match(&maker, virtual, rule, &rule->matches[m]);
        }
    }
    if (maker.has_match)
        return;
    struct text_list names = default_names(&maker);
    add(t, out, default_chain(t, question), &names, &maker.subnets);
}

/* --- other streams ------------------------------------------------------------- */

enum tcp_verdict {
    TCP_NOT_MEANT, /* no match is for this proxy */
    TCP_SOME,      /* only the addresses in `subnets` */
    TCP_ALL,       /* everything: nothing comes after it */
};

static enum tcp_verdict judge(const struct translation *t, const struct outbound_question *question,
                              const struct stream_rule *rule, struct text_list *subnets,
                              struct arena *scratch)
{
    for (uint32_t i = 0; i < rule->match_count; i++) {
        const struct stream_match *match = &rule->matches[i];
        if (!streams_match_is_for_proxy(t, match, MESH_GATEWAY, question->listen_port))
            continue;
        if (match->subnets.count == 0)
            return TCP_ALL;
        for (uint32_t k = 0; k < match->subnets.count; k++)
            text_list_add(subnets, match->subnets.items[k], scratch);
    }
    if (rule->match_count == 0)
        return TCP_ALL;
    return subnets->count > 0 ? TCP_SOME : TCP_NOT_MEANT;
}

static bool has_same(const struct text_list *a, const struct text_list *b)
{
    if (a->count != b->count)
        return false;
    for (uint32_t i = 0; i < a->count; i++) {
        if (!text_list_has(b, a->items[i]))
            return false;
    }
    return true;
}

/* True: nobody else's chain may follow. */
static bool add_tcp_rule(struct translation *t, const struct outbound_question *question,
                         const struct virtual_service *virtual, const struct stream_rule *rule,
                         bool *is_default_there, struct outbound_chain_list *out)
{
    struct text_list subnets = {0};
    enum tcp_verdict verdict = judge(t, question, rule, &subnets, &t->scratch);

    if (verdict == TCP_NOT_MEANT)
        return false;
    struct filter_chain chain = rule_chain(t, question, virtual, rule);
    if (verdict == TCP_ALL) {
        chain.config = streams_config(t, virtual);
        add(t, out, chain, NULL, &question->subnets);
        *is_default_there = true;
        return true;
    }
    add(t, out, chain, NULL, &subnets);
    *is_default_there |= has_same(&subnets, &question->subnets);
    return false;
}

static void add_tcp_chains(struct translation *t, const struct outbound_question *question,
                           struct outbound_chain_list *out)
{
    const struct selection *selection = question->virtual_services;
    bool is_default_there = false;

    for (uint32_t i = 0; i < selection->count; i++) {
        const struct virtual_service *virtual = selection->items[i];
        if (virtual->tcp_rule_count == 0 || !is_for_service(virtual, question->service))
            continue;
        for (uint32_t k = 0; k < virtual->tcp_rule_count; k++) {
            const struct stream_rule *rule = &virtual->tcp_rules[k];
            if (rule->route_count > 0 &&
                add_tcp_rule(t, question, virtual, rule, &is_default_there, out))
                return;
        }
    }
    if (!is_default_there)
        add(t, out, default_chain(t, question), NULL, &question->subnets);
}

void outbound_chains(struct translation *t, const struct outbound_question *question,
                     struct outbound_chain_list *out)
{
    if (port_protocol_is_tls(question->protocol))
        add_tls_chains(t, question, out);
    else
        add_tcp_chains(t, question, out);
}

/* --- side by side --------------------------------------------------------------- */

bool outbound_chain_is_match_all(const struct outbound_chain *chain)
{
    const struct filter_chain *of = &chain->chain;

    return of->server_name_count == 0 && of->application_protocol_count == 0 &&
           of->transport_protocol.len == 0 && of->destination_count == 0;
}

/* Names are sorted. */
static bool are_same(const struct str *a, uint32_t a_count, const struct str *b, uint32_t b_count)
{
    if (a_count != b_count)
        return false;
    for (uint32_t i = 0; i < a_count; i++) {
        if (!str_eq(a[i], b[i]))
            return false;
    }
    return true;
}

/* Bits behind the prefix do not matter. */
static bool is_same_range(const struct cidr *a, const struct cidr *b)
{
    struct ip one, other;

    return a->bits == b->bits && ip_parse(a->address, &one) && ip_parse(b->address, &other) &&
           ip_has_prefix(&one, &other, a->bits);
}

static bool has_ranges(const struct filter_chain *of, const struct filter_chain *wanted)
{
    for (uint32_t i = 0; i < wanted->destination_count; i++) {
        bool is_there = false;
        for (uint32_t k = 0; k < of->destination_count; k++)
            is_there |= is_same_range(&of->destinations[k], &wanted->destinations[i]);
        if (!is_there)
            return false;
    }
    return true;
}

bool outbound_chains_conflict(const struct outbound_chain *one, const struct outbound_chain *other)
{
    const struct filter_chain *a = &one->chain, *b = &other->chain;

    return str_eq(a->transport_protocol, b->transport_protocol) &&
           are_same(a->application_protocols, a->application_protocol_count,
                    b->application_protocols, b->application_protocol_count) &&
           are_same(a->server_names, a->server_name_count, b->server_names, b->server_name_count) &&
           has_ranges(a, b) && has_ranges(b, a);
}
