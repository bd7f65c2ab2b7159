/*
 * Unpack a bzImage: the setup header and the payload behind it.
 */
#ifndef BOOT_DECOMPRESS_H
#define BOOT_DECOMPRESS_H

#include "lib/types.h"

/*
 * The vmlinux of a bzImage: its unpacked size.  0 with *ret_why NULL: data is
 * no bzImage (perhaps an ELF file); 0 with a line in *ret_why: damaged, or
 * packed in a way we do not know.
 */
size_t bzimage_unpacked_size(const void *data, size_t size,
                             const char **ret_why);

/* Unpack it to dst, which has the room.  NULL, or what is wrong. */
const char *bzimage_unpack(const void *data, size_t size, void *dst);

#endif
