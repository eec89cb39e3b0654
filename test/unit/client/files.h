// A temporary folder for tests that read files. Neighbours: test_kubeconfig.c, test_credentials.c.
#ifndef TEST_UNIT_CLIENT_FILES_H
#define TEST_UNIT_CLIENT_FILES_H

#include <csched/base/slice.h>

void files_begin(void);                   // makes the folder
void files_end(void);                     // removes it with what is in it
const char *files_path(const char *name); // valid until files_end; names may have one '/'
void files_write(const char *name, const char *text);
void files_write_script(const char *name, const char *text);
void files_remove(const char *name);

// A new self-signed certificate for a DNS name, and its key, in PEM; free() both.
void files_make_certificate(const char *name, char **certificate, char **key);

#endif
