// Prints an answer of /explain as tables. Neighbours: explanation.c wrote it, with these members.
#include <csched/daemon/explain.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <csched/base/clock.h>
#include <csched/base/memory.h>
#include <csched/base/tree.h>

#define DECISIONS_MAX 3  // told of at length
#define COLUMNS_MAX   5  // nodes beside each other
#define NAME_MAX      22 // bytes of a node's name in a head line
#define PLUGIN_WIDTH  34
#define TEXT_MAX      64

struct printing {
	const struct cs_explain_options *options;
	struct cs_buffer *out;
	int64_t now;                // Unix ns: when the answer was made
	int64_t then;               // of the decision at hand: ages of samples are as of it
	struct json_object *newest; // decision; NULL = none about this pod is remembered
	const char *uid;            // the pod's; NULL = it has gone
};

static struct json_object *at(struct json_object *array, size_t i)
{
	return json_object_array_get_idx(array, i);
}

static const char *text(struct json_object *object, const char *key)
{
	const char *value = cs_tree_string(object, key);
	return value ? value : "?";
}

static double number(struct json_object *object, const char *key)
{
	return json_object_get_double(cs_tree_get(object, key));
}

// "340 ms", "12 s", "5 min", "3 h": at most `size` bytes.
static const char *span(int64_t ns, char *to, size_t size)
{
	static const struct {
		int64_t below; // s
		int64_t unit;  // s
		const char *name;
	} rows[] = { { 120, 1, "s" },
		     { 7200, 60, "min" },
		     { 172800, 3600, "h" },
		     { INT64_MAX, 86400, "d" } };
	int64_t seconds = ns / CS_SECOND;
	int row = 0;
	while (seconds >= rows[row].below)
		row++;
	if (ns < CS_SECOND)
		snprintf(to, size, "%" PRId64 " ms", ns < 0 ? 0 : ns / CS_MILLISECOND);
	else
		snprintf(to, size, "%" PRId64 " %s", seconds / rows[row].unit, rows[row].name);
	return to;
}

// "384Mi" of what is counted in bytes, else the number with so many digits.
static const char *amount(bool bytes, double value, int digits, char *to, size_t size)
{
	static const char *const units[] = { "", "Ki", "Mi", "Gi", "Ti", "Pi" };
	size_t unit = 0;
	while (bytes && (value >= 1024 || value <= -1024) && unit + 1 < CS_ARRAY_LENGTH(units)) {
		value /= 1024;
		unit++;
	}
	snprintf(to, size, "%.*g%s", bytes ? 4 : digits, value, units[unit]);
	return to;
}

static bool is_in_bytes(const char *resource)
{
	return strcmp(resource, "memory") == 0 || strcmp(resource, "ephemeral-storage") == 0 ||
	       strncmp(resource, "hugepages-", 10) == 0;
}

// ---- the table of scores ----

// The nodes of one table, their objects and names.
struct columns {
	uint32_t n;
	int width;
	struct json_object *nodes[COLUMNS_MAX];
};

// The end of a long name tells more than its beginning.
static const char *short_name(const char *name, char *to, size_t size)
{
	size_t length = strlen(name);
	if (length <= NAME_MAX)
		return name;
	snprintf(to, size, "..%s", name + length - (NAME_MAX - 2));
	return to;
}

static struct columns columns_of(struct json_object *candidates)
{
	struct columns columns = { .width = 9 };
	char name[TEXT_MAX];
	size_t n = json_object_is_type(candidates, json_type_array)
			   ? json_object_array_length(candidates)
			   : 0;
	for (size_t i = 0; i < n && i < COLUMNS_MAX; i++) {
		struct json_object *node = at(candidates, i);
		int length = (int)strlen(short_name(text(node, "node"), name, sizeof(name)));
		columns.nodes[columns.n++] = node;
		columns.width = length > columns.width ? length : columns.width;
	}
	return columns;
}

