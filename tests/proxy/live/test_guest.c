/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/proxy/live/test_guest.c - clients of an HTTP proxy's door, through real
 * sockets.
 */
#include "tests/proxy/live/town.h"

#define GET_APP(host) "GET http://" host "/app HTTP/1.1\r\nhost: a\r\n\r\n"

struct lodge {
    struct town *town;
    struct listener listeners[2];
    struct guide guide;
    uint32_t asked_count;
    bool is_by_system; /* the guide leaves it to the system's DNS */
};

static struct guide_answer find(void *user, struct str host, uint32_t port, struct arena *arena)
{
    struct lodge *lodge = user;
    lodge->asked_count++;
    if (str_eq(host, STR("nope")))
        return (struct guide_answer){
            .verdict = GUIDE_NOWHERE,
            .status = 502,
            .text = arena_format(arena, "nobody is called %.*s", STR_FMT(host)),
        };
    return (struct guide_answer){.verdict = lodge->is_by_system ? GUIDE_OUTSIDE : GUIDE_HERE,
                                 .address = lodge->is_by_system ? STR_EMPTY : STR("10.0.0.9"),
                                 .port = port};
}

/* Port 80 speaks HTTP at any address; whatever else is caught has a reset coming:
 * its chain's cluster is not there. */
static void open_lodge(struct lodge *lodge)
{
    *lodge = (struct lodge){.town = town_plan()};
    struct town *town = lodge->town;
    static struct filter_chain tcp;
    tcp = (struct filter_chain){.kind = CHAIN_TCP, .tcp = {.cluster = STR("one")}};
    lodge->listeners[0] = town->listener;
    lodge->listeners[0].address = STR("0.0.0.0");
    lodge->listeners[1] = (struct listener){.name = STR("virtualOutbound"),
                                            .address = STR("0.0.0.0"),
                                            .port = 15001,
                                            .is_using_original_dst = true,
                                            .chains = &tcp,
                                            .chain_count = 1};
    town->snapshot->listeners = lodge->listeners;
    town->snapshot->listener_count = 2;
    town->server = server_new(town->loop, town->snapshot, &town->options);
    lodge->guide = (struct guide){.find = find, .user = lodge};
    struct server_door door = {.guide = &lodge->guide, .bind_address = STR("127.0.0.1")};
    struct str why = STR_EMPTY;
    town->door = server_listen(town->server, &door, &why);
    assert_int_not_equal(town->door, SERVER_NONE);
}

static uint32_t answer_count(const struct end *end)
{
    struct str rest = buf_str(&end->heard);
    uint32_t count = 0;
    size_t at;
    while ((at = str_find_str(rest, STR("\r\n\r\nok"))) != STR_NONE) {
        rest = str_from(rest, at + 6);
        count++;
    }
    return count;
}

static bool has_heard(void *user)
{
    return ((struct end *)user)->heard_bytes > 0;
}

static bool has_one(void *user)
{
    return answer_count(user) == 1;
}

static bool has_two(void *user)
{
    return answer_count(user) == 2;
}

static bool has_three(void *user)
{
    return answer_count(user) == 3;
}

static bool has_ended(void *user)
{
    const struct end *end = user;
    return end->is_ended || end->is_broken;
}

static bool has_no_sockets(void *user)
{
    return server_socket_count(((struct town *)user)->server) == 0;
}

static void test_requests_on_one_connection_go_where_each_says(void **state)
{
    (void)state;
    struct lodge lodge;
    open_lodge(&lodge);
    struct end *client = town_dial(lodge.town);
    end_say(client, STR(GET_APP("a")));
    TOWN_WAIT(lodge.town, has_one, client);
    end_say(client, STR(GET_APP("a")));
    TOWN_WAIT(lodge.town, has_two, client);
    assert_int_equal(lodge.asked_count, 1);
    assert_int_equal(server_connection_count(lodge.town->server), 1);
    /* Port 81 has no listener of its own: bytes as they are. */
    end_say(client, STR(GET_APP("other:81")));
    TOWN_WAIT(lodge.town, has_three, client);
    assert_int_equal(lodge.asked_count, 2);
    assert_int_equal(server_connection_count(lodge.town->server), 1);
    assert_false(client->is_ended);
    assert_int_equal(lodge.town->status, 200);
    town_free(lodge.town);
}

static void test_two_requests_sent_at_once_to_two_places_are_answered_in_order(void **state)
{
    (void)state;
    struct lodge lodge;
    open_lodge(&lodge);
    struct end *client = town_dial(lodge.town);
    end_say(client, STR("GET http://a/direct HTTP/1.1\r\nhost: a\r\n\r\n" GET_APP("b:81")));
    TOWN_WAIT(lodge.town, has_one, client);
    size_t hello = str_find_str(buf_str(&client->heard), STR("hello"));
    size_t ok = str_find_str(buf_str(&client->heard), STR("\r\n\r\nok"));
    assert_true(hello < ok);
    town_free(lodge.town);
}

static void test_after_connect_the_bytes_are_a_connection_of_their_own(void **state)
{
    (void)state;
    struct lodge lodge;
    open_lodge(&lodge);
    struct end *client = town_dial(lodge.town);
    end_say(client, STR("CONNECT a:80 HTTP/1.1\r\nhost: a:80\r\n\r\n"
                        "GET /app HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n"));
    TOWN_WAIT(lodge.town, has_ended, client);
    assert_true(str_has_prefix(buf_str(&client->heard),
                               STR("HTTP/1.1 200 Connection established\r\n\r\nHTTP/1.1 200 OK")));
    assert_true(has_one(client));
    town_free(lodge.town);
}

