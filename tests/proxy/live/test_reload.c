/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/proxy/live/test_reload.c - configurations that take over in the middle
 * of load: nothing is lost, nothing is left behind.
 */
#include "tests/proxy/live/crew.h"

#include "proxy/live/inside.h"

#define CALLER_COUNT 24u
#define ROUNDS 300u
#define REQUESTS_PER_ROUND 15u /* fewer than are under way: each round meets some */
#define WARM_ROUNDS 20u
#define CYCLES 12u

/* What a caller asks. The first half of a head goes alone. */
enum asking { ASK_VERSION, ASK_APP, ASK_BOTH, ASK_IN_HALVES, ASK_POST, ASK_COUNT };

static const struct {
    const char *first, *second;
    uint32_t request_count;
    bool has_version;
} askings[ASK_COUNT] = {
    [ASK_VERSION] = {GET_VERSION, NULL, 1, true},
    [ASK_APP] = {GET_APP, NULL, 1, false},
    [ASK_BOTH] = {GET_APP GET_APP GET_VERSION, NULL, 3, true},
    [ASK_IN_HALVES] = {"GET /ver", "sion HTTP/1.1\r\nhost: a\r\n\r\n", 1, true},
    [ASK_POST] = {"POST /app HTTP/1.1\r\nhost: a\r\ncontent-length: 4", "\r\n\r\nabcd", 1, false},
};

struct caller {
    struct end *end;
    uint32_t asked_count; /* which asking is next */
    enum asking asking;
    uint32_t asked_version; /* of the configuration that was there when it began to ask */
    bool is_waiting;
    bool has_second;
};

struct load {
    struct crew *crew;
    struct caller callers[CALLER_COUNT];
    uint32_t request_count;
    bool is_ending;
};

static void ask(struct load *load, struct caller *caller)
{
    caller->asking = (enum asking)(caller->asked_count++ % ASK_COUNT);
    caller->asked_version = load->crew->version;
    caller->is_waiting = true;
    caller->has_second = askings[caller->asking].second != NULL;
    load->request_count += askings[caller->asking].request_count;
    end_say(caller->end, str_of(askings[caller->asking].first));
}

/* Is the answer complete? Then it must be one of a configuration that was there
 * while it was made. */
static bool is_answered(const struct load *load, struct caller *caller)
{
    struct str heard = buf_str(&caller->end->heard);
    if (count_heard(caller->end, STR("HTTP/1.1 200 OK\r\n")) <
            askings[caller->asking].request_count ||
        (!str_has_suffix(heard, STR("\r\n\r\nok")) && !str_has_suffix(heard, STR("."))))
        return false;
    assert_int_equal(count_heard(caller->end, STR("HTTP/1.1 ")),
                     askings[caller->asking].request_count);
    assert_int_equal(count_heard(caller->end, STR("connection: close")), 0);
    size_t at = str_find_str(heard, STR("version "));
    assert_true((at != STR_NONE) == askings[caller->asking].has_version);
    if (at != STR_NONE) {
        struct str number = str_slice(heard, at + 8, heard.len - 1);
        uint64_t version;
        assert_true(str_to_u64(number, UINT32_MAX, &version));
        assert_true(version >= caller->asked_version && version <= load->crew->version);
    }
    buf_consume(&caller->end->heard, heard.len);
    caller->is_waiting = false;
    return true;
}

static void go_on(struct load *load, struct caller *caller)
{
    assert_false(caller->end->is_ended || caller->end->is_broken);
    if (caller->has_second && !caller->end->is_writing) {
        caller->has_second = false;
        end_say(caller->end, str_of(askings[caller->asking].second));
    }
    bool is_free = !caller->is_waiting || (!caller->has_second && is_answered(load, caller));
    if (is_free && !load->is_ending && !caller->end->is_writing)
        ask(load, caller);
}

static void turn(struct load *load)
{
    for (uint32_t i = 0; i < CALLER_COUNT; i++)
        go_on(load, &load->callers[i]);
    loop_turn(load->crew->town->loop);
}

static bool is_quiet(void *user)
{
    struct load *load = user;
    uint32_t waiting_count = 0;
    for (uint32_t i = 0; i < CALLER_COUNT; i++) {
        go_on(load, &load->callers[i]);
        waiting_count += load->callers[i].is_waiting;
    }
    return waiting_count == 0 && crew_done_count(load->crew) == load->request_count;
}

static struct load *load_new(uint32_t worker_count)
{
    struct load *load = calloc(1, sizeof(*load));
    assert_non_null(load);
    load->crew = crew_new(worker_count);
    for (uint32_t i = 0; i < CALLER_COUNT; i++)
        load->callers[i] = (struct caller){.end = crew_dial(load->crew), .asked_count = i};
    return load;
}

