/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/config/translate/test_clusters.c - clusters, subsets, load balancers and
 * endpoints; which DestinationRule counts (ISTIO.md 3, 4).
 */
#include <stdio.h>

#include "tests/config/translate/fixture.h"

#include "base/ns.h"

#define RULE_OF_A                                                                      \
    "apiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: {name: a}\n" \
    "spec:\n  host: a\n"

#define CLUSTER(subset) "outbound|80|" subset "|a.default.svc.cluster.local"

static enum lb_policy lb_of(const struct fixture *fixture, const char *name)
{
    const struct cluster *cluster = snapshot_cluster(fixture->snapshot, str_of(name));
    assert_non_null(cluster);
    return cluster->lb;
}

static void test_policies_are_the_subsets_the_ports_or_the_rules(void **state)
{
    (void)state;
    static const struct {
        const char *policy; /* of the rule */
        const char *subset; /* of v1 */
        enum lb_policy want, want_subset;
    } rows[] = {
        {"", "", LB_LEAST_REQUEST, LB_LEAST_REQUEST},
        {"{loadBalancer: {simple: RANDOM}}", "", LB_RANDOM, LB_RANDOM},
        {"{loadBalancer: {simple: LEAST_CONN}}", "", LB_LEAST_REQUEST, LB_LEAST_REQUEST},
        {"{loadBalancer: {simple: RANDOM}}", "{loadBalancer: {simple: ROUND_ROBIN}}", LB_RANDOM,
         LB_ROUND_ROBIN},
        {"{loadBalancer: {simple: RANDOM}, portLevelSettings: [{port: {number: 80}, "
         "loadBalancer: {simple: ROUND_ROBIN}}]}",
         "", LB_ROUND_ROBIN, LB_ROUND_ROBIN},
        /* A port's settings inherit nothing. */
        {"{loadBalancer: {simple: RANDOM}, portLevelSettings: [{port: {number: 80}, "
         "connectionPool: {}}]}",
         "", LB_LEAST_REQUEST, LB_LEAST_REQUEST},
        {"{loadBalancer: {simple: RANDOM}, portLevelSettings: [{port: {number: 81}, "
         "connectionPool: {}}]}",
         "", LB_RANDOM, LB_RANDOM},
        {"{loadBalancer: {simple: RANDOM}}",
         "{loadBalancer: {simple: ROUND_ROBIN}, portLevelSettings: [{port: {number: 80}, "
         "loadBalancer: {simple: LEAST_REQUEST}}]}",
         LB_RANDOM, LB_LEAST_REQUEST},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct fixture fixture;
        fixture_sidecar(
            &fixture,
            mesh_text(SERVICE("a", "http", "80")
                          DESTINATION_RULE("a") "  host: a\n%s%s\n"
                                                "  subsets:\n  - name: v1\n%s%s\n",
                      rows[i].policy[0] != '\0' ? "  trafficPolicy: " : "", rows[i].policy,
                      rows[i].subset[0] != '\0' ? "    trafficPolicy: " : "", rows[i].subset));
        assert_int_equal(lb_of(&fixture, CLUSTER("")), rows[i].want);
        assert_int_equal(lb_of(&fixture, CLUSTER("v1")), rows[i].want_subset);
        fixture_fini(&fixture);
    }
}

