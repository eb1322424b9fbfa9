/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/config/translate/test_gateway_tls.c - a gateway's servers with TLS and
 * for streams: which chains there are, what they are told apart by, whose
 * certificates they show (ISTIO.md 2.19, 5.7 to 5.9).
 */
#include "tests/config/translate/fixture.h"

#define SERVER(number, name, protocol, more) \
    "  - port: {number: " number ", name: " name ", protocol: " protocol "}\n    " more "\n"
#define HTTPS(host, tls) SERVER("443", "https", "HTTPS", "hosts: ['" host "']\n    tls: {" tls "}")
#define TLS(name, host) \
    SERVER("443", name, "TLS", "hosts: ['" host "']\n    tls: {mode: PASSTHROUGH}")

#define STREAM_RULES                                                           \
    "---\n" VIRTUAL_SERVICE("v") "  hosts: ['*']\n  gateways: [web]\n  tcp:\n" \
                                 "  - match: [{port: 31400}]\n    route:\n"    \
                                 "    - {destination: {host: a, subset: v1}, " \
                                 "weight: 3}\n"                                \
                                 "    - {destination: {host: a, subset: v2}, " \
                                 "weight: 1}\n"                                \
                                 "    - {destination: {host: a}}\n"

/* "http[a.com]+ tcp[]": the chains of a listener; '+': TLS is ended. */
static struct str chains_of(struct fixture *fixture, const char *listener_name)
{
    const struct snapshot *snapshot = fixture->snapshot;
    struct str out = STR("");

    for (uint32_t i = 0; i < snapshot->listener_count; i++) {
        const struct listener *listener = &snapshot->listeners[i];
        if (!str_eq(listener->name, str_of(listener_name)))
            continue;
        for (uint32_t k = 0; k < listener->chain_count; k++) {
            const struct filter_chain *chain = &listener->chains[k];
            struct str name = chain->server_name_count > 0 ? chain->server_names[0] : STR("");
            out = arena_format(&fixture->arena, "%.*s%s%s[%.*s]%s", STR_FMT(out),
                               out.len > 0 ? " " : "", chain->kind == CHAIN_HTTP ? "http" : "tcp",
                               STR_FMT(name), chain->tls != NULL ? "+" : "");
        }
        return out;
    }
    return STR("no such listener");
}

static const struct downstream_tls *first_tls(const struct fixture *fixture)
{
    return fixture->snapshot->listeners[0].chains[0].tls;
}

static void test_modes_name_their_secrets(void **state)
{
    (void)state;
    static const struct {
        const char *tls;
        const char *certificate, *authorities;
        bool is_required;
    } rows[] = {
        {"mode: SIMPLE, credentialName: c", "kubernetes://c", "", false},
        {"mode: MUTUAL, credentialName: c", "kubernetes://c", "kubernetes://c-cacert", true},
        {"mode: OPTIONAL_MUTUAL, credentialName: c", "kubernetes://c", "kubernetes://c-cacert",
         false},
        {"mode: MUTUAL, credentialNames: [a, b]", "kubernetes://a", "kubernetes://a-cacert", true},
        {"mode: MUTUAL, credentialName: c, caCertCredentialName: 'configmap://r'", "kubernetes://c",
         "configmap://r", true},
        {"mode: SIMPLE, serverCertificate: /c, privateKey: /k", "file-cert:/c~/k", "", false},
        {"mode: MUTUAL, serverCertificate: /c, privateKey: /k, caCertificates: /r",
         "file-cert:/c~/k", "file-root:/r", true},
        {"mode: ISTIO_MUTUAL", "default", "ROOTCA", true},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct fixture fixture;
        fixture_gateway(&fixture,
                        mesh_text(GATEWAY("web") "  servers:\n" HTTPS("a.com", "%s"), rows[i].tls));
        assert_text(&fixture, chains_of(&fixture, "0.0.0.0_443"), "http[a.com]+");
        const struct downstream_tls *tls = first_tls(&fixture);
        assert_text(&fixture, tls->certificates[0], rows[i].certificate);
        assert_text(&fixture, tls->authorities, rows[i].authorities);
        assert_int_equal(tls->is_client_certificate_required, rows[i].is_required);
        assert_true(fixture.snapshot->listeners[0].tls_inspector.is_there);
        assert_non_null(fixture_table(&fixture, "https.443.https.web.default"));
        fixture_fini(&fixture);
    }
}

