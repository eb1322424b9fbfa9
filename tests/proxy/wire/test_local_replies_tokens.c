/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/proxy/wire/test_local_replies_tokens.c - ENVOY.md 17.1's row of tokens, text by text,
 * with the challenge beside it: the same words in the body and in the details. No
 * signature is right here (proxy/crypto has its own tests). "Jwt is missing" is nobody's answer,
 * since Istio's requirement is content without a token; "Jwks remote fetch is failed" is not
 * either, since istiod fetches.
 */
#include "tests/proxy/wire/peers.h"

#include "base/base64.h"
#include "proxy/model/security.h"

#define RS "{\"alg\":\"RS256\",\"kid\":\"one\"}"
#define OURS "\"iss\":\"us\",\"aud\":\"app\""
/* Now is 1732708800, PEERS_EPOCH; a minute of skew is allowed. */

static const struct row {
    const char *header, *payload; /* JSON; no payload: the token as it is */
    uint32_t status;
    const char *words;
} ROWS[] = {
    {"abc", NULL, 401,
     "Jwt is not in the form of Header.Payload.Signature with two dots and 3 sections"},
    {"a.b", NULL, 401,
     "Jwt is not in the form of Header.Payload.Signature with two dots and 3 sections"},
    {"a.b.c", NULL, 401, "Jwt header is an invalid Base64url encoded"},
    {"[]", "{}", 401, "Jwt header is an invalid JSON"},
    {"{}", "{}", 401, "Jwt header [alg] field is required and must be a string"},
    {"{\"alg\":\"none\"}", "{" OURS "}", 401, "Jwt header [alg] is not supported"},
    {"{\"alg\":\"RS256\",\"kid\":1}", "{}", 401, "Jwt header [kid] field is not a string"},
    {RS, "[]", 401, "Jwt payload is an invalid JSON"},
    {RS, "{\"iss\":\"them\"}", 401, "Jwt issuer is not configured"},
    {RS, "{" OURS ",\"nbf\":1732708861}", 401, "Jwt not yet valid"},
    {RS, "{" OURS ",\"exp\":1732708739}", 401, "Jwt is expired"},
    {RS, "{\"iss\":\"us\",\"aud\":\"other\"}", 403, "Audiences in Jwt are not allowed"},
    {RS, "{\"iss\":\"us\"}", 403, "Audiences in Jwt are not allowed"},
    {"{\"alg\":\"RS256\",\"kid\":\"two\"}", "{" OURS "}", 401,
     "Jwks doesn't have key to match kid or alg from Jwt"},
    {RS, "{" OURS ",\"nbf\":1732708860,\"exp\":1732708740}", 401, "Jwt verification fails"},
};

static const struct security *security(void)
{
    static const struct str audiences[] = {STR_INIT("app")};
    static const struct jwt_provider provider = {
        .issuer = STR_INIT("us"),
        .jwks =
            STR_INIT("{\"keys\":[{\"kty\":\"RSA\",\"kid\":\"one\",\"n\":\"AQ\",\"e\":\"AQAB\"}]}"),
        .audiences = audiences,
        .audience_count = 1};
    static const struct jwt_authn authn = {.providers = &provider, .provider_count = 1};
    static const struct security filters = {.jwt = &authn};
    return &filters;
}

/* base64url: the same letters but two, and no padding. */
static struct str section(const char *text, struct arena *arena)
{
    struct str coded = arena_str(arena, base64_encode(str_of(text), arena));
    char *letters = (char *)(uintptr_t)coded.ptr;
    size_t size = 0;
    for (; size < coded.len && letters[size] != '='; size++) {
        if (letters[size] == '+' || letters[size] == '/')
            letters[size] = letters[size] == '+' ? '-' : '_';
    }
    return str_slice(coded, 0, size);
}

static struct str token(const struct row *row, struct arena *arena)
{
    if (row->payload == NULL)
        return str_of(row->header);
    struct str header = section(row->header, arena), payload = section(row->payload, arena);
    return arena_format(arena, "%.*s.%.*s.c2ln", STR_FMT(header), STR_FMT(payload));
}

/* The whole answer: what is refused says why, and what would do. */
static struct str answer(const struct row *row, struct arena *arena)
{
    return arena_format(arena,
                        "HTTP/1.1 %u %s\r\nwww-authenticate: Bearer realm=\"http://a/app?q\", "
                        "error=\"invalid_token\"\r\ncontent-length: %zu\r\ncontent-type: "
                        "text/plain\r\ndate: " PEERS_DATE "\r\nserver: envoy\r\n\r\n%s",
                        (unsigned)row->status, row->status == 403 ? "Forbidden" : "Unauthorized",
                        strlen(row->words), row->words);
}

static struct str details(const struct row *row, struct arena *arena)
{
    char words[128];
    snprintf(words, sizeof(words), "%s", row->words);
    for (char *at = words; *at != '\0'; at++)
        *at = *at == ' ' ? '_' : *at;
    return arena_format(arena, "jwt_authn_access_denied{%s}", words);
}

static void test_what_a_wrong_token_is_told(void **state)
{
    (void)state;
    uint32_t bad = 0;
    for (size_t i = 0; i < COUNT_OF(ROWS); i++) {
        const struct row *row = &ROWS[i];
        struct arena arena;
        arena_init(&arena, 4096, 0);
        struct peers *peers = peers_new();
        peers_chains[0].security = security();
        uint32_t client = peers_dial(peers);
        struct str says = arena_format(
            &arena, "GET /app?q HTTP/1.1\r\nhost: a\r\nauthorization: Bearer %.*s\r\n\r\n",
            STR_FMT(token(row, &arena)));
        peers_say_bytes(peers, client, says);
        struct str heard = peers_heard(peers, client);
        const struct done *done = peers_last_done(peers);
        if (!str_eq(heard, answer(row, &arena)) || strcmp(done->flags, "-") != 0 ||
            !str_eq(str_of(done->details), details(row, &arena))) {
            print_error("%s: %s %s\n%.*s\n", row->words, done->flags, done->details,
                        STR_FMT(heard));
            bad++;
        }
        peers_free(peers);
        arena_fini(&arena);
    }
    assert_int_equal(bad, 0);
}

static void test_no_token_is_no_wrong_token(void **state)
{
    (void)state;
    struct peers *peers = peers_new();
    peers_chains[0].security = security();
    uint32_t client = peers_dial(peers);
    peers_say(peers, client, "GET /direct HTTP/1.1\r\nhost: a\r\n\r\n");
    peers_expect_done(peers, 200, "-", "direct_response");
    peers_free(peers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_a_wrong_token_is_told),
        cmocka_unit_test(test_no_token_is_no_wrong_token),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
