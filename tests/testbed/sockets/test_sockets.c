/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/testbed/sockets/test_sockets.c - a world on loopback sockets: the same
 * answers as in virtual time, and nothing left open.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "testbed/sockets/sockets.h"

#include <dirent.h>

#include "base/check.h"
#include "base/ns.h"
#include "tests/testbed/stage.h"

static const char MESH[] =
    "apiVersion: v1\n"
    "kind: Service\n"
    "metadata: {name: reviews}\n"
    "spec: {selector: {app: reviews}, ports: [{name: http, port: 9080}]}\n"
    "---\n"
    "apiVersion: v1\n"
    "kind: Service\n"
    "metadata: {name: db}\n"
    "spec: {selector: {app: db}, ports: [{name: tcp, port: 3306}]}\n"
    "---\n"
    "apiVersion: v1\n"
    "kind: Service\n"
    "metadata: {name: empty}\n"
    "spec: {selector: {app: empty}, ports: [{name: http, port: 9080}]}\n"
    "---\n"
    "apiVersion: v1\n"
    "kind: Service\n"
    "metadata: {name: narrow}\n"
    "spec: {selector: {app: narrow}, ports: [{name: http, port: 9080}]}\n"
    "---\n"
    "apiVersion: networking.istio.io/v1\n"
    "kind: DestinationRule\n"
    "metadata: {name: narrow}\n"
    "spec: {host: narrow, trafficPolicy: {connectionPool: {tcp: {maxConnections: 1}, http: "
    "{http1MaxPendingRequests: 1}}}}\n"
    "---\n"
    "apiVersion: networking.istio.io/v1\n"
    "kind: Gateway\n"
    "metadata: {name: public}\n"
    "spec:\n"
    "  selector: {istio: ingressgateway}\n"
    "  servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: ['*']}]\n"
    "---\n"
    "apiVersion: networking.istio.io/v1\n"
    "kind: VirtualService\n"
    "metadata: {name: reviews}\n"
    "spec:\n"
    "  hosts: ['*']\n"
    "  gateways: [public]\n"
    "  http: [{route: [{destination: {host: reviews}}]}]\n";

static struct client_spec clients[] = {
    {.name = STR_INIT("productpage"), .via = VIA_SIDECAR},
    {.name = STR_INIT("batch"), .via = VIA_NONE},
    {.name = STR_INIT("internet"),
     .via = VIA_GATEWAY,
     .gateway_namespace = STR_INIT("default"),
     .gateway_name = STR_INIT("public"),
     .address = STR_INIT("127.9.0.9")},
};

static const struct call to_reviews = {
    .has_authority = true, .authority = STR_INIT("reviews"), .uri = STR_INIT("/a")};

static uint32_t outsider_ports[] = {8123};

struct scene {
    struct stage stage;
    struct workload_spec workloads[4];
    struct play *play;
    struct outcome outcome;
};

static void scene_open(struct scene *scene, struct behaviour behaviour)
{
    *scene = (struct scene){0};
    scene->workloads[0] = (struct workload_spec){
        .name = STR("reviews"), .service = STR("reviews"), .replicas = 2, .behaviour = behaviour};
    scene->workloads[1] =
        (struct workload_spec){.name = STR("db"), .service = STR("db"), .behaviour = behaviour};
    scene->workloads[2] = (struct workload_spec){
        .name = STR("outsider"), .ports = outsider_ports, .port_count = 1, .behaviour = behaviour};
    scene->workloads[3] = (struct workload_spec){
        .name = STR("narrow"), .service = STR("narrow"), .behaviour = behaviour};
    stage_init(&scene->stage, MESH);
    scene->stage.spec.workloads = scene->workloads;
    scene->stage.spec.workload_count = COUNT_OF(scene->workloads);
    scene->stage.spec.clients = clients;
    scene->stage.spec.client_count = COUNT_OF(clients);
    struct str why = STR_EMPTY;
    scene->play = sockets_play_new(stage_open(&scene->stage), (struct play_options){0}, &why);
    if (scene->play == NULL)
        print_message("%.*s\n", STR_FMT(why));
    assert_non_null(scene->play);
}

static void scene_close(struct scene *scene)
{
    scene->play->ops->free(scene->play);
    stage_fini(&scene->stage);
}

