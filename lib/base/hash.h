/* hash.h - SipHash-2-4 (Aumasson, Bernstein 2012): keyed, so that a peer
 * cannot choose collisions. */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

uint64_t hash_bytes(const uint8_t key[16], const void *data, size_t n);

/* The same for one integer, without a loop. */
uint64_t hash_u64(const uint8_t key[16], uint64_t v);

/* A hash that is the same in every process and version: for the ring of nodes
 * and for body hashes. Not secret; key of zeros. */
uint64_t hash_stable(const void *data, size_t n);

#endif
