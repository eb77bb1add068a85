/* Does an event fit what a line expects? */
#include <string.h>

#include "base/mem.h"
#include "proto/ids.h"
#include "run_inside.h"

static bool kind_fits(const struct see *see, enum event_kind kind)
{
    if (see->nkinds == 0)
        return event_strict(kind);
    for (int i = 0; i < see->nkinds; i++) {
        if (see->kinds[i] == kind)
            return true;
    }
    return false;
}

/* ---- people ---- */

static bool has_devices(const struct stage *s, const struct actor *who)
{
    for (int i = 0; i < s->count; i++) {
        if (s->actors[i] != who &&
            s->actors[i]->account.user == who->account.user)
            return true;
    }
    return false;
}

/* Is (user, dev) who the expression says? */
static int person_fits(struct strand *s, const struct expr *x, uint64_t user,
                       uint32_t dev, struct error *err)
{
    struct eval e = run_eval(s);
    struct actor *who;
    struct buf name;
    int rc;

    buf_init(&name, 4096);
    rc = expr_eval_text(&e, x, &name, err);
    if (rc == 0) {
        who = stage_named(&s->run->stage, buf_cstr(&name));
        rc = who == NULL ? error_set(err, CF_NOT_FOUND,
                                     "there is no actor '%s'", buf_cstr(&name))
                         : user == who->account.user &&
                               (dev == 0 || dev == who->account.dev ||
                                !has_devices(&s->run->stage, who));
    }
    buf_release(&name);
    return rc;
}

/* ---- things ---- */

static const char *text_of(const json_t *o, const char *key)
{
    return json_string_value(json_object_get(o, key));
}

static bool same_text(const char *a, const char *b)
{
    return a != NULL && b != NULL && strcmp(a, b) == 0;
}

/* Is the event about the captured message? */
static int about(const struct event *e, const json_t *thing, struct error *err)
{
    const char *cid = text_of(thing, "cid"), *conv = text_of(thing, "conv_id");
    int64_t seq = json_integer_value(json_object_get(thing, "seq"));

    if (e->kind == SEE_SENT || e->kind == SEE_ERROR)
        return same_text(cid, e->cid);
    if (json_object_get(thing, "pending") != NULL)
        /* No receipt can tell of it: those are of what has a number. */
        return e->kind == SEE_DELIVERED || e->kind == SEE_READ ? 0 : -CF_AGAIN;
    if (json_object_get(thing, "error") != NULL)
        return 0; /* refused: nothing came of it */
    if (seq <= 0 || conv == NULL)
        return error_set(err, CF_INVALID,
                         "what 'of' names is no message that was stored");
    if (e->kind == SEE_EDIT || e->kind == SEE_DELETE || e->kind == SEE_REACTION)
        return same_text(text_of(e->value, "of"), text_of(thing, "id"));
    if (!same_text(conv, text_of(e->value, "conv_id")))
        return 0;
    if (json_object_get(e->value, "count") != NULL) /* of a group */
        return e->seq >= seq;
    return e->seq == seq;
}

static int of_fits(struct strand *s, const struct expr *x,
                   const struct event *e, struct error *err)
{
    struct eval ev = run_eval(s);
    json_t *thing;
    int rc;

    if (x->kind == EXPR_NAME)
        return person_fits(s, x, e->subject != 0 ? e->subject : e->user, 0,
                           err);
    rc = expr_eval(&ev, x, &thing, err);
    if (rc < 0)
        return rc;
    rc = about(e, thing, err);
    json_decref(thing);
    return rc;
}

static int after_fits(struct strand *s, const struct expr *x,
                      const struct event *e, struct error *err)
{
    struct eval ev = run_eval(s);
    json_t *thing;
    int rc = expr_eval(&ev, x, &thing, err);

    if (rc < 0)
        return rc;
    if (json_object_get(thing, "pending") != NULL)
        rc = -CF_AGAIN;
    else if (same_text(text_of(thing, "conv_id"), text_of(e->value, "conv_id")))
        rc = e->seq > json_integer_value(json_object_get(thing, "seq"));
    else
        rc = json_integer_value(json_object_get(e->value, "ts")) >=
             json_integer_value(json_object_get(thing, "ts"));
    json_decref(thing);
    return rc;
}

/* ---- conversations ---- */

static uint64_t conv_of_value(const json_t *v)
{
    const char *text =
        json_is_object(v) ? text_of(v, "conv_id") : json_string_value(v);
    uint64_t conv = 0;

    if (text == NULL || !id_parse(span_of(text), 'c', &conv))
        return 0;
    return conv;
}

/* A conversation, a message of it, or a title. */
static int conv_fits(const json_t *v, const struct event *e, struct error *err)
{
    uint64_t conv = conv_of_value(v);

    if (conv != 0)
        return conv == e->conv;
    if (!json_is_string(v))
        return error_set(err, CF_INVALID, "what 'in' names is no conversation");
    return same_text(json_string_value(v), text_of(e->value, "conv"));
}

