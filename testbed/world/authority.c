/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/world/authority.c - see authority.h.
 */
#include "testbed/world/authority_inside.h"

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include "base/check.h"
#include "base/hash.h"
#include "proxy/crypto/x509_words.h"

#define DAY_S (24L * 60 * 60)
#define SINCE_S (-30 * DAY_S)
#define UNTIL_S (3650 * DAY_S)
#define RSA_BITS 2048
#define KEY_USAGE "critical,digitalSignature"
#define HASH_DIGITS 64u
#define SCRATCH_BYTES 512u

static const struct str NAMES[] = {STR_INIT(AUTHORITY_MESH), STR_INIT(AUTHORITY_PUBLIC),
                                   STR_INIT(AUTHORITY_STRANGER)};

struct authority *authority_new(struct arena *arena)
{
    struct authority *authority = ARENA_NEW(arena, struct authority);
    authority->arena = arena;
    for (size_t i = 0; i < COUNT_OF(NAMES); i++)
        authority->issuers[i] = (struct issuer){.name = NAMES[i], .is_believed = true};
    authority->mesh = &authority->issuers[0];
    return authority;
}

/* --- words ------------------------------------------------------------------ */

static bool are_same(const struct str *some, uint32_t some_count, const struct str *others,
                     uint32_t other_count)
{
    for (uint32_t i = 0; some_count == other_count && i < some_count; i++) {
        if (!str_eq(some[i], others[i]))
            return false;
    }
    return some_count == other_count;
}

static void set_times(struct certificate *certificate, enum certificate_fault fault)
{
    certificate->from_s = SINCE_S;
    certificate->until_s = UNTIL_S;
    if (fault == CERTIFICATE_EXPIRED)
        certificate->until_s = SINCE_S / 2;
    if (fault == CERTIFICATE_NOT_YET_VALID)
        certificate->from_s = -SINCE_S;
}

static bool is_wished(const struct certificate *certificate, const struct certificate *wished)
{
    return str_eq(certificate->issuer, wished->issuer) && certificate->is_rsa == wished->is_rsa &&
           certificate->from_s == wished->from_s && certificate->until_s == wished->until_s &&
           are_same(certificate->uris, certificate->uri_count, wished->uris, wished->uri_count) &&
           are_same(certificate->names, certificate->name_count, wished->names, wished->name_count);
}

/* Until it is sealed, something of its own in the hash's place. */
static struct str pretend_hash(struct arena *arena, const struct certificate *certificate)
{
    uint64_t hash = hash_fnv64(certificate->issuer);
    for (uint32_t i = 0; i < certificate->uri_count; i++)
        hash = hash_fnv64_add(hash, certificate->uris[i]);
    for (uint32_t i = 0; i < certificate->name_count; i++)
        hash = hash_fnv64_add(hash, certificate->names[i]);
    struct str out = STR_EMPTY;
    for (uint32_t i = 0; i < HASH_DIGITS / 16; i++) {
        hash = hash_fnv64_add_u64(hash, i);
        out = arena_concat(arena, out, arena_format(arena, "%016llx", (unsigned long long)hash));
    }
    return out;
}

static const struct str *copies(struct arena *arena, const struct str *items, uint32_t count)
{
    struct str *out = ARENA_ARRAY(arena, struct str, count);
    for (uint32_t i = 0; i < count; i++)
        out[i] = arena_str(arena, items[i]);
    return out;
}

static struct issuer *find_issuer(struct authority *authority, struct str name)
{
    for (size_t i = 0; i < COUNT_OF(authority->issuers); i++) {
        struct issuer *issuer = &authority->issuers[i];
        if (str_eq(issuer->name, name))
            return i == 0 ? authority->mesh : issuer;
    }
    UNREACHABLE("authority");
}

/* The name of one made here: its O. */
static struct str organization(const struct authority *authority, const struct issuer *issuer)
{
    return arena_format(authority->arena, "%.*s CA", STR_FMT(issuer->name));
}

/* RFC 2253. Nothing is made for it. */
static struct str subject_of(struct authority *authority, struct str name)
{
    const struct issuer *issuer = find_issuer(authority, name);
    if (issuer->certificate != NULL)
        return x509_name_words(X509_get_subject_name(issuer->certificate), authority->arena);
    return arena_format(authority->arena, "O=%.*s", STR_FMT(organization(authority, issuer)));
}

/* Istio's certificates have none; one that is its own issuer needs one for that. */
static struct str subject_wished(const struct certificate_wish *wish)
{
    if (wish->uri_count == 0)
        return STR("CN=server");
    return wish->issuer.len > 0 ? STR_EMPTY : STR("O=self");
}

