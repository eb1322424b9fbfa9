/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/proxy/wire/test_local_replies.c - ENVOY.md 17.1, row by row: status, body to the
 * byte, flags and details of what the proxy answers by itself. Tokens have a table of
 * their own (test_local_replies_tokens.c), reasons of resets that only HTTP/2 upstreams
 * cause are in tests/proxy/core/test_exchange.c.
 *
 * No play have rows that nothing in Istio's configuration leads to: 307 (UNESCAPE_AND_REDIRECT),
 * 404 for a missing path (HTTP/1 has no request without one), 413 and 500 (filters that
 * buffer), "maintenance mode" (runtime), the two drop overloads (EDS policy), "envoy
 * overloaded" (overload manager), "invalid header" (strict checks), "local_rate_limited" (an
 * EnvoyFilter), "Jwks remote fetch is failed" (istiod fetches). "upstream is closed
 * prematurely.." needs an attempt that ends without an answer while no retry may come; the
 * router answers such an end at once.
 */
#include "tests/proxy/wire/peers.h"

#include "proxy/model/retry_on.h"
#include "proxy/model/security.h"

#define GET(path) "GET " path " HTTP/1.1\r\nhost: a\r\n\r\n"
#define HALF "POST /app HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\nhalf"
#define RESET "upstream connect error or disconnect/reset before headers. "
#define BEFORE "upstream_reset_before_response_started"
#define TEN(text) text text text text text text text text text text

static void be_edge(struct peers *peers)
{
    (void)peers;
    peers_chains[0].http.is_using_remote_address = true;
}

static void allow_nobody(struct peers *peers)
{
    static const struct rbac nobody = {.rules = {.is_there = true, .action = RBAC_ALLOW}};
    static const struct security security = {.rbacs = &nobody, .rbac_count = 1};
    (void)peers;
    peers_chains[0].security = &security;
}

static void retry_late(struct peers *peers)
{
    static const struct retry_policy late = {.conditions = RETRY_ON_BIT(5XX),
                                             .retry_on = STR_INIT("5xx"),
                                             .num_retries = 1,
                                             .backoff_base_ns = NS_SECOND,
                                             .backoff_max_ns = NS_SECOND};
    (void)peers;
    small_routes[4].forward.retry = &late;
}

/* does: x the server closes, g says what is no HTTP; w a tenth of a second, W two of them,
 * B the client says two mebibytes, or as much as is read. */
