/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/config/translate/test_gateway.c - a gateway's servers and routes are
 * merged as istiod does it (ISTIO.md 2.18, 5.7).
 */
#include "tests/config/translate/fixture.h"

#define HTTP_SERVER(hosts) \
    "  - port: {number: 80, name: http, protocol: HTTP}\n    hosts: " hosts "\n"
#define ROUTE(host) "route: [{destination: {host: " host "}}]"

static void test_without_a_virtual_service_nothing_is_found(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_gateway(&fixture, GATEWAY("web") "  servers:\n" HTTP_SERVER("['*']"));
    const struct virtual_host *host = fixture_host(&fixture, "http.80", "blackhole:80");
    assert_non_null(host);
    assert_int_equal(host->route_count, 0);
    assert_text(&fixture, fixture.snapshot->listeners[0].name, "0.0.0.0_80");
    assert_true(fixture.snapshot->listeners[0].chains[0].http.is_using_remote_address);
    fixture_fini(&fixture);
}

static void test_hosts_are_the_more_specific_of_each_pair(void **state)
{
    (void)state;
    static const struct {
        const char *server, *service;
        const char *want; /* NULL: nothing in common */
    } rows[] = {
        {"*", "a.example.com", "a.example.com:80"},
        {"a.example.com", "'*.example.com'", "a.example.com:80"},
        {"*.example.com", "a.example.com", "a.example.com:80"},
        {"*", "'*'", "*:80"},
        {"default/a.example.com", "a.example.com", "a.example.com:80"},
        {"other/a.example.com", "a.example.com", NULL},
        {"b.example.com", "a.example.com", NULL},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct fixture fixture;
        fixture_gateway(
            &fixture,
            mesh_text(GATEWAY("web") "  servers:\n" HTTP_SERVER("['%s']") "---\n" VIRTUAL_SERVICE(
                          "v") "  hosts: [%s]\n"
                               "  gateways: [web]\n  http:\n  - " ROUTE("a") "\n",
                      rows[i].server, rows[i].service));
        const char *name = rows[i].want != NULL ? rows[i].want : "blackhole:80";
        assert_non_null(fixture_host(&fixture, "http.80", name));
        fixture_fini(&fixture);
    }
}

static void test_one_host_of_several_virtual_services_has_all_their_routes(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_gateway(
        &fixture, GATEWAY("web") "  servers:\n" HTTP_SERVER("['*']") "---\n" VIRTUAL_SERVICE(
                      "first") "  hosts: [a.com]\n  gateways: [web]\n  http:\n"
                               "  - match: [{uri: {prefix: /1}}]\n    " ROUTE("one") "\n  - " ROUTE(
                                   "rest") "\n"
                                           "---\n" VIRTUAL_SERVICE(
                                               "second") "  hosts: [a.com]\n  gateways: [web]\n"
                                                         "  http:\n  - match: [{uri: {prefix: "
                                                         "/2}}]\n    " ROUTE("two") "\n");
    assert_text(&fixture, fixture_routes(&fixture, "http.80", "a.com:80"),
                "outbound|80||one.default.svc.cluster.local,"
                "outbound|80||two.default.svc.cluster.local,"
                "outbound|80||rest.default.svc.cluster.local");
    const struct virtual_host *host = fixture_host(&fixture, "http.80", "a.com:80");
    for (uint32_t i = 0; i < host->route_count; i++)
        assert_int_equal(host->routes[i].index, i);
    fixture_fini(&fixture);
}

