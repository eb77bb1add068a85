#include "scenario.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../base/suite.h"

static struct scenario parsed_with(const char *text, const char *const *sets,
                                   int n)
{
    struct error err = {0};
    struct scenario s;

    ck_assert_msg(scenario_parse(&s, "f", span_of(text), sets, n, &err) == 0,
                  "%s", err.text);
    return s;
}

static struct scenario parsed(const char *text)
{
    return parsed_with(text, NULL, 0);
}

static void refused_with(const char *text, const char *set, const char *why)
{
    struct error err = {0};
    struct scenario s;

    ck_assert_msg(
        scenario_parse(&s, "f", span_of(text), &set, set != NULL, &err) < 0,
        "%s", text);
    ck_assert_msg(strstr(err.text, why) != NULL, "%s: %s", text, err.text);
}

static void refused(const char *text, const char *why)
{
    refused_with(text, NULL, why);
}

START_TEST(everything)
{
    struct scenario s = parsed(
        "name = 'x'\nabout = 'y'\nslow = '1%'\nspeed = 30\n"
        "[users]\ncount = '20k'\nconnect_rate = '2k/s'\nheartbeat = '15s'\n"
        "source_ips = '127.2.0.0/16'\nrandom_mask = true\n"
        "[[traffic]]\nkind = 'group'\nmembers = 500\ngroups = 40\n"
        "rate = '600/m'\nrate_end = 20\narrivals = 'burst'\nburst = 5\n"
        "body = { bytes = 200, spread = 'lognormal' }\n"
        "receipts = ['delivered', 'read:30%']\nthreads = 0.2\n"
        "[[traffic]]\nkind = 'direct'\nprobe = true\n"
        "[churn]\nconnects = '20/s'\nsession = '6m'\n"
        "close = { fin = 0.7, rst = 0.2, silent = 0.1 }\n"
        "[presence]\ncontacts = 500\nvisible = 0.05\n"
        "[backlog]\nmessages = 1000\nusers = 10\nrate = 5\n"
        "[fault]\nkind = 'freeze'\nevery = '10s'\nfor = '2s'\ncount = 3\n"
        "[phases]\nsettle = '5s'\nmeasure = '30s'\ndrain = '10s'\n"
        "[thresholds]\n'e2e.p99' = '<100ms'\nlost = '=0'\n");

    ck_assert_str_eq(s.name, "x");
    ck_assert(s.slow == 0.01 && s.speed == 30);
    ck_assert_int_eq(s.users.count, 20000);
    ck_assert(s.users.connect_rate == 2000 && s.users.random_mask);
    ck_assert_int_eq(s.users.heartbeat_ms, 15000);
    ck_assert_int_eq(s.ntraffic, 2);
    ck_assert_int_eq(s.traffic[0].kind, TRAFFIC_GROUP);
    ck_assert_str_eq(s.traffic[0].name, "group");
    ck_assert_int_eq(s.traffic[0].groups, 40);
    ck_assert(s.traffic[0].rate == 10 && s.traffic[0].rate_end == 20);
    ck_assert_int_eq(s.traffic[0].arrivals, ARRIVE_BURST);
    ck_assert(s.traffic[0].lognormal && s.traffic[0].delivered);
    ck_assert(s.traffic[0].read == 0.3);
    ck_assert_str_eq(s.traffic[1].name, "probe");
    ck_assert_int_eq(s.churn.session_ms, 360000);
    ck_assert_int_eq(s.presence.contacts, 500);
    ck_assert_int_eq(s.backlog.messages, 1000);
    ck_assert_int_eq(s.fault.kind, FAULT_FREEZE);
    ck_assert_int_eq(s.fault.fault_ms, 2000);
    ck_assert_int_eq(s.phases.settle_ms, 5000);
    ck_assert_int_eq(s.nthresholds, 2);
}
END_TEST

