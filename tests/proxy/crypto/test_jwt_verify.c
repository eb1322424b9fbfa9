/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/proxy/crypto/test_jwt_verify.c - who signed what.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "proxy/crypto/jwt_verify.h"

#include "base/check.h"

/* Made once, with keys that were thrown away: the same payload by every algorithm. */
static const char KEYS[] =
    "{\"keys\":[{\"kty\":\"RSA\",\"n\":\"wFSB0FBpLsNGLcGmy5iantvoQEbKw_QVPDmAkN6ZuzZlkV0ugiXzd"
    "MMseTATxhcSVK7KIZXioNucE4nbia5E2eL12NYl_u0v3WBqhEoF7VHOjZyq0sfiGrgoa-5YGK40KDkCN"
    "Bc9Kdf5Mo5s3hw7m_PqLG1lJEEhLGbJSyKEztgCPk8wjGI0xuHOW3X10mJGOWf2scsLxyHDNW8uSTNGd"
    "odh42SyCmn2cMlcok489GOBMYwsJ40UIVHutnn7rSW0uCUWUxsc1QEfv2HzLjC0fn1Ficvz-rKIyLuRV"
    "sSwFRZfIkp5ZTDdsdIVnhHy7eD0f00ilmzbh5NjGTqgmDcPbw\",\"e\":\"AQAB\",\"kid\":\"rsa\"},{\"kty"
    "\":\"EC\",\"crv\":\"P-256\",\"x\":\"gD7cibcGIdmQBQwEcdUkWmiB6iYWd51dD31usb1NR0U\",\"y\":\"BLUv"
    "2Rgqq8uwkRAk9nUdl-hwbcF_GzyS19XcbfM18Wo\",\"kid\":\"p256\"},{\"kty\":\"EC\",\"crv\":\"P-384\""
    ",\"x\":\"vA1zi7hdRVTttNsXmzoLPbiv3KJopymZM1SU3KE-YM_cS43noeu15NZ_g_IqnvrK\",\"y\":\"N3z"
    "B2mS6YMAcpWVlu2vytFiUqRUtlqJyjpRjc7ze9EcPxdw46WuPHoUnHey8P8Re\",\"kid\":\"p384\"},{\"k"
    "ty\":\"EC\",\"crv\":\"P-521\",\"x\":\"AYiYMtmZT0uVLRx5Saf2PGok_v041kgkDWreZ4f3Wp4EUwrrSFNq"
    "kUQXLYztZLQAaES77LNZLf6V5yHMhgpKM-lX\",\"y\":\"AOfvwvedg4R_dEAUPef31gyibQ8VhpQtvEm43"
    "yFMbdQN006ZLe5rTXVkaDSS8zvDYa1q2g3PiBUJUAqZcBJd4D4m\",\"kid\":\"p521\"},{\"kty\":\"oct\","
    "\"k\":\"MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY\",\"kid\":\"oct\"},{\"kty\":\"OKP\",\"crv"
    "\":\"Ed25519\",\"x\":\"w6gz-b-S_T27NfSQ-jtHge29xf8ADz9G8072_4Bg5oc\",\"kid\":\"ed\"}]}";
