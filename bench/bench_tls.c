/* SPDX-License-Identifier: Apache-2.0
 *
 * bench/bench_tls.c - what TLS costs each side, in memory: a handshake in which nobody,
 * or both, show a certificate; one that resumes; a kilobyte on an open session.
 *
 *   bench tls [HANDSHAKES]
 *
 * Certificates are P-256, as Istio's are. Times are the thread's own, of the side that
 * works.
 */
#include "bench/bench.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/check.h"
#include "proxy/live/tls.h"
#include "testbed/world/authority.h"

#define HANDSHAKES_DEFAULT 1000u
#define HANDSHAKES_MAX 1000000u
#define RECORDS_EACH 100u /* records for each handshake that was asked for */
#define ROUNDS_MAX 8
#define OUT_MAX 65536

static const struct str OWN[] = {STR_INIT("default")};
static const struct str PROTOCOLS[] = {STR_INIT("istio"), STR_INIT("http/1.1")};
static const struct str SERVER_NAME[] = {STR_INIT("spiffe://cluster.local/ns/default/sa/server")};
static const struct string_matcher PEERS[] = {
    {.kind = STRING_PREFIX, .value = STR_INIT("spiffe://cluster.local/")}};

struct side {
    struct secret secrets[2];
    struct keyring keyring;
    struct tls_store *store;
    struct tls_session *session;
    double seconds;
};

struct pair {
    struct arena arena;
    struct authority *authority;
    struct side client, server;
    struct upstream_tls up;
    struct downstream_tls down;
    struct cluster cluster;
    struct tls_call call;
};

static double now(void)
{
    struct timespec at;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &at);
    return (double)at.tv_sec + (double)at.tv_nsec / 1e9;
}

static void side_init(struct pair *pair, struct side *side, struct str account)
{
    struct workload_name who = {STR("cluster.local"), STR("default"), account};
    const struct certificate *own =
        authority_issue_workload(pair->authority, &who, CERTIFICATE_RIGHT);
    struct str *mesh = ARENA_NEW(&pair->arena, struct str);
    *mesh = STR(AUTHORITY_MESH);
    authority_seal(pair->authority, own);
    side->secrets[0] = (struct secret){.name = STR("ROOTCA"),
                                       .authorities = mesh,
                                       .authority_count = 1,
                                       .authorities_pem = authority_pem(pair->authority, *mesh)};
    side->secrets[1] = (struct secret){.name = OWN[0], .certificate = own};
    side->keyring = (struct keyring){.items = side->secrets, .count = COUNT_OF(side->secrets)};
}

static void pair_init(struct pair *pair, bool is_mutual)
{
    *pair = (struct pair){0};
    arena_init(&pair->arena, 65536, 0);
    pair->authority = authority_new(&pair->arena);
    side_init(pair, &pair->client, STR("client"));
    side_init(pair, &pair->server, STR("server"));
    pair->up = (struct upstream_tls){.sni = STR("server.example.com"),
                                     .root = STR("ROOTCA"),
                                     .is_mesh = true,
                                     .names = SERVER_NAME,
                                     .name_count = COUNT_OF(SERVER_NAME)};
    pair->down = (struct downstream_tls){.certificates = OWN,
                                         .certificate_count = COUNT_OF(OWN),
                                         .protocols = PROTOCOLS,
                                         .protocol_count = COUNT_OF(PROTOCOLS)};
    if (is_mutual) {
        pair->up.certificate = OWN[0];
        pair->down.authorities = STR("ROOTCA");
        pair->down.is_client_certificate_required = true;
        pair->down.peer_names = PEERS;
        pair->down.peer_name_count = COUNT_OF(PEERS);
    }
    pair->cluster = (struct cluster){.name = STR("c"), .security = UPSTREAM_TLS, .tls = &pair->up};
    pair->call = (struct tls_call){.cluster = &pair->cluster,
                                   .address = STR("127.0.0.1"),
                                   .port = 1,
                                   .payload = TLS_CARRIES_HTTP1};
    pair->client.store = tls_store_new(&pair->client.keyring);
    pair->server.store = tls_store_new(&pair->server.keyring);
}

static void pair_fini(struct pair *pair)
{
    tls_store_drop(pair->client.store);
    tls_store_drop(pair->server.store);
    authority_free(pair->authority);
    arena_fini(&pair->arena);
}

static void feed(struct side *side, struct str bytes)
{
    struct str meant;
    double before = now();
    tls_feed(side->session, bytes);
    while (tls_read(side->session, &meant))
        continue;
    side->seconds += now() - before;
}