static void same_again(const struct scenario *s)
{
    struct buf first, second;
    struct scenario again;
    struct error err = {0};
    json_t *j = scenario_json(s);

    buf_init(&first, 65536);
    buf_init(&second, 65536);
    scenario_write(&first, s);
    again = parsed(buf_cstr(&first));
    scenario_write(&second, &again);
    ck_assert_str_eq(buf_cstr(&first), buf_cstr(&second));
    ck_assert_msg(scenario_from_json(&again, j, &err) == 0, "%s", err.text);
    buf_clear(&second);
    scenario_write(&second, &again);
    ck_assert_str_eq(buf_cstr(&first), buf_cstr(&second));
    buf_release(&first);
    buf_release(&second);
    json_decref(j);
}

START_TEST(builtins)
{
    struct error err = {0};
    struct scenario s;
    int n = 0;

    for (const struct builtin_scenario *b = scenario_builtins();
         b->name != NULL; b++, n++) {
        ck_assert_msg(scenario_load(&s, b->name, NULL, 0, &err) == 0, "%s",
                      err.text);
        ck_assert_str_eq(s.name, b->name);
        ck_assert(s.nthresholds > 0);
        same_again(&s);
    }
    ck_assert_int_eq(n, 17);
    ck_assert_int_lt(scenario_load(&s, "idel-20k", NULL, 0, &err), 0);
    ck_assert(strstr(err.text, "did you mean 'idle-20k'") != NULL);
    ck_assert_int_lt(scenario_load(&s, "./none.toml", NULL, 0, &err), 0);
    ck_assert(strstr(err.text, "No such file") != NULL);
}
END_TEST

START_TEST(json)
{
    struct scenario s = parsed(" {\"users\": {\"count\": 7}, \"traffic\": "
                               "[{\"kind\": \"direct\", \"rate\": \"5/s\"}]}");

    ck_assert_int_eq(s.users.count, 7);
    ck_assert(s.traffic[0].rate == 5);
    same_again(&s);
    refused("{\"users\": 1}", "f: 'users' must be a table");
    refused("{\"a\": 1, \"a\": 2}", "f: bad JSON");
}
END_TEST

START_TEST(wrong_keys)
{
    refused("[[traffic]]\nkind = 'group'\nmemebers = 5",
            "f:3:1: unknown key 'memebers', did you mean 'members'?");
    refused("[zzzzzz]", "f:1:2: unknown key 'zzzzzz'");
    refused("[users]\ncout = 1", "did you mean 'count'");
    refused("[churn]\nclose = { fon = 1 }", "f:2:11: unknown key 'fon'");
    refused("[thresholds]\n'e2.p99' = '<1s'", "f:2:1: nothing measured");
}
END_TEST

START_TEST(wrong_values)
{
    refused("[users]\ncount = 0", "f:2:9: 'count' must be 1 to 10000000");
    refused("[users]\ncount = 1.5", "must be a whole number");
    refused("[users]\ncount = 'many'", "must be a whole number");
    refused("[users]\nconnect_rate = '2k/x'", "f:2:16: 'connect_rate' must");
    refused("[users]\nheartbeat = 30", "must be a time");
    refused("[users]\nheartbeat = '1ms'", "must be 1s to 1d");
    refused("[users]\nsource_ips = '127.1.0.0'", "f:2:14: source_ips");
    refused("[users]\nsource_ips = '127.1.0.0/33'", "source_ips");
    refused("[users]\nrandom_mask = 1", "must be true or false");
    refused("slow = 2", "f:1:8: 'slow' must be 0 to 1");
    refused("slow = '101%'", "'slow' must be 0 to 1");
    refused("name = 7", "must be text");
    refused("name = \"a\\nb\"", "one line");
    refused("[[traffic]]\nkind = 'grup'", "must be one of direct|group");
    refused("[traffic]\nkind = 'group'", "write [[traffic]]");
    refused("[[traffic]]\nrate = 1", "f:1:3: the traffic needs a kind");
    refused("[[traffic]]\nkind='direct'\nreceipts = ['seen']",
            "f:3:13: a receipt is");
    refused("[[traffic]]\nkind='direct'\nreceipts = ['read:200%']",
            "a receipt is");
    refused("[phases]\nmeasure = '10ms'", "must be 1s to 30d");
    refused("[thresholds]\nlost = 0", "a threshold is text");
}
END_TEST

