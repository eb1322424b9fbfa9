/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/config/translate/test_profiles.c - what profile istio-1.0 makes of the
 * same mesh, and which values say that nobody wrote them (ISTIO.md 11).
 */
#include "tests/config/translate/fixture.h"

#include "base/ns.h"
#include "config/translate/authn.h"

#define WORKLOAD                                                               \
    "apiVersion: v1\nkind: Pod\nmetadata: {name: web-0, labels: {app: web}}\n" \
    "spec: {containers: []}\nstatus: {podIP: 127.1.1.1}\n---\n"
#define WEB                                                                        \
    "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec:\n"                \
    "  selector: {app: web}\n  ports: [{name: http, port: 80, targetPort: 8080}, " \
    "{name: http-b, port: 81, targetPort: 8081}, {name: other, port: 82}]\n---\n"
#define POLICY(kind, name, namespace, spec)                          \
    "apiVersion: authentication.istio.io/v1alpha1\nkind: " kind "\n" \
    "metadata: {name: " name ", namespace: " namespace "}\nspec: {" spec "}\n---\n"
#define PEER(namespace, mode)                                      \
    "apiVersion: security.istio.io/v1\nkind: PeerAuthentication\n" \
    "metadata: {name: default, namespace: " namespace "}\nspec: {mtls: {mode: " mode "}}\n---\n"

static void fixture_web(struct fixture *out, const char *text, const char *profile)
{
    static const struct label labels[] = {{STR_INIT("app"), STR_INIT("web")}};
    static const struct proxy_identity web = {
        .type = PROXY_SIDECAR,
        .name = STR_INIT("web-0"),
        .namespace = STR_INIT("default"),
        .labels = labels,
        .label_count = 1,
        .address = STR_INIT("127.1.1.1"),
        .service_account = STR_INIT("default"),
    };
    fixture_init(out, text, &web, profile);
}

static const struct cluster *web_cluster(const struct fixture *fixture, const char *name)
{
    const struct cluster *cluster = snapshot_cluster(fixture->snapshot, str_of(name));
    assert_non_null(cluster);
    return cluster;
}

#define WEB_80 "outbound|80||web.default.svc.cluster.local"

static void test_what_nobody_wrote_is_the_profiles(void **state)
{
    (void)state;
    static const struct {
        const char *profile;
        int64_t connect_ns;
        bool has_panic;
        enum lb_policy lb;
        uint32_t retries_max;
        enum upstream_protocol other;
    } rows[] = {
        {"istio-latest", 10 * NS_SECOND, false, LB_LEAST_REQUEST, BREAKER_UNLIMITED,
         UPSTREAM_AS_DOWNSTREAM},
        {"istio-1.0", NS_SECOND, true, LB_ROUND_ROBIN, 3, UPSTREAM_TCP},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct fixture fixture;
        fixture_web(&fixture, WORKLOAD WEB, rows[i].profile);
        const struct cluster *cluster = web_cluster(&fixture, WEB_80);
        assert_int_equal(cluster->connect_timeout_ns, rows[i].connect_ns);
        assert_int_equal(!cluster->has_panic_threshold_zero, rows[i].has_panic);
        assert_int_equal(cluster->lb, rows[i].lb);
        assert_int_equal(cluster->breakers.max_retries, rows[i].retries_max);
        assert_int_equal(cluster->defaults, DEFAULT_LB | DEFAULT_CONNECT_TIMEOUT |
                                                DEFAULT_MAX_CONNECTIONS | DEFAULT_MAX_PENDING |
                                                DEFAULT_MAX_REQUESTS | DEFAULT_MAX_RETRIES |
                                                DEFAULT_PANIC | DEFAULT_MTLS);
        const struct cluster *other =
            web_cluster(&fixture, "outbound|82||web.default.svc.cluster.local");
        assert_int_equal(other->protocol, rows[i].other);
        assert_true((other->defaults & DEFAULT_PROTOCOL) != 0);
        assert_int_equal(fixture.snapshot->defaults, DEFAULT_UNKNOWN_HOST);
        fixture_fini(&fixture);
    }
}

