// The ring of the last decisions.
// Neighbours: scheduler.c adds to it; explain, endpoints and simulate print from it.
#include <csched/framework/record.h>

#include <stdlib.h>

#include <csched/base/memory.h>
#include <csched/base/slice.h>

struct cs_records {
	uint32_t capacity;
	uint64_t added;
	struct cs_record *ring; // decision number n is at (n - 1) % capacity
};

static const char *const decision_names[] = {
	[CS_DECISION_SCHEDULED] = "scheduled",
	[CS_DECISION_UNSCHEDULABLE] = "unschedulable",
	[CS_DECISION_ERROR] = "error",
};

static void finish(struct cs_record *record)
{
	free(record->pod);
	free(record->uid);
	free(record->node);
	free(record->runner_up);
	free(record->message);
}

struct cs_records *cs_records_create(uint32_t capacity)
{
	struct cs_records *records = cs_alloc(sizeof(*records));
	records->capacity = capacity ? capacity : 1;
	records->ring = cs_alloc_array(records->capacity, sizeof(*records->ring));
	return records;
}

void cs_records_destroy(struct cs_records *records)
{
	if (!records)
		return;
	for (uint32_t i = 0; i < records->capacity; i++)
		finish(&records->ring[i]);
	free(records->ring);
	free(records);
}

void cs_records_add(struct cs_records *records, const struct cs_record *record)
{
	struct cs_record *place = &records->ring[records->added % records->capacity];
	finish(place);
	*place = *record;
	place->number = ++records->added;
}

const struct cs_record *cs_records_at(const struct cs_records *records, uint32_t i)
{
	if (i >= records->capacity || i >= records->added)
		return NULL;
	return &records->ring[(records->added - 1 - i) % records->capacity];
}

const struct cs_record *cs_records_find(const struct cs_records *records, const char *pod)
{
	const struct cs_record *record;
	for (uint32_t i = 0; (record = cs_records_at(records, i)); i++)
		if (cs_string_equal(record->pod, pod))
			return record;
	return NULL;
}

void cs_record_write(const struct cs_record *record, struct cs_json_writer *json)
{
	cs_json_object_begin(json);
	cs_json_key(json, "number");
	cs_json_uint(json, record->number);
	cs_json_member_string(json, "pod", record->pod);
	cs_json_member_string(json, "uid", record->uid);
	cs_json_member_string(json, "profile", record->profile);
	cs_json_member_string(json, "decision", decision_names[record->decision]);
	cs_json_member_int(json, "atUnixNano", record->at);
	cs_json_member_int(json, "tookNano", record->took);
	cs_json_member_int(json, "attempt", record->attempt);
	cs_json_member_int(json, "nodes", record->n_nodes);
	cs_json_member_int(json, "feasibleNodes", record->n_feasible);
	cs_json_member_string(json, "node", record->node);
	cs_json_member_int(json, "score", record->score);
	cs_json_member_string(json, "runnerUp", record->runner_up);
	cs_json_member_int(json, "runnerUpScore", record->runner_up_score);
	cs_json_member_string(json, "message", record->message);
	cs_json_object_end(json);
}
