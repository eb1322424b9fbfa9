/* SPDX-License-Identifier: Apache-2.0
 *
 * config/translate/authz.c - see authz.h.
 */
#include "config/translate/authz.h"

#include "config/translate/authz_provider.h"
#include "config/translate/jwt.h"
#include "config/translate/rbac.h"

#define BAD_CUSTOM_SUFFIX "-deny-due-to-bad-CUSTOM-action"
#define CUSTOM_PREFIX "istio-ext-authz-"

struct policy_list {
    const struct authorization_policy **items;
    uint32_t count, capacity;
};

struct rbac_list {
    struct rbac *items;
    uint32_t count, capacity;
};

struct custom_list {
    struct custom_authz *items;
    uint32_t count, capacity;
};

/* Policies of one action, for HTTP or for streams. */
struct authz_job {
    struct translation *t;
    const struct policy_list *policies;
    enum authz_action action;
    struct str provider; /* of CUSTOM: only this one's */
    bool is_tcp;
};

static bool is_for_proxy(const struct translation *t, const struct object_meta *meta,
                         const struct target_refs *targets, const struct label_list *selector)
{
    const struct proxy_identity *proxy = t->proxy;

    return (str_eq(meta->namespace, proxy->namespace) ||
            str_eq(meta->namespace, t->mesh->config.root_namespace)) &&
           target_refs_select(targets, selector, proxy->labels, proxy->label_count);
}

/* Those of the proxy's namespace and the root's, and of `further` (or empty). */
static struct policy_list find_policies(struct translation *t, struct str further)
{
    struct policy_list out = {0};

    for (uint32_t i = 0; i < t->mesh->authorization_policies_count; i++) {
        const struct authorization_policy *policy = &t->mesh->authorization_policies[i];
        struct object_meta meta = policy->meta;
        if (further.len > 0 && str_eq(meta.namespace, further))
            meta.namespace = t->proxy->namespace;
        if (is_for_proxy(t, &meta, &policy->targets, &policy->selector))
            *ARENA_PUSH(&t->scratch, out.items, out.count, out.capacity) = policy;
    }
    return out;
}

/* A policy without rules matches nothing. */
static void set_never(struct translation *t, struct rbac_policy *out)
{
    struct rbac_node *nodes = ARENA_ARRAY(t->arena, struct rbac_node, 4);

    for (uint32_t i = 0; i < 2; i++) {
        nodes[2 * i + 1] = (struct rbac_node){.kind = RBAC_ANY};
        nodes[2 * i] =
            (struct rbac_node){.kind = RBAC_NOT, .children = &nodes[2 * i + 1], .child_count = 1};
    }
    out->permissions = &nodes[0];
    out->principals = &nodes[2];
    out->permission_count = out->principal_count = 1;
}

static struct str policy_name(const struct authz_job *job,
                              const struct authorization_policy *policy, uint32_t index)
{
    struct str provider = job->action == AUTHZ_CUSTOM ? policy->provider : STR_EMPTY;

    return context_keep(
        job->t, arena_format(&job->t->scratch, "%s%.*s%sns[%.*s]-policy[%.*s]-rule[%u]",
                             job->action == AUTHZ_CUSTOM ? CUSTOM_PREFIX : "", STR_FMT(provider),
                             provider.len > 0 ? "-" : "", STR_FMT(policy->meta.namespace),
                             STR_FMT(policy->meta.name), index));
}

static void add_policy(const struct authz_job *job, const struct authorization_policy *policy,
                       struct rbac_policy *items, uint32_t *count)
{
    struct translation *t = job->t;

    for (uint32_t i = 0; i < policy->rule_count; i++) {
        struct rbac_question question = {.policy = policy,
                                         .rule = &policy->rules[i],
                                         .is_tcp = job->is_tcp,
                                         .is_allow = job->action == AUTHZ_ALLOW};
        struct rbac_policy made = {.name = policy_name(job, policy, i)};
        if (rbac_rule_translate(t, &question, &made))
            items[(*count)++] = made;
    }
    if (policy->rule_count > 0)
        return;
    struct rbac_policy *never = &items[(*count)++];
    *never = (struct rbac_policy){.name = policy_name(job, policy, 0)};
    never->origin = context_keep_origin(t, policy->meta.origin);
    set_never(t, never);
}

/* The rules that are (or are not) a dry run. */
static struct rbac_rules rules_of(const struct authz_job *job, bool is_dry_run)
{
    static const enum rbac_action ACTIONS[] = {RBAC_ALLOW, RBAC_DENY, RBAC_LOG, RBAC_DENY};
    struct rbac_rules out = {.action = ACTIONS[job->action]};
    uint32_t room = 0;

    for (uint32_t i = 0; i < job->policies->count; i++)
        room += job->policies->items[i]->rule_count + 1;
    struct rbac_policy *items = ARENA_ARRAY(job->t->arena, struct rbac_policy, room);
    for (uint32_t i = 0; i < job->policies->count; i++) {
        const struct authorization_policy *policy = job->policies->items[i];
        bool is_meant = policy->action == job->action && policy->is_dry_run == is_dry_run;
        if (!is_meant || (job->action == AUTHZ_CUSTOM && !str_eq(policy->provider, job->provider)))
            continue;
        out.is_there = true;
        add_policy(job, policy, items, &out.policy_count);
    }
    out.policies = items;
    return out;
}

