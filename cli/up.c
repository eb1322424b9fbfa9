/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/up.c - `pocketmesh up`: the mesh on this machine, until somebody ends it.
 */
#include <signal.h>
#include <unistd.h>

#include "base/check.h"
#include "base/ns.h"
#include "cli/command.h"
#include "cli/up.h"

#define SEED_DEFAULT 1u
#define NOT_RELOADED "not reloaded: the mesh goes on as it was\n"
/* What is under way may end within this when the mesh is told to end: twice the
 * time that Istio gives a pod's proxy (terminationDrainDuration). */
#define DRAIN_NS (10 * NS_SECOND)

static void take_from(void *user, struct str value)
{
    struct up_job *job = user;
    *ARENA_PUSH(&job->words.arena, job->from, job->from_count, job->from_capacity) = value;
}

/* NAME=ADDRESS, NAME=ADDRESS:PORT, NAME=:PORT. */
static void take_gateway(void *user, struct str value)
{
    struct up_job *job = user;
    struct register_wish wish = {.name = value};
    size_t equals = str_find(value, '=');
    uint64_t port = 0;
    struct sockaddr_storage place;
    bool is_fine = equals != STR_NONE && equals > 0;
    if (is_fine) {
        wish.name = str_slice(value, 0, equals);
        wish.address = str_from(value, equals + 1);
        size_t colon = str_find_last(wish.address, ':');
        if (colon != STR_NONE) {
            is_fine = str_to_u64(str_from(wish.address, colon + 1), UINT16_MAX, &port) && port > 0;
            wish.address = str_slice(wish.address, 0, colon);
        }
        if (wish.address.len == 0)
            wish.address = STR("127.0.0.1");
        wish.port = (uint32_t)port;
        is_fine = is_fine && address_parse(wish.address, wish.port, &place);
    }
    if (is_fine)
        *ARENA_PUSH(&job->words.arena, job->wishes, job->wish_count, job->wish_capacity) = wish;
    else
        words_complain(&job->words, "--gateway is NAME=ADDRESS or NAME=ADDRESS:PORT, not \"%.*s\"",
                       STR_FMT(value));
}

static void take_namespace(void *user, struct str value)
{
    ((struct up_job *)user)->namespace = value;
}

static void take_workers(void *user, struct str value)
{
    ((struct up_job *)user)->workers_text = value;
}

static void take_watch(void *user, struct str value)
{
    (void)value;
    ((struct up_job *)user)->is_watching = true;
}

static void take_allow_external(void *user, struct str value)
{
    (void)value;
    ((struct up_job *)user)->is_external_allowed = true;
}

static bool reads_standard_input(const struct words *words)
{
    for (uint32_t i = 0; i < words->manifest_count; i++) {
        if (str_eq(words->manifests[i], STR("-")))
            return true;
    }
    return false;
}

static bool take_words(struct up_job *job)
{
    struct words *words = &job->words;
    uint64_t worker_count = 1;
    if (words->plain_count > 1)
        words_complain(words, "name one test file at most; manifests come with -f");
    if (words->manifest_count == 0 && words->plain_count == 0)
        words_complain(words, "there is nothing to serve: name manifests, such as -f manifests/, "
                              "or a test file");
    if (job->workers_text.len > 0 &&
        (!str_to_u64(job->workers_text, FLEET_WORKERS_MAX, &worker_count) || worker_count == 0))
        words_complain(words, "--workers is a number from 1 to %u, not \"%.*s\"", FLEET_WORKERS_MAX,
                       STR_FMT(job->workers_text));
    if (words->output.len > 0 && !str_eq(words->output, STR("json")) &&
        !str_eq(words->output, STR("table")))
        words_complain(words, "-o is table or json, not \"%.*s\"", STR_FMT(words->output));
    if (job->is_watching && reads_standard_input(words))
        words_complain(words, "--watch cannot watch standard input");
    job->worker_count = (uint32_t)worker_count;
    job->is_json = str_eq(words->output, STR("json"));
    return up_check_access_log(job) && !words->is_wrong;
}

/* --- files change -------------------------------------------------------------- */

