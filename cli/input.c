/* input.c - Readline, and the only file that knows it. GNU Readline is
 * GPL-3.0-or-later: nothing outside the `confab` program links it.
 *
 * Readline runs in callback mode on our loop. To show something while a line
 * is being typed: take the line from the screen, print, draw it again. */
#include "front.h"

#include <fcntl.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include <readline/history.h>
#include <readline/readline.h>

#include "base/error.h"
#include "base/mem.h"
#include "cli.h"
#include "pump.h"
#include "tty.h"

#define PENDING_MAX (4 * 1024 * 1024) /* bytes waiting while stopped */
#define PROMPT_MAX 4096
#define HISTORY_LINES 1000
#define ASK_LINES 5 /* a longer paste is asked about */
#define KEY_WAIT_MS 300
#define FOREGROUND_MS 500
#define WORDS_MAX 4096

struct input {
    struct front front;
    struct loop *loop;
    struct front_events ev;
    struct pump *pump;
    int fd;
    char *history;
    struct buf pending;        /* lines to show */
    struct buf prompt;         /* as Readline wants it */
    struct buf held;           /* a long paste: what to do with it is asked */
    struct loop_timer *resume; /* in the background: look again */
    int lost;                  /* shows that did not fit into pending */
    bool prompt_changed, posted, between, stopped, asking, closed;
    char **words; /* of a completion */
    int word_count, word_next;
};

static struct input *the; /* Readline is one per process */

/* ---- the terminal as it was ---- */

static struct termios before;
static volatile sig_atomic_t dirty;

/* From a signal handler too. */
static void tty_restore(void)
{
    static const char off[] = "\033[?2004l";

    if (!dirty)
        return;
    dirty = 0;
    tcsetattr(STDIN_FILENO, TCSANOW, &before);
    if (write(STDOUT_FILENO, off, sizeof(off) - 1) < 0)
        return;
}

static void fatal(int signo)
{
    tty_restore();
    signal(signo, SIG_DFL);
    raise(signo);
}

static void restore_when_killed(void)
{
    static const int signals[] = {SIGQUIT, SIGILL, SIGABRT,
                                  SIGBUS,  SIGFPE, SIGSEGV};
    struct sigaction act = {.sa_handler = fatal, .sa_flags = SA_RESETHAND};

    sigemptyset(&act.sa_mask);
    for (size_t i = 0; i < COUNT_OF(signals); i++)
        sigaction(signals[i], &act, NULL);
    atexit(tty_restore);
}

/* Ctrl-C is a key here (it drops the line), not a signal. */
static void prepare(int meta)
{
    struct termios now;

    dirty = 1;
    rl_prep_terminal(meta);
    if (tcgetattr(STDIN_FILENO, &now) < 0)
        return;
    now.c_cc[VINTR] = _POSIX_VDISABLE;
    tcsetattr(STDIN_FILENO, TCSADRAIN, &now);
}

/* Between two lines Readline would give the terminal back: it stays ours. */
static void keep_prepared(void)
{
}

/* ---- showing ---- */

/* Readline is in a mode that has a prompt of its own (Ctrl-R). */
static bool other_prompt(void)
{
    return RL_ISSTATE(RL_STATE_ISEARCH | RL_STATE_NSEARCH |
                      RL_STATE_NUMERICARG) != 0;
}

static void write_pending(struct input *in)
{
    if (in->lost > 0)
        buf_printf(&in->pending, "(%d more lines are not shown: /show)\n",
                   in->lost);
    in->lost = 0;
    fwrite(in->pending.data, 1, in->pending.len, rl_outstream);
    buf_clear(&in->pending);
}

/* Clear once, print all, draw once. */
static void flush(struct input *in)
{
    bool prompt = in->prompt_changed && !in->asking && !other_prompt();

    if (in->stopped || in->closed || in->between ||
        (in->pending.len == 0 && !prompt))
        return;
    rl_clear_visible_line();
    if (in->pending.len > 0)
        write_pending(in);
    if (prompt) {
        in->prompt_changed = false;
        rl_set_prompt(buf_cstr(&in->prompt));
    }
    rl_on_new_line();
    rl_redisplay();
    fflush(rl_outstream);
}

