/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/agree/chance_inside.h - how a seed's luck becomes words: chance.c and what has a
 * luck of its own beside it.
 */
#pragma once

#include "base/buf.h"
#include "base/check.h"
#include "base/rng.h"

struct chance {
    struct rng rng, rng_h2;
    struct buf *out;
    bool is_plain; /* nothing that happens is left to luck */
    bool is_calm;  /* applications answer 200 */
    bool is_load;  /* there is time for hosts to come back */
    /* Who may speak to whom is made up too, by a luck of its own; NULL: nobody asks. */
    struct chance *secure;
};

static inline void say(struct chance *chance, const char *text)
{
    ASSERT(buf_append(chance->out, str_of(text)) == RC_OK);
}

static inline uint64_t below(struct chance *chance, uint64_t bound)
{
    return rng_below(&chance->rng, bound);
}

/* True so often of a hundred. */
static inline bool is_lucky(struct chance *chance, uint32_t percent)
{
    return below(chance, 100) < percent;
}

static inline const char *one_of(struct chance *chance, const char *const *words, size_t count)
{
    return words[below(chance, count)];
}

#define ONE_OF(chance, words) one_of((chance), (words), COUNT_OF(words))

/* What is luck stands in the second list. */
#define ONE_OF_TWO(chance, plain, lucky)                                                        \
    ((chance)->is_plain || below((chance), COUNT_OF(plain) + COUNT_OF(lucky)) < COUNT_OF(plain) \
         ? ONE_OF(chance, plain)                                                                \
         : ONE_OF(chance, lucky))
