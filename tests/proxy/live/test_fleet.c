/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/proxy/live/test_fleet.c - workers that share ports, and configurations
 * that take over.
 */
#include "tests/proxy/live/crew.h"

#include <sys/socket.h>

#define CLIENT_COUNT 64u

struct hearing {
    const struct end *end;
    const char *text;
    uint32_t times;
};

static bool has_heard(void *user)
{
    const struct hearing *hearing = user;
    return count_heard(hearing->end, str_of(hearing->text)) >= hearing->times;
}

/* Until `end` has heard `text` so many times. */
static void wait_heard(struct crew *crew, const struct end *end, const char *text, uint32_t times)
{
    struct hearing hearing = {.end = end, .text = text, .times = times};
    TOWN_WAIT(crew->town, has_heard, &hearing);
}

static bool has_ended(void *user)
{
    const struct end *end = user;
    return end->is_ended || end->is_broken;
}

static bool has_upstream_head(void *user)
{
    const struct end *end = town_upstream_end(user);
    return end != NULL && count_heard(end, STR("\r\n\r\n")) > 0;
}

static bool is_over(void *user)
{
    struct crew *crew = user;
    return fleet_is_over(crew->fleet);
}

static uint32_t connections_of(struct crew *crew)
{
    return fleet_counts(crew->fleet, crew->proxy).connections;
}

struct awaited {
    struct crew *crew;
    uint32_t count;
};

static bool has_configurations(void *user)
{
    const struct awaited *awaited = user;
    return fleet_counts(awaited->crew->fleet, awaited->crew->proxy).configurations ==
           awaited->count;
}

static bool has_connections(void *user)
{
    const struct awaited *awaited = user;
    return connections_of(awaited->crew) == awaited->count;
}

static bool has_done(void *user)
{
    const struct awaited *awaited = user;
    return crew_done_count(awaited->crew) >= awaited->count;
}

static void test_workers_share_a_port_and_all_of_them_serve(void **state)
{
    (void)state;
    struct crew *crew = crew_new(2);
    struct end *clients[CLIENT_COUNT];
    for (uint32_t i = 0; i < CLIENT_COUNT; i++) {
        clients[i] = crew_dial(crew);
        end_say(clients[i], STR(GET_APP));
    }
    for (uint32_t i = 0; i < CLIENT_COUNT; i++)
        wait_heard(crew, clients[i], "\r\n\r\nok", 1);
    TOWN_WAIT(crew->town, has_done, (&(struct awaited){crew, CLIENT_COUNT}));
    assert_int_equal(crew_good_count(crew), CLIENT_COUNT);
    /* The kernel deals by a hash of ports: all on one side is 1 in 2^63. */
    assert_true(crew->tallies[0].done_count > 0);
    assert_true(crew->tallies[1].done_count > 0);
    assert_int_equal(crew_stat(crew, "http", "downstream_rq_2xx"), CLIENT_COUNT);
    assert_int_equal(crew_stat(crew, "one", "upstream_rq_200"), CLIENT_COUNT);
    assert_int_equal(connections_of(crew), CLIENT_COUNT);
    crew_free(crew);
}

static void test_all_doors_bind_or_none(void **state)
{
    (void)state;
    struct crew *crew = crew_plan(2);
    uint32_t before_count = descriptor_count();
    crew_add_door(crew, "second", crew->town->upstream_port);
    assert_false(crew_open(crew, "test-0"));
    char want[64];
    snprintf(want, sizeof(want), "listen on 127.0.0.1:%u: Address already in use",
             crew->town->upstream_port);
    assert_true(str_eq(crew->why, str_of(want)));
    assert_int_equal(descriptor_count(), before_count);
    assert_int_equal(fleet_find(crew->fleet, STR("test-0")), FLEET_NONE);
    crew->door_count = 1;
    assert_true(crew_open(crew, "test-0"));
    assert_int_equal(crew->proxy, 0);
    crew_free(crew);
}

