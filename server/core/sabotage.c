#include "core/sabotage.h"

#include <stddef.h>
#include <string.h>

#include "base/mem.h"

#ifdef CONFAB_SABOTAGE

#define FLAGS(X)                 \
    X(ack_before_commit)         \
    X(cursor_by_id)              \
    X(no_dedupe)                 \
    X(no_membership_at_delivery) \
    X(marks_fall)                \
    X(bus_loss_unrepaired)       \
    X(keep_old_term)             \
    X(double_delivery)           \
    X(swap_order)                \
    X(receipt_before_durable)    \
    X(presence_no_ttl)           \
    X(forget_behind)             \
    X(drop_thousandth)           \
    X(leak_to_removed)           \
    X(forget_receipt)            \
    X(receipt_ahead)             \
    X(synced_twice)              \
    X(wrong_dup)                 \
    X(late_close_wins)           \
    X(edit_by_anyone)            \
    X(ignore_block)              \
    X(forget_typing)             \
    X(lose_backlog_entry)        \
    X(fence_early)               \
    X(overtake_parked)           \
    X(overtake_leaving)          \
    X(overtake_away)             \
    X(overtake_return)           \
    X(believe_former)            \
    X(unread_is_same)            \
    X(unread_is_told)            \
    X(forget_shed_heads)         \
    X(forward_away)              \
    X(forget_bounced)

#define NAME(flag) #flag,
#define OFFSET(flag) offsetof(struct sabotage, flag),

static const char *const names[] = {FLAGS(NAME) NULL};
static const size_t offsets[] = {FLAGS(OFFSET)};

bool sabotage_set(struct sabotage *s, const char *name)
{
    for (size_t i = 0; i < COUNT_OF(offsets); i++) {
        if (strcmp(names[i], name) == 0) {
            *(bool *)((char *)s + offsets[i]) = true;
            return true;
        }
    }
    return false;
}

const char *const *sabotage_names(void)
{
    return names;
}

#endif
