/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/proxy/live/test_log_sink.c - lines arrive whole or not at all, nobody
 * waits, and a reader that went away takes nothing with it.
 */
#include "proxy/live/access_log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <uv.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/ns.h"

#define PATIENCE_NS (20 * NS_SECOND)
#define THREADS 3u
#define LINES_EACH 20000u

struct folder {
    char path[64], file[80], other[80];
};

static void folder_make(struct folder *folder)
{
    (void)snprintf(folder->path, sizeof(folder->path), "/tmp/pm-log-XXXXXX");
    assert_non_null(mkdtemp(folder->path));
    (void)snprintf(folder->file, sizeof(folder->file), "%s/log", folder->path);
    (void)snprintf(folder->other, sizeof(folder->other), "%s/log.1", folder->path);
}

static void folder_remove(const struct folder *folder)
{
    (void)unlink(folder->file);
    (void)unlink(folder->other);
    assert_int_equal(rmdir(folder->path), 0);
}

static void read_file(const char *path, struct buf *out)
{
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    char bytes[4096];
    for (size_t size; (size = fread(bytes, 1, sizeof(bytes), file)) > 0;)
        assert_int_equal(buf_append(out, (struct str){bytes, size}), RC_OK);
    fclose(file);
}

struct speaker {
    uv_thread_t thread;
    struct log_feed *feed;
    uint32_t id;
    uint32_t said_count;
};

static void speak(void *user)
{
    struct speaker *speaker = user;
    for (uint32_t i = 0; i < LINES_EACH; i++) {
        char line[64];
        int size = snprintf(line, sizeof(line), "%u:%u:%.*s\n", speaker->id, i, (int)(i % 20),
                            "....................");
        speaker->said_count += log_feed_say(speaker->feed, (struct str){line, (size_t)size});
    }
}

/* Every line is whole, and each thread's are in order. */
static uint64_t check_lines(struct str text)
{
    uint64_t count = 0;
    int64_t last[THREADS];
    for (size_t i = 0; i < THREADS; i++)
        last[i] = -1;
    while (text.len > 0) {
        struct str dots = str_cut(&text, '\n');
        uint64_t id, number;
        assert_true(str_to_u64(str_cut(&dots, ':'), THREADS - 1, &id));
        assert_true(str_to_u64(str_cut(&dots, ':'), LINES_EACH, &number));
        assert_int_equal(dots.len, number % 20);
        assert_true((int64_t)number > last[id]);
        last[id] = (int64_t)number;
        count++;
    }
    return count;
}

static void test_lines_of_several_threads_stay_whole_and_in_order(void **state)
{
    (void)state;
    struct folder folder;
    folder_make(&folder);
    struct str why;
    struct log_sink *sink = log_sink_open(str_of(folder.file), &why);
    assert_non_null(sink);
    struct speaker speakers[THREADS];
    uint64_t said_count = 0;
    for (uint32_t i = 0; i < THREADS; i++) {
        speakers[i] = (struct speaker){.feed = log_feed_new(sink), .id = i};
        assert_int_equal(uv_thread_create(&speakers[i].thread, speak, &speakers[i]), 0);
    }
    for (uint32_t i = 0; i < THREADS; i++) {
        uv_thread_join(&speakers[i].thread);
        said_count += speakers[i].said_count;
    }
    assert_true(log_sink_flush(sink, PATIENCE_NS));
    struct log_sink_stats stats = log_sink_stats(sink);
    log_sink_close(sink);
    struct buf text;
    buf_init(&text, SIZE_MAX / 2);
    read_file(folder.file, &text);
    assert_int_equal(stats.written_bytes, buf_size(&text));
    assert_true(check_lines(buf_str(&text)) == said_count);
    assert_true(said_count + stats.dropped_lines == (uint64_t)THREADS * LINES_EACH);
    assert_int_equal(stats.failed_writes, 0);
    buf_fini(&text);
    folder_remove(&folder);
}