static void print_score(const struct printing *printing, int width, int64_t score)
{
	// From red over yellow to green, in the 256 colours that terminals have.
	static const int heat[] = { 196, 202, 208, 214, 220, 226, 190, 154, 118, 82, 46 };
	int64_t level = score < 0 ? 0 : score > 100 ? 10 : score / 10;
	if (printing->options->color)
		cs_buffer_printf(printing->out, "  \x1b[38;5;%dm%*" PRId64 "\x1b[0m", heat[level],
				 width, score);
	else
		cs_buffer_printf(printing->out, "  %*" PRId64, width, score);
}

static void print_plugin(const struct printing *printing, const struct columns *columns,
			 const char *plugin, int64_t weight)
{
	bool scored = false;
	for (uint32_t i = 0; i < columns->n; i++)
		scored |= cs_tree_get(cs_tree_get(columns->nodes[i], "scores"), plugin) != NULL;
	if (!scored)
		return;
	cs_buffer_printf(printing->out, "  %-*s %6" PRId64, PLUGIN_WIDTH, plugin, weight);
	for (uint32_t i = 0; i < columns->n; i++)
		print_score(printing, columns->width,
			    cs_tree_int(cs_tree_get(columns->nodes[i], "scores"), plugin, 0));
	cs_buffer_append_char(printing->out, '\n');
}

static void print_totals(const struct printing *printing, const struct columns *columns)
{
	cs_buffer_printf(printing->out, "  %-*s %6s", PLUGIN_WIDTH, "total", "");
	for (uint32_t i = 0; i < columns->n; i++)
		cs_buffer_printf(printing->out, "  %*" PRId64, columns->width,
				 cs_tree_int(columns->nodes[i], "total", 0));
	cs_buffer_append_char(printing->out, '\n');
}

// "31% 12s", or the value where nobody knows how much there could be; "-" for what is unknown.
static const char *load_text(const struct printing *printing, struct json_object *load, char *to,
			     size_t size)
{
	double value = number(load, "load"), capacity = number(load, "capacity");
	int64_t taken = cs_tree_int(load, "sampledUnixNano", 0);
	char age[TEXT_MAX] = "";
	if (!load || (number(load, "quality") == 0 && value == 0))
		return "-";
	if (taken > 0)
		snprintf(age, sizeof(age), " %" PRId64 "s", (printing->then - taken) / CS_SECOND);
	if (capacity > 0)
		snprintf(to, size, "%.0f%%%s", 100 * value / capacity, age);
	else
		snprintf(to, size, "%.4g%s", value, age);
	return to;
}

static void print_loads(const struct printing *printing, const struct columns *columns)
{
	struct json_object *first = columns->n ? cs_tree_get(columns->nodes[0], "load") : NULL;
	char cell[TEXT_MAX];
	if (!json_object_is_type(first, json_type_object))
		return;
	json_object_object_foreach(first, metric, unused)
	{
		(void)unused;
		CS_AUTO_FREE char *name = cs_asprintf("load and age of its sample: %s", metric);
		cs_buffer_printf(printing->out, "  %-*s %6s", PLUGIN_WIDTH, name, "");
		for (uint32_t i = 0; i < columns->n; i++) {
			struct json_object *load =
				cs_tree_get(cs_tree_get(columns->nodes[i], "load"), metric);
			if (!cs_tree_get(columns->nodes[i], "load"))
				break; // those of the first two are remembered
			cs_buffer_printf(printing->out, "  %*s", columns->width,
					 load_text(printing, load, cell, sizeof(cell)));
		}
		cs_buffer_append_char(printing->out, '\n');
	}
}

// Of which figures in the table not the sample alone speaks.
static void print_doubts(const struct printing *printing, const struct columns *columns)
{
	for (uint32_t i = 0; i < columns->n; i++) {
		struct json_object *loads = cs_tree_get(columns->nodes[i], "load");
		if (!json_object_is_type(loads, json_type_object))
			continue;
		json_object_object_foreach(loads, metric, load)
		{
			const char *state = cs_tree_string(load, "state");
			if (state && strcmp(state, "fresh") != 0)
				cs_buffer_printf(
					printing->out,
					"  %s of %s: the sample is %s, and counts for %.0f%%.\n",
					metric, text(columns->nodes[i], "node"), state,
					100 * number(load, "quality"));
		}
	}
}

