/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/testbed/inspect/test_connections.c - a caller's own TLS to a gateway told step by step,
 * for each mode of a server and what can be wrong; and that what happened is held against it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/check.h"
#include "testbed/inspect/connections.h"
#include "testbed/sim/sim.h"

#define STEPS_MAX 9

#define SERVICE(name, port, protocol)                                                     \
    "{apiVersion: v1, kind: Service, metadata: {name: " name "}, spec: {selector: {app: " \
    "" name "}, ports: [{name: " protocol ", port: " port "}]}}\n---\n"
#define SERVER(port, protocol, hosts, tls)                                     \
    "  - {port: {number: " port ", name: p" port hosts ", protocol: " protocol \
    "}, hosts: ['" hosts "'], tls: {" tls "}}\n"

/* Places in rows are lines of this. */
static const char MESH[] =
    "apiVersion: networking.istio.io/v1\n"
    "kind: Gateway\n"
    "metadata: {name: g}\n"
    "spec:\n"
    "  selector: {istio: ingressgateway}\n"
    "  servers:\n" SERVER("443", "HTTPS", "a.test", "mode: SIMPLE, credentialName: a-cert") /* 7 */
    SERVER("443", "HTTPS", "m.test",
           "mode: MUTUAL, credentialName: m-cert, subjectAltNames: "
           "[client], maxProtocolVersion: TLSV1_2")                                   /* 8 */
    SERVER("443", "HTTPS", "o.test", "mode: OPTIONAL_MUTUAL, credentialName: o-cert") /* 9 */
    SERVER("443", "HTTPS", "i.test", "mode: ISTIO_MUTUAL")                            /* 10 */
    SERVER("443", "TLS", "p.test", "mode: PASSTHROUGH")                               /* 11 */
    SERVER("444", "HTTPS", "*",
           "mode: OPTIONAL_MUTUAL, credentialName: n-cert, "
           "subjectAltNames: [client]")                   /* 12 */
    SERVER("80", "HTTP", "a.test", "httpsRedirect: true") /* 13 */
    "---\n"
    "apiVersion: networking.istio.io/v1\n"
    "kind: VirtualService\n"
    "metadata: {name: v}\n"
    "spec:\n"
    "  hosts: ['*.test']\n"
    "  gateways: [g]\n"
    "  http: [{route: [{destination: {host: a}}]}]\n"
    "  tls:\n"
    "  - match: [{sniHosts: [p.test]}]\n" /* 23 */
    "    route: [{destination: {host: p}}]\n"
    "---\n"
    "{apiVersion: v1, kind: Secret, metadata: {name: o-cert, namespace: istio-system}, "
    "stringData: {tls.crt: later}}\n" /* 26 */
    "---\n" SERVICE("a", "80", "http") SERVICE("p", "443", "tls");

struct row {
    enum caller_tls_mode mode;
    bool is_plaintext;
    enum certificate_fault fault;
    const char *sni, *max; /* of TLS; NULL: none said */
    uint32_t port;
    bool has_secrets_of_manifests;
    const char *steps[STEPS_MAX]; /* "mark subject: words   line", in this order; others between */
};

struct desk {
    struct arena arena;
    struct world *world;
    struct call call;
    struct outcome outcome;
    struct play *play;
};

