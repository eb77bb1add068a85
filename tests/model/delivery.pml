/* delivery.pml - does every acknowledged message reach a connected member,
 * once and in order?
 *
 * One conversation. Senders repeat what was not answered; the home of the
 * conversation moves once, by a crash or on purpose; the store commits what is
 * under way in any order; the bus loses and reorders; the receiver crashes.
 * Nothing is fair: each loss may happen, and the end is judged only when
 * nothing is left to happen ("quiet").
 *
 * As designed it is clean. Each of these takes one control out, and must be
 * convicted (see `run`):
 *   BYID        the reader's cursor is an id, made before the commit (with one
 *               home that commits in the order of ids it would be clean)
 *   NODEDUPE    the store does not look for the cid
 *   NORXDEDUPE  the receiver does not drop what it has
 *   ACKEARLY    the receiver acknowledges before it has stored
 *   SENTEARLY   the home says `sent` before the commit
 *   NOREPAIR    nobody compares heads with the store
 *   NOTERM      the store takes commits of an old home
 *   LATECOMMIT  a dead node's commits land after the ring has changed
 */
#ifndef M
#define M 3 /* messages */
#endif
#define S 5 /* entries that the log has room for */
#define SLOTS 2
#define WINDOW 2

/* ---- what is durable ---- */
byte head, term;            /* of the conversation */
byte log_cid[S + 1];        /* by seq */
#ifdef BYID /* ids do not matter otherwise */
byte log_id[S + 1];
byte slot_id[SLOTS], next_id = 1;
#endif
byte seq_of[M + 1];         /* by cid */
byte mark;                  /* acknowledged by the receiver's device */
byte archive;               /* receiver: seq (BYID: id) it has stored up to */
byte rendered[M + 1];       /* receiver: how often each message was shown */

/* ---- under way ---- */
bool request[M + 1], answer[M + 1], acked[M + 1];
byte started;
byte slot_cid[SLOTS], slot_term[SLOTS], slot_home[SLOTS]; /* no holes */
byte bus_number[S + 1], bus_home[S + 1]; /* published entries, by seq */

/* ---- two homes ---- */
byte ring;                  /* which of them is home */
bool dead[2], opened[2];
byte home_term[2], published[2];

/* ---- the node of the receiver ---- */
byte heard[2];              /* number of the last message of each home */
bool repair;                /* something was lost: compare heads */
byte known;                 /* head as this node knows it */
byte sent;                  /* handed over to the connection up to here */
bool up = true;
#ifdef BYID
bool want = false;          /* ask the store for id > sent */
#endif
chan wire = [WINDOW] of {byte}; /* seqs written to the receiver */
byte hand;                  /* seq in the receiver's memory, not yet stored */

/* ---- what may go wrong, and how often ---- */
byte cuts = 1;              /* answers lost with a connection */
byte impatience = 1;        /* repeated although the first is under way */
byte crashes = 1;           /* of the receiver */
bool gone;                  /* the old home; it moves once */

#define max(a, b) ((a) > (b) -> (a) : (b))
#define under_way(c) (slot_cid[0] == (c) || slot_cid[1] == (c))
#define commits_of(h) ((slot_cid[0] != 0 && slot_home[0] == (h)) || \
                       (slot_cid[1] != 0 && slot_home[1] == (h)))

/* ---- senders: one process a message, started in order ---- */

active [M] proctype sender()
{
    byte c = _pid + 1;

    atomic { started == c - 1 -> started = c; request[c] = true }
end:
    do
    :: atomic { answer[c] -> answer[c] = false; acked[c] = true; break }
    :: atomic { answer[c] && cuts > 0 -> answer[c] = false; cuts-- }
    :: atomic { impatience > 0 && !request[c] ->
                impatience--; request[c] = true }
    :: atomic { !request[c] && !answer[c] && !under_way(c) ->
                request[c] = true } /* no answer is "unknown": again */
    od
}

/* ---- homes: number a request and give it to the store ---- */

inline take(h, c, i)
{
    d_step {
        request[c] = false;
        if
        :: !opened[h] -> opened[h] = true; term++; home_term[h] = term
        :: else
        fi;
        slot_cid[i] = c;
        slot_term[i] = home_term[h];
        slot_home[i] = h;
#ifdef BYID
        slot_id[i] = next_id;
        next_id++;
#endif
#ifdef SENTEARLY
        answer[c] = true
#endif
    }
}

#define free_slot (slot_cid[1] == 0)
#define may_take(c) (!dead[h] && ring == h && request[c] && free_slot)

