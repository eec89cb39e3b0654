// `c-sched simulate`: its command line, and the way from files to standard output.
// Neighbours: main.c calls it; lib/simulate does the work.
#ifndef CMD_C_SCHED_SIMULATE_H
#define CMD_C_SCHED_SIMULATE_H

// argv[0] is "simulate"; argv ends with NULL, its order is changed. Returns the exit status.
int simulate_main(const char **argv);

#endif
