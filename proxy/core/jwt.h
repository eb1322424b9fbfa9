/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/core/jwt.h - is the token that a request carries right? Envoy's jwt_authn
 * filter with Istio's requirement: none is all right, a wrong one is not.
 *
 * Source: ISTIO.md 6.2; envoy/source/extensions/filters/http/jwt_authn.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/json.h"
#include "proxy/core/jwt_token.h"
#include "proxy/model/message.h"
#include "proxy/model/security.h"

/* A provider's keys, read when it is first asked. As long as whoever keeps it. */
struct jwt_keys {
    struct jwt_keys *next;
    const struct jwt_provider *provider;
    struct jwk_set set;
};

struct jwt_question {
    const struct jwt_authn *authn;
    struct request_head *head; /* gets and loses headers as the rules say */
    jwt_verify_fn *verify;     /* NULL: no signature is right */
    struct jwt_keys **keys;    /* a list that is added to.. */
    struct arena *keys_arena;  /* ..here */
    int64_t now_s;             /* since 1970 */
    struct arena *arena;       /* of headers and claims */
};

struct jwt_answer {
    enum jwt_status status;              /* JWT_OK, also without a token */
    const struct json_value *claims;     /* of the last token that was right; NULL: none */
    const struct jwt_provider *provider; /* whose it was, or who was asked last; NULL: no token */
    bool is_route_cleared;               /* the route is to be chosen again */
    struct str spoilt;                   /* a header whose claim cannot be sent; empty: none */
    size_t claim_bytes;                  /* of headers that claims have become */
    uint32_t looked_at_count;            /* tokens, once for each provider that was asked */
};

struct jwt_answer jwt_judge(const struct jwt_question *asked);

/* "Bearer realm=\"http://a/b\", error=\"invalid_token\""; in `arena`. */
struct str jwt_challenge(enum jwt_status status, const struct request_head *head,
                         struct arena *arena);
/* "jwt_authn_access_denied{Jwt_is_expired}"; in `arena`. */
struct str jwt_details(enum jwt_status status, struct arena *arena);

/* The claim that a path of names leads to, of the payload; NULL: there is none. */
const struct json_value *jwt_claim(const struct json_value *claims, const struct str *path,
                                   uint32_t path_count);
