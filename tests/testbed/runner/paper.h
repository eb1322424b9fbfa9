/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/testbed/runner/paper.h - a RouteTest file that is only text, read. For
 * the tests of reading; include it after cmocka.
 */
#pragma once

#include "testbed/runner/suite.h"

#define HEAD "apiVersion: pocketmesh/v1\nkind: RouteTest\nmetadata: {name: t}\n"
#define ONE_TEST "tests: [{name: x, request: {uri: /}}]\n"

struct paper {
    struct arena arena;
    struct diag_list diags;
    struct suite suite;
    bool is_good;
};

static inline void paper_read_with(struct paper *paper, const char *text,
                                   struct suite_options options)
{
    struct documents documents = {0};
    arena_init(&paper->arena, 65536, 0);
    diag_list_init(&paper->diags, &paper->arena);
    tree_read(STR("t.yaml"), str_of(text), &paper->arena, &documents, &paper->diags);
    paper->is_good =
        suite_of(&documents, STR("t.yaml"), &options, &paper->arena, &paper->suite, &paper->diags);
}

static inline void paper_fini(struct paper *paper)
{
    suite_fini(&paper->suite);
    arena_fini(&paper->arena);
}

static inline void paper_print(struct paper *paper)
{
    for (uint32_t i = 0; i < paper->diags.count; i++)
        print_message("%u: %.*s\n", paper->diags.items[i].origin.line,
                      STR_FMT(diag_text(&paper->diags.items[i], &paper->arena)));
}

static inline void paper_read(struct paper *paper, const char *text)
{
    paper_read_with(paper, text, (struct suite_options){0});
    if (!paper->is_good)
        paper_print(paper);
    assert_true(paper->is_good);
}

static inline void assert_str(struct str got, const char *want)
{
    if (!str_eq(got, str_of(want)))
        print_message("got \"%.*s\", not \"%s\"\n", STR_FMT(got), want);
    assert_true(str_eq(got, str_of(want)));
}

static inline struct suite_case *paper_case(struct paper *paper, const char *text)
{
    paper_read(paper, text);
    return &paper->suite.tests[0].cases[0];
}
