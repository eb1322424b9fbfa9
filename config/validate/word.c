/* SPDX-License-Identifier: Apache-2.0
 *
 * config/validate/word.c - see word.h.
 */
#include "config/validate/word.h"

#include "base/check.h"
#include "base/ns.h"
#include "base/regex.h"
#include "config/resource/host.h"
#include "config/resource/syntax.h"
#include "config/validate/field.h"

#define DOMAIN_BYTES_MAX 255u
#define LABEL_BYTES_MAX 63u
#define KEY_PREFIX_BYTES_MAX 253u
#define REGEX_BYTES_MAX 1024u
#define PORT_MAX 65535

static const struct word_fault FINE = {.id = DIAG_ID_COUNT};

static struct word_fault fault(enum diag_id id, struct str arg0, struct str arg1)
{
    return (struct word_fault){id, arg0, arg1};
}

static bool is_length_fine(struct str host, struct word_fault *out)
{
    if (host.len > DOMAIN_BYTES_MAX)
        *out = fault(DIAG_V_DOMAIN_LONG, host, STR_EMPTY);
    else if (host.len == 0)
        *out = fault(DIAG_V_DOMAIN_EMPTY, STR_EMPTY, STR_EMPTY);
    else
        return true;
    return false;
}

static bool is_number(struct str text)
{
    int64_t number;

    return str_to_i64(text, INT64_MIN, INT64_MAX, &number);
}

/* The labels of `domain`; an empty last one, as of "istio.io.", is fine. */
static struct word_fault labels_of(struct str domain)
{
    size_t dot = str_find_last(domain, '.');
    struct str top = dot == STR_NONE ? domain : str_from(domain, dot + 1);
    struct str rest = domain;

    if (is_number(top))
        return fault(DIAG_V_DOMAIN_TOP, domain, top);
    while (rest.ptr != NULL) {
        struct str label = str_cut(&rest, '.');
        if (rest.ptr == NULL && label.len == 0)
            return FINE;
        if (!syntax_is_label(label))
            return fault(DIAG_V_DOMAIN_LABEL, domain, label);
    }
    return FINE;
}

static bool is_wildcard_label(struct str label)
{
    struct str rest = label;

    if (label.len > LABEL_BYTES_MAX)
        return false;
    if (str_eq(label, STR("*")))
        return true;
    if (str_has_prefix(rest, STR("*-")))
        rest = str_from(rest, 2);
    else if (str_has_prefix(rest, STR("*")))
        rest = str_from(rest, 1);
    return syntax_is_label(rest);
}

static bool is_alphanumeric(char c)
{
    return (c >= '0' && c <= '9') || (str_lower_char(c) >= 'a' && str_lower_char(c) <= 'z');
}

/* The name part of a label's key, or a value: letters, digits, - _ . within. */
static bool is_qualified(struct str text)
{
    if (text.len == 0 || !is_alphanumeric(text.ptr[0]) || !is_alphanumeric(text.ptr[text.len - 1]))
        return false;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (!is_alphanumeric(c) && c != '-' && c != '_' && c != '.')
            return false;
    }
    return true;
}

static bool is_dns_prefix(struct str prefix)
{
    struct str rest = prefix;

    while (rest.ptr != NULL) {
        struct str label = str_cut(&rest, '.');
        if (label.len <= LABEL_BYTES_MAX ? !syntax_is_label(label) : !is_qualified(label))
            return false;
    }
    return true;
}

/* What stands behind the namespace, or alone. */
static void check_host_part(const struct view *view, struct str host, bool is_gateway)
{
    if (!str_eq(host, STR("*")) && str_find(host, '.') == STR_NONE)
        say(view, DIAG_V_SHORT_NAME);
    struct word_fault wrong = word_wildcard_domain(host);
    if (!is_gateway)
        (void)word_say(view, wrong);
    if (!host_is_ip(host))
        (void)word_say(view, wrong);
    (void)word_say(view, word_partial_wildcard(host));
}

