/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/proxy/wire/test_reign.c - what of a cluster goes on when the configuration is
 * replaced: upstream connections of hosts that stay, who waits, counts.
 */
#include "tests/proxy/wire/h2_peer.h"

#include "proxy/model/retry_on.h"

#define OK_FROM_SERVER "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
#define HOSTS_MAX 3u

/* Hosts are known by their ports. */
static struct endpoint hosts[HOSTS_MAX], heir_hosts[HOSTS_MAX];
static struct cluster heir_clusters[2];
static struct snapshot *heirs[8];
static uint32_t heir_count;

static void set_hosts(struct cluster *cluster, struct endpoint *place, const uint32_t *ports)
{
    cluster->endpoints = place;
    cluster->endpoint_count = 0;
    for (uint32_t i = 0; i < HOSTS_MAX && ports[i] != 0; i++)
        place[cluster->endpoint_count++] =
            (struct endpoint){.address = STR("10.0.0.1"), .port = ports[i], .weight = 1};
}

static struct peers *begin(const uint32_t *ports)
{
    struct peers *peers = peers_new();
    set_hosts(&small_clusters[0], hosts, ports);
    small_clusters[0].type = CLUSTER_EDS;
    memcpy(heir_clusters, small_clusters, sizeof(heir_clusters));
    peers_renew(peers);
    heir_count = 0;
    return peers;
}

static void end(struct peers *peers)
{
    uint64_t taken = 0, value;
    peers_wait(peers, 0);
    const char *const kinds[] = {"upstream_rq_active", "upstream_rq_pending_active"};
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        assert_true(engine_stat(wire_engine(peers->wire), STR("one"), str_of(kinds[i]), &value));
        taken += value;
    }
    assert_int_equal(taken, 0);
    peers_free(peers);
    while (heir_count > 0)
        snapshot_drop(heirs[--heir_count]);
}

/* Clients that have come to rest go on. */
static void settle(struct peers *peers)
{
    peers_wait(peers, 0);
    while (wire_next_at_rest(peers->wire) != WIRE_NONE) {
        assert_true(wire_hand_over(peers->wire, wire_next_at_rest(peers->wire), &peers->listener,
                                   peers->now_ns));
        peers_run(peers);
    }
}

/* The heir's clusters are copies of heir_clusters, which may go after it. */
static void replace(struct peers *peers)
{
    struct snapshot *heir = peers_heir(peers->snapshot, heir_clusters);
    struct cluster *kept = ARENA_ARRAY(&heir->arena, struct cluster, 2);
    memcpy(kept, heir_clusters, sizeof(heir_clusters));
    struct endpoint *endpoints = ARENA_ARRAY(&heir->arena, struct endpoint, HOSTS_MAX);
    memcpy(endpoints, kept[0].endpoints, kept[0].endpoint_count * sizeof(*endpoints));
    kept[0].endpoints = endpoints;
    heir->clusters = kept;
    peers_replace(peers, heir);
    heirs[heir_count++] = heir;
    settle(peers);
}

static uint64_t stat(struct peers *peers, const char *name)
{
    uint64_t sum = 0, value;
    for (uint32_t i = 0; i < wire_engine_count(peers->wire); i++) {
        struct engine *engine = wire_engine_at(peers->wire, i);
        if (i > 0 && stat_is_shared(str_of(name)))
            break;
        assert_true(engine_stat(engine, STR("one"), str_of(name), &value));
        sum += value;
    }
    return sum;
}

static uint32_t ask(struct peers *peers)
{
    uint32_t client = peers_dial(peers);
    peers_say(peers, client, GET_APP);
    return client;
}

static bool is_served(struct peers *peers, uint32_t client)
{
    return str_has_prefix(peers_heard(peers, client), STR("HTTP/1.1 200 OK\r\n"));
}

static const uint32_t ONE[HOSTS_MAX] = {81};
static const uint32_t TWO[HOSTS_MAX] = {81, 82};
static const uint32_t TURNED[HOSTS_MAX] = {83, 81};

