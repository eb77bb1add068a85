#include "plan.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/mem.h"

#define PAIRS_MAX 10000 /* of one direct traffic */
#define PROBE_PAIRS 4
#define OUTSIDERS 4 /* groups with a removed member, of one traffic */

/* Who is in a conversation with traffic stays for the run. With churn there
 * have to be others, half as many again as are there at a time. */
static uint32_t talkers_of(const struct scenario *s)
{
    double users = (double)s->users.count;
    double there = s->churn.connects * (double)s->churn.session_ms / 1000;
    double pool = s->churn.connects > 0 ? there * 1.5 + 100 : 0;

    if (pool > users * 0.7)
        pool = users * 0.7;
    return (uint32_t)(users - pool);
}

static bool is_quiet(const struct traffic *t)
{
    return t->rate <= 0 && t->rate_end <= 0;
}

/* The users among whom this traffic is. */
static uint32_t users_of(const struct plan *p, const struct traffic *t)
{
    return is_quiet(t) ? p->users : p->talkers;
}

static uint32_t pairs_of(const struct traffic *t, uint32_t users)
{
    uint32_t most = t->probe ? PROBE_PAIRS : PAIRS_MAX;

    return users / 2 < most ? users / 2 : most;
}

static uint32_t convs_of(const struct traffic *t, uint32_t users)
{
    if (t->kind == TRAFFIC_DIRECT)
        return pairs_of(t, users);
    if (t->groups > 0)
        return (uint32_t)t->groups;
    return t->kind == TRAFFIC_SELF ? pairs_of(t, users) : 1;
}

static uint32_t members_of(const struct traffic *t)
{
    return t->kind == TRAFFIC_DIRECT ? 2
           : t->kind == TRAFFIC_SELF ? 1
                                     : (uint32_t)t->members;
}

static uint32_t streams_of(const struct traffic *t)
{
    uint32_t members = members_of(t);

    return t->kind == TRAFFIC_CHANNEL ? 2
           : members < PLAN_SENDERS   ? members
                                      : PLAN_SENDERS;
}

static bool has_outsider(const struct traffic *t, uint32_t i, uint32_t users)
{
    return t->kind == TRAFFIC_GROUP && i < OUTSIDERS && t->rate > 0 &&
           (int64_t)users > t->members;
}

static void add_streams(struct plan *p, struct plan_conv *c, uint32_t conv,
                        uint32_t audience)
{
    uint32_t step = audience / (c->streams > 0 ? c->streams : 1);

    c->first_stream = p->nstreams;
    if (c->quiet)
        c->streams = 0;
    for (uint32_t i = 0; i < c->streams; i++) {
        struct plan_stream *s = &p->streams[p->nstreams++];

        s->conv = conv;
        s->user = p->members[c->first_member + i * (step > 0 ? step : 1)];
        if (audience > 2) {
            s->fans = mem_array(FAN_SLOTS, sizeof(*s->fans));
            p->bytes += FAN_SLOTS * sizeof(*s->fans);
        }
    }
}

/* The first direct traffic pairs neighbours, the next ones look further, so
 * that no two of them share a conversation. */
static uint32_t partner(const struct plan *p, const struct scenario *s,
                        int traffic, uint32_t user)
{
    uint32_t even = users_of(p, &s->traffic[traffic]) & ~1U, step = 1;

    for (int i = 0; i < traffic; i++)
        step += s->traffic[i].kind == TRAFFIC_DIRECT ? 2 : 0;
    return (user + step) % even;
}

/* Is this the first conversation of the two? */
static bool new_pair(struct plan *p, uint32_t a, uint32_t b)
{
    uint64_t low = a < b ? a : b, high = a < b ? b : a;

    return a != b && map_put(&p->pairs, low * UINT32_MAX + high, p) == NULL;
}

/* Conversation i of traffic t: its members are the users from `at` on. */
static void add_conv(struct plan *p, const struct scenario *s, int traffic,
                     uint32_t i, uint32_t at)
{
    const struct traffic *t = &s->traffic[traffic];
    struct plan_conv *c = &p->convs[p->nconvs];
    uint32_t wanted = members_of(t);

    c->traffic = (uint8_t)traffic;
    c->quiet = is_quiet(t);
    c->first_member = p->nmembers;
    c->members = wanted;
    c->streams = (uint16_t)streams_of(t);
    c->viewers = wanted;
    if (t->kind == TRAFFIC_CHANNEL)
        c->viewers = (uint32_t)((double)wanted * t->view + 0.5);
    if (c->viewers < c->streams)
        c->viewers = c->streams;
    if (has_outsider(t, i, users_of(p, t))) {
        c->outsider = true;
        c->members++;
    }
    if (t->kind == TRAFFIC_DIRECT &&
        !new_pair(p, at, partner(p, s, traffic, at)))
        return;
    for (uint32_t m = 0; m < c->members; m++)
        p->members[p->nmembers++] = (at + m) % users_of(p, t);
    if (t->kind == TRAFFIC_DIRECT)
        p->members[p->nmembers - 1] = partner(p, s, traffic, at);
    add_streams(p, c, p->nconvs, c->viewers);
    p->nconvs++;
}

/* Groups lie one after the other; a probe takes the last users, which other
 * traffic reaches last. */
