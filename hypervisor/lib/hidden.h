/*
 * Included before everything: all symbols are our own, so none is reached
 * through a table of addresses.
 */
#ifndef LIB_HIDDEN_H
#define LIB_HIDDEN_H

#pragma GCC visibility push(hidden)

#endif
