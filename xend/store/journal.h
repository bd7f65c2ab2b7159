/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The journal: an append-only file of records in groups; a group is applied as
 * a whole or not at all.  The model is at the head of journal.c.
 */
#ifndef XEND_STORE_JOURNAL_H
#define XEND_STORE_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/buf.h"

/* Arguments and parts of each are listed at apply() in state.c. */
enum record_type {
    REC_START = 1, REC_SET, REC_RM,
    REC_CONN, REC_GONE, REC_RESET,
    REC_IN, REC_REQUEST, REC_OUT,
    REC_WATCH, REC_UNWATCH,
    REC_TXN, REC_TXN_SET, REC_TXN_RM, REC_TXN_END,
};

#define RECORD_PARTS 3

struct record {
    enum record_type type;
    unsigned int domid;
    uint32_t arg[2];
    struct record_part {
        const void *p;
        uint32_t len;
    } part[RECORD_PARTS];
};

/* A part that is a string, with its zero byte; NULL unless it is one. */
const char *record_string(const struct record *r, unsigned int part);

/* Write r at the end of b. */
void record_put(struct buf *b, const struct record *r);

struct journal {
    int dirfd, fd, lock;
    int fresh;                      /* the file being written anew, or -1 */
    uint64_t size;                  /* bytes of whole groups */
    uint64_t tail;                  /* size when fresh was begun */
    uint64_t fresh_size;
    struct buf group;               /* records not committed yet */
    bool failed;                    /* the file is behind, and frozen */
};

/* Open the journal in a folder, made if absent.  -EBUSY: another has it. */
int journal_open(struct journal *j, const char *dir);
void journal_close(struct journal *j);

/*
 * Call fn for each record of each whole group; it returns 0, or an error that
 * ends the replay.  *ret_torn is the number of bytes dropped at the end.
 */
typedef int journal_fn(void *ctx, const struct record *r);
int journal_replay(struct journal *j, journal_fn *fn, void *ctx,
                   size_t *ret_torn);

/* Add one record to the group. */
void journal_add(struct journal *j, const struct record *r);

/*
 * Append the group with one write; nothing to do if it is empty.  On an error
 * the file stays as before and so remains, until the journal is written anew
 * in one go (begin to end without a commit between).
 */
int journal_commit(struct journal *j);

/*
 * Write the journal anew beside the old one, while the old one goes on: begin
 * notes how far the old one is, add writes groups (emptying b), end copies what
 * the old one got meanwhile and takes its place at once.  Nothing may wait in
 * the group at begin and end.
 */
int journal_rewrite_begin(struct journal *j);
int journal_rewrite_add(struct journal *j, struct buf *b);
int journal_rewrite_end(struct journal *j);
void journal_rewrite_abort(struct journal *j);

#endif
