/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/world/secrets.c - see secrets.h.
 */
#include "testbed/world/secrets.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <time.h>

#include "base/check.h"
#include "proxy/crypto/x509_words.h"
#include "testbed/world/certificate.h"

#define AUTHORITIES_SUFFIX STR("-cacert")
#define ROUTE_PREFIX STR("route-")
#define DESTINATION_SUFFIX STR("-destination")
#define PEM_BEGIN STR("-----BEGIN ")
#define DAY_S (24L * 60 * 60)

const struct node *secrets_named(const struct manifests *manifests, struct str namespace,
                                 struct str name)
{
    for (uint32_t i = manifests->count; i > 0; i--) {
        const struct node *object = manifests->items[i - 1];
        if (str_eq(manifest_kind(object), STR("Secret")) && str_eq(manifest_name(object), name) &&
            str_eq(manifest_namespace(object), namespace))
            return object;
    }
    return NULL;
}

bool secrets_is_route(const struct node *secret)
{
    return str_eq(manifest_kind(secret), STR("Route"));
}

/* "route-NAMESPACE-NAME", with what follows or without. */
static bool is_called(const struct node *route, struct str name)
{
    struct str namespace = manifest_namespace(route), own = manifest_name(route);
    if (!str_has_prefix(name, ROUTE_PREFIX))
        return false;
    name = str_from(name, ROUTE_PREFIX.len);
    if (!str_has_prefix(name, namespace) || name.len <= namespace.len ||
        name.ptr[namespace.len] != '-')
        return false;
    name = str_from(name, namespace.len + 1);
    return str_eq(name, own) ||
           (str_has_prefix(name, own) && str_eq(str_from(name, own.len), DESTINATION_SUFFIX));
}

static const struct node *route_named(const struct manifests *manifests, struct str name,
                                      bool is_authority)
{
    for (uint32_t i = manifests->count; i > 0; i--) {
        const struct node *route = manifests->items[i - 1];
        if (!secrets_is_route(route) || !is_called(route, name))
            continue;
        const struct node *tls = node_get(node_get(route, STR("spec")), STR("tls"));
        struct str external = manifest_text(node_get(tls, STR("externalCertificate")), STR("name"));
        const struct node *secret =
            is_authority ? NULL : secrets_named(manifests, manifest_namespace(route), external);
        return secret != NULL ? secret : route;
    }
    return NULL;
}

const struct node *secrets_find(const struct manifests *manifests, struct str namespace,
                                struct str sds_name, bool is_authority)
{
    static const struct str PREFIXES[] = {STR_INIT("kubernetes://"),
                                          STR_INIT("kubernetes-gateway://")};
    for (size_t i = 0; i < COUNT_OF(PREFIXES); i++) {
        if (!str_has_prefix(sds_name, PREFIXES[i]))
            continue;
        struct str name = str_from(sds_name, PREFIXES[i].len);
        size_t slash = str_find(name, '/');
        if (slash != STR_NONE) {
            namespace = str_slice(name, 0, slash);
            name = str_from(name, slash + 1);
        }
        const struct node *found = secrets_named(manifests, namespace, name);
        if (found == NULL && is_authority && str_has_suffix(name, AUTHORITIES_SUFFIX))
            name = str_slice(name, 0, name.len - AUTHORITIES_SUFFIX.len);
        if (found == NULL)
            found = secrets_named(manifests, namespace, name);
        return found != NULL ? found : route_named(manifests, name, is_authority);
    }
    return NULL;
}

/* A Route says them itself, in the clear. */
static void route_value(const struct node *route, struct str key, struct arena *arena,
                        struct str *out, struct origin *origin)
{
    static const struct str NAMES[][2] = {
        {STR_INIT("tls.crt"), STR_INIT("certificate")},
        {STR_INIT("tls.key"), STR_INIT("key")},
        {STR_INIT("ca.crt"), STR_INIT("destinationCACertificate")},
    };
    const struct node *tls = node_get(node_get(route, STR("spec")), STR("tls"));
    for (size_t i = 0; i < COUNT_OF(NAMES); i++) {
        const struct node *said = node_get(tls, NAMES[i][1]);
        if (!str_eq(NAMES[i][0], key) || said == NULL)
            continue;
        *out = said->text;
        *origin = said->origin;
        /* The router shows it behind the certificate. */
        struct str above = manifest_text(tls, STR("caCertificate"));
        if (i == 0 && above.len > 0)
            *out = arena_format(arena, "%.*s\n%.*s", STR_FMT(*out), STR_FMT(above));
    }
}

