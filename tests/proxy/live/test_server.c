/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/proxy/live/test_server.c - requests through real sockets.
 */
#include "tests/proxy/live/town.h"

#include <sys/socket.h>
#include <unistd.h>

#define GET_APP "GET /app HTTP/1.1\r\nhost: a\r\n\r\n"
#define GET_DIRECT "GET /direct HTTP/1.1\r\nhost: a\r\n\r\n"

/* How often `part` stands in what was heard. */
static uint32_t count_heard(const struct end *end, struct str part)
{
    struct str rest = buf_str(&end->heard);
    uint32_t count = 0;
    size_t at;
    while ((at = str_find_str(rest, part)) != STR_NONE) {
        rest = str_from(rest, at + part.len);
        count++;
    }
    return count;
}

static bool has_one_answer(void *user)
{
    return count_heard(user, STR("HTTP/1.1 ")) >= 1 &&
           str_has_suffix(buf_str(&((struct end *)user)->heard), STR("ok"));
}

static bool has_two_answers(void *user)
{
    return count_heard(user, STR("\r\n\r\nok")) == 2;
}

static bool has_ended(void *user)
{
    const struct end *end = user;
    return end->is_ended || end->is_broken;
}

static bool is_done(void *user)
{
    return ((struct town *)user)->done_count > 0;
}

static bool has_a_connection(void *user)
{
    return server_connection_count(((struct town *)user)->server) > 0;
}

static bool has_no_sockets(void *user)
{
    return server_socket_count(((struct town *)user)->server) == 0;
}

static void test_an_answer_comes_back(void **state)
{
    (void)state;
    struct town *town = town_new();
    struct end *client = town_dial(town);
    end_say(client, STR(GET_APP));
    TOWN_WAIT(town, has_one_answer, client);
    TOWN_WAIT(town, is_done, town);
    assert_true(str_has_prefix(buf_str(&client->heard), STR("HTTP/1.1 200 OK\r\n")));
    assert_int_equal(town->status, 200);
    assert_string_equal(town->details, "via_upstream");
    assert_int_equal(town->nth, 0);
    struct sockaddr_storage place;
    int size = sizeof(place);
    char text[ADDRESS_TEXT_BYTES_MAX];
    uint32_t port;
    assert_int_equal(uv_tcp_getsockname(&client->tcp, (struct sockaddr *)&place, &size), 0);
    assert_true(address_text(&place, text, &port).len > 0);
    assert_int_equal(town->remote_port, port);
    town_free(town);
}

static void test_a_kept_connection_serves_again_over_one_upstream_connection(void **state)
{
    (void)state;
    struct town *town = town_new();
    struct end *client = town_dial(town);
    end_say(client, STR(GET_APP));
    TOWN_WAIT(town, has_one_answer, client);
    end_say(client, STR(GET_APP));
    TOWN_WAIT(town, has_two_answers, client);
    assert_int_equal(town_upstream_end_count(town), 1);
    assert_int_equal(town->done_count, 2);
    assert_int_equal(town->nth, 1);
    town_free(town);
}

static bool has_two_greetings(void *user)
{
    return count_heard(user, STR("\r\n\r\nhello")) == 2;
}

/* An answer of our own between two from upstream would be one too many in the
 * queue: see test_hostile. */
static void test_pipelined_requests_are_answered_in_order(void **state)
{
    (void)state;
    struct town *town = town_new();
    struct end *client = town_dial(town);
    end_say(client, STR(GET_DIRECT GET_APP GET_DIRECT));
    TOWN_WAIT(town, has_two_greetings, client);
    struct str heard = buf_str(&client->heard);
    size_t hello_at = str_find_str(heard, STR("\r\n\r\nhello"));
    size_t ok_at = str_find_str(heard, STR("\r\n\r\nok"));
    assert_true(hello_at < ok_at && ok_at != STR_NONE);
    assert_true(str_has_suffix(heard, STR("\r\n\r\nhello")));
    town_free(town);
}

static void test_a_refused_connection_is_503_UF_in_envoys_words(void **state)
{
    (void)state;
    static const struct {
        bool is_mapped;
    } rows[] = {{true}, {false}};
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct town *town = town_new();
        uv_tcp_t nobody;
        uint32_t port = town_bind(town, &nobody, false);
        if (rows[i].is_mapped)
            assert_true(address_map_set(&town->map, STR("10.0.0.1"), 80, STR("127.0.0.1"), port));
        else
            address_map_remove(&town->map, STR("10.0.0.1"), ADDRESS_MAP_ANY_PORT);
        struct end *client = town_dial(town);
        end_say(client, STR(GET_APP));
        TOWN_WAIT(town, is_done, town);
        assert_int_equal(town->status, 503);
        assert_string_equal(town->flags, "UF");
        assert_string_equal(town->details,
                            "upstream_reset_before_response_started{remote_connection_failure|"
                            "delayed_connect_error:_Connection_refused}");
        uv_close((uv_handle_t *)&nobody, NULL);
        town_free(town);
    }
}

static bool upstream_has_a_head(void *user)
{
    const struct end *end = town_upstream_end(user);
    return end != NULL && count_heard(end, STR("\r\n\r\n")) > 0;
}

