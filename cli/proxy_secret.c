/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/proxy_secret.c - see proxy_secret.h.
 */
#include "cli/proxy_secret.h"

#include "testbed/world/certificate.h"
#include "cli/table.h"

#define AUTHORITIES_SUFFIX "-cacert"
#define LIST_DEPTH_MAX 4u
#define PADDING 5u
#define REDACTED "W3JlZGFjdGVkXQ==" /* "[redacted]", as Envoy dumps a key */
#define SECRET_TYPE "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret"

struct secret_search {
    const struct documents *documents;
    struct str namespace; /* the proxy's */
    int64_t now_s;
    struct arena *arena;
};

/* --- Secrets of the manifests ----------------------------------------------- */

static struct str text_of(const struct node *map, struct str name)
{
    const struct node *node = node_get(map, name);

    return node != NULL ? node->text : STR_EMPTY;
}

static const struct node *secret_in(const struct node *document, struct str namespace,
                                    struct str name, uint32_t depth)
{
    const struct node *items = node_get(document, STR("items"));
    const struct node *meta = node_get(document, STR("metadata"));
    struct str own = text_of(meta, STR("namespace"));

    if (items != NULL && items->kind == NODE_LIST && depth < LIST_DEPTH_MAX) {
        const struct node *found = NULL;
        for (uint32_t i = 0; i < items->count && found == NULL; i++)
            found = secret_in(items->items[i], namespace, name, depth + 1);
        return found;
    }
    bool is_meant = str_eq(text_of(document, STR("kind")), STR("Secret")) &&
                    str_eq(text_of(meta, STR("name")), name) &&
                    str_eq(own.len > 0 ? own : STR("default"), namespace);
    return is_meant ? document : NULL;
}

/* The last one of its name counts, as when they are applied one by one. */
static const struct node *find_secret(const struct secret_search *search, struct str namespace,
                                      struct str name)
{
    for (uint32_t i = search->documents->count; i > 0; i--) {
        const struct node *found = secret_in(search->documents->items[i - 1], namespace, name, 0);
        if (found != NULL)
            return found;
    }
    return NULL;
}

/* What a key of a Secret holds: stringData over data. Empty: it is not there. */
static struct str value_of(const struct secret_search *search, const struct node *secret,
                           struct str key)
{
    struct str plain = text_of(node_get(secret, STR("stringData")), key);
    struct str out;

    if (plain.len > 0)
        return plain;
    struct str encoded = text_of(node_get(secret, STR("data")), key);
    if (encoded.len == 0 || !certificate_decode(encoded, search->arena, &out))
        return STR_EMPTY;
    return out;
}

static struct str keys_of(const struct secret_search *search, const struct node *secret)
{
    static const struct str MAPS[] = {STR_INIT("data"), STR_INIT("stringData")};
    struct str out = STR_EMPTY;

    for (size_t m = 0; m < COUNT_OF(MAPS); m++) {
        const struct node *map = node_get(secret, MAPS[m]);
        for (uint32_t i = 0; map != NULL && map->kind == NODE_MAP && i < map->count; i++)
            out = arena_format(search->arena, "%.*s%s%.*s", STR_FMT(out), out.len > 0 ? ", " : "",
                               STR_FMT(map->entries[i].key));
    }
    return out;
}

static struct str authorities_in(const struct secret_search *search, const struct node *secret)
{
    struct str generic = value_of(search, secret, STR("cacert"));

    return generic.len > 0 ? generic : value_of(search, secret, STR("ca.crt"));
}

/* Generic names go before those of kubernetes.io/tls; a chain needs its key. */
static struct str chain_in(const struct secret_search *search, const struct node *secret)
{
    struct str chain = value_of(search, secret, STR("cert"));

    if (chain.len > 0 && value_of(search, secret, STR("key")).len > 0)
        return chain;
    chain = value_of(search, secret, STR("tls.crt"));
    return value_of(search, secret, STR("tls.key")).len > 0 ? chain : STR_EMPTY;
}

static void say_missing(const struct secret_search *search, struct str namespace, struct str name,
                        const struct node *secret, struct proxy_secret *out)
{
    out->source = SECRET_MISSING;
    if (secret == NULL)
        out->why = arena_format(search->arena, "secret %.*s/%.*s not found", STR_FMT(namespace),
                                STR_FMT(name));
    else
        out->why = arena_format(
            search->arena, "found secret, but didn't have expected keys %s; found: %.*s",
            out->is_authority ? "cacert or ca.crt" : "(cert and key) or (tls.crt and tls.key)",
            STR_FMT(keys_of(search, secret)));
}

