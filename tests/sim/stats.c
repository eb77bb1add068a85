#include "stats.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROWS 128

struct row {
    const char *what;
    int64_t count, runs, last;
};

static struct row rows[ROWS];
static int row_count;
static int64_t run;

/* Those that a good hunt has met. */
static const char *const wanted[] = {
    "append: an old term",
    "append: not known whether",
    "away: a node began anew",
    "away: a node is gone",
    "away: an answer too late",
    "away: came back",
    "away: came back too late",
    "away: given up",
    "away: goes back though home is here",
    "away: waits for a round",
    "client: again at another node, the first under way",
    "client: two connections of a device",
    "feed: page again",
    "head: members not known",
    "head: shed",
    "home: a former one holds back",
    "home: cannot be opened",
    "home: reads again what is unknown",
    "home: told what nobody knew of",
    "login: heads again",
    "login: list again",
    "member: added again",
    "receipts: who sent last again",
    "repair: list again",
    "route: too many hops",
    "store: busy",
    "store: full",
    "store: not known, done",
    "store: not known, not done",
    "store: timeout",
    "view: again",
};

static struct row *row_of(const char *what)
{
    for (int i = 0; i < row_count; i++) {
        if (rows[i].what == what || strcmp(rows[i].what, what) == 0)
            return &rows[i];
    }
    if (row_count == ROWS)
        abort();
    rows[row_count] = (struct row){.what = what, .last = -1};
    return &rows[row_count++];
}

void stats_count(const char *what)
{
    struct row *r = row_of(what);

    r->count++;
    r->runs += r->last != run;
    r->last = run;
}

void stats_run(void)
{
    run++;
}

static int by_name(const void *a, const void *b)
{
    const struct row *x = a, *y = b;

    return strcmp(x->what, y->what);
}

int stats_print(void)
{
    int never = 0;

    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
        row_of(wanted[i]);
    qsort(rows, (size_t)row_count, sizeof(rows[0]), by_name);
    printf("%-52s %10s %8s\n", "met", "times", "runs");
    for (int i = 0; i < row_count; i++) {
        printf("%-52s %10" PRId64 " %8" PRId64 "\n", rows[i].what,
               rows[i].count, rows[i].runs);
        never += rows[i].count == 0;
    }
    return never;
}
