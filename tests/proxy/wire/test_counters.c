/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/proxy/wire/test_counters.c - ENVOY.md 17.3, row by row: which counters move,
 * and that no other does. The panic threshold is Envoy's 50 (Istio's is 0). All numbers are what a
 * real Envoy 1.40 said of the same plays.
 */
#include "tests/proxy/wire/peers.h"

#include "proxy/core/engine_stats.h"
#include "proxy/core/stats.h"
#include "proxy/model/retry_on.h"

/* What one client is counted as, whatever comes of it. */
#define CLIENT                                                                 \
    "downstream_cx_total=1 downstream_cx_http1_total=1 downstream_rq_total=1 " \
    "downstream_rq_http1_total=1 downstream_cx_destroy=1 "
#define LEFT CLIENT "downstream_cx_destroy_remote=1 "
#define ANSWERED LEFT "downstream_rq_completed=1 "
#define ROUTED ANSWERED "rq_total=1 "
#define LEFT_EARLY                                                     \
    LEFT "downstream_rq_rx_reset=1 downstream_cx_destroy_active_rq=1 " \
         "downstream_cx_destroy_remote_active_rq=1 "
#define CUT                                                                      \
    CLIENT "downstream_cx_destroy_local=1 downstream_rq_completed=1 rq_total=1 " \
           "downstream_rq_2xx=1 downstream_rq_rx_reset=1 downstream_rq_tx_reset=1 "
/* What one connection, and one request on it, is counted as. */
#define OPENED "upstream_cx_total=1 upstream_cx_http1_total=1 upstream_rq_pending_total=1 "
#define CLOSED_BY(who)                                     \
    "upstream_cx_destroy=1 upstream_cx_destroy_" who "=1 " \
    "upstream_cx_destroy_with_active_rq=1 upstream_cx_destroy_" who "_with_active_rq=1 "
#define STATUS(code, class) \
    "upstream_rq_completed=1 upstream_rq_" code "=1 upstream_rq_" class "xx=1 "

enum way { PLAIN, ABORTED, DELAYED, RETRIED, TRIED, REDIRECTED };

/* play: r a client asks, c it leaves; 2, 5 the server answers 200, 503; x it closes, g says
 * what is no HTTP, h begins a body; w 100 ms pass, W two seconds. */
