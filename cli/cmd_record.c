/* confab record: a wire log of what clients and a server say to each other.
 * confab run --replay: such a log, played to a client without a server. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd_run.h"
#include "script/capture.h"
#include "script/replay.h"
#include "tty.h"

/* ---- confab record ---- */

static FILE *open_log(struct cli *c, const char *path)
{
    int fd;

    if (strcmp(path, "-") == 0)
        return stdout;
    fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) {
        cli_fail(c, EXIT_CANT_CREATE, NULL, "%s: %s", path, strerror(errno));
        return NULL;
    }
    return fdopen(fd, "w");
}

static void interrupted(void *arg, int signo)
{
    loop_stop(arg);
}

static void out_of_time(void *arg)
{
    loop_stop(arg);
}

static int capture_until_told(struct cli *c, const char *server, FILE *to)
{
    struct loop *loop = loop_new();
    struct loop_timer *end = loop_timer_new(loop, out_of_time, loop);
    struct capture *capture = NULL;
    struct error err = {0};
    int rc = capture_new(&capture, loop, server, to, &err);

    if (rc < 0) {
        rc = cli_fail(c, exit_of(rc), NULL, "%s", err.text);
    } else {
        loop_on_signal(loop, SIGINT, interrupted, loop);
        loop_on_signal(loop, SIGTERM, interrupted, loop);
        if (c->g.timeout_ms > 0)
            loop_timer_set(end, c->g.timeout_ms);
        fprintf(stderr, "ws://127.0.0.1:%d\n", capture_port(capture));
        loop_run(loop);
        if (capture_count(capture) < 0)
            rc = cli_fail(c, EXIT_INPUT_OUTPUT, NULL,
                          "the log cannot be written");
    }
    capture_free(&capture);
    loop_timer_free(&end);
    loop_free(&loop);
    return rc;
}

int cmd_record(struct cli *c, int argc, char **argv)
{
    struct options o = {0};
    int operands = 0;
    int rc =
        cli_parse(c, command_named("record"), &o, NULL, argc, argv, &operands);
    FILE *to = NULL;

    if (rc == 0 && (operands != 1 || c->g.server == NULL))
        rc = cli_fail(c, EXIT_USAGE, "confab help record",
                      "confab --server ws://HOST:PORT record FILE");
    if (rc == 0) {
        to = open_log(c, argv[1]);
        rc = to != NULL ? capture_until_told(c, c->g.server, to)
                        : EXIT_CANT_CREATE;
    }
    if (to != NULL && to != stdout && fclose(to) != 0 && rc == 0)
        rc = cli_fail(c, EXIT_INPUT_OUTPUT, NULL, "%s: %s", argv[1],
                      strerror(errno));
    options_release(&o);
    return rc;
}

/* ---- confab run --replay ---- */

int run_replay(struct cli *c, const char *path)
{
    struct replay_client_result r = {0};
    struct wire_log log = {0};
    struct error err = {0};
    int rc = wire_read(&log, path, &err);

    if (rc < 0)
        return cli_fail(c, rc == -CF_NOT_FOUND ? EXIT_NO_INPUT : EXIT_DATA,
                        NULL, "%s", err.text);
    rc = replay_client(&log, log.lines[0].conn, stdout, &r, &err);
    wire_release(&log);
    if (rc < 0) {
        buf_release(&r.difference);
        return cli_fail(c, exit_of(rc), NULL, "%s", err.text);
    }
    if (!c->g.quiet)
        fprintf(stderr, "%d frames, %d events%s", r.frames, r.events,
                r.expected == 0 ? ", none recorded to compare with\n"
                : r.same        ? ", as recorded\n"
                                : ": not as recorded\n");
    if (r.unasked > 0 && !c->g.quiet)
        fprintf(stderr, "%d answers to what was not asked now\n", r.unasked);
    if (!r.same)
        run_complain(buf_cstr(&r.difference));
    buf_release(&r.difference);
    return r.same ? EXIT_DONE : EXIT_NO;
}
