/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/config/derive/test_derive.c - what a cluster makes of objects: pods,
 * addresses, endpoints (docs/addresses.md).
 */
#include "tests/config/derive/complete.h"

#define SERVICE(name, port)                                       \
    "apiVersion: v1\nkind: Service\nmetadata: {name: " name "}\n" \
    "spec: {selector: {app: " name "}, ports: [{name: http, port: " port "}]}\n---\n"
#define DEPLOYMENT(name, app, more)                                        \
    "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: " name "}\n"  \
    "spec:\n  " more "template:\n    metadata: {labels: {app: " app "}}\n" \
    "    spec: {containers: [{name: a, ports: [{name: web, containerPort: 8080}]}]}\n---\n"

static void test_lists_are_unfolded_and_the_later_object_wins(void **state)
{
    (void)state;
    struct mesh_reading reading;
    mesh_reading_complete(
        &reading,
        "apiVersion: v1\nkind: List\nitems:\n"
        "- {apiVersion: v1, kind: Service, metadata: {name: a}, spec: {ports: [{port: 1}]}}\n"
        "- {apiVersion: v1, kind: Service, metadata: {name: b}, spec: {ports: [{port: 2}]}}\n"
        "- {apiVersion: v1, kind: Service, metadata: {name: a}, spec: {ports: [{port: 3}]}}\n");
    assert_int_equal(mesh_service_count(reading.mesh), 2);
    assert_int_equal(mesh_service_find(reading.mesh, STR("default"), STR("a"))->ports[0].port, 3);
    assert_null(mesh_service_find(reading.mesh, STR("other"), STR("a")));
    mesh_reading_fini(&reading);
}

/* The numbers are those of the plan: FNV-1a of "svc/default/reviews" and so on. */
static void test_addresses_follow_the_plan(void **state)
{
    (void)state;
    struct mesh_reading reading;
    mesh_reading_complete(&reading,
                          SERVICE("reviews", "9080") DEPLOYMENT("reviews-v1", "reviews", "")
                              DEPLOYMENT("details-v1", "details", "replicas: 2\n  "));
    struct mesh *mesh = reading.mesh;
    assert_true(str_eq(mesh_service(mesh, 0)->cluster_ip, STR("127.74.255.88")));
    assert_int_equal(mesh_pod_count(mesh), 3);
    const struct pod *pod = mesh_pod_find(mesh, STR("default"), STR("reviews-v1-0"));
    assert_true(str_eq(pod->address, STR("127.130.147.230")));
    assert_true(str_eq(pod->workload, STR("reviews-v1")));
    assert_true(pod->is_injected);
    assert_non_null(mesh_pod_find(mesh, STR("default"), STR("details-v1-1")));
    struct str first = mesh_address(mesh, 192, STR("proxy/default/x"));
    struct str second = mesh_address(mesh, 192, STR("proxy/default/x"));
    assert_false(str_eq(first, second));
    mesh_reading_fini(&reading);
}

static void test_sidecars_stand_where_nobody_says_otherwise(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool want;
    } rows[] = {
        {DEPLOYMENT("a", "a", ""), true},
        {"apiVersion: v1\nkind: Namespace\nmetadata: {name: default, labels: {istio-injection: "
         "disabled}}\n---\n" DEPLOYMENT("a", "a", ""),
         false},
        {"apiVersion: v1\nkind: Pod\nmetadata: {name: a-0, annotations: {sidecar.istio.io/inject: "
         "'false'}}\nspec: {}\n",
         false},
        {"apiVersion: v1\nkind: Pod\nmetadata: {name: a-0, labels: {sidecar.istio.io/inject: "
         "'true'}, annotations: {sidecar.istio.io/inject: 'false'}}\nspec: {}\n",
         true},
        {"apiVersion: v1\nkind: Pod\nmetadata: {name: a-0}\nspec: {hostNetwork: true}\n", false},
        {"apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\nspec: {template: {metadata: "
         "{labels: {app: a, sidecar.istio.io/inject: 'false'}}}}\n",
         false},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct mesh_reading reading;
        mesh_reading_complete(&reading, rows[i].text);
        const struct pod *pod = mesh_pod_find(reading.mesh, STR("default"), STR("a-0"));
        assert_non_null(pod);
        assert_int_equal(pod->is_injected, rows[i].want);
        bool is_workload = strstr(rows[i].text, "kind: Deployment") != NULL;
        bool want = is_workload ? rows[i].want : true;
        assert_int_equal(mesh_workload_is_injected(reading.mesh, STR("default"), STR("a")), want);
        mesh_reading_fini(&reading);
    }
}