static void print_table(const struct printing *printing, struct json_object *decision)
{
	struct columns columns = columns_of(cs_tree_get(decision, "candidates"));
	struct json_object *weights = cs_tree_get(decision, "weights");
	char name[TEXT_MAX];
	if (columns.n == 0)
		return;
	cs_buffer_printf(printing->out, "\n  %-*s %6s", PLUGIN_WIDTH, "PLUGIN", "WEIGHT");
	for (uint32_t i = 0; i < columns.n; i++)
		cs_buffer_printf(printing->out, "  %*s", columns.width,
				 short_name(text(columns.nodes[i], "node"), name, sizeof(name)));
	cs_buffer_append_char(printing->out, '\n');
	if (json_object_is_type(weights, json_type_object)) {
		json_object_object_foreach(weights, plugin, weight)
			print_plugin(printing, &columns, plugin, json_object_get_int64(weight));
	}
	if (cs_tree_get(columns.nodes[0], "scores"))
		print_totals(printing, &columns);
	print_loads(printing, &columns);
	print_doubts(printing, &columns);
	cs_buffer_append_char(printing->out, '\n');
}

// ---- what separated the first two ----

// Judged for a scheduler that asked, and chooses by itself.
static bool is_for_another(struct json_object *decision)
{
	const char *what = cs_tree_string(decision, "decision");
	return cs_string_equal(what, "ranked") || cs_string_equal(what, "filtered");
}

static void print_difference(const struct printing *printing, struct json_object *decision)
{
	struct json_object *first = at(cs_tree_get(decision, "candidates"), 0);
	struct json_object *second = at(cs_tree_get(decision, "candidates"), 1);
	struct json_object *weights = cs_tree_get(decision, "weights");
	int64_t by = cs_tree_int(first, "total", 0) - cs_tree_int(second, "total", 0);
	const char *comma = "";
	if (by == 0) {
		cs_buffer_printf(printing->out, "  %s and %s have the same total%s.\n",
				 text(first, "node"), text(second, "node"),
				 is_for_another(decision) ? "" : ": one was taken at random");
		return;
	}
	cs_buffer_printf(printing->out, "  %s came before %s by %" PRId64 ":", text(first, "node"),
			 text(second, "node"), by);
	json_object_object_foreach(weights, plugin, weight)
	{
		int64_t a = cs_tree_int(cs_tree_get(first, "scores"), plugin, 0);
		int64_t b = cs_tree_int(cs_tree_get(second, "scores"), plugin, 0);
		int64_t difference = (a - b) * json_object_get_int64(weight);
		if (difference == 0)
			continue;
		cs_buffer_printf(printing->out, "%s %s %+" PRId64, comma, plugin, difference);
		comma = ",";
	}
	cs_buffer_append_string(printing->out, ".\n");
}

static void print_separation(const struct printing *printing, struct json_object *decision)
{
	struct json_object *candidates = cs_tree_get(decision, "candidates");
	struct json_object *weights = cs_tree_get(decision, "weights");
	if (cs_tree_length(decision, "candidates") >= 2 &&
	    cs_tree_get(at(candidates, 0), "scores") &&
	    json_object_is_type(weights, json_type_object))
		print_difference(printing, decision);
	else if (cs_tree_length(decision, "candidates") == 1)
		cs_buffer_printf(printing->out,
				 "  %s alone could take the pod, so nothing was scored.\n",
				 text(at(candidates, 0), "node"));
}

// "86 x 1 + 97 x 1 = 183"
static void print_formula(const struct printing *printing, struct json_object *node,
			  struct json_object *weights)
{
	struct json_object *scores = cs_tree_get(node, "scores");
	const char *plus = "";
	cs_buffer_printf(printing->out, "  %s:", text(node, "node"));
	if (!scores || !json_object_is_type(weights, json_type_object)) {
		cs_buffer_append_string(printing->out, " nothing was scored.\n");
		return;
	}
	json_object_object_foreach(scores, plugin, score)
	{
		cs_buffer_printf(printing->out, "%s %s %" PRId64 " x %" PRId64, plus, plugin,
				 json_object_get_int64(score), cs_tree_int(weights, plugin, 1));
		plus = " +";
	}
	cs_buffer_printf(printing->out, " = %" PRId64 "\n", cs_tree_int(node, "total", 0));
}