static const struct {
    const char *algorithm, *token;
} TOKENS[] = {
    {"RS256", "eyJhbGciOiJSUzI1NiIsImtpZCI6InJzYSJ9.eyJzdWIiOiJtZSJ9.qkoag_j0g_ny_Re_aT49_Bu6zf"
              "DT79g600E_Jx-42s73_AZsRtHk7siyO4zdXoRCADWeQocZSaGfsECKtQzgz4jvQb1N7rR83ymaUsPqMR"
              "ZEMNQu4GWZArv-lZensqzPyCYQ3q6IKMEjuVC_oFcB8m8pB85OnOo-t9ULqj6bh3wDEmvCWMW60JW5nI"
              "FJySlx-UpSPKaCzWAD46qYsLAVjjnApkkQf4hZ61gVk7E3Ba8BlTGh7EJxVhmp5S-727GoL6-ES32m_Q"
              "7R84oUi-MOPLs36Nz6oJEOihGNvCzAK2Md8cVQ3M4LTpVeScaqS7Rk1sVqI3QNsUtvXmIJtPOMmQ"},
    {"RS384", "eyJhbGciOiJSUzM4NCIsImtpZCI6InJzYSJ9.eyJzdWIiOiJtZSJ9.vPdLjQdniSQex6MqE51IMITL4R"
              "lyPOscAjY2HaNK0ufpoG7bWGa8UlTBJrQEtyi4NGgW996WWj49EkO7i6o-xqKFzoApCaYuHGuJbpmraF"
              "y1IS4NJtDQtzCUE704WzIael7LXbIbdBSOKoRIr4NiNK5w9KqmtKeJXvnXnBjTsse7qbcC_K3hqtV6Hc"
              "hNuI-yS00yw3d7zQyB69c3bI757tDj37Z-ptMcnK4OBsoRdSOlktt1HhoQ5nO_w1HuEM6wIxpZla3zdP"
              "H3L2lzyV-Ul7vG6HeQ_a-rpEg-j0yeNDupCZ29wbnNebwq-B_62bfhPvh13xt6UVUiZRL5MKxQhg"},
    {"RS512", "eyJhbGciOiJSUzUxMiIsImtpZCI6InJzYSJ9.eyJzdWIiOiJtZSJ9.PH7fyusHq_7UF50QViWlgvZo-A"
              "kiWngp23cNCHVOo0WZvOm3W0cqctOqBJKVirXVlPUoZAL_xUcp84P-CbEWALCMm1tWm2i5aPwYjQLUL9"
              "CnR16kuhJDX4OBjvyBtFovF8U0wxAYN8_zpK16DZlKA3jv8YRPyHsECwt3A3Tl77wNs0wluj3q6ZZOPj"
              "BYhSLZezMbnYK_KRiRrx3w1k9XKfjd3AOZa3qz7VCA_bG_rKf3s1KvH9DPkCnB3RAEiod04JT_lAVeIb"
              "ScN23DNO-Pz_t6AcAPF1qm0TL8Jy5sPihQSiT0FqZsCJvjZd0Ct9-qKfUzc6RPHskwc714WPQJqA"},
    {"PS256", "eyJhbGciOiJQUzI1NiIsImtpZCI6InJzYSJ9.eyJzdWIiOiJtZSJ9.tm1q5fjUXY9mvk3IJEw08T5FMS"
              "65GzKcHH_Anp5kESp0T_BNc306IFIU49TFS6IK11eZ335lblICgSCAPn-vKYtVB7eKG-uYXNFrGc8jhv"
              "J0PzNtpTkKYK0BPz1i0D3sHaWnjC86RfsdOfNxQ-yEBAZP6l7LrVnHVC_oluFvXBf2pWUiCeGKLhQHiJ"
              "ETbjYodAnutmEmv6mhgC6Z8a8mRG84TrzAECh46jYA2_NBF1PTbHVk8DqVFlruMNu1X0U2tL6rDStYur"
              "EeUcrvfD7dRsxxGxBMIk5DzTVuwW8w-oCRdZQwdVviqzkpVFivuU1B-DLZlFhAoWlqintHrjI9pg"},
    {"PS384", "eyJhbGciOiJQUzM4NCIsImtpZCI6InJzYSJ9.eyJzdWIiOiJtZSJ9.pTDtOchm2G58htiVK2HsN4Ewll"
              "Epbs8oqxMWNyYsIypu4sjXm0RZc3OF_6O4glKr452NxQpA8OGm89sm7dyN3-3i1s8E794wujgVfwy5mt"
              "txOaPE5ysDaHpLZTF78tIssET23rXoQBZn7Ok3EMOeTjcD8G69sVS6Y51AgyqIT_5Y24DqkzQb1uMf5A"
              "u7np9vK3mizTGOvdBIrfJ2nPGOR2I9BsnY4cEkhCMDpVpNYkdF4YfzCeWBgGl1PlHWw8_Clmm-ErvOwE"
              "qWb80mVnCneLYk9WxsbwL2S_YNa3cg1-JGAahk5rNLMzFjFl5-8-__--omeQ4vihrhv5sUKto3Nw"},
    {"PS512", "eyJhbGciOiJQUzUxMiIsImtpZCI6InJzYSJ9.eyJzdWIiOiJtZSJ9.l5PKj5wfM6fNAbPmam55CTIOIi"
              "AJL75aVwTKKFr6Fb0KR5bGLQILl98qiJ2dMUywCV5ST29JU-TCrX76a8QCW-T8W9xH2DwU17dmSlcfFu"
              "hipKptUdT7vnZiofFZe8utRxfIex8ePpu6NGOW9hpS8dlkji3eaGrJsT63fe1EkdpDIkXCTvUU0HcJ3D"
              "NYz8siw0x4gdSl6glUZkOH0R8bcmfrYP5Cq44rP66Rqu0GAOVZB2rA1jg7HTNFNy7l-4LnlJC9hx8z3s"
              "Gi7VbAVzmQCLvOdID83kpMOXrzknzujRZPtfspZzBj5q-04RVYb2aHIGDIlimc_dPAY-4sQImnBw"},
    {"ES256", "eyJhbGciOiJFUzI1NiIsImtpZCI6InAyNTYifQ.eyJzdWIiOiJtZSJ9.iRlsW2OywNu2ZjkQCV-PAIF7"
              "6XD3P7EQilsSr0SyRXTNZmE-_GeQO4JKvjwlmrhJZJr4JjUmEGt_BNq-ZhE5eA"},
    {"ES384", "eyJhbGciOiJFUzM4NCIsImtpZCI6InAzODQifQ.eyJzdWIiOiJtZSJ9.S_bugiwfeZXTywBW53073Mpy"
              "yTUVfmgB9XETr-OLGoFYcjQNQN_qotE8WZTPtC6oMj2bFROgEirgRl6fyKy1HPD9b-tqzPX6E_3v7yL7"
              "Clm80NFVHO-Us1QjhBylpgt1"},
    {"ES512", "eyJhbGciOiJFUzUxMiIsImtpZCI6InA1MjEifQ.eyJzdWIiOiJtZSJ9.AMTw33kcX0-F5hswfEZ11UGC"
              "OIpE1yUUOy8gKo1rvGhjat0aRyWNO5z6HIDH3Y5r0EeOMfBLxVg_z6A5ynZh9kppAfXalbpSGwbhn2K1"
              "ea4p8BV2-NA62R14RGzPvI0NXf8KA_10s870XGRFcIfzUTlw7S5CjOCuyxx79mQj0NfQ1Did"},
    {"HS256", "eyJhbGciOiJIUzI1NiIsImtpZCI6Im9jdCJ9.eyJzdWIiOiJtZSJ9.Bbjv93u_4bhePEUrmBkFpqcUWd"
              "usxOqAqZposHESXHo"},
    {"HS384", "eyJhbGciOiJIUzM4NCIsImtpZCI6Im9jdCJ9.eyJzdWIiOiJtZSJ9.GI8MayfeiG-UwtSnATZtRCmD3D"
              "-qHAIDAU1CZGxMuha441NCL1_2fIENhcFng_Qh"},
    {"HS512", "eyJhbGciOiJIUzUxMiIsImtpZCI6Im9jdCJ9.eyJzdWIiOiJtZSJ9.heNZ2FGksHrKJ1dMZCccIW0qxg"
              "6ew-bajT14NuekFXzfhVCi_TlowsXb1844q5apUOTCTTdsdjyA-zDn7xyd2Q"},
    {"EdDSA", "eyJhbGciOiJFZERTQSIsImtpZCI6ImVkIn0.eyJzdWIiOiJtZSJ9.Xk29c9ZAN84lA7RZ4cyebYNxFPu"
              "HPVKOaqFJko6iTmGJpteUZAAd3uoJSr6B0AcGWczy7ohZKeA_NWpZo3EtBQ"},
};

