/* confab run: conversations as tests. */
#include "cmd_run.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "tty.h"

#define AT(field) offsetof(struct run_target, field)
#define LIMIT_MAX_MS (7LL * 24 * 3600 * 1000)
#define TICK_MS 100

const struct option run_options[] = {
    {.name = "jobs",
     .letter = 'j',
     .type = OPT_INT,
     .arg = "N",
     .max = JOBS_MAX,
     .offset = AT(jobs),
     .help = "tests at the same time (default: processors)"},
    {.name = "seed",
     .type = OPT_INT,
     .arg = "N",
     .env = "CONFAB_SEED",
     .max = INT64_MAX,
     .offset = AT(seed),
     .help = "what is random comes from N (default: random, printed)"},
    {.name = "only",
     .type = OPT_LIST,
     .arg = "PATTERN",
     .offset = AT(only),
     .help = "only tests whose name fits (* ? [...])"},
    {.name = "only-tags",
     .type = OPT_LIST,
     .arg = "TAG,...",
     .offset = AT(only_tags),
     .help = "only tests with one of these tags"},
    {.name = "skip-tags",
     .type = OPT_LIST,
     .arg = "TAG,...",
     .offset = AT(skip_tags),
     .help = "no test with one of these tags"},
    {.name = "shuffle",
     .type = OPT_FLAG,
     .offset = AT(shuffle),
     .help = "another order, by the seed"},
    {.name = "until",
     .type = OPT_INT,
     .arg = "LINE",
     .max = INT32_MAX,
     .offset = AT(until),
     .help = "stop before this line; of one file"},
    {.name = "keep-going",
     .letter = 'k',
     .type = OPT_FLAG,
     .offset = AT(keep_going),
     .help = "go on in a test after an expectation failed"},
    {.name = "fail-fast",
     .type = OPT_FLAG,
     .offset = AT(fail_fast),
     .help = "start no test after one failed"},
    {.name = "url",
     .type = OPT_TEXT,
     .arg = "URL",
     .offset = AT(url),
     .help = "run against this server (as --server URL)"},
    {.name = "server-arg",
     .type = OPT_LIST,
     .arg = "ARG",
     .offset = AT(server_args),
     .help = "a further argument of the servers that are started here"},
    {.name = "format",
     .type = OPT_CHOICE,
     .arg = "FORMAT",
     .choices = "human|tap|tap13|jsonl",
     .offset = AT(format),
     .help = "human on a terminal, else tap; or jsonl; tap13 for prove"},
    {.name = "junit",
     .type = OPT_TEXT,
     .arg = "FILE",
     .offset = AT(junit),
     .help = "write JUnit XML there too"},
    {.name = "artifacts",
     .type = OPT_TEXT,
     .arg = "DIR",
     .offset = AT(artifacts),
     .help = "keep each test's events and server log there"},
    {.name = "no-slo",
     .type = OPT_FLAG,
     .offset = AT(no_slo),
     .help = "do not hold `within`"},
    {.name = "timeout-scale",
     .type = OPT_TEXT,
     .arg = "FACTOR",
     .env = "CONFAB_TIMEOUT_SCALE",
     .offset = AT(scale),
     .help = "multiply every patience (0.1 to 100)"},
    {.name = "limit",
     .type = OPT_DURATION,
     .arg = "TIME",
     .preset = "60s",
     .min = 1,
     .max = LIMIT_MAX_MS,
     .offset = AT(limit_ms),
     .help = "of one test"},
    {.name = "total-limit",
     .type = OPT_DURATION,
     .arg = "TIME",
     .min = 1,
     .max = LIMIT_MAX_MS,
     .offset = AT(total_ms),
     .help = "of all tests together (default: none)"},
    {.name = "check",
     .type = OPT_FLAG,
     .offset = AT(check),
     .help = "only see whether the files parse"},
    {.name = "list",
     .type = OPT_FLAG,
     .offset = AT(list),
     .help = "print which tests would run"},
    {.name = "replay",
     .type = OPT_TEXT,
     .arg = "TRACE",
     .offset = AT(replay),
     .help = "play a wire log to a client, without a server"},
    {.name = "verbose",
     .letter = 'v',
     .type = OPT_FLAG,
     .offset = AT(verbose),
     .help = "name the tests that pass, and warnings"},
    {.name = NULL},
};

struct running {
    struct cli *cli;
    struct run_target t;
    double scale;
    struct picks picks;
    struct script **scripts; /* one a pick; a file named twice is read once */
    struct plan plan;
    struct run_report report;
    FILE *junit;
};

/* ---- files ---- */

static struct script *parsed(const struct running *r, int before)
{
    for (int i = 0; i < before; i++)
        if (r->scripts[i] != NULL &&
            strcmp(r->picks.items[i].path, r->picks.items[before].path) == 0)
            return r->scripts[i];
    return NULL;
}

