/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/core/cors.c - origins, preflights and their headers.
 */
#include "proxy/core/cors.h"

#include "proxy/core/matcher.h"

#define ALLOW_ORIGIN STR("access-control-allow-origin")
#define ALLOW_CREDENTIALS STR("access-control-allow-credentials")

static bool is_allowed(const struct cors_policy *policy, struct str origin)
{
    for (uint32_t i = 0; i < policy->origin_count; i++) {
        const struct string_matcher *matcher = &policy->origins[i];
        bool is_any = matcher->kind == STRING_EXACT && str_eq(matcher->value, STR("*"));
        if (is_any || matcher_string(matcher, origin))
            return true;
    }
    return false;
}

static bool is_preflight(const struct request_head *head)
{
    struct str method;
    return str_eq(head->method, STR("OPTIONS")) &&
           header_get(&head->headers, STR("access-control-request-method"), &method) &&
           method.len > 0;
}

bool cors_is_preflight(const struct request_head *head)
{
    struct str origin;
    return header_get(&head->headers, STR("origin"), &origin) && origin.len > 0 &&
           is_preflight(head);
}

struct cors_answer cors_judge(const struct cors_policy *policy, const struct request_head *head)
{
    struct cors_answer answer = {.verdict = CORS_NOT_ASKED};
    if (policy == NULL || !header_get(&head->headers, STR("origin"), &answer.origin) ||
        answer.origin.len == 0)
        return answer;
    answer.is_allowed = is_allowed(policy, answer.origin);
    bool is_passed = !answer.is_allowed && policy->is_passing_unmatched;
    answer.verdict = is_preflight(head) && !is_passed ? CORS_ANSWER : CORS_PASS;
    return answer;
}

/* What is allowed; "*" echoes what was asked for. */
static void set_allowed(struct response_head *response, struct str name, struct str allowed,
                        struct str asked)
{
    if (str_eq(allowed, STR("*")))
        allowed = asked;
    if (allowed.len > 0)
        header_set(&response->headers, name, allowed);
}

void cors_preflight(const struct cors_policy *policy, const struct request_head *request,
                    const struct cors_answer *answer, struct response_head *response)
{
    struct header_list *headers = &response->headers;
    struct str method = STR_EMPTY, names = STR_EMPTY;
    (void)header_get(&request->headers, STR("access-control-request-method"), &method);
    (void)header_get(&request->headers, STR("access-control-request-headers"), &names);
    response->status = 200;
    response->version = HTTP_1_1;
    if (answer->is_allowed)
        header_set(headers, ALLOW_ORIGIN, answer->origin);
    if (policy->is_allowing_credentials)
        header_set(headers, ALLOW_CREDENTIALS, STR("true"));
    set_allowed(response, STR("access-control-allow-methods"), policy->methods, method);
    set_allowed(response, STR("access-control-allow-headers"), policy->headers, names);
    if (policy->max_age.len > 0)
        header_set(headers, STR("access-control-max-age"), policy->max_age);
}

void cors_mark(const struct cors_policy *policy, struct str origin, struct response_head *response)
{
    header_set(&response->headers, ALLOW_ORIGIN, origin);
    if (policy->is_allowing_credentials)
        header_set(&response->headers, ALLOW_CREDENTIALS, STR("true"));
    if (policy->exposed.len > 0)
        header_set(&response->headers, STR("access-control-expose-headers"), policy->exposed);
}
