/* SPDX-License-Identifier: Apache-2.0
 *
 * config/resource/authorization_policy.c - see authorization_policy.h.
 *
 * Source: ISTIO.md 6.3, 9.7.
 */
#include "config/resource/authorization_policy.h"

static const struct field_row SPEC_ROWS[] = {{"selector", FIELD_USED},   {"targetRef", FIELD_USED},
                                             {"targetRefs", FIELD_USED}, {"rules", FIELD_USED},
                                             {"action", FIELD_USED},     {"provider", FIELD_USED}};
static const struct field_row SELECTOR_ROWS[] = {{"matchLabels", FIELD_USED}};
static const struct field_row PROVIDER_ROWS[] = {{"name", FIELD_USED}};
static const struct field_row RULE_ROWS[] = {
    {"from", FIELD_USED}, {"to", FIELD_USED}, {"when", FIELD_USED}};
static const struct field_row FROM_ROWS[] = {{"source", FIELD_USED}};
static const struct field_row TO_ROWS[] = {{"operation", FIELD_USED}};
static const struct field_row WHEN_ROWS[] = {
    {"key", FIELD_USED}, {"values", FIELD_USED}, {"notValues", FIELD_USED}};
static const struct field_row SOURCE_FIELDS[] = {
    {"principals", FIELD_USED},        {"notPrincipals", FIELD_USED},
    {"requestPrincipals", FIELD_USED}, {"notRequestPrincipals", FIELD_USED},
    {"serviceAccounts", FIELD_USED},   {"notServiceAccounts", FIELD_USED},
    {"trustDomains", FIELD_USED},      {"notTrustDomains", FIELD_USED},
    {"namespaces", FIELD_USED},        {"notNamespaces", FIELD_USED},
    {"remoteIpBlocks", FIELD_USED},    {"notRemoteIpBlocks", FIELD_USED},
    {"ipBlocks", FIELD_USED},          {"notIpBlocks", FIELD_USED}};
static const struct field_row OPERATION_FIELDS[] = {
    {"hosts", FIELD_USED},      {"notHosts", FIELD_USED}, {"methods", FIELD_USED},
    {"notMethods", FIELD_USED}, {"paths", FIELD_USED},    {"notPaths", FIELD_USED},
    {"ports", FIELD_USED},      {"notPorts", FIELD_USED}};

/* Of the fields above, pair by pair: the order in which Istio writes them. */
static const enum authz_attribute SOURCE_ATTRIBUTES[] = {AUTHZ_PRINCIPAL,
                                                         AUTHZ_REQUEST_PRINCIPAL,
                                                         AUTHZ_SERVICE_ACCOUNT,
                                                         AUTHZ_TRUST_DOMAIN,
                                                         AUTHZ_NAMESPACE,
                                                         AUTHZ_REMOTE_IP,
                                                         AUTHZ_IP};
static const enum authz_attribute OPERATION_ATTRIBUTES[] = {AUTHZ_HOST, AUTHZ_METHOD, AUTHZ_PATH,
                                                            AUTHZ_PORT};

/* What a condition's key begins with. */
static const struct {
    struct str key;
    enum authz_attribute attribute;
    bool has_rest; /* "[NAME]" follows */
} KEYS[] = {
    {STR_INIT("destination.ip"), AUTHZ_DESTINATION_IP, false},
    {STR_INIT("destination.port"), AUTHZ_PORT, false},
    {STR_INIT("connection.sni"), AUTHZ_SNI, false},
    {STR_INIT("experimental.envoy.filters."), AUTHZ_ENVOY_FILTER, true},
    {STR_INIT("source.ip"), AUTHZ_IP, false},
    {STR_INIT("remote.ip"), AUTHZ_REMOTE_IP, false},
    {STR_INIT("source.namespace"), AUTHZ_NAMESPACE, false},
    {STR_INIT("source.trustDomain"), AUTHZ_TRUST_DOMAIN, false},
    {STR_INIT("source.serviceAccount"), AUTHZ_SERVICE_ACCOUNT, false},
    {STR_INIT("source.principal"), AUTHZ_PRINCIPAL, false},
    {STR_INIT("request.auth.principal"), AUTHZ_REQUEST_PRINCIPAL, false},
    {STR_INIT("request.auth.audiences"), AUTHZ_AUDIENCE, false},
    {STR_INIT("request.auth.presenter"), AUTHZ_PRESENTER, false},
    {STR_INIT("request.headers"), AUTHZ_HEADER, true},
    {STR_INIT("request.auth.claims"), AUTHZ_CLAIM, true},
};

static void add_clause(struct authz_clauses *list, const struct authz_clause *clause,
                       struct arena *arena)
{
    if (clause->values.count == 0 && clause->not_values.count == 0)
        return;
    *ARENA_PUSH(arena, list->items, list->count, list->capacity) = *clause;
}

/* A source or an operation. */
static struct authz_clauses read_fields(const struct view *view, const struct field_row *fields,
                                        const enum authz_attribute *attributes, uint32_t count)
{
    struct authz_clauses out = {0};

    if (!view_is_present(view))
        return out;
    view_check_fields(view, fields, 2 * count);
    for (uint32_t i = 0; i < count; i++) {
        struct view values = view_list(view, str_of(fields[2 * i].name));
        struct view not_values = view_list(view, str_of(fields[2 * i + 1].name));
        struct authz_clause clause = {.attribute = attributes[i],
                                      .values = text_list_read(&values),
                                      .not_values = text_list_read(&not_values)};
        add_clause(&out, &clause, view->reading->arena);
    }
    return out;
}

