/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/config/derive/complete.h - a completed mesh from YAML in the test's own
 * text.
 */
#pragma once

#include "config/derive/derive.h"
#include "tests/config/resource/reading.h"

static inline void mesh_reading_complete(struct mesh_reading *out, const char *text)
{
    mesh_reading_init(out, text);
    mesh_complete(out->mesh);
}