static void put_into_force(struct up_job *job, struct era *era)
{
    struct registry registry;
    struct str why = STR_EMPTY;
    struct era *before = town_era(job->town);
    era_hold(before);
    switch (town_open(job->town, era, &registry, &why)) {
    case TOWN_FINE:
        if (!job->is_reading_again)
            up_show_changes(before->world, era->world);
        (void)up_show(job, &registry);
        (void)up_save_certs(job, era);
        up_follow_authority(job);
        break;
    case TOWN_UNBINDABLE:
        up_show_unbindable(&registry);
        fputs(NOT_RELOADED, stderr);
        break;
    case TOWN_REFUSED:
        words_complain(&job->words, "%.*s", STR_FMT(why));
        break;
    }
    admin_town_follow(job->admin);
    era_drop(before);
}

/* Puts the files as they are now into force; a bad edit changes nothing. */
static void reload(struct up_job *job)
{
    if (job->is_draining)
        return;
    struct era *era = up_read(job);
    if (era == NULL) {
        /* A test file that cannot be read names no manifests: those of before count. */
        fputs(NOT_RELOADED, stderr);
        return;
    }
    if (job->watch != NULL)
        watch_set(job->watch, job->watched, job->watched_count);
    if (up_learn_access_log(job, era) == EXIT_CODE_FINE)
        put_into_force(job, era);
    else
        fputs(NOT_RELOADED, stderr);
    era_drop(era);
}

/* Another authority signs: the same files, with its certificates. */
static void read_again(struct up_job *job)
{
    job->is_reading_again = true;
    reload(job);
    job->is_reading_again = false;
}

static void on_change(void *user)
{
    reload(user);
}

/* --- signals ------------------------------------------------------------------- */

static void on_patience_over(uv_timer_t *timer)
{
    struct up_job *job = timer->data;
    town_stop(job->town);
}

static void begin_end(struct up_job *job)
{
    if (job->is_draining)
        return;
    job->is_draining = true;
    admin_town_drain(job->admin);
    if (!job->words.is_quiet)
        fputs("draining: what is under way may end; once more ends it at once\n", stderr);
    town_drain(job->town, NS_HOUR); /* the timer cuts it, which is then known */
    struct loop *loop = town_loop(job->town);
    loop_timer_set(loop, &job->patience, ns_add(loop_now_ns(loop), DRAIN_NS), on_patience_over);
}

static void on_end_signal(uv_signal_t *signal, int number)
{
    struct up_job *job = signal->data;
    (void)number;
    if (job->is_draining)
        town_stop(job->town);
    else
        begin_end(job);
}

static void on_hangup(uv_signal_t *signal, int number)
{
    struct up_job *job = signal->data;
    (void)number;
    up_reopen_access_log(job);
    up_reopen_outlier_log(job);
    if (reads_standard_input(&job->words))
        fputs("not reloaded: standard input cannot be read twice\n", stderr);
    else
        reload(job);
}

static void on_handle_closed(uv_handle_t *handle)
{
    struct up_job *job = handle->data;
    job->handle_count--;
}

static void watch_signal(struct up_job *job, uv_signal_t *signal, uv_signal_cb callback, int number)
{
    int rc = uv_signal_init(&town_loop(job->town)->uv, signal);
    ASSERT(rc == 0);
    signal->data = job;
    rc = uv_signal_start(signal, callback, number);
    ASSERT(rc == 0);
    job->handle_count++;
}

static void begin_handles(struct up_job *job)
{
    int rc = uv_timer_init(&town_loop(job->town)->uv, &job->patience);
    ASSERT(rc == 0);
    job->patience.data = job;
    rc = uv_timer_init(&town_loop(job->town)->uv, &job->settling);
    ASSERT(rc == 0);
    job->settling.data = job;
    job->handle_count = 2;
    watch_signal(job, &job->interrupt, on_end_signal, SIGINT);
    watch_signal(job, &job->terminate, on_end_signal, SIGTERM);
    watch_signal(job, &job->hangup, on_hangup, SIGHUP);
}

static void end_handles(struct up_job *job)
{
    uv_close((uv_handle_t *)&job->patience, on_handle_closed);
    uv_close((uv_handle_t *)&job->settling, on_handle_closed);
    uv_close((uv_handle_t *)&job->interrupt, on_handle_closed);
    uv_close((uv_handle_t *)&job->terminate, on_handle_closed);
    uv_close((uv_handle_t *)&job->hangup, on_handle_closed);
    while (job->handle_count > 0)
        loop_turn(town_loop(job->town));
}

/* --- the life of the mesh -------------------------------------------------------- */

