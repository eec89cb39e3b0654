// Certificates in use, read again when their files change; clients' certificates verified.
// Neighbours: GnuTLS below libmicrohttpd; tls.c reads and checks our own pair.
#include "keys.h"

#include <arpa/inet.h>
#include <errno.h>
#include <gnutls/x509.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <csched/base/clock.h>
#include <csched/base/file.h>
#include <csched/base/memory.h>

#define CA_FILE_MAX (4u << 20)
#define POLL_PERIOD CS_SECOND
// More names in a certificate than anybody has are not looked at.
#define NAMES_MAX     64
#define CHAIN_MAX     16
#define NAME_MAX_SIZE 1024
// Of clients' keys and those that sign them: no RSA of less than 1024 bits, as in Go. GnuTLS goes
// by it of itself only where it verifies a session.
#define STRENGTH GNUTLS_PROFILE_TO_VFLAGS(GNUTLS_PROFILE_LOW)

struct http_keyring {
	atomic_uint references;
	gnutls_certificate_credentials_t credentials; // names all CAs to clients
	gnutls_x509_trust_list_t cas[CS_HTTP_CAS];    // NULL = none
	bool asks;                                    // clients for a certificate
};

// What tells a file that was replaced or rewritten from one that was not.
struct stamp {
	dev_t device;
	ino_t inode;
	off_t size;
	struct timespec changed;
};

#define FILES 4

struct http_keys {
	pthread_mutex_t lock; // of the next three
	struct http_keyring *current;
	char *given[CS_HTTP_CAS]; // PEM of CAs that came in no file; NULL = none
	bool given_anew;          // since `current` was made
	struct cs_http_tls_files files;
	struct cs_http_tls pair; // the one in use
	struct stamp stamps[FILES];
	int64_t next_poll;
	bool failed; // the files could not be used: what hinders need not show in their stamps
	void (*reloaded)(void *user, const char *failure);
	void *user;
};

// ---- a keyring ----

void http_keyring_put(struct http_keyring *keyring)
{
	if (!keyring || atomic_fetch_sub(&keyring->references, 1) > 1)
		return;
	gnutls_certificate_free_credentials(keyring->credentials);
	for (size_t i = 0; i < CS_HTTP_CAS; i++)
		if (keyring->cas[i])
			gnutls_x509_trust_list_deinit(keyring->cas[i], 1);
	free(keyring);
}

static bool read_ca(const char *pem, gnutls_x509_trust_list_t *ret)
{
	gnutls_datum_t datum = { (unsigned char *)(uintptr_t)pem, (unsigned)strlen(pem) };
	return gnutls_x509_trust_list_init(ret, 0) == 0 &&
	       gnutls_x509_trust_list_add_trust_mem(*ret, &datum, NULL, GNUTLS_X509_FMT_PEM, 0, 0) >
		       0;
}

static int add_ca(struct http_keyring *keyring, enum cs_http_ca ca, const char *pem,
		  const char *file, struct cs_error *err)
{
	gnutls_datum_t datum = { (unsigned char *)(uintptr_t)pem, (unsigned)strlen(pem) };
	if (gnutls_certificate_set_x509_trust_mem(keyring->credentials, &datum,
						  GNUTLS_X509_FMT_PEM) <= 0 ||
	    !read_ca(pem, &keyring->cas[ca]))
		return cs_error_set(err, -EINVAL, "%s: no certificate in PEM form in it", file);
	keyring->asks = true;
	return 0;
}

// A CA comes from its file, where it has one, or is what was given.
static int add_cas(struct http_keyring *keyring, const struct cs_http_tls_files *files,
		   char *const given[CS_HTTP_CAS], struct cs_error *err)
{
	const char *const names[CS_HTTP_CAS] = {
		[CS_HTTP_CLIENT_CA] = files->client_ca, [CS_HTTP_PROXY_CA] = files->proxy_ca
	};
	int r = 0;
	for (enum cs_http_ca ca = 0; r == 0 && ca < CS_HTTP_CAS; ca++) {
		CS_AUTO_FREE char *read = NULL;
		size_t size;
		if (names[ca])
			r = cs_file_read(names[ca], CA_FILE_MAX, &read, &size, err);
		const char *pem = names[ca] ? read : given[ca];
		if (r == 0 && pem)
			r = add_ca(keyring, ca, pem, names[ca] ? names[ca] : "CA", err);
	}
	return r;
}

