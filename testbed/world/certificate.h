/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/world/certificate.h - base64 and the first certificate of a PEM text, by OpenSSL.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"

struct certificate_words {
    bool is_ca;
    bool is_valid;                    /* at the time asked about */
    struct str serial;                /* at least 32 hex digits, as istioctl prints it */
    struct str not_after, not_before; /* RFC 3339 */
};

/* False: the text does not begin with a certificate. Words in `arena`. */
bool certificate_read(struct str pem, int64_t now_s, struct arena *arena,
                      struct certificate_words *out);

/* White space is skipped. False: it is no base64. */
bool certificate_decode(struct str base64, struct arena *arena, struct str *out);
struct str certificate_encode(struct str bytes, struct arena *arena);
