/* SPDX-License-Identifier: Apache-2.0
 *
 * config/translate/rbac_value.c - see rbac_value.h.
 */
#include "config/translate/rbac_value.h"

#include "base/regex.h"
#include "config/resource/host.h"

#define JWT_FILTER STR("envoy.filters.http.jwt_authn")
#define PAYLOAD STR("payload")
#define SPIFFE STR("spiffe://")
#define CLAIM_DEPTH_MAX 8u

/* --- texts ------------------------------------------------------------------- */

static struct str kept(struct rbac_maker *maker, struct str text)
{
    return context_keep(maker->t, text);
}

static struct string_matcher matcher(struct rbac_maker *maker, enum string_match_kind kind,
                                     struct str value)
{
    struct string_matcher out = {.kind = kind, .value = kept(maker, value)};
    struct str why;

    if (kind == STRING_REGEX)
        out.regex = regex_new(&maker->t->snapshot->regexes, value, &maker->t->scratch, &why);
    return out;
}

static bool is_star(struct str value)
{
    return str_eq(value, STR("*"));
}

static struct str before_star(struct str value)
{
    return str_slice(value, 0, value.len - 1);
}

/* "*": anything but nothing; a star at one end; else the text itself. */
static struct string_matcher starred(struct rbac_maker *maker, struct str value)
{
    if (is_star(value))
        return matcher(maker, STRING_REGEX, STR(".+"));
    if (str_has_prefix(value, STR("*")))
        return matcher(maker, STRING_SUFFIX, str_from(value, 1));
    if (str_has_suffix(value, STR("*")))
        return matcher(maker, STRING_PREFIX, before_star(value));
    return matcher(maker, STRING_EXACT, value);
}

/* The same of a header, of which presence can be asked. */
static struct string_matcher starred_header(struct rbac_maker *maker, struct str value,
                                            bool is_ignoring_case)
{
    if (is_star(value))
        return (struct string_matcher){.kind = STRING_PRESENT};
    struct string_matcher out = starred(maker, value);
    out.is_ignoring_case = is_ignoring_case;
    return out;
}

/* --- callers ----------------------------------------------------------------- */

static struct string_matcher principal_name(struct rbac_maker *maker, struct str value)
{
    struct arena *scratch = &maker->t->scratch;

    if (is_star(value))
        return matcher(maker, STRING_REGEX, STR(".+"));
    if (str_has_prefix(value, STR("*")))
        return matcher(maker, STRING_REGEX,
                       arena_format(scratch, "spiffe://.*%.*s",
                                    STR_FMT(regex_quoted(str_from(value, 1), &maker->t->scratch))));
    if (str_has_suffix(value, STR("*")))
        return matcher(maker, STRING_PREFIX, arena_concat(scratch, SPIFFE, before_star(value)));
    return matcher(maker, STRING_EXACT, arena_concat(scratch, SPIFFE, value));
}

static struct string_matcher namespace_name(struct rbac_maker *maker, struct str value)
{
    struct arena *scratch = &maker->t->scratch;
    struct str rest = value;
    struct str text = regex_quoted(str_cut(&rest, '*'), &maker->t->scratch);

    while (rest.ptr != NULL) {
        struct str part = regex_quoted(str_cut(&rest, '*'), &maker->t->scratch);
        text = arena_format(scratch, "%.*s.*%.*s", STR_FMT(text), STR_FMT(part));
    }
    return matcher(maker, STRING_REGEX, arena_format(scratch, ".*/ns/%.*s/.*", STR_FMT(text)));
}

static struct string_matcher account_name(struct rbac_maker *maker, struct str value)
{
    struct str account = value;
    struct str namespace = str_cut(&account, '/');

    if (account.ptr == NULL) {
        account = value;
        namespace = maker->namespace;
    }
    return matcher(maker, STRING_REGEX,
                   arena_format(&maker->t->scratch, "spiffe://.+/ns/%.*s/(.+/|)sa/%.*s(/.+)?",
                                STR_FMT(regex_quoted(namespace, &maker->t->scratch)),
                                STR_FMT(regex_quoted(account, &maker->t->scratch))));
}

static struct string_matcher domain_name(struct rbac_maker *maker, struct str value)
{
    struct arena *scratch = &maker->t->scratch;
    struct str rest = value;

