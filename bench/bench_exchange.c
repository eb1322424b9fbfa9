/* SPDX-License-Identifier: Apache-2.0
 *
 * bench/bench_exchange.c - what policies cost that have nothing to do: an exchange with
 * nothing configured against one with everything, of which nothing happens.
 *
 *   bench exchange [EXCHANGES]
 *
 * A mirror of no share is no mirror to istiod; this one gets a request in a million.
 * Only the exchange: heads are given, connections are there. The two are measured in
 * turns, as the machine changes from second to second; the ratio is of their sums.
 */
#include "bench/bench.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "base/arena.h"
#include "base/check.h"
#include "bench/mesh.h"
#include "proxy/core/exchange.h"
#include "testbed/world/world.h"

#define EXCHANGES_DEFAULT 1000000u
#define EXCHANGES_MAX UINT64_C(1000000000)
#define TURNS 20u

static const struct str SERVICE = STR_INIT("apiVersion: v1\n"
                                           "kind: Service\n"
                                           "metadata: {name: reviews}\n"
                                           "spec: {selector: {app: reviews}, "
                                           "ports: [{name: http, port: 9080}]}\n"
                                           "---\n"
                                           "apiVersion: networking.istio.io/v1\n"
                                           "kind: VirtualService\n"
                                           "metadata: {name: reviews}\n"
                                           "spec:\n"
                                           "  hosts: [reviews]\n"
                                           "  http:\n"
                                           "  - route: [{destination: {host: reviews}}]\n");
static const struct str NOTHING = STR_INIT("    retries: {attempts: 0}\n");
static const struct str EVERYTHING = STR_INIT(
    "    timeout: 10s\n"
    "    retries: {attempts: 3, perTryTimeout: 2s, retryOn: \"5xx,reset,connect-failure,"
    "retriable-4xx,refused-stream\"}\n"
    "    fault: {delay: {fixedDelay: 5s, percentage: {value: 0}}, "
    "abort: {httpStatus: 500, percentage: {value: 0}}}\n"
    "    mirrors: [{destination: {host: reviews}, percentage: {value: 0.0001}}]\n"
    "    corsPolicy: {allowOrigins: [{exact: \"https://shop.example\"}], "
    "allowMethods: [GET]}\n"
    "---\n"
    "apiVersion: networking.istio.io/v1\n"
    "kind: DestinationRule\n"
    "metadata: {name: reviews}\n"
    "spec:\n"
    "  host: reviews\n"
    "  trafficPolicy:\n"
    "    loadBalancer: {consistentHash: {httpHeaderName: x-user}}\n"
    "    connectionPool: {tcp: {maxConnections: 100}, http: {http1MaxPendingRequests: 100, "
    "http2MaxRequests: 1000, maxRetries: 10}}\n"
    "    outlierDetection: {consecutive5xxErrors: 5, interval: 10s, "
    "baseEjectionTime: 30s}\n");

/* One side of the comparison. */
struct side {
    struct world *world;
    const struct snapshot *snapshot;
    const struct http_connection_manager *http;
    struct engine *engine;
    struct arena arena; /* of one exchange */
    int64_t now_ns;
    uint64_t forwarded_count;
    double seconds;
};

static const struct http_connection_manager *manager_of(const struct snapshot *snapshot)
{
    for (uint32_t i = 0; i < snapshot->listener_count; i++) {
        const struct listener *listener = &snapshot->listeners[i];
        for (uint32_t k = 0; listener->port == 9080 && k < listener->chain_count; k++)
            if (listener->chains[k].kind == CHAIN_HTTP)
                return &listener->chains[k].http;
        const struct filter_chain *other = listener->default_chain;
        if (listener->port == 9080 && other != NULL && other->kind == CHAIN_HTTP)
            return &other->http;
    }
    return NULL;
}

static bool has_all(const struct route *route, const struct snapshot *snapshot)
{
    uint32_t index = map_get(&snapshot->cluster_by_name, route->forward.cluster);
    const struct cluster *cluster = index != MAP_NONE ? &snapshot->clusters[index] : NULL;
    return route->fault != NULL && route->fault->has_delay && route->fault->has_abort &&
           route->cors != NULL && route->forward.retry != NULL && route->forward.mirror_count > 0 &&
           route->forward.hash_count > 0 && cluster != NULL && cluster->outlier != NULL &&
           cluster->breakers.max_requests != BREAKER_UNLIMITED;
}

/* Is there a route with all that is to be measured? */
static bool is_configured(const struct snapshot *snapshot)
{
    for (uint32_t i = 0; i < snapshot->route_config_count; i++) {
        const struct route_config *config = &snapshot->route_configs[i];
        for (uint32_t k = 0; k < config->virtual_host_count; k++) {
            const struct virtual_host *host = &config->virtual_hosts[k];
            for (uint32_t r = 0; r < host->route_count; r++)
                if (has_all(&host->routes[r], snapshot))
                    return true;
        }
    }
    return false;
}

static bool side_open(struct side *side, struct str policies, struct arena *arena,
                      struct diag_list *diags)
{
    *side = (struct side){0};
    arena_init(&side->arena, 16384, 0);
    side->world = mesh_of_text(arena_concat(arena, SERVICE, policies), arena, diags);
    side->snapshot = side->world != NULL ? side->world->clients[0].snapshot : NULL;
    side->http = side->snapshot != NULL ? manager_of(side->snapshot) : NULL;
    if (side->http != NULL)
        side->engine = engine_new(side->world->clients[0].snapshot, 1);
    return side->engine != NULL;
}

