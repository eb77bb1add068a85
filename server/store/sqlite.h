/* sqlite.h - the SQLite backend's insides; for sqlite*.c only.
 *
 * Threads: one writer, two readers, one that moves the WAL into the database
 * beside the writer. Each has a connection of its own. They are made in
 * store_open(), which main calls before any thread unshares its descriptors.
 * A login is read on the port's own thread when nothing has to be waited for
 * (sqlite_peek.h); so every connection looks at the gate (sqlite_gate.h). */
#ifndef STORE_SQLITE_H
#define STORE_SQLITE_H

#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>

#include "base/map.h"
#include "store/store_gather.h"
#include "store/sqlite_sql.h"
#include "store/store_backend.h"

#define SQLITE_READERS 2
#define SQLITE_BATCH_OPS 256
#define SQLITE_BATCH_BYTES (1024 * 1024)
#define SQLITE_RESERVE_BYTES (64L * 1024 * 1024)
#define SQLITE_CHECKPOINT_FRAMES 8192 /* beside the writer */
#define SQLITE_CATCH_UP_FRAMES 24576  /* the writer does the rest itself */
#define SQLITE_CONV_CACHE 65536       /* rows */
#define SQLITE_FILE "confab.db"

/* A connection with its prepared statements. Belongs to one thread. */
struct db {
    sqlite3 *handle;
    sqlite3_stmt *stmts[SQL_COUNT];
    int rc; /* first error since db_begin(), SQLITE_OK: none */
};

struct sqlite_reader {
    struct sqlite_store *ss;
    struct db db;
};

struct sqlite_store {
    struct store *store;
    char *dir;
    int lock_fd;
    bool sync;

    pthread_mutex_t lock;
    pthread_cond_t wake_writer, wake_checkpoint;
    struct link writes;      /* waiting */
    int64_t appends;         /* that ever waited */
    _Atomic int write_count; /* not answered */
    bool stopping;
    bool checkpoint_wanted;

    /* The readers' queue. A reader that is called calls the next one when it
     * finds more than it takes: nobody is woken for what an awake one does. */
    pthread_mutex_t read_lock;
    pthread_cond_t wake_readers;
    struct link reads;      /* waiting */
    _Atomic int read_count; /* not taken */
    int readers_asleep;
    bool reader_called; /* one was woken and has not looked yet */
    bool readers_stop;

    pthread_t writer, checkpointer, reader_threads[SQLITE_READERS];
    bool have_writer, have_checkpointer;
    int have_readers;

    /* The writer's. */
    struct db write;
    struct gather gather;
    struct map convs; /* cache: conv -> struct conv_row */
    bool full;        /* the disk was full: only what frees or is small */
    int64_t entries;  /* in the log, with what this transaction adds */
    int64_t entries_stored;
    _Atomic bool catch_up;
    _Atomic int64_t commits, rows;

    struct db check; /* the checkpointer's */
    struct sqlite_reader readers[SQLITE_READERS];
};

/* ---- sqlite_db.c: connections and statements ---- */

int db_open(struct db *d, const char *path, bool sync, bool writes,
            struct error *err);
void db_close(struct db *d);
int db_error(struct error *err, struct db *d, const char *what);
/* Run SQL text without results. SQLite's code. */
int db_exec(struct db *d, const char *sql);

/* A statement, bound: i int64_t, t const char * (NULL: NULL), b struct span
 * as blob (absent: NULL). Never NULL; errors go into d->rc and make it give no
 * row. */
sqlite3_stmt *db_start(struct db *d, enum sql_id id, const char *types, ...);
/* The next row? Resets the statement at the end. */
bool db_row(struct db *d, sqlite3_stmt *s);
/* Done with the statement before its end. */
void db_stop(sqlite3_stmt *s);
/* A statement without rows. Number of rows changed; errors in d->rc. */
int db_run(struct db *d, enum sql_id id, const char *types, ...);

/* ---- sqlite_vfs.c: fewer writes ---- */

