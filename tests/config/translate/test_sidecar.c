/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/config/translate/test_sidecar.c - a sidecar's outbound side is what
 * istiod sends (ISTIO.md 2, 5.2).
 */
#include "tests/config/translate/fixture.h"
#include "proxy/model/retry_on.h"

#define ROUTE(host) "route: [{destination: {host: " host "}}]"

static void test_a_service_has_its_names_and_a_default_route(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_sidecar(&fixture, SERVICE("reviews", "http", "9080"));
    const struct virtual_host *host =
        fixture_host(&fixture, "9080", "reviews.default.svc.cluster.local:9080");
    assert_non_null(host);
    assert_text(&fixture, fixture_domains(&fixture, host),
                "reviews.default.svc.cluster.local,reviews.default.svc.cluster.local.,reviews,"
                "reviews.default.svc,reviews.default,127.74.255.88");
    const struct route *route = &host->routes[0];
    assert_text(&fixture, route->name, "default");
    assert_text(&fixture, route->forward.cluster,
                "outbound|9080||reviews.default.svc.cluster.local");
    assert_text(&fixture, route->decorator, "reviews.default.svc.cluster.local:9080/*");
    assert_non_null(route->forward.retry);
    assert_int_equal(route->forward.retry->num_retries, 2);
    assert_int_equal(route->origin.line, 0);
    assert_text(&fixture, fixture_routes(&fixture, "9080", "allow_any"), "PassthroughCluster");
    fixture_fini(&fixture);
}

static void test_other_namespaces_need_longer_names(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_sidecar(&fixture, "apiVersion: v1\nkind: Service\n"
                              "metadata: {name: reviews, namespace: shop}\n"
                              "spec: {clusterIP: 10.0.0.1, ports: [{name: http, port: 80}]}\n");
    const struct virtual_host *host =
        fixture_host(&fixture, "80", "reviews.shop.svc.cluster.local:80");
    assert_text(&fixture, fixture_domains(&fixture, host),
                "reviews.shop.svc.cluster.local,reviews.shop.svc.cluster.local.,reviews.shop,"
                "reviews.shop.svc,10.0.0.1");
    fixture_fini(&fixture);
}

