/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/runner/route_case.c - which rule a request meets, and what it says; see
 * route_case.h.
 */
#include "testbed/runner/route_case.h"

#include "base/check.h"

/* A request of a case. */
struct route_input {
    struct str authority, method, uri;
    const struct label *headers;
    uint32_t header_count;
};

static bool holds(const struct route_matcher *matcher, struct str text)
{
    switch (matcher->kind) {
    case ROUTE_MATCHER_ANY:
        return true;
    case ROUTE_MATCHER_EXACT:
        return str_eq(text, matcher->value);
    case ROUTE_MATCHER_PREFIX:
        return str_has_prefix(text, matcher->value);
    case ROUTE_MATCHER_REGEX:
        return regex_matches_part(matcher->regex, text);
    }
    UNREACHABLE("route_matcher_kind");
}

/* A header that is not there matches nothing, whatever is asked of it. */
static bool has_header(const struct route_input *input, const struct route_matcher *matcher)
{
    const struct str *value = label_find(input->headers, input->header_count, matcher->name);

    return value != NULL && holds(matcher, *value);
}

static bool is_met(const struct route_block *block, const struct route_input *input)
{
    for (uint32_t i = 0; i < block->header_count; i++) {
        if (!has_header(input, &block->headers[i]))
            return false;
    }
    return holds(&block->authority, input->authority) && holds(&block->uri, input->uri) &&
           holds(&block->method, input->method);
}

static bool is_rule_met(const struct route_rule *rule, const struct route_input *input)
{
    for (uint32_t i = 0; i < rule->block_count; i++) {
        if (is_met(&rule->blocks[i], input))
            return true;
    }
    return rule->block_count == 0;
}

static const struct route_rule *rule_of(const struct route_service *service,
                                        const struct route_input *input)
{
    for (uint32_t i = 0; i < service->rule_count; i++) {
        if (is_rule_met(&service->rules[i], input))
            return &service->rules[i];
    }
    return NULL;
}

/* Hosts are compared as they are written. One VirtualService without a rule for the
 * request leaves it to the next. */
static const struct route_rule *find_rule(const struct route_services *services,
                                          const struct route_input *input)
{
    for (uint32_t i = 0; i < services->count; i++) {
        const struct route_service *service = &services->items[i];
        if (!text_list_has(&service->hosts, input->authority))
            continue;
        const struct route_rule *rule = rule_of(service, input);
        if (rule != NULL)
            return rule;
    }
    return NULL;
}

static struct str text_of(const struct node *map, struct str name)
{
    const struct node *node = node_get(map, name);

    return node != NULL ? node->text : STR_EMPTY;
}

/* The VirtualService that a rule's delegate names; its namespace counts if it is said. */
static const struct route_service *find_delegate(const struct route_services *services,
                                                 const struct node *delegate)
{
    struct str name = text_of(delegate, STR("name"));
    struct str namespace = text_of(delegate, STR("namespace"));

    for (uint32_t i = 0; i < services->count; i++) {
        const struct route_service *service = &services->items[i];
        if (str_eq(service->name, name) &&
            (namespace.len == 0 || str_eq(service->namespace, namespace)))
            return service;
    }
    return NULL;
}

/* --- judging --------------------------------------------------------------- */

struct route_judging {
    const struct suite_test *test;
    const struct route_case *of;
    struct complaints *out;
};

static struct str place_words(const struct route_rule *rule, struct arena *arena)
{
    if (rule == NULL)
        return STR(" (no rule matches)");
    return arena_format(arena, " (the rule at %.*s:%u:%u)", STR_FMT(rule->origin.file),
                        rule->origin.line, rule->origin.column);
}

static void judge_part(const struct route_judging *judging, const struct route_rule *rule,
                       enum route_part part)
{
    const struct node *want = judging->of->parts[part];
    const struct node *got = rule != NULL ? rule->parts[part] : NULL;
    struct arena *arena = judging->out->scratch;

    if (route_part_is_same(want, got) == judging->of->is_wanted)
        return;
    struct str expected = route_part_words(want, arena);
    if (!judging->of->is_wanted)
        expected = arena_format(arena, "not %.*s", STR_FMT(expected));
    struct str actual = arena_format(arena, "%.*s%.*s", STR_FMT(route_part_words(got, arena)),
                                     STR_FMT(place_words(rule, arena)));
    complain(judging->out, want != NULL ? want->origin : judging->test->origin,
             route_part_name(part), expected, actual);
}

/* A delegate is followed where the case says a route. False: there is none to follow. */
static bool follow(const struct route_judging *judging, const struct route_input *input,
                   const struct route_rule **rule)
{
    const struct node *delegate = (*rule)->parts[PART_DELEGATE];
    struct arena *arena = judging->out->scratch;
    const struct route_service *service = find_delegate(judging->of->services, delegate);

    if (service != NULL) {
        *rule = rule_of(service, input);
        return true;
    }
    complain(judging->out, judging->test->origin, STR("delegate"),
             arena_format(arena, "a VirtualService %.*s", STR_FMT(text_of(delegate, STR("name")))),
             arena_format(arena, "there is none%.*s", STR_FMT(place_words(*rule, arena))));
    return false;
}

static void judge_input(const struct route_judging *judging, const struct route_input *input)
{
    const struct route_case *of = judging->of;
    const struct route_rule *rule = find_rule(of->services, input);

    if (of->parts[PART_DELEGATE] != NULL)
        judge_part(judging, rule, PART_DELEGATE);
    bool is_delegating = rule != NULL && rule->parts[PART_DELEGATE] != NULL;
    if (is_delegating && of->parts[PART_ROUTE] != NULL && !follow(judging, input, &rule))
        return;
    /* A route that is not said must not be there; of the rest only what is said counts. */
    judge_part(judging, rule, PART_ROUTE);
    for (uint32_t i = 0; i < PART_COUNT; i++) {
        if (i != PART_ROUTE && i != PART_DELEGATE && of->parts[i] != NULL)
            judge_part(judging, rule, (enum route_part)i);
    }
}

void route_case_judge(const struct suite_test *test, struct test_result *out)
{
    const struct route_case *of = test->route_case;
    struct route_judging judging = {.test = test, .of = of, .out = &out->complaints};
    struct route_input input = {.headers = of->headers, .header_count = of->header_count};

    for (uint32_t a = 0; a < of->authorities.count; a++) {
        input.authority = of->authorities.items[a];
        for (uint32_t m = 0; m < of->methods.count; m++) {
            input.method = of->methods.items[m];
            for (uint32_t u = 0; u < of->uris.count; u++) {
                input.uri = of->uris.items[u];
                out->complaints.request =
                    arena_format(out->complaints.scratch, "%.*s %.*s%.*s", STR_FMT(input.method),
                                 STR_FMT(input.authority), STR_FMT(input.uri));
                judge_input(&judging, &input);
                out->request_count++;
            }
        }
    }
    out->status = out->complaints.count > 0 ? TEST_FAILED : TEST_PASSED;
}
