#include "shim/lossy_vfs.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/map.h"
#include "base/mem.h"
#include "shim/shim_vfs.h"

#define BLOCK 4096

/* One file of the process, shared by its connections. */
struct lossy {
    char *path;
    int refs;
    int64_t size;      /* as the process sees it */
    int64_t cut;       /* the real file counts up to here */
    struct map blocks; /* index + 1 -> BLOCK bytes that were not synced */
    struct lossy *next;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct lossy *files;
static bool no_sync;
static int tear_one_in;
static uint32_t dice = 12345;

static struct lossy *lossy_of(sqlite3_file *f)
{
    return ((struct shim_file *)f)->state;
}

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int real_read(sqlite3_file *f, void *p, int n, int64_t at)
{
    int rc = shim_read(f, p, n, at);

    return rc == SQLITE_IOERR_SHORT_READ ? SQLITE_OK : rc; /* zero-filled */
}

/* The block as the process sees it. */
static int block_load(struct lossy *l, sqlite3_file *f, int64_t index,
                      char out[BLOCK])
{
    const char *mine = map_get(&l->blocks, (uint64_t)index + 1);
    int64_t at = index * BLOCK;
    int rc = SQLITE_OK;

    if (mine != NULL) {
        memcpy(out, mine, BLOCK);
        return SQLITE_OK;
    }
    memset(out, 0, BLOCK);
    if (at < l->cut)
        rc = real_read(f, out, (int)least(BLOCK, l->cut - at), at);
    return rc;
}

static int lossy_read(sqlite3_file *f, void *p, int n, sqlite3_int64 at)
{
    struct lossy *l = lossy_of(f);
    char block[BLOCK], *to = p;
    int rc = SQLITE_OK, got = 0;

    pthread_mutex_lock(&lock);
    while (rc == SQLITE_OK && got < n && at + got < l->size) {
        int64_t index = (at + got) / BLOCK;
        int64_t skip = (at + got) % BLOCK;
        int64_t take = least(least(n - got, BLOCK - skip), l->size - at - got);

        rc = block_load(l, f, index, block);
        memcpy(to + got, block + skip, (size_t)take);
        got += (int)take;
    }
    pthread_mutex_unlock(&lock);
    if (rc != SQLITE_OK || got == n)
        return rc;
    memset(to + got, 0, (size_t)(n - got));
    return SQLITE_IOERR_SHORT_READ;
}

/* Some of it reaches the disk at once, and badly. */
static void tear(sqlite3_file *f, const char *p, int n, int64_t at)
{
    char *torn;

    dice = dice * 1664525u + 1013904223u;
    if (tear_one_in <= 0 || n < 2 || (dice >> 16) % (unsigned)tear_one_in != 0)
        return;
    torn = mem_copy(p, (size_t)n);
    memset(torn + n / 2, (int)(dice >> 24), (size_t)(n - n / 2));
    (void)shim_write(f, torn, n, at);
    free(torn);
}

static int block_change(struct lossy *l, sqlite3_file *f, int64_t index,
                        int64_t skip, const char *p, int64_t n)
{
    char *mine = map_get(&l->blocks, (uint64_t)index + 1);
    int rc = SQLITE_OK;

    if (mine == NULL) {
        mine = mem_alloc(BLOCK);
        rc = block_load(l, f, index, mine);
        map_put(&l->blocks, (uint64_t)index + 1, mine);
    }
    memcpy(mine + skip, p, (size_t)n);
    return rc;
}

static int lossy_write(sqlite3_file *f, const void *p, int n, sqlite3_int64 at)
{
    struct lossy *l = lossy_of(f);
    const char *from = p;
    int rc = SQLITE_OK;
    int64_t done = 0;

    pthread_mutex_lock(&lock);
    while (rc == SQLITE_OK && done < n) {
        int64_t skip = (at + done) % BLOCK;
        int64_t take = least(n - done, BLOCK - skip);

        rc = block_change(l, f, (at + done) / BLOCK, skip, from + done, take);
        done += take;
    }
    tear(f, p, n, at);
    if (at + n > l->size)
        l->size = at + n;
    pthread_mutex_unlock(&lock);
    return rc;
}

static void forget(struct lossy *l)
{
    for (uint32_t i = 0; i < l->blocks.len; i++)
        free(l->blocks.entries[i].value);
    map_release(&l->blocks);
    map_init(&l->blocks);
}

static int lossy_truncate(sqlite3_file *f, sqlite3_int64 size)
{
    struct lossy *l = lossy_of(f);
    int64_t last = size / BLOCK;

    pthread_mutex_lock(&lock);
    if (size < l->size) {
        for (uint32_t i = l->blocks.len; i-- > 0;) {
            int64_t index = (int64_t)l->blocks.entries[i].key - 1;
            char *block = l->blocks.entries[i].value;

            if (index * BLOCK >= size)
                free(map_remove(&l->blocks, (uint64_t)index + 1));
            else if (index == last)
                memset(block + size % BLOCK, 0, (size_t)(BLOCK - size % BLOCK));
        }
        l->cut = least(l->cut, size);
    }
    l->size = size;
    pthread_mutex_unlock(&lock);
    return SQLITE_OK;
}

/* Bring the real file up to what the process sees. */
static int flush(struct lossy *l, sqlite3_file *f)
{
    sqlite3_int64 real = 0;
    int rc = shim_size(f, &real);

    if (rc == SQLITE_OK && l->cut < real)
        rc = shim_truncate(f, l->cut);
    for (uint32_t i = 0; rc == SQLITE_OK && i < l->blocks.len; i++) {
        int64_t at = (int64_t)(l->blocks.entries[i].key - 1) * BLOCK;
        int64_t n = least(BLOCK, l->size - at);

        if (n > 0)
            rc = shim_write(f, l->blocks.entries[i].value, (int)n, at);
    }
    if (rc == SQLITE_OK) {
        forget(l);
        l->cut = l->size;
    }
    return rc;
}

static int lossy_sync(sqlite3_file *f, int flags)
{
    struct lossy *l = lossy_of(f);
    int rc = SQLITE_OK;

    if (no_sync)
        return SQLITE_OK;
    pthread_mutex_lock(&lock);
    rc = flush(l, f);
    pthread_mutex_unlock(&lock);
    return rc == SQLITE_OK ? shim_sync(f, flags) : rc;
}

static int lossy_size(sqlite3_file *f, sqlite3_int64 *size)
{
    pthread_mutex_lock(&lock);
    *size = lossy_of(f)->size;
    pthread_mutex_unlock(&lock);
    return SQLITE_OK;
}

/* A hint about growth would make the real file longer than what was written. */
static int lossy_control(sqlite3_file *f, int op, void *arg)
{
    if (op == SQLITE_FCNTL_SIZE_HINT || op == SQLITE_FCNTL_CHUNK_SIZE)
        return SQLITE_OK;
    return shim_control(f, op, arg);
}

/* ---- opening and closing ---- */

static void unlist(struct lossy *l)
{
    struct lossy **at = &files;

    while (*at != NULL && *at != l)
        at = &(*at)->next;
    if (*at != NULL)
        *at = l->next;
}

static void lossy_free(struct lossy *l)
{
    forget(l);
    map_release(&l->blocks);
    free(l->path);
    free(l);
}

static int lossy_close(sqlite3_file *f)
{
    struct lossy *l = lossy_of(f);

    pthread_mutex_lock(&lock);
    if (--l->refs == 0) {
        (void)flush(l, f);
        unlist(l);
        lossy_free(l);
    }
    pthread_mutex_unlock(&lock);
    return shim_close(f);
}

static struct lossy *lossy_find(const char *path, sqlite3_file *f)
{
    struct lossy *l = files;
    sqlite3_int64 size = 0;

