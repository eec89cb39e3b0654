// The transport of the client's tests, linked here as well. Neighbours: ../client/fake.h.
#include "../client/fake.c" // NOLINT(bugprone-suspicious-include)
