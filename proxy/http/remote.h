/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/http/remote.h - who the client is, to logs: the connection's peer, or
 * whom x-forwarded-for names.
 *
 * Source: ENVOY.md 1.6 (original-IP detection).
 */
#pragma once

#include "proxy/http/pipeline.h"

/* As the head came in, before pipeline_request. *port is 0 when the address is
 * from the header. */
struct str remote_address(const struct http_connection_manager *http, const struct peer_facts *peer,
                          const struct request_head *head, uint32_t *port);
