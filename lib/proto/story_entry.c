/* Entries of a conversation become lines of a script: who did it, and what the
 * others saw of it. Everybody is connected, and messages, edits, deletions and
 * reactions are strict in a script: each has a line for each who sees it. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "proto/ids.h"
#include "proto/story_inside.h"

#define BODY_DEPTH 8
#define BODY_STRUCTURE 20000

struct telling {
    struct story *s;
    struct story_conv *c;
    const struct entry *e;
    struct person *by;
    json_t *body; /* or NULL */
};

static const char *text_in(const json_t *j, const char *key)
{
    return json_string_value(json_object_get(j, key));
}

static struct person *other_of(const struct story_conv *c,
                               const struct person *p)
{
    for (int i = 0; i < c->count; i++)
        if (c->members[i].who != p)
            return c->members[i].who;
    return c->members[0].who; /* a note to oneself */
}

/* " in $g1", nothing where the sender says it all. */
static void put_in(struct telling *t)
{
    if (t->c->kind != CONV_DIRECT)
        put(t->s, " in $g%d", t->c->number);
}

/* Who acts. In a group that was made anew, whatever an admin did is done by
 * its maker; and who was not met yet is added now. */
static struct person *acts(struct telling *t, bool as_admin)
{
    struct story_conv *c = t->c;

    if (c->remade == NULL)
        return t->by;
    if (as_admin)
        return c->remade;
    if (story_member_of(c, t->by) == NULL &&
        story_member_add(t->s, c, t->by, t->e->seq) != NULL)
        put(t->s,
            "  %s adds %s to $g%d\n  %s sees member of %s in $g%d is "
            "joined\n",
            c->remade->name, t->by->name, c->number, t->by->name, t->by->name,
            c->number);
    return t->by;
}

/* Begin a line "  Bob sees KIND" for each member but the one who did it; call
 * the rest of the line. */
static void others_see(struct telling *t, const struct person *by,
                       void (*rest)(struct telling *t,
                                    const struct story_member *m))
{
    for (int i = 0; i < t->c->count; i++) {
        const struct story_member *m = &t->c->members[i];

        if (!m->in || m->who == by)
            continue;
        put(t->s, "  %s sees ", m->who->name);
        rest(t, m);
        put(t->s, "\n");
    }
}

/* Has the member the entry of that seq, so that an id can stand for it? */
static bool has_it(const struct telling *t, const struct story_member *m,
                   int64_t seq)
{
    return story_said(t->c, seq) != NULL && m->since < seq;
}

/* ---- messages ---- */

static void message_seen(struct telling *t, const struct story_member *m)
{
    struct span text = span_of(text_in(t->body, "text"));

    put(t->s, "message from %s", t->by->name);
    put_in(t);
    put(t->s, " ");
    if (has_it(t, m, t->e->reply)) {
        put(t->s, "{ \"text\": ");
        put_text(t->s, text);
        put(t->s, ", \"reply_to\": \"${m%d.id}\" }",
            story_said(t->c, t->e->reply)->number);
    } else {
        put_text(t->s, text);
    }
}

static void put_receiver(struct telling *t)
{
    if (t->c->kind == CONV_DIRECT)
        put(t->s, "%s", other_of(t->c, t->by)->name);
    else
        put(t->s, "$g%d", t->c->number);
}

static void put_message(struct telling *t)
{
    struct said *reply = story_said(t->c, t->e->reply);
    struct said *thread = story_said(t->c, t->e->thread);

    put(t->s, "  %s ", t->by->name);
    if (reply != NULL) {
        put(t->s, "replies $m%d ", reply->number);
    } else {
        put(t->s, "sends ");
        put_receiver(t);
        put(t->s, " ");
    }
    put_text(t->s, span_of(text_in(t->body, "text")));
    if (reply == NULL && t->e->expires > t->e->ts)
        put(t->s, " ttl %lldms", (long long)(t->e->expires - t->e->ts));
    if (reply == NULL && thread != NULL)
        put(t->s, " in thread $m%d", thread->number);
}

static void tell_message(struct telling *t)
{
    struct said *said;

    t->by = acts(t, false);
    if (text_in(t->body, "text") == NULL) {
        put(t->s, "  # here %s sent something that is not text\n", t->by->name);
        return;
    }
    said = story_say(t->c, t->e->seq);
    if (said == NULL)
        return;
    put_message(t);
    said->number = ++t->s->messages;
    said->by = t->by;
    put(t->s, " as $m%d\n  %s sees sent of $m%d\n", said->number, t->by->name,
        said->number);
    others_see(t, t->by, message_seen);
}

/* ---- what is done to messages ---- */

