/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/testbed/inspect/test_sentence.c - attempts, retries, faults, CORS and
 * mirrors in words.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/check.h"
#include "base/ns.h"
#include "testbed/inspect/sentence.h"

#define SAYS(words) .text = STR_INIT(words)

struct row {
    struct trace_event event;
    enum sentence_mark mark;
    const char *subject, *words;
};

static void check(const struct row *row)
{
    struct arena arena;
    arena_init(&arena, 4096, 0);
    struct sentence_context context = {.arena = &arena};
    struct sentence got = sentence_of(&context, &row->event);
    if (got.mark != row->mark || !str_eq(got.subject, str_of(row->subject)) ||
        !str_eq(got.words, str_of(row->words)))
        fail_msg("want \"%s: %s\", got \"%.*s: %.*s\"", row->subject, row->words,
                 STR_FMT(got.subject), STR_FMT(got.words));
    arena_fini(&arena);
}

static void test_retries_in_words(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {{.kind = TRACE_RETRY_LATER, .index = 1, SAYS("5xx"), .number = 25 * NS_MS},
         SENTENCE_GO,
         "retry",
         "5xx covers it: again after 25ms"},
        {{.kind = TRACE_RETRY_REFUSED, .condition = CONDITION_RETRY_WORDS, SAYS("reset,5xx")},
         SENTENCE_NO,
         "retry",
         "none: not one of reset,5xx covers it"},
        {{.kind = TRACE_RETRY_REFUSED,
          .condition = CONDITION_RETRY_LIMIT,
          SAYS("reset"),
          .number = 3},
         SENTENCE_NO,
         "retry",
         "none: reset covers it, but 3 attempts are all"},
        {{.kind = TRACE_RETRY_REFUSED, .condition = CONDITION_RETRY_BUDGET, SAYS("reset")},
         SENTENCE_NO,
         "retry",
         "none: reset covers it, but too many retries are under way"},
        {{.kind = TRACE_RETRY_REFUSED, .condition = CONDITION_RETRY_BODY, .number = 1048576},
         SENTENCE_NO,
         "retry",
         "no more: the body is longer than the 1048576 bytes that are kept"},
        {{.kind = TRACE_TRY_TIMEOUT_FIRED, .index = 2, .number = 300 * NS_MS},
         SENTENCE_BAD,
         "attempt 2",
         "is given up: the 300ms of one attempt have passed"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        check(&rows[i]);
}

/* Who may come in, and whose token it was. */
static void test_doors(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {{.kind = TRACE_TOKEN, SAYS("Jwt is expired")},
         SENTENCE_BAD,
         "token",
         "refused: Jwt is expired"},
        {{.kind = TRACE_TOKEN, .other = STR_INIT("a.test/jason"), .number = 1},
         SENTENCE_YES,
         "token",
         "it is a.test/jason's"},
        {{.kind = TRACE_ACCESS, SAYS("p-rule[0]"), .index = RBAC_DENY},
         SENTENCE_BAD,
         "access",
         "a caller without a certificate is denied by p-rule[0]"},
        {{.kind = TRACE_ACCESS, .other = STR_INIT("spiffe://a/ns/b/sa/c"), .index = RBAC_ALLOW},
         SENTENCE_BAD,
         "access",
         "spiffe://a/ns/b/sa/c is denied: no ALLOW policy has a rule for it"},
        {{.kind = TRACE_ACCESS, SAYS("q-rule[1]"), .index = RBAC_ALLOW, .number = 1},
         SENTENCE_YES,
         "access",
         "a caller without a certificate is let in by q-rule[1]"},
        {{.kind = TRACE_ACCESS, SAYS("q-rule[1]"), .index = RBAC_LOG, .number = 1},
         SENTENCE_YES,
         "access",
         "a caller without a certificate is noted by q-rule[1], which decides nothing"},
        {{.kind = TRACE_ACCESS_SHADOW, SAYS("p-rule[0]"), .index = RBAC_DENY},
         SENTENCE_NO,
         "access",
         "a dry run, which decides nothing: a caller without a certificate would be denied by "
         "p-rule[0]"},
        {{.kind = TRACE_ACCESS_SHADOW, .index = RBAC_ALLOW},
         SENTENCE_NO,
         "access",
         "a dry run, which decides nothing: a caller without a certificate would be denied: no "
         "dry-run ALLOW policy has a rule for it"},
        {{.kind = TRACE_ACCESS_SHADOW, .index = RBAC_DENY, .number = 1},
         SENTENCE_NO,
         "access",
         "a dry run, which decides nothing: a caller without a certificate would be let in: no "
         "dry-run DENY policy has a rule for it"},
        {{.kind = TRACE_ACCESS_UNASKED, SAYS("r-rule[0]")},
         SENTENCE_NO,
         "access",
         "the provider of r-rule[0] is not asked: CUSTOM is not applied"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        check(&rows[i]);
}

/* A route that wants a claim of the caller's token. */
static void test_claims_in_words(void **state)
{
    (void)state;
    static const struct str PATH[] = {STR_INIT("org"), STR_INIT("unit")};
    static const struct claim_matcher claims[] = {
        {.path = PATH, .path_count = 2, .value.value = STR_INIT("blue")},
        {.path = PATH,
         .path_count = 1,
         .is_inverted = true,
         .value = {.kind = STRING_PREFIX, .value = STR_INIT("bl")}}};
    static const struct route route = {.name = STR_INIT("r"),
                                       .match = {.claims = claims, .claim_count = 2}};
    static const struct row rows[] = {
        {{.kind = TRACE_ROUTE_REJECTED,
          .route = &route,
          .condition = CONDITION_CLAIM,
          .is_absent = true},
         SENTENCE_NO,
         "rule r",
         "the token's claim [org][unit] is absent, it must be \"blue\""},
        {{.kind = TRACE_ROUTE_REJECTED,
          .route = &route,
          .condition = CONDITION_CLAIM,
          .index = 1,
          SAYS("[\"red\",\"blue\"]")},
         SENTENCE_NO,
         "rule r",
         "the token's claim [org] is [\"red\",\"blue\"], it must not begin with \"bl\""},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        check(&rows[i]);
}

static void test_faults_cors_and_mirrors_in_words(void **state)
{
    (void)state;
    static const struct endpoint pod = {.address = STR_INIT("127.1.0.1"), .port = 80};
    static const struct row rows[] = {
        {{.kind = TRACE_FAULT_DELAYED, .number = NS_SECOND},
         SENTENCE_GO,
         "fault",
         "the request waits 1s before it is routed"},
        {{.kind = TRACE_FAULT_ABORTED, .number = 418},
         SENTENCE_BAD,
         "fault",
         "the request is aborted with 418"},
        {{.kind = TRACE_FAULT_MISSED}, SENTENCE_NO, "fault", "the draw lets this one pass"},
        {{.kind = TRACE_CORS, SAYS("https://a"), .number = 1},
         SENTENCE_YES,
         "CORS",
         "the origin https://a is allowed"},
        {{.kind = TRACE_CORS, SAYS("https://b")},
         SENTENCE_NO,
         "CORS",
         "the origin https://b is not among the allowed ones"},
        {{.kind = TRACE_MIRRORED, SAYS("shadow"), .endpoint = &pod},
         SENTENCE_GO,
         "mirror",
         "a copy goes to 127.1.0.1:80 of shadow"},
        {{.kind = TRACE_MIRROR_MISSED, SAYS("shadow"), .condition = CONDITION_MIRROR_SHARE},
         SENTENCE_NO,
         "mirror",
         "no copy to shadow: the draw lets this one pass"},
        {{.kind = TRACE_MIRROR_MISSED, SAYS("shadow"), .condition = CONDITION_MIRROR_CLUSTER},
         SENTENCE_NO,
         "mirror",
         "no copy: shadow does not exist"},
        {{.kind = TRACE_MIRROR_MISSED, SAYS("shadow"), .condition = CONDITION_MIRROR_ENDPOINT},
         SENTENCE_NO,
         "mirror",
         "no copy: shadow has no usable endpoint"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        check(&rows[i]);
}

/* A default retry was written by nobody. */
static void test_defaults_are_the_profiles(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 4096, 0);
    struct sentence_context context = {.arena = &arena};
    struct trace_event event = {.kind = TRACE_RETRY_LATER};
    assert_true(sentence_of(&context, &event).is_default);
    event.origin.line = 3;
    assert_false(sentence_of(&context, &event).is_default);
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_retries_in_words),
        cmocka_unit_test(test_doors),
        cmocka_unit_test(test_claims_in_words),
        cmocka_unit_test(test_faults_cors_and_mirrors_in_words),
        cmocka_unit_test(test_defaults_are_the_profiles),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
