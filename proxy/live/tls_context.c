/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/live/tls_context.c - transport sockets to OpenSSL's contexts, and the check
 * of a peer's certificate.
 *
 * Source: ENVOY.md 9.1; PERFORMANCE.md 3.4, 6.
 */
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <stdatomic.h>
#include <string.h>

#include "base/check.h"
#include "proxy/model/keyring.h"
#include "proxy/live/tls_inside.h"

#define ARENA_BLOCK_BYTES 4096u
#define CHECK_BLOCK_BYTES 1024u
#define SESSION_CONTEXT "pocketmesh"
/* Remembered, of a context's clients: one with a certificate is some 5 KB. */
#define SESSIONS_MAX 2048
/* OpenSSL turns an error that it does not know into the alert certificate_unknown,
 * which is what Envoy sends. */
#define NAMES_ERROR 10000

int tls_check_index(void)
{
    static _Atomic int made = -1; /* by whichever thread is first */
    int index = made;
    if (index >= 0)
        return index;
    int fresh = SSL_get_ex_new_index(0, NULL, NULL, NULL, NULL);
    return atomic_compare_exchange_strong(&made, &index, fresh) ? fresh : index;
}

struct tls_check *tls_check_of(const SSL *ssl)
{
    return SSL_get_ex_data(ssl, tls_check_index());
}

static enum tls_failure failure_of(int error)
{
    switch (error) {
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
        return TLS_ISSUER_UNKNOWN;
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
        return TLS_SELF_SIGNED;
    case X509_V_ERR_CERT_HAS_EXPIRED:
        return TLS_EXPIRED;
    case X509_V_ERR_CERT_NOT_YET_VALID:
        return TLS_NOT_YET_VALID;
    default:
        return TLS_CERTIFICATE_WRONG;
    }
}

/* In place of OpenSSL's own verification: the chain, where there are authorities, then
 * the names. */
static int verify(X509_STORE_CTX *chain, void *user)
{
    const struct tls_context *context = user;
    const SSL *ssl = X509_STORE_CTX_get_ex_data(chain, SSL_get_ex_data_X509_STORE_CTX_idx());
    struct tls_check *check = tls_check_of(ssl);
    struct certificate words;
    struct arena arena;
    bool has_authorities =
        sk_X509_OBJECT_num(X509_STORE_get0_objects(SSL_CTX_get_cert_store(context->ssl))) > 0;

    if (context->is_accepting_untrusted) {
        X509_STORE_CTX_set_error(chain, X509_V_OK);
        return 1;
    }
    if (has_authorities && X509_verify_cert(chain) != 1) {
        check->failure = failure_of(X509_STORE_CTX_get_error(chain));
        if (check->failure == TLS_NOT_YET_VALID) /* for the alert */
            X509_STORE_CTX_set_error(chain, X509_V_ERR_CERT_HAS_EXPIRED);
        return 0;
    }
    arena_init(&arena, CHECK_BLOCK_BYTES, 0);
    x509_words(X509_STORE_CTX_get0_cert(chain), &words, &arena);
    check->failure = tls_check_names(&check->names, &words);
    if (check->failure != TLS_FINE) {
        struct str met = tls_met_text(check->failure, &check->names, &words, &arena);
        check->met_text = OPENSSL_strndup(met.ptr, met.len);
        X509_STORE_CTX_set_error(chain, NAMES_ERROR);
    }
    arena_fini(&arena);
    return check->failure == TLS_FINE;
}

/* --- secrets ---------------------------------------------------------------- */

static BIO *reader_of(struct str pem)
{
    BIO *bio = BIO_new_mem_buf(pem.ptr, (int)pem.len);
    ASSERT(bio != NULL);
    return bio;
}

/* The first is the certificate, the rest is its chain. */
static bool add_certificate(SSL_CTX *ssl, const struct certificate *certificate)
{
    BIO *chain = reader_of(certificate->chain_pem);
    BIO *key_text = reader_of(certificate->key_pem);
    X509 *first = PEM_read_bio_X509(chain, NULL, NULL, NULL);
    EVP_PKEY *key = PEM_read_bio_PrivateKey(key_text, NULL, NULL, NULL);
    STACK_OF(X509) *rest = sk_X509_new_null();
    for (X509 *next = PEM_read_bio_X509(chain, NULL, NULL, NULL); next != NULL;
         next = PEM_read_bio_X509(chain, NULL, NULL, NULL))
        (void)sk_X509_push(rest, next);
    bool is_right =
        first != NULL && key != NULL && SSL_CTX_use_cert_and_key(ssl, first, key, rest, 1) == 1;
    sk_X509_pop_free(rest, X509_free);
    EVP_PKEY_free(key);
    X509_free(first);
    BIO_free(key_text);
    BIO_free(chain);
    ERR_clear_error();
    return is_right;
}

