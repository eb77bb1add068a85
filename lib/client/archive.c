#include "archive.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "archive_sql.h"
#include "base/mem.h"

#define SCHEMA_VERSION 2

/* ---- opening ---- */

static int code_of(int rc)
{
    switch (rc) {
    case SQLITE_OK:
    case SQLITE_DONE:
    case SQLITE_ROW:
        return 0;
    case SQLITE_FULL:
        return -CF_FULL;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return -CF_BUSY;
    default:
        return -CF_IO;
    }
}

sqlite3_stmt *archive_use(struct archive *a, enum archive_statement which)
{
    if (a->statements[which] == NULL &&
        sqlite3_prepare_v3(a->db, archive_sql[which], -1,
                           SQLITE_PREPARE_PERSISTENT, &a->statements[which],
                           NULL) != SQLITE_OK) {
        fprintf(stderr, "archive: %s\n", sqlite3_errmsg(a->db));
        abort();
    }
    return a->statements[which];
}

int archive_run(sqlite3_stmt *st)
{
    int rc;

    while ((rc = sqlite3_step(st)) == SQLITE_ROW)
        ;
    sqlite3_reset(st);
    sqlite3_clear_bindings(st);
    return code_of(rc);
}

/* The version of the schema, 0: there is none; or an error. */
static int check_version(struct archive *a, const char *path, struct error *err)
{
    sqlite3_stmt *st = NULL;
    int version = 0;

    sqlite3_prepare_v2(a->db, "PRAGMA user_version", -1, &st, NULL);
    if (st != NULL && sqlite3_step(st) == SQLITE_ROW)
        version = sqlite3_column_int(st, 0);
    sqlite3_finalize(st);
    if (version > SCHEMA_VERSION)
        return error_set(err, CF_VERSION,
                         "%s was written by a newer confab (version %d)", path,
                         version);
    return version;
}

static int set_up(struct archive *a, const char *path, struct error *err)
{
    static const char pragmas[] =
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
        "PRAGMA secure_delete = ON; PRAGMA temp_store = MEMORY;";
    int rc;

    sqlite3_busy_timeout(a->db, 10000); /* other processes write too */
    if (sqlite3_exec(a->db, pragmas, NULL, NULL, NULL) != SQLITE_OK)
        return error_set(err, CF_IO, "%s: %s", path, sqlite3_errmsg(a->db));
    rc = check_version(a, path, err);
    if (rc < 0)
        return rc;
    if (rc == SCHEMA_VERSION)
        return 0; /* nothing is written: others may be writing */
    if (sqlite3_exec(a->db, archive_schema, NULL, NULL, NULL) != SQLITE_OK ||
        sqlite3_exec(a->db, "PRAGMA user_version = 2", NULL, NULL, NULL) !=
            SQLITE_OK)
        return error_set(err, CF_IO, "%s: %s", path, sqlite3_errmsg(a->db));
    return 0;
}

int archive_open(struct archive **out, const char *dir, struct error *err)
{
    struct archive *a;
    char path[4096];
    mode_t old;
    int rc;

    *out = NULL;
    if (dir != NULL && mkdir(dir, 0700) < 0 && errno != EEXIST)
        return error_set(err, CF_IO, "%s: %s", dir, strerror(errno));
    if (dir != NULL)
        snprintf(path, sizeof(path), "%s/archive.db", dir);
    else
        snprintf(path, sizeof(path), ":memory:");
    a = mem_alloc(sizeof(*a));
    old = umask(0077);
    rc = sqlite3_open_v2(
        path, &a->db,
        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL);
    if (rc != SQLITE_OK)
        rc = error_set(err, CF_IO, "%s: %s", path, sqlite3_errmsg(a->db));
    else
        rc = set_up(a, path, err);
    umask(old);
    if (rc < 0)
        archive_close(&a);
    *out = a;
    return rc;
}

