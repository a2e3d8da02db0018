tepui_fuzz(common json_wellformed LIBS PkgConfig::JANSSON)
tepui_fuzz(common text)
