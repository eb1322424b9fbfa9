/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/proxy/live/test_bulk.c - bodies of any size in little memory: what is
 * not taken at one end is not read at the other (watermarks, ENVOY.md 1.2).
 *
 * BULK_MIB (256) says how much goes each way; 1024 proves a gigabyte.
 */
#include "tests/proxy/live/town.h"

#include <fcntl.h>
#include <unistd.h>

#define DEFAULT_MIB 256u
#define MIB (UINT64_C(1024) * 1024)
#define MEMORY_BYTES_MAX (64 * MIB)
/* A loop of a slow reader: bytes read before it rests, turns that it rests. */
#define SIP_BYTES (512u * 1024)
#define REST_TURNS 20u

/* Freed memory that the sanitizer keeps back is not ours. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "quarantine_size_mb=8";
}

static uint64_t bulk_bytes(void)
{
    const char *text = getenv("BULK_MIB");
    uint64_t mib = DEFAULT_MIB;
    if (text != NULL)
        assert_true(str_to_u64(str_of(text), 1u << 20, &mib));
    return mib * MIB;
}

/* What the process holds now, in bytes. */
static uint64_t resident_bytes(void)
{
    char text[128] = "";
    int file = open("/proc/self/statm", O_RDONLY);
    assert_true(file >= 0);
    assert_true(read(file, text, sizeof(text) - 1) > 0);
    close(file);
    unsigned long long total, resident;
    assert_int_equal(sscanf(text, "%llu %llu", &total, &resident), 2);
    return resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

/* A body on its way, and the most that was held meanwhile. */
struct bulk {
    struct town *town;
    struct end *reader;
    uint64_t wanted_bytes;
    uint64_t before_bytes, most_bytes;
    uint64_t sips;
    uint32_t turns, rest_turns;
    bool is_sipping;
    uv_idle_t idle; /* lets the loop turn while the reader rests */
};

static void on_idle(uv_idle_t *idle)
{
    (void)idle;
}

static void rest_now_and_then(struct bulk *bulk)
{
    struct end *reader = bulk->reader;
    if (bulk->rest_turns > 0) {
        if (--bulk->rest_turns == 0) {
            uv_idle_stop(&bulk->idle);
            end_listen_to(reader);
        }
        return;
    }
    if (reader->heard_bytes / SIP_BYTES == bulk->sips || reader->heard_bytes >= bulk->wanted_bytes)
        return;
    bulk->sips = reader->heard_bytes / SIP_BYTES;
    bulk->rest_turns = REST_TURNS;
    assert_int_equal(uv_idle_start(&bulk->idle, on_idle), 0);
    uv_read_stop((uv_stream_t *)&reader->tcp);
}

static bool is_delivered(void *user)
{
    struct bulk *bulk = user;
    if (bulk->turns++ % 64 == 0) {
        uint64_t now_bytes = resident_bytes();
        bulk->most_bytes = now_bytes > bulk->most_bytes ? now_bytes : bulk->most_bytes;
    }
    if (bulk->is_sipping)
        rest_now_and_then(bulk);
    return bulk->reader->heard_bytes >= bulk->wanted_bytes;
}

static void deliver(struct bulk *bulk)
{
    assert_int_equal(uv_idle_init(&bulk->town->loop->uv, &bulk->idle), 0);
    bulk->before_bytes = bulk->most_bytes = resident_bytes();
    int64_t patience_ns = PATIENCE + (int64_t)(bulk->wanted_bytes / MIB) * NS_SECOND / 10;
    assert_true(loop_turn_until(bulk->town->loop, is_delivered, bulk, patience_ns));
    uv_close((uv_handle_t *)&bulk->idle, NULL);
    uv_run(&bulk->town->loop->uv, UV_RUN_NOWAIT);
    uint64_t grown_bytes = bulk->most_bytes - bulk->before_bytes;
    if (grown_bytes > MEMORY_BYTES_MAX)
        fail_msg("%llu MiB were held", (unsigned long long)(grown_bytes / MIB));
}

static bool has_an_upstream_end(void *user)
{
    return town_upstream_end(user) != NULL;
}

static bool has_a_record(void *user)
{
    return ((const struct town *)user)->done_count > 0;
}

static bool end_is_silent(void *user)
{
    const struct end *end = user;
    return !end->is_writing && end->left_bytes == 0;
}

enum framing { BY_LENGTH, BY_CLOSE };

static void bring_down(enum framing framing, bool is_sipping)
{
    struct town *town = town_new();
    uint64_t body_bytes = is_sipping ? bulk_bytes() / 8 : bulk_bytes();
    char head[128];
    snprintf(head, sizeof(head),
             framing == BY_LENGTH ? "HTTP/1.1 200 OK\r\ncontent-length: %llu\r\n\r\n"
                                  : "HTTP/1.1 200 OK\r\n\r\n",
             (unsigned long long)body_bytes);
    town->is_upstream_silent = true; /* the test speaks for it */
    struct end *client = town_dial(town);
    client->is_discarding = true;
    end_say(client, STR("GET /app HTTP/1.1\r\nhost: a\r\n\r\n"));
    TOWN_WAIT(town, has_an_upstream_end, town);
    struct end *upstream = town_upstream_end(town);
    upstream->left_bytes = body_bytes;
    upstream->is_fin_after_body = framing == BY_CLOSE;
    end_say(upstream, str_of(head));
    struct bulk bulk = {
        .town = town, .reader = client, .wanted_bytes = body_bytes, .is_sipping = is_sipping};
    deliver(&bulk);
    TOWN_WAIT(town, has_a_record, town);
    assert_int_equal(town->status, 200);
    assert_string_equal(town->flags, "-");
    town_free(town);
}

static void bring_up(bool is_chunked, bool is_sipping)
{
    struct town *town = town_new();
    uint64_t body_bytes = is_sipping ? bulk_bytes() / 8 : bulk_bytes();
    char head[160], chunk[32] = "";
    if (is_chunked)
        snprintf(chunk, sizeof(chunk), "%llx\r\n", (unsigned long long)body_bytes);
    snprintf(head, sizeof(head), "POST /app HTTP/1.1\r\nhost: a\r\n%s: %s\r\n\r\n%s",
             is_chunked ? "transfer-encoding" : "content-length", is_chunked ? "chunked" : "",
             chunk);
    if (!is_chunked)
        snprintf(head, sizeof(head),
                 "POST /app HTTP/1.1\r\nhost: a\r\ncontent-length: %llu\r\n\r\n",
                 (unsigned long long)body_bytes);
    town->is_upstream_silent = true;
    struct end *client = town_dial(town);
    client->left_bytes = body_bytes;
    end_say(client, str_of(head));
    TOWN_WAIT(town, has_an_upstream_end, town);
    struct end *upstream = town_upstream_end(town);
    upstream->is_discarding = true;
    struct bulk bulk = {
        .town = town, .reader = upstream, .wanted_bytes = body_bytes, .is_sipping = is_sipping};
    deliver(&bulk);
    if (is_chunked) {
        TOWN_WAIT(town, end_is_silent, client);
        end_say(client, STR("\r\n0\r\n\r\n"));
    }
    end_say(upstream, STR(USUAL_ANSWER));
    TOWN_WAIT(town, has_a_record, town);
    assert_int_equal(town->status, 200);
    assert_string_equal(town->flags, "-");
    town_free(town);
}

static void test_a_large_answer_goes_through_in_little_memory(void **state)
{
    (void)state;
    bring_down(BY_LENGTH, false);
}

static void test_a_large_answer_that_ends_with_the_connection(void **state)
{
    (void)state;
    bring_down(BY_CLOSE, false);
}

static void test_a_client_that_sips_holds_the_upstream_back(void **state)
{
    (void)state;
    bring_down(BY_LENGTH, true);
}

static void test_a_large_request_goes_through_in_little_memory(void **state)
{
    (void)state;
    bring_up(false, false);
}

static void test_a_large_chunk_goes_through_in_little_memory(void **state)
{
    (void)state;
    bring_up(true, false);
}

static void test_an_upstream_that_sips_holds_the_client_back(void **state)
{
    (void)state;
    bring_up(false, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_large_answer_goes_through_in_little_memory),
        cmocka_unit_test(test_a_large_answer_that_ends_with_the_connection),
        cmocka_unit_test(test_a_client_that_sips_holds_the_upstream_back),
        cmocka_unit_test(test_a_large_request_goes_through_in_little_memory),
        cmocka_unit_test(test_a_large_chunk_goes_through_in_little_memory),
        cmocka_unit_test(test_an_upstream_that_sips_holds_the_client_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
