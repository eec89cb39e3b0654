// The objects of all files, decoded, with where they stood. Private to simulate.
// Neighbours: input.c fills it from files; priority.c, expand.c and simulation.c read it.
#ifndef SIMULATE_INPUT_H
#define SIMULATE_INPUT_H

#include <csched/base/arena.h>
#include <csched/base/map.h>
#include <csched/kube/api.h>
#include <csched/kube/kind.h>
#include <csched/kube/manifest.h>
#include <csched/simulate/simulation.h>

struct input_object {
	const struct cs_kind *kind;
	ProtobufCMessage *message;
	Kube__ObjectMeta *metadata; // of `message`; never NULL, has uid, name, namespace
	// Of a workload: the pod its template makes, with a pod's defaults.
	Kube__Pod *template;
	const char *file;
	int line;
};

struct input {
	struct cs_arena *arena;
	size_t n_objects;
	size_t capacity;
	struct input_object *objects;
	struct cs_map names;      // "pods/default/a" and "uid:..." of pods; values are indices + 1
	int32_t default_priority; // of the PriorityClass with globalDefault; 0 without one
	bool has_default_priority;
	uint32_t n_kinds;
	uint32_t kinds_capacity;
	struct cs_simulation_kind *kinds;
	struct cs_map strange; // fields that were told of, by kind and path without indices
	void (*notice)(void *user, const char *words); // or NULL
	void *notice_user;
};

void input_init(struct input *input);
void input_finish(struct input *input);
int input_read(struct input *input, const char *file_name, struct cs_slice text,
	       struct cs_error *err);

// Puts "FILE: line N: Kind "namespace/name": " before the error's text; returns its code.
int input_fail(const struct input_object *object, struct cs_error *err);

// A UID that follows from what the object is.
char *input_uid(struct cs_arena *arena, const struct cs_kind *kind,
		const Kube__ObjectMeta *metadata);

// The object of that kind, or NULL. `namespace` is NULL for kinds without.
const struct input_object *input_find(const struct input *input, const struct cs_kind *kind,
				      const char *namespace, const char *name);

#endif
