/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/model/secret.c - see secret.h.
 */
#include "proxy/model/secret.h"

#include <stddef.h>

const struct secret *keyring_find(const struct keyring *keyring, struct str name)
{
    for (uint32_t i = 0; keyring != NULL && i < keyring->count; i++) {
        if (str_eq(keyring->items[i].name, name))
            return &keyring->items[i];
    }
    return NULL;
}
