/* SPDX-License-Identifier: Apache-2.0
 *
 * config/validate/crd.h - what the API server would refuse by the schemas of
 * Istio's CRDs: required fields, limits, and the rules written in CEL. Much of
 * it the webhook says as well. Source: ISTIO.md 9.8.
 */
#pragma once

#include <stdbool.h>

#include "config/validate/schema.h"
#include "config/yaml/view.h"

void crd_check(const struct view *spec, enum schema_message message);
/* The complaint is one of crd_check's. */
bool crd_is_complaint(enum diag_id id);
