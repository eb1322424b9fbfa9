/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/cli/test_proxy_secret.c - which secrets a proxy asks for, what the
 * manifests' Secrets answer, and istioctl's table of them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "testbed/world/certificate.h"
#include "cli/proxy_secret.h"
#include "config/yaml/diag.h"

/* Made for this test: CN=shop.example, an authority of its own, serial 0x1a2b, from
 * 2026-11-29 to 2036-11-26. */
#define PEM                                                              \
    "-----BEGIN CERTIFICATE-----\n"                                      \
    "MIIBcTCCARegAwIBAgICGiswCgYIKoZIzj0EAwIwFzEVMBMGA1UEAwwMc2hvcC5l\n" \
    "eGFtcGxlMB4XDTI2MTEyOTA1NDQyNFoXDTM2MTEyNjA1NDQyNFowFzEVMBMGA1UE\n" \
    "AwwMc2hvcC5leGFtcGxlMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEOERscvmD\n" \
    "P4PYKkvinoNLGNXedTvsWQ8jSxg1ss502og1rrpEtvKJ+azAKsHHuURazzXmUwo5\n" \
    "wdTtfb2FJBT5iqNTMFEwHQYDVR0OBBYEFMUpDRRWNyjEF5UVlplisZ8WCSHWMB8G\n" \
    "A1UdIwQYMBaAFMUpDRRWNyjEF5UVlplisZ8WCSHWMA8GA1UdEwEB/wQFMAMBAf8w\n" \
    "CgYIKoZIzj0EAwIDSAAwRQIgNrS4muKKZFQ18cwtxKgTdhXUW6fZr34773BY1u5J\n" \
    "5QkCIQCGGoWsPQ2mXx5y24lGAJ/d1bgiYgrgmG/gJYrRykazng==\n"             \
    "-----END CERTIFICATE-----\n"
#define PEM_BASE64                                                                 \
    "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCk1JSUJjVENDQVJlZ0F3SUJBZ0lDR2lzd0NnWUlL" \
    "b1pJemowRUF3SXdGekVWTUJNR0ExVUVBd3dNYzJodmNDNWwKZUdGdGNHeGxNQjRYRFRJMk1URXlP" \
    "VEExTkRReU5Gb1hEVE0yTVRFeU5qQTFORFF5TkZvd0Z6RVZNQk1HQTFVRQpBd3dNYzJodmNDNWxl" \
    "R0Z0Y0d4bE1Ga3dFd1lIS29aSXpqMENBUVlJS29aSXpqMERBUWNEUWdBRU9FUnNjdm1EClA0UFlL" \
    "a3Zpbm9OTEdOWGVkVHZzV1E4alN4ZzFzczUwMm9nMXJycEV0dktKK2F6QUtzSEh1VVJhenpYbVV3" \
    "bzUKd2RUdGZiMkZKQlQ1aXFOVE1GRXdIUVlEVlIwT0JCWUVGTVVwRFJSV055akVGNVVWbHBsaXNa" \
    "OFdDU0hXTUI4RwpBMVVkSXdRWU1CYUFGTVVwRFJSV055akVGNVVWbHBsaXNaOFdDU0hXTUE4R0Ex" \
    "VWRFd0VCL3dRRk1BTUJBZjh3CkNnWUlLb1pJemowRUF3SURTQUF3UlFJZ05yUzRtdUtLWkZRMThj" \
    "d3R4S2dUZGhYVVc2ZlpyMzQ3NzNCWTF1NUoKNVFrQ0lRQ0dHb1dzUFEybVh4NXkyNGxHQUovZDFi" \
    "Z2lZZ3JnbUcvZ0pZclJ5a2F6bmc9PQotLS0tLUVORCBDRVJUSUZJQ0FURS0tLS0tCg=="
#define IN_BETWEEN_S INT64_C(1900000000) /* 2030-03-17 */
#define MUCH_LATER_S INT64_C(2200000000) /* 2039-09-18 */

#define SECRET(name, fields) \
    "apiVersion: v1\nkind: Secret\nmetadata: {name: " name ", namespace: gates}\n" fields "---\n"
#define IN_DATA(key) "  " key ": " PEM_BASE64 "\n"

