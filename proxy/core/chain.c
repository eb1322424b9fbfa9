/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/core/chain.c - see chain.h.
 */
#include "proxy/core/chain.h"

#include "base/ip.h"

/* How well a chain fits in one respect. */
#define MISFIT (-1)
#define UNSAID 0 /* it has no word about it */

static int64_t rank_port(const struct filter_chain *chain, const struct chain_question *asked)
{
    if (chain->destination_port == 0)
        return UNSAID;
    return chain->destination_port == asked->destination_port ? 1 : MISFIT;
}

/* What is no address can be met as it is written. */
static bool is_within(struct str address, const struct cidr *range)
{
    struct ip one, other;

    if (!ip_parse(address, &one) || !ip_parse(range->address, &other))
        return str_eq(address, range->address);
    return ip_has_prefix(&one, &other, range->bits);
}

static int64_t rank_address(const struct filter_chain *chain, const struct chain_question *asked)
{
    int64_t best = chain->destination_count == 0 ? UNSAID : MISFIT;

    for (uint32_t i = 0; i < chain->destination_count; i++) {
        const struct cidr *range = &chain->destinations[i];
        if (range->bits + 1 > best && is_within(asked->destination_address, range))
            best = (int64_t)range->bits + 1;
    }
    return best;
}

/* "*.example.com" means what ends in ".example.com". */
static bool is_wildcard_of(struct str pattern, struct str name)
{
    return str_has_prefix(pattern, STR("*")) && str_has_suffix(name, str_from(pattern, 1));
}

static int64_t rank_server_name(const struct filter_chain *chain,
                                const struct chain_question *asked)
{
    int64_t best = chain->server_name_count == 0 ? UNSAID : MISFIT;

    for (uint32_t i = 0; i < chain->server_name_count && asked->server_name.len > 0; i++) {
        struct str name = chain->server_names[i];
        if (str_eq(name, asked->server_name))
            return INT64_MAX;
        if ((int64_t)name.len > best && is_wildcard_of(name, asked->server_name))
            best = (int64_t)name.len;
    }
    return best;
}

static int64_t rank_transport(const struct filter_chain *chain, const struct chain_question *asked)
{
    if (chain->transport_protocol.len == 0)
        return UNSAID;
    struct str met = asked->is_tls ? STR("tls") : STR("raw_buffer");
    return str_eq(chain->transport_protocol, met) ? 1 : MISFIT;
}

/* The client's first choice counts most. */
static int64_t rank_protocol(const struct filter_chain *chain, const struct chain_question *asked)
{
    if (chain->application_protocol_count == 0)
        return UNSAID;
    for (uint32_t i = 0; i < asked->protocol_count; i++) {
        for (uint32_t k = 0; k < chain->application_protocol_count; k++) {
            if (str_eq(chain->application_protocols[k], asked->protocols[i]))
                return (int64_t)(asked->protocol_count - i);
        }
    }
    return MISFIT;
}

typedef int64_t rank_fn(const struct filter_chain *chain, const struct chain_question *asked);

static rank_fn *const RANKS[] = {rank_port, rank_address, rank_server_name, rank_transport,
                                 rank_protocol};

/* Is it among those that are left after `step_count` questions, whose best ranks
 * were these? */
static bool is_left(const struct filter_chain *chain, const struct chain_question *asked,
                    const int64_t *bests, size_t step_count)
{
    for (size_t i = 0; i < step_count; i++) {
        if (RANKS[i](chain, asked) != bests[i])
            return false;
    }
    return true;
}

const struct filter_chain *chain_choose(const struct chain_question *asked, uint32_t *count)
{
    const struct listener *listener = asked->listener;
    const struct filter_chain *found = NULL;
    int64_t bests[COUNT_OF(RANKS)];
    uint32_t left_count = 0;

    for (size_t step = 0; step < COUNT_OF(RANKS); step++) {
        bests[step] = UNSAID; /* chains that misfit are out, even where all do */
        for (uint32_t i = 0; i < listener->chain_count; i++) {
            const struct filter_chain *chain = &listener->chains[i];
            if (!is_left(chain, asked, bests, step))
                continue;
            int64_t rank = RANKS[step](chain, asked);
            bests[step] = rank > bests[step] ? rank : bests[step];
        }
    }
    for (uint32_t i = 0; i < listener->chain_count; i++) {
        const struct filter_chain *chain = &listener->chains[i];
        if (!is_left(chain, asked, bests, COUNT_OF(RANKS)))
            continue;
        found = left_count++ == 0 ? chain : found;
    }
    if (count != NULL)
        *count = left_count;
    return found != NULL ? found : listener->default_chain;
}

bool chain_is_inspected(const struct inspector *inspector, uint32_t port)
{
    bool is_named = false;

    for (uint32_t i = 0; i < inspector->port_count; i++)
        is_named |= inspector->ports[i] == port;
    return inspector->is_there && is_named == inspector->is_on_ports_only;
}