/* Parse every file, so that all mistakes are told at once. */
static int parse_all(struct running *r)
{
    int tests = 0, bad = 0;

    r->scripts = mem_array((size_t)r->picks.count + 1, sizeof(*r->scripts));
    for (int i = 0; i < r->picks.count; i++) {
        struct error err = {0};
        struct script *s = parsed(r, i);

        if (s == NULL &&
            script_parse_file(&s, r->picks.items[i].path, &err) < 0) {
            run_complain(err.text);
            bad++;
            continue;
        }
        r->scripts[i] = s;
        tests += s->ntests;
    }
    if (bad > 0)
        return EXIT_DATA;
    if (r->t.check && !r->cli->g.quiet)
        printf("%d files, %d tests: fine\n", r->picks.count, tests);
    return 0;
}

static void free_scripts(struct running *r)
{
    for (int i = 0; r->scripts != NULL && i < r->picks.count; i++) {
        struct script *s = r->scripts[i];

        if (s == NULL)
            continue;
        for (int k = i; k < r->picks.count; k++)
            if (r->scripts[k] == s)
                r->scripts[k] = NULL;
        script_free(&s);
    }
    free(r->scripts);
}

/* ---- tests ---- */

static int choose(struct running *r)
{
    const struct selection sel = {
        .only = r->t.only.items,
        .nonly = r->t.only.count,
        .only_tags = r->t.only_tags.items,
        .nonly_tags = r->t.only_tags.count,
        .skip_tags = r->t.skip_tags.items,
        .nskip_tags = r->t.skip_tags.count,
        .until_line = (int)r->t.until,
    };

    for (int i = 0; i < r->picks.count; i++) {
        const struct pick *pick = &r->picks.items[i];

        if (plan_add(&r->plan, r->scripts[i], pick->line, &sel) == 0 &&
            pick->line > 0)
            return cli_fail(r->cli, EXIT_NO_INPUT, "confab run --list FILE",
                            "%s:%d: no test is there that fits", pick->path,
                            pick->line);
    }
    if (r->plan.count == 0)
        return cli_fail(r->cli, EXIT_NO_INPUT, "confab run --list FILE",
                        "none of %d tests fits", r->plan.seen);
    if (r->t.shuffle)
        plan_shuffle(&r->plan, (uint64_t)r->t.seed);
    return 0;
}

static int list(const struct running *r)
{
    struct buf b;

    buf_init(&b, 64 << 20);
    for (int i = 0; i < r->plan.count; i++) {
        const struct planned *p = &r->plan.tests[i];

        tty_put_untrusted(&b, TEXT_LINE, span_of(p->script->path), 0);
        buf_printf(&b, ":%d\t", p->test->at.line);
        tty_put_untrusted(&b, TEXT_LINE, span_of(p->test->name), 0);
        buf_append_byte(&b, '\t');
        for (int k = 0; k < p->test->ntags; k++)
            buf_printf(&b, "%s%s", k > 0 ? "," : "", p->test->tags[k]);
        buf_append_byte(&b, '\n');
    }
    tty_flush(&b, stdout);
    buf_release(&b);
    return 0;
}

/* ---- playing ---- */

/* A test that failed is the answer; trouble around it is told by its kind. */
static int verdict(const struct running *r)
{
    int code = 0;

    if (r->report.totals.failed > 0)
        return EXIT_NO;
    for (int i = 0; i < r->plan.count; i++) {
        const struct test_result *result = &r->report.results[i];
        int one = result->exit_code != 0 ? result->exit_code : EXIT_BUG;

        if (result->outcome != OUTCOME_ERROR)
            continue;
        if (code == 0 || one == EXIT_BUG ||
            (one == EXIT_UNREACHABLE && code != EXIT_BUG))
            code = one;
    }
    return code;
}

static const char *server_of(const struct running *r)
{
    if (r->t.url != NULL)
        return r->t.url;
    /* Not from the environment: where somebody chats is no place for tests. */
    if (options_origin(&r->cli->options, "server") == FROM_OPTION)
        return r->cli->g.server;
    return NULL;
}

static void start_report(struct running *r)
{
    const char *term = getenv("TERM");
    bool terminal = tty_is_terminal();
    const char *format = r->t.format;

    if (format == NULL)
        format = r->cli->format == OUTPUT_JSON ? "jsonl"
                 : terminal                    ? "human"
                                               : "tap";
    r->report.format = strcmp(format, "human") == 0     ? RUN_HUMAN
                       : strncmp(format, "tap", 3) == 0 ? RUN_TAP
                                                        : RUN_JSONL;
    r->report.tap_version = strcmp(format, "tap13") == 0 ? 13 : 14;
    r->report.live = r->report.format == RUN_HUMAN && terminal &&
                     term != NULL && strcmp(term, "dumb") != 0;
    r->report.verbose = r->t.verbose || r->cli->g.verbose > 0;
    r->report.plan = &r->plan;
    r->report.totals.seed = (uint64_t)r->t.seed;
    r->report.results =
        mem_array((size_t)r->plan.count + 1, sizeof(*r->report.results));
    run_report_begin(&r->report);
}

