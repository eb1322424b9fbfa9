/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/export_secrets.c - see export_secrets.h.
 */
#include "cli/export_secrets.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "testbed/world/files.h"

#define AUTHORITIES_BYTES_MAX ((size_t)1 << 20)
#define AUTHORITIES "authorities.pem"
#define NO_SECRETS "none.json"

enum { OWNERS_FILE = 0600, ANYBODYS_FILE = 0644, OWNERS_FOLDER = 0700 };

/* Made by arena_format, so with a zero behind each. */
struct secrets_job {
    struct arena *arena;
    struct str folder; /* of the proxy */
    struct str *why;
};

static bool fail(const struct secrets_job *job, struct str path)
{
    *job->why = arena_format(job->arena, "%.*s: %s", STR_FMT(path), strerror(errno));
    return false;
}

static bool make_folder(const struct secrets_job *job, struct str path)
{
    struct stat is;
    if (mkdir(path.ptr, OWNERS_FOLDER) == 0 || (stat(path.ptr, &is) == 0 && S_ISDIR(is.st_mode)))
        return true;
    if (errno == 0 || errno == EEXIST)
        errno = ENOTDIR;
    return fail(job, path);
}

static bool write_file(const struct secrets_job *job, struct str path, mode_t mode, struct str text)
{
    return files_replace(path, text, mode, job->arena) || fail(job, path);
}

/* False: there is none, or it cannot be read (*why). */
static bool read_file(const struct secrets_job *job, struct str path, struct str *out)
{
    int fd = open(path.ptr, O_RDONLY | O_CLOEXEC);
    struct buf text;
    char part[4096];
    ssize_t size = 0;
    if (fd < 0)
        return errno != ENOENT && fail(job, path);
    buf_init(&text, AUTHORITIES_BYTES_MAX);
    while ((size = read(fd, part, sizeof(part))) > 0 &&
           buf_append(&text, (struct str){part, (size_t)size}) == RC_OK)
        ;
    *out = arena_str(job->arena, buf_str(&text));
    buf_fini(&text);
    bool is_read = size == 0 || fail(job, path);
    close(fd);
    return is_read;
}

/* Those of the folder, or new ones, which are put there. */
static bool know_authorities(const struct secrets_job *job, struct str folder,
                             struct authority *authority)
{
    struct str path = arena_format(job->arena, "%.*s/" AUTHORITIES, STR_FMT(folder));
    struct str text;
    if (!read_file(job, path, &text))
        return job->why->len == 0 &&
               write_file(job, path, OWNERS_FILE, authority_save(authority, job->arena));
    if (authority_load(authority, text))
        return true;
    *job->why =
        arena_format(job->arena, "%.*s: no authorities that an export has written", STR_FMT(path));
    return false;
}

/* Whom a caller is to believe, as a file without keys. */
static bool write_root(const struct secrets_job *job, struct str folder,
                       struct authority *authority, const char *name)
{
    struct str path = arena_format(job->arena, "%.*s/%s.pem", STR_FMT(folder), name);
    return write_file(job, path, ANYBODYS_FILE, authority_pem(authority, str_of(name)));
}

static bool write_part(const struct secrets_job *job, const struct secret *secret,
                       enum bootstrap_secret_part part, struct str text)
{
    struct str path = bootstrap_secret_file(job->arena, job->folder, secret->name, part);
    return write_file(job, path, part == BOOTSTRAP_KEY ? OWNERS_FILE : ANYBODYS_FILE, text);
}

static bool write_secret(const struct secrets_job *job, const struct secret *secret)
{
    const struct certificate *certificate = secret->certificate;
    if (certificate == NULL)
        return write_part(job, secret, BOOTSTRAP_AUTHORITIES, secret->authorities_pem);
    return write_part(job, secret, BOOTSTRAP_CHAIN, certificate->chain_pem) &&
           write_part(job, secret, BOOTSTRAP_KEY, certificate->key_pem);
}

/* Two names may look the same as files. */
static bool are_apart(const struct secrets_job *job, const struct keyring *keyring)
{
    for (uint32_t i = 0; i < keyring->count; i++) {
        struct str name =
            bootstrap_secret_file(job->arena, job->folder, keyring->items[i].name, BOOTSTRAP_CHAIN);
        for (uint32_t k = 0; k < i; k++) {
            struct str other = bootstrap_secret_file(job->arena, job->folder,
                                                     keyring->items[k].name, BOOTSTRAP_CHAIN);
            if (!str_eq(name, other))
                continue;
            *job->why =
                arena_format(job->arena, "the secrets %.*s and %.*s would be one file",
                             STR_FMT(keyring->items[k].name), STR_FMT(keyring->items[i].name));
            return false;
        }
    }
    return true;
}

static bool write_keyring(const struct secrets_job *job, const struct keyring *keyring)
{
    if (!are_apart(job, keyring))
        return false;
    for (uint32_t i = 0; i < keyring->count; i++) {
        if (!write_secret(job, &keyring->items[i]))
            return false;
    }
    struct str none = arena_format(job->arena, "%.*s/" NO_SECRETS, STR_FMT(job->folder));
    return write_file(job, none, ANYBODYS_FILE, STR("{\"resources\": []}\n"));
}

/* A gateway may be called NAMESPACE/NAME. */
static struct str folder_of(const struct proxy_identity *proxy, struct str folder,
                            struct arena *arena)
{
    struct str name =
        arena_format(arena, "%.*s.%.*s", STR_FMT(proxy->name), STR_FMT(proxy->namespace));
    char *text = arena_alloc(arena, name.len + 1);
    for (size_t i = 0; i < name.len; i++)
        text[i] = name.ptr[i] == '/' ? '_' : name.ptr[i];
    return arena_format(arena, "%.*s/%.*s", STR_FMT(folder), (int)name.len, text);
}

bool export_secrets(struct str folder, const struct keyring_alone_wish *wish,
                    struct bootstrap_options *options, struct arena *arena, struct str *why)
{
    struct secrets_job job = {.arena = arena, .why = why};
    struct keyring_alone_wish complete = *wish;
    struct str root = arena_format(arena, "%.*s", STR_FMT(folder));
    job.folder = folder_of(wish->proxy, folder, arena);
    *why = STR_EMPTY;
    complete.authority = authority_new(arena);
    bool is_done = make_folder(&job, root) && know_authorities(&job, root, complete.authority) &&
                   write_root(&job, root, complete.authority, AUTHORITY_MESH) &&
                   write_root(&job, root, complete.authority, AUTHORITY_PUBLIC) &&
                   make_folder(&job, job.folder);
    if (is_done) {
        options->keyring = keyring_alone(&complete, arena);
        options->secrets_folder = job.folder;
        options->no_secrets = arena_format(arena, "%.*s/" NO_SECRETS, STR_FMT(job.folder));
        is_done = write_keyring(&job, options->keyring);
    }
    authority_free(complete.authority);
    return is_done;
}
