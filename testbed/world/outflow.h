/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/world/outflow.h - bytes that are to be sent, pulled piece by piece:
 * slices and runs of one letter, with one pause in between or many.
 *
 * A body of a gigabyte costs no memory, and whoever carries the bytes away
 * sets the pace by asking.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

#define OUTFLOW_PIECES_MAX 4

struct outflow_piece {
    struct str bytes;
    uint64_t fill_bytes; /* so many 'x' instead */
};

struct outflow {
    struct outflow_piece pieces[OUTFLOW_PIECES_MAX];
    uint32_t count, at;
    uint64_t at_bytes; /* sent of pieces[at] */
    uint64_t sent_bytes;
    uint64_t pause_at_bytes;    /* UINT64_MAX: none */
    uint64_t pause_every_bytes; /* after that pause again; 0: never */
};

void outflow_init(struct outflow *flow);
void outflow_add(struct outflow *flow, struct str bytes);
void outflow_add_fill(struct outflow *flow, uint64_t fill_bytes);
/* Pauses once when so many bytes were given. */
void outflow_pause_at(struct outflow *flow, uint64_t at_bytes);

/* Pauses then, and again whenever so many more bytes were given, but not behind
 * the last one. */
void outflow_pause_every(struct outflow *flow, uint64_t at_bytes, uint64_t every_bytes);

/* The next bytes, valid as long as what was added; false: paused or over. */
bool outflow_next(struct outflow *flow, struct str *bytes);
bool outflow_is_paused(const struct outflow *flow);
void outflow_go_on(struct outflow *flow);
