/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/town/watch.h - have the user's files changed, and are they at rest again?
 *
 * The kernel's notices (uv_fs_event, on folders: editors replace files) make it
 * quick; a look at every file's time, size and inode once a second makes it sure,
 * for notices get lost, and a link may lead anywhere. A change is told when
 * two looks in a row, a tenth of a second apart, have seen the same.
 */
#pragma once

#include <stdint.h>

#include "base/str.h"
#include "proxy/live/loop.h"

struct watch;

/* Borrows the loop; `on_change` comes from it. */
struct watch *watch_new(struct loop *loop, void (*on_change)(void *user), void *user);
/* Turns the loop until its handles are closed. */
void watch_free(struct watch *watch);

/* Files, folders and patterns, from now on; copies. New ones count as they are at
 * this moment, the same ones as they were when their last change was told: so call
 * it before they are read. */
void watch_set(struct watch *watch, const struct str *paths, uint32_t path_count);
