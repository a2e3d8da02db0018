tepui_test(store files)
tepui_test(store files_unsynced)
tepui_test(store file_reader)
tepui_test(store tree_reader)
