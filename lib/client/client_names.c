/* Who and what things are: names of users and conversations, and the events
 * of entries, which wait for them. */
#include "client_priv.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"

#define LIST_STRUCTURE 20000

/* The object of an `ok` answer as a tree; NULL when it is not one. */
static json_t *tree_of(const struct frame *f)
{
    struct error err;

    if (f == NULL || f->kind != FRAME_OK)
        return NULL;
    return json_parse_bounded(f->raw, LIMIT_DEPTH, LIST_STRUCTURE, &err);
}

static uint64_t id_of(const json_t *o, const char *key, char prefix)
{
    const char *text = json_string_value(json_object_get(o, key));
    uint64_t id = 0;

    if (text == NULL || !id_parse(span_of(text), prefix, &id))
        return 0;
    return id;
}

static int64_t int_of(const json_t *o, const char *key)
{
    return json_integer_value(json_object_get(o, key));
}

static struct span span_member(const json_t *o, const char *key)
{
    return span_of(json_string_value(json_object_get(o, key)));
}

/* ---- users ---- */

static void learn_user(struct client *c, const json_t *u)
{
    uint64_t user = id_of(u, "user", 'u');
    const char *name = json_string_value(json_object_get(u, "name"));
    const char *display = json_string_value(json_object_get(u, "display"));

    if (user != 0 && name != NULL)
        archive_user_put(c->archive, user, name[0] != '\0' ? name : "(deleted)",
                         display);
}

static void users_came(void *ctx, const struct frame *f)
{
    struct client *c = ctx;
    json_t *j = tree_of(f), *one;
    size_t i;

    if (j == NULL)
        return;
    json_array_foreach(json_object_get(j, "users"), i, one) learn_user(c, one);
    json_decref(j);
    client_pump_later(c);
}

/* Is there somebody to ask? What is asked of a link that is down gets no
 * answer, and must not count as asked. */
static bool can_ask(const struct client *c)
{
    return c->state == LINK_UP || c->state == LINK_SYNCING;
}

/* Is the name known? If not it is asked for. */
static bool user_known(struct client *c, uint64_t user)
{
    char name[33];
    struct buf members;

    if (user == 0 || archive_user_name(c->archive, user, name) == 0)
        return true;
    if (map_get(&c->asked, user) != NULL || !can_ask(c))
        return false;
    map_put(&c->asked, user, c);
    buf_init(&members, 128);
    buf_append_text(&members, "\"users\":[\"");
    id_write(&members, 'u', user);
    buf_append_text(&members, "\"]");
    client_request(c, FRAME_USER_INFO, buf_span(&members), users_came, c);
    buf_release(&members);
    return false;
}

struct learning {
    struct client *client;
    void (*done)(void *ctx);
    void *ctx;
};

static void learned(void *ctx, const struct frame *f)
{
    struct learning *l = ctx;

    users_came(l->client, f);
    l->done(l->ctx);
    free(l);
}

void client_learn_users(struct client *c, const uint64_t *users, int count,
                        void (*done)(void *ctx), void *ctx)
{
    struct learning *l = mem_alloc(sizeof(*l));
    char name[LIMIT_NAME + 1];
    struct buf members;
    int asked = 0;

    *l = (struct learning){c, done, ctx};
    buf_init(&members, LIMIT_OBJECT);
    for (int i = 0; i < count && asked < LIMIT_USERS; i++) {
        if (archive_user_name(c->archive, users[i], name) == 0)
            continue;
        buf_append_text(&members, asked++ > 0 ? ",\"" : "\"users\":[\"");
        id_write(&members, 'u', users[i]);
        buf_append_byte(&members, '"');
    }
    buf_append_byte(&members, ']');
    if (asked > 0)
        client_request(c, FRAME_USER_INFO, buf_span(&members), learned, l);
    else
        learned(l, NULL);
    buf_release(&members);
}

/* ---- conversations ---- */

