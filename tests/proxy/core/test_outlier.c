/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/proxy/core/test_outlier.c - ENVOY.md 7, row by row.
 *
 * A row is a configuration and a play in words:
 *
 *   a500    host a answers 500 (a503*3: three times)
 *   aF aT   its connection fails (or is reset); its time is over (with 504)
 *   aC aS   it is connected; the same for a TCP session
 *   +250    250 ms pass
 *   =ab     now a and b are ejected, nobody else (=: nobody)
 *   ~a      balancers believe that a is ejected, and nobody else
 *   !7      so many events so far
 */
#include "tests/proxy/core/build.h"
#include "base/ns.h"
#include "proxy/core/outlier.h"
#include "proxy/core/outlier_log.h"

#include <stdlib.h>
#include <string.h>

#define HOSTS_MAX 26
#define SAID_MAX 8
#define START_NS (1700000000 * NS_SECOND)

/* With the number after the one that is meant, so that 0 is none. */
struct said {
    uint32_t number;
    uint32_t value;
};
#define SAID(name, n)         \
    {                         \
        OUTLIER_##name + 1, n \
    }

struct row {
    const char *what;
    uint32_t host_count;
    int64_t interval_ms, base_ms, max_ms;
    bool is_splitting, is_always_ejecting_one;
    struct said said[SAID_MAX];
    const char *play;
};

struct play {
    const char *what;
    struct arena arena;
    struct endpoint endpoints[HOSTS_MAX];
    struct outlier_detection config;
    struct cluster cluster;
    struct outlier outlier;
    struct outlier_host *hosts[HOSTS_MAX];
    struct outlier_events events;
    int64_t now_ns;
};

static void set_said(struct outlier_detection *config, const struct said *said)
{
    for (uint32_t i = 0; i < SAID_MAX && said[i].number != 0; i++)
        outlier_say(config, (enum outlier_number)(said[i].number - 1), said[i].value);
}

static void begin(struct play *play, const struct row *row)
{
    *play = (struct play){.what = row->what, .now_ns = START_NS};
    arena_init(&play->arena, 4096, 0);
    play->events.arena = &play->arena;
    for (uint32_t i = 0; i < row->host_count; i++)
        play->endpoints[i] = (struct endpoint){
            .address = arena_format(&play->arena, "10.0.0.%u", i + 1), .port = 80, .weight = 1};
    play->config = (struct outlier_detection){
        .interval_ns = row->interval_ms * NS_MS,
        .base_ejection_ns = row->base_ms * NS_MS,
        .max_ejection_ns = row->max_ms * NS_MS,
        .is_splitting_origins = row->is_splitting,
        .is_always_ejecting_one = row->is_always_ejecting_one,
    };
    set_said(&play->config, row->said);
    play->cluster = (struct cluster){.name = STR("c"),
                                     .outlier = &play->config,
                                     .endpoints = play->endpoints,
                                     .endpoint_count = row->host_count};
    outlier_init(&play->outlier, &play->cluster, 1, START_NS);
    outlier_set_hosts(&play->outlier, &play->cluster, START_NS, play->hosts);
}

static void end(struct play *play)
{
    outlier_fini(&play->outlier);
    arena_fini(&play->arena);
}

static void pass(struct play *play, int64_t ms)
{
    int64_t until_ns = play->now_ns + ms * NS_MS;
    while (outlier_due_ns(&play->outlier) <= until_ns) {
        play->now_ns = ns_max(play->now_ns, outlier_due_ns(&play->outlier));
        outlier_step(&play->outlier, play->now_ns, &play->events);
    }
    play->now_ns = until_ns;
}

