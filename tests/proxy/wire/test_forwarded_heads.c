/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/proxy/wire/test_forwarded_heads.c - ENVOY.md 17.2, row by row: what the server reads of
 * a request, to the byte: which headers come, which go, and in which order. Of Istio's
 * proxies: a sidecar at its caller, a gateway, a sidecar before its application.
 *
 * Not here: x-envoy-internal, which no address is without internal_address_config (only
 * mirrors have it: tests/proxy/core/test_mirror.c), the order of a rule's `set` (by name),
 * which is the translation's, and heads of HTTP/2.
 */
#include "tests/proxy/wire/peers.h"

enum role { CALLER, GATEWAY, SERVER };

#define ID "x-request-id: ID\r\n"
#define OWN "x-forwarded-proto: http\r\n" ID "x-envoy-decorator-operation: op\r\n"
#define TIMED "x-envoy-expected-rq-timeout-ms: 15000\r\nx-envoy-attempt-count: 1\r\n"

static void set_no_timeout(struct route *route)
{
    route->forward.timeout_ns = 0; /* said: not the default */
}

static void set_rewrites(struct route *route)
{
    route->forward.host_rewrite = STR("other");
    route->forward.has_prefix_rewrite = true;
    route->forward.prefix_rewrite = STR("/v2");
}

static void set_additions(struct route *route)
{
    static const struct str gone[] = {STR_INIT("x-gone")};
    static const struct header_mutation added[] = {
        {.name = STR_INIT("x-a"), .value = STR_INIT("%REQ(:PATH)%"), .action = OVERWRITE_OR_ADD},
        {.name = STR_INIT("x-b"), .value = STR_INIT("set"), .action = OVERWRITE_OR_ADD},
        {.name = STR_INIT("x-c"), .value = STR_INIT("added")},
    };
    route->request_headers = (struct header_mutations){
        .add = added, .add_count = COUNT_OF(added), .remove = gone, .remove_count = 1};
    set_rewrites(route);
}

static void set_grpc_timeout(struct route *route)
{
    set_no_timeout(route);
    route->forward.has_max_grpc_timeout = true;
}

