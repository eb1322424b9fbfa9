/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/proxy/live/test_secure.c - a door with TLS and hostile clients: who floods before
 * it is greeted, who makes TLS speak and does not listen, who begins anew.
 */
#include "tests/proxy/live/town.h"

#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "proxy/live/inside.h"

#define GREETERS 300u
#define FLOOD_BYTES (6u * 1024 * 1024)
#define GET "GET /app HTTP/1.1\r\nhost: a\r\n\r\n"

/* A town whose door ends TLS. */
struct court {
    struct town *town;
    struct certificate certificate;
    struct secret secret;
    struct keyring keyring;
    struct downstream_tls tls;
    char chain_pem[4096], key_pem[4096];
};

/* A client's side of one end. */
struct visitor {
    struct court *court;
    struct end *end;
    SSL *ssl;
    struct buf said; /* that the end has not taken yet */
    bool is_open;
    bool is_failed;
    uint64_t plain_bytes;
    uint64_t record_count;
};

static void read_pem(BIO *bio, char out[4096], struct str *text)
{
    int size = BIO_read(bio, out, 4095);
    assert_true(size > 0);
    *text = (struct str){out, (size_t)size};
    BIO_free(bio);
}

static void make_certificate(struct court *court)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *own = X509_new();
    BIO *chain = BIO_new(BIO_s_mem()), *text = BIO_new(BIO_s_mem());
    assert_non_null(key);
    assert_int_equal(X509_set_version(own, X509_VERSION_3), 1);
    ASN1_INTEGER_set(X509_get_serialNumber(own), 1);
    X509_gmtime_adj(X509_getm_notBefore(own), -60);
    X509_gmtime_adj(X509_getm_notAfter(own), 3600);
    X509_set_pubkey(own, key);
    assert_true(X509_sign(own, key, EVP_sha256()) > 0);
    assert_int_equal(PEM_write_bio_X509(chain, own), 1);
    assert_int_equal(PEM_write_bio_PrivateKey(text, key, NULL, NULL, 0, NULL, NULL), 1);
    read_pem(chain, court->chain_pem, &court->certificate.chain_pem);
    read_pem(text, court->key_pem, &court->certificate.key_pem);
    X509_free(own);
    EVP_PKEY_free(key);
}

static struct court *court_new(void)
{
    static const struct str OWN[] = {STR_INIT("own")};
    struct court *court = calloc(1, sizeof(*court));
    assert_non_null(court);
    make_certificate(court);
    court->secret = (struct secret){.name = STR("own"), .certificate = &court->certificate};
    court->keyring = (struct keyring){.items = &court->secret, .count = 1};
    court->tls = (struct downstream_tls){.certificates = OWN, .certificate_count = 1};
    court->town = town_plan();
    court->town->options.keyring = &court->keyring;
    court->town->chain.tls = &court->tls;
    town_open(court->town);
    return court;
}

static void court_free(struct court *court)
{
    town_free(court->town);
    free(court);
}