static void note(struct play *play, char host, const char *what)
{
    enum outlier_result result = RESULT_EXT_ORIGIN_REQUEST_SUCCESS;
    uint32_t code = 0;
    if (*what == 'F')
        result = RESULT_LOCAL_ORIGIN_CONNECT_FAILED;
    else if (*what == 'C')
        result = RESULT_LOCAL_ORIGIN_CONNECT_SUCCESS;
    else if (*what == 'S')
        result = RESULT_LOCAL_ORIGIN_CONNECT_SUCCESS_FINAL;
    else if (*what == 'T') {
        result = RESULT_LOCAL_ORIGIN_TIMEOUT;
        code = 504;
    } else {
        code = (uint32_t)atoi(what);
        if (code >= 500)
            result = RESULT_EXT_ORIGIN_REQUEST_FAILED;
    }
    const char *star = strchr(what, '*');
    for (int times = star != NULL ? atoi(star + 1) : 1; times > 0; times--)
        outlier_note_result(&play->outlier, play->hosts[host - 'a'], result, code, play->now_ns,
                            &play->events);
}

static void expect(struct play *play, const char *token)
{
    for (uint32_t i = 0; i < play->cluster.endpoint_count; i++) {
        bool is_wanted = strchr(token + 1, (int)('a' + i)) != NULL;
        bool is_out = *token == '=' ? outlier_host_view(&play->outlier, play->hosts[i]).is_ejected
                                    : atomic_load(&play->hosts[i]->is_told_ejected);
        if (is_wanted != is_out)
            fail_msg("%s: at %lld ms, %s: host %c", play->what,
                     (long long)((play->now_ns - START_NS) / NS_MS), token, (char)('a' + i));
    }
}

static void perform(struct play *play, const char *words)
{
    char text[512];
    assert_true(strlen(words) < sizeof(text));
    memcpy(text, words, strlen(words) + 1);
    for (char *token = strtok(text, " "); token != NULL; token = strtok(NULL, " ")) {
        if (*token == '+')
            pass(play, atoi(token + 1));
        else if (*token == '=' || *token == '~')
            expect(play, token);
        else if (*token == '!')
            assert_int_equal(play->events.count, atoi(token + 1));
        else
            note(play, *token, token + 1);
    }
}

static void perform_all(const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct play play;
        begin(&play, &rows[i]);
        perform(&play, rows[i].play);
        end(&play);
    }
}

#define ALL SAID(MAX_EJECTION_PERCENT, 100)
#define GATEWAY(n) \
    SAID(CONSECUTIVE_GATEWAY_FAILURE, n), SAID(ENFORCING_CONSECUTIVE_GATEWAY_FAILURE, 100)

static void test_defaults_are_envoys(void **state)
{
    UNUSED_STATE(state);
    static const struct {
        enum outlier_number number;
        uint32_t value;
    } rows[] = {
        {OUTLIER_CONSECUTIVE_5XX, 5},
        {OUTLIER_ENFORCING_CONSECUTIVE_5XX, 100},
        {OUTLIER_CONSECUTIVE_GATEWAY_FAILURE, 5},
        {OUTLIER_ENFORCING_CONSECUTIVE_GATEWAY_FAILURE, 0},
        {OUTLIER_CONSECUTIVE_LOCAL_ORIGIN_FAILURE, 5},
        {OUTLIER_ENFORCING_CONSECUTIVE_LOCAL_ORIGIN_FAILURE, 100},
        {OUTLIER_MAX_EJECTION_PERCENT, 10},
        {OUTLIER_SUCCESS_RATE_MINIMUM_HOSTS, 5},
        {OUTLIER_SUCCESS_RATE_REQUEST_VOLUME, 100},
        {OUTLIER_SUCCESS_RATE_STDEV_FACTOR, 1900},
        {OUTLIER_ENFORCING_SUCCESS_RATE, 100},
        {OUTLIER_FAILURE_PERCENTAGE_THRESHOLD, 85},
        {OUTLIER_FAILURE_PERCENTAGE_MINIMUM_HOSTS, 5},
        {OUTLIER_FAILURE_PERCENTAGE_REQUEST_VOLUME, 50},
        {OUTLIER_ENFORCING_FAILURE_PERCENTAGE, 0},
        {OUTLIER_ENFORCING_FAILURE_PERCENTAGE_LOCAL_ORIGIN, 0},
        {OUTLIER_ENFORCING_LOCAL_ORIGIN_SUCCESS_RATE, 100},
    };
    static const struct outlier_detection nothing;
    assert_int_equal(COUNT_OF(rows), OUTLIER_NUMBER_COUNT);
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        assert_int_equal(outlier_number(&nothing, rows[i].number), rows[i].value);
    perform_all(
        (const struct row[]){
            {.what = "30 s of ejection, at ticks of 10 s",
             .host_count = 10,
             .play = "+1000 a500*4 = a500 =a +29000 =a +9000 =a +1000 ="},
            {.what = "no more than 300 s",
             .host_count = 2,
             .base_ms = 200000,
             .said = {ALL},
             .play = "a500*5 +200000 = +10 a500*5 +299000 =a +10990 ="},
            {.what = "but a base that is longer counts",
             .host_count = 2,
             .base_ms = 400000,
             .said = {ALL},
             .play = "a500*5 +399000 =a +1000 ="},
        },
        3);
}

