/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/testbed/sim/test_known.c - a load's requests are known after the first ones, and
 * take a short way; what comes of it is what comes of their bytes.
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

#define REQUESTS 600u
#define GAP_NS (2 * NS_MS)
#define CLUSTER "outbound|9080||reviews.default.svc.cluster.local"

static const char SERVICES[] =
    "apiVersion: v1\n"
    "kind: Service\n"
    "metadata: {name: reviews}\n"
    "spec: {selector: {app: reviews}, ports: [{name: http, port: 9080}]}\n"
    "---\n"
    "apiVersion: v1\n"
    "kind: Service\n"
    "metadata: {name: copies}\n"
    "spec: {selector: {app: copies}, ports: [{name: http, port: 9080}]}\n"
    "---\n"
    "apiVersion: networking.istio.io/v1\n"
    "kind: DestinationRule\n"
    "metadata: {name: reviews}\n"
    "spec: {host: reviews, trafficPolicy: %s}\n"
    "---\n"
    "apiVersion: networking.istio.io/v1\n"
    "kind: VirtualService\n"
    "metadata: {name: reviews}\n"
    "spec:\n"
    "  hosts: [reviews]\n"
    "  http:\n"
    "  - match: [{headers: {end-user: {exact: jason}}}]\n"
    "    route: [{destination: {host: copies}}]\n"
    "  - route: [{destination: {host: reviews}%s}]\n"
    "    %s\n";

#define ANY "{connectionPool: {tcp: {maxConnections: 900}}}"
#define TO_BOTH ", weight: 80}, {destination: {host: copies}, weight: 20"

/* `counter`: of CLUSTER, moved by what the row is about. */
static const struct row {
    const char *policy, *destination, *rest, *counter;
} rows[] = {
    {ANY, "", "name: plain", "upstream_rq_200"},
    {ANY, TO_BOTH, "name: weights", "upstream_rq_200"},
    {"{loadBalancer: {simple: ROUND_ROBIN}}", "", "name: turns", "upstream_rq_200"},
    {ANY, "", "retries: {attempts: 2, retryOn: 5xx, perTryTimeout: 12ms}",
     "upstream_rq_retry_success"},
    {ANY, "", "fault: {abort: {httpStatus: 418, percentage: {value: 20}}}", "upstream_rq_200"},
    {ANY, "", "fault: {delay: {fixedDelay: 7ms, percentage: {value: 20}}}", "upstream_rq_200"},
    {ANY, "", "headers: {request: {set: {a: '%REQ(x-request-id)%'}}, response: {add: {b: c}}}",
     "upstream_rq_200"},
    {ANY, "", "mirror: {host: copies}", "upstream_rq_200"},
    {ANY, "", "timeout: 9ms", "upstream_rq_timeout"},
    {ANY, "", "corsPolicy: {allowOrigins: [{exact: 'http://a'}]}", "upstream_rq_200"},
    {ANY, "", "rewrite: {uri: /b}", "upstream_rq_200"},
    {"{loadBalancer: {consistentHash: {httpCookie: {name: user, ttl: 60s}}}}", "", "name: cookies",
     "upstream_rq_200"},
    {"{connectionPool: {tcp: {maxConnections: 1}, http: {http1MaxPendingRequests: 1}}}", "",
     "name: full", "upstream_rq_pending_overflow"},
    {"{connectionPool: {http: {maxRequestsPerConnection: 3}}}", "", "name: three",
     "upstream_cx_max_requests"},
    {"{outlierDetection: {consecutive5xxErrors: 1, interval: 100ms, baseEjectionTime: 50ms, "
     "maxEjectionPercent: 50}}",
     "", "name: outliers", "outlier_detection.ejections_enforced_consecutive_5xx"},
};

struct result {
    uint64_t hash, counted, under_way;
    uint32_t statuses[600];
    uint64_t bytes;
};