static void test_the_nearest_rule_with_the_most_specific_host_counts(void **state)
{
    (void)state;
    static const struct {
        const char *rules;
        enum lb_policy want;
    } rows[] = {
        {"host: a, trafficPolicy: {loadBalancer: {simple: RANDOM}}", LB_RANDOM},
        {"host: '*.default.svc.cluster.local', trafficPolicy: {loadBalancer: {simple: RANDOM}}",
         LB_RANDOM},
        {"host: '*.local', trafficPolicy: {loadBalancer: {simple: RANDOM}}", LB_RANDOM},
        {"host: b, trafficPolicy: {loadBalancer: {simple: RANDOM}}", LB_LEAST_REQUEST},
        {"host: a, exportTo: [other], trafficPolicy: {loadBalancer: {simple: RANDOM}}",
         LB_LEAST_REQUEST},
        {"host: a, workloadSelector: {matchLabels: {app: client}}, "
         "trafficPolicy: {loadBalancer: {simple: RANDOM}}",
         LB_RANDOM},
        {"host: a, workloadSelector: {matchLabels: {app: other}}, "
         "trafficPolicy: {loadBalancer: {simple: RANDOM}}",
         LB_LEAST_REQUEST},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct fixture fixture;
        fixture_sidecar(
            &fixture,
            mesh_text(SERVICE("a", "http",
                              "80") "apiVersion: networking.istio.io/v1\nkind: DestinationRule\n"
                                    "metadata: {name: d}\nspec: {%s}\n",
                      rows[i].rules));
        assert_int_equal(lb_of(&fixture, CLUSTER("")), rows[i].want);
        fixture_fini(&fixture);
    }
}

static void test_two_rules_of_one_host_are_merged(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_sidecar(
        &fixture,
        SERVICE("a", "http", "80") DESTINATION_RULE(
            "first") "  host: a\n  subsets: [{name: v1}]\n"
                     "  trafficPolicy: {loadBalancer: {simple: RANDOM}}\n---\n" DESTINATION_RULE(
                         "second") "  host: a\n  subsets: [{name: v1, labels: {x: y}}, {name: "
                                   "v2}]\n"
                                   "  trafficPolicy: {loadBalancer: {simple: ROUND_ROBIN}}\n");
    assert_int_equal(lb_of(&fixture, CLUSTER("")), LB_RANDOM);
    assert_int_equal(lb_of(&fixture, CLUSTER("v2")), LB_RANDOM);
    const struct cluster *v1 = snapshot_cluster(fixture.snapshot, STR(CLUSTER("v1")));
    assert_int_equal(v1->subset_origin.line, 11);
    assert_text(&fixture, v1->config,
                "/apis/networking.istio.io/v1/namespaces/default/destination-rule/first");
    fixture_fini(&fixture);
}

static void test_subsets_select_endpoints_by_label(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_sidecar(
        &fixture,
        SERVICE("a", "http", "80") DESTINATION_RULE(
            "a") "  host: a\n  subsets: [{name: v1, labels: {version: v1}}, {name: none, labels: "
                 "{version: v9}}]\n---\n"
                 "apiVersion: v1\nkind: Pod\nmetadata: {name: a-1, labels: {app: a, version: v1}}\n"
                 "spec: {}\n---\n"
                 "apiVersion: v1\nkind: Pod\nmetadata: {name: a-2, labels: {app: a, version: v2}}\n"
                 "spec: {}\nstatus: {conditions: [{type: Ready, status: 'False'}]}\n");
    const struct cluster *all = snapshot_cluster(fixture.snapshot, STR(CLUSTER("")));
    const struct cluster *v1 = snapshot_cluster(fixture.snapshot, STR(CLUSTER("v1")));
    const struct cluster *none = snapshot_cluster(fixture.snapshot, STR(CLUSTER("none")));
    assert_int_equal(all->endpoint_count, 2);
    assert_int_equal(all->endpoints[1].health, ENDPOINT_UNHEALTHY);
    assert_int_equal(v1->endpoint_count, 1);
    assert_text(&fixture, v1->endpoints[0].workload, "a-1;default;a;v1;Kubernetes");
    assert_text(&fixture, v1->endpoints[0].pod, "a-1.default");
    assert_true(v1->endpoints[0].is_tls_mode_istio);
    assert_int_equal(none->endpoint_count, 0);
    assert_int_equal(all->security, UPSTREAM_TLS_BY_ENDPOINT);
    assert_text(&fixture, v1->tls->sni, "outbound_.80_.v1_.a.default.svc.cluster.local");
    fixture_fini(&fixture);
}

