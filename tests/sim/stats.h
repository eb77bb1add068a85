/* stats.h - what the runs of this process have met: each thing that goes
 * wrong, and each branch of the server that is seldom taken. A hunt that never
 * gets somewhere proves nothing about it. */
#ifndef SIM_STATS_H
#define SIM_STATS_H

/* Another one of `what`; kept by name, which must outlive the process. */
void stats_count(const char *what);
/* The next run begins. */
void stats_run(void);
/* A table on stdout: how often, and in how many runs. Returns how many of the
 * things that there should be were never met. */
int stats_print(void);

#endif
