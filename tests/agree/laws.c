/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/agree/laws.c - see laws.h.
 */
#include "tests/agree/laws.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/check.h"
#include "base/hash.h"
#include "base/ns.h"
#include "proxy/wire/inside.h"
#include "testbed/sim/inside.h"
#include "testbed/sim/sim.h"
#include "tests/agree/compare.h"
#include "tests/agree/stage.h"

#define REQUESTS 250u /* of one load.. */
#define LOADS 8u      /* ..the first half of which finds what there is most of at once.. */
#define LOADS_MAX 64u /* ..or more, where a late crowd was the largest: a leak never ends */
#define QUIET_NS (60 * NS_SECOND)      /* longer than any request takes */
#define DAY_NS (24 * 3600 * NS_SECOND) /* longer than an idle connection lives */
#define MODELS_MAX 16u
#define CALLERS 2u                            /* those with a sidecar */
#define GROWTH_BYTES_MAX ((size_t)128 * 1024) /* names in events; a larger crowd */

struct law_book {
    uint64_t seed;
    const struct stage *stage;
    struct play *play;
    uint32_t load_count;
    bool is_over[REQUESTS * LOADS_MAX];
    uint64_t begun_count, done_count, hash;
    uint64_t told_hash; /* of what callers and records say */
    bool is_bytewise;   /* messages are their bytes, not what they mean */
    bool is_growing;    /* memory, in the second half of the loads */
    uint32_t broken_count;
};

