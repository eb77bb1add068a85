#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "store/sqlite.h"

/* Marks live in the row of the membership, those of the devices, too: what one
 * receipt changes is one row on one page. */

#define PAIR_MAX 32 /* bytes of "4294967295:9223372036854775807 " */

struct device_mark {
    uint32_t dev;
    int64_t seq;
};

/* What a row says of marks. A revoked device has none, so those that are live
 * are as many as there can be. */
struct member_marks {
    int64_t parted, delivered, seen;
    struct device_mark devices[LIMIT_DEVICES];
    int count;
};

/* ---- the devices' marks as text: "1:17 4:9" ---- */

/* The next pair of *text; false at the end, or at what is no pair. */
static bool next_pair(const char **text, struct device_mark *m)
{
    char *end;

    if (*text == NULL || **text == '\0')
        return false;
    m->dev = (uint32_t)strtoul(*text, &end, 10);
    if (*end != ':')
        return false;
    m->seq = (int64_t)strtoll(end + 1, &end, 10);
    *text = *end == ' ' ? end + 1 : end;
    return *end == ' ' || *end == '\0';
}

int64_t sqlite_device_mark(const char *text, uint32_t dev)
{
    struct device_mark m;

    while (next_pair(&text, &m)) {
        if (m.dev == dev)
            return m.seq;
    }
    return -1;
}

static void marks_parse(struct member_marks *m, const char *text)
{
    m->count = 0;
    while (m->count < LIMIT_DEVICES && next_pair(&text, &m->devices[m->count]))
        m->count++;
}

/* Into out, of PAIR_MAX bytes for each; NULL: there are none. */
static const char *marks_text(const struct member_marks *m, char *out,
                              size_t size)
{
    size_t n = 0;

    for (int i = 0; i < m->count && n < size; i++)
        n += (size_t)snprintf(out + n, size - n, "%s%" PRIu32 ":%" PRId64,
                              i > 0 ? " " : "", m->devices[i].dev,
                              m->devices[i].seq);
    return n > 0 ? out : NULL;
}

/* ---- raising ---- */

static bool raise_to(int64_t *mark, int64_t seq)
{
    if (seq <= *mark)
        return false;
    *mark = seq;
    return true;
}

static bool device_live(struct db *d, const struct mark_row *r)
{
    sqlite3_stmt *s =
        db_start(d, SQL_DEVICE_LIVE, "ii", (int64_t)r->user, (int64_t)r->dev);
    bool live = db_row(d, s);

    db_stop(s);
    return live;
}

/* A device that has a mark is live: its revocation takes the mark away. */
static bool raise_device(struct db *d, const struct mark_row *r,
                         struct member_marks *m, int64_t acked)
{
    for (int i = 0; i < m->count; i++) {
        if (m->devices[i].dev == r->dev)
            return raise_to(&m->devices[i].seq, acked);
    }
    if (m->count == LIMIT_DEVICES || !device_live(d, r))
        return false;
    m->devices[m->count++] = (struct device_mark){.dev = r->dev, .seq = acked};
    return true;
}

static bool load(struct db *d, const struct mark_row *r, struct member_marks *m)
{
    sqlite3_stmt *s =
        db_start(d, SQL_MEMBER_STATE, "ii", (int64_t)r->conv, (int64_t)r->user);

    if (!db_row(d, s))
        return false;
    m->parted = sqlite3_column_int64(s, 1);
    m->delivered = sqlite3_column_int64(s, 2);
    m->seen = sqlite3_column_int64(s, 3);
    marks_parse(m, (const char *)sqlite3_column_text(s, 4));
    db_stop(s);
    return true;
}

static void save(struct db *d, const struct mark_row *r,
                 const struct member_marks *m)
{
    char text[LIMIT_DEVICES * PAIR_MAX];

    db_run(d, SQL_MARK, "iiiit", (int64_t)r->conv, (int64_t)r->user,
           m->delivered, m->seen, marks_text(m, text, sizeof(text)));
}

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

void sqlite_raise_marks(struct sqlite_store *ss, struct mark_row *r)
{
    struct conv_row *c = sqlite_conv(ss, r->conv);
    struct member_marks m;
    int64_t top, acked, seen;

    r->moved = false;
    r->delivered_now = r->read_now = 0;
    if (c == NULL || !load(&ss->write, r, &m))
        return;
    top = store_mark_top(c->head, m.parted);
    seen = least(r->read, top);
    acked = least(r->acked, top);
    if (acked < seen)
        acked = seen;
    r->moved = raise_to(&m.delivered, acked);
    if (raise_to(&m.seen, seen))
        r->moved = true;
    if (r->dev != 0 && acked > 0 && raise_device(&ss->write, r, &m, acked))
        r->moved = true;
    if (r->moved)
        save(&ss->write, r, &m);
    r->delivered_now = m.delivered;
    r->read_now = m.seen;
}

/* ---- the end of a device ---- */

static void drop_device(struct member_marks *m, uint32_t dev)
{
    int kept = 0;

    for (int i = 0; i < m->count; i++) {
        if (m->devices[i].dev != dev)
            m->devices[kept++] = m->devices[i];
    }
    m->count = kept;
}

void sqlite_drop_marks(struct db *d, uint64_t user, uint32_t dev)
{
    char text[LIMIT_DEVICES * PAIR_MAX];
    struct member_marks m;
    int64_t conv = 0;
    sqlite3_stmt *s;

    while (db_row(d, s = db_start(d, SQL_ACKS_OF, "ii", (int64_t)user, conv))) {
        int had;

        conv = sqlite3_column_int64(s, 0);
        marks_parse(&m, (const char *)sqlite3_column_text(s, 1));
        db_stop(s);
        had = m.count;
        drop_device(&m, dev);
        if (m.count < had)
            db_run(d, SQL_ACKS_SET, "iit", conv, (int64_t)user,
                   marks_text(&m, text, sizeof(text)));
    }
}
