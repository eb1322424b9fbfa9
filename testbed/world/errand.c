/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/world/errand.c - see errand.h.
 */
#include "testbed/world/errand.h"

#include "base/check.h"

#define ARENA_BLOCK_BYTES 4096u

void errands_init(struct errands *errands)
{
    list_init(&errands->spare);
    list_init(&errands->over);
    list_init(&errands->all);
}

void errands_fini(struct errands *errands)
{
    for (struct list *at = errands->all.next; at != &errands->all; at = at->next)
        arena_fini(&LIST_ITEM(at, struct errand, everybody)->own_arena);
}

static void renew(struct errand *errand, enum errand_kind kind)
{
    errand->kind = kind;
    errand->is_begun = false;
    errand->is_wanting_record = false;
    errand->is_over = false;
    if (kind == ERRAND_OF_BATCH)
        return;
    errand->call = &errand->own_call;
    errand->outcome = &errand->own_outcome;
    errand->arena = &errand->own_arena;
}

struct errand *errands_reuse(struct errands *errands, enum errand_kind kind)
{
    if (list_is_empty(&errands->spare))
        return NULL;
    struct errand *errand = LIST_ITEM(list_first(&errands->spare), struct errand, node);
    list_remove(&errand->node);
    renew(errand, kind);
    return errand;
}

void errands_join(struct errands *errands, struct errand *fresh, enum errand_kind kind)
{
    list_init(&fresh->node);
    arena_init(&fresh->own_arena, ARENA_BLOCK_BYTES, 0);
    list_push_back(&errands->all, &fresh->everybody);
    renew(fresh, kind);
}

void errands_give_back(struct errands *errands, struct errand *errand)
{
    errand->life++;
    arena_reset(&errand->own_arena);
    list_push_front(&errands->spare, &errand->node);
}

void errands_note_over(struct errands *errands, struct errand *errand)
{
    ASSERT(errand->kind == ERRAND_OF_STREAM);
    list_push_back(&errands->over, &errand->node);
}

struct errand *errands_answer(struct errands *errands)
{
    if (list_is_empty(&errands->over))
        return NULL;
    struct errand *errand = LIST_ITEM(list_first(&errands->over), struct errand, node);
    list_remove(&errand->node);
    return errand;
}

void errand_ask(struct errand *errand, const struct call *call, uint32_t number)
{
    ASSERT(errand->kind == ERRAND_OF_HOP);
    errand->own_call = call_copy(call, &errand->own_arena);
    errand->standin_number = number;
}
