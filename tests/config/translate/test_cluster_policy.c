/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/config/translate/test_cluster_policy.c - each field of a trafficPolicy
 * becomes what Istio makes of it, shown by what is printed (ISTIO.md 3.4 to
 * 3.10); the proxy's own side of its service (5.3).
 */
#include "tests/config/translate/fixture.h"

#include "proxy/model/print_parts.h"

#define NAME_OF_A "outbound|80||a.default.svc.cluster.local"

#define TUNNEL_POD(name)                                \
    "apiVersion: v1\nkind: Pod\nmetadata: {name: " name \
    ", labels: {app: a, networking.istio.io/tunnel: '%s'}}\nspec: {containers: []}\n---\n"

/* The cluster as text, in the fixture's arena. */
static struct str printed(struct fixture *fixture, const char *name)
{
    struct buf out;
    struct json json;
    const struct cluster *cluster = snapshot_cluster(fixture->snapshot, str_of(name));

    assert_non_null(cluster);
    buf_init(&out, 1 << 20);
    json_init(&json, &out, 0);
    print_cluster(&json, cluster);
    struct str text = arena_str(&fixture->arena, buf_str(&out));
    buf_fini(&out);
    return text;
}

static void assert_part(struct str text, const char *part, bool is_wanted)
{
    if (str_contains(text, str_of(part)) != is_wanted)
        fail_msg("%s is %sin %.*s", part, is_wanted ? "not " : "", STR_FMT(text));
}

static const struct {
    const char *policy, *want, *not_want;
} POLICY_ROWS[] = {
    {"{connectionPool: {tcp: {maxConnectionDuration: 10m}}}",
     "\"commonHttpProtocolOptions\":{\"maxConnectionDuration\":\"600s\"}", "idleTimeout"},
    {"{connectionPool: {tcp: {tcpKeepalive: {time: 7200s, probes: 9}}}}",
     "{\"tcpKeepalive\":{\"keepaliveProbes\":9,\"keepaliveTime\":7200}}", "keepaliveInterval"},
    {"{connectionPool: {http: {h2UpgradePolicy: UPGRADE, maxConcurrentStreams: 9}}}",
     "\"http2ProtocolOptions\":{\"maxConcurrentStreams\":9}", "useDownstream"},
    {"{connectionPool: {http: {http2KeepAlive: {interval: 1s}}}}",
     "\"commonHttpProtocolOptions\":{}", "connectionKeepalive"},
    {"{connectionPool: {http: {useClientProtocol: true, h2UpgradePolicy: UPGRADE}}}",
     "useDownstreamProtocolConfig", "explicitHttpConfig"},
    {"{retryBudget: {percent: 33.5}}",
     "\"retryBudget\":{\"budgetPercent\":{\"value\":33.5},\"minRetryConcurrency\":3}",
     "budgetInterval"},
    {"{outlierDetection: {consecutive5xxErrors: 7}}",
     "\"outlierDetection\":{\"consecutive5xx\":7,\"enforcingConsecutive5xx\":100,"
     "\"enforcingSuccessRate\":0}",
     "consecutiveGateway"},
    {"{outlierDetection: {consecutiveGatewayErrors: 0}}",
     "\"consecutiveGatewayFailure\":0,\"enforcingConsecutiveGatewayFailure\":0", "consecutive5xx"},
    {"{outlierDetection: {splitExternalLocalOriginErrors: true, minHealthPercent: 30}}",
     "\"enforcingLocalOriginSuccessRate\":0,\"splitExternalLocalOriginErrors\":true",
     "\"healthyPanicThreshold\":{}"},
    {"{loadBalancer: {consistentHash: {httpHeaderName: x}}}",
     "\"lbPolicy\":\"RING_HASH\",\"ringHashLbConfig\":{\"minimumRingSize\":1024}", "maglev"},
    {"{loadBalancer: {consistentHash: {httpHeaderName: x, ringHash: {}}}}",
     "\"lbPolicy\":\"RING_HASH\"", "ringHashLbConfig"},
    {"{loadBalancer: {simple: RANDOM, consistentHash: {useSourceIp: true, "
     "maglev: {tableSize: 1009}}}}",
     "\"lbPolicy\":\"MAGLEV\",\"maglevLbConfig\":{\"tableSize\":1009}", "RANDOM"},
    {"{loadBalancer: {simple: ROUND_ROBIN, warmup: {duration: 30s}}}",
     "{\"slowStartConfig\":{\"slowStartWindow\":\"30s\",\"aggression\":{\"defaultValue\":1},"
     "\"minWeightPercent\":{\"value\":10}}}",
     "leastRequest"},
    {"{loadBalancer: {warmupDurationSecs: 5s}}",
     "\"leastRequestLbConfig\":{\"slowStartConfig\":{\"slowStartWindow\":\"5s\"}}", "aggression"},
    {"{loadBalancer: {localityLbSetting: {distribute: [{from: a, to: {b: 100}}]}}}",
     "\"localityWeightedLbConfig\":{}", "outlierDetection"},
    {"{loadBalancer: {localityLbSetting: {failover: [{from: a, to: b}]}}}",
     "\"healthyPanicThreshold\":{}", "localityWeightedLbConfig"},
    {"{loadBalancer: {localityLbSetting: {failover: [{from: a, to: b}]}}, "
     "outlierDetection: {interval: 1s}}",
     "\"localityWeightedLbConfig\":{}", "distribute"},
    {"{proxyProtocol: {version: V2}, tls: {mode: DISABLE}}",
     "\"config\":{\"version\":\"V2\"},\"transportSocket\":{\"name\":"
     "\"raw_buffer\"",
     "tlsMode"},
};

