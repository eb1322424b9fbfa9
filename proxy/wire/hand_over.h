/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/wire/hand_over.h - connections that go on with another configuration.
 */
#pragma once

#include "proxy/wire/conn.h"

/* `old` was replaced, in core too (engine_take_over): upstream connections and those who wait
 * for them follow their clusters, downstream ones go to rest as soon as they may. */
void hand_over_begin(struct wire *wire, const struct reign *old);
/* A downstream connection at rest goes on with the current configuration; false: it cannot. */
bool downstream_hand_over(struct conn *conn, const struct listener *listener);
