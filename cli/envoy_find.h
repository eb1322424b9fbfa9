/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/envoy_find.h - where a real Envoy is on this machine.
 */
#pragma once

#include "base/arena.h"
#include "base/str.h"

/* $ENVOY, else `envoy` on PATH, else what `make envoy` put below build/. NULL: there
 * is none that can be run, *why says where it was looked for. */
const char *envoy_find(struct arena *arena, struct str *why);
