/* SPDX-License-Identifier: Apache-2.0
 *
 * config/resource/mesh_config.c - see mesh_config.h.
 */
#include "config/resource/mesh_config.h"

#include "base/ns.h"
#include "config/resource/syntax.h"

static const struct field_row ROWS[] = {
    {"outboundTrafficPolicy", FIELD_USED},
    {"pathNormalization", FIELD_USED},
    {"connectTimeout", FIELD_USED},
    {"enableAutoMtls", FIELD_USED},
    {"rootNamespace", FIELD_USED},
    {"defaultServiceExportTo", FIELD_USED},
    {"defaultVirtualServiceExportTo", FIELD_USED},
    {"defaultDestinationRuleExportTo", FIELD_USED},
    {"defaultHttpRetryPolicy", FIELD_USED},
    {"accessLogFile", FIELD_USED},
    {"accessLogFormat", FIELD_USED},
    {"accessLogEncoding", FIELD_USED},
    {"enableEnvoyAccessLogService", FIELD_IGNORED},
    {"disableEnvoyListenerLog", FIELD_IGNORED},
    {"enableTracing", FIELD_IGNORED},
    {"enablePrometheusMerge", FIELD_IGNORED},
    {"defaultProviders", FIELD_IGNORED},
    {"extensionProviders", FIELD_USED},
    {"defaultConfig", FIELD_USED},
    {"configSources", FIELD_IGNORED},
    {"discoverySelectors", FIELD_USED},
    {"dnsRefreshRate", FIELD_USED},
    {"proxyListenPort", FIELD_USED},
    {"proxyInboundListenPort", FIELD_USED},
    {"proxyHttpPort", FIELD_USED},
    {"tcpKeepalive", FIELD_USED},
    {"ingressClass", FIELD_USED},
    {"ingressService", FIELD_USED},
    {"ingressSelector", FIELD_USED},
    {"ingressControllerMode", FIELD_USED},
    {"inboundTrafficPolicy", FIELD_USED},
    {"trustDomain", FIELD_USED},
    {"trustDomainAliases", FIELD_USED},
    {"caCertificates", FIELD_NO_EFFECT},
    {"ca", FIELD_NO_EFFECT},
    {"certificates", FIELD_NO_EFFECT},
    {"localityLbSetting", FIELD_USED},
    {"zoneAwareLbSetting", FIELD_USED},
    {"h2UpgradePolicy", FIELD_USED},
    {"protocolDetectionTimeout", FIELD_USED},
    {"inboundClusterStatName", FIELD_IGNORED},
    {"outboundClusterStatName", FIELD_IGNORED},
    {"serviceSettings", FIELD_NO_EFFECT},
    {"serviceEntryVisibility", FIELD_NO_EFFECT},
    {"meshMTLS", FIELD_USED},
    {"tlsDefaults", FIELD_USED},
    {"verifyCertificateAtClient", FIELD_NO_EFFECT},
    {"defaultTrafficPolicy", FIELD_USED},
    {"hboneIdleTimeout", FIELD_IGNORED},
};
static const struct field_row OUTBOUND_ROWS[] = {
    {"mode", FIELD_USED}, {"tls", FIELD_USED}, {"egressProxy", FIELD_NO_EFFECT}};
static const struct field_row PATH_ROWS[] = {{"normalization", FIELD_USED}};

static const struct field_row MTLS_ROWS[] = {
    {"minProtocolVersion", FIELD_USED}, {"cipherSuites", FIELD_USED}, {"ecdhCurves", FIELD_USED}};

static const char *const TLS_VERSIONS[] = {"TLS_AUTO", "TLSV1_2", "TLSV1_3", NULL};

static void read_mtls(const struct view *root, struct mesh_config *out)
{
    struct view mtls = view_map(root, STR("meshMTLS"));
    struct view ciphers = view_list(&mtls, STR("cipherSuites"));
    struct view curves = view_list(&mtls, STR("ecdhCurves"));

    if (!view_is_present(&mtls))
        return;
    view_check_fields(&mtls, MTLS_ROWS, COUNT_OF(MTLS_ROWS));
    out->is_tls13_only = view_choice(&mtls, STR("minProtocolVersion"), TLS_VERSIONS, 0) == 2;
    out->ciphers = text_list_read(&ciphers);
    out->curves = text_list_read(&curves);
    if (view_is_present(&curves))
        view_complain(&curves, DIAG_NOT_ACTED_ON, STR("ecdhCurves"), STR_EMPTY);
}

