/* SPDX-License-Identifier: Apache-2.0 */
/* The version that libqbid and every program tell; qbid.pc takes it from here. */
#ifndef QBID_SHM_VERSION_H
#define QBID_SHM_VERSION_H

#define QBID_VERSION "1.0.0"

#endif
