/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/sockets/envoy.c - see envoy.h.
 */
#include "testbed/sockets/envoy.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

#include "base/check.h"
#include "base/ns.h"
#include "testbed/sockets/envoy_inside.h"
#include "testbed/sockets/envoy_stats.h"

#define CONFIG_BYTES_MAX ((size_t)1 << 30) /* a large mesh prints some MB */
#define LOG_HELD_BYTES_MAX ((size_t)16 << 20)
#define LOG_READ_BYTES ((size_t)64 * 1024)
#define FILE_BYTES_MAX 4096u /* an address; what it complained of last */
/* Between two looks at whether it serves. */
#define LOOK_NS (2 * NS_MS)

struct envoy {
    struct envoy_options options;
    struct arena *arena;
    struct envoy_ward *ward;
    pid_t pid; /* 0: it does not run */
    struct str admin;
    struct str listeners; /* "NAME::ADDRESS:PORT", a line each */
    uv_pipe_t log;
    bool has_log; /* its handle is open */
    bool is_serving;
    struct buf held;
    char *read_bytes;
};

static bool fail(struct envoy *envoy, struct str *why, const char *what)
{
    *why = arena_format(envoy->arena, "Envoy: %s: %s", what, strerror(errno));
    return false;
}

static int64_t clock_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (now.tv_sec * NS_SECOND + now.tv_nsec) / NS_MS;
}

/* --- its access log --------------------------------------------------------- */

static void on_alloc(uv_handle_t *handle, size_t suggested_bytes, uv_buf_t *buf)
{
    (void)suggested_bytes;
    struct envoy *envoy = handle->data;
    *buf = uv_buf_init(envoy->read_bytes, (unsigned)LOG_READ_BYTES);
}

static void on_read(uv_stream_t *stream, ssize_t size, const uv_buf_t *buf)
{
    struct envoy *envoy = stream->data;
    if (size <= 0)
        return;
    /* A line longer than all that is held is nobody's. */
    if (buf_append(&envoy->held, (struct str){buf->base, (size_t)size}) != RC_OK)
        buf_clear(&envoy->held);
    for (;;) {
        struct str all = buf_str(&envoy->held);
        size_t end = str_find(all, '\n');
        if (end == STR_NONE)
            return;
        envoy->options.on_line(str_slice(all, 0, end), envoy->options.user);
        buf_consume(&envoy->held, end + 1);
    }
}

static bool open_log(struct envoy *envoy, struct str *why)
{
    const char *path = envoy->ward->paths[ENVOY_LOG];
    if (mkfifo(path, 0600) != 0)
        return fail(envoy, why, "its access log");
    /* Open for both: it never ends, and Envoy's own opening does not wait. */
    int fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return fail(envoy, why, "its access log");
    ASSERT(uv_pipe_init(envoy->options.loop, &envoy->log, 0) == 0);
    envoy->log.data = envoy;
    envoy->has_log = true;
    envoy->read_bytes = arena_alloc(envoy->arena, LOG_READ_BYTES);
    ASSERT(uv_pipe_open(&envoy->log, fd) == 0);
    ASSERT(uv_read_start((uv_stream_t *)&envoy->log, on_alloc, on_read) == 0);
    return true;
}

/* --- its process ------------------------------------------------------------- */

static bool write_file(struct envoy *envoy, enum envoy_file which, struct str text)
{
    FILE *file = fopen(envoy->ward->paths[which], "we");
    bool is_written = file != NULL && fwrite(text.ptr, 1, text.len, file) == text.len;
    return file != NULL && fclose(file) == 0 && is_written;
}

static struct bootstrap_options bootstrap_of(const struct envoy *envoy)
{
    const struct envoy_options *options = &envoy->options;
    struct str folder = str_of(envoy->ward->paths[ENVOY_FOLDER]);
    return (struct bootstrap_options){
        .admin_address = STR("127.0.0.1"),
        .bind_address = options->bind_address,
        .has_bind_port = true,
        .access_log = str_of(envoy->ward->paths[ENVOY_LOG]),
        .event_log = str_of(envoy->ward->paths[ENVOY_LOG]),
        .reach = options->reach,
        .reach_inside = options->reach_inside,
        .reach_user = options->user,
        .gates = options->gates,
        .gate_count = options->gate_count,
        .endpoints_folder = options->has_moving_endpoints ? folder : STR_EMPTY,
        .source_address = options->bind_address,
        .keyring = options->keyring,
        .no_secrets = str_of(envoy->ward->paths[ENVOY_NO_SECRETS]),
    };
}

