/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/proxy/wire/test_retire_requests.c - a configuration is replaced while a request is in
 * this or that phase: it ends well where it began. Of a cluster that changed nothing is left
 * then: as Envoy drains connection pools, who waits is served, what is under way ends on its
 * connection, and that one is closed. One that did not change goes on with its connections.
 */
#include "tests/proxy/wire/peers.h"

#include "proxy/model/retry_on.h"

static struct cluster heir_clusters[2];

/* play: r a client asks, h asks by halves, H says the rest; R the configuration is replaced;
 * c a connection that was held stands; a the last server answers, x it closes; w a tenth of a
 * second. */
static const struct row {
    const char *name, *play;
    uint32_t clients;
    uint32_t servers; /* that were spoken to */
    bool is_narrow, is_holding, is_retried, is_delayed;
} ROWS[] = {
    {.name = "on its connection", .play = "rRa", .clients = 1, .servers = 1},
    {.name = "waits for the only connection",
     .play = "rrrRaaa",
     .clients = 3,
     .servers = 1,
     .is_narrow = true},
    {.name = "its connection is being opened",
     .play = "rRca",
     .clients = 1,
     .servers = 1,
     .is_holding = true},
    {.name = "in back-off", .play = "rxRwa", .clients = 1, .servers = 2, .is_retried = true},
    {.name = "fails afterwards and is tried again",
     .play = "rRxwa",
     .clients = 1,
     .servers = 2,
     .is_retried = true},
    {.name = "delayed by a fault", .play = "rRwwa", .clients = 1, .servers = 1, .is_delayed = true},
    {.name = "half of its body has come", .play = "hRHa", .clients = 1, .servers = 1},
    {.name = "waits for a connection that then breaks",
     .play = "rrRxwaa",
     .clients = 2,
     .servers = 2, /* two requests, one connection after the other */
     .is_narrow = true,
     .is_retried = true},
};

static void set_up(struct peers *peers, const struct row *row)
{
    static const struct fault_policy delay = {
        .has_delay = true, .delay_ns = 150 * NS_MS, .delay_share = {100, 100}};
    static const struct retry_policy once = {.conditions = RETRY_ON_BIT(5XX),
                                             .retry_on = STR_INIT("5xx"),
                                             .num_retries = 1,
                                             .backoff_base_ns = NS_MS,
                                             .backoff_max_ns = NS_MS};
    small_routes[4].fault = row->is_delayed ? &delay : NULL;
    small_routes[4].forward.retry = row->is_retried ? &once : NULL;
    if (row->is_narrow)
        small_clusters[0].breakers.max_connections = 1;
    peers->is_holding_connects = row->is_holding;
    peers_renew(peers);
}

static void connect_last(struct peers *peers)
{
    struct peer *server = &peers->items[peers_server(peers)];
    server->is_connecting = false;
    wire_connected(peers->wire, server->conn, peers->now_ns);
    peers_run(peers);
}

static void act(struct peers *peers, char step, uint32_t *clients, uint32_t *count)
{
    if (step == 'r' || step == 'h') {
        clients[*count] = peers_dial(peers);
        peers_say(peers, clients[(*count)++],
                  step == 'r' ? "GET /app HTTP/1.1\r\nhost: a\r\n\r\n"
                              : "POST /app HTTP/1.1\r\nhost: a\r\ncontent-length: 6\r\n\r\nhal");
    } else if (step == 'H') {
        peers_say(peers, clients[0], "ves");
    } else if (step == 'R') {
        struct snapshot *heir = peers_heir(peers->snapshot, heir_clusters);
        peers_replace(peers, heir);
        snapshot_drop(heir);
    } else if (step == 'c') {
        connect_last(peers);
    } else if (step == 'a') {
        peers_say(peers, peers_server(peers), "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
    } else if (step == 'x') {
        peers_fin(peers, peers_server(peers));
    } else {
        peers_wait(peers, 100 * NS_MS);
    }
}

/* Clients are at rest, and go to the heir; the last server's connection stays if the cluster
 * did. */
static bool is_left_right(struct peers *peers, bool is_changed)
{
    uint32_t open_count = 0;
    for (uint32_t i = 0; i < peers->count; i++)
        open_count += peers->items[i].is_server && !peers->items[i].is_gone;
    return wire_exchange_count(peers->wire) == 0 && open_count == (is_changed ? 0 : 1);
}

static uint32_t play_all(bool is_changed)
{
    uint32_t bad = 0;
    for (size_t i = 0; i < COUNT_OF(ROWS); i++) {
        const struct row *row = &ROWS[i];
        struct peers *peers = peers_new();
        uint32_t clients[8], count = 0, good_count = 0;
        set_up(peers, row);
        memcpy(heir_clusters, small_clusters, sizeof(small_clusters));
        heir_clusters[0].connect_timeout_ns += is_changed;
        for (const char *step = row->play; *step != '\0'; step++) {
            act(peers, *step, clients, &count);
            peers_wait(peers, 0); /* a connection is used again in a later turn */
        }
        for (uint32_t k = 0; k < count; k++)
            good_count +=
                str_has_prefix(peers_heard(peers, clients[k]), STR("HTTP/1.1 200 OK\r\n"));
        if (good_count != row->clients || peers_server_count(peers) != row->servers ||
            !is_left_right(peers, is_changed)) {
            print_error("%s: %u of %u, %u servers%s\n", row->name, (unsigned)good_count,
                        (unsigned)row->clients, (unsigned)peers_server_count(peers),
                        is_left_right(peers, is_changed) ? "" : ", something is left");
            bad++;
        }
        peers_free(peers);
    }
    return bad;
}

static void test_no_request_is_lost_where_the_cluster_changed(void **state)
{
    (void)state;
    assert_int_equal(play_all(true), 0);
}

static void test_no_request_is_lost_where_the_cluster_stays(void **state)
{
    (void)state;
    assert_int_equal(play_all(false), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_request_is_lost_where_the_cluster_changed),
        cmocka_unit_test(test_no_request_is_lost_where_the_cluster_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
