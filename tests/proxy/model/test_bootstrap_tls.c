/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/proxy/model/test_bootstrap_tls.c - secrets in a bootstrap: in it, as files,
 * never delivered, or left out.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "proxy/model/bootstrap.h"

static const struct upstream_tls mesh = {
    .is_mesh = true, .certificate = STR_INIT("default"), .root = STR_INIT("ROOTCA")};
static const struct downstream_tls gateway = {
    .certificates = (const struct str[]){STR_INIT("kubernetes://shop")}, .certificate_count = 1};
static const struct cluster clusters[] = {
    {.name = STR_INIT("http"), .type = CLUSTER_EDS, .security = UPSTREAM_TLS, .tls = &mesh},
    {.name = STR_INIT("two"),
     .type = CLUSTER_EDS,
     .protocol = UPSTREAM_HTTP2,
     .security = UPSTREAM_TLS,
     .tls = &mesh},
    {.name = STR_INIT("bytes"), .type = CLUSTER_EDS, .security = UPSTREAM_TLS, .tls = &mesh},
};
static const struct filter_chain chain = {
    .kind = CHAIN_TCP,
    .is_tls = true,
    .tls = &gateway,
    .tcp = {.stat_prefix = STR_INIT("t"), .cluster = STR_INIT("bytes")}};
static const struct listener listener = {.name = STR_INIT("0.0.0.0_443"),
                                         .address = STR_INIT("0.0.0.0"),
                                         .port = 443,
                                         .is_bound = true,
                                         .chains = &chain,
                                         .chain_count = 1};

static const struct certificate own = {.chain_pem = STR_INIT("OWN-CHAIN"),
                                       .key_pem = STR_INIT("OWN-KEY")};
static const struct str authorities[] = {STR_INIT("mesh")};
static const struct secret secrets[] = {
    {.name = STR_INIT("default"), .certificate = &own},
    {.name = STR_INIT("ROOTCA"),
     .authorities = authorities,
     .authority_count = 1,
     .authorities_pem = STR_INIT("MESH-ROOT")},
    {.name = STR_INIT("kubernetes://shop"), .certificate = &own},
};

static void assert_printed(const struct bootstrap_options *options, uint32_t note_count,
                           const char *const *has, const char *const *has_not)
{
    struct snapshot *snapshot = snapshot_new();
    struct bootstrap_notes notes = {0};
    struct route routes[] = {
        {.action = ROUTE_FORWARD, .forward = {.cluster = STR("http")}},
        {.action = ROUTE_FORWARD, .forward = {.cluster = STR("two")}},
    };
    struct virtual_host host = {.routes = routes, .route_count = COUNT_OF(routes)};
    struct route_config config = {
        .name = STR("80"), .virtual_hosts = &host, .virtual_host_count = 1};
    struct arena arena;
    struct json json;
    struct buf out;
    snapshot->clusters = clusters;
    snapshot->cluster_count = COUNT_OF(clusters);
    snapshot->listeners = &listener;
    snapshot->listener_count = 1;
    snapshot->route_configs = &config;
    snapshot->route_config_count = 1;
    snapshot_index(snapshot);
    arena_init(&arena, 4096, 0);
    buf_init(&out, 1 << 20);
    json_init(&json, &out, 0);
    assert_int_equal(bootstrap_print(snapshot, options, &json, &arena, &notes), RC_OK);
    assert_int_equal(notes.count, note_count);
    for (; *has != NULL; has++) {
        if (!str_contains(buf_str(&out), str_of(*has)))
            fail_msg("%s is not in %.*s", *has, STR_FMT(buf_str(&out)));
    }
    for (; *has_not != NULL; has_not++) {
        if (str_contains(buf_str(&out), str_of(*has_not)))
            fail_msg("%s is in %.*s", *has_not, STR_FMT(buf_str(&out)));
    }
    buf_fini(&out);
    arena_fini(&arena);
    snapshot_drop(snapshot);
}

static void test_without_a_keyring_tls_is_left_out_and_said(void **state)
{
    (void)state;
    static const char *const HAS[] = {"\"name\":\"bytes\"", NULL};
    static const char *const HAS_NOT[] = {"transportSocket", "Sds", NULL};
    assert_printed(&(struct bootstrap_options){.admin_address = STR("127.0.0.1")}, 2, HAS, HAS_NOT);
}

