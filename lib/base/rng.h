/* rng.h - randomness, replaceable: the system's (getrandom) or a seeded
 * xoshiro256** (Blackman, Vigna) for tests and simulation. */
#ifndef BASE_RNG_H
#define BASE_RNG_H

#include <stddef.h>
#include <stdint.h>

struct rng {
    void (*fill)(struct rng *r, void *out, size_t n);
    uint64_t s[4]; /* state of the seeded one */
};

void rng_init_system(struct rng *r);
void rng_init_seeded(struct rng *r, uint64_t seed);

void rng_bytes(struct rng *r, void *out, size_t n);
uint64_t rng_u64(struct rng *r);
uint64_t rng_below(struct rng *r, uint64_t n); /* 0 <= result < n, n > 0 */
double rng_unit(struct rng *r);                /* [0, 1) */

#endif
