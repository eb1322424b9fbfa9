/* SPDX-License-Identifier: Apache-2.0
 *
 * config/translate/retries.h - the retry policy of a route: the rule's, the
 * mesh's or the profile's.
 */
#pragma once

#include "config/translate/context.h"

/* Neither the rule (its retries may be NULL) nor the mesh says any: the profile's. */
bool retries_are_default(const struct translation *t, const struct http_retries *retries);

/* `retries` NULL: the rule says nothing. A route whose only destination is hashed
 * to may retry where it was (`is_hashing`). NULL: no retries. */
const struct retry_policy *retries_translate(struct translation *t,
                                             const struct http_retries *retries, bool is_hashing);