static void put_of(struct telling *t, const struct story_member *m)
{
    if (has_it(t, m, t->e->of))
        put(t->s, " of $m%d", story_said(t->c, t->e->of)->number);
}

static void edit_seen(struct telling *t, const struct story_member *m)
{
    put(t->s, "edit from %s", t->by->name);
    put_in(t);
    put_of(t, m);
    put(t->s, " ");
    put_text(t->s, span_of(text_in(t->body, "text")));
}

static void delete_seen(struct telling *t, const struct story_member *m)
{
    put(t->s, "delete from %s", t->by->name);
    put_in(t);
    put_of(t, m);
}

static void reaction_seen(struct telling *t, const struct story_member *m)
{
    put(t->s, "reaction from %s", t->by->name);
    put_in(t);
    put_of(t, m);
    put(t->s, " { \"emoji\": ");
    put_text(t->s, span_of(text_in(t->body, "emoji")));
    put(t->s, ", \"on\": %s }",
        json_is_false(json_object_get(t->body, "on")) ? "false" : "true");
}

static void tell_change(struct telling *t)
{
    struct said *of = story_said(t->c, t->e->of);
    bool edit = t->e->kind == ENTRY_EDIT, react = t->e->kind == ENTRY_REACT;
    const char *text = text_in(t->body, edit ? "text" : "emoji");

    t->by = acts(t, t->e->kind == ENTRY_DELETE &&
                        (of == NULL || of->by->user != t->e->from));
    if (of == NULL || (text == NULL && (edit || react))) {
        put(t->s, "  # here %s changed what is not in this recording\n",
            t->by->name);
        return;
    }
    put(t->s, "  %s %s $m%d", t->by->name,
        edit    ? "edits"
        : react ? "reacts"
                : "deletes",
        of->number);
    if (edit || react) {
        put(t->s, " ");
        put_text(t->s, span_of(text));
    }
    if (react && json_is_false(json_object_get(t->body, "on")))
        put(t->s, " off");
    put(t->s, "\n");
    others_see(t, t->by,
               edit    ? edit_seen
               : react ? reaction_seen
                       : delete_seen);
}

/* ---- members ---- */

/* The users of the body; returns how many, at most max. */
static int users_of(const struct telling *t, struct person **out, int max)
{
    json_t *users = json_object_get(t->body, "users"), *one;
    size_t i;
    int n = 0;

    json_array_foreach(users, i, one)
    {
        uint64_t user;

        if (n < max && json_is_string(one) &&
            id_parse(span_of(json_string_value(one)), 'u', &user))
            out[n++] = story_who(t->s, user);
    }
    return n;
}

static void put_names(struct telling *t, struct person **who, int n)
{
    for (int i = 0; i < n; i++)
        put(t->s, "%s%s", i > 0 ? ", " : "", who[i]->name);
}

static void each_joined(struct telling *t, struct person **who, int n)
{
    for (int i = 0; i < n; i++)
        if (who[i] != t->by)
            put(t->s, "  %s sees member of %s in $g%d is joined\n",
                who[i]->name, who[i]->name, t->c->number);
}

/* Who of them was not in; they are now. */
static int take_in(struct telling *t, struct person **who, int n)
{
    int kept = 0;

    for (int i = 0; i < n; i++) {
        const struct story_member *m = story_member_of(t->c, who[i]);

        if (m != NULL && m->in)
            continue;
        if (story_member_add(t->s, t->c, who[i], t->e->seq) != NULL)
            who[kept++] = who[i];
    }
    return kept;
}

static void tell_created(struct telling *t, struct person **who, int n)
{
    const char *title = text_in(t->body, "title");
    int others = 0;

    t->c->begun = true;
    t->c->number = ++t->s->groups;
    story_member_add(t->s, t->c, t->by, 0);
    for (int i = 0; i < n; i++) {
        if (who[i] == t->by)
            continue;
        if (story_member_add(t->s, t->c, who[i], 0) == NULL)
            return;
        who[others++] = who[i];
    }
    put(t->s, "  %s creates %s ", t->by->name,
        t->c->kind == CONV_CHANNEL ? "channel" : "group");
    put_text(t->s, span_of(title != NULL ? title : ""));
    put(t->s, others > 0 ? " with " : "");
    put_names(t, who, others);
    put(t->s, " as $g%d\n", t->c->number);
    each_joined(t, who, others);
}

static void tell_added(struct telling *t, struct person **who, int n)
{
    struct person *by = acts(t, true);

    n = take_in(t, who, n);
    if (n == 0)
        return;
    put(t->s, "  %s adds ", by->name);
    put_names(t, who, n);
    put(t->s, " to $g%d\n", t->c->number);
    each_joined(t, who, n);
}

