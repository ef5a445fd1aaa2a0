/* SPDX-License-Identifier: Apache-2.0 */
/* The broker as a program: prints its socket's path and serves until its input ends. */
#include <stdio.h>
#include <stdlib.h>

#include "tests/plugin/account.h"
#include "tests/plugin/broker.h"

int main(void)
{
    static struct broker broker;
    size_t bytes;
    void *image = account_image(1, &bytes);
    broker_start(&broker, image, bytes, 12);
    free(image);
    puts(broker.path);
    fflush(stdout);
    while (getchar() != EOF)
        ;
    broker_stop(&broker);
    return 0;
}
