/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/world/certificate.c - see certificate.h.
 */
#include "testbed/world/certificate.h"

#include <ctype.h>
#include <openssl/bn.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <time.h>

#define SERIAL_DIGITS_MIN 32u

static struct str serial_words(const X509 *certificate, struct arena *arena)
{
    BIGNUM *number = ASN1_INTEGER_to_BN(X509_get0_serialNumber(certificate), NULL);
    char *digits = number != NULL ? BN_bn2hex(number) : NULL;
    struct str out = STR_EMPTY;

    if (digits != NULL) {
        struct str text = str_of(digits);
        size_t zeros = text.len < SERIAL_DIGITS_MIN ? SERIAL_DIGITS_MIN - text.len : 0;
        char *place = arena_alloc(arena, zeros + text.len);
        for (size_t i = 0; i < zeros; i++)
            place[i] = '0';
        for (size_t i = 0; i < text.len; i++)
            place[zeros + i] = (char)tolower((unsigned char)text.ptr[i]);
        out = (struct str){place, zeros + text.len};
    }
    OPENSSL_free(digits);
    BN_free(number);
    return out;
}

static struct str time_words(const ASN1_TIME *time, struct arena *arena)
{
    struct tm parts;

    if (ASN1_TIME_to_tm(time, &parts) != 1)
        return STR_EMPTY;
    return arena_format(arena, "%04d-%02d-%02dT%02d:%02d:%02dZ", parts.tm_year + 1900,
                        parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec);
}

bool certificate_read(struct str pem, int64_t now_s, struct arena *arena,
                      struct certificate_words *out)
{
    time_t now = (time_t)now_s;
    BIO *bio = BIO_new_mem_buf(pem.ptr, (int)pem.len);
    X509 *certificate = bio != NULL ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;

    if (certificate != NULL) {
        const ASN1_TIME *from = X509_get0_notBefore(certificate);
        const ASN1_TIME *until = X509_get0_notAfter(certificate);
        *out = (struct certificate_words){
            .is_ca = (X509_get_extension_flags(certificate) & EXFLAG_CA) != 0,
            .is_valid = X509_cmp_time(from, &now) < 0 && X509_cmp_time(until, &now) > 0,
            .serial = serial_words(certificate, arena),
            .not_after = time_words(until, arena),
            .not_before = time_words(from, arena),
        };
    }
    X509_free(certificate);
    BIO_free(bio);
    return certificate != NULL;
}

bool certificate_decode(struct str base64, struct arena *arena, struct str *out)
{
    char *plain = arena_alloc(arena, base64.len + 4);
    unsigned char *bytes = arena_alloc(arena, base64.len + 4);
    size_t len = 0;

    for (size_t i = 0; i < base64.len; i++) {
        if (isspace((unsigned char)base64.ptr[i]) == 0)
            plain[len++] = base64.ptr[i];
    }
    int got = EVP_DecodeBlock(bytes, (const unsigned char *)plain, (int)len);
    if (got < 0)
        return false;
    /* OpenSSL counts the bytes that padding stands for. */
    size_t pad = 0;
    while (pad < 2 && pad < len && plain[len - 1 - pad] == '=')
        pad++;
    *out = (struct str){(const char *)bytes, (size_t)got - pad};
    return true;
}

struct str certificate_encode(struct str bytes, struct arena *arena)
{
    unsigned char *out = arena_alloc(arena, bytes.len / 3 * 4 + 5);
    int len = EVP_EncodeBlock(out, (const unsigned char *)bytes.ptr, (int)bytes.len);

    return (struct str){(const char *)out, (size_t)len};
}
