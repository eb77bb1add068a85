/* The keys of scenario files; confab-load-scenario(5) says what they mean. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "proto/limits.h"
#include "scenario.h"
#include "scenario_field.h"
#include "scenario_value.h"

#define MOST_USERS 10000000
#define MOST_RATE 1e8
#define DAY 86400000.0
#define LONGEST (30 * DAY)

/* ---- traffic ---- */

static int read_receipt(struct reader *r, const json_t *list, int i,
                        struct traffic *t)
{
    const char *text = json_string_value(json_array_get(list, (size_t)i));
    char index[16];

    snprintf(index, sizeof(index), "%d", i);
    if (text != NULL && strcmp(text, "delivered") == 0) {
        t->delivered = true;
        return 0;
    }
    if (text != NULL && strcmp(text, "read") == 0) {
        t->read = 1;
        return 0;
    }
    if (text != NULL && strncmp(text, "read:", 5) == 0 &&
        value_share(text + 5, &t->read) == 0 && t->read <= 1) {
        t->read = round(t->read * 1e6) / 1e6; /* as it is written */
        return 0;
    }
    return field_fail(r, list, index, true,
                      "a receipt is \"delivered\", \"read\" or \"read:30%%\"");
}

static int read_receipts(struct reader *r, const json_t *in, const char *key,
                         void *target)
{
    const json_t *list = json_object_get(in, key);
    struct traffic *t = target;
    int rc = 0;

    if (!json_is_array(list))
        return field_fail(r, in, key, true,
                          "'%s' must be a list such as [\"delivered\"]", key);
    t->delivered = false;
    t->read = 0;
    for (int i = 0; rc == 0 && i < (int)json_array_size(list); i++)
        rc = read_receipt(r, list, i, t);
    return rc;
}

static json_t *write_receipts(const void *target)
{
    const struct traffic *t = target;
    json_t *list = json_array();
    char text[24];

    if (t->delivered)
        json_array_append_new(list, json_string("delivered"));
    if (t->read > 0) {
        snprintf(text, sizeof(text), "read:%.6f", t->read);
        json_array_append_new(list, json_string(text));
    }
    return list;
}

#define AT(field) offsetof(struct traffic, field)

static const struct field body_fields[] = {
    {.key = "bytes",
     .type = FIELD_INT,
     .offset = AT(body_bytes),
     .max = LIMIT_BODY - 64},
    {.key = "spread",
     .type = FIELD_EITHER,
     .offset = AT(lognormal),
     .choices = "constant|lognormal"},
    {.key = NULL},
};

static const struct field traffic_fields[] = {
    {.key = "name",
     .type = FIELD_TEXT,
     .offset = AT(name),
     .room = sizeof(((struct traffic *)0)->name)},
    {.key = "kind",
     .type = FIELD_CHOICE,
     .offset = AT(kind),
     .choices = "direct|group|channel|self"},
    {.key = "members",
     .type = FIELD_INT,
     .offset = AT(members),
     .max = LIMIT_MEMBERS},
    {.key = "groups",
     .type = FIELD_INT,
     .offset = AT(groups),
     .min = 1,
     .max = 1000000},
    {.key = "view", .type = FIELD_SHARE, .offset = AT(view), .max = 1},
    {.key = "threads", .type = FIELD_SHARE, .offset = AT(threads), .max = 1},
    {.key = "rate", .type = FIELD_RATE, .offset = AT(rate), .max = MOST_RATE},
    {.key = "rate_end",
     .type = FIELD_RATE,
     .offset = AT(rate_end),
     .max = MOST_RATE},
    {.key = "arrivals",
     .type = FIELD_CHOICE,
     .offset = AT(arrivals),
     .choices = "constant|poisson|burst|recorded"},
    {.key = "burst", .type = FIELD_INT, .offset = AT(burst), .max = 1000000},
    {.key = "file",
     .type = FIELD_TEXT,
     .offset = AT(file),
     .room = sizeof(((struct traffic *)0)->file)},
    {.key = "body", .type = FIELD_TABLE, .sub = body_fields},
    {.key = "receipts",
     .type = FIELD_OTHER,
     .read = read_receipts,
     .write = write_receipts},
    {.key = "probe", .type = FIELD_BOOL, .offset = AT(probe)},
    {.key = NULL},
};
#undef AT