static void broken(struct law_book *book, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static void broken(struct law_book *book, const char *format, ...)
{
    va_list words;
    if (book->broken_count++ == 0)
        printf("seed %llu:\n", (unsigned long long)book->seed);
    printf("  ");
    va_start(words, format);
    (void)vprintf(format, words);
    va_end(words);
    printf("\n");
}

/* The first try, and the retries of its route. */
static uint32_t attempts_most(const struct outcome *outcome)
{
    const struct route *route = outcome->record.route;
    const struct retry_policy *retry = route != NULL ? route->forward.retry : NULL;
    return retry != NULL ? 1 + retry->num_retries : 1;
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

static void take(struct law_book *book, const struct play_done *done)
{
    const struct outcome *outcome = done->outcome;
    ASSERT(done->number < COUNT_OF(book->is_over));
    if (book->is_over[done->number])
        broken(book, "request %llu ended twice", (unsigned long long)done->number);
    book->is_over[done->number] = true;
    book->done_count++;
    book->told_hash = hash_outcome(hash_fnv64_add_u64(book->told_hash, done->number), outcome);
    if (outcome->has_record && outcome->record.attempt_count > attempts_most(outcome))
        broken(book, "%u attempts where the route has %u", outcome->record.attempt_count,
               attempts_most(outcome));
}

/* Some callers leave before they have an answer. */
static void play_load(struct law_book *book, const uint32_t *models, struct rng *rng)
{
    const struct load_spec *load = &book->stage->suite.tests[0].cases[0].timeline[0].load;
    struct play *play = book->play;
    const struct play_done *done;
    int64_t at_ns = play->ops->now_ns(play);
    for (uint32_t i = 0; i < REQUESTS; i++) {
        at_ns += (int64_t)rng_below(rng, 8 * NS_MS);
        while ((done = play->ops->next(play, at_ns)) != NULL)
            take(book, done);
        uint64_t which = rng_below(rng, load->call_count);
        struct call call = load->calls[which];
        call.is_counted = rng_below(rng, 4) > 0;
        call.client = (uint32_t)rng_below(rng, CALLERS);
        call.model = models[which * CALLERS + call.client];
        call.has_cancel = rng_below(rng, 10) == 0;
        call.is_cancelling_by_reset = rng_below(rng, 2) == 0;
        call.cancel_after_ns = (int64_t)rng_below(rng, 100 * NS_MS);
        play->ops->begin(play, &call, book->begun_count++);
    }
    while ((done = play->ops->next(play, NS_NEVER)) != NULL)
        take(book, done);
    play->ops->drop_kept(play);
    play->ops->wait(play, QUIET_NS);
    uint64_t held_count = play->ops->under_way(play);
    if (held_count > 0)
        broken(book, "%llu requests are held", (unsigned long long)held_count);
}

/* --- what there was at most ------------------------------------------------- */

static const struct snapshot *snapshot_of(const struct law_book *book)
{
    return book->stage->world->clients[0].snapshot;
}

/* Not every caller sees each of them. */
static uint32_t host_count(const struct law_book *book, const struct cluster *cluster)
{
    uint32_t most = 0;
    for (uint32_t i = 0; i < CALLERS; i++) {
        const struct cluster *seen =
            snapshot_cluster(book->stage->world->clients[i].snapshot, cluster->name);
        if (seen != NULL && seen->endpoint_count > most)
            most = seen->endpoint_count;
    }
    return most;
}

static void watch(struct law_book *book)
{
    const struct snapshot *snapshot = snapshot_of(book);
    for (uint32_t i = 0; i < snapshot->cluster_count && i < WATCHES_MAX; i++)
        book->play->ops->watch(book->play, snapshot->clusters[i].name);
}

static void hold_peaks(struct law_book *book)
{
    const struct snapshot *snapshot = snapshot_of(book);
    for (uint32_t i = 0; i < snapshot->cluster_count && i < WATCHES_MAX; i++) {
        const struct cluster *cluster = &snapshot->clusters[i];
        struct play_peaks peaks;
        if (!book->play->ops->peaks(book->play, cluster->name, &peaks))
            continue;
        /* A host without a connection may have one, whatever the limit says. */
        uint64_t below = (uint64_t)cluster->breakers.max_connections + host_count(book, cluster);
        if (peaks.connections >= below || peaks.requests > cluster->breakers.max_requests ||
            peaks.pending > cluster->breakers.max_pending_requests)
            broken(book,
                   "%.*s: %u connections of less than %llu, %u requests of %u, %u pending of "
                   "%u",
                   STR_FMT(cluster->name), peaks.connections, (unsigned long long)below,
                   peaks.requests, cluster->breakers.max_requests, peaks.pending,
                   cluster->breakers.max_pending_requests);
    }
}

/* --- who was ejected -------------------------------------------------------- */

static uint32_t percent_most(const struct cluster *cluster)
{
    const struct outlier_detection *outlier = cluster->outlier;
    bool is_said = (outlier->said >> OUTLIER_MAX_EJECTION_PERCENT & 1) != 0;
    return is_said ? outlier->numbers[OUTLIER_MAX_EJECTION_PERCENT] : 10;
}

/* Events are of all proxies; each has its own view of who is out. */
static void hold_ejections(struct law_book *book)
{
    const struct snapshot *snapshot = snapshot_of(book);
    uint32_t event_count;
    const struct play_event *events = book->play->ops->events(book->play, &event_count);
    for (uint32_t i = 0; i < snapshot->cluster_count; i++) {
        const struct cluster *cluster = &snapshot->clusters[i];
        int64_t out_count = 0, most = 0;
        for (uint32_t k = 0; k < event_count; k++) {
            bool is_eject = events[k].kind == PLAY_EJECT;
            if (!str_eq(events[k].cluster, cluster->name) || (is_eject && !events[k].is_enforced))
                continue;
            out_count += is_eject ? 1 : -1;
            most = out_count > most ? out_count : most;
        }
        if (most == 0)
            continue;
        /* Two callers have a proxy each: two views of the same hosts. */
        int64_t allowed = (int64_t)percent_most(cluster) * host_count(book, cluster) / 100;
        if (most > CALLERS * allowed)
            broken(book, "%.*s: %lld ejected at once, of %u hosts and %u callers",
                   STR_FMT(cluster->name), (long long)most, host_count(book, cluster), CALLERS);
    }
}

/* --- what is left ----------------------------------------------------------- */

static const struct sim *sim_of(const struct law_book *book)
{
    return (const struct sim *)(const void *)book->play;
}

static uint32_t proxy_count(const struct law_book *book)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < book->stage->world->client_count; i++)
        count += sim_of(book)->proxies[i] != NULL;
    return count;
}

/* Without what is kept on purpose: the events. */
static size_t memory_bytes(const struct law_book *book)
{
    const struct sim *sim = sim_of(book);
    size_t sum = sim->arena.used_bytes - sim->event_capacity * sizeof(*sim->events);
    for (uint32_t i = 0; i < book->stage->world->client_count; i++) {
        if (sim->proxies[i] != NULL)
            sum += sim->proxies[i]->wire->memory.used_bytes;
    }
    return sum;
}

