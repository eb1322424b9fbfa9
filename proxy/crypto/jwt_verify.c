/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/crypto/jwt_verify.c - see jwt_verify.h.
 *
 * Everything that OpenSSL made is freed at once; its queue of errors is emptied, for
 * whoever handshakes next in this thread.
 */
#include "proxy/crypto/jwt_verify.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <string.h>

#include "base/check.h"

#define POINT_BYTES_MAX (1u + 2u * 66u) /* of P-521, uncompressed */
#define SIGNATURE_BYTES_MAX 1024        /* of a number; no curve here has more than 66 */
#define RSA_BITS_MAX 16384              /* a modulus that is larger costs too much */

/* --- keys ---------------------------------------------------------------------- */

static EVP_PKEY *key_of_params(const char *type, OSSL_PARAM_BLD *build)
{
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(build);
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    EVP_PKEY *key = NULL;

    if (params != NULL && context != NULL && EVP_PKEY_fromdata_init(context) == 1 &&
        EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
        key = NULL;
    EVP_PKEY_CTX_free(context);
    OSSL_PARAM_free(params);
    return key;
}

static BIGNUM *number_of(struct str bytes)
{
    return BN_bin2bn((const unsigned char *)bytes.ptr, (int)bytes.len, NULL);
}

static EVP_PKEY *rsa_key(const struct jwk *key)
{
    if (key->n.len > RSA_BITS_MAX / 8 || key->e.len > RSA_BITS_MAX / 8)
        return NULL;
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    BIGNUM *n = number_of(key->n), *e = number_of(key->e);
    EVP_PKEY *out = NULL;

    if (build != NULL && OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n) == 1 &&
        OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, e) == 1)
        out = key_of_params("RSA", build);
    OSSL_PARAM_BLD_free(build);
    BN_free(n);
    BN_free(e);
    return out;
}

struct curve {
    struct str name, algorithm;
    const char *group;
    size_t bytes; /* of a coordinate */
};

static const struct curve CURVES[] = {
    {STR_INIT("P-256"), STR_INIT("ES256"), "P-256", 32},
    {STR_INIT("P-384"), STR_INIT("ES384"), "P-384", 48},
    {STR_INIT("P-521"), STR_INIT("ES512"), "P-521", 66},
};

static const struct curve *curve_of(struct str algorithm, const struct jwk *key)
{
    for (size_t i = 0; i < COUNT_OF(CURVES); i++) {
        if (str_eq(CURVES[i].name, key->curve) && str_eq(CURVES[i].algorithm, algorithm))
            return &CURVES[i];
    }
    return NULL;
}

/* Right-aligned; leading zeros may have been left out. */
static bool put_number(struct str bytes, size_t size, unsigned char *out)
{
    if (bytes.len > size)
        return false;
    memset(out, 0, size - bytes.len);
    memcpy(out + size - bytes.len, bytes.ptr, bytes.len);
    return true;
}

static EVP_PKEY *ec_key(const struct jwk *key, const struct curve *curve)
{
    unsigned char point[POINT_BYTES_MAX] = {POINT_CONVERSION_UNCOMPRESSED};
    EVP_PKEY *out = NULL;

    if (!put_number(key->x, curve->bytes, point + 1) ||
        !put_number(key->y, curve->bytes, point + 1 + curve->bytes))
        return NULL;
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    if (build != NULL &&
        OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, curve->group, 0) == 1 &&
        OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, point,
                                         1 + 2 * curve->bytes) == 1)
        out = key_of_params("EC", build);
    OSSL_PARAM_BLD_free(build);
    return out;
}

/* --- signatures ---------------------------------------------------------------- */

/* By the last three letters: "256", "384", "512". */
static const EVP_MD *digest_of(struct str algorithm)
{
    struct str size = str_from(algorithm, 2);

    if (str_eq(size, STR("256")))
        return EVP_sha256();
    if (str_eq(size, STR("384")))
        return EVP_sha384();
    return str_eq(size, STR("512")) ? EVP_sha512() : NULL;
}