bool secrets_value(const struct node *secret, struct str key, struct arena *arena, struct str *out,
                   struct origin *origin)
{
    if (secrets_is_route(secret)) {
        *out = STR_EMPTY;
        *origin = secret->origin;
        route_value(secret, key, arena, out, origin);
        return true;
    }
    const struct node *plain = node_get(node_get(secret, STR("stringData")), key);
    const struct node *encoded = node_get(node_get(secret, STR("data")), key);
    *out = STR_EMPTY;
    *origin = plain != NULL ? plain->origin : encoded != NULL ? encoded->origin : secret->origin;
    if (plain != NULL && plain->text.len > 0) {
        *out = plain->text;
        return true;
    }
    return encoded == NULL || encoded->text.len == 0 ||
           certificate_decode(encoded->text, arena, out);
}

/* --- reading PEM -------------------------------------------------------------- */

/* Nobody is asked for a password. */
static int no_password(char *out, int size, int is_writing, void *user)
{
    (void)out;
    (void)size;
    (void)is_writing;
    (void)user;
    return -1;
}

static BIO *reader_of(struct str pem)
{
    BIO *bio = BIO_new_mem_buf(pem.ptr, (int)pem.len);
    ASSERT(bio != NULL);
    return bio;
}

/* So many seconds from now. */
static int64_t seconds_until(const ASN1_TIME *time)
{
    int days, seconds;
    if (ASN1_TIME_diff(&days, &seconds, NULL, time) != 1)
        return 0;
    return days * DAY_S + seconds;
}

/* NULL: the text holds certificates to its end, at least one. */
static const char *fault_of_chain(struct str pem)
{
    BIO *bio = reader_of(pem);
    uint32_t count = 0;
    for (X509 *next = PEM_read_bio_X509(bio, NULL, no_password, NULL); next != NULL;
         next = PEM_read_bio_X509(bio, NULL, no_password, NULL)) {
        X509_free(next);
        count++;
    }
    bool is_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
    BIO_free(bio);
    ERR_clear_error();
    if (count > 0 && is_end)
        return NULL;
    return is_end ? "holds no certificate" : "holds a certificate that cannot be read";
}

static bool is_pem(struct str text)
{
    return str_contains(text, PEM_BEGIN);
}

static void complain(struct secret_problem *problem, struct arena *arena, struct str key,
                     const char *what, struct origin origin)
{
    problem->text = arena_format(arena, "%.*s %s", STR_FMT(key), what);
    problem->origin = origin;
}

/* The value of the first of these keys that is there. */
static enum secret_verdict first_value(const struct node *secret, const struct str *keys,
                                       struct arena *arena, struct str *key, struct str *value,
                                       struct secret_problem *problem)
{
    for (uint32_t i = 0; keys[i].len > 0; i++) {
        *key = keys[i];
        if (!secrets_value(secret, keys[i], arena, value, &problem->origin)) {
            complain(problem, arena, keys[i], "is not base64", problem->origin);
            return SECRET_WRONG;
        }
        if (value->len > 0)
            return SECRET_FINE;
    }
    return SECRET_EMPTY;
}

/* --- a certificate and its key --------------------------------------------------- */

static void take_words(X509 *first, struct certificate *out, struct arena *arena)
{
    x509_words(first, out, arena);
    out->issuer = out->issuer_subject;
    out->from_s = seconds_until(X509_get0_notBefore(first));
    out->until_s = seconds_until(X509_get0_notAfter(first));
    out->is_rsa = EVP_PKEY_base_id(X509_get0_pubkey(first)) == EVP_PKEY_RSA;
}

static enum secret_verdict check_pair(struct str chain, struct str key, struct arena *arena,
                                      struct certificate *out, const char **why)
{
    BIO *chain_text = reader_of(chain);
    BIO *key_text = reader_of(key);
    X509 *first = PEM_read_bio_X509(chain_text, NULL, no_password, NULL);
    EVP_PKEY *pair = PEM_read_bio_PrivateKey(key_text, NULL, no_password, NULL);
    *why = NULL;
    if (pair == NULL)
        *why = "is no key that can be read; one with a password is of no use here";
    else if (X509_check_private_key(first, pair) != 1)
        *why = "is not the key of the certificate beside it";
    else
        take_words(first, out, arena);
    EVP_PKEY_free(pair);
    X509_free(first);
    BIO_free(key_text);
    BIO_free(chain_text);
    ERR_clear_error();
    return *why == NULL ? SECRET_FINE : SECRET_WRONG;
}