static int create_keyring(const struct cs_http_tls *pair, const struct cs_http_tls_files *files,
			  char *const given[CS_HTTP_CAS], struct http_keyring **ret,
			  struct cs_error *err)
{
	struct http_keyring *keyring = cs_alloc(sizeof(*keyring));
	atomic_store(&keyring->references, 1);
	gnutls_datum_t certificate = { (unsigned char *)pair->certificate,
				       (unsigned)strlen(pair->certificate) };
	gnutls_datum_t key = { (unsigned char *)pair->key, (unsigned)strlen(pair->key) };
	int r = gnutls_certificate_allocate_credentials(&keyring->credentials);
	if (r < 0) {
		free(keyring);
		return cs_error_set(err, -ENOMEM, "certificates: %s", gnutls_strerror(r));
	}
	r = gnutls_certificate_set_x509_key_mem(keyring->credentials, &certificate, &key,
						GNUTLS_X509_FMT_PEM);
	if (r < 0)
		r = cs_error_set(err, -EINVAL, "the certificate to serve with: %s",
				 gnutls_strerror(r));
	else
		r = add_cas(keyring, files, given, err);
	if (r < 0)
		http_keyring_put(keyring);
	else
		*ret = keyring;
	return r;
}

// ---- the files ----

static void take_stamps(const struct cs_http_tls_files *files, struct stamp *ret)
{
	const char *const names[FILES] = { files->certificate, files->key, files->client_ca,
					   files->proxy_ca };
	for (size_t i = 0; i < FILES; i++) {
		struct stat status;
		ret[i] = (struct stamp){ 0 };
		if (names[i] && stat(names[i], &status) == 0)
			ret[i] = (struct stamp){ status.st_dev, status.st_ino, status.st_size,
						 status.st_mtim };
	}
}

static bool same_stamps(const struct stamp *a, const struct stamp *b)
{
	for (size_t i = 0; i < FILES; i++)
		if (a[i].device != b[i].device || a[i].inode != b[i].inode ||
		    a[i].size != b[i].size || a[i].changed.tv_sec != b[i].changed.tv_sec ||
		    a[i].changed.tv_nsec != b[i].changed.tv_nsec)
			return false;
	return true;
}

// All or nothing. The files' stamps are taken before they are read: what changes meanwhile is seen
// the next time.
static int load(struct http_keys *keys, struct cs_error *err)
{
	struct cs_http_tls pair = { 0 };
	struct http_keyring *keyring = NULL;
	char *given[CS_HTTP_CAS];
	pthread_mutex_lock(&keys->lock);
	keys->given_anew = false;
	for (size_t i = 0; i < CS_HTTP_CAS; i++)
		given[i] = keys->given[i] ? cs_strdup(keys->given[i]) : NULL;
	pthread_mutex_unlock(&keys->lock);
	int r = keys->files.certificate
			? cs_http_tls_load(keys->files.certificate, keys->files.key, &pair, err)
			: 0;
	if (r == 0)
		r = create_keyring(keys->files.certificate ? &pair : &keys->pair, &keys->files,
				   given, &keyring, err);
	for (size_t i = 0; i < CS_HTTP_CAS; i++)
		free(given[i]);
	if (r < 0) {
		cs_http_tls_finish(&pair);
		return r;
	}
	if (keys->files.certificate) {
		cs_http_tls_finish(&keys->pair);
		keys->pair = pair;
	}
	pthread_mutex_lock(&keys->lock);
	struct http_keyring *old = keys->current;
	keys->current = keyring;
	pthread_mutex_unlock(&keys->lock);
	http_keyring_put(old);
	return 0;
}

static bool is_given_anew(struct http_keys *keys)
{
	pthread_mutex_lock(&keys->lock);
	bool anew = keys->given_anew;
	pthread_mutex_unlock(&keys->lock);
	return anew;
}

void http_keys_poll(struct http_keys *keys, int64_t now)
{
	if (!keys || now < keys->next_poll)
		return;
	keys->next_poll = now + POLL_PERIOD;
	struct stamp stamps[FILES];
	take_stamps(&keys->files, stamps);
	bool same = same_stamps(stamps, keys->stamps) && !is_given_anew(keys);
	if (same && !keys->failed)
		return;
	memcpy(keys->stamps, stamps, sizeof(stamps));
	struct cs_error err;
	int r = load(keys, &err);
	keys->failed = r < 0;
	if (keys->reloaded && (!same || r == 0)) // one complaint per change
		keys->reloaded(keys->user, r < 0 ? err.text : NULL);
}

int http_keys_give(struct http_keys *keys, enum cs_http_ca ca, const char *pem,
		   struct cs_error *err)
{
	gnutls_x509_trust_list_t list = NULL;
	bool good = keys && read_ca(pem, &list);
	if (list)
		gnutls_x509_trust_list_deinit(list, 1);
	if (!good)
		return cs_error_set(err, -EINVAL, "no certificate in PEM form");
	pthread_mutex_lock(&keys->lock);
	if (!cs_string_equal(keys->given[ca], pem)) {
		free(keys->given[ca]);
		keys->given[ca] = cs_strdup(pem);
		keys->given_anew = true;
	}
	pthread_mutex_unlock(&keys->lock);
	return 0;
}

