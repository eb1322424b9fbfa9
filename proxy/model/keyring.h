/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/model/keyring.h - a keyring as a whole: copied, and compared by what it holds.
 */
#pragma once

#include <stdbool.h>

#include "base/arena.h"
#include "proxy/model/secret.h"

/* A copy with all its words, in `arena`; NULL of NULL. */
const struct certificate *certificate_copy(struct arena *arena, const struct certificate *from);
const struct keyring *keyring_copy(struct arena *arena, const struct keyring *keyring);
/* Would every handshake go the same way? By names and PEM, in order; either may be NULL. */
bool keyring_is_same(const struct keyring *a, const struct keyring *b);
