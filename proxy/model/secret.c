/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/model/secret.c - see secret.h.
 */
#include "proxy/model/secret.h"

#include <stddef.h>

#define BEGIN "-----BEGIN "
#define END "-----END "
#define KEY "PRIVATE KEY-----"

/* Where the block of a key begins in `text`, *end: behind it; STR_NONE: there is none. One
 * that does not end goes to the end. */
static size_t find_key(struct str text, size_t *end)
{
    size_t from = 0, begin;
    while ((begin = str_find_str(str_from(text, from), STR(BEGIN))) != STR_NONE) {
        begin += from;
        from = begin + sizeof(BEGIN) - 1;
        size_t line = str_find(str_from(text, from), '\n');
        struct str label = str_slice(text, from, line == STR_NONE ? text.len : from + line);
        if (!str_contains(label, STR(KEY)))
            continue;
        size_t last = str_find_str(str_from(text, from), STR(END));
        size_t rest = last == STR_NONE ? STR_NONE : str_find(str_from(text, from + last), '\n');
        *end = rest == STR_NONE ? text.len : from + last + rest + 1;
        return begin;
    }
    return STR_NONE;
}

struct str secret_without_keys(struct str pem, struct arena *arena)
{
    size_t begin, end;
    while ((begin = find_key(pem, &end)) != STR_NONE)
        pem = arena_concat(arena, str_slice(pem, 0, begin), str_from(pem, end));
    return pem;
}

const struct secret *keyring_find(const struct keyring *keyring, struct str name)
{
    for (uint32_t i = 0; keyring != NULL && i < keyring->count; i++) {
        if (str_eq(keyring->items[i].name, name))
            return &keyring->items[i];
    }
    return NULL;
}