/* How a claim is named, and what it must be, as istiod 1.31 takes them. */
static void test_claims_are_matched_by_their_names(void **state)
{
    (void)state;
    static const struct {
        const char *name, *match, *path;
        enum string_match_kind kind;
    } rows[] = {
        {"@request.auth.claims.a", "exact: x", "a", STRING_EXACT},
        {"@request.auth.claims.a.b", "prefix: x", "a/b", STRING_PREFIX},
        {"@request.auth.claims[a.b]", "exact: x", "a.b", STRING_EXACT},
        {"@request.auth.claims[a][b]", "regex: x", "a/b", STRING_REGEX},
        {"@Request.Auth.CLAIMS.Sub", "exact: x", "Sub", STRING_EXACT},
        {"@request.auth.claims.a", "", "a", STRING_PRESENT},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct fixture fixture;
        fixture_gateway(
            &fixture,
            mesh_text(
                GATEWAY("web") "  servers:\n" HTTP_SERVER("['*']") "---\n" VIRTUAL_SERVICE(
                    "v") "  hosts: [a.com]\n  gateways: [web]\n"
                         "  http:\n  - match: [{headers: {'%s': {%s}}}]\n    " ROUTE("a") "\n",
                rows[i].name, rows[i].match));
        const struct virtual_host *host = fixture_host(&fixture, "http.80", "a.com:80");
        const struct route_match *match = &host->routes[0].match;
        assert_int_equal(match->header_count, 0);
        assert_int_equal(match->claim_count, 1);
        struct str path = STR_EMPTY;
        for (uint32_t k = 0; k < match->claims[0].path_count; k++)
            path = arena_format(&fixture.arena, "%.*s%s%.*s", STR_FMT(path), k > 0 ? "/" : "",
                                STR_FMT(match->claims[0].path[k]));
        assert_text(&fixture, path, rows[i].path);
        assert_int_equal(match->claims[0].value.kind, rows[i].kind);
        fixture_fini(&fixture);
    }
}

static void test_hosts_with_the_same_routes_become_one(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_gateway(&fixture,
                    GATEWAY("web") "  servers:\n" HTTP_SERVER("['*']") "---\n" VIRTUAL_SERVICE(
                        "v") "  hosts: [b.com, '*.b.com', a.com]\n"
                             "  gateways: [web]\n  http:\n  - " ROUTE("a") "\n");
    const struct virtual_host *host = fixture_host(&fixture, "http.80", "a.com:80");
    assert_non_null(host);
    assert_text(&fixture, fixture_domains(&fixture, host), "a.com,b.com,*.b.com");
    assert_int_equal(fixture_table(&fixture, "http.80")->virtual_host_count, 1);
    fixture_fini(&fixture);
}

static void test_https_redirect_asks_for_tls(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_gateway(&fixture, GATEWAY("web") "  servers:\n" HTTP_SERVER(
                                  "[a.com, lonely.com]") "    tls: {httpsRedirect: "
                                                         "true}\n---\n" VIRTUAL_SERVICE(
                                                             "v") "  hosts: "
                                                                  "[a.com]\n  "
                                                                  "gateways: "
                                                                  "[web]\n  http:\n "
                                                                  " - " ROUTE("a") "\n");
    static const char *const names[] = {"a.com:80", "lonely.com:80"};
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        const struct virtual_host *host = fixture_host(&fixture, "http.80", names[i]);
        assert_non_null(host);
        assert_int_equal(host->require_tls, REQUIRE_TLS_ALL);
    }
    fixture_fini(&fixture);
}

static void test_a_server_port_is_the_services_port(void **state)
{
    (void)state;
    static const char *const text =
        "apiVersion: v1\nkind: Service\nmetadata: {name: gw, namespace: istio-system}\n"
        "spec: {selector: {istio: ingressgateway}, ports: [{name: http, port: 80, targetPort: "
        "8080}]}\n---\n"
        "apiVersion: v1\nkind: Pod\n"
        "metadata: {name: gateway-0, namespace: istio-system, labels: {istio: ingressgateway}}\n"
        "spec: {}\nstatus: {podIP: 127.9.9.8}\n---\n" GATEWAY("web") "  servers:\n" HTTP_SERVER(
            "['*']") "  - port: {number: 81, name: http-81, protocol: HTTP}\n    hosts: ['*']\n"
                     "    bind: 127.0.0.9\n";
    struct fixture fixture;
    fixture_gateway(&fixture, text);
    assert_int_equal(fixture.snapshot->listener_count, 2);
    assert_text(&fixture, fixture.snapshot->listeners[0].name, "0.0.0.0_8080");
    assert_non_null(fixture_table(&fixture, "http.8080"));
    assert_text(&fixture, fixture.snapshot->listeners[1].name, "127.0.0.9_81");
    assert_non_null(fixture_table(&fixture, "http.81.127.0.0.9"));
    fixture_fini(&fixture);
}

