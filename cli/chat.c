#include "chat.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "chat_priv.h"
#include "commands.h"

#define IDLE_MS (5 * 60 * 1000) /* without a key: the person is away */
#define LEAVE_MS 10000          /* at the end of a pipe, for what is queued */
#define LEAVE_TTY_MS 1500
#define OUT_MAX (8 * 1024 * 1024)
#define AT(field) offsetof(struct chat_options, field)

const struct option chat_options[] = {
    {.name = "accessible",
     .type = OPT_FLAG,
     .offset = AT(accessible),
     .help = "words for symbols, one line per event, a prompt that stays"},
    {.name = "no-readline",
     .type = OPT_FLAG,
     .offset = AT(no_readline),
     .help = "read plain lines"},
    {.name = "cmd",
     .type = OPT_TEXT,
     .arg = "LINE",
     .offset = AT(cmd),
     .help = "type LINE first, such as '/join ops'"},
    {.name = "record",
     .type = OPT_TEXT,
     .arg = "FILE",
     .offset = AT(record),
     .help = "write what happens as a conversation script"},
    {.name = NULL},
};

/* ---- small things for the other files ---- */

int64_t chat_now(const struct chat *ch)
{
    return clock_mono(clock_system());
}

bool chat_watched(const struct chat *ch)
{
    return ch->active && ch->front != NULL &&
           ch->front->kind->visible(ch->front);
}

void chat_say(struct chat *ch)
{
    /* An answer that came too late; or a program reads: it gets events. */
    if (ch->front == NULL || ch->cli->format != OUTPUT_HUMAN)
        buf_clear(&ch->out);
    else if (ch->out.len > 0)
        ch->front->kind->print(ch->front, &ch->out);
}

void chat_note(struct chat *ch, enum tty_style style, const char *fmt, ...)
{
    char text[1024];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    tty_style(&ch->out, style);
    tty_put_untrusted(&ch->out, TEXT_LINE, span_of(text), 0);
    tty_style_end(&ch->out);
    buf_append_byte(&ch->out, '\n');
    if (ch->cli->format != OUTPUT_HUMAN)
        tty_flush(&ch->out, stderr);
    chat_say(ch);
}

/* At a terminal the person is told what stays behind; a script by the code. */
static void leave(void *arg)
{
    struct chat *ch = arg;
    bool terminal = isatty(STDIN_FILENO);

    if (mine_waiting(ch) && terminal)
        chat_note(ch, STYLE_YELLOW,
                  "what is not sent yet goes out with the next connection");
    session_end(ch->cli,
                mine_waiting(ch) && !terminal ? EXIT_TRY_AGAIN : EXIT_DONE);
}

/* What is queued gets a moment to be sent. It is safe in the outbox; a second
 * /quit does not wait. */
void chat_quit(struct chat *ch)
{
    bool waits = mine_waiting(ch) && !ch->ending;

    ch->ending = true;
    typing_stop(ch);
    if (waits && !isatty(STDIN_FILENO))
        loop_timer_set(ch->leaving, LEAVE_MS);
    else if (waits && client_link_state(ch->cli->client) == LINK_UP)
        loop_timer_set(ch->leaving, LEAVE_TTY_MS);
    else
        leave(ch);
}

void chat_listen(struct chat *ch)
{
    const char *cmd = ch->o.cmd;

    if (ch->front == NULL)
        return;
    if (!ch->listening)
        ch->front->kind->listen(ch->front);
    ch->listening = true;
    if (cmd != NULL && ch->first == NULL) {
        ch->o.cmd = NULL;
        chat_line(ch, span_of(cmd));
    }
}

/* ---- timers ---- */

static void every_second(void *arg)
{
    struct chat *ch = arg;
    int64_t now = chat_now(ch);
    bool again = ch->retry_at != 0;

    if (ch->open != NULL && ch->open->typing != 0) {
        if (ch->open->typing_until <= now)
            ch->open->typing = 0;
        again = true;
    }
    if (ch->typing_at != 0 && now - ch->typed_at > TYPING_SHOWN_MS - SECOND_MS)
        typing_stop(ch);
    if (again || ch->typing_at != 0)
        loop_timer_set(ch->second, SECOND_MS);
    chat_prompt(ch);
}

static void gone_idle(void *arg)
{
    struct chat *ch = arg;

    ch->active = false;
    client_active(ch->cli->client, false);
}

/* ---- what the person does ---- */

static void on_line(void *ctx, struct span line)
{
    chat_line(ctx, line);
}

static void on_end(void *ctx)
{
    struct chat *ch = ctx;

    if (!ch->ending || isatty(STDIN_FILENO))
        chat_quit(ch);
}

static void on_key(void *ctx, struct span draft)
{
    struct chat *ch = ctx;

    if (!ch->active)
        client_active(ch->cli->client, true);
    ch->active = true;
    loop_timer_set(ch->idle, IDLE_MS);
    room_read(ch);
    typing_keys(ch, draft);
    if (ch->typing_at != 0)
        loop_timer_set(ch->second, SECOND_MS);
}

