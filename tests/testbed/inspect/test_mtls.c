/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/testbed/inspect/test_mtls.c - clients against services: who said the mode of each
 * side and where, what comes of it, and that a play in virtual time comes to the same.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/check.h"
#include "testbed/inspect/mtls_grid.h"
#include "testbed/inspect/mtls_world.h"
#include "testbed/sim/sim.h"

#define SERVICE(name, port)                                                                        \
    "{apiVersion: v1, kind: Service, metadata: {name: " name "}, spec: {selector: {app: " name "}" \
    ", ports: [" port "]}}\n---\n"
#define WORKLOAD(name, labels)                                                              \
    "{apiVersion: apps/v1, kind: Deployment, metadata: {name: " name "}, spec: {template: " \
    "{metadata: {labels: {" labels "}}}}}\n---\n"

/* Each line is one object: places in rows are "line". */
static const char MESH[] =
    "{apiVersion: security.istio.io/v1, kind: PeerAuthentication, metadata: {name: mesh, "
    "namespace: istio-system}, spec: {mtls: {mode: STRICT}}}\n---\n" /* 1 */
    "{apiVersion: security.istio.io/v1, kind: PeerAuthentication, metadata: {name: old}, spec: "
    "{selector: {matchLabels: {age: old}}, mtls: {mode: UNSET}, portLevelMtls: {81: {mode: "
    "DISABLE}}}}\n---\n"                                                  /* 3 */
    SERVICE("strict", "{name: http, port: 80}")                           /* 5 */
    SERVICE("old", "{name: http, port: 80}, {name: http-more, port: 81}") /* 7 */
    SERVICE("outside", "{name: http, port: 80}")                          /* 9 */
    SERVICE("two", "{name: http, port: 80}")                              /* 11 */
    SERVICE("bytes", "{name: tcp, port: 90}")                             /* 13 */
    "{apiVersion: networking.istio.io/v1, kind: DestinationRule, metadata: {name: two}, spec: "
    "{host: two, subsets: [{name: plain, labels: {app: two}, trafficPolicy: {tls: {mode: "
    "DISABLE}}}, {name: alike, labels: {app: two}}]}}\n---\n" /* 15 */
    "{apiVersion: networking.istio.io/v1, kind: DestinationRule, metadata: {name: bytes}, spec: "
    "{host: bytes, trafficPolicy: {portLevelSettings: [{port: {number: 90}, tls: {mode: "
    "SIMPLE}}]}}}\n---\n" /* 17 */
    WORKLOAD("caller", "app: caller") WORKLOAD("strict",
                                               "app: strict") WORKLOAD("old", "app: old, age: old")
        WORKLOAD("outside", "app: outside, sidecar.istio.io/inject: 'false'") WORKLOAD(
            "two-in", "app: two") WORKLOAD("two-out", "app: two, sidecar.istio.io/inject: 'false'")
            WORKLOAD("bytes",
                     "app: bytes") "{apiVersion: networking.istio.io/v1, kind: VirtualService, "
                                   "metadata: {name: strict}, spec: "
                                   "{hosts: [strict], http: [{directResponse: {status: 418}}]}}\n";

static struct play *begin_sim(struct world *world, struct play_options options, struct str *why)
{
    (void)why;
    return sim_play_new(world, options);
}

struct desk {
    struct arena arena;
    struct diag_list diags;
    struct documents documents;
    struct world *world;
    struct mtls_grid grid;
};

static void open_desk(struct desk *desk, const char *caller, const char *profile, const char *more)
{
    *desk = (struct desk){0};
    arena_init(&desk->arena, 65536, 0);
    diag_list_init(&desk->diags, &desk->arena);
    tree_read(STR("m.yaml"), str_of(MESH), &desk->arena, &desk->documents, &desk->diags);
    tree_read(STR("more.yaml"), str_of(more), &desk->arena, &desk->documents, &desk->diags);
    struct str from = str_of(caller);
    struct mtls_callers callers = {.wanted = &from, .wanted_count = 1};
    struct world_spec spec = {.documents = desk->documents,
                              .has_sidecar_default = true,
                              .profile = profile_find(str_of(profile))};
    desk->world = mtls_world_new(&spec, &callers, &desk->arena, &desk->diags);
    assert_non_null(desk->world);
    assert_int_equal(callers.nobody.len, 0);
    desk->grid = mtls_grid_of(desk->world, STR_EMPTY, &desk->arena);
    struct str why;
    assert_true(mtls_grid_play(&desk->grid, (struct mtls_engine){.begin = begin_sim}, 1,
                               &desk->arena, &why));
}

