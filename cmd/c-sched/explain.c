// `c-sched explain`: one GET to the running scheduler's /explain, printed as tables or as it came.
// Neighbours: lib/client performs the request; lib/daemon/explain.c prints.
#include "explain.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <csched/base/flags.h>
#include <csched/base/memory.h>
#include <csched/base/value.h>
#include <csched/client/transport.h>
#include <csched/daemon/explain.h>

enum {
	EXIT_ANSWERED = 0,
	EXIT_NO_ANSWER = 1, // nobody answered, or nothing is known of the pod
	EXIT_BAD_USAGE = 2,
};

enum output { OUTPUT_TABLE, OUTPUT_JSON };
enum color { COLOR_AUTO, COLOR_ALWAYS, COLOR_NEVER };

#define ANSWER_MAX (16u << 20)
#define TEXT_MAX   (1u << 20)
#define TIMEOUT    (10 * CS_SECOND)

struct settings {
	bool help;
	const char *server;
	const char *ca_file;
	const char *certificate_file;
	const char *key_file;
	const char *token_file;
	const char *server_name;
	bool insecure;
	const char *node;
	int output;
	int color;
	struct cs_flags_result flags;
};

#define IN(member) offsetof(struct settings, member)
#define TEXT_FLAG(flag, member, shown, words)                                        \
	{                                                                            \
		.name = (flag), .section = general, .value = (shown), .initial = "", \
		.type = CS_FLAG_STRING, .offset = IN(member), .help = (words)        \
	}

static const char general[] = "Flags";

static const struct cs_flag table[] = {
	{ .name = "server",
	  .section = general,
	  .value = "URL",
	  .initial = "https://127.0.0.1:10259",
	  .type = CS_FLAG_STRING,
	  .offset = IN(server),
	  .help = "Where c-sched serves HTTPS." },
	TEXT_FLAG("certificate-authority", ca_file, "FILE",
		  "The CA of its certificate. Without it a server on this machine (127.0.0.1, ::1, "
		  "localhost) is not verified, and gets no credentials."),
	TEXT_FLAG("tls-server-name", server_name, "NAME", "The name in its certificate."),
	TEXT_FLAG("token-file", token_file, "FILE", "A bearer token to send."),
	TEXT_FLAG("client-certificate", certificate_file, "FILE", "A client certificate to show."),
	TEXT_FLAG("client-key", key_file, "FILE", "Its key."),
	{ .name = "insecure-skip-tls-verify",
	  .section = general,
	  .initial = "false",
	  .type = CS_FLAG_BOOL,
	  .offset = IN(insecure),
	  .help = "Do not verify the certificate." },
	TEXT_FLAG("node", node, "NAME",
		  "Tell of this node in particular: why it is rejected, or how each of its "
		  "scores comes about now, with the numbers."),
	{ .name = "output",
	  .letter = 'o',
	  .section = general,
	  .initial = "table",
	  .choices = "table|json", // in the order of enum output
	  .type = CS_FLAG_CHOICE,
	  .offset = IN(output),
	  .help = "Tables for people, or the answer as it came." },
	{ .name = "color",
	  .section = general,
	  .initial = "auto",
	  .choices = "auto|always|never", // in the order of enum color
	  .type = CS_FLAG_CHOICE,
	  .offset = IN(color),
	  .help = "Scores as a heat map; auto: on a terminal, unless NO_COLOR is set." },
	CS_FLAG_HELP(general, IN(help)),
	{ 0 },
};

static const char usage[] =
	"c-sched explain asks a running c-sched why a pod is where it is.\n"
	"\n"
	"Usage:\n"
	"  c-sched explain NAMESPACE/NAME [flags]\n"
	"\n"
	"It prints the last decisions about the pod, with the scores of the best nodes plugin by\n"
	"plugin and what separated the first two; for a pod that waits also what would be decided\n"
	"now, and which nodes are rejected for what.\n";

static const char epilogue[] =
	"\n"
	"Exit status: 0 an answer was printed; 1 nobody answered, or nothing is known of the pod; "
	"2 the\n"
	"command line is wrong.\n";

