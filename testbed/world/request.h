/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/world/request.h - a call's bytes on the wire.
 */
#pragma once

#include <stdbool.h>

#include "base/buf.h"
#include "testbed/world/call.h"
#include "testbed/world/outflow.h"

/* Appends the head and short parts to `out` and sets `flow`; both borrow the
 * call. With an Expect header the body goes to `late`; true: it does. RC_FULL
 * is impossible: `out` takes what a test can write down. */
bool request_write(const struct call *call, struct buf *out, struct outflow *flow,
                   struct outflow *late);
/* The method that the response will answer. */
struct str request_method(const struct call *call);