    if (is_star(value))
        return matcher(maker, STRING_PREFIX, SPIFFE);
    struct str first = str_cut(&rest, '*');
    if (rest.ptr == NULL)
        return matcher(maker, STRING_PREFIX,
                       arena_format(scratch, "spiffe://%.*s/", STR_FMT(value)));
    return matcher(maker, STRING_REGEX,
                   arena_format(scratch, "spiffe://%.*s[^/]*%.*s/.*",
                                STR_FMT(regex_quoted(first, &maker->t->scratch)),
                                STR_FMT(regex_quoted(rest, &maker->t->scratch))));
}

/* --- tokens ------------------------------------------------------------------ */

static struct rbac_node claim_node(struct rbac_maker *maker, enum metadata_kind kind,
                                   const struct str *claims, uint32_t claim_count,
                                   const struct string_matcher *values, uint32_t value_count)
{
    struct arena *arena = maker->t->arena;
    struct metadata_matcher *out = ARENA_NEW(arena, struct metadata_matcher);
    struct str *path = ARENA_ARRAY(arena, struct str, claim_count + 1);

    path[0] = PAYLOAD;
    for (uint32_t i = 0; i < claim_count; i++)
        path[i + 1] = kept(maker, claims[i]);
    *out = (struct metadata_matcher){
        .kind = kind,
        .filter = JWT_FILTER,
        .path = path,
        .path_count = claim_count + 1,
        .values = values,
        .value_count = value_count,
    };
    return (struct rbac_node){.kind = RBAC_METADATA, .metadata = out};
}

static struct rbac_node text_claim(struct rbac_maker *maker, struct str claim,
                                   struct string_matcher value)
{
    struct string_matcher *kept_value = ARENA_NEW(maker->t->arena, struct string_matcher);

    *kept_value = value;
    return claim_node(maker, METADATA_TEXT, &claim, 1, kept_value, 1);
}

static struct string_matcher starred_part(struct rbac_maker *maker, struct str part)
{
    return is_star(part) ? matcher(maker, STRING_REGEX, STR(".+")) : starred(maker, part);
}

/* "ISSUER/SUBJECT"; the last slash divides, as issuers are often URLs. */
static struct rbac_node request_principal(struct rbac_maker *maker, struct str value)
{
    struct string_matcher any = matcher(maker, STRING_REGEX, STR(".+"));
    struct string_matcher issuer = any, subject = any;
    struct node_list both = {0};
    size_t slash = str_find_last(value, '/');
    bool has_slash = slash != STR_NONE;
    struct str first = has_slash ? str_slice(value, 0, slash) : value;
    struct str last = has_slash ? str_from(value, slash + 1) : STR_EMPTY;

    if (is_star(value)) {
        /* any of both */
    } else if (str_has_prefix(value, STR("*"))) {
        if (has_slash) {
            issuer = starred_part(maker, first);
            subject = matcher(maker, STRING_EXACT, last);
        } else {
            subject = matcher(maker, STRING_SUFFIX, str_from(value, 1));
        }
    } else if (str_has_suffix(value, STR("*"))) {
        issuer = has_slash ? matcher(maker, STRING_EXACT, first)
                           : matcher(maker, STRING_PREFIX, before_star(value));
        if (has_slash)
            subject = starred_part(maker, last);
    } else {
        issuer = matcher(maker, STRING_EXACT, first);
        subject = matcher(maker, STRING_EXACT, last);
    }
    *rbac_push(maker, &both) = text_claim(maker, STR("iss"), issuer);
    *rbac_push(maker, &both) = text_claim(maker, STR("sub"), subject);
    return rbac_group(RBAC_ALL_OF, &both);
}

/* "[a][b]" -> a, b; of other shapes the whole inside is one name. 0: no name. */
static uint32_t claim_names(struct str key, struct str *out)
{
    uint32_t count = 0;
    size_t at = 0;

    if (!str_has_prefix(key, STR("[")) || !str_has_suffix(key, STR("]")))
        return 0;
    while (at < key.len && count < CLAIM_DEPTH_MAX) {
        struct str rest = str_from(key, at);
        size_t end = str_find(rest, ']');
        size_t next = rest.ptr[0] == '[' ? str_find(str_from(rest, 1), '[') : 0;
        if (end == STR_NONE || (next != STR_NONE && next + 1 < end))
            break;
        out[count++] = str_slice(rest, 1, end);
        at += end + 1;
    }
    if (at == key.len)
        return count;
    out[0] = str_slice(key, 1, key.len - 1);
    return 1;
}

