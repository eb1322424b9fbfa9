/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/proxy/live/test_load.c - much, many, slow, and nothing left behind.
 */
#include "tests/proxy/live/town.h"

#include <dirent.h>

#define BODY_BYTES (UINT64_C(20) * 1024 * 1024)
#define CLIENT_COUNT 64u
#define ROUNDS_PER_CLIENT 4u
/* Turns without news until nothing moves: on loopback, what was sent is there
 * when the sending call returns. */
#define QUIET_TURNS 200u

static uint32_t descriptor_count(void)
{
    DIR *directory = opendir("/proc/self/fd");
    assert_non_null(directory);
    uint32_t count = 0;
    while (readdir(directory) != NULL)
        count++;
    closedir(directory);
    return count;
}

static bool has_heard_the_body(void *user)
{
    return ((const struct end *)user)->heard_bytes >= BODY_BYTES;
}

static bool has_heard_an_answer(void *user)
{
    return str_has_suffix(buf_str(&((struct end *)user)->heard), STR("ok"));
}

static bool has_an_upstream_end(void *user)
{
    return town_upstream_end(user) != NULL;
}

static uint64_t moved_bytes(const struct town *town)
{
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < town->end_count; i++)
        bytes += town->ends[i]->heard_bytes + town->ends[i]->sent_bytes;
    return bytes;
}

static void run_until_quiet(struct town *town)
{
    for (uint32_t quiet_turns = 0; quiet_turns < QUIET_TURNS; quiet_turns++) {
        uint64_t before_bytes = moved_bytes(town);
        uv_run(&town->loop->uv, UV_RUN_NOWAIT);
        if (moved_bytes(town) != before_bytes)
            quiet_turns = 0;
    }
}

static void shrink_receive_buffer(struct end *end)
{
    int size = SMALL_KERNEL_BUFFER_BYTES;
    assert_int_equal(uv_recv_buffer_size((uv_handle_t *)&end->tcp, &size), 0);
}

/* The wire asserts its own limits; here the upstream must feel them. */
static void check_large_answer(struct str request, bool is_closed_after)
{
    struct town *town = town_new();
    town->is_upstream_slow = true;
    town->answer = "HTTP/1.1 200 OK\r\ncontent-length: 20971520\r\n\r\n";
    town->answer_body_bytes = BODY_BYTES;
    struct end *client = town_dial(town);
    shrink_receive_buffer(client);
    client->is_discarding = true;
    end_say(client, request);
    uv_read_stop((uv_stream_t *)&client->tcp);
    TOWN_WAIT(town, has_an_upstream_end, town);
    run_until_quiet(town);
    assert_true(town_upstream_end(town)->sent_bytes > 0);
    assert_true(town_upstream_end(town)->left_bytes > 0);
    end_listen_to(client);
    TOWN_WAIT(town, has_heard_the_body, client);
    run_until_quiet(town);
    assert_int_equal(client->is_ended, is_closed_after);
    assert_false(client->is_broken);
    assert_int_equal(town_upstream_end(town)->sent_bytes - strlen(town->answer), BODY_BYTES);
    assert_int_equal(town->done_count, 1);
    assert_int_equal(town->status, 200);
    assert_string_equal(town->flags, "-");
    town_free(town);
}

static void test_a_large_answer_waits_for_a_client_that_does_not_read(void **state)
{
    (void)state;
    check_large_answer(STR("GET /app HTTP/1.1\r\nhost: a\r\n\r\n"), false);
}

static void test_a_close_waits_for_all_of_a_large_answer(void **state)
{
    (void)state;
    check_large_answer(STR("GET /app HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n"), true);
}

static void test_a_large_request_waits_for_an_upstream_that_does_not_read(void **state)
{
    (void)state;
    struct town *town = town_new();
    town->is_upstream_silent = true;
    struct end *client = town_dial(town);
    int size = SMALL_KERNEL_BUFFER_BYTES;
    assert_int_equal(uv_send_buffer_size((uv_handle_t *)&client->tcp, &size), 0);
    client->left_bytes = BODY_BYTES;
    end_say(client, STR("POST /app HTTP/1.1\r\nhost: a\r\ncontent-length: 20971520\r\n\r\n"));
    TOWN_WAIT(town, has_an_upstream_end, town);
    struct end *upstream = town_upstream_end(town);
    upstream->is_discarding = true;
    shrink_receive_buffer(upstream);
    uv_read_stop((uv_stream_t *)&upstream->tcp);
    run_until_quiet(town);
    assert_true(client->left_bytes > 0);
    end_listen_to(upstream);
    TOWN_WAIT(town, has_heard_the_body, upstream);
    run_until_quiet(town);
    assert_int_equal(client->left_bytes, 0);
    end_say(upstream, STR(USUAL_ANSWER));
    TOWN_WAIT(town, has_heard_an_answer, client);
    assert_int_equal(town->status, 200);
    town_free(town);
}

