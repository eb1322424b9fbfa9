/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/model/print_security.h - filters that decide who may come in, in
 * Envoy's proto JSON.
 */
#pragma once

#include "proxy/model/print_parts.h"
#include "proxy/model/security.h"

/* The filters of a chain, items of a list that is open; `security` may be NULL. */
void print_security(struct json *json, const struct security *security, bool is_tcp);

/* One filter each. */
void print_ext_authz(struct json *json, const struct ext_authz *authz, bool is_tcp);
void print_jwt_authn(struct json *json, const struct jwt_authn *jwt);
