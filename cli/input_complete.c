/* input_complete.c - Tab: words come from the chat, two lines of them at most
 * are shown. */
#include "input_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <readline/readline.h>

#include "base/mem.h"
#include "tty.h"

#define WORDS_MAX 4096

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
    struct input *in = the_input;

    if (state == 0)
        in->word_next = 0;
    while (in->word_next < in->word_count) {
        const char *word = in->words[in->word_next++];

        if (strncmp(word, text, strlen(text)) == 0)
            return strdup(word);
    }
    return NULL;
}

char **input_complete(const char *text, int start, int end)
{
    struct input *in = the_input;
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
void input_show_matches(char **matches, int count, int longest)
{
    struct input *in = the_input;
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
    in->front.kind->print(&in->front, &b);
    buf_release(&b);
}
