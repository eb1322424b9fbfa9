/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/config/translate/test_inbound.c - a sidecar's inbound filter chains:
 * which there are, and what a connection must bring to meet one (ISTIO.md 5.3,
 * 6.1).
 */
#include "tests/config/translate/fixture.h"

#include "config/translate/authn.h"

#define WORKLOAD                                                                    \
    "apiVersion: v1\nkind: Pod\nmetadata: {name: web-0, labels: {app: web}}\n"      \
    "spec: {containers: [{name: a, ports: [{name: main, containerPort: 8080}]}]}\n" \
    "status: {podIP: 127.1.1.1}\n---\n"
#define WEB(ports)                                                  \
    "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec:\n" \
    "  selector: {app: web}\n  ports: [" ports "]\n---\n"
#define POLICY(name, namespace, more)                              \
    "apiVersion: security.istio.io/v1\nkind: PeerAuthentication\n" \
    "metadata: {name: " name ", namespace: " namespace "}\nspec: {" more "}\n---\n"
#define MTLS(mode) "mtls: {mode: " mode "}"
#define SELECTOR "selector: {matchLabels: {app: web}}"

static void fixture_server(struct fixture *out, const char *text)
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
    fixture_init(out, text, &web, "istio-latest");
}

static const struct listener *inbound_of(const struct fixture *fixture)
{
    for (uint32_t i = 0; i < fixture->snapshot->listener_count; i++) {
        if (fixture->snapshot->listeners[i].direction == TRAFFIC_INBOUND)
            return &fixture->snapshot->listeners[i];
    }
    return NULL;
}

/* "tls+http raw+http": each chain of a port. '+' ends the mesh's TLS, '-' does not. */
static struct str chains_of(struct fixture *fixture, uint32_t port)
{
    const struct listener *listener = inbound_of(fixture);
    struct str out = STR("");

    for (uint32_t i = 0; i < listener->chain_count; i++) {
        const struct filter_chain *chain = &listener->chains[i];
        if (chain->destination_port != port)
            continue;
        assert_true(chain->is_tls == (chain->tls != NULL));
        out = arena_format(&fixture->arena, "%.*s%s%s%u%s%s", STR_FMT(out), out.len > 0 ? " " : "",
                           str_eq(chain->transport_protocol, STR("tls")) ? "tls" : "raw",
                           chain->application_protocol_count, chain->is_tls ? "+" : "-",
                           chain->kind == CHAIN_HTTP ? "http" : "tcp");
    }
    return out;
}

static void test_chains_follow_protocol_and_mode(void **state)
{
    (void)state;
    static const struct {
        const char *port_name, *mode, *want;
    } rows[] = {
        {"http", "DISABLE", "raw0-http"},
        {"http", "PERMISSIVE", "tls5+http raw0-http"},
        {"http", "UNSET", "tls5+http raw0-http"},
        {"http", "STRICT", "tls0+http"},
        {"grpc", "STRICT", "tls0+http"},
        {"tcp", "DISABLE", "raw0-tcp"},
        {"tcp", "PERMISSIVE", "tls5+tcp tls0-tcp raw0-tcp"},
        {"https", "PERMISSIVE", "tls5+tcp tls0-tcp raw0-tcp"},
        {"tcp", "STRICT", "tls0+tcp"},
        {"odd", "DISABLE", "raw2-http raw0-tcp"},
        {"odd", "PERMISSIVE", "tls3+http raw2-http tls2+tcp raw0-tcp tls0-tcp"},
        {"odd", "STRICT", "tls3+http tls0+tcp"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct fixture fixture;
        fixture_server(&fixture, mesh_text(WORKLOAD WEB("{name: %s, port: 80, targetPort: main}")
                                               POLICY("default", "default", MTLS("%s")),
                                           rows[i].port_name, rows[i].mode));
        assert_text(&fixture, chains_of(&fixture, 8080), rows[i].want);
        fixture_fini(&fixture);
    }
}

static void test_the_narrower_and_the_older_policy_counts(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum mtls_mode want;
    } rows[] = {
        {"", MTLS_MODE_PERMISSIVE},
        {POLICY("a", "istio-system", MTLS("STRICT")), MTLS_MODE_STRICT},
        {POLICY("a", "other", MTLS("STRICT")), MTLS_MODE_PERMISSIVE},
        {POLICY("a", "istio-system", MTLS("STRICT")) POLICY("a", "default", MTLS("DISABLE")),
         MTLS_MODE_DISABLE},
        {POLICY("a", "istio-system", MTLS("STRICT")) POLICY("a", "default", MTLS("UNSET")),
         MTLS_MODE_STRICT},
        {POLICY("a", "default", MTLS("STRICT"))
             POLICY("b", "default", SELECTOR ", " MTLS("DISABLE")),
         MTLS_MODE_DISABLE},
        {POLICY("a", "default", "selector: {matchLabels: {app: x}}, " MTLS("DISABLE")),
         MTLS_MODE_PERMISSIVE},
        {POLICY("a", "istio-system", SELECTOR ", " MTLS("DISABLE")), MTLS_MODE_PERMISSIVE},
        {POLICY("b", "default", MTLS("DISABLE")) POLICY("a", "default", MTLS("STRICT")),
         MTLS_MODE_STRICT},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        static const struct label labels[] = {{STR_INIT("app"), STR_INIT("web")}};
        struct fixture fixture;
        fixture_server(&fixture, rows[i].text);
        struct peer_policy policy =
            authn_peer_policy(fixture.mesh, STR("default"), labels, 1, &fixture.arena);
        assert_int_equal(policy.whole.mode, rows[i].want);
        fixture_fini(&fixture);
    }
}

