/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/sockets/envoy_guard.c - no Envoy and no file of its outlives us.
 *
 * A signal's handler may only read what stands still: each ward is written
 * before it is marked, and its mark goes before it does.
 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "testbed/sockets/envoy.h"
#include "testbed/sockets/envoy_inside.h"

static struct envoy_ward wards[ENVOYS_MAX];
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

struct envoy_ward *envoy_ward_new(void)
{
    struct envoy_ward *ward = NULL;
    ASSERT(pthread_mutex_lock(&mutex) == 0);
    for (size_t i = 0; i < COUNT_OF(wards) && ward == NULL; i++) {
        if (!wards[i].is_taken)
            ward = &wards[i];
    }
    if (ward != NULL)
        ward->is_taken = 1;
    ASSERT(pthread_mutex_unlock(&mutex) == 0);
    return ward;
}

bool envoy_ward_folder(struct envoy_ward *ward)
{
    static const char *const NAMES[ENVOY_FOLDER] = {"config.json", "log",          "admin",
                                                    "errors",      "secrets.json", "next.json"};
    const char *parent = getenv("TMPDIR");
    if (parent == NULL || parent[0] == '\0' || strlen(parent) > ENVOY_PATH_BYTES / 2)
        parent = "/tmp";
    char *folder = ward->paths[ENVOY_FOLDER];
    (void)snprintf(folder, ENVOY_PATH_BYTES, "%s/pocketmesh-XXXXXX", parent);
    if (mkdtemp(folder) == NULL)
        return false;
    for (size_t i = 0; i < COUNT_OF(NAMES); i++) {
        memcpy(ward->paths[i], folder, strlen(folder));
        (void)snprintf(ward->paths[i] + strlen(folder), ENVOY_PATH_BYTES - strlen(folder), "/%s",
                       NAMES[i]);
    }
    ward->has_files = 1;
    return true;
}

/* Like snprintf's "%s/endpoints%u.json", which a signal's handler may not call. */
static void name_endpoints(char *path, const char *folder, unsigned number)
{
    static const char HEAD[] = "/endpoints", TAIL[] = ".json";
    char digits[16];
    size_t count = 0, at = 0;
    do {
        digits[count++] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    for (size_t i = 0; folder[i] != '\0' && at < ENVOY_PATH_BYTES; i++)
        path[at++] = folder[i];
    for (size_t i = 0; HEAD[i] != '\0'; i++)
        path[at++] = HEAD[i];
    while (count > 0)
        path[at++] = digits[--count];
    for (size_t i = 0; i < sizeof(TAIL); i++)
        path[at++] = TAIL[i];
}

void envoy_ward_trim(struct envoy_ward *ward)
{
    for (size_t i = 0; i < ENVOY_FOLDER; i++)
        (void)unlink(ward->paths[i]);
}

/* Safe in a signal's handler. */
void envoy_ward_clean(struct envoy_ward *ward)
{
    if (!ward->has_files)
        return;
    envoy_ward_trim(ward);
    for (int i = 0; i < ward->endpoints_end; i++) {
        char path[ENVOY_PATH_BYTES + 64];
        name_endpoints(path, ward->paths[ENVOY_FOLDER], (unsigned)i);
        (void)unlink(path);
    }
    (void)rmdir(ward->paths[ENVOY_FOLDER]);
    ward->has_files = 0;
    ward->endpoints_end = 0;
}

void envoy_ward_free(struct envoy_ward *ward)
{
    envoy_ward_clean(ward);
    ward->pid = 0;
    ASSERT(pthread_mutex_lock(&mutex) == 0);
    ward->is_taken = 0;
    ASSERT(pthread_mutex_unlock(&mutex) == 0);
}

static void on_signal(int number)
{
    for (size_t i = 0; i < COUNT_OF(wards); i++) {
        if (wards[i].pid > 0)
            (void)kill((pid_t)wards[i].pid, SIGKILL);
        envoy_ward_clean(&wards[i]);
    }
    (void)signal(number, SIG_DFL);
    (void)raise(number);
}

void envoys_end_on_signals(void)
{
    static const int NUMBERS[] = {SIGINT, SIGTERM, SIGHUP};
    struct sigaction action = {.sa_handler = on_signal};
    (void)sigfillset(&action.sa_mask);
    for (size_t i = 0; i < COUNT_OF(NUMBERS); i++)
        ASSERT(sigaction(NUMBERS[i], &action, NULL) == 0);
}
