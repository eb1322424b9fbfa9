/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/agree/chance.c - see chance.h.
 */
#include "tests/agree/chance.h"

#include "base/check.h"
#include "base/rng.h"

#define TEXT_BYTES_MAX (1u << 20)

struct chance {
    struct rng rng;
    struct buf *out;
};

static void say(struct chance *chance, const char *text)
{
    ASSERT(buf_append(chance->out, str_of(text)) == RC_OK);
}

static uint64_t below(struct chance *chance, uint64_t bound)
{
    return rng_below(&chance->rng, bound);
}

/* True so often of a hundred. */
static bool is_lucky(struct chance *chance, uint32_t percent)
{
    return below(chance, 100) < percent;
}

static const char *one_of(struct chance *chance, const char *const *words, size_t count)
{
    return words[below(chance, count)];
}

#define ONE_OF(chance, words) one_of((chance), (words), COUNT_OF(words))

/* --- the mesh --------------------------------------------------------------- */

static void say_services(struct chance *chance)
{
    say(chance, "{apiVersion: v1, kind: Service, metadata: {name: a}, spec: {selector: {app: a}, "
                "ports: [{name: http, port: 80}]}}\n---\n"
                "{apiVersion: v1, kind: Service, metadata: {name: b}, spec: {selector: {app: b}, "
                "ports: [{name: http, port: 80}]}}\n---\n");
}

static void say_rule(struct chance *chance)
{
    static const char *const BALANCERS[] = {
        "", "loadBalancer: {simple: ROUND_ROBIN}, ", "loadBalancer: {simple: RANDOM}, ",
        "loadBalancer: {simple: LEAST_REQUEST}, ",
        "loadBalancer: {consistentHash: {httpHeaderName: x-user}}, "};
    static const char *const TCP[] = {"", "", "maxConnections: 1", "maxConnections: 2"};
    static const char *const HTTP[] = {"",
                                       "",
                                       "maxRequestsPerConnection: 1",
                                       "maxRequestsPerConnection: 2",
                                       "http1MaxPendingRequests: 1",
                                       "http2MaxRequests: 1",
                                       "maxRetries: 1"};
    static const char *const OUTLIERS[] = {
        "", "",
        ", outlierDetection: {consecutive5xxErrors: 2, interval: 1h, baseEjectionTime: 1h, "
        "maxEjectionPercent: 100}",
        ", outlierDetection: {consecutiveGatewayErrors: 1, interval: 1h, baseEjectionTime: 1h, "
        "maxEjectionPercent: 50}"};
    say(chance, "apiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: {name: a}\n"
                "spec:\n  host: a\n  trafficPolicy: {");
    say(chance, ONE_OF(chance, BALANCERS));
    say(chance, "connectionPool: {tcp: {");
    say(chance, ONE_OF(chance, TCP));
    say(chance, "}, http: {");
    say(chance, ONE_OF(chance, HTTP));
    say(chance, "}}");
    say(chance, ONE_OF(chance, OUTLIERS));
    say(chance, "}\n  subsets: [{name: v1, labels: {v: one}}, {name: v2, labels: {v: two}}, "
                "{name: none, labels: {v: none}}]\n---\n");
}

static void say_match(struct chance *chance)
{
    static const char *const MATCHES[] = {
        "{uri: {prefix: /a}}",
        "{uri: {exact: /a/1}}",
        "{uri: {regex: \"/b/.*\"}}",
        "{headers: {x-user: {exact: jason}}}",
        "{method: {exact: POST}}",
        "{queryParams: {q: {exact: one}}}",
        "{uri: {prefix: /a}, headers: {x-user: {regex: \"j.*\"}}}",
        "{withoutHeaders: {x-user: {}}}",
        "{headers: {x-request-id: {regex: \"[0-7].*\"}}}"};
    say(chance, "    match: [");
    say(chance, ONE_OF(chance, MATCHES));
    if (is_lucky(chance, 30)) {
        say(chance, ", ");
        say(chance, ONE_OF(chance, MATCHES));
    }
    say(chance, "]\n");
}

static void say_destination(struct chance *chance)
{
    static const char *const WHERE[] = {
        "    route: [{destination: {host: a}}]\n",
        "    route: [{destination: {host: a, subset: v1}}]\n",
        "    route: [{destination: {host: b}}]\n",
        "    route: [{destination: {host: a, subset: v1}, weight: 60}, {destination: {host: a, "
        "subset: v2}, weight: 40}]\n",
        "    route: [{destination: {host: a, subset: v2}, weight: 10, headers: {request: {set: "
        "{x-way: two}}}}, {destination: {host: b}, weight: 90}]\n",
        "    route: [{destination: {host: a, subset: none}}]\n",
        "    route: [{destination: {host: nobody}}]\n"};
    say(chance, one_of(chance, WHERE, is_lucky(chance, 90) ? 5 : COUNT_OF(WHERE)));
}