static const struct row {
    const char *name, *path, *play;
    enum way way;
    bool is_refusing, is_holding;
    struct breaker_limits limits; /* 0: none */
    uint32_t clients;             /* more than one: `http` is for all of them; 0: one */
    const char *cluster, *http;
    const char *host; /* of the endpoint, in /clusters */
} ROWS[] = {
    {.name = "200",
     .path = "/app",
     .play = "r2c",
     .cluster = OPENED "upstream_rq_total=1 " STATUS("200", "2"),
     .http = ROUTED "downstream_rq_2xx=1",
     .host = "cx_total=1 rq_total=1 rq_success=1"},
    {.name = "NR",
     .path = "/nowhere",
     .play = "rc",
     .cluster = "",
     .http = ROUTED "downstream_rq_4xx=1 no_route=1",
     .host = ""},
    {.name = "NC",
     .path = "/lost",
     .play = "rc",
     .cluster = "",
     .http = ROUTED "downstream_rq_5xx=1 no_cluster=1",
     .host = ""},
    {.name = "direct response",
     .path = "/direct",
     .play = "rc",
     .cluster = "",
     .http = ROUTED "downstream_rq_2xx=1 rq_direct_response=1",
     .host = ""},
    {.name = "redirect",
     .path = "/app",
     .play = "rc",
     .way = REDIRECTED,
     .cluster = "",
     .http = ROUTED "downstream_rq_3xx=1 rq_direct_response=1",
     .host = ""},
    {.name = "UH",
     .path = "/empty",
     .play = "rc",
     .cluster = "upstream_cx_none_healthy=1 lb_healthy_panic=1 " STATUS("503", "5"),
     .http = ROUTED "downstream_rq_5xx=1",
     .host = ""},
    {.name = "UF refused, no retry",
     .path = "/app",
     .play = "rc",
     .is_refusing = true,
     .cluster = OPENED
     "upstream_cx_connect_fail=1 upstream_cx_destroy=1 "
     "upstream_cx_destroy_remote=1 upstream_rq_pending_failure_eject=1 " STATUS("503", "5"),
     .http = ROUTED "downstream_rq_5xx=1",
     .host = "cx_total=1 cx_connect_fail=1 rq_error=1"},
    {.name = "UF connect timeout",
     .path = "/app",
     .play = "rWc",
     .is_holding = true,
     .cluster = OPENED "upstream_cx_connect_fail=1 upstream_cx_connect_timeout=1 "
                       "upstream_cx_destroy=1 upstream_cx_destroy_local=1 "
                       "upstream_rq_pending_failure_eject=1 " STATUS("503", "5"),
     .http = ROUTED "downstream_rq_5xx=1",
     .host = "cx_total=1 cx_connect_fail=1 rq_error=1"},
    {.name = "UC",
     .path = "/app",
     .play = "rxc",
     .cluster = OPENED "upstream_rq_total=1 " CLOSED_BY("remote") STATUS("503", "5"),
     .http = ROUTED "downstream_rq_5xx=1",
     .host = "cx_total=1 rq_total=1 rq_error=1"},
    {.name = "UPE",
     .path = "/app",
     .play = "rgc",
     .cluster = OPENED "upstream_rq_total=1 upstream_cx_protocol_error=1 " CLOSED_BY("local")
         STATUS("502", "5"),
     .http = ROUTED "downstream_rq_5xx=1",
     .host = "cx_total=1 rq_total=1 rq_error=1"},
    {.name = "torn response",
     .path = "/app",
     .play = "rhxW",
     .cluster = OPENED "upstream_rq_total=1 upstream_cx_protocol_error=1 " CLOSED_BY("remote")
         STATUS("200", "2"),
     .http = CUT "downstream_cx_delayed_close_timeout=1",
     .host = "cx_total=1 rq_total=1 rq_success=1"},
    {.name = "UO pending",
     .path = "/app",
     .play = "rrrr22cccc",
     .clients = 4,
     .limits = {1, 1, BREAKER_UNLIMITED, BREAKER_UNLIMITED},
     .cluster = "upstream_cx_total=1 upstream_cx_http1_total=1 upstream_cx_overflow=1 "
                "upstream_rq_total=2 upstream_rq_completed=4 upstream_rq_pending_total=2 "
                "upstream_rq_pending_overflow=2 upstream_rq_200=2 upstream_rq_2xx=2 "
                "upstream_rq_503=2 upstream_rq_5xx=2",
     .http = "downstream_cx_total=4 downstream_cx_http1_total=4 downstream_rq_total=4 "
             "downstream_rq_http1_total=4 downstream_cx_destroy=4 "
             "downstream_cx_destroy_remote=4 downstream_rq_completed=4 rq_total=4 "
             "downstream_rq_2xx=2 downstream_rq_5xx=2",
     .host = "cx_total=1 rq_total=2 rq_success=2 rq_error=2"},
    {.name = "a queue before one connection",
     .path = "/app",
     .play = "rrrrr22222ccccc",
     .clients = 5,
     .limits = {1, BREAKER_UNLIMITED, BREAKER_UNLIMITED, BREAKER_UNLIMITED},
     .cluster = "upstream_cx_total=1 upstream_cx_http1_total=1 upstream_cx_overflow=7 "
                "upstream_rq_total=5 upstream_rq_completed=5 upstream_rq_pending_total=5 "
                "upstream_rq_200=5 upstream_rq_2xx=5",
     .http = "downstream_cx_total=5 downstream_cx_http1_total=5 downstream_rq_total=5 "
             "downstream_rq_http1_total=5 downstream_cx_destroy=5 "
             "downstream_cx_destroy_remote=5 downstream_rq_completed=5 rq_total=5 "
             "downstream_rq_2xx=5",
     .host = "cx_total=1 rq_total=5 rq_success=5"},
    {.name = "UO max_requests",
     .path = "/app",
     .play = "rr",
     .clients = 2,
     .limits = {BREAKER_UNLIMITED, BREAKER_UNLIMITED, 1, BREAKER_UNLIMITED},
     .cluster = "upstream_cx_total=2 upstream_cx_http1_total=2 upstream_rq_total=1 "
                "upstream_rq_pending_total=2 upstream_rq_active_overflow=1 " STATUS("503", "5"),
     .http = "downstream_cx_total=2 downstream_cx_http1_total=2 downstream_rq_total=2 "
             "downstream_rq_http1_total=2 downstream_rq_completed=1 rq_total=2 "
             "downstream_rq_5xx=1",
     .host = "cx_total=2 rq_total=1 rq_error=1"},
    {.name = "UT",
     .path = "/short",
     .play = "rWc",
     .cluster =
         OPENED "upstream_rq_total=1 upstream_rq_timeout=1 " CLOSED_BY("local") STATUS("504", "5"),
     .http = ROUTED "downstream_rq_5xx=1",
     .host = "cx_total=1 rq_total=1 rq_timeout=1 rq_error=1"},
    {.name = "UT while connecting",
     .path = "/short",
     .play = "rWc",
     .is_holding = true,
     .cluster = OPENED "upstream_rq_timeout=1 upstream_rq_cancelled=1 "
                       "upstream_cx_connect_fail=1 upstream_cx_connect_timeout=1 "
                       "upstream_cx_destroy=1 upstream_cx_destroy_local=1 " STATUS("504", "5"),
     .http = ROUTED "downstream_rq_5xx=1",
     .host = "cx_total=1 cx_connect_fail=1"},
    {.name = "per-try timeout, retried",
     .path = "/app",
     .play = "rwwwc",
     .way = TRIED,
     .cluster =
         "upstream_cx_total=2 upstream_cx_http1_total=2 upstream_rq_pending_total=2 "
         "upstream_cx_destroy=2 upstream_cx_destroy_local=2 "
         "upstream_cx_destroy_with_active_rq=2 "
         "upstream_cx_destroy_local_with_active_rq=2 upstream_rq_total=2 "
         "upstream_rq_per_try_timeout=2 upstream_rq_retry=1 "
         "upstream_rq_retry_limit_exceeded=1 upstream_rq_retry_backoff_exponential=1 " STATUS("504",
                                                                                              "5"),
     .http = ROUTED "downstream_rq_5xx=1",
     .host = "cx_total=2 rq_total=2 rq_timeout=2 rq_error=2"},
    {.name = "retried once then 200",
     .path = "/app",
     .play = "r5w2c",
     .way = RETRIED,
     .cluster = OPENED "upstream_rq_total=2 upstream_rq_retry=1 upstream_rq_retry_success=1 "
                       "upstream_rq_retry_backoff_exponential=1 retry.upstream_rq_503=1 "
                       "retry.upstream_rq_5xx=1 retry.upstream_rq_completed=1 " STATUS("200", "2"),
     .http = ROUTED "downstream_rq_2xx=1",
     .host = "cx_total=1 rq_total=2 rq_error=1 rq_success=1"},
    {.name = "retries exhausted",
     .path = "/app",
     .play = "r5w5w5c",
     .way = RETRIED,
     .cluster = OPENED "upstream_rq_total=3 upstream_rq_retry=2 "
                       "upstream_rq_retry_limit_exceeded=1 "
                       "upstream_rq_retry_backoff_exponential=2 retry.upstream_rq_503=2 "
                       "retry.upstream_rq_5xx=2 retry.upstream_rq_completed=2 " STATUS("503", "5"),
     .http = ROUTED "downstream_rq_5xx=1",
     .host = "cx_total=1 rq_total=3 rq_error=3"},
    {.name = "fault abort",
     .path = "/app",
     .play = "rc",
     .way = ABORTED,
     .cluster = "",
     .http = ANSWERED "downstream_rq_5xx=1 fault.aborts_injected=1",
     .host = ""},
    {.name = "fault delay",
     .path = "/app",
     .play = "rww2c",
     .way = DELAYED,
     .cluster = OPENED "upstream_rq_total=1 " STATUS("200", "2"),
     .http = ROUTED "downstream_rq_2xx=1 fault.delays_injected=1",
     .host = "cx_total=1 rq_total=1 rq_success=1"},
    {.name = "client disconnect",
     .path = "/app",
     .play = "rc",
     .cluster = OPENED "upstream_rq_total=1 " CLOSED_BY("local"),
     .http = LEFT_EARLY "rq_total=1",
     .host = "cx_total=1 rq_total=1"},
    {.name = "client disconnect while connecting",
     .path = "/app",
     .play = "rc",
     .is_holding = true,
     .cluster = OPENED "upstream_rq_cancelled=1",
     .http = LEFT_EARLY "rq_total=1",
     .host = "cx_total=1"},
    {.name = "client disconnect in a delay",
     .path = "/app",
     .play = "rc",
     .way = DELAYED,
     .cluster = "",
     .http = LEFT_EARLY "fault.delays_injected=1",
     .host = ""},
};

