// Documents of a manifest as a flat array of objects, each with its kind and line.
// Neighbours: base's value.h reads the YAML; sim's loader and simulate decode the objects.
#include <csched/kube/manifest.h>

#include <csched/base/memory.h>
#include <errno.h>
#include <stdio.h>

#define WHERE_SIZE 128 // bytes of "items[3].items[4]: " with the NUL

struct reader {
	const char *file_name;
	struct cs_manifest *manifest;
	size_t capacity;
	int line; // of the document at hand
	struct cs_error *err;
};

static int fail(const struct reader *reader, const char *where, const char *problem)
{
	char line[32] = "";
	if (reader->line > 0)
		snprintf(line, sizeof(line), "line %d: ", reader->line);
	return cs_error_set(reader->err, -EINVAL, "%s: %s%s%s", reader->file_name, line, where,
			    problem);
}

// As fail, with the object's kind and name as far as it has them.
static int fail_object(const struct reader *reader, const char *where, struct json_object *tree,
		       const char *problem)
{
	const char *kind = cs_value_string_at(tree, "kind");
	const char *name = cs_value_string_at(tree, "metadata.name");
	CS_AUTO_FREE char *words =
		cs_asprintf("%s%s%s%s%s%s", kind ? kind : "object", name ? " \"" : "",
			    name ? name : "", name ? "\"" : "", ": ", problem);
	return fail(reader, where, words);
}

static void append(struct reader *reader, struct cs_manifest_object object)
{
	struct cs_manifest *manifest = reader->manifest;
	if (manifest->count == reader->capacity) {
		reader->capacity = reader->capacity ? 2 * reader->capacity : 16;
		manifest->objects = cs_realloc_array(manifest->objects, reader->capacity,
						     sizeof(*manifest->objects));
	}
	manifest->objects[manifest->count++] = object;
}

// "PodList" -> "Pod"; empty for "List", whose items say themselves what they are.
static struct cs_slice item_kind(const char *list_kind)
{
	struct cs_slice kind = cs_slice_of(list_kind);
	kind.size -= strlen("List");
	return kind;
}

static bool is_list(const char *kind, struct json_object *tree)
{
	size_t size = strlen(kind);
	if (size < 4 || strcmp(kind + size - 4, "List") != 0)
		return false;
	return size == 4 || json_object_object_get_ex(tree, "items", NULL);
}

// Items of a PodList need not repeat what they are.
static void complete_item(struct json_object *item, const char *api_version, struct cs_slice kind)
{
	if (!json_object_is_type(item, json_type_object) || kind.size == 0)
		return;
	if (!json_object_object_get_ex(item, "kind", NULL))
		json_object_object_add(item, "kind",
				       json_object_new_string_len(kind.data, (int)kind.size));
	if (!json_object_object_get_ex(item, "apiVersion", NULL))
		json_object_object_add(item, "apiVersion", json_object_new_string(api_version));
}

static int read_object(struct reader *reader, struct json_object *tree, const char *where);

static int read_list(struct reader *reader, struct json_object *tree, const char *where)
{
	const char *api_version = cs_value_string_at(tree, "apiVersion");
	struct json_object *items = cs_value_at(tree, "items");
	if (items && !json_object_is_type(items, json_type_array))
		return fail_object(reader, where, tree, "items: must be a list");
	size_t n = items ? json_object_array_length(items) : 0;
	for (size_t i = 0; i < n; i++) {
		struct json_object *item = json_object_array_get_idx(items, i);
		char item_where[WHERE_SIZE];
		int prefix = (int)strlen(where) - (*where ? 2 : 0); // without its ": "
		snprintf(item_where, sizeof(item_where), "%.*s%sitems[%zu]: ", prefix, where,
			 *where ? "." : "", i);
		complete_item(item, api_version, item_kind(cs_value_string_at(tree, "kind")));
		int r = read_object(reader, item, item_where);
		if (r < 0)
			return r;
	}
	return 0;
}

static int read_object(struct reader *reader, struct json_object *tree, const char *where)
{
	static const char *const needed[] = { "apiVersion", "kind" };
	if (!json_object_is_type(tree, json_type_object))
		return fail(reader, where, "must be an object");
	for (size_t i = 0; i < CS_ARRAY_LENGTH(needed); i++) {
		struct json_object *value = cs_value_at(tree, needed[i]);
		char problem[64];
		const char *words = value ? "must be a string" : "is missing";
		snprintf(problem, sizeof(problem), "%s %s", needed[i], words);
		if (!value || !json_object_is_type(value, json_type_string))
			return fail_object(reader, where, tree, problem);
	}
	struct cs_manifest_object object = {
		.tree = tree,
		.api_version = cs_value_string_at(tree, "apiVersion"),
		.kind = cs_value_string_at(tree, "kind"),
		.line = reader->line,
	};
	if (is_list(object.kind, tree))
		return read_list(reader, tree, where);
	append(reader, object);
	return 0;
}

int cs_manifest_read(const char *file_name, struct cs_slice text, struct cs_manifest *ret,
		     struct cs_error *err)
{
	struct cs_manifest manifest = { 0 };
	struct reader reader = { .file_name = file_name, .manifest = &manifest, .err = err };
	int r = cs_value_read_yaml(text, &manifest.documents, err);
	if (r < 0) {
		cs_error_prefix(err, "%s", file_name);
		return r;
	}
	size_t n = json_object_array_length(manifest.documents);
	for (size_t i = 0; i < n && r == 0; i++) {
		struct json_object *document = json_object_array_get_idx(manifest.documents, i);
		reader.line = cs_value_line(document);
		r = read_object(&reader, document, "");
	}
	if (r < 0)
		cs_manifest_finish(&manifest);
	else
		*ret = manifest;
	return r;
}

void cs_manifest_finish(struct cs_manifest *manifest)
{
	json_object_put(manifest->documents);
	free(manifest->objects);
	*manifest = (struct cs_manifest){ 0 };
}