/* Authorities stand in NAME-cacert, else in NAME itself. */
static void look_up(const struct secret_search *search, struct str namespace, struct str name,
                    struct proxy_secret *out)
{
    const struct node *secret = find_secret(search, namespace, name);
    bool has_suffix = str_has_suffix(name, STR(AUTHORITIES_SUFFIX));

    if (secret == NULL && out->is_authority && has_suffix) {
        name = str_slice(name, 0, name.len - STR(AUTHORITIES_SUFFIX).len);
        secret = find_secret(search, namespace, name);
    }
    out->pem = STR_EMPTY;
    if (secret != NULL)
        out->pem = out->is_authority ? authorities_in(search, secret) : chain_in(search, secret);
    out->source = SECRET_FOUND;
    if (out->pem.len == 0)
        say_missing(search, namespace, name, secret, out);
}

/* "kubernetes://NAME" is of the proxy's namespace, "kubernetes-gateway://NS/NAME" not. */
static void fill(const struct secret_search *search, struct proxy_secret *out)
{
    static const struct str PREFIXES[] = {STR_INIT("kubernetes://"),
                                          STR_INIT("kubernetes-gateway://")};
    struct certificate_words words;

    out->source = SECRET_MADE;
    for (size_t i = 0; i < COUNT_OF(PREFIXES); i++) {
        if (!str_has_prefix(out->name, PREFIXES[i]))
            continue;
        struct str name = str_from(out->name, PREFIXES[i].len);
        struct str namespace = search->namespace;
        size_t slash = str_find(name, '/');
        if (slash != STR_NONE) {
            namespace = str_slice(name, 0, slash);
            name = str_from(name, slash + 1);
        }
        look_up(search, namespace, name, out);
    }
    if (out->source != SECRET_FOUND ||
        !certificate_read(out->pem, search->now_s, search->arena, &words))
        return;
    out->is_ca = words.is_ca;
    out->is_valid = words.is_valid;
    out->serial = words.serial;
    out->not_after = words.not_after;
    out->not_before = words.not_before;
}

/* --- what is asked for ------------------------------------------------------ */

static void ask(const struct secret_search *search, struct str name, bool is_authority,
                struct proxy_secret_list *out)
{
    if (name.len == 0)
        return;
    for (uint32_t i = 0; i < out->count; i++) {
        if (str_eq(out->items[i].name, name))
            return;
    }
    struct proxy_secret *added = ARENA_PUSH(search->arena, out->items, out->count, out->capacity);
    *added = (struct proxy_secret){.name = name, .is_authority = is_authority};
    fill(search, added);
}

static void ask_chain(const struct secret_search *search, const struct filter_chain *chain,
                      struct proxy_secret_list *out)
{
    if (chain == NULL || chain->tls == NULL)
        return;
    for (uint32_t i = 0; i < chain->tls->certificate_count; i++)
        ask(search, chain->tls->certificates[i], false, out);
    ask(search, chain->tls->authorities, true, out);
}

static void ask_all(const struct secret_search *search, const struct snapshot *snapshot,
                    struct proxy_secret_list *out)
{
    for (uint32_t i = 0; i < snapshot->cluster_count; i++) {
        const struct upstream_tls *tls = snapshot->clusters[i].tls;
        if (tls == NULL)
            continue;
        ask(search, tls->certificate, false, out);
        ask(search, tls->root, true, out);
    }
    for (uint32_t i = 0; i < snapshot->listener_count; i++) {
        const struct listener *listener = &snapshot->listeners[i];
        for (uint32_t k = 0; k < listener->chain_count; k++)
            ask_chain(search, &listener->chains[k], out);
        ask_chain(search, listener->default_chain, out);
    }
}

struct proxy_secret_list proxy_secrets_of(const struct snapshot *snapshot,
                                          const struct documents *documents, int64_t now_s,
                                          struct arena *arena)
{
    struct secret_search search = {documents, snapshot->proxy_namespace, now_s, arena};
    struct proxy_secret_list asked = {0}, out = {0};

