/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/wire/inspector.h - what the first bytes of a connection are, for
 * listeners that must know before they choose a chain (proxy/core/chain.h):
 * Envoy's TLS inspector and HTTP inspector. Where neither looks, the chain is
 * known at once, so that a server may speak first.
 *
 * Source: ENVOY.md 9.5, ISTIO.md 5.2.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "proxy/http/pipeline.h"
#include "proxy/model/listener.h"

enum inspected {
    INSPECTED_MORE, /* the bytes do not say yet */
    INSPECTED_HTTP10,
    INSPECTED_HTTP11,
    INSPECTED_H2C,
    INSPECTED_TLS,
    INSPECTED_OTHER,
};

/* Where a connection was going, and who looks at it. */
struct inspection {
    const struct listener *listener;
    const struct peer_facts *peer; /* TLS that the carrier ends needs no look */
    struct str destination_address;
    uint32_t destination_port;
};

/* What the bytes so far are; INSPECTED_OTHER if nobody looks. */
enum inspected inspector_look(const struct inspection *asked, struct str bytes);

/* The chain that matches, the default chain, or NULL: close. */
const struct filter_chain *inspector_choose(const struct inspection *asked, enum inspected what);