static void test_a_client_that_leaves_takes_its_upstream_request_along(void **state)
{
    (void)state;
    struct town *town = town_new();
    town->is_upstream_silent = true;
    struct end *client = town_dial(town);
    end_say(client, STR(GET_APP));
    TOWN_WAIT(town, upstream_has_a_head, town);
    end_close(client);
    TOWN_WAIT(town, has_ended, town_upstream_end(town));
    TOWN_WAIT(town, is_done, town);
    assert_string_equal(town->flags, "DC");
    TOWN_WAIT(town, has_no_sockets, town);
    assert_int_equal(server_exchange_count(town->server), 0);
    town_free(town);
}

static void test_an_upstream_that_resets_is_503_UC(void **state)
{
    (void)state;
    struct town *town = town_new();
    town->is_upstream_silent = true;
    struct end *client = town_dial(town);
    end_say(client, STR(GET_APP));
    TOWN_WAIT(town, upstream_has_a_head, town);
    struct end *upstream = town_upstream_end(town);
    assert_int_equal(uv_tcp_close_reset(&upstream->tcp, on_end_closed), 0);
    TOWN_WAIT(town, is_done, town);
    assert_int_equal(town->status, 503);
    assert_string_equal(town->flags, "UC");
    assert_true(count_heard(client, STR("HTTP/1.1 503 ")) <= 1);
    town_free(town);
}

static void test_a_bad_request_is_answered_and_the_connection_closed(void **state)
{
    (void)state;
    struct town *town = town_new();
    struct end *client = town_dial(town);
    end_say(client, STR("GARBAGE\r\n\r\n"));
    TOWN_WAIT(town, has_ended, client);
    assert_true(client->is_ended);
    assert_int_equal(count_heard(client, STR("HTTP/1.1 400 Bad Request\r\n")), 1);
    town_free(town);
}

static void test_a_timeout_comes_by_the_clock(void **state)
{
    (void)state;
    struct town *town = town_new();
    town->is_upstream_silent = true;
    struct end *client = town_dial(town);
    int64_t begun_ns = loop_now_ns(town->loop);
    end_say(client, STR("GET /short HTTP/1.1\r\nhost: a\r\n\r\n"));
    TOWN_WAIT(town, is_done, town);
    assert_int_equal(town->status, 504);
    assert_string_equal(town->flags, "UT");
    assert_true(loop_now_ns(town->loop) - begun_ns >= NS_SECOND);
    town_free(town);
}

static bool has_no_connections(void *user)
{
    return server_connection_count(((struct town *)user)->server) == 0;
}

static void test_draining_closes_what_is_idle_and_lets_the_rest_finish(void **state)
{
    (void)state;
    struct town *town = town_new();
    town->is_upstream_silent = true;
    struct end *idle = town_dial(town);
    struct end *busy = town_dial(town);
    end_say(busy, STR(GET_APP));
    TOWN_WAIT(town, upstream_has_a_head, town);
    server_drain(town->server);
    TOWN_WAIT(town, has_ended, idle);
    end_say(town_upstream_end(town), STR(USUAL_ANSWER));
    TOWN_WAIT(town, has_one_answer, busy);
    TOWN_WAIT(town, has_ended, busy);
    end_close(idle);
    end_close(busy);
    TOWN_WAIT(town, has_no_connections, town);
    town_free(town);
}

/* A client that the loop has not heard of yet: connected, and it has asked. */
static int ask_behind_the_loop(struct town *town)
{
    struct sockaddr_storage place;
    assert_true(address_parse(STR("127.0.0.1"), server_port(town->server, town->door), &place));
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&place, sizeof(struct sockaddr_in)), 0);
    assert_int_equal(send(fd, GET_APP, sizeof(GET_APP) - 1, 0), sizeof(GET_APP) - 1);
    return fd;
}

/* Closing a listening socket resets who waits there, and closing a connection
 * with bytes that nobody has read resets it. */
static void test_requests_that_came_before_the_end_are_served(void **state)
{
    (void)state;
    static const struct {
        bool is_draining; /* or the door closes */
    } rows[] = {{true}, {false}};
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct town *town = town_new();
        struct end *client = town_dial(town);
        TOWN_WAIT(town, has_a_connection, town);
        end_say(client, STR(GET_APP));
        int fd = ask_behind_the_loop(town);
        if (rows[i].is_draining)
            server_drain(town->server);
        else
            server_door_close(town->server, town->door);
        TOWN_WAIT(town, has_ended, client);
        TOWN_WAIT(town, has_no_connections, town);
        assert_false(client->is_broken);
        assert_int_equal(count_heard(client, STR("\r\nconnection: close\r\n")), 1);
        char heard[1024];
        ssize_t size = recv(fd, heard, sizeof(heard), 0);
        assert_true(size > 0);
        assert_true(str_has_suffix((struct str){heard, (size_t)size}, STR("\r\n\r\nok")));
        assert_int_equal(town->done_count, 2);
        close(fd);
        town_free(town);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_answer_comes_back),
        cmocka_unit_test(test_a_kept_connection_serves_again_over_one_upstream_connection),
        cmocka_unit_test(test_pipelined_requests_are_answered_in_order),
        cmocka_unit_test(test_a_refused_connection_is_503_UF_in_envoys_words),
        cmocka_unit_test(test_a_client_that_leaves_takes_its_upstream_request_along),
        cmocka_unit_test(test_an_upstream_that_resets_is_503_UC),
        cmocka_unit_test(test_a_bad_request_is_answered_and_the_connection_closed),
        cmocka_unit_test(test_a_timeout_comes_by_the_clock),
        cmocka_unit_test(test_draining_closes_what_is_idle_and_lets_the_rest_finish),
        cmocka_unit_test(test_requests_that_came_before_the_end_are_served),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
