// kubeconfig files from any text: an endpoint that holds together, or an error in words.
// Neighbours: fuzz_manifest.c reads YAML for other purposes.
#include <string.h>

#include "client/kubeconfig_internal.h"
#include "fuzz.h"

// What ends up in an HTTP header must not be able to end it.
static void require_one_line(const char *s)
{
	for (; s && *s; s++)
		REQUIRE((unsigned char)*s >= 0x20 && *s != 0x7f);
}

static void check(const struct cs_endpoint *endpoint)
{
	REQUIRE(endpoint->server && endpoint->source);
	REQUIRE(cs_string_prefix(endpoint->server, "https://") ||
		cs_string_prefix(endpoint->server, "http://"));
	REQUIRE(endpoint->server[strlen(endpoint->server) - 1] != '/');
	REQUIRE(!(endpoint->ca_data && endpoint->ca_file));
	REQUIRE(!(endpoint->insecure && (endpoint->ca_data || endpoint->ca_file)));
	if (cs_string_prefix(endpoint->server, "http://"))
		REQUIRE(!endpoint->token && !endpoint->password && !endpoint->exec);
	REQUIRE(!endpoint->exec || (endpoint->exec->command && endpoint->exec->api_version));
	require_one_line(endpoint->token);
	for (char **header = endpoint->headers; header && *header; header++)
		require_one_line(*header);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cs_endpoint endpoint;
	struct cs_error err = { 0 };
	struct cs_slice text = { (const char *)data, size };
	int r = cs_kubeconfig_parse("dir/config", text, &endpoint, &err);
	if (r < 0) {
		REQUIRE(r == err.code && err.text[0] && !endpoint.server);
		return 0;
	}
	check(&endpoint);
	cs_endpoint_finish(&endpoint);
	return 0;
}