static int read_one_traffic(struct reader *r, const json_t *list, size_t i,
                            struct scenario *s)
{
    const json_t *j = json_array_get(list, i);
    struct traffic *t = &s->traffic[i];
    char index[24];

    snprintf(index, sizeof(index), "%zu", i);
    if (i == SCENARIO_TRAFFICS)
        return field_fail(r, list, index, false, "more than %d [[traffic]]",
                          SCENARIO_TRAFFICS);
    if (!json_is_object(j))
        return field_fail(r, list, index, true, "a traffic must be a table");
    if (json_object_get(j, "kind") == NULL)
        return field_fail(r, list, index, false,
                          "the traffic needs a kind: direct, group, channel "
                          "or self");
    *t = (struct traffic){.groups = 1,
                          .rate = 1,
                          .body_bytes = 100,
                          .arrivals = ARRIVE_POISSON,
                          .record_to = RECORD_WHOLE};
    return fields_read(r, traffic_fields, j, t);
}

static int read_traffic(struct reader *r, const json_t *in, const char *key,
                        void *target)
{
    const json_t *list = json_object_get(in, key);
    struct scenario *s = target;
    int rc = 0;

    if (!json_is_array(list))
        return field_fail(r, in, key, false,
                          "traffic is a list: write [[traffic]]");
    for (size_t i = 0; rc == 0 && i < json_array_size(list); i++) {
        rc = read_one_traffic(r, list, i, s);
        s->ntraffic = (int)i + 1;
    }
    return rc;
}

static json_t *write_traffic(const void *target)
{
    const struct scenario *s = target;
    json_t *list = json_array();

    for (int i = 0; i < s->ntraffic; i++)
        json_array_append_new(list,
                              fields_write(traffic_fields, &s->traffic[i]));
    return list;
}

/* ---- thresholds ---- */

static int read_thresholds(struct reader *r, const json_t *in, const char *key,
                           void *target)
{
    json_t *table = json_object_get(in, key), *v;
    struct scenario *s = target;
    struct error why;
    const char *name;
    char text[160];

    if (!json_is_object(table))
        return field_fail(r, in, key, true, "'%s' must be a table", key);
    json_object_foreach(table, name, v)
    {
        if (s->nthresholds == SCENARIO_THRESHOLDS)
            return field_fail(r, table, name, false, "more than %d thresholds",
                              SCENARIO_THRESHOLDS);
        if (!json_is_string(v))
            return field_fail(r, table, name, true,
                              "a threshold is text such as \"<100ms\"");
        snprintf(text, sizeof(text), "%s %s", name, json_string_value(v));
        if (threshold_parse(&s->thresholds[s->nthresholds++], text, &why) < 0)
            return field_fail(r, table, name, false, "%s", why.text);
    }
    return 0;
}

static json_t *write_thresholds(const void *target)
{
    const struct scenario *s = target;
    json_t *table = json_object();

    for (int i = 0; i < s->nthresholds; i++) {
        const struct threshold *t = &s->thresholds[i];

        json_object_set_new(table, t->metric,
                            json_string(t->text + strlen(t->metric) + 1));
    }
    return table;
}

/* ---- everything else ---- */

#define AT(field) offsetof(struct scenario, field)
#define ROOM(field) sizeof(((struct scenario *)0)->field)

static const struct field users_fields[] = {
    {.key = "count",
     .type = FIELD_INT,
     .offset = AT(users.count),
     .min = 1,
     .max = MOST_USERS},
    {.key = "connect_rate",
     .type = FIELD_RATE,
     .offset = AT(users.connect_rate),
     .max = MOST_RATE},
    {.key = "source_ips",
     .type = FIELD_TEXT,
     .offset = AT(users.source_ips),
     .room = ROOM(users.source_ips)},
    {.key = "heartbeat",
     .type = FIELD_TIME,
     .offset = AT(users.heartbeat_ms),
     .min = 1000,
     .max = DAY},
    {.key = "random_mask", .type = FIELD_BOOL, .offset = AT(users.random_mask)},
    {.key = NULL},
};

