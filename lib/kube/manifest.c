// Documents of a manifest as a flat sequence of objects, each with its kind and line.
// Neighbours: base's value.h reads the YAML; sim's loader and simulate decode the objects.
#include <csched/kube/manifest.h>

#include <csched/base/memory.h>
#include <errno.h>
#include <stdio.h>

#define WHERE_SIZE 128 // bytes of "items[3].items[4]: " with the NUL

struct reader {
	const char *file_name;
	cs_manifest_f tell;
	void *user;
	size_t n_items; // of the document at hand, told before it was known
	bool failed;    // the words of the error say where
	struct cs_error *err;
};

// Where an object stands.
struct spot {
	const char *words; // "items[3]: ", "" for a document
	int line;          // 0 = unknown
};

static int fail(struct reader *reader, struct spot spot, const char *problem)
{
	char line[32] = "";
	if (spot.line > 0)
		snprintf(line, sizeof(line), "line %d: ", spot.line);
	reader->failed = true;
	return cs_error_set(reader->err, -EINVAL, "%s: %s%s%s", reader->file_name, line, spot.words,
			    problem);
}

// As fail, with the object's kind and name as far as it has them.
static int fail_object(struct reader *reader, struct spot spot, struct json_object *tree,
		       const char *problem)
{
	const char *kind = cs_value_string_at(tree, "kind");
	const char *name = cs_value_string_at(tree, "metadata.name");
	CS_AUTO_FREE char *words =
		cs_asprintf("%s%s%s%s%s%s", kind ? kind : "object", name ? " \"" : "",
			    name ? name : "", name ? "\"" : "", ": ", problem);
	return fail(reader, spot, words);
}

static bool ends_in_list(const char *kind)
{
	size_t size = strlen(kind);
	return size >= strlen("List") && strcmp(kind + size - strlen("List"), "List") == 0;
}

// "PodList" -> "Pod"; empty for "List" and other names, whose items say themselves what they are.
static struct cs_slice item_kind(const char *list_kind)
{
	struct cs_slice kind = cs_slice_of(list_kind);
	kind.size = ends_in_list(list_kind) ? kind.size - strlen("List") : 0;
	return kind;
}

static bool says_what_it_is(struct json_object *item)
{
	return cs_value_string_at(item, "apiVersion") && cs_value_string_at(item, "kind");
}

