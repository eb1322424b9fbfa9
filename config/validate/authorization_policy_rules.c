/* SPDX-License-Identifier: Apache-2.0
 *
 * config/validate/authorization_policy_rules.c - see rules.h; ISTIO.md 9.7.
 *
 * Istio puts "invalid policy NAME.NAMESPACE:" before every error of this kind:
 * it is added at the end, as argument {2}, which all rows used here have.
 */
#include "base/check.h"
#include "config/validate/attribute.h"
#include "config/validate/field.h"
#include "config/validate/rules.h"
#include "config/validate/selector.h"

enum value_check {
    VALUE_EMPTY, /* must not be empty */
    VALUE_ACCOUNT,
    VALUE_TRUST_DOMAIN,
    VALUE_IP,
    VALUE_PORT,
    VALUE_PATH,
};

struct list_row {
    struct str field, word; /* Istio's word for it */
    enum value_check check;
    bool is_identity;  /* principals, namespaces: not beside service accounts */
    bool is_tcp;       /* means something for plain TCP */
    bool is_custom_ok; /* may stand in a CUSTOM policy */
};

static const struct list_row SOURCES[] = {
    {STR_INIT("principals"), STR_INIT("Principals"), VALUE_EMPTY, true, true, false},
    {STR_INIT("notPrincipals"), STR_INIT("NotPrincipals"), VALUE_EMPTY, true, true, false},
    {STR_INIT("requestPrincipals"), STR_INIT("RequestPrincipals"), VALUE_EMPTY, false, false,
     false},
    {STR_INIT("notRequestPrincipals"), STR_INIT("NotRequestPrincipals"), VALUE_EMPTY, false, false,
     false},
    {STR_INIT("namespaces"), STR_INIT("Namespaces"), VALUE_EMPTY, true, true, false},
    {STR_INIT("notNamespaces"), STR_INIT("NotNamespaces"), VALUE_EMPTY, true, true, false},
    {STR_INIT("ipBlocks"), STR_INIT("IpBlocks"), VALUE_IP, false, true, true},
    {STR_INIT("notIpBlocks"), STR_INIT("NotIpBlocks"), VALUE_IP, false, true, true},
    {STR_INIT("remoteIpBlocks"), STR_INIT("RemoteIpBlocks"), VALUE_IP, false, true, true},
    {STR_INIT("notRemoteIpBlocks"), STR_INIT("NotRemoteIpBlocks"), VALUE_IP, false, true, true},
    {STR_INIT("serviceAccounts"), STR_INIT("ServiceAccounts"), VALUE_ACCOUNT, false, true, false},
    {STR_INIT("notServiceAccounts"), STR_INIT("NotServiceAccounts"), VALUE_ACCOUNT, false, true,
     false},
    {STR_INIT("trustDomains"), STR_INIT("TrustDomains"), VALUE_TRUST_DOMAIN, false, false, false},
    {STR_INIT("notTrustDomains"), STR_INIT("NotTrustDomains"), VALUE_TRUST_DOMAIN, false, false,
     false},
};

static const struct list_row OPERATIONS[] = {
    {STR_INIT("ports"), STR_INIT("Ports"), VALUE_PORT, false, true, true},
    {STR_INIT("notPorts"), STR_INIT("NotPorts"), VALUE_PORT, false, true, true},
    {STR_INIT("methods"), STR_INIT("Methods"), VALUE_EMPTY, false, false, true},
    {STR_INIT("notMethods"), STR_INIT("NotMethods"), VALUE_EMPTY, false, false, true},
    {STR_INIT("hosts"), STR_INIT("Hosts"), VALUE_EMPTY, false, false, true},
    {STR_INIT("notHosts"), STR_INIT("NotHosts"), VALUE_EMPTY, false, false, true},
    {STR_INIT("paths"), STR_INIT("Paths"), VALUE_PATH, false, false, true},
    {STR_INIT("notPaths"), STR_INIT("NotPaths"), VALUE_PATH, false, false, true},
};

/* What a rule's list of sources (operations) was found to have. */
struct found {
    bool exists, is_tcp;
};

