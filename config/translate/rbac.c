/* SPDX-License-Identifier: Apache-2.0
 *
 * config/translate/rbac.c - see rbac.h.
 */
#include "config/translate/rbac.h"

#include "config/translate/rbac_value.h"

#define IDENTITY_PARTS 5u  /* DOMAIN/ns/NAMESPACE/sa/ACCOUNT */
#define REPEATED_MAX 4096u /* values of one condition that are repeated once more */

struct rbac_node *rbac_push(struct rbac_maker *maker, struct node_list *list)
{
    return ARENA_PUSH(maker->t->arena, list->items, list->count, list->capacity);
}

struct rbac_node rbac_group(enum rbac_kind kind, const struct node_list *list)
{
    return (struct rbac_node){.kind = kind, .children = list->items, .child_count = list->count};
}

/* --- trust domains ----------------------------------------------------------- */

static struct text_list trust_domains(struct translation *t)
{
    const struct mesh_config *config = &t->mesh->config;
    struct text_list out = {0};

    text_list_add(&out, config->trust_domain, &t->scratch);
    for (uint32_t i = 0; i < config->trust_domain_aliases.count; i++)
        text_list_add(&out, config->trust_domain_aliases.items[i], &t->scratch);
    return out;
}

static void add_unique(struct translation *t, struct text_list *list, struct str text)
{
    if (!text_list_has(list, text))
        text_list_add(list, text, &t->scratch);
}

static bool domain_matches(struct str pattern, struct str domain)
{
    if (str_has_prefix(pattern, STR("*")))
        return str_has_suffix(domain, str_from(pattern, 1));
    if (str_has_suffix(pattern, STR("*")))
        return str_has_prefix(domain, str_slice(pattern, 0, pattern.len - 1));
    return str_eq(pattern, domain);
}

/* "DOMAIN/ns/NS/sa/NAME": the rest after the domain, or absent (ptr NULL). */
static struct str after_domain(struct str principal, struct str *domain)
{
    struct str rest = principal;
    uint32_t parts = 0;

    while (rest.ptr != NULL) {
        (void)str_cut(&rest, '/');
        parts++;
    }
    *domain = STR_EMPTY;
    rest = principal;
    if (parts != IDENTITY_PARTS)
        return (struct str){0};
    *domain = str_cut(&rest, '/');
    return rest;
}

/* A caller of the mesh is meant whichever of the mesh's domains it is from;
 * cluster.local is any mesh's. */
static void add_principals(struct translation *t, const struct text_list *domains, struct str value,
                           struct text_list *out)
{
    struct text_list added = {0};
    struct str domain;
    struct str rest = after_domain(value, &domain);
    bool is_ours = str_eq(domain, STR("cluster.local"));

    for (uint32_t i = 0; i < domains->count; i++)
        is_ours |= domain_matches(domain, domains->items[i]);
    if (rest.ptr == NULL || str_eq(domain, STR("*")) || !is_ours) {
        text_list_add(out, value, &t->scratch);
        return;
    }
    for (uint32_t i = 0; i < domains->count; i++) {
        bool is_wider = str_has_prefix(domain, STR("*")) &&
                        str_has_suffix(domains->items[i], str_from(domain, 1));
        add_unique(t, &added,
                   is_wider ? value
                            : arena_format(&t->scratch, "%.*s/%.*s", STR_FMT(domains->items[i]),
                                           STR_FMT(rest)));
    }
    for (uint32_t i = 0; i < added.count; i++)
        text_list_add(out, added.items[i], &t->scratch);
}

static struct text_list with_aliases_once(struct translation *t, enum authz_attribute attribute,
                                          const struct text_list *values)
{
    struct text_list domains = trust_domains(t);
    struct text_list out = {0};

    for (uint32_t i = 0; i < values->count; i++) {
        struct str value = values->items[i];
        if (attribute == AUTHZ_PRINCIPAL)
            add_principals(t, &domains, value, &out);
        else if (!text_list_has(&domains, value))
            add_unique(t, &out, value);
        else
            for (uint32_t k = 0; k < domains.count; k++)
                add_unique(t, &out, domains.items[k]);
    }
    return out;
}

/* A rule's conditions are one object to istiod, whichever of its sources they stand beside,
 * and it puts the aliases into it once for each: the same principals, again and again. */
