/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/world/files.c - see files.h.
 */
#include "testbed/world/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"

#define FOLDER_DEPTH_MAX 32u /* a loop of links ends here */
#define READ_BYTES (64u * 1024)

struct path_list {
    struct str *items;
    uint32_t count, capacity;
};

struct collector {
    struct arena *arena;
    struct diag_list *diags;
    struct documents *out;
    struct file_names *names; /* not NULL: names are wanted, not documents */
};

static void add_name(const struct collector *collector, struct str path, bool is_folder)
{
    struct file_names *names = collector->names;
    *ARENA_PUSH(collector->arena, names->items, names->count, names->capacity) =
        (struct file_name){.path = path, .is_folder = is_folder};
}

static void complain(const struct collector *collector, enum diag_id id, struct str path,
                     struct str why)
{
    if (collector->names != NULL)
        return;
    diag_add(collector->diags, id, (struct origin){.file = path}, STR_EMPTY, path, why, STR_EMPTY);
}

static bool is_manifest_name(struct str name)
{
    return str_has_suffix(name, STR(".yaml")) || str_has_suffix(name, STR(".yml")) ||
           str_has_suffix(name, STR(".json"));
}

/* By insertion: a folder has few files. */
static void add_sorted(struct path_list *list, struct str path, struct arena *arena)
{
    (void)ARENA_PUSH(arena, list->items, list->count, list->capacity);
    uint32_t place = list->count - 1;
    for (; place > 0 && str_order(list->items[place - 1], path) > 0; place--)
        list->items[place] = list->items[place - 1];
    list->items[place] = path;
}

static bool read_stream(FILE *stream, struct arena *arena, struct str *out)
{
    struct buf content;
    size_t got;

    /* One byte over the limit: the tree reader then says how large is too large. */
    buf_init(&content, (size_t)YAML_FILE_BYTES_MAX + READ_BYTES + 1);
    do {
        char *room = buf_reserve(&content, READ_BYTES);
        if (room == NULL)
            break;
        got = fread(room, 1, READ_BYTES, stream);
        buf_added(&content, got);
    } while (got > 0);
    bool is_fine = ferror(stream) == 0;
    *out = arena_str(arena, buf_str(&content));
    buf_fini(&content);
    return is_fine;
}

static void read_file(const struct collector *collector, struct str path)
{
    struct str text;

    if (collector->names != NULL)
        add_name(collector, path, false);
    else if (files_read_text(path, collector->arena, (struct origin){.file = path}, &text,
                             collector->diags))
        tree_read(path, text, collector->arena, collector->out, collector->diags);
}

static uint32_t read_folder(const struct collector *collector, struct str path, uint32_t depth)
{
    struct path_list files = {0}, folders = {0};
    uint32_t file_count = 0;

    if (depth > FOLDER_DEPTH_MAX)
        return 0;
    if (collector->names != NULL)
        add_name(collector, path, true);
    DIR *folder = opendir(path.ptr);
    if (folder == NULL) {
        complain(collector, DIAG_FILE_UNREADABLE, path, str_of(strerror(errno)));
        return 1;
    }
    for (const struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        struct str name = str_of(entry->d_name);
        struct stat about;
        if (name.ptr[0] == '.')
            continue;
        struct str full = arena_format(collector->arena, "%.*s%s%.*s", STR_FMT(path),
                                       str_has_suffix(path, STR("/")) ? "" : "/", STR_FMT(name));
        if (stat(full.ptr, &about) != 0)
            continue;
        if (S_ISDIR(about.st_mode))
            add_sorted(&folders, full, collector->arena);
        else if (is_manifest_name(name))
            add_sorted(&files, full, collector->arena);
    }
    (void)closedir(folder);
    for (uint32_t i = 0; i < files.count; i++)
        read_file(collector, files.items[i]);
    file_count = files.count;
    for (uint32_t i = 0; i < folders.count; i++)
        file_count += read_folder(collector, folders.items[i], depth + 1);
    return file_count;
}