/* 7.2 */
static void test_what_counts_as_what(void **state)
{
    UNUSED_STATE(state);
    static const struct row rows[] = {
        {.what = "any 5xx", .host_count = 2, .said = {ALL}, .play = "a500*2 a501 a503 a599 =a"},
        {.what = "no other codes",
         .host_count = 2,
         .said = {ALL},
         .play = "a499*9 a404*9 a600*9 ="},
        {.what = "a success ends the row",
         .host_count = 2,
         .said = {ALL},
         .play = "a500*4 a200 a500*4 = a500 =a"},
        {.what = "each host has its own",
         .host_count = 2,
         .said = {ALL},
         .play = "a500*4 b500*4 ="},
        {.what = "failed connections are 503",
         .host_count = 2,
         .said = {ALL, GATEWAY(3)},
         .play = "aF aF = aF =a"},
        {.what = "time that is over is 504",
         .host_count = 2,
         .said = {ALL, GATEWAY(3)},
         .play = "aT aT = aT =a"},
        {.what = "a connection alone is nothing",
         .host_count = 2,
         .said = {ALL, GATEWAY(2)},
         .play = "aF aC aF =a"},
        {.what = "a TCP session's is a success",
         .host_count = 2,
         .said = {ALL, GATEWAY(2)},
         .play = "aF aS aF ="},
        {.what = "gateway failures are 502, 503, 504",
         .host_count = 2,
         .said = {ALL, GATEWAY(3)},
         .play = "a502 a503 a504 =a"},
        {.what = "another 5xx ends their row",
         .host_count = 2,
         .said = {ALL, GATEWAY(2)},
         .play = "a502 a500 a503 a505 ="},
        {.what = "they are off at first",
         .host_count = 2,
         .said = {ALL, SAID(CONSECUTIVE_5XX, 9)},
         .play = "a503*7 = !1"},
        {.what = "0 is never reached",
         .host_count = 2,
         .said = {ALL, SAID(ENFORCING_CONSECUTIVE_5XX, 100), SAID(CONSECUTIVE_5XX, 0)},
         .play = "a500*50 ="},
        {.what = "not enforced: noticed once, and the count begins again",
         .host_count = 2,
         .said = {ALL, SAID(ENFORCING_CONSECUTIVE_5XX, 0)},
         .play = "a500*5 = !1 a500*4 !1 a500 !2"},
    };
    perform_all(rows, COUNT_OF(rows));
}

