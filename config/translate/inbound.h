/* SPDX-License-Identifier: Apache-2.0
 *
 * config/translate/inbound.h - a sidecar's inbound side: virtualInbound with
 * the filter chains of each port that the workload's Services have, and those
 * for every other port.
 *
 * Source: ISTIO.md 5.1, 5.3.
 */
#pragma once

#include "config/translate/listeners.h"

void inbound_listeners(struct translation *t, struct listener_list *out);
