/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/testbed/inspect/test_handshake.c - a connection told step by step: what is said of
 * each mode and each fault.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/check.h"
#include "testbed/inspect/handshake.h"

#define STEPS_MAX 6

static const char MESH[] =
    "{apiVersion: v1, kind: Service, metadata: {name: a}, spec: {selector: {app: a}, ports: "
    "[{name: http, port: 80}]}}\n---\n"
    "{apiVersion: v1, kind: Service, metadata: {name: bytes}, spec: {selector: {app: a}, ports: "
    "[{name: tcp, port: 90}]}}\n";

#define PEER(mode)                                                                               \
    "{apiVersion: security.istio.io/v1, kind: PeerAuthentication, metadata: {name: all}, spec: " \
    "{mtls: {mode: " mode "}}}\n---\n"
#define RULE(host, tls)                                                                  \
    "{apiVersion: networking.istio.io/v1, kind: DestinationRule, metadata: {name: " host \
    "}, spec: {host: " host ", trafficPolicy: {tls: {" tls "}}}}\n"
#define SIMPLE                                                            \
    RULE("a", "mode: SIMPLE, caCertificates: mesh.pem, subjectAltNames: " \
              "['spiffe://cluster.local/ns/default/sa/default']")

struct row {
    const char *more; /* manifests */
    enum certificate_fault client, server;
    struct version_bounds versions; /* the server's */
    const char *cluster;            /* NULL: of a */
    const char *steps[STEPS_MAX];   /* "mark subject: words", in this order; others between */
};

static struct str told(const struct sentence *step, struct arena *arena)
{
    static const char MARKS[] = {[SENTENCE_PLAIN] = ' ',
                                 [SENTENCE_NO] = '-',
                                 [SENTENCE_YES] = '+',
                                 [SENTENCE_GO] = '>',
                                 [SENTENCE_BAD] = '!'};
    return arena_format(arena, "%c %.*s: %.*s", MARKS[step->mark], STR_FMT(step->subject),
                        STR_FMT(step->words));
}

static void check_row(const struct row *row)
{
    struct arena arena;
    struct diag_list diags;
    struct documents documents = {0};
    arena_init(&arena, 65536, 0);
    diag_list_init(&diags, &arena);
    tree_read(STR("m.yaml"), str_of(MESH), &arena, &documents, &diags);
    tree_read(STR("more.yaml"), str_of(row->more), &arena, &documents, &diags);
    struct label label = {STR("app"), STR("a")};
    struct workload_spec workload = {.name = STR("a"),
                                     .service = STR("a"),
                                     .labels = &label,
                                     .label_count = 1,
                                     .fault = row->server,
                                     .versions = row->versions,
                                     .behaviour = behaviour_default()};
    struct client_spec client = {.name = STR("client"), .caller_count = 1, .fault = row->client};
    struct world_spec spec = {.documents = documents,
                              .workloads = &workload,
                              .workload_count = 1,
                              .clients = &client,
                              .client_count = 1,
                              .has_sidecar_default = true,
                              .profile = profile_find(STR("istio-latest"))};
    struct world *world = world_new(&spec, &arena, &diags);
    assert_non_null(world);
    const char *name =
        row->cluster != NULL ? row->cluster : "outbound|80||a.default.svc.cluster.local";
    const struct cluster *cluster = snapshot_cluster(world_snapshot(world, 0), str_of(name));
    assert_non_null(cluster);
    struct mtls_question asked = {.cluster = cluster,
                                  .endpoint = cluster->endpoints,
                                  .host = STR("a"),
                                  .pod = 0,
                                  .port = cluster->endpoints->port,
                                  .is_http = cluster->protocol != UPSTREAM_TCP};
    struct mtls_meeting meeting = mtls_meet(world, &asked, &arena);
    struct handshake_story story = handshake_tell(world, &asked, &meeting, &arena);
    uint32_t at = 0;
    for (size_t i = 0; i < STEPS_MAX && row->steps[i] != NULL; i++) {
        while (at < story.count &&
               !str_has_prefix(told(&story.steps[at], &arena), str_of(row->steps[i])))
            at++;
        if (at++ < story.count)
            continue;
        for (uint32_t k = 0; k < story.count; k++)
            print_message("%.*s\n", STR_FMT(told(&story.steps[k], &arena)));
        fail_msg("not told, or not in this order: %s", row->steps[i]);
    }
    world_free(world);
    arena_fini(&arena);
}

