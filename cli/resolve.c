/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/resolve.c - `pocketmesh resolve`: a line of JSON in, a line of JSON out:
 * what istiod would send some proxies, and where calls are led by it.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "cli/command.h"
#include "cli/proxy_name.h"
#include "cli/words.h"
#include "config/derive/derive.h"
#include "config/profile/profile.h"
#include "config/translate/translate.h"
#include "proxy/model/print.h"
#include "testbed/inspect/resolve.h"

#define ARENA_BLOCK_BYTES (1024u * 1024)
#define OUTPUT_BYTES_MAX ((size_t)1 << 30) /* a large mesh prints some MB */

/* One question. */
struct request {
    struct arena arena;
    struct diag_list diags;
    struct json_value root;
    struct mesh *mesh;
    const struct profile *profile;
    struct json json;
};

static struct str text_of(const struct json_value *object, struct str name)
{
    const struct json_value *value = json_get(object, name);

    return value != NULL && value->kind == JSON_STRING ? value->text : STR_EMPTY;
}

static uint32_t whole_of(const struct json_value *object, struct str name)
{
    const struct json_value *value = json_get(object, name);
    bool is_port =
        value != NULL && value->kind == JSON_NUMBER && value->number >= 0 && value->number <= 65535;

    return is_port ? (uint32_t)value->number : 0;
}

/* Index of the word in `names`, 0 when it is none of them. */
static int choice_of(const struct json_value *object, struct str name, const struct str *names,
                     size_t name_count)
{
    struct str word = text_of(object, name);

    for (size_t i = 0; i < name_count; i++) {
        if (str_eq(word, names[i]))
            return (int)i;
    }
    return 0;
}

static bool wants(const struct request *request, struct str section)
{
    const struct json_value *want = json_get(&request->root, STR("want"));

    for (uint32_t i = 0; want != NULL && want->kind == JSON_ARRAY && i < want->count; i++) {
        if (want->items[i].kind == JSON_STRING && str_eq(want->items[i].text, section))
            return true;
    }
    return false;
}

static struct resolve_call call_of(const struct json_value *from)
{
    static const struct str MODES[] = {STR_INIT("outbound"), STR_INIT("inbound"),
                                       STR_INIT("gateway")};
    static const struct str PROTOCOLS[] = {STR_INIT("http"), STR_INIT("http2"), STR_INIT("tcp")};
    static const struct str TLS[] = {STR_INIT("plaintext"), STR_INIT("tls"), STR_INIT("mtls")};
    struct resolve_call out = {
        .mode = (enum resolve_mode)choice_of(from, STR("mode"), MODES, COUNT_OF(MODES)),
        .protocol =
            (enum resolve_protocol)choice_of(from, STR("protocol"), PROTOCOLS, COUNT_OF(PROTOCOLS)),
        .tls = (enum resolve_tls)choice_of(from, STR("tls"), TLS, COUNT_OF(TLS)),
        .port = whole_of(from, STR("port")),
        .address = text_of(from, STR("address")),
        .path = text_of(from, STR("path")),
        .host = text_of(from, STR("host")),
        .sni = text_of(from, STR("sni")),
        .alpn = text_of(from, STR("alpn")),
        .mtls_secret = text_of(from, STR("mtlsSecret")),
    };
    const struct json_value *headers = json_get(from, STR("headers"));

    for (uint32_t i = 0; headers != NULL && headers->kind == JSON_OBJECT && i < headers->count;
         i++) {
        if (out.host.len == 0 && str_eq_ci(headers->keys[i], STR("host")))
            out.host = headers->items[i].text;
    }
    return out;
}

static void put(struct json *json, const char *name, struct str value)
{
    if (value.len > 0)
        json_key_str(json, str_of(name), value);
}

static void print_call(struct request *request, const struct json_value *from,
                       const struct snapshot *snapshot)
{
    struct resolve_call call = call_of(from);
    struct resolve_answer answer = resolve(snapshot, &call, &request->arena);
    struct json *json = &request->json;

    json_begin_object(json);
    put(json, "name", text_of(from, STR("name")));
    put(json, "error", answer.error);
    put(json, "listener", answer.listener);
    put(json, "filterChain", answer.filter_chain);
    put(json, "routeConfig", answer.route_config);
    put(json, "virtualHost", answer.virtual_host);
    put(json, "route", answer.route);
    put(json, "cluster", answer.cluster);
    json_end_object(json);
}

static void print_sections(struct request *request, const struct snapshot *snapshot)
{
    static const struct {
        struct str name;
        void (*print)(const struct snapshot *snapshot, struct json *json);
    } SECTIONS[] = {
        {STR_INIT("listeners"), print_listeners},
        {STR_INIT("routes"), print_routes},
        {STR_INIT("clusters"), print_clusters},
        {STR_INIT("endpoints"), print_endpoints},
    };

    for (size_t i = 0; i < COUNT_OF(SECTIONS); i++) {
        if (!wants(request, SECTIONS[i].name))
            continue;
        json_key(&request->json, SECTIONS[i].name);
        SECTIONS[i].print(snapshot, &request->json);
    }
}

static struct proxy_wish wish_of(struct request *request, const struct json_value *proxy)
{
    const struct json_value *ips = json_get(proxy, STR("ips"));
    const struct json_value *labels = json_get(proxy, STR("labels"));
    struct proxy_wish out = {
        .name = text_of(proxy, STR("name")),
        .namespace = text_of(proxy, STR("namespace")),
        .type = text_of(proxy, STR("type")),
        .service_account = text_of(proxy, STR("serviceAccount")),
    };