static void test_a_port_belongs_to_who_came_first(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_gateway(
        &fixture,
        GATEWAY("a") "  servers:\n  - port: {number: 80, name: tcp, protocol: TCP}\n"
                     "    hosts: ['*']\n---\n" GATEWAY("b") "  servers:\n" HTTP_SERVER("['*']"));
    assert_int_equal(fixture.snapshot->listener_count, 0);
    fixture_fini(&fixture);
}

static void test_a_gateway_takes_the_only_port_of_a_service(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_gateway(&fixture,
                    SERVICE("a", "http", "9080")
                        GATEWAY("web") "  servers:\n" HTTP_SERVER("['*']") "---\n" VIRTUAL_SERVICE(
                            "v") "  hosts: [a.com]\n"
                                 "  gateways: [web]\n  http:\n  - " ROUTE("a") "\n");
    assert_text(&fixture, fixture_routes(&fixture, "http.80", "a.com:80"),
                "outbound|9080||a.default.svc.cluster.local");
    assert_null(snapshot_cluster(fixture.snapshot, STR("PassthroughCluster")));
    fixture_fini(&fixture);
}

static void test_a_server_with_tls_that_repeats_a_host_is_left_out(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_gateway(&fixture, GATEWAY("a") "  servers:\n" HTTP_SERVER(
                                  "[a.com]") "    tls: {httpsRedirect: "
                                             "true}\n---\n" GATEWAY("b") "  servers:\n" HTTP_SERVER(
                                                 "[b.com, a.com]") "    "
                                                                   "tls: "
                                                                   "{http"
                                                                   "sRedi"
                                                                   "rect:"
                                                                   " true"
                                                                   "}\n");
    assert_non_null(fixture_host(&fixture, "http.80", "a.com:80"));
    assert_int_equal(fixture_table(&fixture, "http.80")->virtual_host_count, 1);
    assert_int_equal(fixture_table(&fixture, "http.80")->virtual_hosts[0].domain_count, 1);
    fixture_fini(&fixture);
}

static void test_a_redirect_to_the_usual_port_names_none(void **state)
{
    (void)state;
    static const struct {
        const char *redirect;
        uint32_t want; /* 0: no port is named */
    } rows[] = {
        {"{scheme: https, port: 443}", 0},
        {"{scheme: https, port: 80}", 80},
        {"{uri: /x, port: 80}", 0},
        {"{uri: /x, derivePort: FROM_REQUEST_PORT}", 0},
        {"{scheme: https, derivePort: FROM_REQUEST_PORT}", 80},
        {"{uri: /x, derivePort: FROM_PROTOCOL_DEFAULT}", 0},
        {"{uri: /x, port: 8080}", 8080},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct fixture fixture;
        fixture_gateway(
            &fixture,
            mesh_text(GATEWAY("web") "  servers:\n" HTTP_SERVER("['*']") "---\n" VIRTUAL_SERVICE(
                          "v") "  hosts: [a.com]\n  gateways: [web]\n  http:\n  - redirect: %s\n",
                      rows[i].redirect));
        const struct virtual_host *host = fixture_host(&fixture, "http.80", "a.com:80");
        assert_non_null(host);
        assert_int_equal(host->routes[0].redirect.port, rows[i].want);
        fixture_fini(&fixture);
    }
}

