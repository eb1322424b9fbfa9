/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/proxy/core/test_jwt.c - whole requirements: times, and what is looked at how often.
 * Whole requests are in tests/e2e/own/token-table.yaml.
 */
#include "proxy/core/jwt.h"
#include "base/base64.h"
#include "tests/proxy/core/build.h"

static const char KEYS[] = "{\"keys\":[{\"kty\":\"oct\",\"k\":\"eA\"}]}";

/* "good" is right. */
static bool verify(struct str algorithm, const struct jwk *key, struct str signed_text,
                   struct str signature)
{
    (void)algorithm;
    (void)key;
    (void)signed_text;
    return str_eq(signature, STR("good"));
}

static struct str url_of(struct str text, struct arena *arena)
{
    struct str all = base64_encode(text, arena);
    while (all.len > 0 && all.ptr[all.len - 1] == '=')
        all.len--;
    return all;
}

static const char *token_of(const char *payload, const char *signature, struct arena *arena)
{
    return arena_format(
               arena, "Bearer %.*s.%.*s.%.*s", STR_FMT(url_of(STR("{\"alg\":\"HS256\"}"), arena)),
               STR_FMT(url_of(str_of(payload), arena)), STR_FMT(url_of(str_of(signature), arena)))
        .ptr;
}

static struct jwt_answer judge(const struct jwt_authn *authn, struct request_head *head,
                               int64_t now_s, struct arena *arena)
{
    struct jwt_keys *keys = NULL;
    struct jwt_question asked = {.authn = authn,
                                 .head = head,
                                 .verify = verify,
                                 .keys = &keys,
                                 .keys_arena = arena,
                                 .now_s = now_s,
                                 .arena = arena};
    return jwt_judge(&asked);
}

/* Clocks may differ by 60 s, and 0 is no time; a real Envoy took -35 s and +40 s and
 * refused -85 s and +110 s. */
static void test_times(void **state)
{
    UNUSED_STATE(state);
    static const struct {
        const char *payload;
        enum jwt_status want;
    } rows[] = {
        {"{\"iss\":\"a\"}", JWT_OK},
        {"{\"iss\":\"a\",\"exp\":0}", JWT_OK},
        {"{\"iss\":\"a\",\"exp\":1}", JWT_EXPIRED},
        {"{\"iss\":\"a\",\"exp\":939}", JWT_EXPIRED},
        {"{\"iss\":\"a\",\"exp\":940}", JWT_OK},
        {"{\"iss\":\"a\",\"exp\":18446744073709549568}", JWT_OK},
        {"{\"iss\":\"a\",\"nbf\":1060}", JWT_OK},
        {"{\"iss\":\"a\",\"nbf\":1061}", JWT_NOT_YET_VALID},
        {"{\"iss\":\"a\",\"nbf\":1061,\"exp\":1}", JWT_NOT_YET_VALID},
        {"{\"iss\":\"b\",\"exp\":1}", JWT_UNKNOWN_ISSUER},
        {"{\"iss\":\"a\",\"iat\":5000}", JWT_OK},
    };
    struct jwt_provider provider = {.issuer = STR("a"), .jwks = str_of(KEYS)};
    struct jwt_authn authn = {&provider, 1};
    struct arena arena;
    arena_init(&arena, 4096, 0);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct request_head *head = build_request(&arena, "GET", "a", "/");
        build_header(head, "authorization", token_of(rows[i].payload, "good", &arena));
        struct jwt_answer answer = judge(&authn, head, 1000, &arena);
        if (answer.status != rows[i].want || answer.looked_at_count != 1)
            fail_msg("%s: %d", rows[i].payload, (int)answer.status);
    }
    arena_fini(&arena);
}

/* Of two providers each is asked for itself, then both together; a token leaves its place
 * only when all of its provider's are right. */
