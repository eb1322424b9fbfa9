/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/agree/chance.c - see chance.h.
 */
#include "tests/agree/chance.h"

#include <string.h>

#include "tests/agree/chance_inside.h"
#include "tests/agree/chance_secure.h"

#define TEXT_BYTES_MAX (1u << 20)

/* --- the mesh --------------------------------------------------------------- */

/* Three in ten speak HTTP/2, by names that say so. A luck of its own: what else a seed
 * makes up stays as it was. */
static void say_port(struct chance *chance)
{
    static const char *const NAMES[] = {"http", "http", "http",  "http", "http",
                                        "http", "http", "http2", "grpc", "grpc"};
    say(chance, "ports: [{name: ");
    say(chance, NAMES[rng_below(&chance->rng_h2, COUNT_OF(NAMES))]);
    say(chance, ", port: 80");
    secure_port(chance);
    say(chance, "}]}}\n---\n");
}

static void say_services(struct chance *chance)
{
    say(chance, "{apiVersion: v1, kind: Service, metadata: {name: a}, spec: {selector: {app: a}, ");
    say_port(chance);
    say(chance, "{apiVersion: v1, kind: Service, metadata: {name: b}, spec: {selector: {app: b}, ");
    say_port(chance);
    say(chance, "{apiVersion: v1, kind: Service, metadata: {name: db}, spec: {selector: {app: db}, "
                "ports: [{name: tcp, port: 9000}]}}\n---\n"
                "{apiVersion: networking.istio.io/v1, kind: Gateway, metadata: {name: web}, spec: "
                "{selector: {istio: ingressgateway}, servers: [{port: {number: 80, name: http, "
                "protocol: HTTP}, hosts: ['*']}]}}\n---\n");
}

/* Where the balancer of a rule looks: at the caller's place, or at the request. */
static void say_balancer(struct chance *chance)
{
    static const char *const TURNS[] = {"", "simple: ROUND_ROBIN, "};
    static const char *const DRAWS[] = {"simple: RANDOM, ", "simple: LEAST_REQUEST, "};
    static const char *const HASHES[] = {
        "consistentHash: {httpHeaderName: x-user}, ",
        "consistentHash: {httpHeaderName: x-user, maglev: {tableSize: 101}}, ",
        "consistentHash: {httpQueryParameterName: q}, ", "consistentHash: {useSourceIp: true}, "};
    /* A cookie that the proxy makes up is a hash of ports: it leads nobody twice. */
    static const char *const COOKIES[] = {
        "consistentHash: {httpCookie: {name: a, ttl: 0s}}, ",
        "consistentHash: {httpCookie: {name: track, path: /, ttl: 60s}, maglev: {}}, "};
    static const char *const PLACES[] = {
        "",
        "",
        "localityLbSetting: {distribute: [{from: eu/*, to: {eu/*: 80, us/*: 20}}]}, ",
        "localityLbSetting: {failover: [{from: eu, to: us}]}, ",
        "localityLbSetting: {failoverPriority: [v]}, ",
        "localityLbSetting: {enabled: false}, "};
    say(chance, "loadBalancer: {");
    if (is_lucky(chance, 40))
        say(chance, chance->is_plain && is_lucky(chance, 30) ? ONE_OF(chance, COOKIES)
                                                             : ONE_OF(chance, HASHES));
    else
        say(chance, ONE_OF_TWO(chance, TURNS, DRAWS));
    say(chance, ONE_OF(chance, PLACES));
    say(chance, "}, ");
}

