// Counting references of objects that a map knows by their bytes.
// Neighbours: content.h; base's map compares the keys.
#include "content.h"

#include <csched/base/memory.h>

struct cs_content *cs_content_ref(const struct cs_map *map, struct cs_slice key)
{
	struct cs_content *content = cs_map_get(map, key);
	if (content)
		content->refs++;
	return content;
}

void cs_content_add(struct cs_map *map, struct cs_content *content, struct cs_slice key)
{
	content->key = (struct cs_slice){ cs_strndup(key.data, key.size), key.size };
	content->refs = 1;
	cs_map_put(map, content->key, content);
}

bool cs_content_unref(struct cs_map *map, struct cs_content *content)
{
	if (--content->refs > 0)
		return false;
	cs_map_remove(map, content->key);
	free((char *)(uintptr_t)content->key.data);
	content->key = (struct cs_slice){ 0 };
	return true;
}
