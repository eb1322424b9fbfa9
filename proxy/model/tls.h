/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/model/tls.h - how a filter chain ends TLS: Envoy's DownstreamTlsContext
 * with names of secrets in place of certificates.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/origin.h"
#include "base/str.h"
#include "proxy/model/policy.h"

/* Who said how one side of the mesh's connections is secured: for reports. */
struct tls_word {
    struct str mode;      /* as it was written, "STRICT", "ISTIO_MUTUAL"; empty: it was not */
    struct str by;        /* "PeerAuthentication/default.istio-system"; empty: nobody */
    struct origin origin; /* line 0: nobody wrote it */
};

/* What a sidecar takes in at a port of its workload. */
struct inbound_mode {
    uint32_t port; /* 0: any that has no entry of its own */
    struct tls_word word;
};

struct downstream_tls {
    const struct str *protocols; /* ALPN, in the order of preference */
    uint32_t protocol_count;
    const struct str *certificates; /* secrets: "default", "kubernetes://NAME", ... */
    uint32_t certificate_count;
    struct str authorities; /* the secret peers are checked against; empty: not checked */
    const struct string_matcher *peer_names; /* one of them must match; none: any */
    uint32_t peer_name_count;
    /* One of these must be the peer's, too: SHA-256 of its certificate in hex digits (and
     * colons), of its public key in base64; none: any. */
    const struct str *peer_hashes, *peer_key_hashes;
    uint32_t peer_hash_count, peer_key_hash_count;
    struct str crl;                   /* file; empty: none; printed, not acted on */
    bool is_accepting_untrusted;      /* whatever the peer shows will do */
    bool has_client_certificate_word; /* require_client_certificate is said */
    bool is_client_certificate_required;
    struct str version_min, version_max; /* "TLSv1_2"; empty: Envoy's */
    const struct str *ciphers;
    uint32_t cipher_count; /* 0: Envoy's */
    const struct str *curves;
    uint32_t curve_count; /* 0: Envoy's; printed, not acted on */
};