    if (out.namespace.len == 0)
        out.namespace = STR("default");
    if (ips != NULL && ips->kind == JSON_ARRAY && ips->count > 0)
        out.address = ips->items[0].text;
    if (labels == NULL || labels->kind != JSON_OBJECT)
        return out;
    out.labels = ARENA_ARRAY(&request->arena, struct label, labels->count);
    for (uint32_t i = 0; i < labels->count; i++)
        out.labels[out.label_count++] =
            (struct label){.name = labels->keys[i], .value = labels->items[i].text};
    return out;
}

static void print_proxy(struct request *request, const struct json_value *proxy)
{
    struct proxy_wish wish = wish_of(request, proxy);
    struct proxy_identity identity = proxy_name_resolve(request->mesh, &wish, &request->arena);
    struct snapshot *snapshot =
        translate_proxy(request->mesh, &identity, request->profile, &request->diags);
    const struct json_value *all = json_get(&request->root, STR("calls"));
    const struct json_value *calls = all != NULL ? json_get(all, wish.name) : NULL;
    struct json *json = &request->json;

    json_key(json, wish.name);
    json_begin_object(json);
    print_sections(request, snapshot);
    if (calls != NULL && calls->kind == JSON_ARRAY && calls->count > 0) {
        json_key(json, STR("calls"));
        json_begin_array(json);
        for (uint32_t i = 0; i < calls->count; i++)
            print_call(request, &calls->items[i], snapshot);
        json_end_array(json);
    }
    json_end_object(json);
    snapshot_drop(snapshot);
}

/* All errors, a line each; empty: there is none. */
static struct str errors_of(struct request *request)
{
    struct str out = STR_EMPTY;

    diag_list_sort(&request->diags);
    for (uint32_t i = 0; i < request->diags.count; i++) {
        const struct diag *diag = &request->diags.items[i];
        if (diag->severity != DIAG_ERROR)
            continue;
        struct str text = diag_text(diag, &request->arena);
        out =
            arena_format(&request->arena, "%.*s%s%.*s:%u:%u: %.*s", STR_FMT(out),
                         out.len > 0 ? "\n" : "", STR_FMT(diag->origin.file),
                         (unsigned)diag->origin.line, (unsigned)diag->origin.column, STR_FMT(text));
    }
    return out;
}

static void read_mesh(struct request *request)
{
    struct documents documents = {0}, config = {0};
    struct str mesh_config = text_of(&request->root, STR("mesh"));

    tree_read(STR("yaml"), text_of(&request->root, STR("yaml")), &request->arena, &documents,
              &request->diags);
    request->mesh = mesh_new(&request->arena, &request->diags);
    for (uint32_t i = 0; i < documents.count; i++)
        mesh_add_document(request->mesh, documents.items[i]);
    if (mesh_config.len > 0)
        tree_read(STR("mesh"), mesh_config, &request->arena, &config, &request->diags);
    for (uint32_t i = 0; i < config.count; i++)
        mesh_set_config(request->mesh, config.items[i]);
    mesh_complete(request->mesh);
}

static void answer(struct request *request, struct str line)
{
    struct json *json = &request->json;
    size_t where = 0;

    json_begin_object(json);
    if (json_read(line, &request->arena, &request->root, &where) != RC_OK) {
        json_key_str(json, STR("id"), STR_EMPTY);
        json_key_str(json, STR("error"),
                     arena_format(&request->arena, "this is no JSON, from byte %zu on", where));
        json_end_object(json);
        return;
    }
    json_key_str(json, STR("id"), text_of(&request->root, STR("id")));
    read_mesh(request);
    struct str errors = errors_of(request);
    const struct json_value *proxies = json_get(&request->root, STR("proxies"));
    if (errors.len > 0) {
        json_key_str(json, STR("error"), errors);
    } else if (proxies != NULL && proxies->kind == JSON_ARRAY && proxies->count > 0) {
        json_key(json, STR("proxies"));
        json_begin_object(json);
        for (uint32_t i = 0; i < proxies->count; i++)
            print_proxy(request, &proxies->items[i]);
        json_end_object(json);
    }
    json_end_object(json);
}

/* False: standard output is full or gone. */
static bool answer_line(struct str line, const struct profile *profile)
{
    struct request request = {.profile = profile};
    struct buf out;

    arena_init(&request.arena, ARENA_BLOCK_BYTES, 0);
    diag_list_init(&request.diags, &request.arena);
    buf_init(&out, OUTPUT_BYTES_MAX);
    json_init(&request.json, &out, 0);
    answer(&request, line);
    bool is_written = !json_is_full(&request.json) && buf_append(&out, STR("\n")) == RC_OK &&
                      words_write(&out) && fflush(stdout) == 0;
    buf_fini(&out);
    arena_fini(&request.arena);
    return is_written;
}

int cmd_resolve(int argc, char **argv)
{
    struct words words;
    char *line = NULL;
    size_t capacity = 0;
    int code = EXIT_CODE_FINE;

    words_init(&words, "resolve");
    if (!words_read(&words, argc, argv, NULL, 0, NULL)) {
        words_fini(&words);
        return EXIT_CODE_INPUT;
    }
    /* The question is what Istio does, so its own profile is meant. */
    const struct profile *profile =
        words.profile != NULL ? words.profile : profile_find(STR("istio-latest"));
    for (;;) {
        ssize_t len = getline(&line, &capacity, stdin);
        if (len < 0)
            break;
        struct str text = str_trim((struct str){line, (size_t)len});
        if (text.len > 0 && !answer_line(text, profile)) {
            code = EXIT_CODE_SURROUNDINGS;
            break;
        }
    }
    free(line);
    words_fini(&words);
    return code;
}