static const struct row {
    const char *name;
    enum role role;
    void (*prepare)(struct route *route);
    const char *says, *wants;
} ROWS[] = {
    {.name = "a plain call",
     .says = "GET /app/1?q=1 HTTP/1.1\r\nHost: a\r\n\r\n",
     .wants = "GET /app/1?q=1 HTTP/1.1\r\nhost: a\r\n" OWN TIMED "\r\n"},
    {.name = "no timeout, none expected",
     .prepare = set_no_timeout,
     .says = "GET /app HTTP/1.1\r\nHost: a\r\n\r\n",
     .wants = "GET /app HTTP/1.1\r\nhost: a\r\n" OWN "x-envoy-attempt-count: 1\r\n\r\n"},
    {.name = "the client's headers, in lower case and in their order, host before them",
     .says = "GET /app HTTP/1.1\r\nX-B: 1\r\nHost: a\r\nX-A: 2\r\nX-B: 3\r\nCookie: c=1\r\n"
             "Cookie: d=2\r\nAccept: x\r\nAccept: y\r\n\r\n",
     .wants = "GET /app HTTP/1.1\r\nhost: a\r\nx-b: 1\r\nx-a: 2\r\nx-b: 3\r\ncookie: c=1\r\n"
              "cookie: d=2\r\naccept: x,y\r\n" OWN TIMED "\r\n"},
    {.name = "hop by hop",
     .says = "GET /app HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, X-Hop\r\nX-Hop: 1\r\n"
             "Keep-Alive: 5\r\nProxy-Connection: keep-alive\r\nTE: gzip, trailers\r\nX-End: 1\r\n"
             "\r\n",
     .wants = "GET /app HTTP/1.1\r\nhost: a\r\nte: trailers\r\nx-end: 1\r\n" OWN TIMED "\r\n"},
    {.name = "TE without trailers, an h2c upgrade",
     .says = "GET /app HTTP/1.1\r\nHost: a\r\nTE: gzip\r\nConnection: Upgrade, HTTP2-Settings\r\n"
             "Upgrade: h2c\r\nHTTP2-Settings: AA\r\n\r\n",
     .wants = "GET /app HTTP/1.1\r\nhost: a\r\n" OWN TIMED "\r\n"},
    {.name = "what is overwritten keeps the client's place",
     .says = "GET /app HTTP/1.1\r\nHost: a\r\nx-envoy-decorator-operation: mine\r\n"
             "x-envoy-attempt-count: 7\r\nx-request-id: abc\r\nx-forwarded-proto: https\r\n"
             "x-last: 1\r\n\r\n",
     .wants = "GET /app HTTP/1.1\r\nhost: a\r\nx-envoy-decorator-operation: op\r\n"
              "x-envoy-attempt-count: 1\r\nx-request-id: abc\r\nx-forwarded-proto: https\r\n"
              "x-last: 1\r\nx-envoy-expected-rq-timeout-ms: 15000\r\n\r\n"},
    {.name = "for the router alone, and nobody is internal",
     .says = "GET /app HTTP/1.1\r\nHost: a\r\nx-envoy-internal: true\r\nx-envoy-max-retries: 9\r\n"
             "x-envoy-retry-on: 5xx\r\nx-envoy-upstream-rq-timeout-ms: 1\r\n"
             "x-envoy-upstream-rq-per-try-timeout-ms: 1\r\nx-envoy-expected-rq-timeout-ms: 1\r\n"
             "x-envoy-upstream-stream-duration-ms: 1\r\nx-envoy-fault-delay-request: 1\r\n\r\n",
     .wants =
         "GET /app HTTP/1.1\r\nhost: a\r\nx-envoy-fault-delay-request: 1\r\n" OWN TIMED "\r\n"},
    {.name = "content-length where the client had it",
     .says = "POST /app HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nX-A: 1\r\n\r\nhi",
     .wants =
         "POST /app HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\nx-a: 1\r\n" OWN TIMED "\r\nhi"},
    {.name = "chunks, at the end",
     .says = "PUT /app HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nX-A: 1\r\n\r\n"
             "2\r\nhi\r\n0\r\n\r\n",
     .wants = "PUT /app HTTP/1.1\r\nhost: a\r\nx-a: 1\r\n" OWN TIMED
              "transfer-encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n"},
    {.name = "POST without a body",
     .says = "POST /app HTTP/1.1\r\nHost: a\r\n\r\n",
     .wants = "POST /app HTTP/1.1\r\nhost: a\r\n" OWN TIMED "content-length: 0\r\n\r\n"},
    {.name = "PUT without a body",
     .says = "PUT /app HTTP/1.1\r\nHost: a\r\n\r\n",
     .wants = "PUT /app HTTP/1.1\r\nhost: a\r\n" OWN TIMED "content-length: 0\r\n\r\n"},
    {.name = "DELETE without a body",
     .says = "DELETE /app HTTP/1.1\r\nHost: a\r\n\r\n",
     .wants = "DELETE /app HTTP/1.1\r\nhost: a\r\n" OWN TIMED "\r\n"},
    {.name = "HTTP/1.0",
     .says = "GET /app HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n",
     .wants = "GET /app HTTP/1.1\r\nhost: a\r\n" OWN TIMED "\r\n"},
    {.name = "WebSocket",
     .says = "GET /app HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
     .wants =
         "GET /app HTTP/1.1\r\nhost: a\r\nconnection: Upgrade\r\nupgrade: websocket\r\n" OWN TIMED
         "\r\n"},
    {.name = "gRPC with a timeout",
     .prepare = set_grpc_timeout,
     .says = "POST /app HTTP/1.1\r\nHost: a\r\ncontent-type: application/grpc\r\n"
             "grpc-timeout: 2S\r\ncontent-length: 0\r\n\r\n",
     .wants = "POST /app HTTP/1.1\r\nhost: a\r\ncontent-type: application/grpc\r\n"
              "grpc-timeout: 2000m\r\ncontent-length: 0\r\n" OWN
              "x-envoy-expected-rq-timeout-ms: 2000\r\nx-envoy-attempt-count: 1\r\n\r\n"},
    {.name = "rewrites",
     .prepare = set_rewrites,
     .says = "GET /app/1?q HTTP/1.1\r\nHost: a\r\nx-envoy-original-path: /mine\r\n\r\n",
     .wants = "GET /v2/1?q HTTP/1.1\r\nhost: other\r\nx-envoy-original-path: /app/1?q\r\n" OWN TIMED
              "x-envoy-original-host: a\r\n\r\n"},
    {.name = "additions and removals, before the rewrites",
     .prepare = set_additions,
     .says = "GET /app/1 HTTP/1.1\r\nHost: a\r\nx-c: client\r\nx-gone: 1\r\nx-b: client\r\n\r\n",
     .wants = "GET /v2/1 HTTP/1.1\r\nhost: other\r\nx-c: client\r\n" OWN TIMED
              "x-a: /app/1\r\nx-b: set\r\nx-c: added\r\nx-envoy-original-host: a\r\n"
              "x-envoy-original-path: /app/1\r\n\r\n"},
    {.name = "gateway",
     .role = GATEWAY,
     .says = "GET /app HTTP/1.1\r\nHost: a\r\n\r\n",
     .wants = "GET /app HTTP/1.1\r\nhost: a\r\nx-forwarded-for: 10.9.0.1\r\n"
              "x-forwarded-proto: http\r\nx-envoy-external-address: 10.9.0.1\r\n" ID
              "x-envoy-decorator-operation: op\r\n" TIMED "\r\n"},
    {.name = "gateway, and a client that knows everything better",
     .role = GATEWAY,
     .says = "GET /app HTTP/1.1\r\nHost: a\r\nx-envoy-external-address: 9.9.9.9\r\n"
             "x-forwarded-for: 9.9.9.9\r\nx-request-id: abc\r\nx-forwarded-proto: https\r\n"
             "x-envoy-original-path: /mine\r\nx-envoy-original-host: mine\r\n"
             "x-envoy-decorator-operation: mine\r\nx-forwarded-client-cert: Hash=1\r\n\r\n",
     .wants = "GET /app HTTP/1.1\r\nhost: a\r\nx-envoy-external-address: 10.9.0.1\r\n"
              "x-forwarded-for: 9.9.9.9,10.9.0.1\r\n" ID "x-forwarded-proto: http\r\n"
              "x-envoy-decorator-operation: op\r\n" TIMED "\r\n"},
    {.name = "a server's sidecar",
     .role = SERVER,
     .prepare = set_no_timeout,
     .says = "GET /app HTTP/1.1\r\nhost: a\r\nx-forwarded-proto: http\r\nx-request-id: abc\r\n"
             "x-envoy-internal: true\r\nx-envoy-decorator-operation: op\r\n"
             "x-envoy-expected-rq-timeout-ms: 15000\r\nx-envoy-attempt-count: 2\r\n"
             "x-forwarded-client-cert: Hash=1\r\n\r\n",
     .wants = "GET /app HTTP/1.1\r\nhost: a\r\nx-forwarded-proto: http\r\nx-request-id: abc\r\n"
              "x-envoy-attempt-count: 2\r\nx-forwarded-client-cert: Hash=1,"
              "By=spiffe://d/ns/a/sa/own;Hash=00;Subject=\"\";URI=spiffe://d/ns/a/sa/b\r\n\r\n"},
    {.name = "a server's sidecar, no certificate sent on",
     .role = SERVER,
     .prepare = set_no_timeout,
     .says = "GET /app HTTP/1.1\r\nhost: a\r\nx-request-id: abc\r\n\r\n",
     .wants = "GET /app HTTP/1.1\r\nhost: a\r\nx-request-id: abc\r\nx-forwarded-proto: https\r\n"
              "x-forwarded-client-cert: By=spiffe://d/ns/a/sa/own;Hash=00;Subject=\"\";"
              "URI=spiffe://d/ns/a/sa/b\r\n\r\n"},
};

