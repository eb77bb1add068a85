#include "recorded.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"

#define NS 1e9
#define LATEST (30 * 86400.0) /* s, the longest run */
#define WEYL UINT32_C(2654435769)

void record_free(struct record *r)
{
    if (r == NULL)
        return;
    free(r->at);
    free(r);
}

static void append(struct record *r, double at)
{
    if ((r->n & (r->n - 1)) == 0)
        r->at = mem_grow(r->at, r->n > 0 ? r->n * 2 : 1, sizeof(r->at[0]));
    r->at[r->n++] = at;
}

/* ---- a file ---- */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

/* What stands on a line, less comment and blanks around. */
static struct span content(struct span line)
{
    const char *hash = line.n > 0 ? memchr(line.p, '#', line.n) : NULL;

    line.n = hash != NULL ? (size_t)(hash - line.p) : line.n;
    while (line.n > 0 && is_blank(line.p[line.n - 1]))
        line.n--;
    while (line.n > 0 && is_blank(line.p[0]))
        line = span_make(line.p + 1, line.n - 1);
    return line;
}

/* Decimal seconds as whole ns, without a locale; what is finer than a ns is
 * left out. -1: none. */
static double seconds(struct span s)
{
    double whole = 0, fraction = 0, unit = NS;
    bool point = false, digits = false;

    for (size_t i = 0; i < s.n; i++) {
        int digit = s.p[i] - '0';

        if (s.p[i] == '.' && !point) {
            point = true;
            continue;
        }
        if (digit < 0 || digit > 9)
            return -1;
        digits = true;
        if (!point)
            whole = whole * 10 + digit;
        else if (unit > 1)
            fraction += digit * (unit /= 10);
    }
    return digits ? whole * NS + fraction : -1;
}

static int take_line(struct record *r, const char *source, int number,
                     struct span line, struct error *err)
{
    struct span s = content(line);
    double at;

    if (s.n == 0)
        return 0;
    at = seconds(s);
    if (at < 0)
        return error_set(err, CF_INVALID,
                         "%s:%d: a time is seconds such as 12.034", source,
                         number);
    if (at > LATEST * NS)
        return error_set(err, CF_INVALID, "%s:%d: later than 30 days", source,
                         number);
    if (r->n > 0 && at < r->at[r->n - 1])
        return error_set(err, CF_INVALID,
                         "%s:%d: %.9g s comes after %.9g s: the times must "
                         "not fall",
                         source, number, at / NS, r->at[r->n - 1] / NS);
    if (r->n == RECORD_MOST)
        return error_set(err, CF_TOO_BIG, "%s:%d: more than %d arrivals",
                         source, number, RECORD_MOST);
    append(r, at);
    return 0;
}

static int take_text(struct record *r, const char *source, struct span text,
                     struct error *err)
{
    int number = 1, rc = 0;

    for (; rc == 0 && text.n > 0; number++) {
        const char *end = memchr(text.p, '\n', text.n);
        size_t n = end != NULL ? (size_t)(end - text.p) : text.n;

        rc = take_line(r, source, number, span_make(text.p, n), err);
        n += end != NULL;
        text = span_make(text.p + n, text.n - n);
    }
    if (rc < 0)
        return rc;
    if (r->n == 0)
        return error_set(err, CF_INVALID, "%s:%d: no time in it", source,
                         number);
    r->period = r->at[r->n - 1];
    if (r->period <= 0)
        return error_set(err, CF_INVALID,
                         "%s:%d: the last time is when it begins again, and "
                         "must be above 0",
                         source, number - 1);
    r->rate = (double)r->n / (r->period / NS);
    if (r->rate > RECORD_RATE)
        return error_set(err, CF_INVALID,
                         "%s:%d: %zu arrivals in %.9g s are more than %.0f a "
                         "second",
                         source, number - 1, r->n, r->period / NS, RECORD_RATE);
    return 0;
}

int record_parse(struct record **out, const char *source, struct span text,
                 struct error *err)
{
    struct record *r = mem_alloc(sizeof(*r));
    int rc = take_text(r, source, text, err);

    *out = rc == 0 ? r : NULL;
    if (rc < 0)
        record_free(r);
    return rc;
}

/* All of a plain file: nothing that waits for a writer. */
static int read_all(int fd, const char *path, struct buf *b, struct error *err)
{
    struct stat st;
    ssize_t n = 1;

    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
        return error_set(err, CF_INVALID, "%s: no plain file", path);
    while (n > 0) {
        char *room = buf_reserve(b, 65536);

        if (room == NULL)
            return error_set(err, CF_TOO_BIG, "%s: more than %d MiB", path,
                             RECORD_BYTES >> 20);
        n = read(fd, room, 65536);
        b->len += n > 0 ? (size_t)n : 0;
    }
    if (n < 0)
        return error_set(err, CF_IO, "%s: %s", path, strerror(errno));
    return 0;
}

int record_read(struct record **out, const char *path, struct error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), rc;
    struct buf b;

    *out = NULL;
    if (fd < 0)
        return error_set(err, CF_NOT_FOUND, "%s: %s", path, strerror(errno));
    buf_init(&b, RECORD_BYTES + 65536);
    rc = read_all(fd, path, &b, err);
    close(fd);
    if (rc == 0)
        rc = record_parse(out, path, buf_span(&b), err);
    buf_release(&b);
    return rc;
}

/* ---- shares ---- */

bool record_is_in(uint64_t k, uint64_t from, uint64_t to)
{
    uint64_t place = (uint32_t)k * WEYL;

    return place >= from && place < to;
}

uint64_t record_border(uint64_t many, uint64_t all)
{
    return many * RECORD_WHOLE / all;
}

double record_share(uint64_t from, uint64_t to)
{
    return (double)(to - from) / (double)RECORD_WHOLE;
}

/* ---- over the wire ---- */

struct record *record_new(double period, double rate)
{
    struct record *r;

    if (!(period > 0 && period <= LATEST * NS && rate >= 0 &&
          rate <= RECORD_RATE))
        return NULL;
    r = mem_alloc(sizeof(*r));
    r->period = period;
    r->rate = rate;
    return r;
}

json_t *record_part(const struct record *r, uint64_t from, uint64_t to,
                    size_t *at)
{
    json_t *list = json_array();

    for (; *at < r->n && json_array_size(list) < RECORD_PART; (*at)++)
        if (record_is_in(*at, from, to))
            json_array_append_new(list, json_integer((json_int_t)r->at[*at]));
    return list;
}

int record_add(struct record *r, const json_t *list)
{
    const json_t *v;
    size_t i;

    if (!json_is_array(list) || json_array_size(list) > RECORD_MOST - r->n)
        return -CF_INVALID;
    json_array_foreach(list, i, v)
    {
        double at = (double)json_integer_value(v);

        if (!json_is_integer(v) || at < 0 || at > r->period ||
            (r->n > 0 && at < r->at[r->n - 1]))
            return -CF_INVALID;
        append(r, at);
    }
    return 0;
}
