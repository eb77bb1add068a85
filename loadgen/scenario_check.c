#include "scenario_check.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "proto/limits.h"
#include "scenario_value.h"

void scenario_defaults(struct scenario *s)
{
    memset(s, 0, sizeof(*s));
    snprintf(s->name, sizeof(s->name), "unnamed");
    s->users.count = 100;
    snprintf(s->users.source_ips, sizeof(s->users.source_ips), "127.1.0.0/16");
    s->users.heartbeat_ms = 30000;
    s->churn.session_ms = 60000;
    s->churn.fin = 1;
    s->presence.visible = 1;
    s->fault.count = 1;
    s->phases.settle_ms = -1;
    s->phases.measure_ms = 30000;
    s->phases.drain_ms = 10000;
    s->speed = 1;
}

static bool name_taken(const struct scenario *s, int but, const char *name)
{
    for (int i = 0; i < s->ntraffic; i++)
        if (i != but && strcmp(s->traffic[i].name, name) == 0)
            return true;
    return false;
}

void scenario_name_traffic(struct scenario *s)
{
    static const char *const kinds[] = {"direct", "group", "channel", "self"};

    if (s->name[0] == '\0')
        snprintf(s->name, sizeof(s->name), "unnamed");
    for (int i = 0; i < s->ntraffic; i++) {
        struct traffic *t = &s->traffic[i];
        const char *kind = t->probe ? "probe" : kinds[t->kind];

        if (t->name[0] != '\0')
            continue;
        snprintf(t->name, sizeof(t->name), "%s", kind);
        for (int k = 2; name_taken(s, i, t->name); k++)
            snprintf(t->name, sizeof(t->name), "%s-%d", kind, k);
    }
}

/* ---- one traffic ---- */

static int check_members(struct reader *r, const json_t *j,
                         const struct traffic *t, const struct scenario *s)
{
    if (t->members < 2)
        return field_fail(r, j,
                          json_object_get(j, "members") ? "members" : "kind",
                          true, "a %s needs members, 2 or more",
                          t->kind == TRAFFIC_GROUP ? "group" : "channel");
    if (t->members > s->users.count)
        return field_fail(r, j, "members", true,
                          "%" PRId64 " members, and only %" PRId64
                          " users (users.count)",
                          t->members, s->users.count);
    if (t->kind == TRAFFIC_CHANNEL && t->members <= LIMIT_LIVE_MEMBERS)
        return field_fail(r, j, "members", true,
                          "a channel has more than %d members; below that it "
                          "is a group",
                          LIMIT_LIVE_MEMBERS);
    if (t->kind == TRAFFIC_GROUP && t->members > LIMIT_LIVE_MEMBERS)
        return field_fail(r, j, "members", true,
                          "a group has up to %d members; above that it is a "
                          "channel",
                          LIMIT_LIVE_MEMBERS);
    return 0;
}

static int check_misplaced(struct reader *r, const json_t *j,
                           const struct traffic *t)
{
    bool many = t->kind == TRAFFIC_GROUP || t->kind == TRAFFIC_CHANNEL;

    if (!many && t->members != 0)
        return field_fail(r, j, "members", false,
                          "members belong to a group or channel");
    if (!many && t->groups != 1)
        return field_fail(r, j, "groups", false,
                          "groups belong to a group or channel");
    if (t->kind != TRAFFIC_CHANNEL && t->view > 0)
        return field_fail(r, j, "view", false, "view belongs to a channel");
    if (!many && t->threads > 0)
        return field_fail(r, j, "threads", false,
                          "threads belong to a group or channel");
    if (t->kind == TRAFFIC_SELF && (t->delivered || t->read > 0))
        return field_fail(r, j, "receipts", false,
                          "nobody receives what one sends to oneself");
    return 0;
}

static int check_arrivals(struct reader *r, const json_t *j,
                          const struct traffic *t)
{
    bool recorded = t->arrivals == ARRIVE_RECORDED;

    if (t->arrivals == ARRIVE_BURST && t->burst < 1)
        return field_fail(r, j, "arrivals", true,
                          "bursts need their size: burst = 100");
    if (t->arrivals != ARRIVE_BURST && t->burst != 0)
        return field_fail(r, j, "burst", false,
                          "burst goes with arrivals = \"burst\"");
    if (recorded && t->file[0] == '\0')
        return field_fail(r, j, "arrivals", true,
                          "recorded arrivals need their file: file = "
                          "\"times.txt\"");
    if (!recorded && t->file[0] != '\0')
        return field_fail(r, j, "file", false,
                          "file goes with arrivals = \"recorded\"");
    if (recorded && t->rate_end > 0)
        return field_fail(r, j, "rate_end", false,
                          "recorded arrivals climb as the record does");
    return 0;
}

