/* shard_wake.c - a shard sleeps until something is due. When it wakes while
 * other threads have work for all cores, the kernel lets the one that runs go
 * on for a slice, 3 ms as a rule, unless the one that wakes asks for a shorter
 * slice than that (EEVDF, since Linux 6.12). Its share of the CPU stays the
 * same, so that this takes nothing away from the server. Only where messages
 * are timed: a million heartbeats are better read many at a time. */
#include <sched.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "shard.h"

#define SLICE_NS 100000 /* the kernel's least */
#define SLACK_NS 1000   /* of timers; 50,000 as a rule */

/* sched_setattr(2), version 0; the C library has no declaration of it. */
struct attributes {
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime, deadline, period;
};

/* All but the slice stays as it is. Older kernels take a slice of a common
 * thread and do nothing with it. */
static void shorten_slice(void)
{
    struct attributes a = {0};

    if (syscall(SYS_sched_getattr, 0, &a, sizeof(a), 0) < 0 ||
        a.policy != SCHED_OTHER)
        return;
    a.runtime = SLICE_NS;
    (void)syscall(SYS_sched_setattr, 0, &a, 0);
}

int64_t shard_slice_ns(void)
{
    struct attributes a = {0};

    if (syscall(SYS_sched_getattr, 0, &a, sizeof(a), 0) < 0 ||
        a.policy != SCHED_OTHER || a.runtime == 0)
        return 0;
    return SLICE_NS;
}

void shard_wake_promptly(void)
{
    shorten_slice();
    (void)prctl(PR_SET_TIMERSLACK, SLACK_NS);
}