static void test_ports_have_modes_of_their_own(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_server(&fixture, WORKLOAD WEB("{name: http, port: 80, targetPort: 8080}") POLICY(
                                 "a", "default",
                                 SELECTOR ", " MTLS("STRICT") ", portLevelMtls: {9000: {mode: "
                                                              "DISABLE}, 8080: {mode: UNSET}}"));
    assert_text(&fixture, chains_of(&fixture, 8080), "tls0+http");
    assert_text(&fixture, chains_of(&fixture, 9000), "raw2-http raw0-tcp");
    assert_text(&fixture, chains_of(&fixture, 0), "tls3+http tls0+tcp");
    /* Where nothing in plain text is HTTP, nobody looks for it. */
    const struct inspector *http = &inbound_of(&fixture)->http_inspector;
    assert_int_equal(http->port_count, 3);
    assert_int_equal(http->ports[0], 0);
    assert_int_equal(http->ports[1], 8080);
    assert_int_equal(http->ports[2], 15006);
    assert_int_equal(inbound_of(&fixture)->tls_inspector.port_count, 2);
    fixture_fini(&fixture);
}

static void test_tls_is_looked_for_only_where_it_is_expected(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_server(&fixture, WORKLOAD WEB("{name: http, port: 80, targetPort: 8080}")
                                 POLICY("a", "default",
                                        SELECTOR ", " MTLS("DISABLE") ", portLevelMtls: {8080: "
                                                                      "{mode: STRICT}}"));
    const struct inspector *tls = &inbound_of(&fixture)->tls_inspector;
    assert_true(tls->is_there && tls->is_on_ports_only);
    assert_int_equal(tls->port_count, 1);
    assert_int_equal(tls->ports[0], 8080);
    fixture_fini(&fixture);
}

static void test_the_older_service_has_a_port_that_two_lead_to(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_server(
        &fixture,
        WORKLOAD WEB(
            "{name: http, port: 80, targetPort: 8080}") "apiVersion: v1\nkind: Service\n"
                                                        "metadata: {name: old, creationTimestamp: "
                                                        "'2020-01-01T00:00:00Z'}\n"
                                                        "spec: {selector: {app: web}, ports: "
                                                        "[{name: tcp, port: 81, targetPort: "
                                                        "8080}]}\n");
    assert_text(&fixture, chains_of(&fixture, 8080), "tls5+tcp tls0-tcp raw0-tcp");
    fixture_fini(&fixture);
}

static void test_a_route_leads_to_the_application_without_a_timeout(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_server(&fixture, WORKLOAD WEB("{name: http, port: 80, targetPort: 8080}"));
    const struct listener *listener = inbound_of(&fixture);
    const struct filter_chain *chain = &listener->chains[listener->chain_count - 1];
    const struct virtual_host *host = &chain->http.routes->virtual_hosts[0];
    const struct route *route = &host->routes[0];
    assert_text(&fixture, host->name, "inbound|http|80");
    assert_text(&fixture, route->forward.cluster, "inbound|8080||");
    assert_text(&fixture, route->decorator, "web.default.svc.cluster.local:80/*");
    assert_true(route->forward.has_timeout && route->forward.timeout_ns == 0);
    assert_text(&fixture, route->forward.retry->retry_on, "reset-before-request");
    assert_true(chain->http.is_inbound && chain->http.has_inline_routes);
    /* Not a table of its own. */
    assert_null(fixture_table(&fixture, "inbound|8080||"));
    fixture_fini(&fixture);
}

