/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/core/reason.c - the tables of reasons and failures.
 */
#include "proxy/core/reason.h"

#include "base/check.h"

static const struct reason_row REASONS[] = {
    [REASON_NONE] = {STR_INIT(""), 0, STR_INIT(""), STR_INIT(""),
                     STR_INIT("a response was forwarded")},
#define X(id, flag, status, details, body, english) \
    [REASON_##id] = {STR_INIT(flag), status, STR_INIT(details), STR_INIT(body), STR_INIT(english)},
#include "proxy/core/reason.def"
#undef X
};

static const struct failure_row FAILURES[] = {
    [FAILURE_NONE] = {STR_INIT(""), STR_INIT(""), 0},
#define X(id, words, flag, status) [FAILURE_##id] = {STR_INIT(words), STR_INIT(flag), status},
#include "proxy/core/failure.def"
#undef X
};

const struct reason_row *reason_row(enum reason reason)
{
    ASSERT((size_t)reason < COUNT_OF(REASONS));
    return &REASONS[reason];
}

const struct failure_row *failure_row(enum failure failure)
{
    ASSERT((size_t)failure < COUNT_OF(FAILURES));
    return &FAILURES[failure];
}