static void test_an_idle_connection_is_used_by_the_next_configuration(void **state)
{
    (void)state;
    struct peers *peers = begin(ONE);
    uint32_t client = ask(peers), server = peers_server(peers);
    peers_say(peers, server, OK_FROM_SERVER);
    for (int i = 0; i < 3; i++) {
        replace(peers);
        assert_false(peers->items[server].is_closed);
        assert_int_equal(wire_engine_count(peers->wire), 1);
        peers_heard(peers, client);
        peers_say(peers, client, GET_APP);
        peers_say(peers, server, OK_FROM_SERVER);
        assert_true(is_served(peers, client));
    }
    assert_int_equal(peers_server_count(peers), 1);
    assert_int_equal(stat(peers, "upstream_cx_total"), 1);
    assert_int_equal(stat(peers, "upstream_cx_active"), 1);
    assert_int_equal(stat(peers, "upstream_rq_total"), 4);
    assert_int_equal(stat(peers, "upstream_cx_destroy"), 0);
    assert_int_equal(stat(peers, "membership_change"), 1);
    end(peers);
}

static void test_a_busy_connection_is_used_by_the_next_configuration(void **state)
{
    (void)state;
    struct peers *peers = begin(ONE);
    uint32_t client = ask(peers), server = peers_server(peers);
    peers_say(peers, server, "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nha");
    replace(peers);
    replace(peers);
    assert_int_equal(wire_engine_count(peers->wire), 2); /* the second is gone already */
    assert_int_equal(stat(peers, "upstream_rq_active"), 1);
    uint32_t other = ask(peers);
    assert_int_equal(peers_server_count(peers), 2); /* it was busy */
    peers_say(peers, server, "lf");
    assert_true(is_served(peers, client));
    settle(peers);
    peers_say(peers, client, GET_APP);
    assert_int_equal(peers_server_count(peers), 2);
    peers_say(peers, server, OK_FROM_SERVER);
    assert_true(is_served(peers, client));
    peers_say(peers, peers_server(peers), OK_FROM_SERVER);
    assert_true(is_served(peers, other));
    assert_int_equal(wire_engine_count(peers->wire), 1);
    assert_int_equal(stat(peers, "upstream_cx_total"), 2);
    end(peers);
}

static void test_requests_of_two_configurations_share_an_http2_connection(void **state)
{
    (void)state;
    struct peers *peers = begin(ONE);
    small_clusters[0].protocol = heir_clusters[0].protocol = UPSTREAM_HTTP2;
    peers_renew(peers);
    uint32_t first = ask(peers);
    struct h2_peer *server = h2_peer_new(peers, peers_server(peers), H2_SERVER);
    h2_peer_hear(server);
    replace(peers);
    uint32_t second = ask(peers);
    replace(peers);
    uint32_t third = ask(peers);
    h2_peer_hear(server);
    assert_int_equal(server->stream_count, 3);
    assert_int_equal(stat(peers, "upstream_rq_active"), 3);
    h2_peer_answer(server, 1, 200, "ok", NULL);
    h2_peer_answer(server, 0, 200, "ok", NULL);
    h2_peer_answer(server, 2, 200, "ok", NULL);
    assert_true(is_served(peers, first) && is_served(peers, second) && is_served(peers, third));
    settle(peers);
    assert_int_equal(wire_engine_count(peers->wire), 1);
    assert_int_equal(peers_server_count(peers), 1);
    assert_int_equal(stat(peers, "upstream_cx_http2_total"), 1);
    assert_int_equal(stat(peers, "upstream_rq_completed"), 3);
    h2_peer_free(server);
    end(peers);
}

/* A client of the first configuration leaves, and its stream is reset; the others go on. */
static void test_a_stream_of_a_past_configuration_is_reset_alone(void **state)
{
    (void)state;
    struct peers *peers = begin(ONE);
    small_clusters[0].protocol = heir_clusters[0].protocol = UPSTREAM_HTTP2;
    peers_renew(peers);
    uint32_t first = ask(peers);
    struct h2_peer *server = h2_peer_new(peers, peers_server(peers), H2_SERVER);
    h2_peer_hear(server);
    replace(peers);
    uint32_t second = ask(peers);
    h2_peer_hear(server);
    peers_break(peers, first);
    h2_peer_hear(server);
    h2_peer_answer(server, 1, 200, "ok", NULL);
    assert_true(is_served(peers, second));
    settle(peers);
    assert_int_equal(wire_engine_count(peers->wire), 1);
    h2_peer_free(server);
    end(peers);
}