static int in_fits(struct strand *s, const struct expr *x, struct actor *a,
                   const struct event *e, struct error *err)
{
    struct eval ev = run_eval(s);
    uint64_t conv;
    json_t *v;
    struct actor *who;
    int rc;

    if (x->kind != EXPR_NAME) {
        rc = expr_eval(&ev, x, &v, err);
        if (rc == 0) {
            rc = conv_fits(v, e, err);
            json_decref(v);
        }
        return rc;
    }
    who = run_actor(s, s->levels[s->depth - 1].at, x->text, x);
    if (who == NULL)
        return -CF_INVALID;
    conv = actor_direct(a, who->account.user);
    return conv != 0 && conv == e->conv;
}

/* Ask for the conversation of that name: "@alice" is a person. */
static enum progress find_conv(struct strand *s, struct work *w,
                               const struct stmt *st, struct actor *a,
                               const char *name, const char *shown,
                               uint64_t *conv)
{
    if (w->reply == NULL)
        client_find_conv(a->client, name, true, reply_id, reply_new(w));
    if (!w->reply->done)
        return WAIT;
    if (w->reply->rc == -CF_UNAVAILABLE)
        return run_fail(s->run, st,
                        "%s is offline and has no conversation with %s yet",
                        a->name, shown);
    if (w->reply->rc != 0)
        return run_fail(s->run, st, "no conversation with %s: %s", shown,
                        error_name(w->reply->rc));
    *conv = w->reply->id;
    return DONE;
}

enum progress run_conv_ref(struct strand *s, struct work *w,
                           const struct stmt *st, struct actor *a,
                           const struct expr *x, uint64_t *conv)
{
    struct actor *who;
    char name[64] = "@";
    json_t *v;
    enum progress p;

    if (x->kind == EXPR_NAME) {
        who = run_actor(s, st, x->text, x);
        if (who == NULL)
            return FAILED;
        snprintf(name + 1, sizeof(name) - 1, "%s", who->account.name);
        return find_conv(s, w, st, a, name, x->text, conv);
    }
    p = run_value(s, w, st, x, &v);
    if (p != DONE)
        return p;
    *conv = conv_of_value(v);
    if (*conv == 0 && json_is_string(v))
        p = find_conv(s, w, st, a, json_string_value(v), json_string_value(v),
                      conv);
    else if (*conv == 0)
        p = run_fail(s->run, st, "this is no conversation");
    json_decref(v);
    return p;
}

/* ---- all of it ---- */

static bool word_fits(const struct see *see, const struct event *e)
{
    static const char *const same[][2] = {
        {"on", "online"}, {"off", "offline"}, {"up", "synced"}};
    const char *is = text_of(e->value, e->kind == SEE_ERROR ? "code" : "is");

    if (same_text(is, see->is))
        return true;
    for (size_t i = 0; is != NULL && i < COUNT_OF(same); i++) {
        if ((strcmp(see->is, same[i][0]) == 0 && strcmp(is, same[i][1]) == 0) ||
            (strcmp(see->is, same[i][1]) == 0 && strcmp(is, same[i][0]) == 0))
            return true;
    }
    return false;
}

/* Everything but kind and pattern. */
static int filters_fit(struct strand *s, const struct see *see, struct actor *a,
                       const struct event *e, struct error *err)
{
    int rc = 1;

    if (see->is != NULL && !word_fits(see, e))
        return 0;
    if (see->from != NULL)
        rc = person_fits(s, see->from, e->user, e->dev, err);
    if (rc == 1 && see->by != NULL)
        rc = person_fits(s, see->by, e->user, e->dev, err);
    if (rc == 1 && see->in != NULL)
        rc = in_fits(s, see->in, a, e, err);
    if (rc == 1 && see->of != NULL)
        rc = of_fits(s, see->of, e, err);
    if (rc == 1 && see->after != NULL)
        rc = after_fits(s, see->after, e, err);
    return rc;
}

int see_fits(struct strand *s, const struct stmt *st, struct actor *a,
             const struct event *e, struct buf *why, struct error *err)
{
    struct eval ev = run_eval(s);
    int rc;

    if (!kind_fits(st->see, e->kind))
        return 0;
    rc = filters_fit(s, st->see, a, e, err);
    if (rc == 1 && st->see->pattern != NULL)
        rc = pattern_match(&ev, st->see->pattern, e->value, why, err);
    return rc;
}

int see_nearness(struct strand *s, const struct stmt *st, struct actor *a,
                 const struct event *e)
{
    struct eval ev = run_eval(s);
    struct error err;
    int points = 0;

    if (kind_fits(st->see, e->kind))
        points += 1000;
    if (filters_fit(s, st->see, a, e, &err) == 1)
        points += 500;
    if (st->see->pattern != NULL)
        points += pattern_nearness(&ev, st->see->pattern, e->value);
    if (!e->consumed)
        points += 100;
    return points;
}