/* "gateway.namespace.svc..." was the form of old. */
static void check_legacy_gateway(const struct view *view, struct str text)
{
    struct str rest = text;
    struct str name = str_cut(&rest, '.');

    if (rest.ptr != NULL) {
        struct str namespace = str_cut(&rest, '.');
        struct str better =
            arena_format(view->reading->arena, "%.*s/%.*s", STR_FMT(namespace), STR_FMT(name));
        view_complain(view, DIAG_V_GATEWAY_LEGACY, field_quoted(view, text),
                      field_quoted(view, better));
    }
    (void)word_say(view, word_fqdn(text));
}

/* RE2's words in C++, and in Go. */
static struct str go_regex_error(struct str why, struct arena *arena)
{
    static const struct {
        struct str cpp, go;
    } rows[] = {
        {STR_INIT("missing ]"), STR_INIT("missing closing ]")},
        {STR_INIT("missing )"), STR_INIT("missing closing )")},
        {STR_INIT("trailing \\"), STR_INIT("trailing backslash at end of expression")},
        {STR_INIT("no argument for repetition operator"),
         STR_INIT("missing argument to repetition operator")},
        {STR_INIT("invalid repetition size"), STR_INIT("invalid repeat count")},
        {STR_INIT("bad repetition operator"), STR_INIT("invalid nested repetition operator")},
        {STR_INIT("invalid perl operator"), STR_INIT("invalid or unsupported Perl syntax")},
        {STR_INIT("invalid named capture group"), STR_INIT("invalid named capture")},
    };
    struct str argument = STR_EMPTY;
    size_t colon = str_find_str(why, STR(": "));

    if (colon != STR_NONE) {
        argument = str_from(why, colon + 2);
        why = str_slice(why, 0, colon);
    }
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        if (str_eq(rows[i].cpp, why))
            why = rows[i].go;
    return arena_format(arena, "error parsing regexp: %.*s: `%.*s`", STR_FMT(why),
                        STR_FMT(argument));
}

bool word_is_fine(struct word_fault wrong)
{
    return wrong.id == DIAG_ID_COUNT;
}

bool word_say(const struct view *view, struct word_fault wrong)
{
    if (word_is_fine(wrong))
        return true;
    view_complain(view, wrong.id, wrong.arg0, wrong.arg1);
    return false;
}

struct str word_text(struct word_fault wrong, struct arena *arena)
{
    struct diag diag = {.id = wrong.id, .args = {wrong.arg0, wrong.arg1}};

    return word_is_fine(wrong) ? STR_EMPTY : diag_text(&diag, arena);
}

struct word_fault word_fqdn(struct str host)
{
    struct word_fault wrong;

    return is_length_fine(host, &wrong) ? labels_of(host) : wrong;
}

struct word_fault word_wildcard_domain(struct str host)
{
    struct word_fault wrong;
    struct str rest = host;

    if (!is_length_fine(host, &wrong))
        return wrong;
    struct str first = str_cut(&rest, '.');
    if (!is_wildcard_label(first))
        return fault(DIAG_V_DOMAIN_LABEL, host, first);
    return rest.ptr == NULL ? FINE : labels_of(rest);
}

struct word_fault word_gateway_domain(struct str host, bool is_sni)
{
    struct str parts[4];
    size_t count = 0;

    if (!is_sni || !str_has_prefix(host, STR("outbound_")) || host.len > DOMAIN_BYTES_MAX)
        return word_wildcard_domain(host);
    for (struct str rest = host; rest.ptr != NULL && count < COUNT_OF(parts);)
        parts[count++] = str_cut(&rest, '_');
    if (count < COUNT_OF(parts))
        return fault(DIAG_V_SNI_FORMAT, host, STR_EMPTY);
    bool has_digit = false, has_letter = false;
    for (size_t i = 0; i < parts[1].len; i++)
        has_digit |= parts[1].ptr[i] >= '0' && parts[1].ptr[i] <= '9';
    for (size_t i = 0; i < parts[3].len; i++)
        has_letter |= is_alphanumeric(parts[3].ptr[i]) && !(parts[3].ptr[i] <= '9');
    if (!has_digit)
        return fault(DIAG_V_SNI_LABEL, host, parts[1]);
    return has_letter ? FINE : fault(DIAG_V_SNI_LABEL, host, parts[3]);
}