/* ENVOY.md 8.2, as EDS does it: hosts that leave are drained, others keep what they have,
 * wherever they stand in the list. */
static void test_only_hosts_that_leave_are_drained(void **state)
{
    (void)state;
    struct peers *peers = begin(TWO);
    uint32_t clients[3], servers[3];
    for (int i = 0; i < 3; i++) {
        clients[i] = ask(peers);
        servers[i] = peers_server(peers);
    }
    uint32_t idle_port = peers->items[servers[0]].port;
    assert_int_equal(peers->items[servers[2]].port, idle_port);
    peers_say(peers, servers[0], OK_FROM_SERVER);
    uint32_t gone_port = idle_port == 81 ? 82 : 81;
    uint32_t left[HOSTS_MAX] = {83, idle_port};
    set_hosts(&heir_clusters[0], heir_hosts, left);
    replace(peers);
    assert_false(peers->items[servers[0]].is_closed);
    assert_int_equal(peers->items[servers[1]].port, gone_port);
    assert_false(peers->items[servers[1]].is_closed); /* what is under way ends */
    peers_say(peers, servers[1], OK_FROM_SERVER);
    assert_true(is_served(peers, clients[1]));
    assert_true(peers->items[servers[1]].is_closed);
    peers_say(peers, servers[2], OK_FROM_SERVER);
    assert_true(is_served(peers, clients[2]));
    assert_false(peers->items[servers[2]].is_closed);
    settle(peers);
    assert_int_equal(stat(peers, "upstream_cx_destroy_local"), 1);
    assert_int_equal(stat(peers, "membership_change"), 2);
    assert_int_equal(stat(peers, "membership_total"), 2);
    end(peers);
}

static void test_an_idle_connection_of_a_host_that_leaves_closes(void **state)
{
    (void)state;
    struct peers *peers = begin(ONE);
    uint32_t client = ask(peers), server = peers_server(peers);
    peers_say(peers, server, OK_FROM_SERVER);
    const uint32_t other[HOSTS_MAX] = {82};
    set_hosts(&heir_clusters[0], heir_hosts, other);
    replace(peers);
    assert_true(peers->items[server].is_closed);
    peers_say(peers, client, GET_APP);
    assert_int_equal(peers->items[peers_server(peers)].port, 82);
    peers_say(peers, peers_server(peers), OK_FROM_SERVER);
    end(peers);
}

/* To Envoy a host of another locality is another host. */
static void test_a_host_that_moves_to_another_locality_is_a_new_one(void **state)
{
    (void)state;
    struct peers *peers = begin(ONE);
    ask(peers);
    uint32_t server = peers_server(peers);
    peers_say(peers, server, OK_FROM_SERVER);
    set_hosts(&heir_clusters[0], heir_hosts, ONE);
    heir_hosts[0].weight = 5;
    replace(peers);
    assert_false(peers->items[server].is_closed);
    assert_int_equal(stat(peers, "membership_change"), 1);
    heir_hosts[0].locality.region = STR("moon");
    replace(peers);
    assert_true(peers->items[server].is_closed);
    assert_int_equal(stat(peers, "membership_change"), 2);
    end(peers);
}

/* Who waits for the only connection is served by it, and by nobody else. */
static void test_who_waits_goes_on_waiting(void **state)
{
    (void)state;
    struct peers *peers = begin(ONE);
    small_clusters[0].breakers.max_connections = heir_clusters[0].breakers.max_connections = 1;
    peers_renew(peers);
    uint32_t clients[4];
    for (int i = 0; i < 2; i++)
        clients[i] = ask(peers);
    replace(peers);
    assert_int_equal(stat(peers, "upstream_rq_pending_active"), 1);
    for (int i = 2; i < 4; i++)
        clients[i] = ask(peers);
    replace(peers);
    for (int i = 0; i < 4; i++) {
        peers_say(peers, peers_server(peers), OK_FROM_SERVER);
        peers_wait(peers, 0);
        assert_true(is_served(peers, clients[i]));
    }
    settle(peers);
    assert_int_equal(peers_server_count(peers), 1);
    assert_int_equal(wire_engine_count(peers->wire), 1);
    end(peers);
}

