tepui_test(store files)