static void close_desk(struct desk *desk)
{
    world_free(desk->world);
    arena_fini(&desk->arena);
}

struct row {
    const char *target, *client_mode, *client_by;
    uint32_t client_line;
    const char *server_mode, *server_by;
    uint32_t server_line;
    enum mtls_verdict verdict;
    enum mtls_reason reason;
    uint32_t status;
    const char *flags;
};

static void check_side(const struct mtls_side *side, const char *mode, const char *by,
                       uint32_t line)
{
    assert_true(str_eq(side->mode, str_of(mode)));
    assert_true(str_eq(side->by, str_of(by)));
    assert_int_equal(side->origin.line, line);
}

static void check_rows(struct desk *desk, const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct mtls_cell *cell = NULL;
        for (uint32_t k = 0; k < desk->grid.count && cell == NULL; k++) {
            if (str_eq(mtls_cell_target(&desk->grid.cells[k], &desk->arena),
                       str_of(rows[i].target)))
                cell = &desk->grid.cells[k];
        }
        if (cell == NULL)
            fail_msg("there is no row %s", rows[i].target);
        check_side(&cell->meeting.client, rows[i].client_mode, rows[i].client_by,
                   rows[i].client_line);
        check_side(&cell->meeting.server, rows[i].server_mode, rows[i].server_by,
                   rows[i].server_line);
        assert_int_equal(cell->meeting.verdict, rows[i].verdict);
        assert_int_equal(cell->meeting.reason, rows[i].reason);
        assert_true(cell->is_played);
        assert_int_equal(cell->outcome.has_response ? cell->outcome.status : 0, rows[i].status);
        assert_true(str_eq(cell->outcome.flags, str_of(rows[i].flags)));
    }
    assert_int_equal(desk->grid.count, count);
}

#define MESH_STRICT "STRICT", "PeerAuthentication/mesh.istio-system", 1

static void test_every_side_is_told_with_who_said_it(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"strict.default:80", "auto", "auto mTLS", 0, MESH_STRICT, MTLS_MUTUAL, MTLS_NOTHING, 200,
         "-"},
        {"old.default:80", "auto", "auto mTLS", 0, MESH_STRICT, MTLS_MUTUAL, MTLS_NOTHING, 200,
         "-"},
        {"old.default:81", "auto", "auto mTLS", 0, "DISABLE", "PeerAuthentication/old.default", 3,
         MTLS_PLAINTEXT, MTLS_NOTHING, 200, "-"},
        {"outside.default:80", "auto", "auto mTLS", 0, "no sidecar", "", 0, MTLS_PLAINTEXT,
         MTLS_NOTHING, 200, "-"},
        {"two.default:80 (two-in)", "auto", "auto mTLS", 0, MESH_STRICT, MTLS_MUTUAL, MTLS_NOTHING,
         200, "-"},
        {"two.default:80 (two-out)", "auto", "auto mTLS", 0, "no sidecar", "", 0, MTLS_PLAINTEXT,
         MTLS_NOTHING, 200, "-"},
        {"two.default:80/plain (two-in)", "DISABLE", "DestinationRule/two.default", 15, MESH_STRICT,
         MTLS_REFUSED, MTLS_SERVER_REQUIRES_MTLS, 503, "UC"},
        {"two.default:80/plain (two-out)", "DISABLE", "DestinationRule/two.default", 15,
         "no sidecar", "", 0, MTLS_PLAINTEXT, MTLS_NOTHING, 200, "-"},
        {"bytes.default:90", "SIMPLE", "DestinationRule/bytes.default", 17, MESH_STRICT,
         MTLS_REFUSED, MTLS_CERTIFICATE_WRONG_AUTHORITY, 0, "UF,URX"},
    };
    struct desk desk;
    open_desk(&desk, "caller", "istio-latest", "");
    check_rows(&desk, rows, COUNT_OF(rows));
    close_desk(&desk);
}