static int finish_junit(struct running *r, const char *bail)
{
    bool bad;

    if (r->junit == NULL)
        return 0;
    run_report_junit(&r->report, bail, r->junit);
    bad = ferror(r->junit) != 0;
    bad = fclose(r->junit) != 0 || bad;
    r->junit = NULL;
    return bad ? cli_fail(r->cli, EXIT_INPUT_OUTPUT, NULL, "%s: cannot write",
                          r->t.junit)
               : 0;
}

static int play(struct running *r)
{
    char nonce[16];
    struct jobs_config cfg = {
        .plan = &r->plan,
        .jobs = r->t.jobs > 0 ? (int)r->t.jobs : jobs_processors(),
        .seed = (uint64_t)r->t.seed,
        .url = server_of(r),
        .artifacts = r->t.artifacts,
        .server_args = (const char *const *)r->t.server_args.items,
        .nserver_args = r->t.server_args.count,
        .nonce = nonce,
        .limit_ms = r->t.limit_ms,
        .total_ms = r->t.total_ms,
        .timeout_scale = r->scale,
        .no_slo = r->t.no_slo,
        .keep_going = r->t.keep_going,
        .fail_fast = r->t.fail_fast,
        .until_line = (int)r->t.until,
        .result = run_report_result,
        .turn = run_report_turn,
        .ctx = &r->report,
    };
    struct jobs_end end;
    struct error err = {0};
    const char *bail = NULL;
    int rc, code;

    snprintf(nonce, sizeof(nonce), "%08x", (unsigned)rng_u64(&r->cli->rng));
    start_report(r);
    cfg.verbose = r->report.verbose;
    cfg.tick_ms = r->report.live ? TICK_MS : 0;
    rc = jobs_run(&cfg, r->report.results, &end, &err);
    if (rc < 0)
        bail = err.text;
    else if (end.bail[0] != '\0')
        bail = end.bail;
    run_report_end(&r->report, bail);
    code = rc < 0 ? exit_of(rc) : bail != NULL ? end.exit_code : verdict(r);
    rc = finish_junit(r, bail);
    return rc != 0 && code == 0 ? rc : code;
}

/* ---- the command ---- */

static int check_options(struct running *r, const struct options *o)
{
    char *end = NULL;

    r->scale = 1;
    if (r->t.scale != NULL) {
        r->scale = strtod(r->t.scale, &end);
        if (end == r->t.scale || *end != '\0' ||
            !(r->scale >= 0.1 && r->scale <= 100))
            return cli_fail(r->cli, EXIT_USAGE, NULL,
                            "--timeout-scale is a number from 0.1 to 100");
    }
    if (options_origin(o, "seed") == FROM_DEFAULT)
        r->t.seed = (int64_t)rng_below(&r->cli->rng, 1000000000);
    if (r->t.until > 0 && r->picks.count != 1)
        return cli_fail(r->cli, EXIT_USAGE, NULL,
                        "--until needs one file, these are %d", r->picks.count);
    return 0;
}

static int open_junit(struct running *r)
{
    if (r->t.junit == NULL)
        return 0;
    r->junit = fopen(r->t.junit, "we");
    if (r->junit != NULL)
        return 0;
    return cli_fail(r->cli, EXIT_CANT_CREATE, NULL, "%s: %s", r->t.junit,
                    strerror(errno));
}

static int run(struct running *r, const struct options *o, char **operands,
               int count)
{
    struct error err = {0};
    int rc;

    if (count == 0)
        return cli_fail(r->cli, EXIT_USAGE, "confab run e2e/",
                        "which scripts? files or directories");
    rc = picks_find(&r->picks, (const char *const *)operands, count, &err);
    if (rc < 0)
        return cli_fail(r->cli,
                        rc == -CF_NOT_FOUND ? EXIT_NO_INPUT : exit_of(rc), NULL,
                        "%s", err.text);
    rc = check_options(r, o);
    if (rc == 0)
        rc = parse_all(r);
    if (rc != 0 || r->t.check)
        return rc;
    rc = choose(r);
    if (rc != 0 || r->t.list)
        return rc != 0 ? rc : list(r);
    rc = open_junit(r);
    return rc != 0 ? rc : play(r);
}

int cmd_run(struct cli *c, int argc, char **argv)
{
    struct running r = {.cli = c};
    struct options o = {0};
    int operands = 0;
    int rc =
        cli_parse(c, command_named("run"), &o, &r.t, argc, argv, &operands);

    if (rc == 0 && r.t.replay != NULL)
        rc = run_replay(c, r.t.replay);
    else if (rc == 0)
        rc = run(&r, &o, argv + 1, operands);
    if (r.junit != NULL)
        fclose(r.junit);
    for (int i = 0; r.report.results != NULL && i < r.plan.count; i++)
        result_release(&r.report.results[i]);
    free(r.report.results);
    plan_release(&r.plan);
    free_scripts(&r);
    picks_release(&r.picks);
    options_release(&o);
    return rc;
}