static void hold_rest(struct law_book *book)
{
    const struct sim *sim = sim_of(book);
    book->play->ops->wait(book->play, DAY_NS);
    if (sim->timers.count > proxy_count(book))
        broken(book, "%u timers are left, of %u proxies", sim->timers.count, proxy_count(book));
    for (uint32_t i = 0; i < book->stage->world->client_count; i++) {
        uint32_t open_count =
            sim->proxies[i] != NULL ? wire_connection_count(sim->proxies[i]->wire) : 0;
        if (open_count > 0)
            broken(book, "%u connections are left", open_count);
    }
}

static void play_all(struct law_book *book)
{
    struct rng rng = rng_seeded(book->seed, STR("laws"));
    size_t memory[LOADS_MAX] = {0};
    uint32_t load_count = book->load_count;
    const struct load_spec *load = &book->stage->suite.tests[0].cases[0].timeline[0].load;
    uint32_t models[MODELS_MAX * CALLERS];
    book->play =
        sim_play_new(book->stage->world,
                     (struct play_options){.seed = book->seed, .is_bytewise = book->is_bytewise});
    ASSERT(load->call_count <= MODELS_MAX);
    for (uint32_t i = 0; i < load->call_count * CALLERS; i++) {
        struct call call = load->calls[i / CALLERS];
        call.client = i % CALLERS;
        models[i] = book->play->ops->model(book->play, &call);
    }
    watch(book);
    for (uint32_t i = 0; i < load_count; i++) {
        play_load(book, models, &rng);
        memory[i] = memory_bytes(book);
    }
    if (book->done_count != book->begun_count)
        broken(book, "%llu begun, %llu ended", (unsigned long long)book->begun_count,
               (unsigned long long)book->done_count);
    book->is_growing = memory[load_count - 1] > memory[load_count / 2 - 1] + GROWTH_BYTES_MAX;
    if (book->is_growing && load_count == LOADS_MAX)
        broken(book, "memory grows: %zu, %zu, %zu bytes", memory[0], memory[load_count / 2 - 1],
               memory[load_count - 1]);
    hold_peaks(book);
    hold_ejections(book);
    hold_rest(book);
    book->hash = book->play->ops->hash(book->play);
}

/* Of messages as they are, and of their bytes. */
static void hold_both(struct law_book *book, const struct law_book *again)
{
    struct buf out;
    buf_init(&out, 1 << 24);
    const struct world *world = book->stage->world;
    bool is_same = book->hash == again->hash && book->told_hash == again->told_hash;
    is_same &= compare_counters(book->play, again->play, world, false, &out);
    is_same &= compare_byte_counters(book->play, again->play, world, &out);
    if (!is_same)
        broken(book, "the same seed gave %016llx and %016llx, outcomes %016llx and %016llx\n%.*s",
               (unsigned long long)book->hash, (unsigned long long)again->hash,
               (unsigned long long)book->told_hash, (unsigned long long)again->told_hash,
               STR_FMT(buf_str(&out)));
    buf_fini(&out);
}

/* Whether they hold; memory that still grows is said apart: a larger crowd, or a leak. */
static bool hold_for(const struct stage *stage, uint64_t seed, uint32_t load_count,
                     bool *is_growing)
{
    static struct law_book book, again; /* large, and used one after the other */
    book = (struct law_book){
        .seed = seed, .stage = stage, .load_count = load_count, .told_hash = HASH_FNV64_START};
    again = book;
    again.is_bytewise = true;
    play_all(&book);
    play_all(&again);
    hold_both(&book, &again);
    book.play->ops->free(book.play);
    again.play->ops->free(again.play);
    *is_growing = book.is_growing || again.is_growing;
    return book.broken_count + again.broken_count == 0;
}

bool laws_hold(uint64_t seed)
{
    struct chance_text text;
    struct stage stage;
    chance_load(seed, &text);
    bool is_good = stage_open(&stage, &text), is_growing = true;
    for (uint32_t loads = LOADS; is_good && is_growing && loads <= LOADS_MAX; loads *= 2)
        is_good = hold_for(&stage, seed, loads, &is_growing);
    stage_close(&stage);
    chance_fini(&text);
    return is_good;
}
