#include "agent/config.h"

#include <string.h>

#include "agent/messages.h"
#include "common/xalloc.h"
#include "resources/resource_pb.h"

/* Ports of an agent that does not say which. */
#define DEFAULT_PORTS "[31000-32000]"

static const char *keep(struct arena *arena, const char *text)
{
    return text != NULL ? arena_strdup(arena, text) : NULL;
}

static const struct agent_pair *keep_pairs(struct arena *arena, const struct agent_pair *pairs,
                                           size_t count)
{
    struct agent_pair *kept = arena_alloc_array(arena, count + 1, sizeof(*kept));
    for (size_t i = 0; i < count; i++) {
        kept[i].name = keep(arena, pairs[i].name);
        kept[i].value = keep(arena, pairs[i].value);
    }
    return kept;
}

static void copy(struct agent_setup *setup, const struct agent_config *config)
{
    struct arena *arena = &setup->arena;
    struct agent_config *c = &setup->config;
    *c = *config;
    c->hostname = keep(arena, config->hostname);
    c->resources = keep(arena, config->resources);
    c->attributes = keep(arena, config->attributes);
    c->default_role = keep(arena, config->default_role != NULL ? config->default_role : "*");
    c->domain = arena_slice(arena, config->domain);
    c->default_container_info = arena_slice(arena, config->default_container_info);
    c->work_dir = keep(arena, config->work_dir);
    c->launcher_dir = keep(arena, config->launcher_dir);
    c->command_executor = keep(arena, config->command_executor);
    c->default_executor = keep(arena, config->default_executor);
    c->sandbox_directory = keep(arena, config->sandbox_directory);
    c->log_dir = keep(arena, config->log_dir);
    c->external_log_file = keep(arena, config->external_log_file);
    c->executor_environment =
        keep_pairs(arena, config->executor_environment, config->executor_environment_count);
    c->flags = keep_pairs(arena, config->flags, config->flag_count);
    c->build.version = keep(arena, config->build.version);
    c->build.git_sha = keep(arena, config->build.git_sha);
    c->build.git_branch = keep(arena, config->build.git_branch);
    c->build.git_tag = keep(arena, config->build.git_tag);
    c->build.build_date = keep(arena, config->build.build_date);
    c->build.build_user = keep(arena, config->build.build_user);
    setup->meta_dir = arena_printf(arena, "%s/meta", config->work_dir);
}

/* --- resources --- */

static bool is_named(const struct resources *resources, const char *name)
{
    for (uint32_t i = 0; i < resources->count; i++) {
        if (resource_is_named(&resources->items[i], slice_from(name))) {
            return true;
        }
    }
    return false;
}

/* A kind that is written counts as named even if it is zero: it is not detected (facts/observed.md,
 * tasks 23). Zeros are dropped when parsed, so the text is looked at. */
static bool is_written(const char *text, const char *name)
{
    if (text == NULL) {
        return false;
    }
    size_t size = strlen(name);
    for (const char *at = strstr(text, name); at != NULL; at = strstr(at + 1, name)) {
        bool begins = at == text || strchr("; \n\t\"", at[-1]) != NULL;
        if (begins && strchr(":( \"", at[size]) != NULL && at[size] != '\0') {
            return true;
        }
    }
    return false;
}

static int parse_resources(struct agent_setup *setup, struct err *err)
{
    const struct agent_config *c = &setup->config;
    struct arena *arena = &setup->arena;
    struct slice role = slice_from(c->default_role);
    const char *text = c->resources != NULL ? c->resources : "";
    if (resources_parse(slice_from(text), role, &setup->resources, err) != 0) {
        return err_wrap(err, AGENT_E_CONFIG, "--resources");
    }
    CLEANUP(buf_deinit) struct buf detected = BUF_INIT;
    const struct {
        const char *name;
        int64_t amount;
    } kinds[] = {{"cpus", c->detected.cpus},
                 {"mem", c->detected.mem_mb},
                 {"disk", c->detected.disk_mb},
                 {"gpus", c->detected.gpus}};
    for (size_t i = 0; i < ELEMENTS(kinds); i++) {
        if (!is_named(&setup->resources, kinds[i].name) && !is_written(text, kinds[i].name) &&
            kinds[i].amount > 0) {
            buf_printf(&detected, "%s:%lld;", kinds[i].name, (long long)kinds[i].amount);
        }
    }
    if (!is_named(&setup->resources, "ports") && !is_written(text, "ports")) {
        buf_append_text(&detected, "ports:" DEFAULT_PORTS);
    }
    struct resources more = RESOURCES_INIT;
    int status = resources_parse(buf_slice(&detected), role, &more, err);
    if (status == 0) {
        resources_add(&setup->resources, &more);
    }
    resources_deinit(&more);
    Pb__AgentInfo *info = setup->info;
    resources_to_pb(&setup->resources, RESOURCE_FORMAT_POST, arena, &info->resources,
                    &info->n_resources);
    amounts_init(&setup->total);
    amounts_add_resources(&setup->total, info->resources, info->n_resources);
    return status != 0 ? err_wrap(err, AGENT_E_CONFIG, "detected resources") : 0;
}