// ---- one decision of the past ----

static void print_rejections(const struct printing *printing, struct json_object *decision)
{
	struct json_object *rejections = cs_tree_get(decision, "rejections");
	cs_buffer_printf(printing->out, "  %" PRId64 " of %" PRId64 " nodes could take the pod",
			 cs_tree_int(decision, "feasibleNodes", 0),
			 cs_tree_int(decision, "nodes", 0));
	for (size_t i = 0; i < cs_tree_length(decision, "rejections"); i++) {
		const char *plugin = text(at(rejections, i), "plugin");
		cs_buffer_printf(printing->out, "%s %s %" PRId64, i ? "," : "; rejected by",
				 *plugin ? plugin : "a PreFilter",
				 cs_tree_int(at(rejections, i), "nodes", 0));
	}
	cs_buffer_append_string(printing->out, ".\n");
}

static void print_remembered_node(const struct printing *printing, struct json_object *decision)
{
	struct json_object *candidates = cs_tree_get(decision, "candidates");
	for (size_t i = 0; i < cs_tree_length(decision, "candidates"); i++) {
		if (cs_string_equal(text(at(candidates, i), "node"), printing->options->node)) {
			print_formula(printing, at(candidates, i),
				      cs_tree_get(decision, "weights"));
			return;
		}
	}
	cs_buffer_printf(printing->out,
			 "  %s was not among the best: of other nodes nothing is remembered.\n",
			 printing->options->node);
}

// Of that name there may have been others before.
static bool is_about(const char *uid, struct json_object *decision)
{
	const char *other = cs_tree_string(decision, "uid");
	return !uid || !other || strcmp(uid, other) == 0;
}

// "Decision 4, 60 s ago, attempt 2, 1.5 us: scheduled to a", or for another scheduler that asked
// "Decision 5, 2 s ago, by profile extender for another scheduler: ranked first a".
static void print_head(const struct printing *printing, struct json_object *decision)
{
	char age[TEXT_MAX];
	const char *what = text(decision, "decision");
	const char *node = cs_tree_string(decision, "node");
	int64_t attempt = cs_tree_int(decision, "attempt", 0);
	cs_buffer_printf(printing->out, "Decision %" PRId64 ", %s ago, ",
			 cs_tree_int(decision, "number", 0),
			 span(printing->now - printing->then, age, sizeof(age)));
	if (!is_about(printing->uid, decision))
		cs_buffer_append_string(printing->out, "about an earlier pod of that name, ");
	if (is_for_another(decision))
		cs_buffer_printf(printing->out, "by profile %s for another scheduler: ",
				 text(decision, "profile"));
	else
		cs_buffer_printf(printing->out, "attempt %" PRId64 ", %.1f us: ", attempt,
				 number(decision, "tookNano") / 1000);
	cs_buffer_append_string(printing->out, what);
	if (node)
		cs_buffer_printf(printing->out, " %s %s", is_for_another(decision) ? "first" : "to",
				 node);
	cs_buffer_append_char(printing->out, '\n');
}

static void print_decision(const struct printing *now, struct json_object *decision)
{
	const struct printing then = {
		.options = now->options,
		.out = now->out,
		.now = now->now,
		.then = cs_tree_int(decision, "atUnixNano", 0),
		.uid = now->uid,
	};
	const struct printing *printing = &then;
	const char *node = cs_tree_string(decision, "node");
	const char *message = cs_tree_string(decision, "message");
	print_head(printing, decision);
	if (message)
		cs_buffer_printf(printing->out, "  %s\n", message);
	print_rejections(printing, decision);
	print_table(printing, decision);
	print_separation(printing, decision);
	if (printing->options->node && node)
		print_remembered_node(printing, decision);
}

static void print_decisions(const struct printing *printing, struct json_object *answer)
{
	struct json_object *decisions = cs_tree_get(answer, "decisions");
	size_t n = cs_tree_length(answer, "decisions");
	for (size_t i = 0; i < n && i < DECISIONS_MAX; i++) {
		cs_buffer_append_char(printing->out, '\n');
		print_decision(printing, at(decisions, i));
	}
	if (n > DECISIONS_MAX)
		cs_buffer_printf(printing->out, "\nEarlier decisions: %zu (--output json)\n",
				 n - DECISIONS_MAX);
}

