#include <string.h>

#include "base/fetch.h"
#include "commands.h"
#include "run.h"

const struct option run_options[] = {
    RUN_TARGET_ROWS,
    RUN_SCENARIO_ROWS,
    RUN_OUTPUT_ROWS,
    {.name = "metrics",
     .type = OPT_TEXT,
     .arg = "ADDR:PORT",
     .offset = RUN_AT(metrics),
     .help = "serve the numbers for Prometheus while it runs"},
    {.name = "tui",
     .type = OPT_FLAG,
     .offset = RUN_AT(tui),
     .help = "the whole screen; keys + - space q"},
    {.name = NULL},
};

int run_finish(struct run_state *r, int argc, char **argv)
{
    struct environment env;
    struct error err = {0};
    struct result_input in = {.argc = argc,
                              .argv = argv,
                              .started_ms = r->started_ms,
                              .url = r->target.url,
                              .env = &env,
                              .collect = &r->collect,
                              .outcome = &r->outcome,
                              .verdicts = &r->verdicts};
    struct buf text;
    int code = (int)result_exit(&r->outcome, &r->verdicts, false);

    environment_read(&env);
    memcpy(env.server, r->target.server_name, sizeof(env.server));
    memcpy(env.durability, r->target.durability, sizeof(env.durability));
    in.scenario = scenario_json(&r->scenario);
    buf_init(&text, 1 << 20);
    if (!r->args.quiet) {
        live_summary(&text, &in, r->scenario.name, live_colour(stdout));
        load_print(stdout, &text);
    }
    buf_release(&text);
    if (outputs_finish(&r->outputs, &in, r->scenario.name, &err) < 0) {
        load_fail(0, NULL, "%s", err.text);
        code = code == LOAD_PASS ? LOAD_USAGE : code;
    }
    json_decref(in.scenario);
    return code;
}

static int go(struct run_state *r, int argc, char **argv, const char *name)
{
    struct error err = {0};
    int rc = run_scenario(r, name);

    if (rc == 0 && outputs_open(&r->outputs, &r->args.paths, &err) < 0)
        rc = load_fail_error(NULL, &err);
    if (rc == 0 && r->args.metrics != NULL &&
        metrics_http_start(&r->metrics, r->args.metrics, &err) < 0)
        rc = load_fail_error("--metrics 127.0.0.1:9464", &err);
    if (rc == 0)
        run_catch_signals();
    if (rc == 0)
        rc = run_open(r);
    if (rc == 0)
        rc = run_engine(r);
    if (rc == 0)
        rc = run_finish(r, argc, argv);
    run_close(r);
    collect_release(&r->collect);
    return rc;
}

int cmd_run(const struct command *cmd, int argc, char **argv)
{
    static struct run_state r; /* large */
    char *command[64];         /* as it was typed, for the report */
    struct options o = {0};
    int rc, n = argc < 63 ? argc : 63;

    memcpy(command, argv, (size_t)n * sizeof(*argv));
    rc = load_parse(cmd, &o, &r.args, argc, argv, 1, 1);
    if (rc != 0)
        return rc < 0 ? 0 : rc;
    fetch_init();
    rc = go(&r, n, command, argv[1]);
    options_release(&o);
    return rc;
}
