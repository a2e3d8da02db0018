/*
 * What the containerizer is told once, at its start: the operator's flags, under Mesos' names
 * (facts/flags.csv), and what the host was found to be.
 */
#ifndef TEPUI_CONTAINER_CONTAINERIZER_OPTIONS_H
#define TEPUI_CONTAINER_CONTAINERIZER_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The flags. Texts are the caller's and must live as long as the containerizer; NULL = not
 * given. */
struct containerizer_options {
    const char *launcher;     /* "posix", "linux"; NULL = linux if root and there are cgroups */
    const char *isolation;    /* "posix/cpu,posix/mem" */
    const char *launcher_dir; /* where tepui-containerizer and tepui-fetcher are */
    const char *work_dir;     /* absolute */
    const char *runtime_dir;  /* absolute */
    const char *sandbox_directory;      /* of an image's root; NULL = /mnt/mesos/sandbox */
    const char *cgroups_hierarchy;      /* NULL = /sys/fs/cgroup */
    const char *cgroups_root;           /* NULL = "mesos"; "." (ours): where the agent is itself */
    const char *agent_subsystems;       /* v1 controllers that the agent puts itself into */
    const char *effective_capabilities; /* JSON of CapabilityInfo */
    const char *bounding_capabilities;  /* JSON of CapabilityInfo */
    const char *host_path_volume_force_creation; /* "/a:/b": where missing host paths are made */
    const char *allowed_devices;                 /* JSON of DeviceWhitelist, for cgroups/devices */
    const char *frameworks_home;                 /* for the fetcher */
    const char *hadoop_home;                     /* for the fetcher */
    const char *fetcher_cache_dir;               /* for the fetcher */
    int64_t fetcher_cache_size_bytes;            /* for the fetcher */
    int64_t fetcher_stall_timeout_ns;            /* for the fetcher */
    int64_t cgroups_destroy_timeout_ns;          /* 0 = 60 s */
    bool cgroups_enable_cfs;
    bool cgroups_limit_swap;
    bool cgroups_cpu_enable_pids_and_tids_count;
    bool revocable_cpu_low_priority;
    bool disallow_sharing_agent_pid_namespace;
    bool disallow_sharing_agent_ipc_namespace;
    int64_t default_container_shm_size_bytes; /* of a private /dev/shm; 0 = the kernel's default */
    bool systemd_enable_support;
    void (*warn)(const char *text); /* what operators should know, on the host's thread; or NULL */
    const char *systemd_runtime_directory; /* NULL = /run/systemd/system */
};

enum containerizer_cgroups { CGROUPS_NONE, CGROUPS_V1, CGROUPS_V2 };

#define CONTAINERIZER_HIERARCHIES_MAX 24

/* One mounted cgroup hierarchy. On v2 there is one, with controllers "". */
struct containerizer_hierarchy {
    const char *controllers; /* "cpu,cpuacct", or "name=systemd" */
    const char *path;        /* where it is mounted */
};

/* What the host is. Found by the host part; tests write their own. */
struct containerizer_facts {
    enum containerizer_cgroups cgroups;
    struct containerizer_hierarchy hierarchies[CONTAINERIZER_HIERARCHIES_MAX];
    size_t hierarchy_count;
    const char *cgroups_root; /* below each hierarchy, resolved, without slashes at its ends */
    int64_t node_mem_bytes;   /* all memory, for oom_score_adj and infinite limits */
    int64_t node_cpus_milli;
    uint32_t uid; /* the agent's */
};

#endif