/* Another process of the same user that asked for SO_REUSEPORT too would get
 * half of our connections, and nobody would be told. */
static void test_a_port_that_another_process_shares_is_refused(void **state)
{
    (void)state;
    struct crew *crew = crew_plan(2);
    struct crew *other = crew_new(1); /* as good as another process: it knows nothing of us */
    crew->doors[0].door.bind_port = fleet_port(other->fleet, other->proxy, 0);
    assert_false(crew_open(crew, "test-0"));
    assert_true(str_has_suffix(crew->why, STR("Address already in use")));
    crew_free(crew);
    crew_free(other);
}

static void test_two_doors_at_one_place_are_refused(void **state)
{
    (void)state;
    struct crew *crew = crew_new(2);
    uint32_t proxy = crew->proxy;
    crew->doors[0].door.bind_port = fleet_port(crew->fleet, proxy, 0);
    assert_false(crew_open(crew, "test-1"));
    crew->proxy = proxy;
    crew->doors[0].door.bind_port = 0;
    crew_add_door(crew, "first", 0);
    assert_false(crew_replace(crew));
    assert_true(str_eq(crew->why, STR("listen on 127.0.0.1:0: Address already in use")));
    crew_free(crew);
}

static void test_the_next_request_meets_the_new_configuration(void **state)
{
    (void)state;
    struct crew *crew = crew_new(2);
    uint32_t port = fleet_port(crew->fleet, crew->proxy, 0);
    struct end *client = crew_dial(crew);
    struct end *idle = crew_dial(crew);
    end_say(client, STR(GET_VERSION));
    wait_heard(crew, client, "version 1.", 1);
    assert_true(crew_replace(crew));
    assert_int_equal(fleet_port(crew->fleet, crew->proxy, 0), port);
    end_say(client, STR(GET_VERSION));
    wait_heard(crew, client, "version 2.", 1);
    end_say(idle, STR(GET_VERSION));
    wait_heard(crew, idle, "version 2.", 1);
    struct end *fresh = crew_dial(crew);
    end_say(fresh, STR(GET_VERSION));
    wait_heard(crew, fresh, "version 2.", 1);
    assert_false(client->is_ended || idle->is_ended);
    TOWN_WAIT(crew->town, has_configurations, (&(struct awaited){crew, 2}));
    assert_int_equal(crew_stat(crew, "http", "downstream_cx_total"), 3);
    crew_free(crew);
}

static void test_a_request_under_way_ends_where_it_began(void **state)
{
    (void)state;
    struct crew *crew = crew_new(2);
    crew->town->is_upstream_silent = true;
    struct end *client = crew_dial(crew);
    end_say(client, STR(GET_APP GET_VERSION));
    TOWN_WAIT(crew->town, has_upstream_head, crew->town);
    crew->has_no_cluster = true;
    assert_true(crew_replace(crew));
    assert_int_equal(fleet_counts(crew->fleet, crew->proxy).configurations, 3);
    end_say(town_upstream_end(crew->town), STR(USUAL_ANSWER));
    wait_heard(crew, client, "version 2.", 1);
    assert_int_equal(count_heard(client, STR("\r\n\r\nok")), 1);
    TOWN_WAIT(crew->town, has_ended, town_upstream_end(crew->town));
    TOWN_WAIT(crew->town, has_configurations, (&(struct awaited){crew, 2}));
    /* The cluster is gone, and its counters with it. */
    uint64_t value;
    assert_false(
        fleet_stat(crew->fleet, crew->proxy, STR("one"), STR("upstream_rq_total"), &value));
    assert_int_equal(crew_good_count(crew), 2);
    crew_free(crew);
}

