/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/core/jwt_token.c - see jwt_token.h.
 */
#include "proxy/core/jwt_token.h"

#include "base/base64.h"
#include "base/check.h"

#define SECTION_COUNT 3u
#define UINT64_END 18446744073709551616.0

struct str jwt_status_words(enum jwt_status status)
{
    static const struct str WORDS[] = {
#define X(id, words) [JWT_##id] = STR_INIT(words),
#include "proxy/core/jwt_status.def"
#undef X
    };
    return WORDS[status];
}

/* --- tokens -------------------------------------------------------------------- */

/* Exactly three; empty ones do not count. */
static bool cut_sections(struct str text, struct str out[SECTION_COUNT])
{
    uint32_t count = 0;

    while (text.ptr != NULL) {
        struct str part = str_cut(&text, '.');
        if (part.len == 0)
            continue;
        if (count == SECTION_COUNT)
            return false;
        out[count++] = part;
    }
    return count == SECTION_COUNT;
}

/* As protobuf does, to which null is an object without members. */
static bool read_object(struct str text, struct arena *arena, struct json_value *out)
{
    size_t where;

    if (json_read_protobuf(text, arena, out, &where) != RC_OK)
        return false;
    if (out->kind == JSON_NULL)
        out->kind = JSON_OBJECT;
    return out->kind == JSON_OBJECT;
}

static bool is_known(struct str algorithm)
{
    static const struct str KNOWN[] = {
        STR_INIT("ES256"), STR_INIT("ES384"), STR_INIT("ES512"), STR_INIT("HS256"),
        STR_INIT("HS384"), STR_INIT("HS512"), STR_INIT("RS256"), STR_INIT("RS384"),
        STR_INIT("RS512"), STR_INIT("PS256"), STR_INIT("PS384"), STR_INIT("PS512"),
        STR_INIT("EdDSA"),
    };
    for (size_t i = 0; i < COUNT_OF(KNOWN); i++) {
        if (str_eq(algorithm, KNOWN[i]))
            return true;
    }
    return false;
}

/* False: it is there and no string. */
static bool read_text(const struct json_value *object, struct str key, struct str *out)
{
    const struct json_value *value = json_get(object, key);

    *out = value != NULL && value->kind == JSON_STRING ? value->text : STR_EMPTY;
    return value == NULL || value->kind == JSON_STRING;
}

static enum jwt_status read_header(struct str section, struct arena *arena, struct jwt_token *out)
{
    struct json_value header;
    struct str text;

    if (!base64url_decode(section, arena, &text))
        return JWT_HEADER_BAD_BASE64;
    if (!read_object(text, arena, &header))
        return JWT_HEADER_BAD_JSON;
    if (!read_text(&header, STR("alg"), &out->algorithm) || json_get(&header, STR("alg")) == NULL)
        return JWT_HEADER_BAD_ALG;
    if (!is_known(out->algorithm))
        return JWT_HEADER_UNKNOWN_ALG;
    return read_text(&header, STR("kid"), &out->kid) ? JWT_OK : JWT_HEADER_BAD_KID;
}

/* `bad`: it is no integer; `bad` + 1: one that is out of range. */
static enum jwt_status read_time(const struct json_value *object, struct str key,
                                 enum jwt_status bad, uint64_t *out)
{
    const struct json_value *value = json_get(object, key);

    *out = 0;
    if (value == NULL)
        return JWT_OK;
    if (value->kind != JSON_NUMBER)
        return bad;
    if (value->number < 0 || value->number >= UINT64_END)
        return (enum jwt_status)((unsigned)bad + 1);
    *out = (uint64_t)value->number; /* what is behind the point is dropped */
    return JWT_OK;
}

static bool is_audience(const struct json_value *value)
{
    if (value->kind != JSON_ARRAY)
        return value->kind == JSON_STRING;
    for (uint32_t i = 0; i < value->count; i++) {
        if (value->items[i].kind != JSON_STRING)
            return false;
    }
    return true;
}

static enum jwt_status read_payload(struct str section, struct arena *arena, struct jwt_token *out)
{
    struct str text, id;
    uint64_t birth_s;