static void find_attribute(struct str key, struct authz_clause *out)
{
    for (size_t i = 0; i < COUNT_OF(KEYS); i++) {
        bool is_meant =
            KEYS[i].has_rest ? str_has_prefix(key, KEYS[i].key) : str_eq(key, KEYS[i].key);
        if (!is_meant)
            continue;
        out->attribute = KEYS[i].attribute;
        out->key = str_from(key, KEYS[i].key.len);
        return;
    }
    out->attribute = AUTHZ_UNKNOWN;
}

static void read_conditions(const struct view *list, struct authz_clauses *out)
{
    for (uint32_t i = 0; i < view_count(list); i++) {
        struct view item = view_item(list, i);
        struct view values = view_list(&item, STR("values"));
        struct view not_values = view_list(&item, STR("notValues"));
        struct authz_clause clause = {.values = text_list_read(&values),
                                      .not_values = text_list_read(&not_values)};
        view_check_fields(&item, WHEN_ROWS, COUNT_OF(WHEN_ROWS));
        find_attribute(view_str(&item, STR("key"), STR_EMPTY), &clause);
        add_clause(out, &clause, list->reading->arena);
    }
}

static void read_rule(const struct view *rule, struct authz_rule *out)
{
    struct view from = view_list(rule, STR("from"));
    struct view to = view_list(rule, STR("to"));
    struct view when = view_list(rule, STR("when"));
    struct arena *arena = rule->reading->arena;

    out->origin = view_origin(rule);
    view_check_fields(rule, RULE_ROWS, COUNT_OF(RULE_ROWS));
    out->source_count = view_count(&from);
    out->sources = ARENA_ARRAY(arena, struct authz_clauses, out->source_count);
    for (uint32_t i = 0; i < out->source_count; i++) {
        struct view item = view_item(&from, i);
        struct view source = view_map(&item, STR("source"));
        view_check_fields(&item, FROM_ROWS, COUNT_OF(FROM_ROWS));
        out->sources[i] =
            read_fields(&source, SOURCE_FIELDS, SOURCE_ATTRIBUTES, COUNT_OF(SOURCE_ATTRIBUTES));
    }
    out->operation_count = view_count(&to);
    out->operations = ARENA_ARRAY(arena, struct authz_clauses, out->operation_count);
    for (uint32_t i = 0; i < out->operation_count; i++) {
        struct view item = view_item(&to, i);
        struct view operation = view_map(&item, STR("operation"));
        view_check_fields(&item, TO_ROWS, COUNT_OF(TO_ROWS));
        out->operations[i] = read_fields(&operation, OPERATION_FIELDS, OPERATION_ATTRIBUTES,
                                         COUNT_OF(OPERATION_ATTRIBUTES));
    }
    read_conditions(&when, &out->conditions);
}

bool authz_attribute_is_of_caller(enum authz_attribute attribute)
{
    return attribute < AUTHZ_HOST;
}

/* As Go's strconv.ParseBool reads it. */
static bool is_true(struct str text)
{
    static const struct str WORDS[] = {STR_INIT("1"),    STR_INIT("t"),    STR_INIT("T"),
                                       STR_INIT("TRUE"), STR_INIT("true"), STR_INIT("True")};

    for (size_t i = 0; i < COUNT_OF(WORDS); i++) {
        if (str_eq(WORDS[i], text))
            return true;
    }
    return false;
}

void authorization_policy_read(const struct view *spec, struct authorization_policy *out)
{
    static const char *const ACTIONS[] = {"ALLOW", "DENY", "AUDIT", "CUSTOM", NULL};
    struct view selector = view_map(spec, STR("selector"));
    struct view labels = view_map(&selector, STR("matchLabels"));
    struct view provider = view_map(spec, STR("provider"));
    struct view rules = view_list(spec, STR("rules"));
    const struct str *dry_run =
        label_find(out->meta.annotations, out->meta.annotation_count, STR("istio.io/dry-run"));

    view_check_fields(spec, SPEC_ROWS, COUNT_OF(SPEC_ROWS));
    if (view_is_present(&selector))
        view_check_fields(&selector, SELECTOR_ROWS, COUNT_OF(SELECTOR_ROWS));
    if (view_is_present(&provider))
        view_check_fields(&provider, PROVIDER_ROWS, COUNT_OF(PROVIDER_ROWS));
    out->selector = label_list_read(&labels);
    out->targets = target_refs_read(spec);
    out->action = (enum authz_action)view_choice(spec, STR("action"), ACTIONS, 0);
    out->provider = view_str(&provider, STR("name"), STR_EMPTY);
    out->is_dry_run = dry_run != NULL && is_true(*dry_run);
    out->rule_count = view_count(&rules);
    out->rules = ARENA_ARRAY(spec->reading->arena, struct authz_rule, out->rule_count);
    for (uint32_t i = 0; i < out->rule_count; i++) {
        struct view rule = view_item(&rules, i);
        read_rule(&rule, &out->rules[i]);
    }
}
