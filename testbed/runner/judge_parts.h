/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/runner/judge_parts.h - parts of judging that its files share.
 */
#pragma once

#include "testbed/runner/judge.h"

struct seen_headers {
    const struct header *items;
    uint32_t count;
};

void judge_numbers(const struct want_numbers *want, struct str where, bool has_value, uint64_t got,
                   struct complaints *out);
void judge_text(const struct want_text *want, const char *where, const struct str *got,
                struct complaints *out);
void judge_headers(const struct want_headers *want, const char *where,
                   const struct seen_headers *seen, struct complaints *out);
/* Requests that reached an application and are no mirrors. */
uint32_t judge_seen_count(const struct outcome *outcome);
void judge_upstream(const struct expect *expect, const struct outcome *outcome,
                    const struct world *world, struct complaints *out);
const char *want_order_sign(enum want_order order);
