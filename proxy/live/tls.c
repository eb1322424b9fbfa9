/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/live/tls.c - see tls.h: a session between two slices of bytes.
 */
#include "proxy/live/tls.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/check.h"
#include "proxy/live/tls_inside.h"
#include "proxy/model/limits.h"

#define READ_BYTES 16384u            /* a record's most */
#define KEPT_BYTES (4u * READ_BYTES) /* an empty buffer keeps no more memory */
#define ALERT_OFFSET 1000            /* OpenSSL's reasons for alerts: SSL_AD_REASON_OFFSET */
#define NAMES_BLOCK_BYTES 512u

struct tls_session {
    struct tls_store *store; /* of its context; held */
    SSL *ssl;                /* NULL: a secret is absent */
    struct arena memory;     /* of the names: a configuration may go before the handshake is over */
    enum tls_state state;
    struct str in; /* fed and not read */
    struct buf out;
    struct buf kept; /* to be written when the handshake is over, or the peer listens */
    struct tls_check check;
    enum tls_failure failure;
    bool is_server;
    const struct certificate *own; /* that it may show; NULL: none */
    struct str place;              /* whose session to remember; in place_text */
    char place_text[TLS_PLACE_BYTES_MAX];
};

/* --- OpenSSL's idea of a socket --------------------------------------------- */

static int bio_read(BIO *bio, char *out, int size)
{
    struct tls_session *session = BIO_get_data(bio);
    size_t taken = session->in.len < (size_t)size ? session->in.len : (size_t)size;
    BIO_clear_retry_flags(bio);
    if (taken == 0) {
        BIO_set_retry_read(bio);
        return -1;
    }
    memcpy(out, session->in.ptr, taken);
    session->in = str_from(session->in, taken);
    return (int)taken;
}

static void swap(struct buf *a, struct buf *b)
{
    struct buf other = *a;
    *a = *b;
    *b = other;
}

static int bio_write(BIO *bio, const char *bytes, int size)
{
    struct tls_session *session = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    if (session->out.capacity == 0)
        swap(&session->out, &session->store->spare);
    return buf_append(&session->out, (struct str){bytes, (size_t)size}) == RC_OK ? size : -1;
}

static long bio_ctrl(BIO *bio, int command, long number, void *pointer)
{
    (void)bio;
    (void)number;
    (void)pointer;
    return command == BIO_CTRL_FLUSH ? 1 : 0;
}

/* Made once, by whichever thread is first. */
static BIO_METHOD *bio_method(void)
{
    static BIO_METHOD *_Atomic made;
    BIO_METHOD *method = made;
    if (method != NULL)
        return method;
    method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "slices");
    ASSERT(method != NULL);
    (void)BIO_meth_set_read(method, bio_read);
    (void)BIO_meth_set_write(method, bio_write);
    (void)BIO_meth_set_ctrl(method, bio_ctrl);
    BIO_METHOD *none = NULL;
    if (atomic_compare_exchange_strong(&made, &none, method))
        return method;
    BIO_meth_free(method);
    return none;
}

/* --- what went wrong -------------------------------------------------------- */

static enum tls_failure failure_of_reason(int reason)
{
    switch (reason) {
    case SSL_R_WRONG_VERSION_NUMBER:
    case SSL_R_PACKET_LENGTH_TOO_LONG: /* what is no record has any length */
    case SSL_R_WRONG_SSL_VERSION:
    case SSL_R_BAD_RECORD_TYPE:
        return TLS_WRONG_VERSION_NUMBER;
    case SSL_R_HTTP_REQUEST:
    case SSL_R_HTTPS_PROXY_REQUEST:
        return TLS_HTTP_REQUEST;
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_VERSION_TOO_LOW:
    case SSL_R_NO_PROTOCOLS_AVAILABLE:
        return TLS_UNSUPPORTED_PROTOCOL;
    case SSL_R_NO_SHARED_CIPHER:
        return TLS_NO_SHARED_CIPHER;
    case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
        return TLS_NO_CERTIFICATE;
    case SSL_R_UNEXPECTED_MESSAGE:
    case SSL_R_UNEXPECTED_RECORD:
        return TLS_UNEXPECTED_MESSAGE;
    default:
        return reason > ALERT_OFFSET ? tls_of_alert((uint32_t)(reason - ALERT_OFFSET))
                                     : TLS_DECODE_ERROR;
    }
}

