/* chat_priv.h - the inside of the chat, for chat*.c only. */
#ifndef CLI_CHAT_PRIV_H
#define CLI_CHAT_PRIV_H

#include "base/map.h"
#include "chat_record.h"
#include "cli.h"
#include "front.h"
#include "proto/limits.h"
#include "tty.h"

#define MINE_MAX 64      /* own messages remembered, of all rooms */
#define HISTORY_SHOWN 20 /* messages shown when a room is entered */
#define TYPING_SHOWN_MS 6000
#define SECOND_MS 1000 /* how often the prompt counts down */
#define ROOM_PEOPLE LIMIT_VIEW

enum mine_state { MINE_QUEUED, MINE_STORED, MINE_FAILED };

struct mine { /* something sent from here */
    uint64_t conv;
    char cid[LIMIT_CID + 1]; /* "": sent before this start */
    enum mine_state state;
    bool message; /* not an edit, a deletion or a reaction */
    int64_t seq;
    int64_t delivered_n, read_n; /* groups */
    char *text;
    char reason[120];
};

struct room { /* a conversation, as far as the chat cares */
    uint64_t conv;
    int64_t unread;
    int64_t shown; /* highest seq on the screen */
    int64_t read;  /* highest seq told as read */
    int64_t day;   /* of the last line shown: days since 1970, local */
    char *draft;
    uint64_t people[ROOM_PEOPLE];
    int people_count, members; /* members may be more */
    uint64_t typing;           /* who, until when (mono ms) */
    int64_t typing_until;
};

struct chat_options {
    bool accessible, no_readline;
    const char *cmd, *record;
};

struct chat {
    struct cli *cli;
    struct chat_options o;
    struct recording *recording; /* NULL: none */
    struct front *front;
    struct map rooms;    /* conv -> struct room */
    struct map presence; /* user -> state + 1 */
    struct room *open;   /* NULL: none yet */
    struct mine mine[MINE_MAX];
    int mine_count; /* ever; the newest is (count - 1) % MINE_MAX */
    struct buf out; /* lines being made */
    struct loop_timer *second, *idle, *leaving;
    const char *first; /* conversation asked for at the start */
    int64_t retry_at;  /* mono ms; 0: not waiting */
    int64_t typing_at; /* own typing was told then; 0: not */
    int64_t typed_at;
    bool active, synced, was_up, listening, ending;
    bool opening;    /* a conversation is being looked up */
    bool header_due; /* of the open one, when it is known what it is */
};

/* chat.c */
int64_t chat_now(const struct chat *ch);
/* Show ch->out above the prompt. */
void chat_say(struct chat *ch);
/* One line of ours with words of others in it: %s is remote text (a line). */
void chat_note(struct chat *ch, enum tty_style style, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void chat_quit(struct chat *ch);
/* The first conversation is open, or cannot be: begin to read lines. */
void chat_listen(struct chat *ch);
/* Is somebody looking at the screen? */
bool chat_watched(const struct chat *ch);

/* chat_events.c */
void chat_event(void *ctx, const struct client_event *ev);

/* chat_prompt.c */
void chat_prompt(struct chat *ch);

/* chat_room.c */
struct room *room_get(struct chat *ch, uint64_t conv);
void room_free_all(struct chat *ch);
/* Open it: header, history, new ones under a rule. */
void room_open(struct chat *ch, uint64_t conv);
void room_open_named(struct chat *ch, const char *name);
void room_header(struct chat *ch, struct room *r);
/* Say what we look at, after each connection and change. */
void room_view(struct chat *ch);
/* Ask who is in it; then what(ch) runs. */
void room_learn_people(struct chat *ch, struct room *r,
                       void (*then)(struct chat *ch, struct room *r));
/* What is shown of the open room has been read. */
void room_read(struct chat *ch);
/* The one with the oldest unread message; NULL. */
struct room *room_next_unread(struct chat *ch);
bool room_known(struct chat *ch, uint64_t conv, struct archive_conv *row);

/* chat_view.c */
void view_entry(struct chat *ch, struct room *r, const struct entry *e);
/* A line with the date, when it is not that of the line before. */
void view_date(struct chat *ch, struct room *r, int64_t ts);
void view_own(struct chat *ch, struct room *r, struct span text, int64_t reply);
void view_elsewhere(struct chat *ch, const struct entry *e);
void view_rule(struct chat *ch, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void view_name(struct chat *ch, struct buf *out, uint64_t user);
void view_conv(struct chat *ch, struct buf *out, uint64_t conv);
/* A whole message, however long. */
void view_whole(struct chat *ch, const struct entry *e);

/* chat_send.c */
struct mine *mine_add(struct chat *ch, uint64_t conv);
struct mine *mine_find(struct chat *ch, uint64_t conv, const char *cid);
/* The newest message to conv; NULL. */
struct mine *mine_last(struct chat *ch, uint64_t conv);
/* The nth newest of all, 0: the newest; NULL. */
struct mine *mine_nth(struct chat *ch, int n);
void mine_free_all(struct chat *ch);
bool mine_waiting(struct chat *ch);
/* True: it was taken; false: an error was shown. */
bool chat_send_text(struct chat *ch, uint64_t conv, struct span text,
                    int64_t reply);
bool chat_send_change(struct chat *ch, enum frame_kind kind, int64_t seq,
                      struct span text);
void chat_sent(struct chat *ch, const struct client_event *ev);
void chat_refused(struct chat *ch, const struct client_event *ev);
void chat_receipt(struct chat *ch, const struct client_event *ev);
/* "stored", "delivered", "read 2/3"...; symbols for the prompt. */
void mine_state(struct chat *ch, const struct mine *m, bool words,
                struct buf *out);
void typing_keys(struct chat *ch, struct span draft);
void typing_stop(struct chat *ch);

/* chat_commands.c */
enum argument { ARG_NONE, ARG_CONV, ARG_USER, ARG_COMMAND };
struct chat_command {
    const char *name, *args, *help;
    enum argument completes;
    int least;   /* words needed */
    bool text;   /* the rest is a text: may have newlines */
    bool inside; /* needs an open conversation */
    void (*run)(struct chat *ch, char *args);
};
extern const struct chat_command chat_commands[]; /* ends with name NULL */
const struct chat_command *chat_command_named(const char *name);
/* Split the first word off; *rest gets what follows it. */
char *chat_word(char **rest);
bool chat_number(const char *text, int64_t *out);
/* The message a command is about: its number is taken off *args; without one
 * the newest of the others (own: mine). False after a message. */
bool chat_which(struct chat *ch, char **args, bool own, int64_t *seq);
void chat_line(struct chat *ch, struct span line);

/* chat_show.c */
void show_show(struct chat *ch, char *args);
void show_last(struct chat *ch, char *args);
void show_who(struct chat *ch, char *args);
void show_receipts(struct chat *ch, char *args);

/* chat_group.c */
void group_create(struct chat *ch, char *args);
void group_add(struct chat *ch, char *args);
void group_remove(struct chat *ch, char *args);
void group_leave(struct chat *ch, char *args);

/* chat_complete.c */
void chat_complete(void *ctx, struct span line, size_t at, front_word_fn *add,
                   void *to);

#endif