static const struct outcome *call(struct scene *scene, struct call what)
{
    stage_call(scene->play, what, &scene->outcome, &scene->stage.arena);
    return &scene->outcome;
}

static void test_a_request_is_answered_recorded_and_seen(void **state)
{
    (void)state;
    struct scene scene;
    struct behaviour behaviour = behaviour_default();
    behaviour.answer.body = STR("hello");
    scene_open(&scene, behaviour);
    const struct outcome *outcome = call(&scene, to_reviews);
    assert_int_equal(outcome->error, CALL_OK);
    assert_int_equal(outcome->status, 200);
    assert_text(outcome->body, "hello");
    assert_true(outcome->has_record);
    assert_int_equal(outcome->record.status, 200);
    assert_text(outcome->flags, "-");
    assert_int_equal(outcome->sighting_count, 1);
    assert_text(outcome->sightings[0].uri, "/a");
    assert_int_equal(outcome->sightings[0].pod, outcome->pod);
    uint64_t value = 0;
    assert_true(scene.play->ops->stat(scene.play,
                                      STR("outbound|9080||reviews.default.svc.cluster.local"),
                                      STR("upstream_rq_total"), &value));
    assert_int_equal(value, 1);
    scene_close(&scene);
}

static const struct network_row {
    struct behaviour behaviour;
    struct call call;
    enum call_error error;
    uint32_t status;
    const char *flags;
} network_rows[] = {
    {{.answer.status = 200, .is_refusing = true},
     {.has_authority = true, .authority = STR_INIT("reviews"), .uri = STR_INIT("/")},
     CALL_OK,
     503,
     "URX,UF"},
    {{.answer.status = 200},
     {.has_authority = true, .authority = STR_INIT("empty"), .uri = STR_INIT("/")},
     CALL_OK,
     503,
     "UH"},
    {{.answer.status = 200},
     {.has_authority = true, .authority = STR_INIT("reviews"), .port = 1, .uri = STR_INIT("/")},
     CALL_CONNECTION_REFUSED,
     0,
     ""},
    {{.answer = {.act = ACT_CLOSE_BEFORE_HEADERS}},
     {.has_authority = true, .authority = STR_INIT("reviews"), .uri = STR_INIT("/")},
     CALL_OK,
     503,
     "UC"},
    {{.answer = {.status = 200, .latency = LATENCY_INIT(NS_SECOND)}},
     {.has_authority = true,
      .authority = STR_INIT("reviews"),
      .uri = STR_INIT("/"),
      .has_cancel = true,
      .cancel_after_ns = 30 * NS_MS},
     CALL_CANCELLED,
     0,
     "DC"},
    {{.answer = {.act = ACT_RESET_MID_BODY}},
     {.client = 1, .has_authority = true, .authority = STR_INIT("reviews")},
     CALL_CONNECTION_RESET,
     200,
     ""},
    {{.answer = {.act = ACT_CLOSE_MID_BODY}},
     {.client = 1, .has_authority = true, .authority = STR_INIT("reviews")},
     CALL_INCOMPLETE_RESPONSE,
     200,
     ""},
    {{.answer.status = 200, .is_refusing = true},
     {.client = 1, .has_authority = true, .authority = STR_INIT("reviews")},
     CALL_CONNECTION_REFUSED,
     0,
     ""},
};

static void test_failures_look_like_those_of_a_network(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(network_rows); i++) {
        struct scene scene;
        scene_open(&scene, network_rows[i].behaviour);
        const struct outcome *outcome = call(&scene, network_rows[i].call);
        if (outcome->error != network_rows[i].error || outcome->status != network_rows[i].status)
            print_message("row %zu: error %d, status %u\n", i, outcome->error, outcome->status);
        assert_int_equal(outcome->error, network_rows[i].error);
        assert_int_equal(outcome->status, network_rows[i].status);
        assert_text(outcome->flags, network_rows[i].flags);
        scene_close(&scene);
    }
}

static void test_silence_ends_with_the_callers_patience(void **state)
{
    (void)state;
    struct scene scene;
    struct behaviour behaviour = behaviour_default();
    behaviour.is_dropping = true;
    scene_open(&scene, behaviour);
    struct call what = to_reviews;
    what.has_cancel = true;
    what.cancel_after_ns = 100 * NS_MS;
    /* Accepted by the proxy, whose connection upstream is never answered. */
    assert_int_equal(call(&scene, what)->error, CALL_CANCELLED);
    assert_int_equal(scene.outcome.sighting_count, 0);
    scene_close(&scene);
}