    while (l != NULL && strcmp(l->path, path) != 0)
        l = l->next;
    if (l == NULL) {
        (void)shim_size(f, &size);
        l = mem_alloc(sizeof(*l));
        l->path = mem_text(path);
        l->size = l->cut = size;
        map_init(&l->blocks);
        l->next = files;
        files = l;
    }
    l->refs++;
    return l;
}

static int lossy_open(sqlite3_vfs *v, const char *name, sqlite3_file *f,
                      int flags, int *out)
{
    static sqlite3_io_methods lossy_methods = SHIM_METHODS;
    static const sqlite3_io_methods plain = SHIM_METHODS;
    int rc;

    lossy_methods.xClose = lossy_close;
    lossy_methods.xRead = lossy_read;
    lossy_methods.xWrite = lossy_write;
    lossy_methods.xTruncate = lossy_truncate;
    lossy_methods.xSync = lossy_sync;
    lossy_methods.xFileSize = lossy_size;
    lossy_methods.xFileControl = lossy_control;
    rc = shim_open(v, name, f, flags, out,
                   name != NULL ? &lossy_methods : &plain);
    if (rc != SQLITE_OK || name == NULL)
        return rc;
    pthread_mutex_lock(&lock);
    ((struct shim_file *)f)->state = lossy_find(name, f);
    pthread_mutex_unlock(&lock);
    return rc;
}

/* A removed file takes what was not synced with it. */
static int lossy_delete(sqlite3_vfs *v, const char *name, int sync)
{
    pthread_mutex_lock(&lock);
    for (struct lossy *l = files; l != NULL; l = l->next) {
        if (strcmp(l->path, name) == 0) {
            forget(l);
            l->size = l->cut = 0;
        }
    }
    pthread_mutex_unlock(&lock);
    return shim_under(v)->xDelete(shim_under(v), name, sync);
}

void lossy_install_with(bool nosync, int tear_in)
{
    static sqlite3_vfs vfs;

    no_sync = nosync;
    tear_one_in = tear_in;
    if (vfs.zName != NULL)
        return;
    shim_install(&vfs, "lossy", lossy_open);
    vfs.xDelete = lossy_delete;
}

static bool env_is_set(const char *name)
{
    const char *value = getenv(name);

    return value != NULL && strcmp(value, "1") == 0;
}

bool lossy_install(void)
{
    const char *tear_in = getenv("CONFAB_LOSSY_TEAR");

    if (!env_is_set("CONFAB_LOSSY"))
        return false;
    lossy_install_with(env_is_set("CONFAB_LOSSY_NOSYNC"),
                       tear_in != NULL ? (int)strtol(tear_in, NULL, 10) : 8);
    return true;
}
