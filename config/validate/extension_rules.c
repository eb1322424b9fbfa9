/* SPDX-License-Identifier: Apache-2.0
 *
 * config/validate/extension_rules.c - see rules.h: Telemetry, WasmPlugin,
 * TrafficExtension; ISTIO.md 9.7.
 */
#include "base/check.h"
#include "config/resource/label.h"
#include "config/validate/cel.h"
#include "config/validate/field.h"
#include "config/validate/rules.h"
#include "config/validate/selector.h"
#include "config/validate/word.h"

#define SHA_BYTES 64u
#define SECRET_BYTES_MAX 253u
#define NAME_BYTES_MAX 256u
#define LUA_BYTES_MAX 65536u

/* What a custom tag takes its value from, and the field that it needs. */
static const struct {
    struct str type, field;
    enum diag_id id;
} TAG_TYPES[] = {
    {STR_INIT("literal"), STR_INIT("value"), DIAG_V_TAG_LITERAL},
    {STR_INIT("header"), STR_INIT("name"), DIAG_V_TAG_HEADER},
    {STR_INIT("environment"), STR_INIT("name"), DIAG_V_TAG_ENVIRONMENT},
};

static void check_providers(const struct view *owner)
{
    struct view list = view_field(owner, STR("providers"));

    for (uint32_t i = 0; i < view_count(&list); i++) {
        struct view item = view_item(&list, i);
        if (field_text(&item, STR("name")).len == 0) {
            say(&item, DIAG_V_PROVIDER_NAME);
            return;
        }
    }
}

static void check_tag_override(const struct view *entry)
{
    struct str operation =
        field_choice(entry, STR("operation"), SCHEMA_ENUM_METRICS_OVERRIDES_TAG_OVERRIDE_OPERATION);
    bool has_value = field_text(entry, STR("value")).len > 0;

    if (entry->key.len == 0)
        say(entry, DIAG_V_OVERRIDE_NAME);
    if (!view_is_present(entry))
        say(entry, DIAG_V_OVERRIDE_NULL);
    else if (str_eq(operation, STR("UPSERT")) && !has_value)
        say(entry, DIAG_V_OVERRIDE_VALUE);
    else if (str_eq(operation, STR("REMOVE")) && has_value)
        say(entry, DIAG_V_OVERRIDE_REMOVE);
}

static void check_override(const struct view *override)
{
    struct view tags = view_field(override, STR("tagOverrides"));
    struct view match = view_field(override, STR("match"));
    struct view custom = view_field(&match, STR("customMetric"));

    if (!view_is_present(override)) {
        say(override, DIAG_V_OVERRIDE_NULL);
        return;
    }
    for (uint32_t i = 0; i < view_count(&tags); i++) {
        struct view entry = view_entry(&tags, i);
        check_tag_override(&entry);
    }
    if (view_is_present(&custom) && field_own_text(&custom).len == 0)
        say(&custom, DIAG_V_CUSTOM_METRIC);
}

static void check_metrics(const struct view *spec)
{
    struct view list = view_field(spec, STR("metrics"));

    for (uint32_t i = 0; i < view_count(&list); i++) {
        struct view item = view_item(&list, i);
        struct view overrides = view_field(&item, STR("overrides"));
        check_providers(&item);
        for (uint32_t k = 0; k < view_count(&overrides); k++) {
            struct view override = view_item(&overrides, k);
            check_override(&override);
        }
    }
}

static void check_tag(const struct view *tag)
{
    if (tag->key.len == 0)
        say(tag, DIAG_V_TAG_NAME);
    if (!view_is_present(tag)) {
        say_text(tag, DIAG_V_TAG_NIL, tag->key);
        return;
    }
    for (size_t i = 0; i < COUNT_OF(TAG_TYPES); i++) {
        struct view type = view_field(tag, TAG_TYPES[i].type);
        if (view_is_present(&type) && field_text(&type, TAG_TYPES[i].field).len == 0)
            say(&type, TAG_TYPES[i].id);
    }
}

