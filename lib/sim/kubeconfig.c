// The kubeconfig that reaches a sim. Neighbours: sim.c knows address, certificate and token.
#include <openssl/evp.h>
#include <stdlib.h>

#include <csched/base/memory.h>

#include "sim_internal.h"

static void write_base64(struct cs_buffer *out, const char *text)
{
	size_t size = strlen(text);
	char *to = cs_buffer_reserve(out, (size + 2) / 3 * 4 + 1);
	if (to)
		out->size += (size_t)EVP_EncodeBlock((unsigned char *)to,
						     (const unsigned char *)text, (int)size);
}

void cs_sim_kubeconfig(const struct cs_sim *sim, struct cs_buffer *out)
{
	(void)cs_buffer_printf(out,
			       "apiVersion: v1\n"
			       "kind: Config\n"
			       "clusters:\n"
			       "- name: kubesim\n"
			       "  cluster:\n"
			       "    server: %s\n",
			       sim->url);
	if (sim->tls.certificate) {
		(void)cs_buffer_append_string(out, "    certificate-authority-data: ");
		write_base64(out, sim->tls.certificate);
		(void)cs_buffer_append_char(out, '\n');
	}
	(void)cs_buffer_append_string(out, "users:\n"
					   "- name: kubesim\n"
					   "  user:");
	if (sim->token)
		(void)cs_buffer_printf(out, "\n    token: \"%s\"\n", sim->token);
	else
		(void)cs_buffer_append_string(out, " {}\n");
	(void)cs_buffer_append_string(out, "contexts:\n"
					   "- name: kubesim\n"
					   "  context:\n"
					   "    cluster: kubesim\n"
					   "    user: kubesim\n"
					   "    namespace: default\n"
					   "current-context: kubesim\n");
}