// ---- what would be decided now ----

static void print_group(const struct printing *printing, struct json_object *group)
{
	struct json_object *reasons = cs_tree_get(group, "reasons");
	struct json_object *examples = cs_tree_get(group, "examples");
	const char *plugin = text(group, "plugin");
	int64_t n_nodes = cs_tree_int(group, "nodes", 0);
	cs_buffer_printf(printing->out, "  %5" PRId64 " %s  %s%s", n_nodes,
			 n_nodes == 1 ? "node " : "nodes", plugin, *plugin ? ": " : "");
	for (size_t i = 0; i < cs_tree_length(group, "reasons"); i++)
		cs_buffer_printf(printing->out, "%s%s", i ? ", " : "",
				 json_object_get_string(at(reasons, i)));
	for (size_t i = 0; i < cs_tree_length(group, "examples"); i++)
		cs_buffer_printf(printing->out, "%s%s", i ? ", " : " (",
				 json_object_get_string(at(examples, i)));
	if (cs_tree_length(group, "examples") > 0)
		cs_buffer_append_string(
			printing->out,
			n_nodes > (int64_t)cs_tree_length(group, "examples") ? ", ...)" : ")");
	cs_buffer_append_char(printing->out, '\n');
}

#define DIGITS_LOAD   6
#define DIGITS_AMOUNT 19 // a whole number, as it is

// What LeastLoad goes by: "with the pod 500 + 100, of 2000 x weight 50 %: 60 %".
static void print_use(const struct printing *printing, struct json_object *load, int64_t weight)
{
	bool bytes = strcmp(text(load, "unit"), "bytes") == 0;
	double capacity = number(load, "capacity"), room = capacity * (double)weight / 100;
	double used = number(load, "load"), expected = number(load, "expected");
	char a[TEXT_MAX], b[TEXT_MAX];
	if (!cs_tree_get(load, "expected"))
		return;
	cs_buffer_printf(printing->out, "    with the pod %s + %s",
			 amount(bytes, used, DIGITS_LOAD, a, sizeof(a)),
			 amount(bytes, expected, DIGITS_LOAD, b, sizeof(b)));
	if (room > 0)
		cs_buffer_printf(printing->out, ", of %s x weight %" PRId64 " %%: %.1f %%",
				 amount(bytes, capacity, DIGITS_LOAD, a, sizeof(a)), weight,
				 100 * (used + expected) / room);
	cs_buffer_append_char(printing->out, '\n');
}

static void print_load(const struct printing *printing, const char *metric,
		       struct json_object *load)
{
	bool bytes = strcmp(text(load, "unit"), "bytes") == 0;
	int64_t taken = cs_tree_int(load, "sampledUnixNano", 0);
	double in_flight = number(load, "inFlight");
	char to[TEXT_MAX];
	cs_buffer_printf(printing->out, "  %s (%s): %s", metric, text(load, "unit"),
			 amount(bytes, number(load, "load"), DIGITS_LOAD, to, sizeof(to)));
	if (number(load, "capacity") > 0)
		cs_buffer_printf(
			printing->out, " of %s",
			amount(bytes, number(load, "capacity"), DIGITS_LOAD, to, sizeof(to)));
	cs_buffer_printf(printing->out, " = sample %s",
			 amount(bytes, number(load, "sample"), DIGITS_LOAD, to, sizeof(to)));
	if (taken > 0)
		cs_buffer_printf(printing->out, " (%s old, %s)",
				 span(printing->now - taken, to, sizeof(to)), text(load, "state"));
	else
		cs_buffer_printf(printing->out, " (%s)", text(load, "state"));
	cs_buffer_printf(printing->out, " and %s%s for pods that came and left since\n",
			 in_flight < 0 ? "" : "+",
			 amount(bytes, in_flight, DIGITS_LOAD, to, sizeof(to)));
}

