/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/envoy_find.c - see envoy_find.h.
 */
#include "cli/envoy_find.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define BUILT "build/envoy/envoy"

/* Made by arena_format, so with a zero behind it. */
static const char *runnable(struct arena *arena, struct str path)
{
    struct str text = arena_format(arena, "%.*s", STR_FMT(path));
    struct stat is;
    bool is_file = text.len > 0 && stat(text.ptr, &is) == 0 && S_ISREG(is.st_mode);
    return is_file && access(text.ptr, X_OK) == 0 ? text.ptr : NULL;
}

static const char *on_path(struct arena *arena, struct str name)
{
    const char *path = getenv("PATH");
    struct str rest = path != NULL ? str_of(path) : STR_EMPTY;
    while (rest.len > 0) {
        struct str folder = str_cut(&rest, ':');
        const char *found = runnable(arena, arena_format(arena, "%.*s%s%.*s", STR_FMT(folder),
                                                         folder.len > 0 ? "/" : "", STR_FMT(name)));
        if (found != NULL)
            return found;
    }
    return NULL;
}

const char *envoy_find(struct arena *arena, struct str *why)
{
    const char *said = getenv("ENVOY");
    if (said != NULL && said[0] != '\0') {
        struct str name = str_of(said);
        const char *found =
            str_find(name, '/') != STR_NONE ? runnable(arena, name) : on_path(arena, name);
        if (found == NULL)
            *why = arena_format(arena, "ENVOY=%s is no program that can be run", said);
        return found;
    }
    const char *found = on_path(arena, STR("envoy"));
    if (found == NULL)
        found = runnable(arena, STR(BUILT));
    if (found == NULL)
        *why =
            STR("--engine envoy needs a real Envoy, and there is none: not in $ENVOY, no `envoy` "
                "on PATH, no " BUILT "; `make envoy` installs one");
    return found;
}
