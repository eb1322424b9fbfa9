/* SPDX-License-Identifier: Apache-2.0
 *
 * base/origin.h - where in the user's files something was said.
 *
 * Every noun of a snapshot carries one. A noun that nobody wrote (a default,
 * a derived pod) has line 0; `file` may still name what it was derived from.
 */
#pragma once

#include <stdint.h>

#include "base/str.h"

struct origin {
    struct str file;
    uint32_t line;   /* from 1; 0: nobody wrote it */
    uint32_t column; /* from 1 */
};
