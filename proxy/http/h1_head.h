/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/http/h1_head.h - Envoy's rules for a head that the parser accepted:
 * methods, targets, authorities, Connection's nominations, framing.
 *
 * Pure. Source: ENVOY.md 1.2.
 */
#pragma once

#include <stdbool.h>

#include "base/str.h"
#include "proxy/model/message.h"

/* Why a message is refused: what the proxy answers. status 0: it is not. */
struct h1_refusal {
    uint32_t status;
    struct str details, body;
};

struct h1_refusal h1_refuse(uint32_t status, struct str details);

bool h1_head_has_known_method(struct str method);
/* Legal characters; the empty one is legal. */
bool h1_head_has_legal_authority(struct str authority);

/* Sets path, and for an absolute or authority form also authority and scheme,
 * from the request line's target. */
struct h1_refusal h1_head_target(struct request_head *head, struct str target);

/* Removes what Connection nominates; TE is reduced to "trailers". */
struct h1_refusal h1_head_connection(struct request_head *head);

/* Does a comma list in any header of that name have the token? */
bool h1_head_has_token(const struct header_list *headers, struct str name, struct str token);
