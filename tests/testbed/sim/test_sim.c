/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/testbed/sim/test_sim.c - a world in virtual time: long waits cost
 * nothing, the same seed gives the same bytes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "testbed/sim/sim.h"

#include "base/check.h"
#include "base/ns.h"
#include "tests/testbed/stage.h"

static const char MESH[] = "apiVersion: v1\n"
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
                           "spec: {selector: {app: empty}, ports: [{name: http, port: 9080}]}\n";

static const char SPLIT[] =
    "apiVersion: v1\n"
    "kind: Service\n"
    "metadata: {name: reviews}\n"
    "spec: {selector: {app: reviews}, ports: [{name: http, port: 9080}]}\n"
    "---\n"
    "apiVersion: networking.istio.io/v1\n"
    "kind: DestinationRule\n"
    "metadata: {name: reviews}\n"
    "spec: {host: reviews, subsets: [{name: v1, labels: {v: '1'}}, {name: v2, labels: {v: '2'}}]}\n"
    "---\n"
    "apiVersion: networking.istio.io/v1\n"
    "kind: VirtualService\n"
    "metadata: {name: reviews}\n"
    "spec:\n"
    "  hosts: [reviews]\n"
    "  http:\n"
    "  - route:\n"
    "    - {destination: {host: reviews, subset: v1}, weight: 75}\n"
    "    - {destination: {host: reviews, subset: v2}, weight: 25}\n";

static struct label v1[] = {{STR_INIT("app"), STR_INIT("reviews")}, {STR_INIT("v"), STR_INIT("1")}};
static struct label v2[] = {{STR_INIT("app"), STR_INIT("reviews")}, {STR_INIT("v"), STR_INIT("2")}};

static struct client_spec clients[] = {
    {.name = STR_INIT("productpage"), .via = VIA_SIDECAR},
    {.name = STR_INIT("batch"), .via = VIA_NONE},
};

static const struct call to_reviews = {
    .has_authority = true, .authority = STR_INIT("reviews"), .uri = STR_INIT("/a")};

/* One workload behind `reviews`, and one behind `db`, with this behaviour. */
struct scene {
    struct stage stage;
    struct workload_spec workloads[2];
    struct play *play;
    struct outcome outcome;
};

static void scene_open(struct scene *scene, const char *mesh, struct behaviour behaviour,
                       struct play_options options)
{
    *scene = (struct scene){0};
    scene->workloads[0] = (struct workload_spec){
        .name = STR("reviews"), .service = STR("reviews"), .replicas = 2, .behaviour = behaviour};
    scene->workloads[1] =
        (struct workload_spec){.name = STR("db"), .service = STR("db"), .behaviour = behaviour};
    stage_init(&scene->stage, mesh);
    scene->stage.spec.workloads = scene->workloads;
    scene->stage.spec.workload_count = 2;
    scene->stage.spec.clients = clients;
    scene->stage.spec.client_count = 2;
    scene->play = sim_play_new(stage_open(&scene->stage), options);
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
    scene_open(&scene, MESH, behaviour, (struct play_options){.is_tracing = true});
    const struct outcome *outcome = call(&scene, to_reviews);
    assert_int_equal(outcome->error, CALL_OK);
    assert_int_equal(outcome->status, 200);
    assert_text(outcome->body, "hello");
    assert_true(outcome->duration_ns > 0);
    assert_true(outcome->duration_ns < NS_MS);
    assert_true(outcome->has_record);
    assert_int_equal(outcome->record.status, 200);
    assert_int_equal(outcome->record.attempt_count, 1);
    assert_text(outcome->flags, "-");
    assert_text(outcome->record.cluster_name, "outbound|9080||reviews.default.svc.cluster.local");
    assert_int_equal(outcome->sighting_count, 1);
    assert_text(outcome->sightings[0].uri, "/a");
    assert_int_equal(outcome->sightings[0].pod, outcome->pod);
    assert_non_null(outcome->trace);
    uint64_t value = 0;
    assert_true(scene.play->ops->stat(scene.play,
                                      STR("outbound|9080||reviews.default.svc.cluster.local"),
                                      STR("upstream_rq_total"), &value));
    assert_int_equal(value, 1);
    assert_false(scene.play->ops->stat(scene.play, STR("nobody"), STR("nothing"), &value));
    scene_close(&scene);
}

static void test_the_default_timeout_costs_no_time_and_is_exact(void **state)
{
    (void)state;
    struct scene scene;
    struct behaviour behaviour = behaviour_default();
    behaviour.answer.latency = latency_constant(20 * NS_SECOND);
    scene_open(&scene, MESH, behaviour, (struct play_options){0});
    const struct outcome *outcome = call(&scene, to_reviews);
    assert_int_equal(outcome->status, 504);
    assert_text(outcome->flags, "UT");
    assert_true(outcome->duration_ns >= 15 * NS_SECOND);
    assert_true(outcome->duration_ns < 15 * NS_SECOND + NS_MS);
    scene_close(&scene);
}

