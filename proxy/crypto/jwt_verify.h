/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/crypto/jwt_verify.h - did this key sign it? By OpenSSL: RSA (RS, PS), ECDSA
 * (ES), HMAC (HS) and Ed25519, of RFC 7518 and 8037.
 */
#pragma once

#include "proxy/core/jwt_token.h"

/* A jwt_verify_fn. A key that does not go with the algorithm has signed nothing. */
bool jwt_verify(struct str algorithm, const struct jwk *key, struct str signed_text,
                struct str signature);