static void flush_posted(void *arg)
{
    if (the == NULL || the != arg)
        return;
    the->posted = false;
    flush(the);
}

static void flush_soon(struct input *in)
{
    if (!in->posted && !in->closed)
        loop_post(in->loop, flush_posted, in);
    in->posted = true;
}

static void input_print(struct front *f, struct buf *lines)
{
    struct input *in = container_of(f, struct input, front);

    if (in->closed)
        tty_flush(lines, stdout);
    else if (buf_append_span(&in->pending, buf_span(lines)) < 0)
        in->lost++;
    buf_clear(lines);
    flush_soon(in);
}

/* What has no width is marked for Readline: \001 ESC[1m \002. */
static void mark_styles(struct buf *out, struct span text)
{
    bool inside = false;

    buf_clear(out);
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];

        if (c == '\001' || c == '\002')
            continue;
        if (c == '\033') {
            buf_append_byte(out, RL_PROMPT_START_IGNORE);
            inside = true;
        }
        buf_append_byte(out, c);
        if (inside && c == 'm') {
            buf_append_byte(out, RL_PROMPT_END_IGNORE);
            inside = false;
        }
    }
}

static void input_prompt(struct front *f, struct span text)
{
    struct input *in = container_of(f, struct input, front);
    struct buf next;

    buf_init(&next, PROMPT_MAX);
    mark_styles(&next, text);
    if (!span_eq(buf_span(&next), buf_span(&in->prompt))) {
        buf_clear(&in->prompt);
        buf_append_span(&in->prompt, buf_span(&next));
        in->prompt_changed = true;
        flush_soon(in);
    }
    buf_release(&next);
}

static bool input_visible(const struct front *f)
{
    const struct input *in = container_of(f, struct input, front);

    return !in->stopped && !in->closed;
}

/* ---- the line ---- */

/* In steps that Readline can undo. */
static void replace_line(struct span text)
{
    char *copy = mem_text_n(text.n > 0 ? text.p : "", text.n);

    rl_begin_undo_group();
    rl_delete_text(0, rl_end);
    rl_point = rl_mark = 0;
    rl_insert_text(copy);
    rl_end_undo_group();
    free(copy);
}

static void input_draft(struct front *f, struct buf *old, struct span text)
{
    struct input *in = container_of(f, struct input, front);

    if (in->between)
        return;
    buf_append(old, rl_line_buffer, (size_t)rl_end);
    rl_clear_visible_line();
    replace_line(text);
    rl_on_new_line();
    rl_redisplay();
}

/* Enter: the typed line leaves the screen; the chat shows what became of it.
 * Readline then ends the line in its own way. */
static int submit(int count, int key)
{
    if (rl_end == 0)
        return 0;
    rl_clear_visible_line();
    RL_SETSTATE(RL_STATE_DONE);
    rl_done = 1;
    return 0;
}

static int insert_newline(int count, int key)
{
    return rl_insert_text("\n") < 0;
}

static int drop_line(int count, int key)
{
    struct buf none;

    buf_init(&none, 1);
    if (rl_end > 0) {
        rl_clear_visible_line();
        replace_line(SPAN(""));
        rl_on_new_line();
        rl_redisplay();
    } else {
        buf_init(&none, 128);
        buf_append_text(&none, "(Ctrl-D or /quit leaves)\n");
        input_print(&the->front, &none);
    }
    buf_release(&none);
    return 0;
}

static int go_next(int count, int key)
{
    the->ev.next(the->ev.ctx);
    return 0;
}

static void on_line(char *line)
{
    struct input *in = the;

    if (line == NULL) {
        in->ev.end(in->ev.ctx);
        return;
    }
    in->between = true;
    if (line[0] != '\0')
        add_history(line);
    in->ev.line(in->ev.ctx, span_of(line));
    in->between = false;
    free(line);
    if (in->closed)
        return;
    if (in->pending.len > 0)
        write_pending(in);
    rl_set_prompt(buf_cstr(&in->prompt)); /* Readline draws it next */
    in->prompt_changed = false;
}

/* ---- pastes ---- */