static void test_ingress_listeners_stand_for_services(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_server(
        &fixture,
        WORKLOAD WEB(
            "{name: http, port: 80, targetPort: 8080}") "apiVersion: networking.istio.io/v1\nkind: "
                                                        "Sidecar\nmetadata: {name: web}\n"
                                                        "spec:\n  ingress:\n"
                                                        "  - {port: {number: 9080, protocol: HTTP, "
                                                        "name: h}, defaultEndpoint: "
                                                        "'127.0.0.1:8080'}\n"
                                                        "  - {port: {number: 9081, protocol: TCP, "
                                                        "name: t}, captureMode: NONE, "
                                                        "defaultEndpoint: '127.0.0.1:81'}\n");
    assert_text(&fixture, chains_of(&fixture, 8080), "");
    assert_text(&fixture, chains_of(&fixture, 9080), "tls5+http raw0-http");
    assert_text(&fixture, chains_of(&fixture, 9081), "");
    const struct listener *listener = inbound_of(&fixture);
    const struct filter_chain *chain = &listener->chains[listener->chain_count - 1];
    assert_text(&fixture, chain->config,
                "/apis/networking.istio.io/v1/namespaces/default/sidecar/web");
    assert_text(&fixture, chain->http.routes->virtual_hosts[0].routes[0].decorator,
                "web.default:9080/*");
    const struct listener *bound = &listener[1];
    assert_text(&fixture, bound->name, "0.0.0.0_9081");
    assert_true(bound->is_bound && !bound->has_original_dst);
    assert_int_equal(bound->chain_count, 3);
    fixture_fini(&fixture);
}

static void test_a_service_entry_may_mean_the_proxy_itself(void **state)
{
    (void)state;
    static const char *const text =
        "apiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata: {name: mine}\nspec:\n"
        "  hosts: [foo.bar]\n  resolution: STATIC\n  location: MESH_INTERNAL\n"
        "  endpoints: [{address: 127.1.1.1, ports: {web: 8080}}, {address: 127.1.1.2}]\n"
        "  ports: [{number: 70, name: tcp, protocol: TCP}, {number: 80, name: web, protocol: "
        "HTTP}]\n---\n"
        "apiVersion: networking.istio.io/v1\nkind: ServiceEntry\n"
        "metadata: {name: theirs, namespace: other}\nspec:\n"
        "  hosts: [foo.other]\n  resolution: STATIC\n  endpoints: [{address: 127.1.1.1}]\n"
        "  ports: [{number: 90, name: tcp, protocol: TCP}]\n";
    struct fixture fixture;
    fixture_server(&fixture, text);
    assert_text(&fixture, chains_of(&fixture, 70), "tls5+tcp tls0-tcp raw0-tcp");
    assert_text(&fixture, chains_of(&fixture, 8080), "tls5+http raw0-http");
    assert_text(&fixture, chains_of(&fixture, 80), "");
    assert_text(&fixture, chains_of(&fixture, 90), "");
    fixture_fini(&fixture);
}

static const struct cluster *cluster_of(const struct fixture *fixture, const char *name)
{
    const struct cluster *out = snapshot_cluster(fixture->snapshot, str_of(name));
    assert_non_null(out);
    return out;
}

/* A name outside of the mesh is not the application's, and of a service that
 * the workload may not see it knows no rule. */
static void test_clusters_name_what_the_proxy_knows(void **state)
{
    (void)state;
    static const char *const text =
        "apiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata: {name: outside}\n"
        "spec:\n  hosts: [foo.bar]\n  resolution: STATIC\n  endpoints: [{address: 127.1.1.1}]\n"
        "  ports: [{number: 70, name: tcp, protocol: TCP}]\n---\n"
        "apiVersion: v1\nkind: Service\nmetadata: {name: hidden, annotations: "
        "{networking.istio.io/exportTo: '~'}}\nspec:\n"
        "  selector: {app: web}\n  ports: [{name: http, port: 81}]\n---\n"
        "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec:\n"
        "  selector: {app: web}\n  ports: [{name: http, port: 80}]\n---\n"
        "apiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: {name: all}\n"
        "spec:\n  host: '*.local'\n"
        "  trafficPolicy: {connectionPool: {tcp: {maxConnections: 7}}}\n";
    struct fixture fixture;
    fixture_server(&fixture, text);
    assert_text(&fixture, cluster_of(&fixture, "inbound|70||")->service_host, "");
    assert_text(&fixture, cluster_of(&fixture, "inbound|81||")->service_name, "hidden");
    assert_text(&fixture, cluster_of(&fixture, "inbound|81||")->config, "");
    assert_int_not_equal(cluster_of(&fixture, "inbound|81||")->breakers.max_connections, 7);
    assert_int_equal(cluster_of(&fixture, "inbound|80||")->breakers.max_connections, 7);
    fixture_fini(&fixture);
}