void archive_close(struct archive **ap)
{
    struct archive *a = *ap;

    if (a == NULL)
        return;
    for (int i = 0; i < A_STATEMENTS; i++)
        sqlite3_finalize(a->statements[i]);
    sqlite3_close(a->db);
    free(a);
    *ap = NULL;
}

void archive_begin(struct archive *a)
{
    if (a->depth++ == 0)
        archive_run(archive_use(a, A_BEGIN));
}

int archive_commit(struct archive *a)
{
    int rc;

    if (--a->depth > 0)
        return 0;
    rc = archive_run(archive_use(a, A_COMMIT));
    if (rc < 0)
        archive_run(archive_use(a, A_ROLLBACK));
    return rc;
}

/* ---- entries ---- */

static void bind_span(sqlite3_stmt *st, int at, struct span s)
{
    if (s.p != NULL)
        sqlite3_bind_blob(st, at, s.p, (int)s.n, SQLITE_STATIC);
}

static void bind_text(sqlite3_stmt *st, int at, struct span s)
{
    if (s.p != NULL)
        sqlite3_bind_text(st, at, s.p, (int)s.n, SQLITE_STATIC);
}

int archive_put(struct archive *a, const struct entry *e)
{
    sqlite3_stmt *st = archive_use(a, A_PUT);
    int rc;

    sqlite3_bind_int64(st, 1, (int64_t)e->conv);
    sqlite3_bind_int64(st, 2, e->seq);
    sqlite3_bind_int64(st, 3, (int64_t)e->id);
    sqlite3_bind_int64(st, 4, e->ts);
    sqlite3_bind_int(st, 5, (int)e->kind);
    sqlite3_bind_int64(st, 6, (int64_t)e->from);
    sqlite3_bind_int64(st, 7, e->dev);
    sqlite3_bind_int64(st, 8, e->of);
    sqlite3_bind_int64(st, 9, e->thread);
    sqlite3_bind_int64(st, 10, e->reply);
    sqlite3_bind_int(st, 11, e->deleted);
    bind_text(st, 12, e->cid);
    bind_span(st, 13, e->body);
    bind_span(st, 14, e->mention);
    rc = archive_run(st);
    if (rc < 0)
        return rc;
    if (sqlite3_changes(a->db) == 0)
        return 0;
    if (e->kind == ENTRY_DELETE && e->of > 0) {
        st = archive_use(a, A_BLANK);
        sqlite3_bind_int64(st, 1, (int64_t)e->conv);
        sqlite3_bind_int64(st, 2, e->of);
        archive_run(st);
    }
    return 1;
}

static struct span column_span(sqlite3_stmt *st, int at)
{
    const void *p = sqlite3_column_blob(st, at);

    return span_make(p, p != NULL ? (size_t)sqlite3_column_bytes(st, at) : 0);
}

static void read_entry(sqlite3_stmt *st, struct entry *e)
{
    *e = (struct entry){
        .conv = (uint64_t)sqlite3_column_int64(st, 0),
        .seq = sqlite3_column_int64(st, 1),
        .id = (uint64_t)sqlite3_column_int64(st, 2),
        .ts = sqlite3_column_int64(st, 3),
        .kind = (enum entry_kind)sqlite3_column_int(st, 4),
        .from = (uint64_t)sqlite3_column_int64(st, 5),
        .dev = (uint32_t)sqlite3_column_int64(st, 6),
        .of = sqlite3_column_int64(st, 7),
        .thread = sqlite3_column_int64(st, 8),
        .reply = sqlite3_column_int64(st, 9),
        .deleted = sqlite3_column_int(st, 10) != 0,
        .cid = column_span(st, 11),
        .body = column_span(st, 12),
        .mention = column_span(st, 13),
    };
}

static int walk_entries(sqlite3_stmt *st,
                        bool (*fn)(void *ctx, const struct entry *e), void *ctx)
{
    struct entry e;
    int count = 0, rc;

    while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
        read_entry(st, &e);
        count++;
        if (!fn(ctx, &e)) {
            rc = SQLITE_DONE;
            break;
        }
    }
    sqlite3_reset(st);
    return rc == SQLITE_DONE ? count : code_of(rc);
}