static const struct string_matcher *all_starred(struct rbac_maker *maker,
                                                const struct text_list *values)
{
    struct string_matcher *out = ARENA_ARRAY(maker->t->arena, struct string_matcher, values->count);

    for (uint32_t i = 0; i < values->count; i++)
        out[i] = starred(maker, values->items[i]);
    return out;
}

/* --- values one by one --------------------------------------------------------- */

static bool range_node(struct rbac_maker *maker, enum rbac_kind kind, struct str value,
                       struct rbac_node *out)
{
    struct str bits = value;
    struct str address = str_cut(&bits, '/');
    uint64_t max = str_find(address, ':') == STR_NONE ? 32 : 128;
    uint64_t number = max;

    if (!host_is_ip(address) || (bits.ptr != NULL && !str_to_u64(bits, max, &number)))
        return false;
    *out = (struct rbac_node){.kind = kind,
                              .range = {.address = kept(maker, address), .bits = (uint32_t)number}};
    return true;
}

static bool port_node(struct str value, struct rbac_node *out)
{
    uint64_t port;

    if (!str_to_u64(value, UINT16_MAX, &port))
        return false;
    *out = (struct rbac_node){.kind = RBAC_DESTINATION_PORT, .port = (uint32_t)port};
    return true;
}

static bool header_node(struct rbac_maker *maker, struct str key, struct str value,
                        struct rbac_node *out)
{
    if (!str_has_prefix(key, STR("[")) || !str_has_suffix(key, STR("]")))
        return false;
    struct str name = kept(maker, str_slice(key, 1, key.len - 1));
    *out = (struct rbac_node){.kind = RBAC_HEADER,
                              .header = arena_str_lower(maker->t->arena, name),
                              .header_written = name,
                              .text = starred_header(maker, value, false)};
    return true;
}

/* {*} and {**} are Istio's spelling of Envoy's * and **. */
static struct rbac_node path_node(struct rbac_maker *maker, struct str value)
{
    struct str out = STR_EMPTY;
    struct str rest = value;
    bool is_template = false;

    while (rest.len > 0) {
        bool is_one = str_has_prefix(rest, STR("{*}")), is_any = str_has_prefix(rest, STR("{**}"));
        struct str piece = is_one ? STR("*") : is_any ? STR("**") : str_slice(rest, 0, 1);
        out = arena_concat(&maker->t->scratch, out, piece);
        rest = str_from(rest, is_one ? 3 : is_any ? 4 : 1);
        is_template |= is_one || is_any;
    }
    if (is_template)
        return (struct rbac_node){.kind = RBAC_URI_TEMPLATE, .text = {.value = kept(maker, out)}};
    return (struct rbac_node){.kind = RBAC_URL_PATH, .text = starred(maker, value)};
}

bool rbac_value_node(struct rbac_maker *maker, const struct authz_clause *clause, struct str value,
                     struct rbac_node *out)
{
    *out = (struct rbac_node){.kind = RBAC_AUTHENTICATED};
    switch (clause->attribute) {
    case AUTHZ_PRINCIPAL:
        out->text = principal_name(maker, value);
        return true;
    case AUTHZ_NAMESPACE:
        out->text = namespace_name(maker, value);
        return true;
    case AUTHZ_SERVICE_ACCOUNT:
        out->text = account_name(maker, value);
        return true;
    case AUTHZ_TRUST_DOMAIN:
        out->text = domain_name(maker, value);
        return true;
    case AUTHZ_REMOTE_IP:
        return range_node(maker, RBAC_REMOTE_IP, value, out);
    case AUTHZ_IP:
        return range_node(maker, RBAC_DIRECT_REMOTE_IP, value, out);
    case AUTHZ_DESTINATION_IP:
        return range_node(maker, RBAC_DESTINATION_IP, value, out);
    case AUTHZ_PORT:
        return port_node(value, out);
    case AUTHZ_SNI:
        *out = (struct rbac_node){.kind = RBAC_SERVER_NAME, .text = starred(maker, value)};
        return true;
    case AUTHZ_HEADER:
        return header_node(maker, clause->key, value, out);
    case AUTHZ_HOST:
        *out = (struct rbac_node){.kind = RBAC_HEADER,
                                  .header = STR(":authority"),
                                  .header_written = STR(":authority"),
                                  .text = starred_header(maker, value, true)};
        return true;
    case AUTHZ_METHOD:
        *out = (struct rbac_node){.kind = RBAC_HEADER,
                                  .header = STR(":method"),
                                  .header_written = STR(":method"),
                                  .text = starred_header(maker, value, false)};
        return true;
    case AUTHZ_PATH:
        *out = path_node(maker, value);
        return true;
    case AUTHZ_REQUEST_PRINCIPAL:
    case AUTHZ_AUDIENCE:
    case AUTHZ_PRESENTER:
    case AUTHZ_CLAIM:
    case AUTHZ_ENVOY_FILTER:
    case AUTHZ_UNKNOWN:
        break; /* all values at once, below */
    }
    UNREACHABLE("authz_attribute");
}

