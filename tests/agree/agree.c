/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/agree/agree.c - virtual time and real sockets agree; and what must hold
 * whatever the luck.
 *
 *   agree pairs COUNT SEED    COUNT made-up meshes, behaviours and requests, each on
 *                             sim and on live: answers to the byte, flags, details,
 *                             attempts, hosts, counters. Real time may be late on a
 *                             busy machine: what differs must differ three times.
 *   agree witness COUNT SEED  the same of sim and of a real Envoy, $ENVOY, with cases
 *                             in which nothing is luck
 *   agree laws COUNT SEED     COUNT made-up loads in virtual time: see laws.h
 *   agree cells COUNT SEED    COUNT made-up meshes, each client held against each service,
 *                             as the command mtls does: see cells.h
 *   agree show SEED [plain|load|cells]  the manifests and the test of a pair (of a witness, of
 *                             laws)
 *
 * The last line counts; a difference comes with its seed.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/ns.h"
#include "testbed/sim/sim.h"
#include "testbed/sockets/sockets.h"
#include "tests/agree/cells.h"
#include "tests/agree/compare.h"
#include "tests/agree/laws.h"
#include "tests/agree/stage.h"

#define TRIES 3u
#define DESCRIPTORS_MAX 1024
#define OUTCOMES_MAX 64u
#define SETTLE_NS (40 * NS_MS)
#define LATE_NS (400 * NS_MS)    /* longer than a mirror takes */
#define LONG_NS (60 * NS_SECOND) /* longer than anything takes */

/* Of this process: what a play opens it closes. */
static uint32_t open_descriptors(void)
{
    uint32_t count = 0;
    for (int fd = 0; fd < DESCRIPTORS_MAX; fd++)
        count += fcntl(fd, F_GETFD) >= 0;
    return count;
}

/* --- pairs ----------------------------------------------------------------- */

struct told {
    struct outcome outcomes[OUTCOMES_MAX];
    uint32_t count;
};

static void play_all(struct stage *stage, struct play *play, struct told *told)
{
    const struct suite_test *test = &stage->suite.tests[0];
    told->count = 0;
    for (uint32_t i = 0; i < test->case_count; i++) {
        const struct suite_case *step = &test->cases[i];
        for (uint32_t k = 0; k < step->repeat; k++) {
            struct call call = step->calls[0];
            call.is_keeping = step->repeat > 1;
            ASSERT(told->count < OUTCOMES_MAX);
            told->outcomes[told->count] = (struct outcome){0};
            play->ops->call(play, &call, 1, &told->outcomes[told->count++], &stage->arena);
        }
        play->ops->drop_kept(play);
        play->ops->wait(play, SETTLE_NS);
    }
}

static bool nothing_is_held(struct play *play, struct buf *out)
{
    uint64_t held_count = play->ops->under_way(play);
    if (held_count == 0)
        return true;
    ASSERT(buf_format(out, "  %llu requests are held at the end\n",
                      (unsigned long long)held_count) == RC_OK);
    return false;
}

/* Whose connections are caught on their way. */
static void find_redirects(const struct stage *stage, struct arena *arena,
                           struct play_options *options)
{
    const struct suite_test *test = &stage->suite.tests[0];
    struct play_redirect *all = ARENA_ARRAY(arena, struct play_redirect, test->case_count);
    for (uint32_t i = 0; i < test->case_count; i++) {
        const struct call *call = &test->cases[i].calls[0];
        struct call_target target = world_target(stage->world, call);
        if (target.has_original)
            all[options->redirect_count++] = (struct play_redirect){call->client, target};
    }
    options->redirects = all;
}

/* Two engines, each with a world of its own: scripts and queues are the world's. */
struct pair {
    struct stage one, other;
    struct play *virtual_play, *real_play;
    const char *envoy; /* the other's proxies; NULL: ours */
};

static bool pair_open(struct pair *pair, const struct chance_text *text, uint64_t seed)
{
    bool is_same = stage_open(&pair->one, text);
    is_same &= stage_open(&pair->other, text);
    if (!is_same)
        return false;
    struct world *world = pair->other.world;
    uint32_t *callers = ARENA_ARRAY(&pair->other.arena, uint32_t, world->client_count);
    for (uint32_t i = 0; i < world->client_count; i++)
        callers[i] = i;
    struct play_options options = {.seed = seed,
                                   .envoy = pair->envoy,
                                   .callers = callers,
                                   .caller_count = pair->envoy != NULL ? world->client_count : 0};
    struct str why = STR_EMPTY;
    find_redirects(&pair->other, &pair->other.arena, &options);
    pair->virtual_play = sim_play_new(pair->one.world, (struct play_options){.seed = seed});
    pair->real_play = sockets_play_new(world, options, &why);
    if (pair->real_play == NULL)
        printf("  %.*s\n", STR_FMT(why));
    return pair->virtual_play != NULL && pair->real_play != NULL;
}

