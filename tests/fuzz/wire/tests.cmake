tepui_fuzz(wire base64)
tepui_fuzz(wire cursor)
tepui_fuzz(wire message LIBS tepui_sample)
tepui_fuzz(wire json LIBS tepui_sample)
