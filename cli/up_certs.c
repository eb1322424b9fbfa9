/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/up_certs.c - the authority of `pocketmesh up`: kept over edits, saved below
 * --certs, replaced by Istio's Secret `cacerts`.
 *
 * Files that hold keys can be read by their owner only. No text says what is in one.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "base/ns.h"
#include "cli/up.h"
#include "testbed/world/files.h"
#include "testbed/world/keyrings.h"
#include "testbed/world/secrets.h"

#define AUTHORITY_FILE "authority-key.pem"
#define KEY_MODE 0600
#define PLAIN_MODE 0644
#define FOLDER_MODE 0700
/* How long proxies of before may still meet certificates that they do not know. */
#define SETTLE_NS (5 * NS_SECOND)
#define LOOK_NS (20 * NS_MS)

void up_take_certs(void *user, struct str value)
{
    struct up_job *job = user;
    if (value.len == 0)
        words_complain(&job->words, "--certs is a folder");
    job->certs_path = value;
}

static const char *path_of(const struct up_job *job, const char *name, struct arena *arena)
{
    return arena_format(arena, "%.*s/%s", STR_FMT(job->certs_path), name).ptr;
}

static bool complain(struct up_job *job, const char *path)
{
    words_complain(&job->words, "--certs: %s: %s", path, strerror(errno));
    return false;
}

static bool save(struct up_job *job, const char *name, struct str text, mode_t mode)
{
    struct arena scratch;
    arena_init(&scratch, 1024, 0);
    const char *path = path_of(job, name, &scratch);
    bool is_saved = files_replace(str_of(path), text, mode, &scratch);
    if (!is_saved)
        complain(job, path);
    arena_fini(&scratch);
    return is_saved;
}

/* 1: it is there; 0: there is none; -1: it cannot be read, which was said. */
static int read_saved(struct up_job *job, struct arena *arena, struct str *out)
{
    struct diag_list diags;
    const char *path = path_of(job, AUTHORITY_FILE, arena);
    diag_list_init(&diags, arena);
    if (access(path, F_OK) != 0 && errno == ENOENT)
        return 0;
    if (files_read_text(str_of(path), arena, (struct origin){0}, out, &diags))
        return 1;
    complain(job, path);
    return -1;
}

/* False: said. */
static bool load(struct up_job *job)
{
    struct arena scratch;
    struct str text;
    arena_init(&scratch, 4096, 0);
    int found = read_saved(job, &scratch, &text);
    bool is_fine = found >= 0;
    if (found == 1 && !authority_load(job->authority, text)) {
        words_complain(&job->words,
                       "--certs: %.*s/" AUTHORITY_FILE
                       " is not what `up` wrote there; remove it to begin anew",
                       STR_FMT(job->certs_path));
        is_fine = false;
    }
    if (found == 0)
        is_fine = save(job, AUTHORITY_FILE, authority_save(job->authority, &scratch), KEY_MODE);
    arena_fini(&scratch);
    return is_fine;
}

bool up_begin_certs(struct up_job *job)
{
    job->authority = authority_new(&job->words.arena);
    if (job->certs_path.len == 0)
        return true;
    struct str path = arena_format(&job->words.arena, "%.*s", STR_FMT(job->certs_path));
    if (mkdir(path.ptr, FOLDER_MODE) != 0 && errno != EEXIST)
        return complain(job, path.ptr);
    return load(job);
}

void up_end_certs(struct up_job *job)
{
    if (job->authority != NULL)
        authority_free(job->authority);
}

/* --- Istio's cacerts ------------------------------------------------------------- */

