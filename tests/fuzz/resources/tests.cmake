tepui_fuzz(resources text)
tepui_fuzz(resources pb)
