/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/testbed/sockets/test_handshake.c - what is computed of a handshake
 * (proxy/core/tls_verdict.h) is what OpenSSL makes of it (proxy/live/tls.h): every mode
 * of both sides, every fault of either certificate, every pair of versions.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/check.h"
#include "proxy/core/tls_verdict.h"
#include "proxy/live/tls.h"
#include "testbed/world/authority.h"

#define ROUNDS_MAX 16

enum client_mode { CLIENT_SIMPLE, CLIENT_UNCHECKED, CLIENT_MUTUAL, CLIENT_MESH, CLIENT_MODES };
enum server_mode {
    SERVER_SIMPLE,
    SERVER_MUTUAL,
    SERVER_OPTIONAL,
    SERVER_LISTED, /* OPTIONAL_MUTUAL with subjectAltNames */
    SERVER_MESH,   /* ISTIO_MUTUAL, STRICT */
    SERVER_MODES
};
enum { FAULTS = CERTIFICATE_NONE + 1 };
enum listed { LISTED_NOTHING, LISTED_ANOTHER, LISTED_HASH, LISTED_KEY, LISTED_EITHER };

struct hall {
    struct arena arena;
    struct authority *authority;
};

struct side {
    struct secret secrets[2];
    struct keyring keyring;
};

static void make_side(struct hall *hall, struct side *side, const char *account,
                      enum certificate_fault fault)
{
    struct workload_name who = {STR("cluster.local"), STR("default"), str_of(account)};
    const struct certificate *own = authority_issue_workload(hall->authority, &who, fault);
    struct str *mesh = ARENA_NEW(&hall->arena, struct str);
    *mesh = STR(AUTHORITY_MESH);
    side->secrets[0] = (struct secret){.name = STR("ROOTCA"),
                                       .authorities = mesh,
                                       .authority_count = 1,
                                       .authorities_pem = authority_pem(hall->authority, *mesh)};
    side->keyring = (struct keyring){.items = side->secrets, .count = 1};
    if (own == NULL)
        return;
    authority_seal(hall->authority, own);
    side->secrets[1] = (struct secret){.name = STR("default"), .certificate = own};
    side->keyring.count = 2;
}

static struct upstream_tls client_socket(enum client_mode mode)
{
    static const struct str SERVER[] = {STR_INIT("spiffe://cluster.local/ns/default/sa/server")};
    struct upstream_tls out = {.sni = STR("server.example.com")};
    if (mode != CLIENT_UNCHECKED)
        out.root = STR("ROOTCA");
    if (mode == CLIENT_MUTUAL || mode == CLIENT_MESH)
        out.certificate = STR("default");
    if (mode == CLIENT_MESH) {
        out.is_mesh = true;
        out.names = SERVER;
        out.name_count = 1;
    }
    return out;
}

static struct downstream_tls server_socket(enum server_mode mode)
{
    static const struct str OWN[] = {STR_INIT("default")};
    static const struct str PROTOCOLS[] = {STR_INIT("h2"), STR_INIT("istio"), STR_INIT("http/1.1")};
    static const struct string_matcher PEERS[] = {
        {.kind = STRING_PREFIX, .value = STR_INIT("spiffe://cluster.local/")}};
    struct downstream_tls out = {.certificates = OWN,
                                 .certificate_count = 1,
                                 .protocols = PROTOCOLS,
                                 .protocol_count = COUNT_OF(PROTOCOLS)};
    if (mode != SERVER_SIMPLE)
        out.authorities = STR("ROOTCA");
    out.is_client_certificate_required = mode == SERVER_MUTUAL || mode == SERVER_MESH;
    if (mode == SERVER_MESH || mode == SERVER_LISTED) {
        out.peer_names = PEERS;
        out.peer_name_count = COUNT_OF(PEERS);
    }
    return out;
}

/* Carries what both say until both are quiet. */
static void pass_on(struct tls_session *from, struct tls_session *to)
{
    struct str bytes;
    char copy[65536];
    struct str out = tls_out(from);
    assert_true(out.len <= sizeof(copy));
    if (out.len == 0)
        return;
    memcpy(copy, out.ptr, out.len);
    tls_feed(to, (struct str){copy, out.len});
    while (tls_read(to, &bytes))
        fail_msg("nobody has said anything yet");
    tls_sent(from, out.len);
}

