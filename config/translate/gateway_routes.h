/* SPDX-License-Identifier: Apache-2.0
 *
 * config/translate/gateway_routes.h - the route table of the servers of a
 * gateway that share one.
 */
#pragma once

#include "config/translate/context.h"
#include "config/translate/gateway_servers.h"

struct route_config gateway_routes_table(struct translation *t,
                                         const struct gateway_server_place *servers,
                                         uint32_t server_count, struct str name);
