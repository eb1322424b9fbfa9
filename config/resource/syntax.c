/* SPDX-License-Identifier: Apache-2.0
 *
 * config/resource/syntax.c - see syntax.h.
 */
#include "config/resource/syntax.h"

#include "base/ns.h"
#include "base/regex.h"

#define LABEL_CHARS_MAX 63u   /* RFC 1123 */
#define DOMAIN_CHARS_MAX 255u /* RFC 1035 */

static bool is_alphanumeric(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static bool is_all_digits(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9')
            return false;
    }
    return text.len > 0;
}

static void check_labels_of(const struct view *view, struct str host, struct str rest)
{
    struct str last = STR_EMPTY;

    while (rest.ptr != NULL) {
        struct str label = str_cut(&rest, '.');
        bool is_trailing_dot = rest.ptr == NULL && label.len == 0;
        if (is_trailing_dot)
            break;
        last = label;
        if (!syntax_is_label(label)) {
            view_complain(view, DIAG_DOMAIN_LABEL, host, label);
            return;
        }
    }
    if (is_all_digits(last))
        view_complain(view, DIAG_DOMAIN_NUMERIC, host, last);
}

static bool is_domain_length_fine(const struct view *view, struct str host)
{
    if (host.len == 0) {
        view_complain(view, DIAG_DOMAIN_EMPTY, STR_EMPTY, STR_EMPTY);
        return false;
    }
    if (host.len > DOMAIN_CHARS_MAX) {
        view_complain(view, DIAG_DOMAIN_LONG, host, STR_EMPTY);
        return false;
    }
    return true;
}

/* Names of labels: an optional DNS prefix, then letters, digits, '-', '_', '.'. */
static bool is_label_text(struct str text)
{
    if (text.len == 0 || text.len > LABEL_CHARS_MAX)
        return false;
    if (!is_alphanumeric(text.ptr[0]) || !is_alphanumeric(text.ptr[text.len - 1]))
        return false;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (!is_alphanumeric(c) && c != '-' && c != '_' && c != '.')
            return false;
    }
    return true;
}

static bool is_label_name(struct str name)
{
    size_t slash = str_find(name, '/');

    if (slash == STR_NONE)
        return is_label_text(name);
    return slash > 0 && is_label_text(str_from(name, slash + 1));
}

/* Ends after the closing '%', or STR_NONE when there is none. */
static size_t command_end(struct str value, size_t from)
{
    uint32_t depth = 0;

    for (size_t i = from; i < value.len; i++) {
        char c = value.ptr[i];
        if (c == '(')
            depth++;
        else if (c == ')' && depth > 0)
            depth--;
        else if (c == '%' && depth == 0)
            return i + 1;
    }
    return STR_NONE;
}

bool syntax_is_label(struct str text)
{
    if (text.len == 0 || text.len > LABEL_CHARS_MAX)
        return false;
    if (!is_alphanumeric(text.ptr[0]) || !is_alphanumeric(text.ptr[text.len - 1]))
        return false;
    for (size_t i = 0; i < text.len; i++) {
        if (!is_alphanumeric(text.ptr[i]) && text.ptr[i] != '-')
            return false;
    }
    return true;
}

bool syntax_is_header_name(struct str text)
{
    static const struct str OTHERS = STR_INIT("!#$%&'*+-.^_`|~");

    for (size_t i = 0; i < text.len; i++) {
        if (!is_alphanumeric(text.ptr[i]) && str_find(OTHERS, text.ptr[i]) == STR_NONE)
            return false;
    }
    return text.len > 0;
}

void syntax_check_name(const struct view *view, struct str text, struct str what)
{
    if (!syntax_is_label(text))
        view_complain(view, DIAG_NAME_BAD, what, text);
}

void syntax_check_domain(const struct view *view, struct str host)
{
    if (is_domain_length_fine(view, host))
        check_labels_of(view, host, host);
}

void syntax_check_wildcard_domain(const struct view *view, struct str host)
{
    if (!is_domain_length_fine(view, host))
        return;
    struct str rest = host;
    if (host.ptr[0] == '*') {
        struct str first = str_cut(&rest, '.');
        struct str label = str_from(first, first.len > 1 && first.ptr[1] == '-' ? 2 : 1);
        if (label.len > 0 && !syntax_is_label(label)) {
            view_complain(view, DIAG_DOMAIN_LABEL, host, first);
            return;
        }
    }
    check_labels_of(view, host, rest);
}

void syntax_check_port(const struct view *view, int64_t port)
{
    struct reading *reading = view->reading;

    if (port < 1 || port > 65535)
        view_complain(view, DIAG_PORT_RANGE, arena_format(reading->arena, "%lld", (long long)port),
                      STR_EMPTY);
}

