tepui_test(registry registry)
tepui_test(registry registry_codec LIBS PkgConfig::JANSSON)
tepui_test(registry registry_log)
tepui_test(registry state_operation)