static void test_load_and_reload_in_a_loop_lose_nothing(void **state)
{
    (void)state;
    struct load *load = load_new(2);
    struct crew *crew = load->crew;
    for (uint32_t round = 0; round < ROUNDS; round++) {
        uint32_t wanted_count = load->request_count + REQUESTS_PER_ROUND;
        while (load->request_count < wanted_count)
            turn(load);
        crew->door_count = 1;
        if (round % 3 == 0)
            crew_add_door(crew, "second", 0);
        assert_true(crew_replace(crew));
    }
    load->is_ending = true;
    TOWN_WAIT(crew->town, is_quiet, load);
    assert_true(load->request_count >= ROUNDS * REQUESTS_PER_ROUND);
    assert_int_equal(crew_good_count(crew), load->request_count);
    assert_int_equal(crew_stat(crew, "http", "downstream_rq_total"), load->request_count);
    assert_int_equal(crew_stat(crew, "http", "downstream_rq_2xx"), load->request_count);
    assert_int_equal(crew_stat(crew, "http", "downstream_cx_total"), CALLER_COUNT);
    print_message("%u requests, %u configurations\n", load->request_count, crew->version);
    crew_free(crew);
    free(load);
}

struct burden {
    size_t memory_bytes[CREW_WORKERS_MAX];
    uint32_t handle_count[CREW_WORKERS_MAX];
    uint32_t entry_count[CREW_WORKERS_MAX];
    uint32_t past_count; /* configurations of before */
};

static void count_handle(uv_handle_t *handle, void *user)
{
    (void)handle;
    (*(uint32_t *)user)++;
}

static void weigh(uint32_t worker, struct server *server, void *user)
{
    struct burden *burden = user;
    burden->memory_bytes[worker] = server->memory.used_bytes;
    burden->entry_count[worker] = server->entry_count;
    burden->handle_count[worker] = 0;
    uv_walk(&server->loop->uv, count_handle, &burden->handle_count[worker]);
    burden->past_count += server_engine_count(server) - 1;
}

static struct burden weigh_all(struct crew *crew)
{
    struct burden burden = {0};
    fleet_visit(crew->fleet, crew->proxy, weigh, &burden);
    return burden;
}

static bool has_retired(void *user)
{
    return weigh_all(user).past_count == 0;
}

static bool has_descriptors(void *user)
{
    return descriptor_count() <= *(const uint32_t *)user;
}

/* A door comes and goes each time, and a client's connection stays. */
static void replace_often(struct crew *crew, struct end *client, uint32_t rounds)
{
    for (uint32_t i = 0; i < rounds; i++) {
        crew->door_count = 1;
        if (i % 2 == 0)
            crew_add_door(crew, "second", 0);
        assert_true(crew_replace(crew));
        end_say(client, STR(GET_APP));
        uint64_t before_bytes = client->heard_bytes;
        while (client->heard_bytes == before_bytes || client->is_writing)
            loop_turn(crew->town->loop);
    }
    TOWN_WAIT(crew->town, has_retired, crew);
}

static void test_a_server_that_was_replaced_often_weighs_what_it_did(void **state)
{
    (void)state;
    struct crew *crew = crew_new(2);
    struct end *client = crew_dial(crew);
    replace_often(crew, client, WARM_ROUNDS);
    uint32_t before_count = descriptor_count();
    struct burden before = weigh_all(crew);
    replace_often(crew, client, 3 * WARM_ROUNDS);
    struct burden after = weigh_all(crew);
    assert_memory_equal(&before, &after, sizeof(before));
    assert_int_equal(before.past_count, 0);
    /* The town's upstream may not have heard of the last closes yet. */
    TOWN_WAIT(crew->town, has_descriptors, &before_count);
    crew_free(crew);
}

/* From start to stop: what is not reachable any more LeakSanitizer tells. */
static void test_every_life_of_a_fleet_gives_its_descriptors_back(void **state)
{
    (void)state;
    uint32_t before_count = descriptor_count();
    for (uint32_t i = 0; i < CYCLES; i++) {
        struct load *load = load_new(1 + i % 3);
        for (uint32_t round = 0; round < 5; round++) {
            turn(load);
            turn(load);
            assert_true(crew_replace(load->crew));
        }
        if (i % 3 == 1)
            fleet_stop(load->crew->fleet);
        if (i % 3 == 2)
            fleet_drain(load->crew->fleet, NS_MS);
        crew_free(load->crew);
        free(load);
        assert_int_equal(descriptor_count(), before_count);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_load_and_reload_in_a_loop_lose_nothing),
        cmocka_unit_test(test_a_server_that_was_replaced_often_weighs_what_it_did),
        cmocka_unit_test(test_every_life_of_a_fleet_gives_its_descriptors_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
