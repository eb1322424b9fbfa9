/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/proxy/core/scene.h - an exchange on a small listener, to be told events.
 */
#pragma once

#include "tests/proxy/core/build.h"
#include "proxy/core/exchange.h"
#include "proxy/model/limits.h"
#include "proxy/model/retry_on.h"

/* One listener's routes: /ok and /slow (500 ms) to a pod, /none to a cluster
 * without pods, /nc to no cluster, /hello answered directly. */
struct scene {
    struct arena arena;
    struct engine *engine;
    struct http_connection_manager http;
    struct exchange xc;
    struct xc_plan plan;
};

static inline void scene_routes(struct snapshot *snapshot)
{
    static const struct str domains[] = {STR_INIT("*")};
    static const struct {
        const char *prefix, *cluster;
        int64_t timeout_ns;
    } rows[] = {{"/ok", "pod", 0},     {"/slow", "pod", 500 * NS_MS},
                {"/none", "empty", 0}, {"/nc", "nowhere", 0},
                {"/hello", "", 0},     {"/again", "pod", 500 * NS_MS}};
    static const struct retry_policy twice = {.conditions = RETRY_ON_BIT(5XX),
                                              .retry_on = STR_INIT("5xx"),
                                              .num_retries = 2,
                                              .per_try_timeout_ns = 200 * NS_MS,
                                              .backoff_base_ns = NS_MS,
                                              .backoff_max_ns = NS_MS,
                                              .has_previous_hosts = true};
    struct route *routes = ARENA_ARRAY(&snapshot->arena, struct route, COUNT_OF(rows));
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        routes[i] = build_route(rows[i].prefix, rows[i].cluster);
        routes[i].match.path = build_prefix(rows[i].prefix);
        routes[i].forward.timeout_ns = rows[i].timeout_ns;
    }
    routes[4].action = ROUTE_DIRECT_RESPONSE;
    routes[4].direct =
        (struct direct_response_action){.status = 200, .has_body = true, .body = STR_INIT("hi")};
    routes[5].forward.retry = &twice;
    struct virtual_host *host = ARENA_NEW(&snapshot->arena, struct virtual_host);
    *host = (struct virtual_host){.name = STR("all"),
                                  .domains = domains,
                                  .domain_count = 1,
                                  .has_attempt_count = true,
                                  .routes = routes,
                                  .route_count = COUNT_OF(rows)};
    struct route_config *config = ARENA_NEW(&snapshot->arena, struct route_config);
    *config = (struct route_config){.virtual_hosts = host, .virtual_host_count = 1};
    snapshot->route_configs = config;
    snapshot->route_config_count = 1;
}

/* `outlier`: of "pod"; may be NULL. */
static inline void scene_init_with(struct scene *scene, const struct outlier_detection *outlier)
{
    *scene = (struct scene){0};
    arena_init(&scene->arena, 65536, 0);
    struct snapshot *snapshot = snapshot_new();
    scene_routes(snapshot);
    struct endpoint *endpoint = ARENA_NEW(&snapshot->arena, struct endpoint);
    *endpoint = (struct endpoint){.address = STR("127.0.0.1"), .port = 80, .weight = 1};
    struct cluster *clusters = ARENA_ARRAY(&snapshot->arena, struct cluster, 2);
    clusters[0] = (struct cluster){.name = STR("pod"),
                                   .endpoints = endpoint,
                                   .endpoint_count = 1,
                                   .breakers.max_retries = 1,
                                   .outlier = outlier};
    clusters[1] = (struct cluster){.name = STR("empty")};
    snapshot->clusters = clusters;
    snapshot->cluster_count = 2;
    snapshot_index(snapshot);
    scene->engine = engine_new(snapshot, 1);
    scene->http.routes = &snapshot->route_configs[0];
    snapshot_drop(snapshot);
}

static inline void scene_init(struct scene *scene)
{
    scene_init_with(scene, NULL);
}

static inline void scene_fini(struct scene *scene)
{
    engine_free(scene->engine);
    arena_fini(&scene->arena);
}

static inline void tell(struct scene *scene, struct xc_event event, int64_t now_ns)
{
    exchange_step(&scene->xc, &event, now_ns, &scene->plan);
}

static inline void request_with(struct scene *scene, struct request_head *head, bool is_end)
{
    struct xc_setup setup = {.engine = scene->engine, .http = &scene->http, .arena = &scene->arena};
    exchange_init(&scene->xc, &setup, 0);
    tell(scene, (struct xc_event){.kind = XC_EVENT_REQUEST_HEAD, .is_end = is_end, .request = head},
         0);
}

static inline void request(struct scene *scene, const char *method, const char *path, bool is_end)
{
    request_with(scene, build_request(&scene->arena, method, "a", path), is_end);
}

static inline struct response_head *response(struct scene *scene, uint32_t status)
{
    struct response_head *head = ARENA_NEW(&scene->arena, struct response_head);
    header_list_init(&head->headers, &scene->arena);
    head->status = status;
    return head;
}

static inline void assert_plan(const struct scene *scene, const enum xc_action_kind *want,
                               uint32_t count)
{
    assert_int_equal(scene->plan.count, count);
    for (uint32_t i = 0; i < count; i++)
        assert_int_equal(scene->plan.items[i].kind, want[i]);
}

#define ASSERT_PLAN(scene, ...)                                      \
    assert_plan((scene), (const enum xc_action_kind[]){__VA_ARGS__}, \
                COUNT_OF(((const enum xc_action_kind[]){__VA_ARGS__})))

static inline uint64_t counter(struct scene *scene, const char *name)
{
    uint64_t value = 0;
    assert_true(engine_stat(scene->engine, STR("pod"), str_of(name), &value));
    return value;
}

/* A response without a body. */
static inline void answer(struct scene *scene, uint32_t attempt, uint32_t status, int64_t now_ns)
{
    tell(scene,
         (struct xc_event){.kind = XC_EVENT_RESPONSE_HEAD,
                           .attempt = attempt,
                           .is_end = true,
                           .response = response(scene, status)},
         now_ns);
}