static void learn_conv(struct client *c, const json_t *o)
{
    uint64_t conv = id_of(o, "conv", 'c');
    struct span title = span_member(o, "title");
    struct client_event ev = {.kind = EV_CONV, .conv = conv};
    struct place *p;

    if (conv == 0)
        return;
    p = place_get(c, conv);
    p->known = true;
    p->row.kind = conv_kind_parse(span_member(o, "kind"));
    p->row.mode = conv_mode_parse(span_member(o, "mode"));
    p->row.role = role_parse(span_member(o, "role"));
    p->row.peer = id_of(o, "user", 'u');
    if (title.n < sizeof(p->row.title)) {
        memset(p->row.title, 0, sizeof(p->row.title));
        if (title.n > 0)
            memcpy(p->row.title, title.p, title.n);
    }
    if (int_of(o, "head") > p->row.head)
        p->row.head = int_of(o, "head");
    if (int_of(o, "read") > p->row.read)
        p->row.read = int_of(o, "read");
    if (int_of(o, "delivered") > p->row.delivered_by && p->row.peer != 0)
        p->row.delivered_by = int_of(o, "delivered");
    if (int_of(o, "read_by") > p->row.read_by)
        p->row.read_by = int_of(o, "read_by");
    place_save(c, p);
    client_emit(c, &ev);
}

static void list_more(struct client *c, uint64_t after);

static void convs_came(void *ctx, const struct frame *f)
{
    struct client *c = ctx;
    json_t *j = tree_of(f), *one;
    uint64_t last = 0;
    bool more;
    size_t i;

    if (f == NULL)
        return; /* the link is gone: the next one asks again */
    archive_begin(c->archive);
    json_array_foreach(json_object_get(j, "convs"), i, one)
    {
        learn_conv(c, one);
        last = id_of(one, "conv", 'c');
    }
    archive_commit(c->archive);
    more = json_is_true(json_object_get(j, "more"));
    json_decref(j);
    if (more && last != 0)
        list_more(c, last);
    else
        client_synced(c);
}

static void list_more(struct client *c, uint64_t after)
{
    struct buf members;

    buf_init(&members, 128);
    enc_member_int(&members, "limit", LIMIT_LIST);
    if (after > 0)
        enc_member_id(&members, "after", 'c', after);
    client_request(c, FRAME_CONV_LIST, buf_span(&members), convs_came, c);
    buf_release(&members);
}

void client_list_convs(struct client *c)
{
    list_more(c, 0);
}

struct asking {
    struct client *client;
    uint64_t conv;
};

static void one_conv_came(void *ctx, const struct frame *f)
{
    struct asking *about = ctx;
    struct client *c = about->client;
    json_t *j = tree_of(f), *one;
    size_t i;

    json_array_foreach(json_object_get(j, "convs"), i, one) learn_conv(c, one);
    if (j != NULL) {
        struct place *p = place_get(c, about->conv);

        p->unlisted = !p->known;
        p->asking = false;
        json_decref(j);
    }
    free(about);
    client_pump_later(c);
}

/* The list after the id just below it begins with it. */
static void ask_conv(struct client *c, struct place *p)
{
    struct asking *about;
    struct buf members;

    if (p->asking)
        return;
    p->asking = true;
    about = mem_alloc(sizeof(*about));
    *about = (struct asking){c, p->row.conv};
    buf_init(&members, 128);
    enc_member_int(&members, "limit", 1);
    if (p->row.conv > 1)
        enc_member_id(&members, "after", 'c', p->row.conv - 1);
    client_request(c, FRAME_CONV_LIST, buf_span(&members), one_conv_came,
                   about);
    buf_release(&members);
}

/* ---- telling ---- */

struct telling {
    struct client *client;
    struct place *place;
};

static bool tell(void *ctx, const struct entry *e)
{
    struct telling *t = ctx;
    struct client *c = t->client;
    struct client_event ev = {.kind = EV_MESSAGE,
                              .conv = e->conv,
                              .user = e->from,
                              .entry = e,
                              .seq = e->seq,
                              .fresh = c->state == LINK_UP};

    if (e->kind == ENTRY_ACCOUNT) { /* bookkeeping of our own: no event */
        t->place->told = e->seq;
        return true;
    }
    if (!user_known(c, e->from))
        return false;
    t->place->told = e->seq;
    client_emit(c, &ev);
    return c->archive != NULL;
}