struct crowd {
    struct town *town;
    uint32_t wanted_count;
};

static bool crowd_is_served(void *user)
{
    const struct crowd *crowd = user;
    return crowd->town->done_count >= crowd->wanted_count;
}

static void test_many_clients_are_served_at_once(void **state)
{
    (void)state;
    struct town *town = town_new();
    struct end *clients[CLIENT_COUNT];
    for (uint32_t i = 0; i < CLIENT_COUNT; i++)
        clients[i] = town_dial(town);
    assert_int_equal(server_connection_count(town->server), CLIENT_COUNT);
    struct crowd crowd = {.town = town};
    for (uint32_t round = 0; round < ROUNDS_PER_CLIENT; round++) {
        crowd.wanted_count += CLIENT_COUNT;
        for (uint32_t i = 0; i < CLIENT_COUNT; i++)
            end_say(clients[i], STR("GET /app HTTP/1.1\r\nhost: a\r\n\r\n"));
        TOWN_WAIT(town, crowd_is_served, &crowd);
        run_until_quiet(town);
    }
    for (uint32_t i = 0; i < CLIENT_COUNT; i++)
        assert_int_equal(clients[i]->heard_bytes, clients[0]->heard_bytes);
    assert_true(clients[0]->heard_bytes > 0);
    assert_int_equal(town->done_count, CLIENT_COUNT * ROUNDS_PER_CLIENT);
    town_free(town);
}

static void test_stopping_gives_every_descriptor_back(void **state)
{
    (void)state;
    uint32_t before_count = descriptor_count();
    struct town *town = town_new();
    town->is_upstream_silent = true;
    for (uint32_t i = 0; i < CLIENT_COUNT; i++) {
        struct end *client = town_dial(town);
        end_say(client, STR("GET /app HTTP/1.1\r\nhost: a\r\n\r\n"));
    }
    run_until_quiet(town);
    assert_int_equal(server_exchange_count(town->server), CLIENT_COUNT);
    assert_true(descriptor_count() >= before_count + 4 * CLIENT_COUNT);
    town_free(town);
    assert_int_equal(descriptor_count(), before_count);
}

static bool has_no_sockets(void *user)
{
    return server_socket_count(((struct town *)user)->server) == 0;
}

/* Clients that reset in the middle of an answer of which the kernel took only a
 * part, and an upstream that still sends. */
static void test_clients_that_reset_under_way_leave_nothing_behind(void **state)
{
    (void)state;
    struct town *town = town_new();
    town->answer = "HTTP/1.1 200 OK\r\ncontent-length: 20971520\r\n\r\n";
    town->answer_body_bytes = BODY_BYTES;
    for (uint32_t i = 0; i < 8; i++) {
        struct end *client = town_dial(town);
        shrink_receive_buffer(client);
        client->is_discarding = true;
        uv_read_stop((uv_stream_t *)&client->tcp);
        end_say(client, STR("GET /app HTTP/1.1\r\nhost: a\r\n\r\n"));
        run_until_quiet(town);
        assert_int_equal(uv_tcp_close_reset(&client->tcp, on_end_closed), 0);
    }
    TOWN_WAIT(town, has_no_sockets, town);
    assert_int_equal(server_exchange_count(town->server), 0);
    assert_int_equal(server_connection_count(town->server), 0);
    town_free(town);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_large_answer_waits_for_a_client_that_does_not_read),
        cmocka_unit_test(test_a_close_waits_for_all_of_a_large_answer),
        cmocka_unit_test(test_a_large_request_waits_for_an_upstream_that_does_not_read),
        cmocka_unit_test(test_many_clients_are_served_at_once),
        cmocka_unit_test(test_stopping_gives_every_descriptor_back),
        cmocka_unit_test(test_clients_that_reset_under_way_leave_nothing_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
