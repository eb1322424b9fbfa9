/* SPDX-License-Identifier: Apache-2.0
 *
 * config/translate/gateway_routes.h - the route table of one listener of a
 * gateway.
 */
#pragma once

#include "config/translate/context.h"
#include "config/translate/gateway_servers.h"

struct route_config gateway_routes_table(struct translation *t,
                                         const struct merged_servers *servers);