struct scene {
    struct arena arena;
    struct diag_list diags;
    struct documents documents;
    struct proxy_secret_list list;
};

/* A gateway in `gates` whose only chain ends TLS with these two. */
static void scene_init(struct scene *scene, const char *text, const char *certificate,
                       const char *authorities, int64_t now_s)
{
    struct str names[] = {str_of(certificate)};
    struct downstream_tls tls = {
        .certificates = names, .certificate_count = 1, .authorities = str_of(authorities)};
    struct filter_chain chain = {.tls = &tls};
    struct listener listener = {.chains = &chain, .chain_count = 1};
    struct upstream_tls mesh = {.certificate = STR("default"), .root = STR("ROOTCA")};
    struct cluster clusters[] = {{.tls = &mesh}, {.tls = &mesh}, {.tls = NULL}};
    struct snapshot snapshot = {.listeners = &listener,
                                .listener_count = 1,
                                .clusters = clusters,
                                .cluster_count = 3,
                                .proxy_namespace = STR("gates")};
    *scene = (struct scene){0};
    arena_init(&scene->arena, 16 * 1024, 0);
    diag_list_init(&scene->diags, &scene->arena);
    tree_read(STR("s.yaml"), str_of(text), &scene->arena, &scene->documents, &scene->diags);
    assert_int_equal(scene->diags.error_count, 0);
    scene->list = proxy_secrets_of(&snapshot, &scene->documents, now_s, &scene->arena);
}

static void assert_secret(const struct scene *scene, uint32_t index, const char *name,
                          enum proxy_secret_source source, const char *why)
{
    assert_true(index < scene->list.count);
    const struct proxy_secret *secret = &scene->list.items[index];
    assert_true(str_eq(secret->name, str_of(name)));
    assert_int_equal(secret->source, source);
    if (!str_eq(secret->why, str_of(why)))
        fail_msg("%.*s", STR_FMT(secret->why));
}

static void test_secrets_are_looked_up_in_the_proxys_namespace(void **state)
{
    (void)state;
    static const struct {
        const char *text, *certificate, *authorities;
        const char *why_certificate, *why_authorities; /* empty: found */
    } rows[] = {
        {SECRET("a", "data:\n" IN_DATA("tls.crt") IN_DATA("tls.key")), "kubernetes://a",
         "kubernetes://a-cacert", "",
         "found secret, but didn't have expected keys cacert or ca.crt; found: tls.crt, tls.key"},
        {SECRET("a", "data:\n" IN_DATA("cert") IN_DATA("key"))
             SECRET("a-cacert", "data:\n" IN_DATA("cacert")),
         "kubernetes://a", "kubernetes://a-cacert", "", ""},
        {SECRET("a", "data:\n" IN_DATA("cert")), "kubernetes://a", "",
         "found secret, but didn't have expected keys (cert and key) or (tls.crt and tls.key); "
         "found: cert",
         ""},
        {SECRET("a", "stringData: {tls.key: k, ca.crt: c, tls.crt: x}\n"), "kubernetes://a",
         "kubernetes://a-cacert", "", ""},
        {SECRET("b", ""), "kubernetes://a", "kubernetes://a-cacert", "secret gates/a not found",
         "secret gates/a not found"},
        {SECRET("a", "stringData: {tls.key: k, tls.crt: x}\n"), "kubernetes-gateway://gates/a", "",
         "", ""},
        {SECRET("a", "stringData: {tls.key: k, tls.crt: x}\n"), "kubernetes-gateway://other/a", "",
         "secret other/a not found", ""},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct scene scene;
        bool has_authorities = rows[i].authorities[0] != '\0';
        scene_init(&scene, rows[i].text, rows[i].certificate, rows[i].authorities, IN_BETWEEN_S);
        assert_int_equal(scene.list.count, has_authorities ? 4 : 3);
        for (uint32_t k = 0; k < scene.list.count; k++) {
            const struct proxy_secret *secret = &scene.list.items[k];
            const char *why =
                secret->is_authority ? rows[i].why_authorities : rows[i].why_certificate;
            if (!str_has_prefix(secret->name, STR("kubernetes")))
                assert_secret(&scene, k, secret->is_authority ? "ROOTCA" : "default", SECRET_MADE,
                              "");
            else
                assert_secret(&scene, k,
                              secret->is_authority ? rows[i].authorities : rows[i].certificate,
                              why[0] != '\0' ? SECRET_MISSING : SECRET_FOUND, why);
        }
        arena_fini(&scene.arena);
    }
}

