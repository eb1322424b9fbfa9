/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/agree/chance.h - a mesh, how its applications behave and what is asked,
 * made up from a seed: manifests and a RouteTest file, as text.
 *
 * What is slow and what is soon are far apart (a quarter of a second and a
 * tenth), so that real time gives the same answer as virtual time.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

struct chance_text {
    struct buf mesh, test;
};

/* Several requests, one after the other, of several callers; also streams. `is_plain`:
 * nothing of what happens is luck, for a proxy that has a luck of its own. */
void chance_requests(uint64_t seed, bool is_plain, struct chance_text *out);
/* A load of some seconds, open or closed, that only virtual time plays. */
void chance_load(uint64_t seed, struct chance_text *out);
/* Who may speak to whom; applications answer 200. */
void chance_security(uint64_t seed, struct chance_text *out);
/* Two texts of nothing. */
void chance_empty(struct chance_text *out);
void chance_fini(struct chance_text *text);
