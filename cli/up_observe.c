/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/up_observe.c - the access log and the admin interface of `pocketmesh up`.
 *
 * The MeshConfig asks for a log as in a cluster; --access-log and
 * --access-log-format go before it.
 */
#include "base/ns.h"
#include "cli/command.h"
#include "cli/up.h"
#include "proxy/core/access_log.h"
#include "proxy/live/address_map.h"

/* For a reader of the log who does not read, at the end. */
#define FLUSH_PATIENCE_NS NS_SECOND

/* --- words ----------------------------------------------------------------------- */

void up_take_access_log(void *user, struct str value)
{
    struct up_job *job = user;
    struct mesh_access_log *log = &job->access_log;
    if (value.len == 0)
        words_complain(&job->words, "--access-log is a file, - for standard output, or off");
    log->has_file = true;
    job->is_log_off = str_eq(value, STR("off"));
    log->file = job->is_log_off ? STR_EMPTY : str_eq(value, STR("-")) ? STR("/dev/stdout") : value;
}

/* A name, a text, or a JSON object. */
void up_take_access_log_format(void *user, struct str value)
{
    struct up_job *job = user;
    struct mesh_access_log *log = &job->access_log;
    bool is_name = str_eq(value, STR("istio")) || str_eq(value, STR("json"));
    log->has_format = true;
    log->is_json = str_eq(value, STR("json")) || str_has_prefix(value, STR("{"));
    log->format = is_name ? STR_EMPTY : str_eq(value, STR("envoy")) ? ACCESS_LOG_ENVOY_TEXT : value;
    if (value.len == 0)
        words_complain(&job->words, "--access-log-format is istio, envoy, json, a text with "
                                    "%%COMMANDS%%, or a JSON object");
}

/* ADDRESS:PORT, [ADDRESS]:PORT, :PORT or PORT. */
void up_take_admin(void *user, struct str value)
{
    struct up_job *job = user;
    struct sockaddr_storage place;
    uint64_t port = 0;
    size_t colon = str_find_last(value, ':');
    struct str address = colon != STR_NONE ? str_slice(value, 0, colon) : STR_EMPTY;
    struct str port_text = colon != STR_NONE ? str_from(value, colon + 1) : value;
    if (str_has_prefix(address, STR("[")) && str_has_suffix(address, STR("]")))
        address = str_slice(address, 1, address.len - 1);
    if (address.len == 0 || str_eq(address, STR("localhost")))
        address = STR("127.0.0.1");
    if (!str_to_u64(port_text, UINT16_MAX, &port) ||
        !address_parse(address, (uint32_t)port, &place))
        words_complain(&job->words,
                       "--admin is ADDRESS:PORT, such as 127.0.0.1:15000, not \"%.*s\"",
                       STR_FMT(value));
    else if (!address_is_loopback(&place))
        words_complain(&job->words,
                       "--admin: whoever reaches it can end the mesh, so it listens on this "
                       "machine only: 127.0.0.1:%u, not \"%.*s\"",
                       (uint32_t)port, STR_FMT(value));
    job->has_admin = true;
    job->admin_address = address;
    job->admin_port = (uint32_t)port;
}

bool up_check_access_log(struct up_job *job)
{
    struct mesh_access_log *log = &job->access_log;
    struct access_log_error error;
    log->is_output_taken = job->is_json;
    if (log->format.len == 0)
        return true;
    enum access_log_encoding encoding = log->is_json ? ACCESS_LOG_JSON : ACCESS_LOG_TEXT;
    if (access_log_format_new(encoding, log->format, &job->words.arena, &error) == NULL)
        words_complain(&job->words, "--access-log-format, byte %zu: %.*s", error.at,
                       STR_FMT(error.what));
    return !job->words.is_wrong;
}

/* --- the access log --------------------------------------------------------------- */

/* On the workers' threads. */
static void note(const struct server_done *done, struct str proxy, void *user)
{
    (void)proxy;
    access_logger_note(user, done->worker, done->record, done->epoch_seconds);
}

