// A certificate authority for tests, with OpenSSL. Neighbours: authority.h.
#include "authority.h"

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>

#include <csched/base/memory.h>

struct authority {
	EVP_PKEY *key;
	X509 *certificate;
	char *pem;
};

// Tests cannot go on without a certificate.
static void must(bool good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "making a certificate: %s\n", what);
	abort();
}

static void extend(X509 *certificate, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX context;
	X509V3_set_ctx_nodb(&context);
	X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
	X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
	must(extension && X509_add_ext(certificate, extension, -1) == 1, value);
	X509_EXTENSION_free(extension);
}

static void add_name(X509_NAME *name, const char *kind, const char *text)
{
	must(X509_NAME_add_entry_by_txt(name, kind, MBSTRING_UTF8, (const unsigned char *)text, -1,
					-1, 0) == 1,
	     text);
}

static X509 *begin(EVP_PKEY *key, const struct issued *what)
{
	static long serial = 1;
	X509 *certificate = X509_new();
	must(certificate && X509_set_version(certificate, 2) == 1, "version");
	ASN1_INTEGER_set(X509_get_serialNumber(certificate), serial++);
	X509_gmtime_adj(X509_getm_notBefore(certificate), what->begins);
	X509_gmtime_adj(X509_getm_notAfter(certificate), what->ends);
	must(X509_set_pubkey(certificate, key) == 1, "key");
	add_name(X509_get_subject_name(certificate), "CN", what->common_name);
	if (what->organization)
		add_name(X509_get_subject_name(certificate), "O", what->organization);
	return certificate;
}

static char *text_of(BIO *bio)
{
	char *data;
	long size = BIO_get_mem_data(bio, &data);
	char *text = cs_strndup(data, (size_t)size);
	BIO_free(bio);
	return text;
}

static char *certificate_text(X509 *certificate)
{
	BIO *bio = BIO_new(BIO_s_mem());
	must(PEM_write_bio_X509(bio, certificate) == 1, "PEM");
	return text_of(bio);
}

struct authority *authority_create(const char *common_name)
{
	struct authority *authority = cs_alloc(sizeof(*authority));
	authority->key = EVP_EC_gen("P-256");
	must(authority->key, "key");
	X509 *certificate = begin(
		authority->key,
		&(struct issued){ .common_name = common_name, .begins = -3600, .ends = 3600 });
	X509_set_issuer_name(certificate, X509_get_subject_name(certificate));
	extend(certificate, certificate, NID_basic_constraints, "critical,CA:TRUE");
	extend(certificate, certificate, NID_key_usage, "critical,keyCertSign");
	extend(certificate, certificate, NID_subject_key_identifier, "hash");
	must(X509_sign(certificate, authority->key, EVP_sha256()) > 0, "signature");
	authority->certificate = certificate;
	authority->pem = certificate_text(certificate);
	return authority;
}

void authority_destroy(struct authority *authority)
{
	EVP_PKEY_free(authority->key);
	X509_free(authority->certificate);
	free(authority->pem);
	free(authority);
}

const char *authority_certificate(const struct authority *authority)
{
	return authority->pem;
}

void authority_issue(const struct authority *authority, const struct issued *what,
		     struct cs_http_tls *ret)
{
	EVP_PKEY *key = what->rsa_bits ? EVP_RSA_gen(what->rsa_bits) : EVP_EC_gen("P-256");
	X509 *certificate = begin(key, what);
	X509_set_issuer_name(certificate, X509_get_subject_name(authority->certificate));
	extend(certificate, authority->certificate, NID_authority_key_identifier, "keyid");
	if (what->names)
		extend(certificate, authority->certificate, NID_subject_alt_name, what->names);
	if (what->usage)
		extend(certificate, authority->certificate, NID_ext_key_usage, what->usage);
	must(X509_sign(certificate, authority->key, EVP_sha256()) > 0, "signature");
	BIO *bio = BIO_new(BIO_s_mem());
	must(PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) == 1, "key");
	ret->key = text_of(bio);
	ret->certificate = certificate_text(certificate);
	X509_free(certificate);
	EVP_PKEY_free(key);
}
