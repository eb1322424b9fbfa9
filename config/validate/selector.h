/* SPDX-License-Identifier: Apache-2.0
 *
 * config/validate/selector.h - to whom an object applies: workload selectors,
 * target references, exportTo. Source: ISTIO.md 9.2, 9.7.
 */
#pragma once

#include "config/yaml/view.h"

/* spec.selector, targetRef and targetRefs of the policies. */
void selector_check_policy(const struct view *spec);
/* A WorkloadSelector with matchLabels. */
void selector_check_labels(const struct view *selector);
/* spec.workloadSelector of the older kinds; `warning` is what is said when it
 * has no labels. False: its labels are wrong, and Istio looks at nothing else. */
bool selector_check_workload(const struct view *spec, enum diag_id warning);

struct selector_scope {
    struct str namespace; /* of the object */
    bool is_service_entry;
    bool has_workload_selector; /* a DestinationRule's */
};

void selector_check_export_to(const struct view *spec, struct selector_scope scope);