/* As Istio's translation has them. */
static void set_role(struct peers *peers, enum role role)
{
    static struct downstream_tls tls;
    struct http_connection_manager *http = &peers_chains[0].http;
    /* The harness made the hosts; they are not constant. */
    struct virtual_host *host = (struct virtual_host *)(uintptr_t)&http->routes->virtual_hosts[0];
    host->has_attempt_count = role != SERVER;
    http->is_accepting_http10 = true;
    http->is_using_remote_address = role == GATEWAY;
    http->is_tracing_egress = role != SERVER;
    http->is_inbound = role == SERVER;
    http->cert_details = role == SERVER ? CERT_APPEND_FORWARD : CERT_SANITIZE;
    if (role == SERVER) {
        peers_chains[0].is_tls = true;
        peers_chains[0].tls = &tls;
    }
    peers_renew(peers);
}

static void secure(struct peers *peers, uint32_t client)
{
    static const struct str uris[] = {STR_INIT("spiffe://d/ns/a/sa/b"),
                                      STR_INIT("spiffe://d/ns/a/sa/own")};
    static const struct certificate peer = {.uris = uris, .uri_count = 1, .hash = STR_INIT("00")};
    static const struct certificate own = {.uris = &uris[1], .uri_count = 1};
    struct wire_handshake handshake = {.peer = &peer, .own = &own};
    wire_note_handshake(peers->wire, peers->items[client].conn, &handshake);
    wire_secured(peers->wire, peers->items[client].conn, STR_EMPTY, peers->now_ns);
    peers_run(peers);
}

/* An id that was drawn is 36 letters long. */
static void write_masked(struct str text, struct buf *out)
{
    static const struct str name = STR_INIT("x-request-id: ");
    while (text.len > 0) {
        size_t end = str_find_str(text, STR("\r\n"));
        end = end == STR_NONE ? text.len : end + 2;
        struct str line = str_slice(text, 0, end);
        bool is_drawn = str_has_prefix(line, name) && line.len == name.len + 36 + 2;
        assert_int_equal(buf_append(out, is_drawn ? STR(ID) : line), RC_OK);
        text = str_from(text, end);
    }
}

static void test_what_the_server_reads(void **state)
{
    (void)state;
    uint32_t bad = 0;
    for (size_t i = 0; i < COUNT_OF(ROWS); i++) {
        const struct row *row = &ROWS[i];
        struct peers *peers = peers_new();
        struct buf heard;
        buf_init(&heard, 1 << 20);
        set_role(peers, row->role);
        small_routes[4].decorator = STR("op");
        if (row->prepare != NULL)
            row->prepare(&small_routes[4]);
        uint32_t client = peers_dial(peers);
        if (row->role == SERVER)
            secure(peers, client);
        peers_say(peers, client, row->says);
        write_masked(peers_heard(peers, peers_server(peers)), &heard);
        if (!str_eq(buf_str(&heard), str_of(row->wants))) {
            print_error("%s: got\n%.*s\n", row->name, STR_FMT(buf_str(&heard)));
            bad++;
        }
        buf_fini(&heard);
        peers_free(peers);
    }
    assert_int_equal(bad, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_the_server_reads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
