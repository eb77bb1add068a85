#include "throttle.h"

#include <pthread.h>
#include <string.h>

#include "base/hash.h"
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

static struct slot *slot_of(const char *key, int64_t now)
{
    uint64_t h = hash_stable(key, strlen(key));
    struct slot *s = &slots[h % SLOTS];

    if (s->key != h || now - s->first >= WINDOW_MS)
        *s = (struct slot){.key = h, .first = now};
    return s;
}

int64_t throttle_wait(const char *key, int64_t now)
{
    int64_t wait = 0;
    struct slot *s;

    pthread_mutex_lock(&lock);
    s = &slots[hash_stable(key, strlen(key)) % SLOTS];
    if (s->key == hash_stable(key, strlen(key)) &&
        s->failures >= LIMIT_LOGIN_FAILURES && now - s->first < WINDOW_MS)
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
    uint64_t h = hash_stable(key, strlen(key));

    pthread_mutex_lock(&lock);
    if (slots[h % SLOTS].key == h)
        slots[h % SLOTS].failures = 0;
    pthread_mutex_unlock(&lock);
}