// ---- life ----

int http_keys_create(const struct cs_http_options *options, struct http_keys **ret,
		     struct cs_error *err)
{
	*ret = NULL;
	if (!options->tls && !options->files.certificate)
		return 0;
	struct http_keys *keys = cs_alloc(sizeof(*keys));
	pthread_mutex_init(&keys->lock, NULL);
	keys->files = options->files;
	keys->reloaded = options->reloaded;
	keys->user = options->reloaded_user;
	if (!options->files.certificate) {
		keys->pair.certificate = cs_strdup(options->tls->certificate);
		keys->pair.key = cs_strdup(options->tls->key);
	}
	take_stamps(&keys->files, keys->stamps);
	int r = load(keys, err);
	if (r < 0)
		http_keys_destroy(keys);
	else
		*ret = keys;
	return r;
}

void http_keys_destroy(struct http_keys *keys)
{
	if (!keys)
		return;
	http_keyring_put(keys->current);
	for (size_t i = 0; i < CS_HTTP_CAS; i++)
		free(keys->given[i]);
	cs_http_tls_finish(&keys->pair);
	pthread_mutex_destroy(&keys->lock);
	free(keys);
}

const struct cs_http_tls *http_keys_first(const struct http_keys *keys)
{
	return &keys->pair;
}

// libmicrohttpd has given the session the certificates it was started with.
struct http_keyring *http_keys_attach(struct http_keys *keys, gnutls_session_t session)
{
	pthread_mutex_lock(&keys->lock);
	struct http_keyring *keyring = keys->current;
	atomic_fetch_add(&keyring->references, 1);
	pthread_mutex_unlock(&keys->lock);
	(void)gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, keyring->credentials);
	// Only asked for: who shows none, or a bad one, is told so by HTTP, in words.
	gnutls_certificate_server_set_request(session, keyring->asks ? GNUTLS_CERT_REQUEST
								     : GNUTLS_CERT_IGNORE);
	return keyring;
}

// ---- who a client is ----

void http_identity_destroy(struct cs_http_identity *identity)
{
	if (!identity)
		return;
	for (size_t i = 0; i < identity->n_organizations; i++)
		free(identity->organizations[i]);
	for (size_t i = 0; i < identity->n_names; i++)
		free(identity->names[i]);
	free(identity->organizations);
	free(identity->names);
	free(identity->common_name);
	free(identity);
}

bool cs_http_identity_is(const struct cs_http_identity *identity, const char *name)
{
	if (!*name)
		return false;
	if (strcmp(identity->common_name, name) == 0)
		return true;
	for (size_t i = 0; i < identity->n_names; i++)
		if (strcmp(identity->names[i], name) == 0)
			return true;
	return false;
}

// A client's certificate, and those it came with.
struct chain {
	gnutls_x509_crt_t certificates[CHAIN_MAX];
	unsigned n;
};

static void put_chain(struct chain *chain)
{
	for (unsigned i = 0; i < chain->n; i++)
		gnutls_x509_crt_deinit(chain->certificates[i]);
}

static int read_chain(const gnutls_datum_t *der, unsigned n, struct chain *ret,
		      struct cs_error *err)
{
	for (; ret->n < n && ret->n < CHAIN_MAX; ret->n++) {
		gnutls_x509_crt_t *certificate = &ret->certificates[ret->n];
		if (gnutls_x509_crt_init(certificate) < 0)
			return cs_error_set(err, -EACCES, "out of memory");
		if (gnutls_x509_crt_import(*certificate, &der[ret->n], GNUTLS_X509_FMT_DER) == 0)
			continue;
		gnutls_x509_crt_deinit(*certificate);
		return cs_error_set(err, -EACCES, "the client certificate cannot be read");
	}
	return 0;
}

static bool verify(gnutls_x509_trust_list_t ca, struct chain *chain, struct cs_error *err)
{
	gnutls_typed_vdata_st purpose = {
		.type = GNUTLS_DT_KEY_PURPOSE_OID,
		.data = (unsigned char *)(uintptr_t)GNUTLS_KP_TLS_WWW_CLIENT
	};
	unsigned status = 0;
	if (!ca)
		return false;
	int r = gnutls_x509_trust_list_verify_crt2(ca, chain->certificates, chain->n, &purpose, 1,
						   STRENGTH, &status, NULL);
	if (r == 0 && status == 0)
		return true;
	gnutls_datum_t words = { 0 };
	if (r == 0)
		r = gnutls_certificate_verification_status_print(status, GNUTLS_CRT_X509, &words,
								 0);
	(void)cs_error_set(err, -EACCES, "the client certificate is not accepted: %s",
			   r == 0 ? (const char *)words.data : gnutls_strerror(r));
	gnutls_free(words.data);
	return false;
}

