/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/agree/compare.h - what two engines say of the same requests, held against
 * each other.
 */
#pragma once

#include "base/buf.h"
#include "testbed/world/call.h"
#include "testbed/world/play.h"

/* Says into `out` what differs but for what real time and a kernel may change: the
 * date, how long it took, and which way a connection broke. Without one luck for both,
 * also what is drawn (x-request-id). False: it differs. */
bool compare_outcomes(const struct outcome *virtual_one, const struct outcome *other_one,
                      bool is_one_luck, struct buf *out);
/* Of all proxies. `is_envoy`: without those of connections that spoke no HTTP: both their
 * ends close them, and who was first is luck there. */
bool compare_counters(struct play *virtual_one, struct play *other_one, const struct world *world,
                      bool is_envoy, struct buf *out);
/* Bytes of connections too, and who ended them: what time does not change. */
bool compare_byte_counters(struct play *one, struct play *other, const struct world *world,
                           struct buf *out);