/* The VFS for a connection that writes with synchronous = FULL: the writes to
 * its log are gathered until they are synced. Not from two threads at once. */
const char *gather_vfs(void);

/* Columns. Texts are cut to size. */
void col_text(sqlite3_stmt *s, int i, char *out, size_t size);
struct span col_blob(sqlite3_stmt *s, int i);
void row_conv(sqlite3_stmt *s, int at, struct conv_row *row);
void row_member(sqlite3_stmt *s, struct membership *m);
void row_user(sqlite3_stmt *s, struct user_row *u);
void row_device(sqlite3_stmt *s, struct device_row *d);
/* Spans point into the statement: valid until its next step. */
void row_entry(sqlite3_stmt *s, struct entry *e);

/* ---- sqlite_schema.c ---- */

/* Create or migrate, check, and read the incarnation's name. */
int schema_prepare(struct sqlite_store *ss, struct db *d, struct error *err);
/* Give the store at path a new incarnation's name. */
int schema_rename(struct db *d, char name[33], struct error *err);

/* ---- sqlite_reserve.c: the disk ---- */

int reserve_make(struct sqlite_store *ss);
void reserve_drop(struct sqlite_store *ss);
/* There is room again: the reserve is back, and as much beside it. */
bool reserve_regain(struct sqlite_store *ss);
/* May this operation use the reserve? */
bool reserve_allows(const struct store_op *op);
int lock_take(struct sqlite_store *ss, struct error *err);

/* ---- the threads ---- */

void *writer_main(void *arg);     /* sqlite_writer.c */
void *checkpoint_main(void *arg); /* sqlite_checkpoint.c */
void *reader_main(void *arg);     /* sqlite_reads.c */
/* Called by SQLite on the writer after a commit with the length of the WAL. */
int checkpoint_hook(void *arg, sqlite3 *db, const char *name, int frames);

/* ---- verbs: a CF_* result; SQLite's errors are in d->rc ---- */

int sqlite_write(struct sqlite_store *ss, struct store_op *op);
int sqlite_write_user(struct sqlite_store *ss, struct store_op *op);
/* Raise the marks of one row, with its results (sqlite_marks.c). */
void sqlite_raise_marks(struct sqlite_store *ss, struct mark_row *r);
/* The device is revoked: it has no marks any more. */
void sqlite_drop_marks(struct db *d, uint64_t user, uint32_t dev);
/* The mark of dev in a row's column acks (NULL: empty); -1: it has none. */
int64_t sqlite_device_mark(const char *text, uint32_t dev);
int sqlite_create(struct sqlite_store *ss, struct store_op *op);
int sqlite_expire(struct sqlite_store *ss, struct store_op *op);
/* From the cache or the table; NULL: no such conversation. */
struct conv_row *sqlite_conv(struct sqlite_store *ss, uint64_t conv);
struct conv_row *sqlite_conv_add(struct sqlite_store *ss,
                                 const struct conv_row *row);
void sqlite_forget_convs(struct sqlite_store *ss);
/* Insert op->entry as the next of c. */
int sqlite_insert_entry(struct sqlite_store *ss, struct conv_row *c,
                        struct store_op *op);
void sqlite_change_roster(struct sqlite_store *ss, struct conv_row *c,
                          const struct store_op *op, int64_t seq);
void sqlite_blank(struct db *d, uint64_t conv, int64_t seq, int64_t now);

/* Any thread. 0, -CF_BUSY, -CF_UNAVAILABLE. */
int sqlite_enqueue_read(struct sqlite_store *ss, struct store_op *op);
void sqlite_stop_readers(struct sqlite_store *ss);
int sqlite_read(struct sqlite_store *ss, struct db *d, struct store_op *op);
int sqlite_read_user(struct sqlite_store *ss, struct db *d,
                     struct store_op *op);
int sqlite_convs_of(struct db *d, struct store_op *op);
int sqlite_export(struct db *d, struct store_op *op);

int sqlite_backup(struct store *s, const char *dir, struct error *err);

#endif
