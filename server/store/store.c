#include "store/store.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "store/store_backend.h"

#define BACKENDS_MAX 8

static const struct store_backend *backends[BACKENDS_MAX] = {&store_memory};
static int backend_count = 1;

static const char *const verb_names[STORE_VERBS] = {
    [STORE_NONE] = "none",
    [STORE_OPEN] = "open",
    [STORE_CREATE] = "create",
    [STORE_APPEND] = "append",
    [STORE_MARKS] = "marks",
    [STORE_USER_ADD] = "user_add",
    [STORE_USER_SET] = "user_set",
    [STORE_USER_DELETE] = "user_delete",
    [STORE_DEVICE_ADD] = "device_add",
    [STORE_DEVICE_SET] = "device_set",
    [STORE_DEVICE_REVOKE] = "device_revoke",
    [STORE_BLOCK] = "block",
    [STORE_INVITE_ADD] = "invite_add",
    [STORE_INVITE_USE] = "invite_use",
    [STORE_AUDIT] = "audit",
    [STORE_RESERVE] = "reserve",
    [STORE_EXPIRE] = "expire",
    [STORE_PAGE] = "page",
    [STORE_ENTRY] = "entry",
    [STORE_CID] = "cid",
    [STORE_HEADS] = "heads",
    [STORE_CONV] = "conv",
    [STORE_CONVS_OF] = "convs_of",
    [STORE_ROSTER] = "roster",
    [STORE_MEMBER] = "member",
    [STORE_USER] = "user",
    [STORE_USERS] = "users",
    [STORE_DEVICES] = "devices",
    [STORE_TOKEN] = "token",
    [STORE_BLOCKS] = "blocks",
    [STORE_PAIR] = "pair",
    [STORE_VISIBLE] = "visible",
    [STORE_AUDIT_READ] = "audit_read",
    [STORE_EXPORT] = "export",
    [STORE_STATS] = "stats",
};

void store_op_init(struct store_op *op, enum store_verb verb,
                   store_done_fn *done, void *ctx)
{
    memset(op, 0, sizeof(*op));
    op->verb = verb;
    op->done = done;
    op->ctx = ctx;
    buf_init(&op->out, STORE_OUT_MAX);
}

void store_op_release(struct store_op *op)
{
    buf_release(&op->out);
}

bool store_verb_is_write(enum store_verb v)
{
    return v >= STORE_OPEN && v <= STORE_EXPIRE;
}

const char *store_verb_name(enum store_verb v)
{
    return v >= 0 && v < STORE_VERBS ? verb_names[v] : "unknown";
}

/* ---- opening ---- */

void store_backend_add(const struct store_backend *b)
{
    for (int i = 0; i < backend_count; i++) {
        if (backends[i] == b)
            return;
    }
    if (backend_count < BACKENDS_MAX)
        backends[backend_count++] = b;
}

static const struct store_backend *backend_find(const char *name)
{
    for (int i = 0; i < backend_count; i++) {
        if (strcmp(backends[i]->name, name) == 0)
            return backends[i];
    }
    return NULL;
}

static int unknown_backend(const char *name, struct error *err)
{
    char list[160] = "";
    size_t n = 0;

    for (int i = 0; i < backend_count && n < sizeof(list); i++)
        n += (size_t)snprintf(list + n, sizeof(list) - n, "%s%s",
                              i > 0 ? ", " : "", backends[i]->name);
    return error_set(err, CF_INVALID, "no store backend '%s'; there are: %s",
                     name, list);
}

static int set_durability(struct store *s, const char *wanted,
                          struct error *err)
{
    if (wanted == NULL)
        wanted = "fsync";
    if (strcmp(wanted, "fsync") != 0 && strcmp(wanted, "async") != 0)
        return error_set(err, CF_INVALID,
                         "no durability '%s'; there are: fsync, async", wanted);
    store_copy_text(s->durability, sizeof(s->durability), wanted,
                    strlen(wanted));
    return 0;
}

int store_open(struct store **out, const struct store_config *cfg,
               struct error *err)
{
    const char *name = cfg->backend != NULL ? cfg->backend : "sqlite";
    const struct store_backend *b = backend_find(name);
    struct store *s;
    int rc;

    *out = NULL;
    if (b == NULL)
        return unknown_backend(name, err);
    s = mem_alloc(sizeof(*s));
    s->backend = b;
    s->clock = cfg->clock != NULL ? cfg->clock : clock_system();
    rc = set_durability(s, cfg->durability, err);
    if (rc == 0)
        rc = b->open(s, cfg, err);
    if (rc < 0) {
        free(s);
        return rc;
    }
    *out = s;
    return 0;
}

void store_close(struct store **s)
{
    if (*s == NULL)
        return;
    (*s)->backend->close(*s);
    free(*s);
    *s = NULL;
}

