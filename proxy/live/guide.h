/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/live/guide.h - who knows the way for clients of an HTTP proxy's door:
 * a name as such a client says it, to an address as its pod's DNS would have it.
 *
 * Asked on the threads of the servers whose doors have it, on several at once;
 * whoever answers sees to that.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"

enum guide_verdict {
    GUIDE_HERE,    /* go to address:port, as dialled */
    GUIDE_OUTSIDE, /* ask the system's DNS for `address` (empty: the host), off the loop */
    GUIDE_NOWHERE, /* answer with status and text, for a person */
};

struct guide_answer {
    enum guide_verdict verdict;
    struct str address;
    uint32_t port;
    uint32_t status;
    struct str text;
};

struct guide {
    /* What comes back lives in `arena`. Must not block. */
    struct guide_answer (*find)(void *user, struct str host, uint32_t port, struct arena *arena);
    void *user;
};