static void check_values(const struct view *list, const struct list_row *row)
{
    switch (row->check) {
    case VALUE_EMPTY:
        attribute_check_empty(list, row->word);
        return;
    case VALUE_ACCOUNT:
        attribute_check_accounts(list, row->word);
        return;
    case VALUE_TRUST_DOMAIN:
        attribute_check_trust_domains(list, row->word);
        return;
    case VALUE_IP:
        attribute_check_ips(list);
        attribute_check_empty(list, row->word);
        return;
    case VALUE_PORT:
        attribute_check_ports(list);
        attribute_check_empty(list, row->word);
        return;
    case VALUE_PATH:
        attribute_check_empty(list, row->word);
        attribute_check_paths(list, row->word);
        return;
    }
    UNREACHABLE("value check");
}

/* All lists of a source or an operation; answers how many have items. */
static uint32_t check_lists(const struct view *owner, const struct list_row *rows, size_t row_count,
                            struct found *found)
{
    uint32_t used_count = 0;

    for (size_t i = 0; i < row_count; i++) {
        struct view list = view_field(owner, rows[i].field);
        used_count += view_count(&list) > 0 ? 1 : 0;
        found->is_tcp |= rows[i].is_tcp && view_count(&list) > 0;
        check_values(&list, &rows[i]);
    }
    return used_count;
}

static void check_source(const struct view *source, uint32_t rule_index, struct found *found)
{
    bool has_identity = false, has_account = false;

    for (size_t i = 0; i < COUNT_OF(SOURCES); i++) {
        bool is_used = field_count(source, SOURCES[i].field) > 0;
        has_identity |= is_used && SOURCES[i].is_identity;
        has_account |= is_used && SOURCES[i].check == VALUE_ACCOUNT;
    }
    found->exists = true;
    if (has_identity && has_account)
        say_number(source, DIAG_V_AP_ACCOUNTS, rule_index);
    if (check_lists(source, SOURCES, COUNT_OF(SOURCES), found) == 0)
        say_number(source, DIAG_V_AP_SOURCE_EMPTY, rule_index);
}

static struct found check_from(const struct view *rule, uint32_t rule_index)
{
    struct view list = view_field(rule, STR("from"));
    struct found found = {0};

    if (view_is_present(&list) && view_count(&list) == 0)
        say_number(&list, DIAG_V_AP_FROM_EMPTY, rule_index);
    for (uint32_t i = 0; i < view_count(&list); i++) {
        struct view from = view_item(&list, i);
        struct view source = view_field(&from, STR("source"));
        if (!view_is_present(&from))
            say_number(&from, DIAG_V_AP_FROM_NIL, rule_index);
        else if (!view_is_present(&source))
            say_number(&from, DIAG_V_AP_SOURCE_NIL, rule_index);
        else
            check_source(&source, rule_index, &found);
    }
    return found;
}

static struct found check_to(const struct view *rule, uint32_t rule_index)
{
    struct view list = view_field(rule, STR("to"));
    struct found found = {0};

    if (view_is_present(&list) && view_count(&list) == 0)
        say_number(&list, DIAG_V_AP_TO_EMPTY, rule_index);
    for (uint32_t i = 0; i < view_count(&list); i++) {
        struct view to = view_item(&list, i);
        struct view operation = view_field(&to, STR("operation"));
        if (!view_is_present(&to)) {
            say_number(&to, DIAG_V_AP_TO_NIL, rule_index);
        } else if (!view_is_present(&operation)) {
            say_number(&to, DIAG_V_AP_OPERATION_NIL, rule_index);
        } else {
            found.exists = true;
            if (check_lists(&operation, OPERATIONS, COUNT_OF(OPERATIONS), &found) == 0)
                say_number(&operation, DIAG_V_AP_OPERATION_EMPTY, rule_index);
        }
    }
    return found;
}

static void check_when(const struct view *rule)
{
    struct view list = view_field(rule, STR("when"));

    for (uint32_t i = 0; i < view_count(&list); i++) {
        struct view condition = view_item(&list, i);
        struct str key = field_text(&condition, STR("key"));
        struct view values = view_field(&condition, STR("values"));
        struct view not_values = view_field(&condition, STR("notValues"));
        if (key.len == 0) {
            say(&condition, DIAG_V_AP_KEY);
        } else if (view_count(&values) == 0 && view_count(&not_values) == 0) {
            say_text(&condition, DIAG_V_AP_VALUES, key);
        } else {
            attribute_check(&values, key, DIAG_V_AP_VALUE);
            attribute_check(&not_values, key, DIAG_V_AP_NOT_VALUE);
        }
    }
}