static void open_desk(struct desk *desk, const struct row *row)
{
    struct arena *arena = &desk->arena;
    struct diag_list diags;
    struct documents documents = {0};
    *desk = (struct desk){0};
    arena_init(arena, 65536, 0);
    diag_list_init(&diags, arena);
    tree_read(STR("m.yaml"), str_of(MESH), arena, &documents, &diags);
    struct str *names = ARENA_NEW(arena, struct str);
    names[0] = STR("p.test");
    struct workload_spec *workloads = ARENA_ARRAY(arena, struct workload_spec, 2);
    const char *const apps[] = {"a", "p"};
    for (size_t i = 0; i < COUNT_OF(apps); i++) {
        struct label *label = ARENA_NEW(arena, struct label);
        *label = (struct label){STR("app"), str_of(apps[i])};
        workloads[i] = (struct workload_spec){.name = str_of(apps[i]),
                                              .service = str_of(apps[i]),
                                              .labels = label,
                                              .label_count = 1,
                                              .behaviour = behaviour_default()};
    }
    workloads[1].behaviour.tls =
        (struct behaviour_tls){.is_set = true, .names = names, .name_count = 1};
    struct client_spec *client = ARENA_NEW(arena, struct client_spec);
    *client = (struct client_spec){.name = STR("c"),
                                   .via = VIA_GATEWAY,
                                   .gateway_namespace = STR("default"),
                                   .gateway_name = STR("g"),
                                   .caller_count = 1};
    client->tls = (struct client_tls_spec){.is_set = !row->is_plaintext,
                                           .mode = row->mode,
                                           .fault = row->fault,
                                           .has_sni = row->sni != NULL,
                                           .sni = row->sni != NULL ? str_of(row->sni) : STR_EMPTY,
                                           .origin = {STR("t.yaml"), 5, 3}};
    client->versions.max = row->max != NULL ? str_of(row->max) : STR_EMPTY;
    struct world_spec spec = {.documents = documents,
                              .workloads = workloads,
                              .workload_count = 2,
                              .clients = client,
                              .client_count = 1,
                              .namespace = STR("default"),
                              .has_secrets_of_manifests = row->has_secrets_of_manifests,
                              .profile = profile_find(STR("istio-latest"))};
    desk->world = world_new(&spec, arena, &diags);
    assert_non_null(desk->world);
    desk->play = sim_play_new(desk->world, (struct play_options){.seed = 1, .is_tracing = true});
    desk->call = (struct call){.has_authority = true,
                               .authority = STR("a.test"),
                               .port = row->port != 0 ? row->port : 443,
                               .method = STR("GET"),
                               .uri = STR("/")};
    desk->play->ops->call(desk->play, &desk->call, 1, &desk->outcome, arena);
}

static void close_desk(struct desk *desk)
{
    desk->play->ops->free(desk->play);
    world_free(desk->world);
    arena_fini(&desk->arena);
}

static struct str told(const struct sentence *step, struct arena *arena)
{
    static const char MARKS[] = {[SENTENCE_PLAIN] = ' ',
                                 [SENTENCE_NO] = '-',
                                 [SENTENCE_YES] = '+',
                                 [SENTENCE_GO] = '>',
                                 [SENTENCE_BAD] = '!'};
    struct str words = arena_format(arena, "%c %.*s: %.*s", MARKS[step->mark],
                                    STR_FMT(step->subject), STR_FMT(step->words));
    if (step->origin.line == 0)
        return words;
    return arena_format(arena, "%.*s   %u", STR_FMT(words), step->origin.line);
}

static void check_row(const struct row *row)
{
    struct desk desk;
    open_desk(&desk, row);
    struct connections all = connections_of(desk.world, &desk.call, &desk.outcome, &desk.arena);
    struct str steps[128];
    uint32_t count = 0, at = 0;
    for (uint32_t i = 0; i < all.count; i++) {
        assert_int_equal(all.items[i].contradiction.len, 0);
        for (uint32_t k = 0; k < all.items[i].story.count && count < COUNT_OF(steps); k++)
            steps[count++] = told(&all.items[i].story.steps[k], &desk.arena);
    }
    for (size_t i = 0; i < STEPS_MAX && row->steps[i] != NULL; i++) {
        while (at < count && !str_eq(steps[at], str_of(row->steps[i])))
            at++;
        if (at++ < count)
            continue;
        for (uint32_t k = 0; k < count; k++)
            print_message("%.*s\n", STR_FMT(steps[k]));
        fail_msg("not told, or not in this order: %s", row->steps[i]);
    }
    if (row->steps[0] == NULL)
        assert_int_equal(all.count, 0);
    close_desk(&desk);
}

#define VERIFY "TLS_error:|268435581:SSL routines:OPENSSL_internal:CERTIFICATE_VERIFY_FAILED:"
#define AGREED "TLSv1.3, TLS_AES_128_GCM_SHA256, ALPN none"
#define CHAIN(name) "filter chain: Gateway/g.default, port 443 (tls, SNI " name ")"