/* A ServiceEntry whose endpoint is the gateway: `port` of it is `target` there. */
#define GATEWAY_ENTRY(name, labels, port, target)                                         \
    "apiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata: {name: " name      \
    ", namespace: istio-system, labels: {" labels "}}\nspec:\n  hosts: [" name            \
    ".com]\n  resolution: STATIC\n  location: MESH_INTERNAL\n"                            \
    "  ports: [{number: " port ", targetPort: " target ", name: http, protocol: HTTP}]\n" \
    "  endpoints: [{address: 127.9.9.8}]\n---\n"
#define NAMED_GATEWAY(services)                                    \
    "apiVersion: networking.istio.io/v1\nkind: Gateway\n"          \
    "metadata: {name: web, namespace: istio-system, annotations: " \
    "{internal.istio.io/gateway-service: '" services "'}}\nspec:\n  servers:\n"

static struct str listener_names(struct fixture *fixture)
{
    struct str out = STR("");
    for (uint32_t i = 0; i < fixture->snapshot->listener_count; i++)
        out = arena_format(&fixture->arena, "%.*s%s%.*s", STR_FMT(out), i > 0 ? "," : "",
                           STR_FMT(fixture->snapshot->listeners[i].name));
    return out;
}

static void test_a_gateway_listens_where_its_services_lead(void **state)
{
    (void)state;
    static const struct {
        const char *text, *want;
    } rows[] = {
        /* Labels select: the first service decides, one may stay out of it. */
        {GATEWAY_ENTRY("a", "", "80", "8080") GATEWAY_ENTRY("b", "", "80", "8081")
             GATEWAY("web") "  servers:\n" HTTP_SERVER("['*']"),
         "0.0.0.0_8080"},
        {GATEWAY_ENTRY("a", "experimental.istio.io/disable-gateway-port-translation: ''", "80",
                       "8080") GATEWAY_ENTRY("b", "", "80", "8081")
             GATEWAY("web") "  servers:\n" HTTP_SERVER("['*']"),
         "0.0.0.0_8081"},
        {GATEWAY_ENTRY("a", "", "81", "8080") GATEWAY("web") "  servers:\n" HTTP_SERVER("['*']"),
         "0.0.0.0_80"},
        /* Services are named: all of them count, and none else. */
        {GATEWAY_ENTRY("a", "", "80", "8080") GATEWAY_ENTRY("b", "", "80", "8081")
             NAMED_GATEWAY("a.com,b.com") HTTP_SERVER("['*']"),
         "0.0.0.0_8080,0.0.0.0_8081"},
        {GATEWAY_ENTRY("a", "", "80", "8080") GATEWAY_ENTRY("b", "", "80", "8081")
             NAMED_GATEWAY("b.com") HTTP_SERVER("['*']"),
         "0.0.0.0_8081"},
        {GATEWAY_ENTRY("a", "", "81", "8080") NAMED_GATEWAY("a.com") HTTP_SERVER("['*']"), ""},
        {GATEWAY_ENTRY("a", "", "80", "8080") NAMED_GATEWAY("c.com") HTTP_SERVER("['*']"), ""},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct fixture fixture;
        fixture_gateway(&fixture, rows[i].text);
        assert_text(&fixture, listener_names(&fixture), rows[i].want);
        fixture_fini(&fixture);
    }
}

static void test_a_tls_route_leads_where_tls_ends(void **state)
{
    (void)state;
#define TLS_ROUTE(annotation)                                                                 \
    GATEWAY("web")                                                                            \
    "  servers:\n  - port: {number: 443, name: tls, protocol: TLS}\n    hosts: [a.com]\n"     \
    "    tls: {mode: SIMPLE, credentialName: c}\n---\n"                                       \
    "apiVersion: networking.istio.io/v1\nkind: VirtualService\n"                              \
    "metadata: {name: v, annotations: {internal.istio.io/parents: " annotation "}}\n"         \
    "spec:\n  hosts: [a.com]\n  gateways: [web]\n  tls:\n"                                    \
    "  - match: [{sniHosts: [a.com], port: 443}]\n    route: [{destination: {host: a, port: " \
    "{number: 80}}}]\n"
    struct fixture fixture;
    fixture_gateway(&fixture, TLS_ROUTE("TLSRoute/r.default"));
    assert_int_equal(fixture.snapshot->listener_count, 1);
    const struct filter_chain *chain = &fixture.snapshot->listeners[0].chains[0];
    assert_non_null(chain->tls);
    assert_text(&fixture, chain->tcp.cluster, "outbound|80||a.default.svc.cluster.local");
    fixture_fini(&fixture);
    fixture_gateway(&fixture, TLS_ROUTE("HTTPRoute/r.default"));
    assert_int_equal(fixture.snapshot->listener_count, 0);
    fixture_fini(&fixture);
}