/* A pipe's writing end, opened again by its name. */
static struct log_sink *open_pipe(int ends[2])
{
    char path[32];
    struct str why;
    assert_int_equal(pipe(ends), 0);
    (void)snprintf(path, sizeof(path), "/dev/fd/%d", ends[1]);
    struct log_sink *sink = log_sink_open(str_of(path), &why);
    assert_non_null(sink);
    close(ends[1]);
    return sink;
}

static void read_until_end(int fd, struct buf *out)
{
    char bytes[4096];
    for (ssize_t size; (size = read(fd, bytes, sizeof(bytes))) > 0;)
        assert_int_equal(buf_append(out, (struct str){bytes, (size_t)size}), RC_OK);
}

static void test_a_reader_that_does_not_read_costs_lines_and_no_time(void **state)
{
    (void)state;
    int ends[2];
    struct log_sink *sink = open_pipe(ends);
    struct speaker speaker = {.feed = log_feed_new(sink)};
    for (uint32_t i = 0; i < 10; i++)
        speak(&speaker);
    assert_true(speaker.said_count < 10 * LINES_EACH); /* the feed ran full, and said so */
    assert_false(log_sink_flush(sink, NS_MS));
    assert_int_equal(log_sink_stats(sink).dropped_lines, 10 * LINES_EACH - speaker.said_count);
    log_sink_close(sink); /* gives up after its patience */
    struct buf text;
    buf_init(&text, SIZE_MAX / 2);
    read_until_end(ends[0], &text);
    assert_true(buf_size(&text) > 0);
    buf_fini(&text);
    close(ends[0]);
}

static void test_what_was_said_comes_within_a_second_or_two(void **state)
{
    (void)state;
    int ends[2];
    struct log_sink *sink = open_pipe(ends);
    struct log_feed *feed = log_feed_new(sink);
    assert_true(log_feed_say(feed, STR("hello\n")));
    struct pollfd there = {.fd = ends[0], .events = POLLIN};
    assert_int_equal(poll(&there, 1, (int)(PATIENCE_NS / NS_MS)), 1);
    char bytes[16];
    assert_int_equal(read(ends[0], bytes, sizeof(bytes)), 6);
    log_sink_close(sink);
    close(ends[0]);
}

static void test_a_reader_that_went_away_does_not_end_the_process(void **state)
{
    (void)state;
    int ends[2];
    struct log_sink *sink = open_pipe(ends);
    struct log_feed *feed = log_feed_new(sink);
    close(ends[0]);
    for (int i = 0; i < 3; i++) {
        assert_true(log_feed_say(feed, STR("nobody\n")));
        assert_true(log_sink_flush(sink, PATIENCE_NS));
    }
    struct log_sink_stats stats = log_sink_stats(sink);
    assert_int_equal(stats.failed_writes, 3);
    assert_int_equal(stats.dropped_lines, 3);
    log_sink_close(sink);
}

static void test_after_a_rotation_lines_go_to_the_new_file(void **state)
{
    (void)state;
    struct folder folder;
    folder_make(&folder);
    struct str why;
    struct log_sink *sink = log_sink_open(str_of(folder.file), &why);
    struct log_feed *feed = log_feed_new(sink);
    assert_true(log_feed_say(feed, STR("old\n")));
    assert_int_equal(rename(folder.file, folder.other), 0);
    log_sink_reopen(sink);
    assert_true(log_sink_flush(sink, PATIENCE_NS));
    assert_true(log_feed_say(feed, STR("new\n")));
    log_sink_close(sink);
    struct buf text;
    buf_init(&text, SIZE_MAX / 2);
    read_file(folder.other, &text);
    read_file(folder.file, &text);
    assert_true(str_eq(buf_str(&text), STR("old\nnew\n")));
    buf_fini(&text);
    folder_remove(&folder);
}

static void test_a_file_that_cannot_be_opened(void **state)
{
    (void)state;
    struct str why = STR_EMPTY;
    assert_null(log_sink_open(STR("/no/such/folder/log"), &why));
    assert_true(str_eq(why, STR("No such file or directory")));
}

/* --- access_log.h ------------------------------------------------------------ */