static void shake_hands(struct tls_session *client, struct tls_session *server)
{
    tls_feed(client, STR_EMPTY);
    for (int i = 0; i < ROUNDS_MAX; i++) {
        pass_on(client, server);
        pass_on(server, client);
    }
}

static void complain(const char *what, const char *text, enum tls_failure got,
                     enum tls_failure want)
{
    if (got != want)
        fail_msg("%s, %s: OpenSSL %d, computed %d", text, what, (int)got, (int)want);
}

static void compare(const struct tls_session *client, const struct tls_session *server,
                    const struct tls_outcome *want, const char *text)
{
    if (want->client != TLS_ENDED)
        complain("client", text, tls_failed(client), want->client);
    if (want->server != TLS_ENDED)
        complain("server", text, tls_failed(server), want->server);
    if (want->client != TLS_FINE || want->server != TLS_FINE)
        return;
    assert_int_equal(tls_state(client), TLS_STATE_OPEN);
    assert_int_equal(tls_state(server), TLS_STATE_OPEN);
    assert_int_equal(tls_facts(client).version, want->version);
    assert_true(str_eq(tls_facts(client).protocol, want->protocol));
    assert_true(str_eq(tls_facts(server).server_name, STR("server.example.com")));
}

/* What the server's socket says, and what keyrings leave of it. */
struct versions {
    struct str socket_min, socket_max, server_min, server_max, client_min, client_max;
};

struct meeting {
    enum client_mode client_mode;
    enum server_mode server_mode;
    enum certificate_fault client_fault, server_fault;
    const struct versions *versions;
    bool is_resuming; /* a second one resumes the first, if that came about */
    enum listed listed;
};

/* What the server has a list of, beside names. */
static void set_listed(struct hall *hall, const struct meeting *meeting,
                       const struct certificate *client, struct downstream_tls *down)
{
    struct str *list = ARENA_ARRAY(&hall->arena, struct str, 2);
    struct str spaced = STR_EMPTY;
    list[0] = STR("0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef");
    if (meeting->listed == LISTED_KEY || meeting->listed == LISTED_EITHER) {
        down->peer_key_hashes = &client->key_hash;
        down->peer_key_hash_count = 1;
    }
    if (meeting->listed == LISTED_NOTHING || meeting->listed == LISTED_KEY)
        return;
    for (size_t i = 0; i < client->hash.len; i += 2)
        spaced = arena_format(&hall->arena, "%.*s%s%.*s", STR_FMT(spaced), i > 0 ? ":" : "",
                              STR_FMT(str_slice(client->hash, i, i + 2)));
    list[1] = spaced;
    down->peer_hashes = list;
    down->peer_hash_count = meeting->listed == LISTED_HASH ? 2 : 1;
}

static void meet(struct hall *hall, const struct meeting *meeting)
{
    struct side client_side = {0}, server_side = {0};
    char text[192];
    const struct versions *versions = meeting->versions;
    (void)snprintf(text, sizeof(text),
                   "client %d server %d faults %d %d versions %.*s-%.*s, server %.*s-%.*s, client "
                   "%.*s-%.*s",
                   (int)meeting->client_mode, (int)meeting->server_mode, (int)meeting->client_fault,
                   (int)meeting->server_fault, STR_FMT(versions->socket_min),
                   STR_FMT(versions->socket_max), STR_FMT(versions->server_min),
                   STR_FMT(versions->server_max), STR_FMT(versions->client_min),
                   STR_FMT(versions->client_max));
    make_side(hall, &client_side, "client", meeting->client_fault);
    make_side(hall, &server_side, "server", meeting->server_fault);
    struct upstream_tls up = client_socket(meeting->client_mode);
    struct downstream_tls down = server_socket(meeting->server_mode);
    down.version_min = versions->socket_min;
    down.version_max = versions->socket_max;
    server_side.keyring.version_min = versions->server_min;
    server_side.keyring.version_max = versions->server_max;
    client_side.keyring.version_min = versions->client_min;
    client_side.keyring.version_max = versions->client_max;
    if (client_side.keyring.count == 2)
        set_listed(hall, meeting, client_side.secrets[1].certificate, &down);
    struct cluster cluster = {.name = STR("c"), .security = UPSTREAM_TLS, .tls = &up};
    struct tls_party one = tls_party_upstream(&cluster, STR_EMPTY, &client_side.keyring);
    struct tls_party other = tls_party_downstream(&down, &server_side.keyring);
    struct str offered[TLS_PROTOCOLS_MAX];
    one.protocol_count = tls_protocols(&cluster, TLS_CARRIES_HTTP1, offered);
    one.protocols = offered;
    struct tls_outcome want = tls_verdict(&one, &other, 0);

    struct tls_store *client_store = tls_store_new(&client_side.keyring);
    struct tls_store *server_store = tls_store_new(&server_side.keyring);
    struct tls_call call = {
        .cluster = &cluster, .address = STR("127.0.0.1"), .port = 1, .payload = TLS_CARRIES_HTTP1};
    bool is_right = want.client == TLS_FINE && want.server == TLS_FINE && meeting->is_resuming;
    for (int i = 0; i < 1 + is_right; i++) {
        struct tls_session *client = tls_connect(client_store, &call);
        struct tls_session *server = tls_accept(server_store, &down);
        shake_hands(client, server);
        compare(client, server, &want, text);
        if (i > 0) /* the second resumes the first */
            assert_true(tls_facts(client).is_resumed && tls_facts(server).is_resumed);
        tls_free(client);
        tls_free(server);
    }
    tls_store_drop(client_store);
    tls_store_drop(server_store);
}

