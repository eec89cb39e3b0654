// Certificates in memory, read or self-signed. Neighbours: OpenSSL; server.c hands the texts on.
#include <csched/base/file.h>
#include <csched/http/tls.h>

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <csched/base/buffer.h>
#include <csched/base/memory.h>

#define PEM_FILE_MAX     (1u << 20)
#define VALIDITY_SECONDS (365L * 24 * 3600)
#define BACKDATE_SECONDS 3600L // for clients whose clock is behind

static void put_key(EVP_PKEY **key)
{
	EVP_PKEY_free(*key);
}

static void put_certificate(X509 **certificate)
{
	X509_free(*certificate);
}

static void put_bio(BIO **bio)
{
	BIO_free_all(*bio);
}

#define AUTO_KEY         __attribute__((cleanup(put_key)))
#define AUTO_CERTIFICATE __attribute__((cleanup(put_certificate)))
#define AUTO_BIO         __attribute__((cleanup(put_bio)))

static int fail(struct cs_error *err, const char *what)
{
	const char *reason = ERR_reason_error_string(ERR_get_error());
	ERR_clear_error();
	return cs_error_set(err, -EINVAL, "%s: %s", what, reason ? reason : "OpenSSL refuses");
}

static int not_pem(struct cs_error *err, const char *file, const char *what)
{
	ERR_clear_error();
	return cs_error_set(err, -EINVAL, "%s: no %s in PEM form in it", file, what);
}

static char *bio_text(BIO *bio)
{
	char *data;
	long size = BIO_get_mem_data(bio, &data);
	return cs_strndup(data, size > 0 ? (size_t)size : 0);
}

static bool add_extension(X509 *certificate, int nid, const char *value)
{
	X509V3_CTX context;
	X509V3_set_ctx_nodb(&context);
	X509V3_set_ctx(&context, certificate, certificate, NULL, NULL, 0);
	X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
	bool added = extension && X509_add_ext(certificate, extension, -1) == 1;
	X509_EXTENSION_free(extension);
	return added;
}

// "DNS:localhost,IP:127.0.0.1"
static bool add_names(X509 *certificate, const char *const *names, size_t n_names)
{
	if (n_names == 0)
		return true;
	CS_AUTO_BUFFER struct cs_buffer list;
	cs_buffer_init(&list, 64u << 10);
	for (size_t i = 0; i < n_names; i++) {
		unsigned char ip[16];
		bool is_ip = inet_pton(AF_INET, names[i], ip) == 1 ||
			     inet_pton(AF_INET6, names[i], ip) == 1;
		// A comma or a newline would begin another name.
		if (names[i][strcspn(names[i], ",\n\r")])
			return false;
		(void)cs_buffer_printf(&list, "%s%s:%s", i ? "," : "", is_ip ? "IP" : "DNS",
				       names[i]);
	}
	return !list.overflow && add_extension(certificate, NID_subject_alt_name, list.data);
}

static bool fill_certificate(X509 *certificate, EVP_PKEY *key, const char *common_name)
{
	// 63 random bits: positive, and not the same twice for the same name.
	uint64_t serial;
	if (RAND_bytes((unsigned char *)&serial, sizeof(serial)) != 1)
		return false;
	X509_NAME *name = X509_get_subject_name(certificate);
	return X509_set_version(certificate, 2) == 1 &&
	       ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate), serial >> 1 | 1) == 1 &&
	       X509_gmtime_adj(X509_getm_notBefore(certificate), -BACKDATE_SECONDS) &&
	       X509_gmtime_adj(X509_getm_notAfter(certificate), VALIDITY_SECONDS) &&
	       X509_set_pubkey(certificate, key) == 1 &&
	       X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
					  (const unsigned char *)common_name, -1, -1, 0) == 1 &&
	       X509_set_issuer_name(certificate, name) == 1 &&
	       add_extension(certificate, NID_basic_constraints, "critical,CA:TRUE") &&
	       add_extension(certificate, NID_key_usage, "critical,digitalSignature,keyCertSign") &&
	       add_extension(certificate, NID_ext_key_usage, "serverAuth") &&
	       add_extension(certificate, NID_subject_key_identifier, "hash");
}

int cs_http_tls_self_signed(const char *common_name, const char *const *names, size_t n_names,
			    struct cs_http_tls *ret, struct cs_error *err)
{
	AUTO_KEY EVP_PKEY *key = EVP_EC_gen("P-256");
	AUTO_CERTIFICATE X509 *certificate = X509_new();
	AUTO_BIO BIO *key_pem = BIO_new(BIO_s_mem());
	AUTO_BIO BIO *certificate_pem = BIO_new(BIO_s_mem());
	if (!key || !certificate || !key_pem || !certificate_pem ||
	    !fill_certificate(certificate, key, common_name) ||
	    !add_names(certificate, names, n_names) ||
	    X509_sign(certificate, key, EVP_sha256()) == 0 ||
	    PEM_write_bio_PrivateKey(key_pem, key, NULL, NULL, 0, NULL, NULL) != 1 ||
	    PEM_write_bio_X509(certificate_pem, certificate) != 1)
		return fail(err, "making a self-signed certificate");
	ret->certificate = bio_text(certificate_pem);
	ret->key = bio_text(key_pem);
	return 0;
}

static int check_pair(const char *certificate_file, const char *key_file,
		      const struct cs_http_tls *tls, struct cs_error *err)
{
	AUTO_BIO BIO *certificate_pem = BIO_new_mem_buf(tls->certificate, -1);
	AUTO_BIO BIO *key_pem = BIO_new_mem_buf(tls->key, -1);
	// An empty password instead of a question on the terminal.
	AUTO_KEY EVP_PKEY *key =
		key_pem ? PEM_read_bio_PrivateKey(key_pem, NULL, NULL, (void *)(uintptr_t) "")
			: NULL;
	if (!key)
		return not_pem(err, key_file, "private key without a password");
	AUTO_CERTIFICATE X509 *certificate =
		certificate_pem ? PEM_read_bio_X509(certificate_pem, NULL, NULL, NULL) : NULL;
	if (!certificate)
		return not_pem(err, certificate_file, "certificate");
	if (X509_check_private_key(certificate, key) == 1)
		return 0;
	ERR_clear_error();
	return cs_error_set(err, -EINVAL, "%s: not the key of the certificate in %s", key_file,
			    certificate_file);
}

int cs_http_tls_load(const char *certificate_file, const char *key_file, struct cs_http_tls *ret,
		     struct cs_error *err)
{
	struct cs_http_tls tls = { 0 };
	size_t size;
	int result = cs_file_read(certificate_file, PEM_FILE_MAX, &tls.certificate, &size, err);
	if (!result)
		result = cs_file_read(key_file, PEM_FILE_MAX, &tls.key, &size, err);
	if (!result)
		result = check_pair(certificate_file, key_file, &tls, err);
	if (result)
		cs_http_tls_finish(&tls);
	else
		*ret = tls;
	return result;
}

void cs_http_tls_finish(struct cs_http_tls *tls)
{
	if (tls->key)
		OPENSSL_cleanse(tls->key, strlen(tls->key));
	free(tls->key);
	free(tls->certificate);
	*tls = (struct cs_http_tls){ 0 };
}
