/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/core/jwt.c - see jwt.h.
 */
#include "proxy/core/jwt.h"

#include "base/check.h"
#include "proxy/core/jwt_claim.h"
#include "proxy/core/jwt_find.h"
#include "proxy/core/query.h"
#include "proxy/model/limits.h"

#define CLOCK_SKEW_S 60 /* Envoy's default */
#define URI_PATH_BYTES_MAX 256u
#define ED25519_BYTES 64u
/* More of a head fits into no connection's buffer: escapes and base64 make claims larger. */
#define CLAIMS_BYTES_MAX (LIMIT_CONNECTION_BUFFER_BYTES / 2)

/* One provider being asked. */
struct asking {
    const struct jwt_question *asked;
    const struct jwt_provider *provider;
    struct jwt_answer *answer;
};

/* --- is it right? ---------------------------------------------------------------- */

static struct str bare_audience(struct str text)
{
    if (str_has_prefix(text, STR("http://")))
        text = str_from(text, 7);
    else if (str_has_prefix(text, STR("https://")))
        text = str_from(text, 8);
    return str_has_suffix(text, STR("/")) ? str_slice(text, 0, text.len - 1) : text;
}

static bool is_audience_allowed(const struct jwt_provider *provider, struct str audience)
{
    for (uint32_t i = 0; i < provider->audience_count; i++) {
        if (str_eq(bare_audience(provider->audiences[i]), bare_audience(audience)))
            return true;
    }
    return false;
}

static bool is_any_audience_allowed(const struct jwt_provider *provider,
                                    const struct json_value *audiences)
{
    if (provider->audience_count == 0)
        return true;
    if (audiences == NULL)
        return is_audience_allowed(provider, STR_EMPTY);
    if (audiences->kind == JSON_STRING)
        return is_audience_allowed(provider, audiences->text);
    for (uint32_t i = 0; i < audiences->count; i++) {
        if (is_audience_allowed(provider, audiences->items[i].text))
            return true;
    }
    return false;
}

static const struct jwk_set *keys_of(const struct asking *asking)
{
    const struct jwt_question *asked = asking->asked;

    for (struct jwt_keys *keys = *asked->keys; keys != NULL; keys = keys->next) {
        if (keys->provider == asking->provider)
            return &keys->set;
    }
    struct jwt_keys *keys = ARENA_NEW(asked->keys_arena, struct jwt_keys);
    *keys = (struct jwt_keys){
        .next = *asked->keys,
        .provider = asking->provider,
        .set = jwk_set_read(asking->provider->jwks, asked->keys_arena),
    };
    *asked->keys = keys;
    return &keys->set;
}

/* A key without an id can be any one's. */
static enum jwt_status check_signature(const struct asking *asking, const struct jwt_token *token)
{
    const struct jwk_set *set = keys_of(asking);
    bool is_any_meant = false;

    if (set->count == 0)
        return JWT_NO_KEYS;
    for (uint32_t i = 0; i < set->count; i++) {
        const struct jwk *key = &set->items[i];
        if (token->kid.len > 0 && key->kid.len > 0 && !str_eq(token->kid, key->kid))
            continue;
        if (key->algorithm.len > 0 && !str_eq(key->algorithm, token->algorithm))
            continue;
        is_any_meant = true;
        /* To Envoy such a key has one algorithm, whatever the token says. */
        bool is_ed25519 = key->kind == JWK_OKP;
        if (is_ed25519 && token->signature.len != ED25519_BYTES)
            return JWT_ED25519_LENGTH;
        struct str algorithm = is_ed25519 ? STR("EdDSA") : token->algorithm;
        if (asking->asked->verify != NULL &&
            asking->asked->verify(algorithm, key, token->signed_text, token->signature))
            return JWT_OK;
    }
    return is_any_meant ? JWT_VERIFICATION_FAIL : JWT_NO_KEY;
}

static enum jwt_status check(const struct asking *asking, const struct jwt_token *token)
{
    const struct jwt_provider *provider = asking->provider;
    uint64_t now_s = (uint64_t)asking->asked->now_s;

