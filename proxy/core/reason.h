/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/core/reason.h - reasons and failures as tables (reason.def, failure.def)
 * and Envoy's response flags.
 */
#pragma once

#include <stdint.h>

#include "base/str.h"

enum reason {
    REASON_NONE,
#define X(id, flag, status, details, body, english) REASON_##id,
#include "proxy/core/reason.def"
#undef X
};

enum failure {
    FAILURE_NONE,
#define X(id, words, flag, status) FAILURE_##id,
#include "proxy/core/failure.def"
#undef X
};

struct reason_row {
    struct str flag;
    uint32_t status;
    struct str details;
    struct str body;
    struct str english;
};

struct failure_row {
    struct str words;
    struct str flag;
    uint32_t status;
};

const struct reason_row *reason_row(enum reason reason);
const struct failure_row *failure_row(enum failure failure);

/* "UF" is "UpstreamConnectionFailure": the long name of a response flag; the
 * flag itself when it has none. ENVOY.md 10.1. */
struct str reason_flag_long(struct str flag);
