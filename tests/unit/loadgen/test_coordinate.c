#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../base/suite.h"
#include "agent_wire.h"
#include "coordinate.h"
#include "tls_secret.h"

static struct scenario parsed(const char *text)
{
    struct error err = {0};
    struct scenario s;

    ck_assert_msg(scenario_parse(&s, "f", span_of(text), NULL, 0, &err) == 0,
                  "%s", err.text);
    return s;
}

START_TEST(split)
{
    struct scenario whole = parsed(
        "[users]\ncount = 1001\nconnect_rate = 100\n"
        "[[traffic]]\nkind = 'group'\nmembers = 50\ngroups = 7\nrate = 70\n"
        "[[traffic]]\nkind = 'direct'\nrate = 10\nrate_end = 20\n"
        "[backlog]\nmessages = 1000\nusers = 100\n");
    struct scenario parts[3];
    const double weights[] = {2, 1, 1};
    int64_t first[3], users = 0, groups = 0, waiting = 0;
    double rate = 0, direct = 0, ends = 0;
    struct error err = {0};

    ck_assert_int_eq(scenario_split(parts, first, &whole, weights, 3, &err), 0);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(first[i], users);
        users += parts[i].users.count;
        groups += parts[i].traffic[0].groups;
        rate += parts[i].traffic[0].rate;
        direct += parts[i].traffic[1].rate;
        ends += parts[i].traffic[1].rate_end;
        waiting += parts[i].backlog.users;
    }
    ck_assert_int_eq(users, 1001);
    ck_assert_int_eq(groups, 7);
    ck_assert_int_eq(waiting, 100);
    ck_assert_double_eq_tol(rate, 70, 1e-9);
    ck_assert_double_eq_tol(direct, 10, 1e-9);
    ck_assert_double_eq_tol(ends, 20, 1e-9);
    ck_assert_int_eq(parts[0].users.count, 501);
}
END_TEST

/* Each arrival of a record goes to one agent, and all keep the pace. */
START_TEST(records)
{
    struct scenario whole =
        parsed("[users]\ncount = 100\n"
               "[[traffic]]\nkind = 'group'\nmembers = 5\ngroups = 7\n"
               "arrivals = 'recorded'\nfile = 'x'\nrate = 40\n"
               "[[traffic]]\nkind = 'direct'\n"
               "arrivals = 'recorded'\nfile = 'x'\nrate = 40\n");
    static const struct record record = {.n = 1000, .period = 1e9, .rate = 20};
    const double weights[] = {2, 1, 1};
    struct error err = {0};
    struct scenario parts[3];
    int64_t first[3];

    whole.traffic[0].record = whole.traffic[1].record =
        (struct record *)&record;
    ck_assert_int_eq(scenario_split(parts, first, &whole, weights, 3, &err), 0);
    for (int t = 0; t < 2; t++) {
        uint64_t at = 0;

        for (int i = 0; i < 3; i++) {
            const struct traffic *p = &parts[i].traffic[t];

            ck_assert(p->record == &record);
            ck_assert_uint_eq(p->record_from, at);
            at = p->record_to;
            ck_assert_double_eq_tol(
                p->rate / (20 * record_share(p->record_from, at)), 2, 1e-12);
        }
        ck_assert_uint_eq(at, RECORD_WHOLE);
    }
}
END_TEST

START_TEST(uncut)
{
    struct scenario one =
        parsed("[users]\ncount = 900\n[[traffic]]\nkind = 'channel'\n"
               "members = 600\n[[traffic]]\nkind = 'direct'\n");
    struct scenario parts[2];
    const double equal[] = {1, 1}, most[] = {4, 1};
    struct error err = {0};
    int64_t first[2];

    ck_assert_int_lt(scenario_split(parts, first, &one, equal, 2, &err), 0);
    ck_assert(strstr(err.text, "600 members do not fit") != NULL);
    ck_assert_int_eq(scenario_split(parts, first, &one, most, 2, &err), 0);
    ck_assert_int_eq(parts[0].ntraffic, 2);
    ck_assert_int_eq(parts[1].ntraffic, 1); /* the channel is whole */
    ck_assert_int_eq(parts[1].traffic[0].kind, TRAFFIC_DIRECT);
}
END_TEST