static void test_headless_services_lead_to_the_address_that_was_dialled(void **state)
{
    (void)state;
    static const char *const text =
        "apiVersion: v1\nkind: Service\nmetadata: {name: a}\n"
        "spec: {clusterIP: None, selector: {app: a}, ports: [{name: http, port: 80}]}\n"
        "---\n" POD("a-1", "a");
    struct fixture fixture;
    fixture_sidecar(&fixture, text);
    const struct cluster *cluster = snapshot_cluster(fixture.snapshot, STR(CLUSTER("")));
    assert_int_equal(cluster->type, CLUSTER_ORIGINAL_DST);
    assert_int_equal(cluster->endpoint_count, 0);
    fixture_fini(&fixture);
    fixture_gateway(&fixture, text);
    cluster = snapshot_cluster(fixture.snapshot, STR(CLUSTER("")));
    assert_int_equal(cluster->type, CLUSTER_EDS);
    assert_int_equal(cluster->endpoint_count, 1);
    fixture_fini(&fixture);
}

static void test_a_snapshot_outlives_its_mesh(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_sidecar(&fixture, SERVICE("a", "http", "80") POD("a-1", "a"));
    struct snapshot *kept = fixture.snapshot;
    snapshot_hold(kept);
    fixture_fini(&fixture);
    const struct cluster *cluster = snapshot_cluster(kept, STR(CLUSTER("")));
    assert_true(str_eq(cluster->name, STR(CLUSTER(""))));
    assert_true(str_eq(cluster->origin.file, STR("mesh.yaml")));
    assert_true(str_has_prefix(cluster->endpoints[0].address, STR("127.")));
    assert_true(str_eq(kept->route_configs[0].virtual_hosts[0].domains[2], STR("a")));
    snapshot_drop(kept);
}

static void test_connection_pools_are_limits(void **state)
{
    (void)state;
    static const struct {
        const char *pool;
        struct breaker_limits breakers;
        int64_t connect_timeout_ns, idle_timeout_ns;
        uint32_t requests_per_connection_max;
    } rows[] = {
        {"", {~0u, ~0u, ~0u, ~0u}, 10 * NS_SECOND, 0, 0},
        {"{tcp: {maxConnections: 1, connectTimeout: 300ms, idleTimeout: 5s}}",
         {1, ~0u, ~0u, ~0u},
         300 * NS_MS,
         5 * NS_SECOND,
         0},
        {"{http: {http1MaxPendingRequests: 2, http2MaxRequests: 3, maxRetries: 4,"
         " maxRequestsPerConnection: 5, idleTimeout: 6s}, tcp: {idleTimeout: 5s}}",
         {~0u, 2, 3, 4},
         10 * NS_SECOND,
         6 * NS_SECOND,
         5},
        {"{http: {http1MaxPendingRequests: 0, maxRetries: 0}}",
         {~0u, ~0u, ~0u, ~0u},
         10 * NS_SECOND,
         0,
         0},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct fixture fixture;
        fixture_sidecar(&fixture, mesh_text(SERVICE("a", "http", "80") RULE_OF_A
                                            "  trafficPolicy:\n"
                                            "    loadBalancer: {simple: RANDOM}\n%s%s%s",
                                            rows[i].pool[0] != 0 ? "    connectionPool: " : "",
                                            rows[i].pool, rows[i].pool[0] != 0 ? "\n" : ""));
        const struct cluster *cluster =
            snapshot_cluster(fixture.snapshot, STR("outbound|80||a.default.svc.cluster.local"));
        assert_memory_equal(&cluster->breakers, &rows[i].breakers, sizeof(cluster->breakers));
        assert_true(cluster->connect_timeout_ns == rows[i].connect_timeout_ns);
        assert_true(cluster->idle_timeout_ns == rows[i].idle_timeout_ns);
        assert_int_equal(cluster->requests_per_connection_max, rows[i].requests_per_connection_max);
        fixture_fini(&fixture);
    }
}