static void test_endpoints_come_from_pods_and_from_slices(void **state)
{
    (void)state;
    struct mesh_reading reading;
    mesh_reading_complete(
        &reading, "apiVersion: v1\nkind: Service\nmetadata: {name: web}\n"
                  "spec: {selector: {app: web}, ports: [{name: http, port: 80, targetPort: "
                  "web}]}\n---\n" DEPLOYMENT(
                      "web", "web",
                      "") "apiVersion: v1\nkind: Pod\nmetadata: {name: bare, labels: {app: web}}\n"
                          "spec: {containers: [{name: a}]}\n---\n"
                          "apiVersion: v1\nkind: Pod\nmetadata: {name: done, labels: {app: web}}\n"
                          "status: {phase: Succeeded}\n---\n"
                          "apiVersion: v1\nkind: Service\nmetadata: {name: manual}\n"
                          "spec: {ports: [{name: http, port: 80}]}\n---\n"
                          "apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\n"
                          "metadata: {name: m-1, labels: {kubernetes.io/service-name: manual}}\n"
                          "endpoints: [{addresses: [10.0.0.1]}, {addresses: [10.0.0.2], "
                          "conditions: {ready: false}}]\n"
                          "ports: [{name: http, port: 8000}]\n");
    const struct service *web = mesh_service_find(reading.mesh, STR("default"), STR("web"));
    assert_int_equal(web->endpoint_count, 2);
    /* Pods that are written come before those of workloads; one has no port "web". */
    assert_int_equal(web->endpoints[0].ports[0], 0);
    assert_int_equal(web->endpoints[1].ports[0], 8080);
    const struct service *manual = mesh_service_find(reading.mesh, STR("default"), STR("manual"));
    assert_int_equal(manual->endpoint_count, 2);
    assert_int_equal(manual->endpoints[0].ports[0], 8000);
    assert_true(manual->endpoints[0].is_ready);
    assert_false(manual->endpoints[1].is_ready);
    mesh_reading_fini(&reading);
}

static void test_endpoints_do_not_hang_on_the_order_of_files(void **state)
{
    (void)state;
#define POD(name) "apiVersion: v1\nkind: Pod\nmetadata: {name: " name ", labels: {app: web}}\n---\n"
    static const char *const ORDERS[] = {
        SERVICE("web", "80") DEPLOYMENT("b", "web", "replicas: 3\n  ") DEPLOYMENT("a", "web", "")
            POD("q") POD("p"),
        POD("p") DEPLOYMENT("a", "web", "") POD("q") DEPLOYMENT("b", "web", "replicas: 3\n  ")
            SERVICE("web", "80"),
    };
    static const char *const WANTED[] = {"p", "q", "a-0", "b-0", "b-1", "b-2"};
    for (size_t i = 0; i < COUNT_OF(ORDERS); i++) {
        struct mesh_reading reading;
        mesh_reading_complete(&reading, ORDERS[i]);
        const struct service *web = mesh_service(reading.mesh, 0);
        assert_int_equal(web->endpoint_count, COUNT_OF(WANTED));
        for (uint32_t k = 0; k < web->endpoint_count; k++)
            assert_true(str_eq(web->endpoints[k].pod->meta.name, str_of(WANTED[k])));
        mesh_reading_fini(&reading);
    }
#undef POD
}

static void test_added_pods_stand_in_for_derived_ones(void **state)
{
    (void)state;
    struct mesh_reading reading;
    mesh_reading_init(&reading, SERVICE("a", "80") DEPLOYMENT("a-v1", "a", "replicas: 3\n  "));
    struct label *labels;
    uint32_t label_count, replica_count;
    struct str account;
    assert_true(mesh_workload(reading.mesh, STR("default"), STR("a-v1"), &labels, &label_count,
                              &account, &replica_count));
    assert_int_equal(replica_count, 3);
    mesh_skip_derived_pods(reading.mesh);
    struct pod *pod = mesh_add_pod(reading.mesh, STR("default"), STR("a-v1-0"));
    pod->meta.labels = labels;
    pod->meta.label_count = label_count;
    mesh_complete(reading.mesh);
    assert_int_equal(mesh_pod_count(reading.mesh), 1);
    assert_int_equal(mesh_service(reading.mesh, 0)->endpoint_count, 1);
    assert_false(mesh_pod(reading.mesh, 0)->is_injected);
    mesh_reading_fini(&reading);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lists_are_unfolded_and_the_later_object_wins),
        cmocka_unit_test(test_addresses_follow_the_plan),
        cmocka_unit_test(test_sidecars_stand_where_nobody_says_otherwise),
        cmocka_unit_test(test_endpoints_come_from_pods_and_from_slices),
        cmocka_unit_test(test_endpoints_do_not_hang_on_the_order_of_files),
        cmocka_unit_test(test_added_pods_stand_in_for_derived_ones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
