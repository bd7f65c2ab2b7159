/*
 * HYPERVISOR_memory_op: its operations, by file.
 */
#ifndef MM_MEMORY_OP_H
#define MM_MEMORY_OP_H

#include "lib/abi.h"

/* op: XENMEM_*; start: extents done by earlier calls of the same request. */
typedef long memory_op_fn(unsigned int op, unsigned long start,
                          void __guest *arg);

memory_op_fn op_reservation;         /* reservation.c */
memory_op_fn op_exchange;            /* exchange.c */

#endif
