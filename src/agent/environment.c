#include "agent/environment.h"

#include <stdlib.h>
#include <string.h>

#include "common/duration.h"
#include "common/xalloc.h"

static struct container_env *find(const struct container_spec *spec, const char *name)
{
    for (size_t i = 0; i < spec->env_count; i++) {
        if (strcmp(spec->env[i].name, name) == 0) {
            return &spec->env[i];
        }
    }
    return NULL;
}

static void set(struct container_spec *spec, const char *name, char *value)
{
    struct container_env *env = find(spec, name);
    if (env != NULL) {
        free(env->value);
        env->value = value;
        return;
    }
    spec->env = xrealloc(spec->env, spec->env_count + 1, sizeof(spec->env[0]));
    spec->env[spec->env_count++] = (struct container_env){xstrdup(name), value};
}

void environment_set(struct container_spec *spec, const char *name, const char *value)
{
    set(spec, name, xstrdup(value));
}

void environment_set_duration(struct container_spec *spec, const char *name, int64_t ns)
{
    CLEANUP(buf_deinit) struct buf text = BUF_INIT;
    duration_format(ns, &text);
    environment_set(spec, name, buf_text(&text));
}

bool environment_has(const struct container_spec *spec, const char *name)
{
    return find(spec, name) != NULL;
}

void environment_set_all(struct container_spec *spec, const Pb__Environment *environment)
{
    for (size_t i = 0; environment != NULL && i < environment->n_variables; i++) {
        const Pb__Environment__Variable *variable = environment->variables[i];
        const Pb__Secret *secret = variable->secret;
        if (variable->value != NULL) {
            environment_set(spec, variable->name, variable->value);
        } else if (secret != NULL && secret->value != NULL) {
            set(spec, variable->name,
                xstrndup((const char *)secret->value->data.data, secret->value->data.len));
        }
    }
}

void environment_finish(struct container_spec *spec)
{
    if (!environment_has(spec, "PATH")) {
        environment_set(spec, "PATH", ENVIRONMENT_PATH);
    }
}