struct town {
    struct access_log log;
    struct filter_chain chain;
    struct listener listener;
    struct snapshot *snapshot;
};

static void town_make(struct town *town, const char *path, const char *format)
{
    *town = (struct town){0};
    town->log = (struct access_log){.path = str_of(path),
                                    .format = str_of(format),
                                    .origin = {.file = STR("mesh.yaml"), .line = 7, .column = 3}};
    town->chain.kind = CHAIN_HTTP;
    town->chain.http.access_logs = (struct access_log_list){&town->log, 1};
    town->listener = (struct listener){.chains = &town->chain, .chain_count = 1};
    town->snapshot = snapshot_new();
    town->snapshot->listeners = &town->listener;
    town->snapshot->listener_count = 1;
}

static void test_an_exchange_is_noted_in_its_listeners_log(void **state)
{
    (void)state;
    struct folder folder;
    struct town town, later;
    struct arena arena;
    struct str why;
    folder_make(&folder);
    arena_init(&arena, 1024, 0);
    town_make(&town, folder.file, "%RESPONSE_CODE% %START_TIME%\n");
    town_make(&later, folder.file, "later %RESPONSE_CODE%\n");
    struct access_logger *logger = access_logger_new(2);
    assert_true(access_logger_learn(logger, town.snapshot, &arena, &why));
    struct record record = {.status = 503, .downstream = {.chain = &town.chain}};
    struct record unknown = {.status = 404, .downstream = {.chain = &later.chain}};
    access_logger_note(logger, 0, &record, 0);
    access_logger_note(logger, 0, &unknown, 0); /* never learnt */
    assert_true(access_logger_flush(logger, PATIENCE_NS));
    assert_true(access_logger_learn(logger, later.snapshot, &arena, &why));
    access_logger_note(logger, 1, &unknown, 0);
    access_logger_note(logger, 1, &(struct record){.status = 200}, 0); /* no chain */
    assert_true(access_logger_flush(logger, PATIENCE_NS));
    assert_int_equal(access_logger_stats(logger).dropped_lines, 0);
    access_logger_free(logger);
    struct buf text;
    buf_init(&text, SIZE_MAX / 2);
    read_file(folder.file, &text);
    assert_true(str_eq(buf_str(&text), STR("503 1970-01-01T00:00:00.000Z\nlater 404\n")));
    buf_fini(&text);
    snapshot_drop(town.snapshot);
    snapshot_drop(later.snapshot);
    arena_fini(&arena);
    folder_remove(&folder);
}

static void test_a_wrong_format_or_file_is_told_with_its_place(void **state)
{
    (void)state;
    static const struct {
        const char *path, *format, *want;
    } rows[] = {
        {"/dev/null", "ab %FOO%",
         "mesh.yaml:7:3: access log /dev/null: byte 3 of the format: %FOO%: no such command"},
        {"/no/such/log", "a", "mesh.yaml:7:3: access log /no/such/log: No such file or directory"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct town town;
        struct arena arena;
        struct str why;
        arena_init(&arena, 1024, 0);
        town_make(&town, rows[i].path, rows[i].format);
        struct access_logger *logger = access_logger_new(1);
        assert_false(access_logger_learn(logger, town.snapshot, &arena, &why));
        assert_string_equal(arena_str(&arena, why).ptr, rows[i].want);
        access_logger_free(logger);
        snapshot_drop(town.snapshot);
        arena_fini(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines_of_several_threads_stay_whole_and_in_order),
        cmocka_unit_test(test_a_reader_that_does_not_read_costs_lines_and_no_time),
        cmocka_unit_test(test_what_was_said_comes_within_a_second_or_two),
        cmocka_unit_test(test_a_reader_that_went_away_does_not_end_the_process),
        cmocka_unit_test(test_after_a_rotation_lines_go_to_the_new_file),
        cmocka_unit_test(test_a_file_that_cannot_be_opened),
        cmocka_unit_test(test_an_exchange_is_noted_in_its_listeners_log),
        cmocka_unit_test(test_a_wrong_format_or_file_is_told_with_its_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
