/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/town/change.h - what an edit of the manifests did, object by object.
 *
 * Objects are the same by kind, namespace and name; changed, if their trees
 * differ in anything but places and comments.
 */
#pragma once

#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"
#include "testbed/world/manifest.h"

enum change_kind { CHANGE_ADDED, CHANGE_EDITED, CHANGE_REMOVED };

struct change {
    enum change_kind kind;
    struct str object; /* "VirtualService default/reviews" */
    struct origin origin;
};

struct changes {
    struct change *items; /* in the files' order, those removed at the end */
    uint32_t count, capacity;
};

struct changes changes_between(const struct manifests *before, const struct manifests *after,
                               struct arena *arena);
/* "added", "changed", "removed". */
struct str change_word(enum change_kind kind);