int archive_entries(struct archive *a, uint64_t conv, int64_t after,
                    int64_t before, int limit, bool forward,
                    bool (*fn)(void *ctx, const struct entry *e), void *ctx)
{
    sqlite3_stmt *st = archive_use(a, forward ? A_RANGE_UP : A_RANGE_DOWN);

    sqlite3_bind_int64(st, 1, (int64_t)conv);
    sqlite3_bind_int64(st, 2, after);
    sqlite3_bind_int64(st, 3, before > 0 ? before : INT64_MAX);
    sqlite3_bind_int(st, 4, limit);
    return walk_entries(st, fn, ctx);
}

int archive_entry(struct archive *a, uint64_t conv, int64_t seq,
                  bool (*fn)(void *ctx, const struct entry *e), void *ctx)
{
    sqlite3_stmt *st = archive_use(a, A_ONE);
    int n;

    sqlite3_bind_int64(st, 1, (int64_t)conv);
    sqlite3_bind_int64(st, 2, seq);
    n = walk_entries(st, fn, ctx);
    return n == 0 ? -CF_NOT_FOUND : n < 0 ? n : 0;
}

int archive_find_id(struct archive *a, uint64_t id, uint64_t *conv,
                    int64_t *seq)
{
    sqlite3_stmt *st = archive_use(a, A_BY_ID);
    int rc = -CF_NOT_FOUND;

    sqlite3_bind_int64(st, 1, (int64_t)id);
    if (sqlite3_step(st) == SQLITE_ROW) {
        *conv = (uint64_t)sqlite3_column_int64(st, 0);
        *seq = sqlite3_column_int64(st, 1);
        rc = 0;
    }
    sqlite3_reset(st);
    return rc;
}

int64_t archive_prefix_from(struct archive *a, uint64_t conv, int64_t from)
{
    sqlite3_stmt *st = archive_use(a, A_ONE);
    int64_t prefix = from;
    bool next;

    sqlite3_bind_int64(st, 1, (int64_t)conv);
    sqlite3_bind_int64(st, 2, from + 1);
    next = sqlite3_step(st) == SQLITE_ROW;
    sqlite3_reset(st);
    if (!next)
        return from;
    st = archive_use(a, A_HOLE);
    sqlite3_bind_int64(st, 1, (int64_t)conv);
    sqlite3_bind_int64(st, 2, from + 1);
    if (sqlite3_step(st) == SQLITE_ROW)
        prefix = sqlite3_column_int64(st, 0);
    sqlite3_reset(st);
    return prefix;
}

/* ---- conversations ---- */

int archive_conv_put(struct archive *a, const struct archive_conv *c)
{
    sqlite3_stmt *st = archive_use(a, A_CONV_PUT);
    const int64_t rest[] = {(int64_t)c->peer, (int64_t)c->role, c->head,
                            c->acked,         c->read,          c->shown,
                            c->delivered_by,  c->read_by,       c->low};

    sqlite3_bind_int64(st, 1, (int64_t)c->conv);
    sqlite3_bind_int(st, 2, (int)c->kind);
    sqlite3_bind_int(st, 3, (int)c->mode);
    bind_text(st, 4, span_of(c->title));
    for (size_t i = 0; i < COUNT_OF(rest); i++)
        sqlite3_bind_int64(st, 5 + (int)i, rest[i]);
    return archive_run(st);
}

static void read_conv(sqlite3_stmt *st, struct archive_conv *c)
{
    const unsigned char *title = sqlite3_column_text(st, 3);

    *c = (struct archive_conv){
        .conv = (uint64_t)sqlite3_column_int64(st, 0),
        .kind = (enum conv_kind)sqlite3_column_int(st, 1),
        .mode = (enum conv_mode)sqlite3_column_int(st, 2),
        .peer = (uint64_t)sqlite3_column_int64(st, 4),
        .role = (enum role)sqlite3_column_int(st, 5),
        .head = sqlite3_column_int64(st, 6),
        .acked = sqlite3_column_int64(st, 7),
        .read = sqlite3_column_int64(st, 8),
        .shown = sqlite3_column_int64(st, 9),
        .delivered_by = sqlite3_column_int64(st, 10),
        .read_by = sqlite3_column_int64(st, 11),
        .low = sqlite3_column_int64(st, 12),
    };
    snprintf(c->title, sizeof(c->title), "%s",
             title != NULL ? (const char *)title : "");
}