static struct text_list with_aliases(struct translation *t, enum authz_attribute attribute,
                                     const struct text_list *values, uint32_t times)
{
    struct text_list out = *values;

    if (attribute != AUTHZ_PRINCIPAL && attribute != AUTHZ_TRUST_DOMAIN)
        return out;
    for (uint32_t i = 0; i < times && out.count <= REPEATED_MAX; i++) {
        uint32_t count = out.count;
        out = with_aliases_once(t, attribute, &out);
        if (i > 0 && out.count == count)
            break;
    }
    return out;
}

/* --- clauses ------------------------------------------------------------------ */

/* One of the values. False: the whole rule is void. Nothing is added where no
 * value can be asked. */
static bool add_values(struct rbac_maker *maker, const struct rbac_question *asked,
                       const struct authz_clause *clause, const struct text_list *written,
                       bool is_not, struct node_list *out)
{
    struct text_list values = with_aliases(maker->t, clause->attribute, written, maker->times);
    struct node_list nodes = {0};
    struct rbac_node node;

    if (values.count == 0)
        return true;
    if (asked->is_tcp && rbac_is_http_only(clause->attribute))
        return !asked->is_allow;
    if (rbac_is_collective(clause->attribute)) {
        if (!rbac_values_node(maker, clause, &values, &node))
            return !asked->is_allow;
    } else {
        for (uint32_t i = 0; i < values.count; i++) {
            if (rbac_value_node(maker, clause, values.items[i], &node))
                *rbac_push(maker, &nodes) = node;
            else if (asked->is_allow)
                return false;
        }
        if (nodes.count == 0)
            return true;
        node = rbac_group(RBAC_ONE_OF, &nodes);
    }
    if (is_not) {
        struct node_list inner = {0};
        *rbac_push(maker, &inner) = node;
        node = rbac_group(RBAC_NOT, &inner);
    }
    *rbac_push(maker, out) = node;
    return true;
}

/* The clauses of `list` that are (or are not) about the caller. */
static bool add_clauses(struct rbac_maker *maker, const struct rbac_question *asked,
                        const struct authz_clauses *list, bool is_of_caller, struct node_list *out)
{
    bool is_shared = list == &asked->rule->conditions && asked->rule->source_count > 0;

    maker->times = is_shared ? asked->rule->source_count : 1;
    for (uint32_t i = 0; i < list->count; i++) {
        const struct authz_clause *clause = &list->items[i];
        if (authz_attribute_is_of_caller(clause->attribute) != is_of_caller)
            continue;
        if (!add_values(maker, asked, clause, &clause->values, false, out) ||
            !add_values(maker, asked, clause, &clause->not_values, true, out))
            return false;
    }
    return true;
}

/* All of one source's (or operation's) clauses and of the conditions. */
static bool add_alternative(struct rbac_maker *maker, const struct rbac_question *asked,
                            const struct authz_clauses *own, bool is_of_caller,
                            struct node_list *out)
{
    struct node_list all = {0};

    if (own != NULL && !add_clauses(maker, asked, own, is_of_caller, &all))
        return false;
    if (!add_clauses(maker, asked, &asked->rule->conditions, is_of_caller, &all))
        return false;
    if (all.count == 0)
        *rbac_push(maker, &all) = (struct rbac_node){.kind = RBAC_ANY};
    *rbac_push(maker, out) = rbac_group(RBAC_ALL_OF, &all);
    return true;
}

static bool add_alternatives(struct rbac_maker *maker, const struct rbac_question *asked,
                             const struct authz_clauses *items, uint32_t count, bool is_of_caller,
                             struct node_list *out)
{
    if (count == 0)
        return add_alternative(maker, asked, NULL, is_of_caller, out);
    for (uint32_t i = 0; i < count; i++) {
        if (!add_alternative(maker, asked, &items[i], is_of_caller, out))
            return false;
    }
    return true;
}

bool rbac_rule_translate(struct translation *t, const struct rbac_question *question,
                         struct rbac_policy *out)
{
    const struct authz_rule *rule = question->rule;
    struct rbac_maker maker = {t, question->policy->meta.namespace, .times = 1};
    struct node_list permissions = {0}, principals = {0};

    for (uint32_t i = 0; i < rule->conditions.count; i++) {
        if (rule->conditions.items[i].attribute == AUTHZ_UNKNOWN)
            return false;
    }
    if (!add_alternatives(&maker, question, rule->operations, rule->operation_count, false,
                          &permissions) ||
        !add_alternatives(&maker, question, rule->sources, rule->source_count, true, &principals))
        return false;
    out->permissions = permissions.items;
    out->permission_count = permissions.count;
    out->principals = principals.items;
    out->principal_count = principals.count;
    out->origin = context_keep_origin(t, rule->origin);
    return true;
}
