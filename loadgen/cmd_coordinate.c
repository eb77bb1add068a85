#include <stdio.h>
#include <string.h>

#include "base/fetch.h"
#include "commands.h"
#include "coordinate.h"

const struct option coordinate_options[] = {
    {.name = "agents",
     .type = OPT_INT,
     .arg = "N",
     .max = SPLIT_PARTS,
     .offset = RUN_AT(agents),
     .help = "how many agents to wait for"},
    {.name = "local",
     .type = OPT_INT,
     .arg = "N",
     .max = SPLIT_PARTS,
     .offset = RUN_AT(local),
     .help = "start N of them here, by the same path"},
    {.name = "listen",
     .letter = 'l',
     .type = OPT_TEXT,
     .arg = "ADDR:PORT",
     .preset = "127.0.0.1:0",
     .offset = RUN_AT(listen),
     .help = "where agents dial in"},
    {.name = "secret-file",
     .type = OPT_TEXT,
     .arg = "FILE",
     .offset = RUN_AT(secret_file),
     .help = "what all know, one line, mode 0600 (default with --local alone: "
             "one for this run)"},
    RUN_TARGET_ROWS,
    RUN_SCENARIO_ROWS,
    RUN_OUTPUT_ROWS,
    {.name = NULL},
};

static int check(struct coordinator *c)
{
    struct run_args *a = &c->r->args;
    struct error err = {0};

    c->wanted = (int)(a->agents > a->local ? a->agents : a->local);
    c->r->elsewhere = a->agents > a->local;
    if (c->wanted == 0)
        return load_fail(LOAD_USAGE, "--local 2", "how many agents?");
    if (a->secret_file == NULL && a->agents > a->local)
        return load_fail(LOAD_USAGE, "--secret-file FILE",
                         "agents of other machines need a secret");
    if (c->r->scenario.fault.kind == FAULT_KILL ||
        c->r->scenario.fault.kind == FAULT_FREEZE)
        return load_fail(LOAD_USAGE, "confab-load run",
                         "%s stops its server, which no agent can",
                         c->r->scenario.name);
    if (a->secret_file != NULL &&
        secret_read(c->secret, a->secret_file, &err) < 0)
        return load_fail_error("--secret-file FILE, mode 0600", &err);
    return 0;
}

static int go(struct coordinator *c, int argc, char **argv, const char *name)
{
    struct run_state *r = c->r;
    struct error err = {0};
    int rc = run_scenario(r, name);

    if (rc == 0)
        rc = check(c);
    if (rc == 0 && outputs_open(&r->outputs, &r->args.paths, &err) < 0)
        rc = load_fail_error(NULL, &err);
    if (rc == 0)
        rc = coordinate_listen(c);
    run_catch_signals();
    if (rc == 0)
        rc = run_open(r);
    if (rc == 0)
        rc = coordinate_start_local(c, (int)r->args.local);
    if (rc == 0 && !r->args.quiet && r->args.agents > r->args.local)
        fprintf(stderr, "waiting for agents at %s (port %d)\n", r->args.listen,
                c->port);
    if (rc == 0)
        rc = coordinate_gather(c);
    if (rc == 0)
        rc = coordinate_assign(c);
    if (rc == 0)
        rc = coordinate_run(c);
    coordinate_close(c);
    if (rc == 0)
        rc = run_finish(r, argc, argv);
    run_close(r);
    collect_release(&r->collect);
    return rc;
}

int cmd_coordinate(const struct command *cmd, int argc, char **argv)
{
    static struct run_state r;
    static struct coordinator c;
    char *command[64];
    struct options o = {0};
    int rc, n = argc < 63 ? argc : 63;

    memcpy(command, argv, (size_t)n * sizeof(*argv));
    rc = load_parse(cmd, &o, &r.args, argc, argv, 1, 1);
    if (rc != 0)
        return rc < 0 ? 0 : rc;
    fetch_init();
    c.r = &r;
    rc = go(&c, n, command, argv[1]);
    options_release(&o);
    return rc;
}