proctype home(byte h)
{
end:
    do
    :: atomic { may_take(1) ->
        if
        :: slot_cid[0] == 0 -> take(h, 1, 0)
        :: else -> take(h, 1, 1)
        fi }
    :: atomic { may_take(2) ->
        if
        :: slot_cid[0] == 0 -> take(h, 2, 0)
        :: else -> take(h, 2, 1)
        fi }
#if M > 2
    :: atomic { may_take(3) ->
        if
        :: slot_cid[0] == 0 -> take(h, 3, 0)
        :: else -> take(h, 3, 1)
        fi }
#endif
    od
}

/* ---- the store: commits in any order; seq is given here ---- */

inline release(i)
{
    if
    :: i == 0 ->
        slot_cid[0] = slot_cid[1];
        slot_term[0] = slot_term[1];
        slot_home[0] = slot_home[1];
#ifdef BYID
        slot_id[0] = slot_id[1]
#endif
    :: else
    fi;
    slot_cid[1] = 0; slot_term[1] = 0; slot_home[1] = 0;
#ifdef BYID
    slot_id[1] = 0
#endif
}

/* Nobody waits for the answer to a repetition that came too late. */
inline tell(c)
{
    if
    :: !acked[c] -> answer[c] = true
    :: else
    fi
}

#ifdef NOTERM
#define stale(i) false
#else
#define stale(i) (slot_term[i] < term)
#endif
#ifdef NODEDUPE
#define known_cid(i) false
#else
#define known_cid(i) (seq_of[slot_cid[i]] != 0)
#endif

inline commit(i)
{
    d_step {
        if
        :: stale(i) -> /* refused; a living home sends it to the new one */
            if
            :: !dead[slot_home[i]] -> request[slot_cid[i]] = true
            :: else
            fi
        :: !stale(i) && known_cid(i) ->
            if
            :: !dead[slot_home[i]] -> tell(slot_cid[i])
            :: else
            fi
        :: else ->
            assert(head < S);
            head++;
            log_cid[head] = slot_cid[i];
#ifdef BYID
            log_id[head] = slot_id[i];
#endif
            seq_of[slot_cid[i]] = head;
            if
            :: !dead[slot_home[i]] ->
                tell(slot_cid[i]);
                published[slot_home[i]]++;
                bus_number[head] = published[slot_home[i]];
                bus_home[head] = slot_home[i]
            :: else
            fi
        fi;
        release(i)
    }
}

active proctype store()
{
end:
    do
    :: atomic { slot_cid[0] != 0 -> commit(0) }
    :: atomic { slot_cid[1] != 0 -> commit(1) }
    :: atomic { slot_cid[0] != 0 && dead[slot_home[0]] -> release(0) }
    :: atomic { slot_cid[1] != 0 && dead[slot_home[1]] -> release(1) }
    od
}

/* ---- the ring moves from home 0 to home 1; all nodes then compare ---- */

#ifdef LATECOMMIT
#define lease_over true
#else
#define lease_over (!commits_of(0)) /* a lease outlives the store's deadline */
#endif

active proctype membership()
{
    do
    :: atomic { !dead[0] -> dead[0] = true } /* a crash, then the lease ends */
       atomic { lease_over -> ring = 1; gone = true;
                repair = true; break }
    :: atomic { ring = 1; repair = true } /* a drain */
#ifdef NOTERM
       /* cut off, it goes on for a while with what it has */
       atomic { dead[0] = true; gone = true; repair = true; break }
#else
       atomic { !commits_of(0) -> dead[0] = true; gone = true;
                repair = true; break }
#endif
    :: gone = true; break /* nothing happens */
    od
}

/* ---- the bus: loses, reorders; each home's messages are numbered ---- */

inline hear(h, n)
{
    if
    :: n > heard[h] + 1 -> repair = true; heard[h] = n
    :: n == heard[h] + 1 -> heard[h] = n
    :: else
    fi
}

/* A published entry for the connection: next in line, or fed by the store. */
inline deliver(s)
{
    d_step {
        hear(bus_home[s], bus_number[s]);
        bus_number[s] = 0;
        bus_home[s] = 0;
#ifdef BYID
        if
        :: up && !repair && !want && len(wire) < WINDOW ->
            wire!s; sent = max(sent, log_id[s])
        :: else -> want = true
        fi
#else
        known = max(known, s);
        if
        :: up && s == sent + 1 && len(wire) < WINDOW -> wire!s; sent = s
        :: else
        fi
#endif
    }
}

inline lose(s)
{
    bus_number[s] = 0;
    bus_home[s] = 0
}

