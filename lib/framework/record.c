// The ring of the last decisions.
// Neighbours: scheduler.c adds to it; explain, endpoints and simulate print from it.
#include <csched/framework/record.h>

#include <stdlib.h>
#include <string.h>

#include <csched/base/memory.h>
#include <csched/base/slice.h>
#include <csched/cluster/pod.h>
#include <csched/framework/cycle.h>
#include <csched/framework/profile.h>

// A decision and the one block that holds all it points to. Blocks stay with their place, so that a
// ring that is full allocates next to nothing.
struct place {
	struct cs_record record;
	char *block;
	size_t size;
	size_t used;
};

struct cs_records {
	struct cs_cluster *cluster;
	uint32_t capacity;
	uint64_t added;
	struct place *ring;  // decision number n is at (n - 1) % capacity
	uint64_t asked_from; // the first decision that may have what was asked
};

const char *cs_decision_name(enum cs_decision decision)
{
	static const char *const names[] = {
		[CS_DECISION_SCHEDULED] = "scheduled",
		[CS_DECISION_UNSCHEDULABLE] = "unschedulable",
		[CS_DECISION_ERROR] = "error",
		[CS_DECISION_RANKED] = "ranked",
		[CS_DECISION_FILTERED] = "filtered",
	};
	return names[decision];
}

struct cs_records *cs_records_create(uint32_t capacity, struct cs_cluster *cluster)
{
	struct cs_records *records = cs_alloc(sizeof(*records));
	records->cluster = cluster;
	records->capacity = capacity ? capacity : 1;
	records->asked_from = 1;
	records->ring = cs_alloc_array(records->capacity, sizeof(*records->ring));
	return records;
}

void cs_records_destroy(struct cs_records *records)
{
	if (!records)
		return;
	for (uint32_t i = 0; i < records->capacity; i++) {
		cs_cluster_release_asked(records->cluster, &records->ring[i].record.asked);
		free(records->ring[i].block);
	}
	free(records->ring);
	free(records);
}

// ---- copying ----

#define ALIGN     8   // of anything in a block
#define STEP      256 // of a block's size: names of other lengths need no other one
#define SPARE_MAX 1024

static size_t padded(size_t size)
{
	return (size + ALIGN - 1) / ALIGN * ALIGN;
}

static size_t string_size(const char *s)
{
	return s ? padded(strlen(s) + 1) : 0;
}

static size_t block_size(const struct cs_record *record)
{
	size_t size = string_size(record->namespace) + string_size(record->name) +
		      string_size(record->uid) + string_size(record->message) +
		      record->n_candidates * sizeof(*record->candidates) +
		      record->n_rejections * sizeof(*record->rejections);
	for (uint32_t i = 0; i < record->n_candidates; i++) {
		const struct cs_record_candidate *candidate = &record->candidates[i];
		size += string_size(candidate->node) +
			candidate->n_loads * sizeof(*candidate->loads);
		if (candidate->scores)
			size += padded(record->profile->n_score);
	}
	return size;
}

static void *copy(struct place *place, const void *data, size_t size)
{
	if (!data)
		return NULL;
	char *at = place->block + place->used;
	place->used += padded(size);
	return memcpy(at, data, size);
}

static const char *copy_string(struct place *place, const char *s)
{
	return s ? copy(place, s, strlen(s) + 1) : NULL;
}

static void copy_candidates(struct place *place, const struct cs_record *from)
{
	struct cs_record_candidate *candidates =
		copy(place, from->candidates, from->n_candidates * sizeof(*candidates));
	for (uint32_t i = 0; i < from->n_candidates; i++) {
		struct cs_record_candidate *candidate = &candidates[i];
		candidate->node = copy_string(place, candidate->node);
		candidate->loads = copy(place, candidate->loads,
					candidate->n_loads * sizeof(*candidate->loads));
		if (candidate->scores)
			candidate->scores = copy(place, candidate->scores, from->profile->n_score);
	}
	place->record.candidates = candidates;
}

static struct place *place_of(const struct cs_records *records, uint64_t number)
{
	return &records->ring[(number - 1) % records->capacity];
}

// Every pod that comes is counted by what all of them select, which is why these are few. The
// newest decision has its own.
static void forget_asked(struct cs_records *records)
{
	if (records->asked_from + records->capacity <= records->added)
		records->asked_from = records->added - records->capacity + 1;
	while (cs_cluster_count_asked(records->cluster) > CS_RECORDS_ASKED_MAX &&
	       records->asked_from < records->added)
		cs_cluster_release_asked(records->cluster,
					 &place_of(records, records->asked_from++)->record.asked);
}