/* False: it is not there, or no certificate. */
static bool use_certificate(struct tls_context *context, struct str name)
{
    const struct secret *secret = keyring_find(context->store->keyring, name);
    if (secret == NULL || secret->certificate == NULL || secret->certificate->chain_pem.len == 0)
        return false;
    if (context->own == NULL)
        context->own = secret->certificate;
    return add_certificate(context->ssl, secret->certificate);
}

static bool use_authorities(struct tls_context *context, struct str name)
{
    const struct secret *secret = keyring_find(context->store->keyring, name);
    if (secret == NULL || secret->authorities_pem.len == 0)
        return false;
    BIO *bio = reader_of(secret->authorities_pem);
    X509_STORE *store = SSL_CTX_get_cert_store(context->ssl);
    bool is_right = false;
    /* Envoy believes an authority that has another one above it. */
    (void)X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN);
    for (X509 *next = PEM_read_bio_X509(bio, NULL, NULL, NULL); next != NULL;
         next = PEM_read_bio_X509(bio, NULL, NULL, NULL)) {
        is_right |= X509_STORE_add_cert(store, next) == 1;
        if (context->is_server)
            (void)SSL_CTX_add_client_CA(context->ssl, next);
        X509_free(next);
    }
    BIO_free(bio);
    ERR_clear_error();
    return is_right;
}

/* --- contexts --------------------------------------------------------------- */

static struct tls_context *find(struct tls_store *store, bool is_server, struct str key)
{
    for (struct tls_context *at = store->contexts; at != NULL; at = at->next) {
        if (at->is_server == is_server && str_eq(at->key, key))
            return at;
    }
    return NULL;
}

/* NULL: nobody has used this transport socket yet. */
static struct tls_context *recall(const struct tls_store *store, const void *socket)
{
    for (uint32_t i = 0; i < store->known_count; i++) {
        if (store->known[i].socket == socket)
            return store->known[i].context;
    }
    return NULL;
}

static void note(struct tls_store *store, const void *socket, struct tls_context *context)
{
    *ARENA_PUSH(&store->arena, store->known, store->known_count, store->known_capacity) =
        (struct tls_known){socket, context};
}

static struct tls_context *add(struct tls_store *store, bool is_server, struct str key)
{
    struct tls_context *context = ARENA_NEW(&store->arena, struct tls_context);
    *context = (struct tls_context){.store = store, .is_server = is_server, .key = key};
    context->ssl = SSL_CTX_new(is_server ? TLS_server_method() : TLS_client_method());
    ASSERT(context->ssl != NULL);
    context->next = store->contexts;
    store->contexts = context;
    return context;
}

static void drop_ssl(struct tls_context *context)
{
    SSL_CTX_free(context->ssl);
    context->ssl = NULL;
}

static struct str joined(struct arena *arena, const struct str *items, uint32_t count)
{
    struct str out = STR_EMPTY;
    for (uint32_t i = 0; i < count; i++)
        out = arena_concat(arena, i > 0 ? arena_concat(arena, out, STR(":")) : out, items[i]);
    return out;
}

static int choose_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_size,
                           const unsigned char *in, unsigned in_size, void *user)
{
    const struct downstream_tls *tls = user;
    (void)ssl;
    for (uint32_t i = 0; i < tls->protocol_count; i++) {
        struct str wanted = tls->protocols[i];
        for (unsigned at = 0; at < in_size; at += 1u + in[at]) {
            if (in[at] == wanted.len && memcmp(in + at + 1, wanted.ptr, wanted.len) == 0) {
                *out = in + at + 1;
                *out_size = in[at];
                return SSL_TLSEXT_ERR_OK;
            }
        }
    }
    return SSL_TLSEXT_ERR_NOACK;
}

/* Any name will do: chains were chosen by it before. Without this word OpenSSL forgets
 * the name of a session that is resumed. */
static int take_server_name(SSL *ssl, int *alert, void *user)
{
    (void)ssl;
    (void)alert;
    (void)user;
    return SSL_TLSEXT_ERR_OK;
}

