/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/testbed/stage.h - a world from YAML text, for the tests of the engines
 * and of the world itself. Include it after cmocka.
 */
#pragma once

#include "base/arena.h"
#include "config/yaml/tree.h"
#include "testbed/world/play.h"
#include "testbed/world/world.h"

struct stage {
    struct arena arena;
    struct diag_list diags;
    struct world_spec spec;
    struct world *world;
};

static inline void stage_init(struct stage *stage, const char *mesh)
{
    *stage = (struct stage){0};
    arena_init(&stage->arena, 65536, 0);
    diag_list_init(&stage->diags, &stage->arena);
    tree_read(STR("mesh.yaml"), str_of(mesh), &stage->arena, &stage->spec.documents, &stage->diags);
}

/* Fails the test, and says what the diagnostics say, when there is no world. */
static inline struct world *stage_open(struct stage *stage)
{
    stage->world = world_new(&stage->spec, &stage->arena, &stage->diags);
    for (uint32_t i = 0; stage->world == NULL && i < stage->diags.count; i++)
        print_message("%.*s\n", STR_FMT(diag_text(&stage->diags.items[i], &stage->arena)));
    assert_non_null(stage->world);
    return stage->world;
}

static inline void stage_fini(struct stage *stage)
{
    world_free(stage->world);
    arena_fini(&stage->arena);
}

static inline void assert_text(struct str got, const char *want)
{
    if (!str_eq(got, str_of(want)))
        print_message("got: \"%.*s\"\n", STR_FMT(got));
    assert_true(str_eq(got, str_of(want)));
}

/* One call by itself. */
static inline void stage_call(struct play *play, struct call call, struct outcome *outcome,
                              struct arena *arena)
{
    play->ops->call(play, &call, 1, outcome, arena);
}