void cs_records_add(struct cs_records *records, const struct cs_record *record)
{
	struct place *place = place_of(records, records->added + 1);
	size_t size = block_size(record);
	// A long message makes no place large for ever.
	if (size > place->size || place->size > 2 * size + SPARE_MAX) {
		free(place->block);
		place->size = (size + STEP - 1) / STEP * STEP;
		place->block = cs_alloc(place->size);
	}
	place->used = 0;
	cs_cluster_release_asked(records->cluster, &place->record.asked);
	place->record = *record;
	place->record.number = ++records->added;
	place->record.namespace = copy_string(place, record->namespace);
	place->record.name = copy_string(place, record->name);
	place->record.uid = copy_string(place, record->uid);
	place->record.message = copy_string(place, record->message);
	place->record.rejections =
		copy(place, record->rejections, record->n_rejections * sizeof(*record->rejections));
	copy_candidates(place, record);
	if (record->asked.demand)
		forget_asked(records);
}

// ---- from a decision ----

// What is put together for one record; the ring copies it.
struct keeping {
	struct cs_record_candidate candidates[CS_CANDIDATES_MAX];
	struct cs_record_rejection rejections[CS_PLUGINS_MAX + 1];
	struct cs_record_load loads[CS_RECORD_LOADED_MAX][CS_LOAD_METRICS_MAX];
};

static uint32_t put_loads(const struct cs_load_table *table, uint32_t row,
			  struct cs_record_load *to)
{
	uint32_t n = 0;
	for (uint32_t i = 0; i < table->n_columns; i++) {
		const struct cs_load_column *column = &table->columns[i];
		if (column->metric->kind != CS_LOAD_PAIR)
			to[n++] = (struct cs_record_load){
				.metric = column->metric->name,
				.load = column->load[row],
				.capacity = column->capacity[row],
				.quality = column->quality[row],
				.state = column->state[row],
				.taken = column->taken[row],
			};
	}
	return n;
}

void cs_records_keep(struct cs_records *records, const struct cs_pod *pod,
		     const struct cs_record *record, const struct cs_detail *detail)
{
	const struct cs_cluster *cluster = records->cluster;
	struct keeping keeping;
	struct cs_record whole = *record;
	whole.namespace = pod->namespace;
	whole.name = pod->name;
	whole.uid = pod->uid;
	cs_cluster_keep_asked(records->cluster, pod, &whole.asked);
	for (uint32_t i = 0; i < detail->n_candidates; i++) {
		const struct cs_candidate *candidate = &detail->candidates[i];
		keeping.candidates[i] = (struct cs_record_candidate){
			.node = cs_cluster_node_name(cluster, candidate->row),
			.total = candidate->total,
			.scores = candidate->scores,
		};
	}
	for (uint32_t i = 0; i < detail->n_candidates && i < CS_RECORD_LOADED_MAX; i++) {
		keeping.candidates[i].n_loads = put_loads(
			cs_cluster_load(cluster), detail->candidates[i].row, keeping.loads[i]);
		keeping.candidates[i].loads = keeping.loads[i];
	}
	for (uint32_t i = 0; i < detail->n_rejections; i++)
		keeping.rejections[i] = (struct cs_record_rejection){
			.plugin = detail->rejections[i].plugin,
			.nodes = detail->rejections[i].n_nodes,
		};
	whole.n_candidates = detail->n_candidates;
	whole.candidates = keeping.candidates;
	whole.n_rejections = detail->n_rejections;
	whole.rejections = keeping.rejections;
	cs_records_add(records, &whole);
}

// ---- reading ----

const struct cs_record *cs_records_at(const struct cs_records *records, uint32_t i)
{
	if (i >= records->capacity || i >= records->added)
		return NULL;
	return &records->ring[(records->added - 1 - i) % records->capacity].record;
}

static bool is_about(const struct cs_record *record, const char *pod)
{
	size_t size = strlen(record->namespace);
	return strncmp(pod, record->namespace, size) == 0 && pod[size] == '/' &&
	       strcmp(pod + size + 1, record->name) == 0;
}

const struct cs_record *cs_records_find(const struct cs_records *records, const char *pod,
					uint64_t before)
{
	const struct cs_record *record;
	for (uint32_t i = 0; (record = cs_records_at(records, i)); i++)
		if ((!before || record->number < before) && is_about(record, pod))
			return record;
	return NULL;
}