static int lines_of(struct span s)
{
    int lines = 1;

    for (size_t i = 0; i + 1 < s.n; i++)
        lines += s.p[i] == '\n';
    return lines;
}

/* Into the line; into the search when one is under way. */
static void insert(struct input *in, struct span text)
{
    char *copy = mem_text_n(text.p, text.n);

    if (other_prompt()) {
        for (char *at = copy; *at != '\0'; at++)
            *at = *at == '\n' || *at == '\t' ? ' ' : *at;
        pump_push(in->pump, span_of(copy));
    } else {
        rl_begin_undo_group();
        rl_insert_text(copy);
        rl_end_undo_group();
        rl_redisplay();
        fflush(rl_outstream);
    }
    free(copy);
}

static void redraw_prompt(const char *text)
{
    rl_clear_visible_line();
    rl_set_prompt(text);
    rl_on_new_line();
    rl_redisplay();
    fflush(rl_outstream);
}

static void ask(struct input *in, struct span text)
{
    char question[128];

    snprintf(question, sizeof(question),
             "%d lines pasted: send as one message? [y]es, [e]dit, [n]o ",
             lines_of(text));
    buf_clear(&in->held);
    buf_append_span(&in->held, text);
    in->asking = true;
    redraw_prompt(question);
}

/* One key alone; the rest of a burst is no answer. */
static void answer(struct input *in)
{
    bool alone = pump_waiting(in->pump) == 1;
    int key = pump_take(in->pump);

    while (pump_take(in->pump) >= 0)
        ;
    if (!alone || strchr("yYeEnN\003\007\033", key) == NULL || key == 0)
        return;
    in->asking = false;
    redraw_prompt(buf_cstr(&in->prompt));
    if (strchr("yYeE", key) != NULL)
        insert(in, buf_span(&in->held));
    if (strchr("yY", key) != NULL)
        pump_push(in->pump, SPAN("\r"));
    buf_release(&in->held);
}

static void on_paste(void *ctx, struct span text, bool cut)
{
    struct input *in = ctx;
    struct buf note;

    if (cut) {
        buf_init(&note, 256);
        buf_printf(&note, "(the paste was cut at %d bytes)\n", PUMP_PASTE_MAX);
        input_print(&in->front, &note);
        buf_release(&note);
    }
    if (in->asking || text.n == 0)
        return; /* one question at a time */
    if (lines_of(text) > ASK_LINES && !other_prompt())
        ask(in, text);
    else
        insert(in, text);
    in->ev.key(in->ev.ctx, span_make(rl_line_buffer, (size_t)rl_end));
}

/* ---- keys ---- */

static void on_keys(void *ctx)
{
    struct input *in = ctx;

    while (pump_ready(in->pump) && !in->closed) {
        if (in->asking)
            answer(in);
        else
            rl_callback_read_char();
    }
    if (in->closed)
        return;
    in->ev.key(in->ev.ctx, span_make(rl_line_buffer, (size_t)rl_end));
    if (in->prompt_changed)
        flush_soon(in);
}

static void on_end(void *ctx)
{
    struct input *in = ctx;

    in->ev.end(in->ev.ctx);
}

/* Readline asks for a key. In callback mode one is there; a function that
 * wants another one waits a moment and is then taken back by Ctrl-G. */
static int next_key(FILE *from)
{
    struct pollfd p = {.fd = the->fd, .events = POLLIN};
    unsigned char byte;

    if (pump_ready(the->pump))
        return pump_take(the->pump);
    if (poll(&p, 1, KEY_WAIT_MS) == 1 && read(the->fd, &byte, 1) == 1)
        return byte;
    return 'G' & 0x1f;
}

static int key_waits(void)
{
    return pump_ready(the->pump);
}

/* ---- completion ---- */

static void add_word(void *to, const char *word)
{
    struct input *in = to;

    if (in->word_count >= WORDS_MAX)
        return;
    in->words = mem_grow(in->words, (size_t)in->word_count + 1, sizeof(char *));
    in->words[in->word_count++] = mem_text(word);
}