/* Parts are replaced as a whole, a port's settings inherit nothing. */
static void test_parts_of_subsets_and_ports_replace_the_rules(void **state)
{
    (void)state;
    static const struct {
        const char *cluster;
        uint32_t max_connections, max_retries;
        enum lb_policy lb;
    } rows[] = {
        {"outbound|80||a.default.svc.cluster.local", 1, ~0u, LB_RANDOM},
        {"outbound|80|own|a.default.svc.cluster.local", ~0u, 2, LB_RANDOM},
        {"outbound|81||a.default.svc.cluster.local", ~0u, 3, LB_LEAST_REQUEST},
        {"outbound|81|own|a.default.svc.cluster.local", ~0u, 2, LB_LEAST_REQUEST},
    };
    struct fixture fixture;
    fixture_sidecar(
        &fixture,
        "apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec:\n  selector: {app: a}\n"
        "  ports: [{name: http, port: 80}, {name: http-b, port: 81}]\n---\n" RULE_OF_A
        "  trafficPolicy:\n"
        "    loadBalancer: {simple: RANDOM}\n"
        "    connectionPool: {tcp: {maxConnections: 1}}\n"
        "    portLevelSettings: [{port: {number: 81}, connectionPool: {http: {maxRetries: 3}}}]\n"
        "  subsets:\n"
        "  - {name: own, trafficPolicy: {connectionPool: {http: {maxRetries: 2}}}}\n");
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const struct cluster *cluster = snapshot_cluster(fixture.snapshot, str_of(rows[i].cluster));
        assert_non_null(cluster);
        assert_int_equal(cluster->breakers.max_connections, rows[i].max_connections);
        assert_int_equal(cluster->breakers.max_retries, rows[i].max_retries);
        assert_int_equal(cluster->lb, rows[i].lb);
    }
    fixture_fini(&fixture);
}

/* A real istiod says so of each: 0 is nothing for the count, and not for the share; a
 * subset's port keeps the rule's own budget. */
static void test_retry_budgets_are_the_clusters(void **state)
{
    (void)state;
    static const struct {
        const char *cluster;
        double percent;
        uint32_t concurrency_min;
    } rows[] = {
        {"outbound|80||a.default.svc.cluster.local", 33.5, 7},
        {"outbound|80|none|a.default.svc.cluster.local", 0, 3},
        {"outbound|80|all|a.default.svc.cluster.local", 20, 3},
        {"outbound|80|port|a.default.svc.cluster.local", 33.5, 7},
        {"outbound|81||a.default.svc.cluster.local", -1, 0},
    };
    struct fixture fixture;
    fixture_sidecar(
        &fixture,
        "apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec:\n  selector: {app: a}\n"
        "  ports: [{name: http, port: 80}, {name: http-b, port: 81}]\n---\n" RULE_OF_A
        "  trafficPolicy:\n"
        "    retryBudget: {percent: 33.5, minRetryConcurrency: 7}\n"
        "    portLevelSettings: [{port: {number: 81}, connectionPool: {http: {maxRetries: 3}}}]\n"
        "  subsets:\n"
        "  - {name: none, trafficPolicy: {retryBudget: {percent: 0, minRetryConcurrency: 0}}}\n"
        "  - {name: all, trafficPolicy: {retryBudget: {}}}\n"
        "  - {name: port, trafficPolicy: {portLevelSettings: [{port: {number: 80},"
        " loadBalancer: {simple: RANDOM}}]}}\n");
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const struct cluster *cluster = snapshot_cluster(fixture.snapshot, str_of(rows[i].cluster));
        assert_non_null(cluster);
        assert_int_equal(cluster->retry_budget != NULL, rows[i].percent >= 0);
        if (cluster->retry_budget == NULL)
            continue;
        assert_true(cluster->retry_budget->percent == rows[i].percent);
        assert_int_equal(cluster->retry_budget->concurrency_min, rows[i].concurrency_min);
    }
    fixture_fini(&fixture);
}

