/* SPDX-License-Identifier: Apache-2.0
 *
 * config/translate/match.h - HTTPMatchRequest to Envoy's route match.
 */
#pragma once

#include "config/translate/context.h"

/* `match` NULL: everything. False: a regex does not compile (said when it was
 * read), so there is no such route. */
bool match_translate(struct translation *t, const struct http_match *match,
                     enum route_semantics semantics, struct route_match *out);

/* One text. False: a regex that does not compile. */
bool match_string_translate(struct translation *t, const struct text_match *match,
                            struct string_matcher *out);

/* Nothing can come after this route. */
bool match_is_catch_all(const struct route_match *match);

/* Does the entry count for this proxy? `gateway` is "mesh" or "ns/name". */
bool match_is_for_proxy(const struct translation *t, const struct http_match *match,
                        struct str gateway, uint32_t listen_port);