static struct downstream_tls *keep(struct arena *arena, const struct downstream_tls *tls)
{
    struct downstream_tls *out = ARENA_NEW(arena, struct downstream_tls);
    struct str *protocols = ARENA_ARRAY(arena, struct str, tls->protocol_count);
    for (uint32_t i = 0; i < tls->protocol_count; i++)
        protocols[i] = arena_str(arena, tls->protocols[i]);
    *out = (struct downstream_tls){.protocols = protocols, .protocol_count = tls->protocol_count};
    return out;
}

static bool fill_server(struct tls_context *context, const struct downstream_tls *tls)
{
    SSL_CTX *ssl = context->ssl;
    struct arena *arena = &context->store->arena;
    bool is_asking = tls->authorities.len > 0 || tls_is_requiring(tls) || tls->peer_name_count > 0;
    struct tls_params params = {.versions = tls_versions_downstream(tls, context->store->keyring),
                                .ciphers = joined(arena, tls->ciphers, tls->cipher_count)};
    tls_params_server(ssl, arena, &params);
    /* Kept here and not in tickets: resuming costs a third (PERFORMANCE.md 6). */
    SSL_CTX_set_options(ssl, SSL_OP_NO_TICKET);
    (void)SSL_CTX_set_num_tickets(ssl, 1);
    SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_SERVER);
    (void)SSL_CTX_sess_set_cache_size(ssl, SESSIONS_MAX);
    (void)SSL_CTX_set_session_id_context(ssl, (const unsigned char *)SESSION_CONTEXT,
                                         sizeof(SESSION_CONTEXT) - 1);
    (void)SSL_CTX_set_tlsext_servername_callback(ssl, take_server_name);
    SSL_CTX_set_alpn_select_cb(ssl, choose_protocol, keep(arena, tls));
    for (uint32_t i = 0; i < tls->certificate_count; i++) {
        if (!use_certificate(context, tls->certificates[i]))
            return false;
    }
    if (tls->authorities.len > 0 && !use_authorities(context, tls->authorities))
        return false;
    context->is_accepting_untrusted = tls->is_accepting_untrusted;
    int mode = is_asking ? SSL_VERIFY_PEER : SSL_VERIFY_NONE;
    if (tls_is_requiring(tls))
        mode |= SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
    SSL_CTX_set_verify(ssl, mode, NULL);
    SSL_CTX_set_cert_verify_callback(ssl, verify, context);
    return true;
}

struct tls_context *tls_context_server(struct tls_store *store, const struct downstream_tls *tls)
{
    struct tls_context *context = recall(store, tls);
    if (context != NULL)
        return context;
    /* A resumed session is not verified again: one that shows a name to one socket says
     * nothing to another that wants other names or hashes. */
    uint32_t wanted_count = tls->peer_name_count + tls->peer_hash_count + tls->peer_key_hash_count;
    uint32_t own_number = wanted_count > 0 ? store->known_count + 1 : 0;
    struct str key = arena_format(
        &store->arena, "%u|%.*s|%.*s|%d|%d|%.*s|%.*s|%.*s|%.*s", own_number,
        STR_FMT(joined(&store->arena, tls->certificates, tls->certificate_count)),
        STR_FMT(tls->authorities), (int)tls->is_client_certificate_required,
        (int)tls->is_accepting_untrusted, STR_FMT(tls->version_min), STR_FMT(tls->version_max),
        STR_FMT(joined(&store->arena, tls->ciphers, tls->cipher_count)),
        STR_FMT(joined(&store->arena, tls->protocols, tls->protocol_count)));
    context = find(store, true, key);
    if (context == NULL) {
        context = add(store, true, key);
        if (!fill_server(context, tls))
            drop_ssl(context);
    }
    note(store, tls, context);
    return context;
}

static struct tls_remembered *place_of(const struct tls_store *store, struct str place)
{
    for (uint32_t i = 0; i < store->remembered_count; i++) {
        if (str_eq(store->remembered[i].place, place))
            return &store->remembered[i];
    }
    return NULL;
}

void tls_store_remember(struct tls_store *store, struct str place, SSL_SESSION *session)
{
    struct tls_remembered *found = place_of(store, place);
    if (store->remembered == NULL)
        store->remembered = ARENA_ARRAY(&store->arena, struct tls_remembered, TLS_REMEMBERED_MAX);
    if (found == NULL && store->remembered_count < TLS_REMEMBERED_MAX)
        found = &store->remembered[store->remembered_count++];
    if (found == NULL) /* hosts of requests are places, too: there may be any number */
        found = &store->remembered[store->forgotten_count++ % TLS_REMEMBERED_MAX];
    memcpy(found->place_text, place.ptr, place.len);
    found->place = (struct str){found->place_text, place.len};
    SSL_SESSION_free(found->session);
    found->session = session;
}