    if (provider->issuer.len > 0 && !str_eq(provider->issuer, token->issuer))
        return JWT_UNKNOWN_ISSUER;
    if (now_s + CLOCK_SKEW_S < token->start_s)
        return JWT_NOT_YET_VALID;
    if (token->expiry_s > 0 && token->expiry_s < now_s && now_s - token->expiry_s > CLOCK_SKEW_S)
        return JWT_EXPIRED;
    if (!is_any_audience_allowed(provider, token->audiences))
        return JWT_AUDIENCE_NOT_ALLOWED;
    return check_signature(asking, token);
}

/* --- what a right one does ------------------------------------------------------- */

/* Claims that list things with spaces between become lists. */
static void split_claims(const struct asking *asking, struct json_value *payload)
{
    const struct jwt_provider *provider = asking->provider;
    struct arena *arena = asking->asked->arena;

    for (uint32_t i = 0; i < payload->count; i++) {
        bool is_meant = false;
        for (uint32_t k = 0; k < provider->space_delimited_count; k++)
            is_meant |= str_eq(payload->keys[i], provider->space_delimited[k]);
        struct json_value *value = &payload->items[i];
        if (!is_meant || value->kind != JSON_STRING)
            continue;
        struct str rest = value->text;
        struct json_value list = {.kind = JSON_ARRAY,
                                  .items = ARENA_ARRAY(arena, struct json_value, rest.len / 2 + 1)};
        while (rest.ptr != NULL) {
            struct str word = str_cut(&rest, ' ');
            if (word.len > 0)
                list.items[list.count++] = (struct json_value){.kind = JSON_STRING, .text = word};
        }
        *value = list;
    }
}

/* "a.b" leads inside. */
static const struct json_value *named_claim(const struct json_value *payload, struct str name)
{
    const struct json_value *at = payload;

    while (name.ptr != NULL && at != NULL)
        at = at->kind == JSON_OBJECT ? json_get(at, str_cut(&name, '.')) : NULL;
    return at;
}

static void remove_token(const struct asking *asking, const struct jwt_found *found)
{
    struct request_head *head = asking->asked->head;

    if (found->place == JWT_IN_HEADER)
        header_remove(&head->headers, found->name);
    else if (found->place == JWT_IN_PARAM)
        head->path = query_without(head->path, found->name, asking->asked->arena);
}

/* No controls but the tab. */
static bool is_sendable(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if ((c < 0x20 && c != '\t') || c == 0x7f)
            return false;
    }
    return true;
}

static void accept(const struct asking *asking, struct jwt_token *token)
{
    const struct jwt_provider *provider = asking->provider;
    struct arena *arena = asking->asked->arena;
    struct header_list *headers = &asking->asked->head->headers;

    if (provider->payload_header.len > 0)
        header_append_line(headers, arena_str_lower(arena, provider->payload_header),
                           token->payload_text);
    for (uint32_t i = 0; i < provider->claim_count; i++) {
        const struct json_value *claim = named_claim(&token->payload, provider->claims[i].other);
        struct str text = claim != NULL ? jwt_claim_text(claim, arena) : STR_EMPTY;
        if (text.len == 0)
            continue;
        struct str name = arena_str_lower(arena, provider->claims[i].name);
        asking->answer->claim_bytes += text.len;
        bool is_too_much = asking->answer->claim_bytes > CLAIMS_BYTES_MAX;
        if (!is_too_much)
            header_append_line(headers, name, text);
        if ((is_too_much || !is_sendable(text)) && asking->answer->spoilt.len == 0)
            asking->answer->spoilt = name;
    }
    split_claims(asking, &token->payload);
    struct json_value *claims = ARENA_NEW(arena, struct json_value);
    *claims = token->payload;
    asking->answer->claims = claims;
    asking->answer->is_route_cleared |= provider->is_clearing_route_cache;
}

/* What the filter is to write, no caller writes. */
static void sanitize(const struct asking *asking)
{
    const struct jwt_provider *provider = asking->provider;
    struct arena *arena = asking->asked->arena;
    struct header_list *headers = &asking->asked->head->headers;

    if (provider->payload_header.len > 0)
        header_remove(headers, arena_str_lower(arena, provider->payload_header));
    for (uint32_t i = 0; i < provider->claim_count; i++)
        header_remove(headers, arena_str_lower(arena, provider->claims[i].name));
}

