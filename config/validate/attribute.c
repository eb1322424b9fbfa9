/* SPDX-License-Identifier: Apache-2.0
 *
 * config/validate/attribute.c - see attribute.h.
 *
 * Every check answers with the text of its first error, so that it can be said
 * by itself, or within the error of a condition.
 */
#include "config/validate/attribute.h"

#include "base/check.h"
#include "config/validate/address_fault.h"
#include "config/validate/field.h"
#include "config/validate/word.h"

#define ACCOUNTS_MAX 16u
#define ACCOUNT_BYTES_MAX 320u

enum attribute_kind {
    ATTRIBUTE_ANY,
    ATTRIBUTE_MAP, /* a[b] */
    ATTRIBUTE_IP,
    ATTRIBUTE_PORT,
    ATTRIBUTE_ACCOUNT,
    ATTRIBUTE_WILDCARD,
    ATTRIBUTE_NAMESPACE_GONE,
    ATTRIBUTE_LABEL_GONE,
    ATTRIBUTE_OLD,
};

/* In Istio's order: the first row that fits counts. */
static const struct {
    struct str key;
    bool is_prefix;
    enum attribute_kind kind;
} ATTRIBUTES[] = {
    {STR_INIT("request.headers"), true, ATTRIBUTE_MAP},
    {STR_INIT("source.ip"), false, ATTRIBUTE_IP},
    {STR_INIT("remote.ip"), false, ATTRIBUTE_IP},
    {STR_INIT("source.namespace"), false, ATTRIBUTE_ANY},
    {STR_INIT("source.serviceAccount"), false, ATTRIBUTE_ACCOUNT},
    {STR_INIT("source.principal"), false, ATTRIBUTE_ANY},
    {STR_INIT("source.trustDomain"), false, ATTRIBUTE_WILDCARD},
    {STR_INIT("request.auth.principal"), false, ATTRIBUTE_ANY},
    {STR_INIT("request.auth.audiences"), false, ATTRIBUTE_ANY},
    {STR_INIT("request.auth.presenter"), false, ATTRIBUTE_ANY},
    {STR_INIT("request.auth.claims"), true, ATTRIBUTE_MAP},
    {STR_INIT("destination.ip"), false, ATTRIBUTE_IP},
    {STR_INIT("destination.port"), false, ATTRIBUTE_PORT},
    {STR_INIT("connection.sni"), false, ATTRIBUTE_ANY},
    {STR_INIT("experimental.envoy.filters."), true, ATTRIBUTE_MAP},
    {STR_INIT("destination.namespace"), false, ATTRIBUTE_NAMESPACE_GONE},
    {STR_INIT("destination.labels"), true, ATTRIBUTE_LABEL_GONE},
    {STR_INIT("destination.name"), false, ATTRIBUTE_OLD},
    {STR_INIT("destination.user"), false, ATTRIBUTE_OLD},
};

#define FORMAT(list, ...) arena_format((list)->reading->arena, __VA_ARGS__)

static struct str item_of(const struct view *list, uint32_t index)
{
    struct view item = view_item(list, index);

    return field_own_text(&item);
}

static uint32_t count_of(struct str text, char c)
{
    uint32_t count = 0;

    for (size_t i = 0; i < text.len; i++)
        count += text.ptr[i] == c ? 1 : 0;
    return count;
}

static struct str empty_error(const struct view *list, struct str word)
{
    for (uint32_t i = 0; i < view_count(list); i++)
        if (item_of(list, i).len == 0)
            return FORMAT(list, "empty value not allowed, found in %.*s", STR_FMT(word));
    return STR_EMPTY;
}

static struct str account_error(const struct view *list, struct str value, struct str word)
{
    static const char EXPECTED[] = "expected format 'serviceAccount' or 'namespace/serviceAccount'";
    uint32_t slash_count = count_of(value, '/');
    size_t slash = str_find(value, '/');

    if (value.len == 0)
        return FORMAT(list, "empty value not allowed, found in %.*s", STR_FMT(word));
    if (str_find(value, '*') != STR_NONE)
        return FORMAT(list, "wildcard not allowed, found in %.*s", STR_FMT(word));
    if (slash_count > 1)
        return FORMAT(list, "%s, found \"%.*s\" in %.*s", EXPECTED, STR_FMT(value), STR_FMT(word));
    if (value.len > ACCOUNT_BYTES_MAX)
        return FORMAT(list, "value cannot exceed 320 characters, found \"%.*s\" in %.*s",
                      STR_FMT(value), STR_FMT(word));
    if (slash == 0)
        return FORMAT(list, "%s, found empty namespace \"%.*s\" in %.*s", EXPECTED, STR_FMT(value),
                      STR_FMT(word));
    if (slash + 1 == value.len)
        return FORMAT(list, "%s, found empty serviceAccount \"%.*s\" in %.*s", EXPECTED,
                      STR_FMT(value), STR_FMT(word));
    return STR_EMPTY;
}

