/* SPDX-License-Identifier: Apache-2.0
 *
 * bench/bench_sim.c - how many requests a second virtual time can play: one
 * caller, its proxy, a weighted route to two subsets of a service.
 *
 *   bench sim [REQUESTS [SEED [load|bytes|calls|day]]]
 *
 * As a load of 100 a second, of which outcomes are counted; the same through the
 * bytes of every message; and one call after the other, of each of which everything
 * is kept, as a test's cases are played; then a day of that load, whatever REQUESTS says, with
 * the memory that it took. Times are the processor's.
 *
 * The hash says that the same thing was played: it depends on the number of
 * requests and the seed, and on no compiler, machine or build.
 */
#include "bench/bench.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "base/arena.h"
#include "base/ns.h"
#include "bench/mesh.h"
#include "testbed/sim/sim.h"
#include "testbed/world/world.h"

#define REQUESTS_DEFAULT 1000000u
#define LOAD_GAP_NS (10 * NS_MS)
#define REQUESTS_MAX UINT64_C(1000000000)
#define HOUR_REQUESTS UINT64_C(360000) /* at one in LOAD_GAP_NS */
#define DAY_HOURS 24u

static int64_t clock_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return now.tv_sec * NS_SECOND + now.tv_nsec;
}

static struct call call_of_bench(void)
{
    return (struct call){.has_authority = true,
                         .authority = STR("reviews"),
                         .uri = STR("/reviews/1"),
                         .is_keeping = true};
}

/* One after the other on one connection; the number of those that are not 200. */
static uint64_t make_calls(struct play *play, uint64_t request_count)
{
    struct arena arena;
    arena_init(&arena, 65536, 0);
    struct call call = call_of_bench();
    uint64_t bad_count = 0;
    for (uint64_t i = 0; i < request_count; i++) {
        struct outcome outcome;
        play->ops->call(play, &call, 1, &outcome, &arena);
        bad_count += outcome.status != 200;
        arena_reset(&arena);
    }
    arena_fini(&arena);
    return bad_count;
}

static struct call model_call(struct play *play)
{
    struct call call = call_of_bench();
    call.is_counted = true;
    call.model = play->ops->model(play, &call);
    return call;
}

/* So many, evenly; the number of those that are not 200. */
static uint64_t make_many(struct play *play, const struct call *call, uint64_t request_count)
{
    uint64_t bad_count = 0;
    for (uint64_t i = 0; i < request_count; i++) {
        play->ops->begin(play, call, i);
        const struct play_done *done;
        int64_t until_ns = ns_add(play->ops->now_ns(play), LOAD_GAP_NS);
        while ((done = play->ops->next(play, until_ns)) != NULL)
            bad_count += done->outcome->status != 200;
    }
    return bad_count;
}

static uint64_t make_load(struct play *play, uint64_t request_count)
{
    struct call call = model_call(play);
    return make_many(play, &call, request_count);
}

/* The most that the process has had so far. */
static double memory_mib(void)
{
    struct rusage usage;
    return getrusage(RUSAGE_SELF, &usage) == 0 ? (double)usage.ru_maxrss / 1024 : 0;
}

/* A day of a hundred requests a second. Memory that has grown since the first hour is a leak. */
static void measure_day(struct world *world, uint64_t seed)
{
    struct play *play = sim_play_new(world, (struct play_options){.seed = seed});
    int64_t started_ns = clock_ns();
    struct call call = model_call(play);
    uint64_t bad_count = make_many(play, &call, HOUR_REQUESTS);
    double first_mib = memory_mib();
    for (uint32_t hour = 1; hour < DAY_HOURS; hour++)
        bad_count += make_many(play, &call, HOUR_REQUESTS);
    double seconds = (double)(clock_ns() - started_ns) / (double)NS_SECOND;
    printf("day   %" PRIu64
           " requests, %.2f hours of virtual time in %.2f s: %.0f requests/s, peak "
           "memory %.1f MiB after the first hour, %.1f MiB after the last, hash %016" PRIx64 "\n",
           DAY_HOURS * HOUR_REQUESTS, (double)play->ops->now_ns(play) / (double)NS_HOUR, seconds,
           (double)(DAY_HOURS * HOUR_REQUESTS) / seconds, first_mib, memory_mib(),
           play->ops->hash(play));
    if (bad_count > 0)
        printf("%" PRIu64 " of them were not answered with 200\n", bad_count);
    play->ops->free(play);
}

struct way {
    const char *name;
    uint64_t (*make)(struct play *play, uint64_t request_count);
    bool is_bytewise;
};

static void measure(struct world *world, uint64_t request_count, uint64_t seed, struct way way)
{
    struct play *play =
        sim_play_new(world, (struct play_options){.seed = seed, .is_bytewise = way.is_bytewise});
    int64_t started_ns = clock_ns();
    uint64_t bad_count = way.make(play, request_count);
    double seconds = (double)(clock_ns() - started_ns) / (double)NS_SECOND;
    printf("%-5s %" PRIu64 " requests in %.2f s: %.0f requests/s, %.0f ns each, hash %016" PRIx64
           "\n",
           way.name, request_count, seconds, (double)request_count / seconds,
           seconds * 1e9 / (double)(request_count > 0 ? request_count : 1), play->ops->hash(play));
    if (bad_count > 0)
        printf("%" PRIu64 " of them were not answered with 200\n", bad_count);
    play->ops->free(play);
}

static bool read_number(const char *text, uint64_t max, uint64_t *value)
{
    if (str_to_u64(str_of(text), max, value))
        return true;
    fprintf(stderr, "bench sim: %s is no number up to %" PRIu64 "\n", text, max);
    return false;
}

int bench_sim(int argc, char **argv)
{
    uint64_t request_count = REQUESTS_DEFAULT, seed = 1;
    if ((argc > 1 && !read_number(argv[1], REQUESTS_MAX, &request_count)) ||
        (argc > 2 && !read_number(argv[2], UINT64_MAX, &seed)))
        return 2;
    struct arena arena;
    arena_init(&arena, 65536, 0);
    struct diag_list diags;
    diag_list_init(&diags, &arena);
    struct world *world = mesh_of_bench(&arena, &diags);
    int code = world != NULL ? 0 : 1;
    static const struct way WAYS[] = {
        {"load", make_load, false}, {"bytes", make_load, true}, {"calls", make_calls, false}};
    for (size_t i = 0; world != NULL && i < COUNT_OF(WAYS); i++) {
        if (argc <= 3 || strcmp(argv[3], WAYS[i].name) == 0)
            measure(world, request_count, seed, WAYS[i]);
    }
    if (world != NULL && (argc <= 3 || strcmp(argv[3], "day") == 0))
        measure_day(world, seed);
    if (world == NULL)
        fprintf(stderr, "bench sim: the mesh has %u errors\n", diags.error_count);
    world_free(world);
    arena_fini(&arena);
    return code;
}
