// Credentials kept fresh: token, CA, certificate and key files, exec plugins.
// Neighbours: exec_plugin.c runs the plugin; transport_curl.c turns this and sends what it shows.
#include <csched/base/file.h>
#include <csched/client/credentials.h>

#include <errno.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <string.h>

#include <csched/base/memory.h>

#include "exec_plugin.h"

#define EXEC_RETRY_MIN   (1 * CS_SECOND)
#define EXEC_RETRY_MAX   (60 * CS_SECOND)
#define EXEC_MIN_AGE     (5 * CS_SECOND)       // a younger credential is not renewed on 401
#define EXEC_POLL_PERIOD (20 * CS_MILLISECOND) // between the end of its output and its exit

struct cs_credentials {
	const struct cs_endpoint *endpoint;
	cs_credentials_notice_f notice;
	void *user;
	char *authorization;
	char *ca;
	char *certificate;
	char *key;
	uint64_t token_version;
	uint64_t tls_version;
	int64_t token_due; // boot ns; INT64_MAX = never
	int64_t tls_due;
	bool use_exec;
	bool exec_ready; // it has answered at least once, and no 401 has come since
	struct cs_exec_run run;
	int64_t exec_due;      // of the next run
	int64_t exec_answered; // boot ns
	int64_t exec_retry;    // back-off
	int64_t exec_poll_due; // while it runs
};

static void tell(const struct cs_credentials *c, const struct cs_error *err)
{
	if (c->notice)
		c->notice(c->user, err->text);
}

// ---- PEM ----

static int check_ca(const char *pem, const char *name, struct cs_error *err)
{
	BIO *bio = BIO_new_mem_buf(pem, -1);
	X509 *x = PEM_read_bio_X509_AUX(bio, NULL, NULL, NULL);
	BIO_free(bio);
	if (!x)
		return cs_error_set(err, -EINVAL, "%s: no certificate in PEM form in it", name);
	X509_free(x);
	return 0;
}

static int no_password(char *buffer, int size, int for_writing, void *user)
{
	(void)buffer, (void)size, (void)for_writing, (void)user;
	return 0;
}

static int check_pair(const char *certificate, const char *key, const char *name,
		      struct cs_error *err)
{
	BIO *certificate_bio = BIO_new_mem_buf(certificate, -1);
	BIO *key_bio = BIO_new_mem_buf(key, -1);
	X509 *x = PEM_read_bio_X509_AUX(certificate_bio, NULL, NULL, NULL);
	EVP_PKEY *k = PEM_read_bio_PrivateKey(key_bio, NULL, no_password, NULL);
	int r = 0;
	if (!x)
		r = cs_error_set(err, -EINVAL,
				 "%s: client certificate: not a certificate in PEM form", name);
	else if (!k)
		r = cs_error_set(err, -EINVAL, "%s: client key: not a private key in PEM form",
				 name);
	else if (X509_check_private_key(x, k) != 1)
		r = cs_error_set(err, -EINVAL, "%s: client certificate and key do not match", name);
	X509_free(x);
	EVP_PKEY_free(k);
	BIO_free(certificate_bio);
	BIO_free(key_bio);
	return r;
}

// ---- setting what changed ----

static bool replace(char **slot, char *value)
{
	bool changed = !*slot != !value || (value && strcmp(*slot, value) != 0);
	cs_secret_free(*slot);
	*slot = value;
	return changed;
}

static void set_authorization(struct cs_credentials *c, char *value)
{
	if (replace(&c->authorization, value))
		c->token_version++;
}

static void set_pair(struct cs_credentials *c, char *certificate, char *key)
{
	bool changed = replace(&c->certificate, certificate);
	if (replace(&c->key, key) || changed)
		c->tls_version++;
}

// ---- files ----

// A copy of the inline data, or the file's text; NULL when neither is configured.
static int read_pem(const char *data, const char *file, char **ret, struct cs_error *err)
{
	size_t size;
	*ret = NULL;
	if (data) {
		*ret = cs_strdup(data);
		return 0;
	}
	return file ? cs_file_read(file, CS_PEM_FILE_MAX, ret, &size, err) : 0;
}

static int load_ca(struct cs_credentials *c, struct cs_error *err)
{
	const struct cs_endpoint *e = c->endpoint;
	char *ca;
	int r = read_pem(e->ca_data, e->ca_file, &ca, err);
	if (r == 0 && ca)
		r = check_ca(ca, e->ca_data ? e->source : e->ca_file, err);
	if (r < 0) {
		free(ca);
		return cs_error_prefix(err, "CA certificate");
	}
	if (ca && replace(&c->ca, ca))
		c->tls_version++;
	return 0;
}

static int load_pair(struct cs_credentials *c, struct cs_error *err)
{
	const struct cs_endpoint *e = c->endpoint;
	char *certificate = NULL, *key = NULL;
	int r = read_pem(e->certificate_data, e->certificate_file, &certificate, err);
	if (r < 0)
		return cs_error_prefix(err, "client certificate");
	r = read_pem(e->key_data, e->key_file, &key, err);
	if (r < 0)
		cs_error_prefix(err, "client key");
	else if (certificate)
		r = check_pair(certificate, key,
			       e->certificate_data ? e->source : e->certificate_file, err);
	if (r == 0 && certificate) {
		set_pair(c, certificate, key);
	} else {
		free(certificate);
		cs_secret_free(key);
	}
	return r;
}

