/* SPDX-License-Identifier: Apache-2.0
 *
 * config/validate/crd.c - see crd.h.
 */
#include "config/validate/crd.h"

#include "base/check.h"
#include "base/ns.h"
#include "base/regex.h"
#include "config/validate/field.h"
#include "config/validate/word.h"

enum crd_what {
    CRD_NEED,
    CRD_LENGTH_MIN,
    CRD_LENGTH_MAX,
    CRD_COUNT_MIN,
    CRD_COUNT_MAX,
    CRD_VALUE_MIN,
    CRD_VALUE_MAX,
    CRD_PATTERN,
    CRD_DURATION,
    CRD_PORT,
};

struct crd_row {
    enum schema_message message;
    struct str field;
    enum crd_what what;
    double number;
    struct str pattern;
    bool is_each;
};

static const struct crd_row ROWS[] = {
#define NEED(id, name) {SCHEMA_##id, STR_INIT(name), CRD_NEED, 0, STR_INIT(""), false},
#define LIMIT(id, name, what, number) \
    {SCHEMA_##id, STR_INIT(name), CRD_##what, number, STR_INIT(""), false},
#define EACH(id, name, what, number) \
    {SCHEMA_##id, STR_INIT(name), CRD_##what, number, STR_INIT(""), true},
#define PATTERN(id, name, regex) \
    {SCHEMA_##id, STR_INIT(name), CRD_PATTERN, 0, STR_INIT(regex), false},
#define DURATION(id, name) {SCHEMA_##id, STR_INIT(name), CRD_DURATION, 0, STR_INIT(""), false},
#define PORT(id, name) {SCHEMA_##id, STR_INIT(name), CRD_PORT, 0, STR_INIT(""), false},
#include "config/validate/crd.def"
#undef NEED
#undef LIMIT
#undef EACH
#undef PATTERN
#undef DURATION
#undef PORT
};

/* At most one field of a group may be there: oneofs, and CEL that says so. */
static const struct {
    enum schema_message message;
    struct str fields[4], text;
} GROUPS[] = {
    {SCHEMA_STRING_MATCH,
     {STR_INIT("exact"), STR_INIT("prefix"), STR_INIT("regex")},
     STR_INIT("exact, prefix, regex")},
    {SCHEMA_HTTP_REDIRECT,
     {STR_INIT("port"), STR_INIT("derivePort")},
     STR_INIT("port, derivePort")},
    {SCHEMA_HTTP_BODY, {STR_INIT("string"), STR_INIT("bytes")}, STR_INIT("string, bytes")},
    {SCHEMA_HTTP_FAULT_INJECTION_DELAY,
     {STR_INIT("fixedDelay"), STR_INIT("exponentialDelay")},
     STR_INIT("fixedDelay, exponentialDelay")},
    {SCHEMA_HTTP_FAULT_INJECTION_ABORT,
     {STR_INIT("httpStatus"), STR_INIT("grpcStatus"), STR_INIT("http2Error")},
     STR_INIT("httpStatus, grpcStatus, http2Error")},
    {SCHEMA_LOAD_BALANCER_SETTINGS,
     {STR_INIT("simple"), STR_INIT("consistentHash")},
     STR_INIT("simple, consistentHash")},
    {SCHEMA_LOAD_BALANCER_SETTINGS,
     {STR_INIT("warmupDurationSecs"), STR_INIT("warmup")},
     STR_INIT("warmupDurationSecs, warmup")},
    {SCHEMA_LOAD_BALANCER_SETTINGS_CONSISTENT_HASH_LB,
     {STR_INIT("httpHeaderName"), STR_INIT("httpCookie"), STR_INIT("useSourceIp"),
      STR_INIT("httpQueryParameterName")},
     STR_INIT("httpHeaderName, httpCookie, useSourceIp, httpQueryParameterName")},
    {SCHEMA_LOAD_BALANCER_SETTINGS_CONSISTENT_HASH_LB,
     {STR_INIT("ringHash"), STR_INIT("maglev")},
     STR_INIT("ringHash, maglev")},
    {SCHEMA_READINESS_PROBE,
     {STR_INIT("httpGet"), STR_INIT("tcpSocket"), STR_INIT("exec"), STR_INIT("grpc")},
     STR_INIT("httpGet, tcpSocket, exec, grpc")},
    {SCHEMA_ENVOY_FILTER_ENVOY_CONFIG_OBJECT_MATCH,
     {STR_INIT("listener"), STR_INIT("routeConfiguration"), STR_INIT("cluster"),
      STR_INIT("waypoint")},
     STR_INIT("listener, routeConfiguration, cluster, waypoint")},
    {SCHEMA_TRACING_CUSTOM_TAG,
     {STR_INIT("literal"), STR_INIT("environment"), STR_INIT("header"), STR_INIT("formatter")},
     STR_INIT("literal, environment, header, formatter")},
    {SCHEMA_METRIC_SELECTOR,
     {STR_INIT("metric"), STR_INIT("customMetric")},
     STR_INIT("metric, customMetric")},
    {SCHEMA_TRAFFIC_EXTENSION, {STR_INIT("wasm"), STR_INIT("lua")}, STR_INIT("wasm, lua")},
    {SCHEMA_TRAFFIC_EXTENSION,
     {STR_INIT("targetRefs"), STR_INIT("selector")},
     STR_INIT("targetRefs or selector")},
    {SCHEMA_WASM_PLUGIN,
     {STR_INIT("targetRefs"), STR_INIT("targetRef"), STR_INIT("selector")},
     STR_INIT("targetRefs or selector")},
    {SCHEMA_AUTHORIZATION_POLICY,
     {STR_INIT("targetRefs"), STR_INIT("targetRef"), STR_INIT("selector")},
     STR_INIT("targetRefs or selector")},
    {SCHEMA_REQUEST_AUTHENTICATION,
     {STR_INIT("targetRefs"), STR_INIT("targetRef"), STR_INIT("selector")},
     STR_INIT("targetRefs or selector")},
    {SCHEMA_TELEMETRY,
     {STR_INIT("targetRefs"), STR_INIT("targetRef"), STR_INIT("selector")},
     STR_INIT("targetRefs or selector")},
    {SCHEMA_ENVOY_FILTER,
     {STR_INIT("targetRefs"), STR_INIT("workloadSelector")},
     STR_INIT("targetRefs or workloadSelector")},
    {SCHEMA_SERVER_TLS_SETTINGS,
     {STR_INIT("credentialNames"), STR_INIT("tlsCertificates")},
     STR_INIT("credentialNames or tlsCertificates")},
    {SCHEMA_SERVER_TLS_SETTINGS,
     {STR_INIT("credentialName"), STR_INIT("credentialNames")},
     STR_INIT("credentialName or credentialNames")},
    {SCHEMA_SERVICE_ENTRY,
     {STR_INIT("workloadSelector"), STR_INIT("endpoints")},
     STR_INIT("WorkloadSelector or Endpoints")},
    {SCHEMA_JWT_RULE, {STR_INIT("jwksUri"), STR_INIT("jwks")}, STR_INIT("jwks or jwksUri")},
};

static void rule(const struct view *view, struct str text)
{
    view_complain(view, DIAG_V_CRD_RULE, view_path(view), text);
}

static void limit(const struct view *view, enum diag_id id, const char *word, double number)
{
    view_complain(view, id, view_path(view),
                  arena_format(view->reading->arena, "%s %.0f", word, number));
}

static bool is_text(const struct view *view)
{
    return view->node->kind == NODE_STRING;
}

static bool is_many(const struct view *view)
{
    return view->node->kind == NODE_LIST || view->node->kind == NODE_MAP;
}

static bool is_number(const struct view *view)
{
    return view->node->kind == NODE_INT || view->node->kind == NODE_FLOAT;
}

static void check_pattern(const struct view *view, struct str pattern)
{
    struct regex_set set = {0};
    struct str why;
    struct regex *regex = regex_new(&set, pattern, view->reading->arena, &why);

    ASSERT(regex != NULL);
    if (!regex_matches_part(regex, view->node->text))
        view_complain(view, DIAG_V_CRD_PATTERN, view_path(view), pattern);
    regex_set_free(&set);
}

static void check_port(const struct view *view)
{
    if (view->node->kind == NODE_MAP) {
        for (uint32_t i = 0; i < view_count(view); i++) {
            struct view entry = view_entry(view, i);
            if (entry.node->kind == NODE_INT && !word_is_port(entry.node->integer))
                rule(&entry, STR("port must be between 1-65535"));
        }
    } else if (view->node->kind == NODE_INT && !word_is_port(view->node->integer)) {
        rule(view, STR("port must be between 1-65535"));
    }
}

/* One row against one value that is there. */
static void check_row(const struct view *view, const struct crd_row *row)
{
    const struct node *node = view->node;
    int64_t ns;

    switch (row->what) {
    case CRD_NEED:
        return;
    case CRD_LENGTH_MIN:
        if (is_text(view) && (double)node->text.len < row->number)
            limit(view, DIAG_V_CRD_LENGTH, "at least", row->number);
        return;
    case CRD_LENGTH_MAX:
        if (is_text(view) && (double)node->text.len > row->number)
            limit(view, DIAG_V_CRD_LENGTH, "at most", row->number);
        return;
    case CRD_COUNT_MIN:
        if (is_many(view) && node->count < row->number)
            limit(view, DIAG_V_CRD_COUNT, "at least", row->number);
        return;
    case CRD_COUNT_MAX:
        if (is_many(view) && node->count > row->number)
            limit(view, DIAG_V_CRD_COUNT, "at most", row->number);
        return;
    case CRD_VALUE_MIN:
        if (is_number(view) && node->number < row->number)
            limit(view, DIAG_V_CRD_RANGE, "at least", row->number);
        return;
    case CRD_VALUE_MAX:
        if (is_number(view) && node->number > row->number)
            limit(view, DIAG_V_CRD_RANGE, "at most", row->number);
        return;
    case CRD_PATTERN:
        if (is_text(view))
            check_pattern(view, row->pattern);
        return;
    case CRD_DURATION:
        if (is_text(view) && duration_parse(node->text, &ns) && ns < NS_MS)
            rule(view, STR("must be a valid duration greater than 1ms"));
        return;
    case CRD_PORT:
        check_port(view);
        return;
    }
    UNREACHABLE("crd row");
}

static void check_rows(const struct view *owner, enum schema_message message)
{
    for (size_t i = 0; i < COUNT_OF(ROWS); i++) {
        if (ROWS[i].message != message)
            continue;
        struct view field = view_field(owner, ROWS[i].field);
        if (!view_is_present(&field)) {
            if (ROWS[i].what == CRD_NEED)
                view_complain(&field, DIAG_V_CRD_REQUIRED, view_path(&field), STR_EMPTY);
        } else if (!ROWS[i].is_each) {
            check_row(&field, &ROWS[i]);
        } else {
            for (uint32_t k = 0; k < view_count(&field); k++) {
                bool is_list = field.node->kind == NODE_LIST;
                struct view item = is_list ? view_item(&field, k) : view_entry(&field, k);
                check_row(&item, &ROWS[i]);
            }
        }
    }
}

static void check_groups(const struct view *owner, enum schema_message message)
{
    for (size_t i = 0; i < COUNT_OF(GROUPS); i++) {
        int there = 0;
        if (GROUPS[i].message != message)
            continue;
        for (size_t k = 0; k < COUNT_OF(GROUPS[i].fields) && GROUPS[i].fields[k].len > 0; k++)
            there += field_has(owner, GROUPS[i].fields[k]) ? 1 : 0;
        if (there > 1)
            view_complain(owner, DIAG_V_CRD_ONE_OF, view_path(owner), GROUPS[i].text);
    }
}

static bool is_in_template(const struct view *view)
{
    return !view->is_item && view_is_named(view->key, STR("template"));
}

static void check_workload(const struct view *entry)
{
    struct str address = field_text(entry, STR("address"));
    bool is_unix = str_has_prefix(address, STR("unix://"));

    if (address.len == 0 && !field_has(entry, STR("network")) && !is_in_template(entry))
        rule(entry, STR("Address is required"));
    if (is_unix && field_has(entry, STR("ports")))
        rule(entry, STR("UDS may not include ports"));
    if (is_unix && address.len > 7 && address.ptr[7] != '/' && address.ptr[7] != '@')
        rule(entry, STR("UDS must be an absolute path or abstract socket"));
    if (is_unix && address.ptr[address.len - 1] == '/')
        rule(entry, STR("UDS may not be a dir"));
}

static void check_service_entry(const struct view *spec)
{
    struct view addresses = view_field(spec, STR("addresses"));
    struct view hosts = view_field(spec, STR("hosts"));
    struct str resolution =
        field_choice(spec, STR("resolution"), SCHEMA_ENUM_SERVICE_ENTRY_RESOLUTION);
    bool is_none = str_eq(resolution, STR("NONE"));

    for (uint32_t i = 0; i < view_count(&addresses); i++) {
        struct view item = view_item(&addresses, i);
        if (str_find(field_own_text(&item), '/') != STR_NONE && !is_none &&
            !str_eq(resolution, STR("STATIC")))
            rule(&item, STR("CIDR addresses are allowed only for NONE/STATIC resolution types"));
    }
    for (uint32_t i = 0; i < view_count(&hosts); i++) {
        struct view item = view_item(&hosts, i);
        if (str_eq(field_own_text(&item), STR("*")))
            rule(&item, STR("hostname cannot be wildcard"));
    }
    if (is_none && field_has(spec, STR("endpoints")))
        rule(spec, STR("NONE mode cannot set endpoints"));
    if (str_eq(resolution, STR("DNS_ROUND_ROBIN")) && field_count(spec, STR("endpoints")) > 1)
        rule(spec, STR("DNS_ROUND_ROBIN mode cannot have multiple endpoints"));
}

static void check_labels(const struct view *selector)
{
    struct view labels = view_field(selector, STR("matchLabels"));

    for (uint32_t i = 0; i < view_count(&labels); i++) {
        struct view entry = view_entry(&labels, i);
        if (entry.key.len == 0)
            rule(&entry, STR("key must not be empty"));
        if (str_find(entry.key, '*') != STR_NONE)
            rule(&entry, STR("wildcard not allowed in label key match"));
        if (str_find(field_own_text(&entry), '*') != STR_NONE)
            rule(&entry, STR("wildcard not allowed in label value match"));
    }
}

static void check_source(const struct view *source)
{
    bool has_accounts =
        field_has(source, STR("serviceAccounts")) || field_has(source, STR("notServiceAccounts"));
    bool has_others =
        field_has(source, STR("principals")) || field_has(source, STR("notPrincipals")) ||
        field_has(source, STR("namespaces")) || field_has(source, STR("notNamespaces"));

    if (has_accounts && has_others)
        rule(source, STR("Cannot set serviceAccounts with namespaces or principals"));
}

/* Rules over several fields of one message. */
static void check_several(const struct view *view, enum schema_message message)
{
    if (message == SCHEMA_WORKLOAD_ENTRY) {
        check_workload(view);
    } else if (message == SCHEMA_SERVICE_ENTRY) {
        check_service_entry(view);
    } else if (message == SCHEMA_TYPE_WORKLOAD_SELECTOR) {
        check_labels(view);
    } else if (message == SCHEMA_SOURCE) {
        check_source(view);
    } else if (message == SCHEMA_TYPE_POLICY_TARGET_REFERENCE) {
        if (field_text(view, STR("namespace")).len > 0)
            rule(view, STR("cross namespace referencing is not currently supported"));
    } else if (message == SCHEMA_PEER_AUTHENTICATION) {
        struct view selector = view_field(view, STR("selector"));
        if (field_has(view, STR("portLevelMtls")) &&
            field_count(&selector, STR("matchLabels")) == 0)
            rule(view, STR("portLevelMtls requires selector"));
    } else if (message == SCHEMA_ENV_VAR) {
        if (str_eq(field_text(view, STR("valueFrom")), STR("HOST")) &&
            field_has(view, STR("value")))
            rule(view, STR("value may only be set when valueFrom is INLINE"));
    } else if (message == SCHEMA_TRAFFIC_EXTENSION) {
        if (!field_has(view, STR("wasm")) && !field_has(view, STR("lua")))
            rule(view, STR("exactly one of wasm or lua must be set"));
    } else if (message == SCHEMA_ENVOY_FILTER_ENVOY_CONFIG_OBJECT_MATCH) {
        bool is_waypoint = str_eq(field_text(view, STR("context")), STR("WAYPOINT"));
        if (is_waypoint != field_has(view, STR("waypoint")))
            rule(view, STR("only support waypointMatch when context is WAYPOINT"));
    }
}

static void check_message(const struct view *view, enum schema_message message);

static void check_child(const struct view *child, const struct schema_field *field, bool is_item)
{
    if (!view_is_present(child)) {
        if (is_item)
            view_complain(child, DIAG_V_CRD_NULL, view_path(child), STR_EMPTY);
        return;
    }
    if (field->type == SCHEMA_CHILD)
        check_message(child, (enum schema_message)field->target);
}

/* Of recursion: as deep as the document. */
static void check_message(const struct view *view, enum schema_message message)
{
    uint32_t field_count_here;
    const struct schema_field *fields = schema_fields(message, &field_count_here);

    check_rows(view, message);
    check_groups(view, message);
    check_several(view, message);
    for (uint32_t i = 0; i < field_count_here; i++) {
        struct view child = view_field(view, fields[i].name);
        if (fields[i].shape == SCHEMA_ONE) {
            check_child(&child, &fields[i], false);
            continue;
        }
        for (uint32_t k = 0; k < view_count(&child); k++) {
            struct view item =
                fields[i].shape == SCHEMA_LIST ? view_item(&child, k) : view_entry(&child, k);
            check_child(&item, &fields[i], true);
        }
    }
}

void crd_check(const struct view *spec, enum schema_message message)
{
    if (view_is_present(spec))
        check_message(spec, message);
}

bool crd_is_complaint(enum diag_id id)
{
    return id >= DIAG_V_CRD_REQUIRED && id <= DIAG_V_CRD_RULE;
}
