/* SPDX-License-Identifier: Apache-2.0
 *
 * config/translate/envoy_filter.h - EnvoyFilters, which are not applied: what each of
 * them would have changed for a proxy is said.
 */
#pragma once

#include "config/translate/context.h"

/* A warning for each patch that would have matched something of the snapshot, at its
 * line, unless t->diags has it already. After everything else is translated. */
void envoy_filter_complain(struct translation *t);