static void test_rules_become_routes_in_order(void **state)
{
    (void)state;
    static const struct {
        const char *http;
        const char *want;
    } rows[] = {
        {"  - match: [{uri: {exact: /a}}, {uri: {prefix: /b}}]\n    " ROUTE("b") "\n  - " ROUTE(
             "a") "\n",
         "outbound|80||b.default.svc.cluster.local,outbound|80||b.default.svc.cluster.local,"
         "outbound|80||a.default.svc.cluster.local"},
        /* A catch-all ends the list. */
        {"  - match: [{uri: {prefix: /}}]\n    " ROUTE("b") "\n  - " ROUTE("a") "\n",
         "outbound|80||b.default.svc.cluster.local"},
        {"  - match: [{uri: {regex: '.*'}}]\n    " ROUTE("b") "\n  - " ROUTE("a") "\n",
         "outbound|80||b.default.svc.cluster.local"},
        /* With a method it is none. */
        {"  - match: [{method: {exact: GET}}]\n    " ROUTE("b") "\n  - " ROUTE("a") "\n",
         "outbound|80||b.default.svc.cluster.local,outbound|80||a.default.svc.cluster.local"},
        /* Not for this proxy, port, namespace, gateway. */
        {"  - match: [{sourceLabels: {app: other}}]\n    " ROUTE("b") "\n  - " ROUTE("a") "\n",
         "outbound|80||a.default.svc.cluster.local"},
        {"  - match: [{sourceLabels: {app: client}}]\n    " ROUTE("b") "\n",
         "outbound|80||b.default.svc.cluster.local"},
        {"  - match: [{port: 81}]\n    " ROUTE("b") "\n  - " ROUTE("a") "\n",
         "outbound|80||a.default.svc.cluster.local"},
        {"  - match: [{sourceNamespace: other}]\n    " ROUTE("b") "\n  - " ROUTE("a") "\n",
         "outbound|80||a.default.svc.cluster.local"},
        {"  - match: [{gateways: [web]}]\n    " ROUTE("b") "\n  - " ROUTE("a") "\n",
         "outbound|80||a.default.svc.cluster.local"},
        /* No rule is left: the service's own route. */
        {"  - match: [{gateways: [web]}]\n    " ROUTE("b") "\n",
         "outbound|80||a.default.svc.cluster.local"},
        {"  - redirect: {uri: /x}\n", "redirect"},
        {"  - directResponse: {status: 200}\n", "direct"},
        {"  - route: [{destination: {host: a}, weight: 1}, {destination: {host: b}, weight: 2}]\n",
         "weighted"},
        {"  - route: [{destination: {host: a, subset: v1, port: {number: 8080}}}]\n",
         "outbound|8080|v1|a.default.svc.cluster.local"},
        {"  - route: [{destination: {host: nobody.example.com}}]\n",
         "outbound|80||nobody.example.com"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct fixture fixture;
        fixture_sidecar(&fixture, mesh_text(SERVICE("a", "http", "80") SERVICE("b", "http", "80")
                                                VIRTUAL_SERVICE("v") "  hosts: [a]\n  http:\n%s",
                                            rows[i].http));
        assert_text(&fixture, fixture_routes(&fixture, "80", "a.default.svc.cluster.local:80"),
                    rows[i].want);
        fixture_fini(&fixture);
    }
}

static void test_weights_of_zero_are_left_out_and_the_rest_is_summed(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_sidecar(&fixture, SERVICE("a", "http", "80") VIRTUAL_SERVICE(
                                  "v") "  hosts: [a]\n  http:\n  - route:\n"
                                       "    - {destination: {host: a, subset: v1}, weight: 90}\n"
                                       "    - {destination: {host: a, subset: v2}, weight: 0}\n"
                                       "    - {destination: {host: a, subset: v3}, weight: 30}\n");
    const struct virtual_host *host =
        fixture_host(&fixture, "80", "a.default.svc.cluster.local:80");
    const struct forward_action *forward = &host->routes[0].forward;
    assert_int_equal(forward->weighted_count, 2);
    assert_int_equal(forward->weight_total, 120);
    assert_int_equal(forward->weighted[1].weight, 30);
    assert_int_equal(forward->weighted[1].origin.line, 15);
    assert_text(&fixture, host->routes[0].rule_path, "spec.http[0]");
    fixture_fini(&fixture);
}

static void test_the_first_of_two_virtual_services_has_the_host(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_sidecar(
        &fixture,
        SERVICE("a", "http", "80") VIRTUAL_SERVICE(
            "later") "  hosts: [a]\n  http: [{route: [{destination: {host: later}}]}]\n"
                     "---\n" VIRTUAL_SERVICE("earlier") "  hosts: [a]\n"
                                                        "  http: [{route: [{destination: {host: "
                                                        "earlier}}]}]\n");
    assert_text(&fixture, fixture_routes(&fixture, "80", "a.default.svc.cluster.local:80"),
                "outbound|80||earlier.default.svc.cluster.local");
    fixture_fini(&fixture);
}

static void test_hosts_without_a_service_are_reached_on_port_80_only(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_sidecar(&fixture,
                    SERVICE("a", "http", "80") SERVICE("b", "http", "81") VIRTUAL_SERVICE(
                        "v") "  hosts: [shop.example.com]\n  http:\n  - " ROUTE("a") "\n");
    assert_non_null(fixture_host(&fixture, "80", "shop.example.com:80"));
    assert_null(fixture_host(&fixture, "81", "shop.example.com:81"));
    fixture_fini(&fixture);
}

static void test_the_exact_virtual_service_beats_the_wildcard(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_sidecar(
        &fixture,
        SERVICE("a", "http", "80") SERVICE("b", "http", "80")
            VIRTUAL_SERVICE("all") "  hosts: ['*.default.svc.cluster.local']\n  http:\n  - " ROUTE(
                "wide") "\n"
                        "---\n" VIRTUAL_SERVICE("one") "  hosts: [a]\n  http:\n  - " ROUTE(
                            "exact") "\n");
    assert_text(&fixture, fixture_routes(&fixture, "80", "a.default.svc.cluster.local:80"),
                "outbound|80||exact.default.svc.cluster.local");
    assert_text(&fixture, fixture_routes(&fixture, "80", "b.default.svc.cluster.local:80"),
                "outbound|80||wide.default.svc.cluster.local");
    fixture_fini(&fixture);
}

static void test_each_kind_of_port_has_its_listener(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_sidecar(
        &fixture,
        "apiVersion: v1\nkind: Service\nmetadata: {name: a}\n"
        "spec:\n  clusterIP: 10.0.0.1\n  ports:\n"
        "  - {name: http, port: 80}\n  - {name: tcp, port: 81}\n  - {name: odd, port: 82}\n"
        "  - {name: dns, port: 83, protocol: UDP}\n");
    const struct snapshot *snapshot = fixture.snapshot;
    static const struct {
        const char *name;
        enum filter_chain_kind kind;
        bool has_default;
    } rows[] = {{"0.0.0.0_80", CHAIN_HTTP, true},
                {"10.0.0.1_81", CHAIN_TCP, false},
                {"10.0.0.1_82", CHAIN_HTTP, true},
                {"virtualOutbound", CHAIN_TCP, false},
                {"virtualInbound", CHAIN_TCP, false}};
    assert_int_equal(snapshot->listener_count, COUNT_OF(rows));
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const struct listener *listener = &snapshot->listeners[i];
        assert_text(&fixture, listener->name, rows[i].name);
        assert_int_equal(listener->chains[0].kind, rows[i].kind);
        assert_int_equal(listener->default_chain != NULL, rows[i].has_default);
    }
    assert_text(&fixture, snapshot->listeners[2].chains[0].http.routes->name,
                "a.default.svc.cluster.local:82");
    assert_non_null(fixture_table(&fixture, "a.default.svc.cluster.local:82"));
    assert_null(fixture_table(&fixture, "82"));
    fixture_fini(&fixture);
}

