/* SPDX-License-Identifier: Apache-2.0
 *
 * config/translate/outbound_chains.h - the filter chains that lead a sidecar's
 * own connections to a service without looking for HTTP in them: by SNI, by
 * address, or all of them.
 *
 * Source: ISTIO.md 2.19, 5.2.
 */
#pragma once

#include "config/translate/selection.h"
#include "config/translate/streams.h"

struct outbound_chain {
    struct filter_chain chain;
    bool has_sni; /* told apart by SNI, if only by "*" */
};

struct outbound_chain_list {
    struct outbound_chain *items;
    uint32_t count, capacity;
};

struct outbound_question {
    const struct service *service;
    uint32_t listen_port;
    enum port_protocol protocol; /* of the listener's port */
    struct str bind;             /* where it listens */
    struct text_list subnets;    /* of a service whose address is one */
    const struct selection *virtual_services;
};

/* Appends; at least one chain. */
void outbound_chains(struct translation *t, const struct outbound_question *question,
                     struct outbound_chain_list *out);

/* Takes every connection. */
bool outbound_chain_is_match_all(const struct outbound_chain *chain);
/* Envoy would refuse the two in one listener. */
bool outbound_chains_conflict(const struct outbound_chain *a, const struct outbound_chain *b);
