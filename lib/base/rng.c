#include "base/rng.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

static void system_fill(struct rng *r, void *out, size_t n)
{
    char *p = out;
    ssize_t got;

    while (n > 0) {
        got = getrandom(p, n, 0);
        if (got > 0) {
            p += got;
            n -= (size_t)got;
        } else if (errno != EINTR) {
            /* Going on with predictable numbers would be worse. */
            fprintf(stderr, "getrandom: %s\n", strerror(errno));
            abort();
        }
    }
}

static inline uint64_t rotate(uint64_t x, int bits)
{
    return x << bits | x >> (64 - bits);
}

/* xoshiro256**, https://prng.di.unimi.it/xoshiro256starstar.c */
static uint64_t seeded_next(struct rng *r)
{
    uint64_t *s = r->s;
    uint64_t result = rotate(s[1] * 5, 7) * 9, t = s[1] << 17;

    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate(s[3], 45);
    return result;
}

static void seeded_fill(struct rng *r, void *out, size_t n)
{
    char *p = out;
    uint64_t word;
    size_t part;

    for (; n > 0; n -= part, p += part) {
        word = seeded_next(r);
        part = n < sizeof(word) ? n : sizeof(word);
        memcpy(p, &word, part);
    }
}

void rng_init_system(struct rng *r)
{
    *r = (struct rng){.fill = system_fill};
}

void rng_init_seeded(struct rng *r, uint64_t seed)
{
    uint64_t z;

    r->fill = seeded_fill;
    for (int i = 0; i < 4; i++) { /* splitmix64, as its authors advise */
        z = seed += UINT64_C(0x9e3779b97f4a7c15);
        z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
        z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
        r->s[i] = z ^ z >> 31;
    }
}

void rng_bytes(struct rng *r, void *out, size_t n)
{
    r->fill(r, out, n);
}

uint64_t rng_u64(struct rng *r)
{
    uint64_t v;

    r->fill(r, &v, sizeof(v));
    return v;
}

uint64_t rng_below(struct rng *r, uint64_t n)
{
    uint64_t v, uneven = (0 - n) % n; /* 2^64 mod n values would be doubled */

    do {
        v = rng_u64(r);
    } while (v < uneven);
    return v % n;
}

double rng_unit(struct rng *r)
{
    return (double)(rng_u64(r) >> 11) * 0x1.0p-53;
}
