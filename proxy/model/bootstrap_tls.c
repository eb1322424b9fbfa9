/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/model/bootstrap_tls.c - transport sockets of the bootstrap, with the secrets
 * that a control plane would bring in their places.
 */
#include "base/check.h"
#include "proxy/model/bootstrap_inside.h"

#define NAME_BYTES_MAX 120u /* of a file, without its ending */

static const struct str OWN_KEY = STR_INIT("tlsCertificateSdsSecretConfigs");
static const struct str ROOT_KEY = STR_INIT("validationContextSdsSecretConfig");

/* Does a control plane have to bring secrets for it? */
static bool needs_secrets(const struct json_value *value)
{
    if (value->kind == JSON_OBJECT &&
        (json_get(value, OWN_KEY) != NULL || json_get(value, ROOT_KEY) != NULL))
        return true;
    if (value->kind != JSON_OBJECT && value->kind != JSON_ARRAY)
        return false;
    for (uint32_t i = 0; i < value->count; i++)
        if (needs_secrets(&value->items[i]))
            return true;
    return false;
}

struct str bootstrap_secret_file(struct arena *arena, struct str folder, struct str secret,
                                 enum bootstrap_secret_part part)
{
    static const char *const ENDINGS[] = {
        [BOOTSTRAP_CHAIN] = "pem", [BOOTSTRAP_KEY] = "key", [BOOTSTRAP_AUTHORITIES] = "pem"};
    char name[NAME_BYTES_MAX];
    size_t size = 0;
    for (size_t i = 0; i < secret.len && size < sizeof(name); i++) {
        char c = secret.ptr[i];
        bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                        (c >= '0' && c <= '9') || c == '-' || c == '.';
        if (is_plain || (size > 0 && name[size - 1] != '_'))
            name[size++] = is_plain ? c : '_';
    }
    return arena_format(arena, "%.*s/%.*s.%s", STR_FMT(folder), (int)size, name, ENDINGS[part]);
}

static const struct secret *secret_of(const struct bootstrap_job *job,
                                      const struct json_value *config)
{
    return keyring_find(job->options->keyring, bootstrap_text(config, STR("name")));
}

/* A DataSource: the text itself, or the file where it is. */
static void write_source(struct bootstrap_job *job, struct str key, const struct secret *secret,
                         enum bootstrap_secret_part part)
{
    struct str folder = job->options->secrets_folder;
    json_key(job->json, key);
    json_begin_object(job->json);
    if (folder.len > 0)
        json_key_str(job->json, STR("filename"),
                     bootstrap_secret_file(job->arena, folder, secret->name, part));
    else
        json_key_str(job->json, STR("inlineString"),
                     part == BOOTSTRAP_CHAIN ? secret->certificate->chain_pem
                     : part == BOOTSTRAP_KEY ? secret->certificate->key_pem
                                             : secret->authorities_pem);
    json_end_object(job->json);
}

/* What was never delivered is waited for, as in the mesh: connections fail. */
static void write_absent(struct bootstrap_job *job, const struct json_value *config)
{
    struct json *json = job->json;
    json_begin_object(json);
    json_key_str(json, STR("name"), bootstrap_text(config, STR("name")));
    json_key(json, STR("sdsConfig"));
    json_begin_object(json);
    json_key(json, STR("pathConfigSource"));
    json_begin_object(json);
    json_key_str(json, STR("path"), job->options->no_secrets);
    json_end_object(json);
    json_key_str(json, STR("resourceApiVersion"), STR("V3"));
    json_end_object(json);
    json_end_object(json);
}

static bool is_certificate(const struct secret *secret)
{
    return secret != NULL && secret->certificate != NULL;
}

static bool is_root(const struct secret *secret)
{
    return secret != NULL && secret->certificate == NULL;
}

