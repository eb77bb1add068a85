#include "record.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/log.h"
#include "base/map.h"
#include "base/mem.h"
#include "proto/story.h"

#define CONVERSATIONS_MAX 10000

/* All of it belongs to the thread that the store shows its writes on. */
struct record {
    char dir[4096];
    struct map stories; /* by conversation */
    int files;          /* highest number taken */
    bool full;
};

static struct story *story_open(struct record *r)
{
    struct story *s = NULL;
    char path[4200], name[64];
    struct error err = {0};
    int rc;

    do {
        snprintf(path, sizeof(path), "%s/conversation-%d.confab", r->dir,
                 ++r->files);
        snprintf(name, sizeof(name), "recorded conversation %d", r->files);
        rc = story_new(&s, path, name, &err);
    } while (rc == -CF_EXISTS);
    if (rc < 0)
        log_error("record: %s", err.text);
    return s;
}

/* A conversation was made. */
static void begins(struct record *r, const struct store_op *op)
{
    struct story *s;

    if (r->stories.len >= CONVERSATIONS_MAX) {
        if (!r->full)
            log_warn("record: the first %d conversations are enough",
                     CONVERSATIONS_MAX);
        r->full = true;
        return;
    }
    s = story_open(r);
    if (s == NULL)
        return;
    map_put(&r->stories, op->conv, s);
    if (op->kind == CONV_DIRECT)
        story_direct(s, op->conv, op->entry.from,
                     op->entry.from == op->user ? op->other : op->user);
    else
        story_begins(s, op->conv, op->kind);
}

static void goes_on(struct record *r, const struct entry *e, uint64_t conv)
{
    struct story *s = map_get(&r->stories, conv);
    struct entry copy = *e;

    if (s == NULL)
        return;
    copy.conv = conv;
    story_entry(s, &copy);
    if (story_state(s) < 0) {
        log_warn("record: c%llu is not recorded any more: %s",
                 (unsigned long long)conv, error_name(story_state(s)));
        (void)map_remove(&r->stories, conv);
        story_free(&s);
    }
}

static void marked(struct record *r, const struct store_op *op)
{
    for (int i = 0; i < op->mark_count; i++) {
        const struct mark_row *m = &op->marks[i];
        struct story *s = map_get(&r->stories, m->conv);

        if (s != NULL && m->read > 0)
            story_read(s, m->conv, m->user, m->read);
    }
}

static void written(void *ctx, const struct store_op *op)
{
    struct record *r = ctx;

    switch (op->verb) {
    case STORE_CREATE:
        if (op->kind != CONV_SELF)
            begins(r, op);
        goes_on(r, &op->entry, op->conv);
        break;
    case STORE_APPEND:
        goes_on(r, &op->entry, op->conv);
        break;
    case STORE_MARKS:
        marked(r, op);
        break;
    default:
        break;
    }
}

int record_start(struct record **out, struct store *store, const char *dir,
                 struct error *err)
{
    struct record *r;

    if (strlen(dir) >= sizeof(r->dir))
        return error_set(err, CF_TOO_BIG, "--record: the path is too long");
    if (mkdir(dir, 0700) < 0 && errno != EEXIST)
        return error_set(err, CF_IO, "--record %s: %s", dir, strerror(errno));
    r = mem_alloc(sizeof(*r));
    memcpy(r->dir, dir, strlen(dir) + 1);
    map_init(&r->stories);
    store_watch(store, written, r);
    log_warn("recording what is said into %s", dir);
    *out = r;
    return 0;
}

void record_free(struct record **slot)
{
    struct record *r = *slot;

    *slot = NULL;
    if (r == NULL)
        return;
    for (uint32_t i = 0; i < r->stories.len; i++) {
        struct story *s = r->stories.entries[i].value;

        story_free(&s);
    }
    map_release(&r->stories);
    free(r);
}
