/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/proxy/core/test_ssl_stats.c - ENVOY.md 9.4, and what a real one counts.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/check.h"
#include "proxy/core/ssl_stats.h"

static uint64_t read(const struct ssl_stats *stats, const char *name)
{
    uint64_t value = 99999;
    if (!ssl_stats_read(stats, str_of(name), &value))
        fail_msg("no counter is called %s", name);
    return value;
}

static void test_handshakes_count_what_was_agreed_upon(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 1024, 0);
    struct ssl_stats *stats = NULL, *sum = NULL;
    struct ssl_handshake first = {.version = STR("TLSv1.3"),
                                  .cipher = STR("TLS_AES_128_GCM_SHA256"),
                                  .curve = STR("X25519"),
                                  .sigalg = STR("ecdsa_secp256r1_sha256"),
                                  .has_peer = true};
    struct ssl_handshake resumed = {
        .version = STR("TLSv1.3"), .cipher = STR("TLS_AES_128_GCM_SHA256"), .is_resumed = true};
    assert_int_equal(read(stats, "ssl.handshake"), 0);
    assert_int_equal(read(stats, "ssl.versions.TLSv1.3"), 0);
    ssl_stats_note_handshake(&stats, &first, &arena);
    ssl_stats_note_handshake(&stats, &resumed, &arena);
    ssl_stats_add(&sum, stats, &arena);
    ssl_stats_add(&sum, stats, &arena);
    ssl_stats_add(&sum, NULL, &arena);
    assert_int_equal(read(stats, "ssl.handshake"), 2);
    assert_int_equal(read(stats, "ssl.session_reused"), 1);
    assert_int_equal(read(stats, "ssl.no_certificate"), 1);
    assert_int_equal(read(sum, "ssl.versions.TLSv1.3"), 4);
    assert_int_equal(read(sum, "ssl.ciphers.TLS_AES_128_GCM_SHA256"), 4);
    assert_int_equal(read(sum, "ssl.curves.X25519"), 2);
    assert_int_equal(read(sum, "ssl.sigalgs.ecdsa_secp256r1_sha256"), 2);
    assert_int_equal(read(sum, "ssl.versions.TLSv1.2"), 0);
    ssl_stats_reset(sum);
    ssl_stats_reset(NULL);
    assert_int_equal(read(sum, "ssl.handshake"), 0);
    assert_int_equal(read(sum, "ssl.versions.TLSv1.3"), 0);
    arena_fini(&arena);
}

static void test_failures_count_once_each(void **state)
{
    (void)state;
    static const struct {
        enum tls_failure failure;
        const char *name; /* NULL: nothing is counted */
    } ROWS[] = {
        {TLS_FINE, NULL},
        {TLS_ENDED, NULL},
        {TLS_RESET, NULL}, /* the system's error, not TLS's */
        {TLS_SECRET_ABSENT, NULL},
        {TLS_ISSUER_UNKNOWN, "ssl.fail_verify_error"},
        {TLS_EXPIRED, "ssl.fail_verify_error"},
        {TLS_NAME_MISMATCH, "ssl.fail_verify_san"},
        {TLS_NAME_NOT_LISTED, "ssl.fail_verify_san"},
        {TLS_HASH_NOT_LISTED, "ssl.fail_verify_cert_hash"},
        {TLS_NO_CERTIFICATE, "ssl.fail_verify_no_cert"},
        {TLS_WRONG_VERSION_NUMBER, "ssl.connection_error"},
        {TLS_NO_SHARED_CIPHER, "ssl.connection_error"},
        {TLS_ALERT_CERTIFICATE_REQUIRED, "ssl.connection_error"},
    };
    static const char *const ALL[] = {
        "ssl.fail_verify_error",    "ssl.fail_verify_san", "ssl.fail_verify_no_cert",
        "ssl.connection_error",     "ssl.handshake",       "ssl.no_certificate",
        "ssl.fail_verify_cert_hash"};
    for (size_t i = 0; i < COUNT_OF(ROWS); i++) {
        struct arena arena;
        struct ssl_stats *stats = NULL;
        uint64_t sum = 0;
        arena_init(&arena, 1024, 0);
        ssl_stats_note_failure(&stats, ROWS[i].failure, &arena);
        for (size_t k = 0; k < COUNT_OF(ALL); k++)
            sum += read(stats, ALL[k]);
        if (sum != (ROWS[i].name != NULL) || (sum == 1 && read(stats, ROWS[i].name) != 1))
            fail_msg("row %zu", i);
        arena_fini(&arena);
    }
}

static void test_names_are_envoys(void **state)
{
    (void)state;
    uint64_t value;
    assert_true(ssl_stats_read(NULL, STR("ssl.ocsp_staple_omitted"), &value));
    assert_true(ssl_stats_read(NULL, STR("ssl.fail_verify_cert_hash"), &value));
    assert_false(ssl_stats_read(NULL, STR("ssl.nothing"), &value));
    assert_false(ssl_stats_read(NULL, STR("ssl.versions"), &value));
    assert_false(ssl_stats_read(NULL, STR("handshake"), &value));
    assert_true(str_eq(ssl_scope_label(SSL_SCOPE_ciphers, false), STR("cipher_suite")));
    assert_true(str_eq(ssl_scope_label(SSL_SCOPE_ciphers, true), STR("envoy_ssl_cipher")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_handshakes_count_what_was_agreed_upon),
        cmocka_unit_test(test_failures_count_once_each),
        cmocka_unit_test(test_names_are_envoys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
