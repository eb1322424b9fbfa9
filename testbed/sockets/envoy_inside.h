/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/sockets/envoy_inside.h - what the files about an Envoy share.
 */
#pragma once

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"

/* Its temporary folder, and what lies there. */
enum envoy_file {
    ENVOY_CONFIG,
    ENVOY_LOG,
    ENVOY_ADMIN,
    ENVOY_ERRORS,
    ENVOY_NO_SECRETS,
    ENVOY_NEXT, /* a file that is about to replace another */
    ENVOY_FOLDER
};
#define ENVOY_FILES 7
#define ENVOY_PATH_BYTES 256

/* envoy_guard.c: processes and files that must not outlive this one. NULL: there
 * are ENVOYS_MAX. */
struct envoy_ward {
    volatile sig_atomic_t is_taken;
    volatile sig_atomic_t pid; /* 0: none */
    volatile sig_atomic_t has_files;
    volatile sig_atomic_t endpoints_end; /* files of bootstrap_endpoints_file below this number */
    char paths[ENVOY_FILES][ENVOY_PATH_BYTES];
};
struct envoy_ward *envoy_ward_new(void);
/* Makes the folder; false: errno says why. */
bool envoy_ward_folder(struct envoy_ward *ward);
/* Removes what was read when it started, keys among it; endpoints stay. */
void envoy_ward_trim(struct envoy_ward *ward);
/* Removes files and folder, if they are there. */
void envoy_ward_clean(struct envoy_ward *ward);
void envoy_ward_free(struct envoy_ward *ward);

/* envoy_admin.c: GET, blocking; "127.0.0.1:PORT". The body of a 200 in `arena`;
 * false: no such answer within `patience_ms`. */
bool envoy_ask(struct str address, struct str path, int64_t patience_ms, struct arena *arena,
               struct str *body);