static void side_close(struct side *side)
{
    engine_free(side->engine);
    world_free(side->world);
    arena_fini(&side->arena);
}

static struct request_head *request_of(struct arena *arena)
{
    struct request_head *head = ARENA_NEW(arena, struct request_head);
    *head = (struct request_head){.method = STR("GET"),
                                  .path = STR("/reviews/1"),
                                  .authority = STR("reviews:9080"),
                                  .has_authority = true,
                                  .scheme = STR("http"),
                                  .version = HTTP_1_1};
    header_list_init(&head->headers, arena);
    header_append_line(&head->headers, STR("user-agent"), STR("curl/8.5.0"));
    header_append_line(&head->headers, STR("x-user"), STR("jason"));
    header_append_line(&head->headers, STR("x-forwarded-proto"), STR("http"));
    header_append_line(&head->headers, STR("x-request-id"),
                       STR("0b1c2d3e-4f50-4172-8394-a5b6c7d8e9f0"));
    return head;
}

static struct response_head *response_of(struct arena *arena)
{
    struct response_head *head = ARENA_NEW(arena, struct response_head);
    *head = (struct response_head){.status = 200, .version = HTTP_1_1};
    header_list_init(&head->headers, arena);
    head->headers.is_response = true;
    header_append_line(&head->headers, STR("content-length"), STR("0"));
    return head;
}

/* Tells what comes after the attempt was opened. */
static void tell(struct exchange *xc, enum xc_event_kind kind, int64_t now_ns, struct xc_plan *plan)
{
    struct xc_event event = {.kind = kind, .attempt = 1, .is_reused = true};
    if (kind == XC_EVENT_RESPONSE_HEAD) {
        event.response = response_of(xc->setup.arena);
        event.is_end = true;
    }
    exchange_step(xc, &event, now_ns, plan);
}

static void exchange_once(struct side *side)
{
    struct exchange xc;
    struct xc_plan plan;
    struct xc_setup setup = {.engine = side->engine, .http = side->http, .arena = &side->arena};
    side->now_ns += NS_MS;
    exchange_init(&xc, &setup, side->now_ns);
    exchange_step(&xc,
                  &(struct xc_event){.kind = XC_EVENT_REQUEST_HEAD,
                                     .request = request_of(&side->arena),
                                     .is_end = true},
                  side->now_ns, &plan);
    if (plan.count > 0 && plan.items[plan.count - 1].kind == XC_ATTEMPT) {
        tell(&xc, XC_EVENT_ATTEMPT_READY, side->now_ns, &plan);
        tell(&xc, XC_EVENT_ATTEMPT_SENT, side->now_ns, &plan);
        tell(&xc, XC_EVENT_RESPONSE_HEAD, side->now_ns, &plan);
        side->forwarded_count += plan.count > 0 && plan.items[0].kind == XC_FORWARD;
    }
    arena_reset(&side->arena);
}

static double now_s(void)
{
    struct timespec at;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &at);
    return (double)at.tv_sec + (double)at.tv_nsec / 1e9;
}

static void take_turn(struct side *side, uint64_t count)
{
    double start_s = now_s();
    for (uint64_t i = 0; i < count; i++)
        exchange_once(side);
    side->seconds += now_s() - start_s;
}

static void compare(struct side *bare, struct side *full, uint64_t count)
{
    uint64_t turn_count = count / TURNS + 1;
    take_turn(bare, turn_count); /* tables are made, pools warm */
    take_turn(full, turn_count);
    bare->seconds = full->seconds = 0;
    for (uint32_t i = 0; i < TURNS; i++) {
        take_turn(bare, turn_count);
        take_turn(full, turn_count);
    }
    double played = (double)(turn_count * TURNS);
    printf("exchange: nothing configured %.0f ns, everything configured and idle %.0f ns: "
           "%.2f times\n",
           bare->seconds * 1e9 / played, full->seconds * 1e9 / played,
           full->seconds / bare->seconds);
    uint64_t all_count = turn_count * (TURNS + 1);
    if (bare->forwarded_count < all_count || full->forwarded_count < all_count)
        printf("not forwarded: %" PRIu64 " and %" PRIu64 " of %" PRIu64 " (faults by chance)\n",
               all_count - bare->forwarded_count, all_count - full->forwarded_count, all_count);
}

int bench_exchange(int argc, char **argv)
{
    uint64_t count = EXCHANGES_DEFAULT;
    if (argc > 1 && !str_to_u64(str_of(argv[1]), EXCHANGES_MAX, &count)) {
        fprintf(stderr, "bench exchange: EXCHANGES is a number up to %" PRIu64 "\n", EXCHANGES_MAX);
        return 2;
    }
    struct arena arena;
    struct diag_list diags;
    struct side bare, full;
    arena_init(&arena, 65536, 0);
    diag_list_init(&diags, &arena);
    bool is_good = side_open(&bare, NOTHING, &arena, &diags);
    is_good &= side_open(&full, EVERYTHING, &arena, &diags);
    if (is_good && (is_configured(bare.snapshot) || !is_configured(full.snapshot)))
        is_good = false;
    if (is_good)
        compare(&bare, &full, count);
    else
        fprintf(stderr,
                "bench exchange: the meshes have %u errors, or are not what they should be\n",
                diags.error_count);
    side_close(&bare);
    side_close(&full);
    arena_fini(&arena);
    return is_good ? 0 : 1;
}