void up_offer_authority(struct up_job *job, const struct world *world, struct diag_list *diags)
{
    static const struct str KEYS[] = {STR_INIT("ca-cert.pem"), STR_INIT("ca-key.pem"),
                                      STR_INIT("cert-chain.pem"), STR_INIT("root-cert.pem")};
    struct authority_offer offer = {0};
    struct str *const PLACES[] = {&offer.certificate_pem, &offer.key_pem, &offer.chain_pem,
                                  &offer.root_pem};
    const struct node *secret =
        secrets_named(&world->manifests, STR("istio-system"), STR("cacerts"));
    struct origin origin = {0}, first = {0};
    const char *why = NULL;
    for (size_t i = 0; secret != NULL && i < COUNT_OF(KEYS) && why == NULL; i++) {
        if (!secrets_value(secret, KEYS[i], world->arena, PLACES[i], &origin))
            why = arena_format(world->arena, "%.*s is not base64", STR_FMT(KEYS[i])).ptr;
        first = i == 0 ? origin : first;
    }
    if (why == NULL && secret != NULL && offer.certificate_pem.len == 0)
        why = "it has no ca-cert.pem";
    if (why == NULL) {
        origin = first;
        why = authority_offer(job->authority, &offer);
    }
    if (why != NULL)
        diag_add(diags, DIAG_AUTHORITY_WRONG, origin, STR_EMPTY, str_of(why), STR_EMPTY, STR_EMPTY);
    else if (job->town == NULL) /* nobody has seen another one */
        authority_accept(job->authority);
}

static void on_look(uv_timer_t *timer)
{
    struct up_job *job = timer->data;
    struct loop *loop = town_loop(job->town);
    int64_t now_ns = loop_now_ns(loop);
    if (job->is_draining || !authority_has_offer(job->authority))
        return;
    if (!town_is_settled(job->town) && now_ns < job->settle_until_ns) {
        loop_timer_set(loop, &job->settling, ns_add(now_ns, LOOK_NS), on_look);
        return;
    }
    authority_accept(job->authority);
    job->read_again(job);
    if (!job->words.is_quiet)
        fputs("certificates: the mesh's authority is the one of Secret istio-system/cacerts now, "
              "and each proxy has a certificate of it\n",
              stderr);
}

void up_follow_authority(struct up_job *job)
{
    struct loop *loop = town_loop(job->town);
    if (!authority_has_offer(job->authority))
        return;
    job->settle_until_ns = ns_add(loop_now_ns(loop), SETTLE_NS);
    loop_timer_set(loop, &job->settling, ns_add(loop_now_ns(loop), LOOK_NS), on_look);
}

/* --- what others may use ----------------------------------------------------------- */

static bool save_pair(struct up_job *job, struct str name, const struct certificate *certificate)
{
    struct arena scratch;
    arena_init(&scratch, 1024, 0);
    const char *chain = arena_format(&scratch, "%.*s.pem", STR_FMT(name)).ptr;
    const char *key = arena_format(&scratch, "%.*s-key.pem", STR_FMT(name)).ptr;
    bool is_saved = save(job, chain, certificate->chain_pem, PLAIN_MODE) &&
                    save(job, key, certificate->key_pem, KEY_MODE);
    arena_fini(&scratch);
    return is_saved;
}

/* Of each workload that has a sidecar, by the name of its service account. */
static bool save_workloads(struct up_job *job, struct world *world)
{
    for (uint32_t i = 0; i < world->client_count; i++) {
        const struct world_client *client = &world->clients[i];
        const struct secret *own =
            client->keyring != NULL ? keyring_find(client->keyring, STR("default")) : NULL;
        if (own == NULL || own->certificate == NULL || own->certificate->chain_pem.len == 0)
            continue;
        struct str name =
            arena_format(world->arena, "%.*s.%.*s", STR_FMT(client->identity.service_account),
                         STR_FMT(client->identity.namespace));
        if (!str_contains(name, STR("/")) && !save_pair(job, name, own->certificate))
            return false;
    }
    return true;
}

bool up_save_certs(struct up_job *job, struct era *era)
{
    static const struct str CLIENT[] = {STR_INIT("client")};
    struct certificate_wish wish = {
        .issuer = STR(AUTHORITY_PUBLIC), .names = CLIENT, .name_count = COUNT_OF(CLIENT)};
    if (job->certs_path.len == 0)
        return true;
    const struct certificate *client = authority_issue(job->authority, &wish);
    authority_seal(job->authority, client);
    struct str all = arena_concat(&era->arena, authority_pem(job->authority, STR(AUTHORITY_PUBLIC)),
                                  authority_pem(job->authority, STR(AUTHORITY_MESH)));
    return save(job, "ca.pem", all, PLAIN_MODE) && save_pair(job, STR("client"), client) &&
           save_workloads(job, era->world);
}