static void write_certificates(struct bootstrap_job *job, const struct json_value *configs)
{
    struct json *json = job->json;
    bool are_there = true;
    for (uint32_t i = 0; i < configs->count; i++)
        are_there = are_there && is_certificate(secret_of(job, &configs->items[i]));
    json_key(json, are_there ? STR("tlsCertificates") : OWN_KEY);
    json_begin_array(json);
    for (uint32_t i = 0; i < configs->count; i++) {
        const struct secret *secret = secret_of(job, &configs->items[i]);
        if (!are_there) {
            write_absent(job, &configs->items[i]);
            continue;
        }
        json_begin_object(json);
        write_source(job, STR("certificateChain"), secret, BOOTSTRAP_CHAIN);
        write_source(job, STR("privateKey"), secret, BOOTSTRAP_KEY);
        json_end_object(json);
    }
    json_end_array(json);
}

/* `others`: what else the peer's certificate is held against; NULL: nothing. */
static void write_validation(struct bootstrap_job *job, const struct json_value *others,
                             const struct json_value *config)
{
    struct json *json = job->json;
    const struct secret *secret = secret_of(job, config);
    bool is_there = is_root(secret);
    json_key(json, is_there ? STR("validationContext") : STR("combinedValidationContext"));
    json_begin_object(json);
    if (is_there) {
        if (others != NULL)
            bootstrap_copy_others(json, others, NULL, 0);
        write_source(job, STR("trustedCa"), secret, BOOTSTRAP_AUTHORITIES);
    } else {
        json_key(json, STR("defaultValidationContext"));
        if (others != NULL) {
            bootstrap_copy(json, others);
        } else {
            json_begin_object(json);
            json_end_object(json);
        }
        json_key(json, ROOT_KEY);
        write_absent(job, config);
    }
    json_end_object(json);
}

static bool has_protocol(const struct json_value *protocols, uint32_t index, struct str name)
{
    return index < protocols->count && str_eq(protocols->items[index].text, name);
}

/* What Istio's own filter (istio.alpn) says in their place, for what travels. */
static void write_protocols(struct bootstrap_job *job, const struct json_value *protocols)
{
    static const struct str FOR_HTTP[] = {STR_INIT("istio-http/1.1"), STR_INIT("istio"),
                                          STR_INIT("http/1.1")};
    static const struct str FOR_HTTP2[] = {STR_INIT("istio-h2"), STR_INIT("istio"), STR_INIT("h2")};
    bool is_of_mesh = has_protocol(protocols, 0, STR("istio-peer-exchange")) &&
                      has_protocol(protocols, 1, STR("istio"));
    bool is_http2 = has_protocol(protocols, 2, STR("h2"));
    json_key(job->json, STR("alpnProtocols"));
    if (!job->is_http_cluster || !is_of_mesh || protocols->count > (is_http2 ? 3 : 2)) {
        bootstrap_copy(job->json, protocols);
        return;
    }
    json_begin_array(job->json);
    for (size_t i = 0; i < COUNT_OF(FOR_HTTP); i++)
        json_str(job->json, is_http2 ? FOR_HTTP2[i] : FOR_HTTP[i]);
    json_end_array(job->json);
}

static bool is_older(struct str a, struct str b)
{
    return a.len == 0 || (b.len > 0 && str_order(a, b) < 0); /* "TLSv1_2" */
}

/* What the keyring leaves of a socket's versions: tls_versions_upstream and _downstream of
 * proxy/core/tls_verdict.h. */
static void write_params(struct bootstrap_job *job, const struct json_value *params)
{
    static const struct str OWN[] = {STR_INIT("tlsMinimumProtocolVersion"),
                                     STR_INIT("tlsMaximumProtocolVersion")};
    struct str oldest = job->options->keyring->version_min;
    struct str newest = job->options->keyring->version_max;
    struct str min = params != NULL ? bootstrap_text(params, OWN[0]) : STR_EMPTY;
    struct str max = params != NULL ? bootstrap_text(params, OWN[1]) : STR_EMPTY;
    if (oldest.len > 0 && is_older(min, oldest))
        min = oldest;
    if (oldest.len > 0 && max.len > 0 && is_older(max, oldest))
        max = oldest;
    if (newest.len > 0 && (max.len == 0 || is_older(newest, max)))
        max = newest;
    if (newest.len > 0 && is_older(newest, min))
        min = newest;
    json_key(job->json, STR("tlsParams"));
    json_begin_object(job->json);
    if (params != NULL)
        bootstrap_copy_others(job->json, params, OWN, COUNT_OF(OWN));
    if (min.len > 0)
        json_key_str(job->json, OWN[0], min);
    if (max.len > 0)
        json_key_str(job->json, OWN[1], max);
    json_end_object(job->json);
}