static void say_pool(struct chance *chance)
{
    static const char *const TCP[] = {
        "", "", "maxConnections: 1", "maxConnections: 2", "connectTimeout: 5s", "idleTimeout: 10s"};
    static const char *const HTTP[] = {"",
                                       "",
                                       "maxRequestsPerConnection: 1",
                                       "maxRequestsPerConnection: 2",
                                       "http1MaxPendingRequests: 3",
                                       "http2MaxRequests: 3",
                                       "maxRetries: 1",
                                       "idleTimeout: 20s"};
    /* One request at a time and its copies do not reach the limits: which of them would be
     * refused is a race. */
    static const char *const HTTP_OF_LOADS[] = {"",
                                                "",
                                                "maxRequestsPerConnection: 1",
                                                "maxRequestsPerConnection: 2",
                                                "http1MaxPendingRequests: 1",
                                                "http2MaxRequests: 1",
                                                "maxRetries: 1",
                                                "idleTimeout: 20s"};
    say(chance, "connectionPool: {tcp: {");
    const char *tcp = ONE_OF(chance, TCP);
    /* It is the limit of a pod's sidecar, too, where a request and its copy meet. */
    bool is_race = chance->secure != NULL && strncmp(tcp, "max", 3) == 0;
    say(chance, is_race ? "" : tcp);
    say(chance, "}, http: {");
    say(chance, chance->is_load ? ONE_OF(chance, HTTP_OF_LOADS) : ONE_OF(chance, HTTP));
    say(chance, "}}");
}

static void say_rule(struct chance *chance)
{
    static const char *const OUTLIERS[] = {
        "", "",
        ", outlierDetection: {consecutive5xxErrors: 2, interval: 1h, baseEjectionTime: 1h, "
        "maxEjectionPercent: 100}",
        ", outlierDetection: {consecutiveGatewayErrors: 1, interval: 1h, baseEjectionTime: 1h, "
        "maxEjectionPercent: 50}",
        ", outlierDetection: {splitExternalLocalOriginErrors: true, "
        "consecutiveLocalOriginFailures: 2, interval: 1h, baseEjectionTime: 1h}"};
    static const char *const QUICK[] = {
        ", outlierDetection: {consecutive5xxErrors: 2, interval: 100ms, baseEjectionTime: 200ms}",
        ", outlierDetection: {consecutiveGatewayErrors: 1, interval: 50ms, baseEjectionTime: "
        "100ms, maxEjectionPercent: 50}",
        ", outlierDetection: {consecutive5xxErrors: 1, interval: 100ms, baseEjectionTime: 1s, "
        "maxEjectionPercent: 100, minHealthPercent: 30}"};
    say(chance, "apiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: {name: a}\n"
                "spec:\n");
    secure_rule(chance);
    say(chance, "  host: a\n  trafficPolicy: {");
    if (is_lucky(chance, 70))
        say_balancer(chance);
    say_pool(chance);
    say(chance, chance->is_load ? ONE_OF(chance, QUICK) : ONE_OF(chance, OUTLIERS));
    secure_policy(chance, false);
    say(chance, "}\n  subsets:\n  - {name: v1, labels: {v: one}");
    if (is_lucky(chance, 20)) {
        say(chance, ", trafficPolicy: {");
        say_balancer(chance);
        say_pool(chance);
        secure_policy(chance, true);
        say(chance, "}");
    }
    say(chance, "}\n  - {name: v2, labels: {v: two}}\n  - {name: none, labels: {v: none}}\n---\n");
}

/* Streams: where they go, and how many at once. */
static void say_streams(struct chance *chance)
{
    static const char *const ROUTES[] = {
        "{route: [{destination: {host: db}}]}",
        "{match: [{port: 9000}], route: [{destination: {host: b, port: {number: 80}}}]}",
        ("{match: [{sourceLabels: {app: other}}], route: [{destination: {host: nobody}}]}, "
         "{route: [{destination: {host: db}}]}")};
    if (is_lucky(chance, 40)) {
        say(chance, "{apiVersion: networking.istio.io/v1, kind: VirtualService, metadata: {name: "
                    "db}, spec: {hosts: [db], tcp: [");
        say(chance, ONE_OF(chance, ROUTES));
        say(chance, "]}}\n---\n");
    }
    if (is_lucky(chance, 40)) {
        say(chance, "{apiVersion: networking.istio.io/v1, kind: DestinationRule, metadata: {name: "
                    "db}, spec: {host: db, trafficPolicy: {");
        say_pool(chance);
        secure_policy(chance, false);
        say(chance, "}}}\n---\n");
    }
}

