/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/config/resource/reading.h - a mesh from YAML in the test's own text,
 * and what was said about it.
 */
#pragma once

#include "config/resource/mesh_types.h"
#include "tests/config/mesh_text.h"

struct mesh_reading {
    struct arena arena;
    struct diag_list diags;
    struct mesh *mesh;
};

static inline void mesh_reading_init(struct mesh_reading *out, const char *text)
{
    struct documents documents = {0};
    arena_init(&out->arena, 64 * 1024, 0);
    diag_list_init(&out->diags, &out->arena);
    tree_read(STR("mesh.yaml"), str_of(text), &out->arena, &documents, &out->diags);
    out->mesh = mesh_new(&out->arena, &out->diags);
    for (uint32_t i = 0; i < documents.count; i++)
        mesh_add_document(out->mesh, documents.items[i]);
}

static inline void mesh_reading_fini(struct mesh_reading *reading)
{
    arena_fini(&reading->arena);
}

/* The line of the first diagnostic of that kind, 0 when there is none. */
static inline uint32_t mesh_reading_line(const struct mesh_reading *reading, enum diag_id id)
{
    for (uint32_t i = 0; i < reading->diags.count; i++) {
        if (reading->diags.items[i].id == id)
            return reading->diags.items[i].origin.line;
    }
    return 0;
}

static inline void assert_said(const struct mesh_reading *reading, enum diag_id id, uint32_t line)
{
    if (mesh_reading_line(reading, id) == line)
        return;
    for (uint32_t i = 0; i < reading->diags.count; i++) {
        const struct diag *diag = &reading->diags.items[i];
        struct arena arena;
        arena_init(&arena, 1024, 0);
        struct str text = diag_text(diag, &arena);
        print_message("line %u: %.*s\n", diag->origin.line, STR_FMT(text));
        arena_fini(&arena);
    }
    fail_msg("diagnostic %d was expected in line %u", (int)id, line);
}
