/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/crypto/x509_words.c - see x509_words.h.
 */
#include "proxy/crypto/x509_words.h"

#include <openssl/x509v3.h>

#define NAMES_MAX 64
#define HASH_BYTES 32u
#define HASH_BASE64_BYTES 44u

static struct str text_of(const ASN1_STRING *string, struct arena *arena)
{
    struct str text = {(const char *)ASN1_STRING_get0_data(string),
                       (size_t)ASN1_STRING_length(string)};
    return arena_str(arena, text);
}

static void take_names(X509 *peer, struct certificate *out, struct arena *arena)
{
    GENERAL_NAMES *all = X509_get_ext_d2i(peer, NID_subject_alt_name, NULL, NULL);
    int count = all != NULL ? sk_GENERAL_NAME_num(all) : 0;
    struct str *uris = ARENA_ARRAY(arena, struct str, (size_t)count + 1);
    struct str *names = ARENA_ARRAY(arena, struct str, (size_t)count + 1);
    for (int i = 0; i < count && i < NAMES_MAX; i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(all, i);
        if (name->type == GEN_URI)
            uris[out->uri_count++] = text_of(name->d.uniformResourceIdentifier, arena);
        else if (name->type == GEN_DNS)
            names[out->name_count++] = text_of(name->d.dNSName, arena);
    }
    out->uris = uris;
    out->names = names;
    GENERAL_NAMES_free(all);
}

struct str x509_name_words(const X509_NAME *name, struct arena *arena)
{
    struct str out = STR_EMPTY;
    BIO *bio = BIO_new(BIO_s_mem());
    char *text;
    if (bio == NULL)
        return out;
    if (X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253) >= 0) {
        long size = BIO_get_mem_data(bio, &text);
        out = arena_str(arena, (struct str){text, size > 0 ? (size_t)size : 0});
    }
    BIO_free(bio);
    return out;
}

static void take_hash(X509 *peer, struct certificate *out, struct arena *arena)
{
    static const char digits[] = "0123456789abcdef";
    unsigned char hash[HASH_BYTES];
    unsigned size = 0;
    if (X509_digest(peer, EVP_sha256(), hash, &size) != 1 || size != HASH_BYTES)
        return;
    char *text = arena_alloc(arena, (size_t)2 * HASH_BYTES);
    for (size_t i = 0; i < HASH_BYTES; i++) {
        text[2 * i] = digits[hash[i] >> 4];
        text[2 * i + 1] = digits[hash[i] & 15];
    }
    out->hash = (struct str){text, (size_t)2 * HASH_BYTES};
}

static void take_key_hash(X509 *peer, struct certificate *out, struct arena *arena)
{
    unsigned char hash[HASH_BYTES];
    unsigned size = 0;
    unsigned char *key = NULL;
    int key_size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(peer), &key);
    if (key_size > 0 && EVP_Digest(key, (size_t)key_size, hash, &size, EVP_sha256(), NULL) == 1) {
        char *text = arena_alloc(arena, HASH_BASE64_BYTES + 1);
        (void)EVP_EncodeBlock((unsigned char *)text, hash, HASH_BYTES);
        out->key_hash = (struct str){text, HASH_BASE64_BYTES};
    }
    OPENSSL_free(key);
}

void x509_words(X509 *peer, struct certificate *out, struct arena *arena)
{
    *out = (struct certificate){0};
    take_names(peer, out, arena);
    out->subject = x509_name_words(X509_get_subject_name(peer), arena);
    out->issuer_subject = x509_name_words(X509_get_issuer_name(peer), arena);
    take_hash(peer, out, arena);
    take_key_hash(peer, out, arena);
}