static void test_what_somebody_wrote_is_no_default(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_web(
        &fixture,
        WORKLOAD WEB DESTINATION_RULE(
            "web") "  host: web\n"
                   "  trafficPolicy:\n"
                   "    loadBalancer: {simple: RANDOM}\n"
                   "    connectionPool: {tcp: {maxConnections: 5, connectTimeout: 3s}}\n"
                   "    outlierDetection: {consecutiveErrors: 7, minHealthPercent: 10}\n"
                   "    tls: {mode: DISABLE}\n"
                   "---\n" VIRTUAL_SERVICE("web") "  hosts: [web]\n"
                                                  "  http: [{route: [{destination: {host: web}}], "
                                                  "timeout: 3s, mirror: {host: web}}]\n",
        "istio-1.0");
    const struct cluster *cluster = web_cluster(&fixture, WEB_80);
    assert_int_equal(cluster->defaults,
                     DEFAULT_MAX_PENDING | DEFAULT_MAX_REQUESTS | DEFAULT_MAX_RETRIES);
    assert_int_equal(outlier_number(cluster->outlier, OUTLIER_CONSECUTIVE_GATEWAY_FAILURE), 7);
    assert_int_equal(outlier_number(cluster->outlier, OUTLIER_ENFORCING_CONSECUTIVE_5XX), 0);
    const struct virtual_host *host =
        fixture_host(&fixture, "80", "web.default.svc.cluster.local:80");
    assert_non_null(host);
    const struct forward_action *forward = &host->routes[0].forward;
    assert_int_equal(forward->defaults, DEFAULT_RETRY | DEFAULT_MIRROR_HOST);
    assert_null(forward->retry);
    assert_true(forward->mirrors[0].has_host_suffix);
    fixture_fini(&fixture);
}

static void test_the_mesh_config_outweighs_the_profile(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_web(&fixture,
                WORKLOAD WEB
                "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: istio, namespace: "
                "istio-system}\ndata:\n  mesh: |\n    connectTimeout: 4s\n"
                "    outboundTrafficPolicy: {mode: ALLOW_ANY}\n    enableAutoMtls: false\n"
                "    pathNormalization: {normalization: BASE}\n",
                "istio-1.0");
    const struct cluster *cluster = web_cluster(&fixture, WEB_80);
    assert_int_equal(cluster->connect_timeout_ns, 4 * NS_SECOND);
    assert_int_equal(cluster->defaults & (DEFAULT_CONNECT_TIMEOUT | DEFAULT_MTLS), 0);
    assert_int_equal(fixture.snapshot->defaults, 0);
    const struct listener *listener = snapshot_listener(fixture.snapshot, STR("0.0.0.0"), 80);
    assert_non_null(listener);
    for (uint32_t i = 0; i < listener->chain_count; i++)
        assert_true(listener->chains[i].kind != CHAIN_HTTP ||
                    listener->chains[i].http.is_normalizing_path);
    fixture_fini(&fixture);
}

static void test_a_gateway_passes_nothing_on_and_that_is_no_default(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_gateway(&fixture, WEB);
    assert_int_equal(fixture.snapshot->defaults, 0);
    fixture_fini(&fixture);
}

/* The mode of port 8080's chains: 's'trict, 'p'ermissive or 'd'isable. */
static char mode_of(const struct fixture *fixture, uint32_t port)
{
    uint32_t tls = 0, plain = 0;
    for (uint32_t i = 0; i < fixture->snapshot->listener_count; i++) {
        const struct listener *listener = &fixture->snapshot->listeners[i];
        for (uint32_t k = 0; listener->direction == TRAFFIC_INBOUND && k < listener->chain_count;
             k++) {
            const struct filter_chain *chain = &listener->chains[k];
            if (chain->destination_port != port)
                continue;
            tls += chain->is_tls;
            plain += !chain->is_tls;
        }
    }
    if (tls == 0)
        return plain > 0 ? 'd' : '?';
    return plain == 0 ? 's' : 'p';
}

