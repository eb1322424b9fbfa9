/* SPDX-License-Identifier: Apache-2.0
 *
 * config/validate/authentication_rules.c - see rules.h: RequestAuthentication,
 * PeerAuthentication; ISTIO.md 9.7.
 */
#include "base/check.h"
#include "base/json.h"
#include "config/validate/field.h"
#include "config/validate/rules.h"
#include "config/validate/selector.h"
#include "config/validate/word.h"

/* Kinds of keys, and what each cannot be without (RFC 7518 section 6). */
static const struct {
    struct str kind;
    struct str needs[3];
    bool is_secret; /* the whole key is one */
} KEY_KINDS[] = {
    {STR_INIT("RSA"), {STR_INIT("n"), STR_INIT("e"), STR_INIT("")}, false},
    {STR_INIT("EC"), {STR_INIT("crv"), STR_INIT("x"), STR_INIT("y")}, false},
    {STR_INIT("OKP"), {STR_INIT("crv"), STR_INIT("x"), STR_INIT("")}, false},
    {STR_INIT("oct"), {STR_INIT("k"), STR_INIT(""), STR_INIT("")}, true},
};

/* Lists of texts that must not be empty. */
static const struct {
    struct str field;
    enum diag_id id;
} TEXT_LISTS[] = {
    {STR_INIT("audiences"), DIAG_V_JWT_AUDIENCE},
    {STR_INIT("fromParams"), DIAG_V_JWT_PARAM},
    {STR_INIT("fromCookies"), DIAG_V_JWT_COOKIE},
};

static bool is_strict_header(struct str name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = str_lower_char(name.ptr[i]);
        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '-' && c != '_')
            return false;
    }
    return true;
}

static struct str json_text(const struct json_value *object, struct str key)
{
    const struct json_value *value = json_get(object, key);

    return value != NULL && value->kind == JSON_STRING ? value->text : STR_EMPTY;
}

/* False and a complaint when it is no key; true for one that is fine. */
static bool check_key(const struct view *jwks, const struct json_value *key, uint32_t index)
{
    struct str kind = json_text(key, STR("kty"));

    for (size_t i = 0; i < COUNT_OF(KEY_KINDS); i++) {
        if (!str_eq(KEY_KINDS[i].kind, kind))
            continue;
        for (size_t k = 0; k < COUNT_OF(KEY_KINDS[i].needs); k++) {
            struct str need = KEY_KINDS[i].needs[k];
            if (need.len == 0 || json_text(key, need).len > 0)
                continue;
            say_text(jwks, DIAG_V_JWT_JWKS,
                     arena_format(jwks->reading->arena,
                                  "failed to unmarshal JWK set: required field %.*s is missing",
                                  STR_FMT(need)));
            return false;
        }
        if (KEY_KINDS[i].is_secret || json_get(key, STR("d")) != NULL)
            say_number(jwks, DIAG_V_JWT_PRIVATE, index);
        return true;
    }
    say_text(jwks, DIAG_V_JWT_JWKS, STR("failed to unmarshal JWK set: invalid key type"));
    return false;
}

static void check_jwks(const struct view *rule)
{
    struct view jwks = view_field(rule, STR("jwks"));
    struct str text = field_own_text(&jwks);
    struct json_value set;
    size_t where = 0;

    if (text.len == 0)
        return;
    if (json_read(text, rule->reading->arena, &set, &where) != RC_OK || set.kind != JSON_OBJECT) {
        struct str wrong = where < text.len ? str_slice(text, where, where + 1) : STR_EMPTY;
        say_text(&jwks, DIAG_V_JWT_JWKS,
                 arena_format(rule->reading->arena,
                              "failed to unmarshal JWK set: invalid character '%.*s' looking for "
                              "beginning of value",
                              STR_FMT(wrong)));
        return;
    }
    const struct json_value *keys = json_get(&set, STR("keys"));
    if (keys == NULL || keys->kind != JSON_ARRAY) {
        (void)check_key(&jwks, &set, 0);
        return;
    }
    for (uint32_t i = 0; i < keys->count; i++)
        if (!check_key(&jwks, &keys->items[i], i))
            return;
}

