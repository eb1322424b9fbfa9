/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/town/watch.c - see watch.h.
 */
#include "testbed/town/watch.h"

#include <sys/stat.h>

#include "base/check.h"
#include "base/hash.h"
#include "base/map.h"
#include "base/ns.h"
#include "testbed/world/files.h"

#define MEMORY_BLOCK_BYTES (16u * 1024)
#define LOOK_EVERY_NS NS_SECOND
#define REST_NS (100 * NS_MS)

/* A place is used again after it was closed. */
struct watch_folder {
    struct watch *watch;
    uv_fs_event_t event;
    bool is_open, is_closing;
};

struct watch {
    struct arena memory; /* of handles, as long as the watch */
    struct arena names;  /* of what is watched, until it is set anew */
    struct arena scratch;
    struct loop *loop;
    void (*on_change)(void *user);
    void *user;
    struct str *paths;
    uint32_t path_count;
    struct watch_folder **folders;
    uint32_t folder_count, folder_capacity;
    uint64_t known; /* fingerprint of what was told */
    uint64_t seen;  /* of the last look */
    uv_timer_t look;
    uint32_t handle_count;
};

static void on_folder_closed(uv_handle_t *handle)
{
    struct watch_folder *folder = handle->data;
    folder->is_closing = false;
    folder->watch->handle_count--;
}

static void on_look_closed(uv_handle_t *handle)
{
    struct watch *watch = handle->data;
    watch->handle_count--;
}

static void list_files(struct watch *watch, struct arena *arena, struct file_names *names)
{
    for (uint32_t i = 0; i < watch->path_count; i++)
        files_list(watch->paths[i], STR_EMPTY, arena, names);
}

/* What tells one state of the files from another. */
static uint64_t fingerprint(struct watch *watch)
{
    struct file_names names = {0};
    uint64_t hash = HASH_FNV64_START;
    arena_reset(&watch->scratch);
    list_files(watch, &watch->scratch, &names);
    for (uint32_t i = 0; i < names.count; i++) {
        struct stat about;
        hash = hash_fnv64_add(hash, names.items[i].path);
        if (names.items[i].is_folder ||
            stat(arena_str(&watch->scratch, names.items[i].path).ptr, &about) != 0)
            continue;
        hash = hash_fnv64_add_u64(hash, (uint64_t)about.st_ino);
        hash = hash_fnv64_add_u64(hash, (uint64_t)about.st_size);
        hash = hash_fnv64_add_u64(hash, (uint64_t)about.st_mtim.tv_sec);
        hash = hash_fnv64_add_u64(hash, (uint64_t)about.st_mtim.tv_nsec);
    }
    return hash;
}

static void on_look(uv_timer_t *timer);

static void look_after(struct watch *watch, int64_t wait_ns)
{
    loop_timer_set(watch->loop, &watch->look, ns_add(loop_now_ns(watch->loop), wait_ns), on_look);
}

static void on_look(uv_timer_t *timer)
{
    struct watch *watch = timer->data;
    uint64_t now = fingerprint(watch);
    bool is_at_rest = now == watch->seen;
    watch->seen = now;
    if (now == watch->known) {
        look_after(watch, LOOK_EVERY_NS);
    } else if (!is_at_rest) {
        look_after(watch, REST_NS);
    } else {
        watch->known = now;
        look_after(watch, LOOK_EVERY_NS);
        watch->on_change(watch->user);
    }
}

static void on_folder_event(uv_fs_event_t *event, const char *name, int events, int status)
{
    const struct watch_folder *folder = event->data;
    (void)name;
    (void)events;
    /* One that cannot be watched any more is looked at all the same. */
    if (status == 0)
        look_after(folder->watch, REST_NS);
}

static void close_folders(struct watch *watch)
{
    for (uint32_t i = 0; i < watch->folder_count; i++) {
        struct watch_folder *folder = watch->folders[i];
        if (!folder->is_open)
            continue;
        folder->is_open = false;
        folder->is_closing = true;
        uv_close((uv_handle_t *)&folder->event, on_folder_closed);
    }
}

