// What a unit test program shows its main function. Neighbours: check_main.c.
#ifndef TEST_UNIT_CHECK_MAIN_H
#define TEST_UNIT_CHECK_MAIN_H

#include <check.h>

Suite *test_suite(void);

#endif