/* 7.2, the last column */
static void test_origins_are_split_if_wanted(void **state)
{
    UNUSED_STATE(state);
    static const struct row rows[] = {
        {.what = "local failures have a row of their own",
         .host_count = 2,
         .is_splitting = true,
         .said = {ALL, SAID(CONSECUTIVE_LOCAL_ORIGIN_FAILURE, 2), SAID(CONSECUTIVE_5XX, 3)},
         .play = "a500*2 aF = aF =a"},
        {.what = "a connection ends it",
         .host_count = 2,
         .is_splitting = true,
         .said = {ALL, SAID(CONSECUTIVE_LOCAL_ORIGIN_FAILURE, 2)},
         .play = "aF aC aF aS aF = aT =a"},
        {.what = "an answer does not",
         .host_count = 2,
         .is_splitting = true,
         .said = {ALL, SAID(CONSECUTIVE_LOCAL_ORIGIN_FAILURE, 2)},
         .play = "aF a200 aF =a"},
        {.what = "answers keep their codes",
         .host_count = 2,
         .is_splitting = true,
         .said = {ALL, GATEWAY(2), SAID(CONSECUTIVE_5XX, 9)},
         .play = "a500*6 = a503*2 =a"},
        {.what = "resets do not end a row of answers",
         .host_count = 2,
         .is_splitting = true,
         .said = {ALL, SAID(CONSECUTIVE_5XX, 2)},
         .play = "a500 aF a500 =a"},
    };
    perform_all(rows, COUNT_OF(rows));
}

/* 7.3 */
static void test_who_may_be_ejected(void **state)
{
    UNUSED_STATE(state);
    static const struct row rows[] = {
        {.what = "ten percent of nine are nobody", .host_count = 9, .play = "a500*5 = a500*5 = !0"},
        {.what = "of ten, one", .host_count = 10, .play = "a500*5 b500*5 =a"},
        {.what = "of twenty, two", .host_count = 20, .play = "a500*5 b500*5 c500*5 =ab"},
        {.what = "half of three is one",
         .host_count = 3,
         .said = {SAID(MAX_EJECTION_PERCENT, 50)},
         .play = "a500*5 b500*5 =a"},
        {.what = "more than all is all",
         .host_count = 2,
         .said = {SAID(MAX_EJECTION_PERCENT, 200)},
         .play = "a500*5 b500*5 =ab"},
        {.what = "always one, if it is wanted",
         .host_count = 3,
         .is_always_ejecting_one = true,
         .play = "a500*5 b500*5 =a"},
        {.what = "who is ejected is not ejected again",
         .host_count = 2,
         .said = {ALL},
         .play = "a500*5 a500*20 =a !1"},
        {.what = "both detectors may see one response; the first one ejects",
         .host_count = 2,
         .said = {ALL, GATEWAY(2), SAID(CONSECUTIVE_5XX, 2)},
         .play = "a503*2 =a !1"},
    };
    perform_all(rows, COUNT_OF(rows));
}

/* 7.3, the end: the window is a second of its own from the change that waits. */
static void test_balancers_hear_of_changes_close_together_later(void **state)
{
    UNUSED_STATE(state);
    static const struct row rows[] = {
        {.what = "the first at once, the next a second later",
         .host_count = 3,
         .said = {ALL},
         .play = "a500*5 =a ~a +500 b500*5 =ab ~a +999 ~a +1 ~ab"},
        {.what = "those that follow come with it",
         .host_count = 4,
         .said = {ALL},
         .play = "a500*5 +500 b500*5 +400 c500*5 ~a +600 ~abc"},
        {.what = "after more than a second it is at once",
         .host_count = 3,
         .said = {ALL},
         .play = "a500*5 +1000 b500*5 ~a +1000 ~ab +1001 c500*5 ~abc"},
        {.what = "one that is late takes along who waits",
         .host_count = 4,
         .said = {ALL},
         .play = "a500*5 +600 b500*5 ~a +401 c500*5 ~abc"},
        {.what = "a return, too",
         .host_count = 3,
         .interval_ms = 1000,
         .base_ms = 1000,
         .said = {ALL},
         .play = "+500 a500*5 +500 b500*5 ~a +1000 = ~ab +999 ~ab +1 ~"},
    };
    perform_all(rows, COUNT_OF(rows));
}