static void print_load_of(const struct printing *printing, struct json_object *node)
{
	struct json_object *loads = cs_tree_get(node, "load");
	if (!json_object_is_type(loads, json_type_object))
		return;
	json_object_object_foreach(loads, metric, load)
	{
		print_load(printing, metric, load);
		print_use(printing, load, cs_tree_int(node, "weight", 100));
	}
}

static const char *whole(const char *resource, int64_t value, char *to, size_t size)
{
	return amount(is_in_bytes(resource), (double)value, DIGITS_AMOUNT, to, size);
}

// What is taken of each resource, and what the pod asks.
static void print_amounts(const struct printing *printing, struct json_object *node,
			  struct json_object *asks)
{
	struct json_object *has = cs_tree_get(node, "allocatable");
	struct json_object *taken = cs_tree_get(node, "requested");
	char a[TEXT_MAX], b[TEXT_MAX];
	if (!json_object_is_type(has, json_type_object))
		return;
	json_object_object_foreach(has, resource, all)
	{
		cs_buffer_printf(printing->out, "  %s: %s of %s are requested", resource,
				 whole(resource, cs_tree_int(taken, resource, 0), a, sizeof(a)),
				 whole(resource, json_object_get_int64(all), b, sizeof(b)));
		if (asks)
			cs_buffer_printf(
				printing->out, ", the pod asks for %s",
				whole(resource, cs_tree_int(asks, resource, 0), a, sizeof(a)));
		cs_buffer_append_char(printing->out, '\n');
	}
	cs_buffer_printf(printing->out, "  pods: %" PRId64 " of %" PRId64 "\n",
			 cs_tree_int(node, "pods", 0), cs_tree_int(node, "maxPods", 0));
}

// The newest decision's score of a node by a plugin; NULL: it is not remembered.
static struct json_object *score_then(const struct printing *printing, const char *node,
				      const char *plugin)
{
	struct json_object *candidates = cs_tree_get(printing->newest, "candidates");
	for (size_t i = 0; i < cs_tree_length(printing->newest, "candidates"); i++)
		if (cs_string_equal(text(at(candidates, i), "node"), node))
			return cs_tree_get(cs_tree_get(at(candidates, i), "scores"), plugin);
	return NULL;
}

// "    LeastLoad 50 (48 at decision 6): cpu (1600m + 400m) / 4000m = 0.5; ...".
static void print_formulas(const struct printing *printing, struct json_object *node)
{
	struct json_object *formulas = cs_tree_get(node, "formulas");
	if (!json_object_is_type(formulas, json_type_object))
		return;
	json_object_object_foreach(formulas, plugin, formula)
	{
		struct json_object *then = score_then(printing, text(node, "node"), plugin);
		cs_buffer_printf(printing->out, "    %s %" PRId64, plugin,
				 cs_tree_int(cs_tree_get(node, "scores"), plugin, 0));
		if (then)
			cs_buffer_printf(printing->out, " (%" PRId64 " at decision %" PRId64 ")",
					 json_object_get_int64(then),
					 cs_tree_int(printing->newest, "number", 0));
		cs_buffer_printf(printing->out, ": %s\n", json_object_get_string(formula));
	}
}

static void print_asked_node(const struct printing *printing, struct json_object *now,
			     struct json_object *asks)
{
	struct json_object *node = cs_tree_get(now, "onNode");
	struct json_object *reasons = cs_tree_get(node, "reasons");
	if (!node)
		return;
	if (cs_tree_bool(node, "fits")) {
		print_formula(printing, node, cs_tree_get(now, "weights"));
		print_formulas(printing, node);
	} else {
		const char *plugin = text(node, "plugin"); // "": left out by a PreFilter
		cs_buffer_printf(printing->out, "  %s cannot take the pod:%s%s%s",
				 text(node, "node"), *plugin ? " " : "", plugin,
				 *plugin ? ":" : "");
		for (size_t i = 0; i < cs_tree_length(node, "reasons"); i++)
			cs_buffer_printf(printing->out, "%s %s", i ? "," : "",
					 json_object_get_string(at(reasons, i)));
		cs_buffer_append_char(printing->out, '\n');
		if (cs_tree_string(node, "numbers"))
			cs_buffer_printf(printing->out, "    %s\n", text(node, "numbers"));
	}
	print_amounts(printing, node, asks);
	print_load_of(printing, node);
}