struct word_fault word_ip(struct str address)
{
    return host_is_ip(address) ? FINE : fault(DIAG_V_NOT_IP, address, STR_EMPTY);
}

struct word_fault word_subnet(struct str address)
{
    size_t slash = str_find(address, '/');
    uint64_t bits;

    if (slash == STR_NONE || str_find_last(address, '/') != slash)
        return word_ip(address);
    struct str ip = str_slice(address, 0, slash);
    struct str length = str_from(address, slash + 1);
    uint64_t bits_max = str_find(ip, ':') != STR_NONE ? 128 : 32;
    bool is_padded = length.len > 1 && length.ptr[0] == '0';
    if (!host_is_ip(ip) || is_padded || !str_to_u64(length, bits_max, &bits))
        return fault(DIAG_V_NOT_CIDR, address, STR_EMPTY);
    return FINE;
}

struct word_fault word_port_name(struct str name)
{
    return syntax_is_label(name) ? FINE : fault(DIAG_V_PORT_NAME, name, STR_EMPTY);
}

struct word_fault word_protocol(struct str protocol)
{
    bool is_known = protocol.len == 0 || word_protocol_kind(protocol) != WORD_PROTOCOL_UNSUPPORTED;

    return is_known ? FINE : fault(DIAG_V_PROTOCOL, protocol, STR_EMPTY);
}

struct word_fault word_partial_wildcard(struct str host)
{
    bool is_partial =
        str_find(host, '*') != STR_NONE && host.len != 1 && !str_has_prefix(host, STR("*."));

    return is_partial ? fault(DIAG_V_PARTIAL_WILDCARD, host, STR_EMPTY) : FINE;
}

struct word_fault word_unix_path(struct str path)
{
    if (path.len == 0)
        return fault(DIAG_V_UNIX_EMPTY, STR_EMPTY, STR_EMPTY);
    if (path.ptr[0] == '@' || (path.ptr[0] == '/' && path.ptr[path.len - 1] != '/'))
        return FINE;
    return fault(DIAG_V_UNIX_RELATIVE, path, STR_EMPTY);
}

void word_check_scoped_host(const struct view *view, struct str text, bool is_gateway)
{
    size_t slash = str_find(text, '/');

    if (slash == STR_NONE) {
        if (is_gateway)
            check_host_part(view, text, true);
        else
            say(view, DIAG_V_SCOPED_HOST);
        return;
    }
    struct str namespace = str_slice(text, 0, slash);
    struct str host = str_from(text, slash + 1);
    struct str plain = namespace;
    if (namespace.len == 0 || host.len == 0)
        say(view, DIAG_V_SCOPE_EMPTY);
    if (!is_gateway && str_has_prefix(namespace, STR("~")))
        plain = str_from(namespace, 1);
    bool is_special =
        str_eq(plain, STR("*")) || str_eq(plain, STR(".")) || (!is_gateway && plain.len == 0);
    if (!is_special && !syntax_is_label(plain))
        say_text(view, is_gateway ? DIAG_V_SCOPE_GATEWAY : DIAG_V_SCOPE_SIDECAR,
                 field_quoted(view, namespace));
    check_host_part(view, host, is_gateway);
}

void word_check_port(const struct view *view, int64_t number)
{
    if (!word_is_port(number))
        say_number(view, DIAG_V_PORT_RANGE, number);
}

bool word_is_port(int64_t number)
{
    return number >= 1 && number <= PORT_MAX;
}

void word_check_duration(const struct view *view, struct str name)
{
    struct view field = view_field(view, name);
    int64_t ns = word_duration_ns(view, name);

    if (!view_is_present(&field))
        return;
    if (ns < NS_MS)
        say(&field, DIAG_V_DURATION_SHORT);
    else if (ns % NS_MS != 0)
        say(&field, DIAG_V_DURATION_FINE);
}

int64_t word_duration_ns(const struct view *view, struct str name)
{
    int64_t ns = 0;

    (void)duration_parse(field_text(view, name), &ns);
    return ns;
}

