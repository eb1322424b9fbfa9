/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/agree/agree.c - virtual time and real sockets agree; and what must hold
 * whatever the luck.
 *
 *   agree pairs COUNT SEED    COUNT made-up meshes, behaviours and requests, each on
 *                             sim and on live: answers to the byte, flags, details,
 *                             attempts, hosts, counters. Real time may be late on a
 *                             busy machine: what differs must differ three times.
 *   agree laws COUNT SEED     COUNT made-up loads in virtual time, twice each, with
 *                             messages as they are and with their bytes: every request
 *                             ends once, nothing is held at the end, attempts stay
 *                             below their bound; both plays have the same hash, outcomes
 *                             and counters.
 *   agree show SEED           the manifests and the test of a pair
 *
 * The last line counts; a difference comes with its seed.
 */
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/hash.h"
#include "base/ns.h"
#include "testbed/runner/suite.h"
#include "testbed/sim/sim.h"
#include "testbed/sockets/sockets.h"
#include "tests/agree/chance.h"
#include "tests/agree/compare.h"

#define TRIES 3u
#define OUTCOMES_MAX 64u
#define SETTLE_NS (40 * NS_MS)
#define LONG_NS (60 * NS_SECOND) /* longer than anything takes */
/* The most that a made-up route asks for: three retries, and Istio's own two. */
#define ATTEMPTS_MAX 4u

/* One made-up case, read. */
struct stage {
    struct arena arena;
    struct diag_list diags;
    struct documents mesh, documents;
    struct suite suite;
    struct world *world;
};

static bool stage_open(struct stage *stage, const struct chance_text *text)
{
    *stage = (struct stage){0};
    arena_init(&stage->arena, 65536, 0);
    diag_list_init(&stage->diags, &stage->arena);
    tree_read(STR("mesh.yaml"), buf_str(&text->mesh), &stage->arena, &stage->mesh, &stage->diags);
    tree_read(STR("t.yaml"), buf_str(&text->test), &stage->arena, &stage->documents, &stage->diags);
    struct suite_options options = {.manifests = &stage->mesh};
    bool is_good = suite_of(&stage->documents, STR("t.yaml"), &options, &stage->arena,
                            &stage->suite, &stage->diags);
    if (is_good) {
        struct world_spec spec =
            suite_world_spec(&stage->suite, stage->suite.workloads, &stage->suite.tests[0].with,
                             &stage->arena, &stage->diags);
        stage->world = world_new(&spec, &stage->arena, &stage->diags);
    }
    for (uint32_t i = 0; stage->world == NULL && i < stage->diags.count; i++)
        printf("  %.*s:%u: %.*s\n", STR_FMT(stage->diags.items[i].origin.file),
               stage->diags.items[i].origin.line,
               STR_FMT(diag_text(&stage->diags.items[i], &stage->arena)));
    return stage->world != NULL;
}