static int remember(SSL *ssl, SSL_SESSION *session)
{
    struct str *place = SSL_get_app_data(ssl);
    const struct tls_context *context = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
    if (place == NULL || place->len == 0)
        return 0;
    tls_store_remember(context->store, *place, session);
    return 1; /* it is the store's now */
}

static bool fill_client(struct tls_context *context, const struct upstream_tls *tls)
{
    SSL_CTX *ssl = context->ssl;
    struct tls_params params = {.versions = tls_versions_upstream(context->store->keyring)};
    tls_params_client(ssl, &params);
    SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(ssl, remember);
    (void)SSL_CTX_set_app_data(ssl, context);
    if (tls->certificate.len > 0 && !use_certificate(context, tls->certificate))
        return false;
    if (tls->root.len > 0 && !use_authorities(context, tls->root))
        return false;
    SSL_CTX_set_verify(ssl, tls->root.len > 0 ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, NULL);
    SSL_CTX_set_cert_verify_callback(ssl, verify, context);
    return true;
}

struct tls_context *tls_context_client(struct tls_store *store, const struct tls_call *call)
{
    struct tls_context *context = recall(store, call->cluster);
    if (context != NULL)
        return context;
    const struct upstream_tls *tls = call->cluster->tls;
    struct str key =
        arena_format(&store->arena, "%.*s|%.*s", STR_FMT(tls->certificate), STR_FMT(tls->root));
    context = find(store, false, key);
    if (context == NULL) {
        context = add(store, false, key);
        if (!fill_client(context, tls))
            drop_ssl(context);
    }
    note(store, call->cluster, context);
    return context;
}

/* --- the store -------------------------------------------------------------- */

struct tls_store *tls_store_new(const struct keyring *keyring)
{
    struct arena arena;
    arena_init(&arena, ARENA_BLOCK_BYTES, 0);
    struct tls_store *store = ARENA_NEW(&arena, struct tls_store);
    store->arena = arena;
    store->keyring = keyring != NULL ? keyring_copy(&store->arena, keyring) : NULL;
    store->holder_count = 1;
    buf_init(&store->spare, TLS_OUT_BYTES_MAX);
    return store;
}

struct tls_store *tls_store_hold(struct tls_store *store)
{
    store->holder_count++;
    return store;
}

static void warm_chain(struct tls_store *store, const struct filter_chain *chain)
{
    if (chain != NULL && chain->tls != NULL)
        (void)tls_context_server(store, chain->tls);
}

void tls_store_warm(struct tls_store *store, const struct snapshot *snapshot)
{
    for (uint32_t i = 0; i < snapshot->listener_count; i++) {
        const struct listener *listener = &snapshot->listeners[i];
        for (uint32_t k = 0; k < listener->chain_count; k++)
            warm_chain(store, &listener->chains[k]);
        warm_chain(store, listener->default_chain);
    }
    for (uint32_t i = 0; i < snapshot->cluster_count; i++) {
        const struct tls_call call = {.cluster = &snapshot->clusters[i]};
        if (call.cluster->tls != NULL)
            (void)tls_context_client(store, &call);
    }
}

const struct keyring *tls_store_keyring(const struct tls_store *store)
{
    return store->keyring;
}

void tls_store_forget_sockets(struct tls_store *store)
{
    store->known_count = 0;
}

void tls_store_drop(struct tls_store *store)
{
    if (store == NULL || --store->holder_count > 0)
        return;
    for (struct tls_context *at = store->contexts; at != NULL; at = at->next)
        SSL_CTX_free(at->ssl);
    for (uint32_t i = 0; i < store->remembered_count; i++)
        SSL_SESSION_free(store->remembered[i].session);
    buf_fini(&store->spare);
    struct arena arena = store->arena;
    arena_fini(&arena);
}

SSL_SESSION *tls_store_recall(const struct tls_store *store, struct str place)
{
    struct tls_remembered *found = place_of(store, place);
    SSL_SESSION *session = found != NULL ? found->session : NULL;
    if (session == NULL)
        return NULL;
    if (SSL_SESSION_get_protocol_version(session) >= TLS1_3_VERSION)
        found->session = NULL;
    else
        ASSERT(SSL_SESSION_up_ref(session) == 1);
    return session;
}