static void tell_gone(struct telling *t, struct person **who, int n,
                      bool removed)
{
    struct person *by = acts(t, removed);
    int number = t->c->number;

    for (int i = 0; i < n; i++) {
        struct story_member *m = story_member_of(t->c, who[i]);

        if (m == NULL || !m->in || who[i] == t->c->remade)
            continue;
        m->in = false;
        if (removed)
            put(t->s, "  %s removes %s from $g%d\n", by->name, who[i]->name,
                number);
        else
            put(t->s, "  %s leaves $g%d\n", who[i]->name, number);
        if (removed)
            put(t->s, "  %s sees member of %s in $g%d is removed\n",
                who[i]->name, who[i]->name, number);
    }
}

static void tell_role(struct telling *t, struct person **who, int n)
{
    const char *role = text_in(t->body, "role");
    struct person *by = acts(t, true);

    if (role == NULL || role_parse(span_of(role)) == ROLE_NONE)
        return;
    for (int i = 0; i < n; i++)
        if (story_member_of(t->c, who[i]) != NULL && who[i] != t->c->remade)
            put(t->s, "  %s promotes %s in $g%d to %s\n", by->name,
                who[i]->name, t->c->number, role);
}

static void tell_member(struct telling *t)
{
    struct person *who[STORY_PEOPLE + 1];
    const char *op = text_in(t->body, "op");
    int n = users_of(t, who, STORY_PEOPLE + 1);

    if (op == NULL || t->c->kind == CONV_DIRECT)
        return;
    if (strcmp(op, "create") == 0 && !t->c->begun)
        tell_created(t, who, n);
    else if (!t->c->begun)
        t->c->left_out = true; /* it did not begin with its beginning */
    else if (strcmp(op, "add") == 0)
        tell_added(t, who, n);
    else if (strcmp(op, "remove") == 0)
        tell_gone(t, who, n, true);
    else if (strcmp(op, "leave") == 0)
        tell_gone(t, who, n, false);
    else if (strcmp(op, "role") == 0)
        tell_role(t, who, n);
    else if (strcmp(op, "join") == 0 && take_in(t, who, n) > 0)
        put(t->s, "  %s joins $g%d\n", t->by->name, t->c->number);
}

static void tell_title(struct telling *t)
{
    const char *title = text_in(t->body, "title");

    if (title == NULL || t->c->kind == CONV_DIRECT)
        return;
    put(t->s, "  %s renames $g%d ", acts(t, true)->name, t->c->number);
    put_text(t->s, span_of(title));
    put(t->s, "\n");
}

/* ---- one entry ---- */

static void tell(struct telling *t)
{
    switch (t->e->kind) {
    case ENTRY_MSG:
        tell_message(t);
        break;
    case ENTRY_EDIT:
    case ENTRY_DELETE:
    case ENTRY_REACT:
        tell_change(t);
        break;
    case ENTRY_MEMBER:
        tell_member(t);
        break;
    case ENTRY_TITLE:
        tell_title(t);
        break;
    default:
        break;
    }
}

void story_entry(struct story *s, const struct entry *e)
{
    struct error err;
    struct telling t = {.s = s, .c = story_conv_get(s, e->conv), .e = e};

    if (t.c == NULL || t.c->left_out || e->seq <= t.c->last)
        return;
    t.c->last = e->seq;
    if (!t.c->begun && e->kind != ENTRY_MEMBER) {
        t.c->left_out = true;
        return;
    }
    t.by = story_who(s, e->from);
    t.body = e->body.p != NULL
                 ? json_parse_bounded(e->body, BODY_DEPTH, BODY_STRUCTURE, &err)
                 : NULL;
    tell(&t);
    if (t.body != NULL)
        json_decref(t.body);
    story_flush(s);
}

/* ---- marks ---- */

void story_read(struct story *s, uint64_t conv, uint64_t user, int64_t seq)
{
    struct story_conv *c = story_conv_get(s, conv);
    struct person *p = c != NULL ? map_get(&s->people, user) : NULL;
    struct story_member *m = p != NULL ? story_member_of(c, p) : NULL;
    const struct said *of = NULL;

    if (m == NULL || !m->in || c->left_out || seq <= m->read)
        return;
    if (seq > c->last)
        seq = c->last;
    for (int64_t i = seq; i > m->read && of == NULL; i--) {
        of = story_said(c, i);
        if (of != NULL && of->by == p)
            of = NULL;
    }
    m->read = seq;
    if (of == NULL)
        return;
    put(s, "  %s reads $m%d\n", p->name, of->number);
    if (c->kind == CONV_DIRECT)
        put(s, "  %s sees read of $m%d by %s\n", of->by->name, of->number,
            p->name);
    story_flush(s);
}