static void check_tracing(const struct view *spec)
{
    struct view list = view_field(spec, STR("tracing"));

    if (view_count(&list) > 1)
        say(&list, DIAG_V_TRACING_MANY);
    for (uint32_t i = 0; i < view_count(&list); i++) {
        struct view item = view_item(&list, i);
        struct view tags = view_field(&item, STR("customTags"));
        double percentage = field_double(&item, STR("randomSamplingPercentage"));
        if (field_count(&item, STR("providers")) > 1)
            say(&item, DIAG_V_PROVIDERS_MANY);
        check_providers(&item);
        if (percentage < 0 || percentage > 100)
            say(&item, DIAG_V_SAMPLING);
        for (uint32_t k = 0; k < view_count(&tags); k++) {
            struct view tag = view_entry(&tags, k);
            check_tag(&tag);
        }
    }
}

static bool is_scheme_letter(char c)
{
    c = str_lower_char(c);
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.';
}

/* What stands before the first ":", when it is a scheme by RFC 3986. Of
 * "host:port/x" Go's reader says so as well, unless the port follows at once:
 * then it is read again behind http://. */
static struct str scheme_of(struct str url)
{
    size_t colon = str_find(url, ':');

    if (colon == STR_NONE || colon == 0)
        return STR_EMPTY;
    for (size_t i = 0; i < colon; i++)
        if (!is_scheme_letter(url.ptr[i]))
            return STR_EMPTY;
    bool is_letter = str_lower_char(url.ptr[0]) >= 'a' && str_lower_char(url.ptr[0]) <= 'z';
    bool is_absolute = str_has_prefix(str_from(url, colon + 1), STR("/"));
    return is_letter && is_absolute ? str_slice(url, 0, colon) : STR_EMPTY;
}

static void check_url(const struct view *owner)
{
    static const struct str SCHEMES[] = {STR_INIT(""), STR_INIT("file"), STR_INIT("http"),
                                         STR_INIT("https"), STR_INIT("oci")};
    struct view field = view_field(owner, STR("url"));
    struct str url = field_own_text(&field);
    struct arena *arena = owner->reading->arena;

    if (url.len == 0) {
        say(owner, DIAG_V_WASM_URL);
        return;
    }
    for (size_t i = 0; i < url.len; i++) {
        unsigned char c = (unsigned char)url.ptr[i];
        if (c > 0x20 && c != 0x7f)
            continue;
        say_text(&field, DIAG_V_WASM_URL_BAD,
                 arena_format(arena, "parse %.*s: net/url: invalid control character in URL",
                              STR_FMT(field_quoted(&field, url))));
        return;
    }
    struct str scheme = arena_str_lower(arena, scheme_of(url));
    for (size_t i = 0; i < COUNT_OF(SCHEMES); i++)
        if (str_eq(SCHEMES[i], scheme))
            return;
    say_text(&field, DIAG_V_WASM_SCHEME, scheme);
}

static void check_sha(const struct view *owner)
{
    struct view field = view_field(owner, STR("sha256"));
    struct str sha = field_own_text(&field);

    if (sha.len == 0)
        return;
    if (sha.len != SHA_BYTES) {
        say(&field, DIAG_V_WASM_SHA_LENGTH);
        return;
    }
    for (size_t i = 0; i < sha.len; i++) {
        char c = sha.ptr[i];
        if (!(c >= 'a' && c <= 'f') && !(c >= '0' && c <= '9')) {
            say(&field, DIAG_V_WASM_SHA);
            return;
        }
    }
}

/* The first thing that is wrong, as Istio says. */
static void check_environment(const struct view *owner)
{
    struct view vm = view_field(owner, STR("vmConfig"));
    struct view list = view_field(&vm, STR("env"));
    struct text_list seen = {0};

    for (uint32_t i = 0; i < view_count(&list); i++) {
        struct view item = view_item(&list, i);
        struct str name = field_text(&item, STR("name"));
        struct str from = field_choice(&item, STR("valueFrom"), SCHEMA_ENUM_ENV_VALUE_SOURCE);
        bool has_value = field_text(&item, STR("value")).len > 0;
        if (!view_is_present(&item))
            continue;
        enum diag_id id = name.len == 0                               ? DIAG_V_ENV_INVALID
                          : name.len > NAME_BYTES_MAX                 ? DIAG_V_ENV_LONG
                          : text_list_has(&seen, name)                ? DIAG_V_ENV_TWICE
                          : has_value && !str_eq(from, STR("INLINE")) ? DIAG_V_ENV_VALUE
                                                                      : DIAG_ID_COUNT;
        if (id != DIAG_ID_COUNT) {
            say(&item, id);
            return;
        }
        text_list_add(&seen, name, owner->reading->arena);
    }
}

