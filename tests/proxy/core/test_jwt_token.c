/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/proxy/core/test_jwt_token.c - tokens and keys as texts. What is made of whole
 * requests is in tests/e2e/own/tokens.yaml.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "proxy/core/jwt_token.h"

#include "base/check.h"

/* {"alg":"RS256"} {"alg":"none"} {"kid":"a"} {"alg":"RS256","kid":1} */
#define RS256 "eyJhbGciOiJSUzI1NiJ9"
#define NONE "eyJhbGciOiJub25lIn0"
#define NO_ALG "eyJraWQiOiJhIn0"
#define BAD_KID "eyJhbGciOiJSUzI1NiIsImtpZCI6MX0"

static void test_what_is_no_token(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum jwt_status want;
    } rows[] = {
        {"", JWT_BAD_FORMAT},
        {"a.b", JWT_BAD_FORMAT},
        {"a.b.c.d", JWT_BAD_FORMAT},
        {"..", JWT_BAD_FORMAT},
        {"a.b.c", JWT_HEADER_BAD_BASE64},
        {"bm8.e30.eA", JWT_HEADER_BAD_JSON},
        {"W10.e30.eA", JWT_HEADER_BAD_JSON},
        {NO_ALG ".e30.eA", JWT_HEADER_BAD_ALG},
        {NONE ".e30.eA", JWT_HEADER_UNKNOWN_ALG},
        {BAD_KID ".e30.eA", JWT_HEADER_BAD_KID},
        {RS256 ".e.eA", JWT_PAYLOAD_BAD_BASE64},
        {RS256 ".W10.eA", JWT_PAYLOAD_BAD_JSON},
        {RS256 ".eyJpc3MiOjF9.eA", JWT_PAYLOAD_BAD_ISS},     /* {"iss":1} */
        {RS256 ".eyJzdWIiOjF9.eA", JWT_PAYLOAD_BAD_SUB},     /* {"sub":1} */
        {RS256 ".eyJqdGkiOjF9.eA", JWT_PAYLOAD_BAD_JTI},     /* {"jti":1} */
        {RS256 ".eyJhdWQiOjF9.eA", JWT_PAYLOAD_BAD_AUD},     /* {"aud":1} */
        {RS256 ".eyJhdWQiOlsxXX0.eA", JWT_PAYLOAD_BAD_AUD},  /* {"aud":[1]} */
        {RS256 ".eyJleHAiOiIxIn0.eA", JWT_PAYLOAD_BAD_EXP},  /* {"exp":"1"} */
        {RS256 ".eyJleHAiOi0xfQ.eA", JWT_PAYLOAD_FAR_EXP},   /* {"exp":-1} */
        {RS256 ".eyJuYmYiOnRydWV9.eA", JWT_PAYLOAD_BAD_NBF}, /* {"nbf":true} */
        {RS256 ".eyJpYXQiOjFlMzB9.eA", JWT_PAYLOAD_FAR_IAT}, /* {"iat":1e30} */
        {RS256 ".e30.e", JWT_SIGNATURE_BAD_BASE64},
        {RS256 ".e30.eA", JWT_OK},
        {"." RS256 ".e30.eA", JWT_OK},
    };
    struct arena arena;
    arena_init(&arena, 4096, 0);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct jwt_token token;
        if (jwt_token_read(str_of(rows[i].text), &arena, &token) != rows[i].want)
            fail_msg("%s", rows[i].text);
    }
    arena_fini(&arena);
}

static void test_what_a_token_says(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 4096, 0);
    struct jwt_token token;
    /* {"iss":"i","sub":"s","aud":["a"],"exp":5.5,"nbf":3} */
    static const char text[] =
        RS256 ".eyJpc3MiOiJpIiwic3ViIjoicyIsImF1ZCI6WyJhIl0sImV4cCI6NS41LCJuYmYiOjN9.YWI";
    assert_int_equal(jwt_token_read(str_of(text), &arena, &token), JWT_OK);
    assert_true(str_eq(token.issuer, STR("i")) && str_eq(token.subject, STR("s")));
    assert_true(token.expiry_s == 5);
    assert_true(token.start_s == 3);
    assert_true(token.audiences != NULL && token.audiences->count == 1);
    assert_true(str_eq(token.signature, STR("ab")));
    assert_true(str_eq(token.signed_text, str_slice(str_of(text), 0, sizeof(text) - 5)));
    arena_fini(&arena);
}

static void test_keys(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint32_t count;
    } rows[] = {
        {"", 0},
        {"[]", 0},
        {"{}", 0},
        {"{\"keys\":{}}", 0},
        {"{\"keys\":[1,{}]}", 0},
        {"{\"keys\":[{\"kty\":\"RSA\",\"n\":\"AQ\",\"e\":\"AQAB\"}]}", 1},
        {"{\"keys\":[{\"kty\":\"RSA\",\"n\":\"AQ\"}]}", 0},
        {"{\"keys\":[{\"kty\":\"RSA\",\"alg\":\"ES256\",\"n\":\"AQ\",\"e\":\"AQAB\"}]}", 0},
        {"{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AQ\",\"y\":\"AQ\"}]}", 1},
        {"{\"keys\":[{\"kty\":\"oct\",\"k\":\"AQ\",\"kid\":7}]}", 0},
        {"{\"keys\":[{\"kty\":\"oct\",\"k\":\"AQ\"},{\"kty\":\"oct\",\"k\":\"A\"}]}", 1},
        {"{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"AQ\"}]}", 1},
        {"{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"X25519\",\"x\":\"AQ\"}]}", 0},
        {"{\"keys\":[{\"kty\":\"other\"}]}", 0},
    };
    struct arena arena;
    arena_init(&arena, 4096, 0);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        if (jwk_set_read(str_of(rows[i].text), &arena).count != rows[i].count)
            fail_msg("%s", rows[i].text);
    }
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_no_token),
        cmocka_unit_test(test_what_a_token_says),
        cmocka_unit_test(test_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
