/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/testbed/world/test_world.c - who is there, at which address, and where
 * a call goes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "testbed/world/world.h"

#include "base/check.h"
#include "testbed/world/call.h"
#include "tests/testbed/stage.h"

#define SERVICE(name, port)                                       \
    "apiVersion: v1\nkind: Service\nmetadata: {name: " name "}\n" \
    "spec: {selector: {app: " name "}, ports: [{name: " port "}]}\n---\n"

static const char MESH[] = SERVICE("reviews", "http, port: 9080")
    SERVICE("ratings", "http, port: 80, targetPort: web") SERVICE(
        "db",
        "tcp, port: 3306") "apiVersion: apps/v1\n"
                           "kind: Deployment\n"
                           "metadata: {name: ratings-v1}\n"
                           "spec:\n"
                           "  replicas: 2\n"
                           "  selector: {matchLabels: {app: ratings}}\n"
                           "  template:\n"
                           "    metadata: {labels: {app: ratings, version: v1}}\n"
                           "    spec:\n"
                           "      serviceAccountName: rater\n"
                           "      containers: [{name: a, image: a, ports: [{name: web, "
                           "containerPort: 8123}]}]\n"
                           "---\n"
                           "apiVersion: networking.istio.io/v1\n"
                           "kind: ServiceEntry\n"
                           "metadata: {name: api}\n"
                           "spec:\n"
                           "  hosts: [api.example.com]\n"
                           "  location: MESH_EXTERNAL\n"
                           "  resolution: STATIC\n"
                           "  ports: [{number: 80, name: http, protocol: HTTP, targetPort: 8080}]\n"
                           "  endpoints: [{address: api/0}]\n"
                           "---\n"
                           "apiVersion: networking.istio.io/v1\n"
                           "kind: Sidecar\n"
                           "metadata: {name: db}\n"
                           "spec:\n"
                           "  workloadSelector: {labels: {app: db}}\n"
                           "  ingress: [{port: {number: 3306, name: tcp, protocol: TCP}, "
                           "defaultEndpoint: '127.0.0.1:3307'}]\n"
                           "---\n"
                           "apiVersion: networking.istio.io/v1\n"
                           "kind: Gateway\n"
                           "metadata: {name: public, namespace: istio-system}\n"
                           "spec:\n"
                           "  selector: {istio: ingressgateway}\n"
                           "  servers: [{port: {number: 8080, name: http, protocol: HTTP}, hosts: "
                           "['*']}]\n";

static struct label reviews_labels[] = {{STR_INIT("app"), STR_INIT("reviews")},
                                        {STR_INIT("version"), STR_INIT("v2")}};
static uint32_t outsider_ports[] = {8123};
static struct answer script[] = {{.status = 503}, {.status = 404}};

static struct workload_spec workloads[] = {
    {.name = STR_INIT("reviews"), .service = STR_INIT("reviews"), .replicas = 2},
    {.name = STR_INIT("reviews-v2"), .labels = reviews_labels, .label_count = 2},
    {.name = STR_INIT("outsider"), .ports = outsider_ports, .port_count = 1},
    {.name = STR_INIT("api")},
    {.name = STR_INIT("db"), .service = STR_INIT("db")},
};
static struct client_spec clients[] = {
    {.name = STR_INIT("productpage"), .via = VIA_SIDECAR},
    {.name = STR_INIT("internet"),
     .via = VIA_GATEWAY,
     .gateway_namespace = STR_INIT("istio-system"),
     .gateway_name = STR_INIT("public"),
     .address = STR_INIT("127.9.0.9")},
    {.name = STR_INIT("batch"), .via = VIA_NONE},
};

static void open_all(struct stage *stage)
{
    stage_init(stage, MESH);
    stage->spec.workloads = workloads;
    stage->spec.workload_count = COUNT_OF(workloads);
    stage->spec.clients = clients;
    stage->spec.client_count = COUNT_OF(clients);
    stage_open(stage);
}

static void test_everybody_has_an_address_and_ports(void **state)
{
    (void)state;
    static const struct {
        const char *name, *address;
        uint32_t port;
    } rows[] = {
        {"ratings-v1/0", "127.1.1.1", 8123}, {"ratings-v1/1", "127.1.1.2", 8123},
        {"reviews/0", "127.1.2.1", 9080},    {"reviews/1", "127.1.2.2", 9080},
        {"reviews-v2/0", "127.1.3.1", 9080}, {"outsider/0", "127.1.4.1", 8123},
        {"api/0", "127.1.5.1", 8080},        {"db/0", "127.1.6.1", 3306},
    };
    struct stage stage;
    open_all(&stage);
    assert_int_equal(stage.world->pod_count, COUNT_OF(rows));
    for (uint32_t i = 0; i < COUNT_OF(rows); i++) {
        const struct world_pod *pod = &stage.world->pods[i];
        assert_text(pod->name, rows[i].name);
        assert_text(pod->address, rows[i].address);
        assert_int_equal(world_pod_find(stage.world, pod->name), i);
        assert_int_equal(world_pod_at(stage.world, pod->address, rows[i].port), i);
        assert_int_equal(world_pod_at(stage.world, pod->address, 1), UINT32_MAX);
    }
    /* A Sidecar's ingress looks for it there. */
    assert_text(stage.world->pods[world_pod_at(stage.world, STR("127.1.6.1"), 3307)].name, "db/0");
    assert_int_equal(world_pod_find(stage.world, STR("nobody/0")), UINT32_MAX);
    stage_fini(&stage);
}

