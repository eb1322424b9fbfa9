/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/testbed/sim/test_tls.c - TLS in virtual time: sessions come to what is
 * computed of them, in whatever pieces the bytes arrive.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/check.h"
#include "proxy/wire/client_hello.h"
#include "testbed/sim/tls.h"

#define ROUNDS_MAX 8

struct hall {
    struct arena arena;
    struct sim_tls_room room;
    struct keyring client_keys, server_keys;
    struct secret secrets[4];
    struct certificate own[2];
    struct upstream_tls up;
    struct downstream_tls down;
    struct cluster cluster;
};

static const struct str MESH[] = {STR_INIT("mesh")};
static const struct str DEFAULT[] = {STR_INIT("default")};
static const struct str URIS[] = {STR_INIT("spiffe://cluster.local/ns/default/sa/a")};
static const struct str PROTOCOLS[] = {STR_INIT("istio"), STR_INIT("http/1.1")};

static void open_hall(struct hall *hall)
{
    *hall = (struct hall){0};
    arena_init(&hall->arena, 4096, 0);
    hall->room.arena = &hall->arena;
    for (int i = 0; i < 2; i++) {
        hall->own[i] = (struct certificate){
            .issuer = MESH[0], .from_s = -10, .until_s = 100, .uris = URIS, .uri_count = 1};
        hall->secrets[2 * i] =
            (struct secret){.name = STR("default"), .certificate = &hall->own[i]};
        hall->secrets[2 * i + 1] =
            (struct secret){.name = STR("ROOTCA"), .authorities = MESH, .authority_count = 1};
    }
    hall->client_keys = (struct keyring){.items = hall->secrets, .count = 2};
    hall->server_keys = (struct keyring){.items = hall->secrets + 2, .count = 2};
    hall->up = (struct upstream_tls){.is_mesh = true,
                                     .certificate = STR("default"),
                                     .root = STR("ROOTCA"),
                                     .sni = STR("outbound_.80_._.a.default.svc.cluster.local")};
    hall->down = (struct downstream_tls){.protocols = PROTOCOLS,
                                         .protocol_count = COUNT_OF(PROTOCOLS),
                                         .certificates = DEFAULT,
                                         .certificate_count = 1,
                                         .authorities = STR("ROOTCA"),
                                         .is_client_certificate_required = true};
    hall->cluster = (struct cluster){.security = UPSTREAM_TLS, .tls = &hall->up};
}

static void close_hall(struct hall *hall)
{
    sim_tls_room_fini(&hall->room);
    arena_fini(&hall->arena);
}

static struct sim_tls *caller(struct hall *hall)
{
    return sim_tls_connect(&hall->room, &hall->cluster, STR_EMPTY, TLS_CARRIES_HTTP1,
                           &hall->client_keys);
}

static struct sim_tls *callee(struct hall *hall)
{
    return sim_tls_accept(&hall->room, &hall->down, &hall->server_keys);
}

/* In pieces of so many bytes; what was meant is added to `plain`. */
static void pass_on(struct sim_tls *from, struct sim_tls *to, size_t piece_bytes, struct buf *plain)
{
    struct str bytes;
    while (buf_size(&from->out) > 0) {
        struct str piece = str_slice(buf_str(&from->out), 0, piece_bytes);
        sim_tls_feed(to, piece, 0);
        buf_consume(&from->out, piece.len);
        while (sim_tls_read(to, &bytes))
            assert_int_equal(buf_append(plain, bytes), RC_OK);
    }
}

static void shake_hands(struct sim_tls *client, struct sim_tls *server, size_t piece_bytes)
{
    struct buf plain;
    buf_init(&plain, 4096);
    sim_tls_feed(client, STR_EMPTY, 0);
    for (int i = 0; i < ROUNDS_MAX; i++) {
        pass_on(client, server, piece_bytes, &plain);
        pass_on(server, client, piece_bytes, &plain);
    }
    assert_int_equal(buf_size(&plain), 0);
    buf_fini(&plain);
}

static void test_bytes_arrive_as_they_were_meant(void **state)
{
    (void)state;
    for (size_t piece = 1; piece < 400; piece += 57) {
        struct hall hall;
        struct buf plain;
        open_hall(&hall);
        buf_init(&plain, 1 << 20);
        struct sim_tls *client = caller(&hall), *server = callee(&hall);
        shake_hands(client, server, piece);
        assert_int_equal(client->state, TLS_STATE_OPEN);
        assert_int_equal(server->state, TLS_STATE_OPEN);
        assert_true(str_eq(server->server_name, hall.up.sni));
        assert_true(str_eq(server->outcome.protocol, STR("istio")));
        assert_ptr_equal(server->peer, &hall.own[0]);
        assert_ptr_equal(client->peer, &hall.own[1]);
        char *text = arena_alloc(&hall.arena, 40000);
        memset(text, 'x', 40000);
        sim_tls_write(client, (struct str){text, 40000});
        sim_tls_end(client);
        pass_on(client, server, piece, &plain);
        assert_int_equal(buf_size(&plain), 40000);
        assert_int_equal(server->state, TLS_STATE_CLOSED);
        buf_fini(&plain);
        close_hall(&hall);
    }
}

static void carry(struct sim_tls *from, struct sim_tls *to, int64_t now_s)
{
    sim_tls_feed(to, buf_str(&from->out), now_s);
    buf_clear(&from->out);
}

