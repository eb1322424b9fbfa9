/* SPDX-License-Identifier: Apache-2.0
 *
 * config/validate/cel.h - is a text an expression of the Common Expression
 * Language? Syntax only; names and types are not looked up, as Istio's webhook
 * does not either. Source: CEL's language definition, "Syntax".
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

struct cel_answer {
    bool is_fine;
    const char *error; /* when it is not */
    size_t column;     /* from 1: where */
};

struct cel_answer cel_check(struct str text);
