/* SPDX-License-Identifier: Apache-2.0
 *
 * bench/bench_live.c - the same mesh on real sockets for some seconds, for a
 * load generator from outside.
 *
 *   bench live [SECONDS]
 *
 * Prints the address of the client's proxy, serves, and says at the end what
 * was served and that no descriptor was left behind.
 */
#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/arena.h"
#include "base/ns.h"
#include "bench/bench.h"
#include "bench/mesh.h"
#include "testbed/sockets/sockets.h"

#define SECONDS_DEFAULT 12u
#define SECONDS_MAX 86400u

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

static int serve(struct world *world, uint64_t seconds)
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
        printf("http://%.*s:%u/reviews/1 for %" PRIu64 " s, with `Host: reviews`\n",
               STR_FMT(address), port, seconds);
        fflush(stdout);
        play->ops->wait(play, (int64_t)seconds * NS_SECOND);
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

int bench_live(int argc, char **argv)
{
    uint64_t seconds = SECONDS_DEFAULT;
    if (argc > 1 && !str_to_u64(str_of(argv[1]), SECONDS_MAX, &seconds)) {
        fprintf(stderr, "bench live: %s is no number of seconds\n", argv[1]);
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
    int code = world != NULL ? serve(world, seconds) : 1;
    world_free(world);
    arena_fini(&arena);
    uint32_t after = open_descriptors();
    printf("descriptors: %u before, %u after\n", before, after);
    return code == 0 && before != after ? 1 : code;
}