static void refuse_custom(const struct view *view, struct str what)
{
    say_text(view, DIAG_V_AP_CUSTOM_UNSUPPORTED, what);
}

/* What the external authorizer cannot be asked about. */
static void check_custom_rule(const struct view *rule)
{
    struct view froms = view_field(rule, STR("from"));
    struct view whens = view_field(rule, STR("when"));

    for (uint32_t i = 0; i < view_count(&froms); i++) {
        struct view from = view_item(&froms, i);
        struct view source = view_field(&from, STR("source"));
        for (size_t k = 0; k < COUNT_OF(SOURCES); k++)
            if (!SOURCES[k].is_custom_ok && field_count(&source, SOURCES[k].field) > 0)
                refuse_custom(&source,
                              arena_concat(source.reading->arena, STR("From."), SOURCES[k].word));
    }
    for (uint32_t i = 0; i < view_count(&whens); i++) {
        struct view when = view_item(&whens, i);
        struct str key = field_text(&when, STR("key"));
        if (!view_is_present(&when))
            say(&when, DIAG_V_AP_WHEN_NIL);
        else if (str_eq(key, STR("source.namespace")) ||
                 str_eq(key, STR("source.serviceAccount")) ||
                 str_eq(key, STR("source.trustDomain")) || str_eq(key, STR("source.principal")) ||
                 str_has_prefix(key, STR("request.auth.")))
            refuse_custom(&when, key);
    }
}

static void check_custom(const struct view *spec, const struct view *rules)
{
    struct view provider = view_field(spec, STR("provider"));

    if (view_count(rules) == 0)
        say_text(spec, DIAG_V_AP_NO_RULES, STR("CUSTOM"));
    else if (field_text(&provider, STR("name")).len == 0)
        say(spec, DIAG_V_AP_PROVIDER);
    for (uint32_t i = 0; i < view_count(rules); i++) {
        struct view rule = view_item(rules, i);
        check_custom_rule(&rule);
    }
}

static void check_rule(const struct view *rule, uint32_t index, bool is_deny)
{
    if (!view_is_present(rule)) {
        say_number(rule, DIAG_V_AP_RULE_NIL, index);
        return;
    }
    struct found from = check_from(rule, index);
    struct found to = check_to(rule, index);
    check_when(rule);
    if (is_deny && ((from.exists && !to.exists && !from.is_tcp) || (to.exists && !to.is_tcp)))
        say(rule, DIAG_V_AP_DENY_HTTP);
}

static void add_prefix(const struct view *spec, const struct judged *object, uint32_t first)
{
    struct diag_list *diags = spec->reading->diags;
    struct str prefix =
        arena_format(spec->reading->arena, "invalid policy %.*s.%.*s: ", STR_FMT(object->name),
                     STR_FMT(object->namespace));

    for (uint32_t i = first; i < diags->count; i++)
        if (diags->items[i].severity == DIAG_ERROR)
            diags->items[i].args[2] = prefix;
}

void authorization_policy_rules(const struct view *spec, const struct judged *object)
{
    struct view rules = view_field(spec, STR("rules"));
    struct view provider = view_field(spec, STR("provider"));
    struct str action = field_choice(spec, STR("action"), SCHEMA_ENUM_AUTHORIZATION_POLICY_ACTION);
    bool is_custom = str_eq(action, STR("CUSTOM"));
    bool is_deny = str_eq(action, STR("DENY"));
    uint32_t first = spec->reading->diags->count;

    selector_check_policy(spec);
    if (is_custom)
        check_custom(spec, &rules);
    else if (view_is_present(&provider))
        say_text(&provider, DIAG_V_AP_PROVIDER_ACTION, action);
    if (is_deny && view_count(&rules) == 0)
        say_text(spec, DIAG_V_AP_NO_RULES, STR("DENY"));
    for (uint32_t i = 0; i < view_count(&rules); i++) {
        struct view rule = view_item(&rules, i);
        check_rule(&rule, i, is_deny);
    }
    add_prefix(spec, object, first);
}