static void test_a_certificate_says_how_long_it_is_good(void **state)
{
    (void)state;
    struct arena arena;
    struct certificate_words words;
    struct str bytes;
    arena_init(&arena, 4096, 0);
    assert_true(certificate_read(STR(PEM), IN_BETWEEN_S, &arena, &words));
    assert_true(words.is_valid && words.is_ca);
    assert_true(str_eq(words.serial, STR("00000000000000000000000000001a2b")));
    assert_true(str_eq(words.not_before, STR("2026-11-29T05:44:24Z")));
    assert_true(str_eq(words.not_after, STR("2036-11-26T05:44:24Z")));
    assert_true(certificate_read(STR(PEM), MUCH_LATER_S, &arena, &words));
    assert_false(words.is_valid);
    assert_false(certificate_read(STR("no certificate"), 0, &arena, &words));
    assert_true(certificate_decode(STR(PEM_BASE64), &arena, &bytes));
    assert_true(str_eq(bytes, STR(PEM)));
    assert_true(str_eq(certificate_encode(bytes, &arena), STR(PEM_BASE64)));
    assert_false(certificate_decode(STR("a!b="), &arena, &bytes));
    arena_fini(&arena);
}

static void test_the_table_is_istioctls(void **state)
{
    (void)state;
    struct scene scene;
    struct buf out;
    scene_init(&scene, SECRET("a", "data:\n" IN_DATA("tls.crt") IN_DATA("tls.key")),
               "kubernetes://a", "kubernetes://gone-cacert", IN_BETWEEN_S);
    buf_init(&out, 4096);
    assert_int_equal(proxy_secret_table(&scene.list, false, &scene.arena, &out), RC_OK);
    assert_string_equal(
        arena_str(&scene.arena, buf_str(&out)).ptr,
        "RESOURCE NAME                TYPE           STATUS      VALID CERT     "
        "SERIAL NUMBER                        NOT AFTER                NOT BEFORE\n"
        "kubernetes://gone-cacert                    WARMING     false          "
        "                                                              \n"
        "default                      Cert Chain     ACTIVE      -              "
        "-                                    -                        -\n"
        "ROOTCA                       CA             ACTIVE      -              "
        "-                                    -                        -\n"
        "kubernetes://a               CA             ACTIVE      true           "
        "00000000000000000000000000001a2b     2036-11-26T05:44:24Z     2026-11-29T05:44:24Z\n");
    buf_fini(&out);
    arena_fini(&scene.arena);
}

static void test_json_is_a_dump_without_keys(void **state)
{
    (void)state;
    struct scene scene;
    struct buf out;
    struct json json;
    scene_init(&scene, SECRET("a", "stringData: {tls.crt: chain, tls.key: precious}\n"),
               "kubernetes://a", "kubernetes://gone-cacert", IN_BETWEEN_S);
    buf_init(&out, 8192);
    json_init(&json, &out, 0);
    proxy_secret_json(&scene.list, &scene.arena, &json);
    struct str text = buf_str(&out);
    assert_true(str_contains(text, STR("\"certificateChain\":{\"inlineBytes\":\"Y2hhaW4=\"}")));
    assert_true(str_contains(text, STR("\"privateKey\":{\"inlineBytes\":\"W3JlZGFjdGVkXQ==\"}")));
    assert_true(
        str_contains(text, STR("\"dynamicWarmingSecrets\":[{\"name\":\"kubernetes://gone")));
    assert_false(str_contains(text, STR("precious")));
    buf_fini(&out);
    arena_fini(&scene.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_secrets_are_looked_up_in_the_proxys_namespace),
        cmocka_unit_test(test_a_certificate_says_how_long_it_is_good),
        cmocka_unit_test(test_the_table_is_istioctls),
        cmocka_unit_test(test_json_is_a_dump_without_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
