/* SPDX-License-Identifier: Apache-2.0
 *
 * config/yaml/piece.h - a part of a file that is read by itself: one document,
 * nearly always.
 */
#pragma once

#include <stdint.h>

#include "base/str.h"
#include "config/yaml/builder.h"

struct piece {
    struct str file;
    struct str text;
    uint32_t lines_before; /* of the file */
};

/* The place of a byte, counted as libyaml counts: in characters. */
struct origin piece_origin(const struct piece *piece, size_t at);