static const struct jwk *find_key(const struct jwk_set *set, struct str kid)
{
    for (uint32_t i = 0; i < set->count; i++) {
        if (str_eq(set->items[i].kid, kid))
            return &set->items[i];
    }
    return NULL;
}

static void test_every_algorithm(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 65536, 0);
    struct jwk_set set = jwk_set_read(str_of(KEYS), &arena);
    assert_int_equal(set.count, 6);
    for (size_t i = 0; i < COUNT_OF(TOKENS); i++) {
        struct jwt_token token;
        assert_int_equal(jwt_token_read(str_of(TOKENS[i].token), &arena, &token), JWT_OK);
        assert_true(str_eq(token.algorithm, str_of(TOKENS[i].algorithm)));
        const struct jwk *key = find_key(&set, token.kid);
        assert_true(jwt_verify(token.algorithm, key, token.signed_text, token.signature));
        /* Another text, a shorter signature, another's key. */
        struct str less = str_slice(token.signed_text, 0, token.signed_text.len - 1);
        assert_false(jwt_verify(token.algorithm, key, less, token.signature));
        struct str cut = str_slice(token.signature, 0, token.signature.len - 1);
        assert_false(jwt_verify(token.algorithm, key, token.signed_text, cut));
        assert_false(jwt_verify(token.algorithm, key, token.signed_text, STR_EMPTY));
        for (uint32_t k = 0; k < set.count; k++) {
            if (&set.items[k] != key)
                assert_false(
                    jwt_verify(token.algorithm, &set.items[k], token.signed_text, token.signature));
        }
        /* Another algorithm of the same key. */
        for (size_t k = 0; k < COUNT_OF(TOKENS); k++) {
            if (k != i)
                assert_false(jwt_verify(str_of(TOKENS[k].algorithm), key, token.signed_text,
                                        token.signature));
        }
    }
    arena_fini(&arena);
}

