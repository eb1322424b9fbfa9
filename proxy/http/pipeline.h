/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/http/pipeline.h - what Envoy's connection manager does to heads before
 * routing and after the response: checks, path normalization, x-forwarded-*,
 * x-request-id, hop-by-hop headers, date and server.
 *
 * Source: ENVOY.md 1.3 to 1.8, in that order. x-envoy-decorator-operation is
 * not set here: it needs the route, so the exchange sets it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/rng.h"
#include "proxy/model/listener.h"
#include "proxy/model/message.h"
#include "proxy/model/secret.h"

/* The two ends of the downstream connection. */
struct peer_facts {
    struct str remote_address, local_address, node_address;
    uint32_t remote_port, local_port;
    /* The carrier ends TLS, or something that counts as it; and what the client said
     * in its ClientHello: the name that it called (empty: none), ALPN. */
    bool is_tls;
    struct str server_name;
    const struct str *protocols;
    uint32_t protocol_count;
    const struct certificate *certificate;     /* the client showed it; NULL: none */
    const struct certificate *own_certificate; /* that it was shown */
};

struct pipeline_answer {
    bool is_refused;
    uint32_t status;
    struct str details;
    struct str body;
    struct str flag;     /* access-log flag, mostly empty */
    struct str location; /* for a redirect to the normalized path */
    bool is_closing;     /* connection: close goes with the answer */
};

/* Changes `head` in place; slices made here live in `arena`. Draws from `uuid`
 * twice when it makes an x-request-id, else not. `is_upgrade`: as the codec
 * said. */
struct pipeline_answer pipeline_request(const struct http_connection_manager *http,
                                        const struct peer_facts *peer, bool is_upgrade,
                                        struct request_head *head, struct rng *uuid,
                                        struct arena *arena);

/* `date` is RFC 1123 text of the driver's clock. Applies to every response,
 * local replies included. */
/* A new x-request-id, in `arena`. */
struct str pipeline_new_id(struct rng *uuid, struct arena *arena);
/* Is one drawn for a request that came with this head? */
bool pipeline_draws_id(const struct http_connection_manager *http,
                       const struct header_list *headers);

void pipeline_response(const struct http_connection_manager *http, struct str date, bool is_upgrade,
                       struct response_head *head);