START_TEST(impossible)
{
    refused("[[traffic]]\nkind='group'\nmembers=101",
            "f:3:9: 101 members, and only 100 users");
    refused("[[traffic]]\nkind='group'\n", "f:2:6: a group needs members");
    refused("[users]\ncount=9999\n[[traffic]]\nkind='group'\nmembers=513",
            "a group has up to 512");
    refused("[users]\ncount=9999\n[[traffic]]\nkind='channel'\nmembers=500",
            "a channel has more than 512");
    refused("[[traffic]]\nkind='direct'\nmembers=5", "members belong");
    refused("[[traffic]]\nkind='direct'\nview=0.5", "view belongs");
    refused("[users]\ncount=1\n[[traffic]]\nkind='direct'", "2 users");
    refused("[[traffic]]\nkind='direct'\nburst=5", "burst goes with");
    refused("[[traffic]]\nkind='direct'\narrivals='burst'", "need their size");
    refused("[[traffic]]\nkind='direct'\nname='a'\n[[traffic]]\n"
            "kind='self'\nname='a'",
            "f:4:3: two traffics are called 'a'");
    refused("[churn]\nclose = { fin = 0.5, rst = 0.2 }",
            "f:2:1: fin, rst and silent add up to 0.7");
    refused("[churn]\nconnects='10/s'\nsession='60s'",
            "600 users at once, and there are 100");
    refused("[presence]\ncontacts=100", "100 contacts among 100");
    refused("[backlog]\nmessages=5", "a backlog needs");
    refused("[backlog]\nmessages=5\nusers=101", "101 users offline");
    refused("[fault]\nkind='freeze'", "a freeze needs its length");
    refused("[fault]\nkind='kill'\ncount=2", "2 faults need a distance");
}
END_TEST

START_TEST(sets)
{
    static const char text[] = "[users]\ncount = 10\n[[traffic]]\n"
                               "kind = 'direct'\n[thresholds]\nlost = '=0'\n";
    static const char *const good[] = {
        "users.count=1_000",      "traffic.0.rate=2k/s",
        "traffic.direct.burst=3", "traffic.direct.arrivals=burst",
        "traffic.1.kind=self",    "thresholds.e2e.p99=<5ms",
        "phases.measure=7s",      "users.random_mask=true",
        "about=so it is"};
    struct scenario s = parsed_with(text, good, 9);

    ck_assert_int_eq(s.users.count, 1000);
    ck_assert(s.traffic[0].rate == 2000 && s.traffic[0].burst == 3);
    ck_assert_int_eq(s.ntraffic, 2);
    ck_assert_int_eq(s.nthresholds, 2);
    ck_assert_int_eq(s.phases.measure_ms, 7000);
    ck_assert_str_eq(s.about, "so it is");
    refused_with(text, "users.count=x", "--set users.count=x: 'count' must");
    refused_with(text, "users.cuont=1", "did you mean 'count'");
    refused_with(text, "users", "write it as table.key=value");
    refused_with(text, "traffic.9.rate=1", "there is no '9'");
    refused_with(text, "traffic.none.rate=1", "there is no 'none'");
    refused_with(text, "users.count.x=1", "there is no 'count'");
    refused_with(text, "users.count=0", "--set users.count=0: 'count' must be");
}
END_TEST