/* Who called twice, with what it was given the first time, and so long after. */
static void test_a_session_goes_on(void **state)
{
    (void)state;
    static const struct {
        const char *version_max; /* the server's */
        bool is_ticket_lost, is_late;
        bool second, third; /* are they resumed? */
    } rows[] = {
        {"", false, false, true, true},
        {"TLSv1_2", false, false, true, true},
        {"", true, false, false, false},
        {"", false, true, false, false},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct hall hall;
        const bool is_resumed[] = {false, rows[i].second, rows[i].third};
        open_hall(&hall);
        hall.own[0].until_s = hall.own[1].until_s = 100000;
        hall.down.version_max = str_of(rows[i].version_max);
        for (size_t k = 0; k < COUNT_OF(is_resumed); k++) {
            struct sim_tls *client = caller(&hall), *server = callee(&hall);
            int64_t now_s = rows[i].is_late ? (int64_t)k * 7201 : 0;
            sim_tls_feed(client, STR_EMPTY, now_s);
            for (int round = 0; round < 2; round++) {
                carry(client, server, now_s);
                if (round == 0 || !rows[i].is_ticket_lost)
                    carry(server, client, now_s);
            }
            assert_int_equal(client->state, TLS_STATE_OPEN);
            assert_int_equal(server->is_resumed, is_resumed[k]);
            assert_int_equal(client->is_resumed, is_resumed[k]);
            /* Whoever it was is still known. */
            assert_ptr_equal(server->peer, &hall.own[0]);
            sim_tls_free(client);
            sim_tls_free(server);
        }
        close_hall(&hall);
    }
}

static void test_a_greeting_is_a_real_one(void **state)
{
    (void)state;
    struct hall hall;
    struct client_hello hello;
    open_hall(&hall);
    struct sim_tls *client = caller(&hall);
    sim_tls_feed(client, STR_EMPTY, 0);
    assert_int_equal(client_hello_read(buf_str(&client->out), &hall.arena, &hello),
                     CLIENT_HELLO_DONE);
    assert_true(str_eq(hello.server_name, hall.up.sni));
    assert_int_equal(hello.protocol_count, 3);
    assert_true(str_eq(hello.protocols[0], STR("istio-http/1.1")));
    close_hall(&hall);
}

static void test_what_is_wrong_is_found_by_the_side_that_would(void **state)
{
    (void)state;
    static const struct {
        bool is_client_late, is_server_late, has_client_none;
        const char *version_max; /* the server's */
        enum tls_failure client, server;
    } rows[] = {
        {false, true, false, "", TLS_EXPIRED, TLS_ALERT_CERTIFICATE_EXPIRED},
        {false, true, false, "TLSv1_2", TLS_EXPIRED, TLS_ALERT_CERTIFICATE_EXPIRED},
        {true, false, false, "", TLS_ALERT_CERTIFICATE_EXPIRED, TLS_EXPIRED},
        {true, false, false, "TLSv1_2", TLS_ALERT_CERTIFICATE_EXPIRED, TLS_EXPIRED},
        {false, false, true, "", TLS_ALERT_CERTIFICATE_REQUIRED, TLS_NO_CERTIFICATE},
        {false, false, true, "TLSv1_2", TLS_ALERT_HANDSHAKE_FAILURE, TLS_NO_CERTIFICATE},
        {false, false, false, "TLSv1_1", TLS_ALERT_PROTOCOL_VERSION, TLS_UNSUPPORTED_PROTOCOL},
        {false, true, false, "TLSv1_1", TLS_ALERT_PROTOCOL_VERSION, TLS_UNSUPPORTED_PROTOCOL},
        {false, false, false, "TLSv1_2", TLS_FINE, TLS_FINE},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct hall hall;
        open_hall(&hall);
        hall.own[0].until_s = rows[i].is_client_late ? -1 : 100;
        hall.own[1].until_s = rows[i].is_server_late ? -1 : 100;
        hall.up.certificate = rows[i].has_client_none ? STR_EMPTY : STR("default");
        hall.down.version_max = str_of(rows[i].version_max);
        struct sim_tls *client = caller(&hall), *server = callee(&hall);
        shake_hands(client, server, 1000);
        if (client->failure != rows[i].client || server->failure != rows[i].server)
            fail_msg("row %zu: client %d server %d", i, (int)client->failure, (int)server->failure);
        close_hall(&hall);
    }
}

static void test_who_speaks_no_tls_is_told_apart(void **state)
{
    (void)state;
    struct hall hall;
    open_hall(&hall);
    struct sim_tls *client = caller(&hall), *server = callee(&hall);
    sim_tls_feed(client, STR_EMPTY, 0);
    sim_tls_feed(client, STR("HTTP/1.1 400 Bad Request\r\n\r\n"), 0);
    assert_int_equal(client->failure, TLS_WRONG_VERSION_NUMBER);
    sim_tls_feed(server, STR("GET / HTTP/1.1\r\n\r\n"), 0);
    assert_int_equal(server->failure, TLS_HTTP_REQUEST);
    close_hall(&hall);
}

static void test_an_absent_secret_ends_it_at_once(void **state)
{
    (void)state;
    struct hall hall;
    open_hall(&hall);
    hall.client_keys.count = hall.server_keys.count = 0;
    assert_int_equal(caller(&hall)->failure, TLS_SECRET_ABSENT);
    assert_int_equal(callee(&hall)->failure, TLS_SECRET_ABSENT);
    close_hall(&hall);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bytes_arrive_as_they_were_meant),
        cmocka_unit_test(test_a_session_goes_on),
        cmocka_unit_test(test_a_greeting_is_a_real_one),
        cmocka_unit_test(test_what_is_wrong_is_found_by_the_side_that_would),
        cmocka_unit_test(test_who_speaks_no_tls_is_told_apart),
        cmocka_unit_test(test_an_absent_secret_ends_it_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
