// KubeSchedulerConfiguration files from any text: every error has words, and what is taken prints
// as a configuration that reads without a warning and prints the same. Neighbours: the effective
// suite.
#include <string.h>

#include <csched/base/memory.h>
#include <csched/framework/config.h>
#include <csched/plugins/list.h>

#include "fuzz.h"

#define PRINTED_MAX (64u << 20)

static char *print(const struct cs_config *config)
{
	struct cs_buffer out;
	cs_buffer_init(&out, PRINTED_MAX);
	REQUIRE(cs_config_print(config, &out) == 0);
	return cs_buffer_take(&out);
}

static void check_again(const struct cs_config *config)
{
	CS_AUTO_FREE char *once = print(config);
	CS_AUTO_ERRORS struct cs_errors errors = { 0 };
	struct cs_config *again = NULL;
	REQUIRE(cs_config_read_all(cs_slice_of(once), cs_plugins, &again, &errors) == 0);
	CS_AUTO_FREE char *twice = print(again);
	REQUIRE(strcmp(once, twice) == 0);
	cs_config_destroy(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CS_AUTO_ERRORS struct cs_errors errors = { 0 };
	struct cs_slice text = { size ? (const char *)data : "", size };
	struct cs_config *config = NULL;
	int r = cs_config_read_all(text, cs_plugins, &config, &errors);
	REQUIRE((r < 0) == (errors.count > 0) && (r < 0) == (config == NULL));
	for (uint32_t i = 0; i < errors.count; i++)
		REQUIRE(errors.list[i][0]);
	if (r == 0)
		check_again(config);
	cs_config_destroy(config);
	return 0;
}
