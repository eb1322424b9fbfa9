/* SPDX-License-Identifier: Apache-2.0
 *
 * config/translate/listeners.h - listeners and route tables: a sidecar's
 * outbound side, or a gateway's HTTP servers.
 */
#pragma once

#include "config/translate/context.h"

void listeners_of_sidecar(struct translation *t);
void listeners_of_gateway(struct translation *t);