static const struct row ROWS[] = {
    {.sni = "a.test",
     .steps = {"  client side: SIMPLE: speaks TLS; by c   5",
               "> ClientHello: TLSv1.2 to TLSv1.3, SNI a.test, ALPN none",
               "+ " CHAIN("a.test") " takes it: ends TLS, then HTTP   7",
               "- " CHAIN("m.test") ": the client calls a.test   8",
               "  server side: SIMPLE: takes TLS; by Gateway/g.default   7",
               "  certificate: a-cert, not among the manifests: one is made",
               "  server asks: for no certificate of the client", "+ agreed: " AGREED,
               "+ caller has seen: " AGREED}},
    /* The inspector has it in lower case. */
    {.sni = "A.Test", .steps = {"+ " CHAIN("a.test") " takes it: ends TLS, then HTTP   7"}},
    {.sni = "x.test",
     .steps = {"- " CHAIN("a.test") ": the client calls x.test   7",
               "- " CHAIN("p.test") ": the client calls x.test   23",
               "! filter chain: none takes it: the connection is closed, and no HTTP is read",
               "! verdict: refused: the client calls x.test, and no server of the port is there "
               "for that",
               "! caller has seen: TLS_error:|33554536:system library:OPENSSL_internal:Connection "
               "reset by peer:TLS_error_end"}},
    {.steps = {"- " CHAIN("a.test") ": the client calls nobody by name   7",
               "! verdict: refused: the client calls nobody by name, and no server of the port is "
               "there for that"}},
    {.is_plaintext = true,
     .steps = {"  client side: none: speaks plaintext; by c", "> greeting: none: plaintext",
               "- " CHAIN("a.test") ": this is plaintext, which calls nobody by name   7",
               "! verdict: refused: the server takes TLS only, and the client speaks plaintext"}},
    {.is_plaintext = true,
     .port = 444,
     .steps = {"+ filter chain: Gateway/g.default, port 444 (tls) takes it: ends TLS, then HTTP   "
               "12",
               "! verdict: refused: the server takes TLS only, and the client speaks plaintext"}},
    {.is_plaintext = true, .port = 80}, /* is told by the route */
    {.sni = "a.test",
     .port = 80,
     .steps = {"+ filter chain: Gateway/g.default, port 80 (any bytes) takes it: HTTP   13",
               "  server side: httpsRedirect: takes plaintext; by Gateway/g.default   13",
               "! verdict: refused: the client speaks TLS, and the server speaks plaintext"}},
    {.mode = CALLER_TLS_MUTUAL,
     .sni = "m.test",
     .steps = {"+ " CHAIN("m.test") " takes it: ends TLS, then HTTP   8",
               "  authority: m-cert-cacert, not among the manifests: one is made",
               "  server asks: for a client's certificate, and takes nobody without",
               "  server speaks: TLSv1.2 to TLSv1.2",
               "+ server verifies: against the public authority, for client: it will do",
               "+ agreed: TLSv1.2, ECDHE-ECDSA-AES128-GCM-SHA256, ALPN none",
               "+ verdict: mutual TLS"}},
    {.mode = CALLER_TLS_MUTUAL,
     .sni = "m.test",
     .fault = CERTIFICATE_WRONG_SAN,
     .steps = {"  client shows: stranger, signed by the public authority, valid today",
               "! server verifies: against the public authority, for client: " VERIFY
               "verify cert failed: SAN matcher, certificate SANs are [stranger]:TLS_error_end",
               "! alert: 46 from the server; the client hears TLS_error:|268436502:SSL "
               "routines:OPENSSL_internal:SSLV3_ALERT_CERTIFICATE_UNKNOWN:TLS_error_end",
               "! verdict: refused: the server refuses the client's certificate: none of its "
               "names will do"}},
    {.sni = "m.test",
     .steps = {"  client shows: none",
               "! verdict: refused: the server wants a certificate: the client showed none"}},
    {.mode = CALLER_TLS_MUTUAL,
     .sni = "o.test",
     .fault = CERTIFICATE_EXPIRED,
     .steps = {"  certificate: o-cert, Secret/o-cert.istio-system, which holds nothing that can be "
               "read: one is made   26",
               "  server asks: for a client's certificate; nobody needs to show one",
               "  client shows: client, signed by the public authority, expired",
               "! alert: 45 from the server; the client hears TLS_error:|268436501:SSL "
               "routines:OPENSSL_internal:SSLV3_ALERT_CERTIFICATE_EXPIRED:TLS_error_end, but it "
               "was done already (TLS 1.3) and has sent its request",
               "! caller has seen: " AGREED "; then TLS_error:|268436501:SSL "
               "routines:OPENSSL_internal:SSLV3_ALERT_CERTIFICATE_EXPIRED:TLS_error_end"}},
    {.sni = "o.test",
     .steps = {"+ server verifies: nothing: no certificate is required", "+ verdict: TLS"}},
    {.port = 444, /* names are listed */
     .steps = {"  server side: OPTIONAL_MUTUAL: takes mutual TLS; by Gateway/g.default   12",
               "  server asks: for a client's certificate, and takes nobody without, as names are "
               "listed",
               "! verdict: refused: the server wants a certificate: the client showed none"}},
    {.mode = CALLER_TLS_ISTIO_MUTUAL,
     .sni = "i.test",
     .steps = {"> ClientHello: TLSv1.2 to TLSv1.3, SNI i.test, ALPN istio-http/1.1, istio, "
               "http/1.1",
               "  certificate: its own, of the mesh", "  authority: the mesh's authority",
               "  client shows: spiffe://cluster.local/ns/default/sa/client, signed by the mesh "
               "authority, valid today",
               "+ agreed: TLSv1.3, TLS_AES_128_GCM_SHA256, ALPN http/1.1"}},
    {.mode = CALLER_TLS_MUTUAL,
     .sni = "i.test",
     .steps = {"! client verifies: against the public authority: " VERIFY
               "verify cert failed: X509_verify_cert: certificate verification error at depth 0: "
               "unable to get local issuer certificate:TLS_error_end",
               "! alert: 48 from the client; the server hears TLS_error:|268436504:SSL "
               "routines:OPENSSL_internal:TLSV1_ALERT_UNKNOWN_CA:TLS_error_end"}},
    {.sni = "p.test",
     .steps = {"+ " CHAIN("p.test") " takes it: bytes   23",
               "  server side: PASSTHROUGH: takes anything, to be passed on; by Gateway/g.default  "
               " 11",
               "+ verdict: passed on", "  client side: SIMPLE: speaks TLS; by c   5",
               "  server: no sidecar: the application itself is met",
               "  server shows: p.test, signed by the public authority, valid today",
               "+ verdict: TLS", "+ caller has seen: " AGREED}},
    {.sni = "m.test",
     .max = "TLSv1_2",
     .has_secrets_of_manifests = true,
     .steps = {"! certificate: m-cert was never delivered",
               "! certificate: the server's was never delivered",
               "! alert: no alert is sent: the connection is reset"}},
};

