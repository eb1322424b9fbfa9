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
 * date, how long it took, and which way a connection broke. False: it differs. */
bool compare_outcomes(const struct outcome *virtual_one, const struct outcome *real_one,
                      struct buf *out);
/* Bytes of connections too, which time does not change. */
bool compare_byte_counters(struct play *one, struct play *other, const struct world *world,
                           struct buf *out);
bool compare_counters(struct play *virtual_one, struct play *real_one, const struct world *world,
                      struct buf *out);
