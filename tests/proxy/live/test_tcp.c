/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/proxy/live/test_tcp.c - TCP sessions, ends of connections, doors.
 */
#include "tests/proxy/live/town.h"

#include <errno.h>

static struct town *tcp_town(void)
{
    struct town *town = town_plan();
    town->is_upstream_silent = true;
    town->chain.kind = CHAIN_TCP;
    town->chain.tcp = (struct tcp_proxy){.stat_prefix = STR("tcp"), .cluster = STR("one")};
    return town;
}

static bool upstream_has_heard(void *user)
{
    const struct end *end = town_upstream_end(user);
    return end != NULL && end->heard_bytes > 0;
}

static bool has_heard(void *user)
{
    return ((const struct end *)user)->heard_bytes > 0;
}

static bool has_ended(void *user)
{
    const struct end *end = user;
    return end->is_ended || end->is_broken;
}

static bool is_done(void *user)
{
    return ((const struct town *)user)->done_count > 0;
}

static void on_shutdown(uv_shutdown_t *request, int status)
{
    (void)request;
    assert_int_equal(status, 0);
}

static void end_shutdown(struct end *end, uv_shutdown_t *request)
{
    assert_int_equal(uv_shutdown(request, (uv_stream_t *)&end->tcp, on_shutdown), 0);
}

static void test_half_of_a_session_can_end_before_the_other(void **state)
{
    (void)state;
    struct town *town = tcp_town();
    town_open(town);
    struct end *client = town_dial(town);
    uv_shutdown_t requests[2];
    end_say(client, STR("hi"));
    end_shutdown(client, &requests[0]);
    TOWN_WAIT(town, upstream_has_heard, town);
    struct end *upstream = town_upstream_end(town);
    TOWN_WAIT(town, has_ended, upstream);
    assert_true(upstream->is_ended);
    assert_false(client->is_ended);
    end_say(upstream, STR("yo"));
    end_shutdown(upstream, &requests[1]);
    TOWN_WAIT(town, has_ended, client);
    assert_true(client->is_ended);
    assert_true(str_eq(buf_str(&client->heard), STR("yo")));
    TOWN_WAIT(town, is_done, town);
    town_free(town);
}

/* As much as no kernel buffer takes: FIN goes behind what still waits. */
static void test_fin_comes_after_all_that_was_sent(void **state)
{
    (void)state;
    struct town *town = tcp_town();
    town_open(town);
    struct end *client = town_dial(town);
    uv_read_stop((uv_stream_t *)&client->tcp);
    client->is_discarding = true;
    end_say(client, STR("hi"));
    TOWN_WAIT(town, upstream_has_heard, town);
    struct end *upstream = town_upstream_end(town);
    upstream->left_bytes = UINT64_C(20) * 1024 * 1024;
    upstream->is_fin_after_body = true;
    end_say(upstream, STR("."));
    end_listen_to(client);
    TOWN_WAIT(town, has_ended, client);
    assert_true(client->is_ended);
    assert_int_equal(client->heard_bytes, UINT64_C(20) * 1024 * 1024 + 1);
    assert_int_equal(town->done_count, 0);
    town_free(town);
}

static void test_a_caught_connection_goes_on_to_where_it_was_going(void **state)
{
    (void)state;
    struct town *town = tcp_town();
    struct cluster clusters[2] = {town->snapshot->clusters[0], town->snapshot->clusters[1]};
    clusters[0].type = CLUSTER_ORIGINAL_DST;
    clusters[0].endpoint_count = 0;
    town->snapshot->clusters = clusters;
    town->has_original = true;
    assert_true(
        address_map_set(&town->map, STR("10.0.0.9"), 80, STR("127.0.0.1"), town->upstream_port));
    address_map_remove(&town->map, STR("10.0.0.1"), ADDRESS_MAP_ANY_PORT);
    town_open(town);
    end_say(town_dial(town), STR("hi"));
    TOWN_WAIT(town, upstream_has_heard, town);
    town_free(town);
}

static void test_a_session_without_an_upstream_is_closed(void **state)
{
    (void)state;
    struct town *town = tcp_town();
    address_map_remove(&town->map, STR("10.0.0.1"), ADDRESS_MAP_ANY_PORT);
    town_open(town);
    struct end *client = town_dial(town);
    TOWN_WAIT(town, has_ended, client);
    TOWN_WAIT(town, is_done, town);
    assert_string_equal(town->flags, "UF,URX");
    town_free(town);
}

