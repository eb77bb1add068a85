#include "base/hash.h"

#include <endian.h>
#include <string.h>

struct sip {
    uint64_t v0, v1, v2, v3;
};

static inline uint64_t rotate(uint64_t x, int bits)
{
    return x << bits | x >> (64 - bits);
}

static inline void sip_round(struct sip *s)
{
    s->v0 += s->v1;
    s->v1 = rotate(s->v1, 13) ^ s->v0;
    s->v0 = rotate(s->v0, 32);
    s->v2 += s->v3;
    s->v3 = rotate(s->v3, 16) ^ s->v2;
    s->v0 += s->v3;
    s->v3 = rotate(s->v3, 21) ^ s->v0;
    s->v2 += s->v1;
    s->v1 = rotate(s->v1, 17) ^ s->v2;
    s->v2 = rotate(s->v2, 32);
}

static inline void sip_word(struct sip *s, uint64_t word)
{
    s->v3 ^= word;
    sip_round(s);
    sip_round(s);
    s->v0 ^= word;
}

static inline uint64_t load(const uint8_t *p)
{
    uint64_t v;

    memcpy(&v, p, sizeof(v));
    return le64toh(v);
}

static inline struct sip sip_start(const uint8_t key[16])
{
    uint64_t k0 = load(key), k1 = load(key + 8);

    return (struct sip){
        .v0 = k0 ^ UINT64_C(0x736f6d6570736575),
        .v1 = k1 ^ UINT64_C(0x646f72616e646f6d),
        .v2 = k0 ^ UINT64_C(0x6c7967656e657261),
        .v3 = k1 ^ UINT64_C(0x7465646279746573),
    };
}

static inline uint64_t sip_end(struct sip *s)
{
    s->v2 ^= 0xff;
    for (int i = 0; i < 4; i++)
        sip_round(s);
    return s->v0 ^ s->v1 ^ s->v2 ^ s->v3;
}

uint64_t hash_bytes(const uint8_t key[16], const void *data, size_t n)
{
    const uint8_t *p = data;
    struct sip s = sip_start(key);
    uint64_t last = (uint64_t)n << 56;
    size_t whole = n - n % 8;

    for (size_t i = 0; i < whole; i += 8)
        sip_word(&s, load(p + i));
    for (size_t i = whole; i < n; i++)
        last |= (uint64_t)p[i] << (8 * (i - whole));
    sip_word(&s, last);
    return sip_end(&s);
}

uint64_t hash_u64(const uint8_t key[16], uint64_t v)
{
    struct sip s = sip_start(key);

    sip_word(&s, v);
    sip_word(&s, UINT64_C(8) << 56);
    return sip_end(&s);
}

uint64_t hash_stable(const void *data, size_t n)
{
    static const uint8_t zeros[16];

    return hash_bytes(zeros, data, n);
}