/* The first error says what happened; the queue is empty afterwards. */
static void fail(struct tls_session *session)
{
    unsigned long error = ERR_peek_error();
    bool is_greeting = session->state == TLS_STATE_HANDSHAKE;
    session->state = TLS_STATE_FAILED;
    if (session->check.failure != TLS_FINE)
        session->failure = session->check.failure;
    else
        session->failure = failure_of_reason(ERR_GET_REASON(error));
    session->in = STR_EMPTY;
    ERR_clear_error();
    /* To what is no record OpenSSL says nothing; BoringSSL says protocol_version. */
    if (is_greeting && session->is_server && session->failure == TLS_WRONG_VERSION_NUMBER &&
        buf_size(&session->out) == 0)
        (void)BIO_write(SSL_get_wbio(session->ssl), "\x15\x03\x01\x00\x02\x02\x46", 7);
}

/* --- sessions --------------------------------------------------------------- */

static struct tls_session *session_new(const struct tls_context *context)
{
    struct tls_session *session = OPENSSL_zalloc(sizeof(*session));
    ASSERT(session != NULL);
    buf_init(&session->out, TLS_OUT_BYTES_MAX);
    buf_init(&session->kept, TLS_OUT_BYTES_MAX);
    arena_init(&session->memory, NAMES_BLOCK_BYTES, 0);
    session->store = tls_store_hold(context->store);
    session->is_server = context->is_server;
    session->own = context->own;
    session->state = TLS_STATE_HANDSHAKE;
    if (context->ssl == NULL) {
        session->state = TLS_STATE_FAILED;
        session->failure = TLS_SECRET_ABSENT;
        return session;
    }
    session->ssl = SSL_new(context->ssl);
    BIO *bio = BIO_new(bio_method());
    ASSERT(session->ssl != NULL && bio != NULL);
    BIO_set_data(bio, session);
    BIO_set_init(bio, 1);
    SSL_set_bio(session->ssl, bio, bio);
    (void)SSL_set_ex_data(session->ssl, tls_check_index(), &session->check);
    return session;
}

static void set_protocols(SSL *ssl, const struct tls_call *call)
{
    struct str names[TLS_PROTOCOLS_MAX];
    unsigned char list[256];
    unsigned size = 0;
    uint32_t count = tls_protocols(call->cluster, call->payload, names);
    for (uint32_t i = 0; i < count; i++) {
        ASSERT(size + 1 + names[i].len <= sizeof(list));
        list[size++] = (unsigned char)names[i].len;
        memcpy(list + size, names[i].ptr, names[i].len);
        size += (unsigned)names[i].len;
    }
    if (size > 0)
        (void)SSL_set_alpn_protos(ssl, list, size);
}

static void set_server_name(struct tls_session *session, struct str name)
{
    char text[256];
    if (name.len == 0 || name.len >= sizeof(text))
        return;
    memcpy(text, name.ptr, name.len);
    text[name.len] = '\0';
    (void)SSL_set_tlsext_host_name(session->ssl, text);
}

/* A session that this place gave before. */
static void recall(struct tls_session *session, const struct tls_context *context,
                   const struct tls_call *call, struct str name)
{
    int size =
        snprintf(session->place_text, sizeof(session->place_text), "%.*s:%u %.*s %.*s",
                 STR_FMT(call->address), call->port, STR_FMT(call->cluster->name), STR_FMT(name));
    if (size <= 0 || (size_t)size >= sizeof(session->place_text))
        return;
    session->place = (struct str){session->place_text, (size_t)size};
    (void)SSL_set_app_data(session->ssl, &session->place);
    SSL_SESSION *known = tls_store_recall(context->store, session->place);
    if (known != NULL)
        (void)SSL_set_session(session->ssl, known);
    SSL_SESSION_free(known);
}

/* Whom the peer must be, as its own words. */
static void expect_names(struct tls_session *session, const struct cluster *cluster,
                         struct str called)
{
    const struct upstream_tls *tls = cluster->tls;
    struct tls_names *names = &session->check.names;
    struct str *exact = NULL;
    if (tls->name_count > 0)
        exact = ARENA_ARRAY(&session->memory, struct str, tls->name_count);
    for (uint32_t i = 0; i < tls->name_count; i++)
        exact[i] = arena_str(&session->memory, tls->names[i]);
    names->exact = exact;
    names->exact_count = tls->name_count;
    if (cluster->has_auto_san_validation)
        names->host = arena_str(&session->memory, called);
}

struct tls_session *tls_connect(struct tls_store *store, const struct tls_call *call)
{
    const struct tls_context *context = tls_context_client(store, call);
    struct tls_session *session = session_new(context);
    const struct upstream_tls *tls = call->cluster->tls;
    struct str name = tls_server_name(call->cluster, call->host);
    if (session->ssl == NULL)
        return session;
    if (tls->root.len > 0)
        expect_names(session, call->cluster, name);
    SSL_set_connect_state(session->ssl);
    set_protocols(session->ssl, call);
    set_server_name(session, name);
    recall(session, context, call, name);
    return session;
}

