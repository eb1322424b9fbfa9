/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/agree/stage.c - see stage.h.
 */
#include "tests/agree/stage.h"

#include <stdio.h>

static void print_diags(struct stage *stage)
{
    for (uint32_t i = 0; i < stage->diags.count; i++)
        printf("  %.*s:%u: %.*s\n", STR_FMT(stage->diags.items[i].origin.file),
               stage->diags.items[i].origin.line,
               STR_FMT(diag_text(&stage->diags.items[i], &stage->arena)));
}

bool stage_read(struct stage *stage, const struct chance_text *text, struct world_spec *spec)
{
    *stage = (struct stage){0};
    arena_init(&stage->arena, 65536, 0);
    diag_list_init(&stage->diags, &stage->arena);
    tree_read(STR("mesh.yaml"), buf_str(&text->mesh), &stage->arena, &stage->mesh, &stage->diags);
    tree_read(STR("t.yaml"), buf_str(&text->test), &stage->arena, &stage->documents, &stage->diags);
    struct suite_options options = {.manifests = &stage->mesh};
    bool is_good = suite_of(&stage->documents, STR("t.yaml"), &options, &stage->arena,
                            &stage->suite, &stage->diags);
    if (is_good)
        *spec = suite_world_spec(&stage->suite, stage->suite.workloads, &stage->suite.tests[0].with,
                                 &stage->arena, &stage->diags);
    else
        print_diags(stage);
    return is_good;
}

bool stage_open(struct stage *stage, const struct chance_text *text)
{
    struct world_spec spec;
    if (!stage_read(stage, text, &spec))
        return false;
    stage->world = world_new(&spec, &stage->arena, &stage->diags);
    if (stage->world == NULL)
        print_diags(stage);
    return stage->world != NULL;
}

void stage_close(struct stage *stage)
{
    if (stage->world != NULL)
        world_free(stage->world);
    suite_fini(&stage->suite);
    arena_fini(&stage->arena);
}
