/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/proxy/core/outlier_play.h - outlier detection, told in words.
 *
 * A row is a configuration and a play:
 *
 *   a500    host a answers 500 (a503*3: three times)
 *   aF aT   its connection fails (or is reset); its time is over (with 504)
 *   aC aS   it is connected; the same for a TCP session
 *   +250    250 ms pass
 *   =ab     now a and b are ejected, nobody else (=: nobody)
 *   ~a      balancers believe that a is ejected, and nobody else
 *   !7      so many events so far
 */
#pragma once

#include "tests/proxy/core/build.h"
#include "base/ns.h"
#include "proxy/core/outlier.h"

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

/* The number that a text begins with. */
static inline int64_t leading_number(const char *text)
{
    uint64_t value = 0;
    size_t size = strspn(text, "0123456789");
    assert_true(str_to_u64((struct str){text, size}, UINT32_MAX, &value));
    return (int64_t)value;
}

static inline void set_said(struct outlier_detection *config, const struct said *said)
{
    for (uint32_t i = 0; i < SAID_MAX && said[i].number != 0; i++)
        outlier_say(config, (enum outlier_number)(said[i].number - 1), said[i].value);
}

static inline void begin(struct play *play, const struct row *row)
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

static inline void end(struct play *play)
{
    outlier_fini(&play->outlier);
    arena_fini(&play->arena);
}

static inline void pass(struct play *play, int64_t ms)
{
    int64_t until_ns = play->now_ns + ms * NS_MS;
    while (outlier_due_ns(&play->outlier) <= until_ns) {
        play->now_ns = ns_max(play->now_ns, outlier_due_ns(&play->outlier));
        outlier_step(&play->outlier, play->now_ns, &play->events);
    }
    play->now_ns = until_ns;
}

static inline void note(struct play *play, char host, const char *what)
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
        code = (uint32_t)leading_number(what);
        if (code >= 500)
            result = RESULT_EXT_ORIGIN_REQUEST_FAILED;
    }
    const char *star = strchr(what, '*');
    for (int64_t times = star != NULL ? leading_number(star + 1) : 1; times > 0; times--)
        outlier_note_result(&play->outlier, play->hosts[host - 'a'], result, code, play->now_ns,
                            &play->events);
}

static inline void expect(struct play *play, const char *token)
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

static inline void perform_one(struct play *play, const char *token)
{
    if (*token == '+')
        pass(play, leading_number(token + 1));
    else if (*token == '=' || *token == '~')
        expect(play, token);
    else if (*token == '!')
        assert_int_equal(play->events.count, leading_number(token + 1));
    else
        note(play, *token, token + 1);
}

static inline void perform(struct play *play, const char *words)
{
    while (*words != '\0') {
        char token[64] = "";
        size_t size = strcspn(words, " ");
        assert_true(size < sizeof(token));
        memcpy(token, words, size);
        perform_one(play, token);
        words += size + strspn(words + size, " ");
    }
}

static inline void perform_all(const struct row *rows, size_t count)
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

static inline uint64_t counter(struct play *play, const char *name)
{
    uint64_t value = 9999;
    struct outlier_view view = outlier_view(&play->outlier);
    struct str whole = arena_format(&play->arena, "outlier_detection.%s", name);
    assert_true(outlier_stat(&view, whole, &value));
    return value;
}
