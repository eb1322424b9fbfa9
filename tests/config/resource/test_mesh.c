/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/config/resource/test_mesh.c - which objects there are, and the mesh's
 * own settings.
 */
#include "tests/config/resource/reading.h"

#include <stdio.h>

static const struct {
    const char *text;
    enum diag_id id; /* DIAG_ID_COUNT: nothing is said */
    uint32_t ignored_count;
} KINDS[] = {
    {"apiVersion: networking.istio.io/v1alpha3\nkind: ProxyConfig\nmetadata: {name: a}\n",
     DIAG_ID_COUNT, 0},
    {"apiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata: {name: a}\n"
     "spec: {hosts: [a.b], resolution: STATIC, endpoints: [{address: 10.0.0.1}]}\n",
     DIAG_ID_COUNT, 0},
    {"{apiVersion: networking.istio.io/v1, kind: ServiceEntry, metadata: {name: a}, "
     "spec: {hosts: [a.b], resolution: DNS}}\n",
     DIAG_NOT_ACTED_ON, 0},
    {"{apiVersion: networking.istio.io/v1, kind: ServiceEntry, metadata: {name: a}, "
     "spec: {hosts: [a.b], resolution: STATIC, endpoints: [{address: 'unix:///a'}]}}\n",
     DIAG_NOT_ACTED_ON, 0},
    {"{apiVersion: networking.istio.io/v1, kind: Sidecar, metadata: {name: a}, "
     "spec: {ingress: [{port: {number: 80}, defaultEndpoint: '127.0.0.1:8080'}]}}\n",
     DIAG_ID_COUNT, 0},
    {"{apiVersion: networking.istio.io/v1, kind: Sidecar, metadata: {name: a}, "
     "spec: {ingress: [{port: {number: 80}, defaultEndpoint: 'unix:///a'}]}}\n",
     DIAG_NOT_ACTED_ON, 0},
    {"{apiVersion: networking.istio.io/v1, kind: Sidecar, metadata: {name: a}, "
     "spec: {ingress: [{port: {number: 80}, bind: 127.0.0.1}]}}\n",
     DIAG_NOT_ACTED_ON, 0},
    {"{apiVersion: networking.istio.io/v1, kind: Sidecar, metadata: {name: a}, "
     "spec: {egress: [{port: {number: 80}, captureMode: NONE, hosts: ['*/*']}]}}\n",
     DIAG_NOT_ACTED_ON, 0},
    {"apiVersion: networking.istio.io/v1\nkind: WorkloadGroup\nmetadata: {name: a}\n",
     DIAG_KIND_NO_EFFECT, 0},
    {"apiVersion: install.istio.io/v1alpha1\nkind: IstioOperator\nmetadata: {name: a}\n",
     DIAG_KIND_NO_EFFECT, 0},
    {"apiVersion: security.istio.io/v1\nkind: PeerAuthentication\nmetadata: {name: a}\n",
     DIAG_ID_COUNT, 0},
    {"apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: {name: a}\n",
     DIAG_ID_COUNT, 0},
    {"{apiVersion: security.istio.io/v1, kind: AuthorizationPolicy, metadata: {name: a}, "
     "spec: {action: CUSTOM, provider: {name: p}, rules: [{}]}}\n",
     DIAG_NOT_ACTED_ON, 0},
    {"apiVersion: telemetry.istio.io/v1\nkind: Telemetry\nmetadata: {name: a}\n",
     DIAG_KIND_NO_EFFECT, 0},
    {"apiVersion: extensions.istio.io/v1alpha1\nkind: WasmPlugin\nmetadata: {name: a}\n",
     DIAG_KIND_NO_EFFECT, 0},
    {"apiVersion: extensions.istio.io/v1alpha1\nkind: TrafficExtension\nmetadata: {name: "
     "a}\n",
     DIAG_KIND_NO_EFFECT, 0},
    {"apiVersion: gateway.networking.k8s.io/v1\nkind: ListenerSet\nmetadata: {name: a}\n",
     DIAG_ID_COUNT, 0},
    {"apiVersion: gateway.networking.k8s.io/v1\nkind: BackendTLSPolicy\nmetadata: {name: a}\n",
     DIAG_ID_COUNT, 0},
    {"apiVersion: gateway.networking.k8s.io/v1alpha2\nkind: UDPRoute\nmetadata: {name: a}\n",
     DIAG_KIND_NO_EFFECT, 0},
    {"apiVersion: gateway.networking.x-k8s.io/v1alpha1\nkind: XListenerSet\nmetadata: {name: "
     "a}\n",
     DIAG_KIND_NO_EFFECT, 0},
    {"apiVersion: authentication.istio.io/v1alpha1\nkind: MeshPolicy\nmetadata: {name: a}\n",
     DIAG_KIND_OLD, 0},
    {"apiVersion: rbac.istio.io/v1alpha1\nkind: ServiceRole\nmetadata: {name: a}\n",
     DIAG_KIND_REMOVED, 0},
    {"apiVersion: networking.istio.io/v9\nkind: Gateway\nmetadata: {name: a}\n", DIAG_KIND_VERSION,
     0},
    {"apiVersion: v1\nkind: Secret\nmetadata: {name: a}\n", DIAG_ID_COUNT, 0},
    {"apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: a}\n", DIAG_ID_COUNT, 1},
    {"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n", DIAG_ID_COUNT, 1},
    {"apiVersion: pocketmesh/v1\nkind: RouteTest\nmetadata: {name: a}\n", DIAG_ID_COUNT, 0},
    {"a: b\n", DIAG_OBJECT_NO_KIND, 0},
    {"apiVersion: v1\nkind: Namespace\nmetadata: {}\n", DIAG_OBJECT_NO_NAME, 0},
};

