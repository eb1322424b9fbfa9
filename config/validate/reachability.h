/* SPDX-License-Identifier: Apache-2.0
 *
 * config/validate/reachability.h - rules and matches of a VirtualService that
 * never win: IST0130 and IST0131. Source: ISTIO.md 9.3, the last rows.
 *
 * Looked at are equal matches, and prefixes that cover later prefixes. Exact
 * paths, regexes and mixtures are not, as in Istio.
 */
#pragma once

#include "config/yaml/view.h"

/* `routes` is the list spec.http, spec.tcp or spec.tls. */
void reachability_check(const struct view *routes, bool is_http);
