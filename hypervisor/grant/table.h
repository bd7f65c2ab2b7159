/*
 * Grant tables, version 1: a domain's offers of frames to others, and its
 * own mappings of what others offered.
 */
#ifndef GRANT_TABLE_H
#define GRANT_TABLE_H

#include "lib/abi.h"
#include "x86/spinlock.h"

struct domain;

/* (g) lock  (c) constant after create */
struct grant_table {
    struct spinlock lock;                /* LOCK_GRANT */
    struct grant_frame *frames;          /* (c); the frames: (g), only added */
    unsigned int nr_frames, max_frames;
    struct maptrack **maptrack;          /* (g) this domain's mappings */
    unsigned int nr_maptrack_frames, max_maptrack_frames;
    uint32_t maptrack_free;
};

int grant_init(struct domain *d, int max_frames, int max_maptrack_frames);
/* Release what a dying domain has mapped, in bounded steps: -ERESTART. */
int grant_relinquish(struct domain *d);
void grant_destroy(struct domain *d);

/* The shared frame of d's table by index, growing the table up to it;
 * INVALID_MFN: over the limit, or no memory. */
mfn_t grant_shared_frame(struct domain *d, unsigned int index);

long do_grant_table_op(unsigned int cmd, char __guest *uop, unsigned int count);

#endif