/* 7.4 */
static void test_ejections_end_at_ticks_and_grow(void **state)
{
    UNUSED_STATE(state);
    static const struct row rows[] = {
        {.what = "rounded up to a tick",
         .host_count = 2,
         .interval_ms = 1000,
         .base_ms = 2500,
         .said = {ALL},
         .play = "+100 a500*5 +2899 =a +1 ="},
        {.what = "twice is twice as long",
         .host_count = 2,
         .interval_ms = 1000,
         .base_ms = 2000,
         .said = {ALL},
         .play = "a500*5 +2000 = +10 a500*5 +3990 =a +1000 ="},
        {.what = "an interval without an ejection is forgiven",
         .host_count = 2,
         .interval_ms = 1000,
         .base_ms = 2000,
         .said = {ALL},
         .play = "a500*5 +2000 = +1000 a500*5 +2000 ="},
        {.what = "growing stops at the longest",
         .host_count = 2,
         .interval_ms = 1000,
         .base_ms = 2000,
         .max_ms = 3000,
         .said = {ALL},
         .play = "a500*5 +2000 = +10 a500*5 +3990 = +10 a500*5 +3990 = +10 a500*5 +3990 ="},
        {.what = "rows begin again",
         .host_count = 2,
         .interval_ms = 1000,
         .base_ms = 1000,
         .said = {ALL, GATEWAY(9)},
         .play = "a503*5 =a a503*3 +1000 = a503*4 = a503 =a"},
        {.what = "what was counted while it was out does not eject it",
         .host_count = 2,
         .interval_ms = 1000,
         .base_ms = 1000,
         .said = {ALL},
         .play = "a500*5 a500*4 +1000 = a500*4 ="},
        /* As a real Envoy did it: the second ejection lasts 0.7 s again, as a tick came
         * between; the third 1.4 s. */
        {.what = "a recorded cycle",
         .host_count = 2,
         .interval_ms = 500,
         .base_ms = 700,
         .said = {ALL, SAID(CONSECUTIVE_5XX, 2)},
         .play = "+130 a500*2 =a +870 = +1155 a500*2 =a +845 = +200 a500*2 =a +1300 =a +500 ="},
    };
    perform_all(rows, COUNT_OF(rows));
}

/* 7.5 */
static void test_the_worst_of_an_interval_are_ejected(void **state)
{
    UNUSED_STATE(state);
#define RATE(n) SAID(CONSECUTIVE_5XX, 0), SAID(SUCCESS_RATE_REQUEST_VOLUME, n)
#define SHARE(n)                                                          \
    SAID(CONSECUTIVE_5XX, 0), SAID(FAILURE_PERCENTAGE_REQUEST_VOLUME, n), \
        SAID(ENFORCING_FAILURE_PERCENTAGE, 100), SAID(ENFORCING_SUCCESS_RATE, 0)
    static const struct row rows[] = {
        {.what = "50 of 100 among the spotless is below 52",
         .host_count = 5,
         .said = {ALL, RATE(10)},
         .play = "a500*5 a200*5 b200*10 c200*10 d200*10 e200*10 +9999 = +1 =a"},
        {.what = "too few hosts",
         .host_count = 4,
         .said = {ALL, RATE(10)},
         .play = "a500*10 b200*10 c200*10 d200*10 +10000 ="},
        {.what = "too few of them with enough requests",
         .host_count = 5,
         .said = {ALL, RATE(10)},
         .play = "a500*10 b200*9 c200*10 d200*10 e200*10 +10000 ="},
        {.what = "an interval does not add to the next",
         .host_count = 5,
         .said = {ALL, RATE(10)},
         .play = "a500*5 b200*5 c200*5 d200*5 e200*5 +10000 a500*5 b200*5 c200*5 d200*5 e200*5 "
                 "+10000 ="},
        {.what = "all alike",
         .host_count = 5,
         .said = {ALL, RATE(10)},
         .play = "a500*10 b500*10 c500*10 d500*10 e500*10 +10000 ="},
        {.what = "a share of failures",
         .host_count = 5,
         .said = {ALL, SHARE(10)},
         .play = "a500*9 a200*1 b500*8 b200*2 c200*10 d200*10 e200*10 +10000 =a"},
        {.what = "exactly the threshold",
         .host_count = 5,
         .said = {ALL, SHARE(20)},
         .play = "a500*17 a200*3 b200*20 c200*20 d200*20 e200*20 +10000 =a"},
        {.what = "local failures are not the server's",
         .host_count = 5,
         .is_splitting = true,
         .said = {ALL, RATE(10), SAID(CONSECUTIVE_LOCAL_ORIGIN_FAILURE, 0),
                  SAID(ENFORCING_LOCAL_ORIGIN_SUCCESS_RATE, 0)},
         .play = "aF*10 bC*10 cC*10 dC*10 eC*10 +10000 = !1"},
        {.what = "and have a rate of their own",
         .host_count = 5,
         .is_splitting = true,
         .said = {ALL, RATE(10), SAID(CONSECUTIVE_LOCAL_ORIGIN_FAILURE, 0)},
         .play = "aF*10 bC*10 cC*10 dC*10 eC*10 +10000 =a"},
    };
    perform_all(rows, COUNT_OF(rows));
}