static void read_path(const struct collector *collector, struct str path)
{
    struct stat about;

    if (stat(path.ptr, &about) != 0) {
        complain(collector, DIAG_FILE_ABSENT, path, STR_EMPTY);
        return;
    }
    if (!S_ISDIR(about.st_mode)) {
        read_file(collector, path);
        return;
    }
    if (read_folder(collector, path, 0) == 0)
        complain(collector, DIAG_FILE_NONE_IN_FOLDER, path, STR_EMPTY);
}

static void read_matching(const struct collector *collector, struct str pattern)
{
    glob_t found;
    int answer = glob(pattern.ptr, 0, NULL, &found);

    if (answer != 0) {
        complain(collector, DIAG_FILE_NO_MATCH, pattern, STR_EMPTY);
        if (answer == GLOB_NOMATCH)
            globfree(&found);
        return;
    }
    for (size_t i = 0; i < found.gl_pathc; i++)
        read_path(collector, arena_str(collector->arena, str_of(found.gl_pathv[i])));
    globfree(&found);
}

static void read_pattern(const struct collector *collector, struct str pattern, struct str base_dir)
{
    struct arena *arena = collector->arena;
    struct stat about;
    bool is_absolute = pattern.len > 0 && pattern.ptr[0] == '/';
    struct str path =
        is_absolute || base_dir.len == 0
            ? arena_str(arena, pattern)
            : arena_format(arena, "%.*s%s%.*s", STR_FMT(base_dir),
                           str_has_suffix(base_dir, STR("/")) ? "" : "/", STR_FMT(pattern));
    bool is_pattern = str_find(path, '*') != STR_NONE || str_find(path, '?') != STR_NONE ||
                      str_find(path, '[') != STR_NONE;
    /* A file may be called so, too. */
    if (is_pattern && stat(path.ptr, &about) != 0)
        read_matching(collector, path);
    else
        read_path(collector, path);
}

void files_read(struct str pattern, struct str base_dir, struct arena *arena, struct documents *out,
                struct diag_list *diags)
{
    struct collector collector = {.arena = arena, .diags = diags, .out = out};

    if (str_eq(pattern, STR("-"))) {
        struct str text;
        struct str name = STR("<stdin>");
        if (!read_stream(stdin, arena, &text))
            complain(&collector, DIAG_FILE_UNREADABLE, name, str_of(strerror(errno)));
        else
            tree_read(name, text, arena, out, diags);
        return;
    }
    read_pattern(&collector, pattern, base_dir);
}

void files_list(struct str pattern, struct str base_dir, struct arena *arena,
                struct file_names *out)
{
    struct collector collector = {.arena = arena, .names = out};
    read_pattern(&collector, pattern, base_dir);
}

bool files_read_text(struct str path, struct arena *arena, struct origin origin, struct str *out,
                     struct diag_list *diags)
{
    struct str name = arena_str(arena, path);
    FILE *file = fopen(name.ptr, "rb");

    if (file == NULL) {
        int why = errno;
        diag_add(diags, why == ENOENT ? DIAG_FILE_ABSENT : DIAG_FILE_UNREADABLE, origin, STR_EMPTY,
                 name, str_of(strerror(why)), STR_EMPTY);
        return false;
    }
    bool is_fine = read_stream(file, arena, out);
    if (!is_fine)
        diag_add(diags, DIAG_FILE_UNREADABLE, origin, STR_EMPTY, name, str_of(strerror(errno)),
                 STR_EMPTY);
    (void)fclose(file);
    return is_fine;
}

static bool write_all(int fd, struct str text)
{
    while (text.len > 0) {
        ssize_t size = write(fd, text.ptr, text.len);
        if (size < 0 && errno != EINTR)
            return false;
        text = str_from(text, size > 0 ? (size_t)size : 0);
    }
    return true;
}

bool files_replace(struct str path, struct str text, unsigned mode, struct arena *arena)
{
    struct str fresh = arena_format(arena, "%.*s.new", STR_FMT(path));
    (void)unlink(fresh.ptr);
    int fd = open(fresh.ptr, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, (mode_t)mode);
    if (fd < 0)
        return false;
    bool is_written = write_all(fd, text);
    return close(fd) == 0 && is_written && rename(fresh.ptr, path.ptr) == 0;
}
