// Our side of the quantity comparison: one answer for each NUL-terminated string on standard input.
// Neighbours: test/oracle/quantity, the Go test that asks upstream the same.
#include <csched/kube/quantity.h>

#include <stdio.h>
#include <stdlib.h>

int main(void)
{
	char *line = NULL;
	size_t capacity = 0;
	ssize_t size;
	while ((size = getdelim(&line, &capacity, '\0', stdin)) > 0) {
		struct cs_slice text = { .data = line, .size = (size_t)size - 1 };
		struct cs_quantity quantity;
		if (cs_quantity_parse(text, &quantity, NULL) < 0)
			puts("error");
		else
			printf("ok %lld %lld\n", (long long)cs_quantity_units(quantity),
			       (long long)cs_quantity_milli(quantity));
	}
	free(line);
	return ferror(stdin) || fflush(stdout) != 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