static void test_each_step_is_told_in_its_order(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(ROWS); i++)
        check_row(&ROWS[i]);
}

/* What did not happen, told of what happened. */
static void test_what_is_not_as_computed_is_said(void **state)
{
    (void)state;
    static const struct row row = {.sni = "a.test"};
    static const struct {
        struct caller_tls seen;
        const char *said; /* empty: nothing speaks against what was computed */
    } rows[] = {
        {{.is_spoken = false}, ""},
        {{.is_spoken = true, .failure = TLS_EXPIRED},
         "computed: it came about; it was: " VERIFY
         "verify cert failed: X509_verify_cert: certificate verification error at depth 0: "
         "certificate has expired:TLS_error_end"},
        {{.is_spoken = true}, "computed: it came about; it was: the connection was closed"},
        {{.is_spoken = true,
          .is_agreed = true,
          .version = TLS_VERSION_1_2,
          .cipher = STR_INIT("ECDHE-ECDSA-AES128-GCM-SHA256"),
          .protocol = STR_INIT("h2")},
         "computed: " AGREED "; it was: TLSv1.2, ECDHE-ECDSA-AES128-GCM-SHA256, ALPN h2"},
    };
    struct desk desk;
    open_desk(&desk, &row);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct outcome outcome = desk.outcome;
        outcome.tls = rows[i].seen;
        struct connections all = connections_of(desk.world, &desk.call, &outcome, &desk.arena);
        assert_true(all.count > 0);
        const struct connection *own = connections_callers(&all);
        const struct sentence *last = &own->story.steps[own->story.count - 1];
        bool is_said = str_eq(last->subject, STR("NOT AS COMPUTED"));
        if (!str_eq(own->contradiction, str_of(rows[i].said)))
            print_message("%.*s\n", STR_FMT(own->contradiction));
        assert_true(str_eq(own->contradiction, str_of(rows[i].said)));
        assert_int_equal(is_said, own->contradiction.len > 0);
    }
    close_desk(&desk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_step_is_told_in_its_order),
        cmocka_unit_test(test_what_is_not_as_computed_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
