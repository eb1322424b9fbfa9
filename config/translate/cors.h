/* SPDX-License-Identifier: Apache-2.0
 *
 * config/translate/cors.h - corsPolicy -> the route's configuration of Envoy's
 * CORS filter.
 */
#pragma once

#include "config/resource/virtual_service.h"
#include "config/translate/context.h"
#include "proxy/model/policy.h"

/* NULL: the rule has none. */
const struct cors_policy *cors_translate(struct translation *t, const struct http_cors *cors);