static const struct network_row {
    struct behaviour behaviour;
    struct call call;
    enum call_error error;
    uint32_t status;
    const char *flags;
    const char *failure;
} network_rows[] = {
    {{.answer.status = 200, .is_refusing = true},
     {.has_authority = true, .authority = STR_INIT("reviews"), .uri = STR_INIT("/")},
     CALL_OK,
     503,
     "URX,UF",
     "delayed connect error: Connection refused"},
    {{.answer.status = 200},
     {.has_authority = true, .authority = STR_INIT("empty"), .uri = STR_INIT("/")},
     CALL_OK,
     503,
     "UH",
     ""},
    {{.answer.status = 200},
     {.has_authority = true, .authority = STR_INIT("reviews"), .port = 1, .uri = STR_INIT("/")},
     CALL_CONNECTION_REFUSED,
     0,
     "",
     ""},
    {{.answer = {.act = ACT_CLOSE_BEFORE_HEADERS}},
     {.has_authority = true, .authority = STR_INIT("reviews"), .uri = STR_INIT("/")},
     CALL_OK,
     503,
     "UC",
     ""},
    {{.answer = {.status = 200, .latency = LATENCY_INIT(NS_SECOND)}},
     {.has_authority = true,
      .authority = STR_INIT("reviews"),
      .uri = STR_INIT("/"),
      .has_cancel = true,
      .cancel_after_ns = 300 * NS_MS},
     CALL_CANCELLED,
     0,
     "DC",
     ""},
    {{.answer = {.act = ACT_RESET_MID_BODY}},
     {.client = 1, .has_authority = true, .authority = STR_INIT("reviews")},
     CALL_CONNECTION_RESET,
     200,
     "",
     ""},
    {{.answer = {.act = ACT_CLOSE_MID_BODY}},
     {.client = 1, .has_authority = true, .authority = STR_INIT("reviews")},
     CALL_INCOMPLETE_RESPONSE,
     200,
     "",
     ""},
    {{.answer.status = 200, .is_refusing = true},
     {.client = 1, .has_authority = true, .authority = STR_INIT("reviews")},
     CALL_CONNECTION_REFUSED,
     0,
     "",
     ""},
    {{.answer.status = 200, .is_dropping = true},
     {.client = 1, .has_authority = true, .authority = STR_INIT("reviews")},
     CALL_NO_RESPONSE,
     0,
     "",
     ""},
};

static void test_failures_look_like_those_of_a_network(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(network_rows); i++) {
        struct scene scene;
        scene_open(&scene, MESH, network_rows[i].behaviour, (struct play_options){0});
        const struct outcome *outcome = call(&scene, network_rows[i].call);
        if (outcome->error != network_rows[i].error || outcome->status != network_rows[i].status)
            print_message("row %zu: error %d, status %u\n", i, outcome->error, outcome->status);
        assert_int_equal(outcome->error, network_rows[i].error);
        assert_int_equal(outcome->status, network_rows[i].status);
        assert_text(outcome->flags, network_rows[i].flags);
        assert_text(outcome->record.transport_failure, network_rows[i].failure);
        scene_close(&scene);
    }
}

/* A connect timeout (10 s) is tried again by default; the route's 15 s end that. */
static void test_silence_ends_with_the_routes_timeout(void **state)
{
    (void)state;
    struct scene scene;
    struct behaviour behaviour = behaviour_default();
    behaviour.is_dropping = true;
    scene_open(&scene, MESH, behaviour, (struct play_options){0});
    const struct outcome *outcome = call(&scene, to_reviews);
    assert_int_equal(outcome->status, 504);
    assert_text(outcome->flags, "UT");
    assert_true(outcome->duration_ns >= 15 * NS_SECOND);
    assert_int_equal(outcome->record.attempt_count, 2);
    scene_close(&scene);
}

static void test_bytes_pass_a_tcp_listener_as_they_are(void **state)
{
    (void)state;
    struct scene scene;
    scene_open(&scene, MESH, behaviour_default(), (struct play_options){0});
    struct call what = {.has_authority = true, .authority = STR("db"), .uri = STR("/x")};
    const struct outcome *outcome = call(&scene, what);
    assert_int_equal(outcome->status, 200);
    assert_int_equal(outcome->header_count, 1);
    assert_int_equal(outcome->sighting_count, 1);
    assert_int_equal(outcome->sightings[0].header_count, 1);
    scene_close(&scene);
}