/* Every fifth answer is a 503, one in four takes its time, all have a body or all have none. */
static struct behaviour behaviour_of(struct arena *arena, bool has_body)
{
    struct behaviour behaviour = behaviour_default();
    behaviour.script_count = REQUESTS * 4;
    behaviour.script = ARENA_ARRAY(arena, struct answer, behaviour.script_count);
    for (uint32_t i = 0; i < behaviour.script_count; i++) {
        behaviour.script[i] = behaviour.answer;
        behaviour.script[i].status = i % 5 == 4 ? 503 : 200;
        behaviour.script[i].body = has_body ? STR("hello") : STR_EMPTY;
        behaviour.script[i].latency =
            (struct latency){.points = {{0, 0}, {.75, NS_MS / 2}, {1, 20 * NS_MS}}, .count = 3};
    }
    return behaviour;
}

static struct result play_row(const struct row *row, bool has_body, bool is_bytewise)
{
    static struct client_spec client = {.name = STR_INIT("productpage"), .via = VIA_SIDECAR};
    struct stage stage;
    struct arena arena;
    arena_init(&arena, 65536, 0);
    struct str mesh = arena_format(&arena, SERVICES, row->policy, row->destination, row->rest);
    struct behaviour behaviour = behaviour_of(&arena, has_body);
    struct workload_spec workloads[] = {
        {.name = STR("reviews"), .service = STR("reviews"), .replicas = 3, .behaviour = behaviour},
        {.name = STR("copies"), .service = STR("copies"), .replicas = 1, .behaviour = behaviour}};
    stage_init(&stage, mesh.ptr);
    stage.spec.workloads = workloads;
    stage.spec.workload_count = COUNT_OF(workloads);
    stage.spec.clients = &client;
    stage.spec.client_count = 1;
    struct play *play = sim_play_new(stage_open(&stage),
                                     (struct play_options){.seed = 7, .is_bytewise = is_bytewise});
    struct call call = {.has_authority = true,
                        .authority = STR("reviews"),
                        .uri = STR("/a"),
                        .is_keeping = true,
                        .is_counted = true};
    call.model = play->ops->model(play, &call);
    assert_int_equal(call.model == 0, is_bytewise);
    struct result result = {0};
    const struct play_done *done;
    for (uint32_t i = 0; i < REQUESTS + 200; i++) {
        if (i < REQUESTS)
            play->ops->begin(play, &call, i);
        while ((done = play->ops->next(play, (int64_t)(i + 1) * GAP_NS)) != NULL) {
            assert_int_equal(done->outcome->error, CALL_OK);
            result.statuses[done->outcome->status]++;
            result.bytes += done->outcome->body_size;
        }
    }
    result.hash = play->ops->hash(play);
    result.under_way = play->ops->under_way(play);
    (void)play->ops->stat(play, STR(CLUSTER), str_of(row->counter), &result.counted);
    play->ops->free(play);
    stage_fini(&stage);
    arena_fini(&arena);
    return result;
}

static void test_a_known_request_means_what_its_bytes_mean(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows) * 2; i++) {
        const struct row *row = &rows[i / 2];
        struct result whole = play_row(row, i % 2 == 1, false);
        struct result bytes = play_row(row, i % 2 == 1, true);
        uint32_t sum = 0;
        for (uint32_t status = 0; status < COUNT_OF(whole.statuses); status++) {
            assert_int_equal(whole.statuses[status], bytes.statuses[status]);
            sum += whole.statuses[status];
        }
        if (whole.hash != bytes.hash || whole.counted == 0 || sum != REQUESTS)
            print_message("row %zu: %s, %s\n", i, row->policy, row->rest);
        assert_int_equal(sum, REQUESTS);
        assert_int_equal(whole.hash, bytes.hash);
        assert_int_equal(whole.bytes, bytes.bytes);
        assert_int_equal(whole.counted, bytes.counted);
        assert_true(whole.counted > 0);
        assert_int_equal(whole.under_way, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_known_request_means_what_its_bytes_mean),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
