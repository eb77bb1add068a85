/* bus_memory.h - the bus of the simulation: single-threaded, with fates. */
#ifndef BUS_BUS_MEMORY_H
#define BUS_BUS_MEMORY_H

#include <stdint.h>

struct bus_memory_sim {
    /* Run fn(arg) after delay_ms of virtual time. */
    void (*after)(void *ctx, int64_t delay_ms, void (*fn)(void *), void *arg);
    /* Fate of one message: how many copies arrive (0: lost, 2: doubled), and
     * after which delays. delays has room for 4. */
    int (*fate)(void *ctx, int from, int to, int64_t *delays);
    void *ctx;
};

#endif