static bool write_config(struct envoy *envoy, struct str *why)
{
    struct bootstrap_options bootstrap = bootstrap_of(envoy);
    struct bootstrap_notes notes = {0};
    struct json json;
    struct buf out;
    buf_init(&out, CONFIG_BYTES_MAX);
    json_init(&json, &out, 0);
    enum rc rc = bootstrap_print(envoy->options.snapshot, &bootstrap, &json, envoy->arena, &notes);
    bool is_written = rc == RC_OK && write_file(envoy, ENVOY_CONFIG, buf_str(&out)) &&
                      write_file(envoy, ENVOY_NO_SECRETS, STR("{\"resources\": []}"));
    buf_fini(&out);
    return is_written || fail(envoy, why, "its configuration");
}

/* --- endpoints that come and go ------------------------------------------------ */

static bool write_endpoints(struct envoy *envoy, uint32_t index)
{
    struct bootstrap_options bootstrap = bootstrap_of(envoy);
    struct arena arena;
    struct json json;
    struct buf out;
    arena_init(&arena, FILE_BYTES_MAX, 0);
    buf_init(&out, CONFIG_BYTES_MAX);
    json_init(&json, &out, 0);
    struct str path = bootstrap_endpoints_file(&arena, bootstrap.endpoints_folder, index);
    const char *next = envoy->ward->paths[ENVOY_NEXT];
    bool is_written = bootstrap_print_endpoints(envoy->options.snapshot, &bootstrap, index, &json,
                                                &arena) == RC_OK &&
                      write_file(envoy, ENVOY_NEXT, buf_str(&out)) && rename(next, path.ptr) == 0;
    buf_fini(&out);
    arena_fini(&arena);
    return is_written;
}

static bool write_all_endpoints(struct envoy *envoy, struct str *why)
{
    const struct snapshot *snapshot = envoy->options.snapshot;
    if (!envoy->options.has_moving_endpoints)
        return true;
    for (uint32_t i = 0; i < snapshot->cluster_count; i++) {
        if (snapshot->clusters[i].type != CLUSTER_EDS)
            continue;
        envoy->ward->endpoints_end = (sig_atomic_t)i + 1;
        if (!write_endpoints(envoy, i))
            return fail(envoy, why, "its endpoints");
    }
    return true;
}

static uint64_t updates_of(struct envoy *envoy, uint32_t index)
{
    struct arena arena;
    arena_init(&arena, 4096, 0);
    struct str head = arena_format(&arena, "cluster.%.*s.",
                                   STR_FMT(envoy->options.snapshot->clusters[index].name));
    uint64_t count = envoy_sum(envoy, head, STR("update_success"));
    arena_fini(&arena);
    return count;
}

static bool has_endpoint(const struct cluster *cluster, struct str address)
{
    for (uint32_t i = 0; i < cluster->endpoint_count; i++) {
        if (str_eq(cluster->endpoints[i].address, address))
            return true;
    }
    return false;
}

bool envoy_move(struct envoy *envoy, struct str address)
{
    const struct snapshot *snapshot = envoy->options.snapshot;
    int64_t end_ms = clock_ms() + ENVOY_PATIENCE_MS;
    ASSERT(envoy->options.has_moving_endpoints);
    for (uint32_t i = 0; i < snapshot->cluster_count; i++) {
        const struct cluster *cluster = &snapshot->clusters[i];
        if (cluster->type != CLUSTER_EDS || !has_endpoint(cluster, address))
            continue;
        uint64_t before_count = updates_of(envoy, i);
        if (!write_endpoints(envoy, i))
            return false;
        while (updates_of(envoy, i) == before_count) {
            if (clock_ms() > end_ms)
                return false;
            (void)nanosleep(&(struct timespec){.tv_nsec = LOOK_NS}, NULL);
        }
    }
    return true;
}

