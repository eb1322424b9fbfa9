/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/world/authority.h - who issues certificates in a pretend world: the mesh's
 * authority, a public one, and a stranger whom nobody believes.
 *
 * A certificate is told in words at once, and signed (P-256, real X.509) when
 * somebody wants it sealed: a play in virtual time never does. Its times are
 * seconds since the authority was made, on both clocks.
 *
 * One authority may serve many worlds, one after the other: who is wished for again
 * is the same. Its keys can be saved, and be others' (Istio's `cacerts`).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"
#include "proxy/model/secret.h"

/* What is wrong with a certificate, in one word of a test. */
enum certificate_fault {
    CERTIFICATE_RIGHT,
    CERTIFICATE_EXPIRED,
    CERTIFICATE_NOT_YET_VALID,
    CERTIFICATE_WRONG_SAN,
    CERTIFICATE_WRONG_CA,
    CERTIFICATE_SELF_SIGNED,
    CERTIFICATE_NONE, /* it was never delivered */
};

#define AUTHORITY_MESH "mesh"
#define AUTHORITY_PUBLIC "public"
#define AUTHORITY_STRANGER "stranger"

struct authority;

/* It, and all that it issues, lives in `arena`. */
struct authority *authority_new(struct arena *arena);
/* Gives back what OpenSSL has of it. */
void authority_free(struct authority *authority);

struct certificate_wish {
    struct str issuer; /* one of AUTHORITY_*; empty: it signs itself */
    const struct str *uris;
    uint32_t uri_count;
    const struct str *names;
    uint32_t name_count;
    enum certificate_fault fault; /* of time only: EXPIRED, NOT_YET_VALID */
    bool is_rsa;
};
/* Who signs in its place when this is wrong. */
struct str authority_faulty(struct str issuer, enum certificate_fault fault);
/* One of those issued before when it is the same wish. */
const struct certificate *authority_issue(struct authority *authority,
                                          const struct certificate_wish *wish);
/* Signs it, if it was not: chain_pem, key_pem and hash are there from now on. */
void authority_seal(struct authority *authority, const struct certificate *certificate);

/* What is believed with the authority: its own certificate, PEM, and those of before
 * (authority_offer). */
struct str authority_pem(struct authority *authority, struct str name);

/* Keys and certificates of all three, PEM, made if need be, in `arena`. A secret. */
struct str authority_save(struct authority *authority, struct arena *arena);
/* Becomes what was saved; nothing was sealed yet. False: it was not saved so. */
bool authority_load(struct authority *authority, struct str pem);

/* A certificate and its key (PEM) that the mesh's authority is to sign with; `root`:
 * whom to believe; empty: itself. From now on they are believed, and when that is known
 * to everybody, authority_accept lets it sign: so nobody meets a stranger. The same once
 * more changes nothing. Empty texts offer what it was at first. NULL: fine; else what is
 * wrong. */
struct authority_offer {
    struct str certificate_pem, key_pem;
    struct str chain_pem; /* shown behind each certificate; may be empty */
    struct str root_pem;
};
const char *authority_offer(struct authority *authority, const struct authority_offer *offer);
bool authority_has_offer(const struct authority *authority);
void authority_accept(struct authority *authority);

/* spiffe://DOMAIN/ns/NAMESPACE/sa/ACCOUNT, with the fault's account and issuer. NULL:
 * CERTIFICATE_NONE. */
struct workload_name {
    struct str trust_domain, namespace, account;
};
const struct certificate *authority_issue_workload(struct authority *authority,
                                                   const struct workload_name *name,
                                                   enum certificate_fault fault);
