/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/config/translate/test_locality.c - ISTIO.md 3.6: priorities and weights
 * of endpoints by their localities and labels, hash policies of routes.
 */
#include "tests/config/translate/fixture.h"

#define PLACED(name, place, more)                                                             \
    "apiVersion: v1\nkind: Pod\nmetadata: {name: " name ", labels: {app: a, istio-locality: " \
    "\"" place "\"" more "}}\nspec: {containers: []}\n---\n"
#define MESH                              \
    SERVICE("a", "http", "80")            \
    PLACED("us1", "us.a.x", ", v: \"3\"") \
    PLACED("eu1", "eu.a.x", ", v: \"0\"") \
    PLACED("eu2", "eu.a.x", ", v: \"0\"") \
    PLACED("eu3", "eu.a.y", ", v: \"1\"") \
    PLACED("eu4", "eu.b", ", v: \"2\"")   \
    PLACED("ap1", "ap.a", ", v: \"4\"")   \
    DESTINATION_RULE("a") "  host: a\n  trafficPolicy:\n"
#define OUTLIER "    outlierDetection: {consecutive5xxErrors: 1}\n"
#define LOCALITY(text) "    loadBalancer: {localityLbSetting: " text "}\n"
#define NAME_OF_A "outbound|80||a.default.svc.cluster.local"

static void translate(struct fixture *fixture, const char *text, const char *place)
{
    const struct label labels[] = {{STR_INIT("app"), STR_INIT("client")},
                                   {STR_INIT("v"), STR_INIT("0")},
                                   {STR_INIT("istio-locality"), str_of(place)}};
    const struct proxy_identity client = {
        .type = PROXY_SIDECAR,
        .name = STR_INIT("client-0"),
        .namespace = STR_INIT("default"),
        .labels = labels,
        .label_count = place[0] != '\0' ? 3 : 2,
        .address = STR_INIT("127.9.9.9"),
    };
    fixture_init(fixture, text, &client, "istio-latest");
}

/* "pod:priority:weight" of each, in order. */
static struct str endpoints_text(struct fixture *fixture)
{
    const struct cluster *cluster = snapshot_cluster(fixture->snapshot, STR(NAME_OF_A));
    struct str out = STR_EMPTY;

    assert_non_null(cluster);
    for (uint32_t i = 0; i < cluster->endpoint_count; i++) {
        const struct endpoint *endpoint = &cluster->endpoints[i];
        struct str rest = endpoint->pod;
        struct str pod = str_cut(&rest, '.');
        out = arena_format(&fixture->arena, "%.*s%s%.*s:%u:%u", STR_FMT(out), i > 0 ? " " : "",
                           STR_FMT(pod), endpoint->priority, endpoint->locality_weight);
    }
    return out;
}