static bool is_signed_by(EVP_PKEY *key, const EVP_MD *digest, bool is_pss, struct str text,
                         struct str signature)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    EVP_PKEY_CTX *key_context = NULL;
    bool is_ready = key != NULL && context != NULL &&
                    EVP_DigestVerifyInit(context, &key_context, digest, NULL, key) == 1;

    if (is_ready && is_pss)
        is_ready = EVP_PKEY_CTX_set_rsa_padding(key_context, RSA_PKCS1_PSS_PADDING) == 1 &&
                   EVP_PKEY_CTX_set_rsa_pss_saltlen(key_context, RSA_PSS_SALTLEN_DIGEST) == 1;
    bool is_right =
        is_ready && EVP_DigestVerify(context, (const unsigned char *)signature.ptr, signature.len,
                                     (const unsigned char *)text.ptr, text.len) == 1;
    EVP_MD_CTX_free(context);
    return is_right;
}

/* Two numbers side by side, of which OpenSSL wants DER. To Envoy's library they may have
 * leading zeros, and of an odd number of bytes the last one does not count. */
static bool is_signed_by_curve(const struct jwk *key, const struct curve *curve,
                               const EVP_MD *digest, struct str text, struct str signature)
{
    size_t half = signature.len / 2;
    if (half > SIGNATURE_BYTES_MAX)
        return false;
    ECDSA_SIG *pair = ECDSA_SIG_new();
    BIGNUM *r = number_of(str_slice(signature, 0, half));
    BIGNUM *s = number_of(str_slice(signature, half, 2 * half));
    if (pair == NULL || ECDSA_SIG_set0(pair, r, s) != 1) {
        BN_free(r);
        BN_free(s);
        ECDSA_SIG_free(pair);
        return false;
    }
    unsigned char *der = NULL;
    int size = i2d_ECDSA_SIG(pair, &der);
    EVP_PKEY *made = ec_key(key, curve);
    bool is_right = size > 0 && is_signed_by(made, digest, false, text,
                                             (struct str){(const char *)der, (size_t)size});
    EVP_PKEY_free(made);
    OPENSSL_free(der);
    ECDSA_SIG_free(pair);
    return is_right;
}

static bool is_hmac(const struct jwk *key, const EVP_MD *digest, struct str text,
                    struct str signature)
{
    unsigned char own[EVP_MAX_MD_SIZE];
    unsigned size = 0;

    return HMAC(digest, key->k.ptr, (int)key->k.len, (const unsigned char *)text.ptr, text.len, own,
                &size) != NULL &&
           size == signature.len && CRYPTO_memcmp(own, signature.ptr, size) == 0;
}

static bool is_ed25519(const struct jwk *key, struct str text, struct str signature)
{
    EVP_PKEY *made = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL,
                                                 (const unsigned char *)key->x.ptr, key->x.len);
    bool is_right = is_signed_by(made, NULL, false, text, signature);

    EVP_PKEY_free(made);
    return is_right;
}

static bool is_rsa(struct str algorithm, const struct jwk *key, struct str text,
                   struct str signature)
{
    EVP_PKEY *made = rsa_key(key);
    bool is_right = is_signed_by(made, digest_of(algorithm), str_has_prefix(algorithm, STR("PS")),
                                 text, signature);

    EVP_PKEY_free(made);
    return is_right;
}

static bool verify(struct str algorithm, const struct jwk *key, struct str text,
                   struct str signature)
{
    struct str family = str_slice(algorithm, 0, 2);
    bool is_of_rsa = str_eq(family, STR("RS")) || str_eq(family, STR("PS"));
    const struct curve *curve;

    switch (key->kind) {
    case JWK_RSA:
        return is_of_rsa && digest_of(algorithm) != NULL && is_rsa(algorithm, key, text, signature);
    case JWK_EC:
        curve = curve_of(algorithm, key);
        return curve != NULL &&
               is_signed_by_curve(key, curve, digest_of(algorithm), text, signature);
    case JWK_OCT:
        return str_eq(family, STR("HS")) && digest_of(algorithm) != NULL &&
               is_hmac(key, digest_of(algorithm), text, signature);
    case JWK_OKP:
        return str_eq(algorithm, STR("EdDSA")) && is_ed25519(key, text, signature);
    }
    UNREACHABLE("jwk_kind");
}

bool jwt_verify(struct str algorithm, const struct jwk *key, struct str signed_text,
                struct str signature)
{
    bool is_right = verify(algorithm, key, signed_text, signature);

    ERR_clear_error();
    return is_right;
}
