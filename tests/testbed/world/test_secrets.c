/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/testbed/world/test_secrets.c - what Secrets and Routes hold, and authorities
 * whose keys are saved or replaced. Source: ISTIO.md 5.9.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/check.h"
#include "config/yaml/tree.h"
#include "testbed/world/authority.h"
#include "testbed/world/certificate.h"
#include "testbed/world/secrets.h"

struct desk {
    struct arena arena;
    struct authority *authority;
    const struct certificate *certificate; /* sealed */
    struct manifests manifests;
};

static void desk_init(struct desk *desk)
{
    static const struct str NAMES[] = {STR_INIT("shop.example.com")};
    struct certificate_wish wish = {
        .issuer = STR(AUTHORITY_PUBLIC), .names = NAMES, .name_count = 1};
    arena_init(&desk->arena, 65536, 0);
    desk->authority = authority_new(&desk->arena);
    desk->certificate = authority_issue(desk->authority, &wish);
    authority_seal(desk->authority, desk->certificate);
}

static void desk_fini(struct desk *desk)
{
    authority_free(desk->authority);
    arena_fini(&desk->arena);
}

static void read_manifests(struct desk *desk, struct str text)
{
    struct documents documents = {0};
    struct diag_list diags;
    diag_list_init(&diags, &desk->arena);
    tree_read(STR("a.yaml"), text, &desk->arena, &documents, &diags);
    assert_int_equal(diags.count, 0);
    desk->manifests = manifests_of(&documents, &desk->arena);
}

/* A text as YAML's (JSON's) string. */
static struct str quoted(struct desk *desk, struct str text)
{
    struct str out = STR("\"");
    while (text.len > 0) {
        struct str line = str_cut(&text, '\n');
        out = arena_format(&desk->arena, "%.*s%.*s\\n", STR_FMT(out), STR_FMT(line));
    }
    return arena_concat(&desk->arena, out, STR("\""));
}

static struct str secret(struct desk *desk, const char *map, struct str chain, struct str key)
{
    return arena_format(&desk->arena,
                        "kind: Secret\nmetadata: {name: shop, namespace: gates}\n%s:\n"
                        "  tls.crt: %.*s\n  tls.key: %.*s\n",
                        map, STR_FMT(chain), STR_FMT(key));
}

static void test_a_secret_is_found_and_read(void **state)
{
    (void)state;
    for (int is_encoded = 0; is_encoded < 2; is_encoded++) {
        struct desk desk;
        struct certificate got;
        struct secret_problem problem;
        desk_init(&desk);
        struct str chain = desk.certificate->chain_pem, key = desk.certificate->key_pem;
        struct str text =
            is_encoded == 0 ? secret(&desk, "stringData", quoted(&desk, chain), quoted(&desk, key))
                            : secret(&desk, "data", certificate_encode(chain, &desk.arena),
                                     certificate_encode(key, &desk.arena));
        read_manifests(&desk, text);
        assert_null(secrets_find(&desk.manifests, STR("others"), STR("kubernetes://shop"), false));
        assert_null(secrets_find(&desk.manifests, STR("gates"), STR("file-cert:shop"), false));
        const struct node *found =
            secrets_find(&desk.manifests, STR("gates"), STR("kubernetes://shop"), false);
        assert_non_null(found);
        assert_ptr_equal(secrets_find(&desk.manifests, STR("others"),
                                      STR("kubernetes-gateway://gates/shop"), false),
                         found);
        assert_ptr_equal(
            secrets_find(&desk.manifests, STR("gates"), STR("kubernetes://shop-cacert"), true),
            found);
        assert_int_equal(secrets_certificate(found, &desk.arena, &got, &problem), SECRET_FINE);
        assert_int_equal(got.name_count, 1);
        assert_true(str_eq(got.names[0], STR("shop.example.com")));
        assert_true(str_eq(got.hash, desk.certificate->hash));
        assert_true(got.from_s < 0 && got.until_s > 0 && !got.is_rsa);
        assert_true(str_eq(got.issuer, STR("O=public CA")));
        struct secret_authorities authorities;
        assert_int_equal(secrets_authorities(found, &desk.arena, &authorities, &problem),
                         SECRET_EMPTY);
        desk_fini(&desk);
    }
}

