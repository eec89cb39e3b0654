// What one answer tells, growing while it is read.
// Neighbours: part.h is the contract; metrics_api.c and prometheus.c add.
#include <csched/load/part.h>

#include <csched/base/memory.h>

#define FIRST_SIZE 64

struct cs_part *cs_part_create(uint32_t question)
{
	struct cs_part *part = cs_alloc(sizeof(*part));
	part->arena = cs_arena_create();
	part->question = question;
	return part;
}

void cs_part_destroy(struct cs_part *part)
{
	if (!part)
		return;
	cs_arena_destroy(part->arena);
	free(part->samples);
	free(part->pods);
	free(part);
}

static void note_time(struct cs_part *part, int64_t taken)
{
	if (taken > part->newest)
		part->newest = taken;
	if (!part->oldest || taken < part->oldest)
		part->oldest = taken;
}

void cs_part_add(struct cs_part *part, const struct cs_part_sample *sample)
{
	if (part->n_samples == part->samples_size) {
		part->samples_size = part->samples_size ? part->samples_size * 2 : FIRST_SIZE;
		part->samples =
			cs_realloc_array(part->samples, part->samples_size, sizeof(*part->samples));
	}
	struct cs_part_sample *own = &part->samples[part->n_samples++];
	*own = *sample;
	own->node = cs_arena_strdup(part->arena, sample->node);
	own->to = sample->to ? cs_arena_strdup(part->arena, sample->to) : NULL;
	note_time(part, sample->taken);
}

void cs_part_add_pod(struct cs_part *part, const struct cs_part_pod *pod)
{
	if (part->n_pods == part->pods_size) {
		part->pods_size = part->pods_size ? part->pods_size * 2 : FIRST_SIZE;
		part->pods = cs_realloc_array(part->pods, part->pods_size, sizeof(*part->pods));
	}
	struct cs_part_pod *own = &part->pods[part->n_pods++];
	*own = *pod;
	own->namespace = cs_arena_strdup(part->arena, pod->namespace);
	own->name = cs_arena_strdup(part->arena, pod->name);
	note_time(part, pod->taken);
}

void cs_part_skip(struct cs_part *part, const char *words)
{
	if (part->n_unreadable++ == 0)
		part->unreadable = cs_arena_strdup(part->arena, words);
}