static char *next_word(const char *text, int state)
{
    struct input *in = the;

    if (state == 0)
        in->word_next = 0;
    while (in->word_next < in->word_count) {
        const char *word = in->words[in->word_next++];

        if (strncmp(word, text, strlen(text)) == 0)
            return strdup(word);
    }
    return NULL;
}

static char **complete(const char *text, int start, int end)
{
    struct input *in = the;
    char **matches;

    rl_attempted_completion_over = 1;
    in->ev.complete(in->ev.ctx, span_make(rl_line_buffer, (size_t)end),
                    (size_t)start, add_word, in);
    matches = rl_completion_matches(text, next_word);
    for (int i = 0; i < in->word_count; i++)
        free(in->words[i]);
    free(in->words);
    in->words = NULL;
    in->word_count = 0;
    return matches;
}

/* Two lines of them at most. */
static void show_matches(char **matches, int count, int longest)
{
    struct input *in = the;
    int width = longest + 2, columns = tty_columns();
    int per_line = columns / width > 0 ? columns / width : 1;
    int shown = count <= 2 * per_line ? count : 2 * per_line - 1;
    struct buf b;
    size_t from;

    buf_init(&b, 64 * 1024);
    for (int i = 1; i <= shown; i++) {
        from = b.len;
        tty_put_untrusted(&b, TEXT_LINE, span_of(matches[i]), 0);
        while (b.len - from < (size_t)width && i % per_line != 0 && i < shown)
            buf_append_byte(&b, ' ');
        if (i % per_line == 0 && i < shown)
            buf_append_byte(&b, '\n');
    }
    if (shown < count)
        buf_printf(&b, "  ... %d more", count - shown);
    buf_append_byte(&b, '\n');
    input_print(&in->front, &b);
    buf_release(&b);
}

/* ---- stopped, resized ---- */

static bool in_foreground(void)
{
    pid_t group = tcgetpgrp(STDIN_FILENO);

    return group < 0 || group == getpgrp();
}

static void come_back(void *arg)
{
    struct input *in = arg;

    if (in->closed)
        return;
    if (!in_foreground()) {
        loop_timer_set(in->resume, FOREGROUND_MS);
        return;
    }
    loop_timer_cancel(in->resume);
    rl_deprep_terminal(); /* nothing if we gave it back ourselves */
    prepare(1);
    rl_resize_terminal();
    in->stopped = false;
    pump_pause(in->pump, false);
    if (in->pending.len > 0)
        write_pending(in);
    rl_on_new_line();
    rl_redisplay();
    fflush(rl_outstream);
    flush_soon(in);
}

static void on_continue(void *arg, int signo)
{
    struct input *in = the;

    if (in == NULL || in->closed)
        return;
    in->stopped = true;
    come_back(in);
}

static void on_stop(void *arg, int signo)
{
    struct input *in = the;

    if (in == NULL || in->closed || in->stopped)
        return;
    in->stopped = true;
    pump_pause(in->pump, true);
    rl_clear_visible_line();
    fflush(rl_outstream);
    rl_deprep_terminal();
    tty_restore();
    kill(getpid(), SIGSTOP);
}

static void on_resize(void *arg, int signo)
{
    struct input *in = the;

    if (in == NULL || in->closed || in->stopped)
        return;
    rl_resize_terminal();
    fflush(rl_outstream);
}

/* ---- life ---- */

static void input_close(struct front *f)
{
    struct input *in = container_of(f, struct input, front);

    if (in->closed)
        return;
    if (!in->stopped) {
        if (!in->between)
            rl_clear_visible_line();
        write_pending(in);
        fflush(rl_outstream);
    }
    in->closed = true;
    pump_pause(in->pump, true);
    rl_callback_handler_remove();
    rl_deprep_terminal();
    fflush(rl_outstream);
    tty_restore();
    if (in->history != NULL && write_history(in->history) == 0)
        chmod(in->history, 0600);
}

static void input_free(struct front **fp)
{
    struct input *in;

    if (*fp == NULL)
        return;
    in = container_of(*fp, struct input, front);
    input_close(*fp);
    the = NULL;
    pump_free(&in->pump);
    loop_timer_free(&in->resume);
    buf_release(&in->pending);
    buf_release(&in->prompt);
    buf_release(&in->held);
    if (in->fd != STDIN_FILENO)
        close(in->fd);
    clear_history();
    free(in->history);
    free(in);
    *fp = NULL;
}

