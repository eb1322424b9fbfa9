/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/testbed/inspect/test_resolve.c
 */
#include "tests/config/translate/fixture.h"

#include "testbed/inspect/resolve.h"

static void assert_str(struct str actual, const char *expected, const char *what)
{
    if (!str_eq(actual, str_of(expected)))
        fail_msg("%s is \"%.*s\", not \"%s\"", what, STR_FMT(actual), expected);
}

struct row {
    struct resolve_call call;
    const char *error, *listener, *route_config, *virtual_host, *cluster;
};

static void assert_rows(const struct fixture *fixture, const struct row *rows, size_t count)
{
    struct arena scratch;

    arena_init(&scratch, 4096, 0);
    for (size_t i = 0; i < count; i++) {
        struct resolve_answer answer = resolve(fixture->snapshot, &rows[i].call, &scratch);
        assert_str(answer.error, rows[i].error, "error");
        assert_str(answer.listener, rows[i].listener, "listener");
        assert_str(answer.route_config, rows[i].route_config, "route table");
        assert_str(answer.virtual_host, rows[i].virtual_host, "virtual host");
        assert_str(answer.cluster, rows[i].cluster, "cluster");
    }
    arena_fini(&scratch);
}

static void test_where_a_sidecar_leads_calls(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_sidecar(&fixture, SERVICE("a", "http", "80") SERVICE("t", "tcp", "90")
                                  VIRTUAL_SERVICE("a") "  hosts: [a]\n"
                                                       "  http:\n"
                                                       "  - match: [{uri: {exact: /x}}]\n"
                                                       "    route: [{destination: {host: t}}]\n");
    static const struct row rows[] = {
        {{.port = 80, .host = STR_INIT("a:80"), .path = STR_INIT("/x")},
         "",
         "0.0.0.0_80",
         "80",
         "a.default.svc.cluster.local:80",
         "outbound|80||t.default.svc.cluster.local"},
        {{.port = 80, .host = STR_INIT("a")},
         "NoRoute",
         "0.0.0.0_80",
         "80",
         "a.default.svc.cluster.local:80",
         ""},
        {{.port = 80, .host = STR_INIT("other")},
         "",
         "0.0.0.0_80",
         "80",
         "allow_any",
         "PassthroughCluster"},
        {{.port = 9999, .host = STR_INIT("a"), .protocol = RESOLVE_TCP},
         "",
         "virtualOutbound",
         "",
         "",
         "PassthroughCluster"},
        {{.port = 80, .alpn = STR_INIT("h2")},
         "invalid call, ALPN can only be sent in TLS requests",
         "",
         "",
         "",
         ""},
    };
    assert_rows(&fixture, rows, COUNT_OF(rows));
    fixture_fini(&fixture);
}

static void test_where_a_gateway_leads_calls(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_gateway(&fixture,
                    SERVICE("a", "http", "80")
                        GATEWAY("g") "  servers:\n"
                                     "  - port: {number: 80, name: h, protocol: HTTP}\n"
                                     "    hosts: [a.test]\n    tls: {httpsRedirect: true}\n"
                                     "  - port: {number: 443, name: s, protocol: HTTPS}\n"
                                     "    hosts: [a.test]\n"
                                     "    tls: {mode: SIMPLE, credentialName: c}\n"
                                     "---\n" VIRTUAL_SERVICE(
                                         "v") "  hosts: [a.test]\n"
                                              "  gateways: [g]\n"
                                              "  http: [{route: [{destination: {host: a}}]}]\n");
    static const struct row rows[] = {
        {{.mode = RESOLVE_GATEWAY, .port = 80, .host = STR_INIT("a.test")},
         "TLSRedirect",
         "0.0.0.0_80",
         "http.80",
         "a.test:80",
         ""},
        {{.mode = RESOLVE_GATEWAY, .port = 443, .host = STR_INIT("a.test"), .tls = RESOLVE_TLS},
         "",
         "0.0.0.0_443",
         "https.443.s.g.default",
         "a.test:443",
         "outbound|80||a.default.svc.cluster.local"},
        {{.mode = RESOLVE_GATEWAY, .port = 443, .host = STR_INIT("b.test"), .tls = RESOLVE_TLS},
         "NoFilterChain",
         "0.0.0.0_443",
         "",
         "",
         ""},
        {{.mode = RESOLVE_GATEWAY, .port = 443, .host = STR_INIT("a.test"), .tls = RESOLVE_MTLS},
         "NoFilterChain",
         "0.0.0.0_443",
         "",
         "",
         ""},
        {{.mode = RESOLVE_GATEWAY,
          .port = 443,
          .host = STR_INIT("b.test"),
          .sni = STR_INIT("a.test"),
          .tls = RESOLVE_TLS},
         "NoVirtualHost",
         "0.0.0.0_443",
         "https.443.s.g.default",
         "",
         ""},
        {{.mode = RESOLVE_GATEWAY, .port = 81}, "NoListener", "", "", "", ""},
    };
    assert_rows(&fixture, rows, COUNT_OF(rows));
    fixture_fini(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_where_a_sidecar_leads_calls),
        cmocka_unit_test(test_where_a_gateway_leads_calls),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
