// The names that a LoadConfiguration uses. Neighbours: load_config.c reads, load_config_write.c
// writes.
#ifndef FRAMEWORK_LOAD_CONFIG_INTERNAL_H
#define FRAMEWORK_LOAD_CONFIG_INTERNAL_H

extern const char *const load_kind_names[];   // by enum cs_load_kind, ends with NULL
extern const char *const load_source_names[]; // by enum cs_load_source_type, ends with NULL

#endif