static void print_now(const struct printing *printing, struct json_object *now,
		      struct json_object *asks)
{
	struct json_object *groups = cs_tree_get(now, "rejected");
	const char *message = cs_tree_string(now, "message");
	if (cs_tree_bool(now, "forAnother"))
		cs_buffer_printf(printing->out,
				 "\nAnother scheduler places it; asked as an extender, profile %s "
				 "would say of all nodes:",
				 text(now, "profile"));
	cs_buffer_printf(printing->out,
			 "\nDecided now: %s; %" PRId64 " of %" PRId64
			 " nodes could take the pod.\n",
			 text(now, "decision"), cs_tree_int(now, "feasibleNodes", 0),
			 cs_tree_int(now, "nodes", 0));
	if (message)
		cs_buffer_printf(printing->out, "  %s\n", message);
	for (size_t i = 0; i < cs_tree_length(now, "rejected"); i++)
		print_group(printing, at(groups, i));
	print_table(printing, now);
	print_asked_node(printing, now, asks);
}

// Of a pod that has its node: the node that is asked for alone.
static void print_again(const struct printing *printing, struct json_object *now,
			struct json_object *asks)
{
	cs_buffer_append_string(printing->out, "\nNow, as if the pod had not been placed:\n");
	print_asked_node(printing, now, asks);
}

// ---- the head ----

static void print_state(const struct printing *printing, struct json_object *answer)
{
	const char *node = cs_tree_string(answer, "node");
	const char *queue = cs_tree_string(answer, "queue");
	const char *gates = cs_tree_string(answer, "schedulingGates");
	cs_buffer_printf(printing->out, "Pod %s: %s", text(answer, "pod"), text(answer, "state"));
	if (node)
		cs_buffer_printf(printing->out, " on %s", node);
	if (queue)
		cs_buffer_printf(printing->out, ", queue %s, attempts %" PRId64, queue,
				 cs_tree_int(answer, "attempts", 0));
	if (gates)
		cs_buffer_printf(printing->out, ", scheduling gates [%s]", gates);
	cs_buffer_append_char(printing->out, '\n');
	if (gates)
		cs_buffer_append_string(printing->out,
					"It is not scheduled as long as it has gates.\n");
	if (!node && cs_tree_bool(answer, "terminating"))
		cs_buffer_append_string(printing->out,
					"It is being deleted: it is not scheduled any more.\n");
	else if (!node && !queue && cs_tree_string(answer, "schedulerName"))
		cs_buffer_printf(printing->out,
				 "It asks for the scheduler %s: this c-sched does not place it.\n",
				 text(answer, "schedulerName"));
	if (node && cs_tree_length(answer, "decisions") == 0)
		cs_buffer_append_string(printing->out,
					"No decision about it is remembered: it was placed by "
					"somebody else, before this c-sched started, or more "
					"decisions ago than are kept (--decisions).\n");
}

void cs_explain_print(struct json_object *answer, const struct cs_explain_options *options,
		      struct cs_buffer *out)
{
	const char *uid = cs_tree_string(answer, "uid");
	struct json_object *newest = cs_tree_length(answer, "decisions")
					     ? at(cs_tree_get(answer, "decisions"), 0)
					     : NULL;
	const struct printing printing = {
		.options = options,
		.out = out,
		.now = cs_tree_int(answer, "atUnixNano", 0),
		.then = cs_tree_int(answer, "atUnixNano", 0),
		.newest = is_about(uid, newest) ? newest : NULL,
		.uid = uid,
	};
	struct json_object *now = cs_tree_get(answer, "now");
	struct json_object *node = cs_tree_get(answer, "nodeNow");
	print_state(&printing, answer);
	if (node) {
		cs_buffer_printf(out, "\nNode %s now:\n", text(node, "node"));
		print_amounts(&printing, node, NULL);
		print_load_of(&printing, node);
	}
	if (now && cs_tree_get(answer, "node"))
		print_again(&printing, now, cs_tree_get(answer, "asks"));
	else if (now)
		print_now(&printing, now, cs_tree_get(answer, "asks"));
	print_decisions(&printing, answer);
}
