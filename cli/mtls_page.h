/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/mtls_page.h - the grid of `pocketmesh mtls` as a table and as JSON.
 */
#pragma once

#include "base/buf.h"
#include "base/json.h"
#include "testbed/inspect/mtls_grid.h"

struct mtls_page {
    const struct mtls_grid *grid;
    struct str engine_name;
    struct arena *arena; /* for words */
    bool has_colour;
    bool is_quiet; /* refused ones only */
};

enum rc mtls_page_write(const struct mtls_page *page, struct buf *out) MUST_USE;
void mtls_page_write_json(const struct mtls_page *page, struct json *json);
/* Cells that are refused; a stand-in from outside the mesh does not count. */
uint32_t mtls_page_refused(const struct mtls_grid *grid);
