/* SPDX-License-Identifier: Apache-2.0
 *
 * config/resource/host_list.h - lists of host names as Istio puts them
 * together: what two have in common, and who is meant in a namespace.
 *
 * Source: ISTIO.md 1.5, 2.18.
 */
#pragma once

#include "config/resource/label.h"

/* The more specific of each pair, one of each list, of which one is within the
 * other; each once, in the order of `a`, then `b`. */
struct text_list host_list_common(const struct text_list *a, const struct text_list *b,
                                  struct arena *arena);

/* The names of "NAMESPACE/NAME", "star slash NAME" or "NAME" that are for `namespace`. */
struct text_list host_list_for_namespace(const struct text_list *hosts, struct str namespace,
                                         struct arena *arena);
