/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/core/matcher.h - does a text, a header, a query or a path match?
 *
 * Pure questions on small structs. Source: ENVOY.md 2.2 to 2.4.
 */
#pragma once

#include <stdbool.h>

#include "base/str.h"
#include "proxy/model/message.h"
#include "proxy/model/policy.h"

bool matcher_string(const struct string_matcher *matcher, struct str text);

/* What was met, for explaining: the (first) value, or that it was absent. */
struct matcher_met {
    bool is_absent;
    struct str value;
};

bool matcher_header(const struct header_matcher *matcher, const struct request_head *head,
                    struct matcher_met *met);

/* `query` is what follows the first "?", without it. */
/* The first value of a parameter, raw (ENVOY.md 2.4); false: it is not there. */
bool matcher_query_value(struct str query, struct str name, struct str *value);
bool matcher_query(const struct query_matcher *matcher, struct str query, struct matcher_met *met);

/* `path` is without query and fragment. */
bool matcher_path(const struct path_matcher *matcher, struct str path);

/* The part of :path before the first "?" or "#". */
struct str matcher_bare_path(struct str path);
/* What follows the first "?", up to a "#". */
struct str matcher_query_text(struct str path);
