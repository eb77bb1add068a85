/* verdict.c - the equation at the end: every message has a fate, every copy
 * that was owed has arrived, and all members saw one order. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "engine_inside.h"
#include "receipts.h"

struct judge {
    struct engine *e;
    const struct outflow **outflows; /* by stream of the plan */
    int64_t *next;                   /* by conversation: the highest of all */
    uint64_t *order;                 /* and what those there agree on */
    bool *seen, *differs;
    uint64_t unknown, lost, backlog, mismatch, away, away_read;
    uint64_t unacked; /* copies of what nobody acknowledged */
    int64_t unanswered;
    char first_lost[160];
    struct receipts receipts;
};

static void find_outflows(struct judge *j)
{
    struct engine *e = j->e;

    for (int i = 0; i < e->nshards; i++)
        for (uint32_t n = 0; n < e->shards[i].noutflows; n++) {
            const struct outflow *f = &e->shards[i].outflows[n];

            j->outflows[f->stream] = f;
        }
}

static void count_unknown(struct judge *j)
{
    for (uint32_t i = 0; i < j->e->plan.nstreams; i++) {
        const struct ledger *l = &j->outflows[i]->ledger;

        for (uint32_t n = l->first; n < l->next; n++) {
            const struct sent *m = ledger_at(l, n);

            j->unknown += m->tried && m->fate == FATE_UNKNOWN;
            j->unanswered += m->fate < FATE_ACKED;
        }
    }
}

static void note_lost(struct judge *j, const struct shard *sh,
                      const struct seat *s, uint32_t stream, uint32_t number)
{
    const struct plan_conv *conv = &j->e->plan.convs[s->conv];

    j->lost++;
    if (j->first_lost[0] == '\0')
        snprintf(
            j->first_lost, sizeof(j->first_lost),
            "message %u of stream %u in c%" PRIu64 " never came to user %u",
            number, stream, (uint64_t)conv->id, sh->first_user + s->client);
}

/* Who was called back is not present before all that waited has come. */
static bool is_present(const struct client *c)
{
    return c->flags & FLAG_PRESENT &&
           (c->flags & (FLAG_RECALLED | FLAG_BACK)) != FLAG_RECALLED;
}

static void count_away(struct judge *j)
{
    for (int i = 0; i < j->e->nshards; i++) {
        const struct shard *sh = &j->e->shards[i];

        for (uint32_t n = 0; n < sh->nclients; n++) {
            const struct client *c = &sh->clients[n];

            j->away += (c->flags & FLAG_AWAY) != 0;
            j->away_read += c->flags & FLAG_RECALLED && is_present(c);
        }
    }
}

/* Copies of one stream that did not come to one member. */
static uint64_t missing(struct judge *j, const struct shard *sh,
                        const struct seat *s, uint32_t stream)
{
    const struct plan_conv *conv = &j->e->plan.convs[s->conv];
    const struct client *c = &sh->clients[s->client];
    const struct ledger *l = &j->outflows[stream]->ledger;
    uint32_t id = s->first_window + (stream - conv->first_stream);
    bool present = is_present(c);
    uint64_t n = 0;
    uint32_t number = 0, here = 1; /* from here on all is there */

    while ((number = window_missing(&sh->windows[id], id, &sh->holes,
                                    number + 1, l->next - 1)) != 0) {
        j->unacked += ledger_unacked(l, here, number - 1);
        here = number + 1;
        if (ledger_fate(l, number) != FATE_ACKED)
            continue;
        n++;
        if (present)
            note_lost(j, sh, s, stream, number);
        else
            j->backlog++;
    }
    j->unacked += ledger_unacked(l, here, l->next - 1);
    return n;
}

static uint64_t judge_seat(struct judge *j, const struct shard *sh,
                           const struct seat *s)
{
    const struct plan *p = &j->e->plan;
    const struct plan_conv *conv = &p->convs[s->conv];
    uint32_t user = sh->first_user + s->client;
    uint64_t n = 0;

    for (uint32_t i = 0; i < conv->streams; i++) {
        uint32_t stream = conv->first_stream + i;

        if (p->streams[stream].user != user)
            n += missing(j, sh, s, stream);
    }
    return n;
}

/* Members who are equally far must have the same order. */
static void compare_order(struct judge *j, const struct seat *s)
{
    uint32_t c = s->conv;

    if (s->late <= s->late_to || s->ahead != 0 || s->next == 0)
        return;
    if (!j->seen[c] || s->next > j->next[c]) {
        j->seen[c] = true;
        j->next[c] = s->next;
        j->order[c] = s->order;
    } else if (s->next == j->next[c] && s->order != j->order[c] &&
               !j->differs[c]) {
        j->differs[c] = true;
        j->mismatch++;
    }
}

