/* SPDX-License-Identifier: Apache-2.0 */
/* The program itself: exit codes, and what it says to a wrong command line. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tools/sim/command.h"

/* What build/<profile>/bin/qbid-sim says, both streams together, and its exit code. */
static int say(const char *arguments, char out[8192])
{
    char self[2048], line[4096];
    ssize_t len = readlink("/proc/self/exe", self, sizeof self - 1);
    assert_true(len > 0);
    self[len] = '\0';
    snprintf(line, sizeof line, "'%s/../bin/qbid-sim' %s 2>&1", dirname(self), arguments);
    FILE *f = popen(line, "r");
    assert_non_null(f);
    size_t n = fread(out, 1, 8191, f);
    out[n] = '\0';
    int status = pclose(f);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void help_lists_the_exit_codes(void **state)
{
    char out[8192];
    (void)state;
    assert_int_equal(say("--help", out), QBID_SIM_OK);
    assert_non_null(strstr(out, "Exit codes: 0 ok"));
}

static void a_command_line_without_a_command_is_refused(void **state)
{
    char out[8192];
    (void)state;
    assert_int_equal(say("", out), QBID_SIM_USAGE);
    assert_non_null(strstr(out, "a command is needed"));
    assert_int_equal(say("--nonsense", out), QBID_SIM_USAGE);
}

static void an_unknown_command_is_named(void **state)
{
    char out[8192];
    (void)state;
    assert_int_equal(say("arenas --seeds 2", out), QBID_SIM_USAGE);
    assert_non_null(strstr(out, "there is no command 'arenas'"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(help_lists_the_exit_codes),
        cmocka_unit_test(a_command_line_without_a_command_is_refused),
        cmocka_unit_test(an_unknown_command_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