static void test_endpoints_follow_their_localities(void **state)
{
    (void)state;
    static const struct {
        const char *rule, *text, *place, *want;
    } rows[] = {
        {"without outlierDetection nothing but the order", MESH LOCALITY("{}"), "eu.a.x",
         "ap1:0:1 eu1:0:2 eu2:0:2 eu3:0:1 eu4:0:1 us1:0:1"},
        {"same place, zone, region, elsewhere", MESH OUTLIER, "eu.a.x",
         "ap1:3:1 eu1:0:2 eu2:0:2 eu3:1:1 eu4:2:1 us1:3:1"},
        {"priorities have no gaps", MESH OUTLIER, "us.a.z",
         "ap1:1:1 eu1:1:2 eu2:1:2 eu3:1:1 eu4:1:1 us1:0:1"},
        {"failover leads to us", MESH OUTLIER LOCALITY("{failover: [{from: eu, to: us}]}"),
         "eu.a.x", "ap1:4:1 eu1:0:2 eu2:0:2 eu3:1:1 eu4:2:1 us1:3:1"},
        {"failover from elsewhere", MESH OUTLIER LOCALITY("{failover: [{from: us, to: eu}]}"),
         "eu.a.x", "ap1:3:1 eu1:0:2 eu2:0:2 eu3:1:1 eu4:2:1 us1:3:1"},
        {"enabled: false", MESH OUTLIER LOCALITY("{enabled: false}"), "eu.a.x",
         "ap1:0:1 eu1:0:2 eu2:0:2 eu3:0:1 eu4:0:1 us1:0:1"},
        {"a proxy without a locality", MESH OUTLIER, "",
         "ap1:0:1 eu1:0:2 eu2:0:2 eu3:0:1 eu4:0:1 us1:0:1"},
        {"labels in order, a value of its own for the last",
         MESH OUTLIER LOCALITY("{failoverPriority: [topology.kubernetes.io/region, "
                               "topology.kubernetes.io/zone, v=2]}"),
         "eu.a.x", "ap1:2:1 eu1:0:2 eu2:0:2 eu3:0:1 eu4:1:1 us1:2:1"},
        {"the proxy's own label", MESH OUTLIER LOCALITY("{failoverPriority: [v]}"), "eu.a.x",
         "ap1:1:1 eu1:0:2 eu2:0:2 eu3:1:1 eu4:1:1 us1:1:1"},
        {"shares, rounded up; ap has none",
         MESH LOCALITY("{distribute: [{from: us/*, to: {us/*: 100}}, {from: eu/a/*, to: "
                       "{eu/a/*: 70, eu/b/*: 20, us/a: 10}}]}"),
         "eu.a.x", "eu1:0:47 eu2:0:47 eu3:0:24 eu4:0:20 us1:0:10"},
        {"a label without a subzone is a place of its own beside a node's text",
         SERVICE("a", "http", "80") PLACED("n1", "eu.a", "") PLACED("n2", "eu/a/", ""), "eu.a.x",
         "n1:0:1 n2:0:1"},
        {"shares of others", MESH LOCALITY("{distribute: [{from: us/*, to: {us/*: 100}}]}"),
         "eu.a.x", "ap1:0:1 eu1:0:2 eu2:0:2 eu3:0:1 eu4:0:1 us1:0:1"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct fixture fixture;
        translate(&fixture, rows[i].text, rows[i].place);
        struct str got = endpoints_text(&fixture);
        if (!str_eq(got, str_of(rows[i].want)))
            fail_msg("%s: got %.*s, want %s", rows[i].rule, STR_FMT(got), rows[i].want);
        fixture_fini(&fixture);
    }
}

#define HASHED(policy)         \
    SERVICE("a", "http", "80") \
    POD("a1", "a")             \
    DESTINATION_RULE("a") "  host: a\n  trafficPolicy:\n" policy "---\n"
#define BY(key) "loadBalancer: {consistentHash: {" key "}}"
#define PORTS "    portLevelSettings:\n    - {port: {number: 80}, " BY("httpHeaderName: port") "}\n"
#define SUBSETS                                                                              \
    "  subsets:\n  - {name: v1, labels: {v: \"1\"}}\n  - name: v2\n    labels: {v: \"2\"}\n" \
    "    trafficPolicy:\n      " BY("httpHeaderName: subset") "\n"
#define TO(text) VIRTUAL_SERVICE("a") "  hosts: [a]\n  http:\n  - route:\n" text

/* The keys of the route to "a", and whether a retry avoids where it was. */
static struct str route_text(struct fixture *fixture)
{
    const struct virtual_host *host = fixture_host(fixture, "80", "a.default.svc.cluster.local:80");
    assert_true(host != NULL && host->route_count > 0);
    const struct forward_action *forward = &host->routes[0].forward;
    struct str out = STR_EMPTY;

    for (uint32_t i = 0; i < forward->hash_count; i++)
        out = arena_format(&fixture->arena, "%.*s%u=%.*s ", STR_FMT(out),
                           (unsigned)forward->hashes[i].kind, STR_FMT(forward->hashes[i].name));
    return arena_concat(&fixture->arena, out,
                        forward->retry->has_previous_hosts ? STR("avoids") : STR("stays"));
}

static void test_routes_have_the_keys_of_their_destinations(void **state)
{
    (void)state;
    static const struct {
        const char *rule, *text, *want;
    } rows[] = {
        {"nobody wrote a rule", HASHED("    " BY("httpHeaderName: top") "\n"), "0=top avoids"},
        {"the port's, where nobody wrote a rule",
         HASHED("    " BY("httpHeaderName: top") "\n" PORTS), "0=port avoids"},
        {"cookie", HASHED("    " BY("httpCookie: {name: c, ttl: 0s}") "\n"), "1=c avoids"},
        {"source", HASHED("    " BY("useSourceIp: true") "\n"), "2= avoids"},
        {"query", HASHED("    " BY("httpQueryParameterName: q") "\n"), "3=q avoids"},
        {"no key", HASHED("    " BY("useSourceIp: false") "\n"), "avoids"},
        {"one destination: a retry stays",
         HASHED("    " BY("httpHeaderName: top") "\n") TO("    - destination: {host: a}\n"),
         "0=top stays"},
        {"a port's counts only where the port is said",
         HASHED("    " BY("httpHeaderName: top") "\n" PORTS) TO("    - destination: {host: a}\n"),
         "0=top stays"},
        {"where the port is said",
         HASHED("    " BY("httpHeaderName: top") "\n" PORTS)
             TO("    - destination: {host: a, port: {number: 80}}\n"),
         "0=port stays"},
        {"two destinations, two keys",
         HASHED("    " BY("httpHeaderName: top") "\n" SUBSETS)
             TO("    - {destination: {host: a, subset: v1}, weight: 50}\n"
                "    - {destination: {host: a, subset: v2}, weight: 50}\n"),
         "0=top 0=subset avoids"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct fixture fixture;
        fixture_sidecar(&fixture, rows[i].text);
        struct str got = route_text(&fixture);
        if (!str_eq(got, str_of(rows[i].want)))
            fail_msg("%s: got %.*s, want %s", rows[i].rule, STR_FMT(got), rows[i].want);
        fixture_fini(&fixture);
    }
}

#define NODE(name, labels) \
    "apiVersion: v1\nkind: Node\nmetadata: {name: " name ", labels: {" labels "}}\n---\n"
#define ON(pod, node)                                                                \
    "apiVersion: v1\nkind: Pod\nmetadata: {name: " pod ", labels: {app: a}}\nspec: " \
    "{nodeName: " node ", containers: []}\n---\n"
#define MACHINES                                                                      \
    NODE("n1", "topology.kubernetes.io/region: r1, topology.kubernetes.io/zone: z1, " \
               "topology.istio.io/subzone: s1")                                       \
    NODE("n2", "topology.kubernetes.io/region: r1, topology.kubernetes.io/zone: z2")  \
    NODE("n3", "failure-domain.beta.kubernetes.io/region: r2")                        \
    NODE("n4", "topology.kubernetes.io/region: r1, topology.kubernetes.io/zone: z1, " \
               "topology.istio.io/subzone: s1")                                       \
    ON("p1", "n1")                                                                    \
    ON("p2", "n2") ON("p3", "n3") ON("p4", "n4") ON("p5", "nowhere")
#define SAYS(more, annotation)                                                            \
    "apiVersion: v1\nkind: Service\nmetadata: {name: a" annotation "}\nspec: {selector: " \
    "{app: a}, ports: [{name: http, port: 80}]" more "}\n---\n"
#define NOTE(word) ", annotations: {networking.istio.io/traffic-distribution: " word "}"
#define NAMESPACE(more) "apiVersion: v1\nkind: Namespace\nmetadata: {name: default" more "}\n---\n"
#define ZONES(text)       \
    DESTINATION_RULE("a") \
    "  host: a\n  trafficPolicy:\n    loadBalancer: {zoneAwareLbSetting: " text "}\n"

/* ISTIO.md 3.6, 4.4; p1 and p4 stand in one place, on two machines. All but the
 * namespace's word as a real istiod 1.31 has it. */
static void test_machines_and_services_say_where_to_go(void **state)
{
    (void)state;
    static const struct {
        const char *text, *want;
        bool is_zone_aware;
    } rows[] = {
        {SAYS("", "") MACHINES, "p5:0:1 p1:0:2 p4:0:2 p2:0:1 p3:0:1", false},
        {SAYS(", trafficDistribution: PreferClose", "") MACHINES,
         "p5:2:1 p1:0:2 p4:0:2 p2:1:1 p3:2:1", false},
        {SAYS(", trafficDistribution: PreferSameZone", "") MACHINES,
         "p5:2:1 p1:0:2 p4:0:2 p2:1:1 p3:2:1", false},
        {SAYS(", trafficDistribution: PreferSameNode", "") MACHINES,
         "p5:3:1 p1:0:1 p4:1:1 p2:2:1 p3:3:1", false},
        {SAYS(", trafficDistribution: Whatever", "") MACHINES, "p5:0:1 p1:0:2 p4:0:2 p2:0:1 p3:0:1",
         false},
        {SAYS("", NOTE("prefersamenode")) MACHINES, "p5:3:1 p1:0:1 p4:1:1 p2:2:1 p3:3:1", false},
        {NAMESPACE(NOTE("PreferClose")) SAYS("", "") MACHINES, "p5:2:1 p1:0:2 p4:0:2 p2:1:1 p3:2:1",
         false},
        {NAMESPACE(NOTE("PreferClose")) SAYS("", NOTE("Any")) MACHINES,
         "p5:0:1 p1:0:2 p4:0:2 p2:0:1 p3:0:1", false},
        {SAYS("", "") MACHINES ZONES("{}"), "p5:1:1 p1:0:2 p4:0:2 p2:0:1 p3:1:1", true},
        {SAYS("", "") MACHINES ZONES("{enabled: false}"), "p5:0:1 p1:0:2 p4:0:2 p2:0:1 p3:0:1",
         true},
        {SAYS("", "") MACHINES ZONES("{failover: [{from: r1, to: r2}]}"),
         "p5:2:1 p1:0:2 p4:0:2 p2:0:1 p3:1:1", true},
        {SAYS("", "") MACHINES ZONES("{failoverPriority: [kubernetes.io/hostname]}"),
         "p5:2:1 p1:0:1 p4:1:1 p2:1:1 p3:2:1", true},
        {SAYS(", trafficDistribution: PreferClose", "") MACHINES ZONES("{}"),
         "p5:1:1 p1:0:2 p4:0:2 p2:0:1 p3:1:1", true},
    };
    static const struct label labels[] = {
        {STR_INIT("kubernetes.io/hostname"), STR_INIT("n1")},
        {STR_INIT("topology.kubernetes.io/region"), STR_INIT("r1")},
        {STR_INIT("topology.kubernetes.io/zone"), STR_INIT("z1")},
        {STR_INIT("topology.istio.io/subzone"), STR_INIT("s1")}};
    const struct proxy_identity client = {.type = PROXY_SIDECAR,
                                          .name = STR_INIT("client-0"),
                                          .namespace = STR_INIT("default"),
                                          .labels = labels,
                                          .label_count = 4,
                                          .address = STR_INIT("127.9.9.9")};
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct fixture fixture;
        fixture_init(&fixture, rows[i].text, &client, "istio-latest");
        struct str got = endpoints_text(&fixture);
        const struct cluster *cluster = snapshot_cluster(fixture.snapshot, STR(NAME_OF_A));
        if (!str_eq(got, str_of(rows[i].want)))
            print_error("row %zu: %.*s\n", i, STR_FMT(got));
        assert_true(str_eq(got, str_of(rows[i].want)));
        assert_int_equal(cluster->zone_aware.is_set, rows[i].is_zone_aware);
        fixture_fini(&fixture);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_machines_and_services_say_where_to_go),
        cmocka_unit_test(test_endpoints_follow_their_localities),
        cmocka_unit_test(test_routes_have_the_keys_of_their_destinations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
