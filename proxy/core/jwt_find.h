/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/core/jwt_find.h - where a request carries tokens: in headers, parameters of its
 * query, cookies.
 *
 * Source: envoy/source/extensions/filters/http/jwt_authn/extractor.cc.
 */
#pragma once

#include "base/arena.h"
#include "base/str.h"
#include "proxy/model/message.h"
#include "proxy/model/security.h"

enum jwt_place { JWT_IN_HEADER, JWT_IN_PARAM, JWT_IN_COOKIE };

/* A token, and where it was: the name of a header is in lower case. */
struct jwt_found {
    struct str text;
    enum jwt_place place;
    struct str name;
};

struct jwt_finds {
    struct jwt_found *items;
    uint32_t count, capacity;
};

/* All that are where the provider's are, in the order in which Envoy looks at them:
 * cookies, parameters, headers, each from the last name to the first. In `arena`. */
struct jwt_finds jwt_find(const struct jwt_provider *provider, const struct request_head *head,
                          struct arena *arena);
