/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/world/authority_keys.c - an authority's keys: saved, loaded, and others' in
 * place of the mesh's own.
 */
#include "testbed/world/authority_inside.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/check.h"

struct str authority_save(struct authority *authority, struct arena *arena)
{
    struct str out = STR_EMPTY;
    for (size_t i = 0; i < COUNT_OF(authority->issuers); i++) {
        struct issuer *issuer = &authority->issuers[i];
        authority_make(authority, issuer);
        BIO *bio = BIO_new(BIO_s_mem());
        ASSERT(bio != NULL);
        ASSERT(PEM_write_bio_PrivateKey(bio, issuer->key, NULL, NULL, 0, NULL, NULL) == 1);
        out = arena_concat(arena, out, issuer->root_pem);
        out = arena_concat(arena, out, authority_take_text(bio, arena));
    }
    return out;
}

/* Nobody is asked for a password. */
static int no_password(char *out, int size, int is_writing, void *user)
{
    (void)out;
    (void)size;
    (void)is_writing;
    (void)user;
    return -1;
}

bool authority_load(struct authority *authority, struct str pem)
{
    BIO *bio = BIO_new_mem_buf(pem.ptr, (int)pem.len);
    bool is_right = bio != NULL;
    for (size_t i = 0; is_right && i < COUNT_OF(authority->issuers); i++) {
        struct issuer *issuer = &authority->issuers[i];
        ASSERT(!issuer->has_signed && issuer->key == NULL);
        issuer->certificate = PEM_read_bio_X509(bio, NULL, no_password, NULL);
        issuer->key = PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL);
        is_right = issuer->certificate != NULL && issuer->key != NULL &&
                   X509_check_private_key(issuer->certificate, issuer->key) == 1;
        if (is_right)
            issuer->root_pem = authority_pem_of(issuer->certificate, authority->arena);
    }
    BIO_free(bio);
    ERR_clear_error();
    return is_right;
}

static bool is_same_offer(const struct authority_offer *a, const struct authority_offer *b)
{
    return str_eq(a->certificate_pem, b->certificate_pem) && str_eq(a->key_pem, b->key_pem) &&
           str_eq(a->chain_pem, b->chain_pem) && str_eq(a->root_pem, b->root_pem);
}

static struct issuer *find_offered(struct authority *authority, const struct authority_offer *offer)
{
    if (offer->certificate_pem.len == 0)
        return &authority->issuers[0];
    for (uint32_t i = 0; i < authority->offered_count; i++) {
        if (is_same_offer(&authority->offered[i]->offer, offer))
            return authority->offered[i];
    }
    return NULL;
}

/* NULL: it will do. */
static const char *read_offer(struct issuer *issuer, const struct authority_offer *offer)
{
    BIO *text = BIO_new_mem_buf(offer->certificate_pem.ptr, (int)offer->certificate_pem.len);
    BIO *key = BIO_new_mem_buf(offer->key_pem.ptr, (int)offer->key_pem.len);
    ASSERT(text != NULL && key != NULL);
    issuer->certificate = PEM_read_bio_X509(text, NULL, no_password, NULL);
    issuer->key = PEM_read_bio_PrivateKey(key, NULL, no_password, NULL);
    BIO_free(text);
    BIO_free(key);
    ERR_clear_error();
    if (issuer->certificate == NULL)
        return "ca-cert.pem is no certificate in PEM";
    if (issuer->key == NULL)
        return "ca-key.pem is no key in PEM, or one with a password";
    if (X509_check_private_key(issuer->certificate, issuer->key) != 1) {
        ERR_clear_error();
        return "ca-key.pem is not the key of ca-cert.pem";
    }
    return X509_check_ca(issuer->certificate) != 0 ? NULL : "ca-cert.pem may not sign others";
}

static struct issuer *add_offered(struct authority *authority, const struct authority_offer *offer,
                                  const char **why)
{
    struct arena *arena = authority->arena;
    struct issuer *issuer = ARENA_NEW(arena, struct issuer);
    issuer->name = authority->issuers[0].name;
    *why = read_offer(issuer, offer);
    if (*why != NULL) {
        X509_free(issuer->certificate);
        EVP_PKEY_free(issuer->key);
        return NULL;
    }
    issuer->offer = (struct authority_offer){
        .certificate_pem = arena_str(arena, offer->certificate_pem),
        .key_pem = arena_str(arena, offer->key_pem),
        .chain_pem = arena_str(arena, offer->chain_pem),
        .root_pem = arena_str(arena, offer->root_pem),
    };
    const struct authority_offer *kept = &issuer->offer;
    issuer->chain_pem = secret_without_keys(kept->chain_pem, arena);
    issuer->root_pem =
        secret_without_keys(kept->root_pem.len > 0 ? kept->root_pem : kept->certificate_pem, arena);
    *ARENA_PUSH(arena, authority->offered, authority->offered_count, authority->offered_capacity) =
        issuer;
    return issuer;
}

const char *authority_offer(struct authority *authority, const struct authority_offer *offer)
{
    const char *why = NULL;
    struct issuer *next = find_offered(authority, offer);
    if (next == NULL)
        next = add_offered(authority, offer, &why);
    if (next == NULL)
        return why;
    authority_make(authority, next);
    authority->next = next != authority->mesh ? next : NULL;
    next->is_believed = true;
    return NULL;
}

bool authority_has_offer(const struct authority *authority)
{
    return authority->next != NULL;
}

/* Those that the mesh's authority issued are to be issued anew. */
static void forget_issued(struct authority *authority)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < authority->issued_count; i++) {
        if (!str_eq(authority->issued[i]->issuer, STR(AUTHORITY_MESH)))
            authority->issued[count++] = authority->issued[i];
    }
    authority->issued_count = count;
}

void authority_accept(struct authority *authority)
{
    if (authority->next == NULL)
        return;
    if (!authority->mesh->has_signed)
        authority->mesh->is_believed = false;
    authority->mesh = authority->next;
    authority->next = NULL;
    forget_issued(authority);
}
