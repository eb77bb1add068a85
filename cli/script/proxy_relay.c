/* One direction of a relayed connection: bytes in order, each held until its
 * time has come and its share of the pace is there. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "proxy_inside.h"

#define READ_MAX (64 * 1024)
#define CHUNKS_MAX 16384 /* one a ms: latencies up to 16 s at full speed */
#define BURST_MS 20      /* of the pace may leave at once */
#define PACE_MS 5        /* do not wake up more often */
#define COMPACT                                                   \
    (128 * 1024) /* bytes gone before the rest moves to the front \
                  */

void relay_init(struct relay *r)
{
    memset(r, 0, sizeof(*r));
    buf_init(&r->bytes, RELAY_MAX + COMPACT + READ_MAX);
}

void relay_release(struct relay *r)
{
    buf_release(&r->bytes);
    free(r->chunks);
    r->chunks = NULL;
    r->count = r->cap = 0;
}

size_t relay_held(const struct relay *r)
{
    return r->bytes.len - r->head;
}

struct span relay_view(const struct relay *r)
{
    return span_make(r->bytes.data != NULL ? r->bytes.data + r->head : "",
                     relay_held(r));
}

bool relay_has_room(const struct relay *r)
{
    return relay_held(r) < RELAY_MAX && r->count < CHUNKS_MAX;
}

static struct relay_chunk *chunk_at(const struct relay *r, size_t i)
{
    return &r->chunks[(r->first + i) % r->cap];
}

static void chunks_grow(struct relay *r)
{
    size_t cap = r->cap > 0 ? 2 * r->cap : 16;
    struct relay_chunk *more = mem_array(cap, sizeof(*more));

    for (size_t i = 0; i < r->count; i++)
        more[i] = *chunk_at(r, i);
    free(r->chunks);
    r->chunks = more;
    r->first = 0;
    r->cap = cap;
}

/* Note that n bytes came that are due then; never before those ahead. */
static void note(struct relay *r, size_t n, int64_t due)
{
    struct relay_chunk *last;

    if (r->count > 0) {
        last = chunk_at(r, r->count - 1);
        if (due <= last->due) {
            last->n += n;
            return;
        }
    }
    if (r->count == r->cap)
        chunks_grow(r);
    *chunk_at(r, r->count++) = (struct relay_chunk){.due = due, .n = n};
}

ssize_t relay_read(struct relay *r, int fd, int64_t now, int64_t latency)
{
    size_t room = relay_has_room(r) ? RELAY_MAX - relay_held(r) : 0;
    char *to;
    ssize_t n;

    if (room == 0 || r->eof)
        return -CF_BUSY;
    if (room > READ_MAX)
        room = READ_MAX;
    to = buf_reserve(&r->bytes, room);
    if (to == NULL)
        return -CF_BUSY;
    n = read(fd, to, room);
    if (n < 0)
        return errno == EAGAIN || errno == EINTR ? -CF_BUSY : -CF_IO;
    if (n == 0) {
        r->eof = true;
        return 0;
    }
    r->bytes.len += (size_t)n;
    note(r, (size_t)n, now + latency);
    return n;
}

void relay_put(struct relay *r, struct span bytes, int64_t now)
{
    if (buf_append_span(&r->bytes, bytes) == 0)
        note(r, bytes.n, now);
}

void relay_truncate(struct relay *r, size_t n)
{
    size_t kept = 0, i = 0;

    r->bytes.len = r->head + n;
    for (; i < r->count && kept + chunk_at(r, i)->n <= n; i++)
        kept += chunk_at(r, i)->n;
    if (i < r->count && kept < n)
        chunk_at(r, i++)->n = n - kept;
    r->count = i;
    if (r->bytes.len == r->head) {
        buf_clear(&r->bytes);
        r->head = 0;
    }
}

/* How many bytes the pace lets go, and when it lets go more. */
static size_t paced(struct relay *r, int64_t now, int64_t rate, int64_t *wait)
{
    int64_t most = rate * BURST_MS > 1000 ? rate * BURST_MS : 1000;

    if (now > r->credit_at) {
        int64_t idle = now - r->credit_at;

        r->credit += rate * (idle < 1000 ? idle : 1000);
        if (r->credit > most)
            r->credit = most;
    }
    r->credit_at = now;
    if (r->credit >= 1000)
        return (size_t)(r->credit / 1000);
    *wait = (1000 - r->credit + rate - 1) / rate;
    if (*wait < PACE_MS)
        *wait = PACE_MS;
    return 0;
}

struct span relay_ready(struct relay *r, int64_t now, int64_t rate,
                        int64_t *wait)
{
    struct span all = relay_view(r);
    size_t due = 0;

    *wait = -1;
    for (size_t i = 0; i < r->count; i++) {
        if (chunk_at(r, i)->due > now) {
            *wait = chunk_at(r, i)->due - now;
            break;
        }
        due += chunk_at(r, i)->n;
    }
    if (due > 0 && rate > 0) {
        size_t most = paced(r, now, rate, wait);

        if (due > most)
            due = most;
    }
    return span_make(all.p, due);
}

void relay_took(struct relay *r, size_t n, int64_t rate)
{
    if (rate > 0)
        r->credit -= 1000 * (int64_t)n;
    r->head += n;
    while (r->count > 0 && n >= chunk_at(r, 0)->n) {
        n -= chunk_at(r, 0)->n;
        r->first = (r->first + 1) % r->cap;
        r->count--;
    }
    if (n > 0 && r->count > 0)
        chunk_at(r, 0)->n -= n;
    if (r->head == r->bytes.len) {
        buf_clear(&r->bytes);
        r->head = 0;
    } else if (r->head >= COMPACT) {
        buf_consume(&r->bytes, r->head);
        r->head = 0;
    }
}