static void test_a_name_that_nobody_knows_is_explained(void **state)
{
    (void)state;
    struct lodge lodge;
    open_lodge(&lodge);
    struct end *client = town_dial(lodge.town);
    end_say(client, STR(GET_APP("nope")));
    TOWN_WAIT(lodge.town, has_ended, client);
    assert_true(str_has_prefix(buf_str(&client->heard), STR("HTTP/1.1 502 ")));
    assert_true(str_has_suffix(buf_str(&client->heard), STR("nobody is called nope\n")));
    assert_int_equal(lodge.town->done_count, 0);
    end_close(client);
    TOWN_WAIT(lodge.town, has_no_sockets, lodge.town);
    town_free(lodge.town);
}

static void test_the_systems_dns_is_asked_off_the_loop(void **state)
{
    (void)state;
    struct lodge lodge;
    open_lodge(&lodge);
    lodge.is_by_system = true;
    struct end *client = town_dial(lodge.town);
    end_say(client, STR(GET_APP("127.0.0.1")));
    TOWN_WAIT(lodge.town, has_one, client);
    /* One that leaves while it is being looked up. */
    struct end *second = town_dial(lodge.town);
    end_say(second, STR(GET_APP("localhost")));
    end_close(second);
    town_free(lodge.town);
}

static bool has_no_retiring(void *user)
{
    return server_engine_count(((struct town *)user)->server) == 1;
}

/* One client is between two requests, one waits for its answer, one has said half
 * of a request through its tunnel. */
static void test_a_new_configuration_costs_no_guest_a_request(void **state)
{
    (void)state;
    struct lodge lodge;
    open_lodge(&lodge);
    struct town *town = lodge.town;
    struct end *idle = town_dial(town), *waiting = town_dial(town), *half = town_dial(town);
    end_say(idle, STR(GET_APP("a")));
    TOWN_WAIT(town, has_one, idle);
    end_say(half, STR("CONNECT a:80 HTTP/1.1\r\n\r\nGET /ap"));
    TOWN_WAIT(town, has_heard, half);
    end_say(waiting, STR(GET_APP("a")));
    struct snapshot *next = small_snapshot();
    next->listeners = lodge.listeners;
    next->listener_count = 2;
    server_replace(town->server, next, NULL, NULL);
    snapshot_drop(next);
    TOWN_WAIT(town, has_one, waiting);
    end_say(idle, STR(GET_APP("a")));
    TOWN_WAIT(town, has_two, idle);
    end_say(half, STR("p HTTP/1.1\r\nhost: a\r\n\r\n"));
    TOWN_WAIT(town, has_one, half);
    TOWN_WAIT(town, has_no_retiring, town);
    assert_false(idle->is_ended || waiting->is_ended || half->is_ended);
    town_free(town);
}

static void test_draining_ends_guests_between_two_requests(void **state)
{
    (void)state;
    struct lodge lodge;
    open_lodge(&lodge);
    struct end *idle = town_dial(lodge.town);
    end_say(idle, STR(GET_APP("a")));
    TOWN_WAIT(lodge.town, has_one, idle);
    struct end *silent = town_dial(lodge.town);
    end_say(silent, STR("GET http"));
    struct end *asking = town_dial(lodge.town);
    end_say(asking, STR(GET_APP("a")));
    TOWN_WAIT(lodge.town, has_one, asking);
    server_drain(lodge.town->server);
    TOWN_WAIT(lodge.town, has_ended, idle);
    TOWN_WAIT(lodge.town, has_ended, silent);
    TOWN_WAIT(lodge.town, has_ended, asking);
    town_free(lodge.town);
}

static void test_a_large_body_waits_for_whoever_is_slow(void **state)
{
    (void)state;
    struct lodge lodge;
    open_lodge(&lodge);
    lodge.town->answer = "HTTP/1.1 200 OK\r\ncontent-length: 8388608\r\n\r\n";
    lodge.town->answer_body_bytes = 8388608;
    struct end *client = town_dial(lodge.town);
    client->is_discarding = true;
    client->left_bytes = 8388608;
    end_say(client, STR("POST http://a/app HTTP/1.1\r\nhost: a\r\nconnection: close\r\n"
                        "content-length: 8388608\r\n\r\n"));
    TOWN_WAIT(lodge.town, has_ended, client);
    assert_true(client->heard_bytes > 8388608);
    town_free(lodge.town);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_requests_on_one_connection_go_where_each_says),
        cmocka_unit_test(test_two_requests_sent_at_once_to_two_places_are_answered_in_order),
        cmocka_unit_test(test_after_connect_the_bytes_are_a_connection_of_their_own),
        cmocka_unit_test(test_a_name_that_nobody_knows_is_explained),
        cmocka_unit_test(test_the_systems_dns_is_asked_off_the_loop),
        cmocka_unit_test(test_a_new_configuration_costs_no_guest_a_request),
        cmocka_unit_test(test_draining_ends_guests_between_two_requests),
        cmocka_unit_test(test_a_large_body_waits_for_whoever_is_slow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