static int setup(void **state)
{
    static struct hall hall;
    arena_init(&hall.arena, 65536, 0);
    hall.authority = authority_new(&hall.arena);
    *state = &hall;
    return 0;
}

static int teardown(void **state)
{
    struct hall *hall = *state;
    authority_free(hall->authority);
    arena_fini(&hall->arena);
    return 0;
}

static void test_verdicts_are_what_handshakes_come_to(void **state)
{
    static const struct versions VERSIONS[] = {
        {.socket_min = STR_INIT("")},
        {.socket_min = STR_INIT("TLSv1_2"), .socket_max = STR_INIT("TLSv1_2")},
        {.socket_min = STR_INIT("TLSv1_3"), .socket_max = STR_INIT("TLSv1_3")},
        {.client_max = STR_INIT("TLSv1_2")},
        {.client_min = STR_INIT("TLSv1_3")},
        {.server_min = STR_INIT("TLSv1_3")},
        {.server_max = STR_INIT("TLSv1_2"), .client_min = STR_INIT("TLSv1_2")},
        /* Those that have nothing in common. */
        {.server_min = STR_INIT("TLSv1_3"), .client_max = STR_INIT("TLSv1_2")},
        {.server_max = STR_INIT("TLSv1_2"), .client_min = STR_INIT("TLSv1_3")},
        {.socket_max = STR_INIT("TLSv1_2"), .client_min = STR_INIT("TLSv1_3")},
        /* A keyring goes before a socket that means something else. */
        {.socket_max = STR_INIT("TLSv1_2"), .server_min = STR_INIT("TLSv1_3")},
        {.socket_min = STR_INIT("TLSv1_3"), .server_max = STR_INIT("TLSv1_2")},
    };
    for (size_t version = 0; version < COUNT_OF(VERSIONS); version++) {
        for (int i = 0; i < CLIENT_MODES * SERVER_MODES * FAULTS * FAULTS; i++) {
            struct meeting meeting = {
                .client_mode = (enum client_mode)(i % CLIENT_MODES),
                .server_mode = (enum server_mode)(i / CLIENT_MODES % SERVER_MODES),
                .client_fault = (enum certificate_fault)(i / CLIENT_MODES / SERVER_MODES % FAULTS),
                .server_fault = (enum certificate_fault)(i / CLIENT_MODES / SERVER_MODES / FAULTS),
                .versions = &VERSIONS[version],
                .is_resuming = version < 3,
            };
            /* Two faults at once: where both sides look most closely. */
            bool is_double = meeting.client_fault != CERTIFICATE_RIGHT &&
                             meeting.server_fault != CERTIFICATE_RIGHT;
            if (!is_double || (meeting.client_mode == CLIENT_MESH && version == 0))
                meet(*state, &meeting);
        }
    }
}