/* Hashes only beside a Secret that clients are checked against, a CRL only beside files. */
static void test_who_else_a_client_must_be(void **state)
{
    (void)state;
    static const struct {
        const char *tls;
        uint32_t hash_count;
        const char *crl;
        bool is_accepting_untrusted;
    } rows[] = {
        {"mode: MUTUAL, credentialName: c, insecureSkipVerify: true", 1, "", true},
        {"mode: OPTIONAL_MUTUAL, credentialName: c", 1, "", false},
        {"mode: SIMPLE, credentialName: c", 0, "", false},
        {"mode: MUTUAL, serverCertificate: /c, privateKey: /k, caCertificates: /r, caCrl: /l", 0,
         "/l", false},
        {"mode: OPTIONAL_MUTUAL, serverCertificate: /c, privateKey: /k, caCertificates: /r, "
         "caCrl: /l",
         0, "/l", false},
        {"mode: ISTIO_MUTUAL, caCrl: /l, insecureSkipVerify: true", 0, "/l", true},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct fixture fixture;
        fixture_gateway(&fixture, mesh_text(GATEWAY("web") "  servers:\n" HTTPS(
                                                "a.com", "%s, verifyCertificateSpki: [eA==], "
                                                         "verifyCertificateHash: [ab]"),
                                            rows[i].tls));
        const struct downstream_tls *tls = first_tls(&fixture);
        assert_int_equal(tls->peer_hash_count, rows[i].hash_count);
        assert_int_equal(tls->peer_key_hash_count, rows[i].hash_count);
        assert_text(&fixture, tls->crl, rows[i].crl);
        assert_int_equal(tls->is_accepting_untrusted, rows[i].is_accepting_untrusted);
        fixture_fini(&fixture);
    }
}

static void test_unknown_ciphers_are_dropped(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_gateway(&fixture,
                    GATEWAY("web") "  servers:\n" HTTPS(
                        "*", "mode: SIMPLE, credentialName: c, minProtocolVersion: TLSV1_3, "
                             "cipherSuites: [AES128-SHA, NONSENSE, AES128-SHA]"));
    const struct downstream_tls *tls = first_tls(&fixture);
    assert_int_equal(tls->cipher_count, 1);
    assert_text(&fixture, tls->version_min, "TLSv1_3");
    /* "*" is no name: the chain takes every connection. */
    assert_text(&fixture, chains_of(&fixture, "0.0.0.0_443"), "http[]+");
    fixture_fini(&fixture);
}

