/* SPDX-License-Identifier: Apache-2.0
 *
 * config/validate/route_part.h - the fields of an HTTP rule; each is asked with
 * the rule that has it. Source: ISTIO.md 9.2, 9.3.
 */
#pragma once

#include "config/yaml/view.h"

void route_part_check_matches(const struct view *route);
void route_part_check_headers(const struct view *route); /* also of a destination */
void route_part_check_cors(const struct view *route);
void route_part_check_fault(const struct view *route);
void route_part_check_mirrors(const struct view *route);
void route_part_check_redirect(const struct view *route);
void route_part_check_response(const struct view *route);
void route_part_check_retries(const struct view *route);
/* With the rule that the authority is set in one place only. */
void route_part_check_rewrite(const struct view *route);