static struct watch_folder *new_folder(struct watch *watch)
{
    for (uint32_t i = 0; i < watch->folder_count; i++) {
        if (!watch->folders[i]->is_open && !watch->folders[i]->is_closing)
            return watch->folders[i];
    }
    struct watch_folder *folder = ARENA_NEW(&watch->memory, struct watch_folder);
    folder->watch = watch;
    *ARENA_PUSH(&watch->memory, watch->folders, watch->folder_count, watch->folder_capacity) =
        folder;
    return folder;
}

static void open_folder(struct watch *watch, struct str path)
{
    struct watch_folder *folder = new_folder(watch);
    int rc = uv_fs_event_init(&watch->loop->uv, &folder->event);
    ASSERT(rc == 0);
    watch->handle_count++;
    folder->event.data = folder;
    folder->is_open = true;
    struct str text = arena_str(&watch->scratch, path);
    /* Where there is no such notice, looking has to do. */
    (void)uv_fs_event_start(&folder->event, on_folder_event, text.ptr, 0);
}

static struct str folder_of(struct str path)
{
    size_t slash = str_find_last(path, '/');
    if (slash == STR_NONE)
        return STR(".");
    return str_slice(path, 0, slash == 0 ? 1 : slash);
}

/* Each folder once: those that were named, and those in which files are. */
static void open_folders(struct watch *watch)
{
    struct file_names names = {0};
    struct map opened;
    arena_reset(&watch->scratch);
    map_init(&opened, &watch->scratch);
    list_files(watch, &watch->scratch, &names);
    for (uint32_t i = 0; i < names.count; i++) {
        struct str path = names.items[i].path;
        struct str folder = names.items[i].is_folder ? path : folder_of(path);
        if (map_set(&opened, folder, 0) == MAP_NONE)
            open_folder(watch, folder);
    }
}

struct watch *watch_new(struct loop *loop, void (*on_change)(void *user), void *user)
{
    struct arena memory;
    arena_init(&memory, MEMORY_BLOCK_BYTES, 0);
    struct watch *watch = ARENA_NEW(&memory, struct watch);
    *watch = (struct watch){
        .memory = memory, .loop = loop, .on_change = on_change, .user = user, .handle_count = 1};
    arena_init(&watch->names, MEMORY_BLOCK_BYTES, 0);
    arena_init(&watch->scratch, MEMORY_BLOCK_BYTES, 0);
    int rc = uv_timer_init(&loop->uv, &watch->look);
    ASSERT(rc == 0);
    watch->look.data = watch;
    return watch;
}

void watch_free(struct watch *watch)
{
    if (watch == NULL)
        return;
    close_folders(watch);
    uv_close((uv_handle_t *)&watch->look, on_look_closed);
    while (watch->handle_count > 0)
        loop_turn(watch->loop);
    arena_fini(&watch->names);
    arena_fini(&watch->scratch);
    struct arena memory = watch->memory;
    arena_fini(&memory);
}

static bool is_same_set(const struct watch *watch, const struct str *paths, uint32_t path_count)
{
    if (watch->path_count != path_count)
        return false;
    for (uint32_t i = 0; i < path_count; i++) {
        if (!str_eq(watch->paths[i], paths[i]))
            return false;
    }
    return true;
}

void watch_set(struct watch *watch, const struct str *paths, uint32_t path_count)
{
    close_folders(watch);
    if (is_same_set(watch, paths, path_count)) {
        open_folders(watch);
        return;
    }
    arena_reset(&watch->names);
    watch->paths = ARENA_ARRAY(&watch->names, struct str, path_count);
    watch->path_count = path_count;
    for (uint32_t i = 0; i < path_count; i++)
        watch->paths[i] = arena_str(&watch->names, paths[i]);
    open_folders(watch);
    watch->known = watch->seen = fingerprint(watch);
    look_after(watch, LOOK_EVERY_NS);
}