static void bind_keys(void)
{
    static const char *const maps[] = {"emacs-standard", "vi-insert",
                                       "vi-command"};
    char inputrc[4200];

    rl_readline_name = "confab";
    rl_initialize();
    for (size_t i = 0; i < COUNT_OF(maps); i++) {
        Keymap map = rl_get_keymap_by_name(maps[i]);

        rl_bind_key_in_map('\r', submit, map);
        rl_bind_key_in_map('\n', submit, map);
        rl_bind_key_in_map('C' & 0x1f, drop_line, map);
        rl_bind_keyseq_in_map("\033\r", insert_newline, map);
        if (i == 0)
            rl_bind_keyseq_in_map("\033a", go_next, map);
    }
    rl_add_defun("confab-newline", insert_newline, -1);
    rl_add_defun("confab-next-unread", go_next, -1);
    if (path_dir("config", inputrc, sizeof(inputrc) - 16) == 0) {
        strncat(inputrc, "/inputrc", 9);
        if (access(inputrc, R_OK) == 0)
            rl_read_init_file(inputrc);
    }
}

static void set_readline(void)
{
    rl_instream = stdin;
    rl_outstream = stdout;
    rl_catch_signals = 0;
    rl_catch_sigwinch = 0;
    rl_change_environment = 0;
    rl_getc_function = next_key;
    rl_input_available_hook = key_waits;
    rl_prep_term_function = prepare;
    rl_deprep_term_function = keep_prepared;
    rl_attempted_completion_function = complete;
    rl_completion_display_matches_hook = show_matches;
    rl_completer_word_break_characters = " ";
    rl_basic_word_break_characters = " ";
    rl_completer_quote_characters = "";
    rl_sort_completion_matches = 1;
    history_comment_char = '#';
    history_write_timestamps = 1; /* keeps lines with newlines whole */
    history_multiline_entries = 1;
    stifle_history(HISTORY_LINES);
}

/* Readline counts columns by the locale. */
static void need_utf8(void)
{
    setlocale(LC_CTYPE, "");
    if (MB_CUR_MAX == 1)
        setlocale(LC_CTYPE, "C.UTF-8");
}

static void input_listen(struct front *f)
{
    struct input *in = container_of(f, struct input, front);

    rl_callback_handler_install(buf_cstr(&in->prompt), on_line);
    in->prompt_changed = false;
    pump_pause(in->pump, false);
    flush_soon(in);
}

static const struct front_kind kind = {
    .print = input_print,
    .prompt = input_prompt,
    .draft = input_draft,
    .visible = input_visible,
    .listen = input_listen,
    .close = input_close,
    .free = input_free,
};

struct front *input_new(struct loop *l, const struct front_events *ev,
                        const char *history)
{
    struct input *in = mem_alloc(sizeof(*in));
    struct pump_events pe = {
        .keys = on_keys, .paste = on_paste, .end = on_end, .ctx = in};

    in->front.kind = &kind;
    in->loop = l;
    in->ev = *ev;
    in->history = history != NULL ? mem_text(history) : NULL;
    buf_init(&in->pending, PENDING_MAX);
    buf_init(&in->prompt, PROMPT_MAX);
    buf_init(&in->held, 3 * PUMP_PASTE_MAX);
    buf_append_text(&in->prompt, "> ");
    in->fd = front_stdin();
    if (in->fd < 0)
        in->fd = STDIN_FILENO;
    in->pump = pump_new(l, in->fd, &pe);
    in->resume = loop_timer_new(l, come_back, in);
    the = in;
    need_utf8();
    tcgetattr(STDIN_FILENO, &before);
    restore_when_killed();
    set_readline();
    bind_keys();
    if (in->history != NULL)
        read_history(in->history);
    loop_on_signal(l, SIGWINCH, on_resize, in);
    loop_on_signal(l, SIGTSTP, on_stop, in);
    loop_on_signal(l, SIGCONT, on_continue, in);
    return &in->front;
}
