/* SPDX-License-Identifier: Apache-2.0
 *
 * config/translate/retries.c - see retries.h.
 *
 * Source: ISTIO.md 2.16, 11.1.
 */
#include "config/translate/retries.h"

#include "proxy/model/retry_on.h"

#define DEFAULT_ATTEMPTS 2u
#define DEFAULT_RETRY_ON \
    "connect-failure,refused-stream,unavailable,cancelled,retriable-status-codes"
#define OLD_RETRY_ON "5xx,connect-failure,refused-stream" /* what 1.0 always asked for */
#define HOST_SELECTION_ATTEMPTS 5u
#define STATUS_CODES_TEXT "retriable-status-codes"

static void set_retry_on(struct retry_policy *out, struct str text)
{
    out->retry_on = text;
    out->conditions = retry_on_read(text);
}

/* Status codes go to their own list; conditions stay, joined with commas. */
static void split_retry_on(struct translation *t, struct str text, struct retry_policy *out)
{
    struct str rest = text;
    struct str joined = STR_EMPTY;
    uint32_t *codes = NULL;
    uint32_t code_count = 0, code_capacity = 0;
    bool has_condition = false, has_codes_word = false;

    while (rest.ptr != NULL) {
        struct str item = str_trim(str_cut(&rest, ','));
        uint64_t code;
        if (str_to_u64(item, 999, &code) && code >= 100) {
            *ARENA_PUSH(t->arena, codes, code_count, code_capacity) = (uint32_t)code;
            continue;
        }
        has_codes_word |= str_eq(item, STR(STATUS_CODES_TEXT));
        joined = has_condition
                     ? arena_format(&t->scratch, "%.*s,%.*s", STR_FMT(joined), STR_FMT(item))
                     : item;
        has_condition = true;
    }
    /* With codes only Istio's join leaves the comma at the front. */
    if (code_count > 0 && !has_codes_word)
        joined = arena_concat(&t->scratch, joined, STR("," STATUS_CODES_TEXT));
    set_retry_on(out, context_keep(t, joined));
    out->status_codes = codes;
    out->status_code_count = code_count;
}

static struct retry_policy *default_policy(struct translation *t)
{
    struct retry_policy *out = ARENA_NEW(t->arena, struct retry_policy);

    out->num_retries = DEFAULT_ATTEMPTS;
    set_retry_on(out, STR(DEFAULT_RETRY_ON));
    if (!t->profile->has_default_retry) {
        set_retry_on(out, STR(OLD_RETRY_ON));
        return out;
    }
    out->has_previous_hosts = true;
    out->host_selection_attempts_max = HOST_SELECTION_ATTEMPTS;
    return out;
}

bool retries_are_default(const struct translation *t, const struct http_retries *retries)
{
    return retries == NULL && t->mesh->config.retries == NULL;
}

const struct retry_policy *retries_translate(struct translation *t,
                                             const struct http_retries *retries, bool is_hashing)
{
    if (retries == NULL)
        retries = t->mesh->config.retries;
    if (retries == NULL ? !t->profile->has_default_retry : retries->attempts <= 0)
        return NULL;
    struct retry_policy *out = default_policy(t);
    out->has_previous_hosts = out->has_previous_hosts && !is_hashing;
    if (retries == NULL)
        return out;
    out->num_retries = (uint32_t)retries->attempts;
    out->origin = context_keep_origin(t, retries->origin);
    if (retries->retry_on.len > 0)
        split_retry_on(t, retries->retry_on, out);
    out->per_try_timeout_ns = retries->per_try_timeout_ns;
    out->backoff_base_ns = retries->backoff_ns;
    if (retries->has_ignore_previous_hosts)
        out->has_previous_hosts = retries->is_ignoring_previous_hosts;
    out->has_previous_priorities = retries->is_remote_localities;
    return out;
}