#define INGRESS(port, protocol, tls)                                                  \
    "apiVersion: networking.istio.io/v1\nkind: Sidecar\nmetadata: {name: s}\nspec:\n" \
    "  ingress: [{port: {number: " port ", name: a, protocol: " protocol "}" tls "}]\n---\n"
#define OWN_TLS ", tls: {mode: MUTUAL, serverCertificate: c, privateKey: k, caCertificates: r}"
#define ISTIOD(value)                                                                     \
    "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: istiod, namespace: "         \
    "istio-system, labels: {app: istiod}}\nspec: {template: {spec: {containers: [{name: " \
    "discovery, env: [{name: ENABLE_TLS_ON_SIDECAR_INGRESS, value: '" value "'}]}]}}}\n---\n"

static void test_a_sidecar_may_end_tls_of_its_own(void **state)
{
    (void)state;
    static const struct {
        const char *text, *want;
        const char *certificate; /* of the first chain; NULL: none */
    } rows[] = {
        /* Behind a flag of istiod, and only where the mesh's own TLS is off. */
        {INGRESS("9080", "HTTPS", OWN_TLS) POLICY("p", "default", MTLS("DISABLE")), "raw0-tcp",
         NULL},
        {ISTIOD("false") INGRESS("9080", "HTTPS", OWN_TLS) POLICY("p", "default", MTLS("DISABLE")),
         "raw0-tcp", NULL},
        {ISTIOD("true") INGRESS("9080", "HTTPS", OWN_TLS) POLICY("p", "default", MTLS("DISABLE")),
         "tls0+http", "file-cert:c~k"},
        {ISTIOD("1") INGRESS("9080", "TLS", OWN_TLS) POLICY("p", "default", MTLS("DISABLE")),
         "tls0+tcp", "file-cert:c~k"},
        {ISTIOD("true") INGRESS("9080", "HTTPS", OWN_TLS) POLICY("p", "default", MTLS("STRICT")),
         "tls0+http", "default"},
        {ISTIOD("true") INGRESS("9080", "HTTPS", "") POLICY("p", "default", MTLS("DISABLE")),
         "raw0-tcp", NULL},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct fixture fixture;
        fixture_server(&fixture, rows[i].text);
        assert_text(&fixture, chains_of(&fixture, 9080), rows[i].want);
        const struct listener *listener = inbound_of(&fixture);
        for (uint32_t k = 0; k < listener->chain_count; k++) {
            const struct downstream_tls *tls = listener->chains[k].tls;
            if (listener->chains[k].destination_port == 9080 && tls != NULL)
                assert_text(&fixture, tls->certificates[0], rows[i].certificate);
        }
        fixture_fini(&fixture);
    }
}

static void test_ingress_is_at_an_address_that_others_reach(void **state)
{
    (void)state;
    static const struct {
        const char *address, *want;
    } rows[] = {{"10.0.0.5", "10.0.0.5_9080"}, {"127.1.1.1", "0.0.0.0_9080"}};
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const struct proxy_identity web = {
            .type = PROXY_SIDECAR,
            .name = STR("web-0"),
            .namespace = STR("default"),
            .address = str_of(rows[i].address),
            .service_account = STR("default"),
        };
        struct fixture fixture;
        fixture_init(&fixture, INGRESS("9080", "HTTP", ""), &web, "istio-latest");
        const struct listener *listener = inbound_of(&fixture);
        bool is_seen = false;
        for (uint32_t k = 0; k < listener->chain_count; k++) {
            if (listener->chains[k].destination_port != 9080)
                continue;
            assert_text(&fixture, listener->chains[k].name, rows[i].want);
            is_seen = true;
        }
        assert_true(is_seen);
        fixture_fini(&fixture);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_chains_follow_protocol_and_mode),
        cmocka_unit_test(test_the_narrower_and_the_older_policy_counts),
        cmocka_unit_test(test_ports_have_modes_of_their_own),
        cmocka_unit_test(test_tls_is_looked_for_only_where_it_is_expected),
        cmocka_unit_test(test_the_older_service_has_a_port_that_two_lead_to),
        cmocka_unit_test(test_a_service_entry_may_mean_the_proxy_itself),
        cmocka_unit_test(test_ingress_listeners_stand_for_services),
        cmocka_unit_test(test_clusters_name_what_the_proxy_knows),
        cmocka_unit_test(test_a_sidecar_may_end_tls_of_its_own),
        cmocka_unit_test(test_ingress_is_at_an_address_that_others_reach),
        cmocka_unit_test(test_a_route_leads_to_the_application_without_a_timeout),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