static void test_who_comes_first_has_the_port_and_the_host(void **state)
{
    (void)state;
    static const struct {
        const char *servers, *want;
    } rows[] = {
        {HTTPS("a.com", "mode: SIMPLE, credentialName: c")
             SERVER("443", "b", "HTTPS", "hosts: [b.com]\n    tls: {mode: ISTIO_MUTUAL}"),
         "http[a.com]+ http[b.com]+"},
        {HTTPS("a.com", "mode: SIMPLE, credentialName: c")
             SERVER("443", "b", "HTTPS", "hosts: [a.com, b.com]\n    tls: {mode: ISTIO_MUTUAL}"),
         "http[a.com]+"},
        {SERVER("443", "a", "HTTP", "hosts: ['*']")
             HTTPS("a.com", "mode: SIMPLE, credentialName: c"),
         "http[]"},
        {SERVER("443", "a", "HTTP", "hosts: ['*']") SERVER("443", "b", "TCP", "hosts: ['*']"),
         "http[]"},
        {SERVER("443", "a", "HTTP", "hosts: [a.com]") SERVER("443", "b", "GRPC", "hosts: [b.com]"),
         "http[]"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct fixture fixture;
        fixture_gateway(&fixture, mesh_text(GATEWAY("web") "  servers:\n%s", rows[i].servers));
        assert_text(&fixture, chains_of(&fixture, "0.0.0.0_443"), rows[i].want);
        fixture_fini(&fixture);
    }
}

static void test_passthrough_goes_by_sni(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_gateway(
        &fixture, SERVICE("a", "tls", "443")
                      GATEWAY("web") "  servers:\n" TLS("t", "*.com") "---\n" VIRTUAL_SERVICE(
                          "v") "  hosts: [a.com, b.com]\n  gateways: [web]\n"
                               "  tls:\n"
                               "  - match: [{sniHosts: [a.com]}, {sniHosts: [c.com], port: 444}]\n"
                               "    route: [{destination: {host: a}}]\n"
                               "  - match: [{sniHosts: [a.com]}, {sniHosts: [b.com]}]\n"
                               "    route: [{destination: {host: a, port: {number: 9}}}]\n");
    assert_text(&fixture, chains_of(&fixture, "0.0.0.0_443"), "tcp[a.com] tcp[b.com]");
    const struct filter_chain *chains = fixture.snapshot->listeners[0].chains;
    assert_text(&fixture, chains[0].tcp.cluster, "outbound|443||a.default.svc.cluster.local");
    assert_text(&fixture, chains[1].tcp.cluster, "outbound|9||a.default.svc.cluster.local");
    fixture_fini(&fixture);
}

static void test_sidecars_names_lead_to_clusters_of_that_name(void **state)
{
    (void)state;
    static const char *const text =
        "apiVersion: v1\nkind: Service\nmetadata: {name: a}\n"
        "spec: {selector: {app: a}, ports: [{name: http, port: 80}]}\n---\n"
        "apiVersion: v1\nkind: Service\nmetadata: {name: b}\n"
        "spec: {selector: {app: b}, ports: [{name: http, port: 80}]}\n---\n"
        "apiVersion: v1\nkind: Pod\nmetadata: {name: a-1, labels: {app: a}}\n"
        "spec: {containers: []}\n---\n"
        "apiVersion: v1\nkind: Pod\nmetadata: {name: b-1, labels: {app: b}}\n"
        "spec: {containers: []}\n---\n"
        "apiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: {name: a}\n"
        "spec:\n  host: a\n  subsets: [{name: v1, labels: {version: v1}}]\n"
        "  trafficPolicy: {tls: {mode: SIMPLE}, connectionPool: {http: {http2MaxRequests: 3}}}\n"
        "---\napiVersion: networking.istio.io/v1\nkind: Gateway\nmetadata: {name: web}\n"
        "spec:\n  selector: {istio: ingressgateway}\n  servers:\n"
        "  - port: {number: 15443, name: t, protocol: TLS}\n    hosts: ['*.local']\n"
        "    tls: {mode: AUTO_PASSTHROUGH}\n";
    struct fixture fixture;
    fixture_gateway(&fixture, text);
    assert_text(&fixture, chains_of(&fixture, "0.0.0.0_15443"),
                "tcp[outbound_.80_._.a.default.svc.cluster.local] "
                "tcp[outbound_.80_.v1_.a.default.svc.cluster.local] "
                "tcp[outbound_.80_._.b.default.svc.cluster.local]");
    const struct cluster *a =
        snapshot_cluster(fixture.snapshot, STR("outbound_.80_._.a.default.svc.cluster.local"));
    const struct cluster *b =
        snapshot_cluster(fixture.snapshot, STR("outbound_.80_._.b.default.svc.cluster.local"));
    /* What is passed on is TLS of the mesh already: none is added, and who does
     * not speak it (here by the rule's word) is nobody's endpoint. */
    assert_int_equal(a->security, UPSTREAM_PLAINTEXT);
    assert_int_equal(a->breakers.max_requests, 3);
    assert_true(a->has_alpn_override_off);
    assert_int_equal(a->endpoint_count, 0);
    assert_int_equal(a->locality_count, 1);
    assert_int_equal(b->endpoint_count, 1);
    assert_non_null(
        snapshot_cluster(fixture.snapshot, STR("outbound_.80_.v1_.a.default.svc.cluster.local")));
    assert_text(&fixture, fixture.snapshot->clusters[3].name, "BlackHoleCluster");
    fixture_fini(&fixture);
}

static void test_streams_go_where_the_first_tcp_rule_says(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_gateway(&fixture,
                    SERVICE("a", "tcp", "81")
                        GATEWAY("web") "  servers:\n" SERVER("31400", "t", "TCP", "hosts: ['*']")
                            SERVER("31401", "u", "TCP", "hosts: ['*']") STREAM_RULES);
    assert_int_equal(fixture.snapshot->listener_count, 1); /* nobody speaks for 31401 */
    const struct tcp_proxy *tcp = &fixture.snapshot->listeners[0].chains[0].tcp;
    assert_int_equal(tcp->weighted_count, 2);
    assert_int_equal(tcp->weight_total, 4);
    assert_text(&fixture, tcp->weighted[0].cluster, "outbound|81|v1|a.default.svc.cluster.local");
    assert_text(&fixture, tcp->stat_prefix, "v.default");
    fixture_fini(&fixture);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_modes_name_their_secrets),
        cmocka_unit_test(test_who_else_a_client_must_be),
        cmocka_unit_test(test_unknown_ciphers_are_dropped),
        cmocka_unit_test(test_who_comes_first_has_the_port_and_the_host),
        cmocka_unit_test(test_passthrough_goes_by_sni),
        cmocka_unit_test(test_sidecars_names_lead_to_clusters_of_that_name),
        cmocka_unit_test(test_streams_go_where_the_first_tcp_rule_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