static void test_who_waits_and_leaves_is_forgotten(void **state)
{
    (void)state;
    struct peers *peers = begin(ONE);
    small_clusters[0].breakers.max_connections = heir_clusters[0].breakers.max_connections = 1;
    peers_renew(peers);
    uint32_t first = ask(peers), second = ask(peers);
    replace(peers);
    peers_break(peers, second);
    assert_int_equal(stat(peers, "upstream_rq_pending_active"), 0);
    peers_say(peers, peers_server(peers), OK_FROM_SERVER);
    assert_true(is_served(peers, first));
    settle(peers);
    end(peers);
}

/* It fails for all who wait for it, whatever they began with. */
static void test_a_connection_that_is_being_opened_goes_on(void **state)
{
    (void)state;
    for (int is_failing = 0; is_failing < 2; is_failing++) {
        struct peers *peers = begin(ONE);
        peers->is_holding_connects = true;
        uint32_t first = ask(peers);
        struct peer *server = &peers->items[peers_server(peers)];
        replace(peers);
        peers_run(peers);
        server->is_connecting = false;
        if (is_failing == 1) {
            wire_connect_failed(peers->wire, server->conn, STR("no"), peers->now_ns);
            peers_gone(peers, server);
            peers_run(peers);
            peers_expect_done(
                peers, 503, "UF",
                "upstream_reset_before_response_started{remote_connection_failure|no}");
        } else {
            wire_connected(peers->wire, server->conn, peers->now_ns);
            peers_run(peers);
            peers_say(peers, peers_server(peers), OK_FROM_SERVER);
            assert_true(is_served(peers, first));
        }
        settle(peers);
        assert_int_equal(stat(peers, "upstream_cx_total"), 1);
        end(peers);
    }
}

