tepui_fuzz(container plan)
