/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/config/analyze/test_certificate.c - a certificate is valid between two
 * moments, and what is none never is.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/ns.h"
#include "config/analyze/certificate.h"

/* Of 30 days, in the short form of times. */
#define SHORT                                                            \
    "-----BEGIN CERTIFICATE-----\n"                                      \
    "MIIBbDCCAROgAwIBAgIUQeOca0WgQ55BG/xD13B0TYsEEzIwCgYIKoZIzj0EAwIw\n" \
    "DDEKMAgGA1UEAwwBYTAeFw0yNjExMjkwNTUwNTRaFw0yNjEyMjkwNTUwNTRaMAwx\n" \
    "CjAIBgNVBAMMAWEwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAAQOiFn6n11chYvQ\n" \
    "WvoYwJ/mCiUCVZlKowYH2a0bykHJWFMoAqdlzU87gMejiTYFTZ87XGlScOkvcQt0\n" \
    "ylXfbNCpo1MwUTAdBgNVHQ4EFgQUhuRCOwbRSii2vaeTZjoxDrdxqg0wHwYDVR0j\n" \
    "BBgwFoAUhuRCOwbRSii2vaeTZjoxDrdxqg0wDwYDVR0TAQH/BAUwAwEB/zAKBggq\n" \
    "hkjOPQQDAgNHADBEAiBGMVuKMFxYtqfAOuArBnC4XOhUVVhl7BlO9MjQ2I1/OAIg\n" \
    "M02t5ubxTz/pgTHpUuVkOIHePWVrkNfozxKfjmedUm4=\n"                     \
    "-----END CERTIFICATE-----\n"
#define SHORT_FROM INT64_C(1795931454)
#define SHORT_UNTIL INT64_C(1798523454)
/* Until after 2049: the long form. */
#define LONG                                                             \
    "-----BEGIN CERTIFICATE-----\n"                                      \
    "MIIBbzCCARWgAwIBAgIUTkNr6kPZoAeOTRD7MSyxqZloZecwCgYIKoZIzj0EAwIw\n" \
    "DDEKMAgGA1UEAwwBYTAgFw0yNjExMjkwNTUxMjJaGA8yMTM2MDYwNTA1NTEyMlow\n" \
    "DDEKMAgGA1UEAwwBYTBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABIg1081JqoQ7\n" \
    "MumtDLBbKgUUSgorR5A2W1So+rUPa3ws45FLR1SOrBSP2Nlvzmpsbk22ag+oCcNK\n" \
    "OMGbkjNXsXGjUzBRMB0GA1UdDgQWBBQABIGqthg8JS9Ewe7n7puzh973jDAfBgNV\n" \
    "HSMEGDAWgBQABIGqthg8JS9Ewe7n7puzh973jDAPBgNVHRMBAf8EBTADAQH/MAoG\n" \
    "CCqGSM49BAMCA0gAMEUCICzl929GjuIG22uIQAtyH67VKfMzmqBEk1orpK9mA98N\n" \
    "AiEA5w+7PfLPWSJkTmYFDSR4PKgvNQLv7YbOu9jALerlXGY=\n"                 \
    "-----END CERTIFICATE-----\n"
#define LONG_FROM INT64_C(1795931482)
#define LONG_UNTIL INT64_C(5251931482)

static bool is_valid(struct str pem, int64_t now_s)
{
    struct arena arena;

    arena_init(&arena, 1024, 0);
    bool answer = certificate_is_valid(pem, now_s * NS_SECOND, &arena);
    arena_fini(&arena);
    return answer;
}

static void test_it_is_valid_between_two_moments(void **state)
{
    (void)state;
    static const struct {
        const char *pem;
        int64_t now_s;
        bool want;
    } rows[] = {
        {SHORT, SHORT_FROM - 1, false},
        {SHORT, SHORT_FROM, true},
        {SHORT, SHORT_UNTIL, true},
        {SHORT, SHORT_UNTIL + 1, false},
        {LONG, LONG_FROM - 1, false},
        {LONG, LONG_FROM, true},
        {LONG, LONG_UNTIL, true},
        {LONG, LONG_UNTIL + 1, false},
        {SHORT LONG, LONG_UNTIL, false}, /* the first block is meant */
        {"text before\n" SHORT, SHORT_FROM, true},
        {"", SHORT_FROM, false},
        {"hush hush hush", SHORT_FROM, false},
        {"-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n", SHORT_FROM, false},
        {"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n", SHORT_FROM, false},
        {"-----BEGIN CERTIFICATE-----\n*\n-----END CERTIFICATE-----\n", SHORT_FROM, false},
        {"-----BEGIN CERTIFICATE", SHORT_FROM, false},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_int_equal(is_valid(str_of(rows[i].pem), rows[i].now_s), rows[i].want);
}

/* Every cut and every changed byte gives an answer; cuts of the text are none. */
static void test_what_is_broken_harms_nobody(void **state)
{
    (void)state;
    char text[] = SHORT;

    for (size_t i = 0; i + sizeof("-----END CERTIFICATE-----") < sizeof(text); i++)
        assert_false(is_valid((struct str){text, i}, SHORT_FROM));
    for (size_t i = 0; i + 1 < sizeof(text); i++) {
        char saved = text[i];
        text[i] = saved == '/' ? 'A' : '/';
        (void)is_valid(str_of(text), SHORT_FROM);
        text[i] = saved;
    }
    assert_true(is_valid(str_of(text), SHORT_FROM));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_it_is_valid_between_two_moments),
        cmocka_unit_test(test_what_is_broken_harms_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