static void test_unknown_hosts_follow_the_mesh_and_the_profile(void **state)
{
    (void)state;
    static const char *const registry_only =
        SERVICE("a", "http", "80") "apiVersion: v1\nkind: ConfigMap\n"
                                   "metadata: {name: istio, namespace: istio-system}\n"
                                   "data: {mesh: 'outboundTrafficPolicy: {mode: REGISTRY_ONLY}'}\n";
    static const struct proxy_identity proxy = {.name = STR_INIT("x"),
                                                .namespace = STR_INIT("default")};
    struct fixture fixture;
    fixture_init(&fixture, registry_only, &proxy, "istio-latest");
    assert_text(&fixture, fixture_routes(&fixture, "80", "block_all"), "direct");
    assert_int_equal(fixture_host(&fixture, "80", "block_all")->routes[0].direct.status, 502);
    assert_text(&fixture, fixture.snapshot->listeners[0].default_chain->tcp.cluster,
                "BlackHoleCluster");
    fixture_fini(&fixture);
    fixture_init(&fixture, SERVICE("a", "http", "80"), &proxy, "istio-1.0");
    assert_int_equal(fixture_table(&fixture, "80")->virtual_host_count, 1);
    fixture_fini(&fixture);
}

static void test_timeouts_are_the_rules_or_the_profiles(void **state)
{
    (void)state;
    static const struct {
        const char *profile;
        const char *rule;
        int64_t want_ns;
        uint32_t want_line; /* 0: the profile's */
    } rows[] = {
        {"pocketmesh", "", 15000000000, 0},
        {"istio-1.0", "", 15000000000, 0},
        {"istio-latest", "", 0, 0},
        {"pocketmesh", "    timeout: 2s\n", 2000000000, 13},
        {"pocketmesh", "    timeout: 0s\n", 0, 13},
    };
    static const struct proxy_identity proxy = {.name = STR_INIT("x"),
                                                .namespace = STR_INIT("default")};
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct fixture fixture;
        fixture_init(&fixture,
                     mesh_text(SERVICE("a", "http", "80") VIRTUAL_SERVICE(
                                   "v") "  hosts: [a]\n  http:\n  - " ROUTE("a") "\n%s",
                               rows[i].rule),
                     &proxy, rows[i].profile);
        const struct forward_action *forward =
            &fixture_host(&fixture, "80", "a.default.svc.cluster.local:80")->routes[0].forward;
        assert_true(forward->has_timeout);
        assert_int_equal(forward->timeout_ns, rows[i].want_ns);
        assert_int_equal(forward->timeout_origin.line, rows[i].want_line);
        const struct virtual_host *rest = fixture_host(&fixture, "80", "allow_any");
        if (rest != NULL)
            assert_int_equal(rest->routes[0].forward.timeout_ns, 0);
        fixture_fini(&fixture);
    }
}

static void test_the_same_mesh_gives_the_same_snapshot(void **state)
{
    (void)state;
    static const char *const text = SERVICE("a", "http", "80") SERVICE("b", "http", "80")
        VIRTUAL_SERVICE("v") "  hosts: [a]\n  http:\n  - " ROUTE("b") "\n";
    struct fixture first, second;
    fixture_sidecar(&first, text);
    fixture_sidecar(&second, text);
    const struct route_config *a = fixture_table(&first, "80");
    const struct route_config *b = fixture_table(&second, "80");
    assert_int_equal(a->virtual_host_count, b->virtual_host_count);
    for (uint32_t i = 0; i < a->virtual_host_count; i++)
        assert_true(str_eq(a->virtual_hosts[i].name, b->virtual_hosts[i].name));
    assert_int_equal(first.snapshot->arena.used_bytes, second.snapshot->arena.used_bytes);
    fixture_fini(&first);
    fixture_fini(&second);
}

