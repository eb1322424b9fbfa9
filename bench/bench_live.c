/* SPDX-License-Identifier: Apache-2.0
 *
 * bench/bench_live.c - the same mesh on real sockets for some seconds, for a
 * load generator from outside.
 *
 *   bench live [SECONDS] [--workers N] [--reload MILLISECONDS]
 *
 * Prints the address of the client's proxy, serves, and says at the end what
 * was served and that no descriptor was left behind. Proxy and stand-ins share
 * one thread, as in tests; with --workers the proxy has N of its own, and with
 * --reload it is given its configuration again and again.
 */
#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/arena.h"
#include "base/ns.h"
#include "bench/bench.h"
#include "bench/bench_fleet.h"
#include "bench/mesh.h"
#include "testbed/sockets/sockets.h"

#define SECONDS_DEFAULT 12u
#define SECONDS_MAX 86400u
#define RELOAD_MS_MAX 60000u

static uint32_t open_descriptors(void)
{
    uint32_t count = 0;
    DIR *folder = opendir("/proc/self/fd");
    if (folder == NULL)
        return 0;
    while (readdir(folder) != NULL)
        count++;
    closedir(folder);
    return count;
}

static uint64_t stat_of(struct play *play, const char *name)
{
    uint64_t value = 0;
    (void)play->ops->stat(play, STR("http"), str_of(name), &value);
    return value;
}

static void say_where(struct str address, uint32_t port, const struct bench_words *words)
{
    printf("http://%.*s:%u/reviews/1 for %" PRIu64 " s, with `Host: reviews`\n", STR_FMT(address),
           port, words->seconds);
    fflush(stdout);
}

static int serve_with_workers(struct world *world, const struct bench_words *words)
{
    struct str why = STR_EMPTY;
    struct play *play = sockets_play_new(world, (struct play_options){.seed = 1}, &why);
    struct bench_fleet *fleet = play != NULL ? bench_fleet_new(world, play, words, &why) : NULL;
    if (fleet == NULL) {
        fprintf(stderr, "bench live: %.*s\n", STR_FMT(why));
        if (play != NULL)
            play->ops->free(play);
        return 4;
    }
    say_where(STR("127.0.0.1"), bench_fleet_port(fleet), words);
    bench_fleet_serve(fleet);
    bench_fleet_free(fleet);
    play->ops->free(play);
    return 0;
}

static int serve(struct world *world, const struct bench_words *words)
{
    struct str why = STR_EMPTY, address;
    uint32_t port;
    struct play *play = sockets_play_new(world, (struct play_options){.seed = 1}, &why);
    if (play == NULL) {
        fprintf(stderr, "bench live: %.*s\n", STR_FMT(why));
        return 4;
    }
    struct call call = {
        .has_authority = true, .authority = STR("reviews"), .uri = STR("/reviews/1")};
    bool is_reached = sockets_play_reach(play, &call, &address, &port);
    if (is_reached) {
        say_where(address, port, words);
        play->ops->wait(play, (int64_t)words->seconds * NS_SECOND);
        printf("served %" PRIu64 ": 2xx %" PRIu64 ", 4xx %" PRIu64 ", 5xx %" PRIu64 "\n",
               stat_of(play, "downstream_rq_total"), stat_of(play, "downstream_rq_2xx"),
               stat_of(play, "downstream_rq_4xx"), stat_of(play, "downstream_rq_5xx"));
    }
    play->ops->free(play);
    return is_reached ? 0 : 4;
}

/* libuv keeps two descriptors for the process from its first loop on. */
static void warm_up(struct world *world)
{
    struct str why;
    struct play *play = sockets_play_new(world, (struct play_options){.seed = 1}, &why);
    if (play != NULL)
        play->ops->free(play);
}

/* The number behind the word at *at; false: there is none. */
static bool take_number(int argc, char **argv, int *at, uint64_t max, uint64_t *number)
{
    return ++*at < argc && str_to_u64(str_of(argv[*at]), max, number);
}

/* False: argv[*at] is wrong. */
static bool read_words(int argc, char **argv, int *at, struct bench_words *words)
{
    for (*at = 1; *at < argc; ++*at) {
        struct str word = str_of(argv[*at]);
        bool is_good;
        if (str_eq(word, STR("--workers")))
            is_good = take_number(argc, argv, at, FLEET_WORKERS_MAX, &words->worker_count) &&
                      words->worker_count > 0;
        else if (str_eq(word, STR("--reload")))
            is_good = take_number(argc, argv, at, RELOAD_MS_MAX, &words->reload_ms);
        else
            is_good = str_to_u64(word, SECONDS_MAX, &words->seconds);
        if (!is_good)
            return false;
    }
    return true;
}

int bench_live(int argc, char **argv)
{
    struct bench_words words = {.seconds = SECONDS_DEFAULT};
    int at;
    if (!read_words(argc, argv, &at, &words)) {
        fprintf(stderr, "bench live: wrong: %s\n", at < argc ? argv[at] : argv[argc - 1]);
        return 2;
    }
    struct arena arena;
    arena_init(&arena, 65536, 0);
    struct diag_list diags;
    diag_list_init(&diags, &arena);
    struct world *world = mesh_of_bench(&arena, &diags);
    if (world != NULL)
        warm_up(world);
    uint32_t before = open_descriptors();
    int code = 1;
    if (world != NULL)
        code = words.worker_count > 0 ? serve_with_workers(world, &words) : serve(world, &words);
    world_free(world);
    arena_fini(&arena);
    uint32_t after = open_descriptors();
    printf("descriptors: %u before, %u after\n", before, after);
    return code == 0 && before != after ? 1 : code;
}
