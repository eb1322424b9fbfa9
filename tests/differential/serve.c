/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/differential/serve.c - one proxy of some manifests on real sockets,
 * until standard input ends: our side of the differential test.
 *
 *   serve MANIFEST POD|NAMESPACE/GATEWAY LISTENER=ADDRESS...
 *
 * Prints "LISTENER PORT" for each, then "ready"; for each exchange that is
 * over, "log STATUS FLAGS DETAILS".
 */
#include <stdio.h>
#include <unistd.h>

#include "base/check.h"
#include "cli/proxy_name.h"
#include "config/derive/derive.h"
#include "config/profile/profile.h"
#include "proxy/live/server.h"
#include "testbed/world/files.h"

#define ARENA_BLOCK_BYTES (64u * 1024)
#define SEED 1u

static void on_done(const struct server_done *done, void *user)
{
    struct arena *arena = user;
    const struct record *record = done->record;
    struct str flags = record_flags(record, arena);
    struct str details = record->details.len > 0 ? record->details : STR("-");
    printf("log %u %.*s %.*s\n", record->status, STR_FMT(flags), STR_FMT(details));
    fflush(stdout);
}

static void on_stdin_alloc(uv_handle_t *handle, size_t suggested_bytes, uv_buf_t *buf)
{
    static char bytes[256];
    (void)handle;
    (void)suggested_bytes;
    *buf = uv_buf_init(bytes, sizeof(bytes));
}

static void on_stdin_read(uv_stream_t *stream, ssize_t size, const uv_buf_t *buf)
{
    (void)buf;
    if (size < 0)
        uv_close((uv_handle_t *)stream, NULL);
}

static const struct listener *find_listener(const struct snapshot *snapshot, struct str name)
{
    for (uint32_t i = 0; i < snapshot->listener_count; i++)
        if (str_eq(snapshot->listeners[i].name, name))
            return &snapshot->listeners[i];
    return NULL;
}

static bool open_door(struct server *server, const struct snapshot *snapshot, struct str word)
{
    size_t equals = str_find(word, '=');
    struct str name = str_slice(word, 0, equals == STR_NONE ? word.len : equals);
    const struct listener *listener = find_listener(snapshot, name);
    if (listener == NULL || equals == STR_NONE) {
        fprintf(stderr, "serve: there is no listener %.*s\n", STR_FMT(name));
        return false;
    }
    struct server_door door = {.listener = listener, .bind_address = str_from(word, equals + 1)};
    struct str why;
    uint32_t number = server_listen(server, &door, &why);
    if (number == SERVER_NONE) {
        fprintf(stderr, "serve: %.*s\n", STR_FMT(why));
        return false;
    }
    printf("%.*s %u\n", STR_FMT(name), server_port(server, number));
    return true;
}

static struct snapshot *translate(const char *manifest, const char *proxy, struct arena *arena)
{
    struct diag_list diags;
    struct documents documents = {0};
    struct proxy_wish wish = {.name = str_of(proxy), .namespace = STR("default")};

    diag_list_init(&diags, arena);
    files_read(str_of(manifest), STR_EMPTY, arena, &documents, &diags);
    struct mesh *mesh = mesh_new(arena, &diags);
    for (uint32_t i = 0; i < documents.count; i++)
        mesh_add_document(mesh, documents.items[i]);
    mesh_complete(mesh);
    struct proxy_identity identity = proxy_name_resolve(mesh, &wish, arena);
    struct snapshot *snapshot = translate_proxy(mesh, &identity, profile_default(), &diags);
    if (diags.error_count == 0)
        return snapshot;
    fprintf(stderr, "serve: %s has errors\n", manifest);
    snapshot_drop(snapshot);
    return NULL;
}

static int serve(struct snapshot *snapshot, int argc, char **argv, struct arena *arena)
{
    struct loop *loop = loop_new();
    if (loop == NULL)
        return 4;
    uv_pipe_t input;
    ASSERT(uv_pipe_init(&loop->uv, &input, 0) == 0);
    if (uv_pipe_open(&input, STDIN_FILENO) != 0 ||
        uv_read_start((uv_stream_t *)&input, on_stdin_alloc, on_stdin_read) != 0) {
        fputs("serve: standard input is to be a pipe\n", stderr);
        return 4;
    }
    struct server_options options = {.seed = SEED,
                                     .is_literal = true,
                                     .node_address = STR("127.0.0.1"),
                                     .on_done = on_done,
                                     .user = arena};
    struct server *server = server_new(loop, snapshot, &options);
    bool is_open = true;
    for (int i = 3; i < argc && is_open; i++)
        is_open = open_door(server, snapshot, str_of(argv[i]));
    if (is_open) {
        puts("ready");
        fflush(stdout);
        while (!uv_is_closing((uv_handle_t *)&input) && loop_turn(loop))
            ;
    } else {
        uv_close((uv_handle_t *)&input, NULL);
    }
    server_free(server);
    loop_free(loop);
    return is_open ? 0 : 4;
}

int main(int argc, char **argv)
{
    if (argc < 4) {
        fputs("usage: serve MANIFEST POD|NAMESPACE/GATEWAY LISTENER=ADDRESS...\n", stderr);
        return 2;
    }
    struct arena arena;
    arena_init(&arena, ARENA_BLOCK_BYTES, 0);
    struct snapshot *snapshot = translate(argv[1], argv[2], &arena);
    int code = snapshot == NULL ? 2 : serve(snapshot, argc, argv, &arena);
    snapshot_drop(snapshot);
    arena_fini(&arena);
    return code;
}