const struct certificate *authority_issue(struct authority *authority,
                                          const struct certificate_wish *wish)
{
    struct certificate wished = {
        .issuer = wish->issuer,
        .uris = wish->uris,
        .uri_count = wish->uri_count,
        .names = wish->names,
        .name_count = wish->name_count,
        .is_rsa = wish->is_rsa,
        .subject = subject_wished(wish),
    };
    set_times(&wished, wish->fault);
    for (uint32_t i = 0; i < authority->issued_count; i++) {
        if (is_wished(authority->issued[i], &wished))
            return authority->issued[i];
    }
    struct certificate *out = ARENA_NEW(authority->arena, struct certificate);
    wished.hash = pretend_hash(authority->arena, &wished);
    wished.issuer = arena_str(authority->arena, wished.issuer);
    wished.issuer_subject =
        wished.issuer.len > 0 ? subject_of(authority, wished.issuer) : wished.subject;
    wished.uris = copies(authority->arena, wished.uris, wished.uri_count);
    wished.names = copies(authority->arena, wished.names, wished.name_count);
    *out = wished;
    *ARENA_PUSH(authority->arena, authority->issued, authority->issued_count,
                authority->issued_capacity) = out;
    return out;
}

struct str authority_faulty(struct str issuer, enum certificate_fault fault)
{
    if (fault == CERTIFICATE_WRONG_CA)
        return STR(AUTHORITY_STRANGER);
    return fault == CERTIFICATE_SELF_SIGNED ? STR_EMPTY : issuer;
}

const struct certificate *authority_issue_workload(struct authority *authority,
                                                   const struct workload_name *name,
                                                   enum certificate_fault fault)
{
    struct str account = fault == CERTIFICATE_WRONG_SAN ? STR("stranger") : name->account;
    struct arena scratch;
    struct str uri;
    struct certificate_wish wish = {.issuer = authority_faulty(STR(AUTHORITY_MESH), fault),
                                    .uris = &uri,
                                    .uri_count = 1,
                                    .fault = fault};
    if (fault == CERTIFICATE_NONE)
        return NULL;
    arena_init(&scratch, SCRATCH_BYTES, 0);
    uri = arena_format(&scratch, "spiffe://%.*s/ns/%.*s/sa/%.*s", STR_FMT(name->trust_domain),
                       STR_FMT(name->namespace), STR_FMT(account));
    const struct certificate *issued = authority_issue(authority, &wish);
    arena_fini(&scratch);
    return issued;
}

/* --- seals ------------------------------------------------------------------ */

struct str authority_take_text(BIO *bio, struct arena *arena)
{
    char *text;
    long size = BIO_get_mem_data(bio, &text);
    struct str out = arena_str(arena, (struct str){text, (size_t)size});
    BIO_free(bio);
    return out;
}

struct str authority_pem_of(X509 *certificate, struct arena *arena)
{
    BIO *bio = BIO_new(BIO_s_mem());
    ASSERT(bio != NULL && PEM_write_bio_X509(bio, certificate) == 1);
    return authority_take_text(bio, arena);
}

static void set_subject(X509 *certificate, const char *key, struct str value)
{
    X509_NAME *name = X509_get_subject_name(certificate);
    int rc = X509_NAME_add_entry_by_txt(name, key, MBSTRING_UTF8, (const unsigned char *)value.ptr,
                                        (int)value.len, -1, 0);
    ASSERT(rc == 1);
}

static void add_extension(X509 *certificate, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    ASSERT(extension != NULL);
    ASSERT(X509_add_ext(certificate, extension, -1) == 1);
    X509_EXTENSION_free(extension);
}

/* A frame to be filled and signed. */
static X509 *new_frame(EVP_PKEY *key, int64_t from_s, int64_t until_s)
{
    X509 *out = X509_new();
    ASSERT(out != NULL && key != NULL);
    ASSERT(X509_set_version(out, X509_VERSION_3) == 1);
    uint64_t serial;
    ASSERT(RAND_bytes((unsigned char *)&serial, sizeof(serial)) == 1);
    ASSERT(ASN1_INTEGER_set_uint64(X509_get_serialNumber(out), serial >> 1) == 1);
    ASSERT(X509_gmtime_adj(X509_getm_notBefore(out), (long)from_s) != NULL);
    ASSERT(X509_gmtime_adj(X509_getm_notAfter(out), (long)until_s) != NULL);
    ASSERT(X509_set_pubkey(out, key) == 1);
    return out;
}

void authority_make(struct authority *authority, struct issuer *issuer)
{
    if (issuer->key != NULL)
        return;
    issuer->key = EVP_EC_gen("P-256");
    X509 *own = new_frame(issuer->key, SINCE_S, UNTIL_S);
    set_subject(own, "O", organization(authority, issuer));
    ASSERT(X509_set_issuer_name(own, X509_get_subject_name(own)) == 1);
    add_extension(own, own, NID_basic_constraints, "critical,CA:TRUE");
    add_extension(own, own, NID_key_usage, "critical,keyCertSign,cRLSign");
    add_extension(own, own, NID_subject_key_identifier, "hash");
    ASSERT(X509_sign(own, issuer->key, EVP_sha256()) > 0);
    issuer->certificate = own;
    issuer->root_pem = authority_pem_of(own, authority->arena);
}