static void test_two_providers(void **state)
{
    UNUSED_STATE(state);
    static const struct jwt_header headers[] = {{.name = STR_INIT("x-b")}};
    struct jwt_provider providers[] = {
        {.issuer = STR("a"), .jwks = str_of(KEYS)},
        {.issuer = STR("b"), .jwks = str_of(KEYS), .headers = headers, .header_count = 1}};
    struct jwt_authn authn = {providers, 2};
    struct arena arena;
    arena_init(&arena, 4096, 0);
    struct request_head *head = build_request(&arena, "GET", "a", "/");
    struct jwt_answer answer = judge(&authn, head, 1000, &arena);
    assert_int_equal(answer.status, JWT_OK);
    assert_null(answer.provider);

    build_header(head, "authorization", token_of("{\"iss\":\"a\"}", "bad", &arena));
    build_header(head, "x-b", token_of("{\"iss\":\"b\"}", "bad", &arena) + 7);
    answer = judge(&authn, head, 1000, &arena);
    assert_int_equal(answer.status, JWT_VERIFICATION_FAIL);
    assert_int_equal(answer.looked_at_count, 3);
    assert_int_equal(head->headers.count, 2);

    header_set(&head->headers, STR("x-b"),
               str_from(str_of(token_of("{\"iss\":\"b\"}", "good", &arena)), 7));
    answer = judge(&authn, head, 1000, &arena);
    assert_int_equal(answer.status, JWT_OK);
    assert_int_equal(answer.looked_at_count, 2);
    assert_ptr_equal(answer.provider, &providers[1]);
    assert_int_equal(head->headers.count, 1);
    arena_fini(&arena);
}

/* A claim with a control cannot be a header. */
static void test_claims_that_no_header_may_have(void **state)
{
    UNUSED_STATE(state);
    static const struct {
        const char *payload, *want;
    } rows[] = {
        {"{\"iss\":\"a\",\"x\":\"b\\tc\"}", ""},
        {"{\"iss\":\"a\",\"x\":\"b\\nc\"}", "x-claim"},
        {"{\"iss\":\"a\",\"x\":\"b\\u007fc\"}", "x-claim"},
        {"{\"iss\":\"a\",\"x\":[\"b\\nc\"]}", ""},
        {"{\"iss\":\"a\",\"x\":\"\\u00fc\"}", ""},
    };
    static const struct jwt_header claims[] = {
        {.name = STR_INIT("X-Claim"), .other = STR_INIT("x")}};
    struct jwt_provider provider = {
        .issuer = STR("a"), .jwks = str_of(KEYS), .claims = claims, .claim_count = 1};
    struct jwt_authn authn = {&provider, 1};
    struct arena arena;
    arena_init(&arena, 4096, 0);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct request_head *head = build_request(&arena, "GET", "a", "/");
        build_header(head, "authorization", token_of(rows[i].payload, "good", &arena));
        struct jwt_answer answer = judge(&authn, head, 1000, &arena);
        assert_int_equal(answer.status, JWT_OK);
        assert_true(str_eq(answer.spoilt, str_of(rows[i].want)));
    }
    arena_fini(&arena);
}

/* Nor can more than a buffer holds. */
static void test_claims_that_are_too_large(void **state)
{
    UNUSED_STATE(state);
    static const struct jwt_header claims[] = {{.name = STR_INIT("x-1"), .other = STR_INIT("x")},
                                               {.name = STR_INIT("x-2"), .other = STR_INIT("x")},
                                               {.name = STR_INIT("x-3"), .other = STR_INIT("x")}};
    struct jwt_provider provider = {
        .issuer = STR("a"), .jwks = str_of(KEYS), .claims = claims, .claim_count = 3};
    struct jwt_authn authn = {&provider, 1};
    struct arena arena;
    arena_init(&arena, 1u << 16, 0);
    struct buf payload;
    buf_init(&payload, 1u << 20);
    assert_int_equal(buf_append(&payload, STR("{\"iss\":\"a\",\"x\":[\"")), RC_OK);
    for (uint32_t i = 0; i < 30000; i++)
        assert_int_equal(buf_append(&payload, STR("\x01")), RC_OK);
    assert_int_equal(buf_append(&payload, STR("\"]}")), RC_OK);
    struct request_head *head = build_request(&arena, "GET", "a", "/");
    const char *text = arena_str(&arena, buf_str(&payload)).ptr;
    build_header(head, "authorization", token_of(text, "good", &arena));
    struct jwt_answer answer = judge(&authn, head, 1000, &arena);
    assert_int_equal(answer.status, JWT_OK);
    assert_true(str_eq(answer.spoilt, STR("x-3")));
    assert_int_equal(head->headers.count, 2);
    buf_fini(&payload);
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_times),
        cmocka_unit_test(test_two_providers),
        cmocka_unit_test(test_claims_that_no_header_may_have),
        cmocka_unit_test(test_claims_that_are_too_large),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