static struct str accounts_error(const struct view *list, struct str word)
{
    struct str error = STR_EMPTY;

    if (view_count(list) > ACCOUNTS_MAX)
        return STR("may not have more than 16 values");
    for (uint32_t i = 0; error.len == 0 && i < view_count(list); i++)
        error = account_error(list, item_of(list, i), word);
    return error;
}

static struct str wildcards_error(const struct view *list, struct str word)
{
    struct str error = empty_error(list, word);

    for (uint32_t i = 0; error.len == 0 && i < view_count(list); i++) {
        struct str value = item_of(list, i);
        uint32_t star_count = count_of(value, '*');
        if (star_count > 1)
            error = FORMAT(list, "at most one wildcard is allowed, found in %.*s: \"%.*s\"",
                           STR_FMT(word), STR_FMT(value));
        else if (star_count == 1 && value.ptr[0] != '*' && value.ptr[value.len - 1] != '*')
            error = FORMAT(list,
                           "wildcard is only allowed at the start or end, found in %.*s: \"%.*s\"",
                           STR_FMT(word), STR_FMT(value));
    }
    return error;
}

static struct str trust_domains_error(const struct view *list, struct str word)
{
    struct str error = wildcards_error(list, word);

    for (uint32_t i = 0; error.len == 0 && i < view_count(list); i++)
        if (str_find(item_of(list, i), '/') != STR_NONE)
            error = FORMAT(list, "trust domain must not contain '/', found in %.*s: \"%.*s\"",
                           STR_FMT(word), STR_FMT(item_of(list, i)));
    return error;
}

static struct str ip_error(const struct view *list, struct str value)
{
    if (str_find(value, '/') == STR_NONE)
        return word_is_fine(word_subnet(value))
                   ? STR_EMPTY
                   : FORMAT(list, "bad IP address (%.*s)", STR_FMT(value));
    struct str fault = address_fault_of_range(list, value);
    if (fault.len == 0)
        return STR_EMPTY;
    return FORMAT(list, "bad CIDR range (%.*s): netip.ParsePrefix(%.*s): %.*s", STR_FMT(value),
                  STR_FMT(field_quoted(list, value)), STR_FMT(fault));
}

static struct str port_error(const struct view *list, struct str value)
{
    uint64_t number;

    if (!str_to_u64(value, UINT32_MAX, &number))
        return FORMAT(list, "bad port (%.*s): strconv.ParseUint: parsing \"%.*s\": invalid syntax",
                      STR_FMT(value), STR_FMT(value));
    if (number > UINT16_MAX)
        return FORMAT(list, "bad port (%.*s): <nil>", STR_FMT(value));
    return STR_EMPTY;
}

static bool is_literal(struct str segment)
{
    for (size_t i = 0; i < segment.len; i++) {
        char c = str_lower_char(segment.ptr[i]);
        bool is_fine = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
                       str_find(STR("-._~%!$&'()+,;:@="), c) != STR_NONE;
        if (!is_fine)
            return false;
    }
    return segment.len > 0;
}

static struct str trim_slashes(struct str path)
{
    while (path.len > 0 && path.ptr[0] == '/')
        path = str_from(path, 1);
    while (path.len > 0 && path.ptr[path.len - 1] == '/')
        path = str_slice(path, 0, path.len - 1);
    return path;
}

/* {*} for one segment, {**} for all that follow. */
static struct str path_error(const struct view *list, struct str path, struct str word)
{
    static const char UNSUPPORTED[] = "invalid or unsupported path";
    bool is_template =
        str_find_str(path, STR("{*}")) != STR_NONE || str_find_str(path, STR("{**}")) != STR_NONE;
    bool has_all = false;

    path = trim_slashes(path);
    for (struct str rest = path; rest.ptr != NULL;) {
        struct str segment = str_cut(&rest, '/');
        bool is_all = str_eq(segment, STR("{**}"));
        if (is_all || str_eq(segment, STR("{*}"))) {
            if (has_all)
                return FORMAT(list, "%s %.*s, found in %.*s. {**} is not the last operator",
                              UNSUPPORTED, STR_FMT(path), STR_FMT(word));
            has_all = is_all;
            continue;
        }
        if (str_find(segment, '{') != STR_NONE || str_find(segment, '}') != STR_NONE)
            return FORMAT(list,
                          "%s %.*s, found in %.*s. Contains '{' or '}' beyond a supported path "
                          "template",
                          UNSUPPORTED, STR_FMT(path), STR_FMT(word));
        if (is_template && !is_literal(segment))
            return FORMAT(list,
                          "%s %.*s, found in %.*s. Contains segment %.*s with invalid string "
                          "literal",
                          UNSUPPORTED, STR_FMT(path), STR_FMT(word), STR_FMT(segment));
    }
    return STR_EMPTY;
}