static void add_action(struct translation *t, const struct policy_list *policies,
                       enum authz_action action, bool is_tcp, struct rbac_list *out)
{
    struct authz_job job = {.t = t, .policies = policies, .action = action, .is_tcp = is_tcp};
    struct rbac rbac = {.rules = rules_of(&job, false), .shadow = rules_of(&job, true)};

    if (!rbac.rules.is_there && !rbac.shadow.is_there)
        return;
    /* Istio asks rules that are not there, too: they allow. */
    if (!rbac.shadow.is_there || rbac.shadow.action == RBAC_ALLOW)
        rbac.kind = RBAC_SHADOW_ALLOW;
    else if (rbac.shadow.action == RBAC_DENY)
        rbac.kind = RBAC_SHADOW_DENY;
    *ARENA_PUSH(t->arena, out->items, out->count, out->capacity) = rbac;
}

/* --- CUSTOM -------------------------------------------------------------------- */

/* Sorted, each once. */
static struct text_list providers_of(struct translation *t, const struct policy_list *policies)
{
    struct text_list out = {0};

    for (uint32_t i = 0; i < policies->count; i++) {
        struct str name = policies->items[i]->provider;
        if (policies->items[i]->action != AUTHZ_CUSTOM || text_list_has(&out, name))
            continue;
        text_list_add(&out, name, &t->scratch);
        for (uint32_t k = out.count - 1; k > 0 && str_order(out.items[k - 1], name) > 0; k--) {
            out.items[k] = out.items[k - 1];
            out.items[k - 1] = name;
        }
    }
    return out;
}

/* Nobody can be asked: what would have been asked about is denied. */
static struct rbac deny_all(struct translation *t, const struct rbac_rules *rules)
{
    struct rbac_policy *items = ARENA_ARRAY(t->arena, struct rbac_policy, rules->policy_count);

    for (uint32_t i = 0; i < rules->policy_count; i++) {
        items[i] = rules->policies[i];
        items[i].name = context_keep(t, arena_format(&t->scratch, "%.*s" BAD_CUSTOM_SUFFIX,
                                                     STR_FMT(rules->policies[i].name)));
    }
    return (struct rbac){.rules = {.is_there = true,
                                   .action = RBAC_DENY,
                                   .policies = items,
                                   .policy_count = rules->policy_count}};
}

static void add_custom(struct authz_job *job, bool is_alone, struct custom_list *out)
{
    struct translation *t = job->t;
    struct rbac_rules rules = rules_of(job, false), dry = rules_of(job, true);
    const struct ext_authz *provider = is_alone ? authz_provider_find(t, job->provider) : NULL;

    if (provider != NULL && job->is_tcp && !provider->is_grpc)
        return; /* of streams only gRPC can be asked */
    struct custom_authz *custom = ARENA_PUSH(t->arena, out->items, out->count, out->capacity);
    custom->provider = provider;
    if (provider == NULL) {
        custom->rbac = deny_all(t, &rules);
        return;
    }
    rules.is_there = true;
    custom->rbac = (struct rbac){.shadow = rules, .kind = RBAC_SHADOW_CUSTOM};
    if (dry.policy_count > 0)
        custom->rbac.rules = dry;
}

/* Of several providers none is asked. */
static void add_customs(struct translation *t, const struct policy_list *policies, bool is_tcp,
                        struct custom_list *out)
{
    struct text_list providers = providers_of(t, policies);

    for (uint32_t i = 0; i < providers.count; i++) {
        struct authz_job job = {.t = t,
                                .policies = policies,
                                .action = AUTHZ_CUSTOM,
                                .provider = providers.items[i],
                                .is_tcp = is_tcp};
        add_custom(&job, providers.count == 1, out);
    }
}

static const struct security *security_of(struct translation *t, const struct policy_list *policies,
                                          const struct jwt_authn *jwt, bool is_tcp)
{
    struct custom_list customs = {0};
    struct rbac_list rbacs = {0};

    add_customs(t, policies, is_tcp, &customs);
    add_action(t, policies, AUTHZ_AUDIT, is_tcp, &rbacs);
    add_action(t, policies, AUTHZ_DENY, is_tcp, &rbacs);
    add_action(t, policies, AUTHZ_ALLOW, is_tcp, &rbacs);
    if (customs.count == 0 && rbacs.count == 0 && jwt == NULL)
        return NULL;
    struct security *out = ARENA_NEW(t->arena, struct security);
    *out = (struct security){customs.items, customs.count, jwt, rbacs.items, rbacs.count};
    return out;
}

struct authz_filters authz_translate(struct translation *t)
{
    if (t->authz != NULL)
        return *t->authz;
    struct policy_list policies = find_policies(t, STR_EMPTY);
    struct authz_filters *out = ARENA_NEW(&t->scratch, struct authz_filters);
    *out = (struct authz_filters){.http = security_of(t, &policies, jwt_translate(t), false),
                                  .tcp = security_of(t, &policies, NULL, true)};
    t->authz = out;
    return *out;
}

const struct security *authz_to_service(struct translation *t, struct str namespace)
{
    struct policy_list policies = find_policies(t, namespace);

    return security_of(t, &policies, NULL, true);
}