/* istio.alpn speaks for what routes lead to, and for nothing else. */
static void test_secrets_stand_in_the_bootstrap(void **state)
{
    (void)state;
    static const char *const HAS[] = {
        "\"tlsCertificates\":[{\"certificateChain\":{\"inlineString\":\"OWN-CHAIN\"},"
        "\"privateKey\":{\"inlineString\":\"OWN-KEY\"}}]",
        "\"trustedCa\":{\"inlineString\":\"MESH-ROOT\"}",
        "\"alpnProtocols\":[\"istio-http/1.1\",\"istio\",\"http/1.1\"]",
        "\"alpnProtocols\":[\"istio-h2\",\"istio\",\"h2\"]",
        "\"alpnProtocols\":[\"istio-peer-exchange\",\"istio\"]",
        NULL};
    static const char *const HAS_NOT[] = {"Sds", "filename", NULL};
    struct keyring keyring = {.items = secrets, .count = COUNT_OF(secrets)};
    assert_printed(
        &(struct bootstrap_options){.admin_address = STR("127.0.0.1"), .keyring = &keyring}, 0, HAS,
        HAS_NOT);
}

static void test_secrets_are_files(void **state)
{
    (void)state;
    static const char *const HAS[] = {"\"certificateChain\":{\"filename\":\"/k/default.pem\"}",
                                      "\"privateKey\":{\"filename\":\"/k/default.key\"}",
                                      "\"trustedCa\":{\"filename\":\"/k/ROOTCA.pem\"}",
                                      "\"filename\":\"/k/kubernetes_shop.pem\"", NULL};
    static const char *const HAS_NOT[] = {"OWN", "MESH-ROOT", NULL};
    struct keyring keyring = {.items = secrets, .count = COUNT_OF(secrets)};
    assert_printed(&(struct bootstrap_options){.admin_address = STR("127.0.0.1"),
                                               .keyring = &keyring,
                                               .secrets_folder = STR("/k")},
                   0, HAS, HAS_NOT);
}

/* It is waited for, so that connections fail as they do in the mesh. */
static void test_what_was_never_delivered_comes_from_a_file_without_resources(void **state)
{
    (void)state;
    static const char *const HAS[] = {
        "\"tlsCertificateSdsSecretConfigs\":[{\"name\":\"kubernetes://shop\",\"sdsConfig\":"
        "{\"pathConfigSource\":{\"path\":\"/none\"},\"resourceApiVersion\":\"V3\"}}]",
        "\"validationContextSdsSecretConfig\":{\"name\":\"ROOTCA\",\"sdsConfig\"", "OWN-KEY", NULL};
    static const char *const HAS_NOT[] = {"trustedCa", NULL};
    struct keyring keyring = {.items = secrets, .count = 1};
    assert_printed(&(struct bootstrap_options){.admin_address = STR("127.0.0.1"),
                                               .keyring = &keyring,
                                               .no_secrets = STR("/none")},
                   0, HAS, HAS_NOT);
}

/* Sockets that say no version get the keyring's. */
static void test_a_keyring_narrows_versions(void **state)
{
    (void)state;
    static const char *const NONE[] = {NULL};
    static const struct {
        const char *min, *max, *want;
    } ROWS[] = {
        {"TLSv1_3", "", "\"tlsParams\":{\"tlsMinimumProtocolVersion\":\"TLSv1_3\""},
        {"", "TLSv1_2", "\"tlsMaximumProtocolVersion\":\"TLSv1_2\"}"},
    };
    for (size_t i = 0; i < COUNT_OF(ROWS); i++) {
        const char *const has[] = {ROWS[i].want, NULL};
        struct keyring keyring = {.items = secrets,
                                  .count = COUNT_OF(secrets),
                                  .version_min = str_of(ROWS[i].min),
                                  .version_max = str_of(ROWS[i].max)};
        assert_printed(
            &(struct bootstrap_options){.admin_address = STR("127.0.0.1"), .keyring = &keyring}, 0,
            has, NONE);
    }
}

static void test_a_secrets_file_stays_in_its_folder(void **state)
{
    (void)state;
    static const struct {
        const char *secret, *file;
    } ROWS[] = {
        {"default", "/k/default.pem"},
        {"kubernetes://shop-cert", "/k/kubernetes_shop-cert.pem"},
        {"file-cert:/etc/certs/a.pem~/etc/certs/a.key",
         "/k/file-cert_etc_certs_a.pem_etc_certs_a.key.pem"},
        {"../../x", "/k/.._.._x.pem"},
        {"", "/k/.pem"},
    };
    struct arena arena;
    arena_init(&arena, 4096, 0);
    for (size_t i = 0; i < COUNT_OF(ROWS); i++) {
        struct str file =
            bootstrap_secret_file(&arena, STR("/k"), str_of(ROWS[i].secret), BOOTSTRAP_CHAIN);
        if (!str_eq(file, str_of(ROWS[i].file)))
            fail_msg("%.*s", STR_FMT(file));
    }
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_without_a_keyring_tls_is_left_out_and_said),
        cmocka_unit_test(test_secrets_stand_in_the_bootstrap),
        cmocka_unit_test(test_secrets_are_files),
        cmocka_unit_test(test_what_was_never_delivered_comes_from_a_file_without_resources),
        cmocka_unit_test(test_a_keyring_narrows_versions),
        cmocka_unit_test(test_a_secrets_file_stays_in_its_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
