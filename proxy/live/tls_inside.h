/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/live/tls_inside.h - what tls.c, tls_context.c and tls_params.c share.
 */
#pragma once

#include <openssl/ssl.h>

#include "base/buf.h"
#include "proxy/crypto/x509_words.h"
#include "proxy/live/tls.h"
#include "proxy/model/limits.h"

/* Ciphertext that waits to be taken: what a wire gives at most at once, and what TLS
 * adds to it. */
#define TLS_OUT_BYTES_MAX \
    (4 * (LIMIT_CONNECTION_BUFFER_BYTES + LIMIT_CONNECTION_BUFFER_SLACK_BYTES))
#define TLS_PLACE_BYTES_MAX 320u
#define TLS_REMEMBERED_MAX 1024u

/* One remembered session of a place. */
struct tls_remembered {
    struct str place; /* "address:port name", in place_text */
    char place_text[TLS_PLACE_BYTES_MAX];
    SSL_SESSION *session;
};

/* One SSL_CTX, and what it was asked for. */
struct tls_context {
    struct tls_store *store;
    SSL_CTX *ssl; /* NULL: a secret is absent */
    struct tls_context *next;
    bool is_server;
    bool is_accepting_untrusted;
    const struct certificate *own; /* the first of those that it shows */
    struct str key; /* secrets, versions, ciphers, protocols: everything that SSL_CTX is made of */
};

/* A transport socket that was used, and its context. */
struct tls_known {
    const void *socket; /* the chain's downstream_tls, the cluster */
    struct tls_context *context;
};

struct tls_store {
    struct arena arena;
    uint32_t holder_count;
    const struct keyring *keyring;
    struct buf spare; /* memory for whichever session speaks; none does for long */
    struct tls_context *contexts;
    struct tls_known *known;
    uint32_t known_count, known_capacity;
    struct tls_remembered *remembered; /* TLS_REMEMBERED_MAX places; NULL: none yet */
    uint32_t remembered_count;
    uint32_t forgotten_count; /* that had to make room */
};

/* What a session verifies its peer's names by, and what of the peer will not do. */
struct tls_check {
    struct tls_names names;
    enum tls_failure failure;
    char *met_text;            /* of who was refused for them; OpenSSL's memory */
    uint32_t key_update_count; /* since the peer said something */
};

/* tls_params.c: what may be agreed upon. */
struct tls_params {
    struct tls_versions versions;
    struct str ciphers; /* OpenSSL's names, between colons; empty: Envoy's */
};
/* The arena lives as long as `ssl`. */
void tls_params_server(SSL_CTX *ssl, struct arena *arena, const struct tls_params *params);
void tls_params_client(SSL_CTX *ssl, const struct tls_params *params);

struct tls_context *tls_context_server(struct tls_store *store, const struct downstream_tls *tls);
struct tls_context *tls_context_client(struct tls_store *store, const struct tls_call *call);

/* Of an SSL: its check. */
struct tls_check *tls_check_of(const SSL *ssl);
int tls_check_index(void);

/* tls_store_*: sessions of the places that were called, to be resumed. One is the asker's
 * own reference; one of TLS 1.3 is taken up once, and a new one follows (RFC 8446 C.4). */
SSL_SESSION *tls_store_recall(const struct tls_store *store, struct str place);
/* The session is the store's from now on. */
void tls_store_remember(struct tls_store *store, struct str place, SSL_SESSION *session);
