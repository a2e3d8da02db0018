/* Commands, containers and checks: parts of tasks and executors. */
#include <string.h>

#include "master/validate.h"

/* --- commands --- */

static int check_secret(const Pb__Secret *secret, struct err *err)
{
    if (!secret->has_type) {
        return 0;
    }
    switch ((int)secret->type) {
    case PB__SECRET__TYPE__REFERENCE:
        if (secret->reference == NULL) {
            return err_set(err, VALIDATE_E,
                           "Secret of type REFERENCE must have the 'reference' field set");
        }
        if (secret->value != NULL) {
            return err_set(err, VALIDATE_E,
                           "Secret '%s' of type REFERENCE must not have the 'value' field set",
                           secret->reference->name);
        }
        return 0;
    case PB__SECRET__TYPE__VALUE:
        if (secret->value == NULL) {
            return err_set(err, VALIDATE_E, "Secret of type VALUE must have the 'value' field set");
        }
        if (secret->reference != NULL) {
            return err_set(err, VALIDATE_E,
                           "Secret of type VALUE must not have the 'reference' field set");
        }
        return 0;
    default:
        return 0;
    }
}

static int check_secret_variable(const Pb__Environment__Variable *variable, struct err *err)
{
    if (variable->secret == NULL) {
        return err_set(err, VALIDATE_E,
                       "Environment variable '%s' of type 'SECRET' must have a secret set",
                       variable->name);
    }
    if (variable->value != NULL) {
        return err_set(err, VALIDATE_E,
                       "Environment variable '%s' of type 'SECRET' must not have a value set",
                       variable->name);
    }
    if (check_secret(variable->secret, err) != 0) {
        return err_wrap(err, VALIDATE_E, "Environment variable '%s' specifies an invalid secret",
                        variable->name);
    }
    const Pb__Secret__Value *value = variable->secret->value;
    if (value != NULL && value->data.len > 0 &&
        memchr(value->data.data, '\0', value->data.len) != NULL) {
        return err_set(err, VALIDATE_E,
                       "Environment variable '%s' specifies a secret containing null bytes, which "
                       "is not allowed in the environment",
                       variable->name);
    }
    return 0;
}

static int check_variable(const Pb__Environment__Variable *variable, struct err *err)
{
    int type =
        variable->has_type ? (int)variable->type : (int)PB__ENVIRONMENT__VARIABLE__TYPE__VALUE;
    switch (type) {
    case PB__ENVIRONMENT__VARIABLE__TYPE__SECRET:
        return check_secret_variable(variable, err);
    case PB__ENVIRONMENT__VARIABLE__TYPE__VALUE:
        if (variable->value == NULL) {
            return err_set(err, VALIDATE_E,
                           "Environment variable '%s' of type 'VALUE' must have a value set",
                           variable->name);
        }
        if (variable->secret != NULL) {
            return err_set(err, VALIDATE_E,
                           "Environment variable '%s' of type 'VALUE' must not have a secret set",
                           variable->name);
        }
        return 0;
    default:
        return err_set(err, VALIDATE_E, "Environment variable of type 'UNKNOWN' is not allowed");
    }
}

int master_validate_command(const Pb__CommandInfo *command, struct err *err)
{
    for (size_t i = 0; command->environment != NULL && i < command->environment->n_variables; i++) {
        int r = check_variable(command->environment->variables[i], err);
        if (r != 0) {
            return r;
        }
    }
    return 0;
}

/* --- containers --- */

static int check_source(const Pb__Volume__Source *source, struct err *err)
{
    const struct {
        int type;
        bool present;
        const char *missing;
    } kinds[] = {
        {PB__VOLUME__SOURCE__TYPE__DOCKER_VOLUME, source->docker_volume != NULL,
         "'source.docker_volume' is not set for DOCKER_VOLUME volume"},
        {PB__VOLUME__SOURCE__TYPE__HOST_PATH, source->host_path != NULL,
         "'source.host_path' is not set for HOST_PATH volume"},
        {PB__VOLUME__SOURCE__TYPE__SANDBOX_PATH, source->sandbox_path != NULL,
         "'source.sandbox_path' is not set for SANDBOX_PATH volume"},
        {PB__VOLUME__SOURCE__TYPE__SECRET, source->secret != NULL,
         "'source.secret' is not set for SECRET volume"},
        {PB__VOLUME__SOURCE__TYPE__CSI_VOLUME, source->csi_volume != NULL,
         "'source.csi_volume' is not set for CSI volume"},
    };
    int type = source->has_type ? (int)source->type : 0;
    for (size_t i = 0; i < ELEMENTS(kinds); i++) {
        if (kinds[i].type != type) {
            continue;
        }
        if (!kinds[i].present) {
            return err_set(err, VALIDATE_E, "%s", kinds[i].missing);
        }
        if (type == PB__VOLUME__SOURCE__TYPE__CSI_VOLUME &&
            source->csi_volume->static_provisioning == NULL) {
            return err_set(err, VALIDATE_E,
                           "'source.csi_volume.static_provisioning' is not set for CSI volume");
        }
        return 0;
    }
    return err_set(err, VALIDATE_E, "'source.type' is unknown");
}

static int check_volume(const Pb__Volume *volume, struct err *err)
{
    int sources = (volume->host_path != NULL) + (volume->image != NULL) + (volume->source != NULL);
    if (sources != 1) {
        return err_set(err, VALIDATE_E,
                       "Only one of them should be set: 'host_path', 'image' and 'source'");
    }
    return volume->source != NULL ? check_source(volume->source, err) : 0;
}