int archive_conv_get(struct archive *a, uint64_t conv, struct archive_conv *out)
{
    sqlite3_stmt *st = archive_use(a, A_CONV_GET);
    int rc = -CF_NOT_FOUND;

    sqlite3_bind_int64(st, 1, (int64_t)conv);
    if (sqlite3_step(st) == SQLITE_ROW) {
        read_conv(st, out);
        rc = 0;
    }
    sqlite3_reset(st);
    return rc;
}

int archive_convs(struct archive *a,
                  bool (*fn)(void *ctx, const struct archive_conv *c),
                  void *ctx)
{
    sqlite3_stmt *st = archive_use(a, A_CONVS);
    struct archive_conv c;
    int count = 0;

    while (sqlite3_step(st) == SQLITE_ROW) {
        read_conv(st, &c);
        count++;
        if (!fn(ctx, &c))
            break;
    }
    sqlite3_reset(st);
    return count;
}

int archive_start_over(struct archive *a)
{
    static const enum archive_statement steps[] = {A_LAY_ASIDE, A_EMPTY,
                                                   A_FORGET, A_FORGET_TAILS};
    int rc = 0;

    archive_begin(a);
    for (size_t i = 0; rc == 0 && i < sizeof(steps) / sizeof(steps[0]); i++)
        rc = archive_run(archive_use(a, steps[i]));
    if (rc == 0)
        return archive_commit(a);
    a->depth--;
    archive_run(archive_use(a, A_ROLLBACK));
    return rc;
}

bool archive_is_former(struct archive *a, uint64_t id)
{
    sqlite3_stmt *st = archive_use(a, A_FORMER);
    bool found;

    sqlite3_bind_int64(st, 1, (int64_t)id);
    found = sqlite3_step(st) == SQLITE_ROW;
    sqlite3_reset(st);
    return found;
}

/* ---- outbox ---- */

static void read_outbox(sqlite3_stmt *st, struct outbox_item *i)
{
    const unsigned char *cid = sqlite3_column_text(st, 2);
    const unsigned char *code = sqlite3_column_text(st, 9);

    *i = (struct outbox_item){
        .row = sqlite3_column_int64(st, 0),
        .conv = (uint64_t)sqlite3_column_int64(st, 1),
        .state = (enum outbox_state)sqlite3_column_int(st, 3),
        .kind = sqlite3_column_int(st, 4),
        .frame = column_span(st, 5),
        .seq = sqlite3_column_int64(st, 6),
        .id = (uint64_t)sqlite3_column_int64(st, 7),
        .queued = sqlite3_column_int64(st, 8),
    };
    snprintf(i->cid, sizeof(i->cid), "%s", cid ? (const char *)cid : "");
    snprintf(i->code, sizeof(i->code), "%s", code ? (const char *)code : "");
}

int archive_outbox_add(struct archive *a, struct outbox_item *i)
{
    sqlite3_stmt *st = archive_use(a, A_OUT_ADD);
    int rc;

    sqlite3_bind_int64(st, 1, (int64_t)i->conv);
    bind_text(st, 2, span_of(i->cid));
    sqlite3_bind_int(st, 3, (int)i->state);
    sqlite3_bind_int(st, 4, i->kind);
    bind_span(st, 5, i->frame);
    sqlite3_bind_int64(st, 6, i->queued);
    rc = archive_run(st);
    if (rc < 0)
        return rc;
    if (sqlite3_changes(a->db) == 0) {
        archive_outbox_get(a, i->conv, i->cid, i);
        return -CF_EXISTS;
    }
    i->row = sqlite3_last_insert_rowid(a->db);
    return 0;
}

