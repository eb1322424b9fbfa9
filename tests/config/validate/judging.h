/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/config/validate/judging.h - one object as text, judged.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "config/validate/crd.h"
#include "config/validate/object.h"

struct judging {
    struct arena arena;
    struct diag_list diags;
    struct object_list objects;
};

static inline void judging_init(struct judging *judging, const char *text)
{
    struct documents documents = {0};

    *judging = (struct judging){0};
    arena_init(&judging->arena, 4096, 0);
    diag_list_init(&judging->diags, &judging->arena);
    tree_read(STR("in.yaml"), str_of(text), &judging->arena, &documents, &judging->diags);
    for (uint32_t i = 0; i < documents.count; i++)
        object_list_add(&judging->objects, documents.items[i], &judging->arena, &judging->diags);
    for (uint32_t i = 0; i < judging->objects.count; i++)
        object_judge(&judging->objects.items[i],
                     (struct object_question){.arena = &judging->arena,
                                              .diags = &judging->diags,
                                              .namespace = STR("default"),
                                              .is_strict = true,
                                              .has_crd = true});
}

static inline void judging_fini(struct judging *judging)
{
    arena_fini(&judging->arena);
}

/* The complaint of that id, or NULL. */
static inline const struct diag *judging_find(const struct judging *judging, enum diag_id id)
{
    for (uint32_t i = 0; i < judging->diags.count; i++)
        if (judging->diags.items[i].id == id)
            return &judging->diags.items[i];
    return NULL;
}
