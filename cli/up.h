/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/up.h - what the files of `pocketmesh up` share.
 *
 *   up.c          the command: words, signals, the loop, the end
 *   up_read.c     the user's files into an era, and what is wrong with them
 *   up_show.c     what listens where, and what an edit did, for people and machines
 *   up_observe.c  the access log, the admin interface
 *   up_outlier.c  the outlier log
 *   up_certs.c    the authority, and files of certificates
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/map.h"
#include "cli/words.h"
#include "config/resource/mesh.h"
#include "proxy/live/access_log.h"
#include "testbed/town/admin_town.h"
#include "testbed/town/register.h"
#include "testbed/town/town.h"
#include "testbed/town/watch.h"

struct up_job {
    struct words words;
    struct str namespace;
    struct str *from;
    uint32_t from_count, from_capacity;
    struct register_wish *wishes;
    uint32_t wish_count, wish_capacity;
    struct str workers_text;
    uint32_t worker_count;
    bool is_watching, is_external_allowed, is_json;
    struct map said;     /* warnings that were printed */
    struct str *watched; /* what the files were read from */
    uint32_t watched_count, watched_capacity;
    struct arena watched_names;
    struct str shown; /* the table as it was printed last; in shown_memory */
    struct arena shown_memory;
    struct mesh_access_log access_log; /* of --access-log, --access-log-format */
    bool is_log_off;
    struct access_logger *logger;       /* NULL: off */
    struct str outlier_path;            /* of --outlier-log; empty: none */
    struct up_outlier_log *outlier_log; /* NULL: none */
    struct str certs_path;              /* of --certs; empty: none */
    struct authority *authority;        /* as long as the job */
    uv_timer_t settling;                /* until another authority may sign */
    int64_t settle_until_ns;
    void (*read_again)(struct up_job *job); /* puts the same files into force once more */
    bool has_admin;
    struct str admin_address;
    uint32_t admin_port; /* 0: the kernel gives one, and then it is that */
    struct admin_town *admin;
    void (*end)(struct up_job *job); /* as the first Ctrl-C */
    struct town *town;
    struct watch *watch;
    uv_signal_t interrupt, terminate, hangup;
    uv_timer_t patience;
    uint32_t handle_count;
    bool is_draining;
    bool is_reading_again; /* for another authority: nothing was edited */
};

/* The files as they are now, brought to life; NULL: something is wrong, and it was
 * said with its place. Warnings that were said before are not repeated. */
struct era *up_read(struct up_job *job);

/* The table, or its JSON, on standard output, unless it is as it was; false: it
 * cannot be written. */
bool up_show(struct up_job *job, const struct registry *registry);
/* What cannot be listened on, each of it. */
void up_show_unbindable(const struct registry *registry);
/* What an edit did, on standard error. */
void up_show_changes(const struct world *before, const struct world *after);

/* Options (words_option.take). */
void up_take_access_log(void *job, struct str value);
void up_take_access_log_format(void *job, struct str value);
void up_take_admin(void *job, struct str value);
/* When all words are read; false: the format is wrong, which was said. */
bool up_check_access_log(struct up_job *job);

/* Before the town, whose listener it gives. With --access-log off there is none. */
struct town_listener up_begin_access_log(struct up_job *job);
/* Before the era is opened. EXIT_CODE_FINE, or the code for what is wrong, which was
 * said: the MeshConfig's format, or the file. */
int up_learn_access_log(struct up_job *job, struct era *era);
/* The files by their names again, as after a rotation. */
void up_reopen_access_log(struct up_job *job);
/* Writes what is left, says what could not be. After the town. */
void up_end_access_log(struct up_job *job);

void up_take_outlier_log(void *job, struct str value);
/* Before the town, whose listener it adds to; false: the file cannot be opened, which
 * was said. Workers inherit the signals' mask: block them before. */
bool up_begin_outlier_log(struct up_job *job, struct town_listener *listener);
void up_reopen_outlier_log(struct up_job *job);
/* Writes what is left. After the town. */
void up_end_outlier_log(struct up_job *job);

void up_take_certs(void *job, struct str value);
/* The authority, as it was saved; false: it cannot be had, which was said. */
bool up_begin_certs(struct up_job *job);
/* After the last world. */
void up_end_certs(struct up_job *job);
/* The manifests' cacerts, if there is one, else what it was at first, are to sign: before
 * keyrings are made. What is wrong goes to `diags`. */
void up_offer_authority(struct up_job *job, const struct world *world, struct diag_list *diags);
/* An era is in force: when no proxy of before is left, who is offered signs. */
void up_follow_authority(struct up_job *job);
/* What curl and others need, if --certs is there; false: said. */
bool up_save_certs(struct up_job *job, struct era *era);

/* Listens, if --admin is there; false: it cannot, which was said. */
bool up_begin_admin(struct up_job *job);
