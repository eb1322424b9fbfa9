/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/model/print_security.c - RBAC of HTTP and of streams: policies as trees
 * of permissions and principals.
 */
#include "base/check.h"
#include "proxy/model/print_security.h"

#define TYPE(name) STR("type.googleapis.com/" name)

static void print_path_keys(struct json *json, const struct str *keys, uint32_t count)
{
    json_key(json, STR("path"));
    json_begin_array(json);
    for (uint32_t i = 0; i < count; i++) {
        json_begin_object(json);
        json_key_str(json, STR("key"), keys[i]);
        json_end_object(json);
    }
    json_end_array(json);
}

/* A ValueMatcher's one field. */
static void print_text_value(struct json *json, const struct string_matcher *text)
{
    json_key(json, STR("stringMatch"));
    print_string_matcher(json, text);
}

static void print_one_value(struct json *json, const struct metadata_matcher *matcher,
                            uint32_t index)
{
    bool is_list = matcher->kind == METADATA_MIXED && matcher->are_lists[index];

    if (!is_list) {
        print_text_value(json, &matcher->values[index]);
        return;
    }
    json_key(json, STR("listMatch"));
    json_begin_object(json);
    json_key(json, STR("oneOf"));
    json_begin_object(json);
    print_text_value(json, &matcher->values[index]);
    json_end_object(json);
    json_end_object(json);
}

/* One of all values. */
static void print_values(struct json *json, const struct metadata_matcher *matcher)
{
    if (matcher->value_count == 1) {
        print_one_value(json, matcher, 0);
        return;
    }
    json_key(json, STR("orMatch"));
    json_begin_object(json);
    json_key(json, STR("valueMatchers"));
    json_begin_array(json);
    for (uint32_t i = 0; i < matcher->value_count; i++) {
        json_begin_object(json);
        print_one_value(json, matcher, i);
        json_end_object(json);
    }
    json_end_array(json);
    json_end_object(json);
}

static void print_claim(struct json *json, const struct metadata_matcher *matcher)
{
    json_key(json, STR("orMatch"));
    json_begin_object(json);
    json_key(json, STR("valueMatchers"));
    json_begin_array(json);
    json_begin_object(json);
    json_key(json, STR("listMatch"));
    json_begin_object(json);
    json_key(json, STR("oneOf"));
    json_begin_object(json);
    print_values(json, matcher);
    json_end_object(json);
    json_end_object(json);
    json_end_object(json);
    json_begin_object(json);
    print_values(json, matcher);
    json_end_object(json);
    json_end_array(json);
    json_end_object(json);
}

static void print_metadata(struct json *json, const struct metadata_matcher *matcher)
{
    json_key(json, STR("metadata"));
    json_begin_object(json);
    json_key_str(json, STR("filter"), matcher->filter);
    print_path_keys(json, matcher->path, matcher->path_count);
    json_key(json, STR("value"));
    json_begin_object(json);
    if (matcher->kind == METADATA_CLAIM)
        print_claim(json, matcher);
    else
        print_values(json, matcher);
    json_end_object(json);
    json_end_object(json);
}

static void print_range(struct json *json, struct str key, struct cidr range)
{
    json_key(json, key);
    json_begin_object(json);
    json_key_str(json, STR("addressPrefix"), range.address);
    json_key_i64(json, STR("prefixLen"), range.bits);
    json_end_object(json);
}

static void print_header(struct json *json, const struct rbac_node *node)
{
    json_key(json, STR("header"));
    json_begin_object(json);
    json_key_str(json, STR("name"), node->header_written);
    if (node->text.kind == STRING_PRESENT)
        json_key_bool(json, STR("presentMatch"), true);
    else
        print_text_value(json, &node->text);
    json_end_object(json);
}

static void print_url_path(struct json *json, const struct rbac_node *node)
{
    json_key(json, STR("urlPath"));
    json_begin_object(json);
    json_key(json, STR("path"));
    print_string_matcher(json, &node->text);
    json_end_object(json);
}

static void print_template(struct json *json, const struct rbac_node *node)
{
    json_key(json, STR("uriTemplate"));
    json_begin_object(json);
    json_key_str(json, STR("name"), STR("uri-template"));
    json_key(json, STR("typedConfig"));
    json_begin_object(json);
    json_key_str(json, STR("@type"),
                 TYPE("envoy.extensions.path.match.uri_template.v3.UriTemplateMatchConfig"));
    json_key_str(json, STR("pathTemplate"), node->text.value);
    json_end_object(json);
    json_end_object(json);
}

static void print_authenticated(struct json *json, const struct rbac_node *node)
{
    json_key(json, STR("authenticated"));
    json_begin_object(json);
    json_key(json, STR("principalName"));
    print_string_matcher(json, &node->text);
    json_end_object(json);
}

/* The fields of a group have other names in permissions and in principals. */
struct rbac_words {
    struct str all_of, one_of, not, list;
};

static const struct rbac_words PERMISSION_WORDS = {STR_INIT("andRules"), STR_INIT("orRules"),
                                                   STR_INIT("notRule"), STR_INIT("rules")};
static const struct rbac_words PRINCIPAL_WORDS = {STR_INIT("andIds"), STR_INIT("orIds"),
                                                  STR_INIT("notId"), STR_INIT("ids")};

static void print_node(struct json *json, const struct rbac_node *node,
                       const struct rbac_words *words);