static void read_tls_defaults(const struct view *root, struct mesh_config *out)
{
    static const struct str VERSIONS[] = {STR_INIT(""), STR_INIT("TLSv1_2"), STR_INIT("TLSv1_3")};
    struct view tls = view_map(root, STR("tlsDefaults"));
    struct view ciphers = view_list(&tls, STR("cipherSuites"));
    struct view curves = view_list(&tls, STR("ecdhCurves"));

    if (!view_is_present(&tls))
        return;
    view_check_fields(&tls, MTLS_ROWS, COUNT_OF(MTLS_ROWS));
    out->default_version_min =
        VERSIONS[view_choice(&tls, STR("minProtocolVersion"), TLS_VERSIONS, 0)];
    out->default_ciphers = text_list_read(&ciphers);
    out->default_curves = text_list_read(&curves);
    if (view_is_present(&curves))
        view_complain(&curves, DIAG_NOT_ACTED_ON, STR("ecdhCurves"), STR_EMPTY);
}

/* Istio takes the aliases in order, each once. */
static void read_trust(const struct view *root, struct mesh_config *out)
{
    struct view aliases = view_list(root, STR("trustDomainAliases"));
    struct text_list said = text_list_read(&aliases);
    struct text_list list = {0};

    out->trust_domain = view_str(root, STR("trustDomain"), out->trust_domain);
    for (uint32_t i = 0; i < said.count; i++) {
        struct str alias = said.items[i];
        if (text_list_has(&list, alias))
            continue;
        text_list_add(&list, alias, root->reading->arena);
        for (uint32_t k = list.count - 1; k > 0 && str_order(list.items[k - 1], alias) > 0; k--) {
            list.items[k] = list.items[k - 1];
            list.items[k - 1] = alias;
        }
    }
    if (list.count > 0)
        out->trust_domain_aliases = list;
}

static void read_outbound(const struct view *root, struct mesh_config *out)
{
    static const char *const MODES[] = {"REGISTRY_ONLY", "ALLOW_ANY", "ALLOW_ANY_DYNAMIC_DNS",
                                        NULL};
    static const enum outbound_mode MEANINGS[] = {OUTBOUND_REGISTRY_ONLY, OUTBOUND_ALLOW_ANY,
                                                  OUTBOUND_ALLOW_ANY_DYNAMIC_DNS};
    struct view policy = view_map(root, STR("outboundTrafficPolicy"));

    if (!view_is_present(&policy))
        return;
    view_check_fields(&policy, OUTBOUND_ROWS, COUNT_OF(OUTBOUND_ROWS));
    /* The enum's zero, so what an empty policy means. */
    out->outbound = MEANINGS[view_choice(&policy, STR("mode"), MODES, 0)];
    out->outbound_tls = client_tls_read(&policy);
    if (out->outbound != OUTBOUND_ALLOW_ANY_DYNAMIC_DNS)
        return;
    struct view mode = view_field(&policy, STR("mode"));
    view_complain(&mode, DIAG_NOT_ACTED_ON, STR("looking names up"), STR_EMPTY);
}

static const struct field_row INBOUND_ROWS[] = {{"mode", FIELD_USED}};
static const struct field_row TRAFFIC_ROWS[] = {{"connectionPool", FIELD_USED},
                                                {"outlierDetection", FIELD_USED}};

static void read_http_proxy(const struct view *root, struct mesh_config *out)
{
    struct view port = view_field(root, STR("proxyHttpPort"));

    if (!view_is_present(&port))
        return;
    out->http_proxy_port = (uint32_t)view_i64(root, STR("proxyHttpPort"), 0, 65535, 0);
    out->http_proxy_origin = view_origin(&port);
}