static void test_kinds_are_read_named_or_counted(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(KINDS); i++) {
        struct mesh_reading reading;
        mesh_reading_init(&reading, KINDS[i].text);
        if (KINDS[i].id == DIAG_ID_COUNT)
            assert_int_equal(reading.diags.count, 0);
        else
            assert_said(&reading, KINDS[i].id, 1);
        assert_int_equal(mesh_ignored_count(reading.mesh), KINDS[i].ignored_count);
        mesh_reading_fini(&reading);
    }
}

static void test_mesh_config_is_read_from_its_config_map(void **state)
{
    (void)state;
    struct mesh_reading reading;
    mesh_reading_init(&reading, "apiVersion: v1\nkind: ConfigMap\n"
                                "metadata: {name: istio, namespace: istio-system}\n"
                                "data:\n  mesh: |-\n"
                                "    accessLogFile: /dev/stdout\n"
                                "    outboundTrafficPolicy: {mode: REGISTRY_ONLY}\n"
                                "    pathNormalization: {normalization: MERGE_SLASHES}\n"
                                "    h2UpgradePolicy: UPGRADE\n");
    assert_int_equal(reading.mesh->config.outbound, OUTBOUND_REGISTRY_ONLY);
    assert_int_equal(reading.mesh->config.paths, PATHS_MERGE_SLASHES);
    assert_true(reading.mesh->config.is_upgrading_h2);
    assert_int_equal(reading.diags.count, 0);
    mesh_reading_fini(&reading);
}

static void test_a_command_line_goes_before_the_mesh_config(void **state)
{
    (void)state;
    static const struct {
        const char *file_in_mesh;
        struct mesh_access_log said;
        const char *file, *format;
        enum log_encoding encoding;
    } rows[] = {
        {"/a", {0}, "/a", "in-mesh", LOG_JSON},
        {"/a", {.has_file = true}, "", "in-mesh", LOG_JSON},
        {"/a", {.has_file = true, .file = STR_INIT("/b")}, "/b", "in-mesh", LOG_JSON},
        {"/a", {.has_format = true, .format = STR_INIT("x")}, "/a", "x", LOG_TEXT},
        {"/a", {.has_format = true, .is_json = true}, "/a", "", LOG_JSON},
        {"", {.has_format = true}, "/dev/stdout", "", LOG_TEXT}, /* who formats wants lines */
        {"", {.has_format = true, .has_file = true}, "", "", LOG_TEXT},
        {"", {.is_output_taken = true}, "", "in-mesh", LOG_JSON},
        {"/dev/stdout", {.is_output_taken = true}, "/dev/stderr", "in-mesh", LOG_JSON},
        {"/a", {.is_output_taken = true}, "/a", "in-mesh", LOG_JSON},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct mesh_reading reading;
        char text[512];
        (void)snprintf(text, sizeof(text),
                       "apiVersion: v1\nkind: ConfigMap\n"
                       "metadata: {name: istio, namespace: istio-system}\n"
                       "data:\n  mesh: |-\n    accessLogFile: '%s'\n"
                       "    accessLogFormat: in-mesh\n    accessLogEncoding: JSON\n",
                       rows[i].file_in_mesh);
        mesh_reading_init(&reading, text);
        mesh_set_access_log(reading.mesh, &rows[i].said);
        const struct mesh_config *config = &reading.mesh->config;
        bool is_said = rows[i].said.has_file || rows[i].said.has_format;
        assert_true(str_eq(config->access_log_file, str_of(rows[i].file)));
        assert_true(str_eq(config->access_log_format, str_of(rows[i].format)));
        assert_int_equal(config->access_log_encoding, rows[i].encoding);
        assert_int_equal(config->access_log_origin.line == 0, is_said);
        mesh_reading_fini(&reading);
    }
}

static void test_protocols_are_told_by_the_port_name(void **state)
{
    (void)state;
    static const struct {
        struct service_port port;
        enum port_protocol want;
    } rows[] = {
        {{.name = STR_INIT("http"), .port = 1}, PORT_HTTP},
        {{.name = STR_INIT("HTTP-Upper"), .port = 1}, PORT_HTTP},
        {{.name = STR_INIT("http2-x"), .port = 1}, PORT_HTTP2},
        {{.name = STR_INIT("grpc-web"), .port = 1}, PORT_GRPC_WEB},
        {{.name = STR_INIT("grpc-web-x"), .port = 1}, PORT_GRPC_WEB},
        {{.name = STR_INIT("httpx"), .port = 1}, PORT_SNIFFED},
        {{.name = STR_INIT(""), .port = 80}, PORT_SNIFFED},
        {{.name = STR_INIT("web"), .port = 3306}, PORT_TCP},
        {{.name = STR_INIT("http"), .port = 1, .protocol = STR_INIT("UDP")}, PORT_UDP},
        {{.name = STR_INIT("http"), .port = 1, .app_protocol = STR_INIT("tcp")}, PORT_TCP},
        {{.name = STR_INIT("http"), .port = 1, .app_protocol = STR_INIT("odd")}, PORT_SNIFFED},
        {{.name = STR_INIT("a"), .port = 1, .app_protocol = STR_INIT("kubernetes.io/h2c")},
         PORT_HTTP2},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        assert_int_equal(service_port_protocol(&rows[i].port), rows[i].want);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kinds_are_read_named_or_counted),
        cmocka_unit_test(test_mesh_config_is_read_from_its_config_map),
        cmocka_unit_test(test_a_command_line_goes_before_the_mesh_config),
        cmocka_unit_test(test_protocols_are_told_by_the_port_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