static void print_group(struct json *json, struct str key, const struct rbac_node *node,
                        const struct rbac_words *words)
{
    json_key(json, key);
    json_begin_object(json);
    json_key(json, words->list);
    json_begin_array(json);
    for (uint32_t i = 0; i < node->child_count; i++)
        print_node(json, &node->children[i], words);
    json_end_array(json);
    json_end_object(json);
}

static void print_node_inside(struct json *json, const struct rbac_node *node,
                              const struct rbac_words *words)
{
    switch (node->kind) {
    case RBAC_ANY:
        json_key_bool(json, STR("any"), true);
        return;
    case RBAC_ALL_OF:
        print_group(json, words->all_of, node, words);
        return;
    case RBAC_ONE_OF:
        print_group(json, words->one_of, node, words);
        return;
    case RBAC_NOT:
        json_key(json, words->not );
        print_node(json, node->children, words);
        return;
    case RBAC_HEADER:
        print_header(json, node);
        return;
    case RBAC_URL_PATH:
        print_url_path(json, node);
        return;
    case RBAC_URI_TEMPLATE:
        print_template(json, node);
        return;
    case RBAC_DESTINATION_IP:
        print_range(json, STR("destinationIp"), node->range);
        return;
    case RBAC_DESTINATION_PORT:
        json_key_i64(json, STR("destinationPort"), node->port);
        return;
    case RBAC_SERVER_NAME:
        json_key(json, STR("requestedServerName"));
        print_string_matcher(json, &node->text);
        return;
    case RBAC_AUTHENTICATED:
        print_authenticated(json, node);
        return;
    case RBAC_DIRECT_REMOTE_IP:
        print_range(json, STR("directRemoteIp"), node->range);
        return;
    case RBAC_REMOTE_IP:
        print_range(json, STR("remoteIp"), node->range);
        return;
    case RBAC_METADATA:
        print_metadata(json, node->metadata);
        return;
    }
    UNREACHABLE("rbac_kind");
}

static void print_node(struct json *json, const struct rbac_node *node,
                       const struct rbac_words *words)
{
    json_begin_object(json);
    print_node_inside(json, node, words);
    json_end_object(json);
}

static void print_nodes(struct json *json, struct str key, const struct rbac_node *nodes,
                        uint32_t count, const struct rbac_words *words)
{
    json_key(json, key);
    json_begin_array(json);
    for (uint32_t i = 0; i < count; i++)
        print_node(json, &nodes[i], words);
    json_end_array(json);
}

static void print_rules(struct json *json, struct str key, const struct rbac_rules *rules)
{
    static const struct str ACTIONS[] = {STR_INIT("ALLOW"), STR_INIT("DENY"), STR_INIT("LOG")};

    if (!rules->is_there)
        return;
    json_key(json, key);
    json_begin_object(json);
    if (rules->action != RBAC_ALLOW)
        json_key_str(json, STR("action"), ACTIONS[rules->action]);
    if (rules->policy_count > 0) {
        json_key(json, STR("policies"));
        json_begin_object(json);
        for (uint32_t i = 0; i < rules->policy_count; i++) {
            const struct rbac_policy *policy = &rules->policies[i];
            json_key(json, policy->name);
            json_begin_object(json);
            print_nodes(json, STR("permissions"), policy->permissions, policy->permission_count,
                        &PERMISSION_WORDS);
            print_nodes(json, STR("principals"), policy->principals, policy->principal_count,
                        &PRINCIPAL_WORDS);
            json_end_object(json);
        }
        json_end_object(json);
    }
    json_end_object(json);
}

static void print_rbac(struct json *json, const struct rbac *rbac, bool is_tcp)
{
    static const struct str PREFIXES[] = {
        [RBAC_SHADOW_NONE] = STR_INIT(""),
        [RBAC_SHADOW_ALLOW] = STR_INIT("istio_dry_run_allow_"),
        [RBAC_SHADOW_DENY] = STR_INIT("istio_dry_run_deny_"),
        [RBAC_SHADOW_CUSTOM] = STR_INIT("istio_ext_authz_"),
    };

    json_begin_object(json);
    json_key_str(json, STR("name"),
                 is_tcp ? STR("envoy.filters.network.rbac") : STR("envoy.filters.http.rbac"));
    json_key(json, STR("typedConfig"));
    json_begin_object(json);
    json_key_str(json, STR("@type"),
                 is_tcp ? TYPE("envoy.extensions.filters.network.rbac.v3.RBAC")
                        : TYPE("envoy.extensions.filters.http.rbac.v3.RBAC"));
    print_rules(json, STR("rules"), &rbac->rules);
    print_rules(json, STR("shadowRules"), &rbac->shadow);
    if (rbac->kind != RBAC_SHADOW_NONE)
        json_key_str(json, STR("shadowRulesStatPrefix"), PREFIXES[rbac->kind]);
    if (is_tcp)
        json_key_str(json, STR("statPrefix"), STR("tcp."));
    json_end_object(json);
    json_end_object(json);
}

void print_security(struct json *json, const struct security *security, bool is_tcp)
{
    if (security == NULL)
        return;
    for (uint32_t i = 0; i < security->custom_count; i++) {
        print_rbac(json, &security->customs[i].rbac, is_tcp);
        if (security->customs[i].provider != NULL)
            print_ext_authz(json, security->customs[i].provider, is_tcp);
    }
    if (security->jwt != NULL)
        print_jwt_authn(json, security->jwt);
    for (uint32_t i = 0; i < security->rbac_count; i++)
        print_rbac(json, &security->rbacs[i], is_tcp);
}
