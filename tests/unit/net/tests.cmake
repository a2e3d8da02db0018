tepui_test(net loop)
tepui_test(net workers)
tepui_test(net server)