static void say_error(const struct view *view, struct str error)
{
    if (error.len > 0)
        say_text(view, DIAG_V_AP_PLAIN, error);
}

static struct str map_key_error(const struct view *list, struct str key)
{
    size_t open = str_find(key, '[');

    if (open != STR_NONE && open > 0 && key.ptr[key.len - 1] == ']' && open + 2 < key.len)
        return STR_EMPTY;
    return FORMAT(list, "bad key (%.*s): should have format a[b]", STR_FMT(key));
}

/* Several errors in one, as Go prints them. */
static struct str several(const struct view *list,
                          struct str (*check)(const struct view *, struct str))
{
    struct str text = STR_EMPTY;
    uint32_t count = 0;

    for (uint32_t i = 0; i < view_count(list); i++) {
        struct str error = check(list, item_of(list, i));
        if (error.len == 0)
            continue;
        count++;
        text = FORMAT(list, "%.*s\n\t* %.*s", STR_FMT(text), STR_FMT(error));
    }
    if (count == 0)
        return STR_EMPTY;
    return FORMAT(list, "%u error%s occurred:%.*s\n\n", count, count == 1 ? "" : "s",
                  STR_FMT(text));
}

static struct str value_error(const struct view *list, struct str key, enum attribute_kind kind)
{
    switch (kind) {
    case ATTRIBUTE_ANY:
        return STR_EMPTY;
    case ATTRIBUTE_MAP:
        return map_key_error(list, key);
    case ATTRIBUTE_IP:
        return several(list, ip_error);
    case ATTRIBUTE_PORT:
        return several(list, port_error);
    case ATTRIBUTE_ACCOUNT:
        return accounts_error(list, key);
    case ATTRIBUTE_WILDCARD:
        return wildcards_error(list, key);
    case ATTRIBUTE_NAMESPACE_GONE:
        return FORMAT(list, "attribute %.*s is replaced by the metadata.namespace", STR_FMT(key));
    case ATTRIBUTE_LABEL_GONE:
        return FORMAT(list, "attribute %.*s is replaced by the workload selector", STR_FMT(key));
    case ATTRIBUTE_OLD:
        return FORMAT(list, "deprecated attribute %.*s: only supported in v1alpha1", STR_FMT(key));
    }
    UNREACHABLE("attribute kind");
}

static struct str attribute_error(const struct view *list, struct str key)
{
    struct str error = empty_error(list, key);

    if (error.len > 0)
        return error;
    for (size_t i = 0; i < COUNT_OF(ATTRIBUTES); i++) {
        bool is_it = ATTRIBUTES[i].is_prefix ? str_has_prefix(key, ATTRIBUTES[i].key)
                                             : str_eq(key, ATTRIBUTES[i].key);
        if (is_it)
            return value_error(list, key, ATTRIBUTES[i].kind);
    }
    return FORMAT(list, "unknown attribute: %.*s", STR_FMT(key));
}

void attribute_check_empty(const struct view *list, struct str word)
{
    say_error(list, empty_error(list, word));
}

void attribute_check_accounts(const struct view *list, struct str word)
{
    say_error(list, accounts_error(list, word));
}

void attribute_check_trust_domains(const struct view *list, struct str word)
{
    say_error(list, trust_domains_error(list, word));
}

void attribute_check_paths(const struct view *list, struct str word)
{
    struct str error = STR_EMPTY;

    for (uint32_t i = 0; error.len == 0 && i < view_count(list); i++)
        error = path_error(list, item_of(list, i), word);
    say_error(list, error);
}

void attribute_check_ips(const struct view *list)
{
    for (uint32_t i = 0; i < view_count(list); i++) {
        struct view item = view_item(list, i);
        say_error(&item, ip_error(list, field_own_text(&item)));
    }
}

void attribute_check_ports(const struct view *list)
{
    for (uint32_t i = 0; i < view_count(list); i++) {
        struct view item = view_item(list, i);
        say_error(&item, port_error(list, field_own_text(&item)));
    }
}

void attribute_check(const struct view *list, struct str key, enum diag_id id)
{
    struct str error = attribute_error(list, key);

    if (error.len > 0)
        view_complain(list, id, key, error);
}
