/* Does a text lie in the store? What is looked through is what a thief of the
 * disk gets after a checkpoint: a copy made by the server's own backup while
 * it runs, else of its files, and every other file of the data directory.
 *
 * Each file is searched byte by byte, so that free pages count too, and each
 * value of each table by SQL, since a long row is split over pages. The text
 * counts as it is and as JSON writes it, with and without \u for what is not
 * ASCII. What is compressed or encrypted is not seen: that is the point. */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sqlite3.h>

#include "base/mem.h"
#include "fixture_priv.h"

#define FORMS 3
#define TEXT_MAX 4096 /* bytes of a text that is looked for */
#define CHUNK (1 << 20)

struct search {
    struct buf forms[FORMS]; /* the text as it may lie there */
    int nforms;
    const char *skip; /* files of this suffix are not looked at, or NULL */
    int found, rc;
    struct error *err;
};

/* nftw() hands nothing through. */
static _Thread_local struct search *current;

/* ---- forms of the text ---- */

static void add_form(struct search *s, struct span form)
{
    for (int i = 0; i < s->nforms; i++)
        if (span_eq(buf_span(&s->forms[i]), form))
            return;
    buf_init(&s->forms[s->nforms], 8 * TEXT_MAX);
    buf_append_span(&s->forms[s->nforms++], form);
}

static void add_json_form(struct search *s, const char *text, bool ascii)
{
    json_t *j = json_string(text);
    struct buf b;

    buf_init(&b, 8 * TEXT_MAX);
    if (j != NULL && json_write(&b, j, ascii) == 0 && b.len > 2)
        add_form(s, span_make(b.data + 1, b.len - 2));
    buf_release(&b);
    json_decref(j);
}

/* ---- bytes of files ---- */

static bool holds(const struct search *s, const char *p, size_t n)
{
    for (int i = 0; i < s->nforms; i++)
        if (memmem(p, n, s->forms[i].data, s->forms[i].len) != NULL)
            return true;
    return false;
}

static size_t longest(const struct search *s)
{
    size_t n = 0;

    for (int i = 0; i < s->nforms; i++)
        if (s->forms[i].len > n)
            n = s->forms[i].len;
    return n;
}

static int search_fd(struct search *s, int fd, const char *path)
{
    size_t keep = longest(s) - 1, have = 0;
    char *room = mem_alloc(keep + CHUNK);
    int rc = 0;

    while (rc == 0) {
        ssize_t n = read(fd, room + have, CHUNK);

        if (n <= 0) {
            if (n < 0)
                rc = error_set(s->err, CF_IO, "%s: %s", path, strerror(errno));
            break;
        }
        have += (size_t)n;
        if (holds(s, room, have))
            rc = 1;
        if (have > keep) {
            memmove(room, room + have - keep, keep);
            have = keep;
        }
    }
    free(room);
    return rc;
}

static bool ends_with(const char *path, const char *suffix)
{
    size_t n = strlen(path), m = strlen(suffix);

    return n >= m && strcmp(path + n - m, suffix) == 0;
}

static int search_file(const char *path, const struct stat *st, int type,
                       struct FTW *at)
{
    struct search *s = current;
    int fd, rc;

    if (type != FTW_F || !S_ISREG(st->st_mode))
        return 0;
    if (s->skip != NULL &&
        (ends_with(path, ".db") || ends_with(path, ".db-wal") ||
         ends_with(path, ".db-shm")))
        return 0; /* they are in the copy */
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) /* gone since it was listed */
        return 0;
    rc = search_fd(s, fd, path);
    close(fd);
    if (rc > 0)
        s->found = 1;
    else if (rc < 0)
        s->rc = rc;
    return rc;
}

/* skip: leave the database and its logs out. */
static void search_tree(struct search *s, const char *dir, const char *skip)
{
    current = s;
    s->skip = skip;
    (void)nftw(dir, search_file, 16, FTW_PHYS);
    current = NULL;
}

/* ---- values of tables ---- */

static int sql_error(struct search *s, sqlite3 *db)
{
    s->rc = error_set(s->err, CF_IO, "store: %s", sqlite3_errmsg(db));
    return s->rc;
}

static void search_table(struct search *s, sqlite3 *db, const char *table)
{
    char *sql = sqlite3_mprintf("SELECT * FROM \"%w\"", table);
    sqlite3_stmt *row = NULL;
    int got = SQLITE_ERROR;

    if (sqlite3_prepare_v2(db, sql, -1, &row, NULL) == SQLITE_OK) {
        while (!s->found && (got = sqlite3_step(row)) == SQLITE_ROW)
            for (int i = 0; i < sqlite3_column_count(row); i++) {
                const char *p = sqlite3_column_blob(row, i);

                if (p != NULL &&
                    holds(s, p, (size_t)sqlite3_column_bytes(row, i)))
                    s->found = 1;
            }
    }
    if (!s->found && got != SQLITE_DONE)
        sql_error(s, db);
    sqlite3_finalize(row);
    sqlite3_free(sql);
}