void word_check_percent(const struct view *view, struct str name)
{
    struct view field = view_field(view, name);
    int64_t percent = field_own_number(&field);

    if (percent < 0 || percent > 100)
        say_number(&field, DIAG_V_PERCENT, percent);
}

void word_check_labels(const struct view *map)
{
    for (uint32_t i = 0; i < view_count(map); i++) {
        struct view entry = view_entry(map, i);
        struct str value = field_own_text(&entry);
        (void)word_say(&entry, word_label_key(entry.key));
        if (!word_is_label_value(value))
            say_text(&entry, DIAG_V_TAG_VALUE, field_quoted(&entry, value));
    }
}

struct word_fault word_label_key(struct str key)
{
    size_t slash = str_find_last(key, '/');
    struct str name = slash == STR_NONE ? key : str_from(key, slash + 1);
    struct str prefix = slash == STR_NONE ? STR_EMPTY : str_slice(key, 0, slash);

    if (!is_qualified(name) || (slash != STR_NONE && !is_dns_prefix(prefix)))
        return fault(DIAG_V_TAG_KEY, key, STR_EMPTY);
    if (prefix.len > KEY_PREFIX_BYTES_MAX)
        return fault(DIAG_V_TAG_KEY, key, STR(" (DNS prefix is too long)"));
    if (name.len > LABEL_BYTES_MAX)
        return fault(DIAG_V_TAG_KEY, key, STR(" (name is too long)"));
    return FINE;
}

bool word_is_label_value(struct str value)
{
    return value.len == 0 || is_qualified(value);
}

void word_check_gateways(const struct view *list)
{
    for (uint32_t i = 0; i < view_count(list); i++) {
        struct view item = view_item(list, i);
        struct str text = field_own_text(&item);
        size_t slash = str_find(text, '/');
        if (slash == STR_NONE) {
            check_legacy_gateway(&item, text);
            return; /* as Istio does: those behind it are not looked at */
        }
        struct str namespace = str_slice(text, 0, slash);
        struct str name = str_from(text, slash + 1);
        if (namespace.len == 0 || name.len == 0)
            say(&item, DIAG_V_GATEWAY_EMPTY);
        if (!syntax_is_label(namespace))
            say_text(&item, DIAG_V_GATEWAY_NAMESPACE, field_quoted(&item, namespace));
        if (!syntax_is_label(name))
            say_text(&item, DIAG_V_GATEWAY_NAME, field_quoted(&item, name));
    }
}

void word_check_regex(const struct view *view, struct str pattern, struct str where)
{
    struct regex_set set = {0};
    struct str why = STR_EMPTY;

    if (pattern.len > REGEX_BYTES_MAX) {
        say_text(view, DIAG_V_REGEX_LONG, where);
        return;
    }
    if (regex_new(&set, pattern, view->reading->arena, &why) == NULL)
        view_complain(view, DIAG_V_REGEX_BAD, where, go_regex_error(why, view->reading->arena));
    regex_set_free(&set);
}

enum word_protocol_kind word_protocol_kind(struct str protocol)
{
    static const struct {
        struct str name;
        enum word_protocol_kind kind;
    } rows[] = {
        {STR_INIT("tcp"), WORD_PROTOCOL_TCP},    {STR_INIT("udp"), WORD_PROTOCOL_UDP},
        {STR_INIT("grpc"), WORD_PROTOCOL_HTTP},  {STR_INIT("grpc-web"), WORD_PROTOCOL_HTTP},
        {STR_INIT("http"), WORD_PROTOCOL_HTTP},  {STR_INIT("http_proxy"), WORD_PROTOCOL_HTTP},
        {STR_INIT("http2"), WORD_PROTOCOL_HTTP}, {STR_INIT("https"), WORD_PROTOCOL_TLS},
        {STR_INIT("tls"), WORD_PROTOCOL_TLS},    {STR_INIT("mongo"), WORD_PROTOCOL_TCP},
        {STR_INIT("redis"), WORD_PROTOCOL_TCP},  {STR_INIT("mysql"), WORD_PROTOCOL_TCP},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++)
        if (str_eq_ci(rows[i].name, protocol))
            return rows[i].kind;
    return WORD_PROTOCOL_UNSUPPORTED;
}
