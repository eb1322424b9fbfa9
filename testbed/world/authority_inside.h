/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/world/authority_inside.h - what authority.c and authority_keys.c share.
 */
#pragma once

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "testbed/world/authority.h"

/* Who signs, with a key from when something was first sealed. */
struct issuer {
    struct str name;
    EVP_PKEY *key;
    X509 *certificate;
    struct str root_pem;          /* whom to believe */
    struct str chain_pem;         /* shown behind what it signs */
    struct authority_offer offer; /* whose key it is, if it was not made here */
    bool is_believed;             /* or was, once */
    bool has_signed;
};

#define AUTHORITY_NAMES 3u

struct authority {
    struct arena *arena;
    struct issuer issuers[AUTHORITY_NAMES]; /* made here; the first is the mesh's */
    struct issuer **offered;                /* for the mesh */
    uint32_t offered_count, offered_capacity;
    struct issuer *mesh; /* who signs for it */
    struct issuer *next; /* is to; NULL: nobody else */
    struct certificate **issued;
    uint32_t issued_count, issued_capacity;
};

/* Makes its key and certificate, if they are not there. */
void authority_make(struct authority *authority, struct issuer *issuer);
/* What the BIO has, in `arena`; it is freed. */
struct str authority_take_text(BIO *bio, struct arena *arena);
struct str authority_pem_of(X509 *certificate, struct arena *arena);