const char *cs_record_node(const struct cs_record *record, uint32_t i)
{
	return i < record->n_candidates ? record->candidates[i].node : NULL;
}

int64_t cs_record_total(const struct cs_record *record, uint32_t i)
{
	return i < record->n_candidates ? record->candidates[i].total : 0;
}

// ---- writing ----

void cs_record_write_scores(const struct cs_profile *profile, const uint8_t *scores,
			    struct cs_json_writer *json)
{
	cs_json_member_object_begin(json, "scores");
	for (uint32_t i = 0; i < profile->n_score; i++)
		if (scores[i] != CS_SCORE_NONE)
			cs_json_member_int(json, profile->score[i]->plugin->name, scores[i]);
	cs_json_object_end(json);
}

static void write_loads(const struct cs_record_candidate *candidate, struct cs_json_writer *json)
{
	cs_json_member_object_begin(json, "load");
	for (uint32_t i = 0; i < candidate->n_loads; i++) {
		const struct cs_record_load *load = &candidate->loads[i];
		cs_json_member_object_begin(json, load->metric);
		cs_json_member_double(json, "load", load->load);
		cs_json_member_double(json, "capacity", load->capacity);
		cs_json_member_double(json, "quality", load->quality);
		cs_json_member_string(json, "state", cs_load_state_name(load->state));
		cs_json_member_int(json, "sampledUnixNano", load->taken);
		cs_json_object_end(json);
	}
	cs_json_object_end(json);
}

static void write_candidates(const struct cs_record *record, struct cs_json_writer *json)
{
	cs_json_member_array_begin(json, "candidates");
	for (uint32_t i = 0; i < record->n_candidates; i++) {
		const struct cs_record_candidate *candidate = &record->candidates[i];
		cs_json_object_begin(json);
		cs_json_member_string(json, "node", candidate->node);
		cs_json_member_int(json, "total", candidate->total);
		if (candidate->scores)
			cs_record_write_scores(record->profile, candidate->scores, json);
		if (candidate->n_loads > 0)
			write_loads(candidate, json);
		cs_json_object_end(json);
	}
	cs_json_array_end(json);
}

void cs_record_write_weights(const struct cs_profile *profile, struct cs_json_writer *json)
{
	cs_json_member_object_begin(json, "weights");
	for (uint32_t i = 0; i < profile->n_score; i++)
		cs_json_member_int(json, profile->score[i]->plugin->name,
				   profile->score[i]->weight);
	cs_json_object_end(json);
}

static void write_rejections(const struct cs_record *record, struct cs_json_writer *json)
{
	cs_json_member_array_begin(json, "rejections");
	for (uint32_t i = 0; i < record->n_rejections; i++) {
		cs_json_object_begin(json);
		cs_json_member_string(json, "plugin", record->rejections[i].plugin);
		cs_json_member_int(json, "nodes", record->rejections[i].nodes);
		cs_json_object_end(json);
	}
	cs_json_array_end(json);
}

void cs_record_write(const struct cs_record *record, struct cs_json_writer *json)
{
	CS_AUTO_FREE char *pod = cs_asprintf("%s/%s", record->namespace, record->name);
	cs_json_object_begin(json);
	cs_json_key(json, "number");
	cs_json_uint(json, record->number);
	cs_json_member_string(json, "pod", pod);
	cs_json_member_string(json, "uid", record->uid);
	cs_json_member_string(json, "profile", record->profile->scheduler_name);
	cs_json_member_string(json, "decision", cs_decision_name(record->decision));
	cs_json_member_int(json, "atUnixNano", record->at);
	cs_json_member_int(json, "tookNano", record->took);
	cs_json_member_int(json, "attempt", record->attempt);
	cs_json_member_int(json, "nodes", record->n_nodes);
	cs_json_member_int(json, "feasibleNodes", record->n_feasible);
	cs_json_member_string(json, "node", cs_record_node(record, 0));
	cs_json_member_int(json, "score", cs_record_total(record, 0));
	cs_json_member_string(json, "runnerUp", cs_record_node(record, 1));
	cs_json_member_int(json, "runnerUpScore", cs_record_total(record, 1));
	cs_json_member_string(json, "message", record->message);
	write_rejections(record, json);
	write_candidates(record, json);
	cs_record_write_weights(record->profile, json);
	cs_json_object_end(json);
}