static SSL *ssl_new(int version)
{
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    assert_int_equal(SSL_CTX_set_min_proto_version(context, version), 1);
    assert_int_equal(SSL_CTX_set_max_proto_version(context, version), 1);
    SSL *ssl = SSL_new(context);
    SSL_CTX_free(context);
    SSL_set_bio(ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    SSL_set_connect_state(ssl);
    return ssl;
}

/* What OpenSSL has to say goes to the end when it has written what was before. */
static void visitor_say(struct visitor *visitor)
{
    char piece[16384];
    int size;
    while ((size = BIO_read(SSL_get_wbio(visitor->ssl), piece, sizeof(piece))) > 0)
        assert_int_equal(buf_append(&visitor->said, (struct str){piece, (size_t)size}), RC_OK);
    if (visitor->end->is_writing || buf_size(&visitor->said) == 0 || visitor->end->is_broken ||
        visitor->end->is_closed)
        return;
    end_say(visitor->end, buf_str(&visitor->said));
    buf_clear(&visitor->said);
}

static void visitor_hear(struct visitor *visitor)
{
    static char plain[16384];
    struct buf *heard = &visitor->end->heard;
    int size;
    (void)BIO_write(SSL_get_rbio(visitor->ssl), heard->ptr + heard->start, (int)buf_size(heard));
    buf_clear(heard);
    if (!visitor->is_open) {
        int rc = SSL_do_handshake(visitor->ssl);
        visitor->is_open = rc == 1;
        visitor->is_failed = rc != 1 && SSL_get_error(visitor->ssl, rc) == SSL_ERROR_SSL;
    }
    while (visitor->is_open && (size = SSL_read(visitor->ssl, plain, sizeof(plain))) > 0) {
        visitor->plain_bytes += (uint64_t)size;
        visitor->record_count++; /* a read is of one record */
    }
    visitor_say(visitor);
}

static bool is_open(void *user)
{
    struct visitor *visitor = user;
    visitor_hear(visitor);
    return visitor->is_open || visitor->is_failed || visitor->end->is_ended ||
           visitor->end->is_broken;
}

static bool is_over(void *user)
{
    struct visitor *visitor = user;
    visitor_hear(visitor);
    return visitor->end->is_ended || visitor->end->is_broken;
}

static bool has_answer(void *user)
{
    struct visitor *visitor = user;
    visitor_hear(visitor);
    return visitor->plain_bytes > 0;
}

/* The server's socket of the last client. */
static struct socket *server_side(const struct court *court)
{
    struct server *server = court->town->server;
    for (uint32_t i = server->socket_count; i-- > 0;) {
        if (server->sockets[i]->tls != NULL && server->sockets[i]->is_downstream)
            return server->sockets[i];
    }
    fail_msg("no socket has TLS");
    return NULL;
}

static bool is_greeted(void *user)
{
    struct visitor *visitor = user;
    visitor_say(visitor);
    return tls_state(server_side(visitor->court)->tls) == TLS_STATE_OPEN;
}

static void visitor_init(struct visitor *visitor, struct court *court, int version)
{
    *visitor =
        (struct visitor){.court = court, .end = town_dial(court->town), .ssl = ssl_new(version)};
    buf_init(&visitor->said, 64u * 1024 * 1024);
}

static void visitor_enter(struct visitor *visitor, struct court *court, int version)
{
    visitor_init(visitor, court, version);
    TOWN_WAIT(court->town, is_open, visitor);
    assert_true(visitor->is_open);
    TOWN_WAIT(court->town, is_greeted, visitor);
}

static void visitor_fini(struct visitor *visitor)
{
    SSL_free(visitor->ssl);
    buf_fini(&visitor->said);
}

static void visitor_write(struct visitor *visitor, struct str bytes)
{
    assert_int_equal(SSL_write(visitor->ssl, bytes.ptr, (int)bytes.len), (int)bytes.len);
    visitor_say(visitor);
}

/* Is the door still open to others? */
static void expect_service(struct court *court)
{
    struct visitor visitor;
    visitor_enter(&visitor, court, TLS1_3_VERSION);
    visitor_write(&visitor, STR(GET));
    TOWN_WAIT(court->town, has_answer, &visitor);
    visitor_fini(&visitor);
}

/* --- before the greeting --------------------------------------------------------- */

/* Few handshakes are begun in a turn. Who waits for its turn is not read meanwhile,
 * whatever it sends. */
static void test_who_floods_before_it_is_greeted_waits(void **state)
{
    (void)state;
    struct court *court = court_new();
    static struct visitor visitors[GREETERS];
    static char zeros[FLOOD_BYTES];
    for (uint32_t i = 0; i < GREETERS; i++)
        visitor_init(&visitors[i], court, TLS1_3_VERSION);
    for (uint32_t i = 0; i < GREETERS; i++)
        visitor_hear(&visitors[i]); /* says its greeting */
    struct end *end = town_dial(court->town);
    memcpy(zeros, "\x16\x03\x01\x40\x00\x01\x00\x3f\xfc\x03\x03", 11);
    end_say(end, (struct str){zeros, sizeof(zeros)});
    for (uint32_t i = 0; i < GREETERS; i++) {
        TOWN_WAIT(court->town, is_open, &visitors[i]);
        assert_true(visitors[i].is_open);
        visitor_fini(&visitors[i]);
    }
    expect_service(court);
    court_free(court);
}

/* --- who makes TLS speak ---------------------------------------------------------- */

/* More keys than anybody needs, and never a word: BoringSSL's limit. */
static void test_keys_are_changed_so_often_and_no_more(void **state)
{
    (void)state;
    static const struct {
        uint32_t count, word_every;
        bool is_ended;
    } rows[] = {{32, 0, false}, {33, 0, true}, {200, 20, false}};
    struct court *court = court_new();
    for (size_t row = 0; row < COUNT_OF(rows); row++) {
        struct visitor visitor;
        visitor_enter(&visitor, court, TLS1_3_VERSION);
        for (uint32_t i = 0; i < rows[row].count; i++) {
            assert_int_equal(SSL_key_update(visitor.ssl, SSL_KEY_UPDATE_REQUESTED), 1);
            assert_int_equal(SSL_do_handshake(visitor.ssl), 1);
            if (rows[row].word_every > 0 && i % rows[row].word_every == 0)
                visitor_write(&visitor, STR("\r\n"));
        }
        visitor_write(&visitor, STR(GET));
        if (rows[row].is_ended)
            TOWN_WAIT(court->town, is_over, &visitor);
        else
            TOWN_WAIT(court->town, has_answer, &visitor);
        assert_int_equal(visitor.plain_bytes > 0, !rows[row].is_ended);
        visitor_fini(&visitor);
    }
    court_free(court);
}

static bool is_choked(void *user)
{
    struct visitor *visitor = user;
    visitor_say(visitor);
    return !socket_is_drained(server_side(visitor->court));
}

static bool is_held(void *user)
{
    struct visitor *visitor = user;
    visitor_say(visitor);
    return server_side(visitor->court)->is_held || visitor->end->is_broken;
}

static bool is_let_go(void *user)
{
    struct visitor *visitor = user;
    visitor_hear(visitor);
    return !server_side(visitor->court)->is_held && visitor->plain_bytes > 1024 * 1024;
}

/* Who asks for answers of TLS itself and does not listen is not heard either. */
static void test_who_does_not_listen_is_not_heard(void **state)
{
    (void)state;
    struct court *court = court_new();
    struct visitor visitor;
    court->town->answer = "HTTP/1.1 200 OK\r\n\r\n";
    court->town->answer_body_bytes = 256u * 1024 * 1024;
    visitor_enter(&visitor, court, TLS1_3_VERSION);
    uv_read_stop((uv_stream_t *)&visitor.end->tcp);
    visitor_write(&visitor, STR(GET));
    TOWN_WAIT(court->town, is_choked, &visitor);
    for (uint32_t i = 0; i < 4000; i++) {
        assert_int_equal(SSL_key_update(visitor.ssl, SSL_KEY_UPDATE_REQUESTED), 1);
        assert_int_equal(SSL_do_handshake(visitor.ssl), 1);
        if (i % 20 == 0)
            assert_int_equal(SSL_write(visitor.ssl, "\r\n", 2), 2);
    }
    TOWN_WAIT(court->town, is_held, &visitor);
    assert_false(visitor.end->is_broken);
    end_listen_to(visitor.end);
    TOWN_WAIT(court->town, is_let_go, &visitor);
    visitor_fini(&visitor);
    court_free(court);
}

/* TLS 1.2: another handshake on the same connection is the end of it, as with BoringSSL. */
static void test_who_begins_anew_is_left(void **state)
{
    (void)state;
    struct court *court = court_new();
    struct visitor visitor;
    visitor_enter(&visitor, court, TLS1_2_VERSION);
    assert_int_equal(SSL_renegotiate(visitor.ssl), 1);
    (void)SSL_do_handshake(visitor.ssl);
    TOWN_WAIT(court->town, is_over, &visitor);
    visitor_fini(&visitor);
    expect_service(court);
    court_free(court);
}

/* --- who listens slowly ----------------------------------------------------------- */

/* Each record is some twenty bytes longer than what it holds. What is said in small
 * pieces to somebody who does not listen becomes few records. */
static void test_small_pieces_that_wait_become_few_records(void **state)
{
    (void)state;
    enum { PIECES = 200000 };
    struct court *court = court_new();
    struct visitor visitor;
    static char zeros[16384];
    size_t sent_bytes;
    visitor_enter(&visitor, court, TLS1_3_VERSION);
    uv_read_stop((uv_stream_t *)&visitor.end->tcp);
    struct socket *socket = server_side(court);
    uint64_t size = 0;
    for (; socket_is_drained(socket); size += sizeof(zeros))
        assert_true(secure_write(socket, (struct str){zeros, sizeof(zeros)}, &sent_bytes));
    for (uint32_t i = 0; i < PIECES; i++)
        assert_true(secure_write(socket, STR("x"), &sent_bytes));
    socket->untold_bytes = 0; /* the wire knows nothing of them */
    end_listen_to(visitor.end);
    while (visitor.plain_bytes < size + PIECES) {
        assert_true(loop_turn(court->town->loop));
        visitor_hear(&visitor);
    }
    assert_true(visitor.record_count < size / sizeof(zeros) + PIECES / sizeof(zeros) + 5);
    visitor_fini(&visitor);
    court_free(court);
}

/* --- upstreams --------------------------------------------------------------------- */

static bool has_connected(void *user)
{
    return town_upstream_end(user) != NULL;
}

static bool is_done(void *user)
{
    return ((const struct town *)user)->done_count > 0;
}

/* A server with the court's certificate, at an end of the upstream. */
static SSL *ssl_of_server(const struct court *court)
{
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    BIO *chain = BIO_new_mem_buf(court->chain_pem, -1), *text = BIO_new_mem_buf(court->key_pem, -1);
    X509 *own = PEM_read_bio_X509(chain, NULL, NULL, NULL);
    EVP_PKEY *key = PEM_read_bio_PrivateKey(text, NULL, NULL, NULL);
    assert_int_equal(SSL_CTX_use_cert_and_key(context, own, key, NULL, 1), 1);
    assert_int_equal(SSL_CTX_set_max_proto_version(context, TLS1_2_VERSION), 1);
    SSL *ssl = SSL_new(context);
    SSL_set_bio(ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    SSL_set_accept_state(ssl);
    X509_free(own);
    EVP_PKEY_free(key);
    BIO_free(chain);
    BIO_free(text);
    SSL_CTX_free(context);
    return ssl;
}

/* A server whose last word of the handshake and a broken record come in one piece: the
 * connection was there, and broke. */
static void test_what_breaks_behind_a_handshake_breaks_the_connection(void **state)
{
    (void)state;
    static struct upstream_tls tls;
    struct court *court = court_new();
    struct visitor visitor;
    court->town->is_upstream_silent = true;
    small_clusters[0].security = UPSTREAM_TLS;
    small_clusters[0].tls = &tls;
    visitor_enter(&visitor, court, TLS1_3_VERSION);
    visitor_write(&visitor, STR(GET));
    TOWN_WAIT(court->town, has_connected, court->town);
    struct visitor server = {
        .court = court, .end = town_upstream_end(court->town), .ssl = ssl_of_server(court)};
    buf_init(&server.said, 65536);
    while (!server.is_open) {
        struct buf *heard = &server.end->heard;
        assert_true(loop_turn(court->town->loop));
        (void)BIO_write(SSL_get_rbio(server.ssl), heard->ptr + heard->start, (int)buf_size(heard));
        buf_clear(heard);
        server.is_open = SSL_do_handshake(server.ssl) == 1;
        if (server.is_open)
            (void)BIO_write(SSL_get_wbio(server.ssl),
                            "\x17\x03\x03\x00\x20 and 27 bytes that nobody wrote", 5 + 32);
        visitor_say(&server);
    }
    TOWN_WAIT(court->town, is_done, court->town);
    assert_int_equal(court->town->status, 503);
    assert_string_equal(court->town->flags, "UC");
    visitor_fini(&server);
    visitor_fini(&visitor);
    court_free(court);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who_floods_before_it_is_greeted_waits),
        cmocka_unit_test(test_keys_are_changed_so_often_and_no_more),
        cmocka_unit_test(test_who_does_not_listen_is_not_heard),
        cmocka_unit_test(test_who_begins_anew_is_left),
        cmocka_unit_test(test_small_pieces_that_wait_become_few_records),
        cmocka_unit_test(test_what_breaks_behind_a_handshake_breaks_the_connection),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