/* The copy at path: its log goes into it, then each table is read. */
static void search_database(struct search *s, const char *path)
{
    sqlite3_stmt *names = NULL;
    sqlite3 *db = NULL;

    if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK ||
        sqlite3_exec(db, "PRAGMA wal_checkpoint(TRUNCATE)", NULL, NULL, NULL) !=
            SQLITE_OK ||
        sqlite3_prepare_v2(db,
                           "SELECT name FROM sqlite_schema"
                           " WHERE type = 'table'",
                           -1, &names, NULL) != SQLITE_OK)
        sql_error(s, db);
    while (s->rc == 0 && !s->found && sqlite3_step(names) == SQLITE_ROW)
        search_table(s, db, (const char *)sqlite3_column_text(names, 0));
    sqlite3_finalize(names);
    sqlite3_close(db);
}

/* ---- the copy ---- */

static int copy_bytes(int from, int to, const char *path, struct error *err)
{
    char *room = mem_alloc(CHUNK);
    ssize_t n;
    int rc = 0;

    while (rc == 0 && (n = read(from, room, CHUNK)) != 0)
        if (n < 0 || write(to, room, (size_t)n) != n)
            rc = error_set(err, CF_IO, "%s: %s", path, strerror(errno));
    free(room);
    return rc;
}

/* Copy a file of the data directory that may be absent. */
static int copy_file(const struct fixture *f, const char *dir, const char *name,
                     struct error *err)
{
    char from_path[4300], to_path[600];
    int from, to, rc = 0;

    snprintf(from_path, sizeof(from_path), "%s/%s", f->data, name);
    snprintf(to_path, sizeof(to_path), "%s/%s", dir, name);
    from = open(from_path, O_RDONLY | O_CLOEXEC);
    if (from < 0)
        return errno == ENOENT ? 0
                               : error_set(err, CF_IO, "%s: %s", from_path,
                                           strerror(errno));
    to = open(to_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (to < 0)
        rc = error_set(err, CF_IO, "%s: %s", to_path, strerror(errno));
    else
        rc = copy_bytes(from, to, to_path, err);
    close(from);
    if (to >= 0)
        close(to);
    return rc;
}

static int make_copy(struct fixture *f, const char *dir, struct error *err)
{
    struct buf answer;
    int rc;

    if (fixture_running(f)) {
        rc = fixture_ask(f, "backup", json_pack("[s]", dir), &answer, err);
        buf_release(&answer);
        return rc;
    }
    rc = copy_file(f, dir, "confab.db", err);
    return rc < 0 ? rc : copy_file(f, dir, "confab.db-wal", err);
}

static void search_all(struct search *s, struct fixture *f, const char *dir)
{
    char path[600];

    s->rc = make_copy(f, dir, s->err);
    snprintf(path, sizeof(path), "%s/confab.db", dir);
    if (s->rc == 0 && access(path, F_OK) != 0)
        s->rc = error_set(s->err, CF_NOT_FOUND, "no store in %s", f->data);
    if (s->rc == 0)
        search_database(s, path);
    if (s->rc == 0 && !s->found)
        search_tree(s, dir, NULL);
    if (s->rc == 0 && !s->found)
        search_tree(s, f->data, "database");
}

int fixture_store_has(struct fixture *f, const char *text, struct error *err)
{
    struct search s = {.err = err};
    char dir[300];

    if (!f->owned)
        return error_set(err, CF_DENIED,
                         "the store of the server at %s is out of reach",
                         f->url);
    if (text[0] == '\0' || strlen(text) > TEXT_MAX)
        return error_set(err, CF_INVALID, "1 to %d bytes can be looked for",
                         TEXT_MAX);
    snprintf(dir, sizeof(dir), "%s/copy-XXXXXX", f->dir);
    if (mkdtemp(dir) == NULL)
        return error_set(err, CF_IO, "%s: %s", dir, strerror(errno));
    add_form(&s, span_of(text));
    add_json_form(&s, text, false);
    add_json_form(&s, text, true);
    search_all(&s, f, dir);
    fixture_remove(dir);
    for (int i = 0; i < s.nforms; i++)
        buf_release(&s.forms[i]);
    return s.rc < 0 ? s.rc : s.found;
}
