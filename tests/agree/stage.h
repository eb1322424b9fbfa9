/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/agree/stage.h - one made-up case, read: its suite and a world of its own.
 */
#pragma once

#include "testbed/runner/suite.h"
#include "tests/agree/chance.h"

struct stage {
    struct arena arena;
    struct diag_list diags;
    struct documents mesh, documents;
    struct suite suite;
    struct world *world; /* NULL: it cannot be played; why is printed */
};

/* Without a world; false: what is wrong is printed. */
bool stage_read(struct stage *stage, const struct chance_text *text, struct world_spec *spec);
bool stage_open(struct stage *stage, const struct chance_text *text);
void stage_close(struct stage *stage);
