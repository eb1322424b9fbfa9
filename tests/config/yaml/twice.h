/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/config/yaml/twice.h - one text read by both readers: what plain.h takes is
 * what libyaml.h says of it, to the place and to the complaint.
 */
#pragma once

#include "base/check.h"
#include "config/yaml/libyaml.h"
#include "config/yaml/plain.h"

static inline bool twice_is_origin(struct origin a, struct origin b)
{
    return a.line == b.line && a.column == b.column && str_eq(a.file, b.file);
}

/* Recursion is bounded by YAML_DEPTH_MAX. */
static inline bool twice_is_same(const struct node *a, const struct node *b)
{
    if (a->kind != b->kind || a->count != b->count || a->is_quoted != b->is_quoted ||
        a->boolean != b->boolean || a->integer != b->integer || a->number != b->number ||
        !str_eq(a->text, b->text) || !twice_is_origin(a->origin, b->origin))
        return false;
    for (uint32_t i = 0; i < a->count; i++) {
        if (a->kind == NODE_LIST && !twice_is_same(a->items[i], b->items[i]))
            return false;
        if (a->kind == NODE_MAP &&
            (!str_eq(a->entries[i].key, b->entries[i].key) ||
             !twice_is_origin(a->entries[i].key_origin, b->entries[i].key_origin) ||
             !twice_is_same(a->entries[i].value, b->entries[i].value)))
            return false;
    }
    return true;
}

static inline bool twice_is_said(const struct diag_list *a, const struct diag_list *b)
{
    for (uint32_t i = 0; i < a->count && i < b->count; i++) {
        if (a->items[i].id != b->items[i].id ||
            !twice_is_origin(a->items[i].origin, b->items[i].origin))
            return false;
    }
    return a->count == b->count && a->error_count == b->error_count;
}

enum twice_verdict {
    TWICE_NOT_TAKEN, /* by plain_read, which left no trace */
    TWICE_SAME,
    TWICE_DIFFERENT,
};

static inline enum twice_verdict twice_read(struct str text)
{
    const struct piece piece = {.file = STR_INIT("a.yaml"), .text = text, .lines_before = 6};
    struct arena arena;
    struct diag_list said[2];
    struct builder *builders;
    struct documents documents[2] = {{0}};
    arena_init(&arena, 65536, 0);
    builders = ARENA_ARRAY(&arena, struct builder, 2);
    for (int i = 0; i < 2; i++) {
        diag_list_init(&said[i], &arena);
        builder_init(&builders[i], &arena, &said[i]);
    }
    enum twice_verdict verdict = TWICE_NOT_TAKEN;
    if (plain_read(&piece, &builders[0])) {
        documents_add(&documents[0], builders[0].root, &arena);
        libyaml_read(&piece, &builders[1], &documents[1]);
        bool is_same = documents[0].count == documents[1].count &&
                       twice_is_said(&said[0], &said[1]) &&
                       (documents[0].count == 0 ||
                        twice_is_same(documents[0].items[0], documents[1].items[0]));
        verdict = is_same ? TWICE_SAME : TWICE_DIFFERENT;
    } else if (said[0].count > 0 || builders[0].node_count > 0 || builders[0].root != NULL) {
        verdict = TWICE_DIFFERENT;
    }
    arena_fini(&arena);
    return verdict;
}
