/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/config/derive/test_discovery.c - MeshConfig's discoverySelectors: objects of
 * other namespaces are unknown.
 */
#include "tests/config/derive/complete.h"

#include <stdio.h>

#define OBJECTS                                                                                   \
    "apiVersion: v1\nkind: Namespace\nmetadata: {name: a, labels: {env: prod}}\n---\n"            \
    "apiVersion: v1\nkind: Service\nmetadata: {name: s, namespace: a}\n"                          \
    "spec: {ports: [{name: http, port: 80}]}\n---\n"                                              \
    "apiVersion: v1\nkind: Service\nmetadata: {name: s, namespace: b}\n"                          \
    "spec: {ports: [{name: http, port: 80}]}\n---\n"                                              \
    "apiVersion: networking.istio.io/v1\nkind: Sidecar\nmetadata: {name: x, namespace: b}\n"      \
    "spec: {}\n---\n"                                                                             \
    "apiVersion: v1\nkind: Pod\nmetadata: {name: p, namespace: b}\nspec: {containers: []}\n---\n" \
    "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: istio, namespace: istio-system}\n"         \
    "data:\n  mesh: |\n    discoverySelectors: %s\n"

static void test_which_namespaces_are_looked_at(void **state)
{
    (void)state;
    static const struct {
        const char *selectors;
        uint32_t service_count, sidecar_count, pod_count;
    } rows[] = {
        {"[]", 2, 1, 1},
        {"[{}]", 2, 1, 1},
        {"[{matchLabels: {env: prod}}]", 1, 0, 0},
        {"[{matchLabels: {env: test}}]", 0, 0, 0},
        {"[{matchLabels: {kubernetes.io/metadata.name: b}}]", 1, 1, 1},
        {"[{matchLabels: {env: prod}}, {matchExpressions: [{key: env, operator: DoesNotExist}]}]",
         2, 1, 1},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct mesh_reading reading;
        char text[2048];
        (void)snprintf(text, sizeof(text), OBJECTS, rows[i].selectors);
        mesh_reading_complete(&reading, text);
        if (reading.mesh->services_count != rows[i].service_count ||
            reading.mesh->sidecars_count != rows[i].sidecar_count ||
            reading.mesh->pods_count != rows[i].pod_count)
            fail_msg("%s", rows[i].selectors);
        mesh_reading_fini(&reading);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_which_namespaces_are_looked_at),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