/* A client of OpenSSL's own, told to be worse than ours ever is. */
static SSL *poor_client(SSL_CTX **context, int version_max, const char *ciphers)
{
    *context = SSL_CTX_new(TLS_client_method());
    assert_non_null(*context);
    SSL_CTX_set_security_level(*context, 0);
    assert_int_equal(SSL_CTX_set_min_proto_version(*context, TLS1_VERSION), 1);
    assert_int_equal(SSL_CTX_set_max_proto_version(*context, version_max), 1);
    assert_int_equal(SSL_CTX_set_cipher_list(*context, ciphers), 1);
    SSL *ssl = SSL_new(*context);
    assert_non_null(ssl);
    SSL_set_bio(ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    SSL_set_connect_state(ssl);
    return ssl;
}

static void exchange(SSL *client, struct tls_session *server)
{
    char bytes[65536];
    for (int i = 0; i < ROUNDS_MAX; i++) {
        struct str plain;
        (void)SSL_do_handshake(client);
        int size = BIO_read(SSL_get_wbio(client), bytes, sizeof(bytes));
        tls_feed(server, (struct str){bytes, size > 0 ? (size_t)size : 0});
        while (tls_read(server, &plain))
            continue;
        struct str out = tls_out(server);
        if (out.len > 0)
            assert_int_equal(BIO_write(SSL_get_rbio(client), out.ptr, (int)out.len), out.len);
        tls_sent(server, out.len);
    }
}

/* Hashes are looked at when the rest of the client's certificate does. */
static void test_a_client_must_be_on_the_list(void **state)
{
    static const struct versions ANY = {.socket_min = STR_INIT("")};
    static const enum listed LISTS[] = {LISTED_ANOTHER, LISTED_HASH, LISTED_KEY, LISTED_EITHER};
    static const enum certificate_fault FAULTS_SEEN[] = {CERTIFICATE_RIGHT, CERTIFICATE_EXPIRED};
    for (size_t i = 0; i < COUNT_OF(LISTS) * COUNT_OF(FAULTS_SEEN); i++) {
        struct meeting meeting = {
            .client_mode = CLIENT_MUTUAL,
            .server_mode = i % 2 == 0 ? SERVER_MUTUAL : SERVER_OPTIONAL,
            .client_fault = FAULTS_SEEN[i / COUNT_OF(LISTS)],
            .versions = &ANY,
            .listed = LISTS[i % COUNT_OF(LISTS)],
        };
        meet(*state, &meeting);
    }
    struct side side = {0};
    make_side(*state, &side, "client", CERTIFICATE_RIGHT);
    struct str another = STR("ab");
    struct tls_names names = {.hashes = &another, .hash_count = 1};
    assert_int_equal(tls_check_names(&names, side.secrets[1].certificate), TLS_HASH_NOT_LISTED);
    names.key_hashes = &side.secrets[1].certificate->key_hash;
    names.key_hash_count = 1;
    assert_int_equal(tls_check_names(&names, side.secrets[1].certificate), TLS_FINE);
}

/* Who must be on a list must show something, required or not: ENVOY.md 9.1, and a real one. */
static void test_a_list_requires_a_certificate(void **state)
{
    struct side side = {0};
    struct str hash = STR("ab");
    make_side(*state, &side, "server", CERTIFICATE_RIGHT);
    struct downstream_tls listed = server_socket(SERVER_LISTED);
    struct downstream_tls hashed = server_socket(SERVER_OPTIONAL), plain = hashed;
    hashed.peer_hashes = &hash;
    hashed.peer_hash_count = 1;
    struct downstream_tls lax = listed;
    lax.is_accepting_untrusted = true;
    struct tls_party party = tls_party_downstream(&listed, &side.keyring);
    assert_int_equal(tls_check_peer(&party, NULL, 0), TLS_NO_CERTIFICATE);
    party = tls_party_downstream(&hashed, &side.keyring);
    assert_int_equal(tls_check_peer(&party, NULL, 0), TLS_NO_CERTIFICATE);
    party = tls_party_downstream(&plain, &side.keyring);
    assert_int_equal(tls_check_peer(&party, NULL, 0), TLS_FINE);
    party = tls_party_downstream(&lax, &side.keyring);
    assert_int_equal(tls_check_peer(&party, NULL, 0), TLS_FINE);
    /* One alert for both ends of a certificate's time, as BoringSSL has it. */
    assert_int_equal(tls_alert(TLS_NOT_YET_VALID, TLS_VERSION_1_3),
                     tls_alert(TLS_EXPIRED, TLS_VERSION_1_3));
}

static void test_what_is_old_or_weak_is_refused(void **state)
{
    static const struct {
        int version_max;
        const char *ciphers;
        enum tls_failure want;
    } rows[] = {
        {TLS1_VERSION, "ALL:@SECLEVEL=0", TLS_UNSUPPORTED_PROTOCOL},
        {TLS1_1_VERSION, "ALL:@SECLEVEL=0", TLS_UNSUPPORTED_PROTOCOL},
        {TLS1_2_VERSION, "AES128-SHA:@SECLEVEL=0", TLS_NO_SHARED_CIPHER},
        {TLS1_2_VERSION, "ECDHE-ECDSA-AES128-SHA:@SECLEVEL=0", TLS_NO_SHARED_CIPHER},
        {TLS1_2_VERSION, "aNULL:eNULL:@SECLEVEL=0", TLS_NO_SHARED_CIPHER},
        {TLS1_2_VERSION, "ECDHE-ECDSA-AES256-GCM-SHA384", TLS_FINE},
    };
    struct side side = {0};
    make_side(*state, &side, "server", CERTIFICATE_RIGHT);
    struct downstream_tls down = server_socket(SERVER_SIMPLE);
    struct tls_store *store = tls_store_new(&side.keyring);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        SSL_CTX *context;
        SSL *client = poor_client(&context, rows[i].version_max, rows[i].ciphers);
        struct tls_session *server = tls_accept(store, &down);
        exchange(client, server);
        if (tls_failed(server) != rows[i].want)
            fail_msg("row %zu: %d", i, (int)tls_failed(server));
        tls_free(server);
        SSL_free(client);
        SSL_CTX_free(context);
    }
    tls_store_drop(store);
}

