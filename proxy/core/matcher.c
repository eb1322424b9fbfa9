/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/core/matcher.c - texts, headers, queries and paths against patterns.
 */
#include "proxy/core/matcher.h"

#include "base/check.h"
#include "base/regex.h"

static bool has_prefix(struct str text, struct str prefix, bool is_ignoring_case)
{
    return is_ignoring_case ? str_has_prefix_ci(text, prefix) : str_has_prefix(text, prefix);
}

static bool is_equal(struct str a, struct str b, bool is_ignoring_case)
{
    return is_ignoring_case ? str_eq_ci(a, b) : str_eq(a, b);
}

static bool contains_ci(struct str text, struct str part)
{
    for (size_t at = 0; at + part.len <= text.len; at++)
        if (str_eq_ci(str_slice(text, at, at + part.len), part))
            return true;
    return false;
}

bool matcher_string(const struct string_matcher *matcher, struct str text)
{
    struct str value = matcher->value;
    switch (matcher->kind) {
    case STRING_EXACT:
        return is_equal(text, value, matcher->is_ignoring_case);
    case STRING_PREFIX:
        return has_prefix(text, value, matcher->is_ignoring_case);
    case STRING_SUFFIX:
        return text.len >= value.len &&
               is_equal(str_from(text, text.len - value.len), value, matcher->is_ignoring_case);
    case STRING_CONTAINS:
        return matcher->is_ignoring_case ? contains_ci(text, value) : str_contains(text, value);
    case STRING_REGEX:
        return regex_matches_whole(matcher->regex, text);
    case STRING_PRESENT:
        return true;
    }
    UNREACHABLE("string_match_kind");
}

bool matcher_header(const struct header_matcher *matcher, const struct request_head *head,
                    struct matcher_met *met)
{
    *met = (struct matcher_met){.is_absent = true};
    bool is_pseudo = matcher->name.len > 0 && matcher->name.ptr[0] == ':';
    bool any = false;
    if (is_pseudo || str_eq(matcher->name, STR("host"))) {
        if (request_head_get(head, matcher->name, &met->value)) {
            met->is_absent = false;
            any = matcher_string(&matcher->match, met->value);
        }
    } else {
        /* Each line is matched on its own (ENVOY.md 2.3). */
        const struct header_list *list = &head->headers;
        for (uint32_t i = header_find(list, matcher->name, 0); i != UINT32_MAX && !any;
             i = header_find(list, matcher->name, i + 1)) {
            if (met->is_absent)
                met->value = list->items[i].value;
            met->is_absent = false;
            any = matcher_string(&matcher->match, list->items[i].value);
            if (any)
                met->value = list->items[i].value;
        }
    }
    if (met->is_absent) {
        if (matcher->is_missing_treated_as_empty)
            return matcher_string(&matcher->match, STR("")) != matcher->is_inverted;
        return matcher->match.kind == STRING_PRESENT && matcher->is_inverted;
    }
    return any != matcher->is_inverted;
}

bool matcher_query_value(struct str query, struct str name, struct str *value)
{
    struct str rest = query;
    while (rest.ptr != NULL) {
        struct str pair = str_cut(&rest, '&');
        if (pair.len == 0)
            continue;
        *value = pair;
        if (str_eq(str_cut(value, '='), name))
            return true;
    }
    return false;
}

bool matcher_query(const struct query_matcher *matcher, struct str query, struct matcher_met *met)
{
    *met = (struct matcher_met){.is_absent = true};
    struct str value;
    if (!matcher_query_value(query, matcher->name, &value))
        return false;
    met->is_absent = false;
    met->value = value;
    return matcher_string(&matcher->match, value);
}

bool matcher_path(const struct path_matcher *matcher, struct str path)
{
    struct str value = matcher->value;
    bool is_ignoring_case = matcher->is_ignoring_case;
    switch (matcher->kind) {
    case PATH_PREFIX:
        return has_prefix(path, value, is_ignoring_case);
    case PATH_EXACT:
        return is_equal(path, value, is_ignoring_case);
    case PATH_REGEX:
        return regex_matches_whole(matcher->regex, path);
    case PATH_SEPARATED_PREFIX:
        return has_prefix(path, value, is_ignoring_case) &&
               (path.len == value.len || path.ptr[value.len] == '/');
    }
    UNREACHABLE("path_match_kind");
}

struct str matcher_bare_path(struct str path)
{
    for (size_t i = 0; i < path.len; i++)
        if (path.ptr[i] == '?' || path.ptr[i] == '#')
            return str_slice(path, 0, i);
    return path;
}

struct str matcher_query_text(struct str path)
{
    size_t at = str_find(path, '?');
    if (at == STR_NONE)
        return STR_EMPTY;
    struct str query = str_from(path, at + 1);
    size_t fragment = str_find(query, '#');
    return fragment == STR_NONE ? query : str_slice(query, 0, fragment);
}
