/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/inspect/credential.c - see credential.h.
 */
#include "testbed/inspect/credential.h"

#include "testbed/world/keyrings.h"
#include "testbed/world/secrets.h"

/* Without its kind: "kubernetes://shop-cert" is shop-cert. */
static struct str plain_name(struct str name)
{
    size_t at = str_find_str(name, STR("://"));
    return at == STR_NONE ? name : str_from(name, at + STR("://").len);
}

/* Is it what the Secret holds, or was it made? The public authority stands for all that is
 * made. */
static bool is_made(const struct secret *secret)
{
    if (secret->certificate != NULL)
        return str_eq(secret->certificate->issuer, STR(AUTHORITY_PUBLIC));
    return secret->authority_count == 1 && str_eq(secret->authorities[0], STR(AUTHORITY_PUBLIC));
}

struct credential credential_of(struct world *world, uint32_t client, struct str name,
                                bool is_authority, struct arena *arena)
{
    const struct secret *secret = keyring_find(world_keyring(world, client, false), name);
    const struct node *node =
        secrets_find(&world->manifests, world->clients[client].spec.namespace, name, is_authority);
    struct str plain = plain_name(name);
    struct credential out = {.is_absent = secret == NULL};
    if (str_eq(name, STR("default")) || str_eq(name, STR("ROOTCA"))) {
        out.words = is_authority ? STR("the mesh's authority") : STR("its own, of the mesh");
        return out;
    }
    if (str_eq(name, STR("file-root:system"))) {
        out.words = STR("the system's");
        return out;
    }
    if (secret != NULL && str_has_prefix(name, STR("file-"))) {
        out.words = arena_format(arena, "%.*s, a proxy's own files are not here: one is made",
                                 STR_FMT(name));
        return out;
    }
    if (node != NULL) {
        out.origin = node->origin;
        out.words = arena_format(arena, "%.*s, %.*s/%.*s.%.*s", STR_FMT(plain),
                                 STR_FMT(manifest_kind(node)), STR_FMT(manifest_name(node)),
                                 STR_FMT(manifest_namespace(node)));
        if (secret != NULL && is_made(secret))
            out.words =
                arena_format(arena, "%.*s, which holds nothing that can be read: one is made",
                             STR_FMT(out.words));
    } else if (secret == NULL) {
        out.words = arena_format(arena, "%.*s was never delivered", STR_FMT(plain));
    } else {
        out.words =
            arena_format(arena, "%.*s, not among the manifests: one is made", STR_FMT(plain));
    }
    return out;
}