struct tls_session *tls_accept(struct tls_store *store, const struct downstream_tls *tls)
{
    struct tls_session *session = session_new(tls_context_server(store, tls));
    if (session->ssl == NULL)
        return session;
    session->check.names = tls_names_downstream(tls);
    SSL_set_accept_state(session->ssl);
    return session;
}

void tls_free(struct tls_session *session)
{
    if (session == NULL)
        return;
    /* One that was not ended is not worth less for that. */
    if (session->ssl != NULL && session->state != TLS_STATE_FAILED)
        SSL_set_shutdown(session->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    SSL_free(session->ssl);
    OPENSSL_free(session->check.met_text);
    buf_fini(&session->out);
    buf_fini(&session->kept);
    arena_fini(&session->memory);
    tls_store_drop(session->store);
    OPENSSL_free(session);
}

enum tls_state tls_state(const struct tls_session *session)
{
    return session->state;
}

enum tls_failure tls_failed(const struct tls_session *session)
{
    return session->failure;
}

struct str tls_failed_text(const struct tls_session *session, struct arena *arena)
{
    return tls_failure_text(session->failure, str_of(session->check.met_text), arena);
}

static void shake_hands(struct tls_session *session)
{
    ERR_clear_error();
    int rc = SSL_do_handshake(session->ssl);
    if (rc == 1) {
        session->state = TLS_STATE_OPEN;
        tls_write_kept(session);
        return;
    }
    int error = SSL_get_error(session->ssl, rc);
    if (error == SSL_ERROR_ZERO_RETURN && session->check.failure == TLS_FINE)
        session->check.failure = TLS_ENDED; /* the peer thought better of it */
    if (error != SSL_ERROR_WANT_READ)
        fail(session);
}

void tls_feed(struct tls_session *session, struct str bytes)
{
    ASSERT(session->in.len == 0);
    if (session->state == TLS_STATE_FAILED)
        return;
    session->in = bytes;
    if (session->state == TLS_STATE_HANDSHAKE)
        shake_hands(session);
}

bool tls_read(struct tls_session *session, struct str *bytes)
{
    static _Thread_local char plain[READ_BYTES];
    if (session->state != TLS_STATE_OPEN)
        return false;
    ERR_clear_error();
    int size = SSL_read(session->ssl, plain, (int)sizeof(plain));
    if (session->check.failure != TLS_FINE) {
        fail(session);
        return false;
    }
    if (size > 0) {
        session->check.key_update_count = 0;
        *bytes = (struct str){plain, (size_t)size};
        return true;
    }
    int error = SSL_get_error(session->ssl, size);
    if (error == SSL_ERROR_ZERO_RETURN) {
        session->state = TLS_STATE_CLOSED;
        session->in = STR_EMPTY;
    } else if (error != SSL_ERROR_WANT_READ) {
        fail(session);
    }
    return false;
}

void tls_keep(struct tls_session *session, struct str bytes)
{
    enum rc rc = buf_append(&session->kept, bytes);
    ASSERT(rc == RC_OK);
}

void tls_write_kept(struct tls_session *session)
{
    if (buf_size(&session->kept) == 0 || session->state == TLS_STATE_HANDSHAKE)
        return;
    tls_write(session, buf_str(&session->kept));
    buf_clear(&session->kept);
    if (session->kept.capacity > KEPT_BYTES)
        buf_shrink(&session->kept);
}

void tls_write(struct tls_session *session, struct str bytes)
{
    if (session->state == TLS_STATE_FAILED || bytes.len == 0)
        return;
    if (session->state == TLS_STATE_HANDSHAKE) {
        tls_keep(session, bytes);
        return;
    }
    ERR_clear_error();
    int size = SSL_write(session->ssl, bytes.ptr, (int)bytes.len);
    if (size <= 0)
        fail(session);
}

void tls_end(struct tls_session *session)
{
    if (session->ssl == NULL || session->state == TLS_STATE_HANDSHAKE ||
        session->state == TLS_STATE_FAILED)
        return;
    ERR_clear_error();
    (void)SSL_shutdown(session->ssl);
    ERR_clear_error();
}

const struct certificate *tls_own(const struct tls_session *session)
{
    return session->own;
}

struct str tls_out(const struct tls_session *session)
{
    return buf_str(&session->out);
}

void tls_sent(struct tls_session *session, size_t size)
{
    buf_consume(&session->out, size);
    if (buf_size(&session->out) > 0)
        return;
    buf_clear(&session->out);
    if (session->store->spare.capacity == 0 && session->out.capacity <= KEPT_BYTES)
        swap(&session->out, &session->store->spare);
    else
        buf_shrink(&session->out);
}

static struct str curve_of(SSL *ssl)
{
    switch (SSL_get_negotiated_group(ssl)) {
    case NID_X25519:
        return STR("X25519");
    case NID_X9_62_prime256v1:
        return STR("P-256");
    default:
        return STR_EMPTY;
    }
}

/* What a session that is resumed began with: Envoy's sessions keep it, ours the certificate. */
static struct str sigalg_of_key(X509 *peer)
{
    EVP_PKEY *key = peer != NULL ? X509_get0_pubkey(peer) : NULL;
    switch (key != NULL ? EVP_PKEY_get_base_id(key) : NID_undef) {
    case EVP_PKEY_RSA:
        return STR("rsa_pss_rsae_sha256");
    case EVP_PKEY_ED25519:
        return STR("ed25519");
    case EVP_PKEY_EC:
        return EVP_PKEY_get_bits(key) == 256   ? STR("ecdsa_secp256r1_sha256")
               : EVP_PKEY_get_bits(key) == 384 ? STR("ecdsa_secp384r1_sha384")
                                               : STR("ecdsa_secp521r1_sha512");
    default:
        return STR_EMPTY;
    }
}

/* What the peer signed with. */
static struct str sigalg_of(SSL *ssl)
{
    static const struct {
        int type, digest;
        struct str name;
    } ROWS[] = {
        {EVP_PKEY_EC, NID_sha256, STR_INIT("ecdsa_secp256r1_sha256")},
        {EVP_PKEY_EC, NID_sha384, STR_INIT("ecdsa_secp384r1_sha384")},
        {EVP_PKEY_EC, NID_sha512, STR_INIT("ecdsa_secp521r1_sha512")},
        {EVP_PKEY_RSA_PSS, NID_sha256, STR_INIT("rsa_pss_rsae_sha256")},
        {EVP_PKEY_RSA_PSS, NID_sha384, STR_INIT("rsa_pss_rsae_sha384")},
        {EVP_PKEY_RSA_PSS, NID_sha512, STR_INIT("rsa_pss_rsae_sha512")},
        {EVP_PKEY_RSA, NID_sha256, STR_INIT("rsa_pkcs1_sha256")},
        {EVP_PKEY_RSA, NID_sha384, STR_INIT("rsa_pkcs1_sha384")},
        {EVP_PKEY_RSA, NID_sha512, STR_INIT("rsa_pkcs1_sha512")},
        {EVP_PKEY_ED25519, NID_undef, STR_INIT("ed25519")},
    };
    int type = NID_undef, digest = NID_undef;
    if (SSL_get_peer_signature_type_nid(ssl, &type) != 1)
        return sigalg_of_key(SSL_get0_peer_certificate(ssl));
    (void)SSL_get_peer_signature_nid(ssl, &digest);
    for (size_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++) {
        if (ROWS[i].type == type && (ROWS[i].digest == digest || ROWS[i].digest == NID_undef))
            return ROWS[i].name;
    }
    return STR_EMPTY;
}

struct tls_facts tls_facts(const struct tls_session *session)
{
    const unsigned char *protocol = NULL;
    unsigned protocol_size = 0;
    SSL_get0_alpn_selected(session->ssl, &protocol, &protocol_size);
    return (struct tls_facts){
        .version = SSL_version(session->ssl) == TLS1_3_VERSION   ? TLS_VERSION_1_3
                   : SSL_version(session->ssl) == TLS1_2_VERSION ? TLS_VERSION_1_2
                   : SSL_version(session->ssl) == TLS1_1_VERSION ? TLS_VERSION_1_1
                                                                 : TLS_VERSION_1_0,
        .cipher = str_of(SSL_get_cipher_name(session->ssl)),
        .curve = curve_of(session->ssl),
        .sigalg = sigalg_of(session->ssl),
        .protocol = {(const char *)protocol, protocol_size},
        .server_name = str_of(SSL_get_servername(session->ssl, TLSEXT_NAMETYPE_host_name)),
        .has_peer = SSL_get0_peer_certificate(session->ssl) != NULL,
        .is_resumed = SSL_session_reused(session->ssl) == 1,
    };
}

bool tls_peer(const struct tls_session *session, struct certificate *out, struct arena *arena)
{
    X509 *peer = session->ssl != NULL ? SSL_get0_peer_certificate(session->ssl) : NULL;
    if (peer == NULL)
        return false;
    x509_words(peer, out, arena);
    return true;
}