    if (!base64url_decode(section, arena, &text))
        return JWT_PAYLOAD_BAD_BASE64;
    if (!read_object(text, arena, &out->payload))
        return JWT_PAYLOAD_BAD_JSON;
    const struct json_value *payload = &out->payload;
    if (!read_text(payload, STR("iss"), &out->issuer))
        return JWT_PAYLOAD_BAD_ISS;
    if (!read_text(payload, STR("sub"), &out->subject))
        return JWT_PAYLOAD_BAD_SUB;
    enum jwt_status status = read_time(payload, STR("iat"), JWT_PAYLOAD_BAD_IAT, &birth_s);
    if (status == JWT_OK)
        status = read_time(payload, STR("nbf"), JWT_PAYLOAD_BAD_NBF, &out->start_s);
    if (status == JWT_OK)
        status = read_time(payload, STR("exp"), JWT_PAYLOAD_BAD_EXP, &out->expiry_s);
    if (status != JWT_OK)
        return status;
    if (!read_text(payload, STR("jti"), &id))
        return JWT_PAYLOAD_BAD_JTI;
    out->audiences = json_get(payload, STR("aud"));
    return out->audiences == NULL || is_audience(out->audiences) ? JWT_OK : JWT_PAYLOAD_BAD_AUD;
}

enum jwt_status jwt_token_read(struct str text, struct arena *arena, struct jwt_token *out)
{
    struct str sections[SECTION_COUNT];

    *out = (struct jwt_token){0};
    if (!cut_sections(text, sections))
        return JWT_BAD_FORMAT;
    enum jwt_status status = read_header(sections[0], arena, out);
    if (status == JWT_OK)
        status = read_payload(sections[1], arena, out);
    if (status != JWT_OK)
        return status;
    out->payload_text = sections[1];
    out->signed_text = arena_format(arena, "%.*s.%.*s", STR_FMT(sections[0]), STR_FMT(sections[1]));
    return base64url_decode(sections[2], arena, &out->signature) ? JWT_OK
                                                                 : JWT_SIGNATURE_BAD_BASE64;
}

/* --- keys ---------------------------------------------------------------------- */

static bool read_bytes(const struct json_value *object, struct str key, struct arena *arena,
                       struct str *out)
{
    struct str text;
    return read_text(object, key, &text) && text.len > 0 && base64url_decode(text, arena, out);
}

static bool begins_with(struct str algorithm, struct str one, struct str other)
{
    return algorithm.len == 0 || str_has_prefix(algorithm, one) || str_has_prefix(algorithm, other);
}

static bool read_key(const struct json_value *object, struct arena *arena, struct jwk *out)
{
    struct str kind;

    *out = (struct jwk){0};
    if (object->kind != JSON_OBJECT || !read_text(object, STR("kty"), &kind) ||
        !read_text(object, STR("kid"), &out->kid) ||
        !read_text(object, STR("alg"), &out->algorithm))
        return false;
    if (str_eq(kind, STR("RSA"))) {
        out->kind = JWK_RSA;
        return begins_with(out->algorithm, STR("RS"), STR("PS")) &&
               read_bytes(object, STR("n"), arena, &out->n) &&
               read_bytes(object, STR("e"), arena, &out->e);
    }
    if (str_eq(kind, STR("EC"))) {
        out->kind = JWK_EC;
        return begins_with(out->algorithm, STR("ES"), STR("ES")) &&
               read_text(object, STR("crv"), &out->curve) &&
               read_bytes(object, STR("x"), arena, &out->x) &&
               read_bytes(object, STR("y"), arena, &out->y);
    }
    if (str_eq(kind, STR("oct"))) {
        out->kind = JWK_OCT;
        return begins_with(out->algorithm, STR("HS"), STR("HS")) &&
               read_bytes(object, STR("k"), arena, &out->k);
    }
    out->kind = JWK_OKP;
    return str_eq(kind, STR("OKP")) && begins_with(out->algorithm, STR("EdDSA"), STR("EdDSA")) &&
           read_text(object, STR("crv"), &out->curve) && str_eq(out->curve, STR("Ed25519")) &&
           read_bytes(object, STR("x"), arena, &out->x);
}

struct jwk_set jwk_set_read(struct str text, struct arena *arena)
{
    struct json_value document;
    struct jwk_set out = {0};

    if (!read_object(text, arena, &document))
        return out;
    const struct json_value *keys = json_get(&document, STR("keys"));
    if (keys == NULL || keys->kind != JSON_ARRAY)
        return out;
    struct jwk *items = ARENA_ARRAY(arena, struct jwk, keys->count);
    for (uint32_t i = 0; i < keys->count; i++)
        out.count += read_key(&keys->items[i], arena, &items[out.count]);
    out.items = items;
    return out;
}