static void test_what_is_wrong_is_said_without_what_it_is(void **state)
{
    (void)state;
    struct desk desk;
    struct certificate got;
    struct secret_problem problem;
    desk_init(&desk);
    struct str chain = quoted(&desk, desk.certificate->chain_pem);
    struct str key = quoted(&desk, desk.certificate->key_pem);
    const struct {
        const char *map;
        struct str chain, key;
        enum secret_verdict want;
        const char *text;
    } ROWS[] = {
        {"stringData", STR("made later"), STR("made later"), SECRET_EMPTY, "tls.crt holds no PEM"},
        {"stringData", chain, STR("\"\""), SECRET_EMPTY,
         "it has neither cert and key nor tls.crt and tls.key"},
        {"stringData", chain, chain, SECRET_WRONG,
         "tls.key is no key that can be read; one with a password is of no use here"},
        {"stringData", STR("\"-----BEGIN CERTIFICATE-----\\nAAAA\\n-----END CERTIFICATE-----\\n\""),
         key, SECRET_WRONG, "tls.crt holds a certificate that cannot be read"},
        {"stringData", key, key, SECRET_WRONG, "tls.crt holds no certificate"},
        {"data", STR("'?'"), STR("'?'"), SECRET_WRONG, "tls.crt is not base64"},
    };
    for (size_t i = 0; i < COUNT_OF(ROWS); i++) {
        read_manifests(&desk, secret(&desk, ROWS[i].map, ROWS[i].chain, ROWS[i].key));
        const struct node *found = secrets_named(&desk.manifests, STR("gates"), STR("shop"));
        assert_int_equal(secrets_certificate(found, &desk.arena, &got, &problem), ROWS[i].want);
        if (!str_eq(problem.text, str_of(ROWS[i].text)))
            fail_msg("row %zu: %.*s", i, STR_FMT(problem.text));
        assert_true(problem.origin.line > 0);
    }
    desk_fini(&desk);
}

static void test_a_route_says_its_own(void **state)
{
    (void)state;
    struct desk desk;
    struct certificate got;
    struct secret_problem problem;
    struct secret_authorities authorities;
    desk_init(&desk);
    struct str root = authority_pem(desk.authority, STR(AUTHORITY_PUBLIC));
    struct str chain = quoted(&desk, desk.certificate->chain_pem);
    struct str key = quoted(&desk, desk.certificate->key_pem), above = quoted(&desk, root);
    read_manifests(
        &desk, arena_format(&desk.arena,
                            "kind: Route\nmetadata: {name: b-c, namespace: a}\nspec:\n  tls:\n"
                            "    certificate: %.*s\n    key: %.*s\n    caCertificate: %.*s\n"
                            "    destinationCACertificate: %.*s\n---\n"
                            "kind: Route\nmetadata: {name: plain, namespace: a}\nspec: {tls: {}}\n",
                            STR_FMT(chain), STR_FMT(key), STR_FMT(above), STR_FMT(above)));
    struct str namespace = STR("openshift-ingress");
    const struct node *found =
        secrets_find(&desk.manifests, namespace, STR("kubernetes://route-a-b-c"), false);
    assert_non_null(found);
    assert_true(secrets_is_route(found));
    assert_null(secrets_find(&desk.manifests, namespace, STR("kubernetes://route-a-b"), false));
    assert_int_equal(secrets_certificate(found, &desk.arena, &got, &problem), SECRET_FINE);
    assert_true(str_has_suffix(got.chain_pem, root));
    found = secrets_find(&desk.manifests, namespace,
                         STR("kubernetes://route-a-b-c-destination-cacert"), true);
    assert_non_null(found);
    assert_int_equal(secrets_authorities(found, &desk.arena, &authorities, &problem), SECRET_FINE);
    assert_int_equal(authorities.count, 1);
    assert_true(str_eq(authorities.names[0], STR("O=public CA")));
    found = secrets_find(&desk.manifests, namespace, STR("kubernetes://route-a-plain"), false);
    assert_int_equal(secrets_certificate(found, &desk.arena, &got, &problem), SECRET_EMPTY);
    desk_fini(&desk);
}

