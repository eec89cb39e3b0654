// Where the API server is and who we are: kubeconfig files as kubectl reads them, or the pod's own
// service account. Neighbours: credentials.h keeps what is read here fresh; transport.h uses both.
#ifndef CSCHED_CLIENT_KUBECONFIG_H
#define CSCHED_CLIENT_KUBECONFIG_H

#include <stdbool.h>
#include <stddef.h>

#include <csched/base/error.h>
#include <csched/base/slice.h>

#define CS_KUBECONFIG_FILE_MAX (4u << 20) // bytes of one kubeconfig file
#define CS_PEM_FILE_MAX        (1u << 20) // bytes of one certificate, key or token file

// A program that prints a client.authentication.k8s.io/v1 or v1beta1 ExecCredential.
struct cs_exec_plugin {
	char *command;      // with a '/': a path, else looked up in $PATH
	char **arguments;   // NULL-terminated, without argv[0]
	char **environment; // "NAME=value", NULL-terminated, added to our own
	char *api_version;
	char *install_hint;   // words for the case that it is missing, or NULL
	bool provide_cluster; // put the cluster into KUBERNETES_EXEC_INFO
	char *cluster_config; // JSON the cluster entry has for it, or NULL
};

// One API server and our credentials for it. Strings are NULL when absent. Data fields hold PEM
// text, file fields absolute or cwd-relative paths; of each pair data wins over file, as upstream.
struct cs_endpoint {
	char *server; // "https://host:6443", perhaps with a path, no '/' at the end
	char *tls_server_name;
	char *proxy_url;
	bool insecure;    // no verification of the server's certificate
	bool no_compress; // do not ask for gzip
	char *ca_data;
	char *ca_file;
	char *certificate_data;
	char *certificate_file;
	char *key_data;
	char *key_file;
	char *token;
	char *token_file; // wins over token
	char *username;   // with password: HTTP basic
	char *password;
	char *password_file; // wins over password; not from kubeconfigs, which have none
	char **headers;      // "Impersonate-User: x" and the like, NULL-terminated, or NULL
	struct cs_exec_plugin *exec;
	char *source; // for messages: the file of the user entry, or "in-cluster"
};

// Where to look; zeroed fields are "not given".
struct cs_kubeconfig_sources {
	const char *file;         // --kubeconfig: must exist
	const char *list;         // $KUBECONFIG: colon-separated, missing files are skipped
	const char *server;       // --master: overrides the cluster's server
	const char *service_host; // $KUBERNETES_SERVICE_HOST and _PORT: set inside a pod
	const char *service_port;
	const char *service_account; // folder of token and ca.crt
};

// The sources of this process's environment; `file` and `server`: NULL and "" are "not given".
struct cs_kubeconfig_sources cs_kubeconfig_environment(const char *file, const char *server);

// Fills *ret from the first source that is given: file, list, server alone, in-cluster. Several
// files merge as upstream: the first file that sets a map key or a scalar wins. The current context
// decides. Errors name file and field, never a secret: -ENOENT for a missing file, -EINVAL for
// content, -ENODEV when there is no source at all. Over plain http no credentials are kept, as
// upstream. On success the caller ends with cs_endpoint_finish.
int cs_kubeconfig_load(const struct cs_kubeconfig_sources *sources, struct cs_endpoint *ret,
		       struct cs_error *err);

// Clears secrets from memory before freeing; zeroed is fine.
void cs_endpoint_finish(struct cs_endpoint *endpoint);

#endif