static int check_traffic(struct reader *r, const json_t *j,
                         const struct traffic *t, const struct scenario *s)
{
    int rc = check_misplaced(r, j, t);

    if (rc == 0 && (t->kind == TRAFFIC_GROUP || t->kind == TRAFFIC_CHANNEL))
        rc = check_members(r, j, t, s);
    if (rc < 0)
        return rc;
    if (t->kind == TRAFFIC_DIRECT && s->users.count < 2)
        return field_fail(r, j, "kind", true, "direct needs 2 users or more");
    return check_arrivals(r, j, t);
}

static int check_names(struct reader *r, const json_t *list,
                       const struct scenario *s)
{
    char index[16];

    for (int i = 0; i < s->ntraffic; i++) {
        snprintf(index, sizeof(index), "%d", i);
        for (int k = 0; k < i; k++)
            if (strcmp(s->traffic[k].name, s->traffic[i].name) == 0)
                return field_fail(r, list, index, false,
                                  "two traffics are called '%s'",
                                  s->traffic[i].name);
    }
    return 0;
}

/* ---- the tables ---- */

static int check_churn(struct reader *r, const json_t *tree,
                       const struct scenario *s)
{
    const json_t *churn = json_object_get(tree, "churn");
    double sum = s->churn.fin + s->churn.rst + s->churn.silent;
    double online = s->churn.connects * (double)s->churn.session_ms / 1000;

    if (fabs(sum - 1) > 1e-6)
        return field_fail(r, churn, "close", false,
                          "fin, rst and silent add up to %g, not to 1", sum);
    if (s->churn.connects > 0 && s->churn.session_ms < 1)
        return field_fail(r, churn, "session", true,
                          "churn needs the length of a session");
    if (online > (double)s->users.count)
        return field_fail(r, churn, "connects", true,
                          "%g/s x sessions of %" PRId64
                          " s are %.0f users at once, and there are %" PRId64,
                          s->churn.connects, s->churn.session_ms / 1000, online,
                          s->users.count);
    return 0;
}

static int check_others(struct reader *r, const json_t *tree,
                        const struct scenario *s)
{
    const json_t *users = json_object_get(tree, "users");
    const json_t *backlog = json_object_get(tree, "backlog");
    const json_t *fault = json_object_get(tree, "fault");

    if (!value_is_network(s->users.source_ips))
        return field_fail(r, users, "source_ips", true,
                          "source_ips is a network such as "
                          "\"127.1.0.0/16\"");
    if (s->presence.contacts >= s->users.count)
        return field_fail(r, json_object_get(tree, "presence"), "contacts",
                          true, "%" PRId64 " contacts among %" PRId64 " users",
                          s->presence.contacts, s->users.count);
    if (s->backlog.users > s->users.count)
        return field_fail(r, backlog, "users", true,
                          "%" PRId64 " users offline, of %" PRId64,
                          s->backlog.users, s->users.count);
    if ((s->backlog.users > 0) != (s->backlog.messages > 0))
        return field_fail(r, backlog,
                          s->backlog.users > 0 ? "users" : "messages", false,
                          "a backlog needs messages and users");
    if (s->fault.kind == FAULT_FREEZE && s->fault.fault_ms == 0)
        return field_fail(r, fault, "kind", true,
                          "a freeze needs its length: for = \"2s\"");
    if (s->fault.count > 1 && s->fault.every_ms == 0)
        return field_fail(r, fault, "count", true,
                          "%" PRId64 " faults need a distance: every = "
                          "\"20s\"",
                          s->fault.count);
    return 0;
}

int scenario_check(struct reader *r, const json_t *tree,
                   const struct scenario *s)
{
    const json_t *list = json_object_get(tree, "traffic");
    int rc = 0;

    for (int i = 0; rc == 0 && i < s->ntraffic; i++)
        rc = check_traffic(r, json_array_get(list, (size_t)i), &s->traffic[i],
                           s);
    if (rc == 0)
        rc = check_names(r, list, s);
    if (rc == 0)
        rc = check_churn(r, tree, s);
    if (rc == 0)
        rc = check_others(r, tree, s);
    return rc;
}