/* Workers inherit the mask: signals are the main thread's. */
static struct town *begin_town(struct up_job *job)
{
    struct town_options options = {
        .worker_count = job->worker_count,
        .seed = job->words.has_seed ? job->words.seed : SEED_DEFAULT,
        .is_external_allowed = job->is_external_allowed,
        .wishes = job->wishes,
        .wish_count = job->wish_count,
        .listener = up_begin_access_log(job),
    };
    sigset_t ours, before;
    sigemptyset(&ours);
    sigaddset(&ours, SIGINT);
    sigaddset(&ours, SIGTERM);
    sigaddset(&ours, SIGHUP);
    (void)signal(SIGPIPE, SIG_IGN);
    (void)pthread_sigmask(SIG_BLOCK, &ours, &before);
    struct town *town = NULL;
    if (up_begin_outlier_log(job, &options.listener)) {
        town = town_new(&options);
        if (town == NULL)
            words_complain(&job->words, "the system has no threads or descriptors left");
    }
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return town;
}

static int serve(struct up_job *job)
{
    begin_handles(job);
    if (job->is_watching) {
        job->watch = watch_new(town_loop(job->town), on_change, job);
        watch_set(job->watch, job->watched, job->watched_count);
    }
    fputs("ready\n", stderr);
    while (!town_is_over(job->town))
        loop_turn(town_loop(job->town));
    watch_free(job->watch);
    end_handles(job);
    return town_was_cut(job->town) ? EXIT_CODE_NO : EXIT_CODE_FINE;
}

static int open_town(struct up_job *job, struct era *era)
{
    struct registry registry;
    struct str why = STR_EMPTY;
    switch (town_open(job->town, era, &registry, &why)) {
    case TOWN_FINE:
        admin_town_follow(job->admin);
        return up_save_certs(job, era) && up_show(job, &registry) ? serve(job)
                                                                  : EXIT_CODE_SURROUNDINGS;
    case TOWN_UNBINDABLE:
        up_show_unbindable(&registry);
        return EXIT_CODE_SURROUNDINGS;
    case TOWN_REFUSED:
        words_complain(&job->words, "%.*s", STR_FMT(why));
        return EXIT_CODE_SURROUNDINGS;
    }
    UNREACHABLE("town_verdict");
}

static int begin_mesh(struct up_job *job, struct era *era)
{
    int code = up_learn_access_log(job, era);
    return code == EXIT_CODE_FINE ? open_town(job, era) : code;
}

static int run_job(struct up_job *job)
{
    if (!take_words(job))
        return EXIT_CODE_INPUT;
    if (!up_begin_certs(job)) {
        up_end_certs(job);
        return EXIT_CODE_SURROUNDINGS;
    }
    struct era *era = up_read(job);
    if (era == NULL) {
        up_end_certs(job);
        return EXIT_CODE_INPUT;
    }
    int code = EXIT_CODE_SURROUNDINGS;
    job->town = begin_town(job);
    if (job->town != NULL && up_begin_admin(job))
        code = begin_mesh(job, era);
    admin_town_free(job->admin);
    town_free(job->town);
    up_end_access_log(job);
    up_end_outlier_log(job);
    era_drop(era);
    up_end_certs(job);
    return code;
}

int cmd_up(int argc, char **argv)
{
    static const struct words_option OPTIONS[] = {
        {"--from", .take = take_from},
        {"--gateway", .take = take_gateway},
        {"-n", .take = take_namespace},
        {"--namespace", .take = take_namespace},
        {"--workers", .take = take_workers},
        {"--watch", .flag = take_watch},
        {"--allow-external", .flag = take_allow_external},
        {"--access-log", .take = up_take_access_log},
        {"--access-log-format", .take = up_take_access_log_format},
        {"--outlier-log", .take = up_take_outlier_log},
        {"--admin", .take = up_take_admin},
        {"--certs", .take = up_take_certs},
    };
    struct up_job job = {.namespace = STR("default"), .end = begin_end, .read_again = read_again};
    words_init(&job.words, "up");
    map_init(&job.said, &job.words.arena);
    arena_init(&job.watched_names, 4096, 0);
    arena_init(&job.shown_memory, 4096, 0);
    int code = EXIT_CODE_INPUT;
    if (words_read(&job.words, argc, argv, OPTIONS, COUNT_OF(OPTIONS), &job))
        code = run_job(&job);
    arena_fini(&job.watched_names);
    arena_fini(&job.shown_memory);
    words_fini(&job.words);
    return code;
}