static void test_rates_are_to_be_seen(void **state)
{
    UNUSED_STATE(state);
    static const struct row row = {
        .what = "{50, 100, 100, 100, 100}: 52", .host_count = 5, .said = {ALL, RATE(10)}};
    struct play play;
    begin(&play, &row);
    struct outlier_view view = outlier_view(&play.outlier);
    assert_true(view.averages[ORIGIN_EXTERNAL] == -1 && view.thresholds[ORIGIN_EXTERNAL] == -1);
    perform(&play, "a500*5 a200*5 b200*10 c200*10 d200*10 e200*10 +10000");
    view = outlier_view(&play.outlier);
    assert_true(view.averages[ORIGIN_EXTERNAL] == 90);
    assert_true(view.thresholds[ORIGIN_EXTERNAL] > 51.9 && view.thresholds[ORIGIN_EXTERNAL] < 52.1);
    assert_true(view.averages[ORIGIN_LOCAL] == -1);
    assert_true(outlier_host_view(&play.outlier, play.hosts[0]).success_rates[0] == 50);
    assert_true(outlier_host_view(&play.outlier, play.hosts[1]).success_rates[0] == 100);
    assert_true(outlier_host_view(&play.outlier, play.hosts[1]).success_rates[1] == -1);
    perform(&play, "+10000");
    assert_true(outlier_host_view(&play.outlier, play.hosts[1]).success_rates[0] == -1);
    /* Nothing is left to do but to wait for the one who is out. */
    perform(&play, "+60000 =");
    assert_true(outlier_due_ns(&play.outlier) == NS_NEVER);
    end(&play);
}

static uint64_t counter(struct play *play, const char *name)
{
    uint64_t value = 9999;
    struct outlier_view view = outlier_view(&play->outlier);
    struct str whole = arena_format(&play->arena, "outlier_detection.%s", name);
    assert_true(outlier_stat(&view, whole, &value));
    return value;
}

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults_are_envoys),
        cmocka_unit_test(test_what_counts_as_what),
        cmocka_unit_test(test_origins_are_split_if_wanted),
        cmocka_unit_test(test_who_may_be_ejected),
        cmocka_unit_test(test_balancers_hear_of_changes_close_together_later),
        cmocka_unit_test(test_ejections_end_at_ticks_and_grow),
        cmocka_unit_test(test_the_worst_of_an_interval_are_ejected),
        cmocka_unit_test(test_rates_are_to_be_seen),
        cmocka_unit_test(test_counters_have_envoys_names),
        cmocka_unit_test(test_events_are_logged_as_envoy_does),
        cmocka_unit_test(test_events_say_when_and_how_often),
        cmocka_unit_test(test_hosts_are_known_by_their_address),
        cmocka_unit_test(test_jitter_lengthens_an_ejection),
        cmocka_unit_test(test_enforcing_is_drawn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
