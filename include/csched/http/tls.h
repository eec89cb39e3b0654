// Certificates in memory: read from files or made on the spot. Neighbours: OpenSSL inside;
// server.h serves with them.
#ifndef CSCHED_HTTP_TLS_H
#define CSCHED_HTTP_TLS_H

#include <stddef.h>

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

#endif