/* The generic names go before those of kubernetes.io/tls; a chain needs its key. */
static enum secret_verdict find_pair(const struct node *secret, struct arena *arena,
                                     struct str keys[2], struct str values[2],
                                     struct secret_problem *problem)
{
    static const struct str NAMES[][2] = {{STR_INIT("cert"), STR_INIT("key")},
                                          {STR_INIT("tls.crt"), STR_INIT("tls.key")}};
    for (size_t i = 0; i < COUNT_OF(NAMES); i++) {
        bool is_whole = true;
        for (size_t k = 0; k < 2; k++) {
            const struct str one[] = {NAMES[i][k], STR_EMPTY};
            enum secret_verdict verdict =
                first_value(secret, one, arena, &keys[k], &values[k], problem);
            if (verdict == SECRET_WRONG)
                return verdict;
            is_whole &= verdict == SECRET_FINE;
        }
        if (is_whole)
            return SECRET_FINE;
    }
    problem->origin = secret->origin;
    problem->text = STR("it has neither cert and key nor tls.crt and tls.key");
    return SECRET_EMPTY;
}

enum secret_verdict secrets_certificate(const struct node *secret, struct arena *arena,
                                        struct certificate *out, struct secret_problem *problem)
{
    struct str keys[2], values[2];
    struct origin origin;
    enum secret_verdict verdict = find_pair(secret, arena, keys, values, problem);
    if (verdict != SECRET_FINE)
        return verdict;
    (void)secrets_value(secret, keys[0], arena, &values[0], &origin);
    if (!is_pem(values[0])) {
        complain(problem, arena, keys[0], "holds no PEM", origin);
        return SECRET_EMPTY;
    }
    const char *why = fault_of_chain(values[0]);
    if (why != NULL) {
        complain(problem, arena, keys[0], why, origin);
        return SECRET_WRONG;
    }
    (void)secrets_value(secret, keys[1], arena, &values[1], &origin);
    verdict = check_pair(values[0], values[1], arena, out, &why);
    if (verdict != SECRET_FINE)
        complain(problem, arena, keys[1], why, origin);
    out->chain_pem = secret_without_keys(values[0], arena);
    out->key_pem = values[1];
    return verdict;
}

/* --- authorities ------------------------------------------------------------------- */

static void take_authorities(struct str pem, struct arena *arena, struct secret_authorities *out)
{
    BIO *bio = reader_of(pem);
    struct str *names = NULL;
    uint32_t capacity = 0;
    out->count = 0;
    for (X509 *next = PEM_read_bio_X509(bio, NULL, no_password, NULL); next != NULL;
         next = PEM_read_bio_X509(bio, NULL, no_password, NULL)) {
        *ARENA_PUSH(arena, names, out->count, capacity) =
            x509_name_words(X509_get_subject_name(next), arena);
        X509_free(next);
    }
    BIO_free(bio);
    ERR_clear_error();
    out->pem = secret_without_keys(pem, arena);
    out->names = names;
}

enum secret_verdict secrets_authorities(const struct node *secret, struct arena *arena,
                                        struct secret_authorities *out,
                                        struct secret_problem *problem)
{
    static const struct str NAMES[] = {STR_INIT("cacert"), STR_INIT("ca.crt"), STR_INIT("")};
    struct str key, value;
    enum secret_verdict verdict = first_value(secret, NAMES, arena, &key, &value, problem);
    if (verdict == SECRET_EMPTY) {
        problem->text = STR("it has neither cacert nor ca.crt");
        problem->origin = secret->origin;
    }
    if (verdict != SECRET_FINE)
        return verdict;
    if (!is_pem(value)) {
        complain(problem, arena, key, "holds no PEM", problem->origin);
        return SECRET_EMPTY;
    }
    const char *why = fault_of_chain(value);
    if (why != NULL) {
        complain(problem, arena, key, why, problem->origin);
        return SECRET_WRONG;
    }
    take_authorities(value, arena, out);
    return SECRET_FINE;
}