static const struct row {
    const char *name, *says, *does;
    uint32_t status;
    const char *body, *flags, *details;
    bool is_refusing, is_holding, is_full, is_retried, is_aborted;
    void (*prepare)(struct peers *peers);
    int64_t idle_ns, request_ns, headers_ns, life_ns, attempt_ns;
} ROWS[] = {
    {.name = "NR", .says = GET("/no"), .status = 404, .flags = "NR", .details = "route_not_found"},
    {.name = "NC",
     .says = GET("/lost"),
     .status = 503,
     .flags = "NC",
     .details = "cluster_not_found"},
    {.name = "missing host",
     .says = "GET / HTTP/1.1\r\n\r\n",
     .status = 400,
     .flags = "-",
     .details = "missing_host_header"},
    {.name = "relative path",
     .says = "OPTIONS * HTTP/1.1\r\nhost: a\r\n\r\n",
     .status = 404,
     .flags = "-",
     .details = "absolute_path_rejected"},
    {.name = "upgrade",
     .says = "GET /app HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: odd\r\n\r\n",
     .status = 403,
     .flags = "-",
     .details = "upgrade_failed"},
    {.name = "Upgrade Required",
     .says = "GET /app HTTP/1.0\r\nhost: a\r\n\r\n",
     .status = 426,
     .body = "Upgrade Required",
     .flags = "DPE",
     .details = "low_version"},
    {.name = "Request Header Fields Too Large: many",
     .says = "GET /app HTTP/1.1\r\n" TEN(TEN("x: y\r\n")) "host: a\r\n\r\n",
     .status = 431,
     .body = "Request Header Fields Too Large",
     .flags = "DPE",
     .details = "http1.too_many_headers"},
    {.name = "Request Header Fields Too Large: large",
     .says = "GET /app HTTP/1.1\r\nhost: a\r\nx: ",
     .does = "B",
     .status = 431,
     .body = "Request Header Fields Too Large",
     .flags = "DPE",
     .details = "http1.headers_too_large"},
    {.name = "Forbidden",
     .says = "GET https://a/app HTTP/1.1\r\nhost: a\r\n\r\n",
     .prepare = be_edge,
     .status = 403,
     .body = "Forbidden",
     .flags = "DPE",
     .details = "http1.https_url_on_plaintext_connection"},
    {.name = "RBAC: access denied",
     .says = GET("/app"),
     .prepare = allow_nobody,
     .status = 403,
     .body = "RBAC: access denied",
     .flags = "-",
     .details = "rbac_access_denied_matched_policy[none]"},
    {.name = "Bad Request",
     .says = "?\r\n\r\n",
     .status = 400,
     .body = "Bad Request",
     .flags = "DPE",
     .details = "http1.codec_error"},
    {.name = "Not Implemented",
     .status = 501,
     .body = "Not Implemented",
     .flags = "DPE",
     .says = "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: magic\r\n\r\n",
     .details = "http1.invalid_transfer_encoding"},
    {.name = "no healthy upstream",
     .says = GET("/empty"),
     .status = 503,
     .body = "no healthy upstream",
     .flags = "UH",
     .details = "no_healthy_upstream"},
    {.name = "upstream request timeout",
     .says = GET("/short"),
     .does = "W",
     .status = 504,
     .body = "upstream request timeout",
     .flags = "UT",
     .details = "response_timeout"},
    {.name = "reset: remote connection failure",
     .says = GET("/app"),
     .is_refusing = true,
     .status = 503,
     .body = RESET "reset reason: remote connection failure",
     .flags = "UF",
     .details = BEFORE "{remote_connection_failure|delayed_connect_error:_Connection_refused}"},
    {.name = "reset: connection timeout",
     .says = GET("/app"),
     .is_holding = true,
     .does = "W",
     .status = 503,
     .body = RESET "reset reason: connection timeout",
     .flags = "UF",
     .details = BEFORE "{connection_timeout}"},
    {.name = "reset: connection termination",
     .says = GET("/app"),
     .does = "x",
     .status = 503,
     .body = RESET "reset reason: connection termination",
     .flags = "UC",
     .details = BEFORE "{connection_termination}"},
    {.name = "reset: protocol error",
     .says = GET("/app"),
     .does = "g",
     .status = 502,
     .body = RESET "reset reason: protocol error",
     .flags = "UPE",
     .details = BEFORE "{protocol_error}"},
    {.name = "reset: overflow",
     .says = GET("/app"),
     .is_full = true,
     .status = 503,
     .body = RESET "reset reason: overflow",
     .flags = "UO",
     .details = BEFORE "{overflow}"},
    {.name = "reset: retried",
     .says = GET("/app"),
     .is_retried = true,
     .does = "xwxw",
     .status = 503,
     .flags = "URX,UC",
     .details = BEFORE "{connection_termination}",
     .body = RESET "retried and the latest reset reason: connection termination"},
    {.name = "stream timeout, request incomplete",
     .says = HALF,
     .does = "W",
     .idle_ns = NS_SECOND,
     .status = 408,
     .body = "stream timeout",
     .flags = "SI",
     .details = "stream_idle_timeout"},
    {.name = "stream timeout",
     .says = GET("/app"),
     .does = "W",
     .idle_ns = NS_SECOND,
     .status = 504,
     .body = "stream timeout",
     .flags = "SI",
     .details = "stream_idle_timeout"},
    {.name = "request timeout",
     .says = HALF,
     .does = "W",
     .request_ns = NS_SECOND,
     .status = 408,
     .body = "request timeout",
     .flags = "-",
     .details = "request_overall_timeout"},
    {.name = "request header timeout",
     .says = "GET / HTTP/1.1\r\n",
     .does = "W",
     .headers_ns = NS_SECOND,
     .status = 408,
     .body = "request header timeout",
     .flags = "-",
     .details = "request_header_timeout"},
    {.name = "downstream duration timeout",
     .says = GET("/app"),
     .does = "W",
     .life_ns = NS_SECOND,
     .status = 504,
     .body = "downstream duration timeout",
     .flags = "-",
     .details = "max_duration_timeout"},
    {.name = "upstream max stream duration reached",
     .says = GET("/app"),
     .does = "W",
     .attempt_ns = NS_SECOND,
     .status = 504,
     .body = "upstream max stream duration reached",
     .flags = "UMSDR",
     .details = "upstream_max_stream_duration_reached"},
    {.name = "downstream duration timeout, request incomplete",
     .says = HALF,
     .does = "W",
     .life_ns = NS_SECOND,
     .status = 408,
     .body = "downstream duration timeout",
     .flags = "-",
     .details = "max_duration_timeout"},
    {.name = "upstream max stream duration reached, request incomplete",
     .says = HALF,
     .does = "W",
     .attempt_ns = NS_SECOND,
     .status = 408,
     .body = "upstream max stream duration reached",
     .flags = "UMSDR",
     .details = "upstream_max_stream_duration_reached"},
    {.name = "exceeded request buffer limit while retrying upstream",
     .says = "POST /app HTTP/1.1\r\nhost: a\r\ncontent-length: 3000000\r\n\r\nhalf",
     .prepare = retry_late,
     .does = "xB",
     .status = 507,
     .body = "exceeded request buffer limit while retrying upstream",
     .flags = "-",
     .details = "request_payload_exceeded_retry_buffer_limit"},
    {.name = "fault filter abort",
     .says = GET("/app"),
     .is_aborted = true,
     .status = 418,
     .body = "fault filter abort",
     .flags = "FI",
     .details = "fault_filter_abort"},
};