static void stage_close(struct stage *stage)
{
    world_free(stage->world);
    suite_fini(&stage->suite);
    arena_fini(&stage->arena);
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

static bool agree_once(const struct chance_text *text, uint64_t seed, struct buf *out)
{
    /* A world of its own for each: scripts and queues are the world's. */
    static struct told virtual_told, real_told;
    struct stage one, other;
    struct str why;
    bool is_same = stage_open(&one, text);
    is_same &= stage_open(&other, text);
    struct play *virtual_play =
        is_same ? sim_play_new(one.world, (struct play_options){.seed = seed}) : NULL;
    struct play *real_play =
        is_same ? sockets_play_new(other.world, (struct play_options){.seed = seed}, &why) : NULL;
    if (virtual_play != NULL && real_play != NULL) {
        play_all(&one, virtual_play, &virtual_told);
        play_all(&other, real_play, &real_told);
        for (uint32_t i = 0; i < virtual_told.count; i++) {
            size_t before = buf_size(out);
            if (compare_outcomes(&virtual_told.outcomes[i], &real_told.outcomes[i], out))
                continue;
            is_same = false;
            ASSERT(buf_size(out) > before);
            ASSERT(buf_format(out, "  (request %u)\n", i + 1) == RC_OK);
        }
        is_same &= compare_counters(virtual_play, real_play, one.world, out);
        virtual_play->ops->wait(virtual_play, LONG_NS); /* slow mirrors too */
        is_same &= nothing_is_held(virtual_play, out);
    } else {
        is_same = false;
        ASSERT(buf_format(out, "  cannot be played\n") == RC_OK);
    }
    if (virtual_play != NULL)
        virtual_play->ops->free(virtual_play);
    if (real_play != NULL)
        real_play->ops->free(real_play);
    stage_close(&one);
    stage_close(&other);
    return is_same;
}

static bool pair_agrees(uint64_t seed)
{
    struct chance_text text;
    struct buf out;
    bool is_same = false;
    chance_requests(seed, &text);
    buf_init(&out, 1 << 24);
    for (uint32_t try = 0; !is_same && try < TRIES; try++) {
        buf_clear(&out);
        is_same = agree_once(&text, seed, &out);
    }
    if (!is_same)
        printf("seed %llu: sim and live differ\n%.*s", (unsigned long long)seed,
               STR_FMT(buf_str(&out)));
    buf_fini(&out);
    chance_fini(&text);
    return is_same;
}

/* --- laws ------------------------------------------------------------------ */

struct law_book {
    struct play *play;
    uint64_t begun_count, done_count, attempts_most, hash;
    uint64_t told_hash;  /* of what callers and records say */
    uint64_t held_count; /* at the end */
    bool is_twice;       /* somebody ended twice */
};

static bool attempts_hold(const struct outcome *outcome)
{
    return !outcome->has_record || outcome->record.attempt_count <= ATTEMPTS_MAX;
}

/* All that stays of an outcome that is counted. */
static uint64_t hash_outcome(uint64_t hash, const struct outcome *outcome)
{
    const struct record *record = &outcome->record;
    const uint64_t numbers[] = {
        outcome->error,
        outcome->has_response,
        outcome->status,
        outcome->body_size,
        (uint64_t)outcome->duration_ns,
        outcome->pod,
        outcome->has_record,
        record->status,
        record->reason,
        record->attempt_count,
        record->bytes_received,
        record->bytes_sent,
        record->upstream.connection_id,
        (uint64_t)record->backoff_ns,
        (uint64_t)record->started_ns,
        (uint64_t)record->finished_ns,
        (uint64_t)record->request_ended_ns,
        (uint64_t)record->request_sent_ns,
        (uint64_t)record->response_started_ns,
        (uint64_t)record->response_forwarded_ns,
        record->route != NULL ? (uint64_t)record->route->origin.line : 0,
        record->endpoint != NULL ? record->endpoint->port : 0,
    };
    for (size_t i = 0; i < COUNT_OF(numbers); i++)
        hash = hash_fnv64_add_u64(hash, numbers[i]);
    hash = hash_fnv64_add(hash, outcome->flags);
    hash = hash_fnv64_add(hash, record->details);
    hash = hash_fnv64_add(hash, record->transport_failure);
    return hash_fnv64_add(hash, record->cluster_name);
}

#define REQUESTS_MAX 1000u

static void take(const struct play_done *done, bool *is_over, struct law_book *book)
{
    ASSERT(done->number < REQUESTS_MAX);
    book->is_twice |= is_over[done->number];
    is_over[done->number] = true;
    book->done_count++;
    book->told_hash =
        hash_outcome(hash_fnv64_add_u64(book->told_hash, done->number), done->outcome);
    if (!attempts_hold(done->outcome))
        book->attempts_most = done->outcome->record.attempt_count;
}

/* The book's play is to be freed. */
static struct law_book play_load(struct stage *stage, uint64_t seed, bool is_bytewise)
{
    struct law_book book = {.told_hash = HASH_FNV64_START};
    bool is_over[REQUESTS_MAX] = {0};
    const struct load_spec *load = &stage->suite.tests[0].cases[0].timeline[0].load;
    struct play *play =
        sim_play_new(stage->world, (struct play_options){.seed = seed, .is_bytewise = is_bytewise});
    struct rng rng = rng_seeded(seed, STR("laws"));
    const struct play_done *done;
    int64_t at_ns = 0;
    uint32_t *models = ARENA_ARRAY(&stage->arena, uint32_t, load->call_count);
    for (uint32_t i = 0; i < load->call_count; i++)
        models[i] = play->ops->model(play, &load->calls[i]);
    for (; book.begun_count < REQUESTS_MAX / 2; book.begun_count++) {
        at_ns += (int64_t)rng_below(&rng, 8 * NS_MS);
        while ((done = play->ops->next(play, at_ns)) != NULL)
            take(done, is_over, &book);
        uint64_t which = rng_below(&rng, load->call_count);
        struct call call = load->calls[which];
        call.model = models[which];
        call.is_counted = rng_below(&rng, 4) > 0;
        /* Some leave before they have an answer. */
        call.has_cancel = rng_below(&rng, 10) == 0;
        call.cancel_after_ns = (int64_t)rng_below(&rng, 100 * NS_MS);
        play->ops->begin(play, &call, book.begun_count);
    }
    while ((done = play->ops->next(play, NS_NEVER)) != NULL)
        take(done, is_over, &book);
    play->ops->drop_kept(play);
    play->ops->wait(play, LONG_NS);
    book.held_count = play->ops->under_way(play);
    book.hash = play->ops->hash(play);
    book.play = play;
    return book;
}

/* Of messages as they are, and of their bytes. */
static bool plays_agree(const struct law_book *book, const struct law_book *again,
                        const struct world *world, struct buf *out)
{
    bool is_same = book->hash == again->hash && book->told_hash == again->told_hash;
    is_same &= compare_counters(book->play, again->play, world, out);
    return is_same & compare_byte_counters(book->play, again->play, world, out);
}

static bool laws_hold(uint64_t seed)
{
    struct chance_text text;
    struct stage stage;
    struct buf out;
    buf_init(&out, 1 << 24);
    chance_load(seed, &text);
    bool is_good = stage_open(&stage, &text);
    struct law_book book = {0}, again = {0};
    if (is_good) {
        book = play_load(&stage, seed, false);
        again = play_load(&stage, seed, true);
        is_good = plays_agree(&book, &again, stage.world, &out);
    }
    is_good &= book.done_count == book.begun_count && !book.is_twice;
    is_good &= book.attempts_most == 0 && book.held_count == 0;
    if (!is_good)
        printf("seed %llu: %llu begun, %llu ended%s, %llu held at the end, %llu attempts, hashes "
               "%016llx %016llx, of outcomes %016llx %016llx\n%.*s",
               (unsigned long long)seed, (unsigned long long)book.begun_count,
               (unsigned long long)book.done_count, book.is_twice ? ", one twice" : "",
               (unsigned long long)book.held_count, (unsigned long long)book.attempts_most,
               (unsigned long long)book.hash, (unsigned long long)again.hash,
               (unsigned long long)book.told_hash, (unsigned long long)again.told_hash,
               STR_FMT(buf_str(&out)));
    if (book.play != NULL)
        book.play->ops->free(book.play);
    if (again.play != NULL)
        again.play->ops->free(again.play);
    stage_close(&stage);
    chance_fini(&text);
    buf_fini(&out);
    return is_good;
}

static int show(uint64_t seed)
{
    struct chance_text text;
    chance_requests(seed, &text);
    printf("# mesh.yaml\n%.*s# test.yaml\n%.*s", STR_FMT(buf_str(&text.mesh)),
           STR_FMT(buf_str(&text.test)));
    chance_fini(&text);
    return 0;
}

int main(int argc, char **argv)
{
    uint64_t count = 0, seed = 0;
    if (argc == 3 && strcmp(argv[1], "show") == 0 && str_to_u64(str_of(argv[2]), UINT64_MAX, &seed))
        return show(seed);
    bool is_pairs = argc == 4 && strcmp(argv[1], "pairs") == 0;
    bool is_laws = argc == 4 && strcmp(argv[1], "laws") == 0;
    if ((!is_pairs && !is_laws) || !str_to_u64(str_of(argv[2]), 1000000, &count) ||
        !str_to_u64(str_of(argv[3]), UINT64_MAX / 2, &seed)) {
        fprintf(stderr, "usage: agree pairs|laws COUNT SEED, agree show SEED\n");
        return 2;
    }
    uint64_t passed = 0;
    for (uint64_t i = 0; i < count; i++)
        passed += is_pairs ? pair_agrees(seed + i) : laws_hold(seed + i);
    printf("%llu passed, %llu failed\n", (unsigned long long)passed,
           (unsigned long long)(count - passed));
    return passed == count ? 0 : 1;
}
