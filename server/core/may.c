/* Who may do what in a conversation: the one place that decides. */
#include "core/home.h"

static const enum role needed[] = {
    [MAY_READ] = ROLE_MEMBER,  [MAY_SEND] = ROLE_MEMBER,
    [MAY_EDIT] = ROLE_MEMBER,  [MAY_REACT] = ROLE_MEMBER,
    [MAY_TYPE] = ROLE_MEMBER,  [MAY_ADD] = ROLE_ADMIN,
    [MAY_REMOVE] = ROLE_ADMIN, [MAY_ROLE] = ROLE_OWNER,
    [MAY_RENAME] = ROLE_ADMIN, [MAY_LEAVE] = ROLE_MEMBER,
};

/* The two of a direct conversation stay, and a `self` is written by the
 * server alone. */
static bool fits(enum conv_kind kind, enum action a)
{
    if (kind == CONV_SELF)
        return a == MAY_READ;
    return kind != CONV_DIRECT || a < MAY_ADD;
}

int may(const struct home *h, const struct member *m, enum action a)
{
    if (m == NULL || m->role == ROLE_NONE)
        return -CF_NOT_FOUND;
    if (!fits(h->row.kind, a))
        return -CF_INVALID;
    return m->role >= needed[a] ? 0 : -CF_DENIED;
}

int may_over(const struct member *actor, const struct member *target)
{
    if (target == NULL || target->role == ROLE_NONE)
        return -CF_NOT_FOUND;
    if (actor->role == ROLE_OWNER || target->role < actor->role)
        return 0;
    return -CF_DENIED;
}