START_TEST(lines)
{
    struct wire_end a, b;
    int fds[2];
    json_t *j;

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    wire_end_init(&a, fds[0]);
    wire_end_init(&b, fds[1]);
    ck_assert_int_eq(wire_get(&b, 0, &j), 0);
    ck_assert_int_eq(wire_put(&a, json_pack("{s:s}", "t", "one")), 0);
    ck_assert_int_eq(wire_put(&a, json_pack("{s:s}", "t", "two")), 0);
    ck_assert_int_eq(wire_get(&b, 1000, &j), 1);
    ck_assert_str_eq(wire_kind(j), "one");
    json_decref(j);
    ck_assert_int_eq(wire_get(&b, 1000, &j), 1);
    json_decref(j);
    ck_assert_int_eq(wire_put(&a, json_pack("{s:i}", "t", 3)), 0);
    ck_assert_int_eq(wire_get(&b, 1000, &j), -CF_INVALID);
    ck_assert_int_eq((int)send(a.fd, "no\n", 3, 0), 3);
    ck_assert_int_eq(wire_get(&b, 1000, &j), -CF_INVALID);
    wire_end_close(&a);
    ck_assert_int_eq(wire_get(&b, 1000, &j), -CF_CLOSED);
    wire_end_close(&b);
    ck_assert_int_eq(wire_get(&b, 0, &j), -CF_CLOSED);
}
END_TEST

START_TEST(numbers)
{
    struct collect c, back;
    uint64_t counts[COUNTS] = {0};
    json_t *j;

    collect_init(&c);
    collect_init(&back);
    for (uint64_t i = 1; i <= 5000; i++)
        hist_add(&c.hists[METRIC_E2E], i * 10000);
    c.counts[COUNT_LOST] = 3;
    j = wire_hists(c.hists);
    wire_merge_hists(back.hists, j);
    wire_merge_hists(back.hists, j);
    json_decref(j);
    ck_assert_int_eq((int)back.hists[METRIC_E2E].count, 10000);
    ck_assert(hist_at(&back.hists[METRIC_E2E], 0.5) ==
              hist_at(&c.hists[METRIC_E2E], 0.5));
    j = json_pack("{s:s,s:i,s:s}", "e2e", "rubbish", "lag", 5, "none", "x");
    wire_merge_hists(back.hists, j); /* what cannot be read is left out */
    ck_assert_int_eq((int)back.hists[METRIC_E2E].count, 10000);
    json_decref(j);
    j = wire_counts(c.counts);
    wire_read_counts(counts, j);
    ck_assert_int_eq((int)counts[COUNT_LOST], 3);
    json_decref(j);
    collect_release(&c);
    collect_release(&back);
}
END_TEST

START_TEST(secrets)
{
    char path[] = "/tmp/confab-secret-XXXXXX", out[WIRE_SECRET], mac[65],
         other[65];
    int fd = mkstemp(path);
    struct error err = {0};

    /* RFC 4231, case 2. */
    secret_mac(mac, SPAN("Jefe"), SPAN("what do ya want for nothing?"));
    ck_assert_str_eq(mac, "5bdcc146bf60754e6a042426089575c7"
                          "5a003f089d2739839dec58b964ec3843");
    ck_assert_int_eq((int)write(fd, "long enough\n", 12), 12);
    ck_assert_int_eq(secret_read(out, path, &err), 0);
    ck_assert_str_eq(out, "long enough");
    ck_assert_int_eq(fchmod(fd, 0644), 0);
    ck_assert_int_eq(secret_read(out, path, &err), -CF_DENIED);
    ck_assert_int_eq(fchmod(fd, 0600), 0);
    ck_assert_int_eq(ftruncate(fd, 3), 0);
    ck_assert_int_eq(secret_read(out, path, &err), -CF_INVALID);
    close(fd);
    unlink(path);
    wire_proof(mac, "secret 1", "agent", "n");
    wire_proof(other, "secret 1", "coordinator", "n");
    ck_assert(!secret_same(mac, other));
    wire_proof(other, "secret 1", "agent", "n");
    ck_assert(secret_same(mac, other));
}
END_TEST

/* ---- what agents say each second, and at the end ---- */

static struct run_state state;
static struct coordinator whole;
static struct collect agents[2]; /* what each has measured */

static void begin(void)
{
    whole = (struct coordinator){.r = &state, .n = 2};
    coordinate_begin(&whole);
    for (int i = 0; i < 2; i++) {
        collect_init(&agents[i]);
        whole.peers[i].wire.fd = -1;
        whole.peers[i].local = true;
        whole.peers[i].users = 10;
    }
}