/* Where istiod has deployed the proxy, Istio's own Gateways of other namespaces do not
 * reach it. */
static void test_istio_gateways_beside_one_that_istiod_deployed(void **state)
{
    (void)state;
    static const struct {
        const char *namespace;
        bool is_there;
    } rows[] = {{"default", true}, {"other", false}};
    static const struct label labels[] = {
        {STR_INIT("gateway.networking.k8s.io/gateway-name"), STR_INIT("gw")}};
    static const struct proxy_identity proxy = {.type = PROXY_ROUTER,
                                                .name = STR_INIT("gw-istio-0"),
                                                .namespace = STR_INIT("default"),
                                                .labels = labels,
                                                .label_count = 1,
                                                .address = STR_INIT("127.9.9.7")};

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct fixture fixture;
        char text[2048];
        (void)snprintf(
            text, sizeof(text),
            "apiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: {name: gw}\n"
            "spec: {gatewayClassName: istio, listeners: [{name: a, port: 80, protocol: HTTP}]}\n"
            "---\napiVersion: v1\nkind: Pod\nmetadata: {name: gw-istio-0, labels: "
            "{gateway.networking.k8s.io/gateway-name: gw}}\nspec: {containers: []}\n"
            "status: {podIP: 127.9.9.7}\n---\n"
            "apiVersion: networking.istio.io/v1\nkind: Gateway\n"
            "metadata: {name: i, namespace: %s}\nspec:\n"
            "  selector: {gateway.networking.k8s.io/gateway-name: gw}\n"
            "  servers: [{port: {number: 9000, name: t, protocol: TCP}, hosts: ['*']}]\n---\n"
            "apiVersion: networking.istio.io/v1\nkind: VirtualService\n"
            "metadata: {name: i, namespace: %s}\n"
            "spec: {hosts: ['*'], gateways: [i], tcp: [{route: [{destination: {host: x}}]}]}\n",
            rows[i].namespace, rows[i].namespace);
        fixture_init(&fixture, text, &proxy, "istio-latest");
        assert_int_equal(fixture.snapshot->listener_count, rows[i].is_there ? 2 : 1);
        fixture_fini(&fixture);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_istio_gateways_beside_one_that_istiod_deployed),
        cmocka_unit_test(test_without_a_virtual_service_nothing_is_found),
        cmocka_unit_test(test_hosts_are_the_more_specific_of_each_pair),
        cmocka_unit_test(test_one_host_of_several_virtual_services_has_all_their_routes),
        cmocka_unit_test(test_claims_are_matched_by_their_names),
        cmocka_unit_test(test_hosts_with_the_same_routes_become_one),
        cmocka_unit_test(test_https_redirect_asks_for_tls),
        cmocka_unit_test(test_a_server_port_is_the_services_port),
        cmocka_unit_test(test_a_port_belongs_to_who_came_first),
        cmocka_unit_test(test_a_gateway_takes_the_only_port_of_a_service),
        cmocka_unit_test(test_a_server_with_tls_that_repeats_a_host_is_left_out),
        cmocka_unit_test(test_a_redirect_to_the_usual_port_names_none),
        cmocka_unit_test(test_a_gateway_listens_where_its_services_lead),
        cmocka_unit_test(test_a_tls_route_leads_where_tls_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