/* What clusters take from here. */
static void read_cluster_defaults(const struct view *root, struct mesh_config *out)
{
    static const char *const INBOUND_MODES[] = {"PASSTHROUGH", "LOCALHOST", NULL};
    static const char *const UPGRADES[] = {"DO_NOT_UPGRADE", "UPGRADE", NULL};
    struct view inbound = view_map(root, STR("inboundTrafficPolicy"));
    struct view traffic = view_map(root, STR("defaultTrafficPolicy"));

    out->tcp_keepalive = keepalive_rule_read(root);
    out->is_upgrading_h2 = view_choice(root, STR("h2UpgradePolicy"), UPGRADES, 0) == 1;
    out->locality = locality_setting_read(root);
    out->dns_refresh_ns = view_duration_ns(root, STR("dnsRefreshRate"), out->dns_refresh_ns);
    if (view_is_present(&inbound)) {
        view_check_fields(&inbound, INBOUND_ROWS, COUNT_OF(INBOUND_ROWS));
        out->is_inbound_to_localhost = view_choice(&inbound, STR("mode"), INBOUND_MODES, 0) == 1;
    }
    if (!view_is_present(&traffic))
        return;
    view_check_fields(&traffic, TRAFFIC_ROWS, COUNT_OF(TRAFFIC_ROWS));
    out->pool = connection_pool_read(&traffic);
    out->outlier = outlier_rule_read(&traffic);
}

static void read_paths(const struct view *root, struct mesh_config *out)
{
    static const char *const NAMES[] = {
        "DEFAULT", "NONE", "BASE", "MERGE_SLASHES", "DECODE_AND_MERGE_SLASHES", NULL};
    static const enum path_normalization MEANINGS[] = {PATHS_UNSET, PATHS_NONE, PATHS_BASE,
                                                       PATHS_MERGE_SLASHES, PATHS_DECODE};
    struct view paths = view_map(root, STR("pathNormalization"));

    if (!view_is_present(&paths))
        return;
    view_check_fields(&paths, PATH_ROWS, COUNT_OF(PATH_ROWS));
    out->paths = MEANINGS[view_choice(&paths, STR("normalization"), NAMES, 0)];
}

static void read_export_to(const struct view *root, struct str name, struct text_list *out)
{
    struct view list = view_list(root, name);

    if (view_count(&list) > 0)
        *out = text_list_read(&list);
}

static void read_ingress(const struct view *root, struct mesh_config *out)
{
    static const char *const MODES[] = {"UNSPECIFIED", "OFF", "DEFAULT", "STRICT", NULL};
    static const enum ingress_mode MEANINGS[] = {INGRESS_OFF, INGRESS_OFF, INGRESS_DEFAULT,
                                                 INGRESS_STRICT};
    struct view mode = view_field(root, STR("ingressControllerMode"));
    struct str selector = view_str(root, STR("ingressSelector"), STR_EMPTY);
    struct str service = view_str(root, STR("ingressService"), STR_EMPTY);

    if (view_is_present(&mode))
        out->ingress_mode = MEANINGS[view_choice(root, STR("ingressControllerMode"), MODES, 0)];
    out->ingress_class = view_str(root, STR("ingressClass"), out->ingress_class);
    /* The Service's name will do, but for the one that every installation has. */
    if (selector.len == 0 && !str_eq(service, STR("istio-ingressgateway")))
        selector = service;
    if (selector.len > 0)
        out->ingress_selector = selector;
}

static void read_access_log(const struct view *root, struct mesh_config *out)
{
    static const char *const ENCODINGS[] = {"TEXT", "JSON", NULL};
    struct view file = view_field(root, STR("accessLogFile"));
    struct view format = view_field(root, STR("accessLogFormat"));
    struct view encoding = view_field(root, STR("accessLogEncoding"));

    if (view_is_present(&file)) {
        out->access_log_file = view_str(root, STR("accessLogFile"), STR_EMPTY);
        out->access_log_origin = view_origin(&file);
    }
    if (view_is_present(&format)) {
        out->access_log_format = view_str(root, STR("accessLogFormat"), STR_EMPTY);
        out->access_log_format_origin = view_origin(&format);
    }
    if (view_is_present(&encoding))
        out->access_log_encoding =
            view_choice(root, STR("accessLogEncoding"), ENCODINGS, 0) == 1 ? LOG_JSON : LOG_TEXT;
}