static const struct field close_fields[] = {
    {.key = "fin", .type = FIELD_SHARE, .offset = AT(churn.fin), .max = 1},
    {.key = "rst", .type = FIELD_SHARE, .offset = AT(churn.rst), .max = 1},
    {.key = "silent",
     .type = FIELD_SHARE,
     .offset = AT(churn.silent),
     .max = 1},
    {.key = NULL},
};

static const struct field churn_fields[] = {
    {.key = "connects",
     .type = FIELD_RATE,
     .offset = AT(churn.connects),
     .max = MOST_RATE},
    {.key = "session",
     .type = FIELD_TIME,
     .offset = AT(churn.session_ms),
     .max = LONGEST},
    {.key = "close", .type = FIELD_TABLE, .sub = close_fields},
    {.key = NULL},
};

static const struct field presence_fields[] = {
    {.key = "contacts",
     .type = FIELD_INT,
     .offset = AT(presence.contacts),
     .max = 100000},
    {.key = "visible",
     .type = FIELD_SHARE,
     .offset = AT(presence.visible),
     .max = 1},
    {.key = NULL},
};

static const struct field backlog_fields[] = {
    {.key = "messages",
     .type = FIELD_INT,
     .offset = AT(backlog.messages),
     .max = 1e9},
    {.key = "users",
     .type = FIELD_INT,
     .offset = AT(backlog.users),
     .max = MOST_USERS},
    {.key = "rate",
     .type = FIELD_RATE,
     .offset = AT(backlog.rate),
     .max = MOST_RATE},
    {.key = NULL},
};

static const struct field fault_fields[] = {
    {.key = "kind",
     .type = FIELD_CHOICE,
     .offset = AT(fault.kind),
     .choices = "none|kill|freeze|rst"},
    {.key = "every",
     .type = FIELD_TIME,
     .offset = AT(fault.every_ms),
     .max = LONGEST},
    {.key = "for",
     .type = FIELD_TIME,
     .offset = AT(fault.fault_ms),
     .max = DAY},
    {.key = "count",
     .type = FIELD_INT,
     .offset = AT(fault.count),
     .min = 1,
     .max = 100000},
    {.key = "no_backoff", .type = FIELD_BOOL, .offset = AT(fault.no_backoff)},
    {.key = NULL},
};

static const struct field phases_fields[] = {
    {.key = "settle",
     .type = FIELD_AUTO,
     .offset = AT(phases.settle_ms),
     .max = DAY},
    {.key = "measure",
     .type = FIELD_TIME,
     .offset = AT(phases.measure_ms),
     .min = 1000,
     .max = LONGEST},
    {.key = "drain",
     .type = FIELD_TIME,
     .offset = AT(phases.drain_ms),
     .min = 0,
     .max = DAY},
    {.key = NULL},
};

const struct field scenario_fields[] = {
    {.key = "name", .type = FIELD_TEXT, .offset = AT(name), .room = ROOM(name)},
    {.key = "about",
     .type = FIELD_TEXT,
     .offset = AT(about),
     .room = ROOM(about)},
    {.key = "slow", .type = FIELD_SHARE, .offset = AT(slow), .max = 1},
    {.key = "speed",
     .type = FIELD_FACTOR,
     .offset = AT(speed),
     .min = 0.01,
     .max = 10000},
    {.key = "users", .type = FIELD_TABLE, .sub = users_fields},
    {.key = "traffic",
     .type = FIELD_OTHER,
     .read = read_traffic,
     .write = write_traffic},
    {.key = "churn", .type = FIELD_TABLE, .sub = churn_fields},
    {.key = "presence", .type = FIELD_TABLE, .sub = presence_fields},
    {.key = "backlog", .type = FIELD_TABLE, .sub = backlog_fields},
    {.key = "fault", .type = FIELD_TABLE, .sub = fault_fields},
    {.key = "phases", .type = FIELD_TABLE, .sub = phases_fields},
    {.key = "thresholds",
     .type = FIELD_OTHER,
     .read = read_thresholds,
     .write = write_thresholds},
    {.key = NULL},
};
