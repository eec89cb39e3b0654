// Milli-CPU, bytes, and the rest. Neighbours: amounts.h.
#include "amounts.h"

#include <math.h>
#include <string.h>

static bool is_bytes(const char *resource)
{
	return strcmp(resource, "memory") == 0 || strcmp(resource, "ephemeral-storage") == 0 ||
	       strncmp(resource, "hugepages-", 10) == 0;
}

static void print_bytes(struct cs_buffer *out, double bytes)
{
	static const char *const units[] = { "", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei" };
	size_t unit = 0;
	while (fabs(bytes) >= 1024 && unit < 6) {
		bytes /= 1024;
		unit++;
	}
	cs_buffer_printf(out, "%.4g%s", bytes, units[unit]);
}

void cs_amount_print(struct cs_buffer *out, const char *resource, double amount)
{
	if (is_bytes(resource))
		print_bytes(out, amount);
	else
		cs_buffer_printf(out, "%.6g%s", amount, strcmp(resource, "cpu") == 0 ? "m" : "");
}
