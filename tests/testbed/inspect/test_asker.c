/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/testbed/inspect/test_asker.c - names of callers.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/check.h"
#include "testbed/inspect/asker.h"

static const char MESH[] =
    "apiVersion: apps/v1\n"
    "kind: Deployment\n"
    "metadata: {name: web, namespace: shop}\n"
    "spec: {template: {metadata: {labels: {app: web}}, spec: {serviceAccountName: robot}}}\n"
    "---\n"
    "apiVersion: apps/v1\n"
    "kind: Deployment\n"
    "metadata: {name: v1.2}\n"
    "spec: {template: {metadata: {labels: {app: dotted}}}}\n"
    "---\n"
    "apiVersion: apps/v1\n"
    "kind: Deployment\n"
    "metadata: {name: ingress, namespace: istio-system}\n"
    "spec: {template: {metadata: {labels: {istio: ingressgateway, app: gw}}}}\n"
    "---\n"
    "{apiVersion: v1, kind: Pod, metadata: {name: lonely, labels: {app: lonely}}}\n"
    "---\n"
    "{apiVersion: v1, kind: Pod, metadata: {name: alone, labels: {app: alone}, "
    "annotations: {sidecar.istio.io/inject: 'false'}}}\n"
    "---\n"
    "apiVersion: networking.istio.io/v1\n"
    "kind: Gateway\n"
    "metadata: {name: public}\n"
    "spec: {selector: {istio: ingressgateway}, servers: [{port: {number: 80, name: http, protocol: "
    "HTTP}, hosts: [\"*\"]}]}\n";

struct desk {
    struct arena arena;
    struct diag_list diags;
    struct documents documents;
};

static void desk_init(struct desk *desk)
{
    *desk = (struct desk){0};
    arena_init(&desk->arena, 16384, 0);
    diag_list_init(&desk->diags, &desk->arena);
    tree_read(STR("mesh.yaml"), str_of(MESH), &desk->arena, &desk->documents, &desk->diags);
}

static void test_every_way_to_name_a_caller(void **state)
{
    (void)state;
    static const struct {
        const char *name, *namespace, *want_name, *want_namespace;
        enum client_via via;
        const char *label;
    } rows[] = {
        {"", "shop", "client", "shop", VIA_SIDECAR, NULL},
        {"web", "shop", "web", "shop", VIA_SIDECAR, "web"},
        {"web-0", "shop", "web", "shop", VIA_SIDECAR, "web"},
        {"web.shop", "default", "web", "shop", VIA_SIDECAR, "web"},
        {"deployment/web", "shop", "web", "shop", VIA_SIDECAR, "web"},
        {"deploy/web.shop", "default", "web", "shop", VIA_SIDECAR, "web"},
        {"v1.2", "default", "v1.2", "default", VIA_SIDECAR, "dotted"},
        {"lonely", "default", "lonely", "default", VIA_SIDECAR, "lonely"},
        {"alone", "default", "alone", "default", VIA_NONE, "alone"},
        {"default/public", "shop", "public", "", VIA_GATEWAY, NULL},
        {"ingress", "istio-system", "ingress", "istio-system", VIA_GATEWAY, "ingressgateway"},
    };
    struct desk desk;
    desk_init(&desk);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct asker asker = asker_find(&desk.documents, str_of(rows[i].name),
                                        str_of(rows[i].namespace), &desk.arena);
        if (!asker.is_found)
            print_message("%s: only %.*s\n", rows[i].name, STR_FMT(asker.known));
        assert_true(asker.is_found);
        assert_true(str_eq(asker.client.name, str_of(rows[i].want_name)));
        assert_true(str_eq(asker.client.namespace, str_of(rows[i].want_namespace)));
        assert_int_equal(asker.client.via, rows[i].via);
        if (rows[i].label == NULL)
            assert_int_equal(asker.client.label_count, 0);
        else
            assert_true(str_eq(asker.client.labels[0].value, str_of(rows[i].label)));
    }
    arena_fini(&desk.arena);
}

static void test_a_callers_account_is_its_pods(void **state)
{
    (void)state;
    struct desk desk;
    desk_init(&desk);
    struct asker asker = asker_find(&desk.documents, STR("web"), STR("shop"), &desk.arena);
    assert_true(str_eq(asker.client.service_account, STR("robot")));
    arena_fini(&desk.arena);
}

static void test_who_is_not_there_is_answered_with_who_is(void **state)
{
    (void)state;
    struct desk desk;
    struct documents nothing = {0};
    desk_init(&desk);
    struct asker asker = asker_find(&desk.documents, STR("wbe"), STR("shop"), &desk.arena);
    assert_false(asker.is_found);
    /* In the order of the mesh: by namespace and name, then gateways. */
    assert_true(str_eq(
        asker.known, STR("alone.default, lonely.default, v1.2.default, ingress.istio-system, web, "
                         "default/public")));
    asker = asker_find(&nothing, STR("x"), STR("default"), &desk.arena);
    assert_false(asker.is_found);
    assert_true(str_eq(asker.known, STR("nobody")));
    arena_fini(&desk.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_way_to_name_a_caller),
        cmocka_unit_test(test_a_callers_account_is_its_pods),
        cmocka_unit_test(test_who_is_not_there_is_answered_with_who_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