static int parse_attributes(struct agent_setup *setup, struct err *err)
{
    const char *text = setup->config.attributes;
    if (text == NULL) {
        return 0;
    }
    if (attributes_parse(slice_from(text), &setup->attributes, err) != 0) {
        return err_wrap(err, AGENT_E_CONFIG, "--attributes");
    }
    attributes_to_pb(&setup->attributes, &setup->arena, &setup->info->attributes,
                     &setup->info->n_attributes);
    return 0;
}

static void add_capabilities(struct agent_setup *setup)
{
    static const Pb__AgentInfo__Capability__Type types[] = {
        PB__AGENT_INFO__CAPABILITY__TYPE__MULTI_ROLE,
        PB__AGENT_INFO__CAPABILITY__TYPE__HIERARCHICAL_ROLE,
        PB__AGENT_INFO__CAPABILITY__TYPE__RESERVATION_REFINEMENT,
        PB__AGENT_INFO__CAPABILITY__TYPE__RESOURCE_PROVIDER,
        PB__AGENT_INFO__CAPABILITY__TYPE__RESIZE_VOLUME,
        PB__AGENT_INFO__CAPABILITY__TYPE__AGENT_OPERATION_FEEDBACK,
        PB__AGENT_INFO__CAPABILITY__TYPE__AGENT_DRAINING,
        PB__AGENT_INFO__CAPABILITY__TYPE__TASK_RESOURCE_LIMITS,
    };
    for (size_t i = 0; i < ELEMENTS(types); i++) {
        Pb__AgentInfo__Capability *capability =
            MESSAGE_NEW(Pb__AgentInfo__Capability, pb__agent_info__capability, &setup->arena);
        capability->has_type = 1;
        capability->type = types[i];
        MESSAGE_APPEND(&setup->arena, setup->capability_count, setup->capabilities, capability);
    }
}

int config_setup(struct agent_setup *setup, const struct agent_config *config, struct err *err)
{
    *setup = (struct agent_setup){0};
    arena_init(&setup->arena, 0);
    copy(setup, config);
    Pb__AgentInfo *info = setup->info = MESSAGE_NEW(Pb__AgentInfo, pb__agent_info, &setup->arena);
    info->hostname = arena_strdup(&setup->arena, config->hostname);
    info->has_port = 1;
    info->port = config->address.port;
    info->has_checkpoint = 1;
    info->checkpoint = 1;
    if (config->domain.size > 0 && MESSAGE_DECODE(Pb__DomainInfo, pb__domain_info, config->domain,
                                                  &setup->arena, &info->domain, err) != 0) {
        return err_wrap(err, AGENT_E_CONFIG, "--domain");
    }
    if (config->default_container_info.size > 0 &&
        MESSAGE_DECODE(Pb__ContainerInfo, pb__container_info, config->default_container_info,
                       &setup->arena, &setup->default_container, err) != 0) {
        return err_wrap(err, AGENT_E_CONFIG, "--default_container_info");
    }
    add_capabilities(setup);
    int status = parse_resources(setup, err);
    return status != 0 ? status : parse_attributes(setup, err);
}

void config_deinit(struct agent_setup *setup)
{
    resources_deinit(&setup->resources);
    attributes_deinit(&setup->attributes);
    arena_deinit(&setup->arena);
}

Pb__AgentInfo *config_info(const struct agent_setup *setup, const char *id, struct arena *arena)
{
    Pb__AgentInfo *info = arena_memdup(arena, setup->info, sizeof(*info));
    info->id = id != NULL && id[0] != '\0' ? messages_agent_id(id, arena) : NULL;
    return info;
}
