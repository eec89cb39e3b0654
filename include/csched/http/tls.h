// Certificates: our own, read from files or made on the spot, and what a client's says.
// Neighbours: OpenSSL and GnuTLS inside; server.h serves with them.
#ifndef CSCHED_HTTP_TLS_H
#define CSCHED_HTTP_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <csched/base/error.h>

// PEM texts, each owned (malloc). The certificate may carry its chain behind it.
struct cs_http_tls {
	char *certificate;
	char *key;
};

// A new P-256 key with a certificate of its own signature, valid from an hour ago for a year. It is
// its own CA: clients that trust it accept the server. `names` are DNS names or IP addresses.
int cs_http_tls_self_signed(const char *common_name, const char *const *names, size_t n_names,
			    struct cs_http_tls *ret, struct cs_error *err);
// Reads two PEM files and makes sure that the key belongs to the certificate; errors name the file.
int cs_http_tls_load(const char *certificate_file, const char *key_file, struct cs_http_tls *ret,
		     struct cs_error *err);
void cs_http_tls_finish(struct cs_http_tls *tls);

// Who signs certificates of others.
enum cs_http_ca {
	CS_HTTP_CLIENT_CA, // clients': they are who their certificates say
	CS_HTTP_PROXY_CA,  // proxies': they speak for others
	CS_HTTP_CAS,
};

// PEM files a server keeps reading: each NULL for none; borrowed, they outlive the server.
struct cs_http_tls_files {
	const char *certificate; // with its chain
	const char *key;         // given together with the certificate
	const char *client_ca;   // who may sign clients' certificates; NULL = nobody
	const char *proxy_ca;    // who may sign those of proxies that speak for others
};

// Who the client is by its certificate: signed through one of the CAs, valid now, meant for
// clients.
struct cs_http_identity {
	bool client;       // signed through the client CA: it is who its names say
	bool proxy;        // signed through the proxy CA: it may say who asks
	char *common_name; // "" = none
	char **organizations;
	size_t n_organizations;
	char **names; // subject alternative names: DNS names, e-mail and IP addresses, URIs
	size_t n_names;
	int64_t expires; // Unix seconds: not accepted after it, also on a connection that is open
};

// Whether the common name or one of the alternative names is `name`, to the letter.
bool cs_http_identity_is(const struct cs_http_identity *identity, const char *name);

#endif
