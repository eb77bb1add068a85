/* session.c - an open account: its archive, client and loop. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "cli.h"

struct session {
    struct cli *cli;
    client_event_fn *event;
    void *ctx;
    struct loop_timer *timeout, *leaving;
    bool ending;
    int code;
};

static struct session session;

/* ---- ending ---- */

static void stop_loop(void *arg)
{
    loop_stop(((struct cli *)arg)->loop);
}

void session_end(struct cli *c, int code)
{
    if (session.ending)
        return;
    session.ending = true;
    session.code = code;
    client_stop(c->client);
    loop_timer_set(session.leaving, 2000); /* a server that does not answer */
}

static void timed_out(void *arg)
{
    session_end(arg, EXIT_TIMEOUT);
}

static void interrupted(void *arg, int signo)
{
    session_end(arg, 128 + signo);
}

/* ---- events ---- */

/* The server does not want this device: say why, with what to do. */
static void refused(struct cli *c, const struct client_event *ev)
{
    const char *code = ev->code != NULL ? ev->code : "";

    if (strcmp(code, "4401") == 0)
        session.code = cli_fail(c, EXIT_DENIED, "confab account login NAME",
                                "the server no longer accepts this device");
    else if (strcmp(code, "4409") == 0)
        session.code = cli_fail(c, EXIT_TRY_AGAIN, NULL,
                                "another process uses this device now");
    else if (strcmp(code, "busy") == 0)
        session.code = cli_fail(c, EXIT_TRY_AGAIN, NULL, "%s", ev->text);
    else if (strcmp(code, "4426") == 0)
        session.code = cli_fail(c, EXIT_PROTOCOL, NULL,
                                "the server speaks another version");
    else
        session.code =
            cli_fail(c, EXIT_PROTOCOL, NULL, "the server ended the session: %s",
                     ev->text != NULL ? ev->text : code);
}

static void on_event(void *ctx, const struct client_event *ev)
{
    struct cli *c = ctx;

    if (ev->kind == EV_LINK && ev->link == LINK_ENDED) {
        if (!session.ending)
            refused(c, ev);
        session.ending = true;
        loop_stop(c->loop);
        return;
    }
    if (!session.ending && session.event != NULL)
        session.event(session.ctx, ev);
}

/* ---- opening ---- */

int session_open(struct cli *c, client_event_fn *event, void *ctx)
{
    struct error err = {0};
    struct client_config cfg = {
        .clock = clock_system(),
        .rng = &c->rng,
        .ua = "confab/" CONFAB_VERSION,
        .ca_file = c->g.ca_file,
        .event = on_event,
        .ctx = c,
        .share = true,
    };
    int rc = profile_load(c, &c->profile);

    if (rc != 0)
        return rc;
    session = (struct session){.cli = c, .event = event, .ctx = ctx};
    c->loop = loop_new();
    session.timeout = loop_timer_new(c->loop, timed_out, c);
    session.leaving = loop_timer_new(c->loop, stop_loop, c);
    loop_on_signal(c->loop, SIGINT, interrupted, c);
    loop_on_signal(c->loop, SIGTERM, interrupted, c);
    cfg.loop = c->loop;
    cfg.server = c->profile.server;
    cfg.dir = c->profile.dir;
    cfg.token = c->profile.token;
    cfg.user = c->profile.user;
    cfg.dev = c->profile.dev;
    if (client_new(&c->client, &cfg, &err) < 0)
        return cli_fail(c, exit_of(err.code), NULL, "%s", err.text);
    return 0;
}

int session_run(struct cli *c, int64_t timeout_ms)
{
    if (timeout_ms > 0)
        loop_timer_set(session.timeout, timeout_ms);
    client_start(c->client);
    loop_run(c->loop);
    return session.code;
}

void session_close(struct cli *c)
{
    client_free(&c->client);
    loop_timer_free(&session.timeout);
    loop_timer_free(&session.leaving);
    loop_free(&c->loop);
    explicit_bzero(c->profile.token, sizeof(c->profile.token));
}