static void check_jwks_uri(const struct view *rule)
{
    struct view field = view_field(rule, STR("jwksUri"));
    struct str uri = field_own_text(&field);
    size_t colon = str_find_str(uri, STR(":"));
    struct str scheme = colon == STR_NONE ? STR_EMPTY : str_slice(uri, 0, colon);

    if (uri.len == 0)
        return;
    /* "example.com:80/x": what stands before a colon is no scheme with a dot. */
    if (str_find(scheme, '/') != STR_NONE || str_find(scheme, '.') != STR_NONE)
        scheme = STR_EMPTY;
    if (!str_eq_ci(scheme, STR("http")) && !str_eq_ci(scheme, STR("https")))
        say_text(&field, DIAG_V_JWT_SCHEME, field_quoted(&field, scheme));
}

static void check_claims(const struct view *rule)
{
    struct view list = view_field(rule, STR("outputClaimToHeaders"));

    for (uint32_t i = 0; i < view_count(&list); i++) {
        struct view item = view_item(&list, i);
        struct str header = field_text(&item, STR("header"));
        if (!view_is_present(&item))
            say(&item, DIAG_V_JWT_CLAIM_NULL);
        else if (header.len == 0 || field_text(&item, STR("claim")).len == 0)
            say(&item, DIAG_V_JWT_CLAIM);
        else if (!is_strict_header(header))
            say_text(&item, DIAG_V_HEADER_NAME, header);
    }
}

static void check_jwt_rule(const struct view *rule)
{
    struct view headers = view_field(rule, STR("fromHeaders"));

    for (size_t i = 0; i < COUNT_OF(TEXT_LISTS); i++) {
        struct view list = view_field(rule, TEXT_LISTS[i].field);
        for (uint32_t k = 0; k < view_count(&list); k++) {
            struct view item = view_item(&list, k);
            if (field_own_text(&item).len == 0)
                say(&item, TEXT_LISTS[i].id);
        }
    }
    if (field_text(rule, STR("issuer")).len == 0 && field_text(rule, STR("jwksUri")).len == 0)
        say(rule, DIAG_V_JWT_ISSUER);
    check_jwks_uri(rule);
    check_jwks(rule);
    for (uint32_t i = 0; i < view_count(&headers); i++) {
        struct view item = view_item(&headers, i);
        if (!view_is_present(&item))
            say(&item, DIAG_V_JWT_HEADER_NULL);
        else if (field_text(&item, STR("name")).len == 0)
            say(&item, DIAG_V_JWT_HEADER);
    }
    check_claims(rule);
    word_check_duration(rule, STR("timeout"));
}

void request_authentication_rules(const struct view *spec, const struct judged *object)
{
    struct view rules = view_field(spec, STR("jwtRules"));

    (void)object;
    selector_check_policy(spec);
    for (uint32_t i = 0; i < view_count(&rules); i++) {
        struct view rule = view_item(&rules, i);
        if (view_is_present(&rule))
            check_jwt_rule(&rule);
    }
}

void peer_authentication_rules(const struct view *spec, const struct judged *object)
{
    struct view selector = view_field(spec, STR("selector"));
    struct view ports = view_field(spec, STR("portLevelMtls"));

    (void)object;
    if (field_count(&selector, STR("matchLabels")) == 0 && view_count(&ports) > 0)
        say(&ports, DIAG_V_PA_PORTS);
    if (view_is_present(&ports) && view_count(&ports) == 0)
        say(&ports, DIAG_V_PA_PORTS_EMPTY);
    for (uint32_t i = 0; i < view_count(&ports); i++) {
        struct view entry = view_entry(&ports, i);
        int64_t port;
        if (!str_to_i64(entry.key, INT64_MIN, INT64_MAX, &port) || !word_is_port(port))
            say(&entry, DIAG_V_PA_PORT);
    }
    selector_check_labels(&selector);
}
