/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/inspect/flag.h - what Envoy's response flags mean.
 */
#pragma once

#include "base/str.h"

/* In a sentence; empty when it is not known. */
struct str flag_meaning(struct str flag);
