// The configuration file of the command line. Neighbours: main.c.
#ifndef CMD_CSCHED_CONFIG_FILE_H
#define CMD_CSCHED_CONFIG_FILE_H

#include <csched/framework/config.h>

// 0, or EXIT_FAILED when everything that is wrong has been said on standard error. `file` "" = the
// built-in configuration, "-" = standard input.
int config_file_read(const char *file, struct cs_config **ret);

// `c-sched check-config`: warnings go to standard error, the configuration in force to standard
// output: it can be used as a file again. Returns the exit status.
int config_file_check(const char *file);

// Prints what plugins can be told in the file.
void config_file_help(void);

#endif