static void test_services_find_the_pods_of_the_test(void **state)
{
    (void)state;
    static const struct {
        const char *cluster;
        uint32_t endpoint_count;
    } rows[] = {
        {"outbound|9080||reviews.default.svc.cluster.local", 3},
        {"outbound|80||ratings.default.svc.cluster.local", 2},
    };
    struct stage stage;
    open_all(&stage);
    const struct snapshot *snapshot = stage.world->clients[0].snapshot;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const struct cluster *cluster = snapshot_cluster(snapshot, str_of(rows[i].cluster));
        assert_non_null(cluster);
        assert_int_equal(cluster->endpoint_count, rows[i].endpoint_count);
        for (uint32_t j = 0; j < cluster->endpoint_count; j++) {
            const struct endpoint *endpoint = &cluster->endpoints[j];
            assert_int_not_equal(world_pod_at(stage.world, endpoint->address, endpoint->port),
                                 UINT32_MAX);
        }
    }
    stage_fini(&stage);
}

/* It is in the snapshot, since it may come; balancers leave it out until then. */
static void test_an_absent_pod_is_no_endpoint_yet(void **state)
{
    (void)state;
    struct pod_spec pods[] = {{.index = 1, .behaviour = {.is_absent = true}}};
    struct workload_spec some[] = {workloads[0]};
    some[0].pods = pods;
    some[0].pod_count = 1;
    struct stage stage;
    stage_init(&stage, MESH);
    stage.spec.workloads = some;
    stage.spec.workload_count = 1;
    stage.spec.clients = clients;
    stage.spec.client_count = 1;
    stage_open(&stage);
    const struct cluster *cluster = snapshot_cluster(
        stage.world->clients[0].snapshot, STR("outbound|9080||reviews.default.svc.cluster.local"));
    assert_int_equal(cluster->endpoint_count, 2);
    for (uint32_t i = 0; i < 2; i++) {
        uint32_t pod = world_pod_at(stage.world, cluster->endpoints[i].address, 9080);
        assert_true(cluster->endpoints[i].is_absent ==
                    (pod == world_pod_find(stage.world, STR("reviews/1"))));
    }
    stage_fini(&stage);
}

static void test_clients_have_proxies_of_their_kind(void **state)
{
    (void)state;
    struct stage stage;
    open_all(&stage);
    const struct world_client *client = stage.world->clients;
    assert_text(client[0].address, "127.3.1.1");
    assert_text(client[0].proxy_address, "127.3.1.1");
    assert_int_equal(client[0].snapshot->proxy_type, PROXY_SIDECAR);
    assert_text(client[1].address, "127.9.0.9");
    assert_text(client[1].proxy_address, "127.5.2.1");
    assert_int_equal(client[1].snapshot->proxy_type, PROXY_ROUTER);
    assert_null(client[2].snapshot);
    stage_fini(&stage);
}

static void test_a_call_goes_where_its_client_would_send_it(void **state)
{
    (void)state;
    static const struct {
        struct call call;
        const char *listener; /* "": none */
        const char *pod;
        uint32_t port;
    } rows[] = {
        {{.has_authority = true, .authority = STR_INIT("reviews")}, "0.0.0.0_9080", "", 9080},
        {{.has_authority = true, .authority = STR_INIT("REVIEWS.default:9080")},
         "0.0.0.0_9080",
         "",
         9080},
        {{.has_authority = true, .authority = STR_INIT("ratings")}, "0.0.0.0_80", "", 80},
        {{.has_authority = true, .authority = STR_INIT("elsewhere.com")}, "0.0.0.0_80", "", 80},
        {{.has_authority = true, .authority = STR_INIT("x:9080")}, "0.0.0.0_9080", "", 9080},
        {{.port = 9080}, "0.0.0.0_9080", "", 9080},
        {{.has_authority = true, .authority = STR_INIT("reviews"), .port = 1}, "", "", 1},
        {{.to = STR_INIT("outsider/0"), .port = 8123}, "virtualOutbound", "", 8123},
        {{.to = STR_INIT("outsider/0"), .port = 9080}, "0.0.0.0_9080", "", 9080},
        {{.client = 1}, "0.0.0.0_8080", "", 8080},
        {{.client = 1, .port = 8080}, "0.0.0.0_8080", "", 8080},
        {{.client = 1, .port = 9}, "", "", 9},
        {{.client = 2, .has_authority = true, .authority = STR_INIT("ratings")},
         "",
         "ratings-v1/0",
         8123},
        {{.client = 2, .has_authority = true, .authority = STR_INIT("nobody")}, "", "", 80},
    };
    struct stage stage;
    open_all(&stage);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct call_target target = world_target(stage.world, &rows[i].call);
        assert_text(target.listener != NULL ? target.listener->name : STR_EMPTY, rows[i].listener);
        if (rows[i].pod[0] != '\0')
            assert_text(stage.world->pods[target.pod].name, rows[i].pod);
        else
            assert_int_equal(target.pod, UINT32_MAX);
        if (target.pod == UINT32_MAX)
            assert_int_equal(target.port, rows[i].port);
        assert_int_equal(target.has_original, rows[i].call.to.len > 0);
    }
    stage_fini(&stage);
}