/* Envoy's library halves what it gets: zeros before a number, and a last odd byte, do no
 * harm. */
static void test_signatures_of_curves_in_other_sizes(void **state)
{
    (void)state;
    struct arena arena;
    struct jwk_set set;
    arena_init(&arena, 4096, 0);
    set = jwk_set_read(str_of(KEYS), &arena);
    for (size_t i = 0; i < COUNT_OF(TOKENS); i++) {
        struct jwt_token token;
        assert_int_equal(jwt_token_read(str_of(TOKENS[i].token), &arena, &token), JWT_OK);
        const struct jwk *key = find_key(&set, token.kid);
        if (key->kind != JWK_EC)
            continue;
        size_t half = token.signature.len / 2;
        char wide[300] = {0};
        memcpy(wide + 3, token.signature.ptr, half);
        memcpy(wide + 3 + half + 3, token.signature.ptr + half, half);
        assert_true(
            jwt_verify(token.algorithm, key, token.signed_text, (struct str){wide, 2 * half + 6}));
        assert_true(
            jwt_verify(token.algorithm, key, token.signed_text, (struct str){wide, 2 * half + 7}));
        assert_false(
            jwt_verify(token.algorithm, key, token.signed_text, (struct str){wide, 2 * half + 8}));
        assert_false(jwt_verify(token.algorithm, key, token.signed_text, (struct str){wide, 1}));
    }
    arena_fini(&arena);
}

/* Keys that are none sign nothing, and do no harm. */
static void test_broken_keys(void **state)
{
    (void)state;
    char large[4096];
    memset(large, 0x7f, sizeof(large));
    const struct jwk rows[] = {
        {.kind = JWK_RSA},
        {.kind = JWK_RSA, .n = {large, sizeof(large)}, .e = STR("\x03")},
        {.kind = JWK_EC, .curve = STR("P-256"), .x = STR("a"), .y = STR("b")},
        {.kind = JWK_EC, .curve = STR("P-256"), .x = {large, 33}, .y = {large, 32}},
        {.kind = JWK_EC, .curve = STR("P-999"), .x = STR("a"), .y = STR("b")},
        {.kind = JWK_OKP, .curve = STR("Ed25519"), .x = STR("short")},
        {.kind = JWK_OCT},
    };
    static const char *const algorithms[] = {"RS256", "PS512", "ES256", "HS256", "EdDSA", "RS", ""};
    struct str signature = {large, 64};
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        for (size_t k = 0; k < COUNT_OF(algorithms); k++)
            assert_false(jwt_verify(str_of(algorithms[k]), &rows[i], STR("a.b"), signature));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_algorithm),
        cmocka_unit_test(test_signatures_of_curves_in_other_sizes),
        cmocka_unit_test(test_broken_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
