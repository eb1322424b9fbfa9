/* SPDX-License-Identifier: Apache-2.0
 *
 * config/translate/outbound.h - a sidecar's listeners for its own connections,
 * by port and by address, and the route tables behind them.
 *
 * Source: ISTIO.md 5.2.
 */
#pragma once

#include "config/translate/listeners.h"

/* Listeners are appended; the snapshot's route tables are set. */
void outbound_listeners(struct translation *t, struct listener_list *out);