static void test_counters_go_on(void **state)
{
    (void)state;
    struct crew *crew = crew_new(2);
    struct end *client = crew_dial(crew);
    for (uint32_t i = 1; i <= 5; i++) {
        end_say(client, STR(GET_APP));
        wait_heard(crew, client, "\r\n\r\nok", i);
        assert_true(crew_replace(crew));
        TOWN_WAIT(crew->town, has_configurations, (&(struct awaited){crew, 2}));
        assert_int_equal(crew_stat(crew, "one", "upstream_rq_200"), i);
        assert_int_equal(crew_stat(crew, "http", "downstream_rq_total"), i);
    }
    assert_int_equal(crew_stat(crew, "http", "downstream_cx_total"), 1);
    assert_int_equal(crew_stat(crew, "one", "upstream_cx_total"), 1);
    crew_free(crew);
}

static void test_a_door_that_is_gone_is_drained_and_others_stay(void **state)
{
    (void)state;
    struct crew *crew = crew_plan(2);
    crew_add_door(crew, "second", 0);
    crew->town->is_upstream_silent = true;
    assert_true(crew_open(crew, "test-0"));
    uint32_t second_port = fleet_port(crew->fleet, crew->proxy, 1);
    struct end *stays = crew_dial(crew);
    struct end *idle = town_dial_port(crew->town, second_port);
    struct end *busy = town_dial_port(crew->town, second_port);
    end_say(busy, STR(GET_APP));
    TOWN_WAIT(crew->town, has_upstream_head, crew->town);
    TOWN_WAIT(crew->town, has_connections, (&(struct awaited){crew, 3}));
    crew->door_count = 1;
    crew_add_door(crew, "third", 0);
    assert_true(crew_replace(crew));
    TOWN_WAIT(crew->town, has_ended, idle);
    assert_false(idle->is_broken);
    end_say(town_upstream_end(crew->town), STR(USUAL_ANSWER));
    TOWN_WAIT(crew->town, has_ended, busy);
    assert_int_equal(count_heard(busy, STR("\r\nconnection: close\r\n")), 1);
    assert_int_equal(count_heard(busy, STR("\r\n\r\nok")), 1);
    assert_true(town_dial_port(crew->town, second_port)->is_broken);
    struct end *third = town_dial_port(crew->town, fleet_port(crew->fleet, crew->proxy, 1));
    end_say(third, STR(GET_VERSION));
    wait_heard(crew, third, "version 2.", 1);
    end_say(stays, STR(GET_VERSION));
    wait_heard(crew, stays, "version 2.", 1);
    crew_free(crew);
}

static void test_a_replacement_that_cannot_bind_changes_nothing(void **state)
{
    (void)state;
    struct crew *crew = crew_new(2);
    struct end *client = crew_dial(crew);
    TOWN_WAIT(crew->town, has_connections, (&(struct awaited){crew, 1}));
    uint32_t before_count = descriptor_count();
    crew_add_door(crew, "second", 0);
    crew_add_door(crew, "third", crew->town->upstream_port);
    assert_false(crew_replace(crew));
    assert_true(str_has_suffix(crew->why, STR("Address already in use")));
    assert_int_equal(descriptor_count(), before_count);
    end_say(client, STR(GET_VERSION));
    wait_heard(crew, client, "version 1.", 1);
    crew_free(crew);
}

/* A port keeps its sockets while the address before it changes sides. */
static void test_a_door_moves_from_one_address_to_all_of_them(void **state)
{
    (void)state;
    struct crew *crew = crew_new(2);
    uint32_t port = fleet_port(crew->fleet, crew->proxy, 0);
    struct end *client = crew_dial(crew);
    crew->doors[0].door.bind_address = STR("0.0.0.0");
    crew->doors[0].door.bind_port = port;
    assert_true(crew_replace(crew));
    TOWN_WAIT(crew->town, has_ended, client);
    struct end *fresh = crew_dial(crew);
    end_say(fresh, STR(GET_VERSION));
    wait_heard(crew, fresh, "version 2.", 1);
    crew_free(crew);
}

