/* sabotage.h - controls that tests take out, to see that their absence is
 * noticed. Compiled in only with CONFAB_SABOTAGE; a release has none of it:
 * SABOTAGED(node, flag) is then the constant false. */
#ifndef CORE_SABOTAGE_H
#define CORE_SABOTAGE_H

#include <stdbool.h>

struct sabotage {
    bool ack_before_commit; /* `sent` before the entry is durable */
    bool cursor_by_id;      /* feed asks "id > last id" of an old head */
    bool no_dedupe;         /* each send has a cid of its own in the store */
    bool no_membership_at_delivery; /* a removed member's sub lives on */
    bool marks_fall;                /* acks overwrite instead of raise */
    bool bus_loss_unrepaired;       /* holes are not looked at */
    bool keep_old_term;             /* appends do not carry the own term */
    bool double_delivery;           /* an entry is pushed twice */
    bool swap_order;                /* two entries change places */
    bool receipt_before_durable; /* receipts leave before the mark is stored */
    bool presence_no_ttl;        /* nobody goes off */
    bool forget_behind;          /* a slow reader's entries are dropped */
    bool drop_thousandth;        /* one fan-out in 1,000 is not sent */
    bool leak_to_removed;        /* removed members get what follows */
    bool forget_receipt;         /* every tenth receipt is not sent */
    bool receipt_ahead;          /* receipts say one too many */
    bool synced_twice;
    bool wrong_dup;       /* a duplicate is answered with head */
    bool late_close_wins; /* an old connection's end cleans up */
    bool edit_by_anyone;  /* of messages of others, deletion too */
    bool ignore_block;
    bool forget_typing;
    bool lose_backlog_entry; /* catching up leaves one of ten out */
    bool fence_early;        /* `ok` before what is queued */
    bool overtake_parked;    /* a takeover passes requests that are checked */
    bool overtake_leaving;   /* what waits leaves an old home at once */
    bool overtake_away;      /* the new home is asked before the old answers */
    bool overtake_return;    /* a home that is back counts as never away */
    bool believe_former;     /* answers to a former life are taken */
    bool unread_is_same;     /* a login's heads that could not be read */
    bool unread_is_told;     /* a big one's members that could not be read */
    bool forget_shed_heads;  /* what a long queue drops is not said again */
    bool forward_away;       /* a former home sends on, not back */
    bool forget_bounced;     /* a home that is back takes what follows */
};

/* Set the flag by name; false: no such name. names(): NULL-terminated. */
bool sabotage_set(struct sabotage *s, const char *name);
const char *const *sabotage_names(void);

#ifdef CONFAB_SABOTAGE
#define SABOTAGED(node, flag) \
    ((node)->env.sabotage != NULL && (node)->env.sabotage->flag)
#else
#define SABOTAGED(node, flag) false
#endif

/* A branch that is seldom taken: tests count which of them they reach. */
#ifdef CONFAB_SABOTAGE
#define SEEN(node, what) \
    ((node)->env.seen != NULL ? (node)->env.seen(what) : (void)0)
#else
#define SEEN(node, what) ((void)0)
#endif

#endif
