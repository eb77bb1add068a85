/* Files of a script, and their digests. */
#include "value_inside.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/text.h"

#define SHORT_TEXT (1 << 20) /* a longer file has no text */

/* ---- SHA-256, FIPS 180-4 section 6.2 ---- */

static const uint32_t rounds[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1,
    0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3,
    0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786,
    0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147,
    0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13,
    0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
    0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a,
    0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208,
    0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

static uint32_t turn(uint32_t v, int n)
{
    return v >> n | v << (32 - n);
}

static void schedule(uint32_t w[64], const uint8_t *block)
{
    for (int i = 0; i < 16; i++)
        w[i] = (uint32_t)block[4 * i] << 24 | (uint32_t)block[4 * i + 1] << 16 |
               (uint32_t)block[4 * i + 2] << 8 | block[4 * i + 3];
    for (int i = 16; i < 64; i++) {
        uint32_t a = w[i - 15], b = w[i - 2];

        w[i] = w[i - 16] + w[i - 7] + (turn(a, 7) ^ turn(a, 18) ^ a >> 3) +
               (turn(b, 17) ^ turn(b, 19) ^ b >> 10);
    }
}

static void digest_block(uint32_t h[8], const uint8_t *block)
{
    uint32_t w[64], v[8];

    schedule(w, block);
    memcpy(v, h, sizeof(v));
    for (int i = 0; i < 64; i++) {
        uint32_t a = v[0], e = v[4];
        uint32_t one = v[7] + (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) +
                       ((e & v[5]) ^ (~e & v[6])) + rounds[i] + w[i];
        uint32_t two = (turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) +
                       ((a & v[1]) ^ (a & v[2]) ^ (v[1] & v[2]));

        memmove(v + 1, v, 7 * sizeof(v[0]));
        v[4] += one;
        v[0] = one + two;
    }
    for (int i = 0; i < 8; i++)
        h[i] += v[i];
}

void value_sha256(const void *bytes, size_t n, char hex[65])
{
    uint32_t h[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                     0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    uint8_t last[128] = {0};
    size_t whole = n / 64 * 64, rest = n - whole;
    size_t tail = rest < 56 ? 64 : 128;

    for (size_t i = 0; i < whole; i += 64)
        digest_block(h, (const uint8_t *)bytes + i);
    if (rest > 0)
        memcpy(last, (const uint8_t *)bytes + whole, rest);
    last[rest] = 0x80;
    for (int i = 0; i < 8; i++)
        last[tail - 1 - (size_t)i] = (uint8_t)((uint64_t)n * 8 >> 8 * i);
    for (size_t i = 0; i < tail; i += 64)
        digest_block(h, last + i);
    for (int i = 0; i < 8; i++)
        snprintf(hex + 8 * i, 9, "%08x", h[i]);
}

/* ---- files ---- */

static json_t *describe(const char *path, const struct buf *content)
{
    char hex[65];
    json_t *o = json_object();
    struct span all = buf_span(content);

    value_sha256(all.p, all.n, hex);
    json_object_set_new(o, "path", json_string(path));
    json_object_set_new(o, "size", json_integer((json_int_t)all.n));
    json_object_set_new(o, "sha256", json_string(hex));
    if (all.n <= SHORT_TEXT && text_is_utf8(all) &&
        memchr(all.p != NULL ? all.p : "", '\0', all.n) == NULL)
        json_object_set_new(o, "text",
                            json_stringn(all.p != NULL ? all.p : "", all.n));
    return o;
}

static int read_all(FILE *f, struct buf *out)
{
    size_t n;

    do {
        char *to = buf_reserve(out, 65536);

        if (to == NULL)
            return -CF_TOO_BIG;
        n = fread(to, 1, 65536, f);
        out->len += n;
    } while (n > 0);
    return ferror(f) ? -CF_IO : 0;
}

int value_file(const struct eval *e, const struct expr *x, const char *name,
               json_t **out, struct error *err)
{
    char path[PATH_MAX];
    struct buf content;
    FILE *f;
    int rc;

    if (name[0] == '/' || e->dir == NULL)
        snprintf(path, sizeof(path), "%s", name);
    else
        snprintf(path, sizeof(path), "%s/%s", e->dir, name);
    f = fopen(path, "rb");
    if (f == NULL)
        return value_error(x, err, "file(\"%s\"): %s", name, strerror(errno));
    buf_init(&content, VALUE_MAX_FILE);
    rc = read_all(f, &content);
    fclose(f);
    if (rc == 0)
        *out = describe(path, &content);
    buf_release(&content);
    if (rc == -CF_TOO_BIG)
        return value_error(x, err, "file(\"%s\"): more than %d MB", name,
                           VALUE_MAX_FILE >> 20);
    return rc < 0 ? value_error(x, err, "file(\"%s\"): cannot be read", name)
                  : 0;
}
