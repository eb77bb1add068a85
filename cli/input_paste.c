/* input_paste.c - pastes: into the line, or asked about when they are long. */
#include "input_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <readline/readline.h>

#include "base/mem.h"

#define ASK_LINES 5 /* a longer paste is asked about */

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

    if (input_other_prompt()) {
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
void input_answer(struct input *in)
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

void input_paste(void *ctx, struct span text, bool cut)
{
    struct input *in = ctx;
    struct buf note;

    if (cut) {
        buf_init(&note, 256);
        buf_printf(&note, "(the paste was cut at %d bytes)\n", PUMP_PASTE_MAX);
        in->front.kind->print(&in->front, &note);
        buf_release(&note);
    }
    if (in->asking || text.n == 0)
        return; /* one question at a time */
    if (lines_of(text) > ASK_LINES && !input_other_prompt())
        ask(in, text);
    else
        insert(in, text);
    in->ev.key(in->ev.ctx, span_make(rl_line_buffer, (size_t)rl_end));
}