static void test_fields_become_parts_of_the_cluster(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(POLICY_ROWS); i++) {
        struct fixture fixture;
        fixture_sidecar(&fixture, mesh_text(SERVICE("a", "http", "80") DESTINATION_RULE(
                                                "a") "  host: a\n  trafficPolicy: %s\n",
                                            POLICY_ROWS[i].policy));
        struct str got = printed(&fixture, NAME_OF_A);
        assert_part(got, POLICY_ROWS[i].want, true);
        assert_part(got, POLICY_ROWS[i].not_want, false);
        fixture_fini(&fixture);
    }
}

static void test_tls_modes_become_transport_sockets(void **state)
{
    (void)state;
    static const struct {
        const char *tls, *want, *not_want;
    } rows[] = {
        {"{mode: DISABLE}", "\"type\":\"EDS\"", "transportSocket"},
        {"{mode: SIMPLE}", "{\"name\":\"file-root:system\"}", "alpnProtocols"},
        {"{mode: SIMPLE}", "{\"autoSni\":true,\"autoSanValidation\":true}", "tlsMode"},
        {"{mode: SIMPLE}", "\"alpn_override\":\"false\"", "\"sni\""},
        {"{mode: SIMPLE, sni: x, caCertificates: /ca, subjectAltNames: [x]}",
         "{\"matchSubjectAltNames\":[{\"exact\":\"x\"}]}", "autoSni"},
        {"{mode: SIMPLE, insecureSkipVerify: true}", "\"validationContext\":{}",
         "autoSanValidation"},
        {"{mode: SIMPLE, credentialName: c}", "\"alpn_override\"", "transportSocket"},
        {"{mode: MUTUAL, clientCertificate: /c, privateKey: /k}",
         "[{\"name\":\"file-cert:/c~/k\"}]", "tlsMode"},
        {"{mode: MUTUAL}", "autoSni", "transportSocket"},
        {"{mode: ISTIO_MUTUAL}", "\"transportSocket\":{\"name\":\"envoy.transport_sockets.tls\"",
         "transportSocketMatches"},
        {"{mode: ISTIO_MUTUAL}", "outbound_.80_._.a.default.svc.cluster.local", "alpn_override"},
        {"{mode: ISTIO_MUTUAL, sni: my.sni, subjectAltNames: ['spiffe://x']}", "\"sni\":\"my.sni\"",
         "sa/default"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct fixture fixture;
        fixture_sidecar(
            &fixture, mesh_text(SERVICE("a", "http", "80") POD("a-1", "a")
                                    DESTINATION_RULE("a") "  host: a\n  trafficPolicy: {tls: %s}\n",
                                rows[i].tls));
        struct str got = printed(&fixture, NAME_OF_A);
        assert_part(got, rows[i].want, true);
        assert_part(got, rows[i].not_want, false);
        fixture_fini(&fixture);
    }
}

/* Nobody tunnels here; what istiod says of it is metadata of the service's own cluster. */
static void test_endpoints_that_all_take_tunnels_are_said_to(void **state)
{
    (void)state;
    static const struct {
        const char *first, *second;
        bool is_said;
    } rows[] = {
        {"http", "http", true}, {"x,http", "http", true}, {"http", "x", false}, {"", "", false}};
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct fixture fixture;
        fixture_sidecar(&fixture,
                        mesh_text(SERVICE("a", "http", "80") TUNNEL_POD("a-1") TUNNEL_POD("a-2"),
                                  rows[i].first, rows[i].second));
        assert_part(printed(&fixture, NAME_OF_A), "\"disable_mx\":true", rows[i].is_said);
        fixture_fini(&fixture);
    }
}

