/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/config/translate/fixture.h - one proxy's snapshot from YAML in the
 * test's own text, and short questions to it.
 */
#pragma once

#include "config/derive/derive.h"
#include "config/resource/mesh_types.h"
#include "config/translate/translate.h"
#include "tests/config/mesh_text.h"

struct fixture {
    struct arena arena;
    struct diag_list diags;
    struct mesh *mesh;
    struct snapshot *snapshot;
};

/* A Service `name` with one port. */
#define SERVICE(name, port_name, port)                            \
    "apiVersion: v1\nkind: Service\nmetadata: {name: " name "}\n" \
    "spec: {selector: {app: " name "}, ports: [{name: " port_name ", port: " port "}]}\n---\n"
#define VIRTUAL_SERVICE(name)                                                                     \
    "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: " name "}\nspec:" \
    "\n"
#define DESTINATION_RULE(name)                                                                     \
    "apiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: {name: " name "}\nspec:" \
    "\n"
#define GATEWAY(name)                                                           \
    "apiVersion: networking.istio.io/v1\nkind: Gateway\nmetadata: {name: " name \
    "}\nspec:\n  selector: {istio: ingressgateway}\n"
#define POD(name, app)                                                                \
    "apiVersion: v1\nkind: Pod\nmetadata: {name: " name ", labels: {app: " app "}}\n" \
    "spec: {containers: []}\n---\n"

static inline void fixture_init(struct fixture *out, const char *text,
                                const struct proxy_identity *proxy, const char *profile)
{
    struct documents documents = {0};
    arena_init(&out->arena, 64 * 1024, 0);
    diag_list_init(&out->diags, &out->arena);
    tree_read(STR("mesh.yaml"), str_of(text), &out->arena, &documents, &out->diags);
    out->mesh = mesh_new(&out->arena, &out->diags);
    for (uint32_t i = 0; i < documents.count; i++)
        mesh_add_document(out->mesh, documents.items[i]);
    mesh_complete(out->mesh);
    out->snapshot = translate_proxy(out->mesh, proxy, profile_find(str_of(profile)), &out->diags);
}

static inline void fixture_sidecar(struct fixture *out, const char *text)
{
    static const struct label labels[] = {{STR_INIT("app"), STR_INIT("client")}};
    static const struct proxy_identity client = {
        .type = PROXY_SIDECAR,
        .name = STR_INIT("client-0"),
        .namespace = STR_INIT("default"),
        .labels = labels,
        .label_count = 1,
        .address = STR_INIT("127.9.9.9"),
        .service_account = STR_INIT("default"),
    };
    fixture_init(out, text, &client, "istio-latest");
}

static inline void fixture_gateway(struct fixture *out, const char *text)
{
    static const struct label labels[] = {{STR_INIT("istio"), STR_INIT("ingressgateway")}};
    static const struct proxy_identity gateway = {
        .type = PROXY_ROUTER,
        .name = STR_INIT("gateway-0"),
        .namespace = STR_INIT("istio-system"),
        .labels = labels,
        .label_count = 1,
        .address = STR_INIT("127.9.9.8"),
        .service_account = STR_INIT("default"),
    };
    fixture_init(out, text, &gateway, "istio-latest");
}

static inline void fixture_fini(struct fixture *fixture)
{
    snapshot_drop(fixture->snapshot);
    arena_fini(&fixture->arena);
}

static inline const struct route_config *fixture_table(const struct fixture *fixture,
                                                       const char *name)
{
    for (uint32_t i = 0; i < fixture->snapshot->route_config_count; i++) {
        if (str_eq(fixture->snapshot->route_configs[i].name, str_of(name)))
            return &fixture->snapshot->route_configs[i];
    }
    return NULL;
}

/* The virtual host of that name, or NULL. */
static inline const struct virtual_host *fixture_host(const struct fixture *fixture,
                                                      const char *table, const char *name)
{
    const struct route_config *config = fixture_table(fixture, table);
    for (uint32_t i = 0; config != NULL && i < config->virtual_host_count; i++) {
        if (str_eq(config->virtual_hosts[i].name, str_of(name)))
            return &config->virtual_hosts[i];
    }
    return NULL;
}

/* "a,b,c": what the routes of a host lead to, one word each. */
static inline struct str fixture_routes(struct fixture *fixture, const char *table,
                                        const char *name)
{
    const struct virtual_host *host = fixture_host(fixture, table, name);
    struct str out = STR("");
    if (host == NULL)
        return STR("no such host");
    for (uint32_t i = 0; i < host->route_count; i++) {
        const struct route *route = &host->routes[i];
        struct str word = STR("weighted");
        if (route->action == ROUTE_REDIRECT)
            word = STR("redirect");
        else if (route->action == ROUTE_DIRECT_RESPONSE)
            word = STR("direct");
        else if (route->forward.cluster.len > 0)
            word = route->forward.cluster;
        out = arena_format(&fixture->arena, "%.*s%s%.*s", STR_FMT(out), i > 0 ? "," : "",
                           STR_FMT(word));
    }
    return out;
}

static inline struct str fixture_domains(struct fixture *fixture, const struct virtual_host *host)
{
    struct str out = STR("");
    for (uint32_t i = 0; i < host->domain_count; i++)
        out = arena_format(&fixture->arena, "%.*s%s%.*s", STR_FMT(out), i > 0 ? "," : "",
                           STR_FMT(host->domains[i]));
    return out;
}

static inline void assert_text(struct fixture *fixture, struct str got, const char *want)
{
    assert_string_equal(arena_str(&fixture->arena, got).ptr, want);
}