static void set_up(struct peers *peers, const struct row *row)
{
    static const struct fault_policy abort = {
        .has_abort = true, .has_abort_share = true, .abort_status = 418, .abort_share = {100, 100}};
    static const struct retry_policy once = {.conditions = RETRY_ON_BIT(5XX),
                                             .retry_on = STR_INIT("5xx"),
                                             .num_retries = 1,
                                             .backoff_base_ns = NS_MS,
                                             .backoff_max_ns = NS_MS};
    static const struct header_mutation life = {.name =
                                                    STR_INIT("x-envoy-upstream-stream-duration-ms"),
                                                .value = STR_INIT("1000"),
                                                .action = OVERWRITE_OR_ADD};
    struct http_connection_manager *http = &peers_chains[0].http;
    struct route *app = &small_routes[4];
    http->stream_idle_timeout_ns = row->idle_ns;
    http->request_timeout_ns = row->request_ns;
    http->request_headers_timeout_ns = row->headers_ns;
    http->max_stream_duration_ns = row->life_ns;
    app->fault = row->is_aborted ? &abort : NULL;
    app->forward.retry = row->is_retried ? &once : NULL;
    if (row->attempt_ns > 0)
        app->request_headers = (struct header_mutations){.add = &life, .add_count = 1};
    if (row->is_full)
        small_clusters[0].breakers.max_pending_requests = 0;
    if (row->prepare != NULL)
        row->prepare(peers);
    peers->is_refusing = row->is_refusing;
    peers->is_holding_connects = row->is_holding;
    peers_renew(peers);
}

static void say_too_much(struct peers *peers, uint32_t client)
{
    static char bytes[LIMIT_READ_BYTES];
    memset(bytes, 'b', sizeof(bytes));
    for (uint32_t said = 0; said < 2u * 1024 * 1024 && !peers->items[client].is_paused &&
                            !peers->items[client].is_gone;
         said += sizeof(bytes))
        peers_say_bytes(peers, client, (struct str){bytes, sizeof(bytes)});
}

static void act(struct peers *peers, uint32_t client, char step)
{
    if (step == 'B')
        say_too_much(peers, client);
    else if (step == 'x')
        peers_fin(peers, peers_server(peers));
    else if (step == 'g')
        peers_say(peers, peers_server(peers), "what?\r\n\r\n");
    else
        peers_wait(peers, step == 'w' ? 100 * NS_MS : 2 * NS_SECOND);
}

static struct str body_of(struct str heard)
{
    size_t end = str_find_str(heard, STR("\r\n\r\n"));
    return end == STR_NONE ? STR_EMPTY : str_from(heard, end + 4);
}

static void test_what_the_proxy_says_by_itself(void **state)
{
    (void)state;
    uint32_t bad = 0;
    for (size_t i = 0; i < COUNT_OF(ROWS); i++) {
        const struct row *row = &ROWS[i];
        struct peers *peers = peers_new();
        set_up(peers, row);
        uint32_t client = peers_dial(peers);
        peers_say(peers, client, row->says);
        for (const char *step = row->does; step != NULL && *step != '\0'; step++)
            act(peers, client, *step);
        struct str body = body_of(peers_heard(peers, client));
        const struct done *done = peers_last_done(peers);
        if (done->status != row->status || strcmp(done->flags, row->flags) != 0 ||
            strcmp(done->details, row->details) != 0 ||
            !str_eq(body, str_of(row->body != NULL ? row->body : ""))) {
            print_error("%s: %u %s %s \"%.*s\"\n", row->name, (unsigned)done->status, done->flags,
                        done->details, STR_FMT(body));
            bad++;
        }
        peers_free(peers);
    }
    assert_int_equal(bad, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_the_proxy_says_by_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
