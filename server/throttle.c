#include "throttle.h"

#include <pthread.h>
#include <string.h>

#include "base/hash.h"
#include "base/rng.h"
#include "proto/limits.h"

#define WINDOW_MS 60000
#define SLOTS 16384 /* a newer key takes the slot of an older one */

struct slot {
    uint64_t key;
    int64_t first; /* ms of the first failure in the window */
    int failures;
};

static struct slot slots[SLOTS];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static uint8_t secret[16]; /* nobody can choose who shares a slot */

static void make_secret(void)
{
    struct rng rng;

    rng_init_system(&rng);
    rng_bytes(&rng, secret, sizeof(secret));
}

static uint64_t hash(const char *key)
{
    pthread_once(&once, make_secret);
    return hash_bytes(secret, key, strlen(key));
}

static struct slot *slot_of(const char *key, int64_t now)
{
    uint64_t h = hash(key);
    struct slot *s = &slots[h % SLOTS];

    if (s->key != h || now - s->first >= WINDOW_MS)
        *s = (struct slot){.key = h, .first = now};
    return s;
}

int64_t throttle_wait(const char *key, int64_t now)
{
    uint64_t h = hash(key);
    int64_t wait = 0;
    struct slot *s;

    pthread_mutex_lock(&lock);
    s = &slots[h % SLOTS];
    if (s->key == h && s->failures >= LIMIT_LOGIN_FAILURES &&
        now - s->first < WINDOW_MS)
        wait = s->first + WINDOW_MS - now;
    pthread_mutex_unlock(&lock);
    return wait;
}

void throttle_fail(const char *key, int64_t now)
{
    pthread_mutex_lock(&lock);
    slot_of(key, now)->failures++;
    pthread_mutex_unlock(&lock);
}

void throttle_clear(const char *key)
{
    uint64_t h = hash(key);

    pthread_mutex_lock(&lock);
    if (slots[h % SLOTS].key == h)
        slots[h % SLOTS].failures = 0;
    pthread_mutex_unlock(&lock);
}
