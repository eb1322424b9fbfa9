/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/proxy/model/test_secret.c - what is shown of PEM into which somebody put a key.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/check.h"
#include "proxy/model/secret.h"

#define CHAIN "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
#define KEY(kind) \
    "-----BEGIN " kind "PRIVATE KEY-----\nprecious\n-----END " kind "PRIVATE KEY-----\n"

static void test_keys_are_left_out(void **state)
{
    (void)state;
    static const struct {
        struct str pem, want;
    } rows[] = {
        {STR_INIT(""), STR_INIT("")},
        {STR_INIT("made later"), STR_INIT("made later")},
        {STR_INIT(CHAIN CHAIN), STR_INIT(CHAIN CHAIN)},
        {STR_INIT(CHAIN KEY("")), STR_INIT(CHAIN)},
        {STR_INIT(KEY("EC ") CHAIN), STR_INIT(CHAIN)},
        {STR_INIT(CHAIN KEY("RSA ") CHAIN KEY("ENCRYPTED ")), STR_INIT(CHAIN CHAIN)},
        {STR_INIT("x\n-----BEGIN PRIVATE KEY-----\nprecious\n"), STR_INIT("x\n")},
        {STR_INIT("-----BEGIN PRIVATE KEY-----"), STR_INIT("")},
        {STR_INIT("-----BEGIN PRIVATE KEY-----precious-----END PRIVATE KEY-----"), STR_INIT("")},
        {STR_INIT("-----BEGIN EC PARAMETERS-----\nBg==\n-----END EC PARAMETERS-----\n" KEY("EC ")),
         STR_INIT("-----BEGIN EC PARAMETERS-----\nBg==\n-----END EC PARAMETERS-----\n")},
    };
    struct arena arena;
    arena_init(&arena, 1024, 0);
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        assert_true(str_eq(secret_without_keys(rows[i].pem, &arena), rows[i].want));
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_keys_are_left_out)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
