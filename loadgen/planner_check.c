/* planner_check.c - does the plan's arithmetic hold? What a message costs over
 * four nodes is predicted from one and two, and then measured. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "commands.h"
#include "planner_measure.h"

/* Each node has the same load, however many they are. Below some hundred
 * messages a second each pays for a commit and for waking up alone, and what
 * one more costs is as good as chance. */
#define USERS 500
#define LOW 500
#define HIGH 2500
#define FEWEST 3

static const char text[] =
    "[users]\nconnect_rate = '1k/s'\n"
    "[[traffic]]\nkind = 'direct'\nbody = { bytes = 200 }\n"
    "receipts = ['delivered']\n"
    "[phases]\nsettle = '1s'\nmeasure = '3s'\ndrain = '3s'\n";

/* ---- judging ---- */

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return x < y ? -1 : x > y;
}

static double median(const double *values, int n)
{
    double v[CHECK_ROUNDS];

    memcpy(v, values, (size_t)n * sizeof(*v));
    qsort(v, (size_t)n, sizeof(*v), by_size);
    return n % 2 > 0 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2;
}

/* Of the copies half cross between two nodes, and three in four of four. */
static double predict(double one, double two)
{
    return one + 1.5 * (two - one);
}

static void keep_quiet_rounds(struct check *kept, const struct check *c)
{
    *kept = (struct check){0};
    for (int i = 0; i < c->rounds; i++) {
        int n = kept->rounds;

        if (c->foreign[i] > FOREIGN_MAX || c->four[i] <= 0)
            continue;
        kept->one[n] = c->one[i];
        kept->two[n] = c->two[i];
        kept->four[n] = c->four[i];
        kept->rounds++;
    }
}

/* Twice the error of a median, which is 1.2533 times that of a mean. */
static double around(const struct check *k)
{
    double off[CHECK_ROUNDS], mean = 0, squares = 0;
    int n = k->rounds;

    for (int i = 0; i < n; i++) {
        off[i] = predict(k->one[i], k->two[i]) / k->four[i] - 1;
        mean += off[i] / n;
    }
    for (int i = 0; i < n; i++)
        squares += (off[i] - mean) * (off[i] - mean);
    return 2 * 1.2533 * sqrt(squares / (n - 1) / n);
}

void check_judge(const struct check *c, struct check_result *out)
{
    struct check kept;

    *out = (struct check_result){0};
    keep_quiet_rounds(&kept, c);
    if (kept.rounds < FEWEST) {
        snprintf(out->why, sizeof(out->why),
                 "other programs had the CPU in %d of %d rounds",
                 c->rounds - kept.rounds, c->rounds);
        return;
    }
    out->one = median(kept.one, kept.rounds);
    out->two = median(kept.two, kept.rounds);
    out->four = median(kept.four, kept.rounds);
    out->predicted = predict(out->one, out->two);
    out->off = out->predicted / out->four - 1;
    out->around = around(&kept);
    out->conclusive = out->around <= CHECK_AROUND;
    if (!out->conclusive)
        snprintf(out->why, sizeof(out->why),
                 "%d rounds differ too much; predicted %.1f us, measured "
                 "%.1f: off by %+.0f %% (+-%.0f)",
                 kept.rounds, out->predicted, out->four, out->off * 100,
                 out->around * 100);
}

/* ---- measuring ---- */

static int load(struct run_state *r, int nodes, int rate, struct reading *out)
{
    char users[40], messages[40];
    const char *sets[] = {users, messages};

    snprintf(users, sizeof(users), "users.count=%d", USERS * nodes);
    snprintf(messages, sizeof(messages), "traffic.0.rate=%d/s", rate * nodes);
    return plan_attempt(r, "check", text, sets, 2, out);
}

/* The difference of two rates, so that what an idle server takes is in
 * neither: us a message. */
static int cost_of(struct run_state *r, const char *server, int nodes,
                   double *cost, double *foreign)
{
    struct reading low = {0}, high = {0};
    int rc = plan_open(r, server, nodes);

    if (rc == 0)
        rc = load(r, nodes, LOW, &low);
    if (rc == 0)
        rc = load(r, nodes, HIGH, &high);
    target_close(&r->target);
    if (rc != 0)
        return rc;
    if (high.messages > low.messages)
        *cost = (high.cpu - low.cpu) * 1e4 / (high.messages - low.messages);
    *foreign = fmax(*foreign, fmax(low.foreign, high.foreign));
    return 0;
}

static int one_round(struct run_state *r, const char *server, struct check *c)
{
    int i = c->rounds, rc = 0;
    const struct {
        int nodes;
        double *cost;
    } all[] = {{1, &c->one[i]}, {2, &c->two[i]}, {4, &c->four[i]}};

    /* Every other round backwards. */
    for (size_t k = 0; rc == 0 && k < COUNT_OF(all); k++) {
        size_t n = i % 2 > 0 ? COUNT_OF(all) - 1 - k : k;

        rc = cost_of(r, server, all[n].nodes, all[n].cost, &c->foreign[i]);
    }
    if (rc != 0)
        return rc;
    c->rounds++;
    fprintf(stderr,
            "round %d of %d: a message costs %.1f us on 1 node, %.1f on 2, "
            "%.1f on 4; others had %.0f%% of a core\n",
            c->rounds, CHECK_ROUNDS, c->one[i], c->two[i], c->four[i],
            c->foreign[i]);
    return 0;
}

/* Too few rounds can be left. */
static bool is_hopeless(const struct check *c)
{
    struct check kept;

    keep_quiet_rounds(&kept, c);
    return c->rounds - kept.rounds > CHECK_ROUNDS - FEWEST;
}

int plan_check(struct run_state *r, const char *server,
               struct check_result *out)
{
    struct check c = {0};
    int rc = 0;

    while (rc == 0 && c.rounds < CHECK_ROUNDS && !is_hopeless(&c))
        rc = one_round(r, server, &c);
    if (rc == 0)
        check_judge(&c, out);
    return rc;
}
