/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/world/keyrings.c - see keyrings.h.
 */
#include "testbed/world/keyrings.h"

#include "testbed/world/authority.h"
#include "testbed/world/secrets.h"

#define OWN STR("own")
#define AUTHORITIES_SUFFIX STR("-cacert")
#define SECRET_PREFIX STR("kubernetes://")
#define GATEWAY_SECRET_PREFIX STR("kubernetes-gateway://")

struct keymaker {
    struct world *world;
    const struct world_client *client;
    struct diag_list *diags; /* NULL: nobody listens */
    struct origin origin;    /* who names the secret */
    struct secret *items;
    uint32_t count, capacity;
};

static struct arena *arena_of(const struct keymaker *maker)
{
    return maker->world->arena;
}

static struct secret *add(struct keymaker *maker, struct str name)
{
    struct secret *secret =
        ARENA_PUSH(arena_of(maker), maker->items, maker->count, maker->capacity);
    secret->name = name;
    return secret;
}

static bool has(const struct keymaker *maker, struct str name)
{
    for (uint32_t i = 0; i < maker->count; i++) {
        if (str_eq(maker->items[i].name, name))
            return true;
    }
    return false;
}

/* --- Secrets of the manifests ---------------------------------------------------- */

static bool is_secret_name(struct str name)
{
    return str_has_prefix(name, SECRET_PREFIX) || str_has_prefix(name, GATEWAY_SECRET_PREFIX);
}

/* NULL: there is none. */
static const struct node *find_secret(const struct keymaker *maker, struct str name,
                                      bool is_authority)
{
    return secrets_find(&maker->world->manifests, maker->client->spec.namespace, name,
                        is_authority);
}

/* With `secrets: manifests`, a Secret must be there. */
static bool is_delivered(const struct keymaker *maker, struct str name)
{
    return !maker->world->spec.has_secrets_of_manifests || !str_has_prefix(name, SECRET_PREFIX) ||
           find_secret(maker, name, false) != NULL;
}

static struct str full_name(const struct keymaker *maker, const struct node *secret)
{
    return arena_format(arena_of(maker), "%.*s/%.*s", STR_FMT(manifest_namespace(secret)),
                        STR_FMT(manifest_name(secret)));
}

static void say_absent(const struct keymaker *maker, struct str name)
{
    size_t at = str_find(name, '/') + 2;
    if (maker->diags != NULL && is_secret_name(name))
        diag_add(maker->diags, DIAG_SECRET_ABSENT, maker->origin, STR_EMPTY, str_from(name, at),
                 maker->client->spec.namespace, STR_EMPTY);
}

/* SECRET_FINE: it may be used. */
static bool judge(const struct keymaker *maker, const struct node *secret,
                  enum secret_verdict verdict, const struct secret_problem *problem)
{
    bool is_unsaid = verdict == SECRET_EMPTY && secrets_is_route(secret);
    if (verdict == SECRET_FINE || is_unsaid || maker->diags == NULL)
        return verdict == SECRET_FINE;
    diag_add(maker->diags, verdict == SECRET_EMPTY ? DIAG_SECRET_EMPTY : DIAG_SECRET_WRONG,
             problem->origin, STR_EMPTY, full_name(maker, secret), problem->text, STR_EMPTY);
    return false;
}

static void judge_times(const struct keymaker *maker, const struct node *secret,
                        const struct certificate *certificate)
{
    bool is_early = certificate->from_s > 0;
    if (maker->diags != NULL && (is_early || certificate->until_s < 0))
        diag_add(maker->diags, DIAG_SECRET_EXPIRED, secret->origin, STR_EMPTY,
                 full_name(maker, secret), is_early ? STR("not valid yet") : STR("expired"),
                 STR_EMPTY);
}

/* NULL: it is to be made. */
static const struct certificate *certificate_of_secret(struct keymaker *maker, struct str name)
{
    const struct node *secret = find_secret(maker, name, false);
    struct secret_problem problem;
    if (secret == NULL) {
        say_absent(maker, name);
        return NULL;
    }
    struct certificate *out = ARENA_NEW(arena_of(maker), struct certificate);
    if (!judge(maker, secret, secrets_certificate(secret, arena_of(maker), out, &problem),
               &problem))
        return NULL;
    judge_times(maker, secret, out);
    return out;
}

/* False: they are to be made. */
static bool authorities_of_secret(struct keymaker *maker, struct str name,
                                  struct secret_authorities *out)
{
    const struct node *secret = find_secret(maker, name, true);
    struct secret_problem problem;
    if (secret == NULL) {
        say_absent(maker, name);
        return false;
    }
    return judge(maker, secret, secrets_authorities(secret, arena_of(maker), out, &problem),
                 &problem);
}

