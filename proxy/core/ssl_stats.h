/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/core/ssl_stats.h - what handshakes count, of a cluster or a listener.
 *
 * A set is made when something is first counted: NULL is one of zeros.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"
#include "proxy/core/tls_verdict.h"

enum ssl_stat {
#define SSL(name) STAT_SSL_##name,
#define STILL(name)
#define NAMED(scope, of_cluster, of_listener)
#include "proxy/core/ssl_stats.def"
#undef SSL
#undef STILL
#undef NAMED
    STAT_SSL_COUNT,
};

enum ssl_scope {
#define SSL(name)
#define STILL(name)
#define NAMED(scope, of_cluster, of_listener) SSL_SCOPE_##scope,
#include "proxy/core/ssl_stats.def"
#undef SSL
#undef STILL
#undef NAMED
    SSL_SCOPE_COUNT,
};

/* What was agreed upon, by Envoy's names; what is empty is not counted. */
struct ssl_handshake {
    struct str version; /* TLSv1.3 */
    struct str cipher;  /* TLS_AES_128_GCM_SHA256 */
    struct str curve;   /* X25519 */
    struct str sigalg;  /* of the peer: ecdsa_secp256r1_sha256 */
    bool is_resumed;
    bool has_peer; /* it showed a certificate */
};

struct ssl_name {
    enum ssl_scope scope;
    struct str name;
    uint64_t count;
};

struct ssl_stats {
    uint64_t counters[STAT_SSL_COUNT];
    struct ssl_name *names;
    uint32_t name_count, name_capacity;
};

/* A handshake that came to an end; grows in `arena`. */
void ssl_stats_note_handshake(struct ssl_stats **stats, const struct ssl_handshake *handshake,
                              struct arena *arena);
/* An error of TLS, in the handshake or later. */
void ssl_stats_note_failure(struct ssl_stats **stats, enum tls_failure failure,
                            struct arena *arena);
void ssl_stats_add(struct ssl_stats **stats, const struct ssl_stats *more, struct arena *arena);
/* All to 0; names stay. NULL is fine. */
void ssl_stats_reset(struct ssl_stats *stats);

/* By Envoy's name, with its "ssl."; false: there is none of that name. */
bool ssl_stats_read(const struct ssl_stats *stats, struct str name, uint64_t *value);

/* Those with fixed names, in order; empty: that was the last. */
struct str ssl_stat_name(uint32_t nth);
uint64_t ssl_stat_value(const struct ssl_stats *stats, uint32_t nth);
struct str ssl_scope_name(enum ssl_scope scope);
/* Prometheus' label of what was agreed upon. */
struct str ssl_scope_label(enum ssl_scope scope, bool is_listener);
