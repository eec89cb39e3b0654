// Tests of what the process does before it runs. Neighbours: lib/daemon/process.c.
#include "../check_main.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <csched/daemon/daemon.h>

// Standard files that the parent closed become /dev/null, so that no socket takes their number.
START_TEST(closed_standard_files)
{
	struct cs_error err = { 0 };
	int kept = dup(STDERR_FILENO);
	close(STDIN_FILENO);
	close(STDERR_FILENO);
	ck_assert_int_eq(cs_daemon_prepare(&err), 0);
	ck_assert_int_ge(fcntl(STDIN_FILENO, F_GETFD), 0);
	ck_assert_int_ge(fcntl(STDERR_FILENO, F_GETFD), 0);
	ck_assert_int_eq((int)write(STDERR_FILENO, "x", 1), 1);
	ck_assert_int_eq(dup2(kept, STDERR_FILENO), STDERR_FILENO);
	close(kept);
}
END_TEST

// Until it runs, SIGTERM and SIGINT end it as a success.
START_TEST(signals_end_it_at_once)
{
	struct cs_error err = { 0 };
	ck_assert_int_eq(cs_daemon_prepare(&err), 0);
	raise(_i ? SIGINT : SIGTERM);
	_exit(1);
}
END_TEST

Suite *test_suite(void)
{
	Suite *suite = suite_create("prepare");
	TCase *tcase = tcase_create("prepare");
	tcase_add_test(tcase, closed_standard_files);
	tcase_add_loop_exit_test(tcase, signals_end_it_at_once, 0, 0, 2);
	suite_add_tcase(suite, tcase);
	return suite;
}
