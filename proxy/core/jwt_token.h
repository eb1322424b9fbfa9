/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/core/jwt_token.h - a JSON Web Token and the keys that could have signed it,
 * read; whether a key did is asked elsewhere (jwt_verify_fn).
 *
 * Source: RFC 7515, 7517, 7519; what Envoy's jwt_verify_lib takes.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/str.h"

enum jwt_status {
#define X(id, words) JWT_##id,
#include "proxy/core/jwt_status.def"
#undef X
};

/* Envoy's words. */
struct str jwt_status_words(enum jwt_status status);

struct jwt_token {
    struct str algorithm, kid; /* "RS256"; kid: empty if there is none */
    struct str issuer, subject;
    const struct json_value *audiences; /* a string or a list; NULL: none */
    uint64_t expiry_s, start_s;         /* 0: none */
    struct json_value payload;
    struct str payload_text; /* as it stands in the token */
    struct str signed_text;  /* header.payload */
    struct str signature;    /* bytes */
};

/* JWT_OK, or why it is none. Slices live in `arena`, or are the text's. */
enum jwt_status jwt_token_read(struct str text, struct arena *arena, struct jwt_token *out);

enum jwk_kind { JWK_RSA, JWK_EC, JWK_OCT, JWK_OKP };

/* Numbers and points are bytes, big-endian. */
struct jwk {
    enum jwk_kind kind;
    struct str kid, algorithm; /* empty: any */
    struct str curve;          /* "P-256", "Ed25519" */
    struct str n, e;           /* RSA */
    struct str x, y;           /* of EC; of OKP only x */
    struct str k;              /* oct */
};

struct jwk_set {
    const struct jwk *items;
    uint32_t count;
};

/* Keys that cannot be used are left out, as is everything of what is no set. */
struct jwk_set jwk_set_read(struct str text, struct arena *arena);

/* Did the key sign it so? Answers by its arguments alone. */
typedef bool jwt_verify_fn(struct str algorithm, const struct jwk *key, struct str signed_text,
                           struct str signature);