static void test_bytes_pass_a_tcp_listener_as_they_are(void **state)
{
    (void)state;
    struct scene scene;
    scene_open(&scene, behaviour_default());
    struct call what = {.has_authority = true, .authority = STR("db"), .uri = STR("/x")};
    const struct outcome *outcome = call(&scene, what);
    assert_int_equal(outcome->status, 200);
    assert_int_equal(outcome->sighting_count, 1);
    assert_int_equal(outcome->sightings[0].header_count, 1);
    scene_close(&scene);
}

static void test_a_destination_is_restored_for_to(void **state)
{
    (void)state;
    struct scene scene;
    scene_open(&scene, behaviour_default());
    struct call what = to_reviews;
    what.to = STR("outsider/0");
    what.port = 8123;
    const struct outcome *outcome = call(&scene, what);
    assert_int_equal(outcome->status, 200);
    assert_int_equal(outcome->sighting_count, 1);
    assert_text(scene.stage.world->pods[outcome->sightings[0].pod].name, "outsider/0");
    scene_close(&scene);
}

static void test_a_gateway_sees_its_callers_address(void **state)
{
    (void)state;
    struct scene scene;
    scene_open(&scene, behaviour_default());
    struct call what = to_reviews;
    what.client = 2;
    const struct outcome *outcome = call(&scene, what);
    assert_int_equal(outcome->status, 200);
    assert_int_equal(outcome->sighting_count, 1);
    struct str value = STR_EMPTY;
    for (uint32_t i = 0; i < outcome->sightings[0].header_count; i++) {
        if (str_eq(outcome->sightings[0].headers[i].name, STR("x-forwarded-for")))
            value = outcome->sightings[0].headers[i].value;
    }
    assert_text(value, "127.9.0.9");
    scene_close(&scene);
}

static void test_a_kept_connection_is_used_again_until_dropped(void **state)
{
    (void)state;
    struct scene scene;
    scene_open(&scene, behaviour_default());
    struct call what = to_reviews;
    what.is_keeping = true;
    static const struct {
        bool is_dropped;
        uint64_t connections;
    } rows[] = {{false, 1}, {false, 1}, {true, 2}, {false, 2}};
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        if (rows[i].is_dropped)
            scene.play->ops->drop_kept(scene.play);
        assert_int_equal(call(&scene, what)->status, 200);
        assert_true(scene.outcome.has_record);
        assert_int_equal(scene.outcome.sighting_count, 1);
        uint64_t value = 0;
        assert_true(
            scene.play->ops->stat(scene.play, STR("http"), STR("downstream_cx_total"), &value));
        assert_int_equal(value, rows[i].connections);
    }
    scene_close(&scene);
}

static void test_concurrent_calls_overlap(void **state)
{
    (void)state;
    struct scene scene;
    struct behaviour behaviour = behaviour_default();
    behaviour.answer.latency = latency_constant(100 * NS_MS);
    scene_open(&scene, behaviour);
    struct call calls[6];
    struct outcome outcomes[6];
    for (int i = 0; i < 6; i++) {
        calls[i] = to_reviews;
        calls[i].start_after_ns = i * 10 * NS_MS;
    }
    scene.play->ops->call(scene.play, calls, 6, outcomes, &scene.stage.arena);
    for (int i = 0; i < 6; i++) {
        assert_int_equal(outcomes[i].status, 200);
        assert_int_equal(outcomes[i].sighting_count, 1);
        assert_true(outcomes[i].has_record);
    }
    assert_true(outcomes[5].record.started_ns < outcomes[0].record.finished_ns);
    scene_close(&scene);
}

/* All are due in the same turn, as in a loop that was late: each finds the world as the one
 * before has left it. */
