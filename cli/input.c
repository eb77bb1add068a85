/* input.c - Readline, which only input*.c know. GNU Readline is
 * GPL-3.0-or-later: nothing outside the `confab` program links it.
 *
 * Readline runs in callback mode on our loop. To show something while a line
 * is being typed: take the line from the screen, print, draw it again. */
#include "input_priv.h"

#include <locale.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <readline/history.h>
#include <readline/readline.h>

#include "base/error.h"
#include "base/mem.h"
#include "cli.h"
#include "tty.h"

#define PENDING_MAX (4 * 1024 * 1024) /* bytes waiting while stopped */
#define PROMPT_MAX 4096
#define HISTORY_LINES 1000
#define KEY_WAIT_MS 300

struct input *the_input;

/* Between two lines Readline would give the terminal back: it stays ours. */
static void keep_prepared(void)
{
}

/* ---- showing ---- */

bool input_other_prompt(void)
{
    return RL_ISSTATE(RL_STATE_ISEARCH | RL_STATE_NSEARCH |
                      RL_STATE_NUMERICARG) != 0;
}

void input_write_pending(struct input *in)
{
    if (in->lost > 0)
        buf_printf(&in->pending, "(%d more lines are not shown: /show)\n",
                   in->lost);
    in->lost = 0;
    if (in->pending.len > 0)
        fwrite(in->pending.data, 1, in->pending.len, rl_outstream);
    buf_clear(&in->pending);
}

/* Clear once, print all, draw once. */
void input_flush(struct input *in)
{
    bool prompt = in->prompt_changed && !in->asking && !input_other_prompt();

    if (in->stopped || in->closed || in->between ||
        (in->pending.len == 0 && !prompt))
        return;
    rl_clear_visible_line();
    if (in->pending.len > 0)
        input_write_pending(in);
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
    if (the_input == NULL || the_input != arg)
        return;
    the_input->posted = false;
    input_flush(the_input);
}

void input_flush_soon(struct input *in)
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
    input_flush_soon(in);
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
        input_flush_soon(in);
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

    if (in->between) { /* nothing is typed; Readline starts a line soon */
        buf_clear(&in->next);
        buf_append_span(&in->next, text);
        return;
    }
    buf_append(old, rl_line_buffer, (size_t)rl_end);
    rl_clear_visible_line();
    replace_line(text);
    rl_on_new_line();
    rl_redisplay();
}

/* Readline begins a line: with the draft that was kept for it. */
static int begin_line(void)
{
    if (the_input->next.len > 0)
        rl_insert_text(buf_cstr(&the_input->next));
    buf_clear(&the_input->next);
    return 0;
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
        input_print(&the_input->front, &none);
    }
    buf_release(&none);
    return 0;
}

static int go_next(int count, int key)
{
    the_input->ev.next(the_input->ev.ctx);
    return 0;
}

static void on_line(char *line)
{
    struct input *in = the_input;

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
        input_write_pending(in);
    rl_set_prompt(buf_cstr(&in->prompt)); /* Readline draws it next */
    in->prompt_changed = false;
}

/* ---- keys ---- */

static void on_keys(void *ctx)
{
    struct input *in = ctx;

    while (pump_ready(in->pump) && !in->closed) {
        if (in->asking)
            input_answer(in);
        else
            rl_callback_read_char();
    }
    if (in->closed)
        return;
    in->ev.key(in->ev.ctx, span_make(rl_line_buffer, (size_t)rl_end));
    if (in->prompt_changed)
        input_flush_soon(in);
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
    struct pollfd p = {.fd = the_input->fd, .events = POLLIN};
    unsigned char byte;

    if (pump_ready(the_input->pump))
        return pump_take(the_input->pump);
    if (poll(&p, 1, KEY_WAIT_MS) == 1 && read(the_input->fd, &byte, 1) == 1)
        return byte;
    return 'G' & 0x1f;
}

static int key_waits(void)
{
    return pump_ready(the_input->pump);
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
        input_write_pending(in);
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
    the_input = NULL;
    pump_free(&in->pump);
    loop_timer_free(&in->resume);
    buf_release(&in->pending);
    buf_release(&in->prompt);
    buf_release(&in->next);
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
    rl_startup_hook = begin_line;
    rl_getc_function = next_key;
    rl_input_available_hook = key_waits;
    rl_prep_term_function = tty_prepare;
    rl_deprep_term_function = keep_prepared;
    rl_attempted_completion_function = input_complete;
    rl_completion_display_matches_hook = input_show_matches;
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
    input_flush_soon(in);
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
        .keys = on_keys, .paste = input_paste, .end = on_end, .ctx = in};

    in->front.kind = &kind;
    in->loop = l;
    in->ev = *ev;
    in->history = history != NULL ? mem_text(history) : NULL;
    buf_init(&in->pending, PENDING_MAX);
    buf_init(&in->prompt, PROMPT_MAX);
    buf_init(&in->next, 3 * PUMP_PASTE_MAX);
    buf_init(&in->held, 3 * PUMP_PASTE_MAX);
    buf_append_text(&in->prompt, "> ");
    in->fd = front_stdin();
    if (in->fd < 0)
        in->fd = STDIN_FILENO;
    in->pump = pump_new(l, in->fd, &pe);
    the_input = in;
    need_utf8();
    tty_remember();
    set_readline();
    bind_keys();
    if (in->history != NULL)
        read_history(in->history);
    input_watch_signals(in);
    return &in->front;
}
