// A temporary folder for tests that read files. Neighbours: files.h.
#include "files.h"

#include <check.h>
#include <ftw.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <csched/base/memory.h>

#define PATHS_MAX 64

static char folder[64];
static char *paths[PATHS_MAX];
static size_t n_paths;

void files_begin(void)
{
	snprintf(folder, sizeof(folder), "/tmp/c-sched-test-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	n_paths = 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

void files_end(void)
{
	ck_assert_int_eq(nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
	while (n_paths > 0)
		free(paths[--n_paths]);
}

const char *files_path(const char *name)
{
	size_t head = strlen(folder) + 1;
	for (size_t i = 0; i < n_paths; i++)
		if (strcmp(paths[i] + head, name) == 0)
			return paths[i];
	ck_assert_uint_lt(n_paths, PATHS_MAX);
	return paths[n_paths++] = cs_asprintf("%s/%s", folder, name);
}

void files_write(const char *name, const char *text)
{
	const char *path = files_path(name);
	const char *slash = strchr(name, '/');
	if (slash) {
		CS_AUTO_FREE char *inner =
			cs_asprintf("%s/%.*s", folder, (int)(slash - name), name);
		mkdir(inner, 0700);
	}
	FILE *file = fopen(path, "w");
	ck_assert_ptr_nonnull(file);
	fputs(text, file);
	ck_assert_int_eq(fclose(file), 0);
}

void files_write_script(const char *name, const char *text)
{
	files_write(name, text);
	ck_assert_int_eq(chmod(files_path(name), 0700), 0);
}

void files_remove(const char *name)
{
	ck_assert_int_eq(remove(files_path(name)), 0);
}

static char *pem_of(BIO *bio)
{
	char *data;
	long size = BIO_get_mem_data(bio, &data);
	char *text = cs_strndup(data, (size_t)size);
	BIO_free(bio);
	return text;
}

void files_make_certificate(const char *name, char **certificate, char **key)
{
	CS_AUTO_FREE char *names = cs_asprintf("DNS:%s", name);
	EVP_PKEY *pair = EVP_EC_gen("P-256");
	X509 *x = X509_new();
	X509_set_version(x, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
	X509_gmtime_adj(X509_getm_notBefore(x), -60);
	X509_gmtime_adj(X509_getm_notAfter(x), 3600);
	X509_set_pubkey(x, pair);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC,
				   (const unsigned char *)"test", -1, -1, 0);
	X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, names);
	ck_assert_ptr_nonnull(extension);
	X509_add_ext(x, extension, -1);
	X509_EXTENSION_free(extension);
	X509_set_issuer_name(x, X509_get_subject_name(x));
	ck_assert_int_gt(X509_sign(x, pair, EVP_sha256()), 0);
	BIO *out = BIO_new(BIO_s_mem());
	PEM_write_bio_X509(out, x);
	*certificate = pem_of(out);
	out = BIO_new(BIO_s_mem());
	PEM_write_bio_PrivateKey(out, pair, NULL, NULL, 0, NULL, NULL);
	*key = pem_of(out);
	X509_free(x);
	EVP_PKEY_free(pair);
}