static void test_calls_that_are_due_at_once_begin_one_after_the_other(void **state)
{
    (void)state;
    struct scene scene;
    struct behaviour behaviour = behaviour_default();
    behaviour.answer.latency = latency_constant(300 * NS_MS);
    scene_open(&scene, behaviour);
    struct call calls[4];
    struct outcome outcomes[4];
    for (int i = 0; i < 4; i++) {
        calls[i] = to_reviews;
        calls[i].authority = STR("narrow");
        calls[i].start_after_ns = NS_MS / 2;
    }
    scene.play->ops->call(scene.play, calls, 4, outcomes, &scene.stage.arena);
    /* One has the connection, one waits for it. */
    for (int i = 0; i < 4; i++) {
        assert_int_equal(outcomes[i].status, i < 2 ? 200 : 503);
        assert_true(str_eq(outcomes[i].flags, i < 2 ? STR("-") : STR("UO")));
    }
    scene_close(&scene);
}

static void test_a_pods_door_follows_its_behaviour(void **state)
{
    (void)state;
    struct scene scene;
    scene_open(&scene, behaviour_default());
    struct call what = to_reviews;
    what.client = 1;
    static const struct {
        struct behaviour behaviour;
        enum call_error error;
    } rows[] = {
        {{.answer.status = 200, .is_refusing = true}, CALL_CONNECTION_REFUSED},
        {{.answer.status = 200}, CALL_OK},
        {{.answer.status = 200, .is_dropping = true}, CALL_OK},
        {{.answer.status = 500}, CALL_OK},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        uint32_t pod = world_pod_find(scene.stage.world, STR("reviews/0"));
        world_pod_behave(scene.stage.world, pod, rows[i].behaviour);
        scene.play->ops->pod_changed(scene.play, pod);
        if (rows[i].behaviour.is_dropping)
            continue;
        assert_int_equal(call(&scene, what)->error, rows[i].error);
        if (rows[i].error == CALL_OK)
            assert_int_equal(scene.outcome.status, rows[i].behaviour.answer.status);
    }
    scene_close(&scene);
}

static void test_large_bodies_pass_both_ways(void **state)
{
    (void)state;
    for (uint32_t client = 0; client < 2; client++) {
        struct scene scene;
        struct behaviour behaviour = behaviour_default();
        behaviour.answer.has_body_size = true;
        behaviour.answer.body_size = 5000000;
        scene_open(&scene, behaviour);
        struct call what = to_reviews;
        what.client = client;
        what.method = STR("POST");
        what.has_body_size = true;
        what.body_size = 3000000;
        const struct outcome *outcome = call(&scene, what);
        assert_int_equal(outcome->error, CALL_OK);
        assert_int_equal(outcome->body_size, 5000000);
        assert_int_equal(outcome->sightings[0].body_size, 3000000);
        scene_close(&scene);
    }
}

static uint32_t descriptor_count(void)
{
    uint32_t count = 0;
    DIR *folder = opendir("/proc/self/fd");
    while (folder != NULL && readdir(folder) != NULL)
        count++;
    if (folder != NULL)
        closedir(folder);
    return count;
}

static void test_nothing_is_left_open(void **state)
{
    (void)state;
    uint32_t before_count = descriptor_count();
    for (int i = 0; i < 3; i++) {
        struct scene scene;
        struct behaviour behaviour = behaviour_default();
        behaviour.is_dropping = i == 1;
        scene_open(&scene, behaviour);
        struct call what = to_reviews;
        what.is_keeping = true;
        what.has_cancel = true;
        what.cancel_after_ns = 50 * NS_MS;
        (void)call(&scene, what);
        scene_close(&scene);
        assert_int_equal(descriptor_count(), before_count);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_request_is_answered_recorded_and_seen),
        cmocka_unit_test(test_failures_look_like_those_of_a_network),
        cmocka_unit_test(test_silence_ends_with_the_callers_patience),
        cmocka_unit_test(test_bytes_pass_a_tcp_listener_as_they_are),
        cmocka_unit_test(test_a_destination_is_restored_for_to),
        cmocka_unit_test(test_a_gateway_sees_its_callers_address),
        cmocka_unit_test(test_a_kept_connection_is_used_again_until_dropped),
        cmocka_unit_test(test_concurrent_calls_overlap),
        cmocka_unit_test(test_calls_that_are_due_at_once_begin_one_after_the_other),
        cmocka_unit_test(test_a_pods_door_follows_its_behaviour),
        cmocka_unit_test(test_large_bodies_pass_both_ways),
        cmocka_unit_test(test_nothing_is_left_open),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
