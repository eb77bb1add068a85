/* confab-sim - whole clusters on virtual time, one per seed. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/options.h"
#include "history.h"
#include "sim.h"
#include "stats.h"

#define BREAK_SEEDS 200

struct settings {
    int64_t seeds, from, seed, nodes, clients, jobs;
    const char *sabotage, *history;
    bool breaks, stats, verbose, help;
};

static const struct option table[] = {
    {.name = "seeds",
     .type = OPT_INT,
     .arg = "N",
     .preset = "20",
     .min = 1,
     .max = 100000000,
     .offset = offsetof(struct settings, seeds),
     .help = "run so many seeds"},
    {.name = "from",
     .type = OPT_INT,
     .arg = "N",
     .preset = "1",
     .min = 0,
     .max = INT64_MAX,
     .offset = offsetof(struct settings, from),
     .help = "the first seed"},
    {.name = "seed",
     .type = OPT_INT,
     .arg = "N",
     .preset = "-1",
     .min = -1,
     .max = INT64_MAX,
     .offset = offsetof(struct settings, seed),
     .help = "run this seed alone"},
    {.name = "nodes",
     .type = OPT_INT,
     .arg = "N",
     .preset = "0",
     .min = 0,
     .max = STATIONS_MAX,
     .offset = offsetof(struct settings, nodes),
     .help = "nodes of the cluster; 0: 2 to 4, from the seed"},
    {.name = "clients",
     .type = OPT_INT,
     .arg = "N",
     .preset = "0",
     .min = 0,
     .max = 5000,
     .offset = offsetof(struct settings, clients),
     .help = "devices; 0: from the seed"},
    {.name = "break",
     .type = OPT_TEXT,
     .arg = "NAME",
     .offset = offsetof(struct settings, sabotage),
     .help = "take out this control of the server: it must be noticed"},
    {.name = "breaks",
     .type = OPT_FLAG,
     .offset = offsetof(struct settings, breaks),
     .help = "take out each control in turn"},
    {.name = "stats",
     .type = OPT_FLAG,
     .offset = offsetof(struct settings, stats),
     .help = "say how often each thing was met (one process)"},
    {.name = "jobs",
     .letter = 'j',
     .type = OPT_INT,
     .arg = "N",
     .preset = "1",
     .min = 1,
     .max = 64,
     .offset = offsetof(struct settings, jobs),
     .help = "processes"},
    {.name = "history",
     .type = OPT_TEXT,
     .arg = "FILE",
     .offset = offsetof(struct settings, history),
     .help = "check a history of JSON lines instead (see history.h)"},
    {.name = "verbose",
     .letter = 'v',
     .type = OPT_FLAG,
     .offset = offsetof(struct settings, verbose),
     .help = "print every event"},
    {.name = "help",
     .letter = 'h',
     .type = OPT_FLAG,
     .offset = offsetof(struct settings, help),
     .help = "this text"},
    {.name = NULL},
};

struct total {
    int64_t runs, broken, events, sends, delivered, crashes;
    uint64_t first_broken;
};

static void progress(const struct total *t, int64_t of)
{
    if (isatty(STDERR_FILENO))
        fprintf(stderr, "\r%" PRId64 "/%" PRId64 " seeds, %" PRId64 " broken",
                t->runs, of, t->broken);
}

static void count(struct total *t, const struct verdict *v)
{
    t->runs++;
    t->events += v->events;
    t->sends += v->sends;
    t->delivered += v->delivered;
    t->crashes += v->crashes;
    if (v->broken[0] == '\0')
        return;
    if (t->broken++ == 0 || v->seed < t->first_broken)
        t->first_broken = v->seed;
    printf("seed %" PRIu64 ": %s: %s\n", v->seed, v->broken, v->text);
    fflush(stdout);
}

/* ---- one process after the other, or several ---- */

static void run_share(const struct settings *s, int job, int fd)
{
    for (int64_t i = job; i < s->seeds; i += s->jobs) {
        struct plan plan = {(uint64_t)(s->from + i),
                            (int)s->nodes,
                            (int)s->clients,
                            NULL,
                            s->verbose,
                            false};
        struct verdict v;

        world_run(&plan, &v);
        if (write(fd, &v, sizeof(v)) != (ssize_t)sizeof(v))
            _exit(1);
    }
    _exit(0);
}

static bool read_verdict(int fd, struct verdict *v)
{
    size_t have = 0;

    while (have < sizeof(*v)) {
        ssize_t n = read(fd, (char *)v + have, sizeof(*v) - have);

        if (n <= 0)
            return false;
        have += (size_t)n;
    }
    return true;
}

static int run_jobs(const struct settings *s, struct total *t)
{
    struct verdict v;
    int fds[2], status, lost = 0;

    if (pipe(fds) < 0)
        return 1;
    fflush(stdout);
    for (int job = 0; job < s->jobs; job++) {
        if (fork() == 0) {
            close(fds[0]);
            run_share(s, job, fds[1]);
        }
    }
    close(fds[1]);
    while (read_verdict(fds[0], &v)) {
        count(t, &v);
        progress(t, s->seeds);
    }
    close(fds[0]);
    while (wait(&status) > 0)
        lost += !WIFEXITED(status) || WEXITSTATUS(status) != 0;
    return lost;
}

