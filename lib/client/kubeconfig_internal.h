// What the files of kubeconfig share: an entry of a kubeconfig file, and the endpoint it makes.
// Neighbours: kubeconfig.c has the files, kubeconfig_entry.c the values of an entry,
// kubeconfig_endpoint.c what clusters and users say.
#ifndef CLIENT_KUBECONFIG_INTERNAL_H
#define CLIENT_KUBECONFIG_INTERNAL_H

#include <csched/base/value.h>
#include <csched/client/kubeconfig.h>

#define WHERE_SIZE 512

struct file {
	const char *name;
	struct json_object *documents;
	struct json_object *root; // borrowed from documents; NULL for an empty file
};

// The body of clusters[x].cluster and so on, with words for messages and the file's name.
struct entry {
	struct json_object *body; // NULL: left out, as if empty
	const struct file *file;
	char where[WHERE_SIZE];
};

// A NULL-terminated list under construction.
struct strings {
	char **items;
	size_t count;
};

// cs_kubeconfig_load of one text, which stands for a file of that name (relative paths, messages).
int cs_kubeconfig_parse(const char *file_name, struct cs_slice text, struct cs_endpoint *ret,
			struct cs_error *err);

void strings_add(struct strings *strings, char *item); // which it then owns
void strings_free(char **items);                       // NULL is fine; overwrites them first

// ---- values: those that read return 0, or -EINVAL in words that do not show the value ----

// Cut when it gets too long: it is only read by people.
__attribute__((format(printf, 2, 3))) void entry_set_where(struct entry *entry, const char *format,
							   ...);
// NULL where `object` is none, or has none.
struct json_object *entry_member(struct json_object *object, const char *key);
bool entry_has_control(const char *s);
// The string at entry.key: NULL when absent or empty.
int entry_string(const struct entry *entry, const char *key, const char **ret,
		 struct cs_error *err);
// *ret stays when absent.
int entry_flag(const struct entry *entry, const char *key, bool *ret, struct cs_error *err);
// PEM from base64; *ret stays when absent.
int entry_data(const struct entry *entry, const char *key, char **ret, struct cs_error *err);
// Relative paths are relative to the folder of the file they stand in. free() it.
char *entry_resolve_path(const struct entry *entry, const char *path);
// Checks that entry.key is a list that is not too long; *ret is NULL when absent.
int entry_list(const struct entry *entry, const char *key, struct json_object **ret,
	       struct cs_error *err);
// Adds prefix + element for each string of the list at entry.key.
int entry_strings(const struct entry *entry, const char *key, const char *prefix,
		  struct strings *out, struct cs_error *err);

// ---- endpoints: 0 or -EINVAL; what was read until then stays in the endpoint ----

int endpoint_read_cluster(const struct entry *cluster, struct cs_endpoint *endpoint,
			  struct cs_error *err);
int endpoint_read_user(const struct entry *user, struct cs_endpoint *endpoint,
		       struct cs_error *err);
// What an exec plugin may be told about its cluster: the text of its extension.
int endpoint_read_exec_cluster(const struct entry *cluster, struct cs_endpoint *endpoint,
			       struct cs_error *err);
// Checks the server's URL and brings it to scheme://host[:port][/path] without a '/' at the end.
// Without a scheme it is https where anything about TLS is configured, as upstream.
int endpoint_normalise_server(struct cs_endpoint *endpoint, const char *where,
			      struct cs_error *err);
// Over plain http nothing that proves who we are is sent, as upstream.
void endpoint_drop_unsafe(struct cs_endpoint *endpoint);

#endif