/* What one side has to say to the other; false: nothing. */
static bool pass_on(struct side *from, struct side *to)
{
    static char copy[OUT_MAX];
    struct str out = tls_out(from->session);
    if (out.len == 0)
        return false;
    ASSERT(out.len <= sizeof(copy));
    memcpy(copy, out.ptr, out.len);
    tls_sent(from->session, out.len);
    feed(to, (struct str){copy, out.len});
    return true;
}

static void shake_hands(struct pair *pair)
{
    double before = now();
    pair->client.session = tls_connect(pair->client.store, &pair->call);
    pair->client.seconds += now() - before;
    before = now();
    pair->server.session = tls_accept(pair->server.store, &pair->down);
    pair->server.seconds += now() - before;
    feed(&pair->client, STR_EMPTY);
    for (int i = 0; i < ROUNDS_MAX; i++) {
        bool is_said = pass_on(&pair->client, &pair->server);
        if (!pass_on(&pair->server, &pair->client) && !is_said)
            break;
    }
    ASSERT(tls_state(pair->client.session) == TLS_STATE_OPEN);
    ASSERT(tls_state(pair->server.session) == TLS_STATE_OPEN);
}

static void part(struct pair *pair)
{
    tls_free(pair->client.session);
    tls_free(pair->server.session);
}

static void report(const struct pair *pair, const char *what, uint64_t count, double unit,
                   const char *unit_name)
{
    printf("%-38s %8.2f %8.2f %s\n", what, pair->client.seconds / (double)count * unit,
           pair->server.seconds / (double)count * unit, unit_name);
}

/* A store that never met anybody has nothing to resume. */
static void bench_whole(bool is_mutual, uint64_t count)
{
    struct pair pair;
    pair_init(&pair, is_mutual);
    shake_hands(&pair); /* contexts are made */
    part(&pair);
    pair.client.seconds = pair.server.seconds = 0;
    for (uint64_t i = 0; i < count; i++) {
        /* Another port is another place, whose session nobody has. */
        pair.call.port = (uint32_t)(2 + i);
        shake_hands(&pair);
        ASSERT(!tls_facts(pair.client.session).is_resumed);
        part(&pair);
    }
    report(&pair, is_mutual ? "handshake, mutual" : "handshake, the server's certificate", count,
           1e3, "ms");
    pair_fini(&pair);
}

static void bench_resumed(bool is_mutual, uint64_t count)
{
    struct pair pair;
    pair_init(&pair, is_mutual);
    shake_hands(&pair);
    part(&pair);
    pair.client.seconds = pair.server.seconds = 0;
    for (uint64_t i = 0; i < count; i++) {
        shake_hands(&pair);
        ASSERT(tls_facts(pair.client.session).is_resumed);
        part(&pair);
    }
    report(&pair, is_mutual ? "handshake, mutual, resumed" : "handshake, resumed", count, 1e3,
           "ms");
    pair_fini(&pair);
}

/* One writes, the other reads; both sides' time is what a hop pays. */
static void bench_records(uint64_t count)
{
    static const char zeros[1024];
    struct pair pair;
    pair_init(&pair, true);
    shake_hands(&pair);
    pair.client.seconds = pair.server.seconds = 0;
    for (uint64_t i = 0; i < count; i++) {
        double before = now();
        tls_write(pair.client.session, (struct str){zeros, sizeof(zeros)});
        pair.client.seconds += now() - before;
        (void)pass_on(&pair.client, &pair.server);
    }
    report(&pair, "a kilobyte: write, read", count, 1e6, "us");
    part(&pair);
    pair_fini(&pair);
}

int bench_tls(int argc, char **argv)
{
    uint64_t count = HANDSHAKES_DEFAULT;
    if (argc > 1 && (!str_to_u64(str_of(argv[1]), HANDSHAKES_MAX, &count) || count == 0)) {
        fprintf(stderr, "bench tls: HANDSHAKES is a number from 1 to %u\n", HANDSHAKES_MAX);
        return 2;
    }
    printf("tls: TLS 1.3, P-256, %" PRIu64 " of each; the thread's own time\n\n", count);
    printf("%-38s %8s %8s\n", "", "client", "server");
    bench_whole(false, count);
    bench_whole(true, count);
    bench_resumed(false, count);
    bench_resumed(true, count);
    bench_records(count * RECORDS_EACH);
    return 0;
}
