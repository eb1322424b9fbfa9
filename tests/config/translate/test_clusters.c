/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/config/translate/test_clusters.c - clusters, subsets, load balancers and
 * endpoints; which DestinationRule counts (ISTIO.md 3, 4).
 */
#include "tests/config/translate/fixture.h"

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
        struct arena arena;
        arena_init(&arena, 1024, 0);
        struct str text = arena_format(
            &arena,
            SERVICE("a", "http", "80") DESTINATION_RULE("a") "  host: a\n%s%s\n"
                                                             "  subsets:\n  - name: v1\n%s%s\n",
            rows[i].policy[0] != '\0' ? "  trafficPolicy: " : "", rows[i].policy,
            rows[i].subset[0] != '\0' ? "    trafficPolicy: " : "", rows[i].subset);
        fixture_sidecar(&fixture, text.ptr);
        assert_int_equal(lb_of(&fixture, CLUSTER("")), rows[i].want);
        assert_int_equal(lb_of(&fixture, CLUSTER("v1")), rows[i].want_subset);
        fixture_fini(&fixture);
        arena_fini(&arena);
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
        struct arena arena;
        arena_init(&arena, 1024, 0);
        struct str text = arena_format(
            &arena,
            SERVICE("a", "http", "80") "apiVersion: networking.istio.io/v1\nkind: DestinationRule\n"
                                       "metadata: {name: d}\nspec: {%s}\n",
            rows[i].rules);
        fixture_sidecar(&fixture, text.ptr);
        assert_int_equal(lb_of(&fixture, CLUSTER("")), rows[i].want);
        fixture_fini(&fixture);
        arena_fini(&arena);
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
    assert_int_equal(all->mtls, MTLS_BY_ENDPOINT);
    assert_text(&fixture, v1->sni, "outbound_.80_.v1_.a.default.svc.cluster.local");
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_policies_are_the_subsets_the_ports_or_the_rules),
        cmocka_unit_test(test_the_nearest_rule_with_the_most_specific_host_counts),
        cmocka_unit_test(test_two_rules_of_one_host_are_merged),
        cmocka_unit_test(test_subsets_select_endpoints_by_label),
        cmocka_unit_test(test_headless_services_lead_to_the_address_that_was_dialled),
        cmocka_unit_test(test_a_snapshot_outlives_its_mesh),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