static void say_match(struct chance *chance)
{
    static const char *const PLAIN[] = {"{uri: {prefix: /a}}",
                                        "{uri: {exact: /a/1}}",
                                        "{uri: {regex: \"/b/.*\"}}",
                                        "{headers: {x-user: {exact: jason}}}",
                                        "{method: {exact: POST}}",
                                        "{queryParams: {q: {exact: one}}}",
                                        "{uri: {prefix: /a}, headers: {x-user: {regex: \"j.*\"}}}",
                                        "{sourceLabels: {app: other}}",
                                        "{gateways: [web]}",
                                        "{gateways: [mesh], uri: {prefix: /b}}",
                                        "{port: 80, authority: {prefix: shop}}",
                                        "{withoutHeaders: {x-user: {}}}"};
    static const char *const LUCKY[] = {"{headers: {x-request-id: {regex: \"[0-7].*\"}}}"};
    say(chance, "    match: [");
    say(chance, ONE_OF_TWO(chance, PLAIN, LUCKY));
    if (is_lucky(chance, 30)) {
        say(chance, ", ");
        say(chance, ONE_OF_TWO(chance, PLAIN, LUCKY));
    }
    say(chance, "]\n");
}

static void say_destination(struct chance *chance)
{
    static const char *const PLAIN[] = {
        "    route: [{destination: {host: a, subset: v1}}]\n",
        ("    route: [{destination: {host: a, subset: v2}, headers: {request: {set: {x-way: two}}, "
         "response: {add: {x-way: back}}}}]\n"),
        "    route: [{destination: {host: b}}]\n"};
    static const char *const LUCKY[] = {
        "    route: [{destination: {host: a}}]\n",
        "    route: [{destination: {host: a, subset: v1}, weight: 60}, {destination: {host: a, "
        "subset: v2}, weight: 40}]\n",
        "    route: [{destination: {host: a, subset: v2}, weight: 10, headers: {request: {set: "
        "{x-way: two}}}}, {destination: {host: b}, weight: 90}]\n"};
    static const char *const NOWHERE[] = {"    route: [{destination: {host: a, subset: none}}]\n",
                                          "    route: [{destination: {host: nobody}}]\n"};
    if (is_lucky(chance, 5))
        say(chance, ONE_OF(chance, NOWHERE));
    else
        say(chance, ONE_OF_TWO(chance, PLAIN, LUCKY));
}

