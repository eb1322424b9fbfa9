/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/world/errand.h - a call on its way through an engine, whoever made it:
 *
 *   spare ──renew──> under way ──> over ──> (answered) ──give back──> spare
 *
 * Each engine wraps this in a slot of its own, with its timer. Slots are pooled
 * and live as long as the play; `life` tells one use of a slot from the next.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "testbed/world/call.h"

/* For whom a call is made. */
enum errand_kind {
    ERRAND_OF_BATCH,  /* play's `call`: the outcome stands in its array */
    ERRAND_OF_STREAM, /* play's `begin`: `next` will answer it */
    ERRAND_OF_HOP,    /* a stand-in asks */
};

/* One call from before it begins until its outcome and its record are there. */
struct errand {
    struct list node;      /* of the spare ones, or of those that are over */
    struct list everybody; /* of all there are */
    enum errand_kind kind;
    uint64_t life;
    const struct call *call;
    struct outcome *outcome;
    struct arena *arena; /* of what the outcome holds */
    int64_t started_ns;
    bool is_begun, is_wanting_record, is_over;
    uint64_t number;         /* ERRAND_OF_STREAM */
    uint32_t standin_number; /* ERRAND_OF_HOP: on which connection it was asked to */
    struct arena own_arena;  /* these three: not of a batch */
    struct call own_call;
    struct outcome own_outcome; /* the last use's, until caller_begin */
};

struct errands {
    struct list spare, over, all;
};

void errands_init(struct errands *errands);

/* Gives back what all errands' arenas hold. */
void errands_fini(struct errands *errands);

/* One that was given back, for a new use; NULL when there is none. */
struct errand *errands_reuse(struct errands *errands, enum errand_kind kind);

/* A slot joins, for its first use; it was zero, and stays until `errands_fini`. */
void errands_join(struct errands *errands, struct errand *fresh, enum errand_kind kind);

/* What it kept is gone, its life over. Of a batch, its call and outcome are others'. */
void errands_give_back(struct errands *errands, struct errand *errand);

/* Outcome and record are there: it waits to be answered, after those before it. */
void errands_note_over(struct errands *errands, struct errand *errand);

/* The one that has waited longest to be answered, taken out; NULL: none. */
struct errand *errands_answer(struct errands *errands);

/* What stand-in connection `number` asks: copied, `call` lives no longer than this. */
void errand_ask(struct errand *errand, const struct call *call, uint32_t number);
