#include "coordinate_split.h"

#include <inttypes.h>

/* Where part i of total begins: rounded, so that all parts add up. */
static int64_t border(int64_t total, const double *weights, int n, int i)
{
    double before = 0, all = 0;

    for (int k = 0; k < n; k++) {
        before += k < i ? weights[k] : 0;
        all += weights[k];
    }
    return i == n ? total : (int64_t)((double)total * before / all + 0.5);
}

static int64_t part(int64_t total, const double *weights, int n, int i)
{
    return border(total, weights, n, i + 1) - border(total, weights, n, i);
}

/* Of the arrivals of a record, part i of all; the share that this is. */
static double cut_record(struct traffic *t, int64_t all, const double *weights,
                         int n, int i)
{
    t->record_from =
        record_border((uint64_t)border(all, weights, n, i), (uint64_t)all);
    t->record_to =
        record_border((uint64_t)border(all, weights, n, i + 1), (uint64_t)all);
    return record_share(t->record_from, t->record_to);
}

/* A rate goes where the groups are; pairs go by users. */
static int cut_traffic(struct traffic *t, const struct traffic *whole,
                       const struct scenario *s, const double *weights, int n,
                       int i, int64_t all_users, struct error *err)
{
    bool recorded = whole->arrivals == ARRIVE_RECORDED;
    double share = (double)s->users.count / (double)all_users;

    if (recorded)
        share = cut_record(t, all_users, weights, n, i);
    if (whole->kind == TRAFFIC_GROUP || whole->kind == TRAFFIC_CHANNEL) {
        t->groups = part(whole->groups, weights, n, i);
        share = (double)t->groups / (double)whole->groups;
        if (recorded)
            share = cut_record(t, whole->groups, weights, n, i);
        if (t->groups > 0 && t->members > s->users.count)
            return error_set(err, CF_INVALID,
                             "%s: groups of %" PRId64 " members do not fit an "
                             "agent with %" PRId64 " users; fewer agents, or "
                             "more users",
                             t->name, t->members, s->users.count);
    } else if (whole->kind == TRAFFIC_DIRECT && s->users.count < 2) {
        return error_set(err, CF_INVALID,
                         "%s: an agent with one user has no pair", t->name);
    }
    t->rate = whole->rate * share;
    t->rate_end = whole->rate_end * share;
    return 0;
}

static int cut(struct scenario *s, const struct scenario *whole,
               const double *weights, int n, int i, struct error *err)
{
    double share;
    int rc = 0, kept = 0;

    *s = *whole;
    s->users.count = part(whole->users.count, weights, n, i);
    if (s->users.count < 1)
        return error_set(err, CF_INVALID, "more agents than users");
    share = (double)s->users.count / (double)whole->users.count;
    s->users.connect_rate *= share;
    s->churn.connects *= share;
    s->backlog.rate *= share;
    s->backlog.users = part(whole->backlog.users, weights, n, i);
    s->backlog.messages = part(whole->backlog.messages, weights, n, i);
    if (s->presence.contacts >= s->users.count)
        s->presence.contacts = s->users.count - 1;
    for (int k = 0; rc == 0 && k < whole->ntraffic; k++) {
        s->traffic[kept] = whole->traffic[k];
        rc = cut_traffic(&s->traffic[kept], &whole->traffic[k], s, weights, n,
                         i, whole->users.count, err);
        /* One channel for two agents: the other does without. */
        kept += s->traffic[kept].groups > 0;
    }
    s->ntraffic = kept;
    return rc;
}

int scenario_split(struct scenario *parts, int64_t *first,
                   const struct scenario *whole, const double *weights, int n,
                   struct error *err)
{
    int64_t at = 0;
    int rc = 0;

    for (int i = 0; rc == 0 && i < n; i++) {
        rc = cut(&parts[i], whole, weights, n, i, err);
        first[i] = at;
        at += parts[i].users.count;
    }
    return rc;
}