    ask_all(&search, snapshot, &asked);
    for (uint32_t turn = 0; turn < 2; turn++) {
        for (uint32_t i = 0; i < asked.count; i++) {
            if ((asked.items[i].source == SECRET_MISSING) == (turn == 0))
                *ARENA_PUSH(arena, out.items, out.count, out.capacity) = asked.items[i];
        }
    }
    return out;
}

/* --- printing --------------------------------------------------------------- */

static void fill_row(const struct proxy_secret *secret, bool is_named, struct arena *arena,
                     struct table_row *row)
{
    bool is_known = secret->source == SECRET_FOUND && secret->serial.len > 0;

    row->cells[0] =
        is_named ? arena_format(arena, "secret/%.*s", STR_FMT(secret->name)) : secret->name;
    row->cells[2] = secret->source == SECRET_MISSING ? STR("WARMING") : STR("ACTIVE");
    row->cells[3] = is_known && secret->is_valid ? STR("true") : STR("false");
    if (is_known) {
        row->cells[1] = secret->is_ca ? STR("CA") : STR("Cert Chain");
        row->cells[4] = secret->serial;
        row->cells[5] = secret->not_after;
        row->cells[6] = secret->not_before;
    } else if (secret->source == SECRET_MADE) {
        row->cells[1] = secret->is_authority ? STR("CA") : STR("Cert Chain");
        for (uint32_t i = 3; i <= 6; i++)
            row->cells[i] = STR("-");
    }
}

enum rc proxy_secret_table(const struct proxy_secret_list *list, bool is_named, struct arena *arena,
                           struct buf *out)
{
    static const struct str HEADING[] = {
        STR_INIT("RESOURCE NAME"), STR_INIT("TYPE"),          STR_INIT("STATUS"),
        STR_INIT("VALID CERT"),    STR_INIT("SERIAL NUMBER"), STR_INIT("NOT AFTER"),
        STR_INIT("NOT BEFORE"),
    };
    struct table table;

    if (list->count == 0)
        return buf_append(out, STR("No active or warming secrets found.\n"));
    table_init(&table, arena, COUNT_OF(HEADING));
    struct table_row *heading = table_add(&table);
    for (size_t i = 0; i < COUNT_OF(HEADING); i++)
        heading->cells[i] = HEADING[i];
    for (uint32_t i = 0; i < list->count; i++)
        fill_row(&list->items[i], is_named, arena, table_add(&table));
    return table_print(&table, PADDING, out);
}

static void json_bytes(struct json *json, struct str key, struct str encoded)
{
    json_key(json, key);
    json_begin_object(json);
    json_key_str(json, STR("inlineBytes"), encoded);
    json_end_object(json);
}

static void json_secret(const struct proxy_secret *secret, struct arena *arena, struct json *json)
{
    struct str encoded = certificate_encode(secret_without_keys(secret->pem, arena), arena);

    json_begin_object(json);
    json_key_str(json, STR("name"), secret->name);
    json_key(json, STR("secret"));
    json_begin_object(json);
    json_key_str(json, STR("@type"), STR(SECRET_TYPE));
    json_key_str(json, STR("name"), secret->name);
    if (secret->source == SECRET_FOUND) {
        json_key(json, secret->is_authority ? STR("validationContext") : STR("tlsCertificate"));
        json_begin_object(json);
        json_bytes(json, secret->is_authority ? STR("trustedCa") : STR("certificateChain"),
                   encoded);
        if (!secret->is_authority)
            json_bytes(json, STR("privateKey"), STR(REDACTED));
        json_end_object(json);
    }
    json_end_object(json);
    json_end_object(json);
}

static void json_secrets(const struct proxy_secret_list *list, bool is_missing, struct arena *arena,
                         struct json *json)
{
    bool is_open = false;

    for (uint32_t i = 0; i < list->count; i++) {
        const struct proxy_secret *secret = &list->items[i];
        if ((secret->source == SECRET_MISSING) != is_missing)
            continue;
        if (!is_open) {
            json_key(json, is_missing ? STR("dynamicWarmingSecrets") : STR("dynamicActiveSecrets"));
            json_begin_array(json);
        }
        is_open = true;
        json_secret(secret, arena, json);
    }
    if (is_open)
        json_end_array(json);
}

void proxy_secret_json(const struct proxy_secret_list *list, struct arena *arena, struct json *json)
{
    json_begin_object(json);
    json_secrets(list, false, arena, json);
    json_secrets(list, true, arena, json);
    json_end_object(json);
}
