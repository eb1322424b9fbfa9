/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/crypto/x509_words.h - an X.509 certificate in the words of proxy/model/secret.h.
 */
#pragma once

#include <openssl/x509.h>

#include "base/arena.h"
#include "proxy/model/secret.h"

/* RFC 2253, in `arena`. */
struct str x509_name_words(const X509_NAME *name, struct arena *arena);
/* Its names, subjects and hash, in `arena`; not its times, issuer and PEM. */
void x509_words(X509 *certificate, struct certificate *out, struct arena *arena);