// Cuts white space off both ends, in place.
static char *trim(char *s)
{
	static const char space[] = " \t\r\n";
	s += strspn(s, space);
	size_t n = strlen(s);
	while (n > 0 && strchr(space, s[n - 1]))
		n--;
	s[n] = '\0';
	return s;
}

static int check_token(const char *token, const char *name, struct cs_error *err)
{
	if (!*token)
		return cs_error_set(err, -EINVAL, "%s: the token is empty", name);
	for (const char *p = token; *p; p++)
		if ((unsigned char)*p <= 0x20 || *p == 0x7f)
			return cs_error_set(err, -EINVAL,
					    "%s: the token contains white space or a control "
					    "character",
					    name);
	return 0;
}

static void set_basic(struct cs_credentials *c, const char *username, const char *password)
{
	char *plain = cs_asprintf("%s:%s", username ? username : "", password ? password : "");
	size_t size = strlen(plain);
	char *value = cs_alloc(sizeof("Basic ") + size / 3 * 4 + 8);
	memcpy(value, "Basic ", 6);
	EVP_EncodeBlock((unsigned char *)value + 6, (unsigned char *)plain, (int)size);
	cs_secret_free(plain);
	set_authorization(c, value);
}

static const char *secret_file(const struct cs_credentials *c)
{
	return c->endpoint->token_file ? c->endpoint->token_file : c->endpoint->password_file;
}

static int load_secret_file(struct cs_credentials *c, struct cs_error *err)
{
	bool is_token = c->endpoint->token_file;
	char *text;
	size_t size;
	int r = cs_file_read(secret_file(c), CS_PEM_FILE_MAX, &text, &size, err);
	if (r < 0)
		return cs_error_prefix(err, is_token ? "token" : "password");
	char *secret = trim(text);
	if (is_token)
		r = check_token(secret, c->endpoint->token_file, err);
	if (r == 0 && is_token)
		set_authorization(c, cs_asprintf("Bearer %s", secret));
	else if (r == 0)
		set_basic(c, c->endpoint->username, secret);
	explicit_bzero(text, size);
	free(text);
	return r;
}

static int load_static(struct cs_credentials *c, struct cs_error *err)
{
	const struct cs_endpoint *e = c->endpoint;
	if (e->token) {
		int r = check_token(e->token, e->source, err);
		if (r < 0)
			return r;
		set_authorization(c, cs_asprintf("Bearer %s", e->token));
	} else if ((e->username || e->password) && !e->password_file) {
		set_basic(c, e->username, e->password);
	}
	return 0;
}

static int load_token(struct cs_credentials *c, struct cs_error *err)
{
	struct cs_error problem;
	int r = load_static(c, err);
	if (r < 0 || !secret_file(c))
		return r;
	r = load_secret_file(c, &problem);
	if (r == 0)
		return 0;
	if (!c->authorization)
		return cs_error_set(err, r, "%s", problem.text);
	tell(c, &problem); // the token beside it serves until the file can be read
	return 0;
}

// ---- exec plugin ----

static void exec_failed(struct cs_credentials *c, struct cs_time now, const struct cs_error *err)
{
	tell(c, err);
	c->exec_due = now.boot + c->exec_retry;
	c->exec_retry = c->exec_retry * 2 < EXEC_RETRY_MAX ? c->exec_retry * 2 : EXEC_RETRY_MAX;
}

static void exec_start(struct cs_credentials *c, struct cs_time now)
{
	struct cs_error err;
	if (c->run.pid == 0 && cs_exec_run_start(&c->run, c->endpoint, c->ca, now, &err) < 0)
		exec_failed(c, now, &err);
}

// When to ask again: a little before it expires, but of a short life half is used.
static int64_t exec_renewal(struct cs_time now, int64_t expires)
{
	if (expires == 0)
		return INT64_MAX;
	int64_t life = expires - now.wall;
	int64_t leeway =
		life / 2 < CS_CREDENTIALS_EXEC_LEEWAY ? life / 2 : CS_CREDENTIALS_EXEC_LEEWAY;
	int64_t wait = life - leeway > EXEC_RETRY_MIN ? life - leeway : EXEC_RETRY_MIN;
	return now.boot + wait;
}

static int exec_accept(struct cs_credentials *c, struct cs_exec_result *result,
		       struct cs_error *err)
{
	int r = 0;
	if (result->token)
		r = check_token(result->token, c->endpoint->source, err);
	if (r == 0 && result->certificate)
		r = check_pair(result->certificate, result->key, c->endpoint->source, err);
	if (r < 0)
		return r;
	set_authorization(c, result->token ? cs_asprintf("Bearer %s", result->token) : NULL);
	set_pair(c, CS_TAKE(result->certificate), CS_TAKE(result->key));
	return 0;
}