static void test_policies_of_1_0_count_in_its_profile_only(void **state)
{
    (void)state;
    static const struct {
        const char *text, *profile;
        char of_8080, of_8081;
    } rows[] = {
        {"", "istio-1.0", 'd', 'd'},
        {"", "istio-latest", 'p', 'p'},
        {POLICY("MeshPolicy", "default", "x", "peers: [{mtls: {}}]"), "istio-1.0", 's', 's'},
        {POLICY("MeshPolicy", "default", "x", "peers: [{mtls: }]"), "istio-1.0", 's', 's'},
        {POLICY("MeshPolicy", "default", "x", "peers: [{mtls: {}}]"), "istio-latest", 'p', 'p'},
        {POLICY("MeshPolicy", "default", "x", "peers: [{mtls: {}}]")
             POLICY("Policy", "default", "default", "peers: [{mtls: {mode: PERMISSIVE}}]"),
         "istio-1.0", 'p', 'p'},
        {POLICY("MeshPolicy", "default", "x", "peers: [{mtls: {}}]")
             POLICY("Policy", "default", "elsewhere", "peers: [{mtls: {mode: PERMISSIVE}}]"),
         "istio-1.0", 's', 's'},
        {POLICY("MeshPolicy", "default", "x", "peers: [{mtls: {}}]")
             POLICY("Policy", "web", "default", "targets: [{name: web, ports: [{number: 81}]}]"),
         "istio-1.0", 's', 'd'},
        {POLICY("Policy", "web", "default",
                "targets: [{name: web, ports: [{name: http}]}], peers: [{mtls: {}}]"),
         "istio-1.0", 's', 'd'},
        {POLICY("Policy", "web", "default", "targets: [{name: reviews}], peers: [{mtls: {}}]"),
         "istio-1.0", 'd', 'd'},
        {PEER("default", "STRICT"), "istio-1.0", 's', 's'},
        {PEER("default", "STRICT") POLICY("MeshPolicy", "default", "x", "peers: []"), "istio-1.0",
         'd', 'd'},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct fixture fixture;
        struct str text;
        struct arena arena;
        arena_init(&arena, 4096, 0);
        text = arena_format(&arena, "%s%s", WORKLOAD WEB, rows[i].text);
        fixture_web(&fixture, text.ptr, rows[i].profile);
        if (mode_of(&fixture, 8080) != rows[i].of_8080 ||
            mode_of(&fixture, 8081) != rows[i].of_8081)
            fail_msg("row %zu: %c %c", i, mode_of(&fixture, 8080), mode_of(&fixture, 8081));
        fixture_fini(&fixture);
        arena_fini(&arena);
    }
}

static void test_policies_of_1_0_are_named(void **state)
{
    (void)state;
    struct fixture fixture;
    bool is_named = false;
    fixture_web(&fixture, WORKLOAD WEB POLICY("MeshPolicy", "default", "x", "peers: [{mtls: {}}]"),
                "istio-latest");
    for (uint32_t i = 0; i < fixture.diags.count; i++)
        is_named |= fixture.diags.items[i].id == DIAG_KIND_OLD;
    assert_true(is_named);
    fixture_fini(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_nobody_wrote_is_the_profiles),
        cmocka_unit_test(test_what_somebody_wrote_is_no_default),
        cmocka_unit_test(test_the_mesh_config_outweighs_the_profile),
        cmocka_unit_test(test_a_gateway_passes_nothing_on_and_that_is_no_default),
        cmocka_unit_test(test_policies_of_1_0_count_in_its_profile_only),
        cmocka_unit_test(test_policies_of_1_0_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