static void test_external_names_are_names_of_another_service(void **state)
{
    (void)state;
    static const char *const text = SERVICE(
        "real", "http", "80") "apiVersion: v1\nkind: Service\nmetadata: {name: alias}\n"
                              "spec: {type: ExternalName, externalName: "
                              "real.default.svc.cluster.local, ports: [{name: http, port: "
                              "80}]}\n---\n" VIRTUAL_SERVICE(
                                  "v") "  hosts: [v.com]\n  http:\n  - " ROUTE("alias") "\n";
    struct fixture fixture;
    fixture_sidecar(&fixture, text);
    const struct virtual_host *host =
        fixture_host(&fixture, "80", "real.default.svc.cluster.local:80");
    assert_text(&fixture, host->domains[7], "alias");
    assert_null(fixture_host(&fixture, "80", "alias.default.svc.cluster.local:80"));
    assert_text(&fixture, fixture_routes(&fixture, "80", "v.com:80"),
                "outbound|80||real.default.svc.cluster.local");
    fixture_fini(&fixture);
}

static void test_header_operations_stand_in_istios_order(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_sidecar(&fixture,
                    SERVICE("a", "http", "80")
                        VIRTUAL_SERVICE("v") "  hosts: [a]\n  http:\n"
                                             "  - headers: {request: {add: {x-z: 1}, set: {x-b: 2, "
                                             "X-A: 3, host: h.com}, remove: [X-R]}}\n"
                                             "    route: [{destination: {host: a}, headers: "
                                             "{request: {set: {x-d: 4, host: no.com}}}}]\n");
    const struct route *route =
        &fixture_host(&fixture, "80", "a.default.svc.cluster.local:80")->routes[0];
    static const char *const names[] = {"x-a", "x-b", "x-z", "x-d"};
    assert_int_equal(route->request_headers.add_count, COUNT_OF(names));
    for (size_t i = 0; i < COUNT_OF(names); i++)
        assert_text(&fixture, route->request_headers.add[i].name, names[i]);
    assert_text(&fixture, route->request_headers.add[0].written, "X-A");
    assert_text(&fixture, route->request_headers.remove[0], "x-r");
    assert_text(&fixture, route->forward.host_rewrite, "h.com");
    fixture_fini(&fixture);
}

static void test_retries_are_the_rules_the_meshs_or_the_default(void **state)
{
    (void)state;
    static const struct {
        const char *retries;
        const char *want_on; /* NULL: no policy */
        uint32_t want_count;
        uint32_t want_codes;
    } rows[] = {
        {"", "connect-failure,refused-stream,unavailable,cancelled,retriable-status-codes", 2, 0},
        {"    retries: {attempts: 0}\n", NULL, 0, 0},
        {"    retries: {attempts: 3, retryOn: '5xx'}\n", "5xx", 3, 0},
        {"    retries: {attempts: 1, retryOn: '503,connect-failure'}\n",
         "connect-failure,retriable-status-codes", 1, 1},
        {"    retries: {attempts: 1, retryOn: '502,504'}\n", ",retriable-status-codes", 1, 2},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct fixture fixture;
        fixture_sidecar(&fixture,
                        mesh_text(SERVICE("a", "http", "80") VIRTUAL_SERVICE(
                                      "v") "  hosts: [a]\n  http:\n  - " ROUTE("a") "\n%s",
                                  rows[i].retries));
        const struct retry_policy *retry =
            fixture_host(&fixture, "80", "a.default.svc.cluster.local:80")->routes[0].forward.retry;
        assert_int_equal(retry != NULL, rows[i].want_on != NULL);
        if (retry != NULL) {
            assert_text(&fixture, retry->retry_on, rows[i].want_on);
            assert_int_equal(retry->conditions, retry_on_read(str_of(rows[i].want_on)));
            assert_int_equal(retry->num_retries, rows[i].want_count);
            assert_int_equal(retry->status_code_count, rows[i].want_codes);
        }
        fixture_fini(&fixture);
    }
}

