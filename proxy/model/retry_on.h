/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/model/retry_on.h - the words of Envoy's retry_on, as a set.
 *
 * Commas separate, blanks around a word do not matter, unknown words are
 * ignored. Source: ENVOY.md 3.3.
 */
#pragma once

#include <stdint.h>

#include "base/str.h"

enum retry_on {
#define X(id, word) RETRY_ON_##id,
#include "proxy/model/retry_on.def"
#undef X
    RETRY_ON_COUNT,
};

#define RETRY_ON_BIT(id) (UINT32_C(1) << RETRY_ON_##id)

/* The set of those named: bits of RETRY_ON_BIT. */
uint32_t retry_on_read(struct str text);
struct str retry_on_word(enum retry_on word);
