/* run_action.c - what actors do. connects, creates and what changes a
 * conversation wait for their answers; a send is done once the client has
 * queued it, as the client of a person would. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "proto/encode.h"
#include "proto/ids.h"
#include "run_inside.h"

/* ---- the link ---- */

static enum progress up(struct strand *s, struct work *w, const struct stmt *st)
{
    struct actor *a = w->actor;

    if (a->synced > w->synced)
        return DONE;
    if (a->ended[0] != '\0')
        return run_fail(s->run, st, "%s was not let in: %s", a->name, a->ended);
    if (run_wait(s, w, st) == FAILED && s->run->out->message != NULL) {
        const struct error *why = client_last_error(a->client);

        if (why->text[0] != '\0')
            explain_add(s->run->out, "the link of %s says: %s", a->name,
                        why->text);
        return FAILED;
    }
    return WAIT;
}

static enum progress connects(struct strand *s, struct work *w,
                              const struct stmt *st)
{
    struct error err = {0};
    const char *url;

    if (!w->begun) {
        w->begun = true;
        w->synced = w->actor->synced;
        url = run_url(s->run, w->actor, &err);
        if (url == NULL || actor_connect(w->actor, url, &err) < 0)
            return run_error(s->run, st, 70, "%s", err.text);
    }
    return up(s, w, st);
}

static enum progress disconnects(struct strand *s, struct work *w,
                                 const struct stmt *st)
{
    struct actor *a = w->actor;

    if (a->client == NULL)
        return DONE;
    if (!w->begun) {
        w->begun = true;
        a->stopped = true;
        client_stop(a->client);
    }
    if (client_link_state(a->client) == LINK_ENDED)
        return DONE;
    return run_wait(s, w, st);
}

static enum progress resumes(struct strand *s, struct work *w,
                             const struct stmt *st)
{
    struct actor *a = w->actor;
    uint64_t conv;
    int64_t seq;

    if (a->client == NULL)
        return connects(s, w, st);
    if (!w->begun) {
        if (st->after != NULL) {
            enum progress p = run_message(s, w, st, st->after, &conv, &seq);

            if (p != DONE)
                return p;
            client_rewind(a->client, conv, seq);
        }
        w->begun = true;
        w->synced = a->synced;
        a->ended[0] = '\0';
        if (a->stopped) {
            a->stopped = false;
            client_start(a->client);
        } else {
            client_reconnect(a->client);
        }
    }
    return up(s, w, st);
}

/* ---- what has no answer ---- */

static enum progress reads(struct strand *s, struct work *w,
                           const struct stmt *st)
{
    uint64_t conv;
    int64_t seq;
    enum progress p = run_message(s, w, st, st->of, &conv, &seq);

    if (p != DONE)
        return p;
    s->run->stage.last_action_ns = w->began_ns;
    client_read(w->actor->client, conv, seq);
    return DONE;
}

static enum progress types(struct strand *s, struct work *w,
                           const struct stmt *st)
{
    uint64_t conv;
    enum progress p = run_conv_ref(s, w, st, w->actor, st->to, &conv);

    if (p != DONE)
        return p == WAIT ? run_wait(s, w, st) : p;
    s->run->stage.last_action_ns = w->began_ns;
    client_typing(w->actor->client, conv, !st->off);
    return DONE;
}

struct views {
    uint64_t convs[LIMIT_VIEW], users[LIMIT_VIEW];
    int nconvs, nusers;
};

/* Somebody: the user, and the conversation with it when there is one. */
static enum progress views_one(struct strand *s, struct work *w,
                               const struct stmt *st, const struct expr *x,
                               struct views *v)
{
    struct actor *who;
    enum progress p;

    if (v->nconvs >= LIMIT_VIEW || v->nusers >= LIMIT_VIEW)
        return run_fail(s->run, st, "at most %d are viewed", LIMIT_VIEW);
    if (x->kind == EXPR_NAME) {
        who = run_actor(s, st, x->text, x);
        if (who == NULL)
            return FAILED;
        v->users[v->nusers++] = who->account.user;
        v->convs[v->nconvs] = actor_direct(w->actor, who->account.user);
        v->nconvs += v->convs[v->nconvs] != 0;
        return DONE;
    }
    p = run_conv_ref(s, w, st, w->actor, x, &v->convs[v->nconvs]);
    v->nconvs += p == DONE;
    return p;
}

static enum progress views(struct strand *s, struct work *w,
                           const struct stmt *st)
{
    struct views v = {.nconvs = 0};

    if (!w->begun) {
        for (int i = 0; i < st->nviews; i++) {
            enum progress p = views_one(s, w, st, st->views[i], &v);

            if (p != DONE)
                return p;
        }
        w->begun = true;
        s->run->stage.last_action_ns = w->began_ns;
        client_view(w->actor->client, v.convs, v.nconvs, v.users, v.nusers);
        client_request(w->actor->client, FRAME_FENCE, (struct span){0},
                       reply_frame, reply_new(w));
    }
    return w->reply->done ? DONE : run_wait(s, w, st);
}

/* A verb of a part that the server does not have: the test cannot be run
 * there, which is not its fault. */
static enum progress needs(struct strand *s, struct work *w,
                           const struct stmt *st)
{
    struct run *r = s->run;
    char why[80];

    snprintf(why, sizeof(why), "needs %s, which this server does not offer",
             st->verb == VERB_UPLOADS || st->verb == VERB_DOWNLOADS ? "media"
             : st->verb == VERB_JOINS ? "open channels"
                                      : "encryption");
    free(r->out->reason);
    r->out->reason = mem_text(why);
    r->skipped = r->stop = true;
    return FAILED;
}

static enum progress (*const verbs[VERBS])(struct strand *s, struct work *w,
                                           const struct stmt *st) = {
    [VERB_CONNECTS] = connects,    [VERB_DISCONNECTS] = disconnects,
    [VERB_RESUMES] = resumes,      [VERB_SENDS] = verb_sends,
    [VERB_REPLIES] = verb_replies, [VERB_EDITS] = verb_edits,
    [VERB_DELETES] = verb_deletes, [VERB_REACTS] = verb_reacts,
    [VERB_READS] = reads,          [VERB_TYPES] = types,
    [VERB_VIEWS] = views,          [VERB_JOINS] = needs,
    [VERB_LEAVES] = verb_leaves,   [VERB_UPLOADS] = needs,
    [VERB_DOWNLOADS] = needs,      [VERB_CREATES] = verb_creates,
    [VERB_ADDS] = verb_adds,       [VERB_REMOVES] = verb_removes,
    [VERB_RENAMES] = verb_renames, [VERB_PROMOTES] = verb_promotes,
    [VERB_BLOCKS] = verb_block,    [VERB_UNBLOCKS] = verb_block,
    [VERB_VERIFIES] = needs,       [VERB_ROTATES] = needs,
    [VERB_RAW] = verb_raw,
};

enum progress do_action(struct strand *s, struct work *w, const struct stmt *st)
{
    if (w->actor == NULL) {
        w->actor = run_actor(s, st, st->actor, st->actor_expr);
        if (w->actor == NULL)
            return FAILED;
        if (w->actor->client == NULL && st->verb != VERB_CONNECTS &&
            st->verb != VERB_DISCONNECTS && st->verb != VERB_RESUMES)
            return run_fail(s->run, st,
                            "%s has not connected yet: '%s connects' comes "
                            "first",
                            w->actor->name, w->actor->name);
    }
    return verbs[st->verb](s, w, st);
}