/* Made-up callers show certificates of the public authority. */
static void add_public(struct keymaker *maker, struct secret_authorities *all)
{
    struct arena *arena = arena_of(maker);
    struct str *names = ARENA_ARRAY(arena, struct str, all->count + 1);
    for (uint32_t i = 0; i < all->count; i++)
        names[i] = all->names[i];
    names[all->count++] = STR(AUTHORITY_PUBLIC);
    all->names = names;
    all->pem = arena_concat(arena, arena_concat(arena, all->pem, STR("\n")),
                            authority_pem(maker->world->authority, STR(AUTHORITY_PUBLIC)));
}

static bool add_authorities_of_secret(struct keymaker *maker, struct str name)
{
    struct secret_authorities found = {0};
    if (!is_secret_name(name) || !authorities_of_secret(maker, name, &found))
        return false;
    if (!maker->world->spec.has_real_callers)
        add_public(maker, &found);
    struct secret *secret = add(maker, name);
    secret->authorities = found.names;
    secret->authority_count = found.count;
    secret->authorities_pem = found.pem;
    return true;
}

/* --- what is made ------------------------------------------------------------------ */

static void set_authority(struct keymaker *maker, struct secret *secret, const char *name)
{
    struct str *names = ARENA_NEW(arena_of(maker), struct str);
    *names = str_of(name);
    secret->authorities = names;
    secret->authority_count = 1;
}

static void add_authorities(struct keymaker *maker, struct str name)
{
    if (name.len == 0 || has(maker, name) || add_authorities_of_secret(maker, name))
        return;
    bool is_public = str_has_suffix(name, AUTHORITIES_SUFFIX) ||
                     str_contains(name, STR("system")) || str_contains(name, STR("public"));
    const char *authority = str_contains(name, STR("stranger")) ? AUTHORITY_STRANGER
                            : is_public                         ? AUTHORITY_PUBLIC
                                                                : AUTHORITY_MESH;
    set_authority(maker, add(maker, name), authority);
}

static void add_workload(struct keymaker *maker, struct str name)
{
    const struct world_client *client = maker->client;
    struct workload_name who = {
        .trust_domain = client->spec.trust_domain,
        .namespace = client->identity.namespace,
        .account = client->identity.service_account,
    };
    if (who.trust_domain.len == 0)
        who.trust_domain = maker->world->spec.trust_domain;
    if (who.trust_domain.len == 0)
        who.trust_domain = STR(WORLD_TRUST_DOMAIN);
    const struct certificate *issued =
        authority_issue_workload(maker->world->authority, &who, client->spec.fault);
    if (issued != NULL)
        add(maker, name)->certificate = issued;
}

static void add_certificate(struct keymaker *maker, struct str name,
                            const struct filter_chain *chain)
{
    static const struct str CLIENT[] = {STR_INIT("client")};
    struct certificate_wish wish = {
        .issuer = STR(AUTHORITY_PUBLIC), .names = CLIENT, .name_count = COUNT_OF(CLIENT)};
    if (name.len == 0 || has(maker, name))
        return;
    if (str_eq(name, STR("default"))) {
        add_workload(maker, name);
        return;
    }
    if (!is_delivered(maker, name))
        return;
    if (chain != NULL && chain->server_name_count > 0) {
        wish.names = chain->server_names;
        wish.name_count = chain->server_name_count;
    }
    const struct certificate *own =
        is_secret_name(name) ? certificate_of_secret(maker, name) : NULL;
    add(maker, name)->certificate =
        own != NULL ? own : authority_issue(maker->world->authority, &wish);
}

static void add_chain(struct keymaker *maker, const struct filter_chain *chain)
{
    const struct downstream_tls *tls = chain->tls;
    if (tls == NULL)
        return;
    maker->origin = chain->origin;
    for (uint32_t i = 0; i < tls->certificate_count; i++)
        add_certificate(maker, tls->certificates[i], chain);
    add_authorities(maker, tls->authorities);
}

static void seal(struct world *world, const struct keyring *keyring)
{
    for (uint32_t i = 0; i < keyring->count; i++) {
        struct secret *secret = (struct secret *)&keyring->items[i]; /* we made it */
        if (secret->certificate != NULL)
            authority_seal(world->authority, secret->certificate);
        else if (secret->authorities_pem.len == 0)
            secret->authorities_pem = authority_pem(world->authority, secret->authorities[0]);
    }
}

