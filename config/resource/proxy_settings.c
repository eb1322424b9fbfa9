/* SPDX-License-Identifier: Apache-2.0
 *
 * config/resource/proxy_settings.c - see proxy_settings.h.
 */
#include "config/resource/proxy_settings.h"

#include "base/ns.h"

/* Everything else is the proxy's own business: how it starts, ends, counts and traces. */
static const struct field_row ROWS[] = {
    {"gatewayTopology", FIELD_USED},
    {"proxyHeaders", FIELD_USED},
    {"proxyMetadata", FIELD_USED},
    {"interceptionMode", FIELD_USED},
    {"configPath", FIELD_IGNORED},
    {"binaryPath", FIELD_IGNORED},
    {"serviceCluster", FIELD_IGNORED},
    {"tracingServiceName", FIELD_IGNORED},
    {"drainDuration", FIELD_IGNORED},
    {"parentShutdownDuration", FIELD_IGNORED},
    {"discoveryAddress", FIELD_IGNORED},
    {"discoveryRefreshDelay", FIELD_IGNORED},
    {"zipkinAddress", FIELD_IGNORED},
    {"statsdUdpAddress", FIELD_IGNORED},
    {"envoyMetricsServiceAddress", FIELD_IGNORED},
    {"envoyMetricsService", FIELD_IGNORED},
    {"envoyAccessLogService", FIELD_IGNORED},
    {"proxyAdminPort", FIELD_IGNORED},
    {"availabilityZone", FIELD_IGNORED},
    {"controlPlaneAuthPolicy", FIELD_IGNORED},
    {"customConfigFile", FIELD_IGNORED},
    {"statNameLength", FIELD_IGNORED},
    {"concurrency", FIELD_IGNORED},
    {"proxyBootstrapTemplatePath", FIELD_IGNORED},
    {"tracing", FIELD_IGNORED},
    {"runtimeValues", FIELD_IGNORED},
    {"statusPort", FIELD_IGNORED},
    {"extraStatTags", FIELD_IGNORED},
    {"terminationDrainDuration", FIELD_IGNORED},
    {"meshId", FIELD_IGNORED},
    {"readinessProbe", FIELD_IGNORED},
    {"proxyStatsMatcher", FIELD_IGNORED},
    {"holdApplicationUntilProxyStarts", FIELD_IGNORED},
    {"caCertificatesPem", FIELD_IGNORED},
    {"image", FIELD_IGNORED},
    {"privateKeyProvider", FIELD_IGNORED},
    {"statsCompression", FIELD_IGNORED},
    {"statsFlushInterval", FIELD_IGNORED},
    {"statsEvictionInterval", FIELD_IGNORED},
    {"fileFlushInterval", FIELD_IGNORED},
    {"fileFlushMinSizeKb", FIELD_IGNORED},
    {"fileFlushMinSize", FIELD_IGNORED},
};
static const struct field_row TOPOLOGY_ROWS[] = {{"numTrustedProxies", FIELD_USED},
                                                 {"forwardClientCertDetails", FIELD_NO_EFFECT},
                                                 {"proxyProtocol", FIELD_NO_EFFECT}};
static const struct field_row HEADER_ROWS[] = {{"attemptCount", FIELD_USED},
                                               {"forwardedClientCert", FIELD_NO_EFFECT},
                                               {"setCurrentClientCertDetails", FIELD_NO_EFFECT},
                                               {"requestId", FIELD_NO_EFFECT},
                                               {"server", FIELD_USED},
                                               {"envoyDebugHeaders", FIELD_NO_EFFECT},
                                               {"metadataExchangeHeaders", FIELD_IGNORED},
                                               {"xForwardedHost", FIELD_NO_EFFECT},
                                               {"preserveHttp1HeaderCase", FIELD_NO_EFFECT}};
static const struct field_row SERVER_ROWS[] = {{"value", FIELD_USED},
                                               {"disabled", FIELD_NO_EFFECT}};
static const struct field_row SPEC_ROWS[] = {{"selector", FIELD_USED},
                                             {"environmentVariables", FIELD_USED},
                                             {"concurrency", FIELD_IGNORED},
                                             {"image", FIELD_IGNORED}};

#define TRUSTED_HOPS_MAX 1000

