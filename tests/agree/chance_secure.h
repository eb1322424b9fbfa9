/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/agree/chance_secure.h - what a made-up mesh says about who may speak to whom, and
 * how: modes of both sides on every level, certificates and what is wrong with them, trust
 * domains, policies, who sees what, gateways with TLS, applications without a sidecar.
 *
 * All by the luck of chance->secure; where that is NULL nothing is said.
 */
#pragma once

#include "tests/agree/chance_inside.h"

/* Objects of their own. */
void secure_objects(struct chance *chance);
/* Within others: of a Service's port; of a trafficPolicy, behind what it has; of a rule's
 * spec, before its host; of a workload or a client. Each with its commas. */
void secure_port(struct chance *chance);
void secure_policy(struct chance *chance, bool is_subset);
void secure_rule(struct chance *chance);
void secure_party(struct chance *chance, bool is_client);
/* Lines of a test's `clients` and `workloads`. */
void secure_clients(struct chance *chance);
void secure_workloads(struct chance *chance);
/* A case of its own; false: nothing is said. */
bool secure_case(struct chance *chance);
