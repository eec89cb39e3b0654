// Reads the configuration file, and says what is in force or what is wrong.
// Neighbours: framework/config.h reads the text; main.c.
#include "config_file.h"

#include <stdio.h>

#include <csched/base/file.h>
#include <csched/base/memory.h>
#include <csched/plugins/list.h>

#include "options.h"

#define CONFIG_FILE_MAX (1u << 20)
#define EFFECTIVE_MAX   (16u << 20)

int config_file_read(const char *file, struct cs_config **ret)
{
	CS_AUTO_FREE char *text = NULL;
	CS_AUTO_ERRORS struct cs_errors errors = { 0 };
	struct cs_error err;
	size_t size = 0;
	if (*file && cs_file_read(file, CONFIG_FILE_MAX, &text, &size, &err) < 0) {
		fprintf(stderr, "c-sched: %s\n", err.text);
		return EXIT_FAILED;
	}
	if (cs_config_read_all((struct cs_slice){ .data = text, .size = size }, cs_plugins, ret,
			       &errors) == 0)
		return 0;
	for (uint32_t i = 0; i < errors.count; i++)
		fprintf(stderr, "c-sched: %s: %s\n", file, errors.list[i]);
	return EXIT_FAILED;
}

int config_file_check(const char *file)
{
	struct cs_config *config = NULL;
	CS_AUTO_BUFFER struct cs_buffer out;
	int status = config_file_read(file, &config);
	if (status)
		return status;
	for (uint32_t i = 0; i < config->n_warnings; i++)
		fprintf(stderr, "warning: %s\n", config->warnings[i]);
	cs_buffer_init(&out, EFFECTIVE_MAX);
	int r = cs_config_print(config, &out);
	cs_config_destroy(config);
	if (r < 0 || fputs(out.data, stdout) == EOF || fflush(stdout) == EOF) {
		fprintf(stderr, "c-sched: cannot write the configuration\n");
		return EXIT_FAILED;
	}
	return EXIT_ENDED;
}

void config_file_help(void)
{
	fputs("\n"
	      "Arguments of plugins, in the file's profiles[].pluginConfig[].args:\n",
	      stdout);
	for (const struct cs_plugin *const *plugin = cs_plugins; *plugin; plugin++) {
		const struct cs_argument *argument = (*plugin)->arguments;
		for (; argument && argument->name; argument++)
			printf("  %s %s: %s\n        %s\n", (*plugin)->name, argument->name,
			       argument->type, argument->help);
	}
}