static void judge_seats(struct judge *j)
{
    struct engine *e = j->e;

    for (int i = 0; i < e->nshards; i++) {
        struct shard *sh = &e->shards[i];

        for (uint32_t n = 0; n < sh->nseats; n++) {
            const struct seat *s = &sh->seats[n];

            if (!plan_in_audience(&e->plan.convs[s->conv], s->place))
                continue;
            if (judge_seat(j, sh, s) == 0 && e->cfg->driver == NULL)
                compare_order(j, s);
        }
    }
}

/* ---- in words ---- */

static const char *first_of(const struct engine *e, enum count which)
{
    for (int i = 0; i < e->nshards; i++)
        if (e->shards[i].fault[0] != '\0' && e->shards[i].fault_kind == which)
            return e->shards[i].fault;
    return "";
}

static void say(struct engine_outcome *o, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static void say(struct engine_outcome *o, const char *fmt, ...)
{
    size_t n = strlen(o->verdict);
    va_list args;

    va_start(args, fmt);
    if (n > 0 && n + 3 < sizeof(o->verdict)) {
        memcpy(o->verdict + n, "; ", 3);
        n += 2;
    }
    vsnprintf(o->verdict + n, sizeof(o->verdict) - n, fmt, args);
    va_end(args);
}

static void say_faults(const struct engine *e, const struct judge *j,
                       const uint64_t counts[COUNTS], struct engine_outcome *o)
{
    static const enum count faults[] = {COUNT_DUP, COUNT_REORDERED,
                                        COUNT_CORRUPT, COUNT_LEAKED};

    if (j->lost > 0)
        say(o, "lost: %" PRIu64 " acknowledged copies never came (%s)", j->lost,
            j->first_lost);
    for (size_t i = 0; i < COUNT_OF(faults); i++) {
        uint64_t n = counts[faults[i]];
        const char *why = first_of(e, faults[i]);

        if (n > 0)
            say(o, "%s: %" PRIu64 " copies%s%s", count_name(faults[i]), n,
                why[0] != '\0' ? "; first: " : "", why);
    }
    if (j->receipts.lost > 0)
        say(o,
            "receipts: %" PRIu64 " of %" PRIu64
            " marks never reached the sender (%s)",
            j->receipts.lost, j->receipts.owed, j->receipts.first);
    if (counts[COUNT_RECEIPTS_WRONG] > 0)
        say(o, "receipts: %" PRIu64 " were wrong; first: %s",
            counts[COUNT_RECEIPTS_WRONG], first_of(e, COUNT_RECEIPTS_WRONG));
    if (j->mismatch > 0)
        say(o,
            "order: the members of %" PRIu64
            " conversations saw different orders",
            j->mismatch);
    o->violated = o->verdict[0] != '\0';
}

static void say_refusals(const struct engine *e, struct engine_outcome *o)
{
    struct refusals all = {0};

    for (int i = 0; i < e->nshards; i++)
        refusals_add(&all, &e->shards[i].refusals);
    refusals_text(o->refused, sizeof(o->refused), &all);
}

static void add(struct collect *c, enum count which, uint64_t n)
{
    c->counts[which] += n;
    c->all[which] += n;
}

void verdict_judge(struct engine *e, struct collect *c,
                   struct engine_outcome *outcome)
{
    struct judge j = {.e = e};
    size_t convs = e->plan.nconvs + 1;

    j.outflows = mem_array(e->plan.nstreams + 1, sizeof(*j.outflows));
    j.next = mem_array(convs, sizeof(*j.next));
    j.order = mem_array(convs, sizeof(*j.order));
    j.seen = mem_array(convs, sizeof(*j.seen));
    j.differs = mem_array(convs, sizeof(*j.differs));
    find_outflows(&j);
    count_unknown(&j);
    judge_seats(&j);
    count_away(&j);
    receipts_judge(e, e->drained, &j.receipts);
    add(c, COUNT_RECEIPTS, j.receipts.owed);
    add(c, COUNT_RECEIPTS_LOST, j.receipts.lost);
    add(c, COUNT_UNKNOWN, j.unknown);
    add(c, COUNT_LOST, j.lost);
    add(c, COUNT_UNACKED, j.unacked);
    add(c, COUNT_BACKLOG, j.backlog);
    add(c, COUNT_AWAY, j.away);
    add(c, COUNT_AWAY_READ, j.away_read);
    add(c, COUNT_MISMATCH, j.mismatch);
    outcome->unanswered = j.unanswered;
    say_faults(e, &j, c->all, outcome);
    say_refusals(e, outcome);
    free(j.outflows);
    free(j.next);
    free(j.order);
    free(j.seen);
    free(j.differs);
}