static void say_policy(struct chance *chance)
{
    /* Far from what latencies and back-offs add up to: real time is late. */
    static const char *const TIMEOUTS[] = {"", "", "    timeout: 400ms\n", "    timeout: 5s\n"};
    static const char *const RETRIES[] = {
        "",
        "",
        "    retries: {attempts: 0}\n",
        "    retries: {attempts: 2, retryOn: 5xx}\n",
        "    retries: {attempts: 3, retryOn: \"gateway-error,connect-failure,reset\"}\n",
        "    retries: {attempts: 1, perTryTimeout: 100ms, retryOn: 5xx}\n",
        ("    retries: {attempts: 2, retryOn: \"retriable-4xx,refused-stream\", "
         "retryRemoteLocalities: true}\n"),
        "    retries: {attempts: 2, retryOn: \"503,418\"}\n"};
    static const char *const FAULTS[] = {
        "",
        "",
        "",
        "",
        "    fault: {abort: {httpStatus: 418, percentage: {value: 100}}}\n",
        "    fault: {abort: {grpcStatus: UNAVAILABLE, percentage: {value: 100}}}\n",
        "    fault: {delay: {fixedDelay: 20ms, percentage: {value: 100}}}\n"};
    static const char *const LUCKY_FAULTS[] = {
        "    fault: {abort: {httpStatus: 418, percentage: {value: 50}}}\n",
        "    fault: {delay: {fixedDelay: 20ms, percentage: {value: 50}}}\n",
        ("    fault: {delay: {fixedDelay: 5ms, percentage: {value: 100}}, abort: {httpStatus: 503, "
         "percentage: {value: 30}}}\n")};
    static const char *const LUCKY_MIRRORS[] = {
        "    mirrors: [{destination: {host: b}, percentage: {value: 30}}, {destination: {host: a, "
        "subset: v1}}]\n",
        "    mirror: {host: b}\n    mirrorPercentage: {value: 50}\n"};
    static const char *const CHANGES[] = {
        "",
        "",
        "",
        "    rewrite: {uri: /new}\n",
        "    rewrite: {authority: other.example}\n",
        "    rewrite: {uriRegexRewrite: {match: \"/([a-z])/(.*)\", rewrite: \"/\\\\2/\\\\1\"}}\n",
        ("    headers: {request: {add: {x-more: sure}, remove: [x-user]}, response: {set: {server: "
         "mine}}}\n"),
        "    mirror: {host: b}\n",
        "    mirrors: [{destination: {host: b}}, {destination: {host: a, subset: v1}}]\n",
        "    mirror: {host: nobody}\n",
        "    corsPolicy: {allowOrigins: [{exact: \"https://x\"}], allowMethods: [GET]}\n"};
    say(chance, ONE_OF(chance, TIMEOUTS));
    say(chance, ONE_OF(chance, RETRIES));
    say(chance, ONE_OF_TWO(chance, FAULTS, LUCKY_FAULTS));
    say(chance, ONE_OF_TWO(chance, CHANGES, LUCKY_MIRRORS));
}

static void say_routes(struct chance *chance)
{
    static const char *const ENDS[] = {
        "    redirect: {uri: /else, redirectCode: 302}\n",
        "    redirect: {authority: other, scheme: https}\n",
        "    directResponse: {status: 404, body: {string: \"no such thing\"}}\n"};
    say(chance, "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: a}\n"
                "spec:\n  hosts: [a, shop.example]\n  gateways: [mesh, web");
    say(chance, chance->secure != NULL ? ", safe]\n  http:\n" : "]\n  http:\n");
    uint64_t count = 1 + below(chance, 3);
    for (uint64_t i = 0; i < count; i++) {
        bool is_last = i + 1 == count;
        say(chance, "  - name: r\n");
        if (!is_last || is_lucky(chance, 30))
            say_match(chance);
        if (!is_last && is_lucky(chance, 15)) {
            say(chance, ONE_OF(chance, ENDS));
            continue;
        }
        say_destination(chance);
        say_policy(chance);
    }
    /* A caller that no rule is for has none of them, and two pods to choose from. */
    if (chance->is_plain)
        say(chance, "  - name: r\n    match: [{uri: {prefix: /a}}]\n"
                    "    route: [{destination: {host: a, subset: v1}}]\n");
}

/* --- the world ------------------------------------------------------------- */

/* `is_mirrored`: a copy and its original may arrive in any order. */
static void say_behaviour(struct chance *chance, bool is_mirrored)
{
    static const char *const SCRIPTS[] = {"script: [503, 200]", "script: [503, 503, 200, 418]",
                                          "script: [close-before-headers, 200]",
                                          "perPod: [reset-before-headers, 503, 200]"};
    static const char *const ANSWERS[] = {
        "status: 200",
        "status: 200",
        "status: 503",
        "status: 404, body: gone",
        "refuse: true",
        "act: garbage",
        "bodySize: 40000",
        "body: hello, framing: chunked, trailers: {t: v}",
        "body: bye, framing: close",
        "body: bye, connection: close",
        "headers: {x-app: [one, two], X-Case: kept}, reason: Fine",
        "interim: [103], status: 204",
        "pods: {0: {status: 500}}",
        "pods: {0: {refuse: true}, 1: {status: 503}}"};
    static const char *const LATENCIES[] = {"", "", "", ", latency: 3ms", ", latency: 250ms"};
    if (chance->is_calm) {
        say(chance, "status: 200");
        return;
    }
    if (is_lucky(chance, 22) && !(chance->is_plain && is_mirrored))
        say(chance, ONE_OF(chance, SCRIPTS));
    else
        say(chance, ONE_OF(chance, ANSWERS));
    say(chance, ONE_OF(chance, LATENCIES));
}

