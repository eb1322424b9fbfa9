/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/model/secret.h - what stands behind the names that transport sockets call
 * (SDS): certificates with their keys, and authorities.
 *
 * Everything is told twice: in words, for who computes what a handshake comes
 * to, and as PEM, for who makes one.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"

struct certificate {
    struct str issuer; /* the authority's name; empty: it is its own */
    /* Seconds, of the same clock as the `now` that it is held against. */
    int64_t from_s, until_s;
    const struct str *uris; /* subject alternative names */
    uint32_t uri_count;
    const struct str *names; /* of DNS */
    uint32_t name_count;
    bool is_rsa;                   /* else ECDSA */
    struct str hash;               /* SHA-256 of it, 64 hex digits; a made-up one without PEM */
    struct str key_hash;           /* SHA-256 of its public key (SPKI), base64; empty without PEM */
    struct str subject;            /* RFC 2253 */
    struct str issuer_subject;     /* the authority's; RFC 2253 */
    struct str chain_pem, key_pem; /* empty: it is only told in words */
};

struct secret {
    struct str name;                       /* "default", "ROOTCA", "kubernetes://shop-cert", ... */
    const struct certificate *certificate; /* NULL: authorities */
    const struct str *authorities;         /* their names */
    uint32_t authority_count;
    struct str authorities_pem;
};

/* One proxy's. Immutable; lives as long as the proxy. */
struct keyring {
    const struct secret *items;
    uint32_t count;
    /* "TLSv1_2": what else is older, or newer, its owner does not speak, whatever its
     * transport sockets say; empty: as they say. */
    struct str version_min, version_max;
};

/* PEM that is to be shown: without the blocks of private keys that somebody may have put
 * into it, else as it is. */
struct str secret_without_keys(struct str pem, struct arena *arena);

/* NULL: it was never delivered. */
const struct secret *keyring_find(const struct keyring *keyring, struct str name);
