// `c-sched explain`: asks a running c-sched why a pod is where it is, and prints the answer.
// Neighbours: main.c calls it; daemon/explain.h has the tables.
#ifndef CMD_C_SCHED_EXPLAIN_H
#define CMD_C_SCHED_EXPLAIN_H

// argv[0] is "explain"; argv ends with NULL, its order is changed. Returns the exit status.
int explain_main(const char **argv);

#endif
