/* SPDX-License-Identifier: Apache-2.0
 *
 * config/resource/request_authentication.h - Istio's RequestAuthentication:
 * which tokens (JWT) a workload believes.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "config/resource/label.h"
#include "config/resource/mesh.h"
#include "config/resource/target_ref.h"
#include "config/yaml/view.h"

/* Two texts: a header and its prefix, or a header and a claim. */
struct jwt_pair {
    struct str header, other;
};

struct jwt_pair_list {
    struct jwt_pair *items;
    uint32_t count;
};

struct jwt_rule {
    struct str issuer, jwks_uri, jwks;
    struct text_list audiences, from_params, from_cookies, space_delimited_claims;
    struct jwt_pair_list from_headers;      /* other: what stands before the token */
    struct jwt_pair_list claims_to_headers; /* other: the claim */
    struct str payload_header;              /* outputPayloadToHeader */
    bool is_forwarding;
    struct origin origin;
};

struct request_authentication {
    struct object_meta meta;
    struct label_list selector; /* empty: all of the namespace */
    struct target_refs targets;
    struct jwt_rule *rules;
    uint32_t rule_count;
};

void request_authentication_read(const struct view *spec, struct request_authentication *out);
