/* SPDX-License-Identifier: Apache-2.0
 *
 * config/analyze/certificate.h - from when until when a certificate is valid.
 *
 * As much of X.509 as that takes; nobody's signature is checked, as Istio's
 * analyzers check none. Source: RFC 5280 4.1, RFC 7468.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"

/* The first PEM block of `pem` holds certificates, and all of them are valid at
 * `now_ns` (since 1970). */
bool certificate_is_valid(struct str pem, int64_t now_ns, struct arena *arena);
