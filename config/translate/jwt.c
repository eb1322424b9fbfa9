/* SPDX-License-Identifier: Apache-2.0
 *
 * config/translate/jwt.c - see jwt.h.
 */
#include "config/translate/jwt.h"

#include "config/resource/request_authentication.h"

/* What istiod sends where it could not fetch keys, and nobody is fetched from here: a key
 * whose private half is nobody's (istio/istio: pilot/pkg/model/jwks_resolver.go). */
static const char KEYS_OF_NOBODY[] =
    "{\n  \"keys\": [\n    {\n      \"kty\": \"RSA\",\n      \"e\": \"AQAB\",\n      \"n\": \""
    "0xObjM0UvS_oaazjpEYlAbwctEJ4L8pH3OuTb7qth7gUwqet-EzQB4dgFdvSdMgrLnSncQGRjpEYz3F3viIbH-"
    "3EN3TxSlPNviHxeOdyiBVfumN8dMxbLvVJUpfNOnvmMxJcl-8NNjAwcOjk4otSALaYgYYyOPyvKtgVdrQr-FoubWX4"
    "yrjxW-MJ2-7OBeepUUNOsVwGV23YX03sVkkyvY3otRflkBcY3_HKpBxJl9wk2GyOShN4_PNUF9-vwfnvOXMbCDX-w4"
    "PTef4geeb_GiT40YCKHTKMSPVanGRn5GExIWmki-mmqh94-mPTJyBR74ShspL3BxPZitDL574T1w\"\n    }\n  ]\n}";

struct rule_list {
    const struct jwt_rule **items;
    uint32_t count, capacity;
};

/* Behind the rules of the same issuer. */
static void add_rule(struct translation *t, const struct jwt_rule *rule, struct rule_list *out)
{
    uint32_t place = out->count;

    (void)ARENA_PUSH(&t->scratch, out->items, out->count, out->capacity);
    for (; place > 0 && str_order(out->items[place - 1]->issuer, rule->issuer) > 0; place--)
        out->items[place] = out->items[place - 1];
    out->items[place] = rule;
}

static void add_rules_of(struct translation *t, struct str namespace, struct rule_list *out)
{
    for (uint32_t i = 0; i < t->mesh->request_authentications_count; i++) {
        const struct request_authentication *policy = &t->mesh->request_authentications[i];
        if (!str_eq(policy->meta.namespace, namespace) ||
            !target_refs_select(&policy->targets, &policy->selector, t->proxy->labels,
                                t->proxy->label_count))
            continue;
        for (uint32_t k = 0; k < policy->rule_count; k++)
            add_rule(t, &policy->rules[k], out);
    }
}

/* Of all policies for the workload, by issuer; its own namespace's come first. */
static struct rule_list find_rules(struct translation *t)
{
    struct str root = t->mesh->config.root_namespace;
    struct rule_list out = {0};

    add_rules_of(t, t->proxy->namespace, &out);
    if (!str_eq(root, t->proxy->namespace))
        add_rules_of(t, root, &out);
    return out;
}

static const struct str *keep_texts(struct translation *t, const struct text_list *list)
{
    struct str *out = ARENA_ARRAY(t->arena, struct str, list->count);

    for (uint32_t i = 0; i < list->count; i++)
        out[i] = context_keep(t, list->items[i]);
    return out;
}

static const struct jwt_header *keep_pairs(struct translation *t, const struct jwt_pair_list *list)
{
    struct jwt_header *out = ARENA_ARRAY(t->arena, struct jwt_header, list->count);

    for (uint32_t i = 0; i < list->count; i++)
        out[i] = (struct jwt_header){.name = context_keep(t, list->items[i].header),
                                     .other = context_keep(t, list->items[i].other)};
    return out;
}

/* Two names are always split at spaces; more are the rule's. Sorted. */
static struct text_list space_delimited(struct translation *t, const struct jwt_rule *rule)
{
    struct text_list all = {0};

    text_list_add(&all, STR("permission"), &t->scratch);
    text_list_add(&all, STR("scope"), &t->scratch);
    for (uint32_t i = 0; i < rule->space_delimited_claims.count; i++) {
        struct str name = rule->space_delimited_claims.items[i];
        if (text_list_has(&all, name))
            continue;
        text_list_add(&all, name, &t->scratch);
        for (uint32_t k = all.count - 1; k > 0 && str_order(all.items[k - 1], name) > 0; k--) {
            all.items[k] = all.items[k - 1];
            all.items[k - 1] = name;
        }
    }
    return all;
}

static struct jwt_provider provider_of(struct translation *t, const struct jwt_rule *rule)
{
    struct text_list delimited = space_delimited(t, rule);

    return (struct jwt_provider){
        .issuer = context_keep(t, rule->issuer),
        .jwks = rule->jwks.len > 0 ? context_keep(t, rule->jwks) : str_of(KEYS_OF_NOBODY),
        .audiences = keep_texts(t, &rule->audiences),
        .audience_count = rule->audiences.count,
        .params = keep_texts(t, &rule->from_params),
        .param_count = rule->from_params.count,
        .cookies = keep_texts(t, &rule->from_cookies),
        .cookie_count = rule->from_cookies.count,
        .space_delimited = keep_texts(t, &delimited),
        .space_delimited_count = delimited.count,
        .headers = keep_pairs(t, &rule->from_headers),
        .header_count = rule->from_headers.count,
        .claims = keep_pairs(t, &rule->claims_to_headers),
        .claim_count = rule->claims_to_headers.count,
        .payload_header = context_keep(t, rule->payload_header),
        .is_forwarding = rule->is_forwarding,
        /* So that a gateway's routes can ask for claims. */
        .is_clearing_route_cache = t->proxy->type == PROXY_ROUTER,
        .origin = context_keep_origin(t, rule->origin),
    };
}

const struct jwt_authn *jwt_translate(struct translation *t)
{
    struct rule_list rules = find_rules(t);

    if (rules.count == 0)
        return NULL;
    struct jwt_provider *providers = ARENA_ARRAY(t->arena, struct jwt_provider, rules.count);
    for (uint32_t i = 0; i < rules.count; i++)
        providers[i] = provider_of(t, rules.items[i]);
    struct jwt_authn *out = ARENA_NEW(t->arena, struct jwt_authn);
    *out = (struct jwt_authn){providers, rules.count};
    return out;
}