static void run_here(const struct settings *s, struct total *t)
{
    for (int64_t i = 0; i < s->seeds; i++) {
        struct plan plan = {(uint64_t)(s->from + i),
                            (int)s->nodes,
                            (int)s->clients,
                            NULL,
                            s->verbose,
                            false};
        struct verdict v;

        world_run(&plan, &v);
        count(t, &v);
        progress(t, s->seeds);
        if (s->seeds == 1)
            printf("seed %" PRIu64 ": hash %016" PRIx64 "\n", v.seed, v.hash);
    }
}

static int run_honest(struct settings *s)
{
    struct total t = {.runs = 0};
    int lost = 0;

    if (s->seed >= 0) {
        s->from = s->seed;
        s->seeds = 1;
        s->jobs = 1;
    }
    if (s->jobs > 1 && !s->stats)
        lost = run_jobs(s, &t);
    else
        run_here(s, &t);
    if (isatty(STDERR_FILENO))
        fprintf(stderr, "\n");
    if (s->stats)
        printf("%d never met\n", stats_print());
    printf("%" PRId64 " seeds, %" PRId64 " breaks; %" PRId64 " events, %" PRId64
           " sends, %" PRId64 " entries delivered, %" PRId64 " crashes\n",
           t.runs, t.broken, t.events, t.sends, t.delivered, t.crashes);
    if (lost > 0)
        fprintf(stderr, "confab-sim: %d processes ended badly\n", lost);
    return t.broken > 0 || lost > 0;
}

/* ---- controls taken out ---- */

/* With name NULL: honest. */
static bool breaks(const struct settings *s, uint64_t seed, const char *name,
                   struct verdict *v)
{
    struct plan plan = {seed, (int)s->nodes, (int)s->clients,
                        name, s->verbose,    true};

    world_run(&plan, v);
    return v->broken[0] != '\0';
}

/* What the simulated clients do not look at, or get to once in hundreds of
 * seeds; conversation scripts and unit tests do. */
static const char *const not_seen_here[] = {
    "edit_by_anyone",  "ignore_block",      "forget_typing",
    "unread_is_same",  "forget_shed_heads", "forward_away",
    "overtake_return", "believe_former",    NULL,
};

static bool seen_here(const char *name)
{
    for (int i = 0; not_seen_here[i] != NULL; i++)
        if (strcmp(name, not_seen_here[i]) == 0)
            return false;
    return true;
}

/* A seed counts that breaks with the control taken out and holds with it. */
static bool convict(const struct settings *s, const char *name)
{
    struct verdict v, honest;

    for (int64_t i = 0; i < BREAK_SEEDS; i++) {
        uint64_t seed = (uint64_t)(s->from + i);

        if (!breaks(s, seed, name, &v) || breaks(s, seed, NULL, &honest))
            continue;
        printf("%s: convicted by %s with seed %" PRIu64 ": %s\n", name,
               v.broken, seed, v.text);
        fflush(stdout);
        return true;
    }
    printf("%s: not noticed in %d seeds\n", name, BREAK_SEEDS);
    return false;
}

static int run_breaks(const struct settings *s)
{
    struct sabotage sabotage = {.no_dedupe = false};
    const char *const *names = sabotage_names();
    int failed = 0;

    if (!s->breaks) {
        if (sabotage_set(&sabotage, s->sabotage))
            return !convict(s, s->sabotage);
        fprintf(stderr, "confab-sim: no control '%s'; there are:", s->sabotage);
        for (; *names != NULL; names++)
            fprintf(stderr, " %s", *names);
        fprintf(stderr, "\n");
        return 64;
    }
    for (; *names != NULL; names++) {
        if (seen_here(*names))
            failed += !convict(s, *names);
        else
            printf("%s: left to scripts and unit tests\n", *names);
    }
    printf("%d not noticed\n", failed);
    return failed > 0;
}

static int usage(const struct options *o)
{
    struct buf text;

    buf_init(&text, 64 * 1024);
    options_help(&text, o->table);
    printf("usage: confab-sim [options]\n%.*s", (int)text.len, text.data);
    buf_release(&text);
    return 0;
}

static int act(struct settings *s, const struct options *o)
{
    if (s->help)
        return usage(o);
    if (s->history != NULL)
        return history_check_file(s->history, stdout);
    if (s->breaks || s->sabotage != NULL)
        return run_breaks(s);
    return run_honest(s);
}

int main(int argc, char **argv)
{
    struct settings s = {.seeds = 0};
    struct options o;
    struct error err;
    int operands, rc;

    log_init("confab-sim", LOG_ERROR, LOG_TEXT);
    rc = options_init(&o, table, &s, &err);
    if (rc == 0)
        rc = options_args(&o, argc, argv, false, &operands, &err);
    if (rc == 0 && operands > 0)
        rc = error_set(&err, CF_INVALID, "unexpected '%s'", argv[1]);
    if (rc < 0)
        fprintf(stderr, "confab-sim: %s\n", err.text);
    rc = rc < 0 ? 64 : act(&s, &o);
    options_release(&o);
    return rc;
}
