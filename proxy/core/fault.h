/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/core/fault.h - Envoy's fault filter: is this request delayed, is it
 * aborted, and with what?
 *
 * Pure. Delay and abort are two draws of their own; the abort is drawn when the
 * delay is over. Source: ENVOY.md 4.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/rng.h"
#include "proxy/model/policy.h"

/* `policy` may be NULL everywhere. */

/* How long it waits; 0: not at all. Draws once when the policy has a delay. */
int64_t fault_delay_ns(const struct fault_policy *policy, struct rng *rng);

/* Draws once when the policy has an abort with a share. */
bool fault_is_aborted(const struct fault_policy *policy, struct rng *rng);

/* The status of an abort's answer: gRPC statuses are told with 200. */
uint32_t fault_abort_status(const struct fault_policy *policy);