static void test_outlier_detection_is_the_clusters(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_sidecar(&fixture, SERVICE("a", "http", "80") RULE_OF_A
                    "  trafficPolicy:\n"
                    "    outlierDetection: {consecutive5xxErrors: 3, interval: 1s,"
                    " baseEjectionTime: 2s, maxEjectionPercent: 50, minHealthPercent: 30}\n");
    const struct cluster *cluster =
        snapshot_cluster(fixture.snapshot, STR("outbound|80||a.default.svc.cluster.local"));
    const struct outlier_detection *outlier = cluster->outlier;
    assert_non_null(outlier);
    assert_true(outlier_says(outlier, OUTLIER_CONSECUTIVE_5XX));
    assert_false(outlier_says(outlier, OUTLIER_CONSECUTIVE_GATEWAY_FAILURE));
    assert_int_equal(outlier_number(outlier, OUTLIER_CONSECUTIVE_5XX), 3);
    assert_int_equal(outlier_number(outlier, OUTLIER_CONSECUTIVE_GATEWAY_FAILURE), 5);
    assert_int_equal(outlier_number(outlier, OUTLIER_ENFORCING_CONSECUTIVE_GATEWAY_FAILURE), 0);
    assert_int_equal(outlier_number(outlier, OUTLIER_ENFORCING_SUCCESS_RATE), 0);
    assert_true(outlier->interval_ns == NS_SECOND);
    assert_true(outlier->base_ejection_ns == 2 * NS_SECOND);
    assert_int_equal(outlier_number(outlier, OUTLIER_MAX_EJECTION_PERCENT), 50);
    assert_false(cluster->has_panic_threshold_zero);
    assert_true(cluster->panic_threshold_percent == 30);
    fixture_fini(&fixture);
}

/* internalTrafficPolicy: Local: only who is on the proxy's node. */
static void test_a_service_may_stay_on_its_node(void **state)
{
    (void)state;
    static const struct {
        const char *node, *policy;
        uint32_t endpoint_count;
    } rows[] = {{"n1", "Cluster", 2}, {"n1", "Local", 1}, {"n3", "Local", 0}};

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct fixture fixture;
        char text[2048];
        (void)snprintf(text, sizeof(text),
                       "apiVersion: v1\nkind: Service\nmetadata: {name: near}\n"
                       "spec: {internalTrafficPolicy: %s, selector: {app: x}, ports: [{name: "
                       "http, port: 80}]}\n---\n"
                       "apiVersion: v1\nkind: Pod\nmetadata: {name: a, labels: {app: x}}\n"
                       "spec: {nodeName: n1, containers: []}\n---\n"
                       "apiVersion: v1\nkind: Pod\nmetadata: {name: b, labels: {app: x}}\n"
                       "spec: {nodeName: n2, containers: []}\n---\n"
                       "apiVersion: v1\nkind: Pod\nmetadata: {name: client-0}\n"
                       "spec: {nodeName: %s, containers: []}\n",
                       rows[i].policy, rows[i].node);
        fixture_sidecar(&fixture, text);
        const struct cluster *cluster = NULL;
        for (uint32_t k = 0; k < fixture.snapshot->cluster_count; k++) {
            if (str_eq(fixture.snapshot->clusters[k].name,
                       STR("outbound|80||near.default.svc.cluster.local")))
                cluster = &fixture.snapshot->clusters[k];
        }
        assert_non_null(cluster);
        assert_int_equal(cluster->endpoint_count, rows[i].endpoint_count);
        fixture_fini(&fixture);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_service_may_stay_on_its_node),
        cmocka_unit_test(test_connection_pools_are_limits),
        cmocka_unit_test(test_parts_of_subsets_and_ports_replace_the_rules),
        cmocka_unit_test(test_retry_budgets_are_the_clusters),
        cmocka_unit_test(test_outlier_detection_is_the_clusters),
        cmocka_unit_test(test_policies_are_the_subsets_the_ports_or_the_rules),
        cmocka_unit_test(test_the_nearest_rule_with_the_most_specific_host_counts),
        cmocka_unit_test(test_two_rules_of_one_host_are_merged),
        cmocka_unit_test(test_subsets_select_endpoints_by_label),
        cmocka_unit_test(test_headless_services_lead_to_the_address_that_was_dialled),
        cmocka_unit_test(test_a_snapshot_outlives_its_mesh),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
