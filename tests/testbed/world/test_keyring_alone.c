/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/testbed/world/test_keyring_alone.c - what a proxy has without a world around it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "testbed/world/keyring_alone.h"

static const struct upstream_tls mesh = {
    .is_mesh = true, .certificate = STR_INIT("default"), .root = STR_INIT("ROOTCA")};
static const struct cluster cluster = {.name = STR_INIT("outbound|80||a"),
                                       .type = CLUSTER_EDS,
                                       .security = UPSTREAM_TLS,
                                       .tls = &mesh};

static void test_it_is_who_it_says_with_keys(void **state)
{
    (void)state;
    static const struct {
        const char *account, *trust_domain, *uri;
    } ROWS[] = {
        {"", "", "spiffe://cluster.local/ns/shop/sa/default"},
        {"cart", "td.example", "spiffe://td.example/ns/shop/sa/cart"},
    };
    for (size_t i = 0; i < COUNT_OF(ROWS); i++) {
        struct arena arena;
        arena_init(&arena, 4096, 0);
        struct snapshot *snapshot = snapshot_new();
        snapshot->clusters = &cluster;
        snapshot->cluster_count = 1;
        snapshot_index(snapshot);
        struct proxy_identity proxy = {.type = PROXY_SIDECAR,
                                       .name = STR("cart-1"),
                                       .namespace = STR("shop"),
                                       .service_account = str_of(ROWS[i].account)};
        struct keyring_alone_wish wish = {.authority = authority_new(&arena),
                                          .proxy = &proxy,
                                          .snapshot = snapshot,
                                          .trust_domain = str_of(ROWS[i].trust_domain)};
        const struct keyring *keyring = keyring_alone(&wish, &arena);
        const struct secret *own = keyring_find(keyring, STR("default"));
        const struct secret *root = keyring_find(keyring, STR("ROOTCA"));
        assert_int_equal(keyring->count, 2);
        assert_int_equal(own->certificate->uri_count, 1);
        assert_true(str_eq(own->certificate->uris[0], str_of(ROWS[i].uri)));
        assert_true(str_contains(own->certificate->key_pem, STR("PRIVATE KEY")));
        assert_true(str_has_prefix(own->certificate->chain_pem, STR("-----BEGIN CERTIFICATE")));
        assert_true(str_has_prefix(root->authorities_pem, STR("-----BEGIN CERTIFICATE")));
        authority_free(wish.authority);
        snapshot_drop(snapshot);
        arena_fini(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_it_is_who_it_says_with_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
