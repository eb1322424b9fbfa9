/* SPDX-License-Identifier: Apache-2.0
 *
 * config/translate/settings.h - the ProxyConfig that a proxy goes by.
 */
#pragma once

#include "config/translate/context.h"

/* Fills t->settings: MeshConfig's, then those of the kind ProxyConfig of the root and of
 * the proxy's namespace, its pod's annotation, and that which selects it. */
void settings_find(struct translation *t);

/* What of them every chain is told. */
void settings_apply(const struct translation *t, struct filter_chain *chain);
