tepui_fuzz(registry registry)