static void check_wasm(const struct view *owner, enum diag_id name_long)
{
    check_url(owner);
    check_sha(owner);
    if (field_text(owner, STR("imagePullSecret")).len > SECRET_BYTES_MAX)
        say(owner, DIAG_V_WASM_SECRET);
    if (field_text(owner, STR("pluginName")).len > NAME_BYTES_MAX)
        say(owner, name_long);
    check_environment(owner);
}

/* One port of a traffic selector; false when Istio looks no further. */
static bool check_match_port(const struct view *port, uint32_t match_index, uint32_t port_index)
{
    struct arena *arena = port->reading->arena;
    struct str where = arena_format(arena, "spec.Match[%u].Ports[%u]", match_index, port_index);
    int64_t number = field_number(port, STR("number"));

    if (!view_is_present(port)) {
        say_text(port, DIAG_V_MATCH_NIL, where);
        return false;
    }
    if (word_is_port(number))
        return true;
    view_complain(port, DIAG_V_MATCH_PORT, where, field_of_number(port, number));
    return false;
}

static void check_match(const struct view *spec)
{
    struct view list = view_field(spec, STR("match"));

    for (uint32_t i = 0; i < view_count(&list); i++) {
        struct view item = view_item(&list, i);
        struct view ports = view_field(&item, STR("ports"));
        if (!view_is_present(&item)) {
            say_text(&item, DIAG_V_MATCH_NIL,
                     arena_format(spec->reading->arena, "spec.Match[%u]", i));
            return;
        }
        for (uint32_t k = 0; k < view_count(&ports); k++) {
            struct view port = view_item(&ports, k);
            if (!check_match_port(&port, i, k))
                return;
        }
    }
}

static void check_lua(const struct view *lua)
{
    struct str code = field_text(lua, STR("inlineCode"));

    if (!view_is_present(lua))
        return;
    if (code.len == 0)
        say(lua, DIAG_V_LUA_EMPTY);
    if (code.len > LUA_BYTES_MAX)
        say(lua, DIAG_V_LUA_LONG);
}

static void check_filter(const struct view *filter)
{
    struct view expression = view_field(filter, STR("expression"));
    struct cel_answer answer = cel_check(field_own_text(&expression));

    if (!answer.is_fine)
        view_complain(&expression, DIAG_V_FILTER_BAD, str_of(answer.error),
                      field_of_number(filter, (int64_t)answer.column));
}

void telemetry_rules(const struct view *spec, const struct judged *object)
{
    struct view logging = view_field(spec, STR("accessLogging"));

    (void)object;
    selector_check_policy(spec);
    check_metrics(spec);
    check_tracing(spec);
    for (uint32_t i = 0; i < view_count(&logging); i++) {
        struct view item = view_item(&logging, i);
        struct view filter = view_field(&item, STR("filter"));
        if (view_is_present(&filter))
            check_filter(&filter);
        check_providers(&item);
    }
}

void wasm_plugin_rules(const struct view *spec, const struct judged *object)
{
    (void)object;
    selector_check_policy(spec);
    check_wasm(spec, DIAG_V_WASM_NAME);
    check_match(spec);
}

void traffic_extension_rules(const struct view *spec, const struct judged *object)
{
    struct view wasm = view_field(spec, STR("wasm"));
    struct view lua = view_field(spec, STR("lua"));

    (void)object;
    if (view_is_present(&wasm) == view_is_present(&lua))
        say(spec, DIAG_V_EXTENSION_ONE);
    selector_check_policy(spec);
    check_lua(&lua);
    if (view_is_present(&wasm))
        check_wasm(&wasm, DIAG_V_WASM_CONFIG_NAME);
    check_match(spec);
}