static void test_a_tcp_service_has_a_listener_of_its_own_address(void **state)
{
    (void)state;
    struct stage stage;
    open_all(&stage);
    struct call call = {.has_authority = true, .authority = STR("db")};
    struct call_target target = world_target(stage.world, &call);
    assert_non_null(target.listener);
    assert_true(str_eq(target.listener->address, target.address));
    assert_true(str_eq(target.address, world_service_of(stage.world, STR("db"))->cluster_ip));
    stage_fini(&stage);
}

static void test_authorities_name_services(void **state)
{
    (void)state;
    static const struct {
        const char *authority, *name; /* "": none */
    } rows[] = {
        {"reviews", "reviews"},
        {"reviews:80", "reviews"},
        {"Reviews.default", "reviews"},
        {"reviews.default.svc.cluster.local:9080", "reviews"},
        {"reviews.other", ""},
        {"", ""},
        {"api.example.com", "api.example.com"},
        {"www.example.com", ""},
    };
    struct stage stage;
    open_all(&stage);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const struct service *service = world_service_of(stage.world, str_of(rows[i].authority));
        assert_text(service != NULL ? service->meta.name : STR_EMPTY, rows[i].name);
    }
    stage_fini(&stage);
}

static uint32_t next_status(struct world *world, const char *pod)
{
    return world_next_answer(world, world_pod_find(world, str_of(pod)))->status;
}

static void test_a_script_is_the_workloads_or_each_pods(void **state)
{
    (void)state;
    for (int is_own = 0; is_own < 2; is_own++) {
        struct workload_spec some[] = {workloads[0]};
        some[0].behaviour = behaviour_default();
        some[0].behaviour.script = script;
        some[0].behaviour.script_count = 2;
        some[0].behaviour.is_script_per_pod = is_own == 1;
        struct stage stage;
        stage_init(&stage, MESH);
        stage.spec.workloads = some;
        stage.spec.workload_count = 1;
        struct world *world = stage_open(&stage);
        assert_int_equal(next_status(world, "reviews/0"), 503);
        assert_int_equal(next_status(world, "reviews/1"), is_own ? 503 : 404);
        assert_int_equal(next_status(world, "reviews/0"), 404);
        assert_int_equal(next_status(world, "reviews/0"), 404);
        /* A test's `set` begins every script anew. */
        world_pod_behave(world, world_pod_find(world, STR("reviews/1")), behaviour_default());
        assert_int_equal(next_status(world, "reviews/0"), 503);
        assert_int_equal(next_status(world, "reviews/1"), 0 + behaviour_default().answer.status);
        stage_fini(&stage);
    }
}

static void test_mistakes_are_diagnosed(void **state)
{
    (void)state;
    struct client_spec lost[] = {{.name = STR_INIT("internet"),
                                  .via = VIA_GATEWAY,
                                  .gateway_namespace = STR_INIT("a"),
                                  .gateway_name = STR_INIT("b")}};
    struct stage stage;
    stage_init(&stage, MESH);
    stage.spec.clients = lost;
    stage.spec.client_count = 1;
    assert_null(world_new(&stage.spec, &stage.arena, &stage.diags));
    assert_int_equal(stage.diags.error_count, 1);
    bool is_said = false;
    for (uint32_t i = 0; i < stage.diags.count; i++)
        is_said = is_said || stage.diags.items[i].id == DIAG_GATEWAY_ABSENT;
    assert_true(is_said);
    stage_fini(&stage);
}