static void on_next(void *ctx)
{
    struct chat *ch = ctx;
    struct room *r = room_next_unread(ch);

    if (r != NULL)
        room_open(ch, r->conv);
    else
        chat_note(ch, STYLE_DIM, "(nothing unread)");
}

/* ---- life ---- */

static bool is_set(const char *name)
{
    const char *value = getenv(name);

    return value != NULL && value[0] != '\0' && strcmp(value, "0") != 0;
}

static bool wants_readline(const struct chat *ch)
{
    const char *term = getenv("TERM");

    return !ch->o.no_readline && ch->cli->format == OUTPUT_HUMAN &&
           isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) && term != NULL &&
           term[0] != '\0' && strcmp(term, "dumb") != 0;
}

static void open_front(struct chat *ch)
{
    struct front_events ev = {.line = on_line,
                              .end = on_end,
                              .key = on_key,
                              .next = on_next,
                              .complete = chat_complete,
                              .ctx = ch};
    char history[4400];
    size_t n;

    if (!wants_readline(ch)) {
        ch->o.accessible = true;
        ch->front = plain_new(ch->cli->loop, &ev);
        return;
    }
    if (path_dir("state", history, 4096) == 0) {
        n = strlen(history);
        snprintf(history + n, sizeof(history) - n, "/input-%s",
                 ch->cli->profile.name);
        ch->front = input_new(ch->cli->loop, &ev, history);
    } else {
        ch->front = input_new(ch->cli->loop, &ev, NULL);
    }
}

/* cli_fail() is about to write: the prompt leaves the terminal. */
static void quiet_screen(void *ctx)
{
    struct chat *ch = ctx;

    if (ch->front != NULL)
        ch->front->kind->close(ch->front);
}

static void hung_up(void *arg, int signo)
{
    session_end(arg, 128 + signo);
}

static void known_here(void *ctx, int rc, uint64_t conv)
{
    struct chat *ch = ctx;

    if (rc < 0)
        return;
    ch->first = NULL;
    room_open(ch, conv);
    if (ch->o.cmd == NULL)
        chat_listen(ch);
}

static void start(struct chat *ch)
{
    struct cli *c = ch->cli;

    ch->second = loop_timer_new(c->loop, every_second, ch);
    ch->idle = loop_timer_new(c->loop, gone_idle, ch);
    ch->leaving = loop_timer_new(c->loop, leave, ch);
    loop_on_signal(c->loop, SIGHUP, hung_up, c);
    open_front(ch);
    c->quiet_screen = quiet_screen;
    c->screen_ctx = ch;
    chat_prompt(ch);
    if (wants_readline(ch) && !ch->listening) {
        ch->front->kind->listen(ch->front);
        ch->listening = true;
    }
    if (ch->first != NULL) /* what is known here opens without a link */
        client_find_conv(c->client, ch->first, false, known_here, ch);
    else if (ch->o.cmd == NULL)
        chat_listen(ch);
}

static void release(struct chat *ch)
{
    ch->cli->quiet_screen = NULL;
    if (ch->front != NULL)
        ch->front->kind->free(&ch->front);
    loop_timer_free(&ch->second);
    loop_timer_free(&ch->idle);
    loop_timer_free(&ch->leaving);
}

static int begin_recording(struct chat *ch)
{
    struct error err = {0};

    if (ch->o.record == NULL ||
        recording_new(&ch->recording, ch->o.record, &err) == 0)
        return 0;
    return cli_fail(ch->cli, EXIT_CANT_CREATE, NULL, "--record %s", err.text);
}

static void end_recording(struct chat *ch)
{
    if (ch->recording != NULL && recording_state(ch->recording) < 0)
        cli_fail(ch->cli, EXIT_CANT_CREATE, NULL,
                 "--record %s ends before its time: %s", ch->o.record,
                 error_name(recording_state(ch->recording)));
    recording_free(&ch->recording);
}

int chat_main(struct cli *c, int argc, char **argv)
{
    static struct chat chat;
    struct chat *ch = &chat;
    struct options o = {0};
    int operands, rc;

    *ch = (struct chat){.cli = c};
    rc = cli_parse(c, command_named("chat"), &o, &ch->o, argc, argv, &operands);
    if (rc == 0 && operands > 1)
        rc = cli_fail(c, EXIT_USAGE, "confab help chat", "confab chat [CONV]");
    if (rc == 0)
        rc = begin_recording(ch);
    if (rc == 0) {
        if (is_set("CONFAB_ACCESSIBLE"))
            ch->o.accessible = true;
        ch->first = operands == 1 ? argv[1] : NULL;
        buf_init(&ch->out, OUT_MAX);
        rc = session_open(c, chat_event, ch);
        if (rc == 0) {
            start(ch);
            rc = session_run(c, c->g.timeout_ms);
            release(ch);
        }
        if (c->client != NULL)
            session_close(c);
        end_recording(ch);
        room_free_all(ch);
        map_release(&ch->presence);
        mine_free_all(ch);
        buf_release(&ch->out);
    }
    options_release(&o);
    return rc;
}
