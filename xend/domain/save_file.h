/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A file that has no name until it is complete, so that neither a failure nor
 * a kill leaves a part of it.
 */
#ifndef XEND_DOMAIN_SAVE_FILE_H
#define XEND_DOMAIN_SAVE_FILE_H

#include <sys/types.h>

#include "util/err.h"

struct json_object;

struct save_file {
    char *path;                 /* that it is to have */
    int fd;                     /* -1: not open */
    dev_t dev;
    ino_t ino;
};

/* Open it in the folder of f->path, which the caller has allocated. */
int save_file_open(struct save_file *f, struct err *err);

/* Give it its name; an older file is replaced in one step. */
int save_file_name(struct save_file *f, struct err *err);

/* Close it; without a name it is gone. */
void save_file_fini(struct save_file *f);

/* Note in a run record that it is being written.  After a restart: remove what
 * got its name just before the kill. */
void save_file_note(const struct save_file *f, struct json_object *record);
void save_file_undo(struct json_object *record);

#endif