/* One that was agreed upon is not agreed upon again. */
static void test_nothing_is_negotiated_twice(void **state)
{
    struct side side = {0};
    make_side(*state, &side, "server", CERTIFICATE_RIGHT);
    struct downstream_tls down = server_socket(SERVER_SIMPLE);
    struct tls_store *store = tls_store_new(&side.keyring);
    SSL_CTX *context;
    SSL *client = poor_client(&context, TLS1_2_VERSION, "ECDHE-ECDSA-AES128-GCM-SHA256");
    struct tls_session *server = tls_accept(store, &down);
    exchange(client, server);
    assert_int_equal(tls_state(server), TLS_STATE_OPEN);
    assert_int_equal(SSL_is_init_finished(client), 1);
    assert_int_equal(SSL_renegotiate(client), 1);
    exchange(client, server);
    assert_int_equal(SSL_is_init_finished(client), 0);
    tls_free(server);
    SSL_free(client);
    SSL_CTX_free(context);
    tls_store_drop(store);
}

/* A session that is resumed is not verified again. */
static void test_a_session_says_nothing_to_a_socket_that_wants_other_names(void **state)
{
    struct hall *hall = *state;
    static const struct string_matcher OTHERS[] = {
        {.kind = STRING_PREFIX, .value = STR_INIT("spiffe://elsewhere/")}};
    struct side client_side = {0}, server_side = {0};
    make_side(hall, &client_side, "client", CERTIFICATE_RIGHT);
    make_side(hall, &server_side, "server", CERTIFICATE_RIGHT);
    struct upstream_tls up = client_socket(CLIENT_MESH);
    struct downstream_tls sockets[] = {server_socket(SERVER_MESH), server_socket(SERVER_MESH)};
    sockets[1].peer_names = OTHERS;
    struct cluster cluster = {.name = STR("c"), .security = UPSTREAM_TLS, .tls = &up};
    struct tls_store *client_store = tls_store_new(&client_side.keyring);
    struct tls_store *server_store = tls_store_new(&server_side.keyring);
    struct tls_call call = {
        .cluster = &cluster, .address = STR("127.0.0.1"), .port = 1, .payload = TLS_CARRIES_HTTP1};
    for (size_t i = 0; i < COUNT_OF(sockets); i++) {
        struct tls_session *client = tls_connect(client_store, &call);
        struct tls_session *server = tls_accept(server_store, &sockets[i]);
        shake_hands(client, server);
        assert_int_equal(tls_state(server), i == 0 ? TLS_STATE_OPEN : TLS_STATE_FAILED);
        tls_free(client);
        tls_free(server);
    }
    tls_store_drop(client_store);
    tls_store_drop(server_store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_verdicts_are_what_handshakes_come_to),
        cmocka_unit_test(test_a_client_must_be_on_the_list),
        cmocka_unit_test(test_what_is_old_or_weak_is_refused),
        cmocka_unit_test(test_nothing_is_negotiated_twice),
        cmocka_unit_test(test_a_list_requires_a_certificate),
        cmocka_unit_test(test_a_session_says_nothing_to_a_socket_that_wants_other_names),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
