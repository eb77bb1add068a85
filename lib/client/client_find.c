/* Who or what a name means: the archive knows, or the server is asked. */
#include "client_priv.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"

struct finding {
    struct client *client;
    void (*done)(void *ctx, int rc, uint64_t id);
    void *ctx;
    uint64_t peer; /* with whom a conversation is opened */
    bool open;
};

static void finding_end(struct finding *f, int rc, uint64_t id)
{
    f->done(f->ctx, rc, id);
    free(f);
}

static int code_of_error(const struct frame *f)
{
    if (f == NULL)
        return -CF_UNAVAILABLE;
    if (f->kind != FRAME_ERR)
        return -CF_INVALID;
    if (span_is(f->code, "not_found"))
        return -CF_NOT_FOUND;
    if (span_is(f->code, "blocked"))
        return -CF_BLOCKED;
    return f->temp ? -CF_BUSY : -CF_DENIED;
}

static void user_found(void *ctx, const struct frame *f)
{
    struct finding *fi = ctx;
    json_t *j = client_tree(f);
    uint64_t user = client_tree_id(j, "user", 'u');

    if (j == NULL || user == 0) {
        finding_end(fi, code_of_error(f), 0);
    } else {
        client_learn_user(fi->client, j);
        finding_end(fi, 0, user);
    }
    if (j != NULL)
        json_decref(j);
}

void client_find_user(struct client *c, const char *name,
                      void (*done)(void *ctx, int rc, uint64_t user), void *ctx)
{
    struct finding *f;
    struct buf members;
    uint64_t user;

    if (name[0] == '@')
        name++;
    if (archive_user_find(c->archive, name, &user) == 0) {
        done(ctx, 0, user);
        return;
    }
    f = mem_alloc(sizeof(*f));
    *f = (struct finding){.client = c, .done = done, .ctx = ctx};
    buf_init(&members, 512);
    enc_member_text(&members, "name", span_of(name));
    client_request(c, FRAME_USER_FIND, buf_span(&members), user_found, f);
    buf_release(&members);
}

/* With whom it is need not be asked: the link may be gone before the answer,
 * and what is sent then must find it. */
static void keep_opened(struct client *c, uint64_t conv, uint64_t peer)
{
    struct place *p = place_get(c, conv);

    if (p->row.kind != 0)
        return;
    p->row.kind = CONV_DIRECT;
    p->row.peer = peer;
    place_save(c, p);
}

static void conv_opened(void *ctx, const struct frame *f)
{
    struct finding *fi = ctx;
    json_t *j = client_tree(f);
    uint64_t conv = client_tree_id(j, "conv", 'c');

    if (conv != 0)
        keep_opened(fi->client, conv, fi->peer);
    finding_end(fi, conv != 0 ? 0 : code_of_error(f), conv);
    if (j != NULL)
        json_decref(j);
}

static void open_with(void *ctx, int rc, uint64_t user)
{
    struct finding *f = ctx;
    struct buf members;

    if (rc < 0) {
        finding_end(f, rc, 0);
        return;
    }
    f->peer = user;
    buf_init(&members, 128);
    enc_member_id(&members, "user", 'u', user);
    client_request(f->client, FRAME_CONV_OPEN, buf_span(&members), conv_opened,
                   f);
    buf_release(&members);
}

struct search {
    const char *title;
    uint64_t peer, found;
    int count;
};

static bool matches(void *ctx, const struct archive_conv *row)
{
    struct search *s = ctx;

    if (row->kind == CONV_DIRECT
            ? s->peer != 0 && row->peer == s->peer
            : row->title[0] != '\0' && strcmp(row->title, s->title) == 0) {
        s->found = row->conv;
        s->count++;
    }
    return true;
}

/* The one conversation that the archive has by this title or with this user:
 * 0, -CF_NOT_FOUND, -CF_CONFLICT when there are several. */
static int find_held(struct client *c, const char *name, uint64_t peer,
                     uint64_t *conv)
{
    struct search s = {.title = name[0] == '@' ? "" : name, .peer = peer};

    archive_convs(c->archive, matches, &s);
    *conv = s.found;
    if (s.count == 0)
        return -CF_NOT_FOUND;
    return s.count == 1 ? 0 : -CF_CONFLICT;
}

/* Who it is is known: the conversation that is there, or a new one. */
static void open_or_find(void *ctx, int rc, uint64_t user)
{
    struct finding *f = ctx;
    uint64_t conv;

    if (rc == 0 && !f->open) {
        rc = find_held(f->client, "", user, &conv);
        finding_end(f, rc, rc == 0 ? conv : 0);
        return;
    }
    open_with(f, rc, user);
}

/* A group's title goes before a user's name; "@name" is always the user. */
void client_find_conv(struct client *c, const char *name, bool open,
                      void (*done)(void *ctx, int rc, uint64_t conv), void *ctx)
{
    struct finding *f;
    uint64_t conv, peer = 0;
    int rc;

    if (id_parse(span_of(name), 'c', &conv)) {
        done(ctx, 0, conv);
        return;
    }
    archive_user_find(c->archive, name[0] == '@' ? name + 1 : name, &peer);
    rc = find_held(c, name, peer, &conv);
    if (rc != -CF_NOT_FOUND) {
        done(ctx, rc, rc == 0 ? conv : 0);
        return;
    }
    f = mem_alloc(sizeof(*f));
    *f = (struct finding){.client = c, .done = done, .ctx = ctx, .open = open};
    client_find_user(c, name, open_or_find, f);
}
