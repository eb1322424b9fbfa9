/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/proxy/core/test_outlier_events.c - ENVOY.md 7.6 and 7.7, hosts that come and go, luck.
 */
#include "tests/proxy/core/outlier_play.h"
#include "proxy/core/outlier_log.h"

/* 7.7 */
static void test_counters_have_envoys_names(void **state)
{
    UNUSED_STATE(state);
    static const struct row row = {
        .what = "counters",
        .host_count = 3,
        .said = {SAID(MAX_EJECTION_PERCENT, 40), SAID(CONSECUTIVE_GATEWAY_FAILURE, 3)}};
    static const struct {
        const char *name;
        uint64_t value;
    } rows[] = {
        {"ejections_active", 1},
        {"ejections_enforced_total", 1},
        {"ejections_total", 1},
        {"ejections_consecutive_5xx", 2},
        {"ejections_detected_consecutive_5xx", 2},
        {"ejections_enforced_consecutive_5xx", 1},
        {"ejections_detected_consecutive_gateway_failure", 2},
        {"ejections_enforced_consecutive_gateway_failure", 0},
        {"ejections_overflow", 2},
        {"ejections_detected_success_rate", 0},
    };
    struct play play;
    uint64_t value;
    begin(&play, &row);
    /* a: three gateway failures are noticed and not enforced, five failures are; b
     * overflows with both. */
    perform(&play, "a503*5 b503*5 =a");
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        if (counter(&play, rows[i].name) != rows[i].value)
            fail_msg("%s: %llu", rows[i].name, (unsigned long long)counter(&play, rows[i].name));
    struct outlier_view view = outlier_view(&play.outlier);
    assert_false(outlier_stat(&view, STR("ejections_active"), &value));
    assert_false(outlier_stat(&view, STR("outlier_detection.ejections"), &value));
    outlier_reset_counters(&play.outlier);
    assert_int_equal(counter(&play, "ejections_total"), 0);
    assert_int_equal(counter(&play, "ejections_active"), 1);
    end(&play);
}

