/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/model/keyring.c - see keyring.h.
 */
#include "proxy/model/keyring.h"

#include <stddef.h>

static const struct str *copies(struct arena *arena, const struct str *items, uint32_t count)
{
    struct str *out = ARENA_ARRAY(arena, struct str, count);

    for (uint32_t i = 0; i < count; i++)
        out[i] = arena_str(arena, items[i]);
    return out;
}

const struct certificate *certificate_copy(struct arena *arena, const struct certificate *from)
{
    if (from == NULL)
        return NULL;
    struct certificate *out = ARENA_NEW(arena, struct certificate);
    *out = *from;
    out->issuer = arena_str(arena, from->issuer);
    out->uris = copies(arena, from->uris, from->uri_count);
    out->names = copies(arena, from->names, from->name_count);
    out->hash = arena_str(arena, from->hash);
    out->key_hash = arena_str(arena, from->key_hash);
    out->subject = arena_str(arena, from->subject);
    out->issuer_subject = arena_str(arena, from->issuer_subject);
    out->chain_pem = arena_str(arena, from->chain_pem);
    out->key_pem = arena_str(arena, from->key_pem);
    return out;
}

const struct keyring *keyring_copy(struct arena *arena, const struct keyring *keyring)
{
    struct keyring *out = ARENA_NEW(arena, struct keyring);
    struct secret *items = ARENA_ARRAY(arena, struct secret, keyring->count);

    for (uint32_t i = 0; i < keyring->count; i++) {
        const struct secret *from = &keyring->items[i];
        items[i] = (struct secret){
            .name = arena_str(arena, from->name),
            .certificate = certificate_copy(arena, from->certificate),
            .authorities = copies(arena, from->authorities, from->authority_count),
            .authority_count = from->authority_count,
            .authorities_pem = arena_str(arena, from->authorities_pem),
        };
    }
    *out = (struct keyring){.items = items,
                            .count = keyring->count,
                            .version_min = arena_str(arena, keyring->version_min),
                            .version_max = arena_str(arena, keyring->version_max)};
    return out;
}

static bool is_same_certificate(const struct certificate *a, const struct certificate *b)
{
    if (a == NULL || b == NULL)
        return a == b;
    return str_eq(a->chain_pem, b->chain_pem) && str_eq(a->key_pem, b->key_pem) &&
           str_eq(a->hash, b->hash);
}

static bool is_same_secret(const struct secret *a, const struct secret *b)
{
    return str_eq(a->name, b->name) && str_eq(a->authorities_pem, b->authorities_pem) &&
           is_same_certificate(a->certificate, b->certificate);
}

bool keyring_is_same(const struct keyring *a, const struct keyring *b)
{
    if (a == NULL || b == NULL)
        return a == b;
    bool is_same = a->count == b->count && str_eq(a->version_min, b->version_min) &&
                   str_eq(a->version_max, b->version_max);
    for (uint32_t i = 0; is_same && i < a->count; i++)
        is_same = is_same_secret(&a->items[i], &b->items[i]);
    return is_same;
}
