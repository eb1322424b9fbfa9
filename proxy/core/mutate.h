/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/core/mutate.h - headers added, set and removed by routes.
 *
 * One level is: removals, then all values rendered against the headers as they
 * are then, then overwrites, then additions. The weighted cluster's level
 * comes before the route's. Source: ENVOY.md 2.8.
 */
#pragma once

#include "base/arena.h"
#include "proxy/core/formatter.h"
#include "proxy/core/trace.h"
#include "proxy/model/message.h"
#include "proxy/model/policy.h"

enum mutate_side { MUTATE_REQUEST, MUTATE_RESPONSE };

/* Applies one level to `list`, which is the facts' request's or response's. */
void mutate_headers(const struct header_mutations *mutations, enum mutate_side side,
                    const struct formatter_facts *facts, struct header_list *list,
                    struct trace *trace, int64_t now_ns);