static bool rewrite_common(struct bootstrap_job *job, struct str key,
                           const struct json_value *value)
{
    static const struct str OWN[] = {
        STR_INIT("alpnProtocols"), STR_INIT("combinedValidationContext"),
        STR_INIT("tlsCertificateSdsSecretConfigs"), STR_INIT("validationContextSdsSecretConfig"),
        STR_INIT("tlsParams")};
    const struct keyring *keyring = job->options->keyring;
    bool has_versions = keyring->version_min.len > 0 || keyring->version_max.len > 0;
    if (!str_eq(key, STR("commonTlsContext")))
        return false;
    const struct json_value *protocols = json_get(value, OWN[0]);
    const struct json_value *both = json_get(value, OWN[1]);
    const struct json_value *certificates = json_get(value, OWN[2]);
    const struct json_value *root = json_get(both != NULL ? both : value, ROOT_KEY);
    const struct json_value *others =
        both != NULL ? json_get(both, STR("defaultValidationContext")) : NULL;
    json_key(job->json, key);
    json_begin_object(job->json);
    bootstrap_copy_others(job->json, value, OWN, COUNT_OF(OWN) - (has_versions ? 0 : 1));
    if (has_versions)
        write_params(job, json_get(value, OWN[4]));
    if (protocols != NULL)
        write_protocols(job, protocols);
    if (certificates != NULL)
        write_certificates(job, certificates);
    if (root != NULL) {
        write_validation(job, others, root);
    } else if (both != NULL) {
        json_key(job->json, OWN[1]);
        bootstrap_copy(job->json, both);
    }
    json_end_object(job->json);
    return true;
}

bool bootstrap_transport(struct bootstrap_job *job, struct str key, const struct json_value *part)
{
    bool has_secrets = needs_secrets(part);
    if (has_secrets && job->options->keyring == NULL)
        return false;
    json_key(job->json, key);
    if (job->options->keyring != NULL)
        bootstrap_copy_rewriting(job, part, rewrite_common);
    else
        bootstrap_copy(job->json, part);
    return true;
}

/* --- who speaks HTTP -------------------------------------------------------- */

static void note_name(struct bootstrap_job *job, const struct json_value *name)
{
    if (name->kind == JSON_STRING)
        (void)map_set(&job->http_clusters, name->text, 1);
}

/* Clusters that routes name: "cluster" of an action or a mirror, "name" of a weighted one. */
static void note_clusters(struct bootstrap_job *job, const struct json_value *value)
{
    for (uint32_t i = 0; i < value->count; i++) {
        const struct json_value *item = &value->items[i];
        bool is_object = value->kind == JSON_OBJECT;
        if (is_object && str_eq(value->keys[i], STR("cluster")))
            note_name(job, item);
        const struct json_value *weighted =
            is_object && str_eq(value->keys[i], STR("weightedClusters"))
                ? json_get(item, STR("clusters"))
                : NULL;
        for (uint32_t k = 0; weighted != NULL && k < weighted->count; k++) {
            const struct json_value *name = json_get(&weighted->items[k], STR("name"));
            if (name != NULL)
                note_name(job, name);
        }
        if (item->kind == JSON_OBJECT || item->kind == JSON_ARRAY)
            note_clusters(job, item);
    }
}

/* Routes that stand in listeners. */
static void note_inlined(struct bootstrap_job *job, const struct json_value *value)
{
    for (uint32_t i = 0; i < value->count; i++) {
        const struct json_value *item = &value->items[i];
        if (item->kind != JSON_OBJECT && item->kind != JSON_ARRAY)
            continue;
        if (value->kind == JSON_OBJECT && str_eq(value->keys[i], STR("routeConfig")))
            note_clusters(job, item);
        else
            note_inlined(job, item);
    }
}

void bootstrap_note_http(struct bootstrap_job *job)
{
    map_init(&job->http_clusters, job->arena);
    if (job->options->keyring == NULL)
        return;
    note_clusters(job, json_get(job->all, STR("routes")));
    note_inlined(job, json_get(job->all, STR("listeners")));
}