static void test_an_authority_is_saved_and_is_the_same_again(void **state)
{
    (void)state;
    struct desk desk;
    desk_init(&desk);
    struct str saved = authority_save(desk.authority, &desk.arena);
    struct authority *again = authority_new(&desk.arena);
    assert_true(authority_load(again, saved));
    for (size_t i = 0; i < 3; i++) {
        static const char *const NAMES[] = {AUTHORITY_MESH, AUTHORITY_PUBLIC, AUTHORITY_STRANGER};
        assert_true(str_eq(authority_pem(again, str_of(NAMES[i])),
                           authority_pem(desk.authority, str_of(NAMES[i]))));
    }
    authority_free(again);
    static const char *const WRONG[] = {"", "nothing", "-----BEGIN CERTIFICATE-----\nAAAA\n"};
    for (size_t i = 0; i < COUNT_OF(WRONG); i++) {
        struct authority *other = authority_new(&desk.arena);
        assert_false(authority_load(other, str_of(WRONG[i])));
        authority_free(other);
    }
    desk_fini(&desk);
}

static const struct certificate *workload(struct desk *desk)
{
    struct workload_name name = {STR("cluster.local"), STR("default"), STR("shop")};
    const struct certificate *out =
        authority_issue_workload(desk->authority, &name, CERTIFICATE_RIGHT);
    authority_seal(desk->authority, out);
    return out;
}

static void test_another_authority_is_believed_before_it_signs(void **state)
{
    (void)state;
    struct desk desk;
    desk_init(&desk);
    struct authority *others = authority_new(&desk.arena);
    struct str saved = authority_save(others, &desk.arena);
    size_t end = saved.len; /* the first certificate, and the first key */
    for (size_t i = 0; i < saved.len && end == saved.len; i++)
        if (str_has_prefix(str_from(saved, i), STR("-----BEGIN PRIVATE KEY-----")))
            end = i;
    struct authority_offer offer = {.certificate_pem = str_slice(saved, 0, end),
                                    .key_pem = str_from(saved, end)};
    struct authority_offer wrong = {.certificate_pem = offer.certificate_pem,
                                    .key_pem = desk.certificate->key_pem};
    const struct certificate *first = workload(&desk);
    struct str own = authority_pem(desk.authority, STR(AUTHORITY_MESH));
    assert_string_equal(authority_offer(desk.authority, &wrong),
                        "ca-key.pem is not the key of ca-cert.pem");
    assert_false(authority_has_offer(desk.authority));
    assert_null(authority_offer(desk.authority, &offer));
    assert_true(authority_has_offer(desk.authority));
    assert_ptr_equal(workload(&desk), first);
    struct str both = authority_pem(desk.authority, STR(AUTHORITY_MESH));
    assert_true(str_contains(both, own) && str_contains(both, offer.certificate_pem));
    authority_accept(desk.authority);
    const struct certificate *second = workload(&desk);
    assert_ptr_not_equal(second, first);
    assert_false(authority_has_offer(desk.authority));
    assert_null(authority_offer(desk.authority, &offer)); /* once more */
    assert_false(authority_has_offer(desk.authority));
    both = authority_pem(desk.authority, STR(AUTHORITY_MESH));
    assert_true(str_contains(both, own) && str_contains(both, offer.certificate_pem));
    static const struct authority_offer none;
    assert_null(authority_offer(desk.authority, &none));
    assert_true(authority_has_offer(desk.authority));
    authority_free(others);
    desk_fini(&desk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_secret_is_found_and_read),
        cmocka_unit_test(test_what_is_wrong_is_said_without_what_it_is),
        cmocka_unit_test(test_a_route_says_its_own),
        cmocka_unit_test(test_an_authority_is_saved_and_is_the_same_again),
        cmocka_unit_test(test_another_authority_is_believed_before_it_signs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