static struct issuer *issuer_of(struct authority *authority, struct str name)
{
    struct issuer *issuer = find_issuer(authority, name);
    authority_make(authority, issuer);
    return issuer;
}

struct str authority_pem(struct authority *authority, struct str name)
{
    struct issuer *issuer = issuer_of(authority, name);
    struct str out = issuer->root_pem;
    if (issuer != authority->mesh)
        return out;
    if (authority->issuers[0].is_believed && issuer != &authority->issuers[0])
        out = arena_concat(authority->arena, out, authority->issuers[0].root_pem);
    for (uint32_t i = 0; i < authority->offered_count; i++) {
        if (authority->offered[i]->is_believed && authority->offered[i] != issuer)
            out = arena_concat(authority->arena, out, authority->offered[i]->root_pem);
    }
    return out;
}

/* "critical,URI:spiffe://a, DNS:b" */
static struct str alternative_names(struct arena *arena, const struct certificate *certificate)
{
    struct str out = certificate->uri_count > 0 ? STR("critical") : STR_EMPTY;
    for (uint32_t i = 0; i < certificate->uri_count; i++)
        out = arena_format(arena, "%.*s,URI:%.*s", STR_FMT(out), STR_FMT(certificate->uris[i]));
    for (uint32_t i = 0; i < certificate->name_count; i++)
        out = arena_format(arena, "%.*s%sDNS:%.*s", STR_FMT(out), out.len > 0 ? "," : "",
                           STR_FMT(certificate->names[i]));
    return out;
}

static void set_hashes(struct certificate *certificate, X509 *sealed, struct arena *arena)
{
    struct certificate words;
    x509_words(sealed, &words, arena);
    ASSERT(words.hash.len == HASH_DIGITS && words.key_hash.len > 0);
    certificate->hash = words.hash;
    certificate->key_hash = words.key_hash;
}

static void seal(struct authority *authority, struct certificate *certificate)
{
    EVP_PKEY *key = certificate->is_rsa ? EVP_RSA_gen(RSA_BITS) : EVP_EC_gen("P-256");
    X509 *out = new_frame(key, certificate->from_s, certificate->until_s);
    struct issuer *issuer =
        certificate->issuer.len > 0 ? issuer_of(authority, certificate->issuer) : NULL;
    struct str subject = certificate->subject;
    if (subject.len > 0) {
        struct str name = str_cut(&subject, '=');
        set_subject(out, arena_format(authority->arena, "%.*s", STR_FMT(name)).ptr, subject);
    }
    X509 *parent = issuer != NULL ? issuer->certificate : out;
    ASSERT(X509_set_issuer_name(out, X509_get_subject_name(parent)) == 1);
    struct str names = alternative_names(authority->arena, certificate);
    if (names.len > 0)
        add_extension(out, parent, NID_subject_alt_name, names.ptr);
    /* A verifier calls it self-signed only if its key may sign certificates. */
    add_extension(out, parent, NID_key_usage,
                  issuer != NULL ? KEY_USAGE : KEY_USAGE ",keyCertSign");
    add_extension(out, parent, NID_ext_key_usage, "serverAuth,clientAuth");
    if (X509_get0_subject_key_id(parent) != NULL) /* others may be called the same */
        add_extension(out, parent, NID_authority_key_identifier, "keyid");
    ASSERT(X509_sign(out, issuer != NULL ? issuer->key : key, EVP_sha256()) > 0);
    certificate->chain_pem = authority_pem_of(out, authority->arena);
    if (issuer != NULL && issuer->chain_pem.len > 0)
        certificate->chain_pem =
            arena_concat(authority->arena, certificate->chain_pem, issuer->chain_pem);
    if (issuer != NULL)
        issuer->has_signed = true;
    set_hashes(certificate, out, authority->arena);
    BIO *bio = BIO_new(BIO_s_mem());
    ASSERT(bio != NULL && PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) == 1);
    certificate->key_pem = authority_take_text(bio, authority->arena);
    X509_free(out);
    EVP_PKEY_free(key);
    ERR_clear_error();
}

void authority_seal(struct authority *authority, const struct certificate *certificate)
{
    for (uint32_t i = 0; i < authority->issued_count; i++) {
        struct certificate *ours = authority->issued[i];
        if (ours == certificate && ours->chain_pem.len == 0)
            seal(authority, ours);
    }
}

static void free_issuer(struct issuer *issuer)
{
    X509_free(issuer->certificate);
    EVP_PKEY_free(issuer->key);
    issuer->certificate = NULL;
    issuer->key = NULL;
}

void authority_free(struct authority *authority)
{
    for (size_t i = 0; i < COUNT_OF(authority->issuers); i++)
        free_issuer(&authority->issuers[i]);
    for (uint32_t i = 0; i < authority->offered_count; i++)
        free_issuer(authority->offered[i]);
    authority->offered_count = 0;
}
