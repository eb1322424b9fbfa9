/* SPDX-License-Identifier: Apache-2.0
 *
 * config/translate/gateway_listeners.h - a gateway's listeners and route
 * tables.
 *
 * Source: ISTIO.md 2.19, 5.7, 5.8.
 */
#pragma once

#include "config/translate/context.h"

void gateway_listeners(struct translation *t);