static void test_a_kept_connection_is_used_again_until_dropped(void **state)
{
    (void)state;
    struct scene scene;
    scene_open(&scene, MESH, behaviour_default(), (struct play_options){0});
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
    behaviour.answer.latency = latency_constant(NS_SECOND);
    scene_open(&scene, MESH, behaviour, (struct play_options){0});
    struct call calls[6];
    struct outcome outcomes[6];
    for (int i = 0; i < 6; i++) {
        calls[i] = to_reviews;
        calls[i].start_after_ns = i * 10 * NS_MS;
    }
    scene.play->ops->call(scene.play, calls, 6, outcomes, &scene.stage.arena);
    for (int i = 0; i < 6; i++) {
        assert_int_equal(outcomes[i].status, 200);
        assert_true(outcomes[i].duration_ns < NS_SECOND + NS_MS);
        assert_int_equal(outcomes[i].sighting_count, 1);
        assert_true(outcomes[i].has_record);
        if (i > 0)
            assert_true(outcomes[i].record.started_ns - outcomes[i - 1].record.started_ns ==
                        10 * NS_MS);
    }
    scene_close(&scene);
}

static void test_a_pod_may_change_while_connections_stay(void **state)
{
    (void)state;
    struct scene scene;
    scene_open(&scene, MESH, behaviour_default(), (struct play_options){0});
    assert_int_equal(call(&scene, to_reviews)->status, 200);
    for (uint32_t pod = 0; pod < scene.stage.world->pod_count; pod++) {
        struct behaviour gone = behaviour_default();
        gone.answer.status = 500;
        world_pod_behave(scene.stage.world, pod, gone);
        scene.play->ops->pod_changed(scene.play, pod);
    }
    assert_int_equal(call(&scene, to_reviews)->status, 500);
    scene.play->ops->wait(scene.play, NS_HOUR);
    assert_int_equal(call(&scene, to_reviews)->status, 500);
    scene_close(&scene);
}

static void test_large_bodies_pass_both_ways(void **state)
{
    (void)state;
    struct scene scene;
    struct behaviour behaviour = behaviour_default();
    behaviour.answer.has_body_size = true;
    behaviour.answer.body_size = 5000000;
    scene_open(&scene, MESH, behaviour, (struct play_options){0});
    struct call what = to_reviews;
    what.method = STR("POST");
    what.has_body_size = true;
    what.body_size = 3000000;
    const struct outcome *outcome = call(&scene, what);
    assert_int_equal(outcome->error, CALL_OK);
    assert_int_equal(outcome->body_size, 5000000);
    assert_int_equal(outcome->sightings[0].body_size, 3000000);
    assert_int_equal(outcome->record.bytes_sent, 5000000);
    assert_int_equal(outcome->record.bytes_received, 3000000);
    scene_close(&scene);
}

/* Shares of 400 weighted calls, and their hash. */
static uint64_t play_split(uint64_t seed, uint32_t *v2_count)
{
    struct stage stage;
    struct workload_spec workloads[] = {
        {.name = STR_INIT("v1"), .labels = v1, .label_count = 2, .behaviour = behaviour_default()},
        {.name = STR_INIT("v2"), .labels = v2, .label_count = 2, .behaviour = behaviour_default()},
    };
    stage_init(&stage, SPLIT);
    stage.spec.workloads = workloads;
    stage.spec.workload_count = 2;
    stage.spec.clients = clients;
    stage.spec.client_count = 1;
    struct play *play = sim_play_new(stage_open(&stage), (struct play_options){.seed = seed});
    struct call what = to_reviews;
    what.is_keeping = true;
    *v2_count = 0;
    for (int i = 0; i < 400; i++) {
        struct outcome outcome;
        stage_call(play, what, &outcome, &stage.arena);
        assert_int_equal(outcome.status, 200);
        *v2_count += str_eq(stage.world->pods[outcome.pod].workload, STR("v2"));
    }
    uint64_t hash = play->ops->hash(play);
    play->ops->free(play);
    stage_fini(&stage);
    return hash;
}

static void test_the_same_seed_plays_the_same(void **state)
{
    (void)state;
    uint32_t first_count, again_count, other_count;
    uint64_t first = play_split(7, &first_count);
    assert_int_equal(play_split(7, &again_count), first);
    assert_int_equal(again_count, first_count);
    assert_int_not_equal(play_split(8, &other_count), first);
    assert_in_range(first_count, 60, 140);
    assert_in_range(other_count, 60, 140);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_request_is_answered_recorded_and_seen),
        cmocka_unit_test(test_the_default_timeout_costs_no_time_and_is_exact),
        cmocka_unit_test(test_failures_look_like_those_of_a_network),
        cmocka_unit_test(test_silence_ends_with_the_routes_timeout),
        cmocka_unit_test(test_bytes_pass_a_tcp_listener_as_they_are),
        cmocka_unit_test(test_a_kept_connection_is_used_again_until_dropped),
        cmocka_unit_test(test_concurrent_calls_overlap),
        cmocka_unit_test(test_a_pod_may_change_while_connections_stay),
        cmocka_unit_test(test_large_bodies_pass_both_ways),
        cmocka_unit_test(test_the_same_seed_plays_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