static void set_way(struct route *route, enum way way)
{
    static const struct fault_policy abort = {
        .has_abort = true, .has_abort_share = true, .abort_status = 503, .abort_share = {100, 100}};
    static const struct fault_policy delay = {
        .has_delay = true, .delay_ns = 150 * NS_MS, .delay_share = {100, 100}};
    static const struct retry_policy twice = {.conditions = RETRY_ON_BIT(5XX),
                                              .retry_on = STR_INIT("5xx"),
                                              .num_retries = 2,
                                              .backoff_base_ns = NS_MS,
                                              .backoff_max_ns = NS_MS};
    static const struct retry_policy timed = {.conditions = RETRY_ON_BIT(5XX),
                                              .retry_on = STR_INIT("5xx"),
                                              .num_retries = 1,
                                              .per_try_timeout_ns = 100 * NS_MS,
                                              .backoff_base_ns = NS_MS,
                                              .backoff_max_ns = NS_MS};
    if (way == ABORTED || way == DELAYED)
        route->fault = way == ABORTED ? &abort : &delay;
    if (way == RETRIED || way == TRIED)
        route->forward.retry = way == RETRIED ? &twice : &timed;
    if (way == REDIRECTED) {
        route->action = ROUTE_REDIRECT;
        route->redirect = (struct redirect_action){.status = 301, .path = STR("/x")};
    }
}