static void test_a_literal_address_needs_the_options_consent(void **state)
{
    (void)state;
    static const struct {
        bool is_literal;
        const char *answer;
    } rows[] = {{true, "HTTP/1.1 200 OK\r\n"}, {false, "HTTP/1.1 503 Service Unavailable\r\n"}};
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct town *town = town_plan();
        struct endpoint endpoint = town->snapshot->clusters[0].endpoints[0];
        endpoint.address = STR("127.0.0.1");
        endpoint.port = town->upstream_port;
        struct cluster clusters[2] = {town->snapshot->clusters[0], town->snapshot->clusters[1]};
        clusters[0].endpoints = &endpoint;
        town->snapshot->clusters = clusters;
        town->options.map = NULL;
        town->options.is_literal = rows[i].is_literal;
        town_open(town);
        struct end *client = town_dial(town);
        end_say(client, STR("GET /app HTTP/1.1\r\nhost: a\r\n\r\n"));
        TOWN_WAIT(town, has_heard, client);
        assert_true(str_has_prefix(buf_str(&client->heard), str_of(rows[i].answer)));
        town_free(town);
    }
}

static void test_a_door_that_cannot_be_opened_says_why(void **state)
{
    (void)state;
    struct town *town = town_new();
    struct str why = STR_EMPTY;
    struct server_door door = {.listener = &town->listener,
                               .bind_address = STR("127.0.0.1"),
                               .bind_port = server_port(town->server, town->door)};
    assert_int_equal(server_listen(town->server, &door, &why), SERVER_NONE);
    assert_true(str_has_prefix(why, STR("listen on 127.0.0.1:")));
    assert_true(str_has_suffix(why, STR(": Address already in use")));
    door.bind_address = STR("nowhere");
    assert_int_equal(server_listen(town->server, &door, &why), SERVER_NONE);
    assert_true(str_has_suffix(why, STR(": Invalid argument")));
    door.bind_address = STR("::1");
    door.bind_port = 0;
    uint32_t second = server_listen(town->server, &door, &why);
    if (second != SERVER_NONE) /* where there is IPv6 */
        assert_int_not_equal(server_port(town->server, second), 0);
    town_free(town);
}

static void test_connections_beyond_the_limit_are_refused(void **state)
{
    (void)state;
    struct town *town = town_plan();
    town->options.wire.connections_max = 1;
    town_open(town);
    struct end *first = town_dial(town);
    struct end *second = town_dial(town);
    TOWN_WAIT(town, has_ended, second);
    assert_true(second->is_broken);
    end_say(first, STR("GET /direct HTTP/1.1\r\nhost: a\r\n\r\n"));
    TOWN_WAIT(town, has_heard, first);
    town_free(town);
}

static bool has_no_sockets(void *user)
{
    return server_socket_count(((struct town *)user)->server) == 0;
}

/* Places are used again, and so are their numbers. */
static void test_a_place_serves_one_connection_after_the_other(void **state)
{
    (void)state;
    struct town *town = town_new();
    for (uint32_t i = 0; i < 50; i++) {
        struct end *client = town_dial(town);
        end_say(client, STR("GET /app HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n"));
        TOWN_WAIT(town, has_ended, client);
        assert_true(client->is_ended);
        assert_int_equal(town->nth, 0);
        end_close(client);
    }
    assert_int_equal(town->done_count, 50);
    assert_true(server_socket_count(town->server) <= 2);
    end_close(town_upstream_end(town));
    TOWN_WAIT(town, has_no_sockets, town);
    town_free(town);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_half_of_a_session_can_end_before_the_other),
        cmocka_unit_test(test_fin_comes_after_all_that_was_sent),
        cmocka_unit_test(test_a_caught_connection_goes_on_to_where_it_was_going),
        cmocka_unit_test(test_a_session_without_an_upstream_is_closed),
        cmocka_unit_test(test_a_literal_address_needs_the_options_consent),
        cmocka_unit_test(test_a_door_that_cannot_be_opened_says_why),
        cmocka_unit_test(test_connections_beyond_the_limit_are_refused),
        cmocka_unit_test(test_a_place_serves_one_connection_after_the_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