static int fail(int status, const char *words)
{
	fprintf(stderr, "c-sched explain: %s\n", words);
	return status;
}

// ---- whom to ask ----

static bool is_here(const char *server)
{
	static const char *const hosts[] = { "https://127.0.0.1", "https://localhost",
					     "https://[::1]" };
	for (size_t i = 0; i < CS_ARRAY_LENGTH(hosts); i++) {
		size_t size = strlen(hosts[i]);
		if (strncmp(server, hosts[i], size) == 0 && strchr(":/", server[size]))
			return true;
	}
	return false;
}

static char *given(const char *value)
{
	return *value ? (char *)(uintptr_t)value : NULL;
}

static int make_endpoint(const struct settings *settings, struct cs_endpoint *ret,
			 struct cs_error *err)
{
	bool unverified = !settings->insecure && !*settings->ca_file && is_here(settings->server);
	if (strncmp(settings->server, "https://", 8) != 0)
		return cs_error_set(err, -EINVAL, "--server must begin with https://");
	if ((*settings->certificate_file == '\0') != (*settings->key_file == '\0'))
		return cs_error_set(err, -EINVAL,
				    "--client-certificate and --client-key need each other");
	if (unverified && (*settings->token_file || *settings->certificate_file))
		return cs_error_set(err, -EINVAL,
				    "credentials are sent to a verified server alone: give "
				    "--certificate-authority, or --insecure-skip-tls-verify");
	*ret = (struct cs_endpoint){
		.server = given(settings->server),
		.tls_server_name = given(settings->server_name),
		// "": not by a proxy, whatever the environment says
		.proxy_url = is_here(settings->server) ? (char *)(uintptr_t) "" : NULL,
		.insecure = settings->insecure || unverified,
		.ca_file = given(settings->ca_file),
		.certificate_file = given(settings->certificate_file),
		.key_file = given(settings->key_file),
		.token_file = given(settings->token_file),
	};
	return 0;
}

// ---- asking ----

struct asking {
	bool done;
	int status;
	struct cs_buffer body;
	struct cs_error err;
};

static void on_done(void *user, struct cs_time now, const struct cs_response *response)
{
	struct asking *asking = user;
	(void)now;
	asking->done = true;
	asking->status = response->status;
	cs_buffer_append(&asking->body, response->body.data, response->body.size);
	if (response->error)
		cs_error_set(&asking->err, response->error, "%s", response->message);
}

