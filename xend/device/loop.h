/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Loop devices: a block device over a file.
 *
 * Ours detach themselves when nobody has them open any more (autoclear).  We
 * keep ours open until dom0's driver has surely opened it and then some; if
 * this process dies, the kernel undoes what nobody else uses.
 */
#ifndef XEND_DEVICE_LOOP_H
#define XEND_DEVICE_LOOP_H

#include <stdbool.h>
#include <sys/types.h>

struct loop {
    int fd;
    dev_t number;
    char path[32];              /* "/dev/loop0" */
    dev_t file_dev;             /* what it is over, in the kernel's words */
    ino_t file_ino;
};

/*
 * A fresh one over the file that fd has open; name is for losetup's listing.
 * With direct I/O where the file system can.  -ENOENT, -ENXIO: no driver.
 */
int loop_open(struct loop *l, int fd, const char *name, bool writable);

/* Open again one that is over this file.  -ENXIO: it is not, or no more. */
int loop_adopt(struct loop *l, const char *path, dev_t file_dev,
               ino_t file_ino);

/* Let go of an open one: it detaches itself from the file, at once or when the
 * last that has it open lets go, too. */
void loop_close(struct loop *l);

#endif