/* Two services of one port: the older one's, or the first by host, decides. */
static void test_the_application_has_a_cluster_for_each_of_its_ports(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_sidecar(&fixture,
                    "apiVersion: v1\nkind: Service\nmetadata: {name: b}\n"
                    "spec: {selector: {app: client}, ports: [{name: grpc, port: 70, targetPort: "
                    "8080}]}\n---\n"
                    "apiVersion: v1\nkind: Service\nmetadata: {name: a}\n"
                    "spec: {selector: {app: client}, ports: [{name: http, port: 80, targetPort: "
                    "8080}, {name: tcp, port: 90}]}\n---\n" DESTINATION_RULE(
                        "a") "  host: a\n  trafficPolicy: {connectionPool: {tcp: {maxConnections: "
                             "5}}}\n");
    const struct cluster *web = snapshot_cluster(fixture.snapshot, STR("inbound|8080||"));
    const struct cluster *tcp = snapshot_cluster(fixture.snapshot, STR("inbound|90||"));
    assert_non_null(web);
    assert_non_null(tcp);
    assert_int_equal(web->type, CLUSTER_ORIGINAL_DST);
    assert_int_equal(web->protocol, UPSTREAM_HTTP1);
    assert_int_equal(web->breakers.max_connections, 5);
    assert_part(printed(&fixture, "inbound|90||"), "\"commonLbConfig\":{}", true);
    assert_part(printed(&fixture, "inbound|90||"), "\"cleanupInterval\":\"9223372035s\"", true);
    fixture_fini(&fixture);
}

static void test_the_mesh_may_say_what_clusters_have(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_sidecar(
        &fixture,
        SERVICE(
            "a", "http",
            "80") "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: istio, namespace: "
                  "istio-system}\n"
                  "data:\n  mesh: |\n    h2UpgradePolicy: UPGRADE\n    tcpKeepalive: {time: 10s}\n"
                  "    inboundTrafficPolicy: {mode: LOCALHOST}\n"
                  "    defaultTrafficPolicy: {connectionPool: {tcp: {maxConnections: 77}}, "
                  "outlierDetection: {consecutive5xxErrors: 8}}\n---\n"
                  "apiVersion: v1\nkind: Service\nmetadata: {name: me}\n"
                  "spec: {selector: {app: client}, ports: [{name: http, port: 80}]}\n");
    struct str got = printed(&fixture, NAME_OF_A);
    assert_part(got, "\"http2ProtocolOptions\":{}", true);
    assert_part(got, "\"keepaliveTime\":10", true);
    assert_part(got, "\"maxConnections\":77", true);
    assert_part(got, "\"consecutive5xx\":8", true);
    got = printed(&fixture, "inbound|80||");
    assert_part(got, "\"address\":\"127.0.0.1\",\"portValue\":80", true);
    assert_part(got, "http2ProtocolOptions", false);
    assert_part(got, "healthStatus", false);
    got = printed(&fixture, "PassthroughCluster");
    assert_part(got, "\"maxConnections\":77", true);
    assert_part(got, "\"idleTimeout\":\"300s\"", true);
    fixture_fini(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fields_become_parts_of_the_cluster),
        cmocka_unit_test(test_tls_modes_become_transport_sockets),
        cmocka_unit_test(test_endpoints_that_all_take_tunnels_are_said_to),
        cmocka_unit_test(test_the_application_has_a_cluster_for_each_of_its_ports),
        cmocka_unit_test(test_the_mesh_may_say_what_clusters_have),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