bool store_failed(const struct store *s)
{
    return atomic_load(&s->failed);
}

void store_watch(struct store *s,
                 void (*fn)(void *ctx, const struct store_op *op), void *ctx)
{
    s->watch = fn;
    s->watch_ctx = ctx;
}

const char *store_name(const struct store *s)
{
    return s->name;
}

const char *store_durability(const struct store *s)
{
    return s->durability;
}

const char *store_backend_name(const struct store *s)
{
    return s->backend->name;
}

int store_backup(struct store *s, const char *dir, struct error *err)
{
    if (s->backend->backup == NULL)
        return error_set(err, CF_INVALID, "the %s store has no backup",
                         s->backend->name);
    return s->backend->backup(s, dir, err);
}

/* ---- ports ---- */

struct store_port *store_port_new(struct store *s,
                                  void (*post)(void *post_ctx,
                                               void (*fn)(void *), void *arg),
                                  void *post_ctx)
{
    struct store_port *p = mem_alloc(sizeof(*p));

    p->store = s;
    p->post = post;
    p->post_ctx = post_ctx;
    if (s->backend->port_open != NULL && s->backend->port_open(p) < 0) {
        free(p);
        return NULL;
    }
    return p;
}

void store_port_free(struct store_port **p)
{
    if (*p == NULL)
        return;
    if ((*p)->store->backend->port_close != NULL)
        (*p)->store->backend->port_close(*p);
    free(*p);
    *p = NULL;
}

int store_port_pending(const struct store_port *p)
{
    return atomic_load(&p->pending);
}

void store_submit(struct store_port *p, struct store_op *op)
{
    op->port = p;
    op->rc = 0;
    op->due = op->deadline != 0 ? op->deadline
                                : clock_mono(p->store->clock) + LIMIT_STORE_MS;
    atomic_fetch_add(&p->pending, 1);
    p->store->backend->submit(p, op);
}

/* ---- what has changed ---- */

/* Multiplied by 2^64 / phi: near keys do not meet. */
static _Atomic int64_t *slot_of(struct store *s, uint64_t key)
{
    return &s->changed[key * UINT64_C(0x9e3779b97f4a7c15) >> STORE_SLOT_SHIFT];
}

/* The write with this number changed key. */
static void touch(struct store *s, uint64_t key, int64_t number)
{
    _Atomic int64_t *slot = slot_of(s, key);
    int64_t last = atomic_load(slot);

    while (key != 0 && last < number &&
           !atomic_compare_exchange_weak(slot, &last, number))
        ;
}

/* Before `done` can run: whoever learns of the write finds it counted. The
 * number is drawn after the commit and stored in the slots after that, so a
 * reader that drew the same or a later stamp has seen the commit. */
static void count_change(struct store *s, const struct store_op *op)
{
    int64_t number = atomic_fetch_add(&s->changes, 1) + 1;

    touch(s, op->conv, number);
    touch(s, op->user, number);
    touch(s, op->other, number);
    for (int i = 0; i < op->change_count; i++)
        touch(s, op->changes[i].user, number);
    for (int i = 0; op->verb == STORE_MARKS && i < op->mark_count; i++)
        touch(s, op->marks[i].user, number);
}

void store_stamp(struct store *s, struct store_op *op)
{
    op->stamp = atomic_load(&s->changes);
}

bool store_moved(const struct store_port *p, uint64_t key, int64_t stamp)
{
    return atomic_load(slot_of(p->store, key)) > stamp;
}

/* On the port's thread: hand over all that is done, oldest first. The port
 * may be gone after the last `done`. */
static void port_hand_over(void *arg)
{
    struct store_port *p = arg;
    struct link *newest, *oldest = NULL;

    if (p->dead)
        return;
    newest = atomic_exchange(&p->finished, NULL);
    while (newest != NULL) {
        struct link *next = newest->next;

        newest->next = oldest;
        oldest = newest;
        newest = next;
    }
    while (oldest != NULL) {
        struct store_op *op = container_of(oldest, struct store_op, link);

        oldest = oldest->next;
        op->link.next = op->link.prev = NULL;
        atomic_fetch_sub(&p->pending, 1);
        op->done(op);
    }
}

void store_done(struct store_op *op, int rc)
{
    struct store_port *p = op->port;
    struct link *head = atomic_load(&p->finished);

    op->rc = rc;
    if (store_verb_is_write(op->verb))
        count_change(p->store, op); /* a failed one may have happened */
    if (rc == 0 && !op->dup && p->store->watch != NULL &&
        store_verb_is_write(op->verb))
        p->store->watch(p->store->watch_ctx, op);
    do
        op->link.next = head;
    while (!atomic_compare_exchange_weak(&p->finished, &head, &op->link));
    if (head == NULL)
        p->post(p->post_ctx, port_hand_over, p);
}