/* Go's strconv.ParseBool. */
static bool is_true(struct str text)
{
    static const struct str WORDS[] = {STR_INIT("1"),    STR_INIT("t"),    STR_INIT("T"),
                                       STR_INIT("true"), STR_INIT("TRUE"), STR_INIT("True")};

    for (size_t i = 0; i < COUNT_OF(WORDS); i++) {
        if (str_eq(text, WORDS[i]))
            return true;
    }
    return false;
}

void proxy_settings_take(const struct label_list *environment, struct proxy_settings *out)
{
    const struct str *capture =
        label_find(environment->items, environment->count, STR("ISTIO_META_DNS_CAPTURE"));
    const struct str *http10 =
        label_find(environment->items, environment->count, STR("ISTIO_META_HTTP10"));
    const struct str *idle =
        label_find(environment->items, environment->count, STR("ISTIO_META_IDLE_TIMEOUT"));

    if (capture != NULL)
        out->has_dns_capture = is_true(*capture);
    if (http10 != NULL)
        out->is_accepting_http10 = str_eq(*http10, STR("1"));
    if (idle == NULL)
        return;
    if (!duration_parse(*idle, &out->idle_timeout_ns) || out->idle_timeout_ns < 0)
        out->idle_timeout_ns = 0;
    else if (out->idle_timeout_ns == 0)
        out->idle_timeout_ns = NS_NEVER;
}

/* A bare true or 1 is meant, too. */
static struct label_list read_environment(const struct view *map)
{
    struct label_list out = {0};

    for (uint32_t i = 0; i < view_count(map); i++) {
        struct view entry = view_entry(map, i);
        if (view_is_present(&entry))
            label_list_set(&out, entry.key, entry.node->text, map->reading->arena);
    }
    return out;
}

void proxy_settings_read(const struct view *message, struct proxy_settings *out)
{
    static const char *const MODES[] = {"REDIRECT", "TPROXY", "NONE", NULL};
    struct view topology = view_map(message, STR("gatewayTopology"));
    struct view headers = view_map(message, STR("proxyHeaders"));
    struct view count = view_map(&headers, STR("attemptCount"));
    struct view metadata = view_map(message, STR("proxyMetadata"));
    struct view mode = view_field(message, STR("interceptionMode"));

    view_check_fields(message, ROWS, COUNT_OF(ROWS));
    if (view_is_present(&topology)) {
        view_check_fields(&topology, TOPOLOGY_ROWS, COUNT_OF(TOPOLOGY_ROWS));
        out->xff_trusted_hops =
            (uint32_t)view_i64(&topology, STR("numTrustedProxies"), 0, TRUSTED_HOPS_MAX, 0);
    }
    struct view server = view_map(&headers, STR("server"));

    if (view_is_present(&headers))
        view_check_fields(&headers, HEADER_ROWS, COUNT_OF(HEADER_ROWS));
    if (view_is_present(&server)) {
        view_check_fields(&server, SERVER_ROWS, COUNT_OF(SERVER_ROWS));
        out->server_name = view_str(&server, STR("value"), STR_EMPTY);
    }
    if (view_is_present(&count))
        out->has_no_attempt_count = view_bool(&count, STR("disabled"), false);
    if (view_choice(message, STR("interceptionMode"), MODES, 0) != 0)
        view_complain(&mode, DIAG_NO_EFFECT, STR("interceptionMode"), STR_EMPTY);
    struct label_list environment = read_environment(&metadata);
    proxy_settings_take(&environment, out);
}

void proxy_settings_read_text(struct str text, struct arena *arena, struct diag_list *diags,
                              struct proxy_settings *out)
{
    struct documents documents = {0};
    struct reading reading = {.arena = arena, .diags = diags, .unknown_field = UNKNOWN_WARN};

    tree_read(STR_EMPTY, text, arena, &documents, diags);
    if (documents.count == 0)
        return;
    struct view root = view_of(&reading, documents.items[0]);
    proxy_settings_read(&root, out);
}

void proxy_config_read(const struct view *spec, struct proxy_config *out)
{
    struct view selector = view_map(spec, STR("selector"));
    struct view labels = view_map(&selector, STR("matchLabels"));
    struct view environment = view_map(spec, STR("environmentVariables"));

    view_check_fields(spec, SPEC_ROWS, COUNT_OF(SPEC_ROWS));
    out->has_selector = view_is_present(&selector);
    out->selector = label_list_read(&labels);
    out->environment = read_environment(&environment);
}
