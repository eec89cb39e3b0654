// Lines as klog writes them, each in one write(2).
// Neighbours: buffer.c, json_writer.c. The formats are klog v2's text and component-base's JSON.
#include <csched/base/log.h>

#include <csched/base/json_writer.h>
#include <csched/base/utf8.h>
#include <errno.h>
#include <time.h>
#include <unistd.h>

#define LINE_MAX ((size_t)16384) // with the newline
#define TEXT_MAX ((size_t)2048)  // of one message or value, before escapes

// `s` as far as it may be shown, cut between characters.
static struct cs_slice clip(const char *s)
{
	struct cs_slice text = cs_slice_of(s);
	if (text.size <= TEXT_MAX)
		return text;
	text.size = TEXT_MAX;
	while (text.size > 0 && ((unsigned char)text.data[text.size] & 0xC0) == 0x80)
		text.size--;
	return text;
}

// ---- text ----

static void quote_byte(struct cs_buffer *out, unsigned char c)
{
	static const char letters[128] = {
		['\a'] = 'a', ['\b'] = 'b', ['\f'] = 'f', ['\n'] = 'n', ['\r'] = 'r',
		['\t'] = 't', ['\v'] = 'v', ['"'] = '"',  ['\\'] = '\\'
	};
	if (c < sizeof(letters) && letters[c])
		cs_buffer_append(out, (char[]){ '\\', letters[c] }, 2);
	else if (c < 0x20 || c >= 0x7F)
		cs_buffer_printf(out, "\\x%02x", c);
	else
		cs_buffer_append_char(out, (char)c);
}

// As Go's %q, but that it shows every valid character beyond ASCII.
static void quote(struct cs_buffer *out, struct cs_slice s)
{
	cs_buffer_append_char(out, '"');
	for (size_t at = 0; at < s.size;) {
		size_t length = cs_utf8_sequence(s.data + at, s.size - at);
		if (length > 1)
			cs_buffer_append(out, s.data + at, length);
		else
			quote_byte(out, (unsigned char)s.data[at]);
		at += length ? length : 1;
	}
	cs_buffer_append_char(out, '"');
}

static void write_text_head(struct cs_buffer *out, const struct cs_log_site *site, int64_t wall,
			    const char *message)
{
	static const char letters[] = {
		[CS_LOG_INFO] = 'I', [CS_LOG_WARNING] = 'W', [CS_LOG_ERROR] = 'E'
	};
	time_t seconds = (time_t)(wall / CS_SECOND);
	struct tm local = { 0 };
	localtime_r(&seconds, &local);
	cs_buffer_printf(out, "%c%02d%02d %02d:%02d:%02d.%06d %7d %s:%d] ", letters[site->severity],
			 local.tm_mon + 1, local.tm_mday, local.tm_hour, local.tm_min, local.tm_sec,
			 (int)(wall % CS_SECOND / CS_MICROSECOND), (int)getpid(), site->file,
			 site->line);
	quote(out, clip(message));
}

static void write_text_field(struct cs_buffer *out, const struct cs_log_field *field)
{
	cs_buffer_printf(out, " %s=", field->key);
	if (field->is_number)
		cs_buffer_printf(out, "%lld", (long long)field->number);
	else
		quote(out, clip(field->text));
}

// ---- JSON ----

static void write_json_head(struct cs_json_writer *json, const struct cs_log_site *site,
			    int64_t wall, const char *message)
{
	cs_json_object_begin(json);
	cs_json_key(json, "ts"); // milliseconds
	cs_buffer_printf(json->out, "%lld.%06d", (long long)(wall / CS_MILLISECOND),
			 (int)(wall % CS_MILLISECOND));
	json->after_key = false;
	cs_json_key(json, "caller");
	cs_buffer_printf(json->out, "\"%s:%d\"", site->file, site->line);
	json->after_key = false;
	cs_json_key(json, "msg");
	cs_json_slice(json, clip(message));
	if (site->severity != CS_LOG_ERROR) // upstream's errors are known by having no level
		cs_json_member_int(json, "v", site->level);
}

static void write_json_field(struct cs_json_writer *json, const struct cs_log_field *field)
{
	cs_json_key(json, field->key);
	if (field->is_number)
		cs_json_int(json, field->number);
	else
		cs_json_slice(json, clip(field->text));
}

// ---- both ----

// Writes the field, or nothing where the line would become too long.
static void write_field(const struct cs_log *log, struct cs_json_writer *json,
			const struct cs_log_field *field)
{
	struct cs_json_writer before = *json;
	size_t size = json->out->size;
	if (log->format == CS_LOG_JSON)
		write_json_field(json, field);
	else
		write_text_field(json->out, field);
	if (json->out->overflow) {
		*json = before;
		json->out->size = size;
		json->out->overflow = false;
	}
}

static void write_line(int fd, struct cs_slice line)
{
	while (write(fd, line.data, line.size) < 0 && errno == EINTR)
		;
}

void cs_log_write(const struct cs_log *log, struct cs_log_site site, const char *message,
		  const struct cs_log_field *fields)
{
	CS_AUTO_BUFFER struct cs_buffer out;
	struct cs_json_writer json;
	int64_t wall = cs_clock_now(&log->clock).wall;
	cs_buffer_init(&out, LINE_MAX - 2); // a brace and the newline always fit
	cs_json_init(&json, &out);
	if (log->format == CS_LOG_JSON)
		write_json_head(&json, &site, wall, message);
	else
		write_text_head(&out, &site, wall, message);
	for (; fields && fields->key; fields++)
		write_field(log, &json, fields);
	out.max = LINE_MAX;
	if (log->format == CS_LOG_JSON)
		cs_json_object_end(&json);
	cs_buffer_append_char(&out, '\n');
	write_line(log->fd, cs_buffer_slice(&out));
}
