tepui_test(registry registry)