active proctype bus()
{
end:
    do
    :: atomic { bus_number[1] != 0 -> deliver(1) }
    :: atomic { bus_number[2] != 0 -> deliver(2) }
    :: atomic { bus_number[3] != 0 -> deliver(3) }
    :: atomic { bus_number[4] != 0 -> deliver(4) }
    :: atomic { bus_number[5] != 0 -> deliver(5) }
    :: atomic { bus_number[1] != 0 -> lose(1) }
    :: atomic { bus_number[2] != 0 -> lose(2) }
    :: atomic { bus_number[3] != 0 -> lose(3) }
    :: atomic { bus_number[4] != 0 -> lose(4) }
    :: atomic { bus_number[5] != 0 -> lose(5) }
    /* An idle home says its number again, until it is heard. */
    :: atomic { !dead[0] && heard[0] < published[0] ->
                heard[0] = published[0]; repair = true }
    :: atomic { !dead[1] && heard[1] < published[1] ->
                heard[1] = published[1]; repair = true }
    od
}

/* ---- the receiver's node: compare heads, feed from the store ---- */

#ifdef BYID
byte best;
#define feedable (want && up && len(wire) < WINDOW)
inline better(s)
{
    if
    :: s <= head && log_id[s] > sent &&
       (best == 0 || log_id[s] < log_id[best]) -> best = s
    :: else
    fi
}
/* The entry with the smallest id above the cursor. */
inline feed()
{
    d_step {
        best = 0;
        better(1); better(2); better(3); better(4); better(5);
        if
        :: best != 0 -> wire!best; sent = log_id[best]
        :: else -> want = false
        fi;
        best = 0
    }
}
#else
#define feedable (known > sent && up && len(wire) < WINDOW)
inline feed()
{
    d_step { sent++; wire!sent }
}
#endif

active proctype node()
{
end:
    do
#ifdef NOREPAIR
    :: atomic { repair -> repair = false }
#elif defined(BYID)
    :: atomic { repair -> repair = false; want = true }
#else
    :: atomic { repair -> repair = false; known = head }
#endif
    :: atomic { feedable -> feed() }
    :: atomic { !up -> up = true; sent = mark; /* hello: from the mark */
#ifdef BYID
                want = true
#else
                known = head
#endif
              }
    od
}

/* ---- the receiver ---- */

inline render(s)
{
    rendered[log_cid[s]]++;
    assert(rendered[log_cid[s]] == 1)
}

/* Archive and cursor are one transaction. */
inline keep()
{
    d_step {
#ifdef BYID
        if
        :: rendered[log_cid[hand]] == 0 -> render(hand)
        :: else
        fi;
        archive = max(archive, log_id[hand]);
#elif defined(NORXDEDUPE)
        render(hand);
        archive = max(archive, hand);
#else
        if
        :: hand > archive ->
#ifndef ACKEARLY
            assert(hand == archive + 1); /* dense and in order */
#endif
            render(hand);
            archive = hand
        :: else
        fi;
#endif
        hand = 0
    }
}

#ifdef BYID
#define place(s) log_id[s]
#else
#define place(s) s
#endif

active proctype receiver()
{
end:
    do
    :: atomic { hand == 0 && up && (len(wire) > 0) -> wire?hand;
#ifdef ACKEARLY
                mark = max(mark, place(hand))
#endif
              }
    :: atomic { hand != 0 -> keep() }
    :: atomic { up && mark < archive -> mark = archive }
    :: d_step { crashes > 0 && up -> /* what was not stored is forgotten */
                crashes--;
                up = false;
                hand = 0;
                do
                :: (len(wire) > 0) -> wire?hand
                :: else -> break
                od;
                hand = 0 }
    od
}

/* ---- the judge ---- */

#ifdef BYID
#define fed (!want)
#else
#define fed (sent == known)
#endif
#if M > 2
#define all_acked (acked[1] && acked[2] && acked[3])
#else
#define all_acked (acked[1] && acked[2])
#endif
#define bus_empty (bus_number[1] == 0 && bus_number[2] == 0 && \
                   bus_number[3] == 0 && bus_number[4] == 0 && \
                   bus_number[5] == 0)
#define heard_of(h) (dead[h] || heard[h] == published[h])
#define quiet (all_acked && gone && !under_way(1) && !under_way(2) && \
               !under_way(3) && bus_empty && heard_of(0) && heard_of(1) && \
               !repair && up && fed && len(wire) == 0 && hand == 0)

init
{
    atomic { run home(0); run home(1) }
    atomic {
        quiet ->
        assert(rendered[1] == 1 && rendered[2] == 1);
#if M > 2
        assert(rendered[3] == 1)
#endif
    }
}