static const struct row ROWS[] = {
    {.more = PEER("STRICT"),
     .steps = {"  client side: auto: speaks mutual TLS; by auto mTLS",
               "  server side: STRICT: takes mutual TLS; by PeerAuthentication/all.default",
               "> ClientHello: TLSv1.2 to TLSv1.3, SNI outbound_.80_._.a.default.svc.cluster."
               "local, ALPN istio-http/1.1, istio, http/1.1",
               "+ filter chain: 0.0.0.0_80 (tls) takes it: ends TLS, then HTTP",
               "+ agreed: TLSv1.3, TLS_AES_128_GCM_SHA256, ALPN http/1.1",
               "+ verdict: mutual TLS"}},
    {.more = PEER("STRICT") RULE("a", "mode: DISABLE"),
     .steps = {"  client side: DISABLE: speaks plaintext; by DestinationRule/a.default",
               "> greeting: none: plaintext", "- filter chain: 0.0.0.0_80 (tls): this is plaintext",
               "! filter chain: none takes it", "! verdict: refused: the server takes mutual"}},
    {.more = PEER("PERMISSIVE") SIMPLE,
     .steps = {"> ClientHello: TLSv1.2 to TLSv1.3, SNI a, ALPN none",
               "- filter chain: 0.0.0.0_80 (tls, protocol istio, istio-peer-exchange,",
               "- filter chain: 0.0.0.0_80 (raw_buffer): this is TLS",
               "! filter chain: none takes it",
               "! transport failure: TLS_error:|33554536:system library"}},
    {.more = PEER("STRICT") SIMPLE,
     .steps = {"+ client verifies: against the mesh authority, for spiffe://",
               "  client shows: none",
               "! server verifies: against the mesh authority, for what begins with "
               "spiffe://cluster.local/: TLS_error:|268435648",
               "! alert: 116 from the server; the client hears", "! verdict: refused"}},
    {.more = PEER("DISABLE") RULE("a", "mode: ISTIO_MUTUAL"),
     .steps = {"+ filter chain: 0.0.0.0_80 (raw_buffer) takes it: HTTP",
               "! verdict: refused: the client speaks TLS, and the server speaks plaintext",
               "! transport failure: TLS_error:|268435703"}},
    {.more = PEER("STRICT"),
     .server = CERTIFICATE_EXPIRED,
     .steps = {"  server shows: spiffe://cluster.local/ns/default/sa/default, signed by the mesh "
               "authority, expired",
               "! client verifies: against the mesh authority",
               "! alert: 45 from the client; the server hears",
               "! transport failure: TLS_error:|268435581"}},
    {.more = PEER("STRICT"),
     .client = CERTIFICATE_WRONG_CA,
     .steps = {"  client shows: spiffe://cluster.local/ns/default/sa/default, signed by the "
               "stranger authority, valid today",
               "! server verifies", "! alert: 48 from the server"}},
    {.more = PEER("STRICT"),
     .client = CERTIFICATE_SELF_SIGNED,
     .steps = {"  client shows: spiffe://cluster.local/ns/default/sa/default, signed by itself"}},
    {.more = PEER("STRICT"),
     .client = CERTIFICATE_NONE,
     .steps = {"! ClientHello: none: the client's secrets are not there",
               "! transport failure: TLS error: Secret is not supplied by SDS"}},
    {.more = PEER("STRICT"),
     .server = CERTIFICATE_NONE,
     .steps = {"! certificate: the server's was never delivered",
               "! alert: no alert is sent: the connection is reset",
               "! transport failure: TLS_error:|33554536"}},
    {.more = PEER("STRICT"),
     .versions = {.max = STR_INIT("TLSv1_2")},
     .steps = {"  server speaks: TLSv1.2 to TLSv1.2", "+ agreed: TLSv1.2"}},
    {.more = PEER("PERMISSIVE") RULE("bytes", "mode: ISTIO_MUTUAL"),
     .cluster = "outbound|90||bytes.default.svc.cluster.local",
     .steps = {"> ClientHello: TLSv1.2 to TLSv1.3, SNI outbound_.90_._.bytes.default.svc.cluster."
               "local, ALPN istio-peer-exchange, istio",
               "+ filter chain: 0.0.0.0_90 (tls, protocol istio",
               "- filter chain: 0.0.0.0_90 (tls): another fits better",
               "- filter chain: 0.0.0.0_90 (raw_buffer): this is TLS"}},
};

static void test_each_step_is_told_in_its_order(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(ROWS); i++)
        check_row(&ROWS[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_step_is_told_in_its_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