static void set_versions(const struct version_bounds *bounds, struct keyring *out)
{
    out->version_min = bounds->min;
    out->version_max = bounds->max;
}

static struct keyring *make(struct world *world, const struct world_client *client,
                            struct diag_list *diags)
{
    struct keymaker maker = {.world = world, .client = client, .diags = diags};
    const struct snapshot *snapshot = client->snapshot;
    for (uint32_t i = 0; i < snapshot->listener_count; i++) {
        const struct listener *listener = &snapshot->listeners[i];
        for (uint32_t k = 0; k < listener->chain_count; k++)
            add_chain(&maker, &listener->chains[k]);
        if (listener->default_chain != NULL)
            add_chain(&maker, listener->default_chain);
    }
    for (uint32_t i = 0; i < snapshot->cluster_count; i++) {
        const struct upstream_tls *tls = snapshot->clusters[i].tls;
        if (tls == NULL)
            continue;
        maker.origin = snapshot->clusters[i].policy_origin;
        add_certificate(&maker, tls->certificate, NULL);
        add_authorities(&maker, tls->root);
    }
    struct keyring *out = ARENA_NEW(world->arena, struct keyring);
    *out = (struct keyring){.items = maker.items, .count = maker.count};
    if (client->spec.via != VIA_GATEWAY)
        set_versions(&client->spec.versions, out);
    return out;
}

static bool has_tls(const struct snapshot *snapshot)
{
    for (uint32_t i = 0; i < snapshot->cluster_count; i++) {
        if (snapshot->clusters[i].tls != NULL)
            return true;
    }
    for (uint32_t i = 0; i < snapshot->listener_count; i++) {
        const struct listener *listener = &snapshot->listeners[i];
        for (uint32_t k = 0; k < listener->chain_count; k++) {
            if (listener->chains[k].tls != NULL)
                return true;
        }
    }
    return false;
}

bool world_has_tls(const struct world *world)
{
    bool is_spoken = false;
    for (uint32_t i = 0; i < world->pod_count; i++)
        is_spoken |= world->pods[i].is_played || world->pods[i].behaviour.tls.is_set;
    for (uint32_t i = 0; i < world->client_count; i++)
        is_spoken |= world->clients[i].spec.tls.is_set;
    for (uint32_t i = 0; i < world->client_count; i++) {
        const struct snapshot *snapshot = world->clients[i].snapshot;
        if (is_spoken && snapshot != NULL && has_tls(snapshot))
            return true;
    }
    return false;
}

const struct keyring *world_keyring(struct world *world, uint32_t index, bool is_sealed)
{
    struct world_client *client = &world->clients[index];
    ASSERT(world_snapshot(world, index) != NULL);
    if (client->keyring == NULL)
        client->keyring = make(world, client, NULL);
    if (is_sealed)
        seal(world, client->keyring);
    return client->keyring;
}

void world_make_keyrings(struct world *world, struct diag_list *diags)
{
    for (uint32_t i = 0; i < world->client_count; i++) {
        struct world_client *client = &world->clients[i];
        if (world_snapshot(world, i) != NULL && client->keyring == NULL)
            client->keyring = make(world, client, diags);
    }
}

/* Does the gateway show what a Secret holds? */
static bool has_own_certificate(struct world *world, uint32_t client)
{
    if (world_snapshot(world, client) == NULL)
        return false;
    const struct keyring *keyring = world_keyring(world, client, false);
    for (uint32_t i = 0; i < keyring->count; i++) {
        const struct secret *secret = &keyring->items[i];
        if (is_secret_name(secret->name) && secret->certificate != NULL &&
            !str_eq(secret->certificate->issuer, STR(AUTHORITY_PUBLIC)))
            return true;
    }
    return false;
}

/* What a caller to a gateway shows: names of its own, or those that its fault leaves. */
static void add_caller_names(struct keymaker *maker, const struct client_tls_spec *spec,
                             struct certificate_wish *wish)
{
    struct world *world = maker->world;
    bool is_mesh = spec->mode == CALLER_TLS_ISTIO_MUTUAL;
    bool is_wrong = spec->fault == CERTIFICATE_WRONG_SAN;
    const char *who = is_wrong ? "stranger" : "client";
    struct str one = str_of(who);
    const struct str *names = is_wrong ? NULL : spec->names;
    uint32_t count = is_wrong ? 0 : spec->name_count;
    if (count == 0) {
        struct str domain = maker->client->spec.trust_domain;
        if (domain.len == 0)
            domain = world->spec.trust_domain.len > 0 ? world->spec.trust_domain
                                                      : STR(WORLD_TRUST_DOMAIN);
        if (is_mesh)
            one = arena_format(arena_of(maker), "spiffe://%.*s/ns/%.*s/sa/%s", STR_FMT(domain),
                               STR_FMT(world->spec.namespace), who);
        names = &one;
        count = 1;
    }
    struct str *uris = ARENA_ARRAY(arena_of(maker), struct str, count);
    struct str *hosts = ARENA_ARRAY(arena_of(maker), struct str, count);
    for (uint32_t i = 0; i < count; i++) {
        if (str_contains(names[i], STR("://")))
            uris[wish->uri_count++] = names[i];
        else
            hosts[wish->name_count++] = names[i];
    }
    wish->uris = uris;
    wish->names = hosts;
}

