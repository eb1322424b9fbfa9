/* SPDX-License-Identifier: Apache-2.0
 *
 * bench/bench_wire.c - the proxy's own work for a request: a keep-alive GET from
 * a client's bytes to a server and back, in memory, no system calls.
 *
 *   bench wire [REQUESTS]
 *
 * Each request goes through both parsers, the connection manager's pipeline, a
 * route, a balancer, a pool and both writers.
 */
#include "bench/bench.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "base/check.h"
#include "base/ns.h"
#include "proxy/wire/wire.h"

#define REQUESTS_DEFAULT 1000000u
#define REQUESTS_MAX UINT64_C(1000000000)
#define WARM_UP_COUNT 10000u

static const struct str REQUEST = STR_INIT("GET /reviews/1 HTTP/1.1\r\n"
                                           "host: reviews:9080\r\n"
                                           "user-agent: curl/8.5.0\r\n"
                                           "accept: */*\r\n"
                                           "x-request-id: 0b1c2d3e-4f50-4172-8394-a5b6c7d8e9f0\r\n"
                                           "\r\n");
static const struct str RESPONSE = STR_INIT("HTTP/1.1 200 OK\r\n"
                                            "content-type: application/json\r\n"
                                            "content-length: 16\r\n"
                                            "\r\n"
                                            "{\"reviewer\": 1 }");

/* One host with one route to one endpoint, as a sidecar has it. */
struct mesh {
    struct snapshot *snapshot;
    struct filter_chain chain;
    struct listener listener;
};

static void make_mesh(struct mesh *mesh)
{
    static const struct str domains[] = {STR_INIT("reviews"), STR_INIT("reviews:9080")};
    static const struct endpoint endpoint = {
        .address = STR_INIT("10.0.0.1"), .port = 9080, .weight = 1};
    static struct route route;
    static struct virtual_host host;
    static struct route_config config;
    static struct cluster cluster;
    route = (struct route){
        .name = STR("default"),
        .match.path = {.kind = PATH_PREFIX, .value = STR("/")},
        .action = ROUTE_FORWARD,
        .forward = {.cluster = STR("reviews"), .has_timeout = true, .timeout_ns = 15 * NS_SECOND}};
    host = (struct virtual_host){.name = STR("reviews"),
                                 .domains = domains,
                                 .domain_count = COUNT_OF(domains),
                                 .routes = &route,
                                 .route_count = 1};
    config =
        (struct route_config){.name = STR("9080"), .virtual_hosts = &host, .virtual_host_count = 1};
    cluster = (struct cluster){
        .name = STR("reviews"),
        .lb = LB_LEAST_REQUEST,
        .breakers = {BREAKER_UNLIMITED, BREAKER_UNLIMITED, BREAKER_UNLIMITED, BREAKER_UNLIMITED},
        .endpoints = &endpoint,
        .endpoint_count = 1};
    mesh->snapshot = snapshot_new();
    mesh->snapshot->route_configs = &config;
    mesh->snapshot->route_config_count = 1;
    mesh->snapshot->clusters = &cluster;
    mesh->snapshot->cluster_count = 1;
    snapshot_index(mesh->snapshot);
    mesh->chain = (struct filter_chain){.kind = CHAIN_HTTP,
                                        .http = {.routes = &config,
                                                 .is_normalizing_path = true,
                                                 .is_proxying_100_continue = true,
                                                 .server_name = STR("envoy")}};
    mesh->listener = (struct listener){.port = 9080, .chains = &mesh->chain, .chain_count = 1};
}

struct run {
    struct wire *wire;
    uint32_t client, server;
    uint64_t request_bytes, response_bytes, done_count;
};

static void carry_out(struct run *run, int64_t now_ns)
{
    struct wire_action action;
    while (wire_next(run->wire, &action)) {
        switch (action.kind) {
        case WIRE_CONNECT:
            ASSERT(run->server == WIRE_NONE); /* one connection is enough */
            run->server = action.conn;
            wire_connected(run->wire, action.conn, now_ns);
            break;
        case WIRE_WRITE:
            *(action.conn == run->server ? &run->request_bytes : &run->response_bytes) +=
                action.bytes.len;
            wire_wrote(run->wire, action.conn, action.bytes.len, now_ns);
            break;
        case WIRE_DONE:
            ASSERT(action.record->status == 200);
            run->done_count++;
            break;
        case WIRE_SECURE: /* it ends no TLS */
            UNREACHABLE("WIRE_SECURE");
        case WIRE_WHOLE:
        case WIRE_OUTLIER:
        case WIRE_PAUSE:
        case WIRE_RESUME:
        case WIRE_SHUTDOWN:
        case WIRE_CLOSE:
            UNREACHABLE("wire_action_kind");
        }
    }
}

static void serve(struct run *run, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        int64_t now_ns = (int64_t)run->done_count * NS_US;
        wire_read(run->wire, run->client, REQUEST, now_ns);
        carry_out(run, now_ns);
        wire_read(run->wire, run->server, RESPONSE, now_ns);
        carry_out(run, now_ns);
    }
}

static double seconds_of(clockid_t clock)
{
    struct timespec at;
    (void)clock_gettime(clock, &at);
    return (double)at.tv_sec + (double)at.tv_nsec / 1e9;
}

int bench_wire(int argc, char **argv)
{
    uint64_t count = REQUESTS_DEFAULT;
    if (argc > 1 && !str_to_u64(str_of(argv[1]), REQUESTS_MAX, &count)) {
        fprintf(stderr, "bench wire: REQUESTS is a number up to %" PRIu64 "\n", REQUESTS_MAX);
        return 2;
    }
    static struct mesh mesh;
    make_mesh(&mesh);
    struct run run = {.wire = wire_new(mesh.snapshot, 1, (struct wire_options){0}),
                      .server = WIRE_NONE};
    wire_set_epoch(run.wire, 1732708800);
    run.client = wire_accepted(
        run.wire,
        &(struct wire_accept){.listener = &mesh.listener, .peer.remote_address = STR("10.0.0.2")},
        0);
    serve(&run, WARM_UP_COUNT);
    double start_s = seconds_of(CLOCK_PROCESS_CPUTIME_ID);
    serve(&run, count);
    double took_s = seconds_of(CLOCK_PROCESS_CPUTIME_ID) - start_s;
    printf("wire: %" PRIu64 " requests, %.0f ns each, %" PRIu64 " + %" PRIu64 " bytes out\n", count,
           count > 0 ? took_s * 1e9 / (double)count : 0, run.request_bytes, run.response_bytes);
    wire_free(run.wire);
    snapshot_drop(mesh.snapshot);
    return 0;
}