/* A request that began before tries again on a connection that came after. */
static void test_a_retry_uses_the_connections_of_the_next_configuration(void **state)
{
    (void)state;
    static const struct retry_policy once = {.conditions = RETRY_ON_BIT(5XX),
                                             .retry_on = STR_INIT("5xx"),
                                             .num_retries = 1,
                                             .backoff_base_ns = NS_MS,
                                             .backoff_max_ns = NS_MS};
    struct peers *peers = begin(ONE);
    small_routes[4].forward.retry = &once;
    peers_renew(peers);
    uint32_t first = ask(peers), server = peers_server(peers);
    replace(peers);
    uint32_t second = ask(peers), kept = peers_server(peers);
    peers_say(peers, kept, OK_FROM_SERVER);
    assert_true(is_served(peers, second));
    peers_say(peers, server, "HTTP/1.1 500 No\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    replace(peers);
    peers_wait(peers, NS_SECOND);
    peers_say(peers, kept, OK_FROM_SERVER);
    assert_true(is_served(peers, first));
    assert_int_equal(peers_server_count(peers), 2);
    small_routes[4].forward.retry = NULL;
    settle(peers);
    assert_int_equal(wire_engine_count(peers->wire), 1);
    end(peers);
}

/* What a cluster was before it changed, it is not again when it changes back. */
static void test_a_cluster_that_changes_and_changes_back_begins_anew(void **state)
{
    (void)state;
    struct peers *peers = begin(ONE);
    uint32_t first = ask(peers), server = peers_server(peers);
    heir_clusters[0].connect_timeout_ns++;
    replace(peers);
    heir_clusters[0].connect_timeout_ns--;
    replace(peers);
    uint32_t second = ask(peers);
    assert_int_equal(peers_server_count(peers), 2);
    peers_say(peers, peers_server(peers), OK_FROM_SERVER);
    assert_true(is_served(peers, second));
    assert_false(peers->items[server].is_closed);
    peers_say(peers, server, OK_FROM_SERVER);
    assert_true(is_served(peers, first));
    assert_true(peers->items[server].is_closed);
    settle(peers);
    assert_int_equal(wire_engine_count(peers->wire), 1);
    end(peers);
}

static void test_the_idle_time_of_a_connection_goes_on(void **state)
{
    (void)state;
    struct peers *peers = begin(ONE);
    small_clusters[0].idle_timeout_ns = heir_clusters[0].idle_timeout_ns = 10 * NS_SECOND;
    peers_renew(peers);
    ask(peers);
    uint32_t server = peers_server(peers);
    peers_say(peers, server, OK_FROM_SERVER);
    peers_wait(peers, 6 * NS_SECOND);
    replace(peers);
    peers_wait(peers, 4 * NS_SECOND - NS_MS);
    assert_false(peers->items[server].is_closed);
    peers_wait(peers, NS_MS);
    assert_true(peers->items[server].is_closed);
    assert_int_equal(stat(peers, "upstream_cx_idle_timeout"), 1);
    end(peers);
}

static void test_places_that_were_asked_for_keep_their_connections(void **state)
{
    (void)state;
    struct peers *peers = begin(ONE);
    small_clusters[0].type = heir_clusters[0].type = CLUSTER_ORIGINAL_DST;
    small_clusters[0].endpoint_count = heir_clusters[0].endpoint_count = 0;
    peers_renew(peers);
    struct wire_accept accept = {
        .listener = &peers->listener,
        .peer = {.remote_address = STR("10.9.0.1"), .local_address = STR("10.0.0.9")},
        .original_address = STR("10.7.7.7"),
        .original_port = 77,
    };
    uint32_t conn = wire_accepted(peers->wire, &accept, peers->now_ns);
    uint32_t client = peers_add(peers, conn, false);
    for (int i = 0; i < 3; i++) {
        peers_say(peers, client, GET_APP);
        assert_int_equal(peers_server_count(peers), 1);
        peers_say(peers, peers_server(peers), OK_FROM_SERVER);
        assert_true(is_served(peers, client));
        replace(peers);
    }
    assert_int_equal(peers->items[peers_server(peers)].port, 77);
    end(peers);
}

/* More configurations than connections: nothing of those of before is left. */
static void test_a_request_outlives_many_configurations(void **state)
{
    (void)state;
    struct peers *peers = begin(TURNED);
    uint32_t client = ask(peers), server = peers_server(peers);
    for (uint32_t i = 0; i < COUNT_OF(heirs); i++) {
        set_hosts(&heir_clusters[0], heir_hosts, i % 2 == 0 ? TWO : TURNED);
        replace(peers);
        assert_int_equal(wire_engine_count(peers->wire), 2);
    }
    peers_say(peers, server, OK_FROM_SERVER);
    assert_true(is_served(peers, client));
    settle(peers);
    assert_int_equal(wire_engine_count(peers->wire), 1);
    end(peers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_idle_connection_is_used_by_the_next_configuration),
        cmocka_unit_test(test_a_busy_connection_is_used_by_the_next_configuration),
        cmocka_unit_test(test_requests_of_two_configurations_share_an_http2_connection),
        cmocka_unit_test(test_a_stream_of_a_past_configuration_is_reset_alone),
        cmocka_unit_test(test_only_hosts_that_leave_are_drained),
        cmocka_unit_test(test_an_idle_connection_of_a_host_that_leaves_closes),
        cmocka_unit_test(test_a_host_that_moves_to_another_locality_is_a_new_one),
        cmocka_unit_test(test_who_waits_goes_on_waiting),
        cmocka_unit_test(test_who_waits_and_leaves_is_forgotten),
        cmocka_unit_test(test_a_connection_that_is_being_opened_goes_on),
        cmocka_unit_test(test_a_retry_uses_the_connections_of_the_next_configuration),
        cmocka_unit_test(test_a_cluster_that_changes_and_changes_back_begins_anew),
        cmocka_unit_test(test_the_idle_time_of_a_connection_goes_on),
        cmocka_unit_test(test_places_that_were_asked_for_keep_their_connections),
        cmocka_unit_test(test_a_request_outlives_many_configurations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
