/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/core/jwt_claim.h - a claim as the text of a header.
 *
 * Source: envoy/source/extensions/filters/http/jwt_authn/authenticator.cc.
 */
#pragma once

#include "base/arena.h"
#include "base/json.h"

/* Texts as they are; whole numbers that fit into 64 bits, others with six digits behind the
 * point; lists and objects as protobuf writes JSON, in base64. Objects have their members
 * in the order in which they came (Envoy's is its hash table's). Empty: no header. In
 * `arena`. */
struct str jwt_claim_text(const struct json_value *claim, struct arena *arena);