static void say_workload(struct chance *chance, const char *name, const char *service,
                         const char *labels)
{
    static const char *const REPLICAS[] = {"1", "1", "2", "3"};
    static const char *const PLACES[] = {"", "", ", istio-locality: eu.a.x",
                                         ", istio-locality: eu.b.x", ", istio-locality: us.a.x"};
    say(chance, "    ");
    say(chance, name);
    say(chance, ": {service: ");
    say(chance, service);
    say(chance, ", labels: {");
    say(chance, labels);
    say(chance, ONE_OF(chance, PLACES));
    say(chance, "}, replicas: ");
    say(chance, chance->is_plain ? "1" : ONE_OF(chance, REPLICAS));
    say(chance, ", ");
    say_behaviour(chance, strcmp(name, "a1") == 0 || strcmp(name, "b1") == 0);
    /* An application that a port of HTTP/2 leads to mostly speaks it. */
    if (rng_below(&chance->rng_h2, 10) > 0 || chance->is_calm)
        say(chance, ", http2: true");
    secure_party(chance, false);
    say(chance, "}\n");
}

static void say_client(struct chance *chance, const char *words)
{
    say(chance, "    ");
    say(chance, words);
    secure_party(chance, true);
    say(chance, "}\n");
}

static void say_world(struct chance *chance)
{
    static const char *const PROFILES[] = {"istio-latest", "istio-1.0", "pocketmesh"};
    say(chance, "apiVersion: pocketmesh/v1\nkind: RouteTest\nmetadata: {name: agree}\nspec:\n"
                "  profile: ");
    say(chance, ONE_OF(chance, PROFILES));
    say(chance, "\n  defaults: {from: client, ");
    say(chance, chance->secure == NULL ? "sidecar: false, " : "");
    say(chance, "authority: a}\n  clients:\n");
    say_client(chance, "client: {via: sidecar, labels: {app: client, istio-locality: eu.a.x}");
    say_client(chance, "other: {via: sidecar, labels: {app: other}");
    say(chance, "    outside: {via: gateway, gateway: default/web}\n");
    secure_clients(chance);
    say(chance, "  workloads:\n");
    say_workload(chance, "a1", "a", "app: a, v: one");
    say_workload(chance, "a2", "a", "app: a, v: two");
    say_workload(chance, "b1", "b", "app: b");
    say_workload(chance, "db1", "db", "app: db");
    secure_workloads(chance);
    say(chance, "tests:\n- name: x\n");
}

/* A stream: what its other end speaks is HTTP, which no proxy looks at. */
static void say_stream(struct chance *chance)
{
    static const char *const STREAMS[] = {
        "{authority: db, port: 9000, uri: /x}",
        "{authority: db, port: 9000, uri: /x, method: POST, bodySize: 70000}",
        "{authority: db, port: 9000, raw: \"GET / HTTP/1.1\\r\\nhost: h\\r\\n\\r\\n\"}"};
    say(chance, ONE_OF(chance, STREAMS));
}

static void say_request(struct chance *chance, bool is_outside)
{
    static const char *const URIS[] = {"/a", "/a/1", "/a/1?q=one", "/b/2", "/c", "/%41//x"};
    static const char *const METHODS[] = {"GET", "GET", "POST", "HEAD", "OPTIONS"};
    static const char *const HEADERS[] = {"", ", headers: {x-user: jason}",
                                          ", headers: {x-user: anna, cookie: [a=1, b=2]}",
                                          (", headers: {origin: \"https://x\", "
                                           "access-control-request-method: GET}")};
    static const char *const BODIES[] = {"", "", ", body: hello", ", bodySize: 30000",
                                         ", body: hello, chunked: true"};
    static const char *const AUTHORITIES[] = {"", "", "", ", authority: b", ", authority: unknown"};
    static const char *const OUTSIDE[] = {", authority: shop.example", ", authority: shop.example",
                                          ", authority: \"SHOP.example:80\"", ", authority: a"};
    say(chance, "{uri: \"");
    say(chance, ONE_OF(chance, URIS));
    say(chance, "\", method: ");
    say(chance, ONE_OF(chance, METHODS));
    say(chance, ONE_OF(chance, HEADERS));
    say(chance, ONE_OF(chance, BODIES));
    say(chance, is_outside ? ONE_OF(chance, OUTSIDE) : ONE_OF(chance, AUTHORITIES));
    say(chance, "}");
}

