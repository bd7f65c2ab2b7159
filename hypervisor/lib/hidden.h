/*
 * Included before everything: all symbols are our own, so none is reached
 * through a table of addresses.
 */
#pragma GCC visibility push(hidden)
