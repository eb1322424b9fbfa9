/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/core/retry_headers.c - headers into a policy.
 */
#include "proxy/core/retry_headers.h"

#include "base/check.h"
#include "base/ns.h"
#include "proxy/model/retry_on.h"

#define RETRIES_DEFAULT 1u /* Envoy's num_retries */

#define GRPC_WORDS                                                                        \
    (RETRY_ON_BIT(CANCELLED) | RETRY_ON_BIT(DEADLINE_EXCEEDED) | RETRY_ON_BIT(INTERNAL) | \
     RETRY_ON_BIT(RESOURCE_EXHAUSTED) | RETRY_ON_BIT(UNAVAILABLE))

static const struct str CONSUMED[] = {
    STR_INIT("x-envoy-retry-on"),
    STR_INIT("x-envoy-retry-grpc-on"),
    STR_INIT("x-envoy-max-retries"),
    STR_INIT("x-envoy-hedge-on-per-try-timeout"),
    STR_INIT("x-envoy-retriable-header-names"),
    STR_INIT("x-envoy-retriable-status-codes"),
    STR_INIT("x-envoy-upstream-rq-per-try-timeout-ms"),
};

static uint32_t comma_count(struct str text)
{
    uint32_t count = 0;
    for (size_t i = 0; i < text.len; i++)
        count += text.ptr[i] == ',';
    return count;
}

static void add_status_codes(struct retry_policy *policy, struct str text, struct arena *arena)
{
    uint32_t before = policy->status_code_count;
    uint32_t *codes = ARENA_ARRAY(arena, uint32_t, before + comma_count(text) + 1);
    for (uint32_t i = 0; i < before; i++)
        codes[i] = policy->status_codes[i];
    while (text.len > 0) {
        uint64_t code;
        if (str_to_u64(str_trim(str_cut(&text, ',')), UINT32_MAX, &code))
            codes[policy->status_code_count++] = (uint32_t)code;
    }
    policy->status_codes = codes;
}

static void add_header_names(struct retry_policy *policy, struct str text, struct arena *arena)
{
    struct str *names = ARENA_ARRAY(arena, struct str, comma_count(text) + 1);
    while (text.len > 0) {
        struct str name = str_trim(str_cut(&text, ','));
        if (name.len > 0)
            names[policy->header_name_count++] = arena_str_lower(arena, name);
    }
    policy->header_names = names;
}

static void add_words(struct retry_policy *policy, struct str text, uint32_t among,
                      struct arena *arena)
{
    policy->conditions |= retry_on_read(text) & among;
    policy->retry_on =
        policy->retry_on.len == 0
            ? text
            : arena_concat(arena, arena_concat(arena, policy->retry_on, STR(",")), text);
}

static void merge(struct retry_policy *policy, const struct header_list *headers,
                  struct arena *arena)
{
    struct str text;
    if (header_get(headers, STR("x-envoy-retry-on"), &text))
        add_words(policy, text, ~GRPC_WORDS, arena);
    if (header_get(headers, STR("x-envoy-retry-grpc-on"), &text))
        add_words(policy, text, GRPC_WORDS, arena);
    uint64_t number;
    if (header_get(headers, STR("x-envoy-max-retries"), &text) &&
        str_to_u64(str_trim(text), UINT32_MAX - 1, &number))
        policy->num_retries = (uint32_t)number;
    if (header_get(headers, STR("x-envoy-retriable-status-codes"), &text))
        add_status_codes(policy, text, arena);
    if (header_get(headers, STR("x-envoy-retriable-header-names"), &text))
        add_header_names(policy, text, arena);
}

const struct retry_policy *retry_headers_read(const struct retry_policy *own,
                                              struct header_list *headers,
                                              const struct origin *origin, struct arena *arena)
{
    bool is_said = false;
    for (size_t i = 0; i < COUNT_OF(CONSUMED); i++)
        is_said |= header_is_present(headers, CONSUMED[i]);
    if (!is_said)
        return own;
    struct retry_policy *policy = ARENA_NEW(arena, struct retry_policy);
    if (own != NULL)
        *policy = *own;
    else
        *policy = (struct retry_policy){.num_retries = RETRIES_DEFAULT, .origin = *origin};
    merge(policy, headers, arena);
    for (size_t i = 0; i < COUNT_OF(CONSUMED); i++)
        header_remove(headers, CONSUMED[i]);
    return policy->conditions != 0 ? policy : own;
}

bool retry_headers_take_alt_response(struct header_list *headers)
{
    struct str name = STR("x-envoy-upstream-rq-timeout-alt-response");
    bool is_there = header_is_present(headers, name);
    if (is_there)
        header_remove(headers, name);
    return is_there;
}

int64_t retry_headers_take_stream_duration_ns(struct header_list *headers)
{
    struct str name = STR("x-envoy-upstream-stream-duration-ms"), text;
    uint64_t ms = 0;
    if (!header_get(headers, name, &text))
        return 0;
    if (!str_to_u64(str_trim(text), NS_NEVER / NS_MS, &ms))
        ms = 0;
    header_remove(headers, name);
    return (int64_t)ms * NS_MS;
}