static void ask(struct peers *peers, const struct row *row, uint32_t *clients, uint32_t count)
{
    char text[128];
    snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\nhost: a\r\n\r\n", row->path);
    clients[count] = peers_dial(peers);
    peers_say(peers, clients[count], text);
}

static void play(struct peers *peers, const struct row *row)
{
    uint32_t clients[8], count = 0, left = 0;
    for (const char *step = row->play; *step != '\0'; step++) {
        uint32_t server = peers_server(peers);
        if (*step == 'r')
            ask(peers, row, clients, count++);
        else if (*step == 'c')
            peers_fin(peers, clients[left++]);
        else if (*step == '2')
            peers_say(peers, server, "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
        else if (*step == '5')
            peers_say(peers, server, "HTTP/1.1 503 No\r\ncontent-length: 0\r\n\r\n");
        else if (*step == 'h')
            peers_say(peers, server, "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf");
        else if (*step == 'g')
            peers_say(peers, server, "what?\r\n\r\n");
        else if (*step == 'x')
            peers_fin(peers, server);
        else
            peers_wait(peers, *step == 'w' ? 100 * NS_MS : 2 * NS_SECOND);
        peers_wait(peers, 0);
    }
}

/* "name=7" of a list; 0: it is not there. */
static uint64_t wanted(const char *list, struct str name)
{
    struct str rest = str_of(list);
    while (rest.ptr != NULL && rest.len > 0) {
        struct str pair = str_cut(&rest, ' ');
        uint64_t value;
        if (str_eq(str_cut(&pair, '='), name) && str_to_u64(pair, 99, &value))
            return value;
    }
    return 0;
}

static uint32_t check(const struct row *row, struct peers *peers, const char *cluster,
                      struct str name, const char *list)
{
    uint64_t got = 0, want = wanted(list, name);
    (void)engine_stat(wire_engine(peers->wire), str_of(cluster), name, &got);
    if (got != want)
        print_error("%s: %s %.*s: got %u, want %u\n", row->name, cluster, STR_FMT(name),
                    (unsigned)got, (unsigned)want);
    return got != want;
}

static uint32_t check_host(const struct row *row, struct peers *peers)
{
    static const struct {
        const char *name;
        enum endpoint_stat stat;
    } stats[] = {
        {"cx_total", STAT_ENDPOINT_cx_total}, {"cx_connect_fail", STAT_ENDPOINT_cx_connect_fail},
        {"rq_total", STAT_ENDPOINT_rq_total}, {"rq_success", STAT_ENDPOINT_rq_success},
        {"rq_error", STAT_ENDPOINT_rq_error}, {"rq_timeout", STAT_ENDPOINT_rq_timeout},
    };
    uint32_t bad = 0;
    for (size_t i = 0; i < COUNT_OF(stats); i++) {
        uint64_t got =
            engine_endpoint_stats(wire_engine(peers->wire), 0, 0)->counters[stats[i].stat];
        if (got == wanted(row->host, str_of(stats[i].name)))
            continue;
        print_error("%s: host %s: got %u\n", row->name, stats[i].name, (unsigned)got);
        bad++;
    }
    return bad;
}

/* Bytes, and what is still open, are no question here. */
static bool is_asked(struct str name)
{
    return !str_has_suffix(name, STR("_bytes_total")) && !str_has_suffix(name, STR("_active"));
}

static uint32_t check_all(const struct row *row, struct peers *peers)
{
    static const char *const statuses[] = {
        "upstream_rq_200",       "upstream_rq_502",       "upstream_rq_503",
        "upstream_rq_504",       "upstream_rq_2xx",       "upstream_rq_5xx",
        "retry.upstream_rq_503", "retry.upstream_rq_5xx", "retry.upstream_rq_completed"};
    const char *cluster = strcmp(row->path, "/empty") == 0 ? "empty" : "one";
    uint32_t bad = check_host(row, peers);
    for (uint32_t i = 0; i < STAT_CLUSTER_COUNT; i++)
        if (is_asked(stat_cluster_name(i)))
            bad += check(row, peers, cluster, stat_cluster_name(i), row->cluster);
    for (size_t i = 0; i < COUNT_OF(statuses); i++)
        bad += check(row, peers, cluster, str_of(statuses[i]), row->cluster);
    for (uint32_t i = 0; i < STAT_HTTP_COUNT; i++)
        if (is_asked(stat_http_name(i)))
            bad += check(row, peers, "http", stat_http_name(i), row->http);
    return bad;
}

static void test_which_counters_move(void **state)
{
    (void)state;
    uint32_t bad = 0;
    for (size_t i = 0; i < COUNT_OF(ROWS); i++) {
        struct peers *peers = peers_new();
        set_way(&small_routes[4], ROWS[i].way);
        peers->is_refusing = ROWS[i].is_refusing;
        peers->is_holding_connects = ROWS[i].is_holding;
        if (ROWS[i].limits.max_connections != 0)
            small_clusters[0].breakers = ROWS[i].limits;
        peers_renew(peers);
        play(peers, &ROWS[i]);
        bad += check_all(&ROWS[i], peers);
        peers_free(peers);
    }
    assert_int_equal(bad, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_which_counters_move),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
