/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/core/chain.h - which filter chain of a listener serves a connection.
 *
 * Envoy asks one thing after the other, and takes nothing back: destination
 * port, destination address (the narrowest range), server name (exact, else the
 * longest wildcard), transport protocol, application protocols in the order of
 * the client. Each time the chains that mean what was met stay; where there is
 * none, those without a word about it; where there is none of these either, it
 * is the default chain.
 *
 * Source: ENVOY.md 9.5, ISTIO.md 5.2.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "proxy/model/listener.h"

/* What is known of a connection before a byte was served. */
struct chain_question {
    const struct listener *listener;
    uint32_t destination_port;      /* where it was going */
    struct str destination_address; /* empty: unknown */
    bool is_tls;                    /* the TLS inspector saw a ClientHello */
    struct str server_name;         /* of it, in lower case; empty: none */
    const struct str *protocols;    /* of its ALPN; or what the HTTP inspector says: */
    uint32_t protocol_count;        /* "http/1.1", "h2c" */
};

/* The chain that matches, the default chain, or NULL: close. *count, if not NULL, says
 * how many matched alike (Envoy takes no configuration with two); 0: none but
 * the default one. */
const struct filter_chain *chain_choose(const struct chain_question *asked, uint32_t *count);

/* Is the inspector on for connections to this port? */
bool chain_is_inspected(const struct inspector *inspector, uint32_t port);
