/* SPDX-License-Identifier: Apache-2.0
 *
 * config/translate/streams.h - TCP filter chains: where a VirtualService's tls
 * and tcp rules, or nobody's, lead a connection.
 *
 * Source: ISTIO.md 2.19.
 */
#pragma once

#include "config/resource/service.h"
#include "config/resource/stream_rule.h"
#include "config/translate/context.h"

struct chain_list {
    struct filter_chain *items;
    uint32_t count, capacity;
};

struct stream_question {
    const struct virtual_service *service;
    const struct stream_rule *rule;
    uint32_t listen_port;
    enum port_protocol protocol; /* of the listener's port */
};

/* The destinations of a rule that has some. */
struct filter_chain streams_chain(struct translation *t, const struct stream_question *question);

/* Everything to one cluster of a service's port. */
struct filter_chain streams_service_chain(struct translation *t, const struct service *service,
                                          uint32_t port, enum port_protocol protocol);

/* A gateway's AUTO_PASSTHROUGH: a chain for the port and for each subset, by the
 * SNI that sidecars send, to the cluster of that name. */
void streams_add_sni_chains(struct translation *t, const struct service *service,
                            const struct service_port *port, struct chain_list *out);

/* Does the match count for this proxy? `gateway` is "mesh" or "ns/name". */
bool streams_match_is_for_proxy(const struct translation *t, const struct stream_match *match,
                                struct str gateway, uint32_t listen_port);

/* Sets filter_chain_match: sorted copies; "*" and 0.0.0.0 match all. */
void streams_set_names(struct translation *t, const struct text_list *names,
                       struct filter_chain *chain);
void streams_set_destinations(struct translation *t, const struct text_list *subnets,
                              struct filter_chain *chain);

/* "/apis/networking.istio.io/v1/namespaces/NS/virtual-service/NAME" */
struct str streams_config(struct translation *t, const struct virtual_service *service);