// The first of the items decides for a kind of another name, as where they are told one by one.
static bool is_list(const char *kind, struct json_object *tree)
{
	struct json_object *items;
	if (strcmp(kind, "List") == 0)
		return true;
	if (!json_object_object_get_ex(tree, "items", &items))
		return false;
	return ends_in_list(kind) || (json_object_is_type(items, json_type_array) &&
				      says_what_it_is(json_object_array_get_idx(items, 0)));
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

static int read_object(struct reader *reader, struct json_object *tree, struct spot spot);

// The first of the items, if it was told already, is not in the list any more: `n_before` such.
static int read_list(struct reader *reader, struct json_object *tree, struct spot spot,
		     size_t n_before)
{
	const char *api_version = cs_value_string_at(tree, "apiVersion");
	struct json_object *items = cs_value_at(tree, "items");
	if (items && !json_object_is_type(items, json_type_array))
		return fail_object(reader, spot, tree, "items: must be a list");
	size_t n = items ? json_object_array_length(items) : 0;
	int prefix = (int)strlen(spot.words) - (*spot.words ? 2 : 0); // without its ": "
	int r = 0;
	for (size_t i = 0; r == 0 && i < n; i++) {
		struct json_object *item = json_object_array_get_idx(items, i);
		char words[WHERE_SIZE];
		snprintf(words, sizeof(words), "%.*s%sitems[%zu]: ", prefix, spot.words,
			 *spot.words ? "." : "", n_before + i);
		complete_item(item, api_version, item_kind(cs_value_string_at(tree, "kind")));
		int line = cs_value_line(item);
		r = read_object(reader, item, (struct spot){ words, line ? line : spot.line });
	}
	return r;
}

static int tell(struct reader *reader, struct json_object *tree, int line)
{
	const struct cs_manifest_object object = {
		.tree = tree,
		.api_version = cs_value_string_at(tree, "apiVersion"),
		.kind = cs_value_string_at(tree, "kind"),
		.line = line,
	};
	int r = reader->tell(reader->user, &object, reader->err);
	reader->failed = r < 0;
	return r;
}

static int check_object(struct reader *reader, struct json_object *tree, struct spot spot)
{
	static const char *const needed[] = { "apiVersion", "kind" };
	if (!json_object_is_type(tree, json_type_object))
		return fail(reader, spot, "must be an object");
	for (size_t i = 0; i < CS_ARRAY_LENGTH(needed); i++) {
		struct json_object *value = cs_value_at(tree, needed[i]);
		char problem[64];
		const char *words = value ? "must be a string" : "is missing";
		snprintf(problem, sizeof(problem), "%s %s", needed[i], words);
		if (!value || !json_object_is_type(value, json_type_string))
			return fail_object(reader, spot, tree, problem);
	}
	return 0;
}

static int read_object(struct reader *reader, struct json_object *tree, struct spot spot)
{
	int r = check_object(reader, tree, spot);
	if (r < 0)
		return r;
	if (is_list(cs_value_string_at(tree, "kind"), tree))
		return read_list(reader, tree, spot, 0);
	return tell(reader, tree, spot.line);
}

// ---- as the text is read ----

// An item that says what it is needs nothing of its list, whose kind may stand behind it.
static int take_item(void *user, struct json_object *item, int line, struct cs_error *err)
{
	struct reader *reader = user;
	(void)err;
	if (!says_what_it_is(item))
		return 0;
	char words[WHERE_SIZE];
	snprintf(words, sizeof(words), "items[%zu]: ", reader->n_items);
	int r = read_object(reader, item, (struct spot){ words, line });
	reader->n_items++;
	return r < 0 ? r : 1;
}

static int read_document(void *user, struct json_object *document, int line, struct cs_error *err)
{
	struct reader *reader = user;
	struct spot spot = { "", line };
	size_t n_before = reader->n_items;
	(void)err;
	reader->n_items = 0;
	if (n_before == 0)
		return read_object(reader, document, spot);
	int r = check_object(reader, document, spot);
	return r < 0 ? r : read_list(reader, document, spot, n_before);
}

int cs_manifest_each(const char *file_name, struct cs_slice text, cs_manifest_f tell_object,
		     void *user, struct cs_error *err)
{
	static const struct cs_value_listener listener = { take_item, read_document };
	struct cs_error ignored;
	struct reader reader = {
		.file_name = file_name,
		.tell = tell_object,
		.user = user,
		.err = err ? err : &ignored,
	};
	int r = cs_value_read_stream(text, &listener, &reader, reader.err);
	if (r < 0 && !reader.failed)
		cs_error_prefix(reader.err, "%s", file_name);
	return r;
}

// ---- all at once ----

static int append(void *user, const struct cs_manifest_object *object, struct cs_error *err)
{
	struct cs_manifest *manifest = user;
	size_t n = manifest->count;
	(void)err;
	// Room for a power of two: grown when that is full.
	if ((n & (n - 1)) == 0)
		manifest->objects = cs_realloc_array(manifest->objects, n ? 2 * n : 1,
						     sizeof(*manifest->objects));
	manifest->objects[manifest->count++] = *object;
	json_object_get(object->tree);
	return 0;
}

int cs_manifest_read(const char *file_name, struct cs_slice text, struct cs_manifest *ret,
		     struct cs_error *err)
{
	struct cs_manifest manifest = { 0 };
	int r = cs_manifest_each(file_name, text, append, &manifest, err);
	if (r < 0)
		cs_manifest_finish(&manifest);
	else
		*ret = manifest;
	return r;
}

void cs_manifest_finish(struct cs_manifest *manifest)
{
	for (size_t i = 0; i < manifest->count; i++)
		json_object_put(manifest->objects[i].tree);
	free(manifest->objects);
	*manifest = (struct cs_manifest){ 0 };
}
