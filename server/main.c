#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>

#include "base/fetch.h"
#include "base/log.h"
#include "ctl.h"
#include "proto/limits.h"
#include "server.h"
#include "shard.h"

static const char usage[] =
    "confabd - the server of confab, chat for people who live in a terminal\n"
    "\n"
    "usage: confabd [OPTIONS]\n"
    "       confabd ctl COMMAND ...   (talk to a running server; ctl help)\n"
    "\n"
    "  confabd --dev                 try it: prints where it serves\n"
    "  confabd --data /var/lib/confabd --listen 0.0.0.0:7000\n"
    "\n"
    "options:\n";

static void show_help(void)
{
    struct buf b;

    buf_init(&b, 64 * 1024);
    buf_append_text(&b, usage);
    options_help(&b, settings_table);
    fwrite(b.data, 1, b.len, stdout);
    buf_release(&b);
}

static void set_up_log(const struct settings *s)
{
    enum log_level level = LOG_INFO;

    log_parse_level(s->log_level, &level);
    log_init("confabd", level,
             strcmp(s->log_format, "json") == 0 ? LOG_JSON : LOG_TEXT);
}

static void on_term(void *arg, int signo)
{
    struct server *s = arg;

    log_info("signal %d", signo);
    if (atomic_load(&s->draining))
        server_hurry(s); /* somebody does not want to wait */
    else
        server_drain(s);
}

/* Read the configuration file again: of it only the log level is taken, since
 * everything else stands for the life of the process. Certificates are read
 * from the same paths. */
static void on_hup(void *arg, int signo)
{
    struct server *s = arg;
    struct settings again = {0};
    struct options o = {0};
    enum log_level level;
    struct error err = {0};
    int rc = options_init(&o, settings_table, &again, &err);

    if (rc == 0 && s->settings.config != NULL)
        rc = options_file(&o, s->settings.config, "", &err);
    if (rc < 0)
        log_error("not reloaded: %s", err.text);
    else if (s->settings.config != NULL &&
             log_parse_level(again.log_level, &level) == 0)
        log_set_level(level);
    options_release(&o);
    for (int i = 0; i < s->shard_count; i++)
        shard_reload(s->shards[i]);
}

/* What is left cannot take long, and libuv gives the signals back: one more
 * SIGTERM would make a server that ended well look killed. */
static void ignore_signals(void)
{
    sigset_t all;

    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, NULL);
}

static int serve(struct server *s)
{
    struct error err = {0};
    int rc;

    signal(SIGPIPE, SIG_IGN);
    /* A thread's heap that shrinks and grows with each burst costs two calls of
     * mprotect; after a mass leave shard.c trims it. */
    mallopt(M_TRIM_THRESHOLD, 64 * 1024 * 1024);
    prctl(PR_SET_DUMPABLE, 0); /* no core with keys and passwords in it */
    s->loop = loop_new();
    clock_shifted_init(&s->clock);
    loop_on_signal(s->loop, SIGTERM, on_term, s);
    loop_on_signal(s->loop, SIGINT, on_term, s);
    loop_on_signal(s->loop, SIGHUP, on_hup, s);
    rc = server_start(s, &err);
    if (rc < 0)
        log_error("%s", err.text);
    else
        loop_run(s->loop);
    if (rc < 0)
        server_abort(s);
    server_free(s);
    ignore_signals();
    loop_free(&s->loop);
    log_info("ended");
    return rc < 0 ? 1 : 0;
}

int main(int argc, char **argv)
{
    struct server s = {0};
    struct error err = {0};
    int rc;

    fetch_init();
    if (argc > 1 && strcmp(argv[1], "ctl") == 0)
        return ctl_main(argc - 1, argv + 1);
    rc = settings_read(&s.settings, &s.options, argc, argv, &err);
#ifdef CONFAB_SABOTAGE
    if (rc == 0 && s.settings.sabotage != NULL &&
        !sabotage_set(&s.sabotage, s.settings.sabotage))
        rc = error_set(&err, CF_INVALID, "no sabotage '%s'",
                       s.settings.sabotage);
#endif
    if (rc < 0)
        fprintf(stderr, "confabd: %s\n", err.text);
    else if (s.settings.help)
        show_help();
    else if (s.settings.version)
        printf("confabd %s\n", CONFAB_VERSION);
    else {
        set_up_log(&s.settings);
        rc = serve(&s);
    }
    options_release(&s.options);
    return rc < 0 ? 64 : rc;
}
