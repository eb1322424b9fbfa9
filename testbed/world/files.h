/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/world/files.h - from what a user names to documents: a file, a
 * folder with all below it, a pattern, or "-" for standard input.
 *
 * The one place of this layer that asks the operating system for files. Text
 * and trees live in the caller's arena.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"
#include "config/yaml/diag.h"
#include "config/yaml/tree.h"

/* Appends the documents that `pattern` names to `out`. A relative pattern is
 * seen from `base_dir` (empty: the working directory); names in diagnostics and
 * origins are as the user would write them from the working directory. Of a
 * folder *.yaml, *.yml and *.json are read, below it too; folders and patterns
 * in the order of names. What is missing or cannot be read is a diagnostic. */
void files_read(struct str pattern, struct str base_dir, struct arena *arena, struct documents *out,
                struct diag_list *diags);

/* The files that files_read would read now, in its order; folders too, each before
 * what is in it. What is missing is left out. Not "-". */
struct file_names {
    struct file_name {
        struct str path;
        bool is_folder;
    } * items;
    uint32_t count, capacity;
};
void files_list(struct str pattern, struct str base_dir, struct arena *arena,
                struct file_names *out);

/* One file's whole content, or a diagnostic at `origin` and false. */
bool files_read_text(struct str path, struct arena *arena, struct origin origin, struct str *out,
                     struct diag_list *diags);

/* Whole or not at all: beside it, then in its place, so who reads meanwhile sees the old one
 * or the new one. `path` ends in a NUL. False: errno says why. */
bool files_replace(struct str path, struct str text, unsigned mode, struct arena *arena);