/* NULL: it shows none. */
static const struct certificate *caller_certificate(struct keymaker *maker,
                                                    const struct client_tls_spec *spec)
{
    bool is_mesh = spec->mode == CALLER_TLS_ISTIO_MUTUAL;
    struct certificate_wish wish = {
        .issuer =
            authority_faulty(is_mesh ? STR(AUTHORITY_MESH) : STR(AUTHORITY_PUBLIC), spec->fault),
        .fault = spec->fault};
    if (spec->mode == CALLER_TLS_SIMPLE || spec->fault == CERTIFICATE_NONE)
        return NULL;
    add_caller_names(maker, spec, &wish);
    return authority_issue(maker->world->authority, &wish);
}

static struct tls_end *make_caller_end(struct world *world, uint32_t index)
{
    struct world_client *client = &world->clients[index];
    const struct client_tls_spec *spec = &client->spec.tls;
    struct keymaker maker = {.world = world, .client = client};
    bool is_mesh = spec->mode == CALLER_TLS_ISTIO_MUTUAL;
    struct str root = is_mesh ? STR("ROOTCA") : STR(AUTHORITY_PUBLIC);
    const struct certificate *own = caller_certificate(&maker, spec);
    struct tls_end *end = ARENA_NEW(world->arena, struct tls_end);
    add_authorities(&maker, root);
    if (own != NULL)
        add(&maker, OWN)->certificate = own;
    end->keyring = (struct keyring){.items = maker.items, .count = maker.count};
    set_versions(&client->spec.versions, &end->keyring);
    /* Who calls nobody by name does not look at the answer, nor who does not know the
     * authority of a Secret's certificate. */
    bool is_checking = is_mesh || (spec->has_sni && !has_own_certificate(world, index));
    end->client = (struct upstream_tls){
        .is_mesh = is_mesh,
        .certificate = own != NULL ? OWN : STR_EMPTY,
        .root = is_checking ? root : STR_EMPTY,
        .sni = spec->sni,
    };
    end->cluster =
        (struct cluster){.name = client->spec.name, .security = UPSTREAM_TLS, .tls = &end->client};
    return end;
}

const struct tls_end *world_caller_tls(struct world *world, uint32_t index, bool is_sealed)
{
    struct world_client *client = &world->clients[index];
    if (!client->spec.tls.is_set)
        return NULL;
    if (client->tls_end == NULL)
        client->tls_end = make_caller_end(world, index);
    if (is_sealed)
        seal(world, &client->tls_end->keyring);
    return client->tls_end;
}

const struct tls_end *world_pod_tls(struct world *world, uint32_t index, bool is_sealed)
{
    struct world_pod *pod = &world->pods[index];
    const struct behaviour_tls *spec = &pod->behaviour.tls;
    if (!spec->is_set)
        return NULL;
    struct certificate_wish wish = {
        .issuer = spec->authority.len > 0 ? spec->authority : STR(AUTHORITY_PUBLIC),
        .names = spec->names,
        .name_count = spec->name_count,
        .fault = spec->is_expired ? CERTIFICATE_EXPIRED : CERTIFICATE_RIGHT,
    };
    const struct certificate *issued = authority_issue(world->authority, &wish);
    if (pod->tls_end == NULL || pod->tls_end->keyring.items[0].certificate != issued) {
        struct keymaker maker = {.world = world};
        struct tls_end *end = ARENA_NEW(world->arena, struct tls_end);
        struct str *own = ARENA_NEW(world->arena, struct str);
        *own = OWN;
        add(&maker, OWN)->certificate = issued;
        end->keyring = (struct keyring){.items = maker.items, .count = maker.count};
        end->server = (struct downstream_tls){.certificates = own, .certificate_count = 1};
        pod->tls_end = end;
    }
    if (is_sealed)
        seal(world, &pod->tls_end->keyring);
    return pod->tls_end;
}