static void test_tcp_sessions_stay_and_end_on_their_own(void **state)
{
    (void)state;
    struct crew *crew = crew_plan(2);
    crew->is_tcp = true;
    crew->town->is_upstream_silent = true;
    assert_true(crew_open(crew, "test-0"));
    struct end *client = crew_dial(crew);
    end_say(client, STR("one\r\n\r\n"));
    TOWN_WAIT(crew->town, has_upstream_head, crew->town);
    crew->is_tcp = false;
    assert_true(crew_replace(crew));
    struct end *upstream = town_upstream_end(crew->town);
    end_say(upstream, STR("two"));
    wait_heard(crew, client, "two", 1);
    struct end *fresh = crew_dial(crew);
    end_say(fresh, STR(GET_VERSION));
    wait_heard(crew, fresh, "version 2.", 1);
    assert_int_equal(fleet_counts(crew->fleet, crew->proxy).configurations, 3);
    end_close(client);
    end_close(upstream);
    TOWN_WAIT(crew->town, has_configurations, (&(struct awaited){crew, 2}));
    crew_free(crew);
}

static void test_a_listener_that_speaks_http_no_more_drains_its_connections(void **state)
{
    (void)state;
    struct crew *crew = crew_new(2);
    crew->town->is_upstream_silent = true;
    struct end *idle = crew_dial(crew);
    struct end *busy = crew_dial(crew);
    end_say(idle, STR(GET_VERSION)); /* a worker has it, and not the queue of the door */
    wait_heard(crew, idle, "version 1.", 1);
    end_say(busy, STR(GET_APP GET_VERSION));
    TOWN_WAIT(crew->town, has_upstream_head, crew->town);
    crew->is_tcp = true;
    assert_true(crew_replace(crew));
    TOWN_WAIT(crew->town, has_ended, idle);
    end_say(town_upstream_end(crew->town), STR(USUAL_ANSWER));
    TOWN_WAIT(crew->town, has_ended, busy);
    assert_false(busy->is_broken);
    assert_int_equal(count_heard(busy, STR("\r\n\r\nok")), 1);
    assert_int_equal(count_heard(busy, STR("version 1.")), 1);
    assert_int_equal(count_heard(busy, STR("\r\nconnection: close\r\n")), 1);
    crew_free(crew);
}

static void test_draining_ends_with_the_last_connection(void **state)
{
    (void)state;
    struct crew *crew = crew_new(2);
    crew->town->is_upstream_silent = true;
    struct end *idle = crew_dial(crew);
    struct end *busy = crew_dial(crew);
    uint32_t port = fleet_port(crew->fleet, crew->proxy, 0);
    end_say(busy, STR(GET_APP));
    TOWN_WAIT(crew->town, has_upstream_head, crew->town);
    fleet_drain(crew->fleet, PATIENCE);
    TOWN_WAIT(crew->town, has_ended, idle);
    assert_true(town_dial_port(crew->town, port)->is_broken);
    assert_false(fleet_is_over(crew->fleet));
    end_say(town_upstream_end(crew->town), STR(USUAL_ANSWER));
    TOWN_WAIT(crew->town, has_ended, busy);
    assert_int_equal(count_heard(busy, STR("\r\nconnection: close\r\n")), 1);
    TOWN_WAIT(crew->town, is_over, crew);
    assert_int_equal(crew->over_count, 1);
    assert_int_equal(crew_stat(crew, "http", "downstream_rq_2xx"), 1);
    crew_free(crew);
}

static void test_draining_cuts_what_is_left_at_the_deadline(void **state)
{
    (void)state;
    struct crew *crew = crew_new(2);
    crew->town->is_upstream_silent = true;
    struct end *busy = crew_dial(crew);
    end_say(busy, STR(GET_APP));
    TOWN_WAIT(crew->town, has_upstream_head, crew->town);
    fleet_drain(crew->fleet, 20 * NS_MS);
    assert_true(fleet_wait(crew->fleet, PATIENCE));
    TOWN_WAIT(crew->town, has_ended, busy);
    assert_int_equal(crew_done_count(crew), 1);
    assert_int_equal(crew_good_count(crew), 0);
    crew_free(crew);
}