static void append_escaped(struct cs_buffer *out, const char *s)
{
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;
		if (c == '/' || c == '-' || c == '.' || (c >= '0' && c <= '9') ||
		    (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'))
			cs_buffer_append_char(out, *s);
		else
			cs_buffer_printf(out, "%%%02X", c);
	}
}

static void run(struct cs_transport *transport, struct cs_credentials *credentials,
		const struct settings *settings, struct asking *asking)
{
	static const struct cs_handler handler = { .done = on_done };
	const struct cs_clock clock = cs_clock_system();
	CS_AUTO_BUFFER struct cs_buffer path;
	cs_buffer_init(&path, TEXT_MAX);
	cs_buffer_append_string(&path, "/explain?pod=");
	append_escaped(&path, settings->flags.rest[0]);
	if (*settings->node) {
		cs_buffer_append_string(&path, "&node=");
		append_escaped(&path, settings->node);
	}
	cs_credentials_turn(credentials, cs_clock_now(&clock));
	cs_transport_start(transport, &(struct cs_request){
					      .method = CS_METHOD_GET,
					      .path = path.data,
					      .accept = "application/json",
					      .timeout = TIMEOUT,
					      .body_max = ANSWER_MAX,
					      .handler = &handler,
					      .user = asking,
				      });
	while (!asking->done) {
		transport->ops->turn(transport, cs_clock_now(&clock));
		if (!asking->done)
			transport->ops->wait(transport, CS_SECOND);
	}
}

static int ask(const struct settings *settings, struct asking *asking, struct cs_error *err)
{
	struct cs_endpoint endpoint;
	int r = make_endpoint(settings, &endpoint, err);
	if (r < 0)
		return r;
	struct cs_credentials *credentials = cs_credentials_create(&endpoint, NULL, NULL, err);
	if (!credentials)
		return -EINVAL;
	struct cs_transport *transport = cs_transport_curl_create(
		&(struct cs_transport_curl_options){
			.endpoint = &endpoint,
			.credentials = credentials,
			.user_agent = "c-sched-explain/" CSCHED_VERSION,
		},
		err);
	if (transport) {
		run(transport, credentials, settings, asking);
		transport->ops->destroy(transport);
	}
	cs_credentials_destroy(credentials);
	return transport ? 0 : -EINVAL;
}

// ---- printing ----

static bool wants_color(const struct settings *settings)
{
	const char *no_color = getenv("NO_COLOR");
	if (settings->color == COLOR_AUTO)
		return isatty(STDOUT_FILENO) && !(no_color && *no_color);
	return settings->color == COLOR_ALWAYS;
}

static int print_answer(const struct settings *settings, const struct asking *asking)
{
	CS_AUTO_BUFFER struct cs_buffer out;
	CS_AUTO_VALUE struct json_object *answer = NULL;
	struct cs_slice text = { asking->body.data, asking->body.size };
	struct cs_error err;
	cs_buffer_init(&out, TEXT_MAX);
	if (settings->output == OUTPUT_JSON) {
		puts(asking->body.data);
		return EXIT_ANSWERED;
	}
	if (cs_value_read_json(text, &answer, &err) < 0)
		return fail(EXIT_NO_ANSWER, "the answer is no JSON: is that server a c-sched?");
	cs_explain_print(answer,
			 &(struct cs_explain_options){
				 .color = wants_color(settings),
				 .node = *settings->node ? settings->node : NULL,
			 },
			 &out);
	fputs(out.data, stdout);
	return EXIT_ANSWERED;
}

static int conclude(const struct settings *settings, struct asking *asking)
{
	CS_AUTO_FREE char *words = NULL;
	if (asking->err.code || !asking->status) {
		words = cs_asprintf("%s: %s", settings->server, asking->err.text);
		return fail(EXIT_NO_ANSWER, words);
	}
	if (asking->status == 200)
		return print_answer(settings, asking);
	char *end = asking->body.size ? asking->body.data + asking->body.size : NULL;
	while (end && end > asking->body.data && end[-1] == '\n')
		*--end = '\0';
	words = cs_asprintf("%s (status %d)", asking->body.size ? asking->body.data : "no words",
			    asking->status);
	return fail(EXIT_NO_ANSWER, words);
}

static bool names_a_pod(const char *text)
{
	const char *slash = strchr(text, '/');
	return slash && slash > text && slash[1] && !strchr(slash + 1, '/');
}

static int parse(const char **argv, struct settings *ret, struct cs_error *err)
{
	int r = cs_flags_parse(table, argv, ret, &ret->flags, err);
	if (r < 0 || ret->help)
		return r;
	if (ret->flags.n_rest != 1 || !names_a_pod(ret->flags.rest[0]))
		return cs_error_set(err, -EINVAL, "one argument is needed: NAMESPACE/NAME");
	return 0;
}

int explain_main(const char **argv)
{
	struct settings settings = { 0 };
	struct cs_error err = { 0 };
	struct asking asking = { 0 };
	if (parse(argv, &settings, &err) < 0) {
		fprintf(stderr, "c-sched explain: %s\nSee 'c-sched explain --help'.\n", err.text);
		return EXIT_BAD_USAGE;
	}
	if (settings.help) {
		cs_flags_help(usage, table, epilogue, stdout);
		return EXIT_ANSWERED;
	}
	signal(SIGPIPE, SIG_IGN); // OpenSSL may raise it
	cs_buffer_init(&asking.body, ANSWER_MAX);
	int status = ask(&settings, &asking, &err) < 0 ? fail(EXIT_BAD_USAGE, err.text)
						       : conclude(&settings, &asking);
	cs_buffer_finish(&asking.body);
	return status;
}
