/* SPDX-License-Identifier: Apache-2.0
 *
 * config/translate/cors.c - see cors.h.
 *
 * Source: ISTIO.md 2.14.
 */
#include "config/translate/cors.h"

#include "config/translate/match.h"

static struct str joined(struct translation *t, const struct text_list *list)
{
    struct str out = list->count > 0 ? list->items[0] : STR_EMPTY;

    for (uint32_t i = 1; i < list->count; i++)
        out = arena_format(&t->scratch, "%.*s,%.*s", STR_FMT(out), STR_FMT(list->items[i]));
    return context_keep(t, out);
}

const struct cors_policy *cors_translate(struct translation *t, const struct http_cors *cors)
{
    if (cors == NULL)
        return NULL;
    struct cors_policy *out = ARENA_NEW(t->arena, struct cors_policy);
    struct string_matcher *origins =
        ARENA_ARRAY(t->arena, struct string_matcher, cors->origin_count);
    /* One that does not compile was complained of when it was read. */
    for (uint32_t i = 0; i < cors->origin_count; i++)
        out->origin_count +=
            match_string_translate(t, &cors->origins[i], &origins[out->origin_count]);
    out->origins = origins;
    out->methods = joined(t, &cors->methods);
    out->headers = joined(t, &cors->headers);
    out->exposed = joined(t, &cors->exposed);
    if (cors->has_max_age)
        out->max_age =
            context_keep(t, arena_format(&t->scratch, "%lld", (long long)cors->max_age_s));
    out->has_credentials = cors->has_credentials;
    out->is_allowing_credentials = cors->is_allowing_credentials;
    out->is_passing_unmatched = !cors->is_ignoring_unmatched;
    out->origin = context_keep_origin(t, cors->origin);
    return out;
}
