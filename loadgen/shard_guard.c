/* shard_guard.c - sends what is due when the shard does not come to it. A
 * shard that an answer woke, and that has to wait for a core then, is not
 * looked at again when its own time has come: the busy thread of the server
 * goes on until its slice is over. A thread that slept till then is let in at
 * once. So one sleeps beside each shard, and as a rule it finds all sent. */
#include <pthread.h>
#include <sys/eventfd.h>
#include <time.h>

#include "base/clock.h"
#include "engine_inside.h"

#define GRACE_NS 300000  /* that the shard has for a slot itself */
#define LOOK_NS 20000000 /* the longest sleep: is there traffic yet? */

static void sleep_until(uint64_t ns)
{
    struct timespec t = {(time_t)(ns / 1000000000), (long)(ns % 1000000000)};

    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
}

/* A connection that broke has set a timer: the shard must not sleep over it. */
static void send_due(struct shard *sh)
{
    int64_t timer = wheel_next(&sh->wheel);

    shard_clock(sh);
    shard_slots(sh);
    wire_submit(sh);
    if (wheel_next(&sh->wheel) < timer)
        (void)eventfd_write(sh->bell, 1);
}

static void *guard_run(void *arg)
{
    struct shard *sh = arg;

    shard_wake_promptly();
    while (atomic_load(&sh->engine->stage) == STAGE_TRAFFIC) {
        uint64_t now = clock_ns(), due = atomic_load(&sh->slot_due);

        if (due > now + LOOK_NS)
            due = now + LOOK_NS;
        if (now < due + GRACE_NS) {
            sleep_until(due + GRACE_NS);
        } else if (pthread_mutex_trylock(&sh->turn) == 0) {
            send_due(sh);
            pthread_mutex_unlock(&sh->turn);
        } else { /* the shard is at work, and looks between its steps */
            sleep_until(now + GRACE_NS);
        }
    }
    return NULL;
}

void guard_start(struct shard *sh)
{
    if (sh->engine->scenario->ntraffic == 0 || sh->guarded)
        return;
    sh->guarded = pthread_create(&sh->guard, NULL, guard_run, sh) == 0;
}

void guard_join(struct shard *sh)
{
    if (sh->guarded)
        pthread_join(sh->guard, NULL);
    sh->guarded = false;
}