/* In a mesh that stays a client that is called as a pod is that pod's own proxy. */
static void test_a_client_is_its_pods_proxy(void **state)
{
    (void)state;
    static struct client_spec pods_own[] = {
        {.name = STR_INIT("reviews-0"), .via = VIA_SIDECAR, .caller_count = 1}};
    for (int has_sidecar = 0; has_sidecar < 2; has_sidecar++) {
        struct stage stage;
        stage_init(&stage, MESH);
        stage.spec.has_sidecar_default = has_sidecar == 1;
        stage.spec.has_stable_addresses = true;
        stage.spec.workloads = workloads;
        stage.spec.workload_count = 2;
        stage.spec.clients = pods_own;
        stage.spec.client_count = COUNT_OF(pods_own);
        struct world *world = stage_open(&stage);
        for (uint32_t i = 0; i < world->pod_count; i++) {
            const struct world_pod *pod = &world->pods[i];
            bool is_client = str_eq(pod->kube_name, pods_own[0].name);
            assert_int_equal(pod->is_played, has_sidecar);
            assert_false(pod->may_ask);
            if (has_sidecar == 0)
                assert_int_equal(pod->client, UINT32_MAX);
            else
                assert_int_equal(world->clients[pod->client].is_pods, !is_client);
            assert_true(!is_client || has_sidecar == 0 || pod->client == 0);
        }
        stage_fini(&stage);
    }
}

/* What manifests keep from the injector has no sidecar, unless the test says so itself. */
static void test_a_pod_without_injection_has_no_sidecar(void **state)
{
    (void)state;
    static const char ALONE[] =
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: alone}\n"
        "spec: {template: {metadata: {labels: {app: a, sidecar.istio.io/inject: 'false'}}}}\n";
    struct workload_spec said[] = {
        {.name = STR_INIT("alone"), .has_sidecar = true, .has_sidecar_word = true}};
    for (uint32_t says = 0; says < 2; says++) {
        struct stage stage;
        stage_init(&stage, ALONE);
        stage.spec.has_sidecar_default = true;
        stage.spec.workloads = said;
        stage.spec.workload_count = says;
        struct world *world = stage_open(&stage);
        assert_int_equal(world->pod_count, 1);
        assert_int_equal(world->pods[0].has_sidecar, says == 1);
        stage_fini(&stage);
    }
}

/* A pod's proxy stands before its application, but for what it dials itself. */
static void test_a_sidecar_stands_before_its_application(void **state)
{
    (void)state;
    for (int has_sidecar = 0; has_sidecar < 2; has_sidecar++) {
        struct stage stage;
        stage_init(&stage, MESH);
        stage.spec.has_sidecar_default = has_sidecar == 1;
        stage.spec.workloads = workloads;
        stage.spec.workload_count = 2;
        struct world *world = stage_open(&stage);
        const struct world_pod *pod = &world->pods[0];
        struct cluster outbound = {.name = STR("outbound|80||a")};
        struct cluster inbound = {.name = STR("inbound|80||"), .is_inbound = true};
        struct cluster passthrough = {.name = STR("InboundPassthroughCluster")};
        assert_int_equal(pod->is_played, has_sidecar);
        const struct listener *met = world_inbound(world, 0, 80, &outbound);
        assert_true((met != NULL) == (has_sidecar == 1));
        assert_ptr_equal(world_inbound(world, 0, 80, NULL), met);
        assert_null(world_inbound(world, 0, 80, &inbound));
        assert_null(world_inbound(world, 0, 80, &passthrough));
        if (met == NULL) {
            stage_fini(&stage);
            continue;
        }
        assert_true(str_eq(met->name, STR("virtualInbound")));
        assert_int_equal(world_pod_dialled(world, pod->client, &inbound, STR("127.0.0.1")), 0);
        assert_int_equal(world_pod_dialled(world, pod->client, &outbound, pod->address), 0);
        assert_int_equal(world_pod_dialled(world, pod->client, &outbound, STR("127.0.0.1")),
                         UINT32_MAX);
        stage_fini(&stage);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_everybody_has_an_address_and_ports),
        cmocka_unit_test(test_services_find_the_pods_of_the_test),
        cmocka_unit_test(test_an_absent_pod_is_no_endpoint_yet),
        cmocka_unit_test(test_clients_have_proxies_of_their_kind),
        cmocka_unit_test(test_a_call_goes_where_its_client_would_send_it),
        cmocka_unit_test(test_a_tcp_service_has_a_listener_of_its_own_address),
        cmocka_unit_test(test_authorities_name_services),
        cmocka_unit_test(test_a_script_is_the_workloads_or_each_pods),
        cmocka_unit_test(test_mistakes_are_diagnosed),
        cmocka_unit_test(test_a_client_is_its_pods_proxy),
        cmocka_unit_test(test_a_pod_without_injection_has_no_sidecar),
        cmocka_unit_test(test_a_sidecar_stands_before_its_application),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