static void say_policy(struct chance *chance)
{
    static const char *const TIMEOUTS[] = {"", "", "    timeout: 100ms\n", "    timeout: 5s\n"};
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
        "    fault: {abort: {httpStatus: 418, percentage: {value: 50}}}\n",
        "    fault: {delay: {fixedDelay: 20ms, percentage: {value: 50}}}\n",
        ("    fault: {delay: {fixedDelay: 5ms, percentage: {value: 100}}, abort: {httpStatus: 503, "
         "percentage: {value: 30}}}\n")};
    static const char *const CHANGES[] = {
        "",
        "",
        "",
        "    rewrite: {uri: /new}\n",
        "    rewrite: {authority: other.example}\n",
        "    rewrite: {uriRegexRewrite: {match: \"/([a-z])/(.*)\", rewrite: \"/\\\\2/\\\\1\"}}\n",
        ("    headers: {request: {add: {x-more: sure}, remove: [x-user]}, response: {set: {server: "
         "mine}}}\n"),
        "    mirror: {host: b}\n    mirrorPercentage: {value: 50}\n",
        "    corsPolicy: {allowOrigins: [{exact: \"https://x\"}], allowMethods: [GET]}\n"};
    say(chance, ONE_OF(chance, TIMEOUTS));
    say(chance, ONE_OF(chance, RETRIES));
    say(chance, ONE_OF(chance, FAULTS));
    say(chance, ONE_OF(chance, CHANGES));
}

static void say_routes(struct chance *chance)
{
    static const char *const ENDS[] = {
        "    redirect: {uri: /else, redirectCode: 302}\n",
        "    redirect: {authority: other, scheme: https}\n",
        "    directResponse: {status: 404, body: {string: \"no such thing\"}}\n"};
    say(chance, "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: a}\n"
                "spec:\n  hosts: [a]\n  http:\n");
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
}

/* --- the world ------------------------------------------------------------- */

static void say_behaviour(struct chance *chance)
{
    static const char *const ANSWERS[] = {
        "status: 200",
        "status: 200",
        "status: 503",
        "status: 404, body: gone",
        "script: [503, 200]",
        "script: [503, 503, 200, 418]",
        "script: [close-before-headers, 200]",
        "perPod: [reset-before-headers, 503, 200]",
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
    say(chance, ONE_OF(chance, ANSWERS));
    say(chance, ONE_OF(chance, LATENCIES));
}

static void say_workload(struct chance *chance, const char *name, const char *labels)
{
    static const char *const REPLICAS[] = {"1", "1", "2", "3"};
    say(chance, "    ");
    say(chance, name);
    say(chance, ": {service: ");
    ASSERT(buf_append(chance->out, str_slice(str_of(name), 0, 1)) == RC_OK);
    say(chance, ", labels: {");
    say(chance, labels);
    say(chance, "}, replicas: ");
    say(chance, ONE_OF(chance, REPLICAS));
    say(chance, ", ");
    say_behaviour(chance);
    say(chance, "}\n");
}

static void say_world(struct chance *chance)
{
    static const char *const PROFILES[] = {"istio-latest", "istio-1.0", "pocketmesh"};
    say(chance, "apiVersion: pocketmesh/v1\nkind: RouteTest\nmetadata: {name: agree}\nspec:\n"
                "  profile: ");
    say(chance, ONE_OF(chance, PROFILES));
    say(chance, "\n  defaults: {from: client, sidecar: false, authority: a}\n"
                "  clients: {client: {via: sidecar, labels: {app: client}}}\n  workloads:\n");
    say_workload(chance, "a1", "app: a, v: one");
    say_workload(chance, "a2", "app: a, v: two");
    say_workload(chance, "b1", "app: b");
    say(chance, "tests:\n- name: x\n");
}

static void say_request(struct chance *chance)
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
    say(chance, "{uri: \"");
    say(chance, ONE_OF(chance, URIS));
    say(chance, "\", method: ");
    say(chance, ONE_OF(chance, METHODS));
    say(chance, ONE_OF(chance, HEADERS));
    say(chance, ONE_OF(chance, BODIES));
    say(chance, ONE_OF(chance, AUTHORITIES));
    say(chance, "}");
}

static void begin(struct chance *chance, uint64_t seed, struct chance_text *out)
{
    *chance = (struct chance){.rng = rng_seeded(seed, STR("agree")), .out = &out->mesh};
    buf_init(&out->mesh, TEXT_BYTES_MAX);
    buf_init(&out->test, TEXT_BYTES_MAX);
    say_services(chance);
    if (is_lucky(chance, 70))
        say_rule(chance);
    say_routes(chance);
    chance->out = &out->test;
    say_world(chance);
}

void chance_requests(uint64_t seed, struct chance_text *out)
{
    struct chance chance;
    begin(&chance, seed, out);
    say(&chance, "  cases:\n");
    uint64_t count = 2 + below(&chance, 4);
    for (uint64_t i = 0; i < count; i++) {
        say(&chance, "  - {request: ");
        say_request(&chance);
        say(&chance, is_lucky(&chance, 30) ? ", repeat: 3}\n" : "}\n");
    }
}

void chance_load(uint64_t seed, struct chance_text *out)
{
    static const char *const LOADS[] = {
        "rate: 200/s\n    for: 2s\n    arrivals: poisson", "rate: 40/s\n    for: 3s",
        "clients: 12\n    for: 2s\n    thinkTime: 5ms",
        "stages: [{for: 1s, rate: 20/s}, {for: 500ms, rate: 800/s}]\n    keepalive: false"};
    struct chance chance;
    begin(&chance, seed, out);
    say(&chance, "  load:\n    ");
    say(&chance, ONE_OF(&chance, LOADS));
    say(&chance, "\n    request:\n");
    for (uint64_t i = 0, count = 1 + below(&chance, 4); i < count; i++) {
        say(&chance, "    - ");
        say_request(&chance);
        say(&chance, "\n");
    }
}

void chance_fini(struct chance_text *text)
{
    buf_fini(&text->mesh);
    buf_fini(&text->test);
}