/* Half of the meshes care who speaks to whom. */
static void begin(struct chance *chance, uint64_t seed, struct chance_text *out)
{
    static struct chance secure;
    secure = (struct chance){.rng = rng_seeded(seed, STR("secure")), .is_plain = chance->is_plain};
    if (!chance->is_load && (is_lucky(&secure, 50) || chance->is_calm))
        chance->secure = &secure;
    chance->rng = rng_seeded(seed, STR("agree"));
    chance->rng_h2 = rng_seeded(seed, STR("http2"));
    chance->out = &out->mesh;
    chance_empty(out);
    say_services(chance);
    if (is_lucky(chance, 70))
        say_rule(chance);
    say_streams(chance);
    say_routes(chance);
    if (chance->secure != NULL)
        say(chance, "---\n");
    secure_objects(chance);
    chance->out = &out->test;
    say_world(chance);
}

static void say_case(struct chance *chance)
{
    say(chance, "  - {request: ");
    if (secure_case(chance))
        return;
    if (is_lucky(chance, 12)) {
        say_stream(chance);
        say(chance, is_lucky(chance, 30) ? ", from: other}\n" : "}\n");
        return;
    }
    bool is_outside = is_lucky(chance, 20);
    say_request(chance, is_outside);
    if (is_outside)
        say(chance, ", from: outside");
    else if (is_lucky(chance, 25))
        say(chance, ", from: other");
    say(chance, is_lucky(chance, 30) ? ", repeat: 3}\n" : "}\n");
}

void chance_security(uint64_t seed, struct chance_text *out)
{
    struct chance chance = {.is_calm = true};
    begin(&chance, seed, out);
    say(&chance, "  request: {uri: /}\n");
}

void chance_requests(uint64_t seed, bool is_plain, struct chance_text *out)
{
    struct chance chance = {.is_plain = is_plain};
    begin(&chance, seed, out);
    say(&chance, "  cases:\n");
    uint64_t count = 2 + below(&chance, 4);
    for (uint64_t i = 0; i < count; i++)
        say_case(&chance);
}

void chance_load(uint64_t seed, struct chance_text *out)
{
    static const char *const LOADS[] = {
        "rate: 200/s\n    for: 2s\n    arrivals: poisson", "rate: 40/s\n    for: 3s",
        "clients: 12\n    for: 2s\n    thinkTime: 5ms",
        "stages: [{for: 1s, rate: 20/s}, {for: 500ms, rate: 800/s}]\n    keepalive: false"};
    struct chance chance = {.is_load = true};
    begin(&chance, seed, out);
    say(&chance, "  load:\n    ");
    say(&chance, ONE_OF(&chance, LOADS));
    say(&chance, "\n    request:\n");
    for (uint64_t i = 0, count = 1 + below(&chance, 4); i < count; i++) {
        say(&chance, "    - ");
        if (is_lucky(&chance, 10))
            say_stream(&chance);
        else
            say_request(&chance, false);
        say(&chance, "\n");
    }
}

void chance_empty(struct chance_text *out)
{
    buf_init(&out->mesh, TEXT_BYTES_MAX);
    buf_init(&out->test, TEXT_BYTES_MAX);
}

void chance_fini(struct chance_text *text)
{
    buf_fini(&text->mesh);
    buf_fini(&text->test);
}