/* --- the requirement --------------------------------------------------------------- */

/* Each token that is where the provider's are must be right. */
static enum jwt_status ask(const struct asking *asking)
{
    sanitize(asking);
    struct jwt_finds finds = jwt_find(asking->provider, asking->asked->head, asking->asked->arena);
    if (finds.count == 0)
        return JWT_MISSED;
    asking->answer->provider = asking->provider;
    for (uint32_t i = 0; i < finds.count; i++) {
        struct jwt_token token;
        asking->answer->looked_at_count++;
        enum jwt_status status = jwt_token_read(finds.items[i].text, asking->asked->arena, &token);
        if (status == JWT_OK)
            status = check(asking, &token);
        if (status != JWT_OK)
            return status;
        accept(asking, &token);
    }
    /* Only when all of them were right: another provider may look at the same places. */
    for (uint32_t i = 0; i < finds.count && !asking->provider->is_forwarding; i++)
        remove_token(asking, &finds.items[i]);
    return JWT_OK;
}

/* What several say together when none is content: the last word that is neither "no
 * token" nor "another's token", else the latter. */
static enum jwt_status worse(enum jwt_status before, enum jwt_status now)
{
    if (now == JWT_MISSED || (now == JWT_UNKNOWN_ISSUER && before != JWT_MISSED))
        return before;
    return now;
}

/* Each one's token is right or not there. */
static enum jwt_status ask_all(const struct jwt_question *asked, struct jwt_answer *answer)
{
    for (uint32_t i = 0; i < asked->authn->provider_count; i++) {
        struct asking asking = {asked, &asked->authn->providers[i], answer};
        enum jwt_status status = ask(&asking);
        if (status != JWT_OK && status != JWT_MISSED)
            return status;
    }
    return JWT_OK;
}

struct jwt_answer jwt_judge(const struct jwt_question *asked)
{
    struct jwt_answer answer = {.status = JWT_MISSED};

    for (uint32_t i = 0; i < asked->authn->provider_count; i++) {
        struct asking asking = {asked, &asked->authn->providers[i], &answer};
        enum jwt_status status = ask(&asking);
        if (status == JWT_OK) {
            answer.status = JWT_OK;
            return answer;
        }
        answer.status = worse(answer.status, status);
    }
    if (asked->authn->provider_count == 1) { /* its own token or none */
        answer.status = answer.status == JWT_MISSED ? JWT_OK : answer.status;
        return answer;
    }
    enum jwt_status all = ask_all(asked, &answer);
    answer.status = all == JWT_OK ? JWT_OK : worse(answer.status, all);
    return answer;
}

/* --- the answer ---------------------------------------------------------------------- */

struct str jwt_challenge(enum jwt_status status, const struct request_head *head,
                         struct arena *arena)
{
    struct str proto = STR_EMPTY;

    (void)header_get(&head->headers, STR("x-forwarded-proto"), &proto);
    return arena_format(arena, "Bearer realm=\"%.*s://%.*s%.*s\"%s", STR_FMT(proto),
                        STR_FMT(head->authority),
                        STR_FMT(str_slice(head->path, 0, URI_PATH_BYTES_MAX)),
                        status == JWT_MISSED ? "" : ", error=\"invalid_token\"");
}

struct str jwt_details(enum jwt_status status, struct arena *arena)
{
    struct str words = arena_str(arena, jwt_status_words(status));
    char *text = arena_alloc(arena, words.len);

    for (size_t i = 0; i < words.len; i++)
        text[i] = words.ptr[i] == ' ' ? '_' : words.ptr[i];
    return arena_format(arena, "jwt_authn_access_denied{%.*s}", (int)words.len, text);
}

const struct json_value *jwt_claim(const struct json_value *claims, const struct str *path,
                                   uint32_t path_count)
{
    const struct json_value *at = claims;

    for (uint32_t i = 0; i < path_count && at != NULL; i++)
        at = at->kind == JSON_OBJECT ? json_get(at, path[i]) : NULL;
    return at;
}
