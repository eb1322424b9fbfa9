/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/words.h - the command line's words, and what commands have in common:
 * manifests, profile, seed, colour, diagnostics on standard error.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/arena.h"
#include "base/buf.h"
#include "config/profile/profile.h"
#include "config/yaml/diag.h"
#include "config/yaml/tree.h"

enum words_colour { COLOUR_AUTO, COLOUR_ALWAYS, COLOUR_NEVER };

/* Options that several commands know. */
struct words {
    const char *command;
    struct arena arena;
    struct diag_list diags;
    uint32_t reported_count; /* of diags */
    struct str *manifests;
    uint32_t manifest_count, manifest_capacity;
    struct str *plain; /* words that are no options */
    uint32_t plain_count, plain_capacity;
    const struct profile *profile; /* NULL: not said */
    bool has_seed;
    uint64_t seed;
    enum words_colour colour;
    bool is_quiet, is_verbose, is_strict;
    bool is_live, is_envoy; /* --engine; neither: sim */
    struct str output;      /* -o; empty: not said */
    struct str rerun;       /* the manifests as words, for repeating the command */
    bool is_wrong;          /* a complaint was printed */
};

/* An option of one command; one of the three is there. */
struct words_option {
    const char *name;
    struct str *place;                          /* the value, the word after it, goes there */
    void (*take)(void *user, struct str value); /* the value is told */
    void (*flag)(void *user, struct str empty); /* it has none */
};

void words_init(struct words *words, const char *command);
void words_fini(struct words *words);

/* Reads all of argv; false when something is wrong, which was said. */
bool words_read(struct words *words, int argc, char **argv, const struct words_option *options,
                uint32_t option_count, void *user);

/* "pocketmesh COMMAND: ..." on standard error; the exit code for it. */
int words_complain(struct words *words, const char *format, ...) PRINTF_LIKE(2, 3);

/* The manifests' documents. */
void words_documents(struct words *words, struct documents *out);

/* Prints diagnostics that were not printed yet; true when there are errors
 * (with --strict, warnings are). */
bool words_report(struct words *words);

bool words_has_colour(const struct words *words, FILE *stream);

/* -v: how many objects have no meaning here. */
void words_ignored(uint32_t count);

/* All of it to standard output; false when that fails. */
bool words_write(struct buf *out);