static void add_traffic(struct plan *p, const struct scenario *s, int traffic)
{
    const struct traffic *t = &s->traffic[traffic];
    uint32_t users = users_of(p, t);
    uint32_t convs = convs_of(t, users), each = members_of(t);
    uint32_t at = t->probe ? (users - convs * each) & ~1U : 0;

    for (uint32_t i = 0; i < convs; i++)
        add_conv(p, s, traffic, i,
                 (uint32_t)((at + (uint64_t)i * each) % users));
}

/* The last traffic stands for the backlog, when there is one. */
static bool is_backlog(const struct scenario *s, int traffic)
{
    return s->backlog.messages > 0 && traffic == s->ntraffic - 1;
}

static int check(const struct traffic *t, uint32_t users, struct error *err)
{
    if (members_of(t) > users)
        return error_set(err, CF_INVALID,
                         "traffic '%s' has %" PRId64
                         " members a group, and %u users stay for the run; "
                         "raise users.count",
                         t->name, t->members, users);
    if (convs_of(t, users) == 0)
        return error_set(err, CF_INVALID,
                         "traffic '%s' needs two users; raise users.count",
                         t->name);
    return 0;
}

/* ---- for users who are away ---- */

#define BACKLOG_SENDERS 256

static uint32_t backlog_convs(const struct scenario *s)
{
    return s->backlog.messages > 0 ? (uint32_t)s->backlog.users : 0;
}

/* One direct conversation for each: a sender, who owns it, and the user. */
static void add_backlog(struct plan *p, const struct scenario *s)
{
    uint32_t away = backlog_convs(s), left = p->users - away;
    uint32_t senders = left < BACKLOG_SENDERS ? left : BACKLOG_SENDERS;

    for (uint32_t i = 0; i < away; i++) {
        struct plan_conv *c = &p->convs[p->nconvs];

        if (!new_pair(p, away + i % senders, i))
            continue;
        *c = (struct plan_conv){.traffic = (uint8_t)p->backlog_traffic,
                                .backlog = true,
                                .first_member = p->nmembers,
                                .members = 2,
                                .viewers = 2,
                                .streams = 1};
        p->members[p->nmembers++] = away + i % senders;
        p->members[p->nmembers++] = i;
        add_streams(p, c, p->nconvs, 2);
        p->nconvs++;
    }
}

static int check_backlog(struct plan *p, const struct scenario *s,
                         struct error *err)
{
    p->backlog_traffic = -1;
    if (backlog_convs(s) == 0)
        return 0;
    p->backlog_traffic = s->ntraffic - 1;
    if (s->backlog.users >= p->users)
        return error_set(err, CF_INVALID,
                         "backlog.users %" PRId64 " are all of users.count: "
                         "somebody has to write to them",
                         s->backlog.users);
    return 0;
}

int plan_make(struct plan *p, const struct scenario *s, struct error *err)
{
    size_t convs = 0, members = 0, streams = 0;

    *p = (struct plan){.users = (uint32_t)s->users.count,
                       .talkers = talkers_of(s)};
    for (int i = 0; i < s->ntraffic; i++) {
        const struct traffic *t = &s->traffic[i];
        size_t n;

        if (is_backlog(s, i))
            continue;
        if (check(t, users_of(p, t), err) < 0)
            return -CF_INVALID;
        n = convs_of(t, users_of(p, t));
        convs += n;
        members += n * members_of(t) + OUTSIDERS;
        streams += n * streams_of(t);
    }
    if (check_backlog(p, s, err) < 0)
        return -CF_INVALID;
    convs += backlog_convs(s);
    members += 2 * (size_t)backlog_convs(s);
    streams += backlog_convs(s);
    p->convs = mem_array(convs + 1, sizeof(*p->convs));
    p->members = mem_array(members + 1, sizeof(*p->members));
    p->streams = mem_array(streams + 1, sizeof(*p->streams));
    p->marks = mem_array(members + 1, sizeof(*p->marks));
    p->bytes = convs * sizeof(*p->convs) +
               members * (sizeof(*p->members) + sizeof(*p->marks)) +
               streams * sizeof(*p->streams);
    for (int i = 0; i < s->ntraffic; i++)
        if (!is_backlog(s, i))
            add_traffic(p, s, i);
    add_backlog(p, s);
    return 0;
}

void plan_release(struct plan *p)
{
    for (uint32_t i = 0; i < p->nstreams; i++)
        free(p->streams[i].fans);
    free(p->streams);
    free(p->convs);
    free(p->members);
    free(p->marks);
    map_release(&p->pairs);
    *p = (struct plan){0};
}

void plan_doubt(struct plan_stream *s, uint32_t first, uint32_t last)
{
    uint64_t was = atomic_load(&s->in_doubt);

    /* What was in doubt before may still come to somebody who is away. */
    if (was != 0 && was >> 32 < first)
        first = (uint32_t)(was >> 32);
    atomic_store(&s->in_doubt, (uint64_t)first << 32 | last);
}

bool plan_in_doubt(const struct plan_stream *s, uint32_t number,
                   uint32_t highest)
{
    uint64_t range = atomic_load(&s->in_doubt);

    return range != 0 && number >= range >> 32 && highest <= (uint32_t)range;
}

uint32_t plan_audience(const struct plan_conv *c)
{
    return c->viewers - 1;
}

bool plan_in_audience(const struct plan_conv *c, uint32_t i)
{
    return i < c->viewers;
}