/* 7.6; lines of a real Envoy. */
static void test_events_are_logged_as_envoy_does(void **state)
{
    UNUSED_STATE(state);
    static const struct {
        struct outlier_event event;
        const char *line;
    } rows[] = {
        {{.type = EJECTION_CONSECUTIVE_5XX,
          .is_ejection = true,
          .is_enforced = true,
          .at_ns = INT64_C(1764382245) * NS_SECOND + 544 * NS_MS,
          .since_last_action_ns = NS_NEVER,
          .address = STR_INIT("127.0.0.1"),
          .port = 34219,
          .num_ejections = 1},
         "{\"type\":\"CONSECUTIVE_5XX\",\"timestamp\":\"2025-11-29T02:10:45.544Z\",\"cluster_"
         "name\":"
         "\"c\",\"upstream_url\":\"127.0.0.1:34219\",\"action\":\"EJECT\",\"num_ejections\":1,"
         "\"enforced\":true,\"eject_consecutive_event\":{}}\n"},
        {{.at_ns = INT64_C(1764382246) * NS_SECOND,
          .since_last_action_ns = 1999 * NS_MS,
          .address = STR_INIT("::1"),
          .port = 80,
          .num_ejections = 2},
         "{\"type\":\"CONSECUTIVE_5XX\",\"timestamp\":\"2025-11-29T02:10:46Z\","
         "\"secs_since_last_action\":\"1\",\"cluster_name\":\"c\",\"upstream_url\":\"[::1]:80\","
         "\"action\":\"UNEJECT\",\"num_ejections\":2,\"enforced\":false}\n"},
        {{.type = EJECTION_SUCCESS_RATE,
          .is_ejection = true,
          .at_ns = 1001,
          .since_last_action_ns = NS_NEVER,
          .address = STR_INIT("h"),
          .average_success_rate = 80.5,
          .success_rate_threshold = 40},
         "{\"type\":\"SUCCESS_RATE\",\"timestamp\":\"1970-01-01T00:00:00.000001001Z\","
         "\"cluster_name\":\"c\",\"upstream_url\":\"h:0\",\"action\":\"EJECT\",\"num_ejections\":0,"
         "\"enforced\":false,\"eject_success_rate_event\":{\"host_success_rate\":0,"
         "\"cluster_average_success_rate\":80,\"cluster_success_rate_ejection_threshold\":40}}\n"},
        {{.type = EJECTION_FAILURE_PERCENTAGE_LOCAL_ORIGIN,
          .is_ejection = true,
          .is_enforced = true,
          .at_ns = 2000,
          .since_last_action_ns = 0,
          .address = STR_INIT("h"),
          .num_ejections = 1},
         "{\"type\":\"FAILURE_PERCENTAGE_LOCAL_ORIGIN\",\"timestamp\":\"1970-01-01T00:00:00."
         "000002Z\",\"secs_since_last_action\":\"0\",\"cluster_name\":\"c\",\"upstream_url\":"
         "\"h:0\",\"action\":\"EJECT\",\"num_ejections\":1,\"enforced\":true,"
         "\"eject_failure_percentage_event\":{\"host_success_rate\":0}}\n"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct outlier_event event = rows[i].event;
        struct buf out;
        event.cluster = STR("c");
        buf_init(&out, OUTLIER_LOG_LINE_BYTES_MAX);
        assert_int_equal(outlier_log_line(&event, &out), RC_OK);
        assert_int_equal(buf_size(&out), strlen(rows[i].line));
        assert_memory_equal(buf_str(&out).ptr, rows[i].line, buf_size(&out));
        buf_fini(&out);
    }
}

static void test_events_say_when_and_how_often(void **state)
{
    UNUSED_STATE(state);
    static const struct row row = {
        .what = "events", .host_count = 2, .interval_ms = 1000, .base_ms = 1000, .said = {ALL}};
    struct play play;
    begin(&play, &row);
    perform(&play, "+200 a500*5 +2000 a500*5 !3");
    const struct outlier_event *events = play.events.items;
    assert_true(events[0].is_ejection && events[0].is_enforced);
    assert_true(events[0].since_last_action_ns == NS_NEVER);
    assert_true(events[0].ejection_ns == NS_SECOND);
    assert_true(events[1].at_ns == START_NS + 2 * NS_SECOND);
    assert_false(events[1].is_ejection || events[1].is_enforced);
    assert_true(events[1].since_last_action_ns == 1800 * NS_MS);
    assert_true(events[2].since_last_action_ns == 200 * NS_MS);
    assert_true(events[2].ejection_ns == 2 * NS_SECOND);
    assert_int_equal(events[2].num_ejections, 2);
    end(&play);
}

/* A configuration takes over: known hosts stay what they are. */
static void test_hosts_are_known_by_their_address(void **state)
{
    UNUSED_STATE(state);
    static const struct row row = {.what = "hosts", .host_count = 3, .said = {ALL}};
    struct play play;
    begin(&play, &row);
    perform(&play, "a500*5 +300 b500*5 c500*3 =ab ~a");
    /* a goes; d comes; the order is another one. */
    struct endpoint endpoints[3] = {play.endpoints[2], play.endpoints[1], play.endpoints[0]};
    endpoints[2].port = 81;
    for (size_t i = 0; i < 3; i++)
        play.endpoints[i] = endpoints[i];
    outlier_set_hosts(&play.outlier, &play.cluster, play.now_ns, play.hosts);
    /* With hosts that come and go all is told at once. */
    perform(&play, "=b ~b a500*2 =ab c500*4 =ab");
    assert_int_equal(counter(&play, "ejections_active"), 2);
    /* The one that went comes back: nothing is known of it. */
    play.endpoints[2].port = 80;
    outlier_set_hosts(&play.outlier, &play.cluster, play.now_ns, play.hosts);
    perform(&play, "=ab c500*4 =ab c500 =abc");
    assert_int_equal(play.events.items[play.events.count - 1].num_ejections, 1);
    end(&play);
}

static void test_jitter_lengthens_an_ejection(void **state)
{
    UNUSED_STATE(state);
    static const struct row row = {.what = "jitter",
                                   .host_count = HOSTS_MAX,
                                   .interval_ms = 1000,
                                   .base_ms = 1000,
                                   .said = {ALL}};
    struct play play;
    begin(&play, &row);
    ((struct outlier_detection *)play.outlier.config)->max_ejection_jitter_ns = 500 * NS_MS;
    int64_t shortest_ns = NS_NEVER, longest_ns = 0;
    for (int i = 0; i < HOSTS_MAX; i++)
        note(&play, (char)('a' + i), "500*5");
    assert_int_equal(play.events.count, HOSTS_MAX);
    for (uint32_t i = 0; i < play.events.count; i++) {
        shortest_ns = ns_min(shortest_ns, play.events.items[i].ejection_ns);
        longest_ns = ns_max(longest_ns, play.events.items[i].ejection_ns);
    }
    assert_true(shortest_ns >= 1000 * NS_MS && longest_ns <= 1500 * NS_MS);
    assert_true(longest_ns - shortest_ns > 200 * NS_MS);
    end(&play);
}

/* A share of ejections is enforced: with 40 of 100, a few hundred draws tell. */
static void test_enforcing_is_drawn(void **state)
{
    UNUSED_STATE(state);
    static const struct row row = {.what = "enforcing",
                                   .host_count = 2,
                                   .interval_ms = 1000,
                                   .base_ms = 1,
                                   .max_ms = 1,
                                   .said = {ALL, SAID(ENFORCING_CONSECUTIVE_5XX, 40)}};
    struct play play;
    begin(&play, &row);
    for (int i = 0; i < 500; i++)
        perform(&play, "a500*5 +1000");
    assert_int_equal(counter(&play, "ejections_detected_consecutive_5xx"), 500);
    assert_in_range(counter(&play, "ejections_enforced_consecutive_5xx"), 150, 250);
    end(&play);
}

/* What must hold whatever happens. */
static void check_laws(struct play *play, uint32_t percent)
{
    struct outlier_view view = outlier_view(&play->outlier);
    uint32_t count = 0;
    int64_t balance = 0;
    for (uint32_t i = 0; i < play->cluster.endpoint_count; i++) {
        bool is_out = outlier_host_view(&play->outlier, play->hosts[i]).is_ejected;
        count += is_out;
        bool is_told = atomic_load(&play->hosts[i]->is_told_ejected);
        assert_true(is_out == is_told || outlier_due_ns(&play->outlier) != NS_NEVER);
    }
    for (uint32_t i = 0; i < play->events.count; i++) {
        const struct outlier_event *event = &play->events.items[i];
        balance += event->is_ejection && event->is_enforced;
        balance -= !event->is_ejection;
    }
    assert_int_equal(view.ejected_count, count);
    assert_int_equal(balance, count);
    assert_true(100 * count <= percent * play->cluster.endpoint_count);
}

static void live(struct rng *rng)
{
    static const char *const RESULTS[] = {"500", "503", "200", "F", "T", "C", "500*9", "503*9"};
    uint32_t percent = (uint32_t)rng_below(rng, 101);
    struct row row = {
        .what = "a life",
        .host_count = 1 + (uint32_t)rng_below(rng, 12),
        .interval_ms = 1 + (int64_t)rng_below(rng, 3000),
        .base_ms = 1 + (int64_t)rng_below(rng, 3000),
        .is_splitting = rng_below(rng, 2) == 0,
        .said = {SAID(ENFORCING_CONSECUTIVE_GATEWAY_FAILURE, 50),
                 SAID(SUCCESS_RATE_REQUEST_VOLUME, 5), SAID(FAILURE_PERCENTAGE_REQUEST_VOLUME, 5),
                 SAID(ENFORCING_FAILURE_PERCENTAGE, 50), SAID(MAX_EJECTION_PERCENT, percent)}};
    struct play play;
    begin(&play, &row);
    for (int i = 0; i < 100; i++) {
        char host = (char)('a' + rng_below(rng, row.host_count));
        note(&play, host, RESULTS[rng_below(rng, COUNT_OF(RESULTS))]);
        if (rng_below(rng, 4) == 0)
            pass(&play, (int64_t)rng_below(rng, 2000));
        check_laws(&play, percent);
    }
    /* Longer than any ejection, and until it is forgiven: nothing is left to do. */
    pass(&play, 40 * 60 * 1000);
    check_laws(&play, percent);
    assert_int_equal(outlier_view(&play.outlier).ejected_count, 0);
    assert_true(outlier_due_ns(&play.outlier) == NS_NEVER);
    end(&play);
}

static void test_a_thousand_lives_keep_the_laws(void **state)
{
    UNUSED_STATE(state);
    struct rng rng = rng_seeded(1, STR("lives"));
    for (int i = 0; i < 1000; i++)
        live(&rng);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counters_have_envoys_names),
        cmocka_unit_test(test_events_are_logged_as_envoy_does),
        cmocka_unit_test(test_events_say_when_and_how_often),
        cmocka_unit_test(test_hosts_are_known_by_their_address),
        cmocka_unit_test(test_jitter_lengthens_an_ejection),
        cmocka_unit_test(test_enforcing_is_drawn),
        cmocka_unit_test(test_a_thousand_lives_keep_the_laws),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