/* --- all values at once -------------------------------------------------------- */

static bool claim_values(struct rbac_maker *maker, const struct str *claims, uint32_t claim_count,
                         const struct text_list *values, struct rbac_node *out)
{
    if (claim_count == 0)
        return false;
    *out = claim_node(maker, METADATA_CLAIM, claims, claim_count, all_starred(maker, values),
                      values->count);
    return true;
}

static struct rbac_node request_principals(struct rbac_maker *maker, const struct text_list *values)
{
    struct node_list nodes = {0};

    for (uint32_t i = 0; i < values->count; i++)
        *rbac_push(maker, &nodes) = request_principal(maker, values->items[i]);
    return nodes.count == 1 ? nodes.items[0] : rbac_group(RBAC_ONE_OF, &nodes);
}

/* "a.b[c]": the field c of what the filter envoy.filters.a.b left; a value in
 * brackets means a list that has it. */
static bool filter_values(struct rbac_maker *maker, struct str key, const struct text_list *values,
                          struct rbac_node *out)
{
    struct arena *arena = maker->t->arena;
    struct str field = key;
    struct str filter = str_cut(&field, '[');
    struct metadata_matcher *matched = ARENA_NEW(arena, struct metadata_matcher);
    struct string_matcher *texts = ARENA_ARRAY(arena, struct string_matcher, values->count);
    struct str *path = ARENA_ARRAY(arena, struct str, 1);
    bool *are_lists = ARENA_ARRAY(arena, bool, values->count);

    if (field.ptr == NULL)
        return false;
    if (str_has_suffix(field, STR("]")))
        field = str_slice(field, 0, field.len - 1);
    path[0] = kept(maker, field);
    for (uint32_t i = 0; i < values->count; i++) {
        struct str value = values->items[i];
        are_lists[i] = str_has_prefix(value, STR("[")) && str_has_suffix(value, STR("]"));
        texts[i] = starred(maker, are_lists[i] ? str_slice(value, 1, value.len - 1) : value);
    }
    *matched = (struct metadata_matcher){
        .kind = METADATA_MIXED,
        .filter = kept(maker, arena_concat(&maker->t->scratch, STR("envoy.filters."), filter)),
        .path = path,
        .path_count = 1,
        .values = texts,
        .are_lists = are_lists,
        .value_count = values->count,
    };
    *out = (struct rbac_node){.kind = RBAC_METADATA, .metadata = matched};
    return true;
}

bool rbac_is_collective(enum authz_attribute attribute)
{
    return attribute == AUTHZ_REQUEST_PRINCIPAL || attribute == AUTHZ_AUDIENCE ||
           attribute == AUTHZ_PRESENTER || attribute == AUTHZ_CLAIM ||
           attribute == AUTHZ_ENVOY_FILTER;
}

bool rbac_is_http_only(enum authz_attribute attribute)
{
    return attribute == AUTHZ_HEADER || attribute == AUTHZ_HOST || attribute == AUTHZ_METHOD ||
           attribute == AUTHZ_PATH ||
           (rbac_is_collective(attribute) && attribute != AUTHZ_ENVOY_FILTER);
}

bool rbac_values_node(struct rbac_maker *maker, const struct authz_clause *clause,
                      const struct text_list *values, struct rbac_node *out)
{
    static const struct str AUDIENCE = STR_INIT("aud"), PRESENTER = STR_INIT("azp");
    struct str claims[CLAIM_DEPTH_MAX];

    ASSERT(rbac_is_collective(clause->attribute));
    if (clause->attribute == AUTHZ_REQUEST_PRINCIPAL) {
        *out = request_principals(maker, values);
        return true;
    }
    if (clause->attribute == AUTHZ_AUDIENCE)
        return claim_values(maker, &AUDIENCE, 1, values, out);
    if (clause->attribute == AUTHZ_PRESENTER)
        return claim_values(maker, &PRESENTER, 1, values, out);
    if (clause->attribute == AUTHZ_CLAIM)
        return claim_values(maker, claims, claim_names(clause->key, claims), values, out);
    return filter_values(maker, clause->key, values, out);
}