static void end(void)
{
    coordinate_close(&whole);
    collect_release(&state.collect);
    for (int i = 0; i < 2; i++)
        collect_release(&agents[i]);
}

/* Agent i measured n more of so many ms, and tells them. */
static void interval(int i, int n, uint64_t ms, const char *phase)
{
    uint64_t counts[COUNTS] = {[COUNT_SENT] = (uint64_t)n};
    struct collect fresh;

    collect_init(&fresh);
    for (int k = 0; k < n; k++)
        hist_add(&fresh.hists[METRIC_E2E], ms * 1000000);
    hist_merge(&agents[i].hists[METRIC_E2E], &fresh.hists[METRIC_E2E]);
    agents[i].counts[COUNT_SENT] += (uint64_t)n;
    coordinate_hear(&whole, &whole.peers[i],
                    json_pack("{s:s,s:s,s:i,s:i,s:f,s:f,s:o,s:o}", "t",
                              "interval", "phase", phase, "conns", 10, "ready",
                              9, "gen_cpu", 20.0, "foreign_cpu", 70.0, "counts",
                              wire_counts(counts), "hists",
                              wire_hists(fresh.hists)));
    collect_release(&fresh);
}

static void result(int i)
{
    struct engine_outcome o = {.inconclusive = true};

    coordinate_hear(&whole, &whole.peers[i],
                    json_pack("{s:s,s:o,s:o,s:o,s:o}", "t", "result", "counts",
                              wire_counts(agents[i].counts), "all",
                              wire_counts(agents[i].counts), "hists",
                              wire_hists(agents[i].hists), "outcome",
                              wire_outcome(&o)));
}

static struct second row_at(int64_t at_ms)
{
    struct second row;

    coordinate_second(&whole, at_ms, &row);
    collect_second(&state.collect, &row);
    return row;
}

/* An agent that ends within a second is in the row of it, and only there. */
START_TEST(the_last_second_is_whole)
{
    struct second row;

    begin();
    interval(0, 3, 5, "measure");
    interval(1, 4, 7, "measure");
    row = row_at(1000);
    ck_assert_int_eq(row.phase, PHASE_MEASURE);
    ck_assert_uint_eq(row.counts[COUNT_SENT], 7);
    ck_assert_uint_eq(row.q[METRIC_E2E].count, 7);
    ck_assert_int_eq(row.conns, 20);
    ck_assert_uint_eq(whole.heard.hists[METRIC_E2E].count, 7);
    interval(0, 2, 5, "drain");
    result(0);
    interval(1, 1, 7, "measure");
    row = row_at(2000);
    ck_assert_uint_eq(row.counts[COUNT_SENT], 3);
    ck_assert_int_eq(row.conns, 20);
    ck_assert_int_eq(row.ready, 18);
    ck_assert_double_eq_tol(row.gen_cpu, 40, 1e-9);
    interval(1, 1, 7, "drain");
    result(1);
    row = row_at(2300);
    ck_assert_int_eq(row.conns, 10); /* the first one is gone */
    ck_assert_int_eq(row.phase, PHASE_DRAIN);
    ck_assert_uint_eq(row.counts[COUNT_SENT], 1);
    row = row_at(2400);
    ck_assert_int_eq(row.conns, 0);
    ck_assert_uint_eq(state.collect.counts[COUNT_SENT], 11);
    ck_assert_uint_eq(whole.heard.hists[METRIC_E2E].count, 11);
    ck_assert_uint_eq(state.collect.hists[METRIC_E2E].count, 11);
    end();
}
END_TEST

/* A sibling is not foreign; what is neither makes a run inconclusive. */
START_TEST(the_others_are_told_of)
{
    struct engine_outcome o;

    begin();
    interval(0, 1, 5, "measure");
    interval(1, 1, 5, "measure");
    ck_assert_double_eq_tol(row_at(1000).foreign_cpu, 50, 1e-9);
    result(0);
    result(1);
    coordinate_outcome(&whole, &o);
    ck_assert_double_eq_tol(o.foreign_cpu, 50, 1e-9);
    ck_assert(o.inconclusive);
    state.collect.seconds[0].foreign_cpu = FOREIGN_MAX;
    coordinate_outcome(&whole, &o);
    ck_assert(!o.inconclusive); /* each took the other for a stranger */
    end();
}
END_TEST

SUITE("coordinate", the_last_second_is_whole, the_others_are_told_of, split,
      records, uncut, lines, numbers, secrets)