/* The text is a real Envoy's. */
static void test_who_is_called_by_another_name_is_told_both(void **state)
{
    (void)state;
    static const char RULE[] =
        "{apiVersion: networking.istio.io/v1, kind: DestinationRule, metadata: {name: strict}, "
        "spec: {host: strict, trafficPolicy: {tls: {mode: SIMPLE, caCertificates: mesh.pem}}}}\n";
    static const char WANT[] =
        "TLS_error:|268435581:SSL routines:OPENSSL_internal:CERTIFICATE_VERIFY_FAILED:verify cert "
        "failed: verify SAN list, expected SANs: [strict.default.svc.cluster.local], certificate "
        "SANs: [spiffe://cluster.local/ns/default/sa/default]:TLS_error_end";
    struct desk desk;
    open_desk(&desk, "caller", "istio-latest", RULE);
    const struct mtls_cell *cell = &desk.grid.cells[0];
    for (uint32_t i = 0; !str_eq(cell->service->meta.name, STR("strict")); i++)
        cell = &desk.grid.cells[i];
    assert_int_equal(cell->meeting.reason, MTLS_CERTIFICATE_WRONG_NAME);
    assert_true(str_eq(cell->meeting.transport_failure, str_of(WANT)));
    assert_true(str_eq(cell->outcome.record.transport_failure, str_of(WANT)));
    close_desk(&desk);
}

static void test_where_auto_mtls_is_off_the_mesh_is_named(void **state)
{
    (void)state;
    static const char CONFIG[] =
        "{apiVersion: v1, kind: ConfigMap, metadata: {name: istio, namespace: istio-system}, "
        "data: {mesh: \n"
        "\"enableAutoMtls: false\"}}\n";
    struct desk desk;
    open_desk(&desk, "caller", "istio-latest", CONFIG);
    const struct mtls_cell *cell = &desk.grid.cells[0];
    for (uint32_t i = 0; !str_eq(cell->service->meta.name, STR("strict")); i++)
        cell = &desk.grid.cells[i];
    check_side(&cell->meeting.client, "none", "MeshConfig", 3);
    assert_int_equal(cell->meeting.reason, MTLS_SERVER_REQUIRES_MTLS);
    assert_int_equal(cell->outcome.status, 503);
    close_desk(&desk);
}

static void test_istio_1_0_knows_no_auto_mtls(void **state)
{
    (void)state;
    struct desk desk;
    open_desk(&desk, "caller", "istio-1.0", "");
    const struct mtls_cell *cell = &desk.grid.cells[0];
    for (uint32_t i = 0; !str_eq(cell->service->meta.name, STR("strict")); i++)
        cell = &desk.grid.cells[i];
    check_side(&cell->meeting.client, "none", "default of profile istio-1.0", 0);
    assert_int_equal(cell->meeting.reason, MTLS_SERVER_REQUIRES_MTLS);
    assert_true(str_eq(cell->outcome.flags, STR("UC")));
    close_desk(&desk);
}

static void test_who_has_no_sidecar_calls_in_plaintext(void **state)
{
    (void)state;
    struct desk desk;
    open_desk(&desk, MTLS_NO_SIDECAR, "istio-latest", "");
    for (uint32_t i = 0; i < desk.grid.count; i++) {
        const struct mtls_cell *cell = &desk.grid.cells[i];
        bool is_strict = str_eq(cell->meeting.server.mode, STR("STRICT"));
        check_side(&cell->meeting.client, "no sidecar", "", 0);
        assert_int_equal(cell->meeting.verdict, is_strict ? MTLS_REFUSED : MTLS_PLAINTEXT);
        assert_int_equal(cell->outcome.has_response, !is_strict);
        assert_true(cell->is_played);
    }
    close_desk(&desk);
}

static void test_a_name_that_nobody_has_is_said_with_those_there_are(void **state)
{
    (void)state;
    struct arena arena;
    struct diag_list diags;
    arena_init(&arena, 65536, 0);
    diag_list_init(&diags, &arena);
    struct documents documents = {0};
    tree_read(STR("m.yaml"), str_of(MESH), &arena, &documents, &diags);
    struct str from[] = {STR_INIT("caller"), STR_INIT("nobdy")};
    struct mtls_callers callers = {.wanted = from, .wanted_count = 2};
    struct world_spec spec = {.documents = documents, .has_sidecar_default = true};
    struct world *world = mtls_world_new(&spec, &callers, &arena, &diags);
    assert_true(str_eq(callers.nobody, STR("nobdy")));
    assert_true(str_contains(callers.known, STR("caller, strict, old, outside, two-in")));
    world_free(world);
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_side_is_told_with_who_said_it),
        cmocka_unit_test(test_who_is_called_by_another_name_is_told_both),
        cmocka_unit_test(test_where_auto_mtls_is_off_the_mesh_is_named),
        cmocka_unit_test(test_istio_1_0_knows_no_auto_mtls),
        cmocka_unit_test(test_who_has_no_sidecar_calls_in_plaintext),
        cmocka_unit_test(test_a_name_that_nobody_has_is_said_with_those_there_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
