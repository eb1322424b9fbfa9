/* SPDX-License-Identifier: Apache-2.0
 *
 * config/translate/jwt.h - the tokens that this proxy believes:
 * RequestAuthentication to jwt_authn.
 *
 * Source: ISTIO.md 6.2.
 */
#pragma once

#include "config/translate/context.h"
#include "proxy/model/security.h"

/* NULL: it asks for none. */
const struct jwt_authn *jwt_translate(struct translation *t);