int archive_outbox_set(struct archive *a, uint64_t conv, const char *cid,
                       enum outbox_state state, int64_t seq, uint64_t id,
                       const char *code)
{
    sqlite3_stmt *st = archive_use(a, A_OUT_SET);

    sqlite3_bind_int64(st, 1, (int64_t)conv);
    bind_text(st, 2, span_of(cid));
    sqlite3_bind_int(st, 3, (int)state);
    sqlite3_bind_int64(st, 4, seq);
    sqlite3_bind_int64(st, 5, (int64_t)id);
    bind_text(st, 6, span_of(code != NULL ? code : ""));
    return archive_run(st);
}

int archive_outbox_get(struct archive *a, uint64_t conv, const char *cid,
                       struct outbox_item *out)
{
    sqlite3_stmt *st = archive_use(a, A_OUT_GET);
    int rc = -CF_NOT_FOUND;

    sqlite3_bind_int64(st, 1, (int64_t)conv);
    bind_text(st, 2, span_of(cid));
    if (sqlite3_step(st) == SQLITE_ROW) {
        read_outbox(st, out);
        out->frame = (struct span){0}; /* it lived in the statement */
        rc = 0;
    }
    sqlite3_reset(st);
    return rc;
}

int archive_outbox(struct archive *a,
                   bool (*fn)(void *ctx, const struct outbox_item *i),
                   void *ctx)
{
    sqlite3_stmt *st = archive_use(a, A_OUT_LIST);
    struct outbox_item i;
    int count = 0;

    while (sqlite3_step(st) == SQLITE_ROW) {
        read_outbox(st, &i);
        count++;
        if (!fn(ctx, &i))
            break;
    }
    sqlite3_reset(st);
    return count;
}

/* ---- names and settings ---- */

int archive_user_put(struct archive *a, uint64_t user, const char *name,
                     const char *display)
{
    sqlite3_stmt *st = archive_use(a, A_USER_PUT);

    sqlite3_bind_int64(st, 1, (int64_t)user);
    bind_text(st, 2, span_of(name));
    bind_text(st, 3, span_of(display != NULL ? display : ""));
    return archive_run(st);
}

int archive_user_name(struct archive *a, uint64_t user, char *name)
{
    sqlite3_stmt *st = archive_use(a, A_USER_NAME);
    int rc = -CF_NOT_FOUND;

    sqlite3_bind_int64(st, 1, (int64_t)user);
    if (sqlite3_step(st) == SQLITE_ROW) {
        snprintf(name, 33, "%s", (const char *)sqlite3_column_text(st, 0));
        rc = 0;
    }
    sqlite3_reset(st);
    return rc;
}

int archive_user_find(struct archive *a, const char *name, uint64_t *user)
{
    sqlite3_stmt *st = archive_use(a, A_USER_FIND);
    int rc = -CF_NOT_FOUND;

    bind_text(st, 1, span_of(name));
    if (sqlite3_step(st) == SQLITE_ROW) {
        *user = (uint64_t)sqlite3_column_int64(st, 0);
        rc = 0;
    }
    sqlite3_reset(st);
    return rc;
}

int archive_set(struct archive *a, const char *key, const char *value)
{
    sqlite3_stmt *st = archive_use(a, A_SET);

    bind_text(st, 1, span_of(key));
    bind_text(st, 2, span_of(value));
    return archive_run(st);
}

int archive_get(struct archive *a, const char *key, char *value, size_t size)
{
    sqlite3_stmt *st = archive_use(a, A_GET);
    int rc = -CF_NOT_FOUND;

    bind_text(st, 1, span_of(key));
    if (sqlite3_step(st) == SQLITE_ROW) {
        snprintf(value, size, "%s", (const char *)sqlite3_column_text(st, 0));
        rc = 0;
    }
    sqlite3_reset(st);
    return rc;
}