static void test_stopping_while_draining_ends_at_once(void **state)
{
    (void)state;
    struct crew *crew = crew_new(2);
    crew->town->is_upstream_silent = true;
    struct end *busy = crew_dial(crew);
    end_say(busy, STR(GET_APP));
    TOWN_WAIT(crew->town, has_upstream_head, crew->town);
    fleet_drain(crew->fleet, NS_HOUR);
    assert_false(fleet_wait(crew->fleet, 0));
    uint32_t proxy = crew->proxy;
    assert_false(crew_replace(crew));
    assert_true(str_eq(crew->why, STR("the workers are ending")));
    assert_false(crew_open(crew, "test-1"));
    fleet_remove(crew->fleet, proxy, 0);
    fleet_stop(crew->fleet);
    assert_true(fleet_is_over(crew->fleet));
    fleet_stop(crew->fleet);
    assert_int_equal(crew->over_count, 1);
    TOWN_WAIT(crew->town, has_ended, busy);
    crew_free(crew);
}

static void test_a_proxy_that_is_removed_leaves_the_others_alone(void **state)
{
    (void)state;
    struct crew *crew = crew_new(2);
    struct end *gone = crew_dial(crew);
    uint32_t first = crew->proxy, first_port = fleet_port(crew->fleet, first, 0);
    assert_true(crew_open(crew, "test-1"));
    struct end *stays = crew_dial(crew);
    end_say(stays, STR(GET_VERSION));
    wait_heard(crew, stays, "version 2.", 1);
    assert_int_equal(fleet_find(crew->fleet, STR("test-1")), crew->proxy);
    fleet_remove(crew->fleet, first, NS_HOUR);
    assert_int_equal(fleet_find(crew->fleet, STR("test-0")), FLEET_NONE);
    TOWN_WAIT(crew->town, has_ended, gone);
    assert_true(town_dial_port(crew->town, first_port)->is_broken);
    end_say(stays, STR(GET_VERSION));
    wait_heard(crew, stays, "version 2.", 2);
    assert_true(crew_open(crew, "test-0"));
    crew_free(crew);
}

static void note_visit(uint32_t worker, struct server *server, void *user)
{
    uint32_t *order = user;
    assert_non_null(server);
    assert_int_equal(*order, worker);
    (*order)++;
}

static void test_visits_come_one_after_the_other(void **state)
{
    (void)state;
    struct crew *crew = crew_new(4);
    uint32_t order = 0;
    fleet_visit(crew->fleet, crew->proxy, note_visit, &order);
    assert_int_equal(order, 4);
    fleet_stop(crew->fleet);
    order = 0;
    fleet_visit(crew->fleet, crew->proxy, note_visit, &order);
    assert_int_equal(order, 4);
    crew_free(crew);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_workers_share_a_port_and_all_of_them_serve),
        cmocka_unit_test(test_all_doors_bind_or_none),
        cmocka_unit_test(test_a_port_that_another_process_shares_is_refused),
        cmocka_unit_test(test_two_doors_at_one_place_are_refused),
        cmocka_unit_test(test_the_next_request_meets_the_new_configuration),
        cmocka_unit_test(test_a_request_under_way_ends_where_it_began),
        cmocka_unit_test(test_counters_go_on),
        cmocka_unit_test(test_a_door_that_is_gone_is_drained_and_others_stay),
        cmocka_unit_test(test_a_replacement_that_cannot_bind_changes_nothing),
        cmocka_unit_test(test_a_door_moves_from_one_address_to_all_of_them),
        cmocka_unit_test(test_tcp_sessions_stay_and_end_on_their_own),
        cmocka_unit_test(test_a_listener_that_speaks_http_no_more_drains_its_connections),
        cmocka_unit_test(test_draining_ends_with_the_last_connection),
        cmocka_unit_test(test_draining_cuts_what_is_left_at_the_deadline),
        cmocka_unit_test(test_stopping_while_draining_ends_at_once),
        cmocka_unit_test(test_a_proxy_that_is_removed_leaves_the_others_alone),
        cmocka_unit_test(test_visits_come_one_after_the_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