void syntax_check_regex(const struct view *view, struct str pattern)
{
    struct regex_set set = {0};
    struct str why = STR_EMPTY;

    if (pattern.len == 0) {
        view_complain(view, DIAG_REGEX_EMPTY, STR_EMPTY, STR_EMPTY);
        return;
    }
    if (pattern.len > SYNTAX_REGEX_CHARS_MAX) {
        view_complain(view, DIAG_REGEX_LONG, STR_EMPTY, STR_EMPTY);
        return;
    }
    if (regex_new(&set, pattern, view->reading->arena, &why) == NULL)
        view_complain(view, DIAG_REGEX_BAD, pattern, why);
    regex_set_free(&set);
}

void syntax_check_duration(const struct view *view, int64_t ns)
{
    if (ns < NS_MS)
        view_complain(view, DIAG_DURATION_SHORT, STR_EMPTY, STR_EMPTY);
    else if (ns % NS_MS != 0)
        view_complain(view, DIAG_DURATION_PRECISION, STR_EMPTY, STR_EMPTY);
}

int64_t syntax_duration_ns(const struct view *parent, struct str name)
{
    struct view field = view_field(parent, name);

    if (!view_is_present(&field))
        return 0;
    int64_t ns = view_own_duration_ns(&field, 0);
    syntax_check_duration(&field, ns);
    return ns;
}

uint32_t syntax_count(const struct view *parent, struct str name)
{
    return (uint32_t)view_i64(parent, name, 0, INT32_MAX, 0);
}

void syntax_check_header_value(const struct view *view, struct str value)
{
    size_t i = 0;

    for (size_t k = 0; k < value.len; k++) {
        unsigned char c = (unsigned char)value.ptr[k];
        if ((c < 0x20 && c != '\t') || c == 0x7f) {
            view_complain(view, DIAG_HEADER_VALUE_CONTROL, STR_EMPTY, STR_EMPTY);
            return;
        }
    }
    while (i < value.len) {
        if (value.ptr[i] != '%') {
            i++;
            continue;
        }
        if (i + 1 < value.len && value.ptr[i + 1] == '%') {
            i += 2;
            continue;
        }
        size_t end = command_end(value, i + 1);
        if (end == STR_NONE || end == i + 1 ||
            !(value.ptr[i + 1] >= 'A' && value.ptr[i + 1] <= 'Z')) {
            view_complain(view, DIAG_HEADER_VALUE_PERCENT, value, STR_EMPTY);
            return;
        }
        i = end;
    }
}

void syntax_check_labels(const struct view *map, const struct label_list *labels)
{
    for (uint32_t i = 0; i < labels->count; i++) {
        struct view entry = view_entry(map, i);
        struct str value = labels->items[i].value;
        if (!is_label_name(entry.key))
            view_complain(&entry, DIAG_LABEL_NAME, entry.key, STR_EMPTY);
        if (value.len > 0 && !is_label_text(value))
            view_complain(&entry, DIAG_LABEL_VALUE, entry.key, value);
    }
}

void syntax_check_export_to(const struct view *list, const struct text_list *texts,
                            struct str namespace)
{
    bool has_public = false, has_nobody = false, has_some = false;

    for (uint32_t i = 0; i < texts->count; i++) {
        struct view item = view_item(list, i);
        struct str text = texts->items[i];
        for (uint32_t k = 0; k < i; k++) {
            struct str other = texts->items[k];
            bool is_own_twice = (str_eq(text, STR(".")) && str_eq(other, namespace)) ||
                                (str_eq(other, STR(".")) && str_eq(text, namespace));
            if (str_eq(text, other) || is_own_twice)
                view_complain(&item, DIAG_EXPORT_TO_TWICE, text, STR_EMPTY);
        }
        has_public |= str_eq(text, STR("*"));
        has_nobody |= str_eq(text, STR("~"));
        has_some |= !str_eq(text, STR("*")) && !str_eq(text, STR("~"));
        if (!str_eq(text, STR("*")) && !str_eq(text, STR(".")) && !str_eq(text, STR("~")) &&
            !syntax_is_label(text))
            view_complain(&item, DIAG_EXPORT_TO_BAD, text, STR_EMPTY);
    }
    if (has_nobody)
        view_complain(list, DIAG_EXPORT_TO_NOBODY, STR_EMPTY, STR_EMPTY);
    if (has_public && has_some)
        view_complain(list, DIAG_EXPORT_TO_MIXED, STR_EMPTY, STR_EMPTY);
}