START_TEST(many)
{
    struct buf b;

    buf_init(&b, 65536);
    for (int i = 0; i < SCENARIO_TRAFFICS; i++)
        buf_append_text(&b, "[[traffic]]\nkind = 'self'\n");
    ck_assert_int_eq(parsed(buf_cstr(&b)).ntraffic, SCENARIO_TRAFFICS);
    ck_assert_str_eq(parsed(buf_cstr(&b)).traffic[15].name, "self-16");
    buf_append_text(&b, "[[traffic]]\nkind = 'self'\n");
    refused(buf_cstr(&b), "more than 16");
    buf_release(&b);
}
END_TEST

/* ---- records of arrivals ---- */

static char folder[] = "/tmp/test_scenario-XXXXXX";

static void put(const char *name, const char *text)
{
    char path[64];
    FILE *f;

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    ck_assert_int_ge(fputs(text, f), 0);
    ck_assert_int_eq(fclose(f), 0);
}

static int load(struct scenario *s, const char *text, const char *set,
                struct error *err)
{
    char path[64];

    put("s.toml", text);
    snprintf(path, sizeof(path), "%s/s.toml", folder);
    return scenario_load(s, path, &set, set != NULL, err);
}

static void not_loaded(const char *text, const char *why)
{
    struct error err = {0};
    struct scenario s;
    size_t n = strlen(folder);

    ck_assert_msg(load(&s, text, NULL, &err) < 0, "%s", text);
    /* Each names a file beside the scenario. */
    ck_assert_msg(strncmp(err.text, folder, n) == 0 &&
                      strncmp(err.text + n + 1, why, strlen(why)) == 0,
                  "%s", err.text);
}

#define RECORDED "[[traffic]]\nkind = 'direct'\narrivals = 'recorded'\n"

START_TEST(recorded)
{
    struct error err = {0};
    struct scenario s;

    ck_assert_ptr_nonnull(mkdtemp(folder));
    put("times.txt", "0.5\n1\n2\n4\n");
    put("bad.txt", "0.5\n0.4\n");
    ck_assert_msg(load(&s, RECORDED "file = 'times.txt'", NULL, &err) == 0,
                  "%s", err.text);
    ck_assert(s.traffic[0].rate == 1 && s.traffic[0].record->n == 4);
    scenario_release(&s);
    ck_assert_ptr_null(s.traffic[0].record);
    ck_assert_int_eq(
        load(&s, RECORDED "file = 'times.txt'\nrate = '20/s'", NULL, &err), 0);
    ck_assert(s.traffic[0].rate == 20);
    same_again(&s);
    scenario_release(&s);
    ck_assert_int_eq(load(&s, RECORDED "file = 'none.txt'",
                          "traffic.0.file=times.txt", &err),
                     0);
    scenario_release(&s);
    not_loaded(RECORDED "file = 'none.txt'", "s.toml:4:8: ");
    not_loaded(RECORDED "file = 'bad.txt'", "bad.txt:2: 0.4 s comes after");
    not_loaded(RECORDED "file = 'times.txt'\n" RECORDED "file = 'bad.txt'",
               "bad.txt:2: ");
    not_loaded(RECORDED "file = '../'", "../: no plain file");
    ck_assert_int_eq(chdir(folder) | unlink("s.toml") | unlink("times.txt") |
                         unlink("bad.txt") | rmdir(folder),
                     0);
}
END_TEST

START_TEST(recorded_impossible)
{
    refused(RECORDED, "f:3:12: recorded arrivals need their file");
    refused("[[traffic]]\nkind='direct'\nfile='x'",
            "f:3:1: file goes with arrivals");
    refused(RECORDED "file='x'\nrate_end=5", "f:5:1: recorded arrivals climb");
    refused(RECORDED "file='x'\nburst=5", "f:5:1: burst goes with");
    refused(RECORDED "file=7", "'file' must be text");
    /* Text alone opens no file, and has the rate of any other. */
    ck_assert_ptr_null(parsed(RECORDED "file='x'").traffic[0].record);
}
END_TEST

SUITE("scenario", everything, builtins, json, wrong_keys, wrong_values,
      impossible, sets, many, recorded, recorded_impossible)