// GnuTLS gives text with RFC 4514's backslashes, and what it cannot decode as '#' and hex.
static bool unescape(char *text)
{
	char *to = text;
	if (*text == '#' || cs_string_prefix(text, "\\#"))
		return false;
	for (const char *from = text; *from; from++) {
		from += *from == '\\' && from[1];
		*to++ = *from;
	}
	*to = '\0';
	return true;
}

// The attribute of the subject at `index`, NULL behind the last. *odd: it is there, but too long or
// with a NUL in it, which would make two names of one.
static char *subject_part(gnutls_x509_crt_t certificate, const char *oid, unsigned index, bool *odd)
{
	char text[NAME_MAX_SIZE];
	size_t size = sizeof(text);
	int r = gnutls_x509_crt_get_dn_by_oid(certificate, oid, index, 0, text, &size);
	if (r == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE)
		return NULL;
	*odd |= r < 0 || strlen(text) != size || !unescape(text);
	return *odd ? NULL : cs_strdup(text);
}

// The alternative name at `index` as text, NULL for a kind without one and behind the last (*last).
static char *alternative_name(gnutls_x509_crt_t certificate, unsigned index, bool *last, bool *odd)
{
	char text[NAME_MAX_SIZE];
	char address[INET6_ADDRSTRLEN];
	size_t size = sizeof(text) - 1;
	int r = gnutls_x509_crt_get_subject_alt_name(certificate, index, text, &size, NULL);
	*last = r == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE;
	switch (r) {
	case GNUTLS_SAN_DNSNAME:
	case GNUTLS_SAN_RFC822NAME:
	case GNUTLS_SAN_URI:
		text[size] = '\0';
		*odd |= strlen(text) != size;
		return *odd ? NULL : cs_strndup(text, size);
	case GNUTLS_SAN_IPADDRESS:
		if ((size != 4 && size != 16) ||
		    !inet_ntop(size == 4 ? AF_INET : AF_INET6, text, address, sizeof(address)))
			return NULL;
		return cs_strdup(address);
	default:
		*odd |= r == GNUTLS_E_SHORT_MEMORY_BUFFER;
		return NULL;
	}
}

static int read_names(gnutls_x509_crt_t certificate, struct cs_http_identity *identity,
		      struct cs_error *err)
{
	bool odd = false, last = false;
	char *name = subject_part(certificate, GNUTLS_OID_X520_COMMON_NAME, 0, &odd);
	identity->common_name = name ? name : cs_strdup("");
	identity->organizations = cs_alloc_array(NAMES_MAX, sizeof(char *));
	identity->names = cs_alloc_array(NAMES_MAX, sizeof(char *));
	while (identity->n_organizations < NAMES_MAX &&
	       (name = subject_part(certificate, GNUTLS_OID_X520_ORGANIZATION_NAME,
				    (unsigned)identity->n_organizations, &odd)))
		identity->organizations[identity->n_organizations++] = name;
	for (unsigned i = 0; i < NAMES_MAX && !last; i++)
		if ((name = alternative_name(certificate, i, &last, &odd)))
			identity->names[identity->n_names++] = name;
	return odd ? cs_error_set(err, -EACCES,
				  "the client certificate is not accepted: its names are odd")
		   : 0;
}

int http_keyring_identify(const struct http_keyring *keyring, gnutls_session_t session,
			  struct cs_http_identity **ret, struct cs_error *err)
{
	unsigned count = 0;
	*ret = NULL;
	const gnutls_datum_t *chain =
		keyring->asks ? gnutls_certificate_get_peers(session, &count) : NULL;
	if (!chain || count == 0)
		return 0;
	struct cs_http_identity *identity = cs_alloc(sizeof(*identity));
	struct chain read = { .n = 0 };
	int r = read_chain(chain, count, &read, err);
	if (r == 0) {
		identity->proxy = verify(keyring->cas[CS_HTTP_PROXY_CA], &read, err);
		identity->client = verify(keyring->cas[CS_HTTP_CLIENT_CA], &read, err);
		r = identity->proxy || identity->client
			    ? read_names(read.certificates[0], identity, err)
			    : -EACCES;
	}
	if (r == 0)
		identity->expires =
			(int64_t)gnutls_x509_crt_get_expiration_time(read.certificates[0]);
	put_chain(&read);
	if (r < 0)
		http_identity_destroy(identity);
	else
		*ret = identity;
	return r;
}