static void exec_poll(struct cs_credentials *c, struct cs_time now)
{
	struct cs_exec_result result;
	struct cs_error err;
	int r = cs_exec_run_poll(&c->run, c->endpoint, now, &result, &err);
	if (r == 0)
		return;
	if (r > 0) {
		r = exec_accept(c, &result, &err);
		if (r == 0) {
			c->exec_ready = true;
			c->exec_answered = now.boot;
			c->exec_retry = EXEC_RETRY_MIN;
			c->exec_due = exec_renewal(now, result.expires);
		}
		cs_exec_result_finish(&result);
	}
	if (r < 0)
		exec_failed(c, now, &err);
}

// ---- public ----

static int load_all(struct cs_credentials *c, struct cs_error *err)
{
	int r = load_ca(c, err);
	if (r == 0)
		r = load_pair(c, err);
	if (r == 0)
		r = load_token(c, err);
	return r;
}

struct cs_credentials *cs_credentials_create(const struct cs_endpoint *endpoint,
					     cs_credentials_notice_f notice, void *user,
					     struct cs_error *err)
{
	struct cs_credentials *c = cs_alloc(sizeof(*c));
	*c = (struct cs_credentials){
		.endpoint = endpoint,
		.notice = notice,
		.user = user,
		.token_due = INT64_MAX,
		.tls_due = INT64_MAX,
		.exec_due = INT64_MIN,
		.exec_retry = EXEC_RETRY_MIN,
		.run.fd = -1,
	};
	if (load_all(c, err) < 0) {
		cs_credentials_destroy(c);
		return NULL;
	}
	if (secret_file(c))
		c->token_due = INT64_MIN; // the first turn, which has a clock, sets it
	if (endpoint->ca_file || endpoint->certificate_file || endpoint->key_file)
		c->tls_due = INT64_MIN;
	// As upstream: who has a token, a password or a certificate needs no plugin.
	c->use_exec = endpoint->exec && !c->authorization && !c->certificate;
	return c;
}

void cs_credentials_destroy(struct cs_credentials *c)
{
	if (!c)
		return;
	cs_exec_run_stop(&c->run);
	cs_secret_free(c->authorization);
	cs_secret_free(c->key);
	free(c->certificate);
	free(c->ca);
	free(c);
}

static void turn_token(struct cs_credentials *c, struct cs_time now)
{
	struct cs_error err;
	if (now.boot < c->token_due)
		return;
	if (c->token_due != INT64_MIN && load_secret_file(c, &err) < 0)
		tell(c, &err);
	c->token_due = now.boot + CS_CREDENTIALS_TOKEN_PERIOD;
}

static void turn_tls(struct cs_credentials *c, struct cs_time now)
{
	struct cs_error err;
	if (now.boot < c->tls_due)
		return;
	if (c->tls_due != INT64_MIN) {
		if (load_ca(c, &err) < 0)
			tell(c, &err);
		if (load_pair(c, &err) < 0)
			tell(c, &err);
	}
	c->tls_due = now.boot + CS_CREDENTIALS_CERT_PERIOD;
}

void cs_credentials_turn(struct cs_credentials *c, struct cs_time now)
{
	turn_token(c, now);
	turn_tls(c, now);
	if (!c->use_exec)
		return;
	if (c->run.pid == 0 && now.boot >= c->exec_due)
		exec_start(c, now);
	if (c->run.pid != 0)
		exec_poll(c, now);
	// Its output wakes us; what comes after the output does not.
	c->exec_poll_due = c->run.fd < 0 ? now.boot + EXEC_POLL_PERIOD
					 : c->run.started + CS_CREDENTIALS_EXEC_MAX;
}

struct cs_credentials_view cs_credentials_view(const struct cs_credentials *c)
{
	return (struct cs_credentials_view){
		.ready = !c->use_exec || c->exec_ready,
		.authorization = c->authorization,
		.ca = c->ca,
		.certificate = c->certificate,
		.key = c->key,
		.token_version = c->token_version,
		.tls_version = c->tls_version,
	};
}

static int64_t min64(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

int64_t cs_credentials_deadline(const struct cs_credentials *c)
{
	int64_t due = min64(c->token_due, c->tls_due);
	if (!c->use_exec)
		return due;
	return min64(due, c->run.pid == 0 ? c->exec_due : c->exec_poll_due);
}

int cs_credentials_fd(const struct cs_credentials *c)
{
	return c->run.pid != 0 ? c->run.fd : -1;
}

static bool reject_exec(struct cs_credentials *c, struct cs_time now)
{
	if (c->run.pid != 0)
		return true;
	if (now.boot - c->exec_answered < EXEC_MIN_AGE)
		return false;
	c->exec_ready = false;
	exec_start(c, now);
	return c->run.pid != 0;
}

bool cs_credentials_rejected(struct cs_credentials *c, uint64_t version, struct cs_time now)
{
	struct cs_error err;
	if (version != c->token_version)
		return true;
	if (c->use_exec)
		return reject_exec(c, now);
	if (!secret_file(c))
		return false;
	if (load_secret_file(c, &err) < 0)
		tell(c, &err);
	return version != c->token_version;
}