/* Lines of the inner document count from the line after `mesh: |`. */
static void shift_lines(struct node *node, uint32_t line_count)
{
    node->origin.line += line_count;
    for (uint32_t i = 0; i < node->count; i++) {
        if (node->kind == NODE_LIST) {
            shift_lines(node->items[i], line_count);
        } else if (node->kind == NODE_MAP) {
            node->entries[i].key_origin.line += line_count;
            shift_lines(node->entries[i].value, line_count);
        }
    }
}

void mesh_config_default(struct mesh_config *out)
{
    *out = (struct mesh_config){
        .dns_refresh_ns = 60 * NS_SECOND,
        .root_namespace = STR("istio-system"),
        .ingress_class = STR("istio"),
        .ingress_selector = STR("ingressgateway"),
        .trust_domain = STR("cluster.local"),
        .listen_port = 15001,
        .inbound_listen_port = 15006,
    };
}

void mesh_config_read(const struct view *root, struct mesh_config *out)
{
    struct view timeout = view_field(root, STR("connectTimeout"));
    struct view retries = view_map(root, STR("defaultHttpRetryPolicy"));

    view_check_fields(root, ROWS, COUNT_OF(ROWS));
    read_outbound(root, out);
    read_paths(root, out);
    if (view_is_present(&timeout)) {
        out->connect_timeout_ns = view_own_duration_ns(&timeout, 0);
        syntax_check_duration(&timeout, out->connect_timeout_ns);
    }
    struct view auto_mtls = view_field(root, STR("enableAutoMtls"));
    out->has_auto_mtls_off = !view_own_bool(&auto_mtls, true);
    out->auto_mtls_origin = view_origin(&auto_mtls);
    struct view settings = view_map(root, STR("defaultConfig"));
    if (view_is_present(&settings))
        proxy_settings_read(&settings, &out->settings);
    out->root_namespace = view_str(root, STR("rootNamespace"), out->root_namespace);
    struct view selectors = view_list(root, STR("discoverySelectors"));
    out->discovery_selectors = selectors.node;
    read_ingress(root, out);
    read_trust(root, out);
    struct view providers = view_list(root, STR("extensionProviders"));
    if (view_is_present(&providers))
        out->authz_providers = authz_providers_read(&providers);
    read_mtls(root, out);
    read_tls_defaults(root, out);
    out->detection_timeout_ns =
        view_duration_ns(root, STR("protocolDetectionTimeout"), out->detection_timeout_ns);
    read_access_log(root, out);
    read_export_to(root, STR("defaultServiceExportTo"), &out->service_export_to);
    read_export_to(root, STR("defaultVirtualServiceExportTo"), &out->virtual_service_export_to);
    read_export_to(root, STR("defaultDestinationRuleExportTo"), &out->destination_rule_export_to);
    read_http_proxy(root, out);
    out->listen_port = (uint32_t)view_i64(root, STR("proxyListenPort"), 0, 65535, out->listen_port);
    out->inbound_listen_port =
        (uint32_t)view_i64(root, STR("proxyInboundListenPort"), 0, 65535, out->inbound_listen_port);
    read_cluster_defaults(root, out);
    if (view_is_present(&retries))
        out->retries = http_retries_read(&retries);
}

void mesh_config_read_text(const struct view *config_map, struct mesh_config *out)
{
    struct view data = view_map(config_map, STR("data"));
    struct view text = view_field(&data, STR("mesh"));
    struct reading *outer = config_map->reading;
    struct documents documents = {0};

    if (!view_is_present(&text))
        return;
    if (text.node->kind != NODE_STRING) {
        view_complain(&text, DIAG_MESH_CONFIG_NOT_TEXT, STR_EMPTY, STR_EMPTY);
        return;
    }
    struct origin place = view_origin(&text);
    uint32_t first_diag = outer->diags->count;
    tree_read(place.file, text.node->text, outer->arena, &documents, outer->diags);
    for (uint32_t i = first_diag; i < outer->diags->count; i++)
        outer->diags->items[i].origin.line += place.line;
    for (uint32_t i = 0; i < documents.count; i++) {
        struct reading inner = *outer;
        shift_lines(documents.items[i], place.line);
        inner.object = STR("MeshConfig");
        struct view root = view_of(&inner, documents.items[i]);
        mesh_config_read(&root, out);
    }
}
