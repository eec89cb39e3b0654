// What TLS needs, for all connections and for one: our certificate, the clients' CA, who a client
// is. Neighbours: server.c gives it to connections; exchange.c asks who sent a request.
#ifndef HTTP_KEYS_H
#define HTTP_KEYS_H

#include <gnutls/gnutls.h>

#include <csched/http/server.h>

struct http_keys;    // the server's: the certificates in use, and the files they come from
struct http_keyring; // certificates as they were at one time; never changes

// NULL in *ret and 0 for a plain server. Errors name the file.
int http_keys_create(const struct cs_http_options *options, struct http_keys **ret,
		     struct cs_error *err);
void http_keys_destroy(struct http_keys *keys); // NULL is fine

// The certificate and key libmicrohttpd is started with.
const struct cs_http_tls *http_keys_first(const struct http_keys *keys);
// Reads the files again where they have changed, at most once a second. One thread calls it.
void http_keys_poll(struct http_keys *keys, int64_t now);

// See cs_http_server_trust. -EINVAL without TLS, too.
int http_keys_give(struct http_keys *keys, enum cs_http_ca ca, const char *pem,
		   struct cs_error *err);

// Makes a new session use the certificates of now; put the keyring back after the session's end.
struct http_keyring *http_keys_attach(struct http_keys *keys, gnutls_session_t session);
void http_keyring_put(struct http_keyring *keyring); // NULL is fine

// Who the client of a session is. 0: *ret (http_identity_destroy it) or NULL for nobody; -EACCES:
// it has shown a certificate that is not good, as `err` says.
int http_keyring_identify(const struct http_keyring *keyring, gnutls_session_t session,
			  struct cs_http_identity **ret, struct cs_error *err);
void http_identity_destroy(struct cs_http_identity *identity); // NULL is fine

#endif
