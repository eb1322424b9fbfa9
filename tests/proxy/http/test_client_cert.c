/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/proxy/http/test_client_cert.c - x-forwarded-client-cert in its modes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/check.h"
#include "proxy/http/client_cert.h"

#define NAME STR("x-forwarded-client-cert")

static const struct str OWN[] = {STR_INIT("spiffe://d/ns/a/sa/server")};
static const struct str PEER[] = {STR_INIT("spiffe://d/ns/a/sa/client")};
static const struct str NAMES[] = {STR_INIT("a.example"), STR_INIT("b.example")};
static const struct certificate own = {.uris = OWN, .uri_count = 1};
static const struct certificate peer = {.uris = PEER, .uri_count = 1, .hash = STR_INIT("ab12")};
static const struct certificate named = {.names = NAMES,
                                         .name_count = 2,
                                         .hash = STR_INIT("cd"),
                                         .subject = STR_INIT("CN=client"),
                                         .chain_pem = STR_INIT("-----B E\n+/=")};

static void test_the_header_is_what_the_mode_makes_of_it(void **state)
{
    (void)state;
    static const struct {
        enum client_cert_details details;
        const struct certificate *peer, *own;
        const char *before, *want; /* NULL: none */
    } rows[] = {
        {CERT_SANITIZE, &peer, &own, "By=x", NULL},
        {CERT_SANITIZE, NULL, NULL, NULL, NULL},
        {CERT_APPEND_FORWARD, NULL, &own, "By=x", NULL},
        {CERT_APPEND_FORWARD, &peer, &own, NULL,
         "By=spiffe://d/ns/a/sa/server;Hash=ab12;Subject=\"\";URI=spiffe://d/ns/a/sa/client"},
        {CERT_APPEND_FORWARD, &peer, &own, "By=x;URI=y",
         "By=x;URI=y,By=spiffe://d/ns/a/sa/server;Hash=ab12;Subject=\"\";"
         "URI=spiffe://d/ns/a/sa/client"},
        {CERT_SANITIZE_SET, NULL, &own, "By=x", NULL},
        {CERT_SANITIZE_SET, &peer, NULL, "By=x",
         "Hash=ab12;Subject=\"\";URI=spiffe://d/ns/a/sa/client"},
        {CERT_SANITIZE_SET, &named, NULL, NULL,
         "Hash=cd;Cert=\"-----B%20E%0A%2B%2F%3D\";Subject=\"CN=client\";URI=;DNS=a.example;"
         "DNS=b.example"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct arena arena;
        struct header_list headers;
        struct str value = STR_EMPTY;
        arena_init(&arena, 4096, 0);
        header_list_init(&headers, &arena);
        if (rows[i].before != NULL)
            header_set(&headers, NAME, str_of(rows[i].before));
        client_cert_set(rows[i].details, rows[i].peer, rows[i].own, &headers, &arena);
        bool is_there = header_get(&headers, NAME, &value);
        assert_int_equal(is_there, rows[i].want != NULL);
        if (is_there && !str_eq(value, str_of(rows[i].want)))
            fail_msg("row %zu: %.*s", i, STR_FMT(value));
        arena_fini(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_header_is_what_the_mode_makes_of_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
