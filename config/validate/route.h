/* SPDX-License-Identifier: Apache-2.0
 *
 * config/validate/route.h - the rules of a VirtualService, one by one.
 * Source: ISTIO.md 9.3.
 */
#pragma once

#include <stdbool.h>

#include "config/yaml/view.h"

void route_check_http(const struct view *route, bool is_delegate);
void route_check_tls(const struct view *route, const struct view *spec);
void route_check_tcp(const struct view *route);
/* host, subset and port; absent is fine. */
void route_check_destination(const struct view *destination);

/* Applies to gateways only: there are some, and mesh is not among them. */
bool route_is_for_gateways(const struct view *spec);
/* @request.auth.claims.x or @request.auth.claims[x] */
bool route_is_claim(struct str header);
