// Building a response before it is sent. Neighbours: exchange.c sends it.
#include <csched/http/server.h>

#include <stdarg.h>
#include <stdio.h>

#include <csched/base/memory.h>

void cs_http_response_init(struct cs_http_response *response)
{
	*response = (struct cs_http_response){ .status = 200 };
	cs_buffer_init(&response->body, CS_HTTP_BODY_MAX);
	cs_buffer_init(&response->held, CS_HTTP_BODY_MAX);
}

void cs_http_response_finish(struct cs_http_response *response)
{
	for (size_t i = 0; i < response->n_headers; i++)
		free(response->headers[i].value);
	response->n_headers = 0;
	cs_buffer_finish(&response->body);
	cs_splices_finish(&response->splices);
	cs_buffer_finish(&response->held);
}

void cs_http_response_header(struct cs_http_response *response, const char *name, const char *value)
{
	if (response->n_headers == CS_HTTP_EXTRA_HEADERS)
		return;
	response->headers[response->n_headers++] =
		(struct cs_http_header){ .name = name, .value = cs_strdup(value) };
}

void cs_http_response_text(struct cs_http_response *response, int status, const char *format, ...)
{
	char text[CS_ERROR_TEXT_MAX];
	va_list args;
	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	response->status = status;
	response->content_type = "text/plain; charset=utf-8";
	cs_buffer_clear(&response->body);
	cs_splices_finish(&response->splices);
	cs_buffer_finish(&response->held);
	(void)cs_buffer_append_string(&response->body, text);
	(void)cs_buffer_append_char(&response->body, '\n');
}
