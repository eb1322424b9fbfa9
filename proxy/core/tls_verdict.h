/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/core/tls_verdict.h - what becomes of a TLS handshake, from what both sides
 * are, without one.
 *
 * proxy/live asks OpenSSL; testbed/sim and reports ask this. Both use one list of
 * failures (tls_failure.def) and one check of names, and a test holds the
 * verdicts against handshakes.
 *
 * Source: ENVOY.md 9.1 to 9.3, RFC 8446.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"
#include "proxy/model/cluster.h"
#include "proxy/model/secret.h"
#include "proxy/model/tls.h"

enum tls_failure {
    TLS_FINE,
    TLS_ENDED,         /* the peer closed in the middle of it, without a word */
    TLS_RESET,         /* or broke the connection */
    TLS_SECRET_ABSENT, /* what it should show, or check by, is not there */
#define X(id, code, reason, detail, alert) TLS_##id,
#include "proxy/core/tls_failure.def"
#undef X
};

/* Of one side's session, whoever makes it. */
enum tls_state {
    TLS_STATE_HANDSHAKE,
    TLS_STATE_OPEN,
    TLS_STATE_CLOSED, /* the peer said that it sends no more */
    TLS_STATE_FAILED, /* in the handshake or later */
};

enum tls_version { TLS_VERSION_1_0, TLS_VERSION_1_1, TLS_VERSION_1_2, TLS_VERSION_1_3 };

/* "TLSv1.2", as logs have it. */
struct str tls_version_name(enum tls_version version);

/* Which versions a side speaks: what its transport socket says, within what its keyring
 * lets it. */
struct tls_versions {
    enum tls_version min, max;
};
struct tls_versions tls_versions_upstream(const struct keyring *keyring);
struct tls_versions tls_versions_downstream(const struct downstream_tls *tls,
                                            const struct keyring *keyring);

/* Which names of a peer's certificate will do. */
struct tls_names {
    const struct string_matcher *matchers; /* one must match; count 0: any name */
    uint32_t count;
    const struct str *exact; /* the same, as plain texts; count 0: none */
    uint32_t exact_count;
    struct str host; /* auto_san_validation: a DNS name that must be covered; empty: no */
    /* The certificate's hash or its key's must be listed, where any is. */
    const struct str *hashes, *key_hashes;
    uint32_t hash_count, key_hash_count;
};

/* Those that a filter chain wants of its clients; borrowed from it. */
struct tls_names tls_names_downstream(const struct downstream_tls *tls);

/* One side. What it points to is borrowed. */
struct tls_party {
    bool is_absent;                        /* a secret that it needs was not delivered */
    const struct certificate *certificate; /* NULL: none to show */
    bool is_checking;                      /* the peer's certificate must be of.. */
    const struct str *authorities;         /* ..one of these */
    uint32_t authority_count;
    struct tls_names names;
    bool is_asking;    /* a server: asks for a certificate.. */
    bool is_requiring; /* ..and takes nobody without */
    enum tls_version version_min, version_max;
    const struct str *ciphers; /* of TLS 1.2, OpenSSL's names; count 0: Envoy's */
    uint32_t cipher_count;
    const struct str *protocols; /* ALPN */
    uint32_t protocol_count;
};

/* A cluster's side; `host`: what auto_sni takes for the name that is called. */
struct tls_party tls_party_upstream(const struct cluster *cluster, struct str host,
                                    const struct keyring *keyring);
/* Is nobody taken who shows no certificate? Also when it is not said: where names or hashes
 * are listed, one of them must be met. */
bool tls_is_requiring(const struct downstream_tls *tls);
/* A filter chain's side. */
struct tls_party tls_party_downstream(const struct downstream_tls *tls,
                                      const struct keyring *keyring);

/* The cluster's transport socket for connections to this endpoint (NULL: an original
 * destination); NULL: plaintext. */
const struct upstream_tls *tls_of_endpoint(const struct cluster *cluster,
                                           const struct endpoint *endpoint);
/* The name that a connection calls: the configured one, else with auto_sni the
 * request's host, unless that is an address. */
struct str tls_server_name(const struct cluster *cluster, struct str host);

/* What a connection carries. */
enum tls_payload { TLS_CARRIES_BYTES, TLS_CARRIES_HTTP1, TLS_CARRIES_HTTP2 };

#define TLS_PROTOCOLS_MAX 4u
/* What it offers: istio.alpn replaces the mesh's list for HTTP. */
uint32_t tls_protocols(const struct cluster *cluster, enum tls_payload payload,
                       struct str out[TLS_PROTOCOLS_MAX]);

/* Do the names and hashes do? TLS_FINE, TLS_NAME_MISMATCH, TLS_NAME_NOT_LISTED,
 * TLS_HASH_NOT_LISTED. */
enum tls_failure tls_check_names(const struct tls_names *wanted, const struct certificate *peer);
/* A peer's certificate (NULL: it showed none) as `own` finds it. */
enum tls_failure tls_check_peer(const struct tls_party *own, const struct certificate *peer,
                                int64_t now_s);

struct tls_outcome {
    enum tls_version version;
    struct str protocol; /* ALPN; empty: none */
    struct str cipher;
    /* What each side finds, or hears of the other. */
    enum tls_failure client, server;
    /* The client was done before the server refused it (TLS 1.3): what `client` says it
     * hears after it has sent its request. */
    bool is_client_early;
};
struct tls_outcome tls_verdict(const struct tls_party *client, const struct tls_party *server,
                               int64_t now_s);

/* What a side hears when the other one found this; TLS_ENDED: nothing but the end. */
enum tls_failure tls_heard(enum tls_failure found, enum tls_version version);
/* The alert that tells it; 0: none. */
uint32_t tls_alert(enum tls_failure failure, enum tls_version version);
/* The failure that an alert stands for. */
enum tls_failure tls_of_alert(uint32_t alert);

/* Envoy's transport failure reason: "TLS_error:|268435581:SSL routines:...". `met`:
 * tls_met_text. Empty for TLS_FINE and TLS_ENDED. */
struct str tls_failure_text(enum tls_failure failure, struct str met, struct arena *arena);
/* What Envoy adds of the names wanted of a peer and met; empty for other failures, and
 * where there is no peer. "[spiffe://a/b, c]", ", expected SANs: [a], certificate SANs: [b]". */
struct str tls_met_text(enum tls_failure failure, const struct tls_names *wanted,
                        const struct certificate *peer, struct arena *arena);