static void test_cors_is_the_routes(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_sidecar(
        &fixture,
        SERVICE("a", "http", "80") VIRTUAL_SERVICE("v") "  hosts: [a]\n  http:\n  - " ROUTE(
            "a") "\n    corsPolicy:\n"
                 "      allowOrigins: [{exact: 'http://x'}, {regex: 'http://[a-z]'}]\n"
                 "      allowMethods: [GET, POST]\n      maxAge: 1h\n"
                 "      allowCredentials: false\n");
    const struct cors_policy *cors =
        fixture_host(&fixture, "80", "a.default.svc.cluster.local:80")->routes[0].cors;
    assert_non_null(cors);
    assert_int_equal(cors->origin_count, 2);
    assert_int_equal(cors->origins[0].kind, STRING_EXACT);
    assert_int_equal(cors->origins[1].kind, STRING_REGEX);
    assert_non_null(cors->origins[1].regex);
    assert_text(&fixture, cors->methods, "GET,POST");
    assert_text(&fixture, cors->headers, "");
    assert_text(&fixture, cors->max_age, "3600");
    assert_true(cors->has_credentials && !cors->is_allowing_credentials);
    assert_true(cors->is_passing_unmatched);
    fixture_fini(&fixture);
}

/* Every HTTP port of every service, by names with the port; without one they
 * mean port 80. */
static void test_an_http_proxy_has_all_ports(void **state)
{
    (void)state;
    static const char *const MESHES[] = {
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: istio, namespace: istio-system}\n"
        "data:\n  mesh: 'proxyHttpPort: 15007'\n---\n",
        "apiVersion: networking.istio.io/v1\nkind: Sidecar\nmetadata: {name: default}\n"
        "spec: {egress: [{port: {number: 15007, protocol: HTTP_PROXY, name: p},"
        " captureMode: NONE, hosts: ['*/*']}]}\n---\n"};
    static const char *const TABLES[] = {"http_proxy", "15007"};
    for (size_t i = 0; i < COUNT_OF(MESHES); i++) {
        struct fixture fixture;
        fixture_sidecar(&fixture,
                        mesh_text("%s" SERVICE("web", "http", "80") SERVICE("a", "http", "9080")
                                      VIRTUAL_SERVICE("v") "  hosts: [a]\n  http:\n"
                                                           "  - match: [{port: 9080}]\n    " ROUTE(
                                                               "a") "\n"
                                                                    "  - " ROUTE("web") "\n",
                                  MESHES[i]));
        const struct virtual_host *host =
            fixture_host(&fixture, TABLES[i], "web.default.svc.cluster.local:80");
        assert_non_null(host);
        assert_true(
            str_has_prefix(fixture_domains(&fixture, host),
                           STR("web.default.svc.cluster.local,web.default.svc.cluster.local:80,")));
        host = fixture_host(&fixture, TABLES[i], "a.default.svc.cluster.local:9080");
        assert_non_null(host);
        assert_true(str_has_prefix(
            fixture_domains(&fixture, host),
            STR("a.default.svc.cluster.local:9080,a.default.svc.cluster.local.:9080,a:9080,")));
        /* No rule is for its port 0; a destination's only port is meant. */
        assert_text(&fixture,
                    fixture_routes(&fixture, TABLES[i], "a.default.svc.cluster.local:9080"),
                    "outbound|80||web.default.svc.cluster.local");
        const struct listener *listener = NULL;
        for (uint32_t k = 0; k < fixture.snapshot->listener_count; k++) {
            if (str_eq(fixture.snapshot->listeners[k].name, STR("127.0.0.1_15007")))
                listener = &fixture.snapshot->listeners[k];
        }
        assert_non_null(listener);
        assert_true(listener->is_bound);
        assert_text(&fixture, listener->chains[0].http.routes->name, TABLES[i]);
        fixture_fini(&fixture);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_service_has_its_names_and_a_default_route),
        cmocka_unit_test(test_other_namespaces_need_longer_names),
        cmocka_unit_test(test_rules_become_routes_in_order),
        cmocka_unit_test(test_weights_of_zero_are_left_out_and_the_rest_is_summed),
        cmocka_unit_test(test_the_first_of_two_virtual_services_has_the_host),
        cmocka_unit_test(test_hosts_without_a_service_are_reached_on_port_80_only),
        cmocka_unit_test(test_the_exact_virtual_service_beats_the_wildcard),
        cmocka_unit_test(test_each_kind_of_port_has_its_listener),
        cmocka_unit_test(test_unknown_hosts_follow_the_mesh_and_the_profile),
        cmocka_unit_test(test_timeouts_are_the_rules_or_the_profiles),
        cmocka_unit_test(test_the_same_mesh_gives_the_same_snapshot),
        cmocka_unit_test(test_external_names_are_names_of_another_service),
        cmocka_unit_test(test_header_operations_stand_in_istios_order),
        cmocka_unit_test(test_retries_are_the_rules_the_meshs_or_the_default),
        cmocka_unit_test(test_cors_is_the_routes),
        cmocka_unit_test(test_an_http_proxy_has_all_ports),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
