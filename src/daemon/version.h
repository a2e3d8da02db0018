/*
 * What the daemons say of themselves: compatible with this version of Mesos
 * (facts/state_machines.md).
 */
#ifndef TEPUI_DAEMON_VERSION_H
#define TEPUI_DAEMON_VERSION_H

#define VERSION_TEXT "1.12.0"
/* Of the source, not of the moment of the build: builds are to be reproducible. */
#define VERSION_BUILD_DATE "2026-01-01 00:00:00"
#define VERSION_BUILD_TIME 1767225600.0
#define VERSION_BUILD_USER "tepui"

#endif