int master_validate_container(const Pb__ContainerInfo *container, struct err *err)
{
    for (size_t i = 0; i < container->n_volumes; i++) {
        if (check_volume(container->volumes[i], err) != 0) {
            return err_wrap(err, VALIDATE_E, "Invalid volume");
        }
    }
    if (container->type != PB__CONTAINER_INFO__TYPE__DOCKER) {
        return 0;
    }
    if (container->docker == NULL) {
        return err_set(err, VALIDATE_E,
                       "DockerInfo 'docker' is not set for DOCKER typed ContainerInfo");
    }
    /* The agent names containers, and finds them again by that name. */
    for (size_t i = 0; i < container->docker->n_parameters; i++) {
        if (strcmp(container->docker->parameters[i]->key, "name") == 0) {
            return err_set(err, VALIDATE_E, "Parameter in DockerInfo must not be 'name'");
        }
    }
    return 0;
}

/* --- checks --- */

static int check_check_command(const Pb__CommandInfo *command, const char *what, struct err *err)
{
    if (command->value == NULL) {
        bool shell = !command->has_shell || command->shell;
        return err_set(err, VALIDATE_E, "%s must contain %s", what,
                       shell ? "'shell command'" : "'executable path'");
    }
    return master_validate_command(command, err) == 0
               ? 0
               : err_wrap(err, VALIDATE_E, "%s's `CommandInfo` is invalid", what);
}

static int not_negative(bool has, double value, const char *name, struct err *err)
{
    return has && value < 0 ? err_set(err, VALIDATE_E, "Expecting '%s' to be non-negative", name)
                            : 0;
}

static int check_path(const char *path, const char *what, struct err *err)
{
    return path != NULL && path[0] != '/'
               ? err_set(err, VALIDATE_E, "The path '%s' of %s must start with '/'", path, what)
               : 0;
}

static int check_kind(const Pb__CheckInfo *check, struct err *err)
{
    switch (check->has_type ? (int)check->type : -1) {
    case -1:
        return err_set(err, VALIDATE_E, "CheckInfo must specify 'type'");
    case PB__CHECK_INFO__TYPE__COMMAND:
        return check->command != NULL
                   ? check_check_command(check->command->command, "Command check", err)
                   : err_set(err, VALIDATE_E, "Expecting 'command' to be set for COMMAND check");
    case PB__CHECK_INFO__TYPE__HTTP:
        return check->http != NULL
                   ? check_path(check->http->path, "HTTP check", err)
                   : err_set(err, VALIDATE_E, "Expecting 'http' to be set for HTTP check");
    case PB__CHECK_INFO__TYPE__TCP:
        return check->tcp != NULL
                   ? 0
                   : err_set(err, VALIDATE_E, "Expecting 'tcp' to be set for TCP check");
    default:
        return err_set(err, VALIDATE_E, "'UNKNOWN' is not a valid check type");
    }
}

int master_validate_check(const Pb__CheckInfo *check, struct err *err)
{
    int r = check_kind(check, err);
    if (r == 0) {
        r = not_negative(check->has_delay_seconds, check->delay_seconds, "delay_seconds", err);
    }
    if (r == 0) {
        r = not_negative(check->has_interval_seconds, check->interval_seconds, "interval_seconds",
                         err);
    }
    if (r == 0) {
        r = not_negative(check->has_timeout_seconds, check->timeout_seconds, "timeout_seconds",
                         err);
    }
    return r;
}

static int check_http_health(const Pb__HealthCheck__HTTPCheckInfo *http, struct err *err)
{
    if (http == NULL) {
        return err_set(err, VALIDATE_E, "Expecting 'http' to be set for HTTP health check");
    }
    if (http->scheme != NULL && strcmp(http->scheme, "http") != 0 &&
        strcmp(http->scheme, "https") != 0) {
        return err_set(err, VALIDATE_E, "Unsupported HTTP health check scheme: '%s'", http->scheme);
    }
    return check_path(http->path, "HTTP health check", err);
}

static int check_health_kind(const Pb__HealthCheck *check, struct err *err)
{
    switch (check->has_type ? (int)check->type : -1) {
    case -1:
        return err_set(err, VALIDATE_E, "HealthCheck must specify 'type'");
    case PB__HEALTH_CHECK__TYPE__COMMAND:
        return check->command != NULL
                   ? check_check_command(check->command, "Command health check", err)
                   : err_set(err, VALIDATE_E,
                             "Expecting 'command' to be set for COMMAND health check");
    case PB__HEALTH_CHECK__TYPE__HTTP:
        return check_http_health(check->http, err);
    case PB__HEALTH_CHECK__TYPE__TCP:
        return check->tcp != NULL
                   ? 0
                   : err_set(err, VALIDATE_E, "Expecting 'tcp' to be set for TCP health check");
    default:
        return err_set(err, VALIDATE_E, "'UNKNOWN' is not a valid health check type");
    }
}

int master_validate_health_check(const Pb__HealthCheck *check, struct err *err)
{
    int r = check_health_kind(check, err);
    if (r == 0) {
        r = not_negative(check->has_delay_seconds, check->delay_seconds, "delay_seconds", err);
    }
    if (r == 0) {
        r = not_negative(check->has_grace_period_seconds, check->grace_period_seconds,
                         "grace_period_seconds", err);
    }
    if (r == 0) {
        r = not_negative(check->has_interval_seconds, check->interval_seconds, "interval_seconds",
                         err);
    }
    if (r == 0) {
        r = not_negative(check->has_timeout_seconds, check->timeout_seconds, "timeout_seconds",
                         err);
    }
    return r;
}
