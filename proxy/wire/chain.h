/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/wire/chain.h - which filter chain of a listener serves a connection.
 *
 * Listeners whose chains ask for application protocols look at the first bytes
 * as Envoy's HTTP inspector does; others know at once, so that a server may
 * speak first. TLS is not ended here: either the carrier has done so, and then
 * chains with a transport socket match, or the chains that take bytes as they
 * are.
 *
 * Source: ENVOY.md 9.5, ISTIO.md 5.2.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "proxy/model/listener.h"

enum chain_protocol {
    CHAIN_PROTOCOL_MORE, /* the bytes do not say yet */
    CHAIN_PROTOCOL_HTTP10,
    CHAIN_PROTOCOL_HTTP11,
    CHAIN_PROTOCOL_H2C,
    CHAIN_PROTOCOL_TLS,
    CHAIN_PROTOCOL_OTHER,
};

/* What the first bytes of a connection say. */
enum chain_protocol chain_inspect(struct str bytes);

/* Must bytes be seen before a chain can be chosen? */
bool chain_is_inspected(const struct listener *listener);

struct chain_question {
    const struct listener *listener;
    enum chain_protocol protocol; /* without inspection CHAIN_PROTOCOL_OTHER */
    uint32_t destination_port;    /* where the connection was going */
    bool is_tls_ended;            /* the carrier ended TLS before */
    struct str destination_address;
};

/* The chain that matches, the default chain, or NULL: close. */
const struct filter_chain *chain_choose(struct chain_question asked);