static void pair_close(struct pair *pair)
{
    if (pair->virtual_play != NULL)
        pair->virtual_play->ops->free(pair->virtual_play);
    if (pair->real_play != NULL)
        pair->real_play->ops->free(pair->real_play);
    stage_close(&pair->one);
    stage_close(&pair->other);
}

static bool agree_once(const struct chance_text *text, uint64_t seed, const char *envoy,
                       struct buf *out)
{
    static struct told virtual_told, real_told;
    struct pair pair = {.envoy = envoy};
    uint32_t open_before = open_descriptors();
    bool is_same = pair_open(&pair, text, seed);
    if (is_same) {
        play_all(&pair.one, pair.virtual_play, &virtual_told);
        play_all(&pair.other, pair.real_play, &real_told);
        for (uint32_t i = 0; i < virtual_told.count; i++) {
            size_t before = buf_size(out);
            if (compare_outcomes(&virtual_told.outcomes[i], &real_told.outcomes[i], envoy == NULL,
                                 out))
                continue;
            is_same = false;
            ASSERT(buf_size(out) > before);
            ASSERT(buf_format(out, "  (request %u)\n", i + 1) == RC_OK);
        }
        /* What callers do not wait for ends too before it is counted. */
        pair.virtual_play->ops->wait(pair.virtual_play, LATE_NS);
        pair.real_play->ops->wait(pair.real_play, LATE_NS);
        is_same &=
            compare_counters(pair.virtual_play, pair.real_play, pair.one.world, envoy != NULL, out);
        pair.virtual_play->ops->wait(pair.virtual_play, LONG_NS); /* slow mirrors too */
        is_same &= nothing_is_held(pair.virtual_play, out);
    } else {
        ASSERT(buf_format(out, "  cannot be played\n") == RC_OK);
    }
    pair_close(&pair);
    uint32_t open_after = open_descriptors();
    if (open_after == open_before)
        return is_same;
    ASSERT(buf_format(out, "  %u descriptors before, %u after\n", open_before, open_after) ==
           RC_OK);
    return false;
}

static bool pair_agrees(uint64_t seed, const char *envoy)
{
    struct chance_text text;
    struct buf out;
    bool is_same = false;
    chance_requests(seed, envoy != NULL, &text);
    buf_init(&out, 1 << 24);
    for (uint32_t try = 0; !is_same && try < TRIES; try++) {
        buf_clear(&out);
        is_same = agree_once(&text, seed, envoy, &out);
    }
    if (!is_same)
        printf("seed %llu: sim and %s differ\n%.*s", (unsigned long long)seed,
               envoy != NULL ? "envoy" : "live", STR_FMT(buf_str(&out)));
    buf_fini(&out);
    chance_fini(&text);
    return is_same;
}

static int show(uint64_t seed, const char *what)
{
    struct chance_text text;
    if (strcmp(what, "load") == 0)
        chance_load(seed, &text);
    else if (strcmp(what, "cells") == 0)
        chance_security(seed, &text);
    else
        chance_requests(seed, strcmp(what, "plain") == 0, &text);
    printf("# mesh.yaml\n%.*s# test.yaml\n%.*s", STR_FMT(buf_str(&text.mesh)),
           STR_FMT(buf_str(&text.test)));
    chance_fini(&text);
    return 0;
}

int main(int argc, char **argv)
{
    uint64_t count = 0, seed = 0;
    bool is_show = argc >= 3 && strcmp(argv[1], "show") == 0;
    if (is_show && str_to_u64(str_of(argv[2]), UINT64_MAX, &seed))
        return show(seed, argc == 4 ? argv[3] : "");
    bool is_laws = argc == 4 && strcmp(argv[1], "laws") == 0;
    bool is_cells = argc == 4 && strcmp(argv[1], "cells") == 0;
    bool is_witness = argc == 4 && strcmp(argv[1], "witness") == 0;
    bool is_pairs = argc == 4 && strcmp(argv[1], "pairs") == 0;
    if ((!is_pairs && !is_laws && !is_cells && !is_witness) ||
        !str_to_u64(str_of(argv[2]), 1000000, &count) ||
        !str_to_u64(str_of(argv[3]), UINT64_MAX / 2, &seed)) {
        fprintf(stderr, "usage: agree pairs|laws|cells|witness COUNT SEED, agree show SEED "
                        "[plain|load|cells]\n");
        return 2;
    }
    const char *envoy = is_witness ? getenv("ENVOY") : NULL;
    if (is_witness && (envoy == NULL || envoy[0] == '\0')) {
        fprintf(stderr, "agree: $ENVOY names no Envoy; `make envoy` installs one\n");
        return 4;
    }
    uint64_t passed = 0;
    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    for (uint64_t i = 0; i < count; i++)
        passed += is_laws    ? laws_hold(seed + i)
                  : is_cells ? cells_hold(seed + i)
                             : pair_agrees(seed + i, envoy);
    printf("%llu passed, %llu failed\n", (unsigned long long)passed,
           (unsigned long long)(count - passed));
    return passed == count ? 0 : 1;
}