struct town_listener up_begin_access_log(struct up_job *job)
{
    if (job->is_log_off)
        return (struct town_listener){0};
    job->logger = access_logger_new(job->worker_count);
    return (struct town_listener){.on_done = note, .user = job->logger};
}

/* All listeners of a mesh have the same one, if any. */
static const struct access_log *log_of(const struct world *world)
{
    for (uint32_t i = 0; i < world->client_count; i++) {
        const struct snapshot *snapshot = world->clients[i].snapshot;
        for (uint32_t k = 0; snapshot != NULL && k < snapshot->listener_count; k++) {
            const struct listener *listener = &snapshot->listeners[k];
            const struct filter_chain *chain =
                listener->chain_count > 0 ? &listener->chains[0] : listener->default_chain;
            if (chain == NULL)
                continue;
            const struct access_log_list *logs =
                chain->kind == CHAIN_HTTP ? &chain->http.access_logs : &chain->tcp.access_logs;
            if (logs->count > 0)
                return &logs->items[0];
        }
    }
    return NULL;
}

/* What could not be learnt is a format of the user's files, or the system's word
 * about a file. */
static int blame(const struct world *world, struct arena *arena)
{
    struct access_log_error error;
    const struct access_log *log = log_of(world);
    bool is_format_wrong =
        log != NULL && access_log_format_new(log->encoding, log->format, arena, &error) == NULL;
    return is_format_wrong ? EXIT_CODE_INPUT : EXIT_CODE_SURROUNDINGS;
}

int up_learn_access_log(struct up_job *job, struct era *era)
{
    const struct world *world = era->world;
    struct str why;
    if (job->logger == NULL)
        return EXIT_CODE_FINE;
    for (uint32_t i = 0; i < world->client_count; i++) {
        if (world->clients[i].snapshot == NULL ||
            access_logger_learn(job->logger, world->clients[i].snapshot, &era->arena, &why))
            continue;
        words_complain(&job->words, "%.*s", STR_FMT(why));
        return blame(world, &era->arena);
    }
    return EXIT_CODE_FINE;
}

void up_reopen_access_log(struct up_job *job)
{
    if (job->logger != NULL)
        access_logger_reopen(job->logger);
}

void up_end_access_log(struct up_job *job)
{
    if (job->logger == NULL)
        return;
    bool is_written = access_logger_flush(job->logger, FLUSH_PATIENCE_NS);
    uint64_t dropped_count = access_logger_stats(job->logger).dropped_lines;
    if (dropped_count > 0)
        fprintf(stderr, "access log: %llu line%s could not be written\n",
                (unsigned long long)dropped_count, dropped_count == 1 ? "" : "s");
    else if (!is_written)
        fputs("access log: its reader does not read; lines may be missing\n", stderr);
    access_logger_free(job->logger);
    job->logger = NULL;
}

/* --- the admin interface ------------------------------------------------------------ */

static void reopen_logs(void *user)
{
    up_reopen_access_log(user);
    up_reopen_outlier_log(user);
}

static void quit(void *user)
{
    struct up_job *job = user;
    job->end(job);
}

bool up_begin_admin(struct up_job *job)
{
    struct admin_town_options options = {
        .port = {.bind_address = job->admin_address,
                 .bind_port = job->admin_port,
                 .version = STR(POCKETMESH_VERSION)},
        .quit = quit,
        .reopen_logs = reopen_logs,
        .user = job,
    };
    struct str why;
    if (!job->has_admin)
        return true;
    job->admin = admin_town_new(job->town, &options, &why);
    if (job->admin == NULL) {
        words_complain(&job->words, "cannot listen on %.*s:%u for --admin: %.*s",
                       STR_FMT(job->admin_address), job->admin_port, STR_FMT(why));
        return false;
    }
    job->admin_port = admin_town_port(job->admin);
    return true;
}