/* In batches, since an event may lead to new statements on the archive: the
 * entry is copied before its event. */
struct copy {
    struct entry entry;
    char bytes[];
};

struct copies {
    struct copy *items[64];
    int count;
};

static struct span keep(char **at, struct span s)
{
    struct span kept = {s.p != NULL ? *at : NULL, s.n};

    if (s.p != NULL && s.n > 0)
        memcpy(*at, s.p, s.n);
    *at += s.n;
    return kept;
}

static bool collect(void *ctx, const struct entry *e)
{
    struct copies *all = ctx;
    struct copy *copy =
        mem_alloc(sizeof(*copy) + e->cid.n + e->body.n + e->mention.n);
    char *at = copy->bytes;

    copy->entry = *e;
    copy->entry.cid = keep(&at, e->cid);
    copy->entry.body = keep(&at, e->body);
    copy->entry.mention = keep(&at, e->mention);
    all->items[all->count++] = copy;
    return all->count < (int)COUNT_OF(all->items);
}

/* Tell some of what is held of one conversation. False: nothing more can be
 * told now. */
static bool pump_place(struct client *c, struct place *p)
{
    struct telling t = {c, p};
    struct copies all = {.count = 0};
    bool go_on = true;

    if (p->told >= p->prefix)
        return false;
    if (!p->known && c->state != LINK_DOWN) {
        if (can_ask(c) && !p->unlisted)
            ask_conv(c, p);
        if (p->row.kind == 0 && !p->unlisted)
            return false;
    }
    archive_entries(c->archive, p->row.conv, p->told, p->prefix + 1,
                    (int)COUNT_OF(all.items), true, collect, &all);
    if (all.count == 0)
        p->told = p->prefix; /* a gap that will not be filled */
    for (int i = 0; i < all.count; i++) {
        go_on = go_on && tell(&t, &all.items[i]->entry);
        free(all.items[i]);
    }
    return go_on && p->told < p->prefix;
}

/* The owner knows the name of everybody it told of. */
void client_tell_held(struct client *c, struct place *p, int64_t seq,
                      bool fresh)
{
    while (p->told < seq) {
        struct copies all = {.count = 0};

        archive_entries(c->archive, p->row.conv, p->told, seq + 1,
                        (int)COUNT_OF(all.items), true, collect, &all);
        if (all.count == 0)
            p->told = seq;
        for (int i = 0; i < all.count; i++) {
            const struct entry *e = &all.items[i]->entry;
            struct client_event ev = {.kind = EV_MESSAGE,
                                      .conv = e->conv,
                                      .user = e->from,
                                      .entry = e,
                                      .seq = e->seq,
                                      .fresh = fresh};

            p->told = e->seq;
            if (e->kind != ENTRY_ACCOUNT)
                client_emit(c, &ev);
            free(all.items[i]);
        }
    }
}

void client_pump(struct client *c)
{
    if (client_is_guest(c))
        return; /* its owner says how far */
    for (uint32_t i = 0; i < c->places.len; i++)
        while (pump_place(c, c->places.entries[i].value))
            ;
}

void client_pump_later(struct client *c)
{
    loop_timer_set(c->pump, 0);
}

/* ---- finding ---- */

struct finding {
    struct client *client;
    void (*done)(void *ctx, int rc, uint64_t id);
    void *ctx;
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
    json_t *j = tree_of(f);
    uint64_t user = id_of(j, "user", 'u');

    if (j == NULL || user == 0) {
        finding_end(fi, code_of_error(f), 0);
    } else {
        learn_user(fi->client, j);
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

static void conv_opened(void *ctx, const struct frame *f)
{
    struct finding *fi = ctx;
    json_t *j = tree_of(f);
    uint64_t conv = id_of(j, "conv", 'c');

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
