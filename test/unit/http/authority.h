// A certificate authority for tests. Neighbours: test_keys.c, and the integration tests' clients.
#ifndef TEST_AUTHORITY_H
#define TEST_AUTHORITY_H

#include <csched/http/tls.h>

struct authority;

struct authority *authority_create(const char *common_name);
void authority_destroy(struct authority *authority);
// PEM, borrowed.
const char *authority_certificate(const struct authority *authority);

struct issued {
	const char *common_name;
	const char *organization; // NULL = none
	const char *names; // as in OpenSSL's configuration, "DNS:a,IP:127.0.0.1"; NULL = none
	const char *usage; // "clientAuth"; NULL = for anything
	long begins, ends; // seconds from now
	unsigned rsa_bits; // 0 = a P-256 key
};
void authority_issue(const struct authority *authority, const struct issued *what,
		     struct cs_http_tls *ret);

#endif
