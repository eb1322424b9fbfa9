/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/http/h1_head.h - Envoy's rules for a head that the parser accepted:
 * methods, targets, authorities, Connection's nominations, framing.
 *
 * Pure. Source: ENVOY.md 1.2.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "proxy/model/message.h"

/* Why a message is refused: what the proxy answers. status 0: it is not. */
struct h1_refusal {
    uint32_t status;
    struct str details, body;
};

struct h1_refusal h1_refuse(uint32_t status, struct str details);

bool h1_head_has_known_method(struct str method);

/* A host with or without a port, as a URL has it. */
bool h1_head_is_url_authority(struct str authority);

/* Does a comma list in any header of that name have the token? */
bool h1_head_has_token(const struct header_list *headers, struct str name, struct str token);

/* An Upgrade header, and the token in Connection. */
bool h1_head_is_upgrade(const struct header_list *headers);

/* What the fields say about the body, before anything of them is forgiven. */
struct h1_framing_words {
    uint32_t length_count;
    bool is_length_bad;
    uint64_t length;
    bool is_chunked;
};

struct h1_head_question {
    struct str target; /* of the request line */
    const struct h1_framing_words *words;
    bool is_accepting_http10, is_refusing_https;
};

/* Sets path, authority and scheme from the target; removes what Connection
 * nominates. `is_upgrade`: to something other than h2c, which is ignored. */
struct h1_refusal h1_head_check_request(struct request_head *head,
                                        const struct h1_head_question *asked, bool *is_upgrade);
struct h1_refusal h1_head_check_response(struct response_head *head,
                                         const struct h1_framing_words *words);