/* In the new process: nothing but calls that are safe there. */
static _Noreturn void become_envoy(const char *program, char *const *words, int errors,
                                   pid_t parent)
{
#ifdef __linux__
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
#endif
    int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (getppid() != parent || nothing < 0 || dup2(nothing, STDIN_FILENO) < 0 ||
        dup2(nothing, STDOUT_FILENO) < 0 || dup2(errors, STDERR_FILENO) < 0)
        _exit(127);
    (void)execv(program, words);
    _exit(127);
}

static bool spawn(struct envoy *envoy, struct str *why)
{
    char *paths[] = {envoy->ward->paths[ENVOY_CONFIG], envoy->ward->paths[ENVOY_ADMIN]};
    char program[] = "envoy";
    char config_word[] = "--config-path", admin_word[] = "--admin-address-path";
    char single[] = "--disable-hot-restart", concurrency[] = "--concurrency", one[] = "1";
    char flush[] = "--file-flush-min-size-kb", zero[] = "0";
    char level_word[] = "--log-level", level[] = "critical";
    char *words[] = {program, config_word, paths[0], admin_word, paths[1], single, concurrency,
                     one,     flush,       zero,     level_word, level,    NULL};
    int errors =
        open(envoy->ward->paths[ENVOY_ERRORS], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (errors < 0)
        return fail(envoy, why, "its messages");
    pid_t parent = getpid();
    pid_t pid = fork();
    if (pid == 0)
        become_envoy(envoy->options.program, words, errors, parent);
    close(errors);
    if (pid < 0)
        return fail(envoy, why, "fork");
    envoy->pid = pid;
    envoy->ward->pid = (sig_atomic_t)pid;
    return true;
}

struct envoy *envoy_new(const struct envoy_options *options, struct arena *arena, struct str *why)
{
    struct envoy *envoy = ARENA_NEW(arena, struct envoy);
    *envoy = (struct envoy){.options = *options, .arena = arena, .ward = envoy_ward_new()};
    if (envoy->ward == NULL) {
        *why = STR("Envoy: too many run at once");
        return NULL;
    }
    buf_init(&envoy->held, LOG_HELD_BYTES_MAX);
    if (!envoy_ward_folder(envoy->ward))
        (void)fail(envoy, why, "a temporary folder");
    else if (open_log(envoy, why) && write_config(envoy, why) && write_all_endpoints(envoy, why) &&
             spawn(envoy, why))
        return envoy;
    envoy_free(envoy);
    return NULL;
}

static struct str read_file(struct envoy *envoy, enum envoy_file which)
{
    char text[FILE_BYTES_MAX];
    FILE *file = fopen(envoy->ward->paths[which], "re");
    size_t size = file != NULL ? fread(text, 1, sizeof(text), file) : 0;
    if (file != NULL)
        (void)fclose(file);
    return str_trim(arena_str(envoy->arena, (struct str){text, size}));
}

/* It has ended by itself: its last words are the reason. */
static bool has_ended(struct envoy *envoy, struct str *why)
{
    if (waitpid(envoy->pid, NULL, WNOHANG) != envoy->pid)
        return false;
    envoy->pid = 0;
    envoy->ward->pid = 0;
    struct str said = read_file(envoy, ENVOY_ERRORS);
    if (said.len > 0)
        *why = arena_format(envoy->arena, "Envoy does not take the configuration: %.*s",
                            STR_FMT(said));
    else
        *why = arena_format(envoy->arena, "%s ended before it served, without a word",
                            envoy->options.program);
    return true;
}

static bool is_serving(struct envoy *envoy)
{
    struct str answer;
    envoy->admin = read_file(envoy, ENVOY_ADMIN);
    return envoy->admin.len > 0 &&
           envoy_ask(envoy->admin, STR("/ready"), ENVOY_PATIENCE_MS, envoy->arena, &answer) &&
           str_has_prefix(answer, STR("LIVE")) &&
           envoy_ask(envoy->admin, STR("/listeners"), ENVOY_PATIENCE_MS, envoy->arena,
                     &envoy->listeners);
}

bool envoy_await(struct envoy *envoy, struct str *why)
{
    int64_t end_ms = clock_ms() + ENVOY_PATIENCE_MS;
    if (envoy->is_serving)
        return true;
    while (!is_serving(envoy)) {
        if (has_ended(envoy, why))
            return false;
        if (clock_ms() > end_ms) {
            *why = STR("Envoy does not serve in time");
            return false;
        }
        (void)nanosleep(&(struct timespec){.tv_nsec = LOOK_NS}, NULL);
    }
    envoy->is_serving = true;
    if (envoy->options.has_moving_endpoints)
        envoy_ward_trim(envoy->ward);
    else
        envoy_ward_clean(envoy->ward);
    return true;
}

/* --- what it says --------------------------------------------------------------- */

bool envoy_place(const struct envoy *envoy, struct str listener, struct str *address,
                 uint32_t *port)
{
    struct str rest = envoy->listeners;
    while (rest.len > 0) {
        struct str line = str_cut(&rest, '\n');
        struct str place = str_from(line, listener.len + 2);
        size_t colon = str_find_last(place, ':');
        uint64_t number = 0;
        if (!str_has_prefix(line, listener) ||
            !str_has_prefix(str_from(line, listener.len), STR("::")) || colon == STR_NONE ||
            !str_to_u64(str_from(place, colon + 1), UINT16_MAX, &number))
            continue;
        *address = str_slice(place, 0, colon);
        *port = (uint32_t)number;
        return true;
    }
    return false;
}

void envoy_let_act(struct envoy *envoy)
{
    /* The main thread answers, in the order in which it is told. */
    struct arena arena;
    struct str answer;
    arena_init(&arena, FILE_BYTES_MAX, 0);
    (void)envoy_ask(envoy->admin, STR("/ready"), ENVOY_PATIENCE_MS, &arena, &answer);
    arena_fini(&arena);
}

/* All statistics that end like this, a line each; false: it does not say. */
static bool read_stats(struct envoy *envoy, struct str name, struct arena *arena, struct str *lines)
{
    struct str path = arena_format(arena, "/stats?filter=%.*s$", STR_FMT(name));
    return envoy_ask(envoy->admin, path, ENVOY_PATIENCE_MS, arena, lines);
}

/* "NAME: VALUE" */
static bool cut_stat(struct str *lines, struct str *key, uint64_t *value)
{
    struct str line = str_cut(lines, '\n');
    size_t end = str_find_str(line, STR(": "));
    *key = end == STR_NONE ? STR_EMPTY : str_slice(line, 0, end);
    return end != STR_NONE && str_to_u64(str_trim(str_from(line, end + 2)), UINT64_MAX, value);
}

void envoy_keep_stats(const struct envoy *envoy, struct envoy_stats *stats, uint64_t moment)
{
    envoy_stats_keep(stats, envoy->admin, moment);
}

uint64_t envoy_sum(struct envoy *envoy, struct str head, struct str name)
{
    struct arena arena;
    struct str rest = STR_EMPTY, key;
    uint64_t sum = 0;
    arena_init(&arena, FILE_BYTES_MAX, 0);
    (void)read_stats(envoy, name, &arena, &rest);
    while (rest.len > 0) {
        uint64_t one = 0;
        if (cut_stat(&rest, &key, &one) && str_has_prefix(key, head))
            sum += one;
    }
    arena_fini(&arena);
    return sum;
}

void envoy_free(struct envoy *envoy)
{
    if (envoy->pid > 0) {
        (void)kill(envoy->pid, SIGKILL);
        while (waitpid(envoy->pid, NULL, 0) < 0 && errno == EINTR)
            ;
    }
    envoy->pid = 0;
    if (envoy->has_log)
        uv_close((uv_handle_t *)&envoy->log, NULL);
    envoy->has_log = false;
    buf_fini(&envoy->held);
    envoy_ward_free(envoy->ward);
}
