// The cluster suites' world, for the plugins' suites. Neighbours: ../cluster/world.h.
#include "../cluster/world.c" // NOLINT(bugprone-suspicious-include)
